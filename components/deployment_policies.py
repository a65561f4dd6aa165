"""What the deployment role of each account may do: create Palisade's own resources by name, and no others.

The role is as powerful as the pipeline that enters it; it cannot change itself. Service
Authorization Reference: resource types per action.
"""

from __future__ import annotations

from collections.abc import Sequence

from components.deployment_actions import (
    ACTION_TARGET,
    ALARM,
    BUCKET,
    CENTRAL_SECURITY_HUB,
    CONFIG_RULE,
    DASHBOARD,
    FUNCTION,
    FUNCTION_URL,
    KEY,
    LOG_GROUP,
    MAPPING,
    OBJECT,
    ORGANIZATION,
    ORGANIZATION_TREE,
    POLICY,
    QUEUE,
    RECORDER,
    ROLE,
    RULE,
    SECURITY_HUB_OBJECTS,
    STATE_MACHINE,
    SUBSCRIPTION,
    TABLE,
    TOPIC,
)
from components.documents import Statement, allow, deny
from components.estate import Estate
from components.hub_policies import steps_machine


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
        allow("Buckets", BUCKET, [*buckets, estate.arn("s3", estate.ledger_bucket)]),
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
