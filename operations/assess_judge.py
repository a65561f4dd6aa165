"""What one resource comes to: its verdict and what remediation would do, by the catalog's own functions.

The same steps as `lambdas/remediation/attempt.py` up to the change: read, evaluate, exempt, inspect, plan, limit.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from lambdas.controls.model import Ceiling, Control, Mode, Plan, Refusal, Resource, Verdict
from lambdas.remediation import written
from lambdas.remediation.attempt import tags_of
from lambdas.remediation.policy import AccountPolicy
from lambdas.services.ownership import managers_of
from operations.account_access import FAILURES, said

if TYPE_CHECKING:
    from boto3.session import Session


class Outcome(StrEnum):
    """What a resource comes to."""

    COMPLIANT = "compliant"
    NOT_APPLICABLE = "not applicable"
    WOULD_CHANGE = "would change"
    TOLD = "told only"
    REFUSED = "refused"
    EXEMPTED = "exempted"
    UNREAD = "cannot be read"


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """One resource under one control; without a resource, what kept an account or a control from being read.

    `mode` is the one that applies after all ceilings, `limits` the reasons that lowered it; `calls` are the plan's,
    each with its parameters, permissions and undo.
    """

    account: str
    outcome: Outcome
    reason: str
    region: str | None = None
    control: str | None = None
    resource: str | None = None
    mode: Mode | None = None
    limits: tuple[str, ...] = ()
    ceiling: str | None = None
    calls: tuple[Mapping[str, Any], ...] = ()
    leaves: tuple[str, ...] = ()
    managed_by: tuple[str, ...] = ()

    def line(self) -> dict[str, Any]:
        """The judgement as JSON: the same keys in every line."""
        return {
            "account": self.account,
            "region": self.region,
            "control": self.control,
            "resource": self.resource,
            "outcome": self.outcome.value,
            "reason": self.reason,
            "mode": self.mode.value if self.mode else None,
            "limits": list(self.limits),
            "ceiling": self.ceiling,
            "calls": [dict(call) for call in self.calls],
            "leaves": list(self.leaves),
            "managed_by": list(self.managed_by),
        }


@dataclass(frozen=True, slots=True)
class Judge:
    """One control in one Region of an account, under the account's policy."""

    session: Session
    control: Control
    policy: AccountPolicy
    region: str
    parameters: Mapping[str, Any] = field(init=False)

    def __post_init__(self) -> None:
        given = self.policy.parameters.get(self.control.id, {})
        object.__setattr__(self, "parameters", self.control.resolve(given, self.region))

    def judge(self, resource: Resource) -> Judgement | None:
        """Judge a resource; None where it went away meanwhile. What AWS does not let us read is told as such."""
        try:
            settings = self.control.read(self.session, resource, None)
            return None if settings is None else self._judged(resource, settings)
        except FAILURES as error:
            return self._said(resource, Outcome.UNREAD, said(error))

    def unread(self, error: Exception) -> Judgement:
        """The resources of the control cannot be listed."""
        return self._said(None, Outcome.UNREAD, f"its resources cannot be listed: {said(error)}")

    def _judged(self, resource: Resource, settings: Mapping[str, Any]) -> Judgement:
        evaluation = self.control.evaluate(settings, self.parameters)
        tags = tags_of(settings)
        managers = managers_of(tags)
        if evaluation.verdict is not Verdict.NON_COMPLIANT:
            passes = evaluation.verdict is Verdict.COMPLIANT
            outcome = Outcome.COMPLIANT if passes else Outcome.NOT_APPLICABLE
            return self._said(resource, outcome, evaluation.annotation, managed_by=managers)
        exemption = self.policy.exemption(self.control, resource, tags)
        if exemption is not None:
            reason = f"{exemption.reason} ({exemption.owner}, until {exemption.expires})"
            return self._said(resource, Outcome.EXEMPTED, reason, managed_by=managers)
        inspect = self.control.inspect
        try:
            facts = inspect(self.session, resource, settings, self.parameters) if inspect else {}
        except FAILURES as error:
            reason = f"{evaluation.annotation} What a plan needs cannot be read: {said(error)}"
            return self._said(resource, Outcome.UNREAD, reason, managed_by=managers)
        plan = self.control.plan(resource, settings, self.parameters, facts)
        if isinstance(plan, Refusal):
            return self._said(resource, Outcome.REFUSED, plan.reason, managed_by=managers)
        return self._planned(resource, plan, evaluation.annotation, managers)

    def _planned(self, resource: Resource, plan: Plan, annotation: str, managers: tuple[str, ...]) -> Judgement:
        mode, limits = self.policy.limit(self.control, plan, managers)
        ceilings = [one for one in (self.control.ceiling, plan.ceiling) if one is not None]
        strongest = min(ceilings, key=lambda one: one.mode.strength)
        return self._said(
            resource,
            Outcome.WOULD_CHANGE if plan.changes else Outcome.TOLD,
            annotation if plan.changes or not plan.message else plan.message,
            mode=mode,
            limits=tuple(limits),
            ceiling=f"{strongest.mode.value}{self._lifted(strongest)} ({strongest.reason})",
            calls=tuple(_calls(plan)),
            leaves=plan.leaves,
            managed_by=managers,
        )

    def _lifted(self, ceiling: Ceiling) -> str:
        """Say of a ceiling whether it can be exceeded, and is."""
        if ceiling.firm:
            return ", firm"
        return ", lifted" if ceiling is self.control.ceiling and self.control.id in self.policy.lifted else ""

    def _said(self, resource: Resource | None, outcome: Outcome, reason: str, **more: Any) -> Judgement:
        return Judgement(
            account=self.policy.account,
            region=self.region,
            control=self.control.id,
            resource=resource.arn if resource else None,
            outcome=outcome,
            reason=reason,
            **{"mode": self.policy.mode(self.control), **more},
        )


def _calls(plan: Plan) -> list[dict[str, Any]]:
    return [
        {
            "call": f"{change['service']}:{change['operation']}",
            "parameters": change["parameters"],
            "permissions": sorted({grant["action"] for grant in change["grants"]}),
            "undo": f"{change['inverse']['service']}:{change['inverse']['operation']}" if change["inverse"] else None,
            "irreversible": change["irreversible"],
        }
        for change in written.plan(plan)["changes"]
    ]
