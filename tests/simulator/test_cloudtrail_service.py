"""CloudTrail's event history: who really did what, when it can be looked up, and how."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from simulator.local import LocalOrganization
from simulator.services import cloudtrail
from tests.simulator.launchers import entered, user
from tests.simulator.pipeline_world import AWAY, HOME, MEMBER, organization

LATE = timedelta(minutes=15)
TEMPLATE = {"Resources": {"Web": {"Type": "AWS::EC2::Instance", "Properties": {"ImageId": "ami-12345678"}}}}


@pytest.fixture
def opened() -> Iterator[LocalOrganization]:
    with organization() as one:
        yield one


def launch(session: boto3.Session) -> str:
    answer = session.client("ec2").run_instances(ImageId="ami-12345678", MinCount=1, MaxCount=1)
    return str(answer["Instances"][0]["InstanceId"])


def lookup(opened: LocalOrganization, key: str, value: str, region: str = HOME, **more: Any) -> list[Any]:
    attribute: Any = [{"AttributeKey": key, "AttributeValue": value}]
    trail = opened.session(MEMBER, region).client("cloudtrail")
    return list(trail.lookup_events(LookupAttributes=attribute, **more)["Events"])


def identity(opened: LocalOrganization, instance: str) -> dict[str, Any]:
    """Who launched an instance, as its one RunInstances says."""
    (event,) = [one for one in lookup(opened, "ResourceName", instance) if one["EventName"] == "RunInstances"]
    record: dict[str, Any] = json.loads(event["CloudTrailEvent"])
    assert record["recipientAccountId"] == MEMBER
    return dict(record["userIdentity"])


def test_an_event_is_there_after_fifteen_minutes_in_its_account_and_region_for_ninety_days(
    opened: LocalOrganization,
) -> None:
    instance = launch(opened.session(MEMBER))
    opened.advance(LATE - timedelta(seconds=1))
    assert lookup(opened, "ResourceName", instance) == []
    opened.advance(timedelta(seconds=2))
    (event,) = lookup(opened, "ResourceName", instance)
    assert (event["EventName"], event["EventSource"], event["ReadOnly"]) == (
        "RunInstances",
        "ec2.amazonaws.com",
        "false",
    )
    assert {"ResourceType": "AWS::EC2::Instance", "ResourceName": instance} in event["Resources"]
    assert lookup(opened, "ResourceName", instance, AWAY) == []
    opened.advance(timedelta(days=90))
    assert lookup(opened, "ResourceName", instance) == []


def test_users_and_sessions_are_named_as_cloudtrail_names_them(opened: LocalOrganization) -> None:
    by_user = launch(user(opened.session(MEMBER), "ann"))
    by_person = launch(entered(opened.session(MEMBER), "AWSReservedSSO_Developer_0123456789abcdef", "bob@example.com"))
    by_role = launch(entered(opened.session(MEMBER), "deploy", "release-7", SourceIdentity="carol"))
    opened.advance(LATE)
    said = identity(opened, by_user)
    assert (said["type"], said["userName"], said["arn"]) == ("IAMUser", "ann", f"arn:aws:iam::{MEMBER}:user/ann")
    said = identity(opened, by_person)
    assert (said["type"], said["principalId"].partition(":")[2]) == ("AssumedRole", "bob@example.com")
    assert said["sessionContext"]["sessionIssuer"]["userName"] == "AWSReservedSSO_Developer_0123456789abcdef"
    said = identity(opened, by_role)
    assert said["arn"] == f"arn:aws:sts::{MEMBER}:assumed-role/deploy/release-7"
    assert said["sessionContext"]["sourceIdentity"] == "carol"


def test_auto_scaling_launches_as_its_service_linked_role(opened: LocalOrganization) -> None:
    session = opened.session(MEMBER)
    ec2, scaling = session.client("ec2"), session.client("autoscaling")
    ec2.create_launch_template(LaunchTemplateName="web", LaunchTemplateData={"ImageId": "ami-12345678"})
    subnet = ec2.describe_subnets()["Subnets"][0]["SubnetId"]
    scaling.create_auto_scaling_group(
        AutoScalingGroupName="web",
        MinSize=1,
        MaxSize=2,
        LaunchTemplate={"LaunchTemplateName": "web"},
        VPCZoneIdentifier=subnet,
    )
    opened.advance(timedelta(minutes=1))
    scaling.set_desired_capacity(AutoScalingGroupName="web", DesiredCapacity=2)
    opened.advance(LATE)
    launched = scaling.describe_auto_scaling_groups()["AutoScalingGroups"][0]["Instances"]
    assert len(launched) == 2
    for one in launched:
        said = identity(opened, one["InstanceId"])
        assert said["invokedBy"] == "autoscaling.amazonaws.com"
        assert said["arn"].endswith(":assumed-role/AWSServiceRoleForAutoScaling/AutoScaling")


def test_a_stack_launches_in_the_name_of_whoever_deploys_it_and_tags_its_instances(opened: LocalOrganization) -> None:
    deployer = entered(opened.session(MEMBER), "pipeline", "build-12")
    cloudformation = deployer.client("cloudformation")
    cloudformation.create_stack(StackName="shop", TemplateBody=json.dumps(TEMPLATE))
    (stack,) = cloudformation.describe_stacks(StackName="shop")["Stacks"]
    assert stack["StackStatus"] == "CREATE_COMPLETE"
    ec2 = opened.session(MEMBER).client("ec2")
    filters: Any = [{"Name": "tag:aws:cloudformation:stack-name", "Values": ["shop"]}]
    (found,) = ec2.describe_instances(Filters=filters)["Reservations"][0]["Instances"]
    opened.advance(LATE)
    said = identity(opened, found["InstanceId"])
    assert (said["invokedBy"], said["arn"].rpartition("/")[2]) == ("cloudformation.amazonaws.com", "build-12")
    with pytest.raises(ClientError, match="AlreadyExistsException"):
        deployer.client("cloudformation").create_stack(StackName="shop", TemplateBody=json.dumps(TEMPLATE))
    opened.session(MEMBER).client("cloudformation").delete_stack(StackName=stack["StackId"])
    state = ec2.describe_instances(InstanceIds=[found["InstanceId"]])["Reservations"][0]["Instances"][0]["State"]
    assert state["Name"] in ("shutting-down", "terminated")
    with pytest.raises(ClientError, match="does not exist"):
        opened.session(MEMBER).client("cloudformation").describe_stacks(StackName="shop")


@pytest.mark.parametrize(
    "properties",
    [{"TemplateURL": "https://example.com/t"}, {"TemplateBody": "{}"}, {"TemplateBody": '{"Resources":{"B":{}}}'}],
)
def test_stacks_that_are_not_simulated_are_refused(opened: LocalOrganization, properties: dict[str, str]) -> None:
    with pytest.raises(ClientError, match=r"NotImplemented|ValidationError"):
        opened.session(MEMBER).client("cloudformation").create_stack(StackName="x", **properties)


def test_events_come_newest_first_in_pages_of_fifty(opened: LocalOrganization) -> None:
    ec2 = opened.session(MEMBER).client("ec2")
    group = ec2.create_security_group(GroupName="g", Description="d")["GroupId"]
    for number in range(60):
        ec2.create_tags(Resources=[group], Tags=[{"Key": "n", "Value": str(number)}])
    opened.advance(LATE)
    trail = opened.session(MEMBER).client("cloudtrail")
    pages = list(
        trail.get_paginator("lookup_events").paginate(
            LookupAttributes=[{"AttributeKey": "EventName", "AttributeValue": "CreateTags"}]
        )
    )
    assert [len(page["Events"]) for page in pages] == [50, 10]
    events = [json.loads(event["CloudTrailEvent"]) for page in pages for event in page["Events"]]
    values = [event["requestParameters"]["tags"][0]["value"] for event in events]
    assert values == [str(number) for number in reversed(range(60))]
    with pytest.raises(ClientError, match="InvalidNextToken"):
        trail.lookup_events(NextToken="anything")


@pytest.mark.parametrize(
    ("given", "code"),
    [
        (
            {"LookupAttributes": [{"AttributeKey": "ReadOnly", "AttributeValue": "false"}] * 2},
            "InvalidLookupAttributes",
        ),
        ({"StartTime": datetime(2026, 1, 2, tzinfo=UTC), "EndTime": datetime(2026, 1, 1, tzinfo=UTC)}, "TimeRange"),
        ({"EventCategory": "insight"}, "NotImplemented"),
    ],
)
def test_wrong_requests_are_refused(opened: LocalOrganization, given: dict[str, Any], code: str) -> None:
    with pytest.raises(ClientError, match=code):
        opened.session(MEMBER).client("cloudtrail").lookup_events(**given)


@pytest.mark.parametrize(
    ("key", "value", "found"),
    [
        ("Username", "ann", 1),
        ("Username", "bob", 0),
        ("ResourceType", "AWS::EC2::Instance", 1),
        ("EventName", "RunInstances", 1),
        ("EventSource", "s3.amazonaws.com", 0),
        ("ReadOnly", "true", 0),
        ("AccessKeyId", "AKIA", 0),
    ],
)
def test_one_attribute_chooses(opened: LocalOrganization, key: str, value: str, found: int) -> None:
    launch(user(opened.session(MEMBER), "ann"))
    opened.advance(LATE)
    assert len(lookup(opened, key, value)) == found


def test_a_time_range_chooses(opened: LocalOrganization) -> None:
    start = opened.do(opened.world.agenda.now)
    first = launch(opened.session(MEMBER))
    opened.advance(timedelta(hours=1))
    launch(opened.session(MEMBER))
    opened.advance(LATE)
    found = lookup(opened, "EventName", "RunInstances", StartTime=start, EndTime=start + timedelta(minutes=5))
    assert [first in {one["ResourceName"] for one in event["Resources"]} for event in found] == [True]


def test_reads_data_events_and_refused_calls_leave_nothing_and_iam_is_found_in_one_region(
    opened: LocalOrganization,
) -> None:
    session = opened.session(MEMBER)
    s3 = session.client("s3")
    s3.create_bucket(Bucket="data", CreateBucketConfiguration={"LocationConstraint": HOME})
    s3.put_object(Bucket="data", Key="k", Body=b"v")
    s3.get_object(Bucket="data", Key="k")
    with pytest.raises(ClientError):
        s3.delete_bucket(Bucket="data")
    session.client("iam").create_user(UserName="ann")
    opened.advance(LATE)
    assert [one["EventName"] for one in lookup(opened, "ResourceName", "data")] == ["CreateBucket"]
    assert lookup(opened, "EventName", "CreateUser") == []
    assert len(lookup(opened, "EventName", "CreateUser", "us-east-1")) == 1


def test_answers_of_services_that_are_moto_s_alone_are_in_the_history_though_nobody_watches(
    opened: LocalOrganization,
) -> None:
    assert "ecr" not in opened.world.services
    assert opened.door.watchers == []
    made = opened.session(MEMBER).client("ecr").create_repository(repositoryName="shop")["repository"]
    opened.advance(LATE)
    (event,) = lookup(opened, "EventName", "CreateRepository")
    record = json.loads(event["CloudTrailEvent"])
    assert record["responseElements"]["repository"]["repositoryArn"] == made["repositoryArn"]


def test_secrets_are_not_in_the_history(opened: LocalOrganization) -> None:
    ec2 = opened.session(MEMBER).client("ec2")
    ec2.run_instances(ImageId="ami-12345678", MinCount=1, MaxCount=1, UserData="password=1")
    opened.advance(LATE)
    (event,) = lookup(opened, "EventName", "RunInstances")
    record = json.loads(event["CloudTrailEvent"])
    assert record["requestParameters"]["userData"] == "HIDDEN_DUE_TO_SECURITY_REASONS"
    assert "password=1" not in event["CloudTrailEvent"]


def test_parameters_beyond_a_hundred_thousand_characters_are_left_out_of_an_event(opened: LocalOrganization) -> None:
    ecr = opened.session(MEMBER).client("ecr")
    around = {"repositoryName": "fits", "tags": [{"key": "k", "value": ""}]}
    fits = 100_000 - len(json.dumps(around))
    for name, length in (("fits", fits), ("long", fits + 1)):
        ecr.create_repository(repositoryName=name, tags=[{"Key": "k", "Value": "x" * length}])
    opened.advance(LATE)
    records = [json.loads(one["CloudTrailEvent"]) for one in lookup(opened, "EventName", "CreateRepository")]
    shown = {one["responseElements"]["repository"]["repositoryName"]: one["requestParameters"] for one in records}
    assert len(shown["fits"]["tags"][0]["value"]) == fits
    assert shown["long"] is None


def test_what_services_never_write_down_is_not_in_the_history(opened: LocalOrganization) -> None:
    session = opened.session(MEMBER, "us-east-1")
    session.client("ssm").put_parameter(Name="pin", Value="1234-secret", Type="SecureString")
    session.client("iam").create_user(UserName="ann")
    key = session.client("iam").create_access_key(UserName="ann")["AccessKey"]
    opened.advance(LATE)
    (put,) = lookup(opened, "EventName", "PutParameter", "us-east-1")
    assert "1234-secret" not in put["CloudTrailEvent"]
    (made,) = lookup(opened, "EventName", "CreateAccessKey", "us-east-1")
    assert key["SecretAccessKey"] not in made["CloudTrailEvent"]
    assert {"ResourceType": "AWS::IAM::User", "ResourceName": "ann"} in made["Resources"]


def test_two_calls_a_second_are_answered(opened: LocalOrganization) -> None:
    throttled = 0
    trail = opened.session(MEMBER).client("cloudtrail", config=Config(retries={"total_max_attempts": 1}))
    for _ in range(3):
        try:
            trail.lookup_events()
        except ClientError as error:
            assert error.response["Error"]["Code"] == "ThrottlingException"  # noqa: PT017
            throttled += 1
    assert throttled == 1


def test_the_history_keeps_so_many_events_and_no_more(
    opened: LocalOrganization, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cloudtrail, "KEPT", 3)
    ec2 = opened.session(MEMBER, AWAY).client("ec2")
    group = ec2.create_security_group(GroupName="g", Description="d")["GroupId"]
    for number in range(5):
        ec2.create_tags(Resources=[group], Tags=[{"Key": "n", "Value": str(number)}])
    opened.advance(LATE)
    assert len(lookup(opened, "ResourceName", group, AWAY)) == 3
