"""Security Hub in an organisation: designation, members, aggregation, local and central configuration."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from simulator.call import ServiceError
from tests.simulator.security_hub_world import (
    ALPHA,
    BETA,
    FSBP,
    HOME,
    HUB,
    LINKED,
    MANAGEMENT,
    OTHER,
    Place,
    administer,
    centralise,
    enabling,
    organisation,
)

CENTRAL = {"OrganizationConfiguration": {"ConfigurationType": "CENTRAL"}}


@pytest.fixture
def place() -> Iterator[Place]:
    with organisation() as made:
        yield made


def refusal(place: Place, operation: str, account: str = HUB, region: str = HOME, /, **parameters: Any) -> str:
    with pytest.raises(ServiceError) as refused:
        place.ask(operation, account, region, **parameters)
    return refused.value.code


def on(place: Place, account: str) -> list[str]:
    return [region for region in (HOME, LINKED, OTHER) if place.hub.hubs.on(account, region)]


def associate(place: Place, policy: str, **target: str) -> dict[str, Any]:
    answer = place.ask("StartConfigurationPolicyAssociation", ConfigurationPolicyIdentifier=policy, Target=target)
    place.world.agenda.rest()
    return answer


def association(place: Place, **target: str) -> dict[str, Any]:
    return place.ask("GetConfigurationPolicyAssociation", Target=target)


# Designation.
def test_designating_registers_the_administrator_and_enables_security_hub_there_in_that_region(place: Place) -> None:
    place.ask("EnableOrganizationAdminAccount", MANAGEMENT, AdminAccountId=HUB)
    registered = place.organizations("ListDelegatedAdministrators", ServicePrincipal="securityhub.amazonaws.com")
    assert [account["Id"] for account in registered["DelegatedAdministrators"]] == [HUB]
    trusted = place.organizations("ListAWSServiceAccessForOrganization")["EnabledServicePrincipals"]
    assert [service["ServicePrincipal"] for service in trusted] == ["securityhub.amazonaws.com"]
    assert on(place, HUB) == [HOME]
    assert refusal(place, "EnableSecurityHub") == "ResourceConflictException"


def test_designation_is_per_region_and_may_be_repeated(place: Place) -> None:
    for region in (HOME, HOME, LINKED):
        place.ask("EnableOrganizationAdminAccount", MANAGEMENT, region, AdminAccountId=HUB)
    accounts = [
        place.ask("ListOrganizationAdminAccounts", MANAGEMENT, region)["AdminAccounts"]
        for region in (HOME, LINKED, OTHER)
    ]
    assert accounts == [[{"AccountId": HUB, "Status": "ENABLED"}]] * 2 + [[]]


@pytest.mark.parametrize(
    ("caller", "account", "code"),
    [
        pytest.param(HUB, HUB, "InvalidAccessException", id="by a member"),
        pytest.param(MANAGEMENT, MANAGEMENT, "InvalidInputException", id="the management account itself"),
        pytest.param(MANAGEMENT, "999999999999", "InvalidInputException", id="an account outside"),
    ],
)
def test_only_the_management_account_designates_and_only_members(
    place: Place, caller: str, account: str, code: str
) -> None:
    assert refusal(place, "EnableOrganizationAdminAccount", caller, AdminAccountId=account) == code


def test_another_administrator_in_another_region_is_refused(place: Place) -> None:
    place.ask("EnableOrganizationAdminAccount", MANAGEMENT, AdminAccountId=HUB)
    code = refusal(place, "EnableOrganizationAdminAccount", MANAGEMENT, LINKED, AdminAccountId=ALPHA)
    assert code == "InvalidInputException"


def test_removal_by_security_hub_is_for_one_region_and_by_organizations_for_all(place: Place) -> None:
    administer(place)
    place.ask("DisableOrganizationAdminAccount", MANAGEMENT, LINKED, AdminAccountId=HUB)
    assert refusal(place, "DescribeOrganizationConfiguration", HUB, LINKED) == "InvalidAccessException"
    assert place.ask("DescribeOrganizationConfiguration")["AutoEnable"] is False
    principal = "securityhub.amazonaws.com"
    place.organizations("DeregisterDelegatedAdministrator", AccountId=HUB, ServicePrincipal=principal)
    assert refusal(place, "DescribeOrganizationConfiguration") == "InvalidAccessException"


def test_the_administrator_cannot_disable_security_hub(place: Place) -> None:
    administer(place)
    assert refusal(place, "DisableSecurityHub") == "InvalidInputException"
    place.ask("DisableSecurityHub", ALPHA)
    assert on(place, ALPHA) == [LINKED]


# Members.
def test_members_of_the_organization_need_no_invitation_and_get_default_standards(place: Place) -> None:
    place.ask("EnableOrganizationAdminAccount", MANAGEMENT, AdminAccountId=HUB)
    details = [{"AccountId": account} for account in (ALPHA, MANAGEMENT, "999999999999")]
    answer = place.ask("CreateMembers", AccountDetails=details)
    assert [account["AccountId"] for account in answer["UnprocessedAccounts"]] == [MANAGEMENT, "999999999999"]
    (member,) = place.ask("ListMembers")["Members"]
    assert (member["AccountId"], member["MemberStatus"], member["AdministratorId"]) == (ALPHA, "Enabled", HUB)
    standards = place.ask("GetEnabledStandards", ALPHA)["StandardsSubscriptions"]
    assert FSBP in {standard["StandardsArn"] for standard in standards}
    administrator = place.ask("GetAdministratorAccount", ALPHA)["Administrator"]
    assert administrator["AccountId"] == HUB


def test_the_management_account_becomes_a_member_once_it_has_enabled_security_hub(place: Place) -> None:
    place.ask("EnableOrganizationAdminAccount", MANAGEMENT, AdminAccountId=HUB)
    place.ask("EnableSecurityHub", MANAGEMENT)
    assert place.ask("CreateMembers", AccountDetails=[{"AccountId": MANAGEMENT}])["UnprocessedAccounts"] == []


def test_new_accounts_are_enabled_where_the_local_configuration_says_so(place: Place) -> None:
    administer(place)
    place.ask("UpdateOrganizationConfiguration", AutoEnable=True, AutoEnableStandards="NONE")
    created = place.organizations("CreateAccount", AccountName="gamma", Email="gamma@example.com")
    account = created["CreateAccountStatus"]["AccountId"]
    assert on(place, account) == [HOME]
    assert place.ask("GetEnabledStandards", account)["StandardsSubscriptions"] == []
    assert account in {member["AccountId"] for member in place.ask("ListMembers")["Members"]}


def test_a_member_that_leaves_the_organization_leaves_the_administrator(place: Place) -> None:
    administer(place)
    place.organizations("RemoveAccountFromOrganization", AccountId=BETA)
    assert {member["AccountId"] for member in place.ask("ListMembers")["Members"]} == {ALPHA}


# Finding aggregators.
@pytest.mark.parametrize(
    ("parameters", "linked"),
    [
        pytest.param({"RegionLinkingMode": "ALL_REGIONS"}, {LINKED, OTHER}, id="all"),
        pytest.param({"RegionLinkingMode": "ALL_REGIONS_EXCEPT_SPECIFIED", "Regions": [OTHER]}, {LINKED}, id="except"),
        pytest.param({"RegionLinkingMode": "SPECIFIED_REGIONS", "Regions": [OTHER]}, {OTHER}, id="specified"),
        pytest.param({"RegionLinkingMode": "NO_REGIONS"}, set(), id="none"),
    ],
)
def test_the_linking_mode_decides_which_findings_come_home(
    place: Place, parameters: dict[str, Any], linked: set[str]
) -> None:
    for region in (HOME, LINKED, OTHER):
        place.ask("EnableSecurityHub", ALPHA, region)
        place.bring(ALPHA, region)
    place.ask("CreateFindingAggregator", ALPHA, **parameters)
    assert {finding["Region"] for finding in place.found(ALPHA)} == {HOME} | linked


@pytest.mark.parametrize(
    "parameters",
    [
        pytest.param({"RegionLinkingMode": "NO_REGIONS", "Regions": [LINKED]}, id="Regions with NO_REGIONS"),
        pytest.param({"RegionLinkingMode": "SPECIFIED_REGIONS", "Regions": []}, id="an empty list"),
        pytest.param({"RegionLinkingMode": "SOME_REGIONS"}, id="an unknown mode"),
    ],
)
def test_linking_that_aws_refuses_is_refused(place: Place, parameters: dict[str, Any]) -> None:
    place.ask("EnableSecurityHub", HUB)
    assert refusal(place, "CreateFindingAggregator", **parameters) == "InvalidInputException"


def test_there_is_one_aggregator_and_it_changes_in_its_home_region_only(place: Place) -> None:
    administer(place)
    (listed,) = place.ask("ListFindingAggregators", HUB, LINKED)["FindingAggregators"]
    arn = listed["FindingAggregatorArn"]
    assert place.ask("GetFindingAggregator", HUB, LINKED, FindingAggregatorArn=arn)["FindingAggregationRegion"] == HOME
    assert refusal(place, "CreateFindingAggregator", RegionLinkingMode="ALL_REGIONS") == "InvalidInputException"
    change = {"FindingAggregatorArn": arn, "RegionLinkingMode": "ALL_REGIONS"}
    assert refusal(place, "UpdateFindingAggregator", HUB, LINKED, **change) == "InvalidInputException"
    assert place.ask("UpdateFindingAggregator", **change)["RegionLinkingMode"] == "ALL_REGIONS"
    place.ask("DeleteFindingAggregator", FindingAggregatorArn=arn)
    assert place.ask("ListFindingAggregators")["FindingAggregators"] == []


def test_a_member_cannot_make_an_aggregator(place: Place) -> None:
    administer(place)
    assert refusal(place, "CreateFindingAggregator", ALPHA, RegionLinkingMode="ALL_REGIONS") == "InvalidInputException"


# Central configuration.
def test_central_configuration_comes_about_in_time_and_designates_in_linked_regions(place: Place) -> None:
    place.ask("EnableOrganizationAdminAccount", MANAGEMENT, AdminAccountId=HUB)
    place.ask("CreateFindingAggregator", RegionLinkingMode="SPECIFIED_REGIONS", Regions=[LINKED])
    place.ask("UpdateOrganizationConfiguration", AutoEnable=False, AutoEnableStandards="NONE", **CENTRAL)
    described = place.ask("DescribeOrganizationConfiguration")
    assert described["OrganizationConfiguration"] == {"ConfigurationType": "CENTRAL", "Status": "PENDING"}
    place.world.agenda.rest()
    described = place.ask("DescribeOrganizationConfiguration")
    assert described["OrganizationConfiguration"]["Status"] == "ENABLED"
    assert (described["AutoEnable"], described["AutoEnableStandards"]) == (False, "NONE")
    assert place.ask("ListOrganizationAdminAccounts", MANAGEMENT, LINKED)["AdminAccounts"]
    code = refusal(place, "DisableOrganizationAdminAccount", MANAGEMENT, AdminAccountId=HUB)
    assert code == "AccessDeniedException"


@pytest.mark.parametrize(
    ("region", "parameters", "code"),
    [
        pytest.param(HOME, {"AutoEnable": True}, "InvalidInputException", id="auto-enable"),
        pytest.param(HOME, {"AutoEnableStandards": "DEFAULT"}, "InvalidInputException", id="default standards"),
        pytest.param(LINKED, {}, "InvalidInputException", id="in a linked Region"),
    ],
)
def test_central_configuration_needs_the_home_region_and_nothing_automatic(
    place: Place, region: str, parameters: dict[str, Any], code: str
) -> None:
    administer(place)
    given = {"AutoEnable": False, "AutoEnableStandards": "NONE"} | parameters | CENTRAL
    assert refusal(place, "UpdateOrganizationConfiguration", HUB, region, **given) == code


def test_central_configuration_needs_an_aggregator(place: Place) -> None:
    place.ask("EnableOrganizationAdminAccount", MANAGEMENT, AdminAccountId=HUB)
    given = {"AutoEnable": False, "AutoEnableStandards": "NONE"} | CENTRAL
    assert refusal(place, "UpdateOrganizationConfiguration", **given) == "InvalidInputException"


def test_policies_need_central_configuration(place: Place) -> None:
    administer(place)
    code = refusal(place, "CreateConfigurationPolicy", Name="baseline", ConfigurationPolicy=enabling())
    assert code == "AccessDeniedException"


def test_a_policy_on_the_root_enables_every_account_at_home_and_in_linked_regions(place: Place) -> None:
    policy = centralise(place)
    root = place.world.accounts[ALPHA].path[0]
    started = place.ask(
        "StartConfigurationPolicyAssociation", ConfigurationPolicyIdentifier=policy, Target={"RootId": root}
    )
    assert started["AssociationStatus"] == "PENDING"
    assert on(place, ALPHA) == []
    place.world.agenda.rest()
    assert association(place, RootId=root)["AssociationStatus"] == "SUCCESS"
    assert [on(place, account) for account in (HUB, ALPHA, BETA)] == [[HOME, LINKED]] * 3
    assert on(place, MANAGEMENT) == []
    standards = place.ask("GetEnabledStandards", ALPHA, LINKED)["StandardsSubscriptions"]
    assert [standard["StandardsArn"] for standard in standards] == [FSBP.replace(HOME, LINKED)]
    assert place.hub.hubs.control_enabled(ALPHA, LINKED, "EC2.2")
    assert not place.hub.hubs.control_enabled(ALPHA, LINKED, "EC2.13")
    members = {member["AccountId"] for member in place.ask("ListMembers", HUB, LINKED)["Members"]}
    assert members == {ALPHA, BETA}


def test_the_closest_association_holds_and_is_inherited_by_what_is_below(place: Place) -> None:
    policy = centralise(place)
    disabling = {"SecurityHub": {"ServiceEnabled": False}}
    off = str(place.ask("CreateConfigurationPolicy", Name="off", ConfigurationPolicy=disabling)["Id"])
    associate(place, policy, OrganizationalUnitId=place.unit("Workloads"))
    associate(place, off, OrganizationalUnitId=place.unit("Production"))
    assert [on(place, account) for account in (ALPHA, BETA)] == [[], [HOME, LINKED]]
    inherited = association(place, AccountId=ALPHA)
    assert (inherited["ConfigurationPolicyId"], inherited["AssociationType"]) == (off, "INHERITED")
    listed = place.ask("ListConfigurationPolicyAssociations", Filters={"AssociationType": "INHERITED"})
    targets = {one["TargetId"] for one in listed["ConfigurationPolicyAssociationSummaries"]}
    assert targets == {ALPHA, BETA}


def test_accounts_under_a_policy_cannot_change_their_settings_and_self_managed_ones_can(place: Place) -> None:
    policy = centralise(place)
    associate(place, policy, OrganizationalUnitId=place.unit("Workloads"))
    change = {"ControlFindingGenerator": "STANDARD_CONTROL"}
    for operation, parameters in (("UpdateSecurityHubConfiguration", change), ("DisableSecurityHub", {})):
        assert refusal(place, operation, ALPHA, LINKED, **parameters) == "AccessDeniedException"
    associate(place, "SELF_MANAGED_SECURITY_HUB", AccountId=ALPHA)
    place.ask("UpdateSecurityHubConfiguration", ALPHA, **change)
    assert place.ask("DescribeHub", ALPHA)["ControlFindingGenerator"] == "STANDARD_CONTROL"


def test_a_disassociated_target_keeps_its_settings_and_becomes_self_managed(place: Place) -> None:
    policy = centralise(place)
    unit = {"OrganizationalUnitId": place.unit("Workloads")}
    associate(place, policy, **unit)
    assert refusal(place, "DeleteConfigurationPolicy", Identifier=policy) == "ResourceConflictException"
    place.ask("StartConfigurationPolicyDisassociation", ConfigurationPolicyIdentifier=policy, Target=unit)
    place.world.agenda.rest()
    assert refusal(place, "GetConfigurationPolicyAssociation", Target=unit) == "ResourceNotFoundException"
    assert on(place, ALPHA) == [HOME, LINKED]
    place.ask("DisableSecurityHub", ALPHA)
    place.ask("DeleteConfigurationPolicy", Identifier=policy)
    assert place.ask("ListConfigurationPolicies")["ConfigurationPolicySummaries"] == []


def test_a_changed_policy_reaches_its_targets(place: Place) -> None:
    policy = centralise(place)
    associate(place, policy, AccountId=ALPHA)
    content = enabling(EnabledSecurityControlIdentifiers=["EC2.13"])
    place.ask("UpdateConfigurationPolicy", Identifier=policy, ConfigurationPolicy=content)
    assert association(place, AccountId=ALPHA)["AssociationStatus"] == "PENDING"
    place.world.agenda.rest()
    enabled = [control for control in ("EC2.2", "EC2.13") if place.hub.hubs.control_enabled(ALPHA, HOME, control)]
    assert enabled == ["EC2.13"]


def test_accounts_that_join_or_move_take_the_policy_of_their_unit(place: Place) -> None:
    policy = centralise(place)
    associate(place, policy, OrganizationalUnitId=place.unit("Workloads"))
    created = place.organizations("CreateAccount", AccountName="gamma", Email="gamma@example.com")
    account = created["CreateAccountStatus"]["AccountId"]
    assert on(place, account) == []
    root = place.world.accounts[account].path[0]
    place.organizations(
        "MoveAccount", AccountId=account, SourceParentId=root, DestinationParentId=place.unit("Production")
    )
    assert on(place, account) == [HOME, LINKED]


def test_a_newly_linked_region_takes_the_policies(place: Place) -> None:
    policy = centralise(place)
    associate(place, policy, AccountId=ALPHA)
    (listed,) = place.ask("ListFindingAggregators")["FindingAggregators"]
    place.ask("UpdateFindingAggregator", RegionLinkingMode="ALL_REGIONS", **listed)
    assert on(place, ALPHA) == [HOME, LINKED, OTHER]


def test_a_policy_on_the_management_account_fails_until_it_enables_security_hub(place: Place) -> None:
    policy = centralise(place)
    associate(place, policy, AccountId=MANAGEMENT)
    failed = association(place, AccountId=MANAGEMENT)
    assert failed["AssociationStatus"] == "FAILED"
    assert "enable Security Hub itself" in failed["AssociationStatusMessage"]


@pytest.mark.parametrize(
    "content",
    [
        pytest.param({}, id="nothing"),
        pytest.param({"SecurityHub": {"ServiceEnabled": True}}, id="enabled without standards"),
        pytest.param(
            {"SecurityHub": {"ServiceEnabled": False, "EnabledStandardIdentifiers": [FSBP]}}, id="off with one"
        ),
        pytest.param(
            enabling(EnabledSecurityControlIdentifiers=[], DisabledSecurityControlIdentifiers=[]), id="both lists"
        ),
        pytest.param(
            {
                "SecurityHub": {
                    "ServiceEnabled": True,
                    "EnabledStandardIdentifiers": ["arn:aws:securityhub:::standards/mine"],
                    "SecurityControlsConfiguration": {"DisabledSecurityControlIdentifiers": []},
                }
            },
            id="an unknown standard",
        ),
    ],
)
def test_policies_that_aws_refuses_are_refused(place: Place, content: dict[str, Any]) -> None:
    centralise(place)
    code = refusal(place, "CreateConfigurationPolicy", Name="other", ConfigurationPolicy=content)
    assert code == "InvalidInputException"
