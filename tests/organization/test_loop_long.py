"""A plan that takes time: approved, handed over to the state machine, followed to its end, or restored."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from lambdas.controls.model import Resource
from operations.local_estate import HUB
from simulator.faults import Fault, Kind
from tests.controls import test_s3_bucket_customer_key_encrypted as buckets
from tests.controls.keys import data_key
from tests.organization.loop_world import NAMES, NOTIFIED, PLACE, REGION, S3, SSH, TEAM
from tests.organization.people_world import People, peopled

ROLE = f"arn:aws:iam::{TEAM}:role/{buckets.JOB_ROLE}"
GIVEN = {"key": {REGION: "alias/data"}, "reencrypt": True, "reencrypt_role": ROLE}


@pytest.fixture(scope="module")
def loop() -> Iterator[People]:
    overrides = [
        # A bucket without a policy is a question of S3.5, too.
        {
            "accounts": [TEAM],
            "controls": {S3.id: {"mode": "approve", "parameters": GIVEN}, "S3.5": {"mode": "off"}},
        },
        {"accounts": [NOTIFIED], "controls": {SSH.id: {"mode": "notify"}}},
    ]
    with peopled(overrides=overrides) as opened:
        yield opened


def waiting(loop: People) -> tuple[Resource, str]:
    bucket = S3.resource(PLACE, buckets.bucket_with_objects(loop.member(), PLACE))
    loop.rest()
    (identifier,) = loop.named(bucket.arn, "awaiting-approval")
    return bucket, identifier


def approved(loop: People, identifier: str) -> None:
    assert loop.asks(loop.person("alice"), "approve", identifier)[0] == 200


def keys(loop: People, bucket: Resource) -> set[Any]:
    return set(buckets.encryptions(loop.member(), bucket.id).values())


def test_an_approved_plan_is_followed_to_its_end_by_the_state_machine(loop: People) -> None:
    bucket, identifier = waiting(loop)
    approved(loop, identifier)
    loop.organization.advance(timedelta(hours=1))
    entries = loop.ledger_of(identifier)
    assert entries["outcome"]["outcome"] == "remediated", entries["outcome"]
    kinds = [name.partition("-")[2] for name in entries if name[:4].isdigit()]
    assert kinds == [*3 * ["intent", "response"], "effect"]
    # That a change has taken stands in the entry that follows it.
    assert entries["0005-intent"]["taken"] == [{"change": entries["0004-response"]["change"], "value": "Complete"}]
    assert entries["0007-effect"]["change"] == entries["0006-response"]["change"]
    assert keys(loop, bucket) == {data_key(loop.member())}
    assert loop.finding(bucket, S3)["Workflow"]["Status"] == "RESOLVED"
    lock = next(item for item in loop.state() if item["key"]["S"] == f"lock#{TEAM}#{REGION}#{bucket.arn}")
    assert "owner" not in lock
    states = loop.hub.client("stepfunctions")
    machine = f"arn:aws:states:{REGION}:{HUB}:stateMachine:{NAMES.advance_machine}"
    ended = states.list_executions(stateMachineArn=machine)["executions"]
    assert [(one["name"], one["status"]) for one in ended] == [(f"{identifier}-1", "SUCCEEDED")]
    told = [mail.subject.split("]")[0] for mail in loop.mails(bucket)]
    assert told == ["[awaiting-approval", "[in-progress", "[remediated"]


def test_what_fails_half_way_is_restored_and_what_cannot_be_is_told(loop: People) -> None:
    bucket, identifier = waiting(loop)
    # The role of the jobs loses its right between the approval and the jobs: S3 fails them.
    iam = loop.member().client("iam")
    iam.delete_role_policy(RoleName=buckets.JOB_ROLE, PolicyName="job")
    approved(loop, identifier)
    loop.organization.advance(timedelta(hours=1))
    outcome = loop.ledger_of(identifier)["outcome"]
    loop.member().client("iam").delete_role(RoleName=buckets.JOB_ROLE)
    buckets.job_role(loop.member())
    assert outcome["outcome"] == "failed"
    assert "failed: Job.Status is Failed" in outcome["reason"]
    assert "not restored: re-encrypt-sse-kms-objects: S3 re-encrypts objects in place" in outcome["reason"]
    rule = buckets.encryption(loop.member(), bucket.id)
    assert rule["ApplyServerSideEncryptionByDefault"] == {"SSEAlgorithm": "AES256"}, "the bucket is as it was"


def test_a_step_that_fails_is_made_again_and_the_plan_goes_on(loop: People) -> None:
    bucket, identifier = waiting(loop)
    faults = loop.organization.faults
    reader = f"*:assumed-role/{NAMES.reader_role}/*"
    for number in (1, 2, 3):
        faults.add(Fault(Kind.ERROR, "s3control", "DescribeJob", principal=reader, nth=number))
    try:
        approved(loop, identifier)
        loop.organization.advance(timedelta(hours=2))
    finally:
        faults.clear()
    assert loop.ledger_of(identifier)["outcome"]["outcome"] == "remediated"
    assert keys(loop, bucket) == {data_key(loop.member())}


def test_the_emergency_stop_pauses_a_long_plan_between_its_steps(loop: People) -> None:
    _, identifier = waiting(loop)
    approved(loop, identifier)
    loop.organization.advance(timedelta(seconds=20))
    assert loop.asks(loop.person("alice"), "stop", reason="an incident")[0] == 200
    loop.organization.advance(timedelta(hours=1))
    assert "outcome" not in loop.ledger_of(identifier)
    assert loop.asks(loop.person("alice"), "resume")[0] == 200
    loop.organization.advance(timedelta(hours=1))
    assert loop.ledger_of(identifier)["outcome"]["outcome"] == "remediated"


def test_an_account_without_a_policy_is_changed_no_further_until_it_has_one_again(loop: People) -> None:
    bucket, identifier = waiting(loop)
    approved(loop, identifier)
    loop.organization.advance(timedelta(seconds=20))
    key = {"environment": {"S": "local"}, "account": {"S": TEAM}}
    item = loop.hub.client("dynamodb").get_item(TableName=NAMES.policies_table, Key=key)["Item"]
    loop.hub.client("dynamodb").delete_item(TableName=NAMES.policies_table, Key=key)
    loop.organization.advance(timedelta(minutes=2))  # the function knows an account for a minute
    written = set(loop.ledger_of(identifier))
    loop.organization.advance(timedelta(hours=1))
    assert set(loop.ledger_of(identifier)) == written
    assert not {"outcome", "0007-effect"} & written
    loop.hub.client("dynamodb").put_item(TableName=NAMES.policies_table, Item=item)
    loop.organization.advance(timedelta(hours=2))
    assert loop.ledger_of(identifier)["outcome"]["outcome"] == "remediated"
    assert keys(loop, bucket) == {data_key(loop.member())}
