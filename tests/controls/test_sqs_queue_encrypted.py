"""SQS.1: queues are encrypted; Security Hub alone detects."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from boto3 import Session

from lambdas.controls.model import Mode, Place, Plan, Verdict
from lambdas.controls.sqs_queue_encrypted import CONTROL, evaluate
from tests.controls.cases import Case
from tests.controls.round_trip import PLACE, apply_plan, judged, member_account, planned, undo


def queue(session: Session, place: Place, **attributes: str) -> str:
    given: Any = {"SqsManagedSseEnabled": "false", **attributes}
    name = f"queue-{uuid.uuid4()}"
    session.client("sqs").create_queue(QueueName=name, Attributes=given)
    return name


def encrypted(session: Session, place: Place) -> str:
    return queue(session, place, SqsManagedSseEnabled="true")


def state(session: Session, place: Place, name: str) -> object:
    return CONTROL.read(session, CONTROL.resource(place, name), None)


CASES = (Case("unencrypted", {}, queue, encrypted, state),)


@pytest.fixture(scope="module")
def member() -> Iterator[Session]:
    with member_account() as session:
        yield session


@pytest.mark.parametrize(
    ("managed", "key", "verdict"),
    [
        (True, None, Verdict.COMPLIANT),
        (False, "alias/aws/sqs", Verdict.COMPLIANT),
        (False, None, Verdict.NON_COMPLIANT),
    ],
)
def test_either_kind_of_key_counts(managed: bool, key: str | None, verdict: Verdict) -> None:
    assert evaluate({"SqsManagedSseEnabled": managed, "KmsMasterKeyId": key}, {}).verdict is verdict


def test_a_queue_becomes_compliant_and_the_undo_brings_back_what_was(member: Session) -> None:
    resource = CONTROL.resource(PLACE, queue(member, PLACE))
    before = state(member, PLACE, resource.id)
    plan = planned(member, CONTROL, resource)
    assert isinstance(plan, Plan)
    assert plan.ceiling is None
    applied = apply_plan(member, plan)
    assert judged(member, CONTROL, resource).verdict is Verdict.COMPLIANT
    undo(member, applied)
    assert state(member, PLACE, resource.id) == before


def test_a_queue_that_is_gone_is_no_error(member: Session) -> None:
    assert state(member, PLACE, "nowhere") is None


@pytest.mark.parametrize(
    "condition",
    [
        {},
        {"IpAddress": {"aws:SourceIp": "192.0.2.0/24"}},
        {"StringEquals": {"aws:SourceVpce": "vpce-1"}},
        {"ArnLike": {"aws:SourceArn": "arn:aws:s3:::*"}},
        {"ArnLike": {"aws:SourceArn": "arn:aws:events:*:*:rule/*"}},
    ],
    ids=str,
)
def test_a_queue_that_anonymous_requests_may_use_waits_for_a_person(member: Session, condition: dict[str, Any]) -> None:
    statement: dict[str, Any] = {"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage", "Resource": "*"}
    statement |= {"Condition": condition} if condition else {}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    plan = planned(member, CONTROL, CONTROL.resource(PLACE, queue(member, PLACE, Policy=document)))
    assert isinstance(plan, Plan)
    assert plan.ceiling is not None
    assert plan.ceiling.mode is Mode.APPROVE


def test_a_queue_that_one_topic_sends_to_needs_nobody(member: Session) -> None:
    topic = {"ArnEquals": {"aws:SourceArn": "arn:aws:sns:eu-west-1:111122223333:orders"}}
    statement = {"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage", "Resource": "*", "Condition": topic}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    plan = planned(member, CONTROL, CONTROL.resource(PLACE, queue(member, PLACE, Policy=document)))
    assert isinstance(plan, Plan)
    assert plan.ceiling is None
