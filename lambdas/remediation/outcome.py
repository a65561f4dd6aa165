"""The closed list of outcomes, and what each means for the finding.

An outcome that is not in `WORKFLOW` leaves the finding as it is: what is gone or not judged is archived by detection.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Outcome(StrEnum):
    """How a remediation ended. Every finding that reaches the pipeline ends in exactly one."""

    INVALID = "invalid"
    OFF = "off"
    EXEMPTED = "exempted"
    NOTIFIED = "notified"
    DRY_RUN = "dry-run"
    AWAITING_APPROVAL = "awaiting-approval"
    REFUSED = "refused"
    LIMITED = "limited"
    FAILED = "failed"
    ALREADY_COMPLIANT = "already-compliant"
    NOT_APPLICABLE = "not-applicable"
    REMEDIATED = "remediated"
    GONE = "gone"


WORKFLOW = {
    Outcome.EXEMPTED: "SUPPRESSED",
    Outcome.NOTIFIED: "NOTIFIED",
    Outcome.DRY_RUN: "NOTIFIED",
    Outcome.AWAITING_APPROVAL: "NOTIFIED",
    Outcome.REFUSED: "NOTIFIED",
    Outcome.LIMITED: "NOTIFIED",
    Outcome.FAILED: "NOTIFIED",
    Outcome.ALREADY_COMPLIANT: "RESOLVED",
    Outcome.REMEDIATED: "RESOLVED",
}
# Nobody needs a message about a finding that was stale, forged or switched off.
TOLD = frozenset(
    {
        Outcome.NOTIFIED,
        Outcome.DRY_RUN,
        Outcome.AWAITING_APPROVAL,
        Outcome.REFUSED,
        Outcome.LIMITED,
        Outcome.FAILED,
        Outcome.REMEDIATED,
    }
)


@dataclass(slots=True)
class Result:
    """An outcome with its reason and what belongs to it in the ledger."""

    outcome: Outcome
    reason: str
    details: dict[str, Any] = field(default_factory=dict)
    lines: tuple[str, ...] = ()
    applied: bool = False
