"""Shapes of detection beside "on change": settings of an account, on a schedule; what Security Hub alone detects."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from lambdas.controls import catalog
from lambdas.controls.model import Control, Resource
from tests.organization.loop_world import PLACE, TEAM, Loop, deployed

EBS, PASSWORDS, QUEUES = (catalog()[name] for name in ("EC2.7", "IAM.7", "SQS.1"))


@pytest.fixture(scope="module")
def loop() -> Iterator[Loop]:
    def controls(usual: dict[str, Any]) -> dict[str, Any]:
        return {**usual, **{one.id: {"mode": "notify"} for one in (EBS, PASSWORDS)}, QUEUES.id: {"mode": "automatic"}}

    with deployed(standards=["fsbp"], controls=controls) as opened:
        yield opened


def outcomes(loop: Loop, control: Control, resource: Resource) -> list[str]:
    return [one["outcome"] for one in loop.outcomes(resource) if one["control"] == control.id]


def test_a_setting_of_an_account_is_judged_by_a_schedule_and_people_are_told(loop: Loop) -> None:
    account = EBS.resource(PLACE, TEAM)
    finding = loop.finding(account, EBS)
    assert (finding["Compliance"]["Status"], finding["Workflow"]["Status"]) == ("FAILED", "NOTIFIED")
    assert finding["Resources"][0]["Type"] == "AwsAccount"
    assert finding["Resources"][0]["Id"] == f"AWS::::Account:{TEAM}"
    assert outcomes(loop, EBS, account) == ["notified"]


def test_a_global_setting_is_judged_once_in_the_home_region(loop: Loop) -> None:
    account = PASSWORDS.resource(PLACE, TEAM)
    assert loop.finding(account, PASSWORDS)["Compliance"]["Status"] == "FAILED"
    assert outcomes(loop, PASSWORDS, account) == ["notified"]


def test_what_security_hub_alone_detects_is_remediated_by_its_finding_and_has_none_of_ours(loop: Loop) -> None:
    attributes: Any = {"SqsManagedSseEnabled": "false"}
    sqs = loop.member().client("sqs")
    url = sqs.create_queue(QueueName="orders", Attributes=attributes)["QueueUrl"]
    queue = QUEUES.resource(PLACE, "orders")
    loop.rest()
    assert outcomes(loop, QUEUES, queue) == ["remediated"]
    assert (
        sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]["SqsManagedSseEnabled"] == "true"
    )
    wanted: Any = {"ResourceId": [{"Value": queue.arn, "Comparison": "EQUALS"}]}
    (finding,) = loop.hub.client("securityhub").get_findings(Filters=wanted)["Findings"]
    assert finding["Compliance"]["SecurityControlId"] == QUEUES.id
    assert finding["Compliance"]["Status"] == "PASSED"
    assert loop.invoke_detect(TEAM, {"palisade": "reconcile"})["failed"] is False
    assert len(loop.hub.client("securityhub").get_findings(Filters=wanted)["Findings"]) == 1
