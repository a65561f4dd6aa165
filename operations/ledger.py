"""Reads the ledger: the entries of one remediation, or how many ended, newest first."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from itertools import islice
from typing import Any

from lambdas.remediation.endpoint import OPERATIONS
from operations.hub import Hub

BY_ACCOUNT = "by-account"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What narrows a list; what is None narrows nothing. `since` is a moment with time zone."""

    account: str | None = None
    control: str | None = None
    resource: str | None = None
    outcome: str | None = None
    since: datetime | None = None

    @property
    def reads_all(self) -> bool:
        """Whether nothing tells the table which account to look for."""
        return self.place is None

    @property
    def place(self) -> str | None:
        """The account to read: named, or that of the resource's ARN. A bucket's ARN names none."""
        return self.account or (self.resource.split(":")[4] or None if self.resource else None)

    def admits(self, row: Row) -> bool:
        """Whether a row is among what is wanted."""
        pairs = ((self.control, row.control), (self.resource, row.resource), (self.outcome, row.state))
        return all(wanted is None or wanted == found for wanted, found in pairs)


@dataclass(frozen=True, slots=True)
class Row:
    """How a remediation stands: its newest entry that says so. `at` is as the ledger has it."""

    at: str
    remediation: str
    state: str
    account: str
    region: str | None
    control: str | None
    resource: str | None
    environment: str | None
    reason: str
    by: str | None

    def line(self) -> dict[str, Any]:
        """The row as JSON."""
        return asdict(self)


def rows(hub: Hub, wanted: Wanted, limit: int) -> tuple[list[Row], bool]:
    """The newest remediations that are wanted, and whether there are more; raises botocore's errors."""
    found = (row for row in _standing(_items(hub, wanted)) if wanted.admits(row))
    taken = list(islice(found, limit + 1))
    return taken[:limit], len(taken) > limit


def _standing(items: Iterator[Mapping[str, Any]]) -> Iterator[Row]:
    """Of entries newest first, the first of each remediation that says how it stands."""
    seen: set[str] = set()
    for item in items:
        remediation = item["remediation"]["S"]
        row = _row(remediation, item)
        if row is None or remediation in seen:
            continue
        if remediation != OPERATIONS:
            seen.add(remediation)
        yield row


def _row(remediation: str, item: Mapping[str, Any]) -> Row | None:
    body = json.loads(item["body"]["S"])
    state = body.get("outcome") or _state(item["entry"]["S"], body)
    if state is None:
        return None
    return Row(
        at=item["at"]["S"],
        remediation=remediation,
        state=state,
        account=item["account"]["S"],
        region=body.get("region"),
        control=body.get("control"),
        resource=body.get("resource"),
        environment=body.get("environment"),
        reason=str(body.get("reason") or ""),
        by=body.get("by"),
    )


def _state(entry: str, body: Mapping[str, Any]) -> str | None:
    """How a remediation stands by an entry without outcome: an answer of people, or what they did to everything."""
    kind = entry.partition("-")[0]
    if kind in ("approved", "rejected") and "by" in body:
        return kind
    return str(body["what"]) if "what" in body else None


def _items(hub: Hub, wanted: Wanted) -> Iterator[Mapping[str, Any]]:
    """The entries of an account by the index, or of all accounts; newest first."""
    dynamodb, table = hub.client("dynamodb"), hub.names.ledger_table
    since = wanted.since.isoformat(timespec="milliseconds") if wanted.since else None
    if wanted.place is None:
        condition: dict[str, Any] = {}
        if since:
            condition = {
                "FilterExpression": "#at >= :since",
                "ExpressionAttributeNames": {"#at": "at"},
                "ExpressionAttributeValues": {":since": {"S": since}},
            }
        pages = dynamodb.get_paginator("scan").paginate(TableName=table, **condition)
        every = [item for page in pages for item in page["Items"]]
        yield from sorted(every, key=_order, reverse=True)
        return
    values = {":account": {"S": wanted.place}, **({":since": {"S": since}} if since else {})}
    pages = dynamodb.get_paginator("query").paginate(
        TableName=table,
        IndexName=BY_ACCOUNT,
        KeyConditionExpression="#account = :account" + (" AND #at >= :since" if since else ""),
        ExpressionAttributeNames={"#account": "account", **({"#at": "at"} if since else {})},
        ExpressionAttributeValues=values,
        ScanIndexForward=False,
    )
    for page in pages:
        yield from page["Items"]


def _order(item: Mapping[str, Any]) -> tuple[str, str]:
    return item["at"]["S"], item["entry"]["S"]
