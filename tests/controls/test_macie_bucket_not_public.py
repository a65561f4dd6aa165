"""Palisade.Macie.1: public buckets with sensitive data."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from boto3 import Session

from lambdas.controls.macie_bucket_not_public import CONTROL, evaluate, plan, read
from lambdas.controls.model import Mode, Place, Plan, Verdict
from lambdas.services.public_buckets import BLOCKED
from tests.controls.buckets import new_bucket
from tests.controls.cases import Case
from tests.controls.product_findings import macie_finds
from tests.controls.round_trip import PLACE, apply_plan, judged, member_account, planned, undo

PERSONAL = "SensitiveData:S3Object/Personal"
OPEN = dict.fromkeys(BLOCKED, False)
SETTINGS: dict[str, Any] = {
    "PublicAcl": [],
    "PublicPolicy": True,
    "Block": None,
    "AccountBlock": None,
    "Website": False,
    "Tags": [],
    "Findings": [PERSONAL],
}


def bucket(session: Session, place: Place) -> str:
    """A bucket with an object, in which Macie finds personal data; not public."""
    s3, name = session.client("s3"), new_bucket(session, place, "people")
    s3.put_object(Bucket=name, Key="people.csv", Body=b"name")
    s3.put_bucket_tagging(Bucket=name, Tagging={"TagSet": [{"Key": "Owner", "Value": "team"}]})
    macie_finds(session, place, name, PERSONAL)
    return name


def by_policy(session: Session, place: Place) -> str:
    """Anybody may read it by its policy, for nothing blocks public access."""
    s3, name = session.client("s3"), bucket(session, place)
    s3.delete_public_access_block(Bucket=name)
    statement = {
        "Effect": "Allow",
        "Principal": "*",
        "Action": "s3:GetObject",
        "Resource": f"arn:{place.partition}:s3:::{name}/*",
    }
    s3.put_bucket_policy(Bucket=name, Policy=json.dumps({"Version": "2012-10-17", "Statement": [statement]}))
    return name


def by_acl(session: Session, place: Place) -> str:
    """Anybody may list it by its access control list, for public access is blocked by half."""
    s3, name = session.client("s3"), bucket(session, place)
    half: Any = {**OPEN, "BlockPublicPolicy": True}
    s3.put_public_access_block(Bucket=name, PublicAccessBlockConfiguration=half)
    s3.put_bucket_ownership_controls(Bucket=name, OwnershipControls={"Rules": [{"ObjectOwnership": "ObjectWriter"}]})
    s3.put_bucket_acl(Bucket=name, ACL="public-read")
    return name


def state(session: Session, place: Place, name: str) -> object:
    s3: Any = session.client("s3")
    try:
        return s3.get_public_access_block(Bucket=name)["PublicAccessBlockConfiguration"]
    except s3.exceptions.ClientError as error:
        return error.response["Error"]["Code"]


CASES = (
    Case("public by its policy", {}, by_policy, bucket, state, thorough=True),
    Case("public by its access control list", {}, by_acl, bucket, state),
)


@pytest.fixture(scope="module")
def member() -> Iterator[Session]:
    with member_account() as session:
        yield session


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_public_bucket_with_sensitive_data_is_closed_and_undo_gives_its_settings_back(
    member: Session, case: Case
) -> None:
    resource = CONTROL.resource(PLACE, case.broken(member, PLACE))
    before = state(member, PLACE, resource.id)
    applied = apply_plan(member, planned(member, CONTROL, resource))
    assert judged(member, CONTROL, resource).verdict is Verdict.COMPLIANT
    assert state(member, PLACE, resource.id) == BLOCKED
    undo(member, applied)
    assert state(member, PLACE, resource.id) == before


def test_a_public_bucket_in_which_macie_finds_nothing_is_not_its_matter(member: Session) -> None:
    resource = CONTROL.resource(PLACE, by_policy(member, PLACE))
    settings = read(member, resource)
    assert settings is not None
    assert settings["Findings"] == [PERSONAL]
    assert evaluate({**settings, "Findings": []}, {}).verdict is Verdict.COMPLIANT


def test_a_bucket_that_is_gone_is_gone(member: Session) -> None:
    assert read(member, CONTROL.resource(PLACE, f"gone-{uuid.uuid4()}")) is None


def test_a_website_is_seen(member: Session) -> None:
    name = by_policy(member, PLACE)
    configuration: Any = {"IndexDocument": {"Suffix": "index.html"}}
    member.client("s3").put_bucket_website(Bucket=name, WebsiteConfiguration=configuration)
    settings = read(member, CONTROL.resource(PLACE, name))
    assert settings is not None
    assert settings["Website"]


@pytest.mark.parametrize(
    ("settings", "verdict"),
    [
        ({}, Verdict.NON_COMPLIANT),
        ({"Findings": []}, Verdict.COMPLIANT),
        ({"Block": OPEN}, Verdict.NON_COMPLIANT),
        ({"Block": BLOCKED}, Verdict.COMPLIANT),
        ({"AccountBlock": BLOCKED}, Verdict.COMPLIANT),
        ({"Block": {**OPEN, "RestrictPublicBuckets": True}}, Verdict.COMPLIANT),
        ({"Block": {**OPEN, "BlockPublicPolicy": True}}, Verdict.NON_COMPLIANT),
        ({"PublicPolicy": False}, Verdict.COMPLIANT),
        ({"PublicPolicy": False, "PublicAcl": ["READ"]}, Verdict.NON_COMPLIANT),
        (
            {"PublicPolicy": False, "PublicAcl": ["READ"], "AccountBlock": {**OPEN, "IgnorePublicAcls": True}},
            Verdict.COMPLIANT,
        ),
        (
            {"PublicPolicy": False, "PublicAcl": ["READ"], "Block": {**OPEN, "BlockPublicAcls": True}},
            Verdict.NON_COMPLIANT,
        ),
    ],
)
def test_it_is_public_where_nothing_takes_the_effect_of_policy_or_list_away(
    settings: dict[str, Any], verdict: Verdict
) -> None:
    assert evaluate({**SETTINGS, **settings}, {}).verdict is verdict


@pytest.mark.parametrize(
    ("settings", "mode"),
    [
        ({"Website": True}, Mode.APPROVE),
        ({}, Mode.APPROVE),
        ({"PublicPolicy": False, "PublicAcl": ["READ"]}, None),
    ],
)
def test_what_may_be_meant_is_asked_about(settings: dict[str, Any], mode: Mode | None) -> None:
    made = plan(CONTROL.resource(PLACE, "people"), {**SETTINGS, **settings}, {}, {})
    assert isinstance(made, Plan)
    assert (made.ceiling.mode if made.ceiling else None) is mode


@pytest.mark.parametrize("website", [False, True])
def test_who_approves_knows_that_a_public_policy_admits_no_other_account_any_more(website: bool) -> None:
    made = plan(CONTROL.resource(PLACE, "people"), {**SETTINGS, "Website": website}, {}, {})
    assert isinstance(made, Plan)
    assert made.ceiling is not None
    assert "no other account gets in, not even one that it names" in made.ceiling.reason
    assert ("serves a website" in made.ceiling.reason) is website
    assert "all other accounts, also those that the policy names" in made.message


def test_a_public_list_alone_is_blocked_without_other_accounts_being_spoken_of() -> None:
    made = plan(CONTROL.resource(PLACE, "people"), {**SETTINGS, "PublicPolicy": False, "PublicAcl": ["READ"]}, {}, {})
    assert isinstance(made, Plan)
    assert "keeps whom the access control list admits as everybody out" in made.message
