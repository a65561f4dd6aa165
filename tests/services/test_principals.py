"""Users and roles as they are read, and what makes one an administrator."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from boto3 import Session

from lambdas.services import principals
from tests.controls.round_trip import member_account

ALL = {"Effect": "Allow", "Action": "*", "Resource": "*"}


@pytest.fixture(scope="module")
def member() -> Iterator[Session]:
    with member_account() as session:
        yield session


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        pytest.param(ALL, True, id="everything"),
        pytest.param({**ALL, "Action": ["s3:GetObject", "*:*"]}, True, id="everything in a list"),
        pytest.param({**ALL, "Action": "IAM:*"}, True, id="all of IAM"),
        pytest.param({**ALL, "Condition": {"Bool": {"aws:MultiFactorAuthPresent": "true"}}}, True, id="with MFA"),
        pytest.param({"Effect": "Allow", "NotAction": "s3:*", "Resource": "*"}, True, id="all but S3"),
        pytest.param({"Effect": "Allow", "Action": "*", "NotResource": "arn:aws:s3:::b"}, True, id="but on one bucket"),
        pytest.param({"Effect": "Allow", "Action": "s3:*", "NotResource": "arn:aws:s3:::b"}, False, id="S3 but one"),
        pytest.param({"Effect": "Allow", "NotAction": ["iam:*"], "Resource": ["*"]}, False, id="all but IAM"),
        pytest.param({"Effect": "Allow", "NotAction": "*", "Resource": "*"}, False, id="all but everything"),
        pytest.param({**ALL, "Effect": "Deny"}, False, id="denied"),
        pytest.param({**ALL, "Action": "s3:*"}, False, id="all of S3"),
        pytest.param({**ALL, "Resource": "arn:aws:s3:::b"}, False, id="of one bucket"),
    ],
)
def test_who_may_do_all_or_all_of_iam_on_everything_administers(statement: dict[str, Any], expected: bool) -> None:
    assert principals.administers([{"Statement": {**ALL, "Effect": "Deny"}}, {"Statement": [statement]}]) is expected
    assert principals.administers([{"Statement": statement}]) is expected


@pytest.mark.parametrize("way", ["attached", "inline", "group attached", "group inline", "own policy"])
def test_a_user_administers_by_any_of_its_policies_and_its_groups(member: Session, way: str) -> None:
    iam, name = member.client("iam"), f"user-{way.replace(' ', '-')}"
    document = json.dumps({"Version": "2012-10-17", "Statement": [ALL]})
    iam.create_user(UserName=name)
    iam.create_group(GroupName=name)
    iam.add_user_to_group(UserName=name, GroupName=name)
    before = principals.read(member, f"user/{name}")
    if way == "attached":
        iam.attach_user_policy(UserName=name, PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess")
    elif way == "inline":
        iam.put_user_policy(UserName=name, PolicyName="all", PolicyDocument=document)
    elif way == "group attached":
        iam.attach_group_policy(GroupName=name, PolicyArn="arn:aws:iam::aws:policy/IAMFullAccess")
    elif way == "group inline":
        iam.put_group_policy(GroupName=name, PolicyName="all", PolicyDocument=document)
    else:
        arn = iam.create_policy(PolicyName="all", PolicyDocument=document)["Policy"]["Arn"]
        iam.attach_user_policy(UserName=name, PolicyArn=arn)
    after = principals.read(member, f"user/{name}")
    assert before is not None
    assert after is not None
    assert (before["Administers"], after["Administers"]) == (False, True)


def test_a_role_is_read_with_its_path_and_tags_and_one_that_is_gone_is_none(member: Session) -> None:
    iam = member.client("iam")
    trust = {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    tags = [{"Key": "Owner", "Value": "team"}]
    made = iam.create_role(RoleName="web", Path="/apps/", AssumeRolePolicyDocument=document, Tags=tags)["Role"]
    assert principals.read(member, "role/web") == {
        "Kind": "role",
        "Name": "web",
        "Id": made["RoleId"],
        "Arn": made["Arn"],
        "Path": "/apps/",
        "Tags": tags,
        "Attached": [],
        "Administers": False,
    }
    assert principals.read(member, "role/gone") is None


def test_everybody_else_may_lose_its_permissions(member: Session) -> None:
    found = principals.read(member, "role/web")
    assert found is not None
    assert principals.why_untouchable(found) is None
