"""One account and Region as the detect function sees it: its controls, their parameters, its clients."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

from botocore.config import Config

from lambdas import findings
from lambdas.controls import catalog
from lambdas.controls.model import Control, Evaluation, Place, Resource, Scope, Verdict
from lambdas.environment import Environment, digest_of

if TYPE_CHECKING:
    from boto3 import Session

# GetFindings takes three calls a second of an account and Region, whoever makes them, and compliance changes come in
# bursts. Waits grow to 20 seconds, two minutes in all (Boto3 guide, "Retries", standard mode).
PATIENT = Config(retries={"mode": "standard", "total_max_attempts": 10})


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
    def security_hub(self) -> Any:
        """The client of Security Hub here: it waits longer than others do."""
        return self.session.client("securityhub", config=PATIENT)

    def controls(self) -> Iterator[Control]:
        """Return the controls that rules of ours detect here; global ones only in the home Region."""
        for identifier, settings in self._settings.items():
            if settings["rule"] is None:
                continue
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
        known = findings.existing(self.security_hub, control, self.place.account, self.place.region, identifier)
        finding = self.news(control, resource, known.get(identifier))
        if finding is not None:
            findings.send(self.security_hub, [finding])

    def news(
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
