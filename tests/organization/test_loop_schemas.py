"""What is written in a schema that the functions do not read: nothing is changed, and people are told why."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import boto3
import pytest

from operations.local_estate import HUB
from tests.organization.loop_world import NAMES, REGION, TEAM, Loop, deployed, ingress, open_group

OPEN = [("tcp", 22, 22, "0.0.0.0/0")]


@pytest.fixture(scope="module")
def loop() -> Iterator[Loop]:
    with deployed() as opened:
        yield opened


def logged(session: boto3.Session, function: str, said: str) -> bool:
    events = session.client("logs").filter_log_events(logGroupName=f"/aws/lambda/{function}")["events"]
    return any(said in one["message"] for one in events)


def test_a_policy_item_of_an_unknown_schema_changes_nothing_and_its_findings_wait_for_people(loop: Loop) -> None:
    dynamodb = loop.hub.client("dynamodb")
    key: Any = {"environment": {"S": "local"}, "account": {"S": TEAM}}
    item = dynamodb.get_item(TableName=NAMES.policies_table, Key=key)["Item"]
    dynamodb.put_item(TableName=NAMES.policies_table, Item={**item, "schema": {"N": "2"}})
    loop.organization.advance(timedelta(minutes=2))
    ledger = loop.ledger()
    group = open_group(loop.member())
    loop.organization.advance(timedelta(hours=4))
    assert ingress(loop.member(), group) == OPEN
    assert loop.ledger() == ledger
    assert [group.arn in one for one in loop.waiting(NAMES.findings_dead_letters)] == [True]
    assert logged(loop.hub, NAMES.remediate_function, "the policy item has schema 2; this version reads 1")

    # What the runbook says of dead letters: mend, and redrive.
    loop.hub.client("dynamodb").put_item(TableName=NAMES.policies_table, Item=item)
    loop.send(loop.waiting(NAMES.findings_dead_letters)[0])
    loop.organization.advance(timedelta(minutes=5))
    assert ingress(loop.member(), group) == []


def test_a_settings_object_of_an_unknown_schema_detects_nothing_and_the_event_is_kept(loop: Loop) -> None:
    functions = loop.member().client("lambda")
    variables = functions.get_function_configuration(FunctionName=NAMES.detect_function)["Environment"]["Variables"]
    s3, bucket = loop.hub.client("s3"), NAMES.code_bucket(HUB, REGION)
    text = s3.get_object(Bucket=bucket, Key=variables["PALISADE_SETTINGS_KEY"])["Body"].read()
    newer = json.dumps({**json.loads(text), "schema": 2}).encode()
    name = f"settings/{hashlib.sha256(newer).hexdigest()}.json"
    s3.put_object(Bucket=bucket, Key=name, Body=newer)
    functions.update_function_configuration(
        FunctionName=NAMES.detect_function, Environment={"Variables": {**variables, "PALISADE_SETTINGS_KEY": name}}
    )
    said = loop.invoke_detect(TEAM, {"palisade": "reconcile"})
    assert said["failed"]
    assert said["errorType"] == "SettingsError"
    assert f"{name} has schema 2; this version reads 1" in said["errorMessage"]
