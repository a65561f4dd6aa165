"""What reaches targets: envelopes, transformations, hops, retries, dead-letter queues, schedules."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from moto.backends import get_backend

from simulator.call import ServiceError
from tests.simulator.event_world import HUB, MEMBER, OTHER_REGION, REGION, Place, small_world

FUNCTION = f"arn:aws:lambda:{REGION}:{MEMBER}:function:detect"
RULE = f"arn:aws:events:{REGION}:{MEMBER}:rule/r"
HUB_BUS = f"arn:aws:events:{REGION}:{HUB}:event-bus/default"
SENDER = f"arn:aws:iam::{MEMBER}:role/sender"
SOURCE = json.dumps({"source": ["aws.config"]})


@pytest.fixture
def place() -> Iterator[Place]:
    with small_world() as made:
        yield made


def route(
    place: Place,
    *targets: dict[str, Any],
    name: str = "r",
    account: str = MEMBER,
    region: str = REGION,
    **rule: Any,
) -> None:
    asked = {"Name": name, "EventPattern": SOURCE, **rule}
    place.call(
        "events", "PutRule", {key: value for key, value in asked.items() if value}, account=account, region=region
    )
    listed = [{"Id": str(number), **target} for number, target in enumerate(targets)]
    place.call("events", "PutTargets", {"Rule": name, "Targets": listed}, account=account, region=region)


def emit(place: Place, **detail: Any) -> str:
    return place.events.emit(MEMBER, REGION, "aws.config", "Config Rules Compliance Change", detail, ["arn:aws:s3:::b"])


def test_an_emitted_event_has_the_whole_envelope(place: Place) -> None:
    queue = place.queue("q")
    route(place, {"Arn": queue})

    identifier = place.events.emit(
        MEMBER,
        REGION,
        "aws.config",
        "Change",
        {"n": 1},
        ["arn:aws:s3:::b"],
        datetime(2026, 3, 1, 8, 0, 0, 5, tzinfo=UTC),
    )
    place.world.agenda.rest()

    assert place.bodies(queue) == [
        {
            "version": "0",
            "id": identifier,
            "detail-type": "Change",
            "source": "aws.config",
            "account": MEMBER,
            "time": "2026-03-01T08:00:00Z",
            "region": REGION,
            "resources": ["arn:aws:s3:::b"],
            "detail": {"n": 1},
        }
    ]


def test_ids_follow_from_what_is_said_and_how_often() -> None:
    def ids() -> list[str]:
        with small_world() as place:
            return [emit(place, n=1), emit(place, n=1), emit(place, n=2)]

    first = ids()

    assert len(set(first)) == 3
    assert ids() == first


def test_nothing_is_delivered_before_the_agenda_runs(place: Place) -> None:
    route(place, {"Arn": FUNCTION})

    emit(place)

    assert place.functions.invoked == []
    place.world.agenda.rest()
    assert [arn for arn, _, _ in place.functions.invoked] == [FUNCTION]


def test_a_function_is_invoked_on_behalf_of_the_rule(place: Place) -> None:
    route(place, {"Arn": FUNCTION, "InputPath": "$.detail"})

    emit(place, n=1)
    place.world.agenda.rest()

    ((arn, payload, caller),) = place.functions.invoked
    assert (arn, payload) == (FUNCTION, {"n": 1})
    assert (caller.service, caller.source_account, caller.source_arn) == ("events.amazonaws.com", MEMBER, RULE)


def test_only_matching_and_enabled_rules_deliver(place: Place) -> None:
    route(place, {"Arn": FUNCTION, "Input": '"disabled"'}, name="off", State="DISABLED")
    route(place, {"Arn": FUNCTION, "Input": '"other"'}, name="other", EventPattern='{"source": ["aws.s3"]}')
    route(
        place,
        {"Arn": FUNCTION, "Input": '"schedule"'},
        name="timed",
        EventPattern=None,
        ScheduleExpression="rate(1 day)",
    )
    route(place, {"Arn": FUNCTION, "Input": '"match"'}, name="match")

    emit(place)
    place.world.agenda.rest()

    assert [payload for _, payload, _ in place.functions.invoked] == ["match"]


def test_every_target_of_every_rule_gets_the_event_in_order(place: Place) -> None:
    route(place, {"Arn": FUNCTION, "Input": "3"}, {"Arn": FUNCTION, "Input": "4"}, name="b")
    route(place, {"Arn": FUNCTION, "Input": "1"}, {"Arn": FUNCTION, "Input": "2"}, name="a")

    emit(place)
    place.world.agenda.rest()

    assert [payload for _, payload, _ in place.functions.invoked] == [1, 2, 3, 4]


def test_queues_topics_and_log_groups_are_reached_as_the_service(place: Place) -> None:
    queue, foreign = place.queue("q"), place.queue("q", account=HUB)
    topic = place.call("sns", "CreateTopic", {"Name": "t"})["TopicArn"]
    place.call("logs", "CreateLogGroup", {"logGroupName": "/aws/events/g"})
    group = f"arn:aws:logs:{REGION}:{MEMBER}:log-group:/aws/events/g"
    route(place, {"Arn": queue}, {"Arn": foreign}, {"Arn": topic}, {"Arn": group})
    place.ward.asked.clear()

    identifier = emit(place)
    place.world.agenda.rest()

    calls = [(call.service, call.operation, call.account) for call in place.ward.asked]
    assert calls == [
        ("sqs", "SendMessage", MEMBER),
        ("sqs", "SendMessage", HUB),
        ("sns", "Publish", MEMBER),
        ("logs", "CreateLogStream", MEMBER),
        ("logs", "PutLogEvents", MEMBER),
    ]
    assert {call.caller.source_arn for call in place.ward.asked} == {RULE}
    assert [body["id"] for body in (*place.bodies(queue), *place.bodies(foreign))] == [identifier, identifier]
    groups = get_backend("logs")[MEMBER][REGION].groups
    assert list(groups["/aws/events/g"].streams) == [identifier]


def test_a_missing_permission_goes_straight_to_the_dead_letter_queue(place: Place) -> None:
    dead = place.queue("dead")
    route(place, {"Arn": FUNCTION, "DeadLetterConfig": {"Arn": dead}})
    place.functions.failures = [ServiceError("AccessDeniedException", "not authorized to invoke", 403)]

    identifier = emit(place, n=1)
    place.world.agenda.rest()

    (message,) = place.messages(dead)
    assert json.loads(message["Body"])["id"] == identifier
    assert {name: value["StringValue"] for name, value in message["MessageAttributes"].items()} == {
        "RULE_ARN": RULE,
        "TARGET_ARN": FUNCTION,
        "ERROR_CODE": "NO_PERMISSIONS",
        "ERROR_MESSAGE": "not authorized to invoke",
    }
    assert place.functions.invoked == []


def test_a_missing_queue_goes_straight_to_the_dead_letter_queue(place: Place) -> None:
    dead = place.queue("dead")
    route(place, {"Arn": f"arn:aws:sqs:{REGION}:{MEMBER}:gone", "DeadLetterConfig": {"Arn": dead}})

    emit(place)
    place.world.agenda.rest()

    (message,) = place.messages(dead)
    assert message["MessageAttributes"]["ERROR_CODE"]["StringValue"] == "NO_RESOURCE"


def test_a_template_without_valid_json_goes_to_the_dead_letter_queue(place: Place) -> None:
    dead = place.queue("dead")
    transformer = {"InputPathsMap": {"n": "$.detail.n"}, "InputTemplate": '{"n": <n> <n>}'}
    route(place, {"Arn": FUNCTION, "InputTransformer": transformer, "DeadLetterConfig": {"Arn": dead}})

    emit(place, n=1)
    place.world.agenda.rest()

    (message,) = place.messages(dead)
    assert message["MessageAttributes"]["ERROR_CODE"]["StringValue"] == "INVALID_JSON"


def test_without_dead_letter_queue_the_event_is_dropped_and_counted(place: Place) -> None:
    route(place, {"Arn": f"arn:aws:sqs:{REGION}:{MEMBER}:gone"}, {"Arn": FUNCTION})

    identifier = emit(place)
    place.world.agenda.rest()

    assert [(lost.event_id, lost.code) for lost in place.events.dropped] == [(identifier, "NO_RESOURCE")]
    assert len(place.functions.invoked) == 1


def test_a_dead_letter_queue_that_refuses_loses_the_event(place: Place) -> None:
    dead = place.queue("dead")
    route(place, {"Arn": FUNCTION, "DeadLetterConfig": {"Arn": dead}})
    place.functions.failures = [ServiceError("AccessDeniedException", "no", 403)]
    place.ward.deny("sqs:SendMessage")

    emit(place)
    place.world.agenda.rest()

    (lost,) = place.events.dropped
    assert lost.code == "NO_PERMISSIONS"
    assert "dead-letter queue: not authorized" in lost.message


@pytest.mark.parametrize(
    "error",
    [
        pytest.param(ServiceError("TooManyRequestsException", "slow down", 429), id="throttled"),
        pytest.param(ServiceError("ServiceException", "fault", 500), id="a fault of the target"),
    ],
)
def test_throttling_and_faults_are_retried_with_growing_pauses(place: Place, error: ServiceError) -> None:
    route(place, {"Arn": FUNCTION})
    place.functions.failures = [error] * 4
    began = place.world.agenda.now()

    emit(place)
    place.world.agenda.rest()

    assert len(place.functions.invoked) == 1
    assert place.world.agenda.now() - began == timedelta(seconds=0.25 + 1 + 2 + 4 + 8)


@pytest.mark.parametrize(
    ("policy", "condition", "attempts"),
    [
        pytest.param({"MaximumRetryAttempts": 2}, "MaximumRetryAttempts", "2", id="after two retries"),
        pytest.param({"MaximumRetryAttempts": 0}, "MaximumRetryAttempts", "0", id="without a retry"),
        pytest.param({"MaximumEventAgeInSeconds": 60}, "MaximumEventAgeInSeconds", "5", id="after a minute"),
    ],
)
def test_retries_end_as_the_policy_says(place: Place, policy: dict[str, int], condition: str, attempts: str) -> None:
    dead = place.queue("dead")
    route(place, {"Arn": FUNCTION, "RetryPolicy": policy, "DeadLetterConfig": {"Arn": dead}})
    place.functions.failures = [ServiceError("ThrottlingException", "slow down", 429)] * 99

    emit(place)
    place.world.agenda.rest()

    (message,) = place.messages(dead)
    told = {name: value["StringValue"] for name, value in message["MessageAttributes"].items()}
    assert (told["ERROR_CODE"], told["EXHAUSTED_RETRY_CONDITION"], told["RETRY_ATTEMPTS"]) == (
        "THROTTLING",
        condition,
        attempts,
    )


def test_without_policy_185_retries_fill_about_a_day(place: Place) -> None:
    route(place, {"Arn": FUNCTION})
    place.functions.failures = [ServiceError("ThrottlingException", "slow down", 429)] * 999
    began = place.world.agenda.now()

    emit(place)
    place.world.agenda.rest(timedelta(days=2))

    assert len(place.events.dropped) == 1
    assert timedelta(hours=23) < place.world.agenda.now() - began <= timedelta(hours=24)


def test_what_is_not_simulated_is_never_a_failed_delivery(place: Place) -> None:
    route(place, {"Arn": FUNCTION})
    place.functions.failures = [ServiceError("NotImplemented", "not simulated", 501)]
    emit(place)

    with pytest.raises(ServiceError, match="not simulated"):
        place.world.agenda.rest()


def test_another_accounts_bus_gets_the_event_as_it_is(place: Place) -> None:
    queue = place.queue("q", account=HUB)
    route(place, {"Arn": HUB_BUS, "RoleArn": SENDER})
    pattern = json.dumps({"source": ["aws.config"], "account": [MEMBER]})
    route(place, {"Arn": queue}, account=HUB, EventPattern=pattern)

    identifier = emit(place, n=1)
    place.world.agenda.rest()

    (body,) = place.bodies(queue)
    assert (body["id"], body["account"], body["region"], body["detail"]) == (identifier, MEMBER, REGION, {"n": 1})
    (put,) = [call for call in place.ward.asked if call.operation == "PutEvents"]
    assert (put.account, put.caller.role, put.parameters["Entries"][0]["EventBusName"]) == (HUB, SENDER, HUB_BUS)


def test_a_bus_in_another_region_gets_the_event_with_its_own_region(place: Place) -> None:
    queue = place.queue("q", account=HUB, region=OTHER_REGION)
    route(place, {"Arn": HUB_BUS.replace(REGION, OTHER_REGION), "RoleArn": SENDER})
    route(place, {"Arn": queue}, account=HUB, region=OTHER_REGION)

    emit(place)
    place.world.agenda.rest()

    assert [body["region"] for body in place.bodies(queue)] == [REGION]


def test_an_event_makes_one_hop_from_bus_to_bus(place: Place) -> None:
    dead = place.queue("dead", account=HUB)
    place.call("events", "CreateEventBus", {"Name": "third"}, account=HUB)
    third = f"arn:aws:events:{REGION}:{HUB}:event-bus/third"
    route(place, {"Arn": HUB_BUS, "RoleArn": SENDER})
    route(place, {"Arn": third, "DeadLetterConfig": {"Arn": dead}}, account=HUB)

    emit(place)
    place.world.agenda.rest()

    (message,) = place.messages(dead)
    assert message["MessageAttributes"]["ERROR_CODE"]["StringValue"] == "THIRD_ACCOUNT_HOP_DETECTED"


@pytest.mark.parametrize(
    ("permission", "role", "arrives"),
    [
        pytest.param(None, None, False, id="no grant, no role"),
        pytest.param({"Principal": MEMBER}, None, True, id="the account is granted"),
        pytest.param(
            {"Principal": "*", "Condition": {"Type": "StringEquals", "Key": "aws:PrincipalOrgID", "Value": "o-1"}},
            None,
            False,
            id="the organization is granted, but no role",
        ),
        pytest.param(
            {"Principal": "*", "Condition": {"Type": "StringEquals", "Key": "aws:PrincipalOrgID", "Value": "o-1"}},
            SENDER,
            True,
            id="the organization is granted, with a role",
        ),
    ],
)
def test_another_accounts_bus_admits_whom_its_policy_names(
    place: Place, permission: dict[str, Any] | None, role: str | None, arrives: bool
) -> None:
    queue = place.queue("q", account=HUB)
    if permission is not None:
        asked = {"StatementId": "s", "Action": "events:PutEvents", **permission}
        place.call("events", "PutPermission", asked, account=HUB)
    route(place, {"Arn": HUB_BUS, **({"RoleArn": role} if role else {})})
    route(place, {"Arn": queue}, account=HUB)

    emit(place)
    place.world.agenda.rest()

    assert len(place.bodies(queue)) == arrives
    assert [lost.code for lost in place.events.dropped] == ([] if arrives else ["NO_PERMISSIONS"])


def test_a_role_that_may_not_put_events_loses_them(place: Place) -> None:
    route(place, {"Arn": HUB_BUS, "RoleArn": SENDER})
    place.ward.deny("events:PutEvents")

    emit(place)
    place.world.agenda.rest()

    assert [lost.code for lost in place.events.dropped] == ["NO_PERMISSIONS"]


def test_a_rate_fires_while_its_rule_is_enabled(place: Place) -> None:
    timed: dict[str, Any] = {"EventPattern": None, "ScheduleExpression": "rate(1 hour)"}
    route(place, {"Arn": FUNCTION}, **timed)

    assert not place.world.agenda.busy()
    place.world.agenda.advance(timedelta(hours=2, minutes=30))
    place.call("events", "DisableRule", {"Name": "r"})
    place.world.agenda.advance(timedelta(hours=3))
    place.call("events", "EnableRule", {"Name": "r"})
    place.world.agenda.advance(timedelta(minutes=70))

    times = [payload["time"] for _, payload, _ in place.functions.invoked]
    assert times == ["2026-03-02T13:00:00Z", "2026-03-02T14:00:00Z", "2026-03-02T18:30:00Z"]
    (_, event, _) = place.functions.invoked[0]
    assert (event["source"], event["detail-type"], event["resources"]) == ("aws.events", "Scheduled Event", [RULE])
    assert (event["detail"], event["account"], event["region"]) == ({}, MEMBER, REGION)


def test_a_cron_fires_with_a_constant_and_ends_with_its_rule(place: Place) -> None:
    constant = '{"palisade":"reconcile"}'
    timed: dict[str, Any] = {"EventPattern": None, "ScheduleExpression": "cron(0 6 * * ? *)"}
    route(place, {"Arn": FUNCTION, "Input": constant}, **timed)

    place.world.agenda.advance(timedelta(days=2))
    place.call("events", "RemoveTargets", {"Rule": "r", "Ids": ["0"]})
    place.call("events", "DeleteRule", {"Name": "r"})
    place.world.agenda.advance(timedelta(days=2))

    assert [payload for _, payload, _ in place.functions.invoked] == [{"palisade": "reconcile"}] * 2
    assert place.world.agenda.next_moment() is None


def test_a_schedule_that_is_put_again_replaces_the_old_one(place: Place) -> None:
    route(place, {"Arn": FUNCTION}, EventPattern=None, ScheduleExpression="rate(1 hour)")
    route(place, {"Arn": FUNCTION}, EventPattern=None, ScheduleExpression="rate(2 hours)")

    place.world.agenda.advance(timedelta(hours=5))

    assert len(place.functions.invoked) == 2
