"""Step Functions: state machines, executions, tags, permissions, and what EventBridge starts."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.simulator.pipeline_world import HOME, HUB, MEMBER, document
from tests.simulator.states_world import MACHINE_ROLE, Place, chain, states_world, task

PASS = chain(One={"Type": "Pass"})
WAIT = chain(One={"Type": "Wait", "Seconds": 1000}, Two={"Type": "Pass"})
ARN = f"arn:aws:states:{HOME}:{MEMBER}:stateMachine:{{}}"


@pytest.fixture(scope="module")
def place() -> Iterator[Place]:
    with states_world() as one:
        yield one


def refused(call: Any, **parameters: Any) -> str:
    with pytest.raises(ClientError) as caught:
        call(**parameters)
    return str(caught.value.response["Error"]["Code"])


def create(place: Place, name: str, definition: Any = PASS, **more: Any) -> dict[str, Any]:
    made: dict[str, Any] = place.states.create_state_machine(
        name=name, definition=json.dumps(definition), roleArn=MACHINE_ROLE, **more
    )
    return made


def test_a_state_machine_is_described_as_it_was_made(place: Place) -> None:
    logging = {"level": "OFF", "includeExecutionData": True}
    made = create(place, "made", loggingConfiguration=logging, tracingConfiguration={"enabled": True})
    shown = place.states.describe_state_machine(stateMachineArn=made["stateMachineArn"])
    assert shown["stateMachineArn"] == ARN.format("made")
    assert (shown["name"], shown["status"], shown["type"]) == ("made", "ACTIVE", "STANDARD")
    assert json.loads(shown["definition"]) == PASS
    assert shown["roleArn"] == MACHINE_ROLE
    assert shown["loggingConfiguration"] == logging
    assert shown["tracingConfiguration"] == {"enabled": True}
    assert ARN.format("made") in {one["stateMachineArn"] for one in _listed(place)}


def _listed(place: Place) -> list[dict[str, Any]]:
    pages = place.states.get_paginator("list_state_machines").paginate(PaginationConfig={"PageSize": 2})
    return [one for page in pages for one in page["stateMachines"]]


def test_creation_is_idempotent_for_the_same_machine_alone(place: Place) -> None:
    first, second = create(place, "twice"), create(place, "twice")
    assert first["creationDate"] == second["creationDate"]
    with pytest.raises(place.states.exceptions.StateMachineAlreadyExists):
        create(place, "twice", WAIT)
    with pytest.raises(place.states.exceptions.StateMachineAlreadyExists):
        create(place, "twice", tracingConfiguration={"enabled": True})


@pytest.mark.parametrize("name", ["with space", "a*", "a:b", "a/b", "a#", "a[b]", "x" * 81])
def test_names_follow_the_rules(place: Place, name: str) -> None:
    assert refused(lambda: create(place, name)) in ("InvalidName", "ValidationException")


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"type": "EXPRESS"}, "NotImplemented"),
        ({"publish": True}, "NotImplemented"),
        ({"encryptionConfiguration": {"type": "CUSTOMER_MANAGED_KMS_KEY", "kmsKeyId": "a"}}, "NotImplemented"),
        ({"loggingConfiguration": {"level": "ALL"}}, "InvalidLoggingConfiguration"),
        ({"roleArn": f"arn:aws:iam::{MEMBER}:user/x"}, "InvalidArn"),
        ({"roleArn": f"arn:aws:iam::{MEMBER}:role/nobody"}, "AccessDeniedException"),
        ({"roleArn": f"arn:aws:iam::{MEMBER}:role/worker"}, "AccessDeniedException"),
        ({"roleArn": f"arn:aws:iam::{HUB}:role/machine"}, "AccessDeniedException"),
        ({"definition": "{}"}, "InvalidDefinition"),
    ],
)
def test_a_state_machine_that_could_not_run_is_refused(place: Place, given: dict[str, Any], code: str) -> None:
    parameters = {"name": "refused", "definition": json.dumps(PASS), "roleArn": MACHINE_ROLE, **given}
    assert refused(place.states.create_state_machine, **parameters) == code


@pytest.mark.parametrize(
    ("condition", "admitted"),
    [
        ({"StringEquals": {"aws:SourceAccount": MEMBER}}, True),
        ({"StringEquals": {"aws:SourceAccount": HUB}}, False),
        ({"ArnLike": {"aws:SourceArn": f"arn:aws:states:{HOME}:{MEMBER}:stateMachine:con*"}}, True),
        ({"ArnLike": {"aws:SourceArn": f"arn:aws:states:{HOME}:{MEMBER}:stateMachine:other"}}, False),
    ],
)
def test_a_role_may_bind_step_functions_to_account_and_machine(
    place: Place, condition: dict[str, Any], admitted: bool
) -> None:
    iam, name = place.client("iam"), "bound"
    role = place.role(name, Condition=condition)
    try:
        if admitted:
            machine = place.machine(PASS, name="confused", roleArn=role)
            place.states.delete_state_machine(stateMachineArn=machine)
        else:
            assert refused(lambda: place.machine(PASS, name="confused", roleArn=role)) == "AccessDeniedException"
    finally:
        iam.delete_role_policy(RoleName=name, PolicyName="work")
        iam.delete_role(RoleName=name)


def test_the_regional_principal_may_be_trusted_too(place: Place) -> None:
    role = place.role("regional", Principal={"Service": f"states.{HOME}.amazonaws.com"})
    assert place.run(chain(Do=task({})), roleArn=role)["status"] == "SUCCEEDED"


def test_an_update_changes_new_executions_alone(place: Place) -> None:
    machine = place.machine(WAIT)
    before = place.states.start_execution(stateMachineArn=machine)["executionArn"]
    place.opened.advance(timedelta(seconds=10))
    changed = place.states.update_state_machine(stateMachineArn=machine, definition=json.dumps(PASS))
    shown = place.states.describe_state_machine(stateMachineArn=machine)
    assert shown["revisionId"] == changed["revisionId"]
    assert json.loads(shown["definition"]) == PASS
    after = place.states.start_execution(stateMachineArn=machine)["executionArn"]
    kept = place.states.describe_state_machine_for_execution(executionArn=before)
    assert json.loads(kept["definition"]) == WAIT
    assert "WaitStateExited" in (place.ended(before) and place.kinds(before))
    assert "WaitStateExited" not in place.kinds(after)
    assert refused(place.states.update_state_machine, stateMachineArn=machine) == "MissingRequiredParameter"
    assert refused(place.states.update_state_machine, stateMachineArn=machine, definition="[]") == "InvalidDefinition"


def test_a_state_machine_is_deleted_when_its_executions_have_ended(place: Place) -> None:
    machine = place.machine(WAIT, name="going")
    execution = place.states.start_execution(stateMachineArn=machine)["executionArn"]
    place.opened.advance(timedelta(seconds=10))
    place.states.delete_state_machine(stateMachineArn=machine)
    assert place.states.describe_state_machine(stateMachineArn=machine)["status"] == "DELETING"
    with pytest.raises(place.states.exceptions.StateMachineDeleting):
        place.states.start_execution(stateMachineArn=machine)
    with pytest.raises(place.states.exceptions.StateMachineDeleting):
        create(place, "going", WAIT)
    described = place.ended(execution)
    assert described["status"] == "ABORTED"
    assert place.kinds(execution)[-2:] == ["WaitStateExited", "ExecutionAborted"]
    with pytest.raises(place.states.exceptions.StateMachineDoesNotExist):
        place.states.describe_state_machine(stateMachineArn=machine)
    place.states.delete_state_machine(stateMachineArn=machine)
    create(place, "going", PASS)
    assert place.states.list_executions(stateMachineArn=machine)["executions"] == []


def test_what_is_not_there_is_named(place: Place) -> None:
    states, missing = place.states, ARN.format("missing")
    execution = missing.replace(":stateMachine:", ":execution:") + ":one"
    assert refused(states.describe_state_machine, stateMachineArn=missing) == "StateMachineDoesNotExist"
    assert refused(states.describe_state_machine, stateMachineArn="missing") == "InvalidArn"
    assert refused(states.describe_state_machine, stateMachineArn=f"{missing}:1") == "NotImplemented"
    assert refused(states.start_execution, stateMachineArn=missing) == "StateMachineDoesNotExist"
    for call in (states.describe_execution, states.get_execution_history, states.stop_execution):
        assert refused(call, executionArn=execution) == "ExecutionDoesNotExist"
        assert refused(call, executionArn=missing) == "InvalidArn"
    assert refused(states.list_tags_for_resource, resourceArn=missing) == "ResourceNotFound"
    assert refused(states.redrive_execution, executionArn=execution) == "NotImplemented"
    assert refused(states.create_activity, name="a") == "NotImplemented"


def test_an_execution_s_name_is_taken_for_ninety_days(place: Place) -> None:
    machine = place.machine(WAIT)

    def start(**more: Any) -> str:
        return str(place.states.start_execution(stateMachineArn=machine, name="one", **more)["executionArn"])

    first = start(input='{"a": 1}')
    assert start(input='{"a": 1}') == first
    with pytest.raises(place.states.exceptions.ExecutionAlreadyExists):
        start(input='{"a": 2}')
    place.ended(first)
    with pytest.raises(place.states.exceptions.ExecutionAlreadyExists):
        start(input='{"a": 1}')
    place.opened.advance(timedelta(days=91))
    assert refused(place.states.describe_execution, executionArn=first) == "ExecutionDoesNotExist"
    assert start(input='{"a": 2}') == first


def test_an_input_is_json_of_at_most_262144_bytes(place: Place) -> None:
    machine = place.machine(PASS)
    assert refused(place.states.start_execution, stateMachineArn=machine, input="{") == "InvalidExecutionInput"
    wide = json.dumps("é" * 132_000, ensure_ascii=False)
    assert refused(place.states.start_execution, stateMachineArn=machine, input=wide) == "InvalidExecutionInput"
    long = json.dumps("a" * 262_144)
    assert refused(place.states.start_execution, stateMachineArn=machine, input=long) == "ValidationException"
    assert refused(place.states.start_execution, stateMachineArn=machine, name="a b") in (
        "InvalidName",
        "ValidationException",
    )


def test_executions_are_listed_the_latest_first_and_by_status(place: Place) -> None:
    machine = place.machine(WAIT)
    names = [f"number-{number}" for number in range(5)]
    for name in names:
        place.states.start_execution(stateMachineArn=machine, name=name)
    place.opened.advance(timedelta(seconds=1))
    stopped = machine.replace(":stateMachine:", ":execution:") + ":number-2"
    place.states.stop_execution(executionArn=stopped, error="Mine", cause="because")
    pages = place.states.get_paginator("list_executions")
    listed = pages.paginate(stateMachineArn=machine, PaginationConfig={"PageSize": 2})
    assert [one["name"] for page in listed for one in page["executions"]] == names[::-1]
    running = place.states.list_executions(stateMachineArn=machine, statusFilter="RUNNING")["executions"]
    assert len(running) == 4
    described = place.states.describe_execution(executionArn=stopped)
    assert (described["status"], described["error"], described["cause"]) == ("ABORTED", "Mine", "because")
    again = place.states.stop_execution(executionArn=stopped, error="Other")
    assert again["stopDate"] == described["stopDate"]
    assert place.ended(stopped)["error"] == "Mine"
    assert place.kinds(stopped) == ["ExecutionStarted", "WaitStateEntered", "ExecutionAborted"]


def test_a_history_is_read_in_pages_backwards_and_without_data(place: Place) -> None:
    execution = place.start(PASS, {"secret": 1})
    place.ended(execution)
    ask = place.states.get_execution_history
    first = ask(executionArn=execution, maxResults=2)
    second = ask(executionArn=execution, maxResults=2, nextToken=first["nextToken"])
    assert [event["id"] for event in first["events"] + second["events"]] == [1, 2, 3, 4]
    assert "nextToken" not in second
    backwards = ask(executionArn=execution, reverseOrder=True)["events"]
    assert [event["id"] for event in backwards] == [4, 3, 2, 1]
    assert "secret" not in json.dumps(ask(executionArn=execution, includeExecutionData=False)["events"], default=str)
    assert refused(ask, executionArn=execution, nextToken="wrong") == "InvalidToken"


def test_a_function_may_stop_the_execution_that_it_works_for(place: Place) -> None:
    stop = {"Type": "Task", "Resource": "arn:aws:states:::aws-sdk:sfn:stopExecution",
            "Parameters": {"ExecutionArn.$": "$$.Execution.Id"}}  # fmt: skip
    execution = place.start(chain(Stop=stop, Never={"Type": "Pass"}))
    assert place.ended(execution)["status"] == "ABORTED"
    assert place.kinds(execution)[-1] == "ExecutionAborted"


def test_a_definition_is_validated_without_being_kept(place: Place) -> None:
    assert place.states.validate_state_machine_definition(definition=json.dumps(PASS))["result"] == "OK"
    wrong = chain(One={"Type": "Pass", "Next": "Two"})
    found = place.states.validate_state_machine_definition(definition=json.dumps(wrong))
    assert found["result"] == "FAIL"
    assert found["diagnostics"][0]["code"] == "MISSING_TRANSITION_TARGET"
    assert found["diagnostics"][0]["location"] == "/States/One/Next"


def test_tags_are_put_and_taken(place: Place) -> None:
    arn = create(place, "tagged", tags=[{"key": "a", "value": "1"}])["stateMachineArn"]
    place.states.tag_resource(resourceArn=arn, tags=[{"key": "b", "value": "2"}])
    place.states.untag_resource(resourceArn=arn, tagKeys=["a", "c"])
    assert place.states.list_tags_for_resource(resourceArn=arn)["tags"] == [{"key": "b", "value": "2"}]
    many = [{"key": str(number), "value": ""} for number in range(50)]
    assert refused(place.states.tag_resource, resourceArn=arn, tags=many) == "TooManyTags"


def person(place: Place, name: str, *statements: dict[str, Any]) -> Any:
    """A client of a user with these permissions."""
    iam = place.client("iam")
    iam.create_user(UserName=name)
    iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=document(*statements))
    key = iam.create_access_key(UserName=name)["AccessKey"]
    session: Any = place.opened.session(MEMBER)
    return session.client(
        "stepfunctions", aws_access_key_id=key["AccessKeyId"], aws_secret_access_key=key["SecretAccessKey"],
        aws_session_token=None,
    )  # fmt: skip


def allow(action: Any, resource: Any, **condition: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource, "Condition": condition}


def test_actions_are_allowed_on_machines_and_executions_by_arn(place: Place) -> None:
    mine, other = place.machine(PASS, name="mine"), place.machine(PASS, name="others")
    runs = f"arn:aws:states:{HOME}:{MEMBER}:execution:mine:*"
    user = person(
        place, "operator", allow("states:StartExecution", mine),
        allow(["states:DescribeExecution", "states:GetExecutionHistory", "states:StopExecution"], runs),
    )  # fmt: skip
    execution = user.start_execution(stateMachineArn=mine)["executionArn"]
    user.describe_execution(executionArn=execution)
    user.get_execution_history(executionArn=execution)
    user.stop_execution(executionArn=execution)
    assert refused(user.start_execution, stateMachineArn=other) == "AccessDeniedException"
    foreign = place.states.start_execution(stateMachineArn=other)["executionArn"]
    assert refused(user.describe_execution, executionArn=foreign) == "AccessDeniedException"
    assert refused(user.list_state_machines) == "AccessDeniedException"


def test_creation_needs_to_pass_the_role_to_step_functions(place: Place) -> None:
    makes = allow(["states:CreateStateMachine", "states:TagResource"], "*")
    given = {"name": "passed", "definition": json.dumps(PASS), "roleArn": MACHINE_ROLE}
    passes = {
        "lambda": allow("iam:PassRole", MACHINE_ROLE, StringEquals={"iam:PassedToService": "lambda.amazonaws.com"}),
        "states": allow("iam:PassRole", MACHINE_ROLE, StringEquals={"iam:PassedToService": "states.amazonaws.com"}),
    }
    assert refused(person(place, "none", makes).create_state_machine, **given) == "AccessDeniedException"
    wrong = person(place, "wrong", makes, passes["lambda"])
    assert refused(wrong.create_state_machine, **given) == "AccessDeniedException"
    person(place, "right", makes, passes["states"]).create_state_machine(**given)


def test_a_creation_s_tags_are_asked_for(place: Place) -> None:
    given = {"name": "made-tagged", "definition": json.dumps(PASS), "roleArn": MACHINE_ROLE}
    tagged = allow("states:CreateStateMachine", "*", StringEquals={"aws:RequestTag/team": "red"})
    user = person(place, "tagger", tagged, allow(["iam:PassRole", "states:TagResource"], "*"))
    assert refused(user.create_state_machine, **given) == "AccessDeniedException"
    user.create_state_machine(**given, tags=[{"key": "team", "value": "red"}])


def test_a_machine_s_tags_decide_where_a_policy_asks_for_them(place: Place) -> None:
    red = place.machine(PASS, tags=[{"key": "team", "value": "red"}])
    blue = place.machine(PASS, tags=[{"key": "team", "value": "blue"}])
    user = person(
        place, "red-team", allow("states:StartExecution", "*", StringEquals={"aws:ResourceTag/team": "red"})
    )  # fmt: skip
    user.start_execution(stateMachineArn=red)
    assert refused(user.start_execution, stateMachineArn=blue) == "AccessDeniedException"


def rule(place: Place, name: str, machine: str, role: str, **rule: Any) -> None:
    events = place.client("events")
    events.put_rule(Name=name, **rule)
    events.put_targets(Rule=name, Targets=[{"Id": "one", "Arn": machine, "RoleArn": role}])


def test_a_rule_starts_an_execution_with_the_event(place: Place) -> None:
    machine = place.machine(PASS)
    starter = place.role("starter", "states:StartExecution", Principal={"Service": "events.amazonaws.com"})
    rule(place, "starts", machine, starter, EventPattern='{"source": ["ours"]}')
    place.client("events").put_events(Entries=[{"Source": "ours", "DetailType": "d", "Detail": '{"a": 1}'}])
    place.opened.rest()
    (started,) = place.states.list_executions(stateMachineArn=machine)["executions"]
    described = place.states.describe_execution(executionArn=started["executionArn"])
    assert described["status"] == "SUCCEEDED"
    assert json.loads(described["input"])["detail"] == {"a": 1}


def test_the_status_of_an_execution_is_told_to_eventbridge(place: Place) -> None:
    events, sqs = place.client("events"), place.client("sqs")
    queue = sqs.create_queue(QueueName="told")["QueueUrl"]
    arn = f"arn:aws:sqs:{HOME}:{MEMBER}:told"
    admit = {"Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Action": "sqs:SendMessage",
             "Resource": arn}  # fmt: skip
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": document(admit)})
    events.put_rule(Name="told", EventPattern='{"source": ["aws.states"]}')
    events.put_targets(Rule="told", Targets=[{"Id": "one", "Arn": arn}])
    execution = place.start(chain(Stop={"Type": "Fail", "Error": "Mine"}), {"a": 1})
    place.ended(execution)
    received = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10)["Messages"]
    # Executions of other tests may end meanwhile.
    told = [one for one in (json.loads(message["Body"]) for message in received) if one["resources"] == [execution]]
    events.remove_targets(Rule="told", Ids=["one"])
    assert {one["detail-type"] for one in told} == {"Step Functions Execution Status Change"}
    assert [one["detail"]["status"] for one in told] == ["RUNNING", "FAILED"]
    assert told[1]["detail"]["error"] == "Mine"
    assert json.loads(told[1]["detail"]["input"]) == {"a": 1}
    assert told[1]["resources"] == [execution]


def test_a_schedule_starts_executions(place: Place) -> None:
    machine = place.machine(PASS)
    role = place.role("scheduler", "states:StartExecution", Principal={"Service": "events.amazonaws.com"})
    rule(place, "hourly", machine, role, ScheduleExpression="rate(1 hour)")
    place.opened.advance(timedelta(hours=3, minutes=1))
    assert len(place.states.list_executions(stateMachineArn=machine)["executions"]) == 3
    place.client("events").disable_rule(Name="hourly")


def test_a_rule_whose_role_may_not_start_drops_its_event(place: Place) -> None:
    machine = place.machine(PASS)
    role = place.role("powerless", "states:ListStateMachines", Principal={"Service": "events.amazonaws.com"})
    rule(place, "fails", machine, role, EventPattern='{"source": ["theirs"]}')
    place.client("events").put_events(Entries=[{"Source": "theirs", "DetailType": "d", "Detail": "{}"}])
    place.opened.rest()
    assert place.states.list_executions(stateMachineArn=machine)["executions"] == []
    dropped = place.opened.world.services["events"].dropped  # type: ignore[attr-defined]
    assert (dropped[-1].target_arn, dropped[-1].code) == (machine, "NO_PERMISSIONS")


def test_a_target_state_machine_needs_a_role(place: Place) -> None:
    events, machine = place.client("events"), place.machine(PASS)
    events.put_rule(Name="roleless", EventPattern='{"source": ["ours"]}')
    target = {"Id": "one", "Arn": machine}
    assert refused(events.put_targets, Rule="roleless", Targets=[target]) == "ValidationException"
    wrong = {"Id": "one", "Arn": machine.replace(":stateMachine:", ":activity:"), "RoleArn": MACHINE_ROLE}
    assert refused(events.put_targets, Rule="roleless", Targets=[wrong]) == "ValidationException"
