"""Apply a plan with the writer role, change by change, each framed by intent and response in the ledger.

Safe under at-least-once delivery: a change that has been done answers with one of its `settled`
codes, and a killed run is planned again from the live resource. What the killed run has done is known
from its journal: results that later changes refer to, and how to undo it. The undo stands in the intent already
where it needs no answer: a run may be killed between the effect of a call and its response.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import jmespath
from botocore.exceptions import ClientError, ParamValidationError

from lambdas.controls.model import Ago, Change, Grant, Probe, Ref, Token
from lambdas.remediation import redaction, session_policy, written
from lambdas.remediation.access import RoleError
from lambdas.remediation.earlier import Earlier

if TYPE_CHECKING:
    from boto3 import Session

Journal = Callable[[str, dict[str, Any]], None]
Writer = Callable[[str], "Session"]


class RefusedError(Exception):
    """One call of a change or of an inverse cannot be made: AWS, or its own service model, refuses it."""

    def __init__(self, change: Change, code: str, message: str) -> None:
        self.code = code
        super().__init__(f"{change.name}: {change.service}.{change.operation} was refused with {code}: {message}")


class WriterError(Exception):
    """No session for a change can be had."""


class UnresolvedError(Exception):
    """A change refers to a result that an earlier change did not bring."""


# What ends a plan for good, wherever in it: what was done before is undone.
STOPS = (RefusedError, WriterError, UnresolvedError)


@dataclass(frozen=True, slots=True)
class Applied:
    """A change that was done: its response, or the code that says that it was done already."""

    change: Change
    response: Mapping[str, Any]
    settled: str | None = None


@dataclass
class Run:
    """The application of one plan, by one remediation."""

    remediation: str
    writer: Writer
    journal: Journal
    earlier: Earlier = field(default_factory=Earlier)
    applied: list[Applied] = field(default_factory=list)
    restored: list[Applied] = field(default_factory=list)
    _sessions: dict[str, Session] = field(default_factory=dict, init=False)

    @property
    def changed(self) -> bool:
        """Whether this run or the one that it resumes has changed the resource, or may have."""
        return bool(self.applied) or self.earlier.changed

    def apply(self, changes: Sequence[Change]) -> list[Applied]:
        """Make the changes in order; raises one of `STOPS` at the first that cannot be made."""
        for group in session_policy.groups(changes):
            session = self._session(group.changes)
            for change in group.changes:
                self.applied.append(self._make(session, change))
        return self.applied

    def make(self, change: Change, *, undoes: str | None = None, along: Sequence[Change] = ()) -> Applied:
        """Make one change, `undoes` naming the change that it takes back; raises `STOPS`.

        `along` are those that follow it at once: their session is the same one, as far as they fit.
        """
        session = self._sessions.pop(change.name, None) if undoes is None else None
        if session is None:
            together = self._together([change, *along])
            session = self._session(together)
            self._sessions = {one.name: session for one in together[1:]}
        done = self._make(session, change, undoes=undoes)
        (self.applied if undoes is None else self.restored).append(done)
        return done

    def probe(self, reader: Session, effect: Probe) -> Any:
        """Ask for what tells whether a change has taken."""
        clients: Any = reader.client  # the stubs know literal names only
        client: Any = clients(effect.service)
        parameters = _at(datetime.now(UTC), self._resolve(effect.parameters))
        return jmespath.search(effect.path, getattr(client, effect.operation)(**parameters))

    def restore(self) -> list[str]:
        """Undo what was applied, last first, and then what an earlier run left; return what could not be undone."""
        left = []
        undone: list[tuple[str, Change | None, str | None]] = [
            (done.change.name, done.change.inverse, done.change.irreversible)
            for done in reversed(self.applied)
            # What an earlier run has done, it has done to what was there before.
            if done.settled is None and done.change.name not in self.earlier.inverses
        ]
        undone += [
            (name, inverse, self.earlier.irreversible.get(name))
            for name, inverse in reversed(list(self.earlier.inverses.items()))
        ]
        for name, inverse, reason in undone:
            if inverse is None:
                left.append(f"{name}: {reason or 'nothing can undo it'}")
                continue
            try:
                self.make(inverse, undoes=name)
            except STOPS as error:
                left.append(str(error))
        mine = {done.change.name for done in self.applied if done.settled is None}
        left += [f"{name}: it is not known whether it took effect" for name in self.earlier.open if name not in mine]
        return left

    def _together(self, changes: Sequence[Change]) -> Sequence[Change]:
        """The first of these changes, and those after it that one session can serve, as far as grants are known."""
        needs = [[self._grant(grant) for grant in changes[0].grants]]
        for change in changes[1:]:
            try:
                needs.append([self._grant(grant) for grant in change.grants])
            except UnresolvedError:
                break  # it is about what a change before it brings
        return changes[: session_policy.fitting(needs)]

    def _session(self, changes: Sequence[Change]) -> Session:
        policy = session_policy.document([self._grant(grant) for change in changes for grant in change.grants])
        try:
            return self.writer(policy)
        except RoleError as error:
            raise WriterError(str(error)) from error
        except ClientError as error:
            raise WriterError(f"AWS STS refuses a session of the writer: {error}") from error

    def _make(self, session: Session, change: Change, *, undoes: str | None = None) -> Applied:
        parameters = self._resolve(change.parameters)
        called = (change.service, change.operation)
        shown = redaction.parameters(*called, parameters)
        call = {"service": change.service, "operation": change.operation, "parameters": shown}
        mark: dict[str, Any] = {"change": change.name, **({"undoes": undoes} if undoes else {})}
        clients: Any = session.client  # the stubs know literal names only
        self.journal("intent", {**mark, **call, **({} if undoes else self._undo(change, None))})
        try:
            client: Any = clients(change.service)
            response = getattr(client, change.operation)(**parameters)
        except ParamValidationError as error:
            self.journal("response", {**mark, "refused": "ParamValidation"})
            raise RefusedError(change, "ParamValidation", redaction.out_of(str(error), parameters, shown)) from error
        except ClientError as error:
            code = error.response["Error"]["Code"]
            if code not in change.settled:
                self.journal("response", {**mark, "refused": code})
                message = redaction.out_of(error.response["Error"].get("Message", ""), parameters, shown)
                raise RefusedError(change, code, message) from error
            self.journal("response", {**mark, "settled": code})
            return Applied(change, self.earlier.results.get(change.name, {}), code)
        metadata = response.pop("ResponseMetadata", {})
        brought = {"request_id": metadata.get("RequestId"), "response": redaction.response(*called, response)}
        self.journal("response", {**mark, **brought, **self._undo(change, response)})
        return Applied(change, response)

    def _undo(self, change: Change, response: Mapping[str, Any] | None) -> dict[str, Any]:
        """Write the undo with everything resolved: the ledger must not depend on this run's memory."""
        inverse = change.inverse
        if inverse is None:
            return {"inverse": None, "irreversible": change.irreversible}
        try:
            resolved = self._resolved(inverse, {} if response is None else {change.name: response})
        except UnresolvedError as error:
            # The change is done all the same, and must stand in the journal.
            lost = "its answer was lost, and the undo needs it"
            return {"inverse": None, "irreversible": lost if response is None else str(error)}
        redacted = redaction.change(written.change(resolved))
        if redaction.holds(redacted["parameters"]):
            return {"inverse": None, "irreversible": redaction.UNRECORDED_UNDO}
        return {"inverse": redacted, "irreversible": None}

    def _resolved(self, change: Change, more: Mapping[str, Mapping[str, Any]]) -> Change:
        grants = tuple(self._grant(grant, more) for grant in change.grants)
        effect = change.effect
        if effect is not None:
            # What it asks for may be named by the answer to the undo itself, which is not there yet.
            effect = replace(effect, parameters=self._resolve(effect.parameters, more, but=change.name))
        return replace(change, parameters=self._resolve(change.parameters, more), grants=grants, effect=effect)

    def _grant(self, grant: Grant, more: Mapping[str, Mapping[str, Any]] | None = None) -> Grant:
        resources: list[str | Ref] = []
        for resource in grant.resources:
            value = self._resolve(resource, more)
            resources.extend(value if isinstance(value, list) else [value])
        return replace(grant, resources=tuple(resources))

    def _resolve(self, value: Any, more: Mapping[str, Mapping[str, Any]] | None = None, but: str = "") -> Any:
        """Replace every Ref by what it refers to, `but` for those to one change, and every Token."""
        if isinstance(value, Token):
            return str(uuid.uuid5(uuid.NAMESPACE_URL, f"{self.remediation}/{value.change}"))
        if isinstance(value, Ref):
            if value.change == but:
                return value
            mine = {done.change.name: done.response for done in (*self.applied, *self.restored)}
            found = jmespath.search(value.path, {**self.earlier.results, **mine, **(more or {})}.get(value.change))
            if found is None:
                raise UnresolvedError(f"{value.change} has brought no {value.path}")
            if redaction.holds(found):
                raise UnresolvedError(f"{value.change} has brought a {value.path} that the ledger does not record")
            return found
        if isinstance(value, Mapping):
            return {key: self._resolve(item, more, but) for key, item in value.items()}
        if isinstance(value, (list, tuple)):
            return [self._resolve(item, more, but) for item in value]
        return value


def _at(now: datetime, value: Any) -> Any:
    """Replace every Ago by the time that it means at a moment."""
    if isinstance(value, Ago):
        return now - timedelta(seconds=value.seconds)
    if isinstance(value, Mapping):
        return {key: _at(now, item) for key, item in value.items()}
    return [_at(now, item) for item in value] if isinstance(value, list) else value
