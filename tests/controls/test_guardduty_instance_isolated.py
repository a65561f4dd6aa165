"""Palisade.GuardDuty.2: instances that GuardDuty reports."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from boto3 import Session
from moto.backends import get_backend

from lambdas.controls.guardduty_instance_isolated import CONTROL, evaluate, inspect, plan, read
from lambdas.controls.model import Mode, Place, Plan, Refusal, Verdict
from lambdas.remediation import describe
from lambdas.services import isolation
from simulator.local import LocalOrganization
from tests.controls.cases import Case
from tests.controls.product_findings import guardduty_finds, instance
from tests.controls.round_trip import MEMBER, PLACE, apply_plan, judged, member_organization, planned, undo

BACKDOOR = "Backdoor:EC2/C&CActivity.B!DNS"
SETTINGS: dict[str, Any] = {
    "State": "running",
    "Vpc": "vpc-1",
    "Operator": {},
    "Profile": None,
    "Tags": [],
    "Interfaces": [{"Id": "eni-1", "Groups": ["sg-1"]}],
    "Volumes": ["vol-1"],
    "Groups": {},
    "Findings": [BACKDOOR],
}
CLOSED = {isolation.CLOSED: {"Id": "sg-9", "Ours": True, "Rules": 0}}


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


def evidence(session: Session, identifier: str) -> list[Any]:
    """The snapshots that are marked as evidence of an instance."""
    marked: Any = [{"Name": f"tag:{isolation.EVIDENCE_TAG}", "Values": [identifier]}]
    return list(session.client("ec2").describe_snapshots(OwnerIds=["self"], Filters=marked)["Snapshots"])


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
def organization() -> Iterator[LocalOrganization]:
    with member_organization() as opened:
        yield opened


@pytest.fixture
def member(organization: LocalOrganization) -> Session:
    return organization.session(MEMBER, PLACE.region)


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
    order = ["take-snapshots", "empty", "open", f"open-{interface.removeprefix('isolate-')}", interface, "close"]
    assert [name for name in names if name in order] == order
    applied = apply_plan(member, made)
    assert judged(member, CONTROL, resource).verdict is Verdict.COMPLIANT
    settings = read(member, resource)
    assert settings is not None
    rules = {name: one["Rules"] for name, one in settings["Groups"].items()}
    assert rules == {isolation.CLOSED: 0, isolation.open_group(resource.id): 1}
    (snapshot,) = evidence(member, resource.id)
    assert [snapshot["VolumeId"]] == settings["Volumes"]
    assert inspect(member, resource, settings, {})["Kept"] == settings["Volumes"]
    undo(member, applied)
    assert state(member, PLACE, resource.id) == before
    assert evidence(member, resource.id) == [], "the tag is taken back"
    (kept,) = member.client("ec2").describe_snapshots(SnapshotIds=[snapshot["SnapshotId"]])["Snapshots"]
    assert resource.id in kept["Description"], "what was kept stays, and says what it is"


def test_rules_that_the_closed_group_was_given_are_taken_by_an_isolation(member: Session) -> None:
    identifier = reported_again(member, PLACE)
    resource, ec2 = CONTROL.resource(PLACE, identifier), member.client("ec2")
    settings = read(member, resource)
    assert settings is not None
    closed = settings["Groups"][isolation.CLOSED]["Id"]
    ranges, pairs = [{"CidrIp": "10.0.0.0/8", "Description": "us"}], [{"GroupId": closed}]
    ports: Any = {"IpProtocol": "tcp", "FromPort": 0, "ToPort": 22, "IpRanges": ranges, "UserIdGroupPairs": pairs}
    ec2.authorize_security_group_ingress(GroupId=closed, IpPermissions=[ports])
    everywhere: Any = {"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}, {"CidrIp": "10.0.0.0/8"}]}
    outside: Any = [everywhere, {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "IpRanges": ranges}]
    ec2.authorize_security_group_egress(GroupId=closed, IpPermissions=outside)
    apply_plan(member, planned(member, CONTROL, resource))
    after = read(member, resource)
    assert after is not None
    more: Any = {"ingress": [], "egress": []}
    assert after["Groups"][isolation.CLOSED] == {"Id": closed, "Ours": True, "Rules": 0, "More": more}
    assert evaluate(after, {}).verdict is Verdict.COMPLIANT


@pytest.mark.parametrize("named", [lambda instance: isolation.CLOSED, isolation.open_group], ids=["closed", "open"])
def test_a_group_of_one_of_our_names_without_our_tag_is_told_of_before_anything_is_done(
    member: Session, named: Callable[[str], str]
) -> None:
    resource, ec2 = CONTROL.resource(PLACE, reported(member, PLACE)), member.client("ec2")
    settings = read(member, resource)
    assert settings is not None
    name, vpc = named(resource.id), settings["Vpc"]
    group = ec2.create_security_group(GroupName=name, Description="somebody's", VpcId=vpc)["GroupId"]
    ec2.create_tags(Resources=[group], Tags=[{"Key": isolation.GROUP_TAG, "Value": "no"}])
    refused = planned(member, CONTROL, resource)
    assert isinstance(refused, Refusal)
    assert f"{vpc} has {name} ({group})" in refused.reason
    assert "delete it" in refused.reason
    ec2.delete_security_group(GroupId=group)
    assert isinstance(planned(member, CONTROL, resource), Plan)


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
                "Groups": {isolation.CLOSED: {"Id": "sg-9", "Ours": True, "Rules": 1}},
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
        ("aws:eks:cluster-name", "cordon"),
        ("aws:elasticmapreduce:job-flow-id", "EMR cluster"),
        ("aws:elasticmapreduce:instance-group-role", "EMR cluster"),
    ],
)
def test_who_would_be_replaced_is_left_to_people_with_what_to_do_first(key: str, said: str) -> None:
    refused = plan(CONTROL.resource(PLACE, "i-1"), {**SETTINGS, "Tags": [{"Key": key, "Value": "x"}]}, {}, {})
    assert isinstance(refused, Refusal)
    assert said in refused.reason


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ((), None),
        (("Name", "my:aws:eks:cluster-name"), None),
        (("kubernetes.io/cluster/main",), "first cordon its node and take it out of its node group"),
        (("eks:cluster-name", "eks:nodegroup-name", "kubernetes.io/cluster/main"), "first cordon its node and take it"),
        (("AmazonECSManaged",), "first drain"),
        (("AmazonECSManagedBySomebody",), "first drain"),
        (
            ("elasticbeanstalk:environment-name", "AmazonECSManaged"),
            "take it out of its cluster; take it out of its El",
        ),
    ],
    ids=str,
)
def test_tags_that_anybody_may_set_exempt_nothing_and_people_decide(keys: tuple[str, ...], said: str | None) -> None:
    settings = {**SETTINGS, "Tags": [{"Key": key, "Value": "x"} for key in keys]}
    made = plan(CONTROL.resource(PLACE, "i-1"), settings, {}, {"Kept": []})
    assert isinstance(made, Plan)
    assert "isolate-eni-1" in [change.name for change in made.changes]
    if said is None:
        assert made.ceiling is None
        return
    assert made.ceiling is not None
    assert made.ceiling.mode is Mode.APPROVE
    assert "a service may replace the instance" in made.ceiling.reason
    assert said in made.ceiling.reason
    assert made.ceiling.reason.count("cordon") <= 1
    assert any(said in one for one in made.leaves)


def test_an_instance_that_a_service_manages_is_left_to_people() -> None:
    managed = {**SETTINGS, "Operator": {"Managed": True, "Principal": "eks.amazonaws.com"}}
    # Not out of what is judged: somebody must hear of it.
    assert evaluate(managed, {}).verdict is Verdict.NON_COMPLIANT
    refused = plan(CONTROL.resource(PLACE, "i-1"), managed, {}, {"Kept": []})
    assert isinstance(refused, Refusal)
    assert "eks.amazonaws.com manages the instance" in refused.reason


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({}, None),
        (
            {"Profile": "arn:aws:iam::111122223333:instance-profile/team/web"},
            "(instance profile team/web) may be in use",
        ),
        (
            {
                "Profile": "arn:aws:iam::111122223333:instance-profile/web",
                "Findings": ["UnauthorizedAccess:EC2/MetadataDNSRebind"],
            },
            "(instance profile web) may have been read",
        ),
    ],
)
def test_who_approves_is_told_what_contains_the_credentials_of_its_role(more: dict[str, Any], said: str | None) -> None:
    made = plan(CONTROL.resource(PLACE, "i-1"), {**SETTINGS, **more}, {}, {"Kept": []})
    assert isinstance(made, Plan)
    lines = [line for line in describe.lines(made) if "Palisade.GuardDuty.1" in line]
    assert [said in line for line in lines] == ([True] if said else [])  # type: ignore[operator]


def test_evidence_is_taken_once_and_every_interface_is_isolated() -> None:
    interfaces = [{"Id": "eni-1", "Groups": ["sg-1"]}, {"Id": "eni-2", "Groups": ["sg-2", "sg-3"]}]
    settings = {**SETTINGS, "Interfaces": interfaces, "Tags": [{"Key": "Name", "Value": "x"}]}
    made = plan(CONTROL.resource(PLACE, "i-1"), settings, {}, {"Kept": ["vol-1"]})
    assert isinstance(made, Plan)
    names = [change.name for change in made.changes]
    assert "take-snapshots" not in names
    assert {"open-eni-1", "open-eni-2", "isolate-eni-1", "isolate-eni-2"} <= set(names)
    inverse = next(change.inverse for change in made.changes if change.name == "isolate-eni-2")
    assert inverse is not None
    assert inverse.parameters["Groups"] == ["sg-2", "sg-3"]


def marked_snapshot(session: Session, identifier: str, volume: str | None = None) -> str:
    """A snapshot of a volume of an instance, or of another one, that somebody has marked as its evidence."""
    ec2 = session.client("ec2")
    (reservation,) = ec2.describe_instances(InstanceIds=[identifier])["Reservations"]
    own = reservation["Instances"][0]["BlockDeviceMappings"][0]["Ebs"]["VolumeId"]
    made = str(ec2.create_snapshot(VolumeId=volume or own)["SnapshotId"])
    ec2.create_tags(Resources=[made], Tags=[{"Key": isolation.EVIDENCE_TAG, "Value": identifier}])
    return made


def takes_evidence(session: Session, identifier: str) -> bool:
    made = planned(session, CONTROL, CONTROL.resource(PLACE, identifier))
    assert isinstance(made, Plan)
    return made.changes[0].name == "take-snapshots"


def test_a_snapshot_of_an_earlier_incident_is_no_evidence_of_this_one(organization: LocalOrganization) -> None:
    session = organization.session(MEMBER, PLACE.region)
    identifier = running(session, PLACE)
    marked_snapshot(session, identifier)
    organization.advance(timedelta(days=30))
    session = organization.session(MEMBER, PLACE.region)
    guardduty_finds(session, PLACE, BACKDOOR, instance(identifier))
    assert takes_evidence(session, identifier)
    organization.advance(timedelta(minutes=5))
    session = organization.session(MEMBER, PLACE.region)
    marked_snapshot(session, identifier)
    # A later finding is of the same incident.
    guardduty_finds(session, PLACE, "CryptoCurrency:EC2/BitcoinTool.B!DNS", instance(identifier))
    assert not takes_evidence(session, identifier)


def test_an_isolation_after_an_undo_takes_evidence_anew(member: Session) -> None:
    identifier = reported(member, PLACE)
    applied = apply_plan(member, planned(member, CONTROL, CONTROL.resource(PLACE, identifier)))
    assert not takes_evidence(member, identifier)
    undo(member, applied)
    assert takes_evidence(member, identifier)


def test_a_snapshot_of_the_second_of_the_finding_is_evidence(member: Session) -> None:
    identifier = running(member, PLACE)
    marked_snapshot(member, identifier)
    (snapshot,) = evidence(member, identifier)
    second = snapshot["StartTime"].replace(microsecond=0)
    assert isolation.kept(member, identifier, second + timedelta(milliseconds=900)) == [snapshot["VolumeId"]]
    assert isolation.kept(member, identifier, second + timedelta(seconds=1)) == []


def test_a_snapshot_that_failed_or_is_of_another_volume_is_no_evidence(member: Session) -> None:
    identifier = reported(member, PLACE)
    other: Any = member.client("ec2").create_volume(Size=1, AvailabilityZone=f"{PLACE.region}a")["VolumeId"]
    marked_snapshot(member, identifier, other)
    assert takes_evidence(member, identifier)
    made = marked_snapshot(member, identifier)
    assert not takes_evidence(member, identifier)
    get_backend("ec2")[PLACE.account][PLACE.region].snapshots[made].status = "error"
    assert takes_evidence(member, identifier)
