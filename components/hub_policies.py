"""The policies of the hub: the central remediation role, its key, queues, topic, buckets and policy writers."""

from __future__ import annotations

from collections.abc import Sequence

from components.documents import Statement, allow, deny, document, leading_keys
from components.estate import Estate
from components.member_policies import log_statement, settings_statements

KEY_ADMINISTRATION = (
    "kms:CancelKeyDeletion",
    "kms:CreateAlias",
    "kms:DeleteAlias",
    "kms:DescribeKey",
    "kms:DisableKey",
    "kms:EnableKey",
    "kms:EnableKeyRotation",
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
KEY_USE = ("kms:CreateGrant", "kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKey")


def _hub_keys(estate: Estate) -> str:
    return estate.arn("kms", "key/*", region=estate.home_region, account=estate.hub)


def remediation_policy(estate: Estate) -> str:
    """What the central remediation role may do: take findings, enter members, keep its records, tell people."""
    names, hub, home = estate.names, estate.hub, estate.home_region
    inside = {"StringEquals": {"aws:ResourceOrgID": estate.organization}}
    stored = {"StringEquals": {"kms:ViaService": [estate.endpoint(service, home) for service in ("dynamodb", "sns")]}}
    units = [
        estate.arn("organizations", f"account/{estate.organization}/*", account=estate.management),
        estate.arn("organizations", f"ou/{estate.organization}/*", account=estate.management),
    ]
    return document(
        allow(
            "TakeFindings",
            ["sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"],
            estate.hub_queue(names.findings_queue),
        ),
        *settings_statements(estate, (home,)),
        allow(
            "EnterMembers",
            ["sts:AssumeRole", "sts:SetSourceIdentity"],
            [estate.role("*", names.reader_role), estate.role("*", names.writer_role)],
            inside,
        ),
        allow("ReadPolicies", ["dynamodb:GetItem"], estate.hub_table(names.policies_table)),
        allow(
            "KeepState",
            ["dynamodb:ConditionCheckItem", "dynamodb:GetItem", "dynamodb:PartiQLUpdate", "dynamodb:UpdateItem"],
            estate.hub_table(names.state_table),
            leading_keys("case#*", "changes#*", "failures#*", "lock#*", "request#*"),
        ),
        # The emergency stop is written by people: it is asked for here.
        allow(
            "HeedStop",
            ["dynamodb:ConditionCheckItem"],
            estate.hub_table(names.state_table),
            leading_keys("stop"),
        ),
        # What a digest will tell; a lock or a case cannot be made up by it.
        allow(
            "LeaveToDigest",
            ["dynamodb:PartiQLInsert"],
            estate.hub_table(names.state_table),
            leading_keys("untold#*"),
        ),
        # Append-only: an INSERT of an existing key is refused, and there is no Put, Update or Delete.
        allow("AppendLedger", ["dynamodb:PartiQLInsert", "dynamodb:Query"], estate.hub_table(names.ledger_table)),
        allow("AppendLargeEntries", ["s3:PutObject"], ledger_objects(estate), ON_CONDITION),
        read_large_entries(estate),
        allow(
            "EncryptLargeEntries",
            ["kms:GenerateDataKey"],
            _hub_keys(estate),
            {"StringEquals": {"kms:ViaService": [estate.endpoint("s3", home)]}},
        ),
        allow(
            "UpdateFindings",
            ["securityhub:BatchUpdateFindings"],
            estate.arn("securityhub", "hub/default", region=home, account=hub),
        ),
        allow("Tell", ["sns:Publish"], estate.topic),
        allow("BeginSteps", ["states:StartExecution"], steps_machine(estate)),
        allow("SeeSteps", ["states:DescribeExecution"], steps_executions(estate)),
        allow("FindUnits", ["organizations:ListParents"], units),
        allow("UseKey", ["kms:Decrypt", "kms:GenerateDataKey"], _hub_keys(estate), stored),
        log_statement(estate, hub, (home,), names.remediate_function),
        {**log_statement(estate, hub, (home,), names.advance_function), "Sid": "WriteLogsOfSteps"},
    )


# A write that names no condition could write over an entry.
# Source: Amazon S3 User Guide, "Enforce conditional writes on Amazon S3 buckets".
ON_CONDITION = {"Null": {"s3:if-none-match": "false"}}


def ledger_objects(estate: Estate) -> str:
    """The ARNs of the ledger's large entries."""
    return estate.arn("s3", f"{estate.ledger_bucket}/*")


def read_large_entries(estate: Estate) -> Statement:
    """Let a function read the entries that the table does not hold."""
    return allow("ReadLargeEntries", ["s3:GetObject"], ledger_objects(estate))


def ledger_statements(estate: Estate) -> list[Statement]:
    """What nobody may do to the ledger's bucket, administrators of the hub among them."""
    objects, everybody = ledger_objects(estate), {"AWS": "*"}
    return [
        deny("OnlyNewEntries", ["s3:PutObject"], objects, {"Null": {"s3:if-none-match": "true"}}, everybody),
        deny("NothingIsDeleted", ["s3:DeleteObject", "s3:DeleteObjectVersion"], objects, None, everybody),
    ]


def steps_machine(estate: Estate) -> str:
    """The ARN of the state machine that drives long plans."""
    name = f"stateMachine:{estate.names.advance_machine}"
    return estate.arn("states", name, region=estate.home_region, account=estate.hub)


def steps_executions(estate: Estate) -> str:
    """The ARNs of its executions."""
    name = f"execution:{estate.names.advance_machine}:*"
    return estate.arn("states", name, region=estate.home_region, account=estate.hub)


def policy_writer_policy(estate: Estate, environment: str) -> str:
    """Let one environment's deployer write that environment's policy items and settings objects, and nothing else.

    Source: DynamoDB Developer Guide, "Using IAM policy conditions for fine-grained access control".
    """
    table = estate.hub_table(estate.names.policies_table)
    objects = [estate.arn("s3", f"{estate.code_bucket(region)}/settings/*") for region in estate.regions]
    keys = [estate.arn("kms", "key/*", region=region, account=estate.hub) for region in estate.regions]
    services = [estate.endpoint("dynamodb", estate.home_region)]
    services += [estate.endpoint("s3", region) for region in estate.regions]
    return document(
        # What the provider's data source of a table reads, to find the hub.
        allow(
            "FindTable",
            [
                "dynamodb:DescribeContinuousBackups",
                "dynamodb:DescribeTable",
                "dynamodb:DescribeTimeToLive",
                "dynamodb:ListTagsOfResource",
            ],
            table,
        ),
        allow(
            "WriteOwnPolicies",
            ["dynamodb:DeleteItem", "dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem"],
            table,
            {
                "ForAllValues:StringEquals": {"dynamodb:LeadingKeys": [environment]},
                "Null": {"dynamodb:LeadingKeys": "false"},
            },
        ),
        allow(
            "FindCode",
            ["s3:GetObject", "s3:GetObjectTagging"],
            [estate.arn("s3", f"{estate.code_bucket(region)}/functions/*") for region in estate.regions],
        ),
        allow("WriteSettings", ["s3:GetObject", "s3:GetObjectTagging", "s3:PutObject", "s3:PutObjectTagging"], objects),
        allow("UseKey", ["kms:Decrypt", "kms:GenerateDataKey"], keys, {"StringEquals": {"kms:ViaService": services}}),
    )


def pipeline_trust(estate: Estate, pipeline_role: str) -> str:
    """Admit the pipeline's role, from inside the organization only."""
    account = pipeline_role.split(":")[4]
    return document(
        allow(
            "Pipeline",
            ["sts:AssumeRole"],
            None,
            {
                "ArnEquals": {"aws:PrincipalArn": pipeline_role},
                "StringEquals": {"aws:PrincipalOrgID": estate.organization},
            },
            {"AWS": estate.arn("iam", "root", account=account)},
        )
    )


def key_policy(estate: Estate, region: str, *, recorder: bool) -> str:
    """The policy of the hub's key in a Region: the hub's IAM decides; members read code; alarms reach the topic.

    With `recorder`, the recorders that we create encrypt what they deliver, all to the home Region.
    """
    statements = [
        allow(
            "HubAdministration",
            [*KEY_ADMINISTRATION, *(action for action in KEY_USE if action not in KEY_ADMINISTRATION)],
            "*",
            None,
            {"AWS": estate.arn("iam", "root", account=estate.hub)},
        ),
        allow(
            "Members",
            ["kms:Decrypt", *(["kms:GenerateDataKey"] if recorder and region == estate.home_region else [])],
            "*",
            {
                "StringEquals": {
                    "aws:PrincipalOrgID": estate.organization,
                    "kms:ViaService": estate.endpoint("s3", region),
                },
                # A policy that names everybody would admit the hub's own principals past their IAM policies.
                "StringNotEquals": {"aws:PrincipalAccount": estate.hub},
            },
            {"AWS": "*"},
        ),
    ]
    if region == estate.home_region:
        statements.append(
            allow(
                "AlarmsPublish",
                ["kms:Decrypt", "kms:GenerateDataKey"],
                "*",
                {"StringEquals": {"aws:SourceAccount": estate.hub}},
                {"Service": "cloudwatch.amazonaws.com"},
            )
        )
    return document(*statements)


def topic_policy(estate: Estate) -> str:
    """Admit the hub's alarms; the remediation role publishes by its own policy."""
    return document(
        allow(
            "Alarms",
            ["sns:Publish"],
            estate.topic,
            {
                "ArnLike": {
                    "aws:SourceArn": estate.arn(
                        "cloudwatch", f"alarm:{estate.names.prefix}-*", region=estate.home_region, account=estate.hub
                    )
                },
                "StringEquals": {"aws:SourceAccount": estate.hub},
            },
            {"Service": "cloudwatch.amazonaws.com"},
        )
    )


def members_read_code(estate: Estate, region: str, readers: Sequence[str]) -> Statement:
    """Let the organization's deployment and detection roles read code and settings."""
    bucket = estate.arn("s3", estate.code_bucket(region))
    return allow(
        "MembersRead",
        ["s3:GetObject"],
        [f"{bucket}/functions/*", f"{bucket}/settings/*"],
        {
            "ArnLike": {"aws:PrincipalArn": [estate.role("*", name) for name in readers]},
            "StringEquals": {"aws:PrincipalOrgID": estate.organization},
        },
        {"AWS": "*"},
    )
