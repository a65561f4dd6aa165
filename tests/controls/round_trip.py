"""One remediation from end to end against the local organisation: read, evaluate, plan, apply, undo."""

from __future__ import annotations

import copy
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from weakref import WeakKeyDictionary

import jmespath
from boto3 import Session
from botocore.exceptions import ClientError

from lambdas.controls.model import Ago, Change, Control, Evaluation, Place, Plan, Probe, Ref, Refusal, Resource, Token
from simulator.founding import OrganizationPlan, PlannedAccount
from simulator.local import LocalOrganization

MANAGEMENT = "100000000001"
HUB = "200000000002"
MEMBER = "300000000001"
REGION = "eu-central-1"
PLACE = Place("aws", MEMBER, REGION)
Passes = Callable[[timedelta], None]
Entering = Callable[[], Session]
CLIENTS: WeakKeyDictionary[Session, dict[str, Any]] = WeakKeyDictionary()


@contextmanager
def member_account() -> Iterator[Session]:
    """Open an organisation with one member account; yields its administrator's session at `PLACE`."""
    with member_organization() as organization:
        yield organization.session(MEMBER, REGION)


@contextmanager
def member_organization() -> Iterator[LocalOrganization]:
    """Open an organisation with one member account, for tests in which time passes."""
    accounts = (
        PlannedAccount(HUB, "security", kind="hub", unit=("Security",)),
        PlannedAccount(MEMBER, "team", unit=("Workloads",)),
    )
    plan = OrganizationPlan(management=MANAGEMENT, hub=HUB, accounts=accounts)
    with LocalOrganization(plan, home_region=REGION, regions=(REGION,)) as organization:
        yield organization


def judged(
    session: Session, control: Control, resource: Resource, given: Mapping[str, Any] | None = None
) -> Evaluation:
    """Read a resource that is there and evaluate it."""
    settings = control.read(session, resource, None)
    assert settings is not None, f"{resource.arn} is not there"
    return control.evaluate(settings, control.resolve(given or {}, resource.region))


def planned(
    session: Session, control: Control, resource: Resource, given: Mapping[str, Any] | None = None
) -> Plan | Refusal:
    """Plan as the pipeline does; the functions of a control must leave what they are given as it was."""
    parameters = control.resolve(given or {}, resource.region)
    settings = control.read(session, resource, None)
    assert settings is not None, f"{resource.arn} is not there"
    facts = control.inspect(session, resource, settings, parameters) if control.inspect else {}
    before = copy.deepcopy((settings, parameters, facts))
    control.evaluate(settings, parameters)
    plan = control.plan(resource, settings, parameters, facts)
    assert (settings, parameters, facts) == before, f"{control.id} alters what it is given"
    return plan


@dataclass
class Application:
    """What came of the changes of a plan: responses by the name of the change, and what was done already."""

    done: list[Change] = field(default_factory=list)
    responses: dict[str, Any] = field(default_factory=dict)
    settled: dict[str, str] = field(default_factory=dict)


def apply_plan(
    session: Session | Entering, plan: Plan | Refusal, only: int | None = None, passes: Passes | None = None
) -> Application:
    """Make the changes of a plan by boto3, or only the first of them as if the run had been killed then.

    With `passes`, which lets time pass, each change is waited for; a session that would end meanwhile is entered anew.
    """
    assert isinstance(plan, Plan), plan
    application = Application()
    for change in plan.changes[:only]:
        _make(session, change, application, passes)
    return application


def undo(session: Session | Entering, application: Application, passes: Passes | None = None) -> None:
    """Make the inverses of what was done, last first."""
    for change in reversed(application.done):
        if change.name in application.settled:
            continue
        assert change.inverse is not None, f"{change.name} has no inverse: {change.irreversible}"
        _make(session, change.inverse, Application(responses=application.responses), passes)


def await_effect(change: Change, ask: Callable[[Probe], Any], passes: Passes) -> None:
    """Let time pass until a change has taken, as the steps of a long plan do."""
    effect = change.effect
    if effect is None:
        return
    waited = 0
    while (value := ask(effect)) not in effect.expected:
        assert value not in effect.failed, f"{change.name} failed: {effect.path} is {value}"
        assert waited <= effect.timeout, f"{change.name} has not taken: {effect.path} is {value}"
        passes(timedelta(seconds=effect.interval))
        waited += effect.interval


def probed(session: Session, effect: Probe, responses: Mapping[str, Any]) -> Any:
    """What an effect shows now."""
    client = _client(session, effect.service)
    return jmespath.search(effect.path, getattr(client, effect.operation)(**_resolved(effect.parameters, responses)))


def _make(given: Session | Entering, change: Change, application: Application, passes: Passes | None) -> None:
    session = given if isinstance(given, Session) else given()
    client = _client(session, change.service)
    parameters = _resolved(change.parameters, application.responses, repr(change))
    try:
        response = getattr(client, change.operation)(**parameters)
    except ClientError as error:
        code = error.response["Error"]["Code"]
        if code not in change.settled:
            raise
        application.settled[change.name] = code
        response = {}
    application.done.append(change)
    application.responses[change.name] = response
    if passes is not None:

        def ask(effect: Probe) -> Any:
            return probed(given if isinstance(given, Session) else given(), effect, application.responses)

        await_effect(change, ask, passes)


def _client(session: Session, service: str) -> Any:
    """The client of a service; a session's is made once, for probes ask often."""
    kept = CLIENTS.setdefault(session, {})
    if service not in kept:
        kept[service] = session.client(service)  # type: ignore[call-overload]
    return kept[service]


def _resolved(value: Any, responses: Mapping[str, Any], remediation: str = "") -> Any:
    if isinstance(value, Ref):
        found = jmespath.search(value.path, responses[value.change])
        assert found, f"{value.change} has brought no {value.path}"
        return found
    if isinstance(value, Ago):
        return datetime.now(UTC) - timedelta(seconds=value.seconds)
    if isinstance(value, Token):
        # One remediation for each change: made again, it has the same token.
        return str(uuid.uuid5(uuid.NAMESPACE_URL, f"{remediation}/{value.change}"))
    if isinstance(value, Mapping):
        return {key: _resolved(item, responses, remediation) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_resolved(item, responses, remediation) for item in value]
    return value
