"""Custom events: what PutEvents takes and refuses."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from simulator.call import ServiceError
from tests.simulator.event_world import HUB, MEMBER, REGION, Place, small_world

GOOD = {"Source": "palisade.test", "DetailType": "Test", "Detail": '{"n": 1}'}
HUB_BUS = f"arn:aws:events:{REGION}:{HUB}:event-bus/default"


@pytest.fixture
def place() -> Iterator[Place]:
    with small_world() as made:
        yield made


def put(place: Place, *entries: dict[str, Any]) -> list[dict[str, Any]]:
    return list(place.call("events", "PutEvents", {"Entries": list(entries)})["Entries"])


def listen(place: Place, account: str = MEMBER, **rule: Any) -> str:
    queue = place.queue("q", account=account)
    pattern = {"Name": "r", "EventPattern": '{"source": [{"prefix": ""}]}', **rule}
    place.call("events", "PutRule", pattern, account=account)
    bus = {name: value for name, value in rule.items() if name == "EventBusName"}
    place.call("events", "PutTargets", {"Rule": "r", "Targets": [{"Id": "1", "Arn": queue}], **bus}, account=account)
    return queue


def test_a_custom_event_carries_the_senders_account(place: Place) -> None:
    queue = listen(place)

    (result,) = put(place, {**GOOD, "Resources": ["arn:aws:s3:::b"]})
    place.world.agenda.rest()

    (event,) = place.bodies(queue)
    assert event["id"] == result["EventId"]
    assert (event["source"], event["detail-type"], event["detail"]) == ("palisade.test", "Test", {"n": 1})
    assert (event["account"], event["region"], event["resources"]) == (MEMBER, REGION, ["arn:aws:s3:::b"])


@pytest.mark.parametrize(
    ("entry", "code"),
    [
        pytest.param({**GOOD, "Source": "aws.securityhub"}, "NotAuthorizedForSourceException", id="a source of AWS"),
        pytest.param({**GOOD, "Detail": "{"}, "MalformedDetail", id="no JSON"),
        pytest.param({**GOOD, "Detail": "[1]"}, "MalformedDetail", id="no object"),
        pytest.param({"Source": "a", "DetailType": "b"}, "InvalidArgument", id="no detail"),
        pytest.param({**GOOD, "Source": ""}, "InvalidArgument", id="empty source"),
        pytest.param({**GOOD, "EventBusName": "none"}, "ResourceNotFoundException", id="unknown bus"),
    ],
)
def test_a_wrong_entry_fails_alone(place: Place, entry: dict[str, Any], code: str) -> None:
    queue = listen(place)

    failed, good = put(place, entry, GOOD)
    place.world.agenda.rest()

    assert failed["ErrorCode"] == code
    assert "EventId" not in failed
    assert [event["id"] for event in place.bodies(queue)] == [good["EventId"]]


@pytest.mark.parametrize(
    ("entries", "reason"),
    [
        pytest.param([GOOD] * 11, "from 1 to 10", id="eleven entries"),
        pytest.param([{"Source": "a"}, {"Detail": "{}"}], "is a required argument", id="no complete entry"),
        pytest.param([{**GOOD, "Detail": json.dumps({"x": "y" * 600_000})}] * 2, "over the limit", id="too large"),
    ],
)
def test_a_wrong_call_fails_as_a_whole(place: Place, entries: list[dict[str, Any]], reason: str) -> None:
    with pytest.raises(ServiceError, match=reason) as caught:
        put(place, *entries)

    assert caught.value.code == "ValidationException"


def test_a_custom_bus_has_its_own_rules(place: Place) -> None:
    place.call("events", "CreateEventBus", {"Name": "custom"})
    queue = listen(place, EventBusName="custom")

    put(place, GOOD, {**GOOD, "Detail": '{"n": 2}', "EventBusName": "custom"})
    place.world.agenda.rest()

    assert [event["detail"] for event in place.bodies(queue)] == [{"n": 2}]


def test_another_accounts_bus_is_asked_for_each_entry(place: Place) -> None:
    queue = listen(place, HUB)
    place.ward.asked.clear()

    own, foreign = put(place, GOOD, {**GOOD, "EventBusName": HUB_BUS})
    place.world.agenda.rest()

    assert "EventId" in own
    assert [call.account for call in place.ward.asked if call.operation == "PutEvents"] == [MEMBER, HUB]
    assert [event["id"] for event in place.bodies(queue)] == [foreign["EventId"]]
