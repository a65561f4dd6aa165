"""Whole calls through the authorizer: identities, resources and the organisation as moto keeps them."""

import json
from dataclasses import replace
from typing import Any

import pytest
from moto.backends import get_backend

from simulator.call import Caller, ServiceError
from tests.simulator.iam_world import HUB, MEMBER, OUTSIDER, REGION, Organization, allow, deny, document

HERE = f"{REGION}:{HUB}"
THERE = f"{REGION}:{MEMBER}"
QUEUE = f"arn:aws:sqs:{THERE}:inbox"
SEND = allow("sqs:SendMessage", QUEUE)
RULE = f"arn:aws:events:{HERE}:rule/imported"


@pytest.fixture
def organization() -> Organization:
    return Organization()


def refusal(organization: Organization, caller: Caller, service: str, operation: str, **parameters: Any) -> str:
    """What a call is refused with."""
    with pytest.raises(ServiceError) as error:
        organization.authorize(caller, service, operation, **parameters)
    return f"{error.value.code}: {error.value.message}"


def queue(policy: dict[str, Any] | None = None, account: str = MEMBER) -> dict[str, Any]:
    """Make a queue; returns the parameters that send to it."""
    backend = get_backend("sqs")[account][REGION]
    backend.create_queue("inbox")
    if policy is not None:
        backend.set_queue_attributes("inbox", {"Policy": json.dumps(policy)})
    return {"QueueUrl": f"https://sqs.{REGION}.amazonaws.com/{account}/inbox", "MessageBody": "m"}


def to(principal: Any, **elements: Any) -> dict[str, Any]:
    return allow("sqs:SendMessage", QUEUE, Principal=principal, **elements)


def as_service(principal: str, account: str = HUB, arn: str | None = RULE) -> Caller:
    return Caller(principal, account, "service", service=principal, source_account=account, source_arn=arn)


def test_an_identity_policy_allows_in_its_own_account(organization: Organization) -> None:
    caller = organization.role("worker", allow("s3:GetObject", "arn:aws:s3:::data/*"))
    organization.authorize(caller, "s3", "GetObject", Bucket="data", Key="k")


def test_silence_of_the_identity_policy_is_told_as_aws_does(organization: Organization) -> None:
    caller = organization.role("worker", allow("s3:GetObject", "arn:aws:s3:::other/*"))
    assert refusal(organization, caller, "s3", "GetObject", Bucket="data", Key="k") == (
        f"AccessDenied: User: {caller.arn} is not authorized to perform: s3:GetObject on resource: "
        "arn:aws:s3:::data/k because no identity-based policy allows the s3:GetObject action"
    )


@pytest.mark.parametrize(
    ("service", "operation", "parameters", "text"),
    [
        pytest.param(
            "ec2", "DescribeInstances", {},
            "UnauthorizedOperation: You are not authorized to perform this operation. User: {caller} is not "
            "authorized to perform: ec2:DescribeInstances because no identity-based policy allows the "
            "ec2:DescribeInstances action",
            id="EC2, without a resource",
        ),
        pytest.param(
            "lambda", "GetFunction", {"FunctionName": "f"},
            f"AccessDeniedException: User: {{caller}} is not authorized to perform: lambda:GetFunction on resource: "
            f"arn:aws:lambda:{HERE}:function:f because no identity-based policy allows the lambda:GetFunction action",
            id="a service that speaks JSON",
        ),
        pytest.param(
            "sns", "Publish", {"TopicArn": f"arn:aws:sns:{HERE}:t", "Message": "m"},
            f"AuthorizationError: User: {{caller}} is not authorized to perform: sns:Publish on resource: "
            f"arn:aws:sns:{HERE}:t because no identity-based policy allows the sns:Publish action",
            id="SNS, with a code of its own",
        ),
    ],
)  # fmt: skip
def test_each_service_refuses_in_its_own_words(
    organization: Organization, service: str, operation: str, parameters: dict[str, Any], text: str
) -> None:
    caller = organization.role("worker")
    assert refusal(organization, caller, service, operation, **parameters) == text.format(caller=caller.arn)


def test_another_accounts_queue_needs_both_sides(organization: Organization) -> None:
    caller, stranger = organization.role("worker", SEND), organization.role("idle")
    sending = queue(document(to({"AWS": [caller.role, stranger.role]})))
    organization.authorize(caller, "sqs", "SendMessage", MEMBER, **sending)
    assert "no identity-based policy" in refusal(organization, stranger, "sqs", "SendMessage", **sending)


def test_another_accounts_queue_without_a_policy_refuses(organization: Organization) -> None:
    caller = organization.role("worker", SEND)
    assert refusal(organization, caller, "sqs", "SendMessage", **queue()) == (
        f"AccessDenied: User: {caller.arn} is not authorized to perform: sqs:SendMessage on resource: {QUEUE} "
        "because no resource-based policy allows the sqs:SendMessage action"
    )


def test_a_boundary_narrows_what_the_role_may(organization: Organization) -> None:
    backend = get_backend("iam")[HUB]["aws"]
    edge = backend.create_policy("", "/", json.dumps(document(allow("s3:Get*"))), "edge", [])
    caller = organization.role("worker", allow("s3:*"), boundary=edge.arn)
    organization.authorize(caller, "s3", "GetObject", Bucket="data", Key="k")
    text = refusal(organization, caller, "s3", "DeleteObject", Bucket="data", Key="k")
    assert text.endswith("because no permissions boundary allows the s3:DeleteObject action")


def test_a_session_policy_narrows_the_session(organization: Organization) -> None:
    caller = replace(
        organization.role("worker", allow("s3:*")),
        session_policies=(document(allow("s3:*", "arn:aws:s3:::data"), deny("s3:DeleteBucket", "arn:aws:s3:::data")),),
    )
    organization.authorize(caller, "s3", "PutBucketVersioning", Bucket="data")
    text = refusal(organization, caller, "s3", "PutBucketVersioning", Bucket="other")
    assert text.endswith("because no session policy allows the s3:PutBucketVersioning action")
    assert refusal(organization, caller, "s3", "DeleteBucket", Bucket="data").endswith(
        "with an explicit deny in a session policy"
    )


def test_a_guardrail_of_the_organisation_denies(organization: Organization) -> None:
    backend = organization.organize()
    guard = backend.create_policy(
        Name="guard", Description="", Type="SERVICE_CONTROL_POLICY", Tags=[],
        Content=json.dumps(document(deny("s3:DeleteBucket"))),
    )["Policy"]["PolicySummary"]["Id"]  # fmt: skip
    backend.attach_policy(PolicyId=guard, TargetId=backend.ou[1].id)
    caller = organization.role("worker", allow("s3:*"))
    organization.authorize(caller, "s3", "GetBucketVersioning", Bucket="data")
    text = refusal(organization, caller, "s3", "DeleteBucket", Bucket="data")
    assert text.endswith("with an explicit deny in a service control policy")


@pytest.mark.parametrize(
    ("condition", "caller", "allowed"),
    [
        pytest.param({"ArnEquals": {"aws:SourceArn": RULE}}, as_service("events.amazonaws.com"), True, id="the rule"),
        pytest.param(
            {"ArnEquals": {"aws:SourceArn": RULE}}, as_service("events.amazonaws.com", arn=f"{RULE}-other"), False,
            id="another rule",
        ),
        pytest.param(
            {"ArnLike": {"aws:SourceArn": f"arn:aws:events:*:{HUB}:rule/*"}}, as_service("events.amazonaws.com"), True,
            id="any rule of the account",
        ),
        pytest.param(
            {"StringEquals": {"aws:SourceAccount": HUB}}, as_service("events.amazonaws.com"), True, id="the account",
        ),
        pytest.param(
            {"StringEquals": {"aws:SourceAccount": HUB}}, as_service("events.amazonaws.com", OUTSIDER), False,
            id="another account",
        ),
        pytest.param(
            {"StringEquals": {"aws:SourceOrgID": "o-palisade"}}, as_service("events.amazonaws.com"), True,
            id="an account of the organisation",
        ),
        pytest.param(
            {"StringEquals": {"aws:SourceOrgID": "o-palisade"}}, as_service("events.amazonaws.com", OUTSIDER), False,
            id="an account outside the organisation",
        ),
        pytest.param({}, as_service("sns.amazonaws.com"), False, id="another service"),
    ],
)  # fmt: skip
def test_a_service_is_let_in_by_its_source(
    organization: Organization, condition: dict[str, Any], caller: Caller, allowed: bool
) -> None:
    sending = queue(document(to({"Service": "events.amazonaws.com"}, Condition=condition)))
    if allowed:
        organization.authorize(caller, "sqs", "SendMessage", MEMBER, **sending)
    else:
        text = refusal(organization, caller, "sqs", "SendMessage", **sending)
        assert text.endswith("because no resource-based policy allows the sqs:SendMessage action")


def test_the_authorizer_counts_what_each_statement_was_good_for(organization: Organization) -> None:
    caller = organization.role(
        "worker", {**SEND, "Sid": "Send"}, allow("s3:GetObject", Sid="One"), allow("s3:Get*", Sid="Two"),
        deny("s3:GetObject", "arn:aws:s3:::secret/*", Sid="Secret"),
    )  # fmt: skip
    organization.authorize(caller, "sqs", "SendMessage", MEMBER, **queue(document(to({"AWS": HUB}, Sid="Hub"))))
    organization.authorize(caller, "s3", "GetObject", Bucket="data", Key="k")
    refusal(organization, caller, "s3", "GetObject", Bucket="secret", Key="k")
    authorizer = organization.authorizer
    assert {(ref.holder, ref.policy, ref.statement): count for ref, count in authorizer.sole.items()} == {
        (caller.role, "grants", "Send"): 1,
        (QUEUE, "resource policy", "Hub"): 1,
    }
    assert sorted(ref.statement for ref in authorizer.used) == ["Hub", "One", "Send", "Two"]
    assert {(ref.holder, ref.statement): count for ref, count in authorizer.denied.items()} == {
        (caller.role, "Secret"): 1
    }
    assert [(item.action, item.explicit) for item in authorizer.refusals] == [("s3:GetObject", True)]
