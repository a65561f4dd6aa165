"""Recorder and items: what is recorded, when, and what an item says."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from simulator.call import ServiceError
from tests.simulator.config_world import ACCOUNT, OTHER, REGION, ROLE, Place, client_of, small_world


@pytest.fixture
def place() -> Iterator[Place]:
    with small_world() as made:
        yield made


def ids(place: Place, resource_type: str, **more: Any) -> list[str]:
    found = place.ask("ListDiscoveredResources", resourceType=resource_type, **more)["resourceIdentifiers"]
    return [one["resourceId"] for one in found]


def history(place: Place, resource_type: str, identifier: str, **more: Any) -> list[dict[str, Any]]:
    answer = place.ask("GetResourceConfigHistory", resourceType=resource_type, resourceId=identifier, **more)
    return list(answer["configurationItems"])


def test_a_recorder_needs_a_role(place: Place) -> None:
    with pytest.raises(ServiceError, match="InvalidRoleException"):
        place.ask("PutConfigurationRecorder", ConfigurationRecorder={"name": "default"})


def test_there_is_one_recorder_per_account_and_region(place: Place) -> None:
    place.ask("PutConfigurationRecorder", ConfigurationRecorder={"name": "default", "roleARN": ROLE})
    with pytest.raises(ServiceError, match="MaxNumberOfConfigurationRecordersExceededException"):
        place.ask("PutConfigurationRecorder", ConfigurationRecorder={"name": "second", "roleARN": ROLE})


def test_a_recorder_starts_only_with_a_delivery_channel(place: Place) -> None:
    place.ask("PutConfigurationRecorder", ConfigurationRecorder={"roleARN": ROLE})
    with pytest.raises(ServiceError, match="NoAvailableDeliveryChannelException"):
        place.ask("StartConfigurationRecorder", ConfigurationRecorderName="default")
    with pytest.raises(ServiceError, match="NoSuchBucketException"):
        place.ask("PutDeliveryChannel", DeliveryChannel={"name": "default", "s3BucketName": "nowhere"})


def test_the_delivery_channel_of_a_running_recorder_stays(place: Place) -> None:
    place.start_recorder()
    with pytest.raises(ServiceError, match="LastDeliveryChannelDeleteFailedException"):
        place.ask("DeleteDeliveryChannel", DeliveryChannelName="default")
    place.ask("StopConfigurationRecorder", ConfigurationRecorderName="default")
    place.ask("DeleteDeliveryChannel", DeliveryChannelName="default")
    assert place.ask("DescribeDeliveryChannels")["DeliveryChannels"] == []


def test_the_status_says_whether_the_recorder_runs(place: Place) -> None:
    place.start_recorder()
    [status] = place.ask("DescribeConfigurationRecorderStatus")["ConfigurationRecordersStatus"]
    assert status["recording"]
    [recorder] = place.ask("DescribeConfigurationRecorders")["ConfigurationRecorders"]
    assert recorder["roleARN"] == ROLE
    assert recorder["recordingGroup"]["allSupported"]


@pytest.mark.parametrize(
    "group",
    [
        pytest.param({"allSupported": True, "resourceTypes": ["AWS::S3::Bucket"]}, id="all and a list"),
        pytest.param({"allSupported": False}, id="nothing"),
        pytest.param(
            {"allSupported": True, "recordingStrategy": {"useOnly": "EXCLUSION_BY_RESOURCE_TYPES"}},
            id="all under the exclusion strategy",
        ),
    ],
)
def test_contradictory_recording_groups_are_refused(place: Place, group: dict[str, Any]) -> None:
    recorder = {"roleARN": ROLE, "recordingGroup": group}
    with pytest.raises(ServiceError, match="InvalidRecordingGroupException"):
        place.ask("PutConfigurationRecorder", ConfigurationRecorder=recorder)


@pytest.mark.parametrize(
    ("group", "recorded"),
    [
        pytest.param({"allSupported": True}, {"AWS::EC2::SecurityGroup": True, "AWS::IAM::Role": False}, id="all"),
        pytest.param(
            {"allSupported": True, "includeGlobalResourceTypes": True},
            {"AWS::EC2::SecurityGroup": True, "AWS::IAM::Role": True},
            id="all with the global types",
        ),
        pytest.param(
            {"resourceTypes": ["AWS::S3::Bucket"]},
            {"AWS::EC2::SecurityGroup": False, "AWS::S3::Bucket": True},
            id="only those listed",
        ),
        pytest.param(
            {
                "exclusionByResourceTypes": {"resourceTypes": ["AWS::EC2::SecurityGroup"]},
                "recordingStrategy": {"useOnly": "EXCLUSION_BY_RESOURCE_TYPES"},
            },
            {"AWS::EC2::SecurityGroup": False, "AWS::S3::Bucket": True, "AWS::IAM::Role": True},
            id="all but those excluded",
        ),
    ],
)
def test_the_recording_group_decides_what_is_recorded(
    place: Place, group: dict[str, Any], recorded: dict[str, bool]
) -> None:
    place.start_recorder(**group)
    recorder = place.config.recorders.need(ACCOUNT, REGION)
    assert {kind: recorder.records(kind) for kind in recorded} == recorded


def test_what_exists_is_discovered_when_the_recorder_starts(place: Place) -> None:
    group = place.security_group()
    place.start_recorder()
    assert group in ids(place, "AWS::EC2::SecurityGroup")
    counts = place.ask("GetDiscoveredResourceCounts")
    assert counts["totalDiscoveredResources"] == sum(one["count"] for one in counts["resourceCounts"])


def test_every_change_is_one_item_and_no_change_is_none(place: Place) -> None:
    place.start_recorder()
    group = place.security_group()
    place.open_ssh(group)
    place.config.record("ec2", ACCOUNT, REGION)
    place.client("ec2").delete_security_group(GroupId=group)
    place.config.record("ec2", ACCOUNT, REGION)
    items = history(place, "AWS::EC2::SecurityGroup", group)
    assert [item["configurationItemStatus"] for item in items] == ["ResourceDeleted", "OK", "ResourceDiscovered"]
    assert "configuration" not in items[0]
    assert len({item["configurationStateId"] for item in items}) == 3
    forward = history(place, "AWS::EC2::SecurityGroup", group, chronologicalOrder="Forward", limit=1)
    assert [item["configurationItemStatus"] for item in forward] == ["ResourceDiscovered"]
    assert group not in ids(place, "AWS::EC2::SecurityGroup")
    assert group in ids(place, "AWS::EC2::SecurityGroup", includeDeletedResources=True)


def test_a_security_group_item_has_the_shape_of_aws(place: Place) -> None:
    place.start_recorder()
    group = place.security_group()
    place.open_ssh(group, "0.0.0.0/0")
    place.open_ssh(group, "::/0")
    item = history(place, "AWS::EC2::SecurityGroup", group)[0]
    [permission] = json.loads(item["configuration"])["ipPermissions"]
    assert permission == {
        "ipProtocol": "tcp",
        "fromPort": 22,
        "toPort": 22,
        "ipv4Ranges": [{"cidrIp": "0.0.0.0/0"}],
        "ipRanges": ["0.0.0.0/0"],
        "ipv6Ranges": [{"cidrIpv6": "::/0"}],
        "prefixListIds": [],
        "userIdGroupPairs": [],
    }
    assert item["arn"] == f"arn:aws:ec2:{REGION}:{ACCOUNT}:security-group/{group}"
    assert item["version"] == "1.3"


def test_a_bucket_is_recorded_in_its_own_region_whoever_asks_where(place: Place) -> None:
    place.start_recorder()
    place.client("s3").create_bucket(Bucket="here", CreateBucketConfiguration={"LocationConstraint": REGION})
    client_of("s3", ACCOUNT, "us-east-1").create_bucket(Bucket="there")
    place.client("s3").put_bucket_encryption(
        Bucket="here",
        ServerSideEncryptionConfiguration={
            "Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": "alias/a"}}]
        },
    )
    place.config.record("s3", ACCOUNT, "us-east-1")
    assert ids(place, "AWS::S3::Bucket") == ["here"]
    [item] = history(place, "AWS::S3::Bucket", "here")
    rules = json.loads(item["supplementaryConfiguration"]["ServerSideEncryptionConfiguration"])["rules"]
    assert rules == [
        {
            "applyServerSideEncryptionByDefault": {"sseAlgorithm": "aws:kms", "kmsMasterKeyID": "alias/a"},
            "bucketKeyEnabled": False,
        }
    ]


def test_only_prefix_lists_of_the_account_are_recorded(place: Place) -> None:
    place.start_recorder()
    made = place.client("ec2").create_managed_prefix_list(
        PrefixListName="office", MaxEntries=2, AddressFamily="IPv4", Entries=[{"Cidr": "0.0.0.0/0"}]
    )["PrefixList"]["PrefixListId"]
    place.config.record("ec2", ACCOUNT, REGION)
    assert ids(place, "AWS::EC2::PrefixList") == [made]
    [item] = history(place, "AWS::EC2::PrefixList", made)
    assert json.loads(item["configuration"])["Entries"] == [{"Cidr": "0.0.0.0/0"}]


def test_a_key_shows_who_manages_it_and_its_state(place: Place) -> None:
    place.start_recorder()
    mine = place.client("kms").create_key()["KeyMetadata"]["KeyId"]
    theirs = place.client("kms").describe_key(KeyId="alias/aws/s3")["KeyMetadata"]["KeyId"]
    place.client("kms").disable_key(KeyId=mine)
    place.config.record("kms", ACCOUNT, REGION)
    found = {one: json.loads(history(place, "AWS::KMS::Key", one)[0]["configuration"]) for one in (mine, theirs)}
    assert found[mine]["keyManager"] == "CUSTOMER"
    assert found[mine]["keyState"] == "Disabled"
    assert found[theirs]["keyManager"] == "AWS"


def test_instances_volumes_databases_balancers_roles_and_functions_are_recorded(place: Place) -> None:
    place.functions.functions = [
        {"FunctionName": "f", "FunctionArn": f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:f", "Environment": {"x": "y"}}
    ]
    ec2 = place.client("ec2")
    instance = ec2.run_instances(ImageId="ami-12345678", MinCount=1, MaxCount=1)["Instances"][0]["InstanceId"]
    ec2.create_volume(AvailabilityZone=f"{REGION}a", Size=1)
    place.client("rds").create_db_instance(
        DBInstanceIdentifier="db", DBInstanceClass="db.t3.micro", Engine="postgres", AllocatedStorage=20,
        MasterUsername="u", MasterUserPassword="password1",
    )  # fmt: skip
    subnets = [subnet["SubnetId"] for subnet in ec2.describe_subnets()["Subnets"][:2]]
    place.client("elbv2").create_load_balancer(Name="lb", Subnets=subnets)
    place.client("iam").create_role(RoleName="r", AssumeRolePolicyDocument="{}")
    place.start_recorder(allSupported=True, includeGlobalResourceTypes=True)
    counts = {one["resourceType"]: one["count"] for one in place.ask("GetDiscoveredResourceCounts")["resourceCounts"]}
    assert counts["AWS::EC2::Volume"] == 2
    for kind in ("EC2::Instance", "RDS::DBInstance", "ElasticLoadBalancingV2::LoadBalancer", "Lambda::Function"):
        assert counts[f"AWS::{kind}"] == 1, kind
    assert counts["AWS::IAM::Role"] == 1
    keys = [{"resourceType": "AWS::EC2::Instance", "resourceId": one} for one in (instance, "i-none")]
    batch = place.ask("BatchGetResourceConfig", resourceKeys=keys)
    assert [item["resourceId"] for item in batch["baseConfigurationItems"]] == [instance]
    assert [key["resourceId"] for key in batch["unprocessedResourceKeys"]] == ["i-none"]


def test_accounts_and_stopped_recorders_see_nothing_of_each_other(place: Place) -> None:
    place.start_recorder()
    group = place.security_group()
    place.ask("StopConfigurationRecorder", ConfigurationRecorderName="default")
    place.open_ssh(group)
    assert len(history(place, "AWS::EC2::SecurityGroup", group)) == 1
    place.config.record("ec2", OTHER, REGION)
    place.ask("StartConfigurationRecorder", ConfigurationRecorderName="default")
    assert len(history(place, "AWS::EC2::SecurityGroup", group)) == 2


def test_daily_recording_waits_for_the_day(place: Place) -> None:
    place.start_recorder()
    place.ask(
        "PutConfigurationRecorder",
        ConfigurationRecorder={
            "name": "default",
            "roleARN": ROLE,
            "recordingMode": {
                "recordingFrequency": "CONTINUOUS",
                "recordingModeOverrides": [
                    {"resourceTypes": ["AWS::EC2::SecurityGroup"], "recordingFrequency": "DAILY"}
                ],
            },
        },
    )
    group = place.security_group()
    assert group not in ids(place, "AWS::EC2::SecurityGroup")
    place.world.agenda.advance(timedelta(days=1))
    assert group in ids(place, "AWS::EC2::SecurityGroup")


def test_queries_need_a_recorder_and_a_resource(place: Place) -> None:
    with pytest.raises(ServiceError, match="NoAvailableConfigurationRecorderException"):
        ids(place, "AWS::S3::Bucket")
    place.start_recorder()
    with pytest.raises(ServiceError, match="ResourceNotDiscoveredException"):
        history(place, "AWS::S3::Bucket", "none")
    with pytest.raises(ServiceError, match="InvalidNextTokenException"):
        ids(place, "AWS::S3::Bucket", nextToken="***")
