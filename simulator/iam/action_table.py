"""Operations whose IAM actions have other names than they: reviewed by hand, each with its source.

An operation that is not listed here needs the action of its own name.
"""

from __future__ import annotations

from collections.abc import Mapping

# boto3's name of a service -> prefix of its actions, where they differ.
PREFIXES: Mapping[str, str] = {
    "cloudwatch": "cloudwatch",
    "accessanalyzer": "access-analyzer",
    "apigatewayv2": "apigateway",
    "docdb": "rds",
    "dynamodbstreams": "dynamodb",
    "ecr-public": "ecr-public",
    "efs": "elasticfilesystem",
    "elb": "elasticloadbalancing",
    "elbv2": "elasticloadbalancing",
    "emr": "elasticmapreduce",
    "mwaa": "airflow",
    "neptune": "rds",
    "opensearch": "es",
    "resourcegroupstaggingapi": "tag",
    "s3control": "s3",
    "service-quotas": "servicequotas",
    "sesv2": "ses",
    "stepfunctions": "states",
    "cognito-identity": "cognito-identity",
}

# Amazon S3 User Guide, "Required permissions for Amazon S3 API operations".
S3: Mapping[str, tuple[str, ...]] = {
    "AbortMultipartUpload": ("AbortMultipartUpload",),
    "CompleteMultipartUpload": ("PutObject",),
    "CreateBucketMetadataConfiguration": ("CreateBucketMetadataTableConfiguration",),
    "CreateBucketMetadataTableConfiguration": ("CreateBucketMetadataTableConfiguration",),
    "CreateMultipartUpload": ("PutObject",),
    "CreateSession": ("CreateSession",),
    "DeleteBucketAnalyticsConfiguration": ("PutAnalyticsConfiguration",),
    "DeleteBucketCors": ("PutBucketCORS",),
    "DeleteBucketEncryption": ("PutEncryptionConfiguration",),
    "DeleteBucketIntelligentTieringConfiguration": ("PutIntelligentTieringConfiguration",),
    "DeleteBucketInventoryConfiguration": ("PutInventoryConfiguration",),
    "DeleteBucketLifecycle": ("PutLifecycleConfiguration",),
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

OPERATIONS: Mapping[tuple[str, str], tuple[str, ...]] = {
    **{("s3", operation): actions for operation, actions in S3.items()},
    **{("s3control", operation): actions for operation, actions in S3_CONTROL.items()},
    # Lambda Developer Guide, "Identity-based policies": invoking is lambda:InvokeFunction.
    ("lambda", "Invoke"): ("InvokeFunction",),
    ("lambda", "InvokeAsync"): ("InvokeFunction",),
    ("lambda", "InvokeWithResponseStream"): ("InvokeFunction",),
    ("lambda", "GetLayerVersionByArn"): ("GetLayerVersion",),
    # KMS Developer Guide, "ReEncrypt": kms:ReEncryptFrom and kms:ReEncryptTo, each on its own key.
    ("kms", "ReEncrypt"): ("ReEncryptFrom", "ReEncryptTo"),
    # SQS Developer Guide, "Amazon SQS API permissions": the batch operations need the single ones.
    ("sqs", "ChangeMessageVisibilityBatch"): ("ChangeMessageVisibility",),
    ("sqs", "DeleteMessageBatch"): ("DeleteMessage",),
    ("sqs", "SendMessageBatch"): ("SendMessage",),
    # SNS API Reference, "PublishBatch": needs sns:Publish.
    ("sns", "PublishBatch"): ("Publish",),
    # Security Hub User Guide, "IAM permissions for the V2 APIs": one action for both generations.
    ("securityhub", "BatchUpdateFindingsV2"): ("BatchUpdateFindings",),
    ("securityhub", "GetFindingsV2"): ("GetFindings",),
    # IAM Access Analyzer: GetFindingV2 and ListFindingsV2 need the actions of the first generation.
    ("accessanalyzer", "GetFindingV2"): ("GetFinding",),
    ("accessanalyzer", "ListFindingsV2"): ("ListFindings",),
    # CloudFront API Reference: creating with tags needs both.
    ("cloudfront", "CreateDistributionWithTags"): ("CreateDistribution", "TagResource"),
}
