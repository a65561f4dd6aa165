"""Palisade.GuardDuty.2: instances that GuardDuty reports."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from boto3 import Session

from lambdas.controls.guardduty_instance_isolated import CONTROL, evaluate, plan, read
from lambdas.controls.model import Place, Plan, Refusal, Verdict
from lambdas.services import isolation
from tests.controls.cases import Case
from tests.controls.product_findings import guardduty_finds, instance
from tests.controls.round_trip import PLACE, apply_plan, judged, member_account, planned, undo

BACKDOOR = "Backdoor:EC2/C&CActivity.B!DNS"
SETTINGS = {
    "State": "running",
    "Vpc": "vpc-1",
    "Tags": [],
    "Interfaces": [{"Id": "eni-1", "Groups": ["sg-1"]}],
    "Volumes": ["vol-1"],
    "Snapshots": [],
    "Groups": {},
    "Findings": [BACKDOOR],
}
CLOSED = {isolation.CLOSED: {"Id": "sg-9", "Rules": 0}}


def network(session: Session) -> tuple[str, str]:
    """A VPC with a subnet and a group; returns the subnet and the group."""
    ec2 = session.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.0.0/24")["Subnet"]["SubnetId"]
    group = ec2.create_security_group(GroupName=f"web-{uuid.uuid4()}", Description="web", VpcId=vpc)["GroupId"]
    return subnet, group


def running(session: Session, place: Place, where: tuple[str, str] | None = None) -> str:
    """An instance with two groups."""
    ec2: Any = session.client("ec2")
    subnet, group = where or network(session)
    # moto knows no image of its own here, and takes any.
    made = ec2.run_instances(
        ImageId="ami-0123456789abcdef0",
        InstanceType="t3.micro",
        MinCount=1,
        MaxCount=1,
        SubnetId=subnet,
        SecurityGroupIds=[group],
    )
    return str(made["Instances"][0]["InstanceId"])


def reported(session: Session, place: Place) -> str:
    identifier = running(session, place)
    guardduty_finds(session, place, BACKDOOR, instance(identifier))
    return identifier


def reported_again(session: Session, place: Place) -> str:
    """An instance in a VPC where another was isolated before, so that the groups are there."""
    where = network(session)
    other = running(session, place, where)
    guardduty_finds(session, place, BACKDOOR, instance(other))
    apply_plan(session, planned(session, CONTROL, CONTROL.resource(place, other)))
    identifier = running(session, place, where)
    guardduty_finds(session, place, BACKDOOR, instance(identifier))
    return identifier


def state(session: Session, place: Place, identifier: str) -> object:
    (reservation,) = session.client("ec2").describe_instances(InstanceIds=[identifier])["Reservations"]
    (one,) = reservation["Instances"]
    interfaces = [sorted(group["GroupId"] for group in each["Groups"]) for each in one["NetworkInterfaces"]]
    return one["State"]["Name"], interfaces


CASES = (
    Case("the first of its VPC", {}, reported, running, state, thorough=True),
    Case("in a VPC that has the groups", {}, reported_again, running, state),
)


@pytest.fixture(scope="module")
def member() -> Iterator[Session]:
    with member_account() as session:
        yield session


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_an_instance_ends_with_the_empty_group_alone_and_undo_gives_it_its_own_back(
    member: Session, case: Case
) -> None:
    resource = CONTROL.resource(PLACE, case.broken(member, PLACE))
    before = state(member, PLACE, resource.id)
    made = planned(member, CONTROL, resource)
    assert isinstance(made, Plan)
    names = [change.name for change in made.changes]
    (interface,) = [name for name in names if name.startswith("isolate-")]
    order = ["take-snapshots", "open", f"open-{interface.removeprefix('isolate-')}", "empty", interface, "close"]
    assert [name for name in names if name in order] == order
    applied = apply_plan(member, made)
    assert judged(member, CONTROL, resource).verdict is Verdict.COMPLIANT
    settings = read(member, resource)
    assert settings is not None
    assert {name: one["Rules"] for name, one in settings["Groups"].items()} == {isolation.CLOSED: 0, isolation.OPEN: 1}
    assert len(settings["Snapshots"]) == len(settings["Volumes"]) == 1
    undo(member, applied)
    assert state(member, PLACE, resource.id) == before
    snapshots = member.client("ec2").describe_snapshots(SnapshotIds=settings["Snapshots"])["Snapshots"]
    assert len(snapshots) == 1, "what was kept stays"


def test_an_instance_that_is_gone_is_gone(member: Session) -> None:
    resource = CONTROL.resource(PLACE, running(member, PLACE))
    member.client("ec2").terminate_instances(InstanceIds=[resource.id])
    assert read(member, resource) is None
    assert read(member, CONTROL.resource(PLACE, "i-0000000000000dead")) is None


@pytest.mark.parametrize(
    ("settings", "verdict"),
    [
        ({}, Verdict.NON_COMPLIANT),
        ({"Findings": []}, Verdict.COMPLIANT),
        ({"State": "stopped"}, Verdict.NOT_APPLICABLE),
        ({"Groups": CLOSED}, Verdict.NON_COMPLIANT),
        ({"Groups": CLOSED, "Interfaces": [{"Id": "eni-1", "Groups": ["sg-9"]}]}, Verdict.COMPLIANT),
        ({"Groups": CLOSED, "Interfaces": [{"Id": "eni-1", "Groups": ["sg-1", "sg-9"]}]}, Verdict.NON_COMPLIANT),
        (
            {
                "Groups": {isolation.CLOSED: {"Id": "sg-9", "Rules": 1}},
                "Interfaces": [{"Id": "eni-1", "Groups": ["sg-9"]}],
            },
            Verdict.NON_COMPLIANT,
        ),
    ],
)
def test_only_the_group_without_rules_isolates(settings: dict[str, Any], verdict: Verdict) -> None:
    assert evaluate({**SETTINGS, **settings}, {}).verdict is verdict


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("aws:autoscaling:groupName", "standby"),
        ("kubernetes.io/cluster/main", "cordon"),
        ("eks:cluster-name", "cordon"),
        ("AmazonECSManaged", "drain"),
        ("elasticbeanstalk:environment-name", "Elastic Beanstalk"),
    ],
)
def test_who_would_be_replaced_is_left_to_people_with_what_to_do_first(key: str, said: str) -> None:
    refused = plan(CONTROL.resource(PLACE, "i-1"), {**SETTINGS, "Tags": [{"Key": key, "Value": "x"}]}, {}, {})
    assert isinstance(refused, Refusal)
    assert said in refused.reason


def test_evidence_is_taken_once_and_every_interface_is_isolated() -> None:
    interfaces = [{"Id": "eni-1", "Groups": ["sg-1"]}, {"Id": "eni-2", "Groups": ["sg-2", "sg-3"]}]
    settings = {**SETTINGS, "Interfaces": interfaces, "Snapshots": ["snap-1"], "Tags": [{"Key": "Name", "Value": "x"}]}
    made = plan(CONTROL.resource(PLACE, "i-1"), settings, {}, {})
    assert isinstance(made, Plan)
    names = [change.name for change in made.changes]
    assert "take-snapshots" not in names
    assert {"open-eni-1", "open-eni-2", "isolate-eni-1", "isolate-eni-2"} <= set(names)
    inverse = next(change.inverse for change in made.changes if change.name == "isolate-eni-2")
    assert inverse is not None
    assert inverse.parameters["Groups"] == ["sg-2", "sg-3"]
