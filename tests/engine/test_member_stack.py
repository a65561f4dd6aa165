"""A member stack by the real engine: preview, up, no change, one change, drift, destroy."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import pytest

from operations import local_estate
from operations.engine import EngineError, Result, Stack
from tests.engine.estate import FIRST, REGION, SECOND, Estate

QUEUE = "palisade-detect-dlq"


@dataclass(frozen=True, slots=True)
class Deployed:
    """A member stack over a hub, what stood before it, and what its first preview and up did."""

    estate: Estate
    stack: Stack
    before: Mapping[str, Mapping[str, list[str]]]
    previewed: Result
    changed_by_preview: list[str]
    made: Result


@pytest.fixture(scope="module")
def deployed(estate: Estate) -> Deployed:
    estate.stack("security", "organization", "hub").up()
    before = {account: estate.standing(account) for account in (FIRST, SECOND)}
    stack = estate.stack("members", "members")
    previews: list[Result] = []
    changed = estate.changing_calls(lambda: previews.append(stack.preview()))
    return Deployed(estate, stack, before, previews[0], changed, stack.up())


def updates(result: Result) -> Counter[tuple[str, str]]:
    return Counter((one.operation, one.token) for one in result.steps)


def test_a_preview_plans_everything_and_makes_nothing(deployed: Deployed) -> None:
    assert deployed.changed_by_preview == []
    assert deployed.previewed.counts == deployed.made.counts
    assert set(deployed.made.counts) == {"create"}


def test_every_member_detects_after_up(deployed: Deployed) -> None:
    for account in (FIRST, SECOND):
        standing = deployed.estate.standing(account)
        assert standing["functions"] == ["palisade-detect"]
        assert len(standing["config"]) == 2


def test_the_outputs_of_the_program_name_the_members(deployed: Deployed) -> None:
    assert sorted(deployed.stack.outputs()["accounts"]) == [FIRST, SECOND]


def test_an_unchanged_program_changes_nothing(deployed: Deployed) -> None:
    assert deployed.stack.preview("--expect-no-changes").unchanged
    assert deployed.estate.changing_calls(deployed.stack.up) == []


def test_a_refresh_reads_back_what_was_made(deployed: Deployed) -> None:
    assert deployed.stack.refresh("--expect-no-changes").unchanged


def test_one_changed_setting_updates_exactly_what_it_concerns(deployed: Deployed) -> None:
    deployed.stack.configure(deployed.estate.config("members", logRetentionDays=30))
    result = deployed.stack.up()
    assert updates(result) == {("update", "aws:cloudwatch/logGroup:LogGroup"): 2}
    assert {one.differs for one in result.steps} == {("retentionInDays",)}
    for account in (FIRST, SECOND):
        groups = deployed.estate.client(account, "logs").describe_log_groups()["logGroups"]
        assert [one["retentionInDays"] for one in groups if one["logGroupName"].endswith("palisade-detect")] == [30]
    deployed.stack.configure(deployed.estate.config("members"))
    deployed.stack.up()


def test_a_weaker_mode_takes_the_writer_s_permissions_and_the_policy_items_along(deployed: Deployed) -> None:
    config = deployed.estate.config("members")
    controls = {**config["controls"], "EC2.13": {"mode": "notify"}}
    deployed.stack.configure({**config, "controls": controls})
    weakened = deployed.stack.up()
    assert updates(weakened) == {
        ("update", "aws:iam/rolePolicy:RolePolicy"): 2,
        ("update", "aws:dynamodb/tableItem:TableItem"): 2,
    }
    deployed.stack.configure(config)
    assert updates(deployed.stack.up()) == updates(weakened)


def test_drift_by_hand_is_found_by_refresh_and_repaired_by_up(deployed: Deployed) -> None:
    estate, stack = deployed.estate, deployed.stack
    queues, events = estate.client(FIRST, "sqs"), estate.client(SECOND, "events")
    url = queues.get_queue_url(QueueName=QUEUE)["QueueUrl"]
    queues.set_queue_attributes(QueueUrl=url, Attributes={"MessageRetentionPeriod": "60"})
    events.disable_rule(Name="palisade-reconcile")
    estate.client(SECOND, "lambda").remove_permission(FunctionName="palisade-detect", StatementId="config")

    assert updates(stack.refresh()) == {
        ("update", "aws:sqs/queue:Queue"): 1,
        ("update", "aws:cloudwatch/eventRule:EventRule"): 1,
        ("delete", "aws:lambda/permission:Permission"): 1,
    }

    repaired = stack.up()
    assert updates(repaired) == {
        ("update", "aws:sqs/queue:Queue"): 1,
        ("update", "aws:cloudwatch/eventRule:EventRule"): 1,
        ("create", "aws:lambda/permission:Permission"): 1,
    }
    attributes = queues.get_queue_attributes(QueueUrl=url, AttributeNames=["MessageRetentionPeriod"])["Attributes"]
    assert attributes == {"MessageRetentionPeriod": str(14 * 24 * 3600)}
    assert events.describe_rule(Name="palisade-reconcile")["State"] == "ENABLED"
    assert stack.refresh("--expect-no-changes").unchanged


def test_a_setting_that_the_program_refuses_ends_the_run_with_its_reason(deployed: Deployed) -> None:
    deployed.stack.configure(deployed.estate.config("members", logRetentionDays=31))
    try:
        with pytest.raises(EngineError, match="logRetentionDays"):
            deployed.stack.preview()
    finally:
        deployed.stack.configure(deployed.estate.config("members"))


def test_an_account_that_cannot_be_entered_is_named_with_its_role(deployed: Deployed) -> None:
    iam = deployed.estate.client(FIRST, "iam")
    trust = iam.get_role(RoleName="palisade-deployment")["Role"]["AssumeRolePolicyDocument"]
    denied = {**trust, "Statement": [{**one, "Effect": "Deny"} for one in trust["Statement"]]}
    iam.update_assume_role_policy(RoleName="palisade-deployment", PolicyDocument=json.dumps(denied))
    try:
        with pytest.raises(EngineError) as failed:
            deployed.stack.preview()
    finally:
        iam.update_assume_role_policy(RoleName="palisade-deployment", PolicyDocument=json.dumps(trust))
    assert f"arn:aws:iam::{FIRST}:role/palisade-deployment" in str(failed.value)


def test_destroy_returns_members_to_what_they_were(deployed: Deployed) -> None:
    estate = deployed.estate
    result = deployed.stack.destroy()
    assert set(result.counts) == {"delete"}
    assert {account: estate.standing(account) for account in (FIRST, SECOND)} == deployed.before
    items = estate.client(local_estate.HUB, "dynamodb").scan(TableName="palisade-policies")["Items"]
    assert items == []
    objects = estate.client(local_estate.HUB, "s3").list_objects_v2(
        Bucket=f"palisade-code-{local_estate.HUB}-{REGION}", Prefix="settings/"
    )
    assert objects["KeyCount"] > 0, "functions that were not updated yet still read their settings"
