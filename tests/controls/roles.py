"""Roles in the member account, so that IAM says whether the permissions that a control names are enough."""

from __future__ import annotations

import json
from typing import Any

from boto3 import Session

from tests.controls.round_trip import PLACE


def make_role(session: Session, name: str, policy: str) -> str:
    """Make a role of the account's own with one policy; returns its ARN."""
    iam = session.client("iam")
    trust = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"AWS": f"arn:{PLACE.partition}:iam::{PLACE.account}:root"},
                "Action": "sts:AssumeRole",
            }
        ],
    }
    arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
    iam.put_role_policy(RoleName=name, PolicyName="grants", PolicyDocument=policy)
    return str(arn)


def enter(session: Session, role: str, policy: str | None = None) -> Session:
    """Take a role, narrowed by a session policy where one is given."""
    narrowed: Any = {"Policy": policy} if policy else {}
    credentials = session.client("sts").assume_role(RoleArn=role, RoleSessionName="laws", **narrowed)["Credentials"]
    return Session(
        aws_access_key_id=credentials["AccessKeyId"],
        aws_secret_access_key=credentials["SecretAccessKey"],
        aws_session_token=credentials["SessionToken"],
        region_name=PLACE.region,
    )
