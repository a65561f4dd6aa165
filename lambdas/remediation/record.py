"""The ledger: append-only, who did what, when, why, what was before, and how it ended.

The functions hold `dynamodb:PartiQLInsert` on it and no Put, Update or Delete: an INSERT of an
existing key is refused by DynamoDB, so no entry can be written over. An entry that no item holds lies in a bucket
under the hash of its own bytes, written on the condition that nothing has that name; its item keeps name and hash.
Source: DynamoDB Developer Guide, "Constraints" (items of 400 KB); Amazon S3 User Guide, "How to prevent object
overwrites with conditional writes".
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from botocore.exceptions import ClientError

from lambdas.names import Names
from lambdas.remediation import redaction
from lambdas.remediation.transactions import patiently

# Bytes of an item's body, of the 400 KB that an item has with its names and keys.
ITEM = 350_000
# What of a large entry its item keeps beside the name of the object: what tells entries apart.
KEPT = 4_000
CONFLICTS = 5
OBJECT, SHA256 = "object", "sha256"


class TamperedError(Exception):
    """An entry's object does not hold the bytes that were written."""


def outcome_of(entries: Iterable[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """The entry of a remediation that says how it ended; None where it has not."""
    return next((one for one in entries if one["entry"] == "outcome"), None)


@dataclass
class Objects:
    """The bucket of the ledger; its client is made when an entry is too large for the table."""

    session: Any
    bucket: str
    owner: str

    @classmethod
    def of(cls, names: Names, session: Any, hub: str, region: str) -> Objects:
        """The bucket of the hub in its home Region."""
        return cls(session, names.ledger_bucket(hub, region), hub)

    @cached_property
    def _s3(self) -> Any:
        return self.session.client("s3")

    def put(self, key: str, content: bytes) -> None:
        """Store an object, unless it is there: its name is the hash of what it holds."""
        place = {"Bucket": self.bucket, "Key": key, "ExpectedBucketOwner": self.owner}
        for number in range(1, CONFLICTS + 1):
            try:
                self._s3.put_object(**place, Body=content, ContentType="application/json", IfNoneMatch="*")
            except ClientError as error:
                code = error.response["Error"]["Code"]
                if code == "PreconditionFailed":
                    return
                # Another run writes the same at this moment.
                if code != "ConditionalRequestConflict" or number == CONFLICTS:
                    raise
            else:
                return

    def get(self, key: str, digest: str) -> bytes:
        """Fetch an object; raises TamperedError where it is not what was written."""
        place = {"Bucket": self.bucket, "Key": key, "ExpectedBucketOwner": self.owner}
        content: bytes = self._s3.get_object(**place)["Body"].read()
        if hashlib.sha256(content).hexdigest() != digest:
            raise TamperedError(f"s3://{self.bucket}/{key} does not hold the bytes with the hash {digest}")
        return content


@dataclass
class Ledger:
    """Writes and reads the entries of remediations."""

    dynamodb: Any
    table: str
    objects: Objects

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
                **self._whole(json.loads(item["body"]["S"])),
                "entry": item["entry"]["S"],
                "at": item["at"]["S"],
                "account": item["account"]["S"],
            }
            for page in pages
            for item in page["Items"]
        ]

    def _insert(self, remediation: str, entry: str, account: str, body: dict[str, Any]) -> dict[str, Any]:
        text = _text(redaction.by_name(body))
        if len(text) > ITEM:
            text = _text(self._outsourced(remediation, entry, text))
        values = (remediation, entry, account, datetime.now(UTC).isoformat(timespec="milliseconds"), text)
        return {
            "Statement": f"INSERT INTO \"{self.table}\" VALUE {{'remediation': ?, 'entry': ?, 'account': ?, 'at': ?, "
            "'body': ?}",
            "Parameters": [{"S": value} for value in values],
        }

    def _outsourced(self, remediation: str, entry: str, text: str) -> dict[str, Any]:
        """Store a body as an object; return what its item keeps."""
        content = text.encode()
        digest = hashlib.sha256(content).hexdigest()
        key = f"{remediation}/{entry}/{digest}.json"
        self.objects.put(key, content)
        kept = {name: value for name, value in json.loads(text).items() if len(_text(value)) <= KEPT}
        return {**kept, OBJECT: key, SHA256: digest}

    def _whole(self, body: dict[str, Any]) -> dict[str, Any]:
        """Return the whole body of an item."""
        if OBJECT not in body:
            return body
        whole: dict[str, Any] = json.loads(self.objects.get(body[OBJECT], body[SHA256]))
        return whole


def _text(value: Any) -> str:
    """Write JSON so that characters are bytes."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), default=str)


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
