"""Apply a plan with the writer role, change by change, each framed by intent and response in the ledger.

Safe under at-least-once delivery: a change that has been done answers with one of its `settled`
codes, and a killed run is planned again from the live resource.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import jmespath
from botocore.exceptions import ClientError

from lambdas.controls.model import Change, Grant, Ref
from lambdas.remediation import session_policy

if TYPE_CHECKING:
    from boto3 import Session

Journal = Callable[[str, dict[str, Any]], None]
Writer = Callable[[str], "Session"]


class RefusedError(Exception):
    """AWS refused one call of a change or of an inverse."""

    def __init__(self, change: Change, error: ClientError) -> None:
        self.code = error.response["Error"]["Code"]
        message = error.response["Error"].get("Message", "")
        super().__init__(f"{change.name}: {change.service}.{change.operation} was refused with {self.code}: {message}")


class UnresolvedError(Exception):
    """A change refers to a result that an earlier change did not bring."""


@dataclass(frozen=True, slots=True)
class Applied:
    """A change that was done: its response, or the code that says that it was done already."""

    change: Change
    response: Mapping[str, Any]
    settled: str | None = None


@dataclass
class Run:
    """The application of one plan."""

    writer: Writer
    journal: Journal
    applied: list[Applied] = field(default_factory=list)

    def apply(self, changes: Sequence[Change]) -> list[Applied]:
        """Make the changes in order; raises RefusedError at the first that AWS refuses."""
        for group in session_policy.groups(changes):
            granted = [self._grant(grant) for change in group.changes for grant in change.grants]
            session = self.writer(session_policy.document(granted))
            for change in group.changes:
                self.applied.append(self._make(session, change))
        return self.applied

    def restore(self) -> list[str]:
        """Undo what was applied, last first; return what could not be undone, with the reason."""
        left = []
        for done in reversed(self.applied):
            inverse = done.change.inverse
            if done.settled is not None:
                continue
            if inverse is None:
                left.append(f"{done.change.name}: {done.change.irreversible}")
                continue
            session = self.writer(session_policy.document([self._grant(grant) for grant in inverse.grants]))
            try:
                self._make(session, inverse)
            except RefusedError as error:
                left.append(str(error))
        return left

    def _make(self, session: Session, change: Change) -> Applied:
        parameters = self._resolve(change.parameters)
        call = {"service": change.service, "operation": change.operation, "parameters": parameters}
        clients: Any = session.client  # the stubs know literal names only
        self.journal("intent", {"change": change.name, **call})
        try:
            client: Any = clients(change.service)
            response = getattr(client, change.operation)(**parameters)
        except ClientError as error:
            code = error.response["Error"]["Code"]
            if code not in change.settled:
                self.journal("response", {"change": change.name, "refused": code})
                raise RefusedError(change, error) from error
            self.journal("response", {"change": change.name, "settled": code})
            return Applied(change, {}, code)
        metadata = response.pop("ResponseMetadata", {})
        inverse = change.inverse
        self.journal(
            "response",
            {
                "change": change.name,
                "request_id": metadata.get("RequestId"),
                "response": response,
                "inverse": self._undo(inverse, change.name, response) if inverse else None,
                "irreversible": change.irreversible,
            },
        )
        return Applied(change, response)

    def _undo(self, inverse: Change, name: str, response: Mapping[str, Any]) -> dict[str, Any]:
        """Write the undo with everything resolved: the ledger must not depend on this run's memory."""
        return {
            "service": inverse.service,
            "operation": inverse.operation,
            "parameters": self._resolve(inverse.parameters, {name: response}),
        }

    def _grant(self, grant: Grant) -> Grant:
        resources: list[str | Ref] = []
        for resource in grant.resources:
            value = self._resolve(resource)
            resources.extend(value if isinstance(value, list) else [value])
        return replace(grant, resources=tuple(resources))

    def _resolve(self, value: Any, more: Mapping[str, Mapping[str, Any]] | None = None) -> Any:
        """Replace every Ref by what it refers to."""
        if isinstance(value, Ref):
            results = {done.change.name: done.response for done in self.applied} | dict(more or {})
            found = jmespath.search(value.path, results.get(value.change))
            if found is None:
                raise UnresolvedError(f"{value.change} has brought no {value.path}")
            return found
        if isinstance(value, Mapping):
            return {key: self._resolve(item, more) for key, item in value.items()}
        if isinstance(value, (list, tuple)):
            return [self._resolve(item, more) for item in value]
        return value
