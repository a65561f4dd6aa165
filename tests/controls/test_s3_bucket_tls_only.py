"""S3.5: a statement in the bucket's policy denies requests without TLS."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from boto3 import Session

from lambdas.controls.model import Mode, Place, Plan, Refusal, Verdict
from lambdas.controls.s3_bucket_tls_only import CONTROL, evaluate
from tests.controls.buckets import new_bucket
from tests.controls.cases import Case
from tests.controls.round_trip import MEMBER, PLACE, apply_plan, judged, member_account, planned, undo

OTHER = {
    "Sid": "Read",
    "Effect": "Allow",
    "Principal": {"AWS": f"arn:aws:iam::{MEMBER}:root"},
    "Action": "s3:GetObject",
}
EVERYBODY = {**OTHER, "Principal": "*"}
BLOCKED = {"BlockPublicPolicy": True}


def bucket(session: Session, place: Place, *statements: dict[str, Any]) -> str:
    s3, name = session.client("s3"), new_bucket(session, place, "tls")
    if statements:
        arn = CONTROL.resource(place, name).arn
        whole = [{"Resource": f"{arn}/*", **one} for one in statements]
        s3.put_bucket_policy(Bucket=name, Policy=json.dumps({"Version": "2008-10-17", "Statement": whole}))
    return name


def with_policy(session: Session, place: Place) -> str:
    name = bucket(session, place)
    arn, account = CONTROL.resource(place, name).arn, place.account
    readers = {"AWS": f"arn:{place.partition}:iam::{account}:root"}
    statement = {**OTHER, "Principal": readers, "Resource": f"{arn}/*"}
    document = json.dumps({"Version": "2008-10-17", "Statement": statement})
    session.client("s3").put_bucket_policy(Bucket=name, Policy=document)
    return name


def tls_only(session: Session, place: Place) -> str:
    name = bucket(session, place)
    arn = CONTROL.resource(place, name).arn
    denial = {
        "Effect": "Deny",
        "Principal": {"AWS": "*"},
        "Action": "s3:*",
        "Resource": [arn, f"{arn}/*"],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    document = json.dumps({"Version": "2012-10-17", "Statement": [denial]})
    session.client("s3").put_bucket_policy(Bucket=name, Policy=document)
    return name


def state(session: Session, place: Place, name: str) -> object:
    settings = CONTROL.read(session, CONTROL.resource(place, name), None)
    assert settings is not None
    return settings["Policy"]


CASES = (
    Case("another statement", {}, with_policy, tls_only, state, thorough=True),
    Case("no policy", {}, bucket, tls_only, state),
)


@pytest.fixture(scope="module")
def member() -> Iterator[Session]:
    with member_account() as session:
        yield session


@pytest.mark.parametrize(
    ("condition", "verdict"),
    [
        ({"Bool": {"aws:SecureTransport": "false"}}, Verdict.COMPLIANT),
        ({}, Verdict.NON_COMPLIANT),
        ({"NumericLessThan": {"s3:TlsVersion": "1.2"}}, Verdict.NON_COMPLIANT),
        ({"Bool": {"aws:SecureTransport": "false", "aws:ViaAWSService": "false"}}, Verdict.NON_COMPLIANT),
    ],
)
def test_only_a_denial_of_all_plain_requests_counts(condition: dict[str, Any], verdict: Verdict) -> None:
    denial = {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "*", "Condition": condition}
    assert evaluate({"Arn": "arn:aws:s3:::one", "Policy": {"Statement": [denial]}}, {}).verdict is verdict


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_bucket_becomes_compliant_and_the_undo_brings_back_what_was(member: Session, case: Case) -> None:
    resource = CONTROL.resource(PLACE, case.broken(member, PLACE))
    before = state(member, PLACE, resource.id)
    assert judged(member, CONTROL, resource).verdict is Verdict.NON_COMPLIANT
    applied = apply_plan(member, planned(member, CONTROL, resource))
    assert judged(member, CONTROL, resource).verdict is Verdict.COMPLIANT
    undo(member, applied)
    assert state(member, PLACE, resource.id) == before


def test_other_statements_and_the_version_stay(member: Session) -> None:
    resource = CONTROL.resource(PLACE, with_policy(member, PLACE))
    before: Any = state(member, PLACE, resource.id)
    apply_plan(member, planned(member, CONTROL, resource))
    after: Any = state(member, PLACE, resource.id)
    assert after["Version"] == before["Version"] == "2008-10-17"
    assert after["Statement"][:-1] == [before["Statement"]]


def test_a_bucket_that_is_gone_is_no_error(member: Session) -> None:
    assert CONTROL.read(member, CONTROL.resource(PLACE, "nowhere-at-all"), None) is None


def test_a_policy_that_has_no_room_is_left_as_it_is(member: Session) -> None:
    resource = CONTROL.resource(PLACE, bucket(member, PLACE, {**OTHER, "Sid": "R" * 20_100}))
    refusal = planned(member, CONTROL, resource)
    assert isinstance(refusal, Refusal)
    assert "20 KB" in refusal.reason


def test_a_public_policy_that_s3_would_not_write_again_is_left_as_it_is(member: Session) -> None:
    name = bucket(member, PLACE)
    resource = CONTROL.resource(PLACE, name)
    s3: Any = member.client("s3")
    s3.delete_public_access_block(Bucket=name)
    document = {"Version": "2012-10-17", "Statement": [{**EVERYBODY, "Resource": f"{resource.arn}/*"}]}
    s3.put_bucket_policy(Bucket=name, Policy=json.dumps(document))
    assert isinstance(planned(member, CONTROL, resource), Plan)
    blocked = {"BlockPublicPolicy": True}
    s3.put_public_access_block(Bucket=name, PublicAccessBlockConfiguration=blocked)
    refusal = planned(member, CONTROL, resource)
    assert isinstance(refusal, Refusal)
    assert "BlockPublicPolicy" in refusal.reason
    s3.delete_public_access_block(Bucket=name)
    account: Any = member.client("s3control")
    account.put_public_access_block(AccountId=MEMBER, PublicAccessBlockConfiguration=blocked)
    assert isinstance(planned(member, CONTROL, resource), Refusal)
    account.delete_public_access_block(AccountId=MEMBER)


@pytest.mark.parametrize(
    ("block", "account_block", "refused"),
    [(None, None, False), ({"BlockPublicPolicy": False}, None, False), (BLOCKED, None, True), (None, BLOCKED, True)],
)
@pytest.mark.parametrize("public", [True, False])
def test_s3_says_whether_a_policy_is_public_and_not_its_statements(
    block: dict[str, bool] | None, account_block: dict[str, bool] | None, refused: bool, public: bool
) -> None:
    resource = CONTROL.resource(PLACE, "b")
    facts = {"Website": False, "PublicPolicy": public, "Block": block, "AccountBlock": account_block}
    policy = {"Statement": [{**EVERYBODY, "Condition": {"IpAddress": {"aws:SourceIp": "192.0.2.0/24"}}}]}
    plan = CONTROL.plan(resource, {"Arn": resource.arn, "Policy": policy}, {}, facts)
    assert isinstance(plan, Refusal) is (public and refused)


def test_a_website_waits_for_a_person(member: Session) -> None:
    name = bucket(member, PLACE)
    member.client("s3").put_bucket_website(Bucket=name, WebsiteConfiguration={"IndexDocument": {"Suffix": "index"}})
    plan = planned(member, CONTROL, CONTROL.resource(PLACE, name))
    assert isinstance(plan, Plan)
    assert plan.ceiling is not None
    assert plan.ceiling.mode is Mode.APPROVE
