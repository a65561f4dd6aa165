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
        evaluation = self.judge(control, resource)
        identifier = findings.finding_id(control, resource)
        known = findings.existing(self._security_hub, control, self.place.account, self.place.region, identifier).get(
            identifier
        )
        finding = self._finding(control, resource, evaluation, known)
        if finding is not None:
            findings.send(self._security_hub, [finding])

    def reconcile(self, control: Control, stale_before: datetime) -> int:
        """Find what events missed: judge every resource, archive findings of what is gone; return how many changed.

        A finding whose last update is older than `stale_before` is sent again, for Security Hub
        deletes findings 90 days after their last update even while they fail.
        """
        if control.discover is None:
            return 0
        known = findings.existing(self._security_hub, control, self.place.account, self.place.region)
        seen = set()
        changed = []
        for resource in control.discover(self.session, self.place):
            identifier = findings.finding_id(control, resource)
            seen.add(identifier)
            finding = self._finding(
                control, resource, self.judge(control, resource), known.get(identifier), stale_before
            )
            if finding is not None:
                changed.append(finding)
        for identifier, finding in known.items():
            gone = self._resource_of(control, finding)
            if identifier not in seen and finding["RecordState"] == "ACTIVE" and gone is not None:
                archived = self._finding(control, gone, None, finding)
                changed.extend([archived] if archived else [])
        findings.send(self._security_hub, changed)
        return len(changed)

    def _finding(
        self,
        control: Control,
        resource: Resource,
        evaluation: Evaluation | None,
        known: Mapping[str, Any] | None,
        stale_before: datetime | None = None,
    ) -> dict[str, Any] | None:
        """Return the finding to import, or None where nothing new would be said."""
        if known is None and (evaluation is None or evaluation.verdict is Verdict.NOT_APPLICABLE):
            return None
        finding = findings.build(
            control, resource, evaluation, digest_of(self.parameters(control)), known, datetime.now(UTC)
        )
        if known is None or not findings.says_the_same(finding, known):
            return finding
        stale = stale_before is not None and datetime.fromisoformat(known["UpdatedAt"]) < stale_before
        return finding if stale and finding["RecordState"] == "ACTIVE" else None

    def _resource_of(self, control: Control, finding: Mapping[str, Any]) -> Resource | None:
        parts = control.identify(finding["Resources"][0]["Id"])
        return control.resource(self.place, parts["id"]) if parts else None
