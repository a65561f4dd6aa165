"""`palisade replay`: a promotion leaves the backlog alone, and this takes it up, a canary first."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest

from lambdas.controls.model import Resource
from operations.local_estate import APPROVERS
from tests.operations.hub_world import STRANGERS, People, people
from tests.organization.loop_world import NAMES, NOTIFIED, SSH, TEAM, ingress, open_group

LOCAL = ("replay", "--environment", "local", "--control", SSH.id)


@pytest.fixture(scope="module")
def world() -> Iterator[People]:
    with people("automatic") as opened:
        opened.monkeypatch.setattr("operations.replay_report.sleep", opened.passing())
        yield opened


@pytest.fixture(autouse=True)
def approver(world: People) -> None:
    world.enter(APPROVERS, "ann")


def backlog(world: People, *accounts: str) -> list[Resource]:
    """Groups that were answered under dry-run, oldest first, in accounts that are automatic by now."""
    for account in set(accounts):
        world.mode(account, "dry-run")
    groups = []
    for account in accounts:
        groups.append(open_group(world.loop.member(account)))
        world.loop.rest()
        assert [one["outcome"] for one in world.loop.outcomes(groups[-1])] == ["dry-run"]
        world.loop.organization.advance(timedelta(minutes=10))
    for account in set(accounts):
        world.mode(account, "automatic")
    return groups


@contextmanager
def denied(world: People, account: str) -> Iterator[None]:
    """Keep the writer of an account from changing anything."""
    iam = world.loop.member(account).client("iam")
    deny = {"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "ec2:*", "Resource": "*"}]}
    iam.put_role_policy(RoleName=NAMES.writer_role, PolicyName="denied", PolicyDocument=json.dumps(deny))
    try:
        yield
    finally:
        iam.delete_role_policy(RoleName=NAMES.writer_role, PolicyName="denied")


def broken(world: People, group: Resource) -> bool:
    return ingress(world.loop.member(group.account), group) != []


def test_a_failing_canary_ends_the_replay_before_the_rest_and_the_next_one_takes_it(world: People) -> None:
    canary, *rest = groups = backlog(world, TEAM, NOTIFIED, NOTIFIED)
    assert all(broken(world, group) for group in groups)
    ran = world.run(*LOCAL, "--limit", "10", "--dry-run")
    assert (ran.exit_code, [group.arn in ran.stdout for group in groups]) == (0, [True] * 3)
    assert [world.loop.finding(group)["Workflow"]["Status"] for group in groups] == ["NOTIFIED"] * 3
    with denied(world, TEAM):
        ran = world.run(*LOCAL, "--limit", "10", "--json")
    assert ran.exit_code == 1, ran.output
    (line,) = [json.loads(one) for one in ran.stdout.splitlines()]
    assert (line["resource"], line["outcome"]) == (canary.arn, "failed")
    assert f"palisade: stopped after 1 of 3 findings: {canary.arn} is failed: " in ran.stderr
    assert [world.loop.finding(group)["Workflow"]["Status"] for group in rest] == ["NOTIFIED"] * 2
    assert all(broken(world, group) for group in groups)
    said = world.lines(*LOCAL, "--limit", "10")
    assert [(one["resource"], one["outcome"]) for one in said] == [
        *((group.arn, "remediated") for group in rest),
        (canary.arn, "remediated"),
    ]
    assert not any(broken(world, group) for group in groups)
    assert "Nothing waits" in world.done(*LOCAL, "--limit", "10")


def test_the_limit_and_the_account_bound_what_is_taken_up(world: People) -> None:
    first, second, other = backlog(world, TEAM, TEAM, NOTIFIED)
    ran = world.run(*LOCAL, "--limit", "1", "--account", TEAM)
    assert ran.exit_code == 0, ran.output
    assert first.arn in ran.stdout
    assert "1 more wait" in ran.stderr
    assert [broken(world, group) for group in (first, second, other)] == [False, True, True]
    world.done(*LOCAL, "--limit", "5", "--canary", "2")
    assert not broken(world, second)
    assert not broken(world, other)


def test_what_is_only_told_of_by_now_is_left_out(world: People) -> None:
    (group,) = backlog(world, TEAM)
    world.mode(TEAM, "notify")
    ran = world.run(*LOCAL, "--limit", "5")
    assert "Nothing waits that would be answered otherwise by now." in ran.stdout
    assert "palisade: 1 left out: the mode is notify" in ran.stderr
    world.mode(TEAM, "automatic")
    world.done(*LOCAL, "--limit", "5")
    assert not broken(world, group)


def test_a_guard_that_forbids_the_canary_ends_the_replay(world: People) -> None:
    (group,) = backlog(world, TEAM)
    world.done("stop", "--reason", "a storm")
    ran = world.run(*LOCAL, "--limit", "5")
    world.done("resume", "--yes")
    assert ran.exit_code == 1
    assert f"{group.arn} is limited: the emergency stop is on, set by " in ran.stderr
    assert broken(world, group)
    world.done(*LOCAL, "--limit", "5")
    assert not broken(world, group)


def test_what_nothing_takes_up_is_told_after_the_timeout(world: People) -> None:
    (group,) = backlog(world, TEAM)
    events = world.loop.hub.client("events")
    rules = [one["Name"] for one in events.list_rules(NamePrefix="palisade-findings")["Rules"]]
    for rule in rules:
        events.disable_rule(Name=rule)
    ran = world.run(*LOCAL, "--limit", "5", "--timeout", "2m")
    for rule in rules:
        events.enable_rule(Name=rule)
    assert ran.exit_code == 1
    assert f"{group.arn} is not-handled: nothing has taken it up within 2 minutes" in ran.stderr


BAD = {
    "an environment": (("--environment", "none"), "--environment: no account has a policy of 'none'"),
    "an account": (("--environment", "local", "--account", "1"), "--account: 1 has no policy of environment local"),
    "a control": (("--environment", "local", "--control", "EC2.1"), "--control: the catalog has no EC2.1; it has"),
    "a timeout": (("--environment", "local", "--timeout", "soon"), "--timeout: 'soon' is no duration"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_cannot_be_replayed_is_told_in_one_line(world: People, name: str) -> None:
    arguments, told = BAD[name]
    assert world.refused("replay", "--limit", "5", *arguments, code=2).startswith(told)


def test_who_may_not_read_what_a_replay_needs_is_told(world: People) -> None:
    world.enter(STRANGERS)
    said = world.refused(*LOCAL, "--limit", "5", code=2)
    assert said.startswith("what a replay needs (policies, findings, state, ledger) cannot be read by these credential")
