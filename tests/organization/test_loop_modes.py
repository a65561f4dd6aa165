"""What the loop does where it must not change anything, and what it finds when events are lost."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from lambdas import findings
from lambdas.controls.model import Resource, non_compliant
from operations.local_estate import HUB
from simulator.services.events import Events
from tests.organization.loop_world import (
    FOREIGN,
    NAMES,
    NOTIFIED,
    REGION,
    SSH,
    TEAM,
    WORLD_OPEN,
    Loop,
    deployed,
    ingress,
    killed_at,
    open_group,
)

OPEN = [("tcp", 22, 22, "0.0.0.0/0")]


@pytest.fixture(scope="module")
def loop() -> Iterator[Loop]:
    with deployed() as opened:
        yield opened


@contextmanager
def stopped(loop: Loop) -> Iterator[None]:
    """Stop everything, as the runbook says."""
    dynamodb = loop.hub.client("dynamodb")
    key = {"key": {"S": "stop"}}
    dynamodb.put_item(
        TableName=NAMES.state_table, Item={**key, "stopped": {"BOOL": True}, "by": {"S": "the night duty"}}
    )
    try:
        yield
    finally:
        dynamodb.delete_item(TableName=NAMES.state_table, Key=key)


def seen(loop: Loop, group: Resource) -> tuple[str, str, str]:
    finding = loop.finding(group)
    return finding["Compliance"]["Status"], finding["Workflow"]["Status"], finding["RecordState"]


def test_the_emergency_stop_halts_every_remediation_and_people_are_told_who_set_it(loop: Loop) -> None:
    with stopped(loop):
        groups = [open_group(loop.member()), open_group(loop.member(NOTIFIED))]
        log = len(loop.organization.door.log)
        loop.rest()
        for group in groups:
            (outcome,) = loop.outcomes(group)
            assert outcome["outcome"] == "limited"
            assert outcome["reason"] == "the emergency stop is on, set by the night duty"
            assert seen(loop, group) == ("FAILED", "NOTIFIED", "ACTIVE")
            (mail,) = loop.mails(group)
            assert mail.attributes["outcome"] == "limited"
        assert [one for one in loop.organization.door.log[log:] if f"/{NAMES.reader_role}/" in one.principal] == []


def test_what_the_emergency_stop_held_up_can_be_asked_for_again_after_it(loop: Loop) -> None:
    with stopped(loop), loop.recorded() as delivered:
        group = open_group(loop.member())
        loop.rest()
    assert loop.run_again(delivered, NAMES.remediate_function) == []
    loop.rest()
    assert ingress(loop.member(), group) == []
    assert sorted(one["outcome"] for one in loop.outcomes(group)) == ["limited", "remediated"]


@pytest.mark.parametrize("operation", ["securityhub:BatchUpdateFindings", "sns:Publish", "dynamodb:UpdateItem"])
def test_a_guard_s_refusal_is_told_though_the_function_was_killed_meanwhile(loop: Loop, operation: str) -> None:
    with stopped(loop), killed_at(loop.organization, *operation.split(":")) as killed:
        group = open_group(loop.member())
        loop.rest()
    assert killed == [operation]
    assert [one["outcome"] for one in loop.outcomes(group)] == ["limited"]
    assert {mail.attributes["outcome"] for mail in loop.mails(group)} == {"limited"}
    assert seen(loop, group) == ("FAILED", "NOTIFIED", "ACTIVE")


def test_an_account_on_notify_is_only_told(loop: Loop) -> None:
    with pytest.raises(ClientError, match="NoSuchEntity"):
        loop.member(NOTIFIED).client("iam").get_role(RoleName=NAMES.writer_role)
    group = open_group(loop.member(NOTIFIED))
    loop.rest()
    assert ingress(loop.member(NOTIFIED), group) == OPEN
    assert [one["outcome"] for one in loop.outcomes(group)] == ["notified"]
    assert seen(loop, group) == ("FAILED", "NOTIFIED", "ACTIVE")
    (mail,) = loop.mails(group)
    assert "revoke_security_group_ingress" in mail.message


def test_an_exempted_resource_is_suppressed_and_one_whose_exemption_has_expired_is_not(loop: Loop) -> None:
    exempted = open_group(loop.member(), access="bastion")
    expired = open_group(loop.member(), access="expired")
    loop.rest()
    assert ingress(loop.member(), exempted) == OPEN
    assert seen(loop, exempted) == ("FAILED", "SUPPRESSED", "ACTIVE")
    assert [one["outcome"] for one in loop.outcomes(exempted)] == ["exempted"]
    assert loop.mails(exempted) == []
    assert ingress(loop.member(), expired) == []


def test_the_finding_of_a_deleted_resource_is_archived(loop: Loop) -> None:
    group = open_group(loop.member(NOTIFIED))
    loop.rest()
    loop.member(NOTIFIED).client("ec2").delete_security_group(GroupId=group.id)
    loop.rest()
    assert loop.finding(group)["RecordState"] == "ARCHIVED"


def test_a_resource_that_is_gone_before_its_remediation_is_recorded_and_not_told(loop: Loop) -> None:
    with loop.recorded() as delivered:
        group = open_group(loop.member(NOTIFIED))
        loop.rest()
    loop.member(NOTIFIED).client("ec2").delete_security_group(GroupId=group.id)
    loop.rest()
    (message,) = [payload for one, payload, _ in delivered.invocations if one.name == NAMES.remediate_function]
    finding = json.loads(message["Records"][0]["body"])["detail"]["findings"][0]
    mails = len(loop.mails(group))
    loop.send({"detail": {"findings": [{**finding, "UpdatedAt": "2026-06-01T00:00:00.000Z"}]}})
    loop.rest()
    assert sorted(one["outcome"] for one in loop.outcomes(group)) == ["gone", "notified"]
    assert len(loop.mails(group)) == mails


def test_an_account_of_another_environment_is_not_touched_whatever_item_somebody_writes_for_it(loop: Loop) -> None:
    """The pipeline of this environment may write an item for any account, under its own environment's name only."""
    credentials = loop.hub.client("sts").assume_role(
        RoleArn=f"arn:aws:iam::{HUB}:role/palisade-pipeline", RoleSessionName="test"
    )["Credentials"]
    writer = (
        _session(credentials)
        .client("sts")
        .assume_role(RoleArn=f"arn:aws:iam::{HUB}:role/{NAMES.policy_role('local')}", RoleSessionName="test")[
            "Credentials"
        ]
    )
    dynamodb = _session(writer).client("dynamodb")
    item = dynamodb.get_item(
        TableName=NAMES.policies_table, Key={"environment": {"S": "local"}, "account": {"S": TEAM}}
    )["Item"]
    document = {**json.loads(item["document"]["S"]), "account": FOREIGN}
    forged: Any = {**item, "account": {"S": FOREIGN}, "document": {"S": json.dumps(document)}}
    dynamodb.put_item(TableName=NAMES.policies_table, Item=forged)
    with pytest.raises(ClientError, match="AccessDenied"):
        dynamodb.put_item(TableName=NAMES.policies_table, Item={**forged, "environment": {"S": "other"}})
    group = open_group(loop.member(FOREIGN))
    ledger = loop.ledger()
    loop.send({"detail": {"findings": [_as_detected(loop, group)]}})
    loop.rest()
    assert ingress(loop.member(FOREIGN), group) == OPEN
    assert loop.ledger() == ledger
    assert loop.mails(group) == []


def _session(credentials: Any) -> boto3.Session:
    return boto3.Session(
        aws_access_key_id=credentials["AccessKeyId"],
        aws_secret_access_key=credentials["SecretAccessKey"],
        aws_session_token=credentials["SessionToken"],
        region_name=REGION,
    )


def _as_detected(loop: Loop, group: Resource) -> dict[str, Any]:
    now = loop.organization.do(loop.organization.world.agenda.now)
    return {**findings.build(SSH, group, non_compliant("open"), "d", None, now), "Region": REGION}


def test_a_lost_event_is_found_by_the_schedule(loop: Loop) -> None:
    delivery = loop.organization.world.service(Events).delivery
    send = delivery.send

    def lost(rule: Any, target: Any, event: Any, *, forwarded: bool) -> None:
        if event["source"] != "aws.config":
            send(rule, target, event, forwarded=forwarded)

    delivery.send = lost  # type: ignore[method-assign]
    try:
        group = open_group(loop.member())
        loop.rest()
    finally:
        del delivery.send
    assert ingress(loop.member(), group) == OPEN
    loop.organization.advance(timedelta(hours=6, minutes=1))
    loop.rest()
    assert ingress(loop.member(), group) == []
    assert [one["outcome"] for one in loop.outcomes(group)] == ["remediated"]


def test_reconciling_imports_nothing_where_nothing_is_new(loop: Loop) -> None:
    open_group(loop.member(NOTIFIED))
    loop.rest()
    loop.invoke_detect(NOTIFIED, {"palisade": "reconcile"})
    assert loop.invoke_detect(NOTIFIED, {"palisade": "reconcile"}) == {"findings": 0, "failed": False}


def test_a_compliant_resource_that_is_broken_by_its_owner_again_is_remediated_again(loop: Loop) -> None:
    group = open_group(loop.member())
    loop.rest()
    loop.member().client("ec2").authorize_security_group_ingress(GroupId=group.id, IpPermissions=WORLD_OPEN)
    loop.rest()
    assert ingress(loop.member(), group) == []
    assert [one["outcome"] for one in loop.outcomes(group)] == ["remediated", "remediated"]


def test_an_unknown_event_fails_and_is_kept_for_people(loop: Loop) -> None:
    answer = loop.invoke_detect(TEAM, {"something": "else"})
    assert answer["failed"]
    assert answer["errorType"] == "UnknownEventError"
