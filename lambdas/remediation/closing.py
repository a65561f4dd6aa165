"""Where remediations end: the people told, the outcome in the ledger, the case as it stands, the lease over."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from lambdas.findings import moment
from lambdas.remediation import approvals
from lambdas.remediation.approvals import NO_QUESTION
from lambdas.remediation.case import Case, Next, key_of
from lambdas.remediation.guard import Guard, LimitedError
from lambdas.remediation.lease_items import HOUR, Lease
from lambdas.remediation.outcome import TOLD, WORKFLOW, Outcome, Result
from lambdas.remediation.policy import AccountPolicy
from lambdas.remediation.record import Ledger, outcome_of
from lambdas.remediation.request import Request
from lambdas.remediation.storms import Storms, untold
from lambdas.remediation.tell import Voice

# What of a finding that is not believed goes into the ledger, and how much of each field.
SHOWN = ("Id", "ProductArn", "GeneratorId", "AwsAccountId", "Region")
SHOWN_LENGTH = 512
# A remediation that failed is tried again after these times, and then no more.
BACKOFF = (HOUR, 4 * HOUR, 24 * HOUR)
# Another product's finding that still stands after this time is told of.
DISAGREEMENT = 24 * HOUR


@dataclass
class Closing:
    """Writes down how remediations end."""

    guard: Guard
    ledger: Ledger
    voice: Voice
    storms: Storms = field(default_factory=Storms)

    def conclude(self, request: Request, policy: AccountPolicy, lease: Lease, result: Result) -> None:
        """Tell, then write the outcome and end the lease at once: a run killed before that is done again."""
        if result.outcome is Outcome.FAILED:
            self.guard.count_failure(request)
            # The finding says nothing of an undo: people ask for it again.
            if not request.undoes:
                self._retry(request, result)
        if result.outcome is Outcome.REMEDIATED and request.passes_by_itself:
            result.next, result.due = Next.CHECK, int(time.time()) + DISAGREEMENT
        unnoted = self.tell(request, policy, result)
        body = body_of(request, policy, result, unnoted)
        entry = "outcome"
        if result.outcome is Outcome.AWAITING_APPROVAL and not result.quiet:
            entry = f"asked-{result.standing['question']}"
            body |= approvals.body_of(request, result)
        released = self.guard.release(lease, _standing(request, policy, result), applied=result.applied)
        self.ledger.close(request.id, request.resource.account, entry, body, [*released, *result.untold])

    def limited(self, request: Request, policy: AccountPolicy, error: LimitedError, then: Next) -> Result | None:
        """Tell once that a guard forbids the remediation, and let the sweep ask again when it no longer does."""
        told = self.guard.case(key_of(request)).outcome == Outcome.LIMITED
        # The note is written all the same: who asked again has made the finding NEW.
        result = Result(Outcome.LIMITED, str(error), quiet=told)
        unnoted = self.tell(request, policy, result)
        if not told:
            body = body_of(request, policy, result, unnoted)
            self.ledger.write(request.id, "limited", request.resource.account, body)
            self._left_to_digest(result)
        # Last, for what stands on the case counts as told.
        self.guard.defer(request, error.until, then)
        return None if told else result

    def declined(self, request: Request, policy: AccountPolicy, case: Case) -> Result | None:
        """End what people have rejected or left unanswered; None where that is written down already."""
        result = approvals.declined(case)
        if outcome_of(self.ledger.entries(request.id)) is not None:
            return None
        unnoted = self.tell(request, policy, result)
        self.guard.stand(case.key, _standing(request, policy, result))
        self.ledger.write(request.id, "outcome", request.resource.account, body_of(request, policy, result, unnoted))
        self._left_to_digest(result)
        return result

    def reject(self, finding: Mapping[str, Any], reason: str) -> Result:
        """Record a finding that cannot be acted upon. Nothing of it is believed, and it is not written on."""
        text = json.dumps(finding, sort_keys=True, default=str)
        identifier = f"x-{hashlib.sha256(text.encode()).hexdigest()[:24]}"
        shown = {field: str(finding.get(field))[:SHOWN_LENGTH] for field in SHOWN}
        result = Result(Outcome.INVALID, reason[:SHOWN_LENGTH])
        body = {"outcome": result.outcome.value, "reason": result.reason, "finding": shown}
        self.ledger.write(identifier, "outcome", str(finding.get("AwsAccountId") or "unknown")[:SHOWN_LENGTH], body)
        return result

    def tell(self, request: Request, policy: AccountPolicy, result: Result) -> str | None:
        """Tell, and return why the finding has no note where it could not have one."""
        unnoted = self.voice.note(request, result)
        if result.outcome not in TOLD or result.quiet:
            return unnoted
        if result.outcome is Outcome.AWAITING_APPROVAL or self.storms.singly(request, result):
            self.voice.publish(request, result, policy.environment, policy.owner_tag)
        else:
            result.untold.append(untold(self.guard.table, request, result, policy.environment))
        return unnoted

    def _left_to_digest(self, result: Result) -> None:
        """Leave a message to the digest where no transaction takes it along."""
        for statement in result.untold:
            self.guard.dynamodb.execute_statement(**statement)

    def _retry(self, request: Request, result: Result) -> None:
        """Try again after a while, a few times; the last time says that there is no further one."""
        result.standing["attempts"] = attempts = self.guard.case(key_of(request)).attempts + 1
        if attempts <= len(BACKOFF):
            result.next, result.due = Next.AGAIN, int(time.time()) + BACKOFF[attempts - 1]
            hours = BACKOFF[attempts - 1] // HOUR
            result.reason += f"; tried again in {hours} hour{'s' if hours > 1 else ''}"
        else:
            result.reason += f"; it failed {attempts} times and is not tried again by itself"


def body_of(request: Request, policy: AccountPolicy, result: Result, unnoted: str | None) -> dict[str, Any]:
    """What the ledger keeps of an outcome."""
    resource = request.resource
    return {
        "outcome": result.outcome.value,
        "reason": result.reason,
        "control": request.control.id,
        "environment": policy.environment,
        "region": resource.region,
        "resource": resource.arn,
        "finding": {name: request.finding[name] for name in ("Id", "ProductArn", "GeneratorId")},
        "impact": request.control.impact,
        **({"unnoted": unnoted} if unnoted else {}),
        # The journal has the plan of what was applied.
        **{key: value for key, value in result.details.items() if key != "plan" or not result.applied},
    }


def _standing(request: Request, policy: AccountPolicy, result: Result) -> dict[str, str | int | None]:
    """What the case says from now on; a question that the result does not keep is over."""
    return {
        **NO_QUESTION,
        "outcome": result.outcome.value,
        "status": WORKFLOW.get(result.outcome),
        "answered": moment(datetime.now(UTC)),
        "environment": policy.environment,
        "attempts": 0,
        "reminding": None,
        "next": result.next.value if result.next else None,
        "due": result.due,
        **_changed(request, result),
        **result.standing,
    }


def _changed(request: Request, result: Result) -> dict[str, str | int | None]:
    """Which remediation the case names as its last one; an undo places the hold on what it has changed."""
    undoes = result.details.get("undoes")
    if undoes is None:
        return {"changed": request.id} if result.applied else {}
    by = result.details["by"]
    if result.outcome is Outcome.UNDONE:
        return {"hold": f"on hold since {by} undid {undoes}", "changed": None}
    # What was begun and not brought to its end is still to be undone.
    return {"hold": f"on hold since {by} began to undo {undoes}", "changed": undoes} if result.applied else {}
