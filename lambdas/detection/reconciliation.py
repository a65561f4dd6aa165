"""What events missed, found on a schedule: every resource judged, findings of what is gone archived.

A run that nears the end of its time stops between two resources and says where the next one goes on. Resources are
judged one after the other: the rates of an account's APIs belong to its own workloads, and time is not short where a
run can go on in another.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from lambdas import findings
from lambdas.controls.model import Control, Resource
from lambdas.detection.detector import Detector

# Milliseconds: a resource whose API throttles, and the last hundred findings, may take as long.
MARGIN = 60_000
# Runs of one reconciliation: three hours at the most, of the six until the next begins. AWS Lambda itself ends chains
# of some sixteen (Lambda Developer Guide, "Use Lambda recursive loop detection").
RUNS = 12


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where a run goes on: the control, the finding after which, the how manieth run, controls that have failed."""

    control: str = ""
    after: str = ""
    run: int = 1
    failed: tuple[str, ...] = ()

    @classmethod
    def of(cls, event: Mapping[str, Any]) -> Cursor:
        """Read the event of a run; the schedule's says nothing of it."""
        given = event.get("from") or {}
        return cls(
            str(given.get("control", "")),
            str(given.get("after", "")),
            int(given.get("run", 1)),
            tuple(map(str, given.get("failed", ()))),
        )

    @property
    def event(self) -> dict[str, Any]:
        """The event of the run that goes on here."""
        given = {"control": self.control, "after": self.after, "run": self.run, "failed": list(self.failed)}
        return {"palisade": "reconcile", "from": given}


@dataclass
class Reconciliation:
    """One run. `left` says how many milliseconds the function has left.

    A finding whose last update is older than `stale_before` is sent again, for Security Hub deletes findings 90 days
    after their last update even while they fail. `errors` are those of each control: what cannot be judged, listed or
    sent hinders no other.
    """

    detector: Detector
    stale_before: datetime
    left: Callable[[], int]
    changed: int = 0
    errors: dict[str, list[Exception]] = field(default_factory=dict)

    def go(self, start: Cursor) -> Cursor | None:
        """Reconcile from there on; returns where the next run goes on, None where all is done."""
        controls = {control.id: control for control in self.detector.controls()}
        waiting = list(controls)
        if start.control in controls:
            waiting = waiting[waiting.index(start.control) :]
        after = start.after
        for number, name in enumerate(waiting):
            # Every run gets on, however short its time.
            stopped = self._control(controls[name], after) if number == 0 or self._time() else ""
            if stopped is not None:
                failed = dict.fromkeys((*start.failed, *self.errors))
                return Cursor(name, stopped, start.run + 1, tuple(failed))
            after = ""
        return None

    def _control(self, control: Control, after: str) -> str | None:
        """Reconcile one control; returns the finding after which it stopped, None where it is done."""
        try:
            return self._findings(control, after)
        except Exception as error:
            self._failed(control, error)
            return None

    def _findings(self, control: Control, after: str) -> str | None:
        batch: list[dict[str, Any]] = []
        stopped = None
        for identifier, resource, known in self._all(control, after):
            batch += self._news(control, resource, known)
            # Sent as they come: what is found before the function's time ends is not lost.
            if len(batch) == findings.PER_CALL:
                self._send(control, batch)
                batch = []
            if not self._time():
                stopped = identifier
                break
        self._send(control, batch)
        return stopped

    def _all(self, control: Control, after: str) -> Iterator[tuple[str, Resource | None, Mapping[str, Any] | None]]:
        """All resources and findings by the finding's id, in the order of the ids, which no run changes."""
        if control.discover is None:
            return
        place = self.detector.place
        known = findings.existing(self.detector.security_hub, control, place.account, place.region)
        found: dict[str, Resource | None] = {
            findings.finding_id(control, resource): resource
            for resource in control.discover(self.detector.session, place)
        }
        own = findings.product_arn(control.resource(place, ""))
        for identifier, finding in known.items():
            if identifier not in found and finding["RecordState"] == "ACTIVE" and finding["ProductArn"] == own:
                parts = control.identify(finding["Resources"][0]["Id"])
                missing = control.resource(place, parts["id"]) if parts else None
                if missing is not None and findings.finding_id(control, missing) != identifier:
                    missing = None
                found[identifier] = missing
        for identifier in sorted(found):
            if identifier > after:
                yield identifier, found[identifier], known.get(identifier)

    def _news(
        self, control: Control, resource: Resource | None, known: Mapping[str, Any] | None
    ) -> list[dict[str, Any]]:
        """Return the news of a resource, if any; an error is kept for the end, and is never a verdict."""
        if resource is None and known is not None:
            return [findings.archived(known, datetime.now(UTC))]
        if resource is None:
            return []
        try:
            # Not listed is not yet gone: it is read, as every resource is before a verdict.
            finding = self.detector.news(control, resource, known, self.stale_before)
        except Exception as error:
            error.add_note(f"while {resource.arn} was judged for {control.id}")
            self._failed(control, error)
            return []
        return [] if finding is None else [finding]

    def _send(self, control: Control, batch: list[dict[str, Any]]) -> None:
        self.changed += len(batch)
        try:
            findings.send(self.detector.security_hub, batch)
        except findings.ImportRefusedError as error:
            self._failed(control, error)

    def _failed(self, control: Control, error: Exception) -> None:
        self.errors.setdefault(control.id, []).append(error)

    def _time(self) -> bool:
        return self.left() > MARGIN
