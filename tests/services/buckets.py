"""Buckets as `bucket_reads.read` returns them, made up."""

from __future__ import annotations

from typing import Any

from lambdas.controls.model import Resource

OWNER, REGION = "111122223333", "eu-central-1"
BUCKET = Resource("aws", OWNER, REGION, "AWS::S3::Bucket", "data", "arn:aws:s3:::data")
KEY = f"arn:aws:kms:{REGION}:{OWNER}:key/00000000-0000-4000-8000-000000000000"
ROLE = f"arn:aws:iam::{OWNER}:role/re-encryption"


def settings(algorithm: str = "AES256", **more: Any) -> dict[str, Any]:
    """A bucket with a default encryption by this algorithm."""
    return {
        "Bucket": BUCKET.id,
        "Account": OWNER,
        "Region": REGION,
        "Encryption": {"Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": algorithm}}]},
        "Tags": [],
        "Policy": None,
        "LogDeliveryByAcl": False,
        "Key": None,
        **more,
    }
