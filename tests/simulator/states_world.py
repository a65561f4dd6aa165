"""A member account with state machines' roles and a function, for tests of Step Functions."""

from __future__ import annotations

import io
import json
import textwrap
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from typing import Any

from simulator.local import LocalOrganization
from tests.simulator.pipeline_world import HOME, MEMBER, document, organization

# Fails as it is told, sleeps as long as it is told, answers what it was given.
SOURCE = """
    import time

    def handler(event, context):
        time.sleep(event.get("sleep", 0))
        if "fail" in event:
            raise type(event["fail"], (Exception,), {})("as asked")
        if event.get("exit"):
            raise SystemExit(1)
        if event.get("large"):
            return "x" * event["large"]
        return {"given": event}
"""
INVOKE = "arn:aws:states:::lambda:invoke"
FUNCTION = f"arn:aws:lambda:{HOME}:{MEMBER}:function:worker"
MACHINE_ROLE = f"arn:aws:iam::{MEMBER}:role/machine"


@dataclass(slots=True)
class Place:
    """The organisation, and what machines are made and run with."""

    opened: LocalOrganization
    _numbers: Iterator[int] = field(default_factory=count)

    def client(self, service: str, account: str = MEMBER) -> Any:
        session: Any = self.opened.session(account)
        return session.client(service)

    @property
    def states(self) -> Any:
        return self.client("stepfunctions")

    def role(self, name: str, allowed: Any = "*", **trust: Any) -> str:
        """Make a role that Step Functions may assume, unless `trust` says otherwise."""
        iam = self.client("iam")
        let = {"Effect": "Allow", "Principal": {"Service": "states.amazonaws.com"}, "Action": "sts:AssumeRole"}
        made = iam.create_role(RoleName=name, AssumeRolePolicyDocument=document({**let, **trust}))
        grant = {"Effect": "Allow", "Action": allowed, "Resource": "*"}
        iam.put_role_policy(RoleName=name, PolicyName="work", PolicyDocument=document(grant))
        return str(made["Role"]["Arn"])

    def machine(self, definition: dict[str, Any], **more: Any) -> str:
        """Make a state machine and return its ARN."""
        given = {"name": f"machine-{next(self._numbers)}", "roleArn": MACHINE_ROLE, **more}
        return str(self.states.create_state_machine(definition=json.dumps(definition), **given)["stateMachineArn"])

    def start(self, definition: dict[str, Any], data: Any = None, **more: Any) -> str:
        """Make a state machine, start an execution, and return the execution's ARN."""
        text = json.dumps({} if data is None else data, ensure_ascii=False)
        started = self.states.start_execution(stateMachineArn=self.machine(definition, **more), input=text)
        return str(started["executionArn"])

    def run(self, definition: dict[str, Any], data: Any = None, **more: Any) -> dict[str, Any]:
        """Run a definition to its end and return the execution as described."""
        return self.ended(self.start(definition, data, **more))

    def ended(self, execution: str) -> dict[str, Any]:
        self.opened.rest(timedelta(days=2))
        described: dict[str, Any] = self.states.describe_execution(executionArn=execution)
        return described

    def output(self, definition: dict[str, Any], data: Any = None) -> Any:
        """Run a definition that succeeds and return its output."""
        described = self.run(definition, data)
        assert described["status"] == "SUCCEEDED", (described.get("error"), described.get("cause"))
        return json.loads(described["output"])

    def error(self, definition: dict[str, Any], data: Any = None, **more: Any) -> tuple[str | None, str]:
        """Run a definition that fails and return its error and cause."""
        described = self.run(definition, data, **more)
        assert described["status"] == "FAILED", described
        return described.get("error"), described.get("cause", "")

    def events(self, execution: str) -> list[dict[str, Any]]:
        """The whole history of an execution."""
        pages = self.states.get_paginator("get_execution_history").paginate(executionArn=execution)
        return [event for page in pages for event in page["events"]]

    def kinds(self, execution: str) -> list[str]:
        return [event["type"] for event in self.events(execution)]


@contextmanager
def states_world() -> Iterator[Place]:
    with organization() as opened:
        opened.rates.suspend()
        place = Place(opened)
        place.role("machine")
        place.role("worker", Principal={"Service": "lambda.amazonaws.com"})
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as zipped:
            zipped.writestr("states_worker.py", textwrap.dedent(SOURCE))
        place.client("lambda").create_function(
            FunctionName="worker",
            Runtime="python3.13",
            Role=f"arn:aws:iam::{MEMBER}:role/worker",
            Handler="states_worker.handler",
            Code={"ZipFile": packed.getvalue()},
            Timeout=60,
        )
        yield place


def chain(**states: dict[str, Any]) -> dict[str, Any]:
    """A definition whose states follow one another as they are given; the last one ends unless it says otherwise."""
    names = list(states)
    linked: dict[str, Any] = {}
    for number, (name, state) in enumerate(states.items()):
        moves = state["Type"] not in ("Choice", "Succeed", "Fail") and not {"Next", "End"} & set(state)
        after = {"Next": names[number + 1]} if number + 1 < len(names) else {"End": True}
        linked[name] = {**state, **(after if moves else {})}
    return {"StartAt": names[0], "States": linked}


def task(event: Any = None, **more: Any) -> dict[str, Any]:
    """A task that invokes the function with an event; with its whole input where none is given."""
    payload = {"Payload.$": "$"} if event is None else {"Payload": event}
    return {"Type": "Task", "Resource": INVOKE, "Parameters": {"FunctionName": "worker", **payload}, **more}
