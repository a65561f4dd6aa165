"""What changes a bucket's encryption: its default, and by S3 Batch Operations the objects that are there already.

Source: Amazon S3 API, PutBucketEncryption and CreateJob; Amazon S3 User Guide, "Update object encryption" and
"Tracking job status and completion reports".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from lambdas.controls.model import Change, Grant, Parameter, Probe, Ref, Resource, Token
from lambdas.services import bucket_encryption as encryption
from lambdas.services import buckets

PASSED = {"StringEquals": {"iam:PassedToService": "batchoperations.s3.amazonaws.com"}}
# What UpdateObjectEncryption takes, as a job's filter names it and as people do. Under other KMS keys first: the
# other job's objects would be found by this one's filter.
JOBS = {"SSEKMS": "SSE-KMS", "SSES3": "SSE-S3"}

GRANTS = (
    Grant("s3:PutEncryptionConfiguration", buckets.ARNS),
    # Nothing narrows the action: no resource type. The job does only what the role that is passed may do.
    Grant("s3:CreateJob", ("*",)),
    Grant("iam:PassRole", ("{parameter:reencrypt_role}",), PASSED),
)
PROBE_GRANTS = (Grant("s3:DescribeJob", ("arn:{partition}:s3:{region}:{account}:job/*",)),)
REENCRYPTION = {
    "reencrypt": Parameter(
        type="boolean",
        description="re-encrypt existing objects in place by S3 Batch Operations, after approval: irreversible",
        default=False,
    ),
    "reencrypt_role": Parameter(
        type="string",
        description="the ARN of the account's role for that job: trusts batchoperations.s3.amazonaws.com, may list "
        "the bucket (s3:PutInventoryConfiguration), s3:UpdateObjectEncryption, and use the keys old and new",
        pattern=r"arn:[a-z-]+:iam::\d{12}:role/[\w+=,.@/-]+",
    ),
}


def by_key(settings: Mapping[str, Any], key: str) -> dict[str, Any]:
    """The rule of the default as it was read, with another key; DSSE stays DSSE, blocked types stay blocked."""
    algorithm = encryption.default(settings)["SSEAlgorithm"]
    rule = {
        **settings["Encryption"]["Rules"][0],
        "ApplyServerSideEncryptionByDefault": {
            "SSEAlgorithm": encryption.SSE_KMS if algorithm == encryption.SSE_S3 else algorithm,
            "KMSMasterKeyID": key,
        },
    }
    if algorithm == encryption.SSE_S3:
        # SSE-S3 makes no use of a bucket key, so none was chosen. Without one, every object costs a call of KMS.
        rule["BucketKeyEnabled"] = True
    return rule


def set_default(resource: Resource, name: str, rule: Mapping[str, Any], before: Mapping[str, Any]) -> Change:
    """Replace the rule of the default encryption; the undo puts the rule of before."""
    undo = replace(_put(resource, f"undo-{name}", before), irreversible="it is an undo")
    return replace(_put(resource, name, rule), inverse=undo)


def no_job(resource: Resource, settings: Mapping[str, Any], parameters: Mapping[str, Any]) -> str | None:
    """Say why nothing that is there is re-encrypted, or None where it is."""
    if not parameters["reencrypt"]:
        return "the parameter `reencrypt` is off"
    if encryption.default(settings)["SSEAlgorithm"] == encryption.DSSE_KMS:
        return "S3 cannot re-encrypt objects to DSSE-KMS in place"
    role = parameters["reencrypt_role"]
    if role is None or encryption.account_of(role) != resource.account:
        return f"the parameter `reencrypt_role` names no role of account {resource.account}"
    return None


def jobs(resource: Resource, rule: Mapping[str, Any], role: str) -> list[Change]:
    """Re-encrypt in place, by jobs over lists that S3 makes: no copies, dates and versions stay as they are.

    A job's filter takes one encryption; without a filter, objects that cannot be re-encrypted would fail the job.
    """
    return [_job(resource, rule, role, kind) for kind in JOBS]


def objects_left(hindrance: str | None) -> str:
    """Say which objects stay as they are: all where something hinders the jobs."""
    if hindrance:
        return f"Existing objects are not re-encrypted: {hindrance}."
    return (
        "Objects that are unencrypted, under SSE-C or DSSE-KMS, or locked in compliance mode are not re-encrypted, "
        "nor are those whose key can no longer be used."
    )


def _put(resource: Resource, name: str, rule: Mapping[str, Any]) -> Change:
    # S3 asks KMS nothing here, so the call needs no permission on the key.
    return Change(
        name=name,
        service="s3",
        operation="put_bucket_encryption",
        parameters={
            **buckets.named(resource),
            "ServerSideEncryptionConfiguration": {"Rules": [dict(rule)]},
        },
        grants=(Grant("s3:PutEncryptionConfiguration", (resource.arn,)),),
    )


def _job(resource: Resource, rule: Mapping[str, Any], role: str, kind: str) -> Change:
    key = rule["ApplyServerSideEncryptionByDefault"]["KMSMasterKeyID"]
    target = {"KMSKeyArn": key, "BucketKeyEnabled": rule.get("BucketKeyEnabled", False)}
    parameters = {
        "AccountId": resource.account,
        "ConfirmationRequired": False,
        "Operation": {"S3UpdateObjectEncryption": {"ObjectEncryption": {"SSEKMS": target}}},
        "ManifestGenerator": {
            "S3JobManifestGenerator": {
                "SourceBucket": resource.arn,
                "ExpectedBucketOwner": resource.account,
                "Filter": {"MatchAnyObjectEncryption": [{kind: {}}]},
                "EnableManifestOutput": False,
            }
        },
        # A report would be new objects in somebody's bucket; the job itself counts what failed.
        "Report": {"Enabled": False},
        "Priority": 10,
        "RoleArn": role,
        "Description": f"Re-encrypt {JOBS[kind]} objects of {resource.id} under {key}",
    }
    name = f"re-encrypt-{JOBS[kind].lower()}-objects"
    return Change(
        name=name,
        service="s3control",
        operation="create_job",
        parameters={**parameters, "ClientRequestToken": Token(name)},
        grants=(Grant("s3:CreateJob", ("*",)), Grant("iam:PassRole", (role,), PASSED)),
        irreversible="S3 re-encrypts objects in place and cannot bring an object back to SSE-S3 or its former key",
        # Large buckets take days.
        effect=Probe(
            "s3control",
            "describe_job",
            {"AccountId": resource.account, "JobId": Ref(name, "JobId")},
            path="Job.Status",
            expected=("Complete",),
            failed=("Failed", "Cancelled", "Suspended"),
            interval=300,
            timeout=14 * 24 * 3600,
        ),
    )
