"""Entries of the ledger that no item holds: kept whole, never written over, and never believed when altered."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from lambdas.remediation.record import Ledger, Objects, TamperedError
from operations.local_estate import HUB
from tests.organization.loop_world import NAMES, REGION, TEAM, Loop, deployed
from tests.organization.policy_world import session_of

BUCKET = NAMES.ledger_bucket(HUB, REGION)
# 600 KB of settings, as a bucket with a thousand rules may have.
BEFORE = {"Rules": [{"Id": f"rule-{number}", "Text": "x" * 580} for number in range(1000)]}
BODY = {"outcome": "remediated", "resource": "arn:aws:s3:::data", "before": BEFORE}


@pytest.fixture(scope="module")
def loop() -> Iterator[Loop]:
    with deployed() as opened:
        yield opened


def role(loop: Loop, name: str) -> boto3.Session:
    """The session of a function of the hub."""

    def enter() -> dict[str, Any]:
        world = loop.organization.world
        service = world.as_service("lambda.amazonaws.com", account=HUB)
        parameters = {"RoleArn": f"arn:aws:iam::{HUB}:role/{name}", "RoleSessionName": "function"}
        answer = world.call(service, "sts", "AssumeRole", parameters, region=REGION, account=HUB)
        return dict(answer["Credentials"])

    return session_of(loop.organization.do(enter), REGION)


def ledger(session: boto3.Session) -> Ledger:
    return Ledger(session.client("dynamodb"), NAMES.ledger_table, Objects.of(NAMES, session, HUB, REGION))


def refusal(call: Any, **given: Any) -> str:
    with pytest.raises(ClientError) as caught:
        call(Bucket=BUCKET, **given)
    return str(caught.value.response["Error"]["Code"])


def only_object(loop: Loop, remediation: str) -> str:
    (found,) = loop.hub.client("s3").list_objects_v2(Bucket=BUCKET, Prefix=f"{remediation}/")["Contents"]
    return str(found["Key"])


def test_what_is_too_large_for_an_item_is_kept_whole_and_read_back_by_every_function(loop: Loop) -> None:
    assert ledger(role(loop, NAMES.remediation_role)).write("r-large", "outcome", TEAM, BODY)
    for name in (NAMES.remediation_role, NAMES.sweep_function, NAMES.approve_function):
        (entry,) = ledger(role(loop, name)).entries("r-large")
        assert {key: entry[key] for key in BODY} == BODY


def test_the_item_tells_what_the_entry_is_without_the_object(loop: Loop) -> None:
    ledger(role(loop, NAMES.remediation_role)).write("r-item", "outcome", TEAM, BODY)
    body = loop.ledger_of("r-item")["outcome"]
    assert (body["outcome"], body["resource"]) == (BODY["outcome"], BODY["resource"])
    assert "before" not in body
    assert body["object"] == f"r-item/outcome/{body['sha256']}.json"


def test_a_second_delivery_writes_neither_object_nor_entry_again(loop: Loop) -> None:
    records = ledger(role(loop, NAMES.remediation_role))
    assert records.write("r-twice", "outcome", TEAM, BODY)
    assert not records.write("r-twice", "outcome", TEAM, BODY)
    versions = loop.hub.client("s3").list_object_versions(Bucket=BUCKET, Prefix="r-twice/")["Versions"]
    assert len(versions) == 1


def test_nobody_writes_over_an_entry_or_deletes_one_administrators_among_them(loop: Loop) -> None:
    central = role(loop, NAMES.remediation_role)
    ledger(central).write("r-kept", "outcome", TEAM, BODY)
    key = only_object(loop, "r-kept")
    for session in (central, loop.hub):
        s3 = session.client("s3")
        assert refusal(s3.put_object, Key=key, Body=b"{}") == "AccessDenied"
        assert refusal(s3.put_object, Key=key, Body=b"{}", IfNoneMatch="*") == "PreconditionFailed"
        assert refusal(s3.delete_object, Key=key) == "AccessDenied"
    reading = role(loop, NAMES.sweep_function).client("s3")
    assert refusal(reading.put_object, Key="new", Body=b"{}", IfNoneMatch="*") == "AccessDenied"


def test_an_object_that_is_not_what_was_written_is_not_believed(loop: Loop) -> None:
    central = role(loop, NAMES.remediation_role)
    records = ledger(central)
    central.client("s3").put_object(Bucket=BUCKET, Key="r-false", Body=b'{"outcome":"undone"}', IfNoneMatch="*")
    body = {"object": "r-false", "sha256": "0" * 64}
    records.write("r-false", "outcome", TEAM, body)
    with pytest.raises(TamperedError, match="r-false"):
        records.entries("r-false")


def test_the_bucket_is_what_our_own_controls_ask_of_one(loop: Loop) -> None:
    s3 = loop.hub.client("s3")
    (rule,) = s3.get_bucket_encryption(Bucket=BUCKET)["ServerSideEncryptionConfiguration"]["Rules"]
    assert rule["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"] == "aws:kms"
    assert s3.get_bucket_versioning(Bucket=BUCKET)["Status"] == "Enabled"
    assert set(s3.get_public_access_block(Bucket=BUCKET)["PublicAccessBlockConfiguration"].values()) == {True}
    denied = {one["Sid"] for one in json.loads(s3.get_bucket_policy(Bucket=BUCKET)["Policy"])["Statement"]}
    assert denied == {"NothingIsDeleted", "OnlyNewEntries", "OnlyTls"}
