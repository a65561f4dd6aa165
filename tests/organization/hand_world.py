"""The hub's functions run by hand, call by call, against a member whose own detection is quiet.

The pipeline runs here as the function builds it, with its role's session and environment, without queue, schedules
and state machine: what is delivered again is handed to a pipeline of its own, as to a new container.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import boto3
import pytest

from lambdas import approve, findings, sweep
from lambdas.controls import catalog
from lambdas.controls.model import READ_AT, Control, ProductFindings, Resource
from lambdas.remediation import assembly
from lambdas.remediation.access import Access
from lambdas.remediation.case import Case as Standing
from lambdas.remediation.case import case_key, key_of
from lambdas.remediation.endpoint import Asked, Endpoint, RequestError
from lambdas.remediation.lease_items import LOCK_SECONDS
from lambdas.remediation.long_plans import PLAN
from lambdas.remediation.outcome import Outcome, Result
from lambdas.remediation.people import answered, resume
from lambdas.remediation.pipeline import Pipeline
from lambdas.remediation.request import parse
from lambdas.remediation.steps import advance
from lambdas.remediation.storms import Storms
from lambdas.remediation.sweep import Sweep
from operations import scenario
from operations.local_estate import HUB
from simulator.door import Entry
from tests.controls.cases import Case, settled
from tests.organization.copies import Copies
from tests.organization.loop_world import NAMES, PLACE, REGION, TEAM, Loop, deployed
from tests.organization.product_world import ARRIVAL, SEEN, of_product
from tests.organization.scrubbing import scrubbed

APPROVER = f"arn:aws:iam::{HUB}:user/alice"
# Services have done what they were asked for within this time.
SETTLED = timedelta(minutes=5)
# The account's one state machine stands still: the steps of long plans are made by hand.
STILL = {"StartAt": "Wait", "States": {"Wait": {"Type": "Wait", "Seconds": 99_999_999, "End": True}}}


@dataclass(frozen=True)
class Ending:
    """How a remediation ended, by everything that must not depend on how often it was begun."""

    outcome: str
    state: str
    changes: int
    messages: int
    reserved: list[int]


class Bench:
    """The hub's functions, and what a test looks at."""

    def __init__(self, loop: Loop, monkeypatch: pytest.MonkeyPatch) -> None:
        self.loop, self._monkeypatch = loop, monkeypatch
        self._built: Pipeline | None = None
        self._endpoint: Endpoint | None = None
        self._waiting = False
        self._until, self._renewals = self._now(), set[int]()
        self.copies = Copies(loop.organization, lambda: self._waiting)
        functions = loop.hub.client("lambda")
        for mapping in functions.list_event_source_mappings()["EventSourceMappings"]:
            functions.update_event_source_mapping(UUID=mapping["UUID"], Enabled=False)
        for session in (self.hub, self.team):
            events = session.client("events")
            for rule in events.list_rules()["Rules"]:
                events.disable_rule(Name=rule["Name"])
        self.team.client("config").stop_configuration_recorder(ConfigurationRecorderName="default")
        machine = f"arn:aws:states:{REGION}:{HUB}:stateMachine:{NAMES.advance_machine}"
        loop.hub.client("stepfunctions").update_state_machine(stateMachineArn=machine, definition=json.dumps(STILL))
        configuration = functions.get_function_configuration(FunctionName=NAMES.remediate_function)
        for name, value in configuration["Environment"]["Variables"].items():
            monkeypatch.setenv(name, value)

    @property
    def hub(self) -> boto3.Session:
        """The hub's administrator."""
        return self.loop.hub

    @property
    def team(self) -> boto3.Session:
        """The team's administrator."""
        return self.loop.member()

    def _now(self) -> datetime:
        return self.loop.organization.do(self.loop.organization.world.agenda.now)

    def wait(self, duration: timedelta) -> None:
        """Let time pass, and what a member's own services do in it."""
        self._waiting = True
        self.loop.organization.advance(duration)
        self._waiting = False

    def allow(self, control: Control, case: Case, mode: str = "automatic") -> None:
        """Write the team's policy item: this control alone, in a mode, with the parameters of the case."""
        document = {
            "environment": "local",
            "account": TEAM,
            "owner_tag": "Owner",
            "modes": {control.id: mode},
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
            self._waiting, start = True, self.mark()
            self._built, self._endpoint = None, None
            self._hub_clients()
            self._renewals.update(range(start, self.mark()))
            self._waiting = False

    def broken(self, control: Control, case: Case) -> tuple[Resource, dict[str, Any]]:
        """Break a resource and import its finding; what an account has once is broken again, and nothing remembers."""
        made = case.broken(self.team, PLACE)
        resource = control.resource(PLACE, settled(case, self.loop.member, PLACE, made, self.wait))
        if case.neighbour is None:
            key = case_key(control.id, TEAM, REGION, resource.arn)
            self.loop.hub.client("dynamodb").delete_item(TableName=NAMES.state_table, Key={"key": {"S": key}})
            # The finding is the same one, later.
            self.wait(timedelta(seconds=1))
        return resource, self.reported(control, case, resource)

    def reported(self, control: Control, case: Case, resource: Resource) -> dict[str, Any]:
        """Import the finding of a resource as it is now; another product's comes by itself."""
        if isinstance(control.detection, ProductFindings):
            self.wait(ARRIVAL)
            return next(of_product(self.hub, control, resource))
        settings = control.read(self.team, resource, None)
        assert settings is not None
        evaluation = control.evaluate(settings, control.resolve(case.parameters, REGION))
        finding = findings.build(control, resource, evaluation, "d", None, self._now())
        hub: Any = self.team.client("securityhub")
        assert hub.batch_import_findings(Findings=[finding])["FailedFindings"] == []
        return {**finding, "Region": REGION}

    def pipeline(self) -> Pipeline:
        """The pipeline in a container that knows nothing of the one before; only clients of the hub are shared."""
        built = self._hub_clients()
        policies = replace(built.policies, _known={}, _environment={})
        access, closing = Access(built.access.names, built.access.sts), replace(built.closing, storms=Storms())
        return replace(built, policies=policies, access=access, closing=closing)

    def handle(self, finding: dict[str, Any], run: str) -> Result | None:
        """Deliver a finding."""
        return self.pipeline().handle(finding, run)

    def answered(self, finding: dict[str, Any], run: str) -> Result | None:
        """Deliver the message that people have answered on the case of a finding."""
        return answered(self.pipeline(), key_of(parse(finding, "aws")), run)

    def asks(self, action: str, remediation: str) -> dict[str, Any]:
        """What the endpoint tells an approver."""
        return self.endpoint().answer(Asked(APPROVER, action, remediation, "because", ""))

    def refused(self, action: str, remediation: str) -> str:
        """Why the endpoint does not do what an approver asks for."""
        with pytest.raises(RequestError) as error:
            self.asks(action, remediation)
        return str(error.value)

    def endpoint(self) -> Endpoint:
        """The endpoint as its function builds it; it keeps nothing but clients."""
        if self._endpoint is None:
            build = approve._endpoint.__wrapped__
            self._endpoint = self._as_function(NAMES.approve_function, NAMES.approve_function, build)
        assert self._endpoint is not None
        return self._endpoint

    def sweep(self) -> None:
        """Sweep once, and deliver every message that the hub's own functions have sent."""
        swept: Sweep = self._as_function(NAMES.sweep_function, NAMES.sweep_function, sweep._sweep.__wrapped__)
        swept.left = lambda: 300_000
        swept.run(thoroughly=False)
        for body in self.messages():
            if body["palisade"] == "resume":
                resume(self.pipeline(), body["remediation"])
                continue
            assert body["palisade"] == "answered"
            answered(self.pipeline(), body["case"], "swept")

    def messages(self) -> list[dict[str, Any]]:
        """Take the messages of our own functions from the queue."""
        sqs = self.loop.hub.client("sqs")
        url = sqs.get_queue_url(QueueName=NAMES.findings_queue)["QueueUrl"]
        bodies = []
        while received := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", []):
            for one in received:
                sqs.delete_message(QueueUrl=url, ReceiptHandle=one["ReceiptHandle"])
                bodies.append(json.loads(one["Body"]))
        return [body for body in bodies if "palisade" in body]

    def case(self, finding: dict[str, Any]) -> Standing:
        """What stands of the control on the resource of a finding."""
        key = key_of(parse(finding, "aws"))
        item = self.loop.hub.client("dynamodb").get_item(TableName=NAMES.state_table, Key={"key": {"S": key}})
        return Standing.of({"key": {"S": key}, **item.get("Item", {})})

    def approved(self, finding: dict[str, Any]) -> str:
        """Deliver a finding that waits for approval, and approve it; returns its id."""
        result = self.handle(finding, "asks")
        assert result is not None
        assert result.outcome is Outcome.AWAITING_APPROVAL, result.reason
        identifier = parse(finding, "aws").id
        assert self.asks("approve", identifier)["state"] == "approved"
        return identifier

    def stepped(self, remediation: str) -> int:
        """Make the steps of a long plan as its state machine does, until there is an outcome; a killed one again.

        Returns how many there were.
        """
        for number in range(100):
            try:
                answer = advance(self.pipeline(), remediation, f"{remediation}-1")
            except SystemExit:
                answer = {"done": False, "wait": 5}
            if answer["done"]:
                return number + 1
            self.wait(timedelta(seconds=answer["wait"]))
            self.renew()
        raise AssertionError(f"{remediation} has no outcome after a hundred steps")

    def brought(self, finding: dict[str, Any]) -> dict[str, Any]:
        """Take a finding to its end by whatever its mode and ceiling want; returns the outcome as the ledger has it."""
        identifier = parse(finding, "aws").id
        result = self.handle(finding, "whole")
        if result is not None and result.outcome is Outcome.AWAITING_APPROVAL:
            self.asks("approve", identifier)
            result = self.answered(finding, "whole")
        return self._outcome(identifier, result)

    def handed_over(self, remediation: str) -> bool:
        """Whether the state machine makes the steps of a remediation: the ledger has its plan and no outcome yet."""
        entries = self.loop.ledger_of(remediation)
        return PLAN in entries and "outcome" not in entries

    def ended(self, remediation: str, result: Result | None) -> None:
        """Make the steps of a remediation that takes time; any other has its outcome."""
        if result is None or result.outcome is Outcome.IN_PROGRESS:
            self.stepped(remediation)

    def carried(self, remediation: str) -> None:
        """Make the steps of a remediation that was handed over and has no outcome yet."""
        entries = self.loop.ledger_of(remediation, self.loop.hub)
        if "plan" in entries and "outcome" not in entries:
            self.stepped(remediation)

    def undone(self, finding: dict[str, Any], remediation: str) -> dict[str, Any]:
        """Undo a remediation by the endpoint; returns the outcome as the ledger has it."""
        identifier = self.asks("undo", remediation)["undo"]
        return self._outcome(identifier, self.answered(finding, "undoes"))

    def _outcome(self, identifier: str, result: Result | None) -> dict[str, Any]:
        assert result is not None
        self.ended(identifier, result)
        entries = self.loop.ledger_of(identifier, self.loop.hub)
        return entries.get("outcome", {"outcome": result.outcome.value, "reason": result.reason})

    def _hub_clients(self) -> Pipeline:
        """The pipeline as the function builds it."""
        if self._built is None:
            self._built = self._as_function(NAMES.remediate_function, NAMES.remediation_role, _pipeline)
            # The session lasts an hour, and each interruption takes a quarter of one.
            self._until = self._now() + timedelta(minutes=25)
        return self._built

    def _as_function(self, function: str, role: str, build: Callable[[str], Any]) -> Any:
        """Build what a function keeps, with a session of its role."""
        world = self.loop.organization.world

        def enter() -> Any:
            service = world.as_service("lambda.amazonaws.com", account=HUB)
            parameters = {"RoleArn": f"arn:aws:iam::{HUB}:role/{role}", "RoleSessionName": function}
            return world.call(service, "sts", "AssumeRole", parameters, region=REGION, account=HUB)["Credentials"]

        credentials = self.loop.organization.do(enter)
        with self._monkeypatch.context() as patch:
            patch.setenv("AWS_DEFAULT_REGION", REGION)
            patch.setenv("AWS_ACCESS_KEY_ID", credentials["AccessKeyId"])
            patch.setenv("AWS_SECRET_ACCESS_KEY", credentials["SecretAccessKey"])
            patch.setenv("AWS_SESSION_TOKEN", credentials["SessionToken"])
            return build(f"arn:aws:lambda:{REGION}:{HUB}:function:{function}")

    def undoable(self, remediation: str) -> bool:
        """Whether everything that a remediation has changed can be taken back."""
        made = [body for name, body in self.loop.ledger_of(remediation).items() if name.endswith("-response")]
        return not any("inverse" in body and body["inverse"] is None for body in made)

    def mark(self) -> int:
        """Where the door's log stands."""
        return len(self.loop.organization.door.log)

    def log(self, start: int) -> list[Entry]:
        """The calls of the function since an entry of the door's log, without those that a service made of them."""
        roles = (NAMES.remediation_role, NAMES.reader_role, NAMES.writer_role)
        return [
            entry
            for number, entry in enumerate(self.loop.organization.door.log[start:], start)
            if number not in self._renewals
            and entry.via is None
            and any(f":assumed-role/{role}/" in entry.principal for role in roles)
        ]

    def calls(self, start: int) -> list[str]:
        """The same, by service and operation."""
        return [entry.called for entry in self.log(start)]

    def ending(
        self, control: Control, resource: Resource, finding: dict[str, Any], start: int, identifier: str = ""
    ) -> Ending:
        """How a remediation, the one of the finding if none is named, has ended since an entry of the log."""
        entries = self.loop.ledger_of(identifier or parse(finding, "aws").id, self.hub)
        log = [entry for entry in self.log(start) if entry.error is None]
        done = [body["change"] for name, body in entries.items() if "response" in name and "request_id" in body]
        assert len(done) == len(set(done)), f"a change was made twice: {done}"
        outcomes = [body["outcome"] for name, body in entries.items() if name == "outcome" or name.startswith("asked-")]
        # What a service or another product is about to see by itself is no part of how it ended.
        self.wait(SEEN if isinstance(control.detection, ProductFindings) else SETTLED)
        self.renew()
        settings = control.read(self.team, resource, None)
        state = None if settings is None else {name: one for name, one in settings.items() if name != READ_AT}
        return Ending(
            ",".join(outcomes),
            json.dumps(scrubbed(state, resource.id), sort_keys=True),
            sum(bool(entry.source_identity) and entry.service != "sts" and entry.mutating for entry in log),
            sum(entry.operation == "Publish" for entry in log),
            self._reserved(finding),
        )

    def _reserved(self, finding: dict[str, Any]) -> list[int]:
        """How often the history counts a remediation of the resource."""
        key = {"key": {"S": key_of(parse(finding, "aws"))}}
        item = self.hub.client("dynamodb").get_item(TableName=NAMES.state_table, Key=key).get("Item", {})
        return [int(item.get(name, {"N": "0"})["N"]) > 0 for name in ("first", "second", "third")]

    def over(self) -> None:
        """Wait until the lock of a killed run is over, and its message comes again."""
        self.wait(timedelta(seconds=LOCK_SECONDS + 1))


def _pipeline(function: str) -> Pipeline:
    """Build the pipeline, and the one client of it that is made when it is needed."""
    built: Pipeline = assembly.pipeline_of.__wrapped__(function)
    built.executions.session.client("stepfunctions")
    return built


def _deployed_parameters(control: str, part: Mapping[str, Any]) -> dict[str, Any]:
    """What roles are made from: parameters that grants name, as the cases of a control give them."""
    known = catalog()[control]
    named = {
        name
        for grant in (*known.read_grants, *known.probe_grants, *known.grants)
        for name in re.findall(r"\{parameter:(\w+)\}", str((grant.resources, grant.conditions)))
    }
    given = {name: value for case in scenario.cases(known) for name, value in case.parameters.items() if name in named}
    return {**part.get("parameters", {}), **given}


@contextmanager
def bench_of(kind: type[Bench] = Bench) -> Iterator[Bench]:
    """Deploy with limits that no test reaches, and one approver."""
    limits = {
        "changesPerControlAccountHour": 1000,
        "changesPerAccountHour": 1000,
        "changesPerOrganizationHour": 10_000,
        "failuresBeforeBreak": 100,
    }

    def environments(usual: dict[str, Any]) -> dict[str, Any]:
        return {name: {**part, "approvers": [APPROVER]} for name, part in usual.items()}

    def controls(usual: dict[str, Any]) -> dict[str, Any]:
        every = {name: {"mode": "approve"} if part["mode"] == "off" else part for name, part in usual.items()}
        return {name: {**part, "parameters": _deployed_parameters(name, part)} for name, part in every.items()}

    settings = {"limits": limits, "environments": environments, "controls": controls}
    with deployed(**settings) as loop, pytest.MonkeyPatch.context() as monkeypatch:
        yield kind(loop, monkeypatch)
