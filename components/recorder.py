"""An AWS Config recorder of our own, for accounts that have none. Where Control Tower owns it, leave it alone.

Source: AWS Config Developer Guide, "Permissions for the IAM role" and "Permissions for the S3 bucket".
"""

from __future__ import annotations

import pulumi
import pulumi_aws as aws

from components.documents import allow, document, service_trust
from components.estate import Estate
from components.known import known
from components.private_bucket import PrivateBucket

# Config delivers with an access control list, which S3 asks a permission of its own for.
DELIVERY = ("s3:PutObject", "s3:PutObjectAcl")


def delivery_bucket(estate: Estate) -> str:
    """The name of the hub's bucket that recorders deliver to."""
    return f"{estate.names.prefix}-config-{estate.hub}-{estate.home_region}"


class Deliveries(pulumi.ComponentResource):
    """The hub's bucket that the organization's recorders deliver to."""

    def __init__(self, name: str, estate: Estate, *, key: pulumi.Input[str], opts: pulumi.ResourceOptions) -> None:
        super().__init__("palisade:index:Deliveries", name, None, opts)
        bucket = estate.arn("s3", delivery_bucket(estate))
        conditions = {
            "ArnLike": {"aws:PrincipalArn": estate.role("*", f"{estate.names.prefix}-recorder")},
            "StringEquals": {"aws:PrincipalOrgID": estate.organization},
        }
        PrivateBucket(
            name,
            estate,
            estate.home_region,
            bucket=delivery_bucket(estate),
            key=key,
            statements=[
                allow("RecordersFind", ["s3:GetBucketAcl", "s3:ListBucket"], bucket, conditions, {"AWS": "*"}),
                allow("RecordersDeliver", DELIVERY, f"{bucket}/AWSLogs/*", conditions, {"AWS": "*"}),
            ],
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.register_outputs({})


class RecorderRole(pulumi.ComponentResource):
    """The role of an account's recorders; an IAM role, for a service principal carries no organization id."""

    def __init__(self, name: str, estate: Estate, account: str, *, opts: pulumi.ResourceOptions) -> None:
        super().__init__("palisade:index:RecorderRole", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        physical = f"{estate.names.prefix}-recorder"
        role = aws.iam.Role(
            name,
            name=physical,
            description="Palisade: records configuration where the account has no recorder.",
            assume_role_policy=service_trust("config", account),
            tags=dict(estate.tags),
            opts=child,
        )
        aws.iam.RolePolicyAttachment(
            name,
            role=known(role, physical),
            policy_arn=estate.arn("iam", "policy/service-role/AWS_ConfigRole", account="aws"),
            opts=child,
        )
        bucket = estate.arn("s3", delivery_bucket(estate))
        self.policy = aws.iam.RolePolicy(
            name,
            name="delivery",
            role=known(role, physical),
            policy=document(
                # AWS_ConfigRole lets it find the bucket.
                allow(
                    "Deliver",
                    DELIVERY,
                    f"{bucket}/AWSLogs/{account}/*",
                    {"StringLike": {"s3:x-amz-acl": "bucket-owner-full-control"}},
                ),
                allow(
                    "Encrypt",
                    ["kms:Decrypt", "kms:GenerateDataKey"],
                    estate.arn("kms", "key/*", region=estate.home_region, account=estate.hub),
                    {"StringEquals": {"kms:ViaService": estate.endpoint("s3", estate.home_region)}},
                ),
            ),
            opts=child,
        )
        self.arn = known(role, estate.role(account, physical))
        self.register_outputs({})


class Recorder(pulumi.ComponentResource):
    """Continuous recording of the types that the catalog judges, in one Region."""

    def __init__(
        self,
        name: str,
        estate: Estate,
        region: str,
        role: RecorderRole,
        resource_types: list[str],
        *,
        opts: pulumi.ResourceOptions,
    ) -> None:
        super().__init__("palisade:index:Recorder", name, None, opts)
        recorder = aws.cfg.Recorder(
            name,
            name=estate.names.prefix,
            role_arn=role.arn,
            recording_group={
                "all_supported": False,
                "resource_types": resource_types,
                "recording_strategies": [{"use_only": "INCLUSION_BY_RESOURCE_TYPES"}],
            },
            recording_mode={"recording_frequency": "CONTINUOUS"},
            region=region,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[role.policy]),
        )
        channel = aws.cfg.DeliveryChannel(
            name,
            name=estate.names.prefix,
            s3_bucket_name=delivery_bucket(estate),
            region=region,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[recorder]),
        )
        self.status = aws.cfg.RecorderStatus(
            name,
            name=known(recorder, estate.names.prefix),
            is_enabled=True,
            region=region,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[channel]),
        )
        self.register_outputs({})
