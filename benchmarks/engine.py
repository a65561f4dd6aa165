"""The real engine over a local organisation, beside the same program against a provider that does nothing.

`python -m benchmarks.engine` measures both, each in a process of its own so that memory is its own, and exits with 1
where a ratio is above its bound; `--side` measures one of them in this process.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any, ClassVar
from unittest.mock import patch

import grpc
from google.protobuf.empty_pb2 import Empty
from pulumi.runtime.proto import provider_pb2 as messages

from benchmarks.measure import BenchmarkError, Child, Figure, alternate, run
from operations import local_estate
from operations.engine import Engine, EngineMissingError, Result, Stack, Workspace
from simulator.engine import wire
from simulator.engine.provider import StandInProvider
from simulator.engine.server import ProviderServer
from simulator.lambda_runner import Outcome, Runner
from simulator.local import LocalOrganization
from simulator.provisioners import registry
from simulator.provisioners.model import Site
from simulator.services import lambda_invocations

ACCOUNTS = 30
REGIONS = "eu-west-1,us-east-1"
# Of the seconds of the provider that does nothing: the whole run, and what is no destroy (docs/decisions/0008).
BOUND = 1.5
# Members archive their findings before they go, which no provider does: told beside are the seconds without these runs.
FAREWELL = "members destroy"
PHASES = ("members up", "members no change", FAREWELL)
SIDES: tuple[str, ...] = ("real", "nothing")


class NothingDone(StandInProvider):
    """Answers at once: every resource is as it was asked for. Data sources alone are the organisation's."""

    organization: ClassVar[LocalOrganization]

    def Configure(self, request: Any, context: grpc.ServicerContext) -> messages.ConfigureResponse:
        """Enter nothing: there are no roles."""
        return messages.ConfigureResponse(supportsPreview=True)

    def Invoke(self, request: Any, context: grpc.ServicerContext) -> messages.InvokeResponse:
        """Answer data sources of the organization as its administrator; whatever else is asked for is there."""
        arguments = wire.read(request.args)
        if not request.tok.startswith("aws:organizations/"):
            return messages.InvokeResponse(**{"return": wire.write({"id": "found", "arn": "arn", **arguments})})
        world = self.organization.world
        session: Any = self.organization.session(world.management)
        site = Site(world.management, world.home_region, world.partition, session.client)
        return messages.InvokeResponse(**{"return": wire.write(registry.invoke(request.tok, site, arguments))})

    def Check(self, request: Any, context: grpc.ServicerContext) -> messages.CheckResponse:
        """Find everything right."""
        return messages.CheckResponse(inputs=request.news)

    def Create(self, request: Any, context: grpc.ServicerContext) -> messages.CreateResponse:
        """Call a resource by its name, with an ARN that is one."""
        name = request.urn.split("::")[-1]
        inputs = wire.read(request.properties)
        arn = (
            f"arn:{self.organization.world.partition}:x:{self.organization.world.home_region}:{local_estate.HUB}:{name}"
        )
        outputs = {"arn": arn, "name": name, "keyId": name, "url": f"https://{name}"}
        identifier = "" if request.preview else name
        return messages.CreateResponse(id=identifier, properties=wire.write({**outputs, **inputs}))

    def Delete(self, request: Any, context: grpc.ServicerContext) -> Empty:
        """Let a resource go."""
        return Empty()


class NothingServer(ProviderServer):
    """Serves the provider that does nothing."""

    provider = NothingDone

    def __init__(self, organization: LocalOrganization, pipeline: tuple[str, str]) -> None:
        NothingDone.organization = organization
        super().__init__(organization, pipeline)


class _TimedRunner(Runner):
    """Runs functions as the organisation does, and knows how many seconds that took: one runs at a time."""

    seconds: ClassVar[float] = 0.0

    def run(self, *given: Any) -> Outcome:
        """Run a function."""
        start = time.perf_counter()
        try:
            return super().run(*given)
        finally:
            _TimedRunner.seconds += time.perf_counter() - start


@contextmanager
def _organization(accounts: int, regions: tuple[str, ...]) -> Iterator[LocalOrganization]:
    plan = local_estate.plan_of(accounts)
    with (
        patch.object(lambda_invocations, "Runner", _TimedRunner),
        LocalOrganization(plan, home_region=regions[0], regions=regions) as organization,
    ):
        local_estate.prepare(organization)
        organization.settled()
        yield organization


class _Children:
    """The memory of the engine, its language host and the program, at its highest."""

    def __init__(self) -> None:
        self.highest = 0
        self._ended = threading.Event()
        threading.Thread(target=self._watch, daemon=True).start()

    def end(self) -> int:
        """Stop looking; returns megabytes."""
        self._ended.set()
        return self.highest // 1024

    def _watch(self) -> None:
        while not self._ended.wait(0.5):
            self.highest = max(self.highest, sum(self._resident(child) for child in self._below(os.getpid())))

    def _below(self, process: int) -> Iterator[int]:
        for task in Path(f"/proc/{process}/task").iterdir():
            try:
                children = (task / "children").read_text().split()
            except OSError:
                continue  # it has ended
            for child in children:
                yield int(child)
                yield from self._below(int(child))

    def _resident(self, process: int) -> int:
        try:
            lines = Path(f"/proc/{process}/status").read_text().splitlines()
        except OSError:
            return 0
        return sum(int(line.split()[1]) for line in lines if line.startswith("VmRSS"))


def _timed(name: str, work: Callable[[], Result], told: dict[str, Any]) -> None:
    children = _Children()
    start, used = os.times().elapsed, resource.getrusage(resource.RUSAGE_SELF).ru_utime
    functions = _TimedRunner.seconds
    result = work()
    told[name] = {
        "seconds": round(os.times().elapsed - start, 1),
        "of_functions": round(_TimedRunner.seconds - functions, 2),
        "of_this_process": round(resource.getrusage(resource.RUSAGE_SELF).ru_utime - used, 1),
        "engine_mb": children.end(),
        "changes": dict(result.counts),
    }
    print(name, json.dumps(told[name]), file=sys.stderr, flush=True)


def _run(organization: LocalOrganization, server: type[ProviderServer]) -> Mapping[str, Any]:
    """Deploy hub and members as two stacks; the members are what grows."""
    told: dict[str, Any] = {}
    pipeline = (local_estate.HUB, local_estate.pipeline_role(organization))
    config = local_estate.stack_config(organization)
    with tempfile.TemporaryDirectory() as folder, server(organization, pipeline) as served:
        workspace = Workspace.make(Engine.find(), Path(folder), served.port, checkpoints=False)

        def stack(name: str, *layers: str) -> Stack:
            return workspace.stack(name, {**config, "layers": list(layers)})

        _timed("security up", stack("security", "organization", "hub").up, told)
        members = stack("members", "members")
        _timed("members up", members.up, told)
        _timed("members no change", lambda: members.preview("--expect-no-changes"), told)
        _timed(FAREWELL, members.destroy, told)
    told["organization_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    return told


def compare(real: Sequence[Child], nothing: Sequence[Child]) -> dict[str, Figure]:
    """Figures of rounds of both sides; raises BenchmarkError where they did not do the same to as many resources."""
    whole = median(_seconds(one) / _seconds(other) for one, other in zip(real, nothing, strict=True))
    found = {"engine_ratio": Figure(round(whole, 2), "ratio", BOUND)}
    for phase in PHASES:
        pairs = [(one.said[phase], other.said[phase]) for one, other in zip(real, nothing, strict=True)]
        if strange := [
            (one["changes"], other["changes"]) for one, other in pairs if one["changes"] != other["changes"]
        ]:
            raise BenchmarkError(f"{phase}: the two sides did not do the same: {strange}")
        name = f"engine_{phase.removeprefix('members ').replace(' ', '_')}"
        ratio = median(one["seconds"] / other["seconds"] for one, other in pairs)
        found[f"{name}_ratio"] = Figure(round(ratio, 2), "ratio", None if phase == FAREWELL else BOUND)
        if phase == FAREWELL:
            rest = median((one["seconds"] - one["of_functions"]) / other["seconds"] for one, other in pairs)
            found[f"{name}_ratio_without_functions"] = Figure(round(rest, 2), "ratio")
        found[f"{name}_seconds"] = Figure(round(median(one["seconds"] for one, _ in pairs), 1), "s")
        found[f"{name}_processor_seconds"] = Figure(round(median(one["of_this_process"] for one, _ in pairs), 1), "s")
    highest = [max(child.said[phase]["engine_mb"] for phase in PHASES) for child in real]
    found["engine_memory"] = Figure(round(median(highest)), "MB")
    found["engine_organization_memory"] = Figure(round(median(one.said["organization_mb"] for one in real)), "MB")
    return found


def _seconds(side: Child) -> float:
    return float(sum(side.said[phase]["seconds"] for phase in PHASES))


def figures(accounts: int = ACCOUNTS, regions: str = REGIONS, rounds: int = 1) -> dict[str, Figure]:
    """Measure both sides in turn; nothing is measured where there is no engine, and that is said."""
    try:
        Engine.find()
    except EngineMissingError as error:
        print(f"the engine is not measured: {error}", file=sys.stderr)
        return {}
    given = ["--accounts", str(accounts), "--regions", regions]

    def measured(side: str) -> Callable[[], Child]:
        return lambda: run([sys.executable, "-m", "benchmarks.engine", "--side", side, *given])

    return compare(*alternate(rounds, *(measured(side) for side in SIDES)))


def main() -> int:
    """Measure one side, or both beside each other; 1 where a bound is missed, or where there is no engine."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--accounts", type=int, default=ACCOUNTS)
    parser.add_argument("--regions", default=REGIONS)
    parser.add_argument("--rounds", type=int, default=1, help="of both sides in turn; the median counts")
    parser.add_argument("--side", choices=SIDES, help="measure one in this process; the last line is JSON")
    given = parser.parse_args()
    if given.side:
        with _organization(given.accounts, tuple(given.regions.split(","))) as organization:
            print(json.dumps(_run(organization, ProviderServer if given.side == "real" else NothingServer)))
        return 0
    found = figures(given.accounts, given.regions, given.rounds)
    for name, figure in found.items():
        bound = "" if figure.bound is None else f"  at most {figure.bound:g}: {'missed' if figure.missed else 'ok'}"
        print(f"{name:36} {figure.value:8g} {figure.unit}{bound}")
    return 1 if not found or any(figure.missed for figure in found.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
