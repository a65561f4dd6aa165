"""What the deployment role of each account may do: create Palisade's own resources by name, and no others.

The role is as powerful as the pipeline that enters it; it cannot change itself. Service
Authorization Reference: resource types per action.
"""

from __future__ import annotations

from collections.abc import Sequence

from components.documents import Statement, allow, deny
from components.estate import Estate
from components.hub_policies import steps_machine

FUNCTION = (
    "lambda:AddPermission",
    "lambda:CreateFunction",
    "lambda:DeleteFunction",
    "lambda:DeleteFunctionEventInvokeConfig",
    "lambda:GetFunction",
    "lambda:GetFunctionCodeSigningConfig",
    "lambda:GetFunctionConfiguration",
    "lambda:GetFunctionEventInvokeConfig",
    "lambda:GetPolicy",
    "lambda:ListTags",
    "lambda:ListVersionsByFunction",
    "lambda:PutFunctionEventInvokeConfig",
    "lambda:RemovePermission",
    "lambda:TagResource",
    "lambda:UntagResource",
    "lambda:UpdateFunctionCode",
    "lambda:UpdateFunctionConfiguration",
    "lambda:UpdateFunctionEventInvokeConfig",
)
RULE = (
    "events:DeleteRule",
    "events:DescribeRule",
    "events:DisableRule",
    "events:EnableRule",
    "events:ListTagsForResource",
    "events:ListTargetsByRule",
    "events:PutRule",
    "events:PutTargets",
    "events:RemoveTargets",
    "events:TagResource",
    "events:UntagResource",
)
QUEUE = (
    "sqs:CreateQueue",
    "sqs:DeleteQueue",
    "sqs:GetQueueAttributes",
    "sqs:GetQueueUrl",
    "sqs:ListQueueTags",
    "sqs:SetQueueAttributes",
    "sqs:TagQueue",
    "sqs:UntagQueue",
)
LOG_GROUP = (
    "logs:CreateLogGroup",
    "logs:DeleteLogGroup",
    "logs:DeleteRetentionPolicy",
    "logs:ListTagsForResource",
    "logs:PutRetentionPolicy",
    "logs:TagResource",
    "logs:UntagResource",
)
ROLE = (
    "iam:CreateRole",
    "iam:DeleteRole",
    "iam:DeleteRolePermissionsBoundary",
    "iam:DeleteRolePolicy",
    "iam:GetRole",
    "iam:GetRolePolicy",
    "iam:ListAttachedRolePolicies",
    "iam:ListInstanceProfilesForRole",
    "iam:ListRolePolicies",
    "iam:ListRoleTags",
    "iam:PutRolePermissionsBoundary",
    "iam:PutRolePolicy",
    "iam:TagRole",
    "iam:UntagRole",
    "iam:UpdateAssumeRolePolicy",
    "iam:UpdateRole",
    "iam:UpdateRoleDescription",
)
POLICY = (
    "iam:CreatePolicy",
    "iam:CreatePolicyVersion",
    "iam:DeletePolicy",
    "iam:DeletePolicyVersion",
    "iam:GetPolicy",
    "iam:GetPolicyVersion",
    "iam:ListPolicyTags",
    "iam:ListPolicyVersions",
    "iam:TagPolicy",
    "iam:UntagPolicy",
)
CONFIG_RULE = (
    "config:DeleteConfigRule",
    "config:ListTagsForResource",
    "config:PutConfigRule",
    "config:TagResource",
    "config:UntagResource",
)
RECORDER = (
    "config:DeleteConfigurationRecorder",
    "config:DeleteDeliveryChannel",
    "config:DescribeConfigurationRecorderStatus",
    "config:DescribeConfigurationRecorders",
    "config:DescribeDeliveryChannels",
    "config:PutConfigurationRecorder",
    "config:PutDeliveryChannel",
    "config:StartConfigurationRecorder",
    "config:StopConfigurationRecorder",
)
KEY = (
    "kms:CreateAlias",
    "kms:CreateGrant",
    "kms:Decrypt",
    "kms:DeleteAlias",
    "kms:DescribeKey",
    "kms:EnableKeyRotation",
    "kms:GenerateDataKey",
    "kms:GetKeyPolicy",
    "kms:GetKeyRotationStatus",
    "kms:ListResourceTags",
    "kms:PutKeyPolicy",
    "kms:ScheduleKeyDeletion",
    "kms:TagResource",
    "kms:UntagResource",
    "kms:UpdateAlias",
    "kms:UpdateKeyDescription",
)
TABLE = (
    "dynamodb:CreateTable",
    "dynamodb:DeleteTable",
    "dynamodb:DescribeContinuousBackups",
    "dynamodb:DescribeTable",
    "dynamodb:DescribeTimeToLive",
    "dynamodb:ListTagsOfResource",
    "dynamodb:TagResource",
    "dynamodb:UntagResource",
    "dynamodb:UpdateContinuousBackups",
    "dynamodb:UpdateTable",
    "dynamodb:UpdateTimeToLive",
)
TOPIC = (
    "sns:CreateTopic",
    "sns:DeleteTopic",
    "sns:GetTopicAttributes",
    "sns:ListSubscriptionsByTopic",
    "sns:ListTagsForResource",
    "sns:SetTopicAttributes",
    "sns:Subscribe",
    "sns:TagResource",
    "sns:UntagResource",
)
SUBSCRIPTION = ("sns:GetSubscriptionAttributes", "sns:SetSubscriptionAttributes", "sns:Unsubscribe")
BUCKET = (
    "s3:CreateBucket",
    "s3:DeleteBucket",
    "s3:DeleteBucketPolicy",
    "s3:GetAccelerateConfiguration",
    "s3:GetBucketAcl",
    "s3:GetBucketCORS",
    "s3:GetBucketLogging",
    "s3:GetBucketObjectLockConfiguration",
    "s3:GetBucketPolicy",
    "s3:GetBucketPublicAccessBlock",
    "s3:GetBucketRequestPayment",
    "s3:GetBucketTagging",
    "s3:GetBucketVersioning",
    "s3:GetBucketWebsite",
    "s3:GetEncryptionConfiguration",
    "s3:GetLifecycleConfiguration",
    "s3:GetReplicationConfiguration",
    "s3:ListBucket",
    "s3:PutBucketPolicy",
    "s3:PutBucketPublicAccessBlock",
    "s3:PutBucketTagging",
    "s3:PutBucketVersioning",
    "s3:PutEncryptionConfiguration",
    "s3:PutLifecycleConfiguration",
)
OBJECT = ("s3:DeleteObject", "s3:GetObject", "s3:GetObjectTagging", "s3:PutObject", "s3:PutObjectTagging")
ALARM = (
    "cloudwatch:DeleteAlarms",
    "cloudwatch:DescribeAlarms",
    "cloudwatch:ListTagsForResource",
    "cloudwatch:PutMetricAlarm",
    "cloudwatch:TagResource",
    "cloudwatch:UntagResource",
)
DASHBOARD = ("cloudwatch:DeleteDashboards", "cloudwatch:GetDashboard", "cloudwatch:PutDashboard")
MAPPING = (
    "lambda:DeleteEventSourceMapping",
    "lambda:GetEventSourceMapping",
    "lambda:ListTags",
    "lambda:TagResource",
    "lambda:UpdateEventSourceMapping",
)
FUNCTION_URL = (
    "lambda:CreateFunctionUrlConfig",
    "lambda:DeleteFunctionUrlConfig",
    "lambda:GetFunctionUrlConfig",
    "lambda:UpdateFunctionUrlConfig",
)
STATE_MACHINE = (
    "states:CreateStateMachine",
    "states:DeleteStateMachine",
    "states:DescribeStateMachine",
    "states:ListStateMachineVersions",
    "states:ListTagsForResource",
    "states:TagResource",
    "states:UntagResource",
    "states:UpdateStateMachine",
)
ACTION_TARGET = (
    "securityhub:CreateActionTarget",
    "securityhub:DeleteActionTarget",
    "securityhub:DescribeActionTargets",
    "securityhub:UpdateActionTarget",
)
CENTRAL_SECURITY_HUB = (
    "securityhub:CreateAutomationRule",
    "securityhub:CreateConfigurationPolicy",
    "securityhub:CreateFindingAggregator",
    "securityhub:DescribeHub",
    "securityhub:DescribeOrganizationConfiguration",
    "securityhub:GetConfigurationPolicyAssociation",
    "securityhub:ListFindingAggregators",
    "securityhub:StartConfigurationPolicyAssociation",
    "securityhub:StartConfigurationPolicyDisassociation",
    "securityhub:UpdateOrganizationConfiguration",
)
SECURITY_HUB_OBJECTS = (
    "securityhub:BatchDeleteAutomationRules",
    "securityhub:BatchGetAutomationRules",
    "securityhub:BatchUpdateAutomationRules",
    "securityhub:DeleteConfigurationPolicy",
    "securityhub:DeleteFindingAggregator",
    "securityhub:GetConfigurationPolicy",
    "securityhub:GetFindingAggregator",
    "securityhub:ListTagsForResource",
    "securityhub:TagResource",
    "securityhub:UntagResource",
    "securityhub:UpdateConfigurationPolicy",
    "securityhub:UpdateFindingAggregator",
)
ORGANIZATION = (
    "organizations:DescribeOrganization",
    "organizations:ListAWSServiceAccessForOrganization",
    "organizations:ListAccounts",
    "organizations:ListDelegatedAdministrators",
    "organizations:ListRoots",
)
ORGANIZATION_TREE = (
    "organizations:DescribeAccount",
    "organizations:DescribeOrganizationalUnit",
    "organizations:ListAccountsForParent",
    "organizations:ListChildren",
    "organizations:ListOrganizationalUnitsForParent",
    "organizations:ListParents",
    "organizations:ListTagsForResource",
)


def organization_reads(estate: Estate) -> list[Statement]:
    """Reads of the organization, for targets and for the hub's central configuration."""
    tree = [
        estate.arn("organizations", f"{kind}/{estate.organization}/*", account=estate.management)
        for kind in ("account", "ou", "root")
    ]
    return [allow("Organization", ORGANIZATION, "*"), allow("OrganizationTree", ORGANIZATION_TREE, tree)]


def member_statements(
    estate: Estate, account: str, deployment_role: str, *, recorder: bool, attaching: bool = False
) -> list[Statement]:
    """What every account's deployment role may do; `account` may be a CloudFormation pseudo parameter."""
    own = estate.names.prefix

    def named(service: str, resource: str) -> str:
        return estate.arn(service, resource, region="" if service == "iam" else "*", account=account)

    functions = named("lambda", f"function:{own}-*")
    code = [estate.arn("s3", f"{own}-code-{estate.hub}-*/{folder}/*") for folder in ("functions", "settings")]
    statements = [
        allow("Roles", ROLE, named("iam", f"role/{own}-*")),
        allow("Policies", POLICY, named("iam", f"policy/{own}-*")),
        allow(
            "PassToFunctions",
            ["iam:PassRole"],
            named("iam", f"role/{own}-*"),
            {"StringEquals": {"iam:PassedToService": _passed(recorder)}},
        ),
        allow("Functions", FUNCTION, functions),
        # The provider invokes it as `$LATEST`, and a qualified ARN is another resource.
        allow(
            "EndDetection",
            ["lambda:InvokeFunction"],
            [named("lambda", f"function:{estate.names.detect_function}{version}") for version in ("", ":$LATEST")],
        ),
        allow("EventRules", RULE, named("events", f"rule/{own}-*")),
        allow("Queues", QUEUE, named("sqs", f"{own}-*")),
        allow("LogGroups", LOG_GROUP, named("logs", f"log-group:/aws/lambda/{own}-*")),
        # Finding log groups and Config rules knows no resource types.
        allow("Find", ["config:DescribeConfigRules", "logs:DescribeLogGroups"], "*"),
        # The ids of Config rules are AWS's: their names are not part of the ARN.
        allow("ConfigRules", CONFIG_RULE, named("config", "config-rule/*")),
        allow("ReadCode", ["s3:GetObject"], code),
        allow(
            "DecryptCode",
            ["kms:Decrypt"],
            estate.arn("kms", "key/*", region="*", account=estate.hub),
            {"StringEquals": {"kms:ViaService": [estate.endpoint("s3", region) for region in estate.regions]}},
        ),
        # Its own policies too: a new version of one of them would be whatever it likes.
        deny(
            "NotItself",
            ["iam:*"],
            [named("iam", f"role/{deployment_role}"), named("iam", f"policy/{deployment_role}-*")],
        ),
    ]
    if attaching:
        statements.append(
            allow(
                "AttachOwnPolicies",
                ["iam:AttachRolePolicy", "iam:DetachRolePolicy"],
                named("iam", f"role/{own}-*"),
                {"ArnLike": {"iam:PolicyARN": named("iam", f"policy/{own}-*")}},
            )
        )
    if recorder:
        # The recorder's operations know no resource types or only a recorder's generated id.
        statements.append(allow("Recorder", RECORDER, "*"))
        statements.append(
            allow(
                "RecorderPolicy",
                ["iam:AttachRolePolicy", "iam:DetachRolePolicy"],
                named("iam", f"role/{own}-recorder"),
                {
                    "ArnEquals": {
                        "iam:PolicyARN": estate.arn("iam", "policy/service-role/AWS_ConfigRole", account="aws")
                    }
                },
            )
        )
    return statements


def hub_statements(estate: Estate) -> list[Statement]:
    """What the hub's deployment role may do beside: tables, key, topic, buckets, alarms, Security Hub."""
    own, hub, home = estate.names.prefix, estate.hub, estate.home_region
    buckets = [estate.arn("s3", f"{own}-{kind}-{hub}-*") for kind in ("code", "config")]
    return [
        allow("Tables", TABLE, estate.hub_table(f"{own}-*")),
        # Its keys cannot be told from others: an id is AWS's, and who may create keys with tags may tag any key.
        allow("Key", KEY, [estate.arn("kms", name, region="*", account=hub) for name in ("key/*", f"alias/{own}")]),
        allow("CreateKey", ["kms:CreateKey", "kms:ListAliases"], "*"),
        allow("Topic", TOPIC, estate.topic),
        allow("Subscriptions", SUBSCRIPTION, estate.arn("sns", f"{own}-*", region=home, account=hub)),
        allow("Buckets", BUCKET, buckets),
        allow("Objects", OBJECT, [f"{bucket}/*" for bucket in buckets]),
        allow("Alarms", ALARM, estate.arn("cloudwatch", f"alarm:{own}-*", region=home, account=hub)),
        allow("Dashboard", DASHBOARD, estate.arn("cloudwatch", f"dashboard/{own}", account=hub)),
        # Creating a mapping knows no resource type, but the function that it is for.
        allow(
            "CreateEventSource",
            ["lambda:CreateEventSourceMapping"],
            "*",
            {
                "ArnEquals": {
                    "lambda:FunctionArn": estate.arn(
                        "lambda", f"function:{estate.names.remediate_function}", region=home, account=hub
                    )
                }
            },
        ),
        allow("EventSources", MAPPING, estate.arn("lambda", "event-source-mapping:*", region=home, account=hub)),
        allow(
            "Endpoint",
            FUNCTION_URL,
            estate.arn("lambda", f"function:{estate.names.approve_function}", region=home, account=hub),
        ),
        allow("Steps", STATE_MACHINE, steps_machine(estate)),
        allow(
            "PassToSteps",
            ["iam:PassRole"],
            estate.role(hub, f"{estate.names.advance_machine}-machine"),
            {"StringEquals": {"iam:PassedToService": "states.amazonaws.com"}},
        ),
        allow("Actions", ACTION_TARGET, estate.arn("securityhub", "hub/default", region=home, account=hub)),
        # Most operations of Security Hub's administration know no resource types; ids of the others are AWS's.
        allow("SecurityHub", CENTRAL_SECURITY_HUB, "*"),
        allow(
            "SecurityHubObjects",
            SECURITY_HUB_OBJECTS,
            [
                estate.arn("securityhub", f"{kind}/*", region="*", account=hub)
                for kind in ("automation-rule", "configuration-policy", "finding-aggregator", "hub")
            ],
        ),
        *organization_reads(estate),
    ]


def _passed(recorder: bool) -> Sequence[str]:
    services = ["lambda.amazonaws.com"]
    return [*services, "config.amazonaws.com"] if recorder else services
