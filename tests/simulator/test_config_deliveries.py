"""Configuration snapshots: into the bucket, by whose permission, and then to the rules that wait for them."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from simulator.local import LocalOrganization
from simulator.services.config_service import ConfigService
from tests.simulator.config_world import Place, small_world
from tests.simulator.pipeline_world import HOME, HUB, MEMBER, document, organization

BUCKET = "snapshots"
LINKED = f"arn:aws:iam::{MEMBER}:role/aws-service-role/config.amazonaws.com/AWSServiceRoleForConfig"
SNAPSHOT = "ConfigurationSnapshotDeliveryCompleted"


@pytest.fixture
def opened() -> Iterator[LocalOrganization]:
    with organization() as one:
        home = {"LocationConstraint": HOME}
        client(one, "s3", HUB).create_bucket(Bucket=BUCKET, CreateBucketConfiguration=home)
        yield one


@pytest.fixture
def place() -> Iterator[Place]:
    with small_world() as one:
        yield one


def client(opened: LocalOrganization, service: str, account: str = MEMBER) -> Any:
    session: Any = opened.session(account)
    return session.client(service)


def admit(opened: LocalOrganization) -> None:
    allow = {
        "Effect": "Allow",
        "Principal": {"Service": "config.amazonaws.com"},
        "Action": ["s3:PutObject", "s3:PutObjectAcl"],
        "Resource": f"arn:aws:s3:::{BUCKET}/AWSLogs/{MEMBER}/*",
        "Condition": {"StringEquals": {"aws:SourceAccount": MEMBER}},
    }
    client(opened, "s3", HUB).put_bucket_policy(Bucket=BUCKET, Policy=document(allow))


def record(opened: LocalOrganization, **channel: Any) -> None:
    config = client(opened, "config")
    config.put_configuration_recorder(ConfigurationRecorder={"name": "default", "roleARN": LINKED})
    config.put_delivery_channel(DeliveryChannel={"name": "default", "s3BucketName": BUCKET, **channel})
    config.start_configuration_recorder(ConfigurationRecorderName="default")


def delivered(opened: LocalOrganization) -> list[str]:
    listed = client(opened, "s3", HUB).list_objects_v2(Bucket=BUCKET, Prefix=f"AWSLogs/{MEMBER}/Config/{HOME}/")
    return [one["Key"] for one in listed.get("Contents", [])]


def status(opened: LocalOrganization) -> dict[str, Any]:
    (shown,) = client(opened, "config").describe_delivery_channel_status()["DeliveryChannelsStatus"]
    return dict(shown["configSnapshotDeliveryInfo"])


def test_a_snapshot_on_request_holds_what_is_recorded(opened: LocalOrganization) -> None:
    admit(opened)
    record(opened)
    group = client(opened, "ec2").create_security_group(GroupName="web", Description="web")["GroupId"]
    answer = client(opened, "config").deliver_config_snapshot(deliveryChannelName="default")
    opened.rest()
    (key,) = delivered(opened)
    assert answer["configSnapshotId"] in key
    body = client(opened, "s3", HUB).get_object(Bucket=BUCKET, Key=key)["Body"].read()
    snapshot = json.loads(gzip.decompress(body))
    assert snapshot["configSnapshotId"] == answer["configSnapshotId"]
    assert group in {item["resourceId"] for item in snapshot["configurationItems"]}
    assert status(opened)["lastStatus"] == "SUCCESS"


def test_a_bucket_that_does_not_admit_config_gets_none_and_the_status_says_so(opened: LocalOrganization) -> None:
    record(opened)
    client(opened, "config").deliver_config_snapshot(deliveryChannelName="default")
    opened.rest()
    assert delivered(opened) == []
    assert status(opened)["lastStatus"] == "FAILURE"
    assert status(opened)["lastErrorCode"] == "AccessDenied"


def test_a_delivery_channel_with_a_frequency_delivers_by_itself(opened: LocalOrganization) -> None:
    admit(opened)
    record(opened, configSnapshotDeliveryProperties={"deliveryFrequency": "Six_Hours"})
    opened.advance(timedelta(hours=13))
    assert len(delivered(opened)) == 2
    client(opened, "config").put_delivery_channel(DeliveryChannel={"name": "default", "s3BucketName": BUCKET})
    opened.advance(timedelta(hours=13))
    assert len(delivered(opened)) == 2


def test_a_snapshot_needs_a_channel_and_a_running_recorder(opened: LocalOrganization) -> None:
    config = client(opened, "config")
    with pytest.raises(ClientError, match="NoAvailableConfigurationRecorderException"):
        config.deliver_config_snapshot(deliveryChannelName="default")
    record(opened)
    with pytest.raises(ClientError, match="NoSuchDeliveryChannelException"):
        config.deliver_config_snapshot(deliveryChannelName="other")
    config.stop_configuration_recorder(ConfigurationRecorderName="default")
    with pytest.raises(ClientError, match="NoRunningConfigurationRecorderException"):
        config.deliver_config_snapshot(deliveryChannelName="default")


def test_a_rule_that_waits_for_snapshots_is_told_where_one_lies(place: Place) -> None:
    place.start_recorder()
    place.put_custom_rule("waiting", SNAPSHOT)
    place.put_custom_rule("not-waiting")
    message = {"messageType": SNAPSHOT, "s3Bucket": "bucket", "s3ObjectKey": "key", "recordVersion": "1.1"}
    place.world.service(ConfigService).triggers.delivered(place.account, place.region, message)
    place.world.agenda.rest()
    told = [event for event in place.functions.events if json.loads(event["invokingEvent"]) == message]
    assert [event["configRuleName"] for event in told] == ["waiting"]
