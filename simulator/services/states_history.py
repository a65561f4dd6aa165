"""Executions and their history.

Source: Step Functions API Reference, "DescribeExecution", "GetExecutionHistory" and "HistoryEvent"; Step Functions
Developer Guide, "Step Functions service quotas".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from simulator.services.states_machines import StateMachine

EVENTS = 25_000
KEPT = timedelta(days=90)  # after its end
TRUNCATED: Mapping[str, Any] = {"included": True}
RUNNING, SUCCEEDED, FAILED, ABORTED, TIMED_OUT = "RUNNING", "SUCCEEDED", "FAILED", "ABORTED", "TIMED_OUT"
# What leaves an event's details without execution data.
DATA = frozenset({"input", "output", "parameters", "inputDetails", "outputDetails"})


class HistoryFullError(Exception):
    """An execution has as many events as it may have; nothing catches that."""


@dataclass(slots=True)
class Execution:
    """One execution: of which definition and role it is, where it is, and what has happened in it."""

    machine: StateMachine
    name: str
    arn: str
    definition: Mapping[str, Any]
    definition_text: str
    role: str
    input: str
    started: datetime
    chance: Random
    status: str = RUNNING
    stopped: datetime | None = None
    output: str | None = None
    error: str | None = None
    cause: str | None = None
    events: list[dict[str, Any]] = field(default_factory=list)

    @property
    def ended(self) -> bool:
        """Whether nothing happens in it any more."""
        return self.status != RUNNING

    def forgotten(self, now: datetime) -> bool:
        """Whether it ended so long ago that nothing of it is kept, not even its name."""
        return self.stopped is not None and now - self.stopped > KEPT

    def note(self, kind: str, previous: int, now: datetime, **details: Any) -> int:
        """Write an event and return its id; raises HistoryFullError where the last place is the end's.

        What is still under way when the execution has ended leaves no event.
        """
        if self.ended and not kind.startswith("Execution"):
            return previous
        if len(self.events) >= EVENTS - 1 and not kind.startswith("Execution"):
            raise HistoryFullError
        number = len(self.events) + 1
        event: dict[str, Any] = {"timestamp": now, "type": kind, "id": number, "previousEventId": previous}
        name = f"{kind[:1].lower()}{kind[1:]}EventDetails"
        if kind.endswith(("StateEntered", "StateExited")):
            name = f"state{kind.rpartition('State')[2]}EventDetails"
        given = {key: value for key, value in details.items() if value is not None}
        self.events.append({**event, name: given} if given else event)
        return number

    def response(self) -> dict[str, Any]:
        """Return the execution as DescribeExecution shows it."""
        shown: dict[str, Any] = {
            **self.listed(),
            "input": self.input,
            "inputDetails": dict(TRUNCATED),
            "redriveCount": 0,
            "redriveStatus": "NOT_REDRIVABLE",
            "redriveStatusReason": "Redriving is not simulated",
        }
        if self.output is not None:
            shown |= {"output": self.output, "outputDetails": dict(TRUNCATED)}
        told = {"error": self.error, "cause": self.cause}
        return {**shown, **{name: value for name, value in told.items() if value is not None}}

    def detail(self) -> dict[str, Any]:
        """Return what the event of a changed status says: moments in milliseconds, and null for what there is not."""
        return {
            "executionArn": self.arn,
            "stateMachineArn": self.machine.arn,
            "name": self.name,
            "status": self.status,
            "startDate": _milliseconds(self.started),
            "stopDate": _milliseconds(self.stopped),
            "input": self.input,
            "output": self.output,
            "inputDetails": dict(TRUNCATED),
            "outputDetails": None if self.output is None else dict(TRUNCATED),
            "error": self.error,
            "cause": self.cause,
        }

    def listed(self) -> dict[str, Any]:
        """Return the execution as ListExecutions shows it."""
        shown = {
            "executionArn": self.arn,
            "stateMachineArn": self.machine.arn,
            "name": self.name,
            "status": self.status,
            "startDate": self.started,
        }
        return shown if self.stopped is None else {**shown, "stopDate": self.stopped}


def without_data(event: Mapping[str, Any]) -> dict[str, Any]:
    """An event without what went in and came out."""
    return {
        name: {key: one for key, one in value.items() if key not in DATA} if isinstance(value, dict) else value
        for name, value in event.items()
    }


def _milliseconds(moment: datetime | None) -> int | None:
    return None if moment is None else int(moment.timestamp() * 1000)
