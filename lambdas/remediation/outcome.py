"""The closed list of outcomes, and what each means for the finding.

An outcome that is not in `WORKFLOW` leaves the finding as it is: what is gone or not judged is archived by detection.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from lambdas.remediation.case import Next


class Outcome(StrEnum):
    """How a remediation ended. Every finding that reaches the pipeline ends in exactly one."""

    INVALID = "invalid"
    OFF = "off"
    EXEMPTED = "exempted"
    NOTIFIED = "notified"
    DRY_RUN = "dry-run"
    AWAITING_APPROVAL = "awaiting-approval"
    REJECTED = "rejected"
    APPROVAL_EXPIRED = "approval-expired"
    IN_PROGRESS = "in-progress"
    REFUSED = "refused"
    LIMITED = "limited"
    FAILED = "failed"
    ALREADY_COMPLIANT = "already-compliant"
    NOT_APPLICABLE = "not-applicable"
    REMEDIATED = "remediated"
    UNDONE = "undone"
    EXEMPTION_REQUESTED = "exemption-requested"
    GONE = "gone"


WORKFLOW = {
    Outcome.EXEMPTED: "SUPPRESSED",
    Outcome.NOTIFIED: "NOTIFIED",
    Outcome.DRY_RUN: "NOTIFIED",
    Outcome.AWAITING_APPROVAL: "NOTIFIED",
    Outcome.REJECTED: "NOTIFIED",
    Outcome.APPROVAL_EXPIRED: "NOTIFIED",
    Outcome.IN_PROGRESS: "NOTIFIED",
    Outcome.REFUSED: "NOTIFIED",
    Outcome.LIMITED: "NOTIFIED",
    Outcome.FAILED: "NOTIFIED",
    Outcome.ALREADY_COMPLIANT: "RESOLVED",
    Outcome.REMEDIATED: "RESOLVED",
    Outcome.UNDONE: "NOTIFIED",
}
# Nobody needs a message about a finding that was stale, forged or switched off.
TOLD = frozenset(
    {
        Outcome.NOTIFIED,
        Outcome.DRY_RUN,
        Outcome.AWAITING_APPROVAL,
        Outcome.REJECTED,
        Outcome.APPROVAL_EXPIRED,
        Outcome.IN_PROGRESS,
        Outcome.REFUSED,
        Outcome.LIMITED,
        Outcome.FAILED,
        Outcome.REMEDIATED,
        Outcome.UNDONE,
        Outcome.EXEMPTION_REQUESTED,
    }
)


@dataclass(slots=True)
class Result:
    """An outcome with its reason and what belongs to it in the ledger.

    `next` and `due` (seconds since the epoch) are what the sweep is to do with the case; `standing` are further
    attributes of the case. A `quiet` result is recorded and noted, and no message tells of it: one has. `untold`
    are statements that leave its message to a digest.
    """

    outcome: Outcome
    reason: str
    details: dict[str, Any] = field(default_factory=dict)
    lines: tuple[str, ...] = ()
    applied: bool = False
    next: Next | None = None
    due: int | None = None
    standing: dict[str, str | int | None] = field(default_factory=dict)
    quiet: bool = False
    untold: list[dict[str, Any]] = field(default_factory=list)
