"""Every remediation of the catalog, killed at every call that it makes, ends as if it had not been.

The pipeline runs here as the function builds it, with its role's session and environment, without the queue: what is
delivered again is handed to a pipeline of its own, as to a new container.
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from lambdas import findings
from lambdas.controls import catalog
from lambdas.controls.model import Control, Resource
from lambdas.remediation import assembly
from lambdas.remediation.access import Access
from lambdas.remediation.lease_items import LOCK_SECONDS, Lease
from lambdas.remediation.outcome import Outcome, Result
from lambdas.remediation.pipeline import Pipeline
from lambdas.remediation.request import parse
from operations import scenario
from operations.local_estate import HUB
from simulator.door import Entry
from tests.controls.cases import Case
from tests.organization.loop_world import NAMES, PLACE, REGION, TEAM, Loop, deployed

FUNCTION = f"arn:aws:lambda:{REGION}:{HUB}:function:{NAMES.remediate_function}"
IDS = re.compile(r"\b(sg|sgr|vpc|pl)-[0-9a-f]+|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
EVERY = [
    pytest.param(
        control,
        case,
        number,
        id=f"{control.id} {case.name}",
        marks=pytest.mark.xdist_group(f"loop-interrupted-{control.id}"),
    )
    for control in catalog().values()
    for number, case in enumerate(scenario.cases(control))
]
# All calls of a control's thorough case are struck; of the other cases every so manieth, each beginning elsewhere.
STRIDE = 13


@dataclass(frozen=True)
class Ending:
    """How a remediation ended, by everything that must not depend on how often it was begun."""

    outcome: str
    state: str
    changes: int
    messages: int
    reserved: list[int]


class Bench:
    """The hub's function, run by hand against a member whose own detection is quiet."""

    def __init__(self, loop: Loop, monkeypatch: pytest.MonkeyPatch) -> None:
        self.loop, self._monkeypatch = loop, monkeypatch
        self._built: Pipeline | None = None
        self._until = self._now()
        self.hub, self.team = loop.hub, loop.member()
        for mapping in loop.hub.client("lambda").list_event_source_mappings()["EventSourceMappings"]:
            loop.hub.client("lambda").update_event_source_mapping(UUID=mapping["UUID"], Enabled=False)
        self.team.client("config").stop_configuration_recorder(ConfigurationRecorderName="default")
        configuration = loop.hub.client("lambda").get_function_configuration(FunctionName=NAMES.remediate_function)
        for name, value in configuration["Environment"]["Variables"].items():
            monkeypatch.setenv(name, value)

    def _now(self) -> datetime:
        return self.loop.organization.do(self.loop.organization.world.agenda.now)

    def wait(self, duration: timedelta) -> None:
        """Let time pass and nothing else happen: schedules would judge everything that these tests break."""
        clock = self.loop.organization.world.agenda.clock
        self.loop.organization.do(lambda: clock.forward(clock.now() + duration))

    def allow(self, control: Control, case: Case) -> None:
        """Write the team's policy item: this control alone, automatic, with the parameters of the case."""
        document = {
            "environment": "local",
            "account": TEAM,
            "owner_tag": "Owner",
            "modes": {control.id: "automatic"},
            "lifted": [control.id],
            "parameters": {control.id: dict(case.parameters)},
            "exemptions": [],
        }
        self.hub.client("dynamodb").put_item(
            TableName=NAMES.policies_table,
            Item={
                "environment": {"S": "local"},
                "account": {"S": TEAM},
                "schema": {"N": "1"},
                "document": {"S": json.dumps(document)},
            },
        )

    def renew(self) -> None:
        """Renew what ends within the hour, so that its calls are not among those that are counted."""
        if self._built is None or self._now() > self._until:
            self._built, self.hub, self.team = None, self.loop.hub, self.loop.member()
            self._hub_clients()

    def broken(self, control: Control, case: Case) -> tuple[Resource, dict[str, Any]]:
        """Break a resource and import its finding."""
        session = self.team
        resource = control.resource(PLACE, case.broken(session, PLACE))
        settings = control.read(session, resource, None)
        assert settings is not None
        evaluation = control.evaluate(settings, control.resolve(case.parameters, REGION))
        finding = findings.build(control, resource, evaluation, "d", None, self._now())
        hub: Any = session.client("securityhub")
        assert hub.batch_import_findings(Findings=[finding])["FailedFindings"] == []
        return resource, {**finding, "Region": REGION}

    def handle(self, finding: dict[str, Any], run: str) -> Result | None:
        """Deliver a finding to a container that knows nothing of the one before; only clients of the hub are shared."""
        built = self._hub_clients()
        policies = replace(built.policies, _known={}, _environment={})
        access = Access(built.access.names, built.access.sts)
        return replace(built, policies=policies, access=access).handle(finding, run)

    def _hub_clients(self) -> Pipeline:
        """The pipeline as the function builds it."""
        if self._built is not None:
            return self._built
        world = self.loop.organization.world

        def enter() -> Any:
            service = world.as_service("lambda.amazonaws.com", account=HUB)
            role = f"arn:aws:iam::{HUB}:role/{NAMES.remediation_role}"
            parameters = {"RoleArn": role, "RoleSessionName": NAMES.remediate_function}
            return world.call(service, "sts", "AssumeRole", parameters, region=REGION, account=HUB)["Credentials"]

        credentials = self.loop.organization.do(enter)
        with self._monkeypatch.context() as patch:
            patch.setenv("AWS_DEFAULT_REGION", REGION)
            patch.setenv("AWS_ACCESS_KEY_ID", credentials["AccessKeyId"])
            patch.setenv("AWS_SECRET_ACCESS_KEY", credentials["SecretAccessKey"])
            patch.setenv("AWS_SESSION_TOKEN", credentials["SessionToken"])
            self._built = assembly.pipeline_of.__wrapped__(FUNCTION)
        # The session lasts an hour, and each interruption takes a quarter of one.
        self._until = self._now() + timedelta(minutes=25)
        return self._built

    def log(self, start: int) -> list[Entry]:
        """The calls of the function since an entry of the door's log; those of this test are left out."""
        roles = (NAMES.remediation_role, NAMES.reader_role, NAMES.writer_role)
        return [
            entry
            for entry in self.loop.organization.door.log[start:]
            if any(f":assumed-role/{role}/" in entry.principal for role in roles)
        ]

    def ending(self, control: Control, resource: Resource, finding: dict[str, Any], start: int) -> Ending:
        entries = self.loop.ledger_of(parse(finding, "aws").id, self.hub)
        log = [entry for entry in self.log(start) if entry.error is None]
        done = [body["change"] for name, body in entries.items() if "response" in name and "request_id" in body]
        assert len(done) == len(set(done)), f"a change was made twice: {done}"
        outcomes = [body["outcome"] for name, body in entries.items() if name == "outcome" or name.startswith("asked-")]
        settings = control.read(self.team, resource, None)
        return Ending(
            ",".join(outcomes),
            json.dumps(scrubbed(settings, resource.id), sort_keys=True),
            sum(bool(entry.source_identity) and entry.service != "sts" and entry.mutating for entry in log),
            sum(entry.operation == "Publish" for entry in log),
            self._reserved(finding),
        )

    def _reserved(self, finding: dict[str, Any]) -> list[int]:
        """How often the history counts a remediation of the resource."""
        lease = Lease.of(parse(finding, "aws"), "run", None)
        dynamodb = self.hub.client("dynamodb")
        item = dynamodb.get_item(TableName=NAMES.state_table, Key={"key": {"S": lease.case}}).get("Item", {})
        return [int(item.get(name, {"N": "0"})["N"]) > 0 for name in ("first", "second", "third")]

    @contextmanager
    def struck(self, number: int) -> Iterator[None]:
        """End the caller before the call of this number has an effect."""
        door, numbers = self.loop.organization.door, itertools.count()
        handle: Callable[[Any], Any] = door.handle

        def handled(request: Any) -> Any:
            if next(numbers) == number:
                raise SystemExit("killed")  # no Exception: the program must not see its end
            return handle(request)

        door.handle = handled  # type: ignore[method-assign]
        try:
            yield
        finally:
            del door.handle


def scrubbed(value: Any, resource: str) -> Any:
    """Settings without the ids that AWS gives, in an order of their own."""
    if isinstance(value, dict):
        return {key: scrubbed(one, resource) for key, one in value.items()}
    if isinstance(value, list):
        return sorted((scrubbed(one, resource) for one in value), key=lambda one: json.dumps(one, sort_keys=True))
    return IDS.sub("id", value.replace(resource, "id")) if isinstance(value, str) else value


@pytest.fixture(scope="module")
def bench() -> Iterator[Bench]:
    limits = {"changesPerControlAccountHour": 1000, "changesPerAccountHour": 1000, "changesPerOrganizationHour": 10_000, "failuresBeforeBreak": 100}
    with deployed(limits=limits) as loop, pytest.MonkeyPatch.context() as monkeypatch:
        yield Bench(loop, monkeypatch)


def _thorough(control: Control) -> Case:
    offered: list[Case] = scenario.cases(control)
    return next((one for one in offered if one.thorough), offered[0])


@pytest.mark.parametrize(("control", "case", "number"), EVERY)
def test_a_remediation_that_is_killed_at_any_call_ends_as_one_that_is_not(
    bench: Bench, control: Control, case: Case, number: int
) -> None:
    bench.renew()
    bench.allow(control, case)
    resource, finding = bench.broken(control, case)
    start = len(bench.loop.organization.door.log)
    assert bench.handle(finding, "whole") is not None
    calls = [f"{entry.service}:{entry.operation}" for entry in bench.log(start)]
    expected = bench.ending(control, resource, finding, start)
    assert expected.outcome in {Outcome.REMEDIATED, Outcome.AWAITING_APPROVAL}
    # To be killed after a call is to be killed before the next.
    first, stride = (0, 1) if case is _thorough(control) else (number % STRIDE, STRIDE)
    for place in range(first, len(calls), stride):
        bench.renew()
        resource, finding = bench.broken(control, case)
        start = len(bench.loop.organization.door.log)
        with bench.struck(place), pytest.raises(SystemExit):
            bench.handle(finding, "first")
        bench.wait(timedelta(seconds=LOCK_SECONDS + 1))
        result = bench.handle(finding, "second")
        assert result is not None
        ended = bench.ending(control, resource, finding, start)
        # A message that was sent just before the end is sent again: no queue and no topic can do better.
        wanted = replace(expected, messages=expected.messages + ("sns:Publish" in calls[:place]))
        if "No longer needed" in result.reason:
            # Part of the plan was enough; the next run reads the live resource and makes no more than it needs.
            assert ended.changes < wanted.changes
            wanted = replace(wanted, state=ended.state, changes=ended.changes)
        assert ended == wanted, f"killed before {calls[place]}, call {place + 1} of {len(calls)}"
        assert bench.handle(finding, "third") is None
