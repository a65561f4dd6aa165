"""Operations whose IAM actions have other names than they: reviewed by hand, each with its source.

An operation that is not listed here needs the action of its own name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

# boto3's name of a service -> prefix of its actions, where that is not what it signs with. Source: "service
# prefix" on each service's page of the Service Authorization Reference.
PREFIXES: Mapping[str, str] = {"cloudwatch": "cloudwatch", "resourcegroupstaggingapi": "tag"}


@dataclass(frozen=True, slots=True)
class Reviewed:
    """Operations of a service with the actions that they need, by a page of AWS's documentation."""

    service: str  # boto3's name
    source: str
    actions: Mapping[str, tuple[str, ...]]


# Amazon S3 User Guide, "Required permissions for Amazon S3 API operations".
S3: Mapping[str, tuple[str, ...]] = {
    "CompleteMultipartUpload": ("PutObject",),
    "CreateBucketMetadataConfiguration": ("CreateBucketMetadataTableConfiguration",),
    "CreateMultipartUpload": ("PutObject",),
    "DeleteBucketAnalyticsConfiguration": ("PutAnalyticsConfiguration",),
    "DeleteBucketCors": ("PutBucketCORS",),
    "DeleteBucketEncryption": ("PutEncryptionConfiguration",),
    "DeleteBucketIntelligentTieringConfiguration": ("PutIntelligentTieringConfiguration",),
    "DeleteBucketInventoryConfiguration": ("PutInventoryConfiguration",),
    "DeleteBucketLifecycle": ("PutLifecycleConfiguration",),
    "DeleteBucketMetadataConfiguration": ("DeleteBucketMetadataTableConfiguration",),
    "DeleteBucketMetricsConfiguration": ("PutMetricsConfiguration",),
    "DeleteBucketOwnershipControls": ("PutBucketOwnershipControls",),
    "DeleteBucketReplication": ("PutReplicationConfiguration",),
    "DeleteBucketTagging": ("PutBucketTagging",),
    "DeleteObjects": ("DeleteObject",),
    "DeletePublicAccessBlock": ("PutBucketPublicAccessBlock",),
    "GetBucketAccelerateConfiguration": ("GetAccelerateConfiguration",),
    "GetBucketAnalyticsConfiguration": ("GetAnalyticsConfiguration",),
    "GetBucketCors": ("GetBucketCORS",),
    "GetBucketEncryption": ("GetEncryptionConfiguration",),
    "GetBucketIntelligentTieringConfiguration": ("GetIntelligentTieringConfiguration",),
    "GetBucketInventoryConfiguration": ("GetInventoryConfiguration",),
    "GetBucketLifecycle": ("GetLifecycleConfiguration",),
    "GetBucketLifecycleConfiguration": ("GetLifecycleConfiguration",),
    "GetBucketMetadataConfiguration": ("GetBucketMetadataTableConfiguration",),
    "GetBucketMetricsConfiguration": ("GetMetricsConfiguration",),
    "GetBucketNotificationConfiguration": ("GetBucketNotification",),
    "GetBucketReplication": ("GetReplicationConfiguration",),
    "GetObjectLockConfiguration": ("GetBucketObjectLockConfiguration",),
    "GetPublicAccessBlock": ("GetBucketPublicAccessBlock",),
    "HeadBucket": ("ListBucket",),
    "HeadObject": ("GetObject",),
    "ListBucketAnalyticsConfigurations": ("GetAnalyticsConfiguration",),
    "ListBucketIntelligentTieringConfigurations": ("GetIntelligentTieringConfiguration",),
    "ListBucketInventoryConfigurations": ("GetInventoryConfiguration",),
    "ListBucketMetricsConfigurations": ("GetMetricsConfiguration",),
    "ListBuckets": ("ListAllMyBuckets",),
    "ListMultipartUploads": ("ListBucketMultipartUploads",),
    "ListObjectVersions": ("ListBucketVersions",),
    "ListObjects": ("ListBucket",),
    "ListObjectsV2": ("ListBucket",),
    "ListParts": ("ListMultipartUploadParts",),
    "PutBucketAccelerateConfiguration": ("PutAccelerateConfiguration",),
    "PutBucketAnalyticsConfiguration": ("PutAnalyticsConfiguration",),
    "PutBucketCors": ("PutBucketCORS",),
    "PutBucketEncryption": ("PutEncryptionConfiguration",),
    "PutBucketIntelligentTieringConfiguration": ("PutIntelligentTieringConfiguration",),
    "PutBucketInventoryConfiguration": ("PutInventoryConfiguration",),
    "PutBucketLifecycle": ("PutLifecycleConfiguration",),
    "PutBucketLifecycleConfiguration": ("PutLifecycleConfiguration",),
    "PutBucketMetricsConfiguration": ("PutMetricsConfiguration",),
    "PutBucketNotificationConfiguration": ("PutBucketNotification",),
    "PutBucketReplication": ("PutReplicationConfiguration",),
    "PutObjectLockConfiguration": ("PutBucketObjectLockConfiguration",),
    "PutPublicAccessBlock": ("PutBucketPublicAccessBlock",),
    "SelectObjectContent": ("GetObject",),
    "UploadPart": ("PutObject",),
}

# Amazon S3 User Guide, the same page, account level.
S3_CONTROL: Mapping[str, tuple[str, ...]] = {
    "DeletePublicAccessBlock": ("PutAccountPublicAccessBlock",),
    "GetPublicAccessBlock": ("GetAccountPublicAccessBlock",),
    "PutPublicAccessBlock": ("PutAccountPublicAccessBlock",),
}

# S3's operations on one version of an object; the same page.
S3_VERSIONS: Mapping[str, str] = {
    "GetObject": "GetObjectVersion",
    "HeadObject": "GetObjectVersion",
    "DeleteObject": "DeleteObjectVersion",
    "GetObjectAcl": "GetObjectVersionAcl",
    "PutObjectAcl": "PutObjectVersionAcl",
    "GetObjectTagging": "GetObjectVersionTagging",
    "PutObjectTagging": "PutObjectVersionTagging",
    "DeleteObjectTagging": "DeleteObjectVersionTagging",
    "GetObjectAttributes": "GetObjectVersionAttributes",
}

REVIEWED = (
    Reviewed("s3", 'S3 User Guide, "Required permissions for Amazon S3 API operations"', S3),
    Reviewed("s3control", 'S3 User Guide, "Required permissions for Amazon S3 API operations"', S3_CONTROL),
    Reviewed(
        "lambda",
        'Lambda API Reference, "Invoke", "InvokeAsync" and "InvokeWithResponseStream"; "GetLayerVersionByArn"',
        {
            "Invoke": ("InvokeFunction",),
            "InvokeAsync": ("InvokeFunction",),
            "InvokeWithResponseStream": ("InvokeFunction",),
            "GetLayerVersionByArn": ("GetLayerVersion",),
        },
    ),
    # Each on its own key.
    Reviewed("kms", 'KMS API Reference, "ReEncrypt"', {"ReEncrypt": ("ReEncryptFrom", "ReEncryptTo")}),
    Reviewed(
        "sqs",
        'SQS Developer Guide, "Amazon SQS API permissions: Actions and resource reference"',
        {
            "ChangeMessageVisibilityBatch": ("ChangeMessageVisibility",),
            "DeleteMessageBatch": ("DeleteMessage",),
            "SendMessageBatch": ("SendMessage",),
        },
    ),
    Reviewed("sns", 'SNS API Reference, "PublishBatch"', {"PublishBatch": ("Publish",)}),
    Reviewed(
        "securityhub",
        'Security Hub API Reference, "BatchUpdateFindingsV2" and "GetFindingsV2": the actions of the first generation',
        {"BatchUpdateFindingsV2": ("BatchUpdateFindings",), "GetFindingsV2": ("GetFindings",)},
    ),
    Reviewed(
        "accessanalyzer",
        'IAM Access Analyzer API Reference, "GetFindingV2" and "ListFindingsV2": the actions of the first generation',
        {"GetFindingV2": ("GetFinding",), "ListFindingsV2": ("ListFindings",)},
    ),
    Reviewed(
        "cloudfront",
        'CloudFront API Reference, "CreateDistributionWithTags"',
        {"CreateDistributionWithTags": ("CreateDistribution", "TagResource")},
    ),
)
OPERATIONS: Mapping[tuple[str, str], tuple[str, ...]] = {
    (group.service, operation): actions for group in REVIEWED for operation, actions in group.actions.items()
}
