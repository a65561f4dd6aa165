"""A delivery channel is taken only where the recorder's role can write to the bucket."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from simulator.local import LocalOrganization
from tests.simulator.pipeline_world import AWAY, HOME, HUB, MEMBER, document, organization

BUCKET = "deliveries"
ROLE = f"arn:aws:iam::{MEMBER}:role/recorder"
FILE = f"AWSLogs/{MEMBER}/Config/ConfigWritabilityCheckFile"
TRUST = {"Effect": "Allow", "Principal": {"Service": "config.amazonaws.com"}, "Action": "sts:AssumeRole"}
BUCKET_ARN, OBJECTS = f"arn:aws:s3:::{BUCKET}", f"arn:aws:s3:::{BUCKET}/AWSLogs/{MEMBER}/*"
FIND = {"Effect": "Allow", "Action": ["s3:GetBucketAcl", "s3:ListBucket"], "Resource": BUCKET_ARN}
WRITE = {
    "Effect": "Allow",
    "Action": ["s3:PutObject", "s3:PutObjectAcl"],
    "Resource": OBJECTS,
    "Condition": {"StringEquals": {"s3:x-amz-acl": "bucket-owner-full-control"}},
}


@pytest.fixture(scope="module")
def opened() -> Iterator[LocalOrganization]:
    with organization() as one:
        s3 = one.session(HUB).client("s3")
        s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": HOME})
        everybody = [{**statement, "Principal": {"AWS": ROLE}} for statement in (FIND, WRITE)]
        iam = one.session(MEMBER).client("iam")
        iam.create_role(RoleName="recorder", AssumeRolePolicyDocument=document(TRUST))
        s3.put_bucket_policy(Bucket=BUCKET, Policy=document(*everybody))
        yield one


def deliver(opened: LocalOrganization, *allowed: Any, trust: Any = TRUST, role: str = ROLE, region: str = HOME) -> None:
    """Give the recorder's role what it may do, and put a delivery channel."""
    iam = opened.session(MEMBER).client("iam")
    iam.put_role_policy(RoleName="recorder", PolicyName="delivery", PolicyDocument=document(*allowed))
    iam.update_assume_role_policy(RoleName="recorder", PolicyDocument=document(trust))
    config = opened.session(MEMBER, region).client("config")
    config.put_configuration_recorder(ConfigurationRecorder={"name": "default", "roleARN": role})
    config.put_delivery_channel(DeliveryChannel={"name": "default", "s3BucketName": BUCKET})


@pytest.mark.parametrize("region", [HOME, AWAY])
def test_the_check_file_lies_in_the_bucket_of_another_account(opened: LocalOrganization, region: str) -> None:
    deliver(opened, FIND, WRITE, region=region)
    assert opened.session(HUB).client("s3").head_object(Bucket=BUCKET, Key=FILE)["ContentLength"] == 0


@pytest.mark.parametrize(
    ("allowed", "trust"),
    [
        pytest.param([WRITE], TRUST, id="the role may not find the bucket"),
        pytest.param([FIND], TRUST, id="the role may not write"),
        pytest.param([FIND, {**WRITE, "Action": "s3:PutObject"}], TRUST, id="the role may not set the list"),
        pytest.param(
            [FIND, WRITE],
            {**TRUST, "Condition": {"StringEquals": {"aws:SourceAccount": HUB}}},
            id="the role trusts Config for another account",
        ),
    ],
)
def test_a_role_that_cannot_deliver_is_refused(opened: LocalOrganization, allowed: list[Any], trust: Any) -> None:
    with pytest.raises(ClientError, match="InsufficientDeliveryPolicyException"):
        deliver(opened, *allowed, trust=trust)


def test_the_service_linked_role_is_not_tried(opened: LocalOrganization) -> None:
    linked = f"arn:aws:iam::{MEMBER}:role/aws-service-role/config.amazonaws.com/AWSServiceRoleForConfig"
    deliver(opened, FIND, role=linked)
