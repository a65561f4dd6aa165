"""The pipeline: request > policy > guard > plan > apply > verify > record > tell.

The lease is taken before the resource is read, so that what is read holds until the change is made.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lambdas.controls.model import Mode
from lambdas.remediation.access import Access, RoleError
from lambdas.remediation.apply import Run, earlier
from lambdas.remediation.attempt import Attempt
from lambdas.remediation.guard import AlreadyDoneError, Guard, LimitedError, RepeatedError
from lambdas.remediation.lease_items import Lease
from lambdas.remediation.outcome import Outcome, Result
from lambdas.remediation.policy import AccountPolicy, Policies, StrangerError
from lambdas.remediation.record import Journal, Ledger
from lambdas.remediation.request import InvalidRequestError, Request, parse
from lambdas.remediation.tell import Voice

# What of a finding that is not believed goes into the ledger, and how much of each field.
SHOWN = ("Id", "ProductArn", "GeneratorId", "AwsAccountId", "Region")
SHOWN_LENGTH = 512


@dataclass
class Pipeline:
    """Handles the findings of one organisation. Its parts talk to the hub; `access` enters members."""

    partition: str
    policies: Policies
    guard: Guard
    access: Access
    ledger: Ledger
    voice: Voice

    def handle(self, finding: Mapping[str, Any], run: str) -> Result | None:
        """Take one finding to its outcome; None where an earlier delivery has done so.

        `run` tells this run from every other: what it locks stays locked to a second delivery.
        """
        try:
            request = parse(finding, self.partition)
            policy = self.policies.of(request.resource.account)
        except (InvalidRequestError, StrangerError) as error:
            return self._reject(finding, str(error))
        if policy is None:
            return Result(Outcome.OFF, "the account has no policy in its environment")
        mode, reasons = policy.limit(request.control)
        if mode is Mode.OFF:
            return Result(Outcome.OFF, "the control is off in this account")
        try:
            lease, mode, reasons = self._lease(request, run, mode, reasons)
        except AlreadyDoneError:
            return None
        except LimitedError as error:
            return self._limited(request, policy, str(error))
        return self._held(request, policy, lease, mode, reasons)

    def _lease(self, request: Request, run: str, mode: Mode, reasons: list[str]) -> tuple[Lease, Mode, list[str]]:
        """Pass the guards; a resource that was remediated again and again needs a person."""
        try:
            return self.guard.acquire(request, run, automatic=mode is Mode.AUTOMATIC), mode, reasons
        except RepeatedError as error:
            return self.guard.acquire(request, run, automatic=False), Mode.APPROVE, [str(error)]

    def _held(self, request: Request, policy: AccountPolicy, lease: Lease, mode: Mode, reasons: list[str]) -> Result:
        """Remediate under a lease; without an outcome it is abandoned, so that others need not wait for it."""
        work: Run | None = None
        try:
            entries = self.ledger.entries(request.id) if lease.resumed else []
            details: dict[str, Any] = {}
            work = Run(
                writer=lambda document: self.access.writer(request.resource, request.id, document),
                journal=Journal.after(entries, self.ledger, request.id, request.resource.account, details),
                earlier=earlier(entries),
            )
            try:
                reader = self.access.reader(request.resource)
                result = Attempt(request, policy, mode, reasons, reader, work, entries, details).make()
            except RoleError as error:
                result = Result(Outcome.FAILED, str(error), details, applied=work.changed)
            self._conclude(request, policy, lease, result)
        except Exception:
            self.guard.abandon(lease, applied=lease.resumed if work is None else work.changed)
            raise
        return result

    def _conclude(self, request: Request, policy: AccountPolicy, lease: Lease, result: Result) -> None:
        """Tell, then write the outcome and end the lease at once: a run killed before that is done again."""
        if result.outcome is Outcome.FAILED:
            self.guard.count_failure(request)
        unnoted = self._tell(request, policy, result)
        released = self.guard.release(lease, applied=result.applied)
        body = _body(request, policy, result, unnoted)
        self.ledger.close(request.id, request.resource.account, body, released)

    def _limited(self, request: Request, policy: AccountPolicy, reason: str) -> Result | None:
        """Tell once that a guard forbids the remediation; the request stays open for when it no longer does."""
        if any(one["entry"] == "limited" for one in self.ledger.entries(request.id)):
            return None
        result = Result(Outcome.LIMITED, reason)
        unnoted = self._tell(request, policy, result)
        body = _body(request, policy, result, unnoted)
        self.ledger.write(request.id, "limited", request.resource.account, body)
        return result

    def _tell(self, request: Request, policy: AccountPolicy, result: Result) -> str | None:
        """Tell, and return why the finding has no note where it could not have one."""
        unnoted = self.voice.note(request, result)
        self.voice.publish(request, result, policy.environment, policy.owner_tag)
        return unnoted

    def _reject(self, finding: Mapping[str, Any], reason: str) -> Result:
        """Record a finding that cannot be acted upon. Nothing of it is believed, and it is not written on."""
        text = json.dumps(finding, sort_keys=True, default=str)
        identifier = f"x-{hashlib.sha256(text.encode()).hexdigest()[:24]}"
        shown = {field: str(finding.get(field))[:SHOWN_LENGTH] for field in SHOWN}
        result = Result(Outcome.INVALID, reason[:SHOWN_LENGTH])
        body = {"outcome": result.outcome.value, "reason": result.reason, "finding": shown}
        self.ledger.write(identifier, "outcome", str(finding.get("AwsAccountId") or "unknown")[:SHOWN_LENGTH], body)
        return result


def _body(request: Request, policy: AccountPolicy, result: Result, unnoted: str | None) -> dict[str, Any]:
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
        **({"unnoted": unnoted} if unnoted else {}),
        # The journal has the plan of what was applied.
        **{key: value for key, value in result.details.items() if key != "plan" or not result.applied},
    }
