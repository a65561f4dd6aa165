"""A reconciliation that one run of the deployed function does not finish."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from simulator.faults import Fault, Kind
from tests.organization.loop_world import NAMES, NOTIFIED, REGION, Loop, deployed, open_group
from tests.organization.policy_world import session_of

RECONCILE = {"palisade": "reconcile"}
FUNCTION = f"arn:aws:lambda:{REGION}:{NOTIFIED}:function:{NAMES.detect_function}"


@pytest.fixture(scope="module")
def loop() -> Iterator[Loop]:
    with deployed() as opened:
        yield opened


def slow_read(loop: Loop, seconds: int) -> None:
    """Let detection wait so long for the next read of a security group's rules."""
    detect = f"*:assumed-role/{NAMES.detect_role}/*"
    loop.organization.faults.add(
        Fault(Kind.TIMEOUT, "ec2", "DescribeSecurityGroupRules", nth=1, principal=detect, seconds=seconds)
    )


def test_it_invokes_itself_until_every_resource_was_judged(loop: Loop) -> None:
    groups = [open_group(loop.member(NOTIFIED)) for _ in range(2)]
    slow_read(loop, 850)
    with loop.recorded() as delivered:
        answer = loop.invoke_detect(NOTIFIED, RECONCILE)
        assert not answer["failed"]
        loop.rest()
    loop.organization.faults.clear()
    continued = [payload for _, payload, _ in delivered.invocations if "from" in payload]
    assert [one["from"]["run"] for one in continued] == [2]
    statuses = [loop.finding(group)["Compliance"]["Status"] for group in groups]
    assert statuses == ["FAILED", "FAILED"]


def test_detection_may_invoke_itself_and_no_other_function(loop: Loop) -> None:
    world = loop.organization.world

    def enter() -> dict[str, Any]:
        service = world.as_service("lambda.amazonaws.com", account=NOTIFIED)
        role = {"RoleArn": f"arn:aws:iam::{NOTIFIED}:role/{NAMES.detect_role}", "RoleSessionName": "function"}
        return dict(world.call(service, "sts", "AssumeRole", role, region=REGION, account=NOTIFIED)["Credentials"])

    client: Any = session_of(loop.organization.do(enter), REGION).client("lambda")
    client.invoke(FunctionName=FUNCTION, InvocationType="Event", Payload="{}")
    with pytest.raises(ClientError, match="AccessDenied"):
        client.invoke(FunctionName=f"{FUNCTION}-other", InvocationType="Event", Payload="{}")
