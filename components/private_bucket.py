"""A bucket of the hub: private, encrypted with the hub's key, versioned, over TLS only."""

from __future__ import annotations

import pulumi
import pulumi_aws as aws

from components.documents import Statement, deny, document
from components.estate import Estate

KEEP_OLD_VERSIONS_DAYS = 90


class PrivateBucket(pulumi.ComponentResource):
    """What our own controls ask of every bucket. `ready` is there before anything is put into it.

    A bucket that holds anything cannot be deleted, so it stays, and its settings with it: without them it
    would be less private than it was. It is protected too, so that a stack taken down but for what is
    protected finds it again.
    """

    def __init__(
        self,
        name: str,
        estate: Estate,
        region: str,
        *,
        bucket: str,
        key: pulumi.Input[str],
        statements: list[Statement],
        opts: pulumi.ResourceOptions,
    ) -> None:
        super().__init__("palisade:index:PrivateBucket", name, None, opts)
        child = pulumi.ResourceOptions(parent=self, retain_on_delete=True)
        self.bucket = aws.s3.Bucket(
            name,
            bucket=bucket,
            region=region,
            tags=dict(estate.tags),
            opts=pulumi.ResourceOptions(parent=self, retain_on_delete=True, protect=True),
        )
        private = aws.s3.BucketPublicAccessBlock(
            name,
            bucket=self.bucket.id,
            block_public_acls=True,
            block_public_policy=True,
            ignore_public_acls=True,
            restrict_public_buckets=True,
            region=region,
            opts=child,
        )
        encrypted = aws.s3.BucketServerSideEncryptionConfiguration(
            name,
            bucket=self.bucket.id,
            rules=[
                {
                    "apply_server_side_encryption_by_default": {"sse_algorithm": "aws:kms", "kms_master_key_id": key},
                    "bucket_key_enabled": True,
                }
            ],
            region=region,
            opts=child,
        )
        versioned = aws.s3.BucketVersioning(
            name, bucket=self.bucket.id, versioning_configuration={"status": "Enabled"}, region=region, opts=child
        )
        aws.s3.BucketLifecycleConfiguration(
            name,
            bucket=self.bucket.id,
            rules=[
                {
                    "id": "old-versions",
                    "status": "Enabled",
                    "filter": {"prefix": ""},
                    "noncurrent_version_expiration": {"noncurrent_days": KEEP_OLD_VERSIONS_DAYS},
                }
            ],
            region=region,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[versioned], retain_on_delete=True),
        )
        arn = estate.arn("s3", bucket)
        tls = deny(
            "OnlyTls",
            ["s3:*"],
            [arn, f"{arn}/*"],
            {"Bool": {"aws:SecureTransport": "false"}},
            {"AWS": "*"},
        )
        policy = aws.s3.BucketPolicy(
            name,
            bucket=self.bucket.id,
            policy=document(*statements, tls),
            region=region,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[private], retain_on_delete=True),
        )
        self.ready = [encrypted, versioned, policy]
        self.register_outputs({})
