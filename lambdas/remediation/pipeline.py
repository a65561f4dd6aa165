"""The pipeline: request > policy > plan > guard > apply > verify > record > tell.

The lease is taken before the resource is read, so that what is read holds until the change is made.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from lambdas.controls.model import Mode, Plan, Refusal, Verdict
from lambdas.remediation import describe, verify
from lambdas.remediation.access import Access, RoleError
from lambdas.remediation.apply import RefusedError, Run
from lambdas.remediation.guard import AlreadyDoneError, Guard, Lease, LimitedError, RepeatedError
from lambdas.remediation.outcome import Outcome, Result
from lambdas.remediation.policy import AccountPolicy, Policies
from lambdas.remediation.record import Ledger
from lambdas.remediation.request import InvalidRequestError, Request, parse
from lambdas.remediation.session_policy import PolicyTooLongError
from lambdas.remediation.tell import Voice

if TYPE_CHECKING:
    from boto3 import Session

DENIED = frozenset({"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"})
NOT_RUN = {Mode.DRY_RUN: Outcome.DRY_RUN, Mode.APPROVE: Outcome.AWAITING_APPROVAL}


@dataclass
class Pipeline:
    """Handles the findings of one organisation. Its parts talk to the hub; `access` enters members."""

    partition: str
    policies: Policies
    guard: Guard
    access: Access
    ledger: Ledger
    voice: Voice

    def handle(self, finding: Mapping[str, Any]) -> Result | None:
        """Take one finding to its outcome; None where an earlier delivery has done so."""
        try:
            request = parse(finding, self.partition)
        except InvalidRequestError as error:
            return self._reject(finding, str(error))
        policy = self.policies.of(request.resource.account)
        if policy is None:
            return Result(Outcome.OFF, "the account has no policy in its environment")
        mode, reasons = policy.limit(request.control)
        if mode is Mode.OFF:
            return Result(Outcome.OFF, "the control is off in this account")
        try:
            lease = self.guard.acquire(request, automatic=mode is Mode.AUTOMATIC)
        except AlreadyDoneError:
            return None
        except LimitedError as error:
            return self._limited(request, policy, str(error))
        except RepeatedError as error:
            mode, reasons = Mode.APPROVE, [str(error)]
            lease = self.guard.acquire(request, automatic=False)
        result = self._remediate(request, policy, mode, reasons)
        self._conclude(request, policy, lease, result)
        return result

    def _remediate(self, request: Request, policy: AccountPolicy, mode: Mode, reasons: list[str]) -> Result:
        try:
            return self._plan(request, policy, mode, reasons)
        except RoleError as error:
            return Result(Outcome.FAILED, str(error))

    def _plan(self, request: Request, policy: AccountPolicy, mode: Mode, reasons: list[str]) -> Result:
        control, resource = request.control, request.resource
        session = self.access.reader(resource)
        parameters = control.resolve(policy.parameters.get(control.id, {}), resource.region)
        try:
            settings = control.read(session, resource, request.finding)
            if settings is None:
                return Result(Outcome.GONE, "the resource no longer exists")
            tags = _tags(settings)
            exemption = policy.exemption(control, resource, tags)
            if exemption is not None:
                reason = f"{exemption.reason} ({exemption.owner}, until {exemption.expires})"
                return Result(Outcome.EXEMPTED, reason)
            evaluation = control.evaluate(settings, parameters)
            if evaluation.verdict is not Verdict.NON_COMPLIANT:
                return Result(Outcome.ALREADY_COMPLIANT, evaluation.annotation)
            facts = control.inspect(session, resource, settings, parameters) if control.inspect else {}
        except ClientError as error:
            # No verdict can be had, here or by trying again: a guardrail or the resource's own policy denies it.
            if error.response["Error"]["Code"] not in DENIED:
                raise
            return Result(Outcome.FAILED, f"the resource cannot be read: {error.response['Error']['Message']}")
        plan = control.plan(resource, settings, parameters, facts)
        details: dict[str, Any] = {"before": settings, "tags": tags, "verdict": evaluation.annotation}
        if isinstance(plan, Refusal):
            return Result(Outcome.REFUSED, plan.reason, details)
        lowered, lowering = policy.limit(control, plan)
        mode, reasons = (lowered, lowering) if lowered.strength < mode.strength else (mode, reasons)
        if any(change.effect for change in plan.changes) and mode is Mode.AUTOMATIC:
            mode, reasons = Mode.APPROVE, ["a change of this plan takes longer than one run may last"]
        details |= {
            "plan": describe.document(plan),
            "digest": describe.digest(plan, settings),
            "audience": tuple(audience.value for audience in plan.tell),
        }
        said = (plan.message, *describe.lines(plan)) if plan.message else tuple(describe.lines(plan))
        if not plan.changes or mode is Mode.NOTIFY:
            return Result(Outcome.NOTIFIED, plan.message or evaluation.annotation, details, said)
        if mode in NOT_RUN:
            reason = "; ".join(reasons) or f"the mode of this control is {mode.value}"
            return Result(NOT_RUN[mode], reason, details, said)
        return self._apply(request, session, parameters, plan, Result(Outcome.REMEDIATED, "", details, said))

    def _apply(
        self, request: Request, session: Session, parameters: Mapping[str, Any], plan: Plan, result: Result
    ) -> Result:
        run = Run(
            writer=lambda document: self.access.writer(request.resource, request.id, document),
            journal=_Journal(self.ledger, request, result.details),
        )
        try:
            run.apply(plan.changes)
        except PolicyTooLongError as error:
            return Result(Outcome.REFUSED, str(error), result.details, result.lines)
        except RefusedError as error:
            return self._failed(run, str(error), result)
        result.applied = True
        proof = verify.prove(session, request, parameters)
        if proof.verdict is Verdict.NON_COMPLIANT:
            return self._failed(run, f"the change did not take: {proof.annotation}", result)
        result.reason = proof.annotation
        return result

    def _failed(self, run: Run, reason: str, result: Result) -> Result:
        """Restore what was there before, as far as it can be, and say so."""
        changed = bool(run.applied)
        left = run.restore()
        restored = f"; not restored: {'; '.join(left)}" if left else "; what was there before is restored"
        return Result(
            Outcome.FAILED, reason + (restored if changed else ""), result.details, result.lines, applied=changed
        )

    def _conclude(self, request: Request, policy: AccountPolicy, lease: Lease, result: Result) -> None:
        """Tell, then write the outcome and end the lease at once: a run killed before that is done again."""
        if result.outcome is Outcome.FAILED:
            self.guard.count_failure(request)
        self._tell(request, policy, result)
        released = self.guard.release(lease, request, applied=result.applied)
        self.ledger.close(request.id, request.resource.account, _body(request, policy, result), released)

    def _limited(self, request: Request, policy: AccountPolicy, reason: str) -> Result | None:
        result = Result(Outcome.LIMITED, reason)
        body = _body(request, policy, result)
        if not self.ledger.write(request.id, "limited", request.resource.account, body):
            return None
        self._tell(request, policy, result)
        return result

    def _tell(self, request: Request, policy: AccountPolicy, result: Result) -> None:
        self.voice.note(request, result)
        self.voice.publish(request, result, policy.environment, policy.owner_tag)

    def _reject(self, finding: Mapping[str, Any], reason: str) -> Result:
        """Record a finding that cannot be acted upon. Nothing of it is believed, and it is not written on."""
        what = "\n".join(str(finding.get(field)) for field in ("ProductArn", "Id", "UpdatedAt"))
        identifier = f"x-{hashlib.sha256(what.encode()).hexdigest()[:24]}"
        shown = {field: finding.get(field) for field in ("Id", "ProductArn", "GeneratorId", "AwsAccountId", "Region")}
        result = Result(Outcome.INVALID, reason)
        body = {"outcome": result.outcome.value, "reason": reason, "finding": shown}
        self.ledger.write(identifier, "outcome", str(finding.get("AwsAccountId") or "unknown"), body)
        return result


@dataclass
class _Journal:
    """Numbers the entries of one run; a run that was killed left some, and the numbers go on after them."""

    ledger: Ledger
    request: Request
    details: Mapping[str, Any]
    number: int = 0

    def __call__(self, kind: str, body: dict[str, Any]) -> None:
        if self.number == 0:
            body = {**body, "plan": self.details["plan"], "before": self.details["before"]}
        account = self.request.resource.account
        self.number += 1
        while not self.ledger.write(self.request.id, f"{self.number:04d}-{kind}", account, body):
            self.number = max(self.number + 1, len(self.ledger.entries(self.request.id)) + 1)


def _tags(settings: Mapping[str, Any]) -> dict[str, str]:
    """The resource's tags as its control has read them, as a list of keys and values or as a mapping."""
    tags = settings.get("Tags") or {}
    return dict(tags) if isinstance(tags, Mapping) else {tag["Key"]: tag["Value"] for tag in tags}


def _body(request: Request, policy: AccountPolicy, result: Result) -> dict[str, Any]:
    resource = request.resource
    return {
        "outcome": result.outcome.value,
        "reason": result.reason,
        "control": request.control.id,
        "environment": policy.environment,
        "region": resource.region,
        "resource": resource.arn,
        "finding": {"Id": request.finding["Id"], "ProductArn": request.finding["ProductArn"]},
        "impact": request.control.impact,
        **{key: value for key, value in result.details.items() if key != "plan" or not result.applied},
    }
