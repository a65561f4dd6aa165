"""Every statement that an account's policies hold, under the names that decisions use."""

import json

import pytest
from moto.backends import get_backend

from simulator.iam.decision import StatementRef
from simulator.iam.statements import statements_of
from simulator.services.lambda_functions import LambdaFunctions
from simulator.services.lambda_state import Code, Function
from tests.simulator.iam_world import HUB, MEMBER, REGION, START, Organization, allow, deny, document

HERE = f"{REGION}:{HUB}"
ROLE = f"arn:aws:iam::{HUB}:role/worker"


@pytest.fixture
def organization() -> Organization:
    return Organization()


def listed(organization: Organization, account: str = HUB) -> list[StatementRef]:
    return [ref for ref, _ in statements_of(organization.world, account)]


def to(service: str, **elements: object) -> dict[str, object]:
    return {"Effect": "Allow", "Principal": {"Service": service}, "Action": "*", "Resource": "*", **elements}


def test_a_role_shows_its_trust_and_inline_policies(organization: Organization) -> None:
    organization.role("worker", allow("sqs:*", Sid="Queue"), deny("s3:*"))
    found = dict(statements_of(organization.world, HUB))
    assert list(found) == [
        StatementRef(ROLE, "trust policy", "#0"),
        StatementRef(ROLE, "grants", "Queue"),
        StatementRef(ROLE, "grants", "#1"),
    ]
    assert found[StatementRef(ROLE, "grants", "#1")] == deny("s3:*")


def test_a_managed_policy_shows_its_default_version(organization: Organization) -> None:
    backend = get_backend("iam")[HUB]["aws"]
    policy = backend.create_policy("", "/", json.dumps(document(allow(Sid="Old"))), "edge", [])
    backend.create_policy_version(policy.arn, json.dumps(document(allow(Sid="New"))), True)
    assert listed(organization) == [StatementRef(f"arn:aws:iam::{HUB}:policy/edge", "edge", "New")]


def test_what_is_of_aws_is_left_out(organization: Organization) -> None:
    organization.role("linked", path="/aws-service-role/config.amazonaws.com/")
    caller = organization.role("reader", trust=document(to("lambda.amazonaws.com", Action="sts:AssumeRole")))
    arn = "arn:aws:iam::aws:policy/SecurityAudit"
    call = organization.call(caller, "iam", "AttachRolePolicy", RoleName="reader", PolicyArn=arn)
    organization.iam.before(call)
    get_backend("iam")[HUB]["aws"].attach_role_policy(arn, "reader")
    assert {ref.holder for ref in listed(organization)} == {caller.role}


def test_resources_show_their_policies(organization: Organization) -> None:
    text = json.dumps(document(to("events.amazonaws.com", Sid="Events")))
    queues = get_backend("sqs")[HUB][REGION]
    queues.create_queue("findings")
    queues.set_queue_attributes("findings", {"Policy": text})
    topic = get_backend("sns")[HUB][REGION].create_topic("outcomes")
    topic.policy = text
    key = get_backend("kms")[HUB][REGION].create_key(text, "ENCRYPT_DECRYPT", "SYMMETRIC_DEFAULT", "", [])
    buckets = get_backend("s3")[HUB]["aws"]
    buckets.create_bucket("code", REGION)
    buckets.put_bucket_policy("code", text.encode())
    holders = [f"arn:aws:sqs:{HERE}:findings", f"arn:aws:sns:{HERE}:outcomes", key.arn, "arn:aws:s3:::code"]
    assert sorted(listed(organization)) == sorted(StatementRef(arn, "resource policy", "Events") for arn in holders)
    assert listed(organization, MEMBER) == []


def test_a_function_shows_its_permissions(organization: Organization) -> None:
    functions = LambdaFunctions(organization.world, organization.identities)
    organization.world.services["lambda"] = functions
    caller = organization.role("worker", trust=document(to("lambda.amazonaws.com", Action="sts:AssumeRole")))
    arn = f"arn:aws:lambda:{HERE}:function:detect"
    functions.functions[HUB, REGION, "detect"] = Function(
        HUB, REGION, arn, "detect", Code.of(b""), {"Role": caller.role}, START
    )
    functions.add_permission(
        organization.call(
            caller, "lambda", "AddPermission", FunctionName="detect", StatementId="Schedule",
            Action="lambda:InvokeFunction", Principal="events.amazonaws.com",
        )
    )  # fmt: skip
    assert StatementRef(arn, "resource policy", "Schedule") in listed(organization)
