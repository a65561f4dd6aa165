"""The guards before a change: emergency stop, one at a time, limits, breakers. All fail closed.

One transaction asks them all and reserves what they count, so that two deliveries cannot both pass.
An error of the table is an error of the remediation: nothing is changed, the finding comes again.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from lambdas.remediation.request import Request

# Longer than the function may run, so that a lock outlives its owner but never hinders it.
LOCK_SECONDS = 960
HOUR = 3600
WEEK = 7 * 24 * HOUR
STOP_KEY = "stop"


class BusyError(Exception):
    """Another remediation holds the resource; the finding is to be delivered again."""


class AlreadyDoneError(Exception):
    """This state of the finding has been handled; a further delivery changes nothing."""


class LimitedError(Exception):
    """A guard forbids the remediation now, with the reason for people."""


class RepeatedError(Exception):
    """The resource was remediated three times within seven days: something undoes it."""


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to work on a resource, and what was reserved for it."""

    lock: str
    history: str
    counters: tuple[str, ...]


@dataclass
class Guard:
    """The guards of one organisation. `limits` come from the hub's settings."""

    dynamodb: Any
    table: str
    limits: Mapping[str, int]

    def acquire(self, request: Request, *, automatic: bool) -> Lease:
        """Pass all guards and lock the resource; raises the guard's error that forbids it."""
        now = int(time.time())
        lease = Lease(
            lock=f"lock#{request.resource.arn}",
            history=f"history#{request.control.id}#{request.resource.arn}",
            counters=self._counters(request, now) if automatic else (),
        )
        items = [self._lock(lease, request, now), self._history(lease, request, now, automatic=automatic)]
        items.append(self._check(STOP_KEY, "attribute_not_exists(stopped)", {}))
        if automatic:
            allowed = ("changes_per_control_account_hour", "changes_per_organization_hour")
            for key, limit in zip(lease.counters, allowed, strict=True):
                items.append(self._count(key, self.limits[limit], now + 2 * HOUR))
            values = {":limit": _number(self.limits["failures_before_break"]), ":now": _number(now)}
            open_ = "attribute_not_exists(failures) OR failures < :limit OR expires < :now"
            items.append(self._check(failures_key(request), open_, values))
        try:
            self.dynamodb.transact_write_items(TransactItems=items)
        except ClientError as error:
            if error.response["Error"]["Code"] != "TransactionCanceledException":
                raise
            self._explain(error.response.get("CancellationReasons", []), request, now)
            raise
        return lease

    def count_failure(self, request: Request) -> None:
        """Count a failure of this control in this account; enough of them within an hour open the breaker."""
        self.dynamodb.update_item(
            TableName=self.table,
            Key={"key": {"S": failures_key(request)}},
            UpdateExpression="ADD failures :one SET expires = :expires",
            ExpressionAttributeValues={":one": _number(1), ":expires": _number(int(time.time()) + HOUR)},
        )

    def release(self, lease: Lease, request: Request, *, applied: bool) -> list[dict[str, Any]]:
        """Return the statements that end a lease: they join the transaction that writes the outcome."""
        table = f'"{self.table}"'
        done = [{"S": request.id}, {"S": lease.history}]
        statements = [
            {
                "Statement": f'UPDATE {table} REMOVE "owner" WHERE "key" = ? AND "owner" = ?',
                "Parameters": [{"S": lease.lock}, {"S": request.id}],
            }
        ]
        if applied or not lease.counters:
            statements.append(
                {"Statement": f'UPDATE {table} SET "done" = ? WHERE "key" = ?', "Parameters": done}  # noqa: S608
            )
            return statements
        # What was reserved and not used is given back.
        statements.append(
            {
                "Statement": f'UPDATE {table} SET "done" = ? SET "first" = "second" SET "second" = "third" '  # noqa: S608
                'SET "third" = ? WHERE "key" = ?',
                "Parameters": [done[0], _number(0), done[1]],
            }
        )
        statements.extend(
            {
                "Statement": f'UPDATE {table} SET "changes" = "changes" - ? WHERE "key" = ?',  # noqa: S608
                "Parameters": [_number(1), {"S": counter}],
            }
            for counter in lease.counters
        )
        return statements

    @staticmethod
    def _counters(request: Request, now: int) -> tuple[str, str]:
        hour = now // HOUR
        return (f"changes#{request.control.id}#{request.resource.account}#{hour}", f"changes#organization#{hour}")

    def _lock(self, lease: Lease, request: Request, now: int) -> dict[str, Any]:
        return self._update(
            lease.lock,
            "SET #owner = :id, #until = :until",
            "attribute_not_exists(#owner) OR #owner = :id OR #until < :now",
            {":id": {"S": request.id}, ":until": _number(now + LOCK_SECONDS), ":now": _number(now)},
            {"#owner": "owner", "#until": "until"},
        )

    def _history(self, lease: Lease, request: Request, now: int, *, automatic: bool) -> dict[str, Any]:
        update, condition = "SET #seen = :now", "(attribute_not_exists(#done) OR #done <> :id)"
        values = {":now": _number(now), ":id": {"S": request.id}}
        names = {"#seen": "seen", "#done": "done"}
        if automatic:
            update += ", #third = if_not_exists(#second, :zero), #second = if_not_exists(#first, :zero), #first = :now"
            condition += " AND (attribute_not_exists(#third) OR #third < :week)"
            values |= {":zero": _number(0), ":week": _number(now - WEEK)}
            names |= {"#first": "first", "#second": "second", "#third": "third"}
        return self._update(lease.history, update, condition, values, names)

    def _count(self, key: str, limit: int, expires: int) -> dict[str, Any]:
        return self._update(
            key,
            "ADD changes :one SET expires = :expires",
            "attribute_not_exists(changes) OR changes < :limit",
            {":one": _number(1), ":expires": _number(expires), ":limit": _number(limit)},
            {},
        )

    def _update(
        self, key: str, update: str, condition: str, values: Mapping[str, Any], names: Mapping[str, str]
    ) -> dict[str, Any]:
        item: dict[str, Any] = {
            "TableName": self.table,
            "Key": {"key": {"S": key}},
            "UpdateExpression": update,
            "ConditionExpression": condition,
            "ExpressionAttributeValues": dict(values),
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }
        if names:
            item["ExpressionAttributeNames"] = dict(names)
        return {"Update": item}

    def _check(self, key: str, condition: str, values: Mapping[str, Any]) -> dict[str, Any]:
        check: dict[str, Any] = {
            "TableName": self.table,
            "Key": {"key": {"S": key}},
            "ConditionExpression": condition,
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }
        if values:
            check["ExpressionAttributeValues"] = dict(values)
        return {"ConditionCheck": check}

    def _explain(self, reasons: Sequence[Mapping[str, Any]], request: Request, now: int) -> None:
        """Raise the error of the guard that refused; several may have, the first in this order decides."""
        failed = {
            place: reason.get("Item", {})
            for place, reason in enumerate(reasons)
            if reason.get("Code") == "ConditionalCheckFailed"
        }
        if 1 in failed and failed[1].get("done", {}).get("S") == request.id:
            raise AlreadyDoneError(request.id)
        if 0 in failed or any(reason.get("Code") == "TransactionConflict" for reason in reasons):
            raise BusyError(f"{request.resource.arn} is being remediated")
        if 2 in failed:
            who = failed[2].get("by", {}).get("S", "somebody")
            raise LimitedError(f"the emergency stop is on, set by {who}")
        if 1 in failed:
            raise RepeatedError(f"{request.resource.arn} was remediated three times within seven days")
        if 3 in failed:
            limit = self.limits["changes_per_control_account_hour"]
            raise LimitedError(f"{request.control.id} has changed {limit} resources of this account within the hour")
        if 4 in failed:
            limit = self.limits["changes_per_organization_hour"]
            raise LimitedError(f"{limit} resources of the organization have been changed within the hour")
        if 5 in failed:
            minutes = max(1, (int(failed[5]["expires"]["N"]) - now) // 60)
            raise LimitedError(
                f"{request.control.id} failed {failed[5]['failures']['N']} times in this account; "
                f"the breaker closes in {minutes} minutes"
            )


def failures_key(request: Request) -> str:
    """The item that counts a control's failures in one account: one member cannot switch off another."""
    return f"failures#{request.control.id}#{request.resource.account}"


def _number(value: int) -> dict[str, str]:
    return {"N": str(value)}
