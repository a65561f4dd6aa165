"""The CloudFormation template of the deployment role that the StackSet puts into every account."""

from __future__ import annotations

import json
from typing import Any

from components.deployment_policies import hub_statements, member_statements
from components.documents import MANAGED_LIMIT, Statement, divided
from components.estate import Estate

ACCOUNT = "${AWS::AccountId}"


def deployment_template(
    estate: Estate, role: str, pipeline_role: str, *, recorder: bool, attaching: bool = False
) -> str:
    """Write the template: one role that the pipeline enters; in the hub it may also make the hub's resources.

    With `attaching` it may attach Palisade's own managed policies, which long catalogs need.
    """
    member = member_statements(estate, ACCOUNT, role, recorder=recorder, attaching=attaching)
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
    for kind, statements_of in (("Member", member), ("Hub", hub_statements(estate))):
        for number, statements in enumerate(divided(statements_of, MANAGED_LIMIT, MANAGED_LIMIT), 1):
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


def _substituted(value: Any) -> Any:
    """Let CloudFormation fill in the account where a text names it."""
    if isinstance(value, str):
        return {"Fn::Sub": value} if ACCOUNT in value else value
    if isinstance(value, list):
        return [_substituted(one) for one in value]
    if isinstance(value, dict):
        return {key: _substituted(one) for key, one in value.items()}
    return value
