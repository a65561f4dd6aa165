"""The items of the state table that a lease consists of, and the writes and statements on them.

lock#...     who works on the resource, until when
request#...  that a remediation began, the hour in which it reserved, and whether it is done
case#...     what stands of a control on a resource (`case.py`)
changes#...  how many changes an hour has seen, by control and account, and in the organisation
failures#... failures of a control in an account
stop         the emergency stop
Everything but the stop has an expiry (`expires`, seconds since the epoch), by which DynamoDB deletes it
some time later; conditions never rely on the deletion.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lambdas.remediation import case
from lambdas.remediation.request import Request

# Longer than the function may run, and shorter than the queue hides a message: a lock outlives its
# owner, and is over when a killed run's message comes again.
LOCK_SECONDS = 960
HOUR = 3600
DAY = 24 * HOUR
WEEK = 7 * DAY
# Queues keep messages for two weeks, and people may put one back.
REQUEST_SECONDS = 60 * DAY
STOP_KEY = "stop"
# In the order of a lease's counters.
LIMITS = ("changes_per_control_account_hour", "changes_per_account_hour", "changes_per_organization_hour")


@dataclass(frozen=True, slots=True)
class Lease:
    """The right of one run to work on a resource, and the hour whose counters it reserved in (None: none)."""

    run: str
    lock: str
    request: str
    case: str
    changes: str
    hour: int | None
    resumed: bool = False

    @classmethod
    def of(cls, request: Request, run: str, hour: int | None, *, resumed: bool = False, question: int = 0) -> Lease:
        """Name the items of a run; what people have approved is done once for each of their answers."""
        resource, control = request.resource, request.control
        where = f"{case.place_of(control.id, resource.account, resource.region)}#{resource.arn}"
        return cls(
            run=run,
            lock=f"lock#{where}",
            request=f"request#{request.id}" + (f"#{question}" if question else ""),
            case=case.key_of(request),
            changes=f"{control.id}#{resource.account}",
            hour=hour,
            resumed=resumed,
        )

    @property
    def answers(self) -> bool:
        """Whether people's answer to a question has begun the run."""
        return "#" in self.request.removeprefix("request#")

    @property
    def counters(self) -> tuple[str, ...]:
        """The counters of the hour: of the control in the account, of the account, and of the organisation."""
        account = self.changes.rpartition("#")[2]
        return tuple(f"changes#{name}#{self.hour}" for name in (self.changes, account, "organization"))


def failures_key(request: Request) -> str:
    """The item that counts a control's failures in one account: one member cannot switch off another."""
    return f"failures#{request.control.id}#{request.resource.account}"


def lock(lease: Lease, now: int) -> dict[str, Any]:
    """Lock the resource for this run; even a second delivery of the same finding must wait."""
    return _update(
        lease.lock,
        "SET #owner = :run, #expires = :expires",
        "attribute_not_exists(#owner) OR #owner = :run OR #expires < :now",
        {":run": {"S": lease.run}, ":expires": _number(now + LOCK_SECONDS), ":now": _number(now)},
        {"#owner": "owner", "#expires": "expires"},
    )


def begin(lease: Lease, now: int, *, reserve: bool) -> dict[str, Any]:
    """Note that the remediation has begun: for the first time, or resumed and not done yet."""
    update = "SET #seen = :now, #expires = :expires"
    values = {":now": _number(now), ":expires": _number(now + REQUEST_SECONDS)}
    names = {"#seen": "seen", "#expires": "expires"}
    if reserve:
        update += ", #hour = :hour"
        values[":hour"] = _number(lease.hour or 0)
        names["#hour"] = "hour"
    if lease.resumed:
        names["#done"] = "done"
    condition = "attribute_not_exists(#done)" if lease.resumed else "attribute_not_exists(#seen)"
    return _update(lease.request, update, condition, values, names)


def enter(lease: Lease, request: Request, now: int, *, remembered: bool, approved: bool) -> dict[str, Any]:
    """Open the case for this remediation.

    With `remembered` the remediation counts in the case's history: refused where three of them lie within
    a week, or where the case is on hold, unless people have approved it.
    """
    values: dict[str, str | int] = case.opened(request, now)
    update = [f"#{name} = :{name}" for name in values]
    names = {f"#{name}": name for name in values}
    given = {f":{name}": case.attribute(value) for name, value in values.items()}
    condition = ""
    if remembered:
        update += ["#third = if_not_exists(#second, :zero)", "#second = if_not_exists(#first, :zero)", "#first = :now"]
        names |= {"#first": "first", "#second": "second", "#third": "third"}
        given |= {":now": _number(now), ":zero": _number(0)}
        if not approved:
            condition = "attribute_not_exists(#hold) AND (attribute_not_exists(#third) OR #third < :week)"
            names["#hold"] = "hold"
            given[":week"] = _number(now - WEEK)
    return _update(lease.case, "SET " + ", ".join(update), condition, given, names)


def count(key: str, limit: int, expires: int) -> dict[str, Any]:
    """Count one change, unless the limit is reached."""
    return _update(
        key,
        "ADD changes :one SET expires = :expires",
        "attribute_not_exists(changes) OR changes < :limit",
        {":one": _number(1), ":expires": _number(expires), ":limit": _number(limit)},
        {},
    )


def check(key: str, condition: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """Require a condition of an item, and change nothing."""
    asked: dict[str, Any] = {"Key": {"key": {"S": key}}, "ConditionExpression": condition}
    return {"ConditionCheck": {**asked, "ExpressionAttributeValues": dict(values)} if values else asked}


def not_stopped() -> dict[str, Any]:
    """Require that the emergency stop is not on."""
    return check(STOP_KEY, "attribute_not_exists(stopped)", {})


def unlock(table: str, lease: Lease) -> dict[str, Any]:
    """End the lock; refused where another run holds it by now."""
    return {
        "Statement": f'UPDATE "{table}" REMOVE "owner" WHERE "key" = ? AND "owner" = ?',
        "Parameters": [{"S": lease.lock}, {"S": lease.run}],
    }


def pass_on(table: str, lease: Lease, owner: str, now: int) -> dict[str, Any]:
    """Give a lock to another owner; refused where this run does not hold it."""
    return {
        "Statement": f'UPDATE "{table}" SET "owner" = ? SET "expires" = ? WHERE "key" = ? AND "owner" = ?',  # noqa: S608
        "Parameters": [{"S": owner}, _number(now + LOCK_SECONDS), {"S": lease.lock}, {"S": lease.run}],
    }


def under_way(lease: Lease, now: int) -> dict[str, Any]:
    """Note on the case that its remediation is alive."""
    values = {":due": _number(now + case.STUCK_SECONDS)}
    return _update(lease.case, "SET #due = :due", "attribute_exists(#due)", values, {"#due": "due"})


def finish(table: str, lease: Lease) -> dict[str, Any]:
    """Note that the remediation has its outcome: no further delivery begins it again."""
    return {
        "Statement": f'UPDATE "{table}" SET "done" = ? WHERE "key" = ?',  # noqa: S608
        "Parameters": [{"BOOL": True}, {"S": lease.request}],
    }


def stand(table: str, lease: Lease, standing: Mapping[str, str | int | None], *, forget: bool) -> dict[str, Any]:
    """Write what stands of the case now; with `forget` its last remediation leaves the history."""
    shifts = 'SET "first" = "second" SET "second" = "third" ' if forget and lease.hour is not None else ""
    more = {"third": 0} if shifts else {}
    return case.update(table, lease.case, {**standing, **more}, shifts)


def unreserve(table: str, lease: Lease) -> dict[str, Any]:
    """Note that the request holds no reservation any more."""
    return {"Statement": f'UPDATE "{table}" REMOVE "hour" WHERE "key" = ?', "Parameters": [{"S": lease.request}]}


def give_back(table: str, lease: Lease, hour: int) -> list[dict[str, Any]]:
    """Take the remediation out of the counters of `hour`, the present one.

    Counters of the past limit nothing, and may have been deleted.
    """
    if lease.hour != hour:
        return []
    return [
        {
            "Statement": f'UPDATE "{table}" SET "changes" = "changes" - ? WHERE "key" = ?',  # noqa: S608
            "Parameters": [_number(1), {"S": counter}],
        }
        for counter in lease.counters
    ]


def _update(
    key: str, update: str, condition: str, values: Mapping[str, Any], names: Mapping[str, str]
) -> dict[str, Any]:
    item: dict[str, Any] = {
        "Key": {"key": {"S": key}},
        "UpdateExpression": update,
        **({"ConditionExpression": condition} if condition else {}),
        "ExpressionAttributeValues": dict(values),
    }
    return {"Update": {**item, "ExpressionAttributeNames": dict(names)} if names else item}


def _number(value: int) -> dict[str, str]:
    return {"N": str(value)}
