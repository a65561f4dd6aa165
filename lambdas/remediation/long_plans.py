"""Plans whose changes take time: one step at a time, driven by a state machine, from the journal alone.

A step makes the next change or asks whether the last one has taken, and says how long to wait. Whatever ends a step
in between, the next one goes on from the ledger. A failure restores what was changed, last first, in the same manner.
Source: Step Functions Developer Guide, "Starting new executions from a Task state" (names are unique for 90 days).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from lambdas.controls.model import Change, Probe
from lambdas.remediation.apply import STOPS, Journal, Run

if TYPE_CHECKING:
    from boto3 import Session

# A step ends its wait well before the lock of the resource does.
LONGEST_WAIT = 600
# The entry that hands a plan over to the steps.
PLAN = "plan"


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing to do for so many seconds."""

    seconds: int


@dataclass(frozen=True, slots=True)
class Ended:
    """Every change has taken (`failure` is None), or what was made is restored as far as it can be (`left` not)."""

    failure: str | None = None
    left: tuple[str, ...] = ()


@dataclass
class Executions:
    """Starts the executions of one state machine."""

    session: Session
    machine: str

    def start(self, remediation: str, number: int) -> str:
        """Start the steps of a remediation; `number` tells a later start from an earlier one that has ended."""
        name = self._name(remediation, number)
        try:
            payload = json.dumps({"remediation": remediation, "turns": 0})
            self._states.start_execution(stateMachineArn=self.machine, name=name, input=payload)
        except ClientError as error:
            if error.response["Error"]["Code"] != "ExecutionAlreadyExists":
                raise
        return name

    def running(self, remediation: str, number: int) -> bool:
        """Whether this execution is still under way."""
        execution = self.machine.replace(":stateMachine:", ":execution:") + f":{self._name(remediation, number)}"
        try:
            status: str = self._states.describe_execution(executionArn=execution)["status"]
        except ClientError as error:
            if error.response["Error"]["Code"] != "ExecutionDoesNotExist":
                raise
            return False
        return status == "RUNNING"

    @property
    def _states(self) -> Any:
        return self.session.client("stepfunctions")

    @staticmethod
    def _name(remediation: str, number: int) -> str:
        return f"{remediation}-{number}"


@dataclass
class Progress:
    """What the journal says of each change, and of each undo: when it was done, whether it has taken."""

    entries: Sequence[Mapping[str, Any]]
    done: dict[tuple[str, bool], datetime] = field(default_factory=dict)
    taken: set[tuple[str, bool]] = field(default_factory=set)
    failure: str | None = None
    lost: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        for entry in self.entries:
            kind = entry["entry"].partition("-")[2]
            if kind == "failure" and self.failure is None:
                self.failure = entry["reason"]
            if kind == "lost":
                self.lost.append(entry["reason"])
            for taken in entry.get("taken", ()):
                self.taken.add(_mark(taken))
            if "change" not in entry or "refused" in entry:
                continue
            if kind == "response":
                self.done[_mark(entry)] = datetime.fromisoformat(entry["at"])
            elif kind == "effect":
                self.taken.add(_mark(entry))

    def is_lost(self, name: str) -> bool:
        """Whether it is written down that a change is not restored."""
        return any(one.startswith(f"{name}: ") for one in self.lost)


def _mark(entry: Mapping[str, Any]) -> tuple[str, bool]:
    """What an entry is about: a change, or its undo."""
    return (entry.get("undoes") or entry["change"], "undoes" in entry)


@dataclass
class LongPlan:
    """One plan on its way: what it consists of, and what has happened to it so far.

    That a change has taken is written along with the next entry: a step that is killed before asks once more.
    `ask` is called before a change, and raises what forbids it for now.
    """

    changes: Sequence[Change]
    entries: Sequence[Mapping[str, Any]]
    run: Run
    reader: Session
    ask: Callable[[], Any]
    _journal: Journal = field(init=False)
    _unwritten: list[dict[str, Any]] = field(default_factory=list, init=False)

    def __post_init__(self) -> None:
        self._journal, self.run.journal = self.run.journal, self._write

    def step(self) -> Wait | Ended:
        """Go as far as it goes without waiting; an error that is no answer goes on, and the step is made again."""
        progress = Progress(self.entries)
        if progress.failure is None:
            for change in self.changes:
                waits = self._forward(change, progress)
                if isinstance(waits, Wait):
                    return waits
                if isinstance(waits, str):
                    return self.fail(waits)
            self._rest()
            return Ended()
        return self._back(progress, progress.failure)

    @property
    def changed(self) -> bool:
        """Whether anything was changed, restored since or not."""
        return self.run.changed or bool(self.run.earlier.undone)

    def restored(self, ended: Ended) -> str:
        """Say after the failure what became of what was changed."""
        if ended.left:
            return f"; not restored: {'; '.join(ended.left)}"
        return "; what was there before is restored" if self.changed else ""

    def fail(self, reason: str) -> Wait:
        """Turn round, where a change has failed, or all have taken and the resource is not what it should be."""
        self._write("failure", {"reason": reason})
        return Wait(0)

    def _forward(self, change: Change, progress: Progress) -> Wait | str | None:
        """Make a change and see that it takes; a text says why it failed."""
        mark = (change.name, False)
        if mark not in progress.done:
            self.ask()
            try:
                self.run.make(change, along=self._until_wait(change))
            except STOPS as error:
                return str(error)
            progress.done[mark] = datetime.now(UTC)
        if change.effect is None or mark in progress.taken:
            return None
        return self._taken(change, change.effect, progress.done[mark], {"change": change.name})

    def _until_wait(self, change: Change) -> Sequence[Change]:
        """The changes that the same step may make after this one: up to the first that is waited for."""
        left = self.changes[self.changes.index(change) :]
        waits = next((number for number, one in enumerate(left) if one.effect is not None), len(left))
        return left[1 : waits + 1]

    def _back(self, progress: Progress, failure: str) -> Wait | Ended:
        """Undo what was made, last first; what cannot be undone is told and does not hinder the rest."""
        known = self.run.earlier
        for name in known.open:
            self._lost(progress, name, "it is not known whether it took effect")
        for name, inverse in reversed(known.begun):
            mark = (name, True)
            if progress.is_lost(name):
                continue
            if inverse is None:
                self._lost(progress, name, known.irreversible.get(name) or "nothing brings it back")
                continue
            if mark not in progress.done:
                self.ask()
                try:
                    self.run.make(inverse, undoes=name)
                except STOPS as error:
                    self._lost(progress, name, str(error))
                    continue
                progress.done[mark] = datetime.now(UTC)
            if inverse.effect is not None and mark not in progress.taken:
                waits = self._taken(inverse, inverse.effect, progress.done[mark], {"change": name, "undoes": name})
                if isinstance(waits, Wait):
                    return waits
                if isinstance(waits, str):
                    self._lost(progress, name, waits)
        self._rest()
        return Ended(failure, tuple(progress.lost))

    def _taken(self, change: Change, effect: Probe, done: datetime, mark: dict[str, Any]) -> Wait | str | None:
        """Ask whether a change has taken; a text says that it failed, or took too long."""
        late = (datetime.now(UTC) - done).total_seconds() > effect.timeout
        try:
            value = self.run.probe(self.reader, effect)
        except ClientError as error:
            if not late:
                raise
            # An answer that does not come is waited for as long as any other.
            return f"{change.name} has not taken within {effect.timeout // 60} minutes, as far as is known: {error}"
        if value in effect.expected:
            self._unwritten.append({**mark, "value": value})
            return None
        if value in effect.failed:
            return f"{change.name} failed: {effect.path} is {value}"
        if late:
            return f"{change.name} has not taken within {effect.timeout // 60} minutes: {effect.path} is {value}"
        return Wait(min(effect.interval, LONGEST_WAIT))

    def _lost(self, progress: Progress, name: str, reason: str) -> None:
        """Write down, once, that a change is not restored."""
        if not progress.is_lost(name):
            self._write("lost", {"reason": f"{name}: {reason}"})
            progress.lost.append(f"{name}: {reason}")

    def _write(self, kind: str, body: dict[str, Any]) -> None:
        """Write an entry, and with it what has taken since the last one."""
        taken, self._unwritten = self._unwritten, []
        self._journal(kind, {**body, **({"taken": taken} if taken else {})})

    def _rest(self) -> None:
        """Write what has taken and no entry has carried.

        The outcome may be long in coming, and what has taken must not be asked for again by then.
        """
        taken, self._unwritten = self._unwritten, []
        for one in taken:
            self._journal("effect", one)
