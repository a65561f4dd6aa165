"""Accounts that are invited, moved, closed and removed: what everybody sees and may do from then on."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from simulator.founding import OrganizationPlan, PlannedAccount
from simulator.local import LocalOrganization
from tests.simulator.pipeline_world import AWAY, HOME, HUB, MANAGEMENT, MEMBER, NESTED, PLAN, document
from tests.simulator.test_cloudformation_service import deployed, has_role, workloads

OUTSIDER = "400000000005"
OUTSIDE = PlannedAccount(OUTSIDER, "newcomer", kind="standalone")
EMAIL = f"aws-{OUTSIDER}@example.com"
BUCKET = "for-the-organization"


@pytest.fixture
def opened() -> Iterator[LocalOrganization]:
    plan = replace(PLAN, accounts=(*PLAN.accounts, OUTSIDE))
    with LocalOrganization(plan, home_region=HOME, regions=(HOME, AWAY)) as one:
        yield one


def organizations(opened: LocalOrganization, account: str = MANAGEMENT) -> Any:
    session: Any = opened.session(account)
    return session.client("organizations")


def invite(opened: LocalOrganization, name: str = OUTSIDER, kind: str = "ACCOUNT", **more: Any) -> str:
    made = organizations(opened).invite_account_to_organization(Target={"Id": name, "Type": kind}, **more)
    return str(made["Handshake"]["Id"])


def joined(opened: LocalOrganization) -> None:
    organizations(opened, OUTSIDER).accept_handshake(HandshakeId=invite(opened))


def refusal(client: Any, operation: str, **parameters: Any) -> str:
    with pytest.raises(ClientError) as refused:
        getattr(client, operation)(**parameters)
    return str(refused.value.response["Error"]["Code"])


def listed(opened: LocalOrganization) -> dict[str, dict[str, Any]]:
    return {one["Id"]: one for one in organizations(opened).list_accounts()["Accounts"]}


def state(opened: LocalOrganization, handshake: str) -> str:
    return str(organizations(opened).describe_handshake(HandshakeId=handshake)["Handshake"]["State"])


def share(opened: LocalOrganization) -> None:
    """Let everybody in the organization list a bucket of the hub."""
    client = opened.session(HUB).client("s3")
    client.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": HOME})
    statement = {
        "Effect": "Allow",
        "Principal": "*",
        "Action": "s3:ListBucket",
        "Resource": f"arn:aws:s3:::{BUCKET}",
        "Condition": {"StringEquals": {"aws:PrincipalOrgID": opened.world.organization_id}},
    }
    client.put_bucket_policy(Bucket=BUCKET, Policy=document(statement))


def allowed(client: Any, operation: str, **parameters: Any) -> bool:
    try:
        getattr(client, operation)(**parameters)
    except ClientError as error:
        if error.response["Error"]["Code"] not in ("AccessDenied", "AccessDeniedException"):
            raise
        return False
    return True


def in_organization(opened: LocalOrganization, account: str) -> bool:
    return allowed(opened.session(account).client("s3"), "list_objects_v2", Bucket=BUCKET)


def move(opened: LocalOrganization, account: str, destination: str) -> None:
    client = organizations(opened)
    (source,) = client.list_parents(ChildId=account)["Parents"]
    client.move_account(AccountId=account, SourceParentId=source["Id"], DestinationParentId=destination)


def forbid_queues(opened: LocalOrganization, unit: str) -> None:
    client = organizations(opened)
    root = client.list_roots()["Roots"][0]["Id"]
    client.enable_policy_type(RootId=root, PolicyType="SERVICE_CONTROL_POLICY")
    content = document({"Effect": "Deny", "Action": "sqs:ListQueues", "Resource": "*"})
    made = client.create_policy(Name="none", Description="none", Type="SERVICE_CONTROL_POLICY", Content=content)
    client.attach_policy(PolicyId=made["Policy"]["PolicySummary"]["Id"], TargetId=unit)


def may_list_queues(opened: LocalOrganization, account: str) -> bool:
    return allowed(opened.session(account).client("sqs"), "list_queues")


def delegate(opened: LocalOrganization, account: str = HUB) -> Any:
    client = organizations(opened)
    client.enable_aws_service_access(ServicePrincipal="config.amazonaws.com")
    client.register_delegated_administrator(AccountId=account, ServicePrincipal="config.amazonaws.com")
    return organizations(opened, account)


# Accounts outside.
def test_a_standalone_account_is_no_account_of_the_organization(opened: LocalOrganization) -> None:
    share(opened)
    assert OUTSIDER not in listed(opened)
    assert (in_organization(opened, MEMBER), in_organization(opened, OUTSIDER)) == (True, False)
    outside = organizations(opened, OUTSIDER)
    assert refusal(outside, "describe_organization") == "AWSOrganizationsNotInUseException"
    assert refusal(outside, "leave_organization") == "AWSOrganizationsNotInUseException"
    assert refusal(outside, "list_accounts") == "AWSOrganizationsNotInUseException"
    assert outside.list_handshakes_for_account()["Handshakes"] == []
    assert refusal(outside, "create_organization") == "NotImplemented"
    assert refusal(organizations(opened), "describe_account", AccountId=OUTSIDER) == "AccountNotFoundException"


def test_a_standalone_account_has_users_and_trusts_that_work(opened: LocalOrganization) -> None:
    client = opened.session(OUTSIDER).client("iam")
    client.create_user(UserName="ann")
    key = client.create_access_key(UserName="ann")["AccessKey"]
    told = opened.session(OUTSIDER).client("sts").get_access_key_info(AccessKeyId=key["AccessKeyId"])
    assert told["Account"] == OUTSIDER
    trust = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{OUTSIDER}:role/none"}, "Action": "sts:AssumeRole"}
    given = {"RoleName": "r", "AssumeRolePolicyDocument": document(trust)}
    assert refusal(opened.session(MEMBER).client("iam"), "create_role", **given) == "MalformedPolicyDocument"


def test_a_standalone_account_has_no_unit() -> None:
    with pytest.raises(ValueError, match="has no unit"):
        OrganizationPlan(MANAGEMENT, HUB, (*PLAN.accounts, replace(OUTSIDE, unit=("Workloads",))))


# Invitations.
@pytest.mark.parametrize(("name", "kind"), [(OUTSIDER, "ACCOUNT"), (EMAIL, "EMAIL")])
def test_an_invited_account_joins_the_root_when_it_accepts(opened: LocalOrganization, name: str, kind: str) -> None:
    share(opened)
    tags = [{"Key": "team", "Value": "new"}]
    identifier = invite(opened, name, kind, Notes="Welcome", Tags=tags)
    (received,) = organizations(opened, OUTSIDER).list_handshakes_for_account()["Handshakes"]
    assert (received["Id"], received["Action"], received["State"]) == (identifier, "INVITE", "REQUESTED")
    assert received["Parties"] == [
        {"Id": opened.world.organization_id, "Type": "ORGANIZATION"},
        {"Id": name, "Type": kind},
    ]
    assert received["Resources"][1:] == [{"Type": kind, "Value": name}, {"Type": "NOTES", "Value": "Welcome"}]
    assert not in_organization(opened, OUTSIDER)

    accepted = organizations(opened, OUTSIDER).accept_handshake(HandshakeId=identifier)["Handshake"]
    assert accepted["State"] == state(opened, identifier) == "ACCEPTED"
    account = listed(opened)[OUTSIDER]
    assert (account["JoinedMethod"], account["State"], account["Email"]) == ("INVITED", "ACTIVE", EMAIL)
    root = organizations(opened).list_roots()["Roots"][0]["Id"]
    assert organizations(opened).list_parents(ChildId=OUTSIDER)["Parents"] == [{"Id": root, "Type": "ROOT"}]
    assert organizations(opened).list_tags_for_resource(ResourceId=OUTSIDER)["Tags"] == tags
    assert organizations(opened, OUTSIDER).describe_organization()["Organization"]["MasterAccountId"] == MANAGEMENT
    assert in_organization(opened, OUTSIDER)


def test_an_invited_account_does_not_admit_the_management_account_by_itself(opened: LocalOrganization) -> None:
    joined(opened)
    roles = opened.session(OUTSIDER).client("iam").list_roles()["Roles"]
    assert [one["RoleName"] for one in roles] == ["Administrator"]
    access = f"arn:aws:iam::{OUTSIDER}:role/OrganizationAccountAccessRole"
    enter = {"RoleArn": access, "RoleSessionName": "administrator"}
    assert refusal(opened.session(MANAGEMENT).client("sts"), "assume_role", **enter) == "AccessDenied"


def test_service_control_policies_and_stack_sets_reach_an_invited_account(opened: LocalOrganization) -> None:
    deployed(opened)
    forbid_queues(opened, workloads(opened))
    joined(opened)
    assert (has_role(opened, OUTSIDER), may_list_queues(opened, OUTSIDER)) == (False, True)
    move(opened, OUTSIDER, workloads(opened))
    assert (has_role(opened, OUTSIDER), may_list_queues(opened, OUTSIDER)) == (True, False)


def test_a_declined_or_cancelled_invitation_can_no_longer_be_accepted(opened: LocalOrganization) -> None:
    outside = organizations(opened, OUTSIDER)
    first = invite(opened)
    assert outside.decline_handshake(HandshakeId=first)["Handshake"]["State"] == "DECLINED"
    assert refusal(outside, "decline_handshake", HandshakeId=first) == "HandshakeAlreadyInStateException"
    sender = organizations(opened)
    assert refusal(sender, "cancel_handshake", HandshakeId=first) == "InvalidHandshakeTransitionException"
    second = invite(opened)
    assert sender.cancel_handshake(HandshakeId=second)["Handshake"]["State"] == "CANCELED"
    for ended in (first, second):
        assert refusal(outside, "accept_handshake", HandshakeId=ended) == "InvalidHandshakeTransitionException"
    sent = organizations(opened).list_handshakes_for_organization(Filter={"ActionType": "INVITE"})["Handshakes"]
    assert [(one["Id"], one["State"]) for one in sent] == [(first, "DECLINED"), (second, "CANCELED")]
    assert OUTSIDER not in listed(opened)


def test_an_invitation_expires_after_15_days_and_is_shown_for_30_more(opened: LocalOrganization) -> None:
    identifier = invite(opened)
    opened.advance(timedelta(days=15) - timedelta(seconds=1))
    assert state(opened, identifier) == "REQUESTED"
    opened.advance(timedelta(seconds=1))
    assert state(opened, identifier) == "EXPIRED"
    outside = organizations(opened, OUTSIDER)
    assert refusal(outside, "accept_handshake", HandshakeId=identifier) == "InvalidHandshakeTransitionException"
    assert invite(opened) != identifier
    opened.advance(timedelta(days=30))
    assert refusal(organizations(opened), "describe_handshake", HandshakeId=identifier) == "HandshakeNotFoundException"


@pytest.mark.parametrize(
    ("target", "code"),
    [
        pytest.param({"Id": MEMBER, "Type": "ACCOUNT"}, "HandshakeConstraintViolationException", id="a member"),
        pytest.param({"Id": EMAIL, "Type": "EMAIL"}, "DuplicateHandshakeException", id="twice, in other words"),
        pytest.param({"Id": "999999999999", "Type": "ACCOUNT"}, "InvalidInputException", id="nobody"),
        pytest.param({"Id": "o-other12345", "Type": "ORGANIZATION"}, "InvalidInputException", id="an organization"),
    ],
)
def test_who_cannot_be_invited_is_refused(opened: LocalOrganization, target: dict[str, str], code: str) -> None:
    invite(opened)
    assert refusal(organizations(opened), "invite_account_to_organization", Target=target) == code


def test_the_reason_of_a_refused_invitation_is_told(opened: LocalOrganization) -> None:
    with pytest.raises(ClientError) as refused:
        invite(opened, MEMBER)
    told: dict[str, Any] = {**refused.value.response}
    assert told["Reason"] == "ALREADY_IN_AN_ORGANIZATION"


def test_only_the_invited_account_answers_and_only_the_sender_cancels(opened: LocalOrganization) -> None:
    identifier = invite(opened)
    given = {"HandshakeId": identifier}
    for operation in ("accept_handshake", "decline_handshake"):
        assert refusal(organizations(opened), operation, **given) == "AccessDeniedException"
        assert refusal(organizations(opened, MEMBER), operation, **given) == "HandshakeNotFoundException"
    assert refusal(organizations(opened, MEMBER), "describe_handshake", **given) == "HandshakeNotFoundException"
    assert refusal(organizations(opened, MEMBER), "cancel_handshake", **given) == "AccessDeniedException"
    assert refusal(organizations(opened, OUTSIDER), "cancel_handshake", **given) == "AWSOrganizationsNotInUseException"
    someone = {"Target": {"Id": OUTSIDER, "Type": "ACCOUNT"}}
    assert refusal(organizations(opened, MEMBER), "invite_account_to_organization", **someone) == (
        "AccessDeniedException"
    )


def test_a_delegated_administrator_reads_the_invitations_and_sends_none(opened: LocalOrganization) -> None:
    identifier = invite(opened)
    client = delegate(opened)
    (sent,) = client.list_handshakes_for_organization()["Handshakes"]
    assert sent == client.describe_handshake(HandshakeId=identifier)["Handshake"]
    assert client.list_handshakes_for_account()["Handshakes"] == []
    someone = {"Id": OUTSIDER, "Type": "ACCOUNT"}
    assert refusal(client, "invite_account_to_organization", Target=someone) == "AccessDeniedException"


def test_policies_may_name_the_invitation_that_may_be_accepted(opened: LocalOrganization) -> None:
    target = {"Id": OUTSIDER, "Type": "ACCOUNT"}
    first = organizations(opened).invite_account_to_organization(Target=target)["Handshake"]
    iam = opened.session(OUTSIDER).client("iam")
    statement = {"Effect": "Deny", "Action": "organizations:AcceptHandshake", "NotResource": first["Arn"]}
    iam.put_role_policy(RoleName="Administrator", PolicyName="one", PolicyDocument=document(statement))
    organizations(opened).cancel_handshake(HandshakeId=first["Id"])
    outside, second = organizations(opened, OUTSIDER), invite(opened)
    assert refusal(outside, "accept_handshake", HandshakeId=first["Id"]) == "InvalidHandshakeTransitionException"
    assert refusal(outside, "accept_handshake", HandshakeId=second) == "AccessDeniedException"


def test_accounts_that_were_invited_were_not_created(opened: LocalOrganization) -> None:
    joined(opened)
    made = organizations(opened).create_account(Email="new@example.com", AccountName="new")["CreateAccountStatus"]
    created = organizations(opened).list_create_account_status()["CreateAccountStatuses"]
    assert [(one["Id"], one["AccountId"], one["State"]) for one in created] == [
        (made["Id"], made["AccountId"], "SUCCEEDED")
    ]
    assert organizations(opened).list_create_account_status(States=["FAILED"])["CreateAccountStatuses"] == []


# Closures.
def test_nobody_uses_a_closed_account(opened: LocalOrganization) -> None:
    inside = opened.session(MEMBER).client("sts")
    enter = {"RoleArn": f"arn:aws:iam::{MEMBER}:role/OrganizationAccountAccessRole", "RoleSessionName": "late"}
    organizations(opened).close_account(AccountId=MEMBER)
    assert inside.get_caller_identity()["Account"] == MEMBER  # it can be used while it is being closed
    opened.rest()
    assert listed(opened)[MEMBER]["State"] == "CLOSED"
    assert refusal(inside, "get_caller_identity") == "InvalidClientTokenId"
    assert refusal(opened.session(MANAGEMENT).client("sts"), "assume_role", **enter) == "AccessDenied"


def test_a_closed_account_keeps_its_stack_which_is_skipped(opened: LocalOrganization) -> None:
    client = deployed(opened)
    organizations(opened).close_account(AccountId=MEMBER)
    opened.rest()
    statement = {"Effect": "Allow", "Principal": {"AWS": HUB}, "Action": "sts:AssumeRole"}
    trust = json.loads(document(statement))
    other = {"Type": "AWS::IAM::Role", "Properties": {"RoleName": "other", "AssumeRolePolicyDocument": trust}}
    client.update_stack_set(
        StackSetName="roles",
        TemplateBody=json.dumps({"Resources": {"Role": other}}),
        Capabilities=["CAPABILITY_NAMED_IAM"],
    )
    instances = client.list_stack_instances(StackSetName="roles")["Summaries"]
    assert {one["Account"]: (one["Status"], one["StackInstanceStatus"]["DetailedStatus"]) for one in instances} == {
        MEMBER: ("OUTDATED", "SKIPPED_SUSPENDED_ACCOUNT"),
        NESTED: ("CURRENT", "SUCCEEDED"),
    }
    opened.advance(timedelta(days=91))
    assert [one["Account"] for one in client.list_stack_instances(StackSetName="roles")["Summaries"]] == [NESTED]


# Accounts that leave.
@pytest.mark.parametrize("by_itself", [False, True])
def test_an_account_that_left_is_subject_to_nothing_of_the_organization(
    opened: LocalOrganization, *, by_itself: bool
) -> None:
    share(opened)
    forbid_queues(opened, workloads(opened))
    assert (in_organization(opened, MEMBER), may_list_queues(opened, MEMBER)) == (True, False)
    if by_itself:
        organizations(opened, MEMBER).leave_organization()
    else:
        organizations(opened).remove_account_from_organization(AccountId=MEMBER)
    assert MEMBER not in listed(opened)
    assert (in_organization(opened, MEMBER), may_list_queues(opened, MEMBER)) == (False, True)
    assert refusal(organizations(opened, MEMBER), "describe_organization") == "AWSOrganizationsNotInUseException"


def test_an_account_that_left_can_be_invited_again(opened: LocalOrganization) -> None:
    client = organizations(opened, MEMBER)
    client.leave_organization()
    client.accept_handshake(HandshakeId=invite(opened, MEMBER))
    assert listed(opened)[MEMBER]["JoinedMethod"] == "INVITED"
    client.leave_organization()  # no waiting period for invited accounts
    assert MEMBER not in listed(opened)


def test_delegated_administrators_new_accounts_and_the_management_account_cannot_leave(
    opened: LocalOrganization,
) -> None:
    client = organizations(opened)
    delegated = delegate(opened)
    remove = "remove_account_from_organization"
    assert refusal(client, remove, AccountId=HUB) == "ConstraintViolationException"
    assert refusal(delegated, "leave_organization") == "ConstraintViolationException"
    assert refusal(client, remove, AccountId=MANAGEMENT) == "MasterCannotLeaveOrganizationException"
    assert refusal(client, "leave_organization") == "MasterCannotLeaveOrganizationException"
    assert refusal(client, remove, AccountId=OUTSIDER) == "AccountNotFoundException"
    made = client.create_account(Email="new@example.com", AccountName="new")["CreateAccountStatus"]["AccountId"]
    assert refusal(client, remove, AccountId=made) == "ConstraintViolationException"
    opened.advance(timedelta(days=4))
    organizations(opened).remove_account_from_organization(AccountId=made)
    client.deregister_delegated_administrator(AccountId=HUB, ServicePrincipal="config.amazonaws.com")
    client.remove_account_from_organization(AccountId=HUB)
    assert not {HUB, made} & set(listed(opened))


# Moves.
def test_a_move_shows_at_once_to_delegated_administrators(opened: LocalOrganization) -> None:
    client = delegate(opened)
    root = client.list_roots()["Roots"][0]["Id"]
    move(opened, NESTED, workloads(opened))
    assert client.list_parents(ChildId=NESTED)["Parents"] == [{"Id": workloads(opened), "Type": "ORGANIZATIONAL_UNIT"}]
    path = f"{opened.world.organization_id}/{root}/{workloads(opened)}/{NESTED}/"
    assert client.describe_account(AccountId=NESTED)["Account"]["Paths"] == [path]
    below = client.list_accounts_for_parent(ParentId=workloads(opened))["Accounts"]
    assert {one["Id"] for one in below} == {MEMBER, NESTED}


def test_service_control_policies_follow_a_move(opened: LocalOrganization) -> None:
    forbid_queues(opened, workloads(opened))
    root = organizations(opened).list_roots()["Roots"][0]["Id"]
    assert [may_list_queues(opened, one) for one in (NESTED, HUB)] == [False, True]
    move(opened, NESTED, root)
    move(opened, HUB, workloads(opened))
    assert [may_list_queues(opened, one) for one in (NESTED, HUB)] == [True, False]


@pytest.mark.parametrize("retained", [False, True])
def test_an_account_that_moves_out_of_a_target_loses_its_stack(opened: LocalOrganization, *, retained: bool) -> None:
    client = deployed(opened, RetainStacksOnAccountRemoval=retained)
    root = organizations(opened).list_roots()["Roots"][0]["Id"]
    move(opened, MEMBER, root)
    organizations(opened).remove_account_from_organization(AccountId=NESTED)
    assert client.list_stack_instances(StackSetName="roles")["Summaries"] == []
    assert [has_role(opened, one) for one in (MEMBER, NESTED)] == [retained, retained]
