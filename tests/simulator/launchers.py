"""Who launches instances in an account: a user with a key, and a role that somebody has entered."""

from __future__ import annotations

from typing import Any

import boto3

from tests.simulator.pipeline_world import document


def user(administrator: boto3.Session, name: str) -> boto3.Session:
    """A new user, in the Region of the administrator's session."""
    iam = administrator.client("iam")
    iam.create_user(UserName=name)
    grant = {"Effect": "Allow", "Action": "ec2:*", "Resource": "*"}
    iam.put_user_policy(UserName=name, PolicyName="all", PolicyDocument=document(grant))
    key = iam.create_access_key(UserName=name)["AccessKey"]
    return boto3.Session(key["AccessKeyId"], key["SecretAccessKey"], region_name=administrator.region_name)


def entered(administrator: boto3.Session, role: str, session: str, **more: Any) -> boto3.Session:
    """A session of a new role, which may launch and deploy stacks; `more` goes to AssumeRole."""
    iam, sts = administrator.client("iam"), administrator.client("sts")
    root = f"arn:aws:iam::{sts.get_caller_identity()['Account']}:root"
    trust = {"Effect": "Allow", "Principal": {"AWS": root}, "Action": ["sts:AssumeRole", "sts:SetSourceIdentity"]}
    arn = iam.create_role(RoleName=role, AssumeRolePolicyDocument=document(trust))["Role"]["Arn"]
    grant = {"Effect": "Allow", "Action": ["ec2:*", "cloudformation:*"], "Resource": "*"}
    iam.put_role_policy(RoleName=role, PolicyName="all", PolicyDocument=document(grant))
    given = sts.assume_role(RoleArn=arn, RoleSessionName=session, **more)["Credentials"]
    keys = (given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"])
    return boto3.Session(*keys, region_name=administrator.region_name)
