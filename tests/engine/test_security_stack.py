"""The security stack by the real engine, and a member stack that fails in one account on its way."""

from __future__ import annotations

from collections import Counter

import pytest

from operations import local_estate
from operations.engine import EngineError, Stack
from tests.engine.estate import FIRST, REGION, SECOND, Estate

QUEUE = "palisade-detect-dlq"


@pytest.fixture(scope="module")
def security(estate: Estate) -> Stack:
    stack = estate.stack("security", "organization", "hub")
    stack.up()
    return stack


def test_a_refresh_reads_back_what_was_made(security: Stack) -> None:
    assert security.refresh("--expect-no-changes").unchanged


def test_a_setting_that_reaches_every_account_updates_the_stack_set_and_what_else_it_concerns(
    estate: Estate, security: Stack
) -> None:
    security.configure(estate.config("organization", "hub", recorder="create"))
    result = security.up()
    assert Counter(one.token for one in result.steps if one.operation == "update") == {
        "aws:cloudformation/stackSet:StackSet": 1,
        "aws:kms/key:Key": 1,
    }
    made = [one for one in result.steps if one.operation == "create"]
    assert {one.name for one in made} == {"deliveries"}
    policies = estate.client(FIRST, "iam").list_attached_role_policies(RoleName="palisade-deployment")
    assert policies["AttachedPolicies"], "the deployment role of every member stands after the update"
    assert security.refresh("--expect-no-changes").unchanged


def test_the_bucket_of_recorders_is_given_up_by_name_and_stays(estate: Estate, security: Stack) -> None:
    # Of this test's own making: others of the module may have run elsewhere.
    security.configure(estate.config("organization", "hub", recorder="create"))
    security.up()
    security.configure(estate.config("organization", "hub"))
    with pytest.raises(EngineError, match="pulumi state unprotect") as failed:
        security.preview()
    security.run("state", "unprotect", str(failed.value).split("pulumi state unprotect '")[1].split("'")[0], "--yes")
    security.up()
    buckets = [one["Name"] for one in estate.client(local_estate.HUB, "s3").list_buckets()["Buckets"]]
    assert f"palisade-config-{local_estate.HUB}-{REGION}" in buckets
    assert security.refresh("--expect-no-changes").unchanged


def test_a_failed_create_names_its_place_and_the_next_up_makes_only_the_rest(estate: Estate, security: Stack) -> None:
    queues = estate.client(FIRST, "sqs")
    url = queues.create_queue(QueueName=QUEUE, Attributes={"VisibilityTimeout": "1"})["QueueUrl"]
    stack = estate.stack("members", "members")
    with pytest.raises(EngineError) as failed:
        stack.up()
    said = str(failed.value)
    assert [part for part in (FIRST, REGION, "CreateQueue", f"detection-{FIRST}") if part not in said] == []
    made = {one.urn for one in failed.value.result.steps if one.operation == "create"}

    queues.delete_queue(QueueUrl=url)
    finished = stack.up()
    assert {one.operation for one in finished.steps} == {"create"}
    assert not {one.urn for one in finished.steps} & {urn for urn in made if "$aws:" in urn}
    for account in (FIRST, SECOND):
        assert estate.standing(account)["functions"] == ["palisade-detect"]
    assert stack.preview("--expect-no-changes").unchanged


def test_a_member_stack_without_a_hub_is_refused_with_what_is_missing(estate: Estate, security: Stack) -> None:
    stack = estate.stack("early", "members", prefix="other")
    with pytest.raises(EngineError) as failed:
        stack.preview()
    assert "deploy the security stack first" in str(failed.value)
