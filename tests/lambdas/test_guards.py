"""The guards: what each forbids, to whom, for how long; and that all of them fail closed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from itertools import count
from typing import Any

import pytest
from botocore.exceptions import ClientError

from lambdas.remediation.case import key_of
from lambdas.remediation.guard import AlreadyDoneError, BusyError, Guard, LimitedError, RepeatedError
from lambdas.remediation.lease_items import LOCK_SECONDS, Lease
from lambdas.remediation.request import Request
from simulator.local import LocalOrganization
from tests.controls.round_trip import REGION, member_organization
from tests.lambdas.remediation_requests import OTHER, S3, SSH, request

LIMITS = {
    "changes_per_control_account_hour": 3,
    "changes_per_account_hour": 4,
    "changes_per_organization_hour": 5,
    "failures_before_break": 2,
}
TABLES = count()


class Bench:
    """A guard over a table of its own, in simulated time."""

    def __init__(self, organization: LocalOrganization) -> None:
        self.organization = organization
        # The one session that does not end when days pass.
        self.dynamodb: Any = organization.session(organization.world.management, REGION).client("dynamodb")
        self.table = f"state-{next(TABLES)}"
        self.dynamodb.create_table(
            TableName=self.table,
            KeySchema=[{"AttributeName": "key", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "key", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        self.guard = Guard(self.dynamodb, self.table, LIMITS)

    def acquire(self, asked: Request, run: str = "run", *, automatic: bool = True) -> Lease:
        return self.guard.acquire(asked, run, automatic=automatic)

    def finish(self, lease: Lease, *, applied: bool = True) -> None:
        self.dynamodb.execute_transaction(
            TransactStatements=self.guard.release(lease, {"outcome": "ended"}, applied=applied)
        )

    def remediate(self, asked: Request, *, applied: bool = True) -> None:
        self.finish(self.acquire(asked), applied=applied)

    def put(self, key: str, **attributes: Any) -> None:
        self.dynamodb.put_item(TableName=self.table, Item={"key": {"S": key}, **attributes})

    def item(self, key: str) -> dict[str, Any]:
        return dict(self.dynamodb.get_item(TableName=self.table, Key={"key": {"S": key}}).get("Item", {}))

    def wait(self, **duration: float) -> None:
        self.organization.advance(timedelta(**duration))


@pytest.fixture(scope="module")
def organization() -> Iterator[LocalOrganization]:
    with member_organization() as opened:
        yield opened


@pytest.fixture
def bench(organization: LocalOrganization) -> Bench:
    return Bench(organization)


def limited(bench: Bench, asked: Request) -> str:
    with pytest.raises(LimitedError) as refused:
        bench.acquire(asked)
    return str(refused.value)


# One at a time.
def test_a_resource_is_one_run_s_until_it_ends(bench: Bench) -> None:
    first = bench.acquire(request(), "first")
    with pytest.raises(BusyError, match="is being remediated"):
        bench.acquire(request(state=1), "second")
    bench.finish(first)
    bench.acquire(request(state=1), "second")


def test_a_second_delivery_of_the_same_finding_waits_too(bench: Bench) -> None:
    bench.acquire(request(), "first")
    with pytest.raises(BusyError):
        bench.acquire(request(), "second")


def test_a_lock_outlives_its_owner_by_its_time_and_no_longer(bench: Bench) -> None:
    bench.acquire(request(), "killed")
    bench.wait(seconds=LOCK_SECONDS - 1)
    with pytest.raises(BusyError):
        bench.acquire(request(), "second")
    bench.wait(seconds=2)
    assert bench.acquire(request(), "second").resumed


def test_two_controls_share_the_lock_of_a_resource_and_two_accounts_do_not(bench: Bench) -> None:
    """The ARN of a bucket names no account, and anybody's finding may name any bucket."""
    bench.acquire(request("bucket", control=S3), "first")
    bench.acquire(request("bucket", OTHER, control=S3), "second")
    with pytest.raises(BusyError):
        bench.acquire(replace(request("bucket", control=S3, state=1), control=replace(S3, id="Other.1")), "third")


def test_a_run_whose_lock_has_gone_to_another_cannot_write_its_outcome(bench: Bench) -> None:
    late = bench.acquire(request(), "late")
    bench.wait(seconds=LOCK_SECONDS + 1)
    bench.acquire(request(), "second")
    with pytest.raises(ClientError, match="TransactionCanceled"):
        bench.finish(late)


# Once.
def test_what_is_done_is_done_also_after_later_states_of_the_finding(bench: Bench) -> None:
    bench.remediate(request())
    bench.remediate(request(state=1))
    for state in (0, 1):
        with pytest.raises(AlreadyDoneError):
            bench.acquire(request(state=state), "again")


def test_a_killed_run_is_resumed_without_counting_it_twice(bench: Bench) -> None:
    asked = request()
    first = bench.acquire(asked, "killed")
    for run in ("second", "third", "fourth"):
        bench.wait(seconds=LOCK_SECONDS + 1)
        lease = bench.acquire(asked, run)
    assert lease.resumed
    assert bench.item(first.case)["second"]["N"] == "0"
    assert bench.item(first.counters[1])["changes"]["N"] == "1"


def test_a_run_that_applied_nothing_gives_back_what_it_reserved(bench: Bench) -> None:
    for state in range(10):
        bench.remediate(request(state=state), applied=False)
    lease = bench.acquire(request(state=10))
    assert [bench.item(counter)["changes"]["N"] for counter in lease.counters] == ["1", "1", "1"]


def test_a_run_without_an_outcome_holds_nothing_back_and_stays_open(bench: Bench) -> None:
    asked = request()
    for run in range(10):
        lease = bench.acquire(asked, str(run))
        bench.guard.abandon(lease, applied=False)
    bench.acquire(request(state=1), "other")
    assert bench.item(lease.counters[1])["changes"]["N"] == "1"
    assert "done" not in bench.item(lease.request)


def test_what_a_run_without_an_outcome_has_applied_stays_counted(bench: Bench) -> None:
    lease = bench.acquire(request(), "first")
    bench.guard.abandon(lease, applied=True)
    assert bench.item(lease.counters[0])["changes"]["N"] == "1"
    bench.finish(bench.acquire(request(), "second"))
    assert bench.item(lease.counters[0])["changes"]["N"] == "1"


def test_a_reservation_of_an_hour_ago_is_not_taken_out_of_this_hour(bench: Bench) -> None:
    bench.acquire(request(), "killed")
    bench.wait(hours=1)
    other = bench.acquire(request("sg-0000000000000000a"))
    bench.finish(bench.acquire(request(), "second"), applied=False)
    assert bench.item(other.counters[1])["changes"]["N"] == "1"


# The emergency stop.
@pytest.mark.parametrize("automatic", [True, False])
def test_the_emergency_stop_forbids_everything_and_says_who_set_it(bench: Bench, automatic: bool) -> None:
    bench.put("stop", stopped={"BOOL": True}, by={"S": "ann"})
    with pytest.raises(LimitedError, match="the emergency stop is on, set by ann"):
        bench.acquire(request(), automatic=automatic)
    assert bench.item(Lease.of(request(), "run", None).lock) == {}


def test_the_emergency_stop_holds_up_a_killed_run_too(bench: Bench) -> None:
    bench.acquire(request(), "killed")
    bench.wait(seconds=LOCK_SECONDS + 1)
    bench.put("stop", stopped={"BOOL": True})
    assert "emergency stop" in limited(bench, request())


# Limits.
def test_an_account_s_changes_by_one_control_are_limited_each_hour(bench: Bench) -> None:
    for number in range(3):
        bench.remediate(request(f"sg-{number:017}"))
    assert limited(bench, request()) == "EC2.13 has changed 3 resources of this account within the hour"
    bench.acquire(request("bucket", control=S3))
    bench.acquire(request(account=OTHER))
    bench.wait(hours=1)
    bench.acquire(request())


def test_one_account_does_not_use_up_what_all_may_change(bench: Bench) -> None:
    for number in range(4):
        bench.remediate(request(f"r{number}", control=S3 if number % 2 else SSH))
    assert limited(bench, request()) == "4 resources of this account have been changed within the hour"
    bench.acquire(request(account=OTHER))


def test_the_organization_s_changes_are_limited_each_hour(bench: Bench) -> None:
    for number, account in enumerate(["222222222222", "333333333333"] * 2 + ["444444444444"]):
        bench.remediate(request(f"sg-{number:017}", account))
    assert limited(bench, request(account="555555555555")) == (
        "5 resources of the organization have been changed within the hour"
    )


def test_what_changes_nothing_is_not_limited(bench: Bench) -> None:
    for number in range(10):
        lease = bench.acquire(request(f"sg-{number:017}"), automatic=False)
        bench.finish(lease, applied=False)


# History.
def test_the_fourth_remediation_of_a_resource_within_seven_days_needs_a_person(bench: Bench) -> None:
    for state in range(3):
        bench.remediate(request(state=state))
        bench.wait(days=1)
    with pytest.raises(RepeatedError, match="three times within seven days"):
        bench.acquire(request(state=3))
    bench.finish(bench.acquire(request(state=3), automatic=False), applied=False)
    bench.wait(days=5)
    bench.acquire(request(state=4))


def test_a_case_on_hold_needs_a_person_until_the_hold_is_lifted(bench: Bench) -> None:
    bench.remediate(request())
    bench.guard.stand(key_of(request()), {"hold": "on hold since somebody undid r-1"})
    with pytest.raises(RepeatedError, match="on hold since somebody undid r-1"):
        bench.acquire(request(state=1))
    bench.acquire(request(state=1), automatic=False)
    bench.wait(seconds=LOCK_SECONDS + 1)
    bench.guard.acquire(request(state=1), "approved", automatic=True, question=1)
    bench.guard.stand(key_of(request()), {"outcome": "remediated", "hold": None})
    bench.wait(seconds=LOCK_SECONDS + 1)
    bench.acquire(request(state=2))


# Breakers.
def fail(bench: Bench, asked: Request) -> None:
    bench.guard.count_failure(asked)


def test_failures_open_the_breaker_of_that_control_in_that_account_and_of_no_other(bench: Bench) -> None:
    fail(bench, request())
    bench.remediate(request())
    fail(bench, request())
    assert "failed 2 times in this account; the breaker closes in 60 minutes" in limited(bench, request(state=1))
    bench.acquire(request(account=OTHER))
    bench.acquire(request("bucket", control=S3))
    bench.acquire(request(state=1), automatic=False)


def test_the_breaker_closes_after_an_hour_and_then_counts_anew(bench: Bench) -> None:
    """DynamoDB deletes expired items up to days later: the old count may still stand there."""
    fail(bench, request())
    fail(bench, request())
    bench.wait(hours=1, seconds=1)
    bench.remediate(request())
    fail(bench, request())
    bench.acquire(request(state=1))


# An error is no answer.
class Broken:
    """A table that is out of order."""

    def __getattr__(self, name: str) -> Any:
        raise ClientError({"Error": {"Code": "InternalServerError", "Message": "m"}}, name)


def test_an_error_of_the_table_is_an_error_and_never_a_pass(bench: Bench) -> None:
    lease, broken = bench.acquire(request()), Guard(Broken(), bench.table, LIMITS)
    with pytest.raises(ClientError, match="InternalServerError"):
        broken.acquire(request(state=1), "run", automatic=True)
    with pytest.raises(ClientError, match="InternalServerError"):
        broken.abandon(lease, applied=False)
    with pytest.raises(ClientError, match="InternalServerError"):
        broken.count_failure(request())


class Conflicting:
    """A table whose transactions conflict with others for some time."""

    def __init__(self, dynamodb: Any, times: int) -> None:
        self.dynamodb, self.times = dynamodb, times

    def transact_write_items(self, **call: Any) -> Any:
        if self.times == 0:
            return self.dynamodb.transact_write_items(**call)
        self.times -= 1
        reasons = [{"Code": "None"} for _ in call["TransactItems"]]
        reasons[-1] = {"Code": "TransactionConflict"}
        error: Any = {"Error": {"Code": "TransactionCanceledException"}, "CancellationReasons": reasons}
        raise ClientError(error, "TransactWriteItems")


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lambdas.remediation.transactions.time.sleep", lambda seconds: None)


@pytest.mark.usefixtures("quick")
def test_a_conflict_with_another_remediation_s_counters_is_waited_out(bench: Bench) -> None:
    guard = Guard(Conflicting(bench.dynamodb, 5), bench.table, LIMITS)
    assert guard.acquire(request(), "run", automatic=True).hour is not None


@pytest.mark.usefixtures("quick")
def test_a_conflict_that_does_not_end_sends_the_finding_back(bench: Bench) -> None:
    guard = Guard(Conflicting(bench.dynamodb, 1000), bench.table, LIMITS)
    with pytest.raises(BusyError):
        guard.acquire(request(), "run", automatic=True)
