"""The CloudFormation template of the deployment role that the StackSet puts into every account."""

from __future__ import annotations

import json
from typing import Any

from components.deployment_policies import hub_statements, member_statements
from components.documents import Statement
from components.estate import Estate

ACCOUNT = "${AWS::AccountId}"
# Source: IAM and AWS STS quotas; a role takes ten managed policies of 6,144 characters each.
POLICY_LIMIT = 6144


def deployment_template(estate: Estate, role: str, pipeline_role: str, *, recorder: bool) -> str:
    """Write the template: one role that the pipeline enters; in the hub it may also make the hub's resources."""
    member = _parts(member_statements(estate, ACCOUNT, role, recorder=recorder))
    hub = _parts(hub_statements(estate))
    resources: dict[str, Any] = {
        "Role": {
            "Type": "AWS::IAM::Role",
            "Properties": {
                "RoleName": role,
                "Description": "Entered by the Palisade pipeline to deploy detection and remediation.",
                "MaxSessionDuration": 3600,
                "AssumeRolePolicyDocument": _trust(estate, pipeline_role),
                "Tags": [{"Key": key, "Value": value} for key, value in sorted(estate.tags.items())],
            },
        }
    }
    for kind, parts in (("Member", member), ("Hub", hub)):
        for number, statements in enumerate(parts, 1):
            resources[f"{kind}Policy{number}"] = _policy(f"{role}-{kind.lower()}-{number}", statements)
            if kind == "Hub":
                resources[f"{kind}Policy{number}"]["Condition"] = "IsHub"
    return json.dumps(
        {
            "AWSTemplateFormatVersion": "2010-09-09",
            "Description": "Palisade deployment role",
            "Conditions": {"IsHub": {"Fn::Equals": [{"Ref": "AWS::AccountId"}, estate.hub]}},
            "Resources": resources,
        },
        indent=1,
    )


def _policy(name: str, statements: list[Statement]) -> dict[str, Any]:
    return {
        "Type": "AWS::IAM::ManagedPolicy",
        "Properties": {
            "ManagedPolicyName": name,
            "PolicyDocument": {"Version": "2012-10-17", "Statement": [_substituted(one) for one in statements]},
            "Roles": [{"Ref": "Role"}],
        },
    }


def _trust(estate: Estate, pipeline_role: str) -> dict[str, Any]:
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "Pipeline",
                "Effect": "Allow",
                "Principal": {"AWS": estate.arn("iam", "root", account=pipeline_role.split(":")[4])},
                "Action": "sts:AssumeRole",
                "Condition": {
                    "ArnEquals": {"aws:PrincipalArn": pipeline_role},
                    "StringEquals": {"aws:PrincipalOrgID": estate.organization},
                },
            }
        ],
    }


def _parts(statements: list[Statement]) -> list[list[Statement]]:
    """Divide statements, in order, so that each part fits into one managed policy."""
    parts: list[list[Statement]] = [[]]
    for statement in statements:
        together = json.dumps([*parts[-1], statement], separators=(",", ":"))
        if parts[-1] and len(together) > POLICY_LIMIT - 200:
            parts.append([])
        parts[-1].append(statement)
    return parts


def _substituted(value: Any) -> Any:
    """Let CloudFormation fill in the account where a text names it."""
    if isinstance(value, str):
        return {"Fn::Sub": value} if ACCOUNT in value else value
    if isinstance(value, list):
        return [_substituted(one) for one in value]
    if isinstance(value, dict):
        return {key: _substituted(one) for key, one in value.items()}
    return value
