"""One account and Region as the detect function sees it: its controls, their parameters, its clients."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

from lambdas import findings
from lambdas.controls import catalog
from lambdas.controls.model import Control, Evaluation, Place, Resource, Scope, Verdict
from lambdas.environment import Environment, digest_of

if TYPE_CHECKING:
    from boto3 import Session


class UnknownRuleError(Exception):
    """An event names a rule or control that this function was not deployed for."""


@dataclass
class Detector:
    """Judges the resources of one account and Region."""

    session: Session
    environment: Environment
    place: Place

    @cached_property
    def _settings(self) -> Mapping[str, Any]:
        controls: Mapping[str, Any] = self.environment.settings(self.session)["controls"]
        return controls

    @cached_property
    def _security_hub(self) -> Any:
        return self.session.client("securityhub")

    def controls(self) -> Iterator[Control]:
        """Return the controls that are detected here; global ones only in the home Region."""
        for identifier in self._settings:
            control = catalog()[identifier]
            if control.scope is Scope.REGIONAL or self.place.region == self.environment.home_region:
                yield control

    def control_of(self, rule: str) -> Control:
        """Find the control of a Config rule by its name; raises UnknownRuleError."""
        for control in self.controls():
            if self.environment.names.config_rule(control.slug) == rule:
                return control
        raise UnknownRuleError(f"no control of this account has the rule {rule}; deploy the member stack again")

    def parameters(self, control: Control) -> dict[str, Any]:
        """Return a control's parameters in force in this Region."""
        return control.resolve(self._settings[control.id].get("parameters", {}), self.place.region)

    def judge(self, control: Control, resource: Resource) -> Evaluation | None:
        """Read a resource and evaluate it; None where it is gone."""
        settings = control.read(self.session, resource, None)
        return None if settings is None else control.evaluate(settings, self.parameters(control))

    def report(self, control: Control, resource: Resource) -> None:
        """Judge a resource and bring its finding up to date."""
        identifier = findings.finding_id(control, resource)
        known = findings.existing(self._security_hub, control, self.place.account, self.place.region, identifier)
        finding = self._news(control, resource, known.get(identifier))
        if finding is not None:
            findings.send(self._security_hub, [finding])

    def reconcile(self, control: Control, stale_before: datetime) -> int:
        """Find what events missed: judge every resource, archive findings of what is gone; return how many changed.

        A finding whose last update is older than `stale_before` is sent again, for Security Hub
        deletes findings 90 days after their last update even while they fail. A resource that cannot
        be judged hinders no other; raises ExceptionGroup with all errors at the end.
        """
        if control.discover is None:
            return 0
        known = findings.existing(self._security_hub, control, self.place.account, self.place.region)
        errors: list[Exception] = []
        changed = 0
        batch: list[dict[str, Any]] = []
        for finding in self._changed(control, known, stale_before, errors):
            batch.append(finding)
            changed += 1
            # Sent as they come: what is found before the function's time ends is not lost.
            if len(batch) == findings.PER_CALL:
                self._send(batch, errors)
                batch = []
        self._send(batch, errors)
        if errors:
            raise ExceptionGroup(f"{control.id} could not be reconciled for some resources", errors)
        return changed

    def _changed(
        self, control: Control, known: Mapping[str, Any], stale_before: datetime, errors: list[Exception]
    ) -> Iterator[dict[str, Any]]:
        """Go through the resources that are there, and then through the findings of those that are not."""
        seen = set()
        for resource in self._discovered(control):
            identifier = findings.finding_id(control, resource)
            seen.add(identifier)
            yield from self._tried(control, resource, known.get(identifier), stale_before, errors)
        own = findings.product_arn(control.resource(self.place, ""))
        for identifier, finding in known.items():
            if identifier in seen or finding["RecordState"] != "ACTIVE" or finding["ProductArn"] != own:
                continue
            parts = control.identify(finding["Resources"][0]["Id"])
            missing = control.resource(self.place, parts["id"]) if parts else None
            if missing is None or findings.finding_id(control, missing) != identifier:
                yield findings.archived(finding, datetime.now(UTC))
            else:
                # Not listed is not yet gone: it is read, as every resource is before a verdict.
                yield from self._tried(control, missing, finding, stale_before, errors)

    def _discovered(self, control: Control) -> Iterator[Resource]:
        return iter(control.discover(self.session, self.place)) if control.discover else iter(())

    def _tried(
        self,
        control: Control,
        resource: Resource,
        known: Mapping[str, Any] | None,
        stale_before: datetime,
        errors: list[Exception],
    ) -> Iterator[dict[str, Any]]:
        """Return the news of a resource, if any; an error is kept for the end, and is never a verdict."""
        try:
            finding = self._news(control, resource, known, stale_before)
        except Exception as error:
            error.add_note(f"while {resource.arn} was judged for {control.id}")
            errors.append(error)
            return
        if finding is not None:
            yield finding

    def _send(self, batch: list[dict[str, Any]], errors: list[Exception]) -> None:
        try:
            findings.send(self._security_hub, batch)
        except findings.ImportRefusedError as error:
            errors.append(error)

    def _news(
        self,
        control: Control,
        resource: Resource,
        known: Mapping[str, Any] | None,
        stale_before: datetime | None = None,
    ) -> dict[str, Any] | None:
        """Judge a resource; return the finding to import, or None where nothing new would be said."""
        read_at = datetime.now(UTC)
        evaluation = self.judge(control, resource)
        if known is None and (evaluation is None or evaluation.verdict is Verdict.NOT_APPLICABLE):
            return None
        finding = findings.build(control, resource, evaluation, digest_of(self.parameters(control)), known, read_at)
        if known is None or not findings.says_the_same(finding, known):
            return finding
        stale = stale_before is not None and datetime.fromisoformat(known["UpdatedAt"]) < stale_before
        return finding if stale and finding["RecordState"] == "ACTIVE" else None
