"""Organizations: who may read it, what moto lacks, and the founding of the organisation."""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterator
from typing import Any

import pytest
from moto.backends import get_backend
from moto.core import DEFAULT_ACCOUNT_ID
from moto.organizations.models import FakeAccount, FakeDelegatedAdministrator
from moto.organizations.utils import PAGINATION_MODEL

from simulator.call import ServiceError
from simulator.founding import OrganizationPlan, PlannedAccount
from tests.simulator.security_hub_world import ALPHA, BETA, HUB, MANAGEMENT, PLAN, Place, organisation

READS: list[tuple[str, dict[str, Any]]] = [
    ("ListAccounts", {}),
    ("ListRoots", {}),
    ("DescribeAccount", {"AccountId": ALPHA}),
    ("ListParents", {"ChildId": ALPHA}),
    ("ListAWSServiceAccessForOrganization", {}),
    ("ListDelegatedAdministrators", {}),
]


@pytest.fixture
def place() -> Iterator[Place]:
    with organisation() as made:
        yield made


def delegate(place: Place, account: str = HUB, principal: str = "config.amazonaws.com") -> None:
    place.organizations("EnableAWSServiceAccess", ServicePrincipal=principal)
    place.organizations("RegisterDelegatedAdministrator", AccountId=account, ServicePrincipal=principal)


def refusal(place: Place, operation: str, account: str = MANAGEMENT, /, **parameters: Any) -> str:
    with pytest.raises(ServiceError) as refused:
        place.organizations(operation, account, **parameters)
    return refused.value.code


def states(accounts: list[dict[str, Any]]) -> dict[str, str]:
    return {account["Id"]: account["State"] for account in accounts}


@pytest.mark.parametrize(("operation", "parameters"), READS)
def test_a_delegated_administrator_reads_what_the_management_account_reads(
    place: Place, operation: str, parameters: dict[str, Any]
) -> None:
    delegate(place)
    assert place.organizations(operation, HUB, **parameters) == place.organizations(operation, **parameters)


@pytest.mark.parametrize(("operation", "parameters"), READS)
def test_other_members_may_not_read_the_organization(place: Place, operation: str, parameters: dict[str, Any]) -> None:
    delegate(place)
    assert refusal(place, operation, ALPHA, **parameters) == "AccessDeniedException"


def test_every_member_may_describe_the_organization(place: Place) -> None:
    described = place.organizations("DescribeOrganization", ALPHA)["Organization"]
    assert (described["Id"], described["MasterAccountId"]) == (place.world.organization_id, MANAGEMENT)


def test_a_delegated_administrator_reads_units_and_what_they_hold(place: Place) -> None:
    delegate(place)
    workloads = place.unit("Workloads")
    below = place.organizations("ListOrganizationalUnitsForParent", HUB, ParentId=workloads)["OrganizationalUnits"]
    assert [unit["Name"] for unit in below] == ["Production"]
    assert states(place.organizations("ListAccountsForParent", HUB, ParentId=workloads)["Accounts"]) == {BETA: "ACTIVE"}
    held = place.organizations("ListChildren", HUB, ParentId=workloads, ChildType="ACCOUNT")["Children"]
    assert held == [{"Id": BETA, "Type": "ACCOUNT"}]


@pytest.mark.parametrize("operation", ["CreateOrganizationalUnit", "EnableAWSServiceAccess", "MoveAccount"])
def test_a_delegated_administrator_may_not_change_the_organization(place: Place, operation: str) -> None:
    delegate(place)
    parameters = {
        "CreateOrganizationalUnit": {"ParentId": place.unit("Workloads"), "Name": "New"},
        "EnableAWSServiceAccess": {"ServicePrincipal": "fms.amazonaws.com"},
        "MoveAccount": {
            "AccountId": BETA,
            "SourceParentId": place.unit("Workloads"),
            "DestinationParentId": place.unit("Security"),
        },
    }[operation]
    assert refusal(place, operation, HUB, **parameters) == "AccessDeniedException"


@pytest.mark.parametrize(
    "principal",
    [
        "securityhub.amazonaws.com",
        "config.amazonaws.com",
        "config-multiaccountsetup.amazonaws.com",
        "guardduty.amazonaws.com",
        "inspector2.amazonaws.com",
        "fms.amazonaws.com",
        "member.org.stacksets.cloudformation.amazonaws.com",
    ],
)
def test_services_of_the_loop_can_be_delegated_and_taken_back(place: Place, principal: str) -> None:
    delegate(place, HUB, principal)
    listed = place.organizations("ListDelegatedServicesForAccount", AccountId=HUB)["DelegatedServices"]
    assert [service["ServicePrincipal"] for service in listed] == [principal]
    place.organizations("DeregisterDelegatedAdministrator", AccountId=HUB, ServicePrincipal=principal)
    assert refusal(place, "ListAccounts", HUB) == "AccessDeniedException"


def test_accounts_come_in_pages_of_twenty_each_once(place: Place) -> None:
    for number in range(30):
        place.organizations("CreateAccount", AccountName=f"a{number}", Email=f"a{number}@example.com")
    seen: list[str] = []
    parameters: dict[str, Any] = {}
    sizes = []
    while True:
        answer = place.organizations("ListAccounts", **parameters)
        seen += [account["Id"] for account in answer["Accounts"]]
        sizes.append(len(answer["Accounts"]))
        if "NextToken" not in answer:
            break
        parameters = {"NextToken": answer["NextToken"]}
    assert sizes == [20, 14]
    assert len(set(seen)) == 34
    assert DEFAULT_ACCOUNT_ID not in seen


def test_an_account_closes_within_minutes_and_its_status_says_suspended(place: Place) -> None:
    place.organizations("CloseAccount", AccountId=BETA)
    described = place.organizations("DescribeAccount", AccountId=BETA)["Account"]
    assert (described["State"], described["Status"]) == ("PENDING_CLOSURE", "PENDING_CLOSURE")
    assert refusal(place, "CloseAccount", AccountId=BETA) == "ConflictException"
    place.pass_time(minutes=5)
    described = place.organizations("DescribeAccount", AccountId=BETA)["Account"]
    assert (described["State"], described["Status"]) == ("CLOSED", "SUSPENDED")
    assert states(place.organizations("ListAccounts")["Accounts"])[BETA] == "CLOSED"
    assert place.world.accounts[BETA].state == "CLOSED"
    assert refusal(place, "CloseAccount", AccountId=BETA) == "AccountAlreadyClosedException"
    late = {"AccountId": BETA, "ServicePrincipal": "config.amazonaws.com"}
    assert refusal(place, "RegisterDelegatedAdministrator", **late) == "ConstraintViolationException"


def test_the_management_account_and_strangers_are_not_closed(place: Place) -> None:
    assert refusal(place, "CloseAccount", AccountId=MANAGEMENT) == "ConstraintViolationException"
    assert refusal(place, "CloseAccount", AccountId="999999999999") == "AccountNotFoundException"


def test_a_closed_account_is_listed_for_90_days(place: Place) -> None:
    delegate(place, BETA)
    place.organizations("CloseAccount", AccountId=BETA)
    place.pass_time(days=90)
    assert BETA in states(place.organizations("ListAccounts")["Accounts"])
    place.pass_time(minutes=5)
    assert BETA not in states(place.organizations("ListAccounts")["Accounts"])
    assert refusal(place, "DescribeAccount", AccountId=BETA) == "AccountNotFoundException"
    assert place.organizations("ListDelegatedAdministrators")["DelegatedAdministrators"] == []


def test_a_created_account_stands_under_the_root_and_admits_the_management_account(place: Place) -> None:
    created = place.organizations("CreateAccount", AccountName="gamma", Email="gamma@example.com")
    account = created["CreateAccountStatus"]["AccountId"]
    assert place.world.accounts[account].path == place.world.accounts[MANAGEMENT].path
    role = get_backend("iam")[account]["aws"].get_role("OrganizationAccountAccessRole")
    assert f"{MANAGEMENT}:root" in role.assume_role_policy_document


def test_a_moved_account_takes_its_new_path(place: Place) -> None:
    source, destination = place.unit("Workloads"), place.unit("Security")
    move = {"AccountId": BETA, "SourceParentId": source, "DestinationParentId": destination}
    place.organizations("MoveAccount", **move)
    assert place.world.accounts[BETA].path == place.world.accounts[HUB].path
    assert refusal(place, "MoveAccount", **move) == "SourceParentNotFoundException"


def test_units_have_different_names_below_a_parent_and_are_deleted_when_empty(place: Place) -> None:
    workloads = place.unit("Workloads")
    twice = refusal(place, "CreateOrganizationalUnit", ParentId=workloads, Name="Production")
    assert twice == "DuplicateOrganizationalUnitException"
    place.organizations("CreateOrganizationalUnit", ParentId=place.unit("Security"), Name="Production")
    filled = refusal(place, "DeleteOrganizationalUnit", OrganizationalUnitId=workloads)
    assert filled == "OrganizationalUnitNotEmptyException"


def test_an_account_that_was_removed_is_no_account_of_the_organization(place: Place) -> None:
    place.organizations("RemoveAccountFromOrganization", AccountId=BETA)
    assert BETA not in place.world.accounts
    assert BETA not in states(place.organizations("ListAccounts")["Accounts"])


def test_service_control_policies_keep_their_content(place: Place) -> None:
    content = json.dumps(
        {"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "s3:*", "Resource": "*"}]}
    )
    given = {"Name": "no-s3", "Description": "none", "Type": "SERVICE_CONTROL_POLICY", "Content": content}
    root = place.world.accounts[MANAGEMENT].path[0]
    place.organizations("EnablePolicyType", RootId=root, PolicyType="SERVICE_CONTROL_POLICY")
    policy = place.organizations("CreatePolicy", **given)["Policy"]["PolicySummary"]["Id"]
    place.organizations("AttachPolicy", PolicyId=policy, TargetId=place.unit("Workloads"))
    assert place.organizations("DescribePolicy", PolicyId=policy)["Policy"]["Content"] == content
    attached = place.organizations(
        "ListPoliciesForTarget", TargetId=place.unit("Workloads"), Filter="SERVICE_CONTROL_POLICY"
    )
    assert {one["Name"] for one in attached["Policies"]} == {"FullAWSAccess", "no-s3"}


# What is mended here, as long as moto needs it.
def test_moto_does_not_know_security_hub_as_a_delegate() -> None:
    assert "securityhub.amazonaws.com" not in inspect.getsource(FakeDelegatedAdministrator)


def test_moto_pages_accounts_by_the_time_of_joining() -> None:
    assert PAGINATION_MODEL["list_accounts"]["unique_attribute"] == "JoinedTimestamp"


def test_moto_trusts_one_partition_in_every_partition() -> None:
    assert "arn:aws:iam::" in inspect.getsource(FakeAccount.__init__)


def test_moto_lets_delegated_administrators_read_nothing(place: Place) -> None:
    delegate(place)
    assert get_backend("organizations")[HUB]["aws"].accounts == []


# The founding.
def test_the_plan_becomes_accounts_in_nested_units(place: Place) -> None:
    accounts = place.world.accounts
    assert {(account.id, account.name, account.kind) for account in accounts.values()} == {
        (MANAGEMENT, "management", "management"),
        (HUB, "security", "hub"),
        (ALPHA, "alpha", "member"),
        (BETA, "beta", "member"),
    }
    root = accounts[MANAGEMENT].path[0]
    assert accounts[ALPHA].path == (root, place.unit("Workloads"), place.unit("Production"))
    assert place.organizations("ListParents", ChildId=ALPHA)["Parents"] == [
        {"Id": place.unit("Production"), "Type": "ORGANIZATIONAL_UNIT"}
    ]


def test_the_founding_gives_the_same_ids_every_time() -> None:
    founded = []
    for _ in range(2):
        with organisation() as made:
            founded.append((made.world.organization_id, made.world.accounts))
    assert founded[0] == founded[1]


def test_created_accounts_admit_the_management_account_as_administrator_and_it_has_no_such_role(place: Place) -> None:
    role = get_backend("iam")[ALPHA]["aws"].get_role("OrganizationAccountAccessRole")
    assert role.arn == f"arn:aws:iam::{ALPHA}:role/OrganizationAccountAccessRole"
    (trust,) = json.loads(role.assume_role_policy_document)["Statement"]
    assert trust["Principal"] == {"AWS": f"arn:aws:iam::{MANAGEMENT}:root"}
    (granted,) = json.loads(role.policies["AdministratorAccess"])["Statement"]
    assert (granted["Effect"], granted["Action"], granted["Resource"]) == ("Allow", "*", "*")
    assert list(get_backend("iam")[MANAGEMENT]["aws"].get_roles()) == []


@pytest.mark.parametrize(("region", "partition"), [("cn-north-1", "aws-cn"), ("us-gov-west-1", "aws-us-gov")])
def test_every_partition_has_its_own_arns(region: str, partition: str) -> None:
    with organisation(region) as made:
        role = get_backend("iam")[ALPHA][partition].get_role("OrganizationAccountAccessRole")
        assert role.arn.startswith(f"arn:{partition}:iam::{ALPHA}:")
        assert f"arn:{partition}:iam::{MANAGEMENT}:root" in role.assume_role_policy_document
        organization = made.call("organizations", "DescribeOrganization", MANAGEMENT, region, {})["Organization"]
        assert organization["Arn"].startswith(f"arn:{partition}:organizations::{MANAGEMENT}:")
        made.ask("EnableSecurityHub", ALPHA, region)
        arn = f"arn:{partition}:securityhub:{region}:{ALPHA}:product/{ALPHA}/default"
        assert made.bring(ALPHA, region, ProductArn=arn)["SuccessCount"] == 1
        standards = made.ask("GetEnabledStandards", ALPHA, region)["StandardsSubscriptions"]
        assert all(one["StandardsArn"].startswith(f"arn:{partition}:securityhub:") for one in standards)


@pytest.mark.parametrize(
    ("accounts", "message"),
    [
        pytest.param((PlannedAccount(HUB, "a", "hub"), PlannedAccount("12", "b")), "12 digits", id="a short id"),
        pytest.param((PlannedAccount(HUB, "a", "hub"), PlannedAccount(HUB, "b")), "more than once", id="an id twice"),
        pytest.param((PlannedAccount(DEFAULT_ACCOUNT_ID, "a", "hub"),), "take another", id="the default account"),
        pytest.param((PlannedAccount(HUB, "a"),), "planned as hub", id="no hub"),
    ],
)
def test_a_wrong_plan_is_refused(accounts: tuple[PlannedAccount, ...], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        OrganizationPlan(PLAN.management, HUB, accounts)


def test_the_parents_of_a_stranger_are_not_found_as_the_api_model_says(place: Place) -> None:
    assert refusal(place, "ListParents", ChildId="999999999999") == "ChildNotFoundException"
