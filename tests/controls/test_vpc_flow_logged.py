"""EC2.6: VPC flow logs, and the log group that they need first."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from boto3 import Session

from lambdas.controls.model import Place, Plan, Refusal, Verdict
from lambdas.controls.vpc_flow_logged import CONTROL, PREFIX, evaluate
from tests.controls.cases import Case
from tests.controls.round_trip import MEMBER, PLACE, apply_plan, judged, member_account, planned, undo

ROLE = f"arn:aws:iam::{MEMBER}:role/flow-logs"
GIVEN = {"role": ROLE}
LOG: dict[str, Any] = {
    "FlowLogId": "fl-1",
    "TrafficType": "REJECT",
    "FlowLogStatus": "ACTIVE",
    "DeliverLogsStatus": "SUCCESS",
}


def vpc(session: Session, place: Place) -> str:
    return str(session.client("ec2").create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"])


def logged(session: Session, place: Place) -> str:
    made = vpc(session, place)
    session.client("logs").create_log_group(logGroupName=f"/team/{made}")
    session.client("ec2").create_flow_logs(
        ResourceType="VPC",
        ResourceIds=[made],
        TrafficType="ALL",
        LogGroupName=f"/team/{made}",
        DeliverLogsPermissionArn=f"arn:{place.partition}:iam::{place.account}:role/own",
    )
    return made


def groups(session: Session, identifier: str) -> list[str]:
    found = session.client("logs").describe_log_groups(logGroupNamePrefix=PREFIX + identifier)["logGroups"]
    return [one["logGroupName"] for one in found]


def state(session: Session, place: Place, identifier: str) -> object:
    return CONTROL.read(session, CONTROL.resource(place, identifier), None)


CASES = (Case("no flow log", GIVEN, vpc, logged, state),)


@pytest.fixture(scope="module")
def member() -> Iterator[Session]:
    with member_account() as session:
        yield session


@pytest.mark.parametrize(
    ("changes", "verdict"),
    [
        ({}, Verdict.COMPLIANT),
        ({"TrafficType": "ALL"}, Verdict.COMPLIANT),
        ({"TrafficType": "ACCEPT"}, Verdict.NON_COMPLIANT),
        ({"DeliverLogsStatus": "FAILED"}, Verdict.NON_COMPLIANT),
        ({"DeliverLogsStatus": None}, Verdict.COMPLIANT),
    ],
    ids=str,
)
def test_a_log_counts_that_covers_rejected_traffic_and_delivers(changes: dict[str, Any], verdict: Verdict) -> None:
    assert evaluate({"FlowLogs": [{**LOG, **changes}]}, {}).verdict is verdict


def test_a_vpc_becomes_compliant_and_the_undo_takes_the_log_away_and_leaves_its_group(member: Session) -> None:
    resource = CONTROL.resource(PLACE, vpc(member, PLACE))
    before = state(member, PLACE, resource.id)
    applied = apply_plan(member, planned(member, CONTROL, resource, GIVEN))
    assert judged(member, CONTROL, resource).verdict is Verdict.COMPLIANT
    assert groups(member, resource.id) == [PREFIX + resource.id]
    undo(member, applied)
    assert state(member, PLACE, resource.id) == before
    assert groups(member, resource.id) == [PREFIX + resource.id]


def test_an_undo_makes_no_group_where_people_have_deleted_it_since(member: Session) -> None:
    resource = CONTROL.resource(PLACE, vpc(member, PLACE))
    before = state(member, PLACE, resource.id)
    applied = apply_plan(member, planned(member, CONTROL, resource, GIVEN))
    member.client("logs").delete_log_group(logGroupName=PREFIX + resource.id)
    undo(member, applied)
    assert state(member, PLACE, resource.id) == before
    assert groups(member, resource.id) == []


def test_a_group_that_is_there_is_used_and_left(member: Session) -> None:
    resource = CONTROL.resource(PLACE, vpc(member, PLACE))
    member.client("logs").create_log_group(logGroupName=PREFIX + resource.id)
    applied = apply_plan(member, planned(member, CONTROL, resource, GIVEN))
    assert [change.name for change in applied.done] == ["create-flow-log"]
    undo(member, applied)
    assert groups(member, resource.id) == [PREFIX + resource.id]


def test_a_log_that_ec2_does_not_make_leaves_the_vpc_as_it_was(member: Session) -> None:
    """The answer is no error, and names no flow log: the proof finds the VPC as it was."""
    resource = CONTROL.resource(PLACE, vpc(member, PLACE))
    plan = planned(member, CONTROL, resource, GIVEN)
    assert isinstance(plan, Plan)
    asked = {**plan.changes[1].parameters, "ClientToken": "another", "TrafficType": "ACCEPT"}
    member.client("logs").create_log_group(logGroupName=PREFIX + resource.id)
    member.client("ec2").create_flow_logs(**asked)
    applied = apply_plan(member, planned(member, CONTROL, resource, GIVEN))
    assert applied.responses["create-flow-log"]["Unsuccessful"][0]["Error"]["Code"] == "FlowLogAlreadyExists"
    assert judged(member, CONTROL, resource).verdict is Verdict.NON_COMPLIANT


@pytest.mark.parametrize("role", [None, "arn:aws:iam::999999999999:role/flow-logs"])
def test_without_a_role_of_the_account_people_are_told(member: Session, role: str | None) -> None:
    plan = planned(member, CONTROL, CONTROL.resource(PLACE, vpc(member, PLACE)), {"role": role})
    assert isinstance(plan, Plan)
    assert plan.changes == ()


def test_the_vpc_of_another_account_is_its_owner_s(member: Session) -> None:
    resource = CONTROL.resource(PLACE, "vpc-1")
    refusal = CONTROL.plan(resource, {"OwnerId": "999999999999", "FlowLogs": []}, CONTROL.resolve(GIVEN, ""), {})
    assert isinstance(refusal, Refusal)
    assert CONTROL.read(member, resource, None) is None
