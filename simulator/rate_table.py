"""The request rates that AWS documents for the services of the loop, each with its source.

Keys are operations, or beginnings of operations with `*`; the first entry that fits an operation counts. Where
AWS documents different rates by Region, the lowest stands here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rate:
    """Calls per second, how many at once, and whether the named operations share them."""

    per_second: float
    burst: float
    source: str
    shared: bool = False


def _even(per_second: float, source: str, *, shared: bool = False) -> Rate:
    """A rate without a documented burst: one second's calls at once."""
    return Rate(per_second, per_second, source, shared)


HUB = "Security Hub API Reference, Welcome"
STS = "IAM User Guide, IAM and AWS STS quotas"
TRAIL = "CloudTrail User Guide, Quotas in AWS CloudTrail"
EC2 = "EC2 Developer Guide, Request throttling for the Amazon EC2 API"
KMS = "KMS Developer Guide, Request quotas"
LAMBDA = "Lambda Developer Guide, Lambda quotas"
EVENTS = "EventBridge User Guide, Amazon EventBridge quotas"
SSM = "AWS General Reference, AWS Systems Manager endpoints and quotas"
LOGS = "CloudWatch Logs User Guide, CloudWatch Logs quotas"
SNS = "AWS General Reference, Amazon SNS endpoints and quotas"

RESOURCE_INTENSIVE = (
    "AcceptVpcPeeringConnection AuthorizeSecurityGroupIngress CancelSpotInstanceRequests CreateKeyPair "
    "CreateVpcPeeringConnection DeleteVpcPeeringConnection RejectVpcPeeringConnection RevokeSecurityGroupIngress "
    "RequestSpotInstances"
)
HUNDRED_BY_FIVE = (
    "AssignIpv6Addresses AssignPrivateIpAddresses AssociateIamInstanceProfile CreateLaunchTemplateVersion "
    "CreateNetworkInterface CreateSnapshot CreateSnapshots CreateVolume DeleteNetworkInterface DeleteSnapshot "
    "DeleteVolume DeregisterImage DisassociateIamInstanceProfile ModifyImageAttribute ModifyInstanceMetadataOptions "
    "ModifyLaunchTemplate ModifyNetworkInterfaceAttribute ModifySnapshotAttribute"
)

RATES: Mapping[str, Mapping[str, Rate]] = {
    "securityhub": {
        "BatchEnableStandards": Rate(1, 1, HUB),
        "GetFindings": Rate(3, 6, HUB),
        "UpdateStandardsControl": Rate(1, 5, HUB),
        "*": Rate(10, 30, HUB),
    },
    "sts": {
        "AssumeRole DecodeAuthorizationMessage GetAccessKeyInfo GetCallerIdentity GetFederationToken "
        "GetSessionToken": _even(600, STS, shared=True),
    },
    "cloudtrail": {
        "LookupEvents": _even(2, TRAIL),
        "ListInsightsMetricData": _even(1, TRAIL),
        "Get* Describe* List*": _even(10, TRAIL),
        "*": _even(1, TRAIL),
    },
    "ec2": {
        RESOURCE_INTENSIVE: Rate(5, 50, EC2),
        HUNDRED_BY_FIVE: Rate(5, 100, EC2),
        "CreateTags DeleteTags": Rate(10, 100, EC2),
        "RunInstances StartInstances": Rate(2, 5, EC2),
        "CreateDefaultVpc CreateDefaultSubnet": Rate(1, 1, EC2),
        "CreateVpcEndpoint DeleteVpcEndpoints ModifyVpcEndpoint": Rate(0.3, 4, EC2),
        "CreateNatGateway DeleteNatGateway": Rate(1, 10, EC2),
        "ModifyInstanceMetadataDefaults": Rate(2, 2, EC2),
        "EnableSnapshotBlockPublicAccess DisableSnapshotBlockPublicAccess EnableImageBlockPublicAccess "
        "DisableImageBlockPublicAccess": Rate(0.1, 1, EC2),
        "DescribeSecurityGroupReferences DescribeStaleSecurityGroups": Rate(5, 20, EC2),
        "Describe* List* Search* Get*": Rate(20, 100, EC2),
        "*": Rate(5, 50, EC2),
    },
    "kms": {
        "Decrypt Encrypt GenerateDataKey GenerateDataKeyWithoutPlaintext GenerateRandom GenerateMac VerifyMac "
        "ReEncrypt": _even(10_000, KMS, shared=True),
        "DescribeKey ListResourceTags": _even(2_000, KMS),
        "GetKeyPolicy GetKeyRotationStatus": _even(1_000, KMS),
        "ListAliases ListKeys": _even(500, KMS),
        "ListGrants ListKeyPolicies": _even(100, KMS),
        "CreateGrant": _even(50, KMS),
        "RetireGrant RevokeGrant": _even(30, KMS),
        "EnableKeyRotation PutKeyPolicy ScheduleKeyDeletion": _even(15, KMS),
        "TagResource": _even(10, KMS),
        "CancelKeyDeletion CreateAlias CreateKey DeleteAlias DisableKey DisableKeyRotation EnableKey UntagResource "
        "UpdateAlias UpdateKeyDescription": _even(5, KMS),
    },
    "lambda": {
        "Invoke InvokeAsync InvokeWithResponseStream": _even(10_000, LAMBDA, shared=True),
        "GetFunction": _even(100, LAMBDA),
        "GetPolicy": _even(15, LAMBDA),
        "*": _even(15, LAMBDA, shared=True),
    },
    "events": {
        "PutEvents": _even(600, EVENTS),
        "*": _even(50, EVENTS),
    },
    "ssm": {
        "GetParameter GetParameters GetParametersByPath": _even(40, SSM, shared=True),
        "PutParameter": _even(3, SSM),
    },
    "logs": {
        "PutLogEvents": _even(1_500, LOGS),
        "CreateLogStream": _even(50, LOGS),
        "DescribeLogStreams GetLogEvents": _even(25, LOGS),
        "DescribeLogGroups CreateLogGroup DeleteLogGroup": _even(10, LOGS),
        "FilterLogEvents": _even(5, LOGS),
    },
    "sns": {
        "Publish PublishBatch": _even(300, SNS, shared=True),
        "Subscribe Unsubscribe": _even(100, SNS),
        "ListSubscriptions ListSubscriptionsByTopic ListTopics": _even(30, SNS),
        "TagResource UntagResource ListTagsForResource": _even(10, SNS),
    },
}

# EC2 gives these a smaller bucket of their own where a request has neither filter nor page.
UNFILTERED: Mapping[str, Rate] = {
    name: Rate(10, 50, EC2)
    for name in (
        "DescribeInstances",
        "DescribeInstanceStatus",
        "DescribeNetworkInterfaces",
        "DescribeSecurityGroups",
        "DescribeSnapshots",
        "DescribeSpotInstanceRequests",
        "DescribeVolumes",
    )
}
