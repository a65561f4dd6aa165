"""S3 as it is, where moto is otherwise; the tests of moto alone fail once it closes a gap."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from simulator.call import ServiceError
from simulator.services.s3 import S3Service
from tests.simulator.correction_world import ACCOUNT, OTHER, REGION, Desk, desk

HERE: Any = {"CreateBucketConfiguration": {"LocationConstraint": REGION}}


@pytest.fixture
def s3() -> Iterator[Desk]:
    with desk(S3Service) as made:
        made.ask("CreateBucket", Bucket="data", **HERE)
        yield made


def encryption(s3: Desk, bucket: str = "data") -> Any:
    [rule] = s3.ask("GetBucketEncryption", Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"]
    return rule


def put_encryption(s3: Desk, *rules: dict[str, Any]) -> None:
    s3.ask("PutBucketEncryption", Bucket="data", ServerSideEncryptionConfiguration={"Rules": list(rules)})


SSE_S3 = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}, "BucketKeyEnabled": False}


def test_a_new_bucket_is_encrypted_private_and_without_acls(s3: Desk) -> None:
    assert encryption(s3) == SSE_S3
    block = s3.ask("GetPublicAccessBlock", Bucket="data")["PublicAccessBlockConfiguration"]
    assert set(block.values()) == {True}
    controls = s3.ask("GetBucketOwnershipControls", Bucket="data")["OwnershipControls"]
    assert controls["Rules"] == [{"ObjectOwnership": "BucketOwnerEnforced"}]


@pytest.mark.parametrize("operation", ["GetBucketEncryption", "GetPublicAccessBlock", "GetBucketOwnershipControls"])
def test_moto_still_gives_new_buckets_no_settings(operation: str) -> None:
    with desk("s3") as moto:
        moto.ask("CreateBucket", Bucket="data", **HERE)
        with pytest.raises(ServiceError):
            moto.ask(operation, Bucket="data")


def test_objects_are_encrypted_by_the_bucket_default(s3: Desk) -> None:
    s3.ask("PutObject", Bucket="data", Key="plain", Body=b"x")
    assert s3.ask("HeadObject", Bucket="data", Key="plain")["ServerSideEncryption"] == "AES256"
    key = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": "arn:aws:kms:eu-central-1:111122223333:key/k"}
    put_encryption(s3, {"ApplyServerSideEncryptionByDefault": key, "BucketKeyEnabled": True})
    s3.ask("PutObject", Bucket="data", Key="secret", Body=b"x")
    head = s3.ask("HeadObject", Bucket="data", Key="secret")
    assert (head["ServerSideEncryption"], head["SSEKMSKeyId"]) == ("aws:kms", key["KMSMasterKeyID"])


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        pytest.param(
            {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms"}, "BucketKeyEnabled": True},
            {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms"}, "BucketKeyEnabled": True},
            id="the AWS managed key",
        ),
        pytest.param(
            {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms:dsse", "KMSMasterKeyID": "alias/none"}},
            {
                "ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms:dsse", "KMSMasterKeyID": "alias/none"},
                "BucketKeyEnabled": False,
            },
            id="a key that does not exist",
        ),
        pytest.param(
            {"BlockedEncryptionTypes": {"EncryptionType": ["SSE-C"]}},
            {**SSE_S3, "BlockedEncryptionTypes": {"EncryptionType": ["SSE-C"]}},
            id="blocked types alone",
        ),
    ],
)
def test_an_encryption_setting_reads_back_as_it_was_put(s3: Desk, given: Any, kept: Any) -> None:
    put_encryption(s3, given)
    assert encryption(s3) == kept


def test_moto_still_loses_blocked_encryption_types() -> None:
    with desk("s3") as moto:
        moto.ask("CreateBucket", Bucket="data", **HERE)
        put_encryption(moto, {**SSE_S3, "BlockedEncryptionTypes": {"EncryptionType": ["SSE-C"]}})
        assert "BlockedEncryptionTypes" not in encryption(moto)


@pytest.mark.parametrize(
    ("rules", "code"),
    [
        pytest.param(
            [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256", "KMSMasterKeyID": "k"}}],
            "InvalidArgument",
            id="a key with SSE-S3",
        ),
        pytest.param([{"ApplyServerSideEncryptionByDefault": {}}], "MalformedXML", id="no algorithm"),
        pytest.param([], "MalformedXML", id="no rule"),
        pytest.param([SSE_S3, SSE_S3], "MalformedXML", id="two rules"),
    ],
)
def test_wrong_encryption_settings_are_refused(s3: Desk, rules: list[Any], code: str) -> None:
    with pytest.raises(ServiceError) as refused:
        put_encryption(s3, *rules)
    assert refused.value.code == code
    assert encryption(s3) == SSE_S3


def test_moto_still_accepts_a_key_with_sse_s3() -> None:
    with desk("s3") as moto:
        moto.ask("CreateBucket", Bucket="data", **HERE)
        put_encryption(moto, {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256", "KMSMasterKeyID": "k"}})


def test_deleting_the_encryption_setting_resets_it(s3: Desk) -> None:
    put_encryption(s3, {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms"}})
    s3.ask("DeleteBucketEncryption", Bucket="data")
    assert encryption(s3) == SSE_S3


def test_an_unknown_bucket_is_an_error(s3: Desk) -> None:
    with pytest.raises(ServiceError, match="NoSuchBucket"):
        encryption(s3, "none")


def test_buckets_are_listed_by_region_prefix_and_page(s3: Desk) -> None:
    for name in ("a1", "a2", "a3"):
        s3.ask("CreateBucket", Bucket=f"{name}-x", **HERE)
    s3.ask("CreateBucket", Bucket="far", region="us-east-1")
    s3.ask("CreateBucket", Bucket="foreign", by=OTHER, **HERE)
    first = s3.ask("ListBuckets", MaxBuckets=2)
    assert [bucket["Name"] for bucket in first["Buckets"]] == ["a1-x", "a2-x"]
    rest = s3.ask("ListBuckets", MaxBuckets=9, ContinuationToken=first["ContinuationToken"])
    assert [bucket["Name"] for bucket in rest["Buckets"]] == ["a3-x", "data", "far"]
    assert "ContinuationToken" not in rest
    [far] = s3.ask("ListBuckets", BucketRegion="us-east-1")["Buckets"]
    assert (far["Name"], far["BucketRegion"]) == ("far", "us-east-1")
    assert len(s3.ask("ListBuckets", Prefix="a")["Buckets"]) == 3


def test_moto_still_has_no_next_page_of_buckets() -> None:
    with desk("s3") as moto:
        for name in ("one", "two"):
            moto.ask("CreateBucket", Bucket=name, **HERE)
        assert "ContinuationToken" not in moto.ask("ListBuckets", MaxBuckets=1)


def test_objects_of_another_account_are_reached_as_their_owners(s3: Desk) -> None:
    s3.ask("PutObject", Bucket="data", Key="k", Body=b"x", by=OTHER)
    assert s3.allowed.owners[-1] == ACCOUNT
    assert s3.ask("GetObject", Bucket="data", Key="k", by=OTHER)["Body"] == b"x"
    assert s3.ask("ListBuckets", by=OTHER)["Buckets"] == []


def test_the_expected_owner_is_checked(s3: Desk) -> None:
    s3.ask("GetBucketEncryption", Bucket="data", ExpectedBucketOwner=ACCOUNT)
    for operation in ("GetBucketEncryption", "GetBucketVersioning"):
        with pytest.raises(ServiceError, match="AccessDenied"):
            s3.ask(operation, Bucket="data", ExpectedBucketOwner=OTHER)


@pytest.mark.parametrize(
    ("acl", "accepted"),
    [
        pytest.param("public-read", False, id="public"),
        pytest.param("bucket-owner-full-control", True, id="what is so anyway"),
    ],
)
def test_a_bucket_without_acls_refuses_them(s3: Desk, acl: str, accepted: bool) -> None:
    if accepted:
        s3.ask("PutObject", Bucket="data", Key="k", Body=b"", ACL=acl)
    else:
        with pytest.raises(ServiceError, match="AccessControlListNotSupported"):
            s3.ask("PutObject", Bucket="data", Key="k", Body=b"", ACL=acl)


def test_the_resource_policy_of_objects_is_the_buckets(s3: Desk) -> None:
    assert s3.corrected.resource_policy("arn:aws:s3:::data/key") is None
    s3.ask("PutBucketPolicy", Bucket="data", Policy='{"Version": "2012-10-17", "Statement": []}')
    assert s3.corrected.resource_policy("arn:aws:s3:::data/key")["Statement"] == []
