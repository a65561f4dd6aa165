"""Permissions that a call needs beside its own action: passed roles, tags on creation, code in S3.

Source: the pages on permissions of each service; the Service Authorization Reference lists them as
dependent actions.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

import jmespath
from moto.backends import get_backend

from simulator.call import Call
from simulator.iam.context import request_tags
from simulator.iam.patterns import Context

if TYPE_CHECKING:
    from simulator.world import World

# (service, operation) -> (where the role's ARN stands, service that it is passed to)
PASSED_ROLES: Mapping[tuple[str, str], tuple[tuple[str, str], ...]] = {
    ("backup", "CreateBackupSelection"): (("BackupSelection.IamRoleArn", "backup"),),
    ("cloudformation", "CreateStack"): (("RoleARN", "cloudformation"),),
    ("cloudformation", "CreateStackSet"): (("AdministrationRoleARN", "cloudformation"),),
    ("cloudformation", "UpdateStack"): (("RoleARN", "cloudformation"),),
    ("cloudformation", "UpdateStackSet"): (("AdministrationRoleARN", "cloudformation"),),
    ("cloudtrail", "CreateTrail"): (("CloudWatchLogsRoleArn", "cloudtrail"),),
    ("cloudtrail", "UpdateTrail"): (("CloudWatchLogsRoleArn", "cloudtrail"),),
    ("codebuild", "CreateProject"): (("serviceRole", "codebuild"),),
    ("codebuild", "UpdateProject"): (("serviceRole", "codebuild"),),
    ("config", "PutConfigurationAggregator"): (("OrganizationAggregationSource.RoleArn", "config"),),
    ("config", "PutConfigurationRecorder"): (("ConfigurationRecorder.roleARN", "config"),),
    ("config", "PutRemediationConfigurations"): (
        ("RemediationConfigurations[].Parameters.AutomationAssumeRole.StaticValue.Values[]", "ssm"),
    ),
    ("ec2", "CreateFlowLogs"): (("DeliverLogsPermissionArn", "vpc-flow-logs"),),
    ("ecs", "RegisterTaskDefinition"): (("[taskRoleArn, executionRoleArn][]", "ecs-tasks"),),
    ("eks", "CreateCluster"): (("roleArn", "eks"),),
    ("eks", "CreateNodegroup"): (("nodeRole", "eks"),),
    ("events", "PutRule"): (("RoleArn", "events"),),
    ("events", "PutTargets"): (("Targets[].RoleArn", "events"),),
    ("firehose", "CreateDeliveryStream"): (("ExtendedS3DestinationConfiguration.RoleARN", "firehose"),),
    ("glue", "CreateJob"): (("Role", "glue"),),
    ("lambda", "CreateFunction"): (("Role", "lambda"),),
    ("lambda", "UpdateFunctionConfiguration"): (("Role", "lambda"),),
    ("logs", "PutSubscriptionFilter"): (("roleArn", "logs"),),
    ("pipes", "CreatePipe"): (("RoleArn", "pipes"),),
    ("pipes", "UpdatePipe"): (("RoleArn", "pipes"),),
    ("rds", "AddRoleToDBCluster"): (("RoleArn", "rds"),),
    ("rds", "AddRoleToDBInstance"): (("RoleArn", "rds"),),
    ("rds", "CreateDBCluster"): (("MonitoringRoleArn", "monitoring.rds"),),
    ("rds", "CreateDBInstance"): (("MonitoringRoleArn", "monitoring.rds"),),
    ("rds", "ModifyDBCluster"): (("MonitoringRoleArn", "monitoring.rds"),),
    ("rds", "ModifyDBInstance"): (("MonitoringRoleArn", "monitoring.rds"),),
    ("s3", "PutBucketReplication"): (("ReplicationConfiguration.Role", "s3"),),
    ("s3control", "CreateJob"): (("RoleArn", "batchoperations.s3"),),
    ("scheduler", "CreateSchedule"): (("Target.RoleArn", "scheduler"),),
    ("scheduler", "UpdateSchedule"): (("Target.RoleArn", "scheduler"),),
    ("ssm", "SendCommand"): (("ServiceRoleArn", "ssm"),),
    ("ssm", "StartAutomationExecution"): (("Parameters.AutomationAssumeRole[]", "ssm"),),
    ("stepfunctions", "CreateStateMachine"): (("roleArn", "states"),),
    ("stepfunctions", "UpdateStateMachine"): (("roleArn", "states"),),
}

# The action that a service also asks for where a resource is created with tags.
TAGGING: Mapping[str, str] = {
    "cloudformation": "TagResource", "cloudtrail": "AddTags", "cloudwatch": "TagResource", "config": "TagResource",
    "dynamodb": "TagResource", "ecr": "TagResource", "ecs": "TagResource", "efs": "TagResource",
    "elbv2": "AddTags", "events": "TagResource", "kms": "TagResource", "lambda": "TagResource",
    "logs": "TagResource", "rds": "AddTagsToResource", "secretsmanager": "TagResource",
    "securityhub": "TagResource", "sns": "TagResource", "sqs": "TagQueue", "ssm": "AddTagsToResource",
    "stepfunctions": "TagResource",
}  # fmt: skip
IAM_TAGGING: Mapping[str, str] = {
    "CreateInstanceProfile": "TagInstanceProfile", "CreateOpenIDConnectProvider": "TagOpenIDConnectProvider",
    "CreatePolicy": "TagPolicy", "CreateRole": "TagRole", "CreateSAMLProvider": "TagSAMLProvider",
    "CreateUser": "TagUser",
}  # fmt: skip
CREATIONS = ("Create", "Put", "Register", "Copy", "Restore", "Import")


@cache
def _query(expression: str) -> Any:
    return jmespath.compile(expression)


def _found(expression: str, parameters: Mapping[str, Any]) -> tuple[str, ...]:
    value = _query(expression).search(parameters)
    values = value if isinstance(value, list) else [value]
    return tuple(dict.fromkeys(item for item in values if isinstance(item, str) and item))


def passed_roles(call: Call, world: World) -> Iterator[tuple[str, Context]]:
    """Yield the ARN of every role that a call passes to a service, with the context of iam:PassRole."""
    for expression, service in PASSED_ROLES.get((call.service, call.operation), ()):
        for role in _found(expression, call.parameters):
            arn = role if role.startswith("arn:") else f"arn:{call.partition}:iam::{call.account}:role/{role}"
            yield arn, {"iam:PassedToService": f"{service}.amazonaws.com"}
    profile = call.parameters.get("IamInstanceProfile")
    if call.service == "ec2" and isinstance(profile, Mapping):
        named = profile.get("Name") or str(profile.get("Arn", "")).split("/")[-1]
        for held in get_backend("iam")[call.account][call.partition].instance_profiles.values():
            if held.name == named:
                for role in held.roles:
                    yield role.arn, {"iam:PassedToService": "ec2.amazonaws.com"}
    if (call.service, call.operation) == ("iam", "AddRoleToInstanceProfile"):
        for role in get_backend("iam")[call.account][call.partition].roles.values():
            if role.name == call.parameters["RoleName"]:
                yield role.arn, {"iam:PassedToService": "ec2.amazonaws.com"}


def tagging_action(call: Call) -> str | None:
    """The action that is needed beside for the tags of a creation; None where no tags are given."""
    if not call.operation.startswith(CREATIONS) or not request_tags(call):
        return None
    if call.service == "iam":
        return IAM_TAGGING.get(call.operation)
    if call.service == "secretsmanager" and call.operation != "CreateSecret":
        return None
    return TAGGING.get(call.service)


def created_types(call: Call) -> tuple[str, ...]:
    """The EC2 resource types that a call tags as it creates them."""
    if call.service != "ec2":
        return ()
    specifications = call.parameters.get("TagSpecifications") or ()
    return tuple(item["ResourceType"] for item in specifications if item.get("ResourceType") and item.get("Tags"))


def code_object(call: Call) -> str | None:
    """The S3 object that a Lambda function's code is read from, with the caller's own permissions."""
    if call.service != "lambda" or call.operation not in ("CreateFunction", "UpdateFunctionCode"):
        return None
    code = call.parameters.get("Code") or call.parameters
    if not code.get("S3Bucket"):
        return None
    return f"arn:{call.partition}:s3:::{code['S3Bucket']}/{code['S3Key']}"
