"""`palisade approve`, `reject`, `undo`, `lift`, `stop`, `resume` against the deployed endpoint."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from lambdas.remediation.case import case_key
from operations.local_estate import APPROVERS
from tests.operations.hub_world import OTHERS, STRANGERS, People, people
from tests.organization.loop_world import NAMES, SSH, ingress, open_group

UNKNOWN = "r-" + "0" * 24


@pytest.fixture(scope="module")
def world() -> Iterator[People]:
    with people() as opened:
        yield opened


@pytest.fixture(autouse=True)
def approver(world: People) -> None:
    world.enter(APPROVERS, "ann")


def test_an_approver_is_shown_what_is_asked_and_it_is_made_when_he_says_so(world: People) -> None:
    group = open_group(world.loop.member())
    world.loop.rest()
    asked = world.asked(group)
    said = world.done("approve", asked, "--reason", "seen", answer="y\n")
    for shown in (group.arn, "revoke_security_group_ingress", SSH.impact, "2026-01-06T", "nobody that its tags name"):
        assert shown in said
    assert f"{asked} is approved" in said
    world.loop.rest()
    assert ingress(world.loop.member(), group) == []
    entries = world.loop.ledger_of(asked)
    assert entries["approved-1"]["by"].endswith(f"assumed-role/{APPROVERS}/ann")
    assert entries["approved-1"]["reason"] == "seen"
    assert entries["outcome"]["outcome"] == "remediated"
    assert f"{asked} does not wait for an answer any more" in world.refused("approve", asked, "--yes")


def test_nothing_is_sent_where_nobody_confirms(world: People) -> None:
    group = open_group(world.loop.member())
    world.loop.rest()
    asked = world.asked(group)
    for answer in ("n\n", ""):
        ran = world.run("approve", asked, answer=answer)
        assert (ran.exit_code, world.answers().count((asked, "approved-1"))) == (1, 0)
        assert "not confirmed: nothing was sent" in ran.stderr
    assert world.done("reject", asked, "--reason", "a bastion", "--yes").endswith(
        f"{asked} is rejected: nothing is changed. See: palisade ledger {asked}\n"
    )
    world.loop.rest()
    assert ingress(world.loop.member(), group) != []
    assert world.loop.ledger_of(asked)["outcome"]["outcome"] == "rejected"
    assert f"{asked} is rejected already, by " in world.refused("approve", asked, "--yes")


def test_who_is_no_approver_of_the_environment_is_refused_and_nothing_changes(world: People) -> None:
    group = open_group(world.loop.member())
    world.loop.rest()
    asked = world.asked(group)
    world.enter(STRANGERS)
    for command in (["approve", asked, "--yes"], ["reject", asked, "--yes"]):
        assert "is no approver of environment local" in world.refused(*command)
    assert "is no approver of any environment" in world.refused("stop", "--reason", "mine")
    assert "is no approver of environment" in world.refused("resume", "--yes")
    assert (asked, "approved-1") not in world.answers()


def test_another_plan_than_the_one_that_was_looked_at_is_not_approved(world: People) -> None:
    group = open_group(world.loop.member())
    world.loop.rest()
    asked = world.asked(group)
    said = world.refused("approve", asked, "--yes", "--digest", "0" * 64)
    assert said == f"{asked} asks for another plan by now: look at it again"
    answers = world.lines("approve", asked, "--yes")
    assert answers == [{"action": "approve", "remediation": asked, "state": "approved"}]
    world.loop.rest()


def test_a_remediation_is_undone_once_and_its_hold_is_lifted_once(world: People) -> None:
    group = open_group(world.loop.member())
    before = ingress(world.loop.member(), group)
    world.loop.rest()
    asked = world.asked(group)
    assert f"{asked} is on hold" not in world.refused("lift", asked, "--yes")
    world.done("approve", asked, "--yes")
    world.loop.rest()
    assert ingress(world.loop.member(), group) == []
    said = world.done("undo", asked, "--reason", "a service is down", answer="y\n")
    assert "authorize_security_group_ingress" in said
    world.loop.rest()
    assert ingress(world.loop.member(), group) == before
    undone = asked.replace("r-", "u-")
    assert world.refused("undo", asked, "--yes") == f"{asked} is undone already, by {undone}"
    assert f"on hold since {undone}" not in world.done("lift", asked, "--yes")
    assert "is not on hold on" in world.refused("lift", asked, "--yes")


def test_who_is_no_approver_requests_an_undo_and_does_not_approve_it_himself(world: People) -> None:
    group = open_group(world.loop.member())
    world.loop.rest()
    asked = world.asked(group)
    world.done("approve", asked, "--yes")
    world.loop.rest()
    world.enter(STRANGERS, "bob")
    undone = asked.replace("r-", "u-")
    said = world.done("undo", asked, "--yes")
    assert f"the undo {undone} was requested. An approver says: palisade approve {undone}" in said
    world.loop.rest()
    assert ingress(world.loop.member(), group) == []
    assert "is no approver of environment local" in world.refused("approve", undone, "--yes")
    world.enter(APPROVERS, "ann")
    said = world.done("approve", undone, "--yes")
    assert "authorize_security_group_ingress" in said
    world.loop.rest()
    assert ingress(world.loop.member(), group) != []


def test_who_requested_it_does_not_approve_it(world: People) -> None:
    group = open_group(world.loop.member())
    world.loop.rest()
    asked = world.asked(group)
    world.done("approve", asked, "--yes")
    world.loop.rest()
    caller = world.loop.ledger_of(asked)["approved-1"]["by"]
    world.loop.send({"palisade": "undo", "remediation": asked, "requester": caller})
    world.loop.rest()
    undone = asked.replace("r-", "u-")
    assert world.refused("approve", undone, "--yes").startswith("who requested it does not approve it")
    world.enter(APPROVERS, "eve")
    world.done("approve", undone, "--yes")
    world.loop.rest()
    assert ingress(world.loop.member(), group) != []


def test_an_expired_question_is_not_answered(world: People) -> None:
    group = open_group(world.loop.member())
    world.loop.rest()
    asked = world.asked(group)
    world.loop.organization.advance(timedelta(hours=25))
    world.enter(APPROVERS, "ann")
    assert f"{asked} is expired already, by time" in world.refused("approve", asked, "--yes")
    assert ingress(world.loop.member(), group) != []


def test_the_emergency_stop_holds_up_what_was_approved_until_it_is_resumed(world: People) -> None:
    group = open_group(world.loop.member())
    world.loop.rest()
    asked = world.asked(group)
    assert world.done("stop", "--reason", "a storm").startswith("stopped: no remediation begins any more.")
    world.done("approve", asked, "--yes")
    world.loop.rest()
    assert ingress(world.loop.member(), group) != []
    assert "set by arn:aws:sts::" in world.loop.ledger_of(asked)["limited"]["reason"]
    assert world.done("resume", "--yes").startswith("resumed: ")
    world.loop.organization.advance(timedelta(minutes=40))
    assert ingress(world.loop.member(), group) == []


def test_an_approver_of_one_environment_stops_everything_and_does_not_end_the_stop_of_others(world: People) -> None:
    world.enter(OTHERS, "eve")
    world.done("stop", "--reason", "a storm")
    assert "is no approver of environment local" in world.refused("resume", "--yes")
    assert any(one.get("stopped") for one in world.loop.state() if one["key"]["S"] == "stop")
    world.enter(APPROVERS, "ann")
    world.done("resume", "--yes")  # the environment that names no approvers keeps nobody stopped
    assert not any(one.get("stopped") for one in world.loop.state() if one["key"]["S"] == "stop")


def test_a_reader_without_the_ledger_is_told_that_nothing_can_be_shown(world: People) -> None:
    group = open_group(world.loop.member())
    world.loop.rest()
    asked = world.asked(group)
    iam = world.loop.hub.client("iam")
    deny = '{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"dynamodb:*","Resource":"*"}]}'
    iam.put_role_policy(RoleName=APPROVERS, PolicyName="blind", PolicyDocument=deny)
    try:
        said = world.done("approve", asked, "--yes")
    finally:
        iam.delete_role_policy(RoleName=APPROVERS, PolicyName="blind")
    assert f"What {asked} is about is not shown: the ledger cannot be read: AccessDenied" in said
    assert world.loop.ledger_of(asked)["approved-1"]["digest"]
    world.loop.rest()


BAD = {
    "a malformed id": (("approve", "r-1"), 2, "remediation 'r-1' is not the id of one, such as r-0123..."),
    "an unknown id": (("approve", UNKNOWN), 1, f"the ledger has no {UNKNOWN}"),
    "an unknown undo": (("undo", UNKNOWN), 1, f"the ledger has no {UNKNOWN}"),
    "a reason that is too long": (("stop", "--reason", "x" * 501), 2, "reason is not a text of at most 500 characters"),
    "a Region that AWS does not have": (
        ("resume", "--region", "eu-west-9"),
        2,
        "--region: 'eu-west-9' is not a Region of AWS; accepted are codes such as eu-west-1",
    ),
    "the endpoint of another prefix": (
        ("resume", "--prefix", "other"),
        2,
        "the endpoint cannot be looked up: AccessDeniedException: User: arn:aws:sts::",
    ),
    "an address that is none": (("resume", "--yes", "--endpoint", "abc"), 2, "--endpoint: 'abc' is no HTTPS address"),
    "a profile that is not there": (("resume", "--profile", "none"), 2, "these credentials cannot be used: The config"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_cannot_be_asked_is_told_in_one_line(world: People, name: str) -> None:
    arguments, code, told = BAD[name]
    before = len(world.loop.ledger())
    assert world.refused(*arguments, code=code).startswith(told)
    assert len(world.loop.ledger()) == before


def test_without_credentials_or_region_nothing_is_asked(world: People) -> None:
    with pytest.MonkeyPatch.context() as shell:
        shell.setenv("AWS_EC2_METADATA_DISABLED", "true")
        shell.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nowhere")
        shell.setenv("AWS_CONFIG_FILE", "/nowhere")
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
            shell.delenv(name)
        assert world.refused("resume", code=2) == "no credentials: set AWS_PROFILE, name --profile, or log in"
        for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
            shell.delenv(name, raising=False)
        assert world.refused("resume", code=2).startswith("no Region: name the hub's home Region by --region")


def test_an_account_of_the_organization_other_than_the_hub_has_no_endpoint(world: People) -> None:
    held = world.loop.member().get_credentials()
    assert held is not None
    assert held.token is not None
    with pytest.MonkeyPatch.context() as shell:
        shell.setenv("AWS_ACCESS_KEY_ID", held.access_key)
        shell.setenv("AWS_SECRET_ACCESS_KEY", held.secret_key)
        shell.setenv("AWS_SESSION_TOKEN", held.token)
        assert world.refused("approve", UNKNOWN, code=2).startswith("the endpoint is not deployed: palisade-approve")


def test_a_role_that_may_not_call_the_endpoint_is_told_what_it_needs(world: People) -> None:
    iam = world.loop.hub.client("iam")
    deny = '{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"lambda:Invoke*","Resource":"*"}]}'
    iam.put_role_policy(RoleName=STRANGERS, PolicyName="out", PolicyDocument=deny)
    world.enter(STRANGERS)
    try:
        said = world.refused("stop", "--reason", "mine")
    finally:
        iam.delete_role_policy(RoleName=STRANGERS, PolicyName="out")
    assert said.startswith("AWS does not let these credentials call the endpoint: they need lambda:InvokeFunctionUrl")


def test_the_case_says_who_has_answered(world: People) -> None:
    group = open_group(world.loop.member())
    world.loop.rest()
    asked = world.asked(group)
    world.done("reject", asked, "--yes", "--reason", "not now")
    key = case_key(SSH.id, group.account, group.region, group.arn)
    item = world.loop.hub.client("dynamodb").get_item(TableName=NAMES.state_table, Key={"key": {"S": key}})["Item"]
    assert (item["approval"]["S"], item["answer"]["S"]) == ("rejected", "not now")
    world.loop.rest()
