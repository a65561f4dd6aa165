"""A member stack that fails in one account: the others are deployed all the same, and the next up makes the rest."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest

from operations.engine import EngineError, Result, Stack
from tests.engine.estate import FIRST, REGION, SECOND, Estate

QUEUE = "palisade-detect-dlq"
ROLE = "palisade-deployment"


@pytest.fixture(scope="module")
def stack(estate: Estate) -> Stack:
    estate.stack("security", "organization", "hub").up()
    return estate.stack("members", "members")


@pytest.fixture(autouse=True)
def undone(stack: Stack) -> Iterator[None]:
    """Leave nothing to the next test."""
    yield
    stack.destroy()


@contextmanager
def queue_in_the_way(estate: Estate, account: str) -> Iterator[None]:
    """A queue of somebody's with other attributes: creating ours fails."""
    queues = estate.client(account, "sqs")
    url = queues.create_queue(QueueName=QUEUE, Attributes={"VisibilityTimeout": "1"})["QueueUrl"]
    yield
    queues.delete_queue(QueueUrl=url)


@contextmanager
def shut(estate: Estate, account: str) -> Iterator[None]:
    """The deployment role admits nobody."""
    iam = estate.client(account, "iam")
    trust = iam.get_role(RoleName=ROLE)["Role"]["AssumeRolePolicyDocument"]
    denied = {**trust, "Statement": [{**one, "Effect": "Deny"} for one in trust["Statement"]]}
    iam.update_assume_role_policy(RoleName=ROLE, PolicyDocument=json.dumps(denied))
    yield
    iam.update_assume_role_policy(RoleName=ROLE, PolicyDocument=json.dumps(trust))


def failed(stack: Stack) -> EngineError:
    with pytest.raises(EngineError) as caught:
        stack.up("--continue-on-error")
    return caught.value


def made(result: Result) -> set[str]:
    return {one.urn for one in result.steps if one.operation == "create" and "$aws:" in one.urn}


def of(account: str, urns: set[str]) -> set[str]:
    return {urn for urn in urns if account in urn}


def test_a_failed_resource_costs_its_own_account_alone_and_the_next_up_makes_the_rest(
    estate: Estate, stack: Stack
) -> None:
    with queue_in_the_way(estate, FIRST):
        error = failed(stack)
    assert error.result.code != 0
    said = str(error)
    assert [
        part for part in (FIRST, REGION, "CreateQueue", f"detection-{FIRST}-{REGION}-dlq") if part not in said
    ] == []
    told = [one for one in error.result.diagnostics if one.startswith("urn:")]
    assert len(told) == 1, "only what failed is told, not all that stands on it"
    standing = estate.standing(SECOND)
    assert standing["functions"] == ["palisade-detect"]
    assert len(standing["config"]) == 2

    finished = stack.up()
    assert {one.operation for one in finished.steps} == {"create"}
    assert of(SECOND, made(finished)) == set()
    assert made(finished).isdisjoint(made(error.result))
    assert estate.standing(FIRST)["functions"] == ["palisade-detect"]
    assert stack.preview("--expect-no-changes").unchanged


def test_an_update_that_fails_in_one_account_is_made_in_the_others(estate: Estate, stack: Stack) -> None:
    stack.up()
    queues = estate.client(FIRST, "sqs")
    url = queues.get_queue_url(QueueName=QUEUE)["QueueUrl"]
    queues.delete_queue(QueueUrl=url)
    stack.configure(estate.config("members", tags={"team": "security"}))
    error = failed(stack)
    assert f"detection-{FIRST}-{REGION}-dlq" in str(error)
    groups = estate.client(SECOND, "logs").describe_log_groups()["logGroups"]
    arn = next(one["arn"] for one in groups if one["logGroupName"].endswith("palisade-detect")).removesuffix(":*")
    tags = estate.client(SECOND, "logs").list_tags_for_resource(resourceArn=arn)["tags"]
    assert tags.get("team") == "security"

    stack.refresh()
    stack.up()
    assert stack.preview("--expect-no-changes").unchanged
    stack.configure(estate.config("members"))


def test_an_account_that_cannot_be_entered_ends_the_run_with_its_role(estate: Estate, stack: Stack) -> None:
    # The engine enters an account for the first check of a resource in it, and a check that errs is no failed step.
    with shut(estate, FIRST):
        error = failed(stack)
    assert f"arn:aws:iam::{FIRST}:role/{ROLE}" in str(error)
    stack.up()
    assert {account: estate.standing(account)["functions"] for account in (FIRST, SECOND)} == {
        FIRST: ["palisade-detect"],
        SECOND: ["palisade-detect"],
    }


def test_what_the_program_says_of_a_resource_beforehand_is_what_aws_answers(stack: Stack) -> None:
    stack.up()
    resources = {one["urn"]: one for one in json.loads(stack.run("stack", "export").output)["deployment"]["resources"]}
    compared = 0
    for resource in resources.values():
        for name, urns in (resource.get("propertyDependencies") or {}).items():
            values = [value for urn in urns or [] for value in answered(resources[urn])]
            for text in texts(resource["inputs"][name]) if values else ():
                if text.startswith(("arn:", "https://")):
                    assert text in values, (resource["urn"], name)
                    compared += 1
    assert compared > 10


def answered(resource: Mapping[str, Any]) -> Iterator[str]:
    yield resource.get("id", "")
    yield from texts(resource.get("outputs") or {})


def texts(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, list):
        for one in value:
            yield from texts(one)
    elif isinstance(value, str):
        yield value
