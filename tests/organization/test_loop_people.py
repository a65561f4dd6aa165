"""What people decide: approval, rejection, expiry, undo, holds, the emergency stop; and who may not."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from lambdas.controls.model import Resource
from operations.local_estate import HUB
from simulator.faults import Fault, Kind
from simulator.services.security_hub import SecurityHub
from tests.organization.loop_world import NAMES, REGION, TEAM, ingress, open_group
from tests.organization.people_world import OTHERS, People, peopled

OPEN = [("tcp", 22, 22, "0.0.0.0/0")]


@pytest.fixture(scope="module")
def loop() -> Iterator[People]:
    with peopled() as opened:
        yield opened


@pytest.fixture
def waiting(loop: People) -> tuple[Resource, str]:
    """A group that waits for approval, and the id of its question."""
    group = open_group(loop.member())
    loop.rest()
    (identifier,) = loop.named(group.arn, "awaiting-approval")
    return group, identifier


def approved(loop: People, waiting: tuple[Resource, str], name: str = "alice") -> None:
    status, said = loop.asks(loop.person(name), "approve", waiting[1], reason="known")
    assert (status, said["state"]) == (200, "approved")
    loop.rest()


def outcomes(loop: People, group: Resource) -> list[str]:
    """Every outcome of a group, the earliest first."""
    items = loop.hub.client("dynamodb").scan(TableName=NAMES.ledger_table)["Items"]
    bodies = [(item["at"]["S"], json.loads(item["body"]["S"])) for item in items]
    said = sorted(
        (at, body["outcome"]) for at, body in bodies if body.get("resource") == group.arn and "outcome" in body
    )
    return [outcome for _, outcome in said]


def test_what_is_approved_is_done_and_the_ledger_says_who_approved(loop: People, waiting: tuple[Resource, str]) -> None:
    group, identifier = waiting
    assert ingress(loop.member(), group) == OPEN
    approved(loop, waiting)
    assert ingress(loop.member(), group) == []
    entries = loop.ledger_of(identifier)
    assert entries["approved-1"]["by"].endswith(":assumed-role/duty/alice")
    assert entries["approved-1"]["digest"] == entries["asked-1"]["digest"]
    assert entries["outcome"]["outcome"] == "remediated"
    assert "approval" not in loop.case(group.arn)
    assert loop.finding(group)["Workflow"]["Status"] == "RESOLVED"


def test_an_answer_counts_once(loop: People, waiting: tuple[Resource, str]) -> None:
    approved(loop, waiting)
    status, said = loop.asks(loop.person("bob"), "reject", waiting[1])
    assert (status, said["error"]) == (409, f"{waiting[1]} does not wait for an answer any more")


def test_what_is_rejected_is_told_and_not_asked_again_while_nothing_changes(
    loop: People, waiting: tuple[Resource, str]
) -> None:
    group, identifier = waiting
    assert loop.asks(loop.person("alice"), "reject", identifier, reason="a bastion")[0] == 200
    loop.rest()
    assert ingress(loop.member(), group) == OPEN
    assert outcomes(loop, group) == ["awaiting-approval", "rejected"]
    assert "a bastion" in loop.finding(group)["Note"]["Text"]
    loop.hub.client("securityhub").batch_update_findings(
        FindingIdentifiers=[{name: loop.finding(group)[name] for name in ("Id", "ProductArn")}],
        Workflow={"Status": "NEW"},
    )
    loop.rest()
    assert outcomes(loop, group) == ["awaiting-approval", "rejected", "refused"]
    loop.member().client("ec2").authorize_security_group_ingress(
        GroupId=group.id,
        IpPermissions=[{"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "Ipv6Ranges": [{"CidrIpv6": "::/0"}]}],
    )
    # AWS Config tells of no change, for it fails as before: the schedule sees it, and then the sweep.
    loop.invoke_detect(TEAM, {"palisade": "reconcile"})
    loop.organization.advance(timedelta(minutes=6))
    assert outcomes(loop, group)[-1] == "awaiting-approval", "another plan is another question"


def test_a_question_that_nobody_answers_expires(loop: People, waiting: tuple[Resource, str]) -> None:
    group, identifier = waiting
    loop.organization.advance(timedelta(days=1, minutes=10))
    assert outcomes(loop, group)[:2] == ["awaiting-approval", "approval-expired"]
    status, said = loop.asks(loop.person("alice"), "approve", identifier)
    assert status == 409, said
    assert ingress(loop.member(), group) == OPEN


def test_a_plan_that_is_not_the_approved_one_any_more_is_asked_again(
    loop: People, waiting: tuple[Resource, str]
) -> None:
    group, identifier = waiting
    status, _ = loop.asks(loop.person("alice"), "approve", identifier)
    # Between the answer and the change somebody opens more: what people saw is not what would be done.
    rules: Any = [{"IpProtocol": "tcp", "FromPort": 3389, "ToPort": 3389, "IpRanges": [{"CidrIp": "10.0.0.0/8"}]}]
    loop.member().client("ec2").authorize_security_group_ingress(GroupId=group.id, IpPermissions=rules)
    loop.rest()
    entries = loop.ledger_of(identifier)
    assert (status, "asked-2" in entries, "outcome" in entries) == (200, True, False)
    assert ("tcp", 22, 22, "0.0.0.0/0") in ingress(loop.member(), group)
    approved(loop, waiting)
    assert ingress(loop.member(), group) == [("tcp", 3389, 3389, "10.0.0.0/8")]


@pytest.mark.parametrize(
    ("action", "remediation", "status", "reason"),
    [
        ("approve", "r-000000000000000000000000", 404, "the ledger has no r-000000000000000000000000"),
        ("approve", "sg-1", 400, "remediation 'sg-1' is not the id of one"),
        ("explode", "", 400, "action 'explode' is not one of approve, lift, reject, resume, stop, undo"),
    ],
)
def test_what_cannot_be_done_is_refused_with_the_reason(
    loop: People, action: str, remediation: str, status: int, reason: str
) -> None:
    answered, said = loop.asks(loop.person("alice"), action, remediation)
    assert (answered, said["error"].startswith(reason)) == (status, True), said


def test_who_is_no_approver_answers_nothing(loop: People, waiting: tuple[Resource, str]) -> None:
    developer = loop.person("carol", OTHERS)
    for action in ("approve", "reject"):
        status, said = loop.asks(developer, action, waiting[1])
        assert (status, "is no approver of environment local" in said["error"]) == (403, True)
    for action in ("stop", "resume"):
        assert loop.asks(developer, action)[0] == 403
    assert ingress(loop.member(), waiting[0]) == OPEN


def test_undo_brings_back_what_was_there_and_places_a_hold(loop: People, waiting: tuple[Resource, str]) -> None:
    group, identifier = waiting
    approved(loop, waiting)
    alice = loop.person("alice")
    status, said = loop.asks(alice, "undo", identifier, reason="it broke the build")
    assert (status, said["state"]) == (200, "begun")
    loop.rest()
    assert ingress(loop.member(), group) == OPEN
    undone = loop.ledger_of(said["undo"])["outcome"]
    assert (undone["outcome"], undone["undoes"]) == ("undone", identifier)
    assert "SecurityGroupRuleId" in undone["reason"], "what the service assigns anew is named"
    assert loop.case(group.arn)["hold"].endswith(f"undid {identifier}")
    status, again = loop.asks(alice, "undo", identifier)
    assert (status, again["error"]) == (409, f"{identifier} is undone already, by {said['undo']}")
    status, lifted = loop.asks(alice, "lift", identifier)
    assert (status, "hold" in loop.case(group.arn)) == (200, False), lifted


def test_an_undo_that_fails_says_so_and_is_not_tried_again_by_itself(
    loop: People, waiting: tuple[Resource, str]
) -> None:
    group, identifier = waiting
    approved(loop, waiting)
    faults = loop.organization.faults
    faults.add(Fault(Kind.DENY, "ec2", "AuthorizeSecurityGroupIngress", principal="*:assumed-role/palisade-writer/*"))
    _, said = loop.asks(loop.person("alice"), "undo", identifier)
    loop.rest()
    faults.clear()
    failed = loop.ledger_of(said["undo"])["outcome"]
    assert (failed["outcome"], "tried again" in failed["reason"]) == ("failed", False)
    assert "due" not in loop.case(group.arn)


def test_who_is_no_approver_only_requests_an_undo_and_an_approver_decides(
    loop: People, waiting: tuple[Resource, str]
) -> None:
    group, identifier = waiting
    approved(loop, waiting)
    status, said = loop.asks(loop.person("carol", OTHERS), "undo", identifier)
    assert (status, said["state"]) == (200, "requested: an approver decides")
    loop.rest()
    assert ingress(loop.member(), group) == []
    assert loop.asks(loop.person("bob"), "approve", said["undo"])[0] == 200
    loop.rest()
    assert ingress(loop.member(), group) == OPEN


def test_a_resource_that_has_moved_on_is_not_undone(loop: People, waiting: tuple[Resource, str]) -> None:
    group, identifier = waiting
    approved(loop, waiting)
    rules: Any = [{"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]
    loop.member().client("ec2").authorize_security_group_ingress(GroupId=group.id, IpPermissions=rules)
    loop.rest()
    _, said = loop.asks(loop.person("alice"), "undo", identifier)
    loop.rest()
    refused = loop.ledger_of(said["undo"])["outcome"]
    assert (refused["outcome"], "moved on since" in refused["reason"]) == ("refused", True)
    assert ingress(loop.member(), group) == [("tcp", 443, 443, "0.0.0.0/0")]


def test_stop_and_resume_by_the_endpoint_and_what_was_limited_is_taken_up_again(loop: People) -> None:
    alice = loop.person("alice")
    assert loop.asks(alice, "stop", reason="an incident") == (200, {"stopped": True})
    group = open_group(loop.member())
    loop.rest()
    assert outcomes(loop, group) == ["limited"]
    assert loop.asks(alice, "resume") == (200, {"stopped": False})
    loop.organization.advance(timedelta(minutes=25))
    assert outcomes(loop, group)[-1] == "awaiting-approval"


def test_custom_actions_request_and_name_nobody(loop: People, waiting: tuple[Resource, str]) -> None:
    group, _ = waiting
    approved(loop, waiting)
    finding = loop.finding(group)
    actions = loop.organization.world.service(SecurityHub).actions
    arn = f"arn:aws:securityhub:{REGION}:{HUB}:action/custom/PalisadeUndo"
    loop.organization.do(lambda: actions.choose(arn, [(finding["ProductArn"], finding["Id"])]))
    loop.rest()
    (question,) = [one for one in loop.named(group.arn, "awaiting-approval") if one.startswith("u-")]
    assert ingress(loop.member(), group) == []
    assert loop.asks(loop.person("bob"), "approve", question)[0] == 200
    loop.rest()
    assert ingress(loop.member(), group) == OPEN
