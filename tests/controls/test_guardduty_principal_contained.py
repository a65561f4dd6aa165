"""Palisade.GuardDuty.1: principals that GuardDuty reports."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from boto3 import Session

from lambdas.controls.guardduty_principal_contained import CONTROL, evaluate, identify, plan, read
from lambdas.controls.model import Place, Plan, Refusal, Verdict
from tests.controls.cases import Case
from tests.controls.product_findings import access_key, guardduty_finds
from tests.controls.round_trip import PLACE, apply_plan, judged, member_account, planned, undo

EXFILTRATION = "Exfiltration:IAMUser/AnomalousBehavior"
INSTANCE_CREDENTIALS = "UnauthorizedAccess:IAMUser/InstanceCredentialExfiltration.OutsideAWS"
DENY_ALL = "arn:aws:iam::aws:policy/AWSDenyAll"
TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}
LISTING = json.dumps(
    {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:ListAllMyBuckets", "Resource": "*"}]}
)
ALICE = {
    "Kind": "user",
    "Name": "alice",
    "Id": "AIDA1",
    "Arn": "arn:aws:iam::300000000001:user/people/alice",
    "Path": "/people/",
    "Tags": [],
    "Attached": [],
    "Administers": False,
    "Findings": [EXFILTRATION],
}


def user(session: Session, place: Place) -> str:
    """A user with an access key who may read buckets, and what its group may."""
    iam, name = session.client("iam"), f"alice-{uuid.uuid4()}"
    iam.create_user(UserName=name, Path="/people/", Tags=[{"Key": "Owner", "Value": "team"}])
    iam.create_access_key(UserName=name)
    iam.attach_user_policy(UserName=name, PolicyArn="arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess")
    iam.put_user_policy(UserName=name, PolicyName="own", PolicyDocument=LISTING)
    iam.create_group(GroupName=name)
    iam.attach_group_policy(GroupName=name, PolicyArn="arn:aws:iam::aws:policy/IAMReadOnlyAccess")
    iam.put_group_policy(GroupName=name, PolicyName="shared", PolicyDocument=LISTING)
    iam.add_user_to_group(UserName=name, GroupName=name)
    return f"user/{name}"


def reported_user(session: Session, place: Place) -> str:
    identifier = user(session, place)
    name = identifier.partition("/")[2]
    unique = session.client("iam").get_user(UserName=name)["User"]["UserId"]
    guardduty_finds(session, place, EXFILTRATION, access_key(unique, name, "IAMUser"))
    return identifier


def role(session: Session, place: Place) -> str:
    iam, name = session.client("iam"), f"web-{uuid.uuid4()}"
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(TRUST))
    iam.put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=LISTING)
    return f"role/{name}"


def reported_role(session: Session, place: Place) -> str:
    identifier = role(session, place)
    name = identifier.partition("/")[2]
    unique = session.client("iam").get_role(RoleName=name)["Role"]["RoleId"]
    key = access_key(f"{unique}:i-0123456789abcdef0", name, "AssumedRole", "ASIAIOSFODNN7EXAMPLE")
    guardduty_finds(session, place, INSTANCE_CREDENTIALS, key)
    return identifier


def state(session: Session, place: Place, identifier: str) -> object:
    iam: Any = session.client("iam")
    kind, _, name = identifier.partition("/")
    asked = {f"{kind.capitalize()}Name": name}
    attached = getattr(iam, f"list_attached_{kind}_policies")(**asked)["AttachedPolicies"]
    keys = iam.list_access_keys(**asked)["AccessKeyMetadata"] if kind == "user" else []
    return sorted(one["PolicyArn"] for one in attached), [one["Status"] for one in keys]


CASES = (
    Case("a user's key is used by others", {}, reported_user, user, state, thorough=True),
    Case("a role's credentials are used outside of AWS", {}, reported_role, role, state),
)


@pytest.fixture(scope="module")
def member() -> Iterator[Session]:
    with member_account() as session:
        yield session


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_who_is_reported_is_denied_everything_and_nothing_else_of_it_changes(member: Session, case: Case) -> None:
    resource = CONTROL.resource(PLACE, case.broken(member, PLACE))
    attached, keys = state(member, PLACE, resource.id)  # type: ignore[misc]
    applied = apply_plan(member, planned(member, CONTROL, resource))
    assert judged(member, CONTROL, resource).verdict is Verdict.COMPLIANT
    assert state(member, PLACE, resource.id) == (sorted([*attached, DENY_ALL]), keys)  # type: ignore[has-type]
    undo(member, applied)
    assert state(member, PLACE, resource.id) == (attached, keys)  # type: ignore[has-type]


def test_a_user_made_anew_under_the_name_is_not_the_one_that_was_reported(member: Session) -> None:
    resource = CONTROL.resource(PLACE, reported_user(member, PLACE))
    name = resource.id.partition("/")[2]
    iam = member.client("iam")
    (key,) = iam.list_access_keys(UserName=name)["AccessKeyMetadata"]
    iam.delete_access_key(UserName=name, AccessKeyId=key["AccessKeyId"])
    iam.remove_user_from_group(UserName=name, GroupName=name)
    iam.delete_user_policy(UserName=name, PolicyName="own")
    iam.detach_user_policy(UserName=name, PolicyArn="arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess")
    iam.delete_user(UserName=name)
    assert read(member, resource) is None
    iam.create_user(UserName=name)
    assert judged(member, CONTROL, resource).verdict is Verdict.COMPLIANT


def test_what_people_have_archived_and_what_is_less_than_high_is_not_acted_upon(member: Session) -> None:
    guardduty, iam = member.client("guardduty"), member.client("iam")
    archived, low = (CONTROL.resource(PLACE, user(member, PLACE)) for _ in range(2))
    for resource, kind in ((archived, EXFILTRATION), (low, "CredentialAccess:IAMUser/AnomalousBehavior")):
        name = resource.id.partition("/")[2]
        unique = iam.get_user(UserName=name)["User"]["UserId"]
        found = guardduty_finds(member, PLACE, kind, access_key(unique, name, "IAMUser"))
        if resource is archived:
            assert judged(member, CONTROL, resource).verdict is Verdict.NON_COMPLIANT
            (detector,) = guardduty.list_detectors()["DetectorIds"]
            guardduty.archive_findings(DetectorId=detector, FindingIds=[found])
        assert judged(member, CONTROL, resource).verdict is Verdict.COMPLIANT


def test_findings_about_the_root_user_are_confirmed_too(member: Session) -> None:
    guardduty_finds(member, PLACE, EXFILTRATION, access_key(PLACE.account, "Root", "Root"))
    resource = CONTROL.resource(PLACE, "root")
    assert judged(member, CONTROL, resource).verdict is Verdict.NON_COMPLIANT
    refused = planned(member, CONTROL, resource)
    assert isinstance(refused, Refusal)
    assert "service control policy" in refused.reason


@pytest.mark.parametrize(
    ("details", "identifier"),
    [
        ({"PrincipalType": "IAMUser", "PrincipalName": "alice"}, "user/alice"),
        ({"PrincipalType": "IAMUser", "UserName": "alice"}, "user/alice"),
        ({"PrincipalType": "AssumedRole", "PrincipalName": "web"}, "role/web"),
        ({"PrincipalType": "Root", "PrincipalName": "Root"}, "root"),
        ({"PrincipalType": "FederatedUser", "PrincipalName": "alice"}, None),
        ({"PrincipalType": "AWSAccount", "PrincipalName": "alice"}, None),
        ({"PrincipalType": "IAMUser", "PrincipalName": "../role/admin"}, None),
        ({"PrincipalType": "IAMUser"}, None),
        ({}, None),
    ],
)
def test_the_details_of_an_access_key_name_the_principal(details: dict[str, str], identifier: str | None) -> None:
    assert identify({"Type": "AwsIamAccessKey", "Details": {"AwsIamAccessKey": details}}) == identifier


def test_a_finding_without_details_names_nobody() -> None:
    assert identify({"Type": "AwsIamAccessKey"}) is None


@pytest.mark.parametrize(
    ("settings", "verdict"),
    [
        ({}, Verdict.NON_COMPLIANT),
        ({"Findings": []}, Verdict.COMPLIANT),
        ({"Attached": [DENY_ALL]}, Verdict.COMPLIANT),
        ({"Attached": ["arn:aws-cn:iam::aws:policy/AWSDenyAll"]}, Verdict.COMPLIANT),
        ({"Attached": ["arn:aws:iam::300000000001:policy/AWSDenyAll"]}, Verdict.NON_COMPLIANT),
    ],
)
def test_only_the_policy_of_aws_contains(settings: dict[str, Any], verdict: Verdict) -> None:
    assert evaluate({**ALICE, **settings}, {}).verdict is verdict


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"Kind": "root", "Path": "/"}, "root user has no policies"),
        ({"Path": "/aws-service-role/ecs.amazonaws.com/"}, "service-linked role"),
        ({"Path": "/aws-reserved/sso.amazonaws.com/"}, "IAM Identity Center"),
        ({"Administers": True}, "administers the account"),
    ],
)
def test_who_must_not_lose_its_permissions_is_left_to_people_with_the_reason(
    settings: dict[str, Any], said: str
) -> None:
    refused = plan(CONTROL.resource(PLACE, "user/alice"), {**ALICE, **settings}, {}, {})
    assert isinstance(refused, Refusal)
    assert said in refused.reason
    assert EXFILTRATION in refused.reason


def test_a_tag_that_anybody_may_set_exempts_nobody() -> None:
    tagged = {**ALICE, "Tags": [{"Key": "palisade:prefix", "Value": "palisade"}]}
    assert isinstance(plan(CONTROL.resource(PLACE, "user/alice"), tagged, {}, {}), Plan)


def test_the_policy_is_of_the_partition() -> None:
    place = Place("aws-us-gov", "111122223333", "us-gov-west-1")
    made = plan(CONTROL.resource(place, "user/alice"), ALICE, {}, {})
    assert isinstance(made, Plan)
    assert made.changes[0].parameters["PolicyArn"] == "arn:aws-us-gov:iam::aws:policy/AWSDenyAll"
