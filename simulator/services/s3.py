"""S3 where moto differs: defaults of new buckets, encryption settings, owners, paging of ListBuckets.

Source: S3 user guide, "Default encryption", "Blocking public access", "Object ownership" (defaults since
January and April 2023); API reference, PutBucketEncryption and ListBuckets.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from moto.backends import get_backend
from moto.iam.access_control import PermissionResult
from moto.s3.models import FakeBucket, PublicAccessBlock

from simulator.call import Call, ServiceError
from simulator.service import Service

SSE_S3 = "AES256"
KMS_ALGORITHMS = frozenset({"aws:kms", "aws:kms:dsse"})
ALGORITHMS = KMS_ALGORITHMS | {SSE_S3, "aws:fsx", "aws:backup"}
ENFORCED = "BucketOwnerEnforced"
PAGE = 10_000
OWNER_ACL = "bucket-owner-full-control"  # a bucket without ACLs accepts it: it says what is so anyway


def _left_to_the_door(bucket: FakeBucket, action: str, resource: str) -> PermissionResult:
    """Moto asks bucket policies too, and knows no conditions: the front door has decided already."""
    return PermissionResult.NEUTRAL


FakeBucket.get_permission = _left_to_the_door


class S3Service(Service):
    """Corrections of S3 over moto."""

    name = "s3"

    def owner(self, call: Call) -> str:
        """The account of the bucket, whoever calls; names are global in a partition."""
        if call.operation in ("CreateBucket", "ListBuckets"):
            return call.caller.account
        _, owner = get_backend("s3").bucket_accounts.get(call.parameters.get("Bucket"), (None, None))
        return owner or call.caller.account

    def resource_policy(self, arn: str) -> Mapping[str, Any] | None:
        """The policy of the bucket that an ARN of a bucket or object names."""
        bucket = _bucket(arn.split(":::", 1)[-1].split("/", 1)[0])
        return None if bucket is None or bucket.policy is None else json.loads(bucket.policy)

    def before(self, call: Call) -> None:
        """Refuse what moto lets pass: another owner than expected, ACLs on a bucket that has none."""
        bucket = _bucket(call.parameters.get("Bucket"))
        expected = call.parameters.get("ExpectedBucketOwner")
        if bucket is None or call.operation == "CreateBucket":
            return
        if expected is not None and expected != bucket.account_id:
            raise ServiceError("AccessDenied", "Access Denied", 403)
        acl = call.parameters.get("ACL")
        sets_acl = acl is not None or call.operation in ("PutBucketAcl", "PutObjectAcl")
        if sets_acl and acl != OWNER_ACL and bucket.ownership_rule == ENFORCED:
            raise ServiceError("AccessControlListNotSupported", "The bucket does not allow ACLs", 400)

    def after(self, call: Call, response: Mapping[str, Any]) -> None:
        """Give a new bucket the settings that S3 gives it."""
        bucket = _bucket(call.parameters.get("Bucket"))
        if call.operation != "CreateBucket" or bucket is None or bucket.encryption is not None:
            return
        bucket.encryption = _stored(default_encryption())
        bucket.public_access_block = PublicAccessBlock("true", "true", "true", "true")
        bucket.ownership_rule = bucket.ownership_rule or ENFORCED

    def get_bucket_encryption(self, call: Call) -> dict[str, Any]:
        """Return a bucket's default encryption; there always is one."""
        rule = _existing(call).encryption["Rule"]
        found: dict[str, Any] = {
            "ApplyServerSideEncryptionByDefault": dict(rule["ApplyServerSideEncryptionByDefault"]),
            "BucketKeyEnabled": rule["BucketKeyEnabled"] == "true",
        }
        if "BlockedEncryptionTypes" in rule:
            found["BlockedEncryptionTypes"] = rule["BlockedEncryptionTypes"]
        return {"ServerSideEncryptionConfiguration": {"Rules": [found]}}

    def put_bucket_encryption(self, call: Call) -> dict[str, Any]:
        """Replace a bucket's default encryption. S3 does not ask whether the key exists."""
        bucket = _existing(call)
        rules = call.parameters["ServerSideEncryptionConfiguration"].get("Rules") or []
        if len(rules) != 1:
            raise _malformed()
        rule = {**default_encryption(), **{name: value for name, value in rules[0].items() if value is not None}}
        default = rule["ApplyServerSideEncryptionByDefault"]
        if default.get("SSEAlgorithm") not in ALGORITHMS:
            raise _malformed()
        if default.get("KMSMasterKeyID") and default["SSEAlgorithm"] not in KMS_ALGORITHMS:
            raise ServiceError(
                "InvalidArgument",
                "a KMSMasterKeyID is not applicable if the default sse algorithm is not aws:kms or aws:kms:dsse",
            )
        bucket.encryption = _stored(rule)
        return {}

    def delete_bucket_encryption(self, call: Call) -> dict[str, Any]:
        """Reset a bucket's default encryption to SSE-S3."""
        _existing(call).encryption = _stored(default_encryption())
        return {}

    def update_object_encryption(self, call: Call) -> dict[str, Any]:
        """Wrap an object's data key anew under a KMS key: no copy, dates and version stay.

        Source: API reference, UpdateObjectEncryption.
        """
        bucket = existing_bucket(call.parameters["Bucket"])
        stored = _stored_object(bucket, call.parameters["Key"], call.parameters.get("VersionId"))
        if stored is None:
            raise ServiceError("NoSuchKey", "The specified key does not exist.", 404)
        if stored.encryption not in (SSE_S3, "aws:kms"):
            raise ServiceError("InvalidRequest", "Only source objects encrypted with SSE-S3 or SSE-KMS are supported.")
        if stored.is_locked(governance_bypass=True):
            raise ServiceError("AccessDenied", "Access Denied because object protected by object lock.", 403)
        target = call.parameters["ObjectEncryption"]["SSEKMS"]
        account = target["KMSKeyArn"].split(":")[4]
        if account != bucket.account_id:
            raise ServiceError("AccessDenied", f"The key belongs to account {account}, not to the bucket's owner", 403)
        stored.encryption, stored.kms_key_id = "aws:kms", target["KMSKeyArn"]
        stored.bucket_key_enabled = bool(target.get("BucketKeyEnabled"))
        return {}

    def list_buckets(self, call: Call) -> dict[str, Any]:
        """List the account's buckets by name, in pages, optionally of one Region or prefix."""
        wanted = call.parameters
        prefix, region = wanted.get("Prefix") or "", wanted.get("BucketRegion")
        after = wanted.get("ContinuationToken") or ""
        found = [
            bucket
            for name, bucket in sorted(get_backend("s3")[call.account][call.partition].buckets.items())
            if name.startswith(prefix) and region in (None, bucket.region_name) and name > after
        ]
        size = int(wanted.get("MaxBuckets") or PAGE)
        response: dict[str, Any] = {
            "Buckets": [
                {
                    "Name": bucket.name,
                    "CreationDate": bucket.creation_date,
                    "BucketRegion": bucket.region_name,
                    "BucketArn": bucket.arn,
                }
                for bucket in found[:size]
            ],
            "Owner": {"ID": call.account},
        }
        if prefix:
            response["Prefix"] = prefix
        if len(found) > size:
            response["ContinuationToken"] = found[size - 1].name
        return response


def default_encryption() -> dict[str, Any]:
    """The default encryption that S3 gives a bucket: SSE-S3, no bucket key."""
    return {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": SSE_S3}, "BucketKeyEnabled": False}


def _stored(rule: Mapping[str, Any]) -> dict[str, Any]:
    """Spell a rule as moto keeps it: its PutObject reads the texts of the XML that it once was."""
    stored = {**rule, "BucketKeyEnabled": "true" if rule["BucketKeyEnabled"] else "false"}
    return {"Rule": stored}


def _bucket(name: str | None) -> Any | None:
    partition, account = get_backend("s3").bucket_accounts.get(name, (None, None))
    return None if account is None else get_backend("s3")[account][partition].buckets.get(name)


def _existing(call: Call) -> Any:
    return existing_bucket(call.parameters["Bucket"])


def _stored_object(bucket: Any, key: str, version: str | None) -> Any | None:
    """One version of an object, the latest where none is named; None for a delete marker too."""
    versions = bucket.keys.getlist(key, default=[])
    found = [one for one in versions if version is None or str(one.version_id) == version]
    return found[-1] if found and hasattr(found[-1], "encryption") else None


def existing_bucket(name: str) -> Any:
    """Find a bucket of any account by its name; raises ServiceError where there is none."""
    bucket = _bucket(name)
    if bucket is None:
        raise ServiceError("NoSuchBucket", "The specified bucket does not exist", 404)
    if bucket.encryption is None:  # made past the API, by a stack of moto's CloudFormation
        bucket.encryption = _stored(default_encryption())
    return bucket


def _malformed() -> ServiceError:
    return ServiceError(
        "MalformedXML", "The XML you provided was not well-formed or did not validate against our published schema"
    )
