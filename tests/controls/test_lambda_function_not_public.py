"""Lambda.1: statements that let everybody call a function, and those by which S3 calls it."""

from __future__ import annotations

import io
import json
import uuid
import zipfile
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from boto3 import Session

from lambdas.answers import absent
from lambdas.controls.lambda_function_not_public import CONTROL, evaluate
from lambdas.controls.model import Mode, Place, Plan, Refusal, Verdict
from tests.controls.buckets import new_bucket
from tests.controls.cases import Case
from tests.controls.round_trip import MEMBER, PLACE, apply_plan, judged, member_account, planned, undo

TRUST = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
EVERYBODY = {"Sid": "all", "Effect": "Allow", "Principal": "*", "Action": "lambda:InvokeFunction", "Resource": "*"}
BY_S3 = {**EVERYBODY, "Sid": "s3", "Principal": {"Service": "s3.amazonaws.com"}}
OWN = {"StringEquals": {"AWS:SourceAccount": MEMBER}}
BUCKET = {"ArnLike": {"AWS:SourceArn": "arn:aws:s3:::nobody-s"}}


def function(session: Session, place: Place) -> str:
    iam, name = session.client("iam"), f"called-{uuid.uuid4()}"
    with absent("EntityAlreadyExists"):
        trust = json.dumps({"Version": "2012-10-17", "Statement": [TRUST]})
        iam.create_role(RoleName="called", AssumeRolePolicyDocument=trust)
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("code.py", "def handler(event, context): return None")
    session.client("lambda").create_function(
        FunctionName=name,
        Role=f"arn:{place.partition}:iam::{place.account}:role/called",
        Code={"ZipFile": code.getvalue()},
        Handler="code.handler",
        Runtime="python3.11",
    )
    return name


def allow(session: Session, name: str, identifier: str, principal: str, **more: Any) -> None:
    session.client("lambda").add_permission(
        FunctionName=name, StatementId=identifier, Action="lambda:InvokeFunction", Principal=principal, **more
    )


def bucket(session: Session, place: Place) -> str:
    return f"arn:{place.partition}:s3:::{new_bucket(session, place, 'calls')}"


def opened(session: Session, place: Place) -> str:
    name = function(session, place)
    allow(session, name, "anybody", "*")
    allow(session, name, "trigger", "s3.amazonaws.com", SourceArn=bucket(session, place))
    allow(session, name, "partner", "999999999999")
    return name


def closed(session: Session, place: Place) -> str:
    name = function(session, place)
    allow(session, name, "organization", "*", PrincipalOrgID="o-abcdefghij")
    allow(session, name, "trigger", "s3.amazonaws.com", SourceAccount=place.account)
    return name


def state(session: Session, place: Place, name: str) -> object:
    return CONTROL.read(session, CONTROL.resource(place, name), None)


CASES = (Case("everybody and S3", {}, opened, closed, state),)


@pytest.fixture(scope="module")
def member() -> Iterator[Session]:
    with member_account() as session:
        yield session


@pytest.mark.parametrize(
    ("statement", "verdict"),
    [
        (EVERYBODY, Verdict.NON_COMPLIANT),
        ({**EVERYBODY, "Principal": {"AWS": "*"}}, Verdict.NON_COMPLIANT),
        ({**EVERYBODY, "Condition": {"StringLike": {"AWS:SourceArn": "*"}}}, Verdict.NON_COMPLIANT),
        ({**EVERYBODY, "Condition": {"ArnLike": {"AWS:SourceArn": "arn:aws:s3:::*"}}}, Verdict.NON_COMPLIANT),
        (
            {**EVERYBODY, "Condition": {"ArnLike": {"AWS:SourceArn": "arn:aws:events:*:*:rule/*"}}},
            Verdict.NON_COMPLIANT,
        ),
        ({**EVERYBODY, "Condition": {"ArnLike": {"AWS:SourceArn": f"arn:aws:events:*:{MEMBER}:*"}}}, Verdict.COMPLIANT),
        ({**EVERYBODY, "Condition": {"StringEquals": {"lambda:FunctionUrlAuthType": "NONE"}}}, Verdict.NON_COMPLIANT),
        ({**EVERYBODY, "Condition": {"StringEquals": {"aws:PrincipalOrgID": "o-a"}}}, Verdict.COMPLIANT),
        ({**EVERYBODY, "Condition": {"StringNotEquals": {"aws:PrincipalOrgID": "o-a"}}}, Verdict.NON_COMPLIANT),
        ({**EVERYBODY, "Effect": "Deny"}, Verdict.COMPLIANT),
        ({**EVERYBODY, "Principal": {"AWS": f"arn:aws:iam::{MEMBER}:root"}}, Verdict.COMPLIANT),
        (BY_S3, Verdict.NON_COMPLIANT),
        ({**BY_S3, "Condition": BUCKET}, Verdict.NON_COMPLIANT),
        ({**BY_S3, "Condition": OWN}, Verdict.COMPLIANT),
        ({**BY_S3, "Condition": {"StringLike": {"AWS:SourceAccount": "*"}}}, Verdict.NON_COMPLIANT),
        ({**BY_S3, "Condition": {"StringNotEquals": {"AWS:SourceAccount": MEMBER}}}, Verdict.NON_COMPLIANT),
        ({**BY_S3, "Principal": {"Service": "sns.amazonaws.com"}}, Verdict.COMPLIANT),
    ],
    ids=str,
)
def test_statements_for_everybody_and_for_any_bucket_fail(statement: Mapping[str, Any], verdict: Verdict) -> None:
    assert evaluate({"Statements": [statement]}, {}).verdict is verdict


def test_a_function_becomes_compliant_and_the_undo_writes_the_statements_again(member: Session) -> None:
    resource = CONTROL.resource(PLACE, opened(member, PLACE))
    before = state(member, PLACE, resource.id)
    applied = apply_plan(member, planned(member, CONTROL, resource))
    assert [one.name for one in applied.done] == [f"allow-trigger-of-{MEMBER}", "remove-trigger", "remove-anybody"]
    assert judged(member, CONTROL, resource).verdict is Verdict.COMPLIANT
    policy = json.loads(member.client("lambda").get_policy(FunctionName=resource.id)["Policy"])
    assert [one["Sid"] for one in policy["Statement"]] == ["partner", f"trigger-of-{MEMBER}"]
    assert policy["Statement"][1]["Condition"]["StringEquals"] == {"AWS:SourceAccount": MEMBER}
    undo(member, applied)
    assert state(member, PLACE, resource.id) == before


def test_what_an_interrupted_run_has_added_is_not_added_again(member: Session) -> None:
    resource = CONTROL.resource(PLACE, opened(member, PLACE))
    apply_plan(member, planned(member, CONTROL, resource), only=1)
    plan = planned(member, CONTROL, resource)
    assert isinstance(plan, Plan)
    assert [one.name for one in plan.changes] == ["remove-trigger", "remove-anybody"]


def test_a_bucket_of_another_account_is_a_reason_to_refuse(member: Session) -> None:
    name = function(member, PLACE)
    allow(member, name, "trigger", "s3.amazonaws.com", SourceArn="arn:aws:s3:::nobody-s")
    refusal = planned(member, CONTROL, CONTROL.resource(PLACE, name))
    assert isinstance(refusal, Refusal)
    assert "nobody-s" in refusal.reason


@pytest.mark.parametrize(
    "change",
    [
        {"Condition": {"DateLessThan": {"aws:CurrentTime": "2027-01-01"}}},
        {"Condition": {"ArnLike": {"AWS:SourceArn": ["arn:aws:s3:::a", "arn:aws:s3:::b"]}}},
        {"Action": ["lambda:InvokeFunction"]},
    ],
    ids=str,
)
def test_a_statement_for_s3_that_cannot_be_written_again_is_left(change: dict[str, Any]) -> None:
    resource = CONTROL.resource(PLACE, "f")
    assert isinstance(CONTROL.plan(resource, {"Statements": [{**BY_S3, **change}]}, {}, {"Foreign": []}), Refusal)


def test_a_statement_for_everybody_that_cannot_be_written_again_is_removed_for_good() -> None:
    resource = CONTROL.resource(PLACE, "f")
    statement = {**EVERYBODY, "Condition": {"DateLessThan": {"aws:CurrentTime": "2027-01-01"}}}
    plan = CONTROL.plan(resource, {"Statements": [statement]}, {}, {"Foreign": []})
    assert isinstance(plan, Plan)
    assert plan.changes[0].irreversible == "Lambda's API cannot write the statement's conditions again"


def test_callers_of_a_function_url_are_cut_off_by_a_person_alone() -> None:
    condition = {"Bool": {"lambda:InvokedViaFunctionUrl": "true"}}
    resource = CONTROL.resource(PLACE, "f")
    plan = CONTROL.plan(resource, {"Statements": [{**EVERYBODY, "Condition": condition}]}, {}, {"Foreign": []})
    assert isinstance(plan, Plan)
    assert plan.ceiling is not None
    assert plan.ceiling.mode is Mode.APPROVE
    inverse = plan.changes[0].inverse
    assert inverse is not None
    assert inverse.parameters["InvokedViaFunctionUrl"] is True


@pytest.mark.parametrize(
    ("condition", "asked"),
    [({}, True), ({"ArnLike": {"AWS:SourceArn": "arn:aws:s3:::data-*"}}, True), (BUCKET, False)],
    ids=str,
)
def test_a_person_decides_where_no_single_bucket_says_whose_it_is(condition: dict[str, Any], asked: bool) -> None:
    resource = CONTROL.resource(PLACE, "f")
    statement = {**BY_S3, "Condition": condition}
    plan = CONTROL.plan(resource, {"Statements": [EVERYBODY, statement]}, {}, {"Foreign": []})
    assert isinstance(plan, Plan)
    assert (plan.ceiling is not None and plan.ceiling.mode is Mode.APPROVE) is asked
    assert any("whose buckets call by s3" in one for one in plan.leaves) is asked


def test_a_function_that_is_gone_is_no_error(member: Session) -> None:
    assert state(member, PLACE, "nowhere") is None
