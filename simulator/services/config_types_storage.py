"""Configuration items of S3 buckets, KMS keys and SQS queues.

Source of the shapes: the resource schemas of AWS Config (AWS::S3::Bucket, AWS::KMS::Key, AWS::SQS::Queue).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from simulator.services.config_snapshots import RecordedType, Snapshot, existing, stamp
from simulator.world import dns_suffix_of, partition_of

if TYPE_CHECKING:
    from simulator.world import World


def buckets(world: World, account: str, region: str) -> Iterator[Snapshot]:
    """Buckets that lie in a Region: the names are global, the item belongs to the bucket's Region."""
    state = existing("s3", account, partition_of(region))
    for bucket in state.buckets.values() if state else ():
        if bucket.region_name != region:
            continue
        yield Snapshot(
            id=bucket.name,
            name=bucket.name,
            arn=f"arn:{partition_of(region)}:s3:::{bucket.name}",
            tags=dict(state.tagger.get_tag_dict_for_resource(bucket.arn)),
            zone="Regional",
            created=bucket.creation_date,
            configuration={
                "name": bucket.name,
                "owner": {"displayName": None, "id": account},
                "creationDate": stamp(bucket.creation_date),
            },
            supplementary=_bucket_settings(bucket),
        )


def _bucket_settings(bucket: Any) -> dict[str, Any]:
    settings: dict[str, Any] = {
        "BucketPolicy": {"policyText": bucket.policy.decode() if bucket.policy else None},
        "BucketVersioningConfiguration": {"status": bucket.versioning_status or "Off", "isMfaDeleteEnabled": None},
        "BucketLoggingConfiguration": {
            "destinationBucketName": (bucket.logging or {}).get("TargetBucket"),
            "logFilePrefix": (bucket.logging or {}).get("TargetPrefix"),
        },
    }
    if bucket.encryption:
        settings["ServerSideEncryptionConfiguration"] = {"rules": [_encryption_rule(bucket.encryption["Rule"])]}
    if bucket.public_access_block:
        settings["PublicAccessBlockConfiguration"] = bucket.public_access_block.to_config_dict()
    if bucket.ownership_rule:
        settings["BucketOwnershipControls"] = {"rules": [{"objectOwnership": bucket.ownership_rule}]}
    return settings


def _encryption_rule(rule: Any) -> dict[str, Any]:
    default = rule["ApplyServerSideEncryptionByDefault"]
    found: dict[str, Any] = {
        "applyServerSideEncryptionByDefault": {
            "sseAlgorithm": default["SSEAlgorithm"],
            "kmsMasterKeyID": default.get("KMSMasterKeyID"),
        },
        "bucketKeyEnabled": str(rule.get("BucketKeyEnabled", "false")).lower() == "true",
    }
    if rule.get("BlockedEncryptionTypes"):
        found["blockedEncryptionTypes"] = {"encryptionType": list(rule["BlockedEncryptionTypes"]["EncryptionType"])}
    return found


def keys(world: World, account: str, region: str) -> Iterator[Snapshot]:
    """KMS keys, those that AWS manages in the account too."""
    state = existing("kms", account, region)
    for key in list(state.keys.values()) if state else []:
        managed = any(name.startswith("alias/aws/") for name in key.aliases)
        tags = state.tagger.get_tag_dict_for_resource(key.id)
        configuration: dict[str, Any] = {
            "awsaccountId": account,
            "arn": key.arn,
            "keyId": key.id,
            "creationDate": stamp(datetime.fromtimestamp(key.creation_date, UTC)),
            "customerMasterKeySpec": key.key_spec,
            "description": key.description,
            "enabled": key.enabled,
            "encryptionAlgorithms": key.encryption_algorithms,
            "signingAlgorithms": key.signing_algorithms,
            "keyManager": "AWS" if managed else "CUSTOMER",
            "keyState": key.key_state,
            "keyUsage": key.key_usage,
            "origin": key.origin,
        }
        if key.deletion_date is not None:
            configuration["deletionDate"] = stamp(key.deletion_date.replace(tzinfo=UTC))
        yield Snapshot(
            id=key.id,
            name=key.id,
            arn=key.arn,
            tags=dict(tags),
            created=datetime.fromtimestamp(key.creation_date, UTC),
            configuration=configuration,
            supplementary={"KeyRotationStatus": key.key_rotation_status, "Policy": key.policy},
        )


def queues(world: World, account: str, region: str) -> Iterator[Snapshot]:
    """SQS queues; the resource id is the queue's URL, and the attributes are named as CloudFormation names them."""
    state = existing("sqs", account, region)
    for queue in list(state.queues.values()) if state else ():
        yield Snapshot(
            id=f"https://sqs.{region}.{dns_suffix_of(region)}/{account}/{queue.name}",
            name=queue.name,
            arn=queue.queue_arn,
            tags=dict(queue.tags),
            configuration={
                "QueueName": queue.name,
                "Arn": queue.queue_arn,
                "FifoQueue": bool(queue.fifo_queue),
                "KmsMasterKeyId": queue.kms_master_key_id or None,
                "SqsManagedSseEnabled": str(queue.sqs_managed_sse_enabled).lower() == "true",
                "RedrivePolicy": queue.redrive_policy or None,
            },
        )


TYPES = (
    RecordedType("AWS::S3::Bucket", "s3", buckets, everywhere=True),
    RecordedType("AWS::KMS::Key", "kms", keys),
    RecordedType("AWS::SQS::Queue", "sqs", queues),
)
