"""`palisade replay`: has findings handled anew that were answered under a weaker mode, a few before the rest.

A finding whose workflow status is NEW is handled; its note, which is our former answer, makes it a request of its
own. How it ended is read from its case.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from lambdas.remediation.case import Next, key_of
from lambdas.remediation.guard import Guard
from lambdas.remediation.outcome import Outcome
from operations.backlog import Waiting
from operations.hub import Hub

BATCH = 20
POLL_SECONDS = 5.0
# What ends a replay: a remediation that failed, and a guard that forbids the next ones too.
BAD = frozenset({Outcome.FAILED, Outcome.LIMITED})
UNHANDLED = "not-handled"


@dataclass(frozen=True, slots=True)
class Ended:
    """How the replay of a finding ended; `outcome` is UNHANDLED where nothing came of it in time."""

    waiting: Waiting
    remediation: str | None
    outcome: str
    reason: str

    @property
    def bad(self) -> bool:
        """Whether what comes after it must not be begun."""
        return self.outcome in (*BAD, UNHANDLED)

    def line(self) -> dict[str, Any]:
        """The outcome as JSON."""
        resource = self.waiting.request.resource
        return {
            "control": self.waiting.request.control.id,
            "account": resource.account,
            "region": resource.region,
            "resource": resource.arn,
            "remediation": self.remediation,
            "outcome": self.outcome,
            "reason": self.reason,
        }


@dataclass
class Replay:
    """One replay; `seconds` is how long each part of it may take, `sleep` waits between looks."""

    hub: Hub
    seconds: float
    sleep: Callable[[float], None]
    progress: Callable[[str], None]

    def run(self, waiting: Sequence[Waiting], canary: int) -> list[Ended]:
        """Replay the canaries, then the rest in batches; ends after the first part in which something is bad."""
        parts = [waiting[:canary]] if canary else []
        parts += [waiting[start : start + BATCH] for start in range(canary, len(waiting), BATCH)]
        ended: list[Ended] = []
        for number, part in enumerate(parts):
            what = "canary" if canary and number == 0 else "batch"
            self.progress(f"{what}: {len(part)} of {len(waiting)} findings, {len(ended)} done")
            ended += self._part(part)
            if any(one.bad for one in ended):
                break
        return ended

    def _part(self, part: Sequence[Waiting]) -> list[Ended]:
        refused = self._renew(part)
        ended = [Ended(one, None, UNHANDLED, refused[one.request.id]) for one in part if one.request.id in refused]
        left = [one for one in part if one.request.id not in refused]
        guard = Guard(self.hub.client("dynamodb"), self.hub.names.state_table, {})
        until = time.time() + self.seconds
        while left:
            for one in list(left):
                outcome = self._ended(guard, one)
                if outcome is not None:
                    ended.append(outcome)
                    left.remove(one)
            if left and time.time() >= until:
                return [*ended, *(self._late(guard, one) for one in left)]
            if left:
                self.sleep(POLL_SECONDS)
        return ended

    def _renew(self, part: Sequence[Waiting]) -> dict[str, str]:
        """Set findings to NEW; return why Security Hub did not take some, by their request."""
        answer = self.hub.client("securityhub").batch_update_findings(
            FindingIdentifiers=[one.identifier for one in part], Workflow={"Status": "NEW"}
        )
        reasons = {
            one["FindingIdentifier"]["Id"]: f"Security Hub does not take NEW: {one['ErrorCode']} {one['ErrorMessage']}"
            for one in answer["UnprocessedFindings"]
        }
        return {one.request.id: reasons[one.identifier["Id"]] for one in part if one.identifier["Id"] in reasons}

    def _ended(self, guard: Guard, one: Waiting) -> Ended | None:
        """How a finding was answered; None while it was not."""
        case = guard.case(key_of(one.request))
        if case.remediation in (None, one.case.remediation) or case.next == Next.STUCK or case.outcome is None:
            return None
        return Ended(one, case.remediation, case.outcome, self._reason(case.remediation or ""))

    def _late(self, guard: Guard, one: Waiting) -> Ended:
        case = guard.case(key_of(one.request))
        minutes = round(self.seconds / 60) or 1
        if case.remediation not in (None, one.case.remediation):
            reason = f"begun, and without an outcome after {minutes} minutes: palisade ledger {case.remediation}"
            return Ended(one, case.remediation, UNHANDLED, reason)
        reason = f"nothing has taken it up within {minutes} minutes: look at the queue, its dead letters, the log group"
        return Ended(one, None, UNHANDLED, reason)

    def _reason(self, remediation: str) -> str:
        entries = sorted(self.hub.ledger().entries(remediation), key=lambda entry: str(entry["at"]))
        return next((str(one["reason"]) for one in reversed(entries) if "outcome" in one), "")
