"""The figures of a simulated run, read back from the ledger, the services and the front door's log."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from boto3 import Session

from lambdas.findings import moment
from lambdas.names import Names
from operations.scenario import Broken
from simulator.door import Entry

DENIALS = frozenset({"AccessDenied", "AccessDeniedException", "AuthorizationError", "UnauthorizedOperation"})
# The ledger's closed list of outcomes, by the count of summary.json that each belongs to.
COUNTS = {
    "remediated": ("remediated", "already-compliant"),
    "awaiting_approval": ("awaiting-approval",),
    # People know, and nothing waits for their yes.
    "notified": ("notified", "dry-run", "limited", "exempted"),
    "refused": ("refused", "invalid"),
    "failed": ("failed",),
}


@dataclass(frozen=True, slots=True)
class LedgerOutcome:
    """One outcome as the ledger holds it, with the changes of its plan; `slow` says that some of them take time.

    `question` says that people were asked by it: a finding of another product can wait for what a sibling has asked.
    """

    at: datetime
    remediation: str
    control: str
    region: str
    resource: str
    outcome: str
    reason: str
    slow: bool
    changes: int
    question: bool


def ledger_outcomes(hub: Session, names: Names, since: datetime | None = None) -> list[LedgerOutcome]:
    """Read the outcomes of all remediations from the hub's ledger, oldest first; those from a time on, where given."""
    first = "" if since is None else moment(since)
    pages = hub.client("dynamodb").get_paginator("scan").paginate(TableName=names.ledger_table)
    found = []
    for item in sorted((one for page in pages for one in page["Items"]), key=lambda one: one["at"]["S"]):
        body = json.loads(item["body"]["S"])
        changes = body.get("plan", {}).get("changes", ())
        if "outcome" in body and "resource" in body and item["at"]["S"] >= first:
            found.append(
                LedgerOutcome(
                    datetime.fromisoformat(item["at"]["S"]),
                    item["remediation"]["S"],
                    body["control"],
                    body["region"],
                    body["resource"],
                    body["outcome"],
                    body["reason"],
                    any(change["effect"] for change in changes),
                    len(changes),
                    item["entry"]["S"].startswith("asked-"),
                )
            )
    return found


def assign(broken: Iterable[Broken], outcomes: Iterable[LedgerOutcome]) -> None:
    """Give each broken resource its last outcome that the ledger knows."""
    last = {(one.control, one.region, one.resource): one for one in outcomes}
    for one in broken:
        known = last.get((one.control.id, one.resource.region, one.resource.arn))
        if known is not None:
            one.outcome, one.reason, one.remediation = known.outcome, known.reason, known.remediation


def counts(broken: Sequence[Broken], log: Sequence[Entry], names: Names, seconds: float) -> dict[str, Any]:
    """Count the run; `log` begins when the deployment had ended."""
    handled = [one for one in broken if one.outcome is not None]
    of_the_function = [entry for entry in log if by_remediation(entry, names)]
    return {
        "broken": len(broken),
        **{name: sum(one.outcome in outcomes for one in broken) for name, outcomes in COUNTS.items()},
        "left_broken": sum(one.left for one in broken),
        "neighbours_changed": sum(one.neighbour_changed for one in broken),
        "denied_calls": sum(entry.error in DENIALS for entry in log),
        "api_calls_per_remediation": round(len(of_the_function) / len(handled), 1) if handled else 0,
        "seconds": round(seconds, 1),
    }


def by_remediation(entry: Entry, names: Names) -> bool:
    """Whether a call was made by the remediate function, in the hub or in a member; its polling is not."""
    roles = (names.remediation_role, names.reader_role, names.writer_role)
    return any(f":assumed-role/{role}/" in entry.principal for role in roles) and entry.service not in ("sqs", "logs")
