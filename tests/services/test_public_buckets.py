"""What makes a bucket public is read where it stands: policy, access control list, blocks, website."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from boto3 import Session

from lambdas.controls.model import Resource
from lambdas.services import public_buckets
from tests.controls.round_trip import MEMBER, PLACE, REGION, member_account


@pytest.fixture(scope="module")
def member() -> Iterator[Session]:
    with member_account() as session:
        yield session


def made(session: Session, name: str) -> Resource:
    where: Any = {"LocationConstraint": REGION}
    session.client("s3").create_bucket(Bucket=name, CreateBucketConfiguration=where)
    return Resource(PLACE.partition, MEMBER, REGION, "AWS::S3::Bucket", name, f"arn:aws:s3:::{name}")


def test_a_new_bucket_is_not_public_and_blocks_public_access(member: Session) -> None:
    settings = public_buckets.read(member, made(member, "new-bucket"))
    assert settings is not None
    assert settings["Block"] == public_buckets.BLOCKED
    assert (settings["PublicAcl"], settings["PublicPolicy"], settings["Website"]) == ([], False, False)
    assert settings["AccountBlock"] is None
    assert public_buckets.ways_in(settings) == []


def test_a_block_of_the_account_keeps_a_public_policy_out(member: Session) -> None:
    resource = made(member, "open-bucket")
    s3, control = member.client("s3"), member.client("s3control")
    s3.delete_public_access_block(Bucket=resource.id)
    statement = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": f"{resource.arn}/*"}
    s3.put_bucket_policy(Bucket=resource.id, Policy=json.dumps({"Version": "2012-10-17", "Statement": [statement]}))
    before = public_buckets.read(member, resource)
    block: Any = public_buckets.BLOCKED
    control.put_public_access_block(AccountId=MEMBER, PublicAccessBlockConfiguration=block)
    after = public_buckets.read(member, resource)
    control.delete_public_access_block(AccountId=MEMBER)
    assert before is not None
    assert after is not None
    assert public_buckets.ways_in(before) == ["its policy"]
    assert after["AccountBlock"] == public_buckets.BLOCKED
    assert public_buckets.ways_in(after) == []
