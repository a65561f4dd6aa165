"""`palisade ledger`: what happened to a resource, as people read it and as JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from lambdas.controls.model import Resource
from operations.local_estate import APPROVERS, HUB
from tests.operations.hub_world import People, people
from tests.organization.loop_world import NAMES, NOTIFIED, SSH, TEAM, open_group

MOMENT = re.compile(r"2026-01-\d\dT\d\d:\d\d:\d\dZ")


@pytest.fixture(scope="module")
def world() -> Iterator[People]:
    with people("automatic") as opened:
        yield opened


@pytest.fixture(scope="module")
def groups(world: People) -> list[Resource]:
    """Two groups of one account and one of another, remediated an hour apart."""
    made = []
    for account in (TEAM, TEAM, NOTIFIED):
        made.append(open_group(world.loop.member(account)))
        world.loop.rest()
        world.loop.organization.advance(timedelta(hours=1))
    return made


@pytest.fixture(autouse=True)
def approver(world: People) -> None:
    world.enter(APPROVERS, "ann")


def test_a_remediation_is_told_as_a_story_to_its_undo(world: People, groups: list[Resource]) -> None:
    remediation = world.remediated(groups[0])
    said = world.done("ledger", remediation)
    for part in (groups[0].arn, SSH.impact, "ec2:revoke_security_group_ingress", "done; request id ", "remediated: "):
        assert part in said
    assert "undo: ec2:authorize_security_group_ingress" in said
    assert MOMENT.search(said)
    assert said.endswith(f"Undo it: palisade undo {remediation}\n")
    entries = world.lines("ledger", remediation)
    assert [one["entry"] for one in entries] == ["0001-intent", "0002-response", "outcome"]
    assert {one["remediation"] for one in entries} == {remediation}
    world.done("undo", remediation, "--yes", "--reason", "a service is down")
    world.loop.rest()
    undone = remediation.replace("r-", "u-")
    assert f"No undo: {remediation} is undone already, by {undone}." in world.done("ledger", remediation)
    said = world.done("ledger", undone)
    assert "approved" in said
    assert "by: arn:aws:sts::" in said
    assert "a service is down" in said
    assert "undone: as before" in said


def test_what_was_waited_for_is_told_when_it_was_seen(world: People, groups: list[Resource]) -> None:
    waited = "r-waited"
    table: Any = world.loop.hub.client("dynamodb")
    seen = {"change": "copy", "value": "available"}
    back = {"change": "swap", "undoes": "swap", "value": "active"}
    entries = world.loop.ledger_of(world.remediated(groups[0]))
    for name, body in entries.items():
        more = {"0001-intent": {"taken": [seen]}, "outcome": {"taken": [back]}}.get(name, {})
        values = (waited, name, TEAM, "2026-01-05T09:00:00.000+00:00", json.dumps({**body, **more}))
        keys = ("remediation", "entry", "account", "at", "body")
        table.put_item(TableName=NAMES.ledger_table, Item={k: {"S": v} for k, v in zip(keys, values, strict=True)})
    said = world.done("ledger", waited)
    for name in entries:
        table.delete_item(TableName=NAMES.ledger_table, Key={"remediation": {"S": waited}, "entry": {"S": name}})
    assert "copy has taken: available" in said
    assert "the undo of swap has taken: active" in said


def test_an_account_is_read_by_its_index_newest_first(world: People, groups: list[Resource]) -> None:
    log = len(world.loop.organization.door.log)
    rows = world.lines("ledger", "--account", TEAM)
    remediated = [row["resource"] for row in rows if row["state"] == "remediated"]
    assert remediated == [groups[1].arn, groups[0].arn]
    assert [row["at"] for row in rows] == sorted((row["at"] for row in rows), reverse=True)
    operations = [one.operation for one in list(world.loop.organization.door.log)[log:] if one.service == "dynamodb"]
    assert operations == ["Query"]


def test_a_list_is_narrowed_by_resource_control_outcome_and_time(world: People, groups: list[Resource]) -> None:
    (row,) = world.lines("ledger", "--resource", groups[1].arn)
    assert (row["resource"], row["account"], row["control"]) == (groups[1].arn, TEAM, SSH.id)
    assert world.lines("ledger", "--account", TEAM, "--outcome", "failed") == []
    assert world.lines("ledger", "--account", TEAM, "--control", "Palisade.S3.1") == []
    assert len(world.lines("ledger", "--account", NOTIFIED, "--control", SSH.id, "--since", "7d")) == 1
    assert world.lines("ledger", "--account", NOTIFIED, "--since", "30m") == []
    assert "The ledger has nothing of the kind." in world.done("ledger", "--account", NOTIFIED, "--since", "30m")


def test_what_is_over_the_limit_is_said_and_the_whole_ledger_is_read_only_where_nothing_narrows(
    world: People, groups: list[Resource]
) -> None:
    ran = world.run("ledger", "--limit", "1", "--json")
    assert ran.exit_code == 0
    assert len(ran.stdout.splitlines()) == 1
    assert "no account narrows this: the whole ledger is read" in ran.stderr
    assert "there are more; --limit 2 shows as many again" in ran.stderr
    said = world.done("ledger")
    for group in groups:
        assert group.arn in said


def test_who_stopped_everything_is_listed(world: People) -> None:
    world.done("stop", "--reason", "a storm")
    world.loop.organization.advance(timedelta(minutes=1))
    world.done("resume", "--yes")
    rows = world.lines("ledger", "--account", HUB)
    assert [(row["state"], row["reason"]) for row in rows] == [("resumed", ""), ("stopped", "a storm")]
    assert all(row["by"].endswith(f"{APPROVERS}/ann") for row in rows)


BAD = {
    "an account": (("--account", "12"), "--account: '12' is not an account id of 12 digits"),
    "an ARN": (("--resource", "sg-1"), "--resource: 'sg-1' is not an ARN"),
    "a time": (("--since", "week"), "--since: 'week' is no duration; write a number and d, h, m or s"),
    "an outcome": (("--outcome", "done"), "--outcome: 'done' is none of invalid, off, exempted,"),
    "both": (("r-1", "--account", TEAM), "an id names one remediation; --account, --control and the like narrow a"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_cannot_be_looked_for_is_told_in_one_line(world: People, name: str) -> None:
    arguments, told = BAD[name]
    assert world.refused("ledger", *arguments, code=2).startswith(told)


def test_an_id_that_the_ledger_does_not_have_and_a_ledger_that_is_not_there_are_told(world: People) -> None:
    assert world.refused("ledger", "r-1") == "the ledger has no r-1"
    assert world.refused("ledger", "--account", TEAM, "--prefix", "other", code=2).startswith(
        "the ledger cannot be read by these credentials: "
    )
