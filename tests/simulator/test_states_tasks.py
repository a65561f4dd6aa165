"""What tasks call: functions, services by the SDK, tokens; with the credentials of the execution's role alone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from simulator.faults import Fault, Kind
from tests.simulator.pipeline_world import HOME, HUB, MEMBER, document
from tests.simulator.states_world import FUNCTION, INVOKE, Place, chain, states_world, task

SDK = "arn:aws:states:::aws-sdk:"
QUEUE = f"https://sqs.{HOME}.amazonaws.com/{MEMBER}/jobs"


@pytest.fixture(scope="module")
def place() -> Iterator[Place]:
    with states_world() as one:
        one.client("sqs").create_queue(QueueName="jobs")
        yield one


def sdk(what: str, **parameters: Any) -> dict[str, Any]:
    return {"Type": "Task", "Resource": f"{SDK}{what}", "Parameters": parameters}


def integration(what: str, **parameters: Any) -> dict[str, Any]:
    return {"Type": "Task", "Resource": f"arn:aws:states:::{what}", "Parameters": parameters}


def test_lambda_invoke_answers_with_status_version_and_payload(place: Place) -> None:
    answer = place.output(chain(Do=task()), {"a": 1})
    assert answer["Payload"] == {"given": {"a": 1}}
    assert (answer["StatusCode"], answer["ExecutedVersion"]) == (200, "$LATEST")
    assert answer["SdkHttpMetadata"]["HttpStatusCode"] == 200


def test_a_function_by_its_arn_answers_with_its_payload_alone(place: Place) -> None:
    assert place.output(chain(Do={"Type": "Task", "Resource": FUNCTION}), {"a": 1}) == {"given": {"a": 1}}


def test_an_event_is_queued_for_a_function(place: Place) -> None:
    state = integration("lambda:invoke", FunctionName="worker", InvocationType="Event", Payload={})
    answer = place.output(chain(Do=state))
    assert answer["StatusCode"] == 202
    assert "Payload" not in answer


@pytest.mark.parametrize(
    ("event", "error", "cause"),
    [
        ({"fail": "Mine"}, "Mine", '"errorMessage":"as asked"'),
        ({"sleep": 100}, "Sandbox.Timedout", "Task timed out after 60.00 seconds"),
        ({"exit": True}, "Runtime.ExitError", "exit status 1"),
    ],
)
def test_a_function_s_error_has_its_type_as_name_and_its_answer_as_cause(
    place: Place, event: dict[str, Any], error: str, cause: str
) -> None:
    for state in (task(event), {"Type": "Task", "Resource": FUNCTION, "Parameters": event}):
        found = place.error(chain(Do=state))
        assert found[0] == error
        assert cause in found[1]
        assert json.loads(found[1])["errorType"] == error


def test_a_missing_function_is_lambda_s_error(place: Place) -> None:
    error, cause = place.error(chain(Do=integration("lambda:invoke", FunctionName="nobody")))
    assert error == "Lambda.ResourceNotFoundException"
    assert "Service: AWSLambda; Status Code: 404; Error Code: ResourceNotFoundException" in cause


def test_a_role_invokes_what_it_may_and_no_more(place: Place) -> None:
    role = place.role("invokes-one", ["lambda:InvokeFunction"])
    place.client("iam").put_role_policy(
        RoleName="invokes-one",
        PolicyName="work",
        PolicyDocument=document({"Effect": "Allow", "Action": "lambda:InvokeFunction", "Resource": FUNCTION}),
    )
    assert place.run(chain(Do=task({})), roleArn=role)["status"] == "SUCCEEDED"
    error, cause = place.error(chain(Do=integration("lambda:invoke", FunctionName="other")), roleArn=role)
    assert error == "Lambda.AWSLambdaException"
    assert "assumed-role/invokes-one/" in cause
    assert "is not authorized to perform: lambda:InvokeFunction" in cause
    error, cause = place.error(chain(Do=sdk("iam:listRoles")), roleArn=role)
    assert (error, "iam:ListRoles" in cause) == ("Iam.IamException", True)


def test_an_sdk_task_names_members_in_pascal_case(place: Place) -> None:
    key = place.output(
        chain(
            Make=sdk("kms:createKey", Description="d"),
            Ask=sdk("kms:describeKey", **{"KeyId.$": "$.KeyMetadata.KeyId"}),
        )
    )
    assert key["KeyMetadata"]["Description"] == "d"
    assert key["KeyMetadata"]["CreationDate"].endswith("Z")
    machines = place.output(chain(Ask=sdk("sfn:listStateMachines", MaxResults=1)))["StateMachines"]
    assert list(machines[0]) == ["StateMachineArn", "Name", "Type", "CreationDate"]


def test_an_sdk_task_changes_what_it_asks_to_change(place: Place) -> None:
    group = place.client("ec2").create_security_group(GroupName="g", Description="d")["GroupId"]
    ranges = [{"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": [{"CidrIp": "10.0.0.0/8"}]}]
    place.output(chain(Open=sdk("ec2:authorizeSecurityGroupIngress", GroupId=group, IpPermissions=ranges)))
    (found,) = place.client("ec2").describe_security_groups(GroupIds=[group])["SecurityGroups"]
    assert found["IpPermissions"][0]["FromPort"] == 22
    calls = [one for one in place.opened.door.log if one.operation == "AuthorizeSecurityGroupIngress"]
    assert "assumed-role/machine/" in calls[-1].principal


@pytest.mark.parametrize(
    ("state", "error"),
    [
        (sdk("iam:getRole", RoleName="nobody"), "Iam.NoSuchEntityException"),
        (sdk("dynamodb:describeTable", TableName="nothing"), "DynamoDb.ResourceNotFoundException"),
        (sdk("s3:getObject", Bucket="no-such-bucket-of-ours", Key="k"), "S3.NoSuchBucketException"),
        (sdk("ec2:describeSecurityGroups", GroupIds=["sg-0123456789abcdef0"]), "Ec2.Ec2Exception"),
        (sdk("kms:createKey", KeyUsage="LOCK_DOORS"), "Kms.KmsException"),
        (sdk("sfn:describeExecution", ExecutionArn=f"arn:aws:states:{HOME}:{MEMBER}:execution:a:b"),
         "Sfn.ExecutionDoesNotExistException"),
        (integration("dynamodb:getItem", TableName="nothing", Key={"h": {"S": "1"}}),
         "DynamoDB.ResourceNotFoundException"),
        (integration("sns:publish", TopicArn=f"arn:aws:sns:{HOME}:{MEMBER}:nothing", Message="m"),
         "SNS.NotFoundException"),
        (integration("states:startExecution", StateMachineArn=f"arn:aws:states:{HOME}:{MEMBER}:stateMachine:nothing"),
         "StepFunctions.StateMachineDoesNotExistException"),
        (sdk("rds:modifyDBInstance", **{"DbInstanceIdentifier": "a", "ProcessorFeatures": [{"name": 1}]}),
         "States.Runtime"),
    ],
)  # fmt: skip
def test_a_refused_call_is_an_error_of_its_service(place: Place, state: dict[str, Any], error: str) -> None:
    assert place.error(chain(Do=state))[0] == error


def test_a_call_that_is_not_simulated_ends_the_execution_and_is_told(place: Place) -> None:
    execution = place.start(chain(Do=sdk("securityhub:getInsights")))
    with pytest.raises(Exception, match="securityhub:GetInsights is not simulated"):
        place.opened.rest()
    assert place.ended(execution)["status"] == "FAILED"


def test_optimised_integrations_do_their_work(place: Place) -> None:
    place.client("dynamodb").create_table(
        TableName="t",
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "h", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "h", "AttributeType": "S"}],
    )
    key = {"h": {"S": "1"}}
    names = {"#n": "n"}
    update = {"UpdateExpression": "SET #n = :n", "ExpressionAttributeNames": names}
    values = {":n": {"N.$": "States.Format('{}', $.n)"}}
    output = place.output(
        chain(
            Put=integration("dynamodb:putItem", TableName="t", Item=key) | {"ResultPath": None},
            Set=integration("dynamodb:updateItem", TableName="t", Key=key, ExpressionAttributeValues=values, **update)
            | {"ResultPath": None},
            Get=integration("dynamodb:getItem", TableName="t", Key=key) | {"ResultPath": "$.got"},
            Send=integration("sqs:sendMessage", QueueUrl=QUEUE, MessageBody={"n.$": "$.n"}) | {"ResultPath": "$.sent"},
        ),
        {"n": 7},
    )
    assert output["got"]["Item"] == {"h": {"S": "1"}, "n": {"N": "7"}}
    (message,) = place.client("sqs").receive_message(QueueUrl=QUEUE)["Messages"]
    assert json.loads(message["Body"]) == {"n": 7}
    assert output["sent"]["MessageId"] == message["MessageId"]
    place.client("sqs").delete_message(QueueUrl=QUEUE, ReceiptHandle=message["ReceiptHandle"])


def test_an_execution_starts_another_and_goes_on(place: Place) -> None:
    child = place.machine(chain(Wait={"Type": "Wait", "Seconds": 100}), name="child")
    start = integration("states:startExecution", StateMachineArn=child, Name="one", **{"Input.$": "$"})
    described = place.run(chain(Start=start), {"a": 1})
    assert described["stopDate"] - described["startDate"] < timedelta(seconds=1)
    (started,) = place.states.list_executions(stateMachineArn=child)["executions"]
    assert started["executionArn"] == json.loads(described["output"])["ExecutionArn"]
    assert place.states.describe_execution(executionArn=started["executionArn"])["input"] == '{"a": 1}'


def test_another_account_is_entered_by_the_role_that_the_state_names(place: Place) -> None:
    def admit(external: str) -> None:
        trust = {
            "Effect": "Allow",
            "Principal": {"AWS": f"arn:aws:iam::{MEMBER}:role/machine"},
            "Action": "sts:AssumeRole",
            "Condition": {"StringEquals": {"sts:ExternalId": external}},
        }
        iam = place.client("iam", HUB)
        if external == "other":
            iam.create_role(RoleName="visited", AssumeRolePolicyDocument=document(trust))
            grant = {"Effect": "Allow", "Action": "iam:GetRole", "Resource": "*"}
            iam.put_role_policy(RoleName="visited", PolicyName="read", PolicyDocument=document(grant))
        else:
            iam.update_assume_role_policy(RoleName="visited", PolicyDocument=document(trust))

    role = f"arn:aws:iam::{HUB}:role/visited"
    visit = {**sdk("iam:getRole", RoleName="visited"), "Credentials": {"RoleArn.$": "$.role"}}
    admit("other")
    error, cause = place.error(chain(Visit=visit), {"role": role})
    assert error == "States.Permissions"
    assert "sts:AssumeRole" in cause
    admit(f"arn:aws:states:{HOME}:{MEMBER}:stateMachine:visits")
    described = place.run(chain(Visit=visit), {"role": role}, name="visits")
    assert json.loads(described["output"])["Role"]["Arn"] == role


@pytest.mark.parametrize(
    ("state", "data"),
    [
        ({**sdk("iam:listRoles"), "Credentials": {"RoleArn.$": "$"}}, "nobody"),
        ({"Type": "Task", "Resource": f"{SDK}iam:listRoles"}, [1]),
        ({**task({}), "TimeoutSecondsPath": "$"}, 0),
    ],
)
def test_a_task_that_cannot_be_asked_for_ends_the_execution(place: Place, state: dict[str, Any], data: Any) -> None:
    assert place.error(chain(Do=state), data)[0] == "States.Runtime"


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        (Kind.THROTTLE, "Lambda.TooManyRequestsException"),
        (Kind.ERROR, "Lambda.ServiceException"),
        (Kind.DENY, "Lambda.AWSLambdaException"),
        (Kind.TIMEOUT, "Lambda.SdkClientException"),
    ],
)
def test_a_fault_of_lambda_strikes_a_task_and_is_retried_as_the_state_says(
    place: Place, kind: Kind, error: str
) -> None:
    place.opened.faults.add(Fault(kind, service="lambda", operation="Invoke", principal="*:assumed-role/machine/*"))
    try:
        assert place.error(chain(Do=task({})))[0] == error
        place.opened.faults.clear()
        place.opened.faults.add(Fault(kind, service="lambda", operation="Invoke", nth=1))
        retry = [{"ErrorEquals": [error], "IntervalSeconds": 5}]
        execution = place.start(chain(Do=task({}, Retry=retry)))
        assert place.ended(execution)["status"] == "SUCCEEDED"
        assert place.kinds(execution).count("TaskFailed") == 1
    finally:
        place.opened.faults.clear()


def test_a_role_that_no_longer_trusts_is_a_lack_of_permissions(place: Place) -> None:
    role = place.role("withdrawn")
    machine = place.machine(chain(Do=task({})), roleArn=role)
    place.client("iam").delete_role_policy(RoleName="withdrawn", PolicyName="work")
    place.client("iam").delete_role(RoleName="withdrawn")
    described = place.ended(place.states.start_execution(stateMachineArn=machine)["executionArn"])
    assert described["error"] == "States.Permissions"


def waiting(**more: Any) -> dict[str, Any]:
    body = {"token.$": "$$.Task.Token"}
    return {**integration("sqs:sendMessage.waitForTaskToken", QueueUrl=QUEUE, MessageBody=body), **more}


def token(place: Place) -> str:
    """Let the task begin, and take its token from the queue."""
    place.opened.advance(timedelta(seconds=5))
    sqs = place.client("sqs")
    (message,) = sqs.receive_message(QueueUrl=QUEUE)["Messages"]
    sqs.delete_message(QueueUrl=QUEUE, ReceiptHandle=message["ReceiptHandle"])
    return str(json.loads(message["Body"])["token"])


def test_a_task_waits_for_its_token(place: Place) -> None:
    execution = place.start(chain(Wait=waiting()))
    given = token(place)
    assert place.states.describe_execution(executionArn=execution)["status"] == "RUNNING"
    place.states.send_task_success(taskToken=given, output='{"a": 1}')
    assert json.loads(place.ended(execution)["output"]) == {"a": 1}
    assert place.kinds(execution)[2:6] == ["TaskScheduled", "TaskStarted", "TaskSubmitted", "TaskSucceeded"]
    with pytest.raises(place.states.exceptions.TaskTimedOut):
        place.states.send_task_success(taskToken=given, output="{}")


def test_a_task_that_waits_is_failed_from_outside(place: Place) -> None:
    execution = place.start(chain(Wait=waiting()))
    place.states.send_task_failure(taskToken=token(place), error="Mine", cause="as asked")
    described = place.ended(execution)
    assert (described["error"], described["cause"]) == ("Mine", "as asked")


@pytest.mark.parametrize(
    ("limits", "error", "seconds"),
    [
        ({"TimeoutSeconds": 100}, "States.Timeout", 100),
        ({"TimeoutSeconds": 100, "HeartbeatSeconds": 30}, "States.HeartbeatTimeout", 30),
    ],
)
def test_a_task_waits_no_longer_than_its_limits(place: Place, limits: dict[str, Any], error: str, seconds: int) -> None:
    execution = place.start(chain(Wait=waiting(**limits)))
    token(place)
    described = place.ended(execution)
    assert described["error"] == error
    assert round((described["stopDate"] - described["startDate"]).total_seconds()) == seconds


def test_a_heartbeat_keeps_a_task_waiting(place: Place) -> None:
    execution = place.start(chain(Wait=waiting(HeartbeatSeconds=30)))
    given = token(place)
    for _ in range(4):
        place.opened.advance(timedelta(seconds=20))
        place.states.send_task_heartbeat(taskToken=given)
    assert place.states.describe_execution(executionArn=execution)["status"] == "RUNNING"
    assert place.ended(execution)["error"] == "States.HeartbeatTimeout"


def test_a_stopped_execution_s_token_is_void(place: Place) -> None:
    execution = place.start(chain(Wait=waiting()))
    given = token(place)
    place.states.stop_execution(executionArn=execution)
    with pytest.raises(place.states.exceptions.TaskTimedOut):
        place.states.send_task_success(taskToken=given, output="{}")


def test_many_turns_of_a_loop_take_their_time_in_simulation(place: Place) -> None:
    rules = [{"Variable": "$.Payload.given.n", "NumericGreaterThanEquals": 100, "Next": "End"}]
    definition = chain(
        Do={"Type": "Task", "Resource": INVOKE, "Parameters": {"FunctionName": "worker", "Payload": {"n.$": "$.n"}}},
        Choose={"Type": "Choice", "Choices": rules, "Default": "Wait"},
        Wait={"Type": "Wait", "Seconds": 30},
        More={"Type": "Pass", "Parameters": {"n.$": "States.MathAdd($.Payload.given.n, 1)"}, "Next": "Do"},
        End={"Type": "Succeed"},
    )
    described = place.run(definition, {"n": 1})
    assert described["status"] == "SUCCEEDED"
    took = (described["stopDate"] - described["startDate"]).total_seconds()
    assert 99 * 30 <= took < 99 * 30 + 15
