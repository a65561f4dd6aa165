"""A bucket's default encryption as S3 and KMS show it, and what of the bucket depends on it.

Source: Amazon S3 API, GetBucketEncryption, GetBucketLocation and GetBucketReplication; AWS KMS API, DescribeKey.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from lambdas.answers import absent
from lambdas.controls.model import Grant, Resource
from lambdas.services import bucket_encryption as encryption
from lambdas.services import buckets, kms_keys

if TYPE_CHECKING:
    from boto3 import Session

# What GetBucketLocation says of the two Regions that are older than it.
LOCATIONS = {None: "us-east-1", "EU": "eu-west-1"}

GRANTS = (
    Grant("s3:GetEncryptionConfiguration", buckets.ARNS),
    Grant("s3:GetBucketTagging", buckets.ARNS),
    Grant("s3:GetBucketPolicy", buckets.ARNS),
    Grant("s3:GetBucketAcl", buckets.ARNS),
    Grant("s3:GetBucketLocation", buckets.ARNS),
    Grant("s3:GetReplicationConfiguration", buckets.ARNS),
    Grant("s3:ListAllMyBuckets", ("*",)),
    Grant("kms:DescribeKey", kms_keys.KEYS),
    Grant("kms:GetKeyPolicy", kms_keys.KEYS),
)


def read(session: Session, resource: Resource) -> dict[str, Any] | None:
    """Read the bucket's default encryption, the key that it names, its tags, and who may write logs to it."""
    s3 = session.client("s3")
    with absent("NoSuchBucket"):
        settings = {
            "Bucket": resource.id,
            "Account": resource.account,
            "Region": resource.region,
            "Encryption": _encryption(s3, resource),
            "Tags": buckets.tags(s3, resource),
            "Policy": buckets.policy(s3, resource),
            "LogDeliveryByAcl": _log_group_writes(s3, resource),
        }
        named = encryption.default(settings).get("KMSMasterKeyID")
        settings["Key"] = kms_keys.describe(session, named, resource.account, resource.region) if named else None
        return settings
    return None


def inspect(session: Session, resource: Resource, settings: Mapping[str, Any], key: str) -> dict[str, Any]:
    """Look at a key to use: its state, its policy, and what of the bucket would stop working under it."""
    s3 = session.client("s3")
    location = s3.get_bucket_location(**buckets.named(resource)).get("LocationConstraint")
    facts: dict[str, Any] = {
        "Location": LOCATIONS.get(location, location),
        "Key": kms_keys.describe(session, key, resource.account, resource.region),
    }
    if kms_keys.fault(facts["Key"], resource.account, resource.region) is None:
        policy = session.client("kms").get_key_policy(KeyId=facts["Key"]["Arn"], PolicyName="default")["Policy"]
        facts["CutOff"] = encryption.cut_off(settings["Policy"], json.loads(policy), resource.account)
        facts["NotReplicated"] = _not_replicated(s3, resource)
    return facts


def _encryption(s3: Any, resource: Resource) -> dict[str, Any]:
    with absent("ServerSideEncryptionConfigurationNotFoundError"):
        found: dict[str, Any] = s3.get_bucket_encryption(**buckets.named(resource))["ServerSideEncryptionConfiguration"]
        return found
    # Only before 2023 could a bucket have none; S3 has applied SSE-S3 to such buckets since.
    return {"Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": encryption.SSE_S3}}]}


def _log_group_writes(s3: Any, resource: Resource) -> bool:
    """Whether S3's log delivery group may write by ACL, as targets of access logs were set up before 2022."""
    return any(
        grant["Grantee"].get("URI") == encryption.LOG_GROUP and grant["Permission"] in ("WRITE", "FULL_CONTROL")
        for grant in buckets.acl(s3, resource)
    )


def _not_replicated(s3: Any, resource: Resource) -> list[str]:
    """The replication rules that pass over objects under KMS keys."""
    with absent("ReplicationConfigurationNotFoundError"):
        return [
            rule["ID"]
            for rule in s3.get_bucket_replication(**buckets.named(resource))["ReplicationConfiguration"]["Rules"]
            if rule["Status"] == "Enabled"
            and rule.get("SourceSelectionCriteria", {}).get("SseKmsEncryptedObjects", {}).get("Status") != "Enabled"
        ]
    return []
