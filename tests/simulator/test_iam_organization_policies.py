"""Service control and resource control policies by the API: made, attached, enforced, taken away; what is refused."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from simulator.founding import OrganizationPlan, PlannedAccount
from simulator.local import LocalOrganization

MANAGEMENT, HUB, MEMBER = "100000000001", "200000000002", "300000000003"
HOME = "eu-west-1"
PLAN = OrganizationPlan(
    MANAGEMENT, HUB, (PlannedAccount(HUB, "hub", kind="hub"), PlannedAccount(MEMBER, "member", unit=("Workloads",)))
)
SERVICE, RESOURCE = "SERVICE_CONTROL_POLICY", "RESOURCE_CONTROL_POLICY"
NO_BUCKETS = {"Effect": "Deny", "Action": "s3:CreateBucket", "Resource": "*"}
NO_QUEUES = {"Effect": "Deny", "Principal": "*", "Action": "sqs:*", "Resource": "*"}
Client = Any


@pytest.fixture
def opened() -> Iterator[LocalOrganization]:
    with LocalOrganization(PLAN, home_region=HOME, regions=(HOME,)) as one:
        yield one


@pytest.fixture
def organizations(opened: LocalOrganization) -> Client:
    client: Client = opened.session(MANAGEMENT).client("organizations")
    return client


def root(organizations: Client) -> str:
    return str(organizations.list_roots()["Roots"][0]["Id"])


def workloads(organizations: Client) -> str:
    units = organizations.list_organizational_units_for_parent(ParentId=root(organizations))
    return str(units["OrganizationalUnits"][0]["Id"])


def enable(organizations: Client, kind: str) -> None:
    organizations.enable_policy_type(RootId=root(organizations), PolicyType=kind)


def make(organizations: Client, kind: str, *statements: dict[str, Any], name: str = "guard") -> str:
    content = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
    answer = organizations.create_policy(Name=name, Description="", Type=kind, Content=content)
    return str(answer["Policy"]["PolicySummary"]["Id"])


def code(error: pytest.ExceptionInfo[ClientError]) -> str:
    return str(error.value.response["Error"]["Code"])


def attached(organizations: Client, target: str, kind: str) -> set[str]:
    listed = organizations.list_policies_for_target(TargetId=target, Filter=kind)["Policies"]
    return {policy["Name"] for policy in listed}


def new_bucket(opened: LocalOrganization, account: str, name: str) -> None:
    client = opened.session(account).client("s3")
    client.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})


def test_a_service_control_policy_binds_the_accounts_below_until_it_is_detached(
    opened: LocalOrganization, organizations: Client
) -> None:
    enable(organizations, SERVICE)
    policy = make(organizations, SERVICE, NO_BUCKETS)
    organizations.attach_policy(PolicyId=policy, TargetId=workloads(organizations))
    with pytest.raises(ClientError, match="with an explicit deny in a service control policy"):
        new_bucket(opened, MEMBER, "one")
    new_bucket(opened, HUB, "two")
    new_bucket(opened, MANAGEMENT, "three")
    organizations.detach_policy(PolicyId=policy, TargetId=workloads(organizations))
    new_bucket(opened, MEMBER, "one")


def test_an_updated_policy_counts_at_once(opened: LocalOrganization, organizations: Client) -> None:
    enable(organizations, SERVICE)
    policy = make(organizations, SERVICE, NO_BUCKETS)
    organizations.attach_policy(PolicyId=policy, TargetId=MEMBER)
    harmless = json.dumps({"Statement": [{**NO_BUCKETS, "Action": "s3:DeleteBucket"}]})
    organizations.update_policy(PolicyId=policy, Content=harmless)
    new_bucket(opened, MEMBER, "one")


def test_an_allow_list_replaces_full_access(opened: LocalOrganization, organizations: Client) -> None:
    enable(organizations, SERVICE)
    listed = make(organizations, SERVICE, {"Effect": "Allow", "Action": ["s3:*", "sts:*"], "Resource": "*"})
    organizations.attach_policy(PolicyId=listed, TargetId=MEMBER)
    organizations.detach_policy(PolicyId="p-FullAWSAccess", TargetId=MEMBER)
    new_bucket(opened, MEMBER, "one")
    with pytest.raises(ClientError, match="because no service control policy allows the sqs:CreateQueue action"):
        opened.session(MEMBER).client("sqs").create_queue(QueueName="q")


def test_a_moved_account_comes_under_the_policies_of_its_new_place(
    opened: LocalOrganization, organizations: Client
) -> None:
    enable(organizations, SERVICE)
    organizations.attach_policy(PolicyId=make(organizations, SERVICE, NO_BUCKETS), TargetId=workloads(organizations))
    organizations.move_account(
        AccountId=HUB, SourceParentId=root(organizations), DestinationParentId=workloads(organizations)
    )
    with pytest.raises(ClientError, match="service control policy"):
        new_bucket(opened, HUB, "one")


def test_a_resource_control_policy_binds_whoever_calls(opened: LocalOrganization, organizations: Client) -> None:
    client: Client = opened.session(MEMBER).client("sqs")
    url = client.create_queue(QueueName="q")["QueueUrl"]
    enable(organizations, RESOURCE)
    policy = make(organizations, RESOURCE, NO_QUEUES)
    organizations.attach_policy(PolicyId=policy, TargetId=root(organizations))
    with pytest.raises(ClientError, match="with an explicit deny in a resource control policy"):
        client.send_message(QueueUrl=url, MessageBody="m")
    # The management account's own queues are not bound.
    opened.session(MANAGEMENT).client("sqs").create_queue(QueueName="q")
    organizations.disable_policy_type(RootId=root(organizations), PolicyType=RESOURCE)
    client.send_message(QueueUrl=url, MessageBody="m")


def test_nobody_makes_or_changes_a_role_that_the_policies_do_not_bind(opened: LocalOrganization) -> None:
    client: Client = opened.session(MEMBER).client("iam")
    trust = {"Effect": "Allow", "Principal": {"AWS": MEMBER}, "Action": "sts:AssumeRole"}
    with pytest.raises(ClientError) as error:
        client.create_role(
            RoleName="mine",
            Path="/aws-service-role/config.amazonaws.com/",
            AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]}),
        )
    assert code(error) == "InvalidInput"
    linked = client.create_service_linked_role(AWSServiceName="config.amazonaws.com")["Role"]["RoleName"]
    changes: dict[str, dict[str, str]] = {
        "put_role_policy": {"PolicyName": "p", "PolicyDocument": "{}"},
        "update_assume_role_policy": {"PolicyDocument": json.dumps({"Statement": [trust]})},
        "delete_role": {},
    }
    for change, parameters in changes.items():
        with pytest.raises(ClientError) as error:
            getattr(client, change)(RoleName=linked, **parameters)
        assert code(error) == "UnmodifiableEntity"


def test_disabling_a_type_detaches_its_policies_and_enabling_attaches_full_access(organizations: Client) -> None:
    enable(organizations, SERVICE)
    organizations.attach_policy(PolicyId=make(organizations, SERVICE, NO_BUCKETS), TargetId=MEMBER)
    organizations.disable_policy_type(RootId=root(organizations), PolicyType=SERVICE)
    assert attached(organizations, MEMBER, SERVICE) == set()
    enable(organizations, SERVICE)
    assert attached(organizations, MEMBER, SERVICE) == {"FullAWSAccess"}


def test_a_type_that_is_not_enabled_cannot_be_attached(organizations: Client) -> None:
    policy = make(organizations, SERVICE, NO_BUCKETS)
    with pytest.raises(ClientError) as error:
        organizations.attach_policy(PolicyId=policy, TargetId=MEMBER)
    assert code(error) == "PolicyTypeNotEnabledException"


def test_a_target_keeps_one_service_control_policy_and_has_five_at_most(organizations: Client) -> None:
    enable(organizations, SERVICE)
    for number in range(4):
        policy = make(organizations, SERVICE, NO_BUCKETS, name=f"p{number}")
        organizations.attach_policy(PolicyId=policy, TargetId=MEMBER)
    with pytest.raises(ClientError, match="maximum number"):
        organizations.attach_policy(PolicyId=make(organizations, SERVICE, NO_BUCKETS, name="p5"), TargetId=MEMBER)
    with pytest.raises(ClientError) as error:
        organizations.attach_policy(PolicyId=policy, TargetId=MEMBER)
    assert code(error) == "DuplicatePolicyAttachmentException"
    with pytest.raises(ClientError, match="last policy"):
        organizations.detach_policy(PolicyId="p-FullAWSAccess", TargetId=HUB)
    with pytest.raises(ClientError) as error:
        organizations.detach_policy(PolicyId=policy, TargetId=HUB)
    assert code(error) == "PolicyNotAttachedException"


def test_full_access_to_resources_cannot_be_detached_nor_what_is_awss_changed(organizations: Client) -> None:
    enable(organizations, RESOURCE)
    with pytest.raises(ClientError, match="last policy"):
        organizations.detach_policy(PolicyId="p-RCPFullAWSAccess", TargetId=MEMBER)
    with pytest.raises(ClientError, match="IMMUTABLE_POLICY"):
        organizations.update_policy(PolicyId="p-FullAWSAccess", Name="mine")


@pytest.mark.parametrize(
    ("kind", "statement"),
    [
        pytest.param(SERVICE, {**NO_BUCKETS, "Principal": "*"}, id="a principal in a service control policy"),
        pytest.param(SERVICE, {"Effect": "Deny", "Action": "s3:*"}, id="no resource"),
        pytest.param(SERVICE, {**NO_BUCKETS, "Effect": "Perhaps"}, id="no effect"),
        pytest.param(RESOURCE, {**NO_QUEUES, "Effect": "Allow"}, id="an allow in a resource control policy"),
        pytest.param(RESOURCE, {**NO_QUEUES, "Principal": {"AWS": MEMBER}}, id="a principal by name"),
        pytest.param(RESOURCE, {**NO_QUEUES, "Action": "*"}, id="every action"),
        pytest.param(RESOURCE, {**NO_QUEUES, "Action": "ec2:*"}, id="a service that they do not apply to"),
        pytest.param(
            RESOURCE, {key: value for key, value in NO_QUEUES.items() if key != "Action"} | {"NotAction": "sqs:*"},
            id="all actions but some",
        ),
    ],
)  # fmt: skip
def test_a_malformed_policy_is_refused(organizations: Client, kind: str, statement: dict[str, Any]) -> None:
    with pytest.raises(ClientError) as error:
        make(organizations, kind, statement)
    assert code(error) == "MalformedPolicyDocumentException"


def test_a_policy_has_5120_characters_at_most(organizations: Client) -> None:
    with pytest.raises(ClientError, match="POLICY_CONTENT_LIMIT_EXCEEDED"):
        make(organizations, SERVICE, {**NO_BUCKETS, "Resource": "arn:aws:s3:::" + "b" * 5100})
