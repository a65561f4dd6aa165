"""Undo: take a finished remediation back, from the ledger, last change first.

It is refused where the resource is no longer as the remediation left it, and where a change has no inverse.
What it brings back is compared with what was before, field by field: what the service assigned anew is named.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lambdas.controls.model import READ_AT, Change
from lambdas.remediation import describe, redaction, written
from lambdas.remediation.apply import STOPS, Run
from lambdas.remediation.attempt import tags_of
from lambdas.remediation.differences import Difference, Missing, differences
from lambdas.remediation.earlier import earlier
from lambdas.remediation.outcome import Outcome, Result
from lambdas.remediation.record import outcome_of
from lambdas.remediation.request import Request
from lambdas.remediation.session_policy import PolicyTooLongError

if TYPE_CHECKING:
    from boto3 import Session

# What differs without anything of ours moving on: what people may change on a resource, and when it was read.
OF_PEOPLE = frozenset({"Tags", READ_AT})
NAMED = 8


class NotUndoableError(Exception):
    """There is nothing that could be undone, with the reason."""


def undo_id(remediation: str, number: int) -> str:
    """The id of the undo of a remediation; `number` tells a second try from the first."""
    return f"u-{remediation.partition('-')[2]}" + (f"-{number}" if number > 1 else "")


def plan_of(entries: Sequence[Mapping[str, Any]]) -> tuple[Change, ...]:
    """Read the changes that undo a remediation from its entries, in order; raises NotUndoableError."""
    journal = earlier(entries)
    if outcome_of(entries) is None:
        raise NotUndoableError("the remediation has not ended")
    if not journal.changed:
        raise NotUndoableError("the remediation has changed nothing, or is undone already")
    for name in journal.open:
        raise NotUndoableError(f"{name} cannot be undone: it is not known whether it took effect")
    for name, inverse in journal.inverses.items():
        if inverse is None:
            why = journal.irreversible.get(name) or "nothing brings it back"
            raise NotUndoableError(f"{name} cannot be undone: {why}")
    return tuple(change for change in reversed(list(journal.inverses.values())) if change is not None)


@dataclass
class Undo:
    """One undo: `entries` are those of the remediation that is taken back.

    `tried` says that an undo of it that failed has changed the resource: then it is not as the remediation left it.
    """

    request: Request
    session: Session
    run: Run
    entries: Sequence[Mapping[str, Any]]
    details: dict[str, Any]
    tried: bool = False

    def make(self) -> Result:
        """Take the resource back to what was before; an error that is no answer goes on."""
        try:
            changes = plan_of(self.entries)
        except NotUndoableError as error:
            return self._result(Outcome.REFUSED, str(error))
        self.details["plan"] = written.plan_of_changes(changes)
        said = tuple(describe.recorded(self.details["plan"]))
        live = self.request.control.read(self.session, self.request.resource, self.request.finding)
        if live is None:
            return self._result(Outcome.REFUSED, "the resource no longer exists", said)
        self.details["tags"] = tags_of(live)
        if not self.run.earlier.changed:
            self.details["before"] = live
            moved = [] if self.tried else self._moved(live)
            if moved:
                return self._result(Outcome.REFUSED, f"the resource has moved on since: {_listed(moved)} differ", said)
        if any(change.effect for change in changes):
            return self._result(Outcome.IN_PROGRESS, "its changes take time; the outcome follows", said)
        try:
            # Last change first. What an interrupted run has no answer to is made again, for not everything that is
            # taken back shows on the resource: it answers with a settled code, or is the same call every time.
            self.run.apply([change for change in changes if change.name not in self.run.earlier.results])
        except PolicyTooLongError as error:
            return self._result(Outcome.REFUSED, str(error), said)
        except STOPS as error:
            return self._result(Outcome.FAILED, f"{error}; what was undone before stays undone", said)
        return self.compared(said)

    def compared(self, said: tuple[str, ...]) -> Result:
        """Compare the resource with what it was before the remediation."""
        live = self.request.control.read(self.session, self.request.resource, self.request.finding)
        if live is None:
            return self._result(Outcome.GONE, "the resource vanished while it was undone", said)
        self.details |= {"after": live, "tags": tags_of(live)}
        left = self._differing(self._first("before"), live)
        # What has come or gone as a whole is no value that the service gives anew.
        others = [one.name for one in left if Missing.MISSING in (one.before, one.after)]
        names = [one.name for one in left]
        reason = f"as before, except what is assigned anew: {_listed(names)}" if left else "as before, field by field"
        if others:
            reason = f"every change is taken back, and the resource still differs from before: {_listed(others)}"
        return self._result(Outcome.UNDONE, reason, said)

    def _moved(self, live: Mapping[str, Any]) -> list[str]:
        after = next((entry["after"] for entry in self.entries if "after" in entry), None)
        if after is None:
            return []
        return [one.name for one in self._differing(after, live)]

    def _differing(self, recorded: Mapping[str, Any], live: Mapping[str, Any]) -> list[Difference]:
        """Where a resource differs from what the ledger has of it, which has no secrets.

        Its tags are people's, but for those that the remediation has changed.
        """
        before, after = (tags_of(self._first(name) or {}) for name in ("before", "after"))
        own = {key for key in {*before, *after} if before.get(key) != after.get(key)}

        def shown(settings: Mapping[str, Any]) -> dict[str, Any]:
            tags = [{"Key": key, "Value": value} for key, value in tags_of(settings).items() if key in own]
            return {**{name: value for name, value in settings.items() if name not in OF_PEOPLE}, "Tags": tags}

        return list(differences(shown(recorded), shown(redaction.by_name(live))))

    def _first(self, name: str) -> Any:
        return next((entry[name] for entry in self.entries if name in entry), None)

    def _result(self, outcome: Outcome, reason: str, said: tuple[str, ...] = ()) -> Result:
        return Result(outcome, reason, self.details, said, applied=self.run.changed)


def digest(changes: Sequence[Change]) -> str:
    """The digest of an undo: what its approval is for."""
    text = json.dumps([written.change(change) for change in changes], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(names[:NAMED])
    return f"{shown} and {len(names) - NAMED} more" if len(names) > NAMED else shown
