"""Faults at the front door: what clients get, what stays behind, and that they come at the calls that were named."""

from __future__ import annotations

import io
import json
import textwrap
import zipfile
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, ReadTimeoutError

from simulator.call import Call, Caller, ServiceError
from simulator.faults import Fault, Faults, Kind
from simulator.local import LocalOrganization
from simulator.services.config_service import ConfigService
from tests.simulator.pipeline_world import AWAY, HOME, HUB, MEMBER, document, organization

ONCE = Config(retries={"total_max_attempts": 1, "mode": "standard"})
FUNCTION = "worker"


@pytest.fixture(scope="module")
def world() -> Iterator[LocalOrganization]:
    with organization() as opened:
        yield opened


@pytest.fixture
def opened(world: LocalOrganization) -> Iterator[LocalOrganization]:
    yield world
    world.faults.clear()


@pytest.fixture(autouse=True)
def no_real_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Retries of clients outside of functions would sleep in real time."""
    monkeypatch.setattr("botocore.endpoint.time.sleep", lambda _: None)


def client(opened: LocalOrganization, service: str, account: str = MEMBER, config: Config | None = ONCE) -> Any:
    session: Any = opened.session(account)
    return session.client(service, config=config)


@pytest.mark.parametrize(
    ("service", "ask", "code", "status"),
    [
        ("ec2", lambda one: one.describe_vpcs(), "RequestLimitExceeded", 503),
        ("s3", lambda one: one.list_buckets(), "SlowDown", 503),
        ("sts", lambda one: one.get_caller_identity(), "Throttling", 400),
        ("iam", lambda one: one.list_roles(), "Throttling", 400),
        ("securityhub", lambda one: one.get_findings(), "TooManyRequestsException", 429),
        (
            "config",
            lambda one: one.list_discovered_resources(resourceType="AWS::S3::Bucket"),
            "ThrottlingException",
            400,
        ),
        ("lambda", lambda one: one.list_functions(), "TooManyRequestsException", 429),
        ("kms", lambda one: one.list_keys(), "ThrottlingException", 400),
        ("organizations", lambda one: one.describe_organization(), "TooManyRequestsException", 400),
        ("sqs", lambda one: one.list_queues(), "RequestThrottled", 403),
        ("sns", lambda one: one.list_topics(), "Throttled", 429),
        ("dynamodb", lambda one: one.list_tables(), "ThrottlingException", 400),
        ("events", lambda one: one.list_rules(), "ThrottlingException", 400),
        ("logs", lambda one: one.describe_log_groups(), "ThrottlingException", 400),
        ("ssm", lambda one: one.describe_parameters(), "ThrottlingException", 400),
        ("cloudtrail", lambda one: one.describe_trails(), "ThrottlingException", 400),
        ("cloudformation", lambda one: one.list_stacks(), "Throttling", 400),
        ("cloudwatch", lambda one: one.list_metrics(), "ThrottlingException", 400),
        ("rds", lambda one: one.describe_db_instances(), "Throttling", 400),
    ],
)
def test_a_throttle_is_in_the_services_own_words_and_sdks_retry_it(
    opened: LocalOrganization, service: str, ask: Any, code: str, status: int
) -> None:
    asked = client(opened, service)
    retrying = client(opened, service, config=Config(retries={"total_max_attempts": 3, "mode": "standard"}))
    fault = Fault(Kind.THROTTLE, service=service)
    opened.faults.add(fault)
    with pytest.raises(ClientError) as refused:
        ask(asked)
    assert refused.value.response["Error"]["Code"] == code
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == status
    with pytest.raises(ClientError):
        ask(retrying)
    assert opened.faults.struck(fault) == 4


@pytest.mark.parametrize("status", [500, 503])
def test_a_failing_service_is_asked_again(opened: LocalOrganization, status: int) -> None:
    asked = client(opened, "sqs", config=Config(retries={"total_max_attempts": 3, "mode": "standard"}))
    opened.faults.add(Fault(Kind.ERROR, service="sqs", status=status, nth=1))
    assert asked.list_queues()["ResponseMetadata"]["RetryAttempts"] == 1


def test_a_denial_is_said_as_the_service_says_it(opened: LocalOrganization) -> None:
    asked = client(opened, "ec2")
    opened.faults.add(Fault(Kind.DENY, service="ec2", operation="Describe*"))
    with pytest.raises(ClientError, match="an injected fault") as refused:
        asked.describe_vpcs()
    assert refused.value.response["Error"]["Code"] == "UnauthorizedOperation"


def test_before_the_effect_nothing_happens_and_after_it_only_the_answer_is_lost(opened: LocalOrganization) -> None:
    asked = client(opened, "sqs")
    opened.faults.add(Fault(Kind.ERROR, operation="CreateQueue", nth=1))
    opened.faults.add(Fault(Kind.ERROR, operation="CreateQueue", nth=2, after_effect=True))
    with pytest.raises(ClientError):
        asked.create_queue(QueueName="never-made")
    with pytest.raises(ClientError):
        asked.create_queue(QueueName="made-all-the-same")
    assert [url.rpartition("/")[2] for url in asked.list_queues()["QueueUrls"]] == ["made-all-the-same"]


def test_a_time_out_is_a_read_timeout_and_leaves_its_effect_behind(opened: LocalOrganization) -> None:
    asked = client(opened, "sns")
    opened.faults.add(Fault(Kind.TIMEOUT, operation="CreateTopic", after_effect=True))
    with pytest.raises(ReadTimeoutError):
        asked.create_topic(Name="unheard-of")
    assert [one["TopicArn"].rpartition(":")[2] for one in asked.list_topics()["Topics"]] == ["unheard-of"]


def test_a_fault_strikes_the_calls_that_it_names(opened: LocalOrganization) -> None:
    fault = Fault(Kind.ERROR, "sqs", "ListQ*", account=MEMBER, region=HOME, principal="*/OrganizationAccountAccess*/*")
    others = [
        client(opened, "sqs", account=HUB),
        opened.session(MEMBER, AWAY).client("sqs", config=ONCE),
        opened.session(opened.world.management).client("sqs", config=ONCE),
    ]
    asked = client(opened, "sqs")
    opened.faults.add(fault)
    for other in others:
        other.list_queues()
    with pytest.raises(ClientError):
        asked.list_queues()
    assert opened.faults.struck(fault) == 1


def test_every_so_many_calls_are_struck(opened: LocalOrganization) -> None:
    asked = client(opened, "sqs")
    opened.faults.add(Fault(Kind.ERROR, operation="ListQueues", every=3))
    assert [_fails(asked) for _ in range(7)] == [False, False, True, False, False, True, False]


def test_a_share_of_calls_is_struck_by_seed_and_by_what_each_call_is() -> None:
    def struck(seed: int) -> list[bool]:
        faults = Faults(lambda work: work(), lambda: False, lambda _seed, _share: None)
        faults.add(Fault(Kind.ERROR, chance=0.5, seed=seed))
        return [_struck(faults, f"request-{number}") for number in range(200)]

    assert struck(1) == struck(1) != struck(2)
    assert 80 < sum(struck(1)) < 120


def test_a_fault_that_cannot_be_is_refused() -> None:
    for wrong in ({"nth": 0}, {"every": 0}, {"chance": 1.5}, {"status": 404}):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            Fault(Kind.ERROR, **wrong)


def test_what_services_say_to_each_other_is_not_struck(opened: LocalOrganization) -> None:
    queue, url = _queue(opened, "from-the-topic")
    topic = client(opened, "sns").create_topic(Name="to-the-queue")["TopicArn"]
    client(opened, "sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue)
    opened.faults.add(Fault(Kind.ERROR, service="sqs", operation="SendMessage"))
    client(opened, "sns").publish(TopicArn=topic, Message="through")
    opened.rest()
    assert "through" in client(opened, "sqs").receive_message(QueueUrl=url)["Messages"][0]["Body"]


def test_a_killed_function_starts_anew_and_its_message_comes_again(opened: LocalOrganization) -> None:
    _, url = _queue(opened, "jobs", VisibilityTimeout="60")
    _function(opened, url)
    fault = Fault(Kind.KILL, service="sqs", operation="SendMessage", nth=1, after_effect=True)
    opened.faults.add(fault)
    client(opened, "sqs").send_message(QueueUrl=url, MessageBody="work")
    opened.rest()
    assert opened.faults.struck(fault) == 1
    # Each run sends how often its own process has run; a killed one was its process's first, and so is the next.
    assert _received(opened, "results") == ["run 1", "run 1"]
    assert "signal: killed" in _logged(opened)
    assert client(opened, "sqs").receive_message(QueueUrl=url).get("Messages") is None


def test_nobody_but_a_function_is_killed(opened: LocalOrganization) -> None:
    fault = Fault(Kind.KILL, service="sqs")
    opened.faults.add(fault)
    client(opened, "sqs").list_queues()
    assert opened.faults.struck(fault) == 0


def test_a_function_waits_for_an_answer_that_does_not_come_until_its_own_time_ends(opened: LocalOrganization) -> None:
    _, url = _queue(opened, "slow-jobs", VisibilityTimeout="60")
    _function(opened, url, name="slow")
    opened.faults.add(Fault(Kind.TIMEOUT, operation="SendMessage", principal="*/slow", nth=1))
    began = opened.do(opened.world.agenda.now)
    client(opened, "sqs").send_message(QueueUrl=url, MessageBody="work")
    opened.rest()
    assert opened.do(opened.world.agenda.now) - began >= timedelta(seconds=30)
    assert "Task timed out after 30.00 seconds" in _logged(opened, "slow")
    assert _received(opened, "results") == ["run 1"]


def test_config_events_are_dropped_by_a_setting(opened: LocalOrganization, monkeypatch: pytest.MonkeyPatch) -> None:
    settings: list[tuple[int, float]] = []
    monkeypatch.setattr(ConfigService, "drop_events", lambda _, seed, share: settings.append((seed, share)))
    opened.faults.drop_config_events(0.4, seed=9)
    opened.faults.drop_config_events(0)
    assert settings == [(9, 0.4), (0, 0)]


def _struck(faults: Faults, request_id: str) -> bool:
    caller = Caller(f"arn:aws:iam::{MEMBER}:root", MEMBER, "root")
    try:
        faults.before(Call("sqs", "ListQueues", {}, HOME, "aws", MEMBER, caller, request_id=request_id))
    except ServiceError:
        return True
    return False


def _fails(asked: Any) -> bool:
    try:
        asked.list_queues()
    except ClientError:
        return True
    return False


def _queue(opened: LocalOrganization, name: str, **attributes: str) -> tuple[str, str]:
    arn = f"arn:aws:sqs:{HOME}:{MEMBER}:{name}"
    allow = {"Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"}, "Action": "sqs:*", "Resource": arn}
    made = client(opened, "sqs").create_queue(QueueName=name, Attributes={"Policy": document(allow), **attributes})
    return arn, made["QueueUrl"]


def _function(opened: LocalOrganization, url: str, name: str = FUNCTION) -> None:
    """A function that counts the runs of its process and sends the number to the queue `results`."""
    results = client(opened, "sqs").create_queue(QueueName="results")["QueueUrl"]
    source = f"""
        import boto3
        runs = 0

        def handler(event, context):
            global runs
            runs += 1
            boto3.client("sqs").send_message(QueueUrl="{results}", MessageBody=f"run {{runs}}")
    """
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("faulty_worker.py", textwrap.dedent(source))
    iam = client(opened, "iam")
    trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=document(trust))["Role"]["Arn"]
    allow = {"Effect": "Allow", "Action": ["sqs:*", "logs:*"], "Resource": "*"}
    iam.put_role_policy(RoleName=name, PolicyName="work", PolicyDocument=document(allow))
    functions = client(opened, "lambda")
    functions.create_function(
        FunctionName=name, Runtime="python3.13", Role=role, Handler="faulty_worker.handler", Timeout=30,
        Code={"ZipFile": packed.getvalue()},
    )  # fmt: skip
    client(opened, "logs").create_log_group(logGroupName=f"/aws/lambda/{name}")
    arn = f"arn:aws:sqs:{HOME}:{MEMBER}:{url.rpartition('/')[2]}"
    functions.create_event_source_mapping(EventSourceArn=arn, FunctionName=name)


def _received(opened: LocalOrganization, name: str) -> list[str]:
    sqs = client(opened, "sqs")
    url = sqs.get_queue_url(QueueName=name)["QueueUrl"]
    found = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
    for one in found:
        sqs.delete_message(QueueUrl=url, ReceiptHandle=one["ReceiptHandle"])
    return [one["Body"] for one in found]


def _logged(opened: LocalOrganization, name: str = FUNCTION) -> str:
    events = client(opened, "logs").filter_log_events(logGroupName=f"/aws/lambda/{name}")["events"]
    return json.dumps([one["message"] for one in events])
