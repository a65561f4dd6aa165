"""Definitions that Step Functions refuses, each with the reason, and what it takes."""

from __future__ import annotations

import copy
import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.call import ServiceError
from simulator.services import states_definition
from simulator.services.states_fields import FIELDS
from simulator.services.states_resources import class_name, member_name
from tests.simulator.states_world import INVOKE, chain

PASS: dict[str, Any] = {"Type": "Pass"}
TASK: dict[str, Any] = {"Type": "Task", "Resource": INVOKE, "Parameters": {"FunctionName": "f"}}
WAIT: dict[str, Any] = {"Type": "Wait", "Seconds": 1}
MAP: dict[str, Any] = {"Type": "Map", "ItemProcessor": chain(One=PASS)}
SDK = "arn:aws:states:::aws-sdk:"


def read(definition: Any) -> dict[str, Any]:
    text = definition if isinstance(definition, str) else json.dumps(definition)
    return states_definition.read(text, "aws", "eu-west-1")


def rule(**more: Any) -> dict[str, Any]:
    """A machine of one choice rule."""
    return chain(One={"Type": "Choice", "Choices": [{"Next": "Two", **more}]}, Two=PASS)


def retrier(**more: Any) -> dict[str, Any]:
    return chain(One={**TASK, "Retry": [{"ErrorEquals": ["E"], **more}]})


def catcher(**more: Any) -> dict[str, Any]:
    return chain(One={**TASK, "Catch": [{"ErrorEquals": ["E"], "Next": "Two", **more}]}, Two=PASS)


REFUSED: list[tuple[Any, str]] = [
    ("{", "INVALID_JSON_DESCRIPTION"),
    ([], "must be an object"),
    ({"StartAt": "A", "States": {}}, "'States' is required"),
    ({"States": chain(One=PASS)["States"]}, "Missing 'StartAt' target"),
    ({**chain(One=PASS), "StartAt": "Two"}, "Missing 'StartAt' target: Two"),
    ({**chain(One=PASS), "Begin": "One"}, "Field 'Begin' is not supported"),
    ({**chain(One=PASS), "TimeoutSeconds": 0}, "'TimeoutSeconds' must be a positive integer"),
    (chain(One={"Type": "Loop"}), "'Loop' is no type of state"),
    (chain(One={**PASS, "Retries": []}), "Field 'Retries' is not supported"),
    (chain(One={**PASS, "Retry": []}), "Field 'Retry' is not supported"),
    (chain(One={**PASS, "Next": "Nowhere"}), "Missing 'Next' target: Nowhere"),
    (chain(One={**PASS, "End": False}), "'End' must be true"),
    (chain(One={**PASS, "Next": "One", "End": True}), "one alone of Next, End"),
    ({"StartAt": "One", "States": {"One": PASS}}, "One of 'Next' and 'End' is required"),
    (chain(One={**PASS, "End": True}, Two=PASS), 'State "Two" is not reachable'),
    (chain(One={**PASS, "Next": "One"}), "No terminal state is reachable"),
    (chain(**{"x" * 81: PASS}), "at most 80 characters"),
    (chain(One=PASS, Two={**MAP, "ItemProcessor": chain(One=PASS)}), "'One' is not unique"),
    (chain(One={**PASS, "InputPath": "a"}), "'InputPath' must be a path or null"),
    (chain(One={**PASS, "ResultPath": "$.a[*]"}), "'ResultPath' must be a reference path"),
    (chain(One={**PASS, "Parameters": {"a.$": "b"}}), "must be a valid JSONPath or a valid intrinsic"),
    (chain(One={**PASS, "Parameters": {"b": [{"a.$": 1}]}}), "must be a valid JSONPath or a valid intrinsic"),
    (chain(One={**PASS, "Parameters": {"a.$": "States.Nothing()"}}), "must be a valid JSONPath or a valid intrinsic"),
    (chain(One={"Type": "Task"}), "'Resource' is required"),
    (chain(One={"Type": "Task", "Resource": "f"}), "not a valid resource ARN"),
    (chain(One={"Type": "Task", "Resource": INVOKE}), "'FunctionName' is required"),
    (chain(One={**TASK, "Parameters": {"FunctionName": "f", "Name": 1}}), "'Name' is not supported"),
    (chain(One={**TASK, "TimeoutSeconds": 1.5}), "'TimeoutSeconds' must be a positive integer"),
    (chain(One={**TASK, "TimeoutSeconds": 5, "HeartbeatSeconds": 5}), "must be smaller than TimeoutSeconds"),
    (chain(One={**TASK, "TimeoutSeconds": 5, "TimeoutSecondsPath": "$.a"}), "one alone of TimeoutSeconds"),
    (chain(One={**TASK, "Resource": f"{INVOKE}.waitForTaskToken"}), "must hand on"),
    (chain(One={"Type": "Task", "Resource": f"{SDK}nothing:doIt"}), "is not recognized"),
    (chain(One={"Type": "Task", "Resource": f"{SDK}iam:doIt"}), "is not recognized"),
    (chain(One={"Type": "Task", "Resource": f"{SDK}iam:GetRole"}), "is not recognized"),
    (chain(One={"Type": "Task", "Resource": f"{SDK}sts:assumeRole"}), "is not recognized"),
    (chain(One={"Type": "Task", "Resource": f"{SDK}iam:getRole", "Parameters": {"roleName": "r"}}), "not supported"),
    (chain(One={**TASK, "Credentials": {}}), "'RoleArn' is required"),
    (chain(One={"Type": "Wait"}), "One of Seconds"),
    (chain(One={**WAIT, "Timestamp": "2026-01-01T00:00:00Z"}), "one alone of Seconds"),
    (chain(One={"Type": "Wait", "Timestamp": "soon"}), "must be a timestamp"),
    (chain(One={"Type": "Wait", "Seconds": -1}), "'Seconds' must be"),
    (chain(One={"Type": "Choice"}), "'Choices'"),
    (chain(One={"Type": "Choice", "Choices": []}, Two=PASS), "non-empty list"),
    (rule(), "one comparison operator"),
    (rule(Variable="$.a"), "one comparison operator"),
    (rule(Variable="$.a", StringEquals="a", IsNull=True), "one comparison operator"),
    (rule(StringEquals="a"), "one comparison operator"),
    (rule(Variable="$.a", StringIs="a"), "Field 'StringIs' is not supported"),
    (rule(Variable="$.a", StringEquals=1), "wrong type"),
    (rule(Variable="$.a", NumericEquals="1"), "wrong type"),
    (rule(Variable="$.a", TimestampEquals="noon"), "wrong type"),
    (rule(Variable="$.a", IsPresent="yes"), "wrong type"),
    (rule(Variable="$.a", NumericEqualsPath="a"), "wrong type"),
    (rule(Variable="a", IsNull=True), "'Variable' must be a path"),
    (rule(And=[]), "non-empty list"),
    (rule(Not={"Variable": "$.a", "IsNull": True, "Next": "Two"}), "belongs to a top-level rule"),
    (rule(Variable="$.a", IsNull=True, Next="Nowhere"), "Missing 'Next' target"),
    (chain(One={"Type": "Fail", "End": True}), "Field 'End' is not supported"),
    (chain(One={"Type": "Fail", "Error": "a", "ErrorPath": "$.a"}), "one alone of Error, ErrorPath"),
    (chain(One={"Type": "Succeed", "ResultPath": "$"}), "Field 'ResultPath' is not supported"),
    (chain(One={"Type": "Parallel"}), "'Branches'"),
    (chain(One={"Type": "Parallel", "Branches": [{"StartAt": "A"}]}), "'States' is required"),
    (chain(One={"Type": "Parallel", "Branches": [chain(Two={**PASS, "Next": "One"})]}), "Missing 'Next' target: One"),
    (chain(One={"Type": "Map"}), "'ItemProcessor' is required"),
    (chain(One={**MAP, "MaxConcurrency": -1}), "'MaxConcurrency' must be"),
    (chain(One={**MAP, "ToleratedFailurePercentage": 101}), "'ToleratedFailurePercentage' must be"),
    (chain(One={**MAP, "Iterator": chain(Three=PASS)}), "one alone of ItemProcessor, Iterator"),
    (retrier(ErrorEquals=[]), "must be a list of error names"),
    (retrier(MaxAttempts=-1), "'MaxAttempts' must be"),
    (retrier(IntervalSeconds=0), "'IntervalSeconds' must be"),
    (retrier(BackoffRate=0.5), "'BackoffRate' must be"),
    (retrier(JitterStrategy="SOME"), "'JitterStrategy' must be"),
    (retrier(MaxDelaySeconds=3, IntervalSeconds=3), "MaxDelaySeconds must be greater"),
    (retrier(Tries=3), "Field 'Tries' is not supported"),
    (retrier(ErrorEquals=["States.ALL", "E"]), "must stand alone"),
    (chain(One={**TASK, "Retry": [{"ErrorEquals": ["States.ALL"]}, {"ErrorEquals": ["E"]}]}), "in the last entry"),
    (chain(One={**TASK, "Retry": [{}]}), "'ErrorEquals' is required"),
    (catcher(Next="Nowhere"), "Missing 'Next' target: Nowhere"),
    (catcher(ResultPath="a"), "'ResultPath' must be"),
]


@pytest.mark.parametrize(("definition", "why"), REFUSED)
def test_a_definition_is_refused_with_the_reason(definition: Any, why: str) -> None:
    with pytest.raises(ServiceError) as caught:
        read(definition)
    assert caught.value.code == "InvalidDefinition"
    assert why in caught.value.message


@pytest.mark.parametrize(
    ("definition", "what"),
    [
        ({**chain(One=PASS), "QueryLanguage": "JSONata"}, "JSONata"),
        (chain(One={**PASS, "QueryLanguage": "JSONata"}), "JSONata"),
        (chain(One={**PASS, "Assign": {"a": 1}}), "Assign"),
        (chain(One={**PASS, "Output": "{% 1 %}"}), "Output"),
        (chain(One={**MAP, "ItemReader": {}}), "ItemReader"),
        (chain(One={**MAP, "ItemProcessor": {**chain(Two=PASS), "ProcessorConfig": {"Mode": "DISTRIBUTED"}}}),
         "DISTRIBUTED"),
        (chain(One={"Type": "Task", "Resource": "arn:aws:states:eu-west-1:300000000003:activity:a"}), "activities"),
        (chain(One={"Type": "Task", "Resource": "arn:aws:states:::ecs:runTask"}), "ecs:runTask"),
        (chain(One={"Type": "Task", "Resource": "arn:aws:states:::states:startExecution.sync"}), "sync"),
    ],
)  # fmt: skip
def test_what_is_right_and_not_simulated_is_refused_by_name(definition: dict[str, Any], what: str) -> None:
    with pytest.raises(ServiceError) as caught:
        read(definition)
    assert (caught.value.code, caught.value.status) == ("NotImplemented", 501)
    assert what in caught.value.message


def test_every_reason_is_told_at_once_with_its_place() -> None:
    found = states_definition.faults(
        json.dumps(chain(One={**PASS, "Nothing": 1}, Two={**PASS, "Next": "Three"})), "aws", "eu-west-1"
    )
    assert [one.location for one in found] == ["/States/One/Nothing", "/States/Two/Next", "/States"]


WHOLE: dict[str, Any] = {
    "Comment": "Everything at once.",
    "TimeoutSeconds": 100,
    **chain(
        One={**TASK, "Retry": [{"ErrorEquals": ["E"], "MaxDelaySeconds": 9}, {"ErrorEquals": ["States.ALL"]}],
             "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Stop", "ResultPath": "$.e"}], "TimeoutSeconds": 9,
             "HeartbeatSeconds": 3, "ResultSelector": {"a.$": "$.Payload"}, "OutputPath": "$"},
        Two={"Type": "Task", "Resource": f"{SDK}rds:describeDBInstances", "Parameters": {"DbInstanceIdentifier": "a"},
             "Credentials": {"RoleArn.$": "$.role"}},
        Three={"Type": "Task", "Resource": "arn:aws:states:::sqs:sendMessage.waitForTaskToken",
               "Parameters": {"QueueUrl": "u", "MessageBody": {"token.$": "$$.Task.Token"}}},
        Four={"Type": "Task", "Resource": "arn:aws:states:::states:startExecution",
              "Parameters": {"StateMachineArn": "m", "Input.$": "$"}},
        Five={**MAP, "ItemsPath": "$.a[*]", "MaxConcurrencyPath": "$.n", "ItemProcessor":
              {"ProcessorConfig": {"Mode": "INLINE"}, **chain(Each=WAIT)}},
        Six={"Type": "Parallel", "Branches": [chain(B=PASS)]},
        Choose={"Type": "Choice", "Default": "End", "Choices": [
            {"And": [{"Variable": "$.a", "IsPresent": True}, {"Not": {"Variable": "$.a", "StringMatches": "x*"}}],
             "Next": "One"}]},
        Stop={"Type": "Fail", "CausePath": "States.Format('{}', $.e)"},
        End={"Type": "Succeed"},
    ),
}  # fmt: skip


def test_a_definition_of_every_type_of_state_is_taken() -> None:
    assert read(WHOLE) == WHOLE
    kinds = {state["Type"] for state in WHOLE["States"].values()} | {"Pass", "Wait"}
    assert kinds == set(FIELDS)


def _places(value: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [at, *(place for key, one in inner for place in _places(one, (*at, key)))]


@settings(max_examples=200, deadline=None)
@given(
    st.sampled_from([place for place in _places(WHOLE) if place]),
    st.sampled_from([None, True, 0, -1.5, "", "x", "$", "$.a", [], [1], [{}], {}, {"a": 1}]),
)
def test_whatever_stands_in_a_definition_is_taken_or_refused(place: tuple[Any, ...], value: Any) -> None:
    definition = copy.deepcopy(WHOLE)
    inner = definition
    for key in place[:-1]:
        inner = inner[key]
    inner[place[-1]] = value
    with suppress(ServiceError):  # any other exception is a definition that the reader trips over
        read(definition)


@pytest.mark.parametrize(
    ("service_id", "name"),
    [("DynamoDB", "DynamoDb"), ("EC2", "Ec2"), ("SecurityHub", "SecurityHub"), ("CloudWatch Logs", "CloudWatchLogs"),
     ("SFN", "Sfn"), ("ACM PCA", "AcmPca"), ("Config Service", "Config"), ("S3 Control", "S3Control"),
     ("Elastic Load Balancing v2", "ElasticLoadBalancingV2")],
)  # fmt: skip
def test_services_are_named_as_java_names_them(service_id: str, name: str) -> None:
    assert class_name(service_id) == name


@pytest.mark.parametrize(
    ("member", "name"),
    [("roleArn", "RoleArn"), ("Bucket", "Bucket"), ("ACL", "Acl"), ("DBInstanceIdentifier", "DbInstanceIdentifier"),
     ("KMSMasterKeyID", "KmsMasterKeyID"), ("SSEKMSKeyId", "SsekmsKeyId"), ("MD5OfMessageBody", "Md5OfMessageBody"),
     ("VpcId", "VpcId"), ("BOOL", "Bool")],
)  # fmt: skip
def test_members_are_named_in_pascal_case(member: str, name: str) -> None:
    assert member_name(member) == name
