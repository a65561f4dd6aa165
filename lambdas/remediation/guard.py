"""The guards before a change: emergency stop, one at a time, limits, breakers. All fail closed.

One transaction asks them all and reserves what they count, so that two deliveries cannot both pass.
An error of the table is an error of the remediation: nothing is changed, the finding comes again.
Keys begin with the account where a resource's ARN does not name it: what one member's findings hold
or use up must not hinder another's.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ClientError

from lambdas.findings import moment
from lambdas.remediation import lease_items as items
from lambdas.remediation.case import Case, Next, attribute, key_of, opened
from lambdas.remediation.lease_items import HOUR, Lease
from lambdas.remediation.outcome import WORKFLOW, Outcome
from lambdas.remediation.request import Request
from lambdas.remediation.transactions import patiently

# The emergency stop is looked at again after this time.
QUARTER = 900


class BusyError(Exception):
    """Another remediation holds the resource; the finding is to be delivered again."""


class AlreadyDoneError(Exception):
    """This state of the finding has been handled; a further delivery changes nothing."""


class LimitedError(Exception):
    """A guard forbids the remediation now, with the reason for people; `until` is when to ask again (seconds)."""

    def __init__(self, reason: str, until: int) -> None:
        super().__init__(reason)
        self.until = until


class RepeatedError(Exception):
    """People must decide: the resource was remediated three times within seven days, or somebody undid it."""


class _BegunError(Exception):
    """An earlier run of this remediation began and did not end; `hour` is when it reserved, if it did."""

    def __init__(self, hour: int | None) -> None:
        super().__init__(hour)
        self.hour = hour


# The attributes of a case that are a question and its answer.
ANSWERED = ("approval", "asked", "digest")


@dataclass
class Guard:
    """The guards of one organisation. `limits` come from the hub's settings."""

    dynamodb: Any
    table: str
    limits: Mapping[str, int]

    def acquire(self, request: Request, run: str, *, automatic: bool, question: int = 0) -> Lease:
        """Pass all guards and lock the resource for one run; raises the guard's error that forbids it.

        `question` is the number of the one that people have answered, where they have: history and hold stop nobody
        then.

        A run that was killed or failed left its request behind: the next one resumes it, and what it
        had reserved is not reserved again.
        """
        now = int(time.time())
        lease = Lease.of(request, run, now // HOUR if automatic else None, question=question)
        try:
            self._pass(lease, request, now, reserve=automatic)
        except _BegunError as begun:
            reserve = automatic and begun.hour is None
            hour = begun.hour if begun.hour is not None else lease.hour
            lease = Lease.of(request, run, hour, resumed=True, question=question)
            self._pass(lease, request, now, reserve=reserve, breaker=automatic)
        return lease

    def count_failure(self, request: Request) -> None:
        """Count a failure of this control in this account; enough, an hour apart at most, open the breaker."""
        now = int(time.time())
        values = {":one": _number(1), ":expires": _number(now + HOUR)}
        call: dict[str, Any] = {
            "TableName": self.table,
            "Key": {"key": {"S": items.failures_key(request)}},
            "UpdateExpression": "SET failures = failures + :one, expires = :expires",
            "ConditionExpression": "expires >= :now",
            "ExpressionAttributeValues": {**values, ":now": _number(now)},
        }
        try:
            self.dynamodb.update_item(**call)
        except ClientError as error:
            if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
                raise
            # The first for an hour. DynamoDB deletes what has expired days later, so the old count may still be there.
            call |= {"UpdateExpression": "SET failures = :one, expires = :expires", "ExpressionAttributeValues": values}
            del call["ConditionExpression"]
            self.dynamodb.update_item(**call)

    def case(self, key: str) -> Case:
        """Read what stands of a control on a resource; a case that was never opened is empty."""
        answer = self.dynamodb.get_item(TableName=self.table, Key={"key": {"S": key}}, ConsistentRead=True)
        return Case.of({"key": {"S": key}, **answer.get("Item", {})})

    def release(self, lease: Lease, standing: Mapping[str, str | int | None], *, applied: bool) -> list[dict[str, Any]]:
        """Return the statements that end a lease: they join the transaction that writes the outcome.

        `standing` is what the case says from now on. What was reserved and not used is given back.
        """
        statements = [
            items.unlock(self.table, lease),
            items.finish(self.table, lease),
            items.stand(self.table, lease, standing, forget=not applied),
        ]
        return statements if applied else [*statements, *self._given_back(lease)]

    def defer(self, request: Request, until: int, then: Next) -> None:
        """Let the sweep go on with what a guard has stopped."""
        now = int(time.time())
        values = {
            **opened(request, now),
            "outcome": Outcome.LIMITED.value,
            "status": WORKFLOW[Outcome.LIMITED],
            "answered": moment(datetime.now(UTC)),
            "next": then.value,
            "due": until,
        }
        self.stand(key_of(request), values)

    def stand(
        self,
        key: str,
        values: Mapping[str, str | int | None],
        *,
        unless_changed: Case | None = None,
        marks: Sequence[str] = ANSWERED,
    ) -> None:
        """Write what stands of a case, outside of a lease; None removes an attribute.

        With `unless_changed` only while the `marks`, by default question and answer, are as they were read; DynamoDB's
        ConditionalCheckFailedException tells that they are not.
        """
        sets = {name: value for name, value in values.items() if value is not None}
        removes = [f"#{name}" for name, value in values.items() if value is None]
        expression = "SET " + ", ".join(f"#{name} = :{name}" for name in sets)
        names = {f"#{name}": name for name in values}
        given = {f":{name}": attribute(value) for name, value in sets.items()}
        condition = []
        for name in marks if unless_changed is not None else ():
            names[f"#{name}"] = name
            read = getattr(unless_changed, name)
            condition.append(f"attribute_not_exists(#{name})" if read is None else f"#{name} = :was_{name}")
            given |= {f":was_{name}": attribute(read)} if read is not None else {}
        self.dynamodb.update_item(
            TableName=self.table,
            Key={"key": {"S": key}},
            UpdateExpression=expression + (f" REMOVE {', '.join(removes)}" if removes else ""),
            ExpressionAttributeNames=names,
            ExpressionAttributeValues=given,
            **({"ConditionExpression": " AND ".join(condition)} if condition else {}),
        )

    def hand_over(self, lease: Lease, execution: str) -> None:
        """Give the lock of a run to the execution that goes on with it."""
        self.dynamodb.execute_statement(**items.pass_on(self.table, lease, execution, int(time.time())))

    def keep(self, lease: Lease) -> bool:
        """Hold the resource for one more step; False where another run holds it, or the emergency stop is on."""
        now = int(time.time())
        held = (items.lock(lease, now), items.not_stopped(), items.under_way(lease, now))
        try:
            self._write(held)
        except ClientError as error:
            if error.response["Error"]["Code"] != "TransactionCanceledException":
                raise
            if not any(one.get("Code") == "ConditionalCheckFailed" for one in error.response["CancellationReasons"]):
                raise
            return False
        return True

    def let_go(self, lease: Lease) -> None:
        """End the lock alone: the remediation goes on elsewhere."""
        self.dynamodb.execute_transaction(TransactStatements=[items.unlock(self.table, lease)])

    def abandon(self, lease: Lease, *, applied: bool) -> None:
        """End a run that found no outcome: the request stays open, and its next delivery begins anew.

        Without this a member whose resources cannot be handled would use up what all may change in an hour.
        """
        statements = [items.unlock(self.table, lease)]
        if not applied and lease.hour is not None:
            statements += [
                items.unreserve(self.table, lease),
                items.stand(self.table, lease, {}, forget=True),
                *self._given_back(lease),
            ]
        patiently(lambda: self.dynamodb.execute_transaction(TransactStatements=statements))

    def _write(self, writes: Iterable[Mapping[str, Mapping[str, Any]]]) -> None:
        """Make writes and checks in one transaction; what fails a condition comes back with the error."""
        made = [
            {kind: {"TableName": self.table, "ReturnValuesOnConditionCheckFailure": "ALL_OLD", **write}}
            for one in writes
            for kind, write in one.items()
        ]
        patiently(lambda: self.dynamodb.transact_write_items(TransactItems=made))

    def _given_back(self, lease: Lease) -> list[dict[str, Any]]:
        return items.give_back(self.table, lease, int(time.time()) // HOUR)

    def _pass(self, lease: Lease, request: Request, now: int, *, reserve: bool, breaker: bool | None = None) -> None:
        """Ask the guards in one transaction, and explain a refusal by the guard that comes first in their order."""
        asked = {
            "lock": items.lock(lease, now),
            "request": items.begin(lease, now, reserve=reserve),
            "stop": items.not_stopped(),
        }
        asked["case"] = items.enter(lease, request, now, remembered=reserve, approved=lease.answers)
        if reserve:
            for key, limit in zip(lease.counters, items.LIMITS, strict=True):
                asked[limit] = items.count(key, self.limits[limit], now + 2 * HOUR)
        if reserve if breaker is None else breaker:
            values = {":limit": _number(self.limits["failures_before_break"]), ":now": _number(now)}
            closed = "attribute_not_exists(failures) OR failures < :limit OR expires < :now"
            asked["breaker"] = items.check(items.failures_key(request), closed, values)
        try:
            self._write(asked.values())
        except ClientError as error:
            if error.response["Error"]["Code"] != "TransactionCanceledException":
                raise
            reasons = dict(zip(asked, error.response.get("CancellationReasons", ()), strict=False))
            failed = {
                name: reason.get("Item", {})
                for name, reason in reasons.items()
                if reason.get("Code") == "ConditionalCheckFailed"
            }
            self._explain(failed, request, now)
            if any(reason.get("Code") == "TransactionConflict" for reason in reasons.values()):
                raise BusyError(f"{request.resource.arn} is being remediated") from error
            raise

    def _explain(self, failed: Mapping[str, Mapping[str, Any]], request: Request, now: int) -> None:
        """Raise the error of the guard that refused; several may have, the first in this order decides."""
        if "done" in failed.get("request", {}):
            raise AlreadyDoneError(request.id)
        if "lock" in failed:
            raise BusyError(f"{request.resource.arn} is being remediated")
        if "stop" in failed:
            who = failed["stop"].get("by", {}).get("S", "somebody")
            raise LimitedError(f"the emergency stop is on, set by {who}", now + QUARTER)
        if "request" in failed:
            hour = failed["request"].get("hour", {}).get("N")
            raise _BegunError(None if hour is None else int(hour))
        if "case" in failed:
            hold = failed["case"].get("hold", {}).get("S")
            raise RepeatedError(hold or f"{request.resource.arn} was remediated three times within seven days")
        next_hour = (now // HOUR + 1) * HOUR
        of_control, of_account, of_organization = items.LIMITS
        if of_control in failed:
            limit = self.limits[of_control]
            reason = f"{request.control.id} has changed {limit} resources of this account within the hour"
            raise LimitedError(reason, next_hour)
        if of_account in failed:
            limit = self.limits[of_account]
            raise LimitedError(f"{limit} resources of this account have been changed within the hour", next_hour)
        if of_organization in failed:
            limit = self.limits[of_organization]
            raise LimitedError(f"{limit} resources of the organization have been changed within the hour", next_hour)
        if "breaker" in failed:
            until = int(failed["breaker"]["expires"]["N"])
            raise LimitedError(
                f"{request.control.id} failed {failed['breaker']['failures']['N']} times in this account; "
                f"the breaker closes in {max(1, (until - now) // 60)} minutes",
                until,
            )


def _number(value: int) -> dict[str, str]:
    return {"N": str(value)}
