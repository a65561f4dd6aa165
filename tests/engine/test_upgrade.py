"""A new version of Palisade by the real engine: the hub first, members after it, and the loop at each moment."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Mapping
from typing import Any

import pytest

from operations.engine import Stack
from operations.local_estate import HUB
from tests.engine.estate import FIRST, SECOND, Estate
from tests.engine.versions import edit, own_copy

SSH = "lambdas/controls/security_group_ssh_restricted.py"
MORE = "lambdas/controls/another_control.py"
OBJECT = "aws:s3/bucketObjectv2:BucketObjectv2"


@pytest.fixture(scope="module")
def stacks(estate: Estate) -> Mapping[str, Stack]:
    """Both stacks of the old version, at work; the new version lies ready in the workspace."""
    layers = {"security": ("organization", "hub"), "members": ("members",)}
    made = {name: estate.stack(name, *layers[name]) for name in layers}
    for stack in made.values():
        stack.up()
    estate.organization.rest()
    own_copy(estate.workspace)
    project = estate.workspace.folder
    edit(estate.workspace, "lambdas/remediate.py", "logger = Logger()", "logger = Logger()  # newer")
    shutil.copy(project / SSH, project / MORE)
    edit(estate.workspace, MORE, 'slug="security-group-ssh-restricted"', 'slug="one-more"')
    edit(estate.workspace, MORE, 'id="EC2.13"', 'id="Palisade.EC2.99"')
    return made


def code(estate: Estate, account: str, function: str) -> str:
    """The hash of the code that a function runs."""
    found: str = estate.client(account, "lambda").get_function_configuration(FunctionName=function)["CodeSha256"]
    return found


def open_to_ssh(estate: Estate, account: str, group: str) -> bool:
    """Whether a group still lets anybody in."""
    groups = estate.client(account, "ec2").describe_security_groups(GroupIds=[group])["SecurityGroups"]
    return bool(groups[0]["IpPermissions"])


def queue_feeds(estate: Estate, *, enabled: bool) -> None:
    """Switch the source of the remediate function, so that messages wait."""
    client = estate.client(HUB, "lambda")
    (source,) = client.list_event_source_mappings()["EventSourceMappings"]
    client.update_event_source_mapping(UUID=source["UUID"], Enabled=enabled)


def waiting(estate: Estate) -> int:
    """How many messages wait in the queue of findings."""
    sqs = estate.client(HUB, "sqs")
    url = sqs.get_queue_url(QueueName="palisade-findings")["QueueUrl"]
    found: Any = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["ApproximateNumberOfMessages"])
    return int(found["Attributes"]["ApproximateNumberOfMessages"])


def test_a_hub_of_the_new_version_works_off_what_waited_and_what_old_members_find(
    estate: Estate, stacks: Mapping[str, Stack]
) -> None:
    before = [code(estate, HUB, "palisade-remediate"), code(estate, FIRST, "palisade-detect")]
    queue_feeds(estate, enabled=False)
    waited = estate.open_group(FIRST, "waited")
    assert waiting(estate) == 1
    result = stacks["security"].up()
    changed = Counter((one.operation, one.token) for one in result.steps if not one.token.endswith("BucketObjectv2"))
    assert {operation for operation, _ in changed} == {"update"}
    assert {token for _, token in changed} == {
        "aws:lambda/function:Function",
        "aws:cloudwatch/eventRule:EventRule",
    }
    assert waiting(estate) == 1
    assert open_to_ssh(estate, FIRST, waited)
    queue_feeds(estate, enabled=True)
    estate.organization.rest()
    assert not open_to_ssh(estate, FIRST, waited), "what waited is handled by the new version"

    after = [code(estate, HUB, "palisade-remediate"), code(estate, FIRST, "palisade-detect")]
    assert (after[0] != before[0], after[1] == before[1]) == (True, True), "the hub is new, members are old"
    found = estate.open_group(SECOND, "found by an old member")
    assert not open_to_ssh(estate, SECOND, found)


def test_members_follow_and_only_what_the_new_version_concerns_changes(
    estate: Estate, stacks: Mapping[str, Stack]
) -> None:
    result = stacks["members"].up()
    assert Counter((one.operation, one.token) for one in result.steps) == {
        ("update", "aws:lambda/function:Function"): 2,
        ("create", "aws:cfg/rule:Rule"): 2,
        ("update", "aws:dynamodb/tableItem:TableItem"): 2,
        ("create", OBJECT): 1,
        ("delete", OBJECT): 1,
    }
    # The catalog of one control more, by the same code everywhere.
    assert code(estate, HUB, "palisade-remediate") == code(estate, FIRST, "palisade-detect")
    found = estate.open_group(FIRST, "found by a new member")
    assert not open_to_ssh(estate, FIRST, found)
    assert stacks["members"].preview("--expect-no-changes").unchanged
