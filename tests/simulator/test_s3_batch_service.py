"""S3 Batch Operations: re-encryption of a bucket's objects in place, by the job's own role."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from simulator.local import LocalOrganization
from tests.simulator.pipeline_world import HOME, MEMBER, document, organization

BUCKET = "old-data"


@pytest.fixture
def opened() -> Iterator[LocalOrganization]:
    with organization() as one:
        yield one


def client(opened: LocalOrganization, service: str) -> Any:
    session: Any = opened.session(MEMBER)
    return session.client(service)


def bucket(opened: LocalOrganization) -> str:
    """A bucket with two objects encrypted by S3's own keys; returns the ARN of a key to encrypt them by."""
    s3 = client(opened, "s3")
    s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": HOME})
    for name in ("one", "two"):
        s3.put_object(Bucket=BUCKET, Key=name, Body=b"data")
    return str(client(opened, "kms").create_key()["KeyMetadata"]["Arn"])


def role(opened: LocalOrganization, *allowed: str) -> str:
    iam = client(opened, "iam")
    trust = {
        "Effect": "Allow",
        "Principal": {"Service": "batchoperations.s3.amazonaws.com"},
        "Action": "sts:AssumeRole",
    }
    made = iam.create_role(RoleName="jobs", AssumeRolePolicyDocument=document(trust))
    grant = {"Effect": "Allow", "Action": list(allowed), "Resource": "*"}
    iam.put_role_policy(RoleName="jobs", PolicyName="work", PolicyDocument=document(grant))
    return str(made["Role"]["Arn"])


def job(role_arn: str, key: str, **more: Any) -> dict[str, Any]:
    return {
        "AccountId": MEMBER,
        "ConfirmationRequired": False,
        "ClientRequestToken": "once",
        "Priority": 1,
        "RoleArn": role_arn,
        "Report": {"Enabled": False},
        "Operation": {"S3UpdateObjectEncryption": {"ObjectEncryption": {"SSEKMS": {"KMSKeyArn": key}}}},
        "ManifestGenerator": {
            "S3JobManifestGenerator": {
                "SourceBucket": f"arn:aws:s3:::{BUCKET}",
                "EnableManifestOutput": False,
                "Filter": {"MatchAnyObjectEncryption": [{"SSES3": {}}]},
            }
        },
        **more,
    }


def ended(opened: LocalOrganization, given: dict[str, Any]) -> dict[str, Any]:
    jobs = client(opened, "s3control")
    identifier = jobs.create_job(**given)["JobId"]
    opened.rest()
    described: dict[str, Any] = jobs.describe_job(AccountId=MEMBER, JobId=identifier)["Job"]
    return described


def encryptions(opened: LocalOrganization) -> set[str]:
    s3 = client(opened, "s3")
    return {s3.head_object(Bucket=BUCKET, Key=name)["ServerSideEncryption"] for name in ("one", "two")}


def test_a_job_encrypts_what_its_filter_takes_by_its_role(opened: LocalOrganization) -> None:
    key = bucket(opened)
    described = ended(opened, job(role(opened, "s3:*", "kms:*"), key))
    assert described["Status"] == "Complete"
    assert described["ProgressSummary"]["NumberOfTasksSucceeded"] == 2
    assert encryptions(opened) == {"aws:kms"}


def test_a_job_whose_role_may_not_fails_and_says_why(opened: LocalOrganization) -> None:
    key = bucket(opened)
    described = ended(opened, job(role(opened, "s3:PutInventoryConfiguration"), key))
    assert described["Status"] == "Failed"
    assert described["FailureReasons"][0]["FailureCode"] == "AccessDenied"
    assert encryptions(opened) == {"AES256"}


def test_a_client_token_makes_one_job(opened: LocalOrganization) -> None:
    given = job(role(opened, "s3:*", "kms:*"), bucket(opened))
    jobs = client(opened, "s3control")
    assert jobs.create_job(**given)["JobId"] == jobs.create_job(**given)["JobId"]
    with pytest.raises(ClientError, match="IdempotencyException"):
        jobs.create_job(**given | {"Priority": 2})


def test_other_jobs_and_other_accounts_jobs_are_refused(opened: LocalOrganization) -> None:
    given = job(role(opened, "s3:*", "kms:*"), bucket(opened))
    jobs = client(opened, "s3control")
    with pytest.raises(ClientError, match="NotImplemented"):
        jobs.create_job(**given | {"Operation": {"S3DeleteObjectTagging": {}}})
    with pytest.raises(ClientError, match="NoSuchJob"):
        jobs.describe_job(AccountId=MEMBER, JobId="12345678-1234-1234-1234-123456789012")
