"""What a target gets for an event. The cases follow the EventBridge User Guide, "Input transformation"."""

from __future__ import annotations

import json
from typing import Any

import pytest

from simulator.services import event_transform
from simulator.services.event_transform import InvalidInput

EVENT: dict[str, Any] = {
    "version": "0",
    "id": "7bf73129-1428-4cd3-a780-95db273d1602",
    "detail-type": "EC2 Instance State-change Notification",
    "source": "aws.ec2",
    "account": "123456789012",
    "time": "2015-11-11T21:29:54Z",
    "region": "us-east-1",
    "resources": ["arn:aws:ec2:us-east-1:123456789012:instance/i-abcd1111"],
    "detail": {
        "instance-id": "i-0123456789",
        "state": "RUNNING",
        "count": 3,
        "note": 'say "hi"',
        "tags": [{"key": "a", "value": 1}, {"key": "b"}],
        "empty": None,
    },
}
RULE = "arn:aws:events:us-east-1:123456789012:rule/example"


def payload(target: dict[str, Any]) -> str:
    given = {"Id": "1", "Arn": "arn:aws:sqs:us-east-1:123456789012:q", **target}
    event_transform.check(given)
    return event_transform.payload(given, EVENT, rule_arn=RULE, rule_name="example", now="2026-03-02T12:00:00Z")


def transformed(template: str, **paths: str) -> str:
    return payload({"InputTransformer": {"InputPathsMap": paths, "InputTemplate": template}})


def test_without_input_the_target_gets_the_event() -> None:
    assert json.loads(payload({})) == EVENT


def test_a_constant_replaces_the_event() -> None:
    assert payload({"Input": '{"palisade":"reconcile"}'}) == '{"palisade":"reconcile"}'


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        pytest.param("$", EVENT, id="all"),
        pytest.param("$.detail", EVENT["detail"], id="an object"),
        pytest.param("$.detail.state", "RUNNING", id="a string"),
        pytest.param("$.detail-type", EVENT["detail-type"], id="a name with a dash"),
        pytest.param("$.resources[0]", EVENT["resources"][0], id="an index"),
        pytest.param("$.detail.tags[1].key", "b", id="a name after an index"),
        pytest.param("$.detail.tags[*].key", ["a", "b"], id="a wildcard"),
        pytest.param("$.detail.missing", None, id="nothing there"),
        pytest.param("$.resources[7]", None, id="beyond the array"),
    ],
)
def test_a_path_picks_a_part_of_the_event(path: str, expected: object) -> None:
    assert json.loads(payload({"InputPath": path})) == expected


@pytest.mark.parametrize(
    ("template", "paths", "expected"),
    [
        pytest.param(
            '"instance <instance> is in <state>"',
            {"instance": "$.detail.instance-id", "state": "$.detail.state"},
            '"instance i-0123456789 is in RUNNING"',
            id="a string",
        ),
        pytest.param("<state> since <time>", {"state": "$.detail.state", "time": "$.time"}, "RUNNING since "
                     "2015-11-11T21:29:54Z", id="plain text"),
        pytest.param('{"state": <state>}', {"state": "$.detail.state"}, '{"state": "RUNNING"}', id="a JSON value"),
        pytest.param('{"state": "<state>"}', {"state": "$.detail.state"}, '{"state": "RUNNING"}', id="in quotes"),
        pytest.param('{"n": <n>, "t": "<n>"}', {"n": "$.detail.count"}, '{"n": 3, "t": "3"}', id="a number"),
        pytest.param('{"note": <note>}', {"note": "$.detail.note"}, '{"note": "say \\"hi\\""}', id="quotes in a value"),
        pytest.param('{"n": "-<note>-"}', {"note": "$.detail.note"}, '{"n": "-say \\"hi\\"-"}', id="quotes in quotes"),
        pytest.param('{"tags": <tags>}', {"tags": "$.detail.tags[0]"}, '{"tags": {"key":"a","value":1}}', id="object"),
        pytest.param('"tags <tags>"', {"tags": "$.detail.tags[0]"}, '"tags {key:a,value:1}"', id="object in quotes"),
        pytest.param('{"all": <all>}', {"all": "$.detail.tags[*].key"}, '{"all": ["a","b"]}', id="a list"),
        pytest.param('{"gone": <gone>}', {"gone": "$.detail.gone"}, '{"gone": ""}', id="a missing value"),
        pytest.param('"gone: <gone>"', {"gone": "$.detail.gone"}, '"gone: "', id="a missing value in quotes"),
        pytest.param('{"null": <null>}', {"null": "$.detail.empty"}, '{"null": null}', id="null"),
        pytest.param("<state>", {"state": "$.detail.state"}, '"RUNNING"', id="one variable alone"),
        pytest.param('"<a>"\n"<b>"', {"a": "$.region", "b": "$.account"}, '"us-east-1"\n"123456789012"', id="lines"),
        pytest.param('{"rule": "<aws.events.rule-name>", "arn": <aws.events.rule-arn>}', {}, '{"rule": "example", '
                     f'"arn": "{RULE}"}}', id="the rule"),
        pytest.param('{"at": <aws.events.event.ingestion-time>}', {}, '{"at": "2026-03-02T12:00:00Z"}', id="the time"),
    ],
)  # fmt: skip
def test_a_template_is_filled_with_values_of_the_event(template: str, paths: dict[str, str], expected: str) -> None:
    assert transformed(template, **paths) == expected


def test_reserved_variables_hold_the_event_with_and_without_detail() -> None:
    filled = json.loads(transformed('{"whole": <aws.events.event.json>, "bare": <aws.events.event>}'))

    assert filled["whole"] == EVENT
    assert filled["bare"] == {name: value for name, value in EVENT.items() if name != "detail"}


def test_a_template_that_makes_no_json_of_an_event_is_an_error() -> None:
    with pytest.raises(InvalidInput, match="no valid JSON"):
        transformed('{"a": <a> <a>}', a="$.detail.count")


@pytest.mark.parametrize(
    ("target", "reason"),
    [
        pytest.param({"Input": "{}", "InputPath": "$"}, "Only one of Input", id="two inputs"),
        pytest.param({"Input": "text"}, "JSON syntax error", id="a constant that is no JSON"),
        pytest.param({"InputPath": "detail"}, "must begin with", id="a path without dollar"),
        pytest.param({"InputPath": "$.a[?(@.b)]"}, "are supported", id="a filter expression"),
        pytest.param(
            {"InputTransformer": {"InputPathsMap": {"aws.x": "$.a"}, "InputTemplate": "<aws.x>"}},
            "cannot start with AWS",
            id="a reserved name",
        ),
    ],
)
def test_a_wrong_input_is_refused(target: dict[str, Any], reason: str) -> None:
    with pytest.raises(InvalidInput, match=reason):
        payload(target)
