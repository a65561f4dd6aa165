"""Lambda: invocations, retries, destinations, event sources, permissions and limits, by functions that run."""

from __future__ import annotations

import io
import json
import textwrap
import zipfile
from collections.abc import Iterator
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from botocore.exceptions import ClientError

from simulator.local import LocalOrganization
from tests.simulator.pipeline_world import HOME, HUB, MEMBER, document, organization

# Notes the hour's second of each run on the queue `runs`, fails on request, and reports the failures it is told.
SOURCE = """
    import json
    import time
    import boto3

    def handler(event, context):
        url = boto3.client("sqs").get_queue_url(QueueName="runs")["QueueUrl"]
        bodies = [one["body"] for one in event.get("Records", [])] if isinstance(event, dict) else []
        note = {"at": int(time.time()), "bodies": bodies}
        boto3.client("sqs").send_message(QueueUrl=url, MessageBody=json.dumps(note))
        print("ran")
        if event == "fail" or "fail" in bodies:
            raise ValueError("as asked")
        failed = [one["messageId"] for one in event.get("Records", []) if one["body"] == "bad"] if bodies else []
        return {"batchItemFailures": [{"itemIdentifier": one} for one in failed]}
"""


@pytest.fixture
def opened() -> Iterator[LocalOrganization]:
    with organization() as one:
        one.rates.suspend()
        for name in ("runs", "failures", "successes"):
            client(one, "sqs").create_queue(QueueName=name)
        yield one


def client(opened: LocalOrganization, service: str, account: str = MEMBER) -> Any:
    session: Any = opened.session(account)
    return session.client(service)


def role(opened: LocalOrganization, principal: str = "lambda.amazonaws.com", allowed: str = "*") -> str:
    iam = client(opened, "iam")
    trust = {"Effect": "Allow", "Principal": {"Service": principal}, "Action": "sts:AssumeRole"}
    made = iam.create_role(RoleName="worker", AssumeRolePolicyDocument=document(trust))
    grant = {"Effect": "Allow", "Action": allowed, "Resource": "*"}
    iam.put_role_policy(RoleName="worker", PolicyName="work", PolicyDocument=document(grant))
    return str(made["Role"]["Arn"])


def archive() -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as zipped:
        zipped.writestr("service_worker.py", textwrap.dedent(SOURCE))
    return packed.getvalue()


def function(opened: LocalOrganization, role_arn: str | None = None, **more: Any) -> Any:
    functions = client(opened, "lambda")
    functions.create_function(
        FunctionName="worker",
        Runtime="python3.13",
        Role=role_arn or role(opened),
        Handler="service_worker.handler",
        Code={"ZipFile": archive()},
        **{"Timeout": 10, **more},
    )
    return functions


def arn(queue: str) -> str:
    return f"arn:aws:sqs:{HOME}:{MEMBER}:{queue}"


def messages(opened: LocalOrganization, queue: str) -> list[Any]:
    """Take everything from a queue."""
    sqs, taken = client(opened, "sqs"), []
    url = sqs.get_queue_url(QueueName=queue)["QueueUrl"]
    while found := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
        for one in found:
            taken.append(json.loads(one["Body"]))
            sqs.delete_message(QueueUrl=url, ReceiptHandle=one["ReceiptHandle"])
    return taken


def pauses(runs: list[Any]) -> list[int]:
    """Seconds between runs."""
    moments = [run["at"] for run in runs]
    return [later - earlier for earlier, later in pairwise(moments)]


def source(opened: LocalOrganization, *bodies: str, **mapping: Any) -> None:
    """Map a queue to the function and put messages into it."""
    sqs = client(opened, "sqs")
    url = sqs.create_queue(QueueName="jobs", Attributes={"VisibilityTimeout": "60"})["QueueUrl"]
    client(opened, "lambda").create_event_source_mapping(EventSourceArn=arn("jobs"), FunctionName="worker", **mapping)
    for body in bodies:
        sqs.send_message(QueueUrl=url, MessageBody=body)


def test_an_invocation_answers_or_tells_the_function_s_error(opened: LocalOrganization) -> None:
    functions = function(opened)
    answer = functions.invoke(FunctionName="worker", Payload=json.dumps({}))
    assert json.load(answer["Payload"]) == {"batchItemFailures": []}
    assert "FunctionError" not in answer
    failed = functions.invoke(FunctionName="worker", Payload=json.dumps("fail"))
    assert (failed["StatusCode"], failed["FunctionError"]) == (200, "Unhandled")
    assert json.load(failed["Payload"])["errorType"] == "ValueError"


@pytest.mark.parametrize(("kind", "status"), [("RequestResponse", 200), ("Event", 202), ("DryRun", 204)])
def test_the_status_says_how_a_function_was_invoked(opened: LocalOrganization, kind: Any, status: int) -> None:
    answer = function(opened).invoke(FunctionName="worker", InvocationType=kind, Payload=json.dumps({}))
    assert (answer["StatusCode"], answer["ResponseMetadata"]["HTTPStatusCode"]) == (status, status)


def test_an_event_that_fails_is_tried_three_times_and_then_goes_to_its_destination(opened: LocalOrganization) -> None:
    functions = function(opened, DeadLetterConfig={"TargetArn": arn("successes")})
    functions.put_function_event_invoke_config(
        FunctionName="worker", DestinationConfig={"OnFailure": {"Destination": arn("failures")}}
    )
    functions.invoke(FunctionName="worker", InvocationType="Event", Payload=json.dumps("fail"))
    opened.rest()
    assert pauses(messages(opened, "runs")) == [60, 120]
    (record,) = messages(opened, "failures")
    assert record["requestContext"]["condition"] == "RetriesExhausted"
    assert record["requestContext"]["approximateInvokeCount"] == 3
    assert record["requestPayload"] == "fail"
    assert messages(opened, "successes") == ["fail"]  # the dead-letter queue has the event alone


def test_retries_are_as_many_as_the_function_says(opened: LocalOrganization) -> None:
    functions = function(opened)
    functions.put_function_event_invoke_config(FunctionName="worker", MaximumRetryAttempts=0)
    functions.invoke(FunctionName="worker", InvocationType="Event", Payload=json.dumps("fail"))
    opened.rest()
    assert len(messages(opened, "runs")) == 1


def test_an_event_that_gets_too_old_is_given_up(opened: LocalOrganization) -> None:
    functions = function(opened)
    functions.put_function_event_invoke_config(
        FunctionName="worker",
        MaximumEventAgeInSeconds=90,
        DestinationConfig={"OnFailure": {"Destination": arn("failures")}},
    )
    functions.invoke(FunctionName="worker", InvocationType="Event", Payload=json.dumps("fail"))
    opened.rest()
    assert len(messages(opened, "runs")) == 2
    assert messages(opened, "failures")[0]["requestContext"]["condition"] == "EventAgeExceeded"


def test_a_success_goes_to_its_destination(opened: LocalOrganization) -> None:
    functions = function(opened)
    functions.put_function_event_invoke_config(
        FunctionName="worker", DestinationConfig={"OnSuccess": {"Destination": arn("successes")}}
    )
    functions.invoke(FunctionName="worker", InvocationType="Event", Payload=json.dumps({"is": "well"}))
    opened.rest()
    (record,) = messages(opened, "successes")
    assert record["requestContext"]["condition"] == "Success"
    assert record["responsePayload"] == {"batchItemFailures": []}


def test_a_batch_of_a_queue_is_deleted_after_success(opened: LocalOrganization) -> None:
    function(opened)
    source(opened, "one", "two", "three", BatchSize=10)
    opened.rest()
    assert [run["bodies"] for run in messages(opened, "runs")] == [["one", "two", "three"]]
    assert client(opened, "lambda").list_event_source_mappings()["EventSourceMappings"][0]["State"] == "Enabled"


def test_a_batch_that_fails_comes_again_after_its_visibility_timeout(opened: LocalOrganization) -> None:
    function(opened)
    source(opened, "fail")
    opened.do(lambda: opened.world.agenda.advance(timedelta(minutes=2.5)))
    assert pauses(messages(opened, "runs")) == [60, 60]


def test_messages_that_the_function_gives_back_come_again_alone(opened: LocalOrganization) -> None:
    function(opened)
    source(opened, "good", "bad", FunctionResponseTypes=["ReportBatchItemFailures"])
    opened.do(lambda: opened.world.agenda.advance(timedelta(minutes=1.5)))
    assert [run["bodies"] for run in messages(opened, "runs")] == [["good", "bad"], ["bad"]]


def test_a_disabled_mapping_takes_nothing(opened: LocalOrganization) -> None:
    function(opened)
    source(opened, "one", Enabled=False)
    opened.rest()
    assert messages(opened, "runs") == []


def test_a_queue_that_shows_messages_too_early_is_refused(opened: LocalOrganization) -> None:
    function(opened, Timeout=120)
    with pytest.raises(ClientError, match="visibility timeout: 60 seconds is less than Function timeout: 120"):
        source(opened)


def test_a_role_has_to_let_lambda_in(opened: LocalOrganization) -> None:
    with pytest.raises(ClientError, match="cannot be assumed by Lambda"):
        function(opened, role(opened, principal="ec2.amazonaws.com"))


def test_a_function_does_what_its_role_may_and_no_more(opened: LocalOrganization) -> None:
    functions = function(opened, role(opened, allowed="logs:*"))
    failed = functions.invoke(FunctionName="worker", Payload=json.dumps({}))
    assert "AccessDenied" in json.load(failed["Payload"])["errorMessage"]


def test_logs_are_written_with_the_role_s_permission_into_a_group_that_is_there(opened: LocalOrganization) -> None:
    functions, logs = function(opened), client(opened, "logs")
    logs.create_log_group(logGroupName="/aws/lambda/worker")
    functions.invoke(FunctionName="worker", Payload=json.dumps({}))
    events = logs.filter_log_events(logGroupName="/aws/lambda/worker")["events"]
    assert "ran" in [one["message"] for one in events]


def test_another_account_invokes_where_the_function_admits_it(opened: LocalOrganization) -> None:
    functions = function(opened)
    name = functions.get_function_configuration(FunctionName="worker")["FunctionArn"]
    stranger = client(opened, "lambda", HUB)
    with pytest.raises(ClientError, match="AccessDeniedException"):
        stranger.invoke(FunctionName=name, Payload=json.dumps({}))
    functions.add_permission(FunctionName="worker", StatementId="hub", Action="lambda:InvokeFunction", Principal=HUB)
    assert stranger.invoke(FunctionName=name, Payload=json.dumps({}))["StatusCode"] == 200
    functions.remove_permission(FunctionName="worker", StatementId="hub")
    with pytest.raises(ClientError, match="AccessDeniedException"):
        stranger.invoke(FunctionName=name, Payload=json.dumps({}))


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"Environment": {"Variables": {"LONG": "x" * 4096}}}, "4KB"),
        ({"Environment": {"Variables": {"AWS_REGION": "here"}}}, "AWS_REGION"),
        ({"Timeout": 901}, "imeout"),
    ],
)
def test_limits_of_functions_are_kept(opened: LocalOrganization, settings: dict[str, Any], said: str) -> None:
    with pytest.raises(ClientError, match=said):
        function(opened, **settings)
