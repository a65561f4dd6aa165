"""Every type of state, with retries, catches, time-outs and the history, by executions that run."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from moto.core.utils import get_service_model

from simulator.parameters import validate
from tests.simulator.states_world import FUNCTION, INVOKE, Place, chain, states_world, task

SUCCEED: dict[str, Any] = {"Type": "Succeed"}
PASS: dict[str, Any] = {"Type": "Pass"}
RETRY = [{"ErrorEquals": ["States.ALL"], "IntervalSeconds": 10, "BackoffRate": 3, "MaxAttempts": 2}]


@pytest.fixture(scope="module")
def place() -> Iterator[Place]:
    with states_world() as one:
        yield one


def took(described: dict[str, Any]) -> float:
    """Seconds that an execution took, without what ways between states take."""
    seconds: timedelta = described["stopDate"] - described["startDate"]
    return round(seconds.total_seconds())


@pytest.mark.parametrize(
    ("state", "data", "output"),
    [
        ({}, {"a": 1}, {"a": 1}),
        ({"Result": {"b": 2}}, {"a": 1}, {"b": 2}),
        ({"Result": 2, "ResultPath": "$.b.c"}, {"a": 1}, {"a": 1, "b": {"c": 2}}),
        ({"Result": 2, "ResultPath": None}, {"a": 1}, {"a": 1}),
        ({"InputPath": "$.a"}, {"a": 1}, 1),
        ({"InputPath": None}, {"a": 1}, {}),
        ({"OutputPath": "$.a"}, {"a": 1}, 1),
        ({"OutputPath": None}, {"a": 1}, {}),
        ({"Parameters": {"x.$": "$.a", "y": 1}}, {"a": 1}, {"x": 1, "y": 1}),
        ({"Parameters": {"x.$": "$$.State.Name", "n.$": "$$.StateMachine.Name"}, "OutputPath": "$.x"}, {}, "One"),
        ({"Parameters": {"in.$": "$$.Execution.Input.a"}}, {"a": 1}, {"in": 1}),
    ],
)
def test_a_pass_state_hands_on_what_its_paths_say(place: Place, state: dict[str, Any], data: Any, output: Any) -> None:
    assert place.output(chain(One={**PASS, **state}), data) == output


@pytest.mark.parametrize(
    ("state", "name"),
    [
        ({"InputPath": "$.missing"}, "States.Runtime"),
        ({"OutputPath": "$.missing"}, "States.Runtime"),
        ({"Parameters": {"a.$": "$.missing"}}, "States.Runtime"),
        ({"Parameters": {"a.$": "States.MathAdd(1, 'a')"}}, "States.IntrinsicFailure"),
        ({"Result": 1, "ResultPath": "$.list[5]"}, "States.ResultPathMatchFailure"),
    ],
)
def test_a_path_that_does_not_fit_fails_the_execution(place: Place, state: dict[str, Any], name: str) -> None:
    assert place.error(chain(One={**PASS, **state}), {"list": []})[0] == name


def test_a_choice_goes_where_its_first_rule_that_holds_says(place: Place) -> None:
    rules = [
        {"Variable": "$.n", "NumericLessThan": 10, "Next": "Small"},
        {"Variable": "$.n", "NumericLessThan": 100, "Next": "Large"},
    ]
    definition = chain(
        Choose={"Type": "Choice", "Choices": rules, "Default": "Huge", "OutputPath": "$.n"},
        Small={**PASS, "Parameters": {"small.$": "$"}, "End": True},
        Large={**PASS, "Parameters": {"large.$": "$"}, "End": True},
        Huge={**PASS, "Parameters": {"huge.$": "$"}, "End": True},
    )
    assert [place.output(definition, {"n": n}) for n in (1, 11, 111)] == [{"small": 1}, {"large": 11}, {"huge": 111}]
    del definition["States"]["Choose"]["Default"]
    del definition["States"]["Huge"]
    assert place.error(definition, {"n": 111})[0] == "States.NoChoiceMatched"


@pytest.mark.parametrize(
    ("state", "data", "seconds"),
    [
        ({"Seconds": 3600}, {}, 3600),
        ({"Seconds": 0}, {}, 0),
        ({"SecondsPath": "$.s"}, {"s": 90}, 90),
        ({"Timestamp": "2020-01-01T00:00:00Z"}, {}, 0),
    ],
)
def test_a_wait_takes_simulated_time(place: Place, state: dict[str, Any], data: Any, seconds: int) -> None:
    described = place.run(chain(Wait={"Type": "Wait", **state}), data)
    assert took(described) == seconds
    assert json.loads(described["output"]) == data


def test_a_wait_ends_at_a_timestamp(place: Place) -> None:
    until = place.opened.world.agenda.now().replace(microsecond=0) + timedelta(hours=2)
    text = until.strftime("%Y-%m-%dT%H:%M:%SZ")
    for state in ({"TimestampPath": "$.at"}, {"Timestamp": text}):
        described = place.run(chain(Wait={"Type": "Wait", **state}), {"at": text})
        assert described["stopDate"] - until < timedelta(seconds=1) or state != {"TimestampPath": "$.at"}
    for seconds in ("x", -1, 10**20, True):
        assert place.error(chain(Wait={"Type": "Wait", "SecondsPath": "$.at"}), {"at": seconds})[0] == "States.Runtime"
    assert place.error(chain(Wait={"Type": "Wait", "TimestampPath": "$.at"}), {"at": "x"})[0] == "States.Runtime"


@pytest.mark.parametrize(
    ("state", "told"),
    [
        ({"Error": "E", "Cause": "because"}, ("E", "because")),
        ({}, (None, "")),
        ({"ErrorPath": "$.e", "CausePath": "States.Format('for {}', $.c)"}, ("F", "for 2")),
        ({"ErrorPath": "$.c"}, ("States.Runtime", None)),
    ],
)
def test_a_fail_state_fails_with_what_it_says(place: Place, state: dict[str, Any], told: tuple[Any, Any]) -> None:
    error, cause = place.error(chain(Stop={"Type": "Fail", **state}), {"e": "F", "c": 2})
    assert error == told[0]
    assert told[1] in (None, cause)


def test_parallel_branches_run_side_by_side_and_answer_in_their_order(place: Place) -> None:
    branches = [
        chain(Slow={"Type": "Wait", "Seconds": 100}, Told={**PASS, "Result": "slow"}),
        chain(Fast={"Type": "Wait", "Seconds": 10}, Said={**PASS, "Parameters": {"got.$": "$.x"}}),
    ]
    both = {"Type": "Parallel", "Branches": branches, "Parameters": {"x.$": "$.a"}, "ResultPath": "$.b",
            "ResultSelector": {"first.$": "$[0]", "second.$": "$[1].got"}}  # fmt: skip
    described = place.run(chain(Both=both), {"a": 1})
    assert json.loads(described["output"]) == {"a": 1, "b": {"first": "slow", "second": 1}}
    assert took(described) == 100


def test_a_branch_that_fails_ends_the_others(place: Place) -> None:
    branches = [chain(Slow={"Type": "Wait", "Seconds": 5000}), chain(Bad={"Type": "Fail", "Error": "Mine"})]
    both = {"Type": "Parallel", "Branches": branches}
    described = place.run(chain(Both=both))
    assert (described["status"], described["error"]) == ("FAILED", "Mine")
    assert took(described) == 0
    caught = chain(Both={**both, "Catch": [{"ErrorEquals": ["Mine"], "Next": "Then"}]}, Then=PASS)
    assert place.output(caught)["Error"] == "Mine"
    assert place.kinds(place.start(caught)).count("WaitStateExited") == 0


def items(**more: Any) -> dict[str, Any]:
    processor = chain(
        Wait={"Type": "Wait", "Seconds": 10},
        Check={
            "Type": "Choice",
            "Default": "Good",
            "Choices": [{"Variable": "$.v", "NumericLessThan": 0, "Next": "Bad"}],
        },
        Good={**PASS, "OutputPath": "$.v", "End": True},
        Bad={"Type": "Fail", "Error": "Negative"},
    )
    selector = {"v.$": "$$.Map.Item.Value", "i.$": "$$.Map.Item.Index", "all.$": "$.tag"}
    return {"Type": "Map", "ItemProcessor": processor, "ItemsPath": "$.items", "ItemSelector": selector, **more}


def test_a_map_answers_in_the_order_of_its_items(place: Place) -> None:
    described = place.run(chain(Each=items(ResultPath="$.done")), {"items": [3, 1, 2], "tag": "t"})
    assert json.loads(described["output"])["done"] == [3, 1, 2]
    assert took(described) == 10


@pytest.mark.parametrize(("limit", "seconds"), [({"MaxConcurrency": 1}, 50), ({"MaxConcurrencyPath": "$.most"}, 30)])
def test_a_map_takes_so_many_items_at_a_time(place: Place, limit: dict[str, Any], seconds: int) -> None:
    described = place.run(chain(Each=items(**limit)), {"items": [1, 2, 3, 4, 5], "tag": "t", "most": 2})
    assert took(described) == seconds
    assert json.loads(described["output"]) == [1, 2, 3, 4, 5]


def test_an_inline_map_takes_forty_items_at_a_time(place: Place) -> None:
    assert took(place.run(chain(Each=items()), {"items": [1] * 41, "tag": "t"})) == 20


def test_a_map_of_nothing_answers_nothing(place: Place) -> None:
    assert place.output(chain(Each=items()), {"items": [], "tag": "t"}) == []
    assert place.error(chain(Each=items()), {"items": {}, "tag": "t"})[0] == "States.Runtime"


@pytest.mark.parametrize(
    ("tolerated", "outcome"),
    [
        ({}, "Negative"),
        ({"ToleratedFailureCount": 1}, "States.ExceedToleratedFailureThreshold"),
        ({"ToleratedFailureCount": 2}, [1, 2]),
        ({"ToleratedFailurePercentage": 50}, [1, 2]),
        ({"ToleratedFailurePercentage": 49}, "States.ExceedToleratedFailureThreshold"),
        ({"ToleratedFailureCountPath": "$.most"}, [1, 2]),
    ],
)
def test_a_map_fails_with_more_failures_than_it_tolerates(
    place: Place, tolerated: dict[str, Any], outcome: Any
) -> None:
    definition, data = chain(Each=items(**tolerated)), {"items": [1, -1, 2, -2], "tag": "t", "most": 2}
    if isinstance(outcome, str):
        assert place.error(definition, data)[0] == outcome
    else:
        assert place.output(definition, data) == outcome


def test_the_older_words_for_a_map_are_understood(place: Place) -> None:
    older = {"Type": "Map", "Iterator": chain(One=PASS), "Parameters": {"x.$": "$$.Map.Item.Value"}}
    assert place.output(chain(Each=older), [1, 2]) == [{"x": 1}, {"x": 2}]


def test_a_retried_task_waits_in_simulated_time_and_counts_its_attempts(place: Place) -> None:
    execution = place.start(chain(Do=task({"fail": "Mine"}, Retry=RETRY)))
    described = place.ended(execution)
    assert (described["status"], described["error"]) == ("FAILED", "Mine")
    assert took(described) == 10 + 30
    kinds = place.kinds(execution)
    assert (kinds.count("TaskFailed"), kinds.count("TaskStateEntered"), kinds.count("TaskStateExited")) == (3, 1, 0)
    counted = {"Type": "Pass", "Parameters": {"tries.$": "$$.State.RetryCount"}}
    assert place.output(chain(One=counted)) == {"tries": 0}


def test_a_parallel_state_is_tried_again_as_a_whole(place: Place) -> None:
    branches = [chain(Note=PASS, Bad={"Type": "Fail", "Error": "Mine"})]
    execution = place.start(chain(Both={"Type": "Parallel", "Branches": branches, "Retry": RETRY}))
    assert took(place.ended(execution)) == 40
    assert place.kinds(execution).count("PassStateEntered") == 3


def test_a_catcher_hands_on_input_and_error(place: Place) -> None:
    catch = [
        {"ErrorEquals": ["Other"], "Next": "Wrong"},
        {"ErrorEquals": ["States.ALL"], "Next": "Then", "ResultPath": "$.failure"},
    ]
    definition = chain(Do=task({"fail": "Mine"}, Catch=catch, Next="Wrong"), Wrong=PASS | {"End": True}, Then=PASS)
    output = place.output(definition, {"a": 1})
    assert output["a"] == 1
    assert output["failure"]["Error"] == "Mine"
    assert json.loads(output["failure"]["Cause"])["errorMessage"] == "as asked"


def test_retries_come_before_catches(place: Place) -> None:
    catch = [{"ErrorEquals": ["States.ALL"], "Next": "Then"}]
    described = place.run(chain(Do=task({"fail": "Mine"}, Retry=RETRY, Catch=catch), Then=PASS))
    assert took(described) == 40
    assert json.loads(described["output"])["Error"] == "Mine"


def test_a_runtime_error_is_caught_by_nothing(place: Place) -> None:
    state = task(Catch=[{"ErrorEquals": ["States.ALL"], "Next": "Then"}], Retry=RETRY, InputPath="$.missing")
    assert place.error(chain(Do=state, Then=PASS))[0] == "States.Runtime"


def test_a_task_that_takes_too_long_times_out(place: Place) -> None:
    slow = task({"sleep": 20}, TimeoutSeconds=10, Catch=[{"ErrorEquals": ["States.Timeout"], "Next": "Then"}])
    execution = place.start(chain(Do=slow, Then=PASS))
    assert json.loads(place.ended(execution)["output"]) == {"Error": "States.Timeout", "Cause": ""}
    assert "TaskTimedOut" in place.kinds(execution)
    path = task({"sleep": 20}, TimeoutSecondsPath="$.most")
    assert place.error(chain(Do=path), {"most": 10})[0] == "States.Timeout"
    assert place.run(chain(Do=path), {"most": 30})["status"] == "SUCCEEDED"


def test_a_machine_s_time_out_ends_its_execution(place: Place) -> None:
    definition = {**chain(Wait={"Type": "Wait", "Seconds": 1000}), "TimeoutSeconds": 100}
    execution = place.start(definition)
    described = place.ended(execution)
    assert (described["status"], took(described)) == ("TIMED_OUT", 100)
    assert place.kinds(execution)[-1] == "ExecutionTimedOut"


def test_a_payload_has_at_most_262144_bytes(place: Place) -> None:
    large = task({"large": 262_144}, ResultSelector={"x.$": "$.Payload"})
    assert place.error(chain(Do=large))[0] == "States.DataLimitExceeded"
    assert place.run(chain(Do=task({"large": 200_000}, ResultPath=None)))["status"] == "SUCCEEDED"
    doubled = {**PASS, "Parameters": {"a.$": "$", "b.$": "$"}}
    assert place.error(chain(One=doubled), {"x": "é" * 70_000})[0] == "States.DataLimitExceeded"
    assert place.error(chain(One=doubled), {"x": "a" * 140_000})[0] == "States.DataLimitExceeded"
    caught = task({"large": 262_144}, Catch=[{"ErrorEquals": ["States.ALL"], "Next": "Then"}])
    assert place.error(chain(Do=caught, Then=PASS))[0] == "States.DataLimitExceeded"


def test_an_execution_of_too_many_events_fails(place: Place) -> None:
    rules = [{"Variable": "$.stop", "IsPresent": True, "Next": "End"}]
    definition = {
        "StartAt": "Choose",
        "States": {"Choose": {"Type": "Choice", "Choices": rules, "Default": "Choose"}, "End": SUCCEED},
    }
    execution = place.start(definition)
    described = place.ended(execution)
    assert (described["status"], described["error"]) == ("FAILED", "States.Runtime")
    assert "25000" in described["cause"]
    (last,) = place.states.get_execution_history(executionArn=execution, reverseOrder=True, maxResults=1)["events"]
    assert (last["id"], last["type"]) == (25_000, "ExecutionFailed")


def test_the_history_tells_a_task_in_order(place: Place) -> None:
    execution = place.start(chain(Do=task({"a": 1}), Direct={"Type": "Task", "Resource": FUNCTION}))
    place.ended(execution)
    events = place.events(execution)
    assert [event["type"] for event in events] == [
        "ExecutionStarted",
        "TaskStateEntered", "TaskScheduled", "TaskStarted", "TaskSucceeded", "TaskStateExited",
        "TaskStateEntered", "LambdaFunctionScheduled", "LambdaFunctionStarted", "LambdaFunctionSucceeded",
        "TaskStateExited",
        "ExecutionSucceeded",
    ]  # fmt: skip
    assert [(event["id"], event["previousEventId"]) for event in events] == [(n + 1, n) for n in range(12)]
    assert events[2]["taskScheduledEventDetails"]["resource"] == "invoke"
    assert json.loads(events[2]["taskScheduledEventDetails"]["parameters"])["Payload"] == {"a": 1}
    assert events[5]["stateExitedEventDetails"]["name"] == "Do"


def test_branches_have_lines_of_events_of_their_own(place: Place) -> None:
    branches = [chain(A=PASS), chain(B=PASS)]
    execution = place.start(chain(Both={"Type": "Parallel", "Branches": branches}))
    place.ended(execution)
    events = place.events(execution)
    started = next(event["id"] for event in events if event["type"] == "ParallelStateStarted")
    entered = [event for event in events if event["type"] == "PassStateEntered"]
    assert [event["previousEventId"] for event in entered] == [started, started]


def test_every_event_of_every_kind_of_state_is_of_the_service_model(place: Place) -> None:
    branches = [chain(A={"Type": "Wait", "Seconds": 1}), chain(B=SUCCEED)]
    failing = {"Type": "Parallel", "Branches": [chain(C={"Type": "Fail", "Error": "E"})],
               "Catch": [{"ErrorEquals": ["E"], "Next": "Each"}]}  # fmt: skip
    each = items(Catch=[{"ErrorEquals": ["States.ALL"], "Next": "Do"}])
    definition = chain(
        First={**PASS, "Result": {"items": [1, -1], "tag": "t"}},
        Both={"Type": "Parallel", "Branches": branches, "ResultPath": None},
        Failing={**failing, "ResultPath": None},
        Each=each,
        Do=task({"fail": "E"}, Catch=[{"ErrorEquals": ["States.ALL"], "Next": "Direct"}]),
        Direct={"Type": "Task", "Resource": FUNCTION, "Parameters": {"sleep": 9}, "TimeoutSeconds": 5},
    )
    failing["Catch"][0]["Next"] = "Each"  # type: ignore[index]
    execution = place.start(definition)
    place.ended(execution)
    shape = get_service_model("stepfunctions").operation_model("GetExecutionHistory").output_shape
    kept = place.opened.world.services["stepfunctions"].executions.find(execution).events  # type: ignore[attr-defined]
    validate("stepfunctions", shape, {"events": kept})
    members = shape.members["events"].member.members
    assert {name for event in kept for name in event} <= set(members)
    for event in kept:
        for name, value in event.items():
            if isinstance(value, dict):
                assert set(value) <= set(members[name].members), event
    assert {event["type"] for event in kept} <= set(members["type"].enum)


def test_a_run_repeats(place: Place) -> None:
    jitter = [{"ErrorEquals": ["States.ALL"], "JitterStrategy": "FULL", "IntervalSeconds": 1000, "MaxAttempts": 1}]
    definition = chain(Do=task({"fail": "E"}, Retry=jitter))
    arn = place.machine(definition, name="repeats")

    def pause() -> timedelta:
        started = place.states.start_execution(stateMachineArn=arn, name="same")["executionArn"]
        described = place.ended(started)
        place.opened.advance(timedelta(days=91))
        span: timedelta = described["stopDate"] - described["startDate"]
        return span

    first = pause()
    assert first > timedelta(seconds=1)
    assert abs(pause() - first) < timedelta(milliseconds=5)


def test_the_integration_names_are_those_of_the_partition(place: Place) -> None:
    assert INVOKE.startswith("arn:aws:")
    with pytest.raises(place.states.exceptions.InvalidDefinition, match="partition"):
        place.machine(chain(Do={**task(), "Resource": INVOKE.replace("arn:aws:", "arn:aws-cn:")}))
