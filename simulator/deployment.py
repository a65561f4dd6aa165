"""Runs the real program in this process: its resources are provisioned in a local organisation, or registered only.

The engine's part is played by a monitor on Pulumi's own mock interface: the program and the SDK are
untouched. What the engine does beyond that (state, diffs, previews) is not shown here.
"""

from __future__ import annotations

import asyncio
import contextvars
import gc
import runpy
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError
from pulumi.runtime import rpc
from pulumi.runtime.config import set_all_config
from pulumi.runtime.mocks import MockEngine, MockMonitor, MockResourceArgs, Mocks, MockSettings
from pulumi.runtime.settings import configure
from pulumi.runtime.stack import run_in_stack

from simulator.provisioners import registry
from simulator.provisioners.entrance import NOBODY, Entered, Entrance, EntranceError, target
from simulator.provisioners.model import Made
from simulator.world import partition_of

if TYPE_CHECKING:
    from simulator.local import LocalOrganization

ROOT = Path(__file__).resolve().parent.parent
PROJECT = "palisade"
PROVIDER = "pulumi:providers:aws"
SECRET = "4dabf18193072939515e22adb298388d"  # noqa: S105 - the wire's marker of a secret, not one
STACK_TYPE = "pulumi:pulumi:Stack"
# How a program reads a stack's state, its own too. Source: Pulumi, pkg/resource/deploy/builtins.go.
READ_STATE = "pulumi:pulumi:readStackResourceOutputs"


class DeploymentError(Exception):
    """The program or one of its resources failed; names the resource and AWS's reason."""


@dataclass(frozen=True, slots=True)
class Resource:
    """One resource as it was registered, and made where it was provisioned."""

    urn: str
    token: str
    name: str
    account: str
    region: str
    id: str
    inputs: Mapping[str, Any]
    protect: bool
    retain: bool
    dependencies: tuple[str, ...]


@dataclass(slots=True)
class Deployment:
    """What a run of the program did; `urns` are of all that it registered, components and providers with it."""

    resources: list[Resource] = field(default_factory=list)
    urns: list[str] = field(default_factory=list)
    outputs: dict[str, Any] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)


def deploy(
    organization: LocalOrganization,
    stack: str,
    config: Mapping[str, str],
    pipeline: tuple[str, str],
    *,
    program: Path | None = None,
    previous: Deployment | None = None,
) -> Deployment:
    """Run the program as the pipeline and provision what it registers; raises DeploymentError.

    `pipeline` is the account and the ARN of the role that runs `pulumi up`; structured values of `config` are JSON.
    `previous` is the stack's run before, where the program is to find it in the state.
    """
    entrance = Entrance.of_pipeline(organization, pipeline)
    return _run(Provisioning(entrance), stack, config, program, previous)


def register(
    stack: str,
    config: Mapping[str, str],
    answers: Mapping[str, Callable[[Mapping[str, Any]], Mapping[str, Any]]],
    *,
    program: Path | None = None,
    previous: Deployment | None = None,
) -> Deployment:
    """Run the program and register its resources without provisioning; `answers` serve its data sources."""
    return _run(Registering(answers), stack, config, program, previous)


class _Cloud(Mocks):
    """What answers for the providers: remembers each, and which account it enters."""

    def __init__(self) -> None:
        self.providers: dict[str, Entered] = {}
        self.state: Sequence[str] = ()

    def new_resource(self, args: MockResourceArgs) -> tuple[str | None, dict[str, Any]]:
        """Make a resource, or note a provider."""
        inputs = _plain(args.inputs)
        if args.typ == PROVIDER:
            self.providers[args.name] = self._enter(args.name, inputs)
            return args.name, {}
        if not args.custom:
            return "", {}
        entered, region = self._place(args.typ, args.provider or "", inputs)
        made = self._make(args, entered, region, inputs)
        return made.id, {**inputs, **made.outputs}

    def call(self, args: Any) -> tuple[dict[str, Any], list[tuple[str, str]] | None]:
        """Answer a data source. The stack of a deployment in process is new each time: it has no outputs yet."""
        if args.token.endswith(":readStackOutputs"):
            return {"outputs": {}}, []
        arguments = _plain(args.args)
        if args.token == READ_STATE:
            return {"name": arguments["stackName"], "outputs": {urn: {"outputs": {}} for urn in self.state}}, []
        entered, region = self._place(args.token, args.provider or "", arguments)
        try:
            return dict(self._ask(args.token, entered, region, arguments)), []
        except ClientError as error:
            return {}, [(args.token, str(error))]  # an answer too: the program may say what follows from it

    def place(self, provider: str, inputs: Mapping[str, Any]) -> tuple[str, str]:
        """The account and Region of a resource."""
        entered, region = self._place("", provider, inputs)
        return entered.account, region

    def _place(self, token: str, reference: str, inputs: Mapping[str, Any]) -> tuple[Entered, str]:
        """Find the provider by its reference, `urn::id`; the default provider is disabled in Pulumi.yaml."""
        name = reference.split("::")[-2] if reference.count("::") > 1 else ""
        entered = self.providers.get(name)
        if entered is None:
            raise DeploymentError(f"{token} has no explicit provider; the default provider for 'aws' is disabled")
        return entered, str(inputs.get("region") or entered.region)

    def _enter(self, name: str, inputs: Mapping[str, Any]) -> Entered:
        raise NotImplementedError

    def _make(self, args: MockResourceArgs, entered: Entered, region: str, inputs: Mapping[str, Any]) -> Made:
        raise NotImplementedError

    def _ask(self, token: str, entered: Entered, region: str, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        raise NotImplementedError


class Provisioning(_Cloud):
    """Makes every resource by API calls, with the credentials that its provider entered by."""

    def __init__(self, entrance: Entrance) -> None:
        super().__init__()
        self._entrance = entrance

    def _enter(self, name: str, inputs: Mapping[str, Any]) -> Entered:
        try:
            return self._entrance.enter(name, inputs)
        except EntranceError as error:
            raise DeploymentError(str(error)) from error

    def _make(self, args: MockResourceArgs, entered: Entered, region: str, inputs: Mapping[str, Any]) -> Made:
        try:
            with self._entrance.site(entered, region) as site:
                return registry.create(args.typ, site, inputs)
        except ClientError as error:
            raise DeploymentError(f"in {entered.account} {region}: {error}") from error

    def _ask(self, token: str, entered: Entered, region: str, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        with self._entrance.site(entered, region) as site:
            return registry.invoke(token, site, arguments)


class Registering(_Cloud):
    """Registers without making: ids are names, and an ARN says where the resource would be."""

    def __init__(self, answers: Mapping[str, Callable[[Mapping[str, Any]], Mapping[str, Any]]]) -> None:
        super().__init__()
        self._answers = answers

    def _enter(self, name: str, inputs: Mapping[str, Any]) -> Entered:
        account, _ = target(name, inputs)
        return Entered(account, inputs["region"], NOBODY)

    def _make(self, args: MockResourceArgs, entered: Entered, region: str, inputs: Mapping[str, Any]) -> Made:
        service = args.typ.split(":")[1].split("/")[0]
        name = str(inputs.get("name") or inputs.get("bucket") or args.name)
        arn = f"arn:{partition_of(region)}:{service}:{region}:{entered.account}:{name}"
        return Made(args.name, {"arn": arn, "name": name, "keyId": name, "url": f"https://{name}"})

    def _ask(self, token: str, entered: Entered, region: str, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        return self._answers[token](arguments)


class _Monitor(MockMonitor):
    """The mock monitor, with the engine's URNs, its refusal of duplicates, and the raw requests kept."""

    def __init__(self, cloud: _Cloud, deployment: Deployment) -> None:
        super().__init__(cloud)
        self._cloud = cloud
        self._deployment = deployment
        self._urns: set[str] = set()

    def make_urn(self, parent: str, type_: str, name: str) -> str:
        """Chain the types of all parents but the stack, as the engine does."""
        above = parent.split("::")[2] if parent else ""
        if above not in ("", STACK_TYPE):
            type_ = f"{above}${type_}"
        return "::".join(("urn:pulumi:" + self._stack, PROJECT, type_, name))

    def RegisterResource(self, request: Any) -> Any:
        """Register one resource, and keep what the mocks do not see."""
        urn = self.make_urn(request.parent, request.type, request.name)
        if urn in self._urns:
            raise DeploymentError(f"duplicate resource URN {urn}")
        self._urns.add(urn)
        self._deployment.urns.append(urn)
        try:
            response: Any = super().RegisterResource(request)  # type: ignore[no-untyped-call]
        except DeploymentError as error:
            raise DeploymentError(f"{urn}: {error}") from error
        if request.custom and request.type != PROVIDER:
            inputs = self.resources[urn].state
            account, region = self._cloud.place(request.provider, inputs)
            self._deployment.resources.append(
                Resource(
                    urn=urn,
                    token=request.type,
                    name=request.name,
                    account=account,
                    region=region,
                    id=response.id,
                    inputs=inputs,
                    protect=request.protect,
                    retain=request.retainOnDelete,
                    dependencies=tuple(request.dependencies),
                )
            )
        return response

    def RegisterResourceOutputs(self, request: Any) -> Any:
        """Keep the stack's outputs."""
        if f"::{STACK_TYPE}::" in request.urn:
            self._deployment.outputs.update(_plain(rpc.deserialize_properties(request.outputs)))
        return super().RegisterResourceOutputs(request)  # type: ignore[no-untyped-call]

    _stack = "local"


class _Warnings:
    """Takes the program's log messages, as the engine would show them."""

    def __init__(self, deployment: Deployment) -> None:
        self._deployment = deployment

    def debug(self, message: str) -> None:
        """Nobody reads these here."""

    def info(self, message: str) -> None:
        """Nobody reads these here."""

    def warning(self, message: str) -> None:
        """Keep a warning."""
        self._deployment.warnings.append(message)

    error = warn = warning


def _run(
    cloud: _Cloud, stack: str, config: Mapping[str, str], program: Path | None, previous: Deployment | None = None
) -> Deployment:
    """Run the program in a thread of its own: Pulumi's settings are context variables, so nothing of them stays."""
    deployment = Deployment()
    cloud.state = previous.urns if previous else ()
    monitor = _Monitor(cloud, deployment)
    monitor._stack = stack
    failure: list[BaseException] = []

    def work() -> None:
        try:
            asyncio.run(main())
        except BaseException as error:
            failure.append(error)

    async def main() -> None:
        # One worker: the program's calls are made one after the other, in an order that is always the same.
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(max_workers=1))
        configure(
            MockSettings(  # type: ignore[no-untyped-call]
                monitor=monitor,
                engine=MockEngine(_Warnings(deployment)),  # type: ignore[arg-type]
                project=PROJECT,
                stack=stack,
                dry_run=False,
                organization="organization",
                callbacks=None,
            )
        )
        set_all_config({f"{PROJECT}:{key}": value for key, value in config.items()})
        await run_in_stack(lambda: _execute(program or ROOT / "__main__.py"))

    thread = threading.Thread(target=contextvars.Context().run, args=(work,), name="program")
    collector = gc.get_threshold()
    thread.start()
    thread.join()
    gc.set_threshold(*collector)  # the program sets its process's own
    if failure:
        error = failure[0]
        if isinstance(error, DeploymentError):
            raise error
        raise DeploymentError(f"{type(error).__name__}: {error}") from error
    return deployment


def _execute(program: Path) -> None:
    """Run the program's file as Pulumi's language host does: its folder leads the path."""
    sys.path.insert(0, str(program.parent))
    try:
        runpy.run_path(str(program), run_name="__main__")
    finally:
        sys.path.remove(str(program.parent))


def _plain(value: Any) -> Any:
    """Unwrap secrets, which arrive as marked objects."""
    if isinstance(value, Mapping):
        if SECRET in value:
            return _plain(value["value"])
        return {key: _plain(one) for key, one in value.items()}
    if isinstance(value, float) and value.is_integer():
        return int(value)  # the wire has only one kind of number
    return [_plain(one) for one in value] if isinstance(value, list) else value
