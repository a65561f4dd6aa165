"""Resource policies and the organisation's policies at the front door, by real calls of boto3."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from botocore.exceptions import ClientError

from simulator.call import ServiceError
from simulator.founding import OrganizationPlan, PlannedAccount
from simulator.local import LocalOrganization

MANAGEMENT, HUB, MEMBER = "100000000001", "200000000002", "300000000003"
HOME = "eu-west-1"
PLAN = OrganizationPlan(
    MANAGEMENT, HUB, (PlannedAccount(HUB, "hub", kind="hub"), PlannedAccount(MEMBER, "member", unit=("Workloads",)))
)
DENIED = ("AccessDenied", "AccessDeniedException", "AuthorizationError", "KMSAccessDenied")
Document = dict[str, Any]
Client = Any


@pytest.fixture(scope="module")
def opened() -> Iterator[LocalOrganization]:
    with LocalOrganization(PLAN, home_region=HOME, regions=(HOME,)) as one:
        yield one


@dataclass(frozen=True)
class Guarded:
    """A resource of the hub: how its policy is set, how the member's administrator and a service use it."""

    service: str
    arn: str
    action: str
    set_policy: Callable[[Document], None]
    use: Callable[[Client], Any]
    operation: str
    parameters: dict[str, Any]
    principal: str


def document(*statements: Document) -> Document:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def hub(opened: LocalOrganization, service: str) -> Client:
    client: Client = opened.session(HUB).client(service)  # type: ignore[call-overload]
    return client


def queue(opened: LocalOrganization) -> Guarded:
    client = hub(opened, "sqs")
    url = client.create_queue(QueueName="inbox")["QueueUrl"]
    return Guarded(
        "sqs", f"arn:aws:sqs:{HOME}:{HUB}:inbox", "sqs:SendMessage",
        lambda policy: client.set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps(policy)}),
        lambda user: user.send_message(QueueUrl=url, MessageBody="m"),
        "SendMessage", {"QueueUrl": url, "MessageBody": "m"}, "events.amazonaws.com",
    )  # fmt: skip


def topic(opened: LocalOrganization) -> Guarded:
    client = hub(opened, "sns")
    arn = client.create_topic(Name="outcomes")["TopicArn"]
    return Guarded(
        "sns", arn, "sns:Publish",
        lambda policy: client.set_topic_attributes(
            TopicArn=arn, AttributeName="Policy", AttributeValue=json.dumps(policy)
        ),
        lambda user: user.publish(TopicArn=arn, Message="m"),
        "Publish", {"TopicArn": arn, "Message": "m"}, "cloudwatch.amazonaws.com",
    )  # fmt: skip


def bucket(opened: LocalOrganization) -> Guarded:
    client = hub(opened, "s3")
    client.create_bucket(Bucket="hub-data", CreateBucketConfiguration={"LocationConstraint": HOME})
    return Guarded(
        "s3", "arn:aws:s3:::hub-data/k", "s3:PutObject",
        lambda policy: client.put_bucket_policy(Bucket="hub-data", Policy=json.dumps(policy)),
        lambda user: user.put_object(Bucket="hub-data", Key="k", Body=b"b"),
        "PutObject", {"Bucket": "hub-data", "Key": "k", "Body": b"b"}, "cloudtrail.amazonaws.com",
    )  # fmt: skip


def key(opened: LocalOrganization) -> Guarded:
    client = hub(opened, "kms")
    arn = client.create_key()["KeyMetadata"]["Arn"]
    own = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{HUB}:root"}, "Action": "kms:*", "Resource": "*"}

    def set_policy(policy: Document) -> None:
        whole = json.dumps(document(own, *policy["Statement"]))
        client.put_key_policy(KeyId=arn, PolicyName="default", Policy=whole)

    return Guarded(
        "kms", arn, "kms:GenerateDataKey", set_policy,
        lambda user: user.generate_data_key(KeyId=arn, KeySpec="AES_256"),
        "GenerateDataKey", {"KeyId": arn, "KeySpec": "AES_256"}, "sns.amazonaws.com",
    )  # fmt: skip


def function(opened: LocalOrganization) -> Guarded:
    client = hub(opened, "lambda")
    trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    role = hub(opened, "iam").create_role(
        RoleName="execution", AssumeRolePolicyDocument=json.dumps(document(trust))
    )["Role"]["Arn"]  # fmt: skip
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("main.py", "def handler(event, context):\n    return event\n")
    arn = client.create_function(
        FunctionName="work", Role=role, Runtime="python3.13", Handler="main.handler", Code={"ZipFile": code.getvalue()}
    )["FunctionArn"]

    def set_policy(policy: Document) -> None:
        for sid in held:
            client.remove_permission(FunctionName="work", StatementId=sid)
        held.clear()
        for number, statement in enumerate(policy["Statement"]):
            source = statement.get("Condition", {}).get("ArnLike", {}).get("aws:SourceArn")
            principal = next(iter(statement["Principal"].values()))
            client.add_permission(
                FunctionName="work", StatementId=f"s{number}", Action="lambda:InvokeFunction", Principal=principal,
                **({"SourceArn": source} if source else {}),
            )  # fmt: skip
            held.append(f"s{number}")

    held: list[str] = []
    return Guarded(
        "lambda", arn, "lambda:InvokeFunction", set_policy,
        lambda user: user.invoke(FunctionName=arn, InvocationType="DryRun"),
        "Invoke", {"FunctionName": arn, "InvocationType": "DryRun"}, "events.amazonaws.com",
    )  # fmt: skip


def bus(opened: LocalOrganization) -> Guarded:
    client = hub(opened, "events")
    arn = client.create_event_bus(Name="central")["EventBusArn"]
    entry = {"EventBusName": arn, "Source": "palisade", "DetailType": "outcome", "Detail": "{}"}
    return Guarded(
        "events", arn, "events:PutEvents",
        lambda policy: client.put_permission(EventBusName="central", Policy=json.dumps(policy)),
        lambda user: user.put_events(Entries=[entry]),
        "PutEvents", {"Entries": [entry]}, "events.amazonaws.com",
    )  # fmt: skip


MAKERS = {"queue": queue, "topic": topic, "bucket": bucket, "key": key, "function": function, "bus": bus}


@pytest.fixture(scope="module", params=[pytest.param(maker, id=name) for name, maker in MAKERS.items()])
def guarded(opened: LocalOrganization, request: pytest.FixtureRequest) -> Guarded:
    made: Guarded = request.param(opened)
    return made


def lets_in(guarded: Guarded, principal: Any, effect: str = "Allow", **condition: Any) -> Document:
    statement = {
        "Sid": f"S{effect}", "Effect": effect, "Principal": principal, "Action": guarded.action,
        "Resource": "*" if guarded.service == "kms" else guarded.arn,
    }  # fmt: skip
    return {**statement, "Condition": condition} if condition else statement


def refusal(call: Callable[[], Any]) -> str:
    """The code that a call is refused with; empty where it is let in."""
    try:
        call()
    except ClientError as error:
        return str(error.response["Error"]["Code"])
    return ""


def as_member(opened: LocalOrganization, guarded: Guarded) -> Callable[[], Any]:
    client: Client = opened.session(MEMBER).client(guarded.service)  # type: ignore[call-overload]
    return lambda: guarded.use(client)


def as_service(opened: LocalOrganization, guarded: Guarded, source: str) -> str:
    """What a service is refused with that acts for a resource of the member's."""
    world = opened.world
    caller = world.as_service(guarded.principal, account=MEMBER, arn=source)
    parameters = guarded.parameters

    def call() -> str:
        try:
            world.call(caller, guarded.service, guarded.operation, parameters, region=HOME, account=HUB)
        except ServiceError as error:
            return error.code
        return ""

    return opened.do(call)


def test_another_account_needs_the_resource_policy(opened: LocalOrganization, guarded: Guarded) -> None:
    call = as_member(opened, guarded)
    assert refusal(call) in DENIED
    guarded.set_policy(document(lets_in(guarded, {"AWS": MEMBER})))
    assert refusal(call) == ""


def test_the_policy_lets_in_whom_it_names_and_nobody_else(opened: LocalOrganization, guarded: Guarded) -> None:
    guarded.set_policy(document(lets_in(guarded, {"AWS": MANAGEMENT})))
    assert refusal(as_member(opened, guarded)) in DENIED


def test_an_explicit_deny_binds_other_accounts(opened: LocalOrganization, guarded: Guarded) -> None:
    member = {"AWS": MEMBER}
    guarded.set_policy(document(lets_in(guarded, member)))
    assert refusal(as_member(opened, guarded)) == ""
    # Permissions of functions cannot deny; they are taken away.
    denied = () if guarded.service == "lambda" else (lets_in(guarded, member), lets_in(guarded, member, "Deny"))
    guarded.set_policy(document(*denied))
    assert refusal(as_member(opened, guarded)) in DENIED


def test_a_service_is_let_in_by_its_source(opened: LocalOrganization, guarded: Guarded) -> None:
    rule = f"arn:aws:events:{HOME}:{MEMBER}:rule/ours"
    guarded.set_policy(document(lets_in(guarded, {"Service": guarded.principal}, ArnLike={"aws:SourceArn": rule})))
    assert as_service(opened, guarded, rule) == ""
    assert as_service(opened, guarded, f"{rule}-not") in DENIED
