"""The case: one item of the state table per control and resource, with everything that stands of the two.

history       when the last three remediations were (`first`, `second`, `third`)
remediation   the last one, and the last that changed the resource (`changed`)
standing      the last outcome, its remediation, the workflow status that we wrote and when (`answered`), how often it
              failed in a row, and which foreign status was `reported`
reminders     how often people were `reminded`, and which reminder the sweep has asked for (`reminding`)
approval      what was asked of people, until when, and what they said
hold          who undid a remediation: the control stays at `approve` on this resource until somebody lifts it
next, due     what the sweep is to do with it, and when; the index `by-due` finds them

Source of the index: DynamoDB Developer Guide, "Take advantage of sparse indexes".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from lambdas.controls import catalog
from lambdas.controls.model import Scope
from lambdas.remediation.request import Request

# One value of the index's hash key: cases change at most some hundred times a minute.
SHARD = "cases"
INDEX = "by-due"
DAY = 24 * 3600
# Findings live for 90 days after their last update.
CASE_SECONDS = 100 * DAY
STUCK_SECONDS = 3600
# An answer that has not been acted upon by then is sent again.
AGAIN_SECONDS = 600


class Next(StrEnum):
    """What the sweep is to do with a case when it is due."""

    STUCK = "stuck"  # a remediation began and has not ended
    AGAIN = "again"  # ask for the finding again
    EXPIRE = "expire"  # nobody has answered the question
    RUN = "run"  # what was approved has not been done
    WARN = "warn"  # an exemption ends within a week
    CHECK = "check"  # another product should have closed its finding
    REMIND = "remind"  # people were told of it: again, if it still fails


class Approval(StrEnum):
    """What became of a question to people."""

    WAITING = "waiting"
    APPROVED = "approved"
    REJECTED = "rejected"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class Case:
    """A case as it was read. Times are seconds since the epoch; an attribute that is not there is None."""

    key: str
    remediation: str | None = None
    changed: str | None = None
    control: str | None = None
    account: str | None = None
    region: str | None = None
    resource: str | None = None
    environment: str | None = None
    finding: str | None = None
    product: str | None = None
    outcome: str | None = None
    status: str | None = None
    answered: str | None = None
    reported: str | None = None
    attempts: int = 0
    reminded: int = 0
    reminding: int = 0
    next: str | None = None
    due: int | None = None
    approval: str | None = None
    kind: str | None = None
    asked: str | None = None
    question: int = 0
    digest: str | None = None
    deadline: int | None = None
    requester: str | None = None
    answered_by: str | None = None
    answer: str | None = None
    hold: str | None = None
    undone: str | None = None

    @classmethod
    def of(cls, item: Mapping[str, Mapping[str, str]]) -> Case:
        """Read an item of the table; what this version does not know is left out."""
        known = {}
        for name in cls.__slots__:
            if name in item:
                kind, value = next(iter(item[name].items()))
                known[name] = int(value) if kind == "N" else value
        return cls(**known)  # type: ignore[arg-type]


def place_of(control: str, account: str, region: str) -> str:
    """Where a control's resource is, for keys: findings of what is global in an account come in several Regions."""
    known = catalog().get(control)
    return f"{account}#{known.scope if known is not None and known.scope is Scope.GLOBAL else region}"


def case_key(control: str, account: str, region: str, arn: str) -> str:
    """The key begins with what names the account: anybody can forge a finding about anybody's bucket."""
    return f"case#{control}#{place_of(control, account, region)}#{arn}"


def key_of(request: Request) -> str:
    """The case that a request belongs to."""
    resource = request.resource
    return case_key(request.control.id, resource.account, resource.region, resource.arn)


def opened(request: Request, now: int) -> dict[str, Any]:
    """What a remediation that begins writes on its case: of what it is, and that it must end."""
    resource, finding = request.resource, request.finding
    return {
        "remediation": request.id,
        "control": request.control.id,
        "account": resource.account,
        "region": resource.region,
        "resource": resource.arn,
        "finding": str(finding.get("Id", "")),
        "product": str(finding.get("ProductArn", "")),
        "shard": SHARD,
        "next": Next.STUCK.value,
        "due": now + STUCK_SECONDS,
        "expires": now + CASE_SECONDS,
    }


def attribute(value: str | int) -> dict[str, str]:
    """A value as DynamoDB takes it."""
    return {"N": str(value)} if isinstance(value, int) else {"S": value}


def update(table: str, key: str, values: Mapping[str, str | int | None], shifts: str = "") -> dict[str, Any]:
    """A PartiQL statement that writes attributes of a case; None removes one. `shifts` go first."""
    sets = {name: value for name, value in values.items() if value is not None}
    removes = [name for name, value in values.items() if value is None]
    text = " ".join([f'SET "{name}" = ?' for name in sets] + [f'REMOVE "{name}"' for name in removes])
    return {
        "Statement": f'UPDATE "{table}" {shifts}{text} WHERE "key" = ?',
        "Parameters": [*map(attribute, sets.values()), attribute(key)],
    }
