"""Rules, targets, buses and permissions as EventBridge keeps and refuses them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from simulator.call import ServiceError
from tests.simulator.event_world import HUB, MEMBER, OTHER_REGION, REGION, Place, small_world

PATTERN = json.dumps({"source": ["palisade.test"]})
QUEUE = f"arn:aws:sqs:{REGION}:{MEMBER}:q"


@pytest.fixture
def place() -> Iterator[Place]:
    with small_world() as made:
        yield made


def rule(place: Place, name: str = "r", **given: Any) -> str:
    asked = {"Name": name, "EventPattern": PATTERN, **given}
    arn = place.call("events", "PutRule", {key: value for key, value in asked.items() if value is not None})["RuleArn"]
    return str(arn)


def targets(place: Place, *given: dict[str, Any], name: str = "r") -> None:
    listed = [{"Id": str(number), "Arn": QUEUE, **target} for number, target in enumerate(given)]
    place.call("events", "PutTargets", {"Rule": name, "Targets": listed})


def test_a_rule_is_described_as_it_was_put(place: Place) -> None:
    arn = rule(place, Description="finds things", State="DISABLED")

    assert arn == f"arn:aws:events:{REGION}:{MEMBER}:rule/r"
    assert place.call("events", "DescribeRule", {"Name": "r"}) == {
        "Name": "r",
        "Arn": arn,
        "EventPattern": PATTERN,
        "State": "DISABLED",
        "Description": "finds things",
        "EventBusName": "default",
        "CreatedBy": MEMBER,
    }


def test_a_rule_that_is_put_again_is_replaced_and_keeps_targets_and_tags(place: Place) -> None:
    arn = rule(place, Description="old", Tags=[{"Key": "team", "Value": "security"}])
    targets(place, {})

    rule(place)

    assert "Description" not in place.call("events", "DescribeRule", {"Name": "r"})
    assert place.call("events", "ListTargetsByRule", {"Rule": "r"})["Targets"] == [{"Id": "0", "Arn": QUEUE}]
    assert place.call("events", "ListTagsForResource", {"ResourceARN": arn})["Tags"] == [
        {"Key": "team", "Value": "security"}
    ]


def test_rules_of_accounts_and_regions_are_apart(place: Place) -> None:
    rule(place)

    assert place.call("events", "ListRules", {}, account=HUB)["Rules"] == []
    assert place.call("events", "ListRules", {}, region=OTHER_REGION)["Rules"] == []


def test_lists_come_in_pages(place: Place) -> None:
    for number in range(3):
        rule(place, f"r{number}")
    rule(place, "other")

    first = place.call("events", "ListRules", {"NamePrefix": "r", "Limit": 2})
    second = place.call("events", "ListRules", {"NamePrefix": "r", "Limit": 2, "NextToken": first["NextToken"]})

    assert [found["Name"] for found in (*first["Rules"], *second["Rules"])] == ["r0", "r1", "r2"]
    assert "NextToken" not in second


def test_rules_are_found_by_target(place: Place) -> None:
    rule(place)
    rule(place, "s")
    targets(place, {}, name="s")

    assert place.call("events", "ListRuleNamesByTarget", {"TargetArn": QUEUE})["RuleNames"] == ["s"]


def test_a_rule_with_targets_is_not_deleted(place: Place) -> None:
    rule(place)
    targets(place, {})

    with pytest.raises(ServiceError, match="since it has targets"):
        place.call("events", "DeleteRule", {"Name": "r"})
    removed = place.call("events", "RemoveTargets", {"Rule": "r", "Ids": ["0", "9"]})
    place.call("events", "DeleteRule", {"Name": "r"})
    place.call("events", "DeleteRule", {"Name": "r"})

    assert [failed["TargetId"] for failed in removed["FailedEntries"]] == ["9"]
    assert place.call("events", "ListRules", {})["Rules"] == []


@pytest.mark.parametrize(
    ("given", "code", "reason"),
    [
        pytest.param({"EventPattern": None}, "ValidationException", "must be specified", id="neither pattern nor time"),
        pytest.param({"EventPattern": '{"a": "b"}'}, "InvalidEventPatternException", "must be an object", id="pattern"),
        pytest.param({"ScheduleExpression": "rate(1 days)"}, "ValidationException", "not valid", id="wrong schedule"),
        pytest.param({"EventBusName": "none"}, "ResourceNotFoundException", "none does not exist", id="unknown bus"),
    ],
)
def test_a_wrong_rule_is_refused(place: Place, given: dict[str, Any], code: str, reason: str) -> None:
    with pytest.raises(ServiceError, match=reason) as caught:
        rule(place, **given)

    assert caught.value.code == code


def test_schedules_belong_to_the_default_bus(place: Place) -> None:
    place.call("events", "CreateEventBus", {"Name": "custom"})

    with pytest.raises(ServiceError, match="only on the default event bus"):
        rule(place, EventBusName="custom", ScheduleExpression="rate(1 day)")


def test_a_rule_has_at_most_five_targets(place: Place) -> None:
    rule(place)
    targets(place, *[{} for _ in range(5)])

    with pytest.raises(ServiceError) as caught:
        targets(place, *[{"Id": f"more{number}"} for number in range(1)])

    assert caught.value.code == "LimitExceededException"
    assert len(place.call("events", "ListTargetsByRule", {"Rule": "r"})["Targets"]) == 5


@pytest.mark.parametrize(
    ("target", "reason"),
    [
        pytest.param({"Arn": "q"}, "not in correct format", id="no ARN"),
        pytest.param({"Arn": f"arn:aws:sqs:{OTHER_REGION}:{MEMBER}:q"}, "Region of the rule", id="another Region"),
        pytest.param(
            {"Arn": f"arn:aws:sqs:{OTHER_REGION}:{HUB}:q"}, "Region of the rule", id="another account's Region"
        ),
        pytest.param(
            {"Arn": f"arn:aws:logs:{REGION}:{HUB}:log-group:g"}, "account of the rule", id="foreign log group"
        ),
        pytest.param(
            {"Arn": f"arn:aws:sqs:{REGION}:{MEMBER}:q.fifo"}, "SqsParameters must be specified", id="FIFO queue"
        ),
        pytest.param({"Input": "{"}, "JSON syntax error", id="wrong input"),
        pytest.param({"RetryPolicy": {"MaximumRetryAttempts": 186}}, "from 0 to 185", id="too many retries"),
        pytest.param({"RetryPolicy": {"MaximumEventAgeInSeconds": 59}}, "from 60 to 86400", id="too young"),
        pytest.param(
            {"DeadLetterConfig": {"Arn": f"arn:aws:sns:{REGION}:{MEMBER}:t"}}, "SQS queue", id="DLQ is a topic"
        ),
        pytest.param(
            {"DeadLetterConfig": {"Arn": f"arn:aws:sqs:{OTHER_REGION}:{MEMBER}:d"}},
            "Region of the rule",
            id="DLQ elsewhere",
        ),
        pytest.param({"DeadLetterConfig": {"Arn": f"{QUEUE}.fifo"}}, "standard queue", id="DLQ is FIFO"),
        pytest.param(
            {"Arn": f"arn:aws:events:{REGION}:{HUB}:event-bus/default", "InputPath": "$.detail"},
            "not available for another account",
            id="input for another account's bus",
        ),
        pytest.param({"Arn": f"arn:aws:events:{REGION}:{MEMBER}:event-bus/default"}, "its own event bus", id="own bus"),
        pytest.param({"Arn": f"arn:aws:kinesis:{REGION}:{MEMBER}:stream/s"}, "not simulated", id="stream"),
        pytest.param(
            {"Arn": f"arn:aws:states:{REGION}:{MEMBER}:stateMachine:s"},
            "RoleArn is required",
            id="machine without role",
        ),
    ],
)
def test_a_wrong_target_is_refused(place: Place, target: dict[str, Any], reason: str) -> None:
    rule(place)

    with pytest.raises(ServiceError, match=reason):
        targets(place, target)

    assert place.call("events", "ListTargetsByRule", {"Rule": "r"})["Targets"] == []


def test_a_put_without_role_keeps_the_role_of_another_accounts_bus(place: Place) -> None:
    rule(place)
    bus, role = f"arn:aws:events:{REGION}:{HUB}:event-bus/default", f"arn:aws:iam::{MEMBER}:role/sender"
    targets(place, {"Arn": bus, "RoleArn": role})

    targets(place, {"Arn": bus})

    assert place.call("events", "ListTargetsByRule", {"Rule": "r"})["Targets"][0]["RoleArn"] == role


def test_a_bus_keeps_a_policy_by_statement_and_as_a_whole(place: Place) -> None:
    condition = {"Type": "StringEquals", "Key": "aws:PrincipalOrgID", "Value": "o-abcdefghij"}
    arn = f"arn:aws:events:{REGION}:{MEMBER}:event-bus/default"
    asked = {"StatementId": "org", "Action": "events:PutEvents", "Principal": "*", "Condition": condition}
    place.call("events", "PutPermission", asked)
    place.call("events", "PutPermission", {"StatementId": "hub", "Action": "events:PutEvents", "Principal": HUB})

    policy = place.events.resource_policy(arn)

    assert policy is not None
    assert [statement["Principal"] for statement in policy["Statement"]] == ["*", {"AWS": f"arn:aws:iam::{HUB}:root"}]
    assert policy["Statement"][0]["Condition"] == {"StringEquals": {"aws:PrincipalOrgID": "o-abcdefghij"}}
    assert json.loads(place.call("events", "DescribeEventBus", {})["Policy"]) == policy

    whole = {"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Principal": "*", "Action": "events:*"}]}
    place.call("events", "PutPermission", {"Policy": json.dumps(whole)})
    assert place.events.resource_policy(arn) == whole

    place.call("events", "RemovePermission", {"RemoveAllPermissions": True})
    assert place.events.resource_policy(arn) is None
    assert place.events.resource_policy("*") is None
    with pytest.raises(ServiceError, match="does not exist"):
        place.call("events", "RemovePermission", {"StatementId": "org"})


def test_custom_buses_come_and_go(place: Place) -> None:
    made = place.call("events", "CreateEventBus", {"Name": "custom", "Description": "ours"})
    rule(place, EventBusName="custom")

    assert made["EventBusArn"] == f"arn:aws:events:{REGION}:{MEMBER}:event-bus/custom"
    assert [bus["Name"] for bus in place.call("events", "ListEventBuses", {})["EventBuses"]] == ["custom", "default"]
    with pytest.raises(ServiceError, match="already exists"):
        place.call("events", "CreateEventBus", {"Name": "custom"})
    with pytest.raises(ServiceError, match="has rules"):
        place.call("events", "DeleteEventBus", {"Name": "custom"})
    place.call("events", "DeleteRule", {"Name": "r", "EventBusName": made["EventBusArn"]})
    place.call("events", "DeleteEventBus", {"Name": "custom"})
    with pytest.raises(ServiceError, match="Cannot delete event bus default"):
        place.call("events", "DeleteEventBus", {"Name": "default"})


def test_tags_of_rules_and_buses_can_be_changed(place: Place) -> None:
    arn = rule(place)
    place.call("events", "TagResource", {"ResourceARN": arn, "Tags": [{"Key": "a", "Value": "1"}]})
    place.call("events", "TagResource", {"ResourceARN": arn, "Tags": [{"Key": "b", "Value": "2"}]})
    place.call("events", "UntagResource", {"ResourceARN": arn, "TagKeys": ["a"]})

    assert place.call("events", "ListTagsForResource", {"ResourceARN": arn})["Tags"] == [{"Key": "b", "Value": "2"}]
    with pytest.raises(ServiceError, match="does not exist"):
        place.call("events", "ListTagsForResource", {"ResourceARN": f"{arn}x"})


def test_a_pattern_can_be_tested_against_an_event(place: Place) -> None:
    event = {"id": "1", "account": MEMBER, "source": "palisade.test", "time": "2026-03-02T12:00:00Z"}
    whole = json.dumps({**event, "region": REGION, "resources": [], "detail-type": "x"})

    assert place.call("events", "TestEventPattern", {"EventPattern": PATTERN, "Event": whole}) == {"Result": True}
    with pytest.raises(ServiceError, match="region, resources, detail-type must be specified"):
        place.call("events", "TestEventPattern", {"EventPattern": PATTERN, "Event": json.dumps(event)})


def test_an_operation_that_is_not_simulated_says_so(place: Place) -> None:
    with pytest.raises(ServiceError, match="ListArchives is not simulated"):
        place.call("events", "ListArchives", {})
