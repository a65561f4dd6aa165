"""The ledger: append-only, who did what, when, why, what was before, and how it ended.

The functions hold `dynamodb:PartiQLInsert` on it and no Put, Update or Delete: an INSERT of an
existing key is refused by DynamoDB, so no entry can be written over.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ClientError

from lambdas.remediation.transactions import patiently


@dataclass
class Ledger:
    """Writes and reads the entries of remediations."""

    dynamodb: Any
    table: str

    def write(self, remediation: str, entry: str, account: str, body: dict[str, Any]) -> bool:
        """Append one entry; False where it is there already (a further delivery)."""
        try:
            self.dynamodb.execute_statement(**self._insert(remediation, entry, account, body))
        except ClientError as error:
            if error.response["Error"]["Code"] == "DuplicateItemException":
                return False
            raise
        return True

    def close(
        self, remediation: str, account: str, entry: str, body: dict[str, Any], released: Sequence[dict[str, Any]]
    ) -> None:
        """Append the last entry of a run and end its lease, in one transaction."""
        last = self._insert(remediation, entry, account, body)
        patiently(lambda: self.dynamodb.execute_transaction(TransactStatements=[last, *released]))

    def entries(self, remediation: str) -> list[dict[str, Any]]:
        """Return what was written for a remediation, in order."""
        pages = self.dynamodb.get_paginator("query").paginate(
            TableName=self.table,
            KeyConditionExpression="remediation = :id",
            ExpressionAttributeValues={":id": {"S": remediation}},
            ConsistentRead=True,
        )
        return [
            {
                **json.loads(item["body"]["S"]),
                "entry": item["entry"]["S"],
                "at": item["at"]["S"],
                "account": item["account"]["S"],
            }
            for page in pages
            for item in page["Items"]
        ]

    def _insert(self, remediation: str, entry: str, account: str, body: dict[str, Any]) -> dict[str, Any]:
        text = json.dumps(body, sort_keys=True, separators=(",", ":"), default=str)
        values = (remediation, entry, account, datetime.now(UTC).isoformat(timespec="milliseconds"), text)
        return {
            "Statement": f"INSERT INTO \"{self.table}\" VALUE {{'remediation': ?, 'entry': ?, 'account': ?, 'at': ?, "
            "'body': ?}",
            "Parameters": [{"S": value} for value in values],
        }


@dataclass
class Journal:
    """Writes the numbered entries of one run; the first of them carries the plan and what was before.

    A run that was killed left some, and the numbers go on after them. `details` are filled by the time of
    the first entry.
    """

    ledger: Ledger
    remediation: str
    account: str
    details: Mapping[str, Any]
    number: int = 0
    _begun: bool = field(default=False, init=False)

    @classmethod
    def after(
        cls,
        entries: Sequence[Mapping[str, Any]],
        ledger: Ledger,
        remediation: str,
        account: str,
        details: Mapping[str, Any],
    ) -> Journal:
        """Go on after the entries of earlier runs."""
        return cls(ledger, remediation, account, details, sum(one["entry"][:4].isdigit() for one in entries))

    def __call__(self, kind: str, body: dict[str, Any]) -> None:
        """Append an intent or a response."""
        if not self._begun:
            body = {**body, **{name: self.details[name] for name in ("plan", "before") if name in self.details}}
            self._begun = True
        self.number += 1
        while not self.ledger.write(self.remediation, f"{self.number:04d}-{kind}", self.account, body):
            self.number += 1
