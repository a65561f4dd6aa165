"""Alarms that change their state publish to their topics, as far as the topic's policy and key let them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest
from botocore.exceptions import ClientError

from simulator.local import LocalOrganization
from simulator.services.cloudwatch import CloudWatch
from simulator.services.event_fanout import Mail
from simulator.services.sns import Topics
from tests.simulator.pipeline_world import HOME, HUB, document, organization

ADDRESS = "operations@example.com"
OTHER = f"arn:aws:cloudwatch:{HOME}:{HUB}:alarm:other"


@pytest.fixture(scope="module")
def opened() -> Iterator[LocalOrganization]:
    with organization() as one:
        yield one


@pytest.fixture
def alarm(opened: LocalOrganization, request: pytest.FixtureRequest) -> str:
    """An alarm whose topic admits it, with one address that has confirmed."""
    name = "".join(letter if letter.isalnum() else "-" for letter in request.node.name)[-80:]
    hub = opened.session(HUB)
    topic = hub.client("sns").create_topic(Name=name)["TopicArn"]
    arn = f"arn:aws:cloudwatch:{HOME}:{HUB}:alarm:{name}"
    admit(opened, topic, arn)
    hub.client("sns").subscribe(TopicArn=topic, Protocol="email", Endpoint=ADDRESS)
    opened.do(partial(opened.world.service(Topics).confirm, topic, ADDRESS))
    hub.client("cloudwatch").put_metric_alarm(
        AlarmName=name,
        Namespace="AWS/SQS",
        MetricName="ApproximateNumberOfMessagesVisible",
        Statistic="Maximum",
        ComparisonOperator="GreaterThanThreshold",
        Threshold=0.0,
        Period=300,
        EvaluationPeriods=1,
        AlarmActions=[topic],
    )
    return name


def admit(opened: LocalOrganization, topic: str, alarm: str) -> None:
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "cloudwatch.amazonaws.com"},
        "Action": "sns:Publish",
        "Resource": topic,
        "Condition": {"ArnEquals": {"aws:SourceArn": alarm}},
    }
    opened.session(HUB).client("sns").set_topic_attributes(
        TopicArn=topic, AttributeName="Policy", AttributeValue=document(statement)
    )


def set_state(opened: LocalOrganization, alarm: str, state: Any, *, account: str = HUB) -> list[Mail]:
    """Set an alarm's state; the mails that came of it."""
    box = opened.world.service(Topics).mailbox
    before = len(box)
    opened.session(account).client("cloudwatch").set_alarm_state(
        AlarmName=alarm, StateValue=state, StateReason="a message waits"
    )
    opened.rest()
    return box[before:]


def test_an_alarm_tells_its_topic_what_has_changed(opened: LocalOrganization, alarm: str) -> None:
    (mail,) = set_state(opened, alarm, "ALARM")
    assert mail.subject.startswith('ALARM: "')
    told = json.loads(mail.message)
    assert {name: told[name] for name in ("AlarmName", "OldStateValue", "NewStateValue", "NewStateReason")} == {
        "AlarmName": alarm,
        "OldStateValue": "OK",
        "NewStateValue": "ALARM",
        "NewStateReason": "a message waits",
    }


def test_an_alarm_acts_when_it_changes_and_not_while_it_lasts(opened: LocalOrganization, alarm: str) -> None:
    assert len(set_state(opened, alarm, "ALARM")) == 1
    assert set_state(opened, alarm, "ALARM") == []


def test_a_state_without_actions_tells_nobody(opened: LocalOrganization, alarm: str) -> None:
    set_state(opened, alarm, "ALARM")
    assert set_state(opened, alarm, "OK") == []


def test_an_alarm_whose_actions_are_disabled_tells_nobody(opened: LocalOrganization, alarm: str) -> None:
    opened.session(HUB).client("cloudwatch").disable_alarm_actions(AlarmNames=[alarm])
    assert set_state(opened, alarm, "ALARM") == []


def test_a_topic_that_admits_another_alarm_gets_nothing_and_the_failure_is_noted(
    opened: LocalOrganization, alarm: str
) -> None:
    topic = f"arn:aws:sns:{HOME}:{HUB}:{alarm}"
    admit(opened, topic, OTHER)
    assert set_state(opened, alarm, "ALARM") == []
    failed = opened.world.service(CloudWatch).failed[-1]
    assert (failed.alarm.rsplit(":", 1)[-1], failed.action) == (alarm, topic)
    assert "not authorized" in failed.reason


def test_an_unknown_alarm_has_no_state(opened: LocalOrganization) -> None:
    with pytest.raises(ClientError, match="ResourceNotFound"):
        set_state(opened, "unknown", "ALARM")
