"""The organization layer: trusted access, delegated administrators, and whose pipeline may deploy where."""

from __future__ import annotations

import json
from typing import Any

import pytest

from simulator.deployment import Deployment, Resource
from simulator.provisioners import registry
from simulator.provisioners.model import Site, UnservedPropertyError
from tests.stacks.program import (
    HOME,
    HUB,
    MANAGEMENT,
    PRODUCTION,
    ROOT,
    SANDBOX,
    SECURITY,
    STAGING,
    STRAY,
    WORKLOADS,
    Cloud,
    everything,
    of_type,
    refusal,
    role,
    run,
)

PIPELINE = role(HUB, "pipeline")
STAGING_PIPELINE = role(HUB, "pipeline-staging")


def layer(environments: dict[str, Any]) -> dict[str, Any]:
    return everything(layers=["organization"], environment=None, targets=None, environments=environments)


def targets(deployment: Deployment) -> dict[str, list[dict[str, Any]]]:
    """The deployment targets of each StackSet."""
    found: dict[str, list[dict[str, Any]]] = {}
    for one in of_type(deployment, "cloudformation/stackInstances:StackInstances"):
        found.setdefault(one.inputs["stackSetName"], []).append(dict(one.inputs["deploymentTargets"]))
    return found


def stack_sets(deployment: Deployment) -> dict[str, Resource]:
    return {one.inputs["name"]: one for one in of_type(deployment, "cloudformation/stackSet:StackSet")}


def admitted(stack_set: Resource) -> str:
    statement = json.loads(stack_set.inputs["templateBody"])["Resources"]["Role"]["Properties"][
        "AssumeRolePolicyDocument"
    ]["Statement"][0]
    found: str = statement["Condition"]["ArnEquals"]["aws:PrincipalArn"]
    return found


def test_the_hub_is_delegated_administrator_of_security_hub_and_of_both_config_principals() -> None:
    deployment = run(layer({"production": {"organizationalUnits": [WORKLOADS]}}))
    delegated = of_type(deployment, "organizations/delegatedAdministrator:DelegatedAdministrator")
    assert {(one.account, one.inputs["accountId"], one.inputs["servicePrincipal"]) for one in delegated} == {
        (MANAGEMENT, HUB, "config.amazonaws.com"),
        (MANAGEMENT, HUB, "config-multiaccountsetup.amazonaws.com"),
    }
    (admin,) = of_type(deployment, "securityhub/organizationAdminAccount:OrganizationAdminAccount")
    assert (admin.account, admin.region, admin.inputs["adminAccountId"]) == (MANAGEMENT, HOME, HUB)


def test_trusted_access_comes_before_what_needs_it() -> None:
    deployment = run(layer({"production": {"organizationalUnits": [WORKLOADS]}}))
    access = {one.inputs["servicePrincipal"]: one.urn for one in of_type(
        deployment, "organizations/awsServiceAccess:AwsServiceAccess"
    )}  # fmt: skip
    assert set(access) == {
        "securityhub.amazonaws.com",
        "config.amazonaws.com",
        "config-multiaccountsetup.amazonaws.com",
        "member.org.stacksets.cloudformation.amazonaws.com",
    }
    for delegated in of_type(deployment, "organizations/delegatedAdministrator:DelegatedAdministrator"):
        assert access[delegated.inputs["servicePrincipal"]] in delegated.dependencies
    (stack_set,) = stack_sets(deployment).values()
    assert access["member.org.stacksets.cloudformation.amazonaws.com"] in stack_set.dependencies


def test_the_deployment_role_reaches_the_units_and_follows_accounts_that_join() -> None:
    deployment = run(layer({"production": {"organizationalUnits": [WORKLOADS, SECURITY]}}))
    (stack_set,) = stack_sets(deployment).values()
    assert stack_set.inputs["permissionModel"] == "SERVICE_MANAGED"
    assert stack_set.inputs["autoDeployment"] == {"enabled": True, "retainStacksOnAccountRemoval": False}
    assert admitted(stack_set) == PIPELINE
    assert targets(deployment) == {"palisade-deployment": [{"organizationalUnitIds": [WORKLOADS, SECURITY]}]}


def test_accounts_that_are_named_and_the_hub_get_the_role_wherever_they_stand() -> None:
    deployment = run(layer({"production": {"organizationalUnits": [WORKLOADS], "accounts": [STRAY]}}))
    assert targets(deployment)["palisade-deployment"] == [
        {"organizationalUnitIds": [WORKLOADS]},
        {"organizationalUnitIds": [ROOT], "accountFilterType": "INTERSECTION", "accounts": [HUB, STRAY]},
    ]


def test_an_environment_with_a_pipeline_of_its_own_admits_that_one_alone() -> None:
    deployment = run(
        layer(
            {
                "production": {"organizationalUnits": [PRODUCTION, SECURITY]},
                "staging": {"organizationalUnits": [STAGING], "pipelineRole": STAGING_PIPELINE},
            }
        )
    )
    assert {name: admitted(one) for name, one in stack_sets(deployment).items()} == {
        "palisade-deployment": PIPELINE,
        "palisade-deployment-staging": STAGING_PIPELINE,
    }
    assert targets(deployment) == {
        "palisade-deployment": [{"organizationalUnitIds": [PRODUCTION, SECURITY]}],
        "palisade-deployment-staging": [{"organizationalUnitIds": [STAGING]}],
    }


def test_the_hub_never_admits_the_pipeline_of_an_environment() -> None:
    deployment = run(layer({"staging": {"organizationalUnits": [STAGING, SECURITY], "pipelineRole": STAGING_PIPELINE}}))
    assert targets(deployment) == {
        "palisade-deployment": [
            {"organizationalUnitIds": [ROOT], "accountFilterType": "INTERSECTION", "accounts": [HUB]}
        ],
        "palisade-deployment-staging": [
            {"organizationalUnitIds": [STAGING, SECURITY], "accountFilterType": "DIFFERENCE", "accounts": [HUB]}
        ],
    }


def test_a_unit_below_one_of_another_pipeline_is_refused() -> None:
    said = refusal(
        layer(
            {
                "production": {"organizationalUnits": [WORKLOADS]},
                "staging": {"organizationalUnits": [STAGING], "pipelineRole": STAGING_PIPELINE},
            }
        )
    )
    assert f"environments: {STAGING} lies below {WORKLOADS}" in said


def test_nested_units_of_one_pipeline_are_one_stack_set() -> None:
    deployment = run(
        layer(
            {
                "production": {"organizationalUnits": [WORKLOADS, SECURITY]},
                "staging": {"organizationalUnits": [STAGING]},
            }
        )
    )
    assert targets(deployment) == {"palisade-deployment": [{"organizationalUnitIds": [WORKLOADS, SECURITY, STAGING]}]}


def test_a_hub_and_units_that_the_organization_does_not_have_are_refused() -> None:
    said = refusal(
        {**layer({"production": {"organizationalUnits": ["ou-abcd-elsewhere"]}}), "hubAccount": "999999999999"}
    )
    assert "environments.production: the organization has no organizational unit ou-abcd-elsewhere" in said
    assert "hubAccount: the organization has no account 999999999999" in said


@pytest.mark.parametrize("environment", [PIPELINE, STAGING_PIPELINE])
def test_each_environment_s_policies_are_written_by_its_own_pipeline(environment: str) -> None:
    settings = everything(
        layers=["hub"],
        environments={
            "production": {"organizationalUnits": [PRODUCTION]},
            "sandbox": {"organizationalUnits": [SANDBOX], "pipelineRole": environment},
        },
    )
    roles = {one.inputs["name"]: one for one in of_type(run(settings, Cloud()), "iam/role:Role")}
    trust = json.loads(roles["palisade-policies-sandbox"].inputs["assumeRolePolicy"])["Statement"][0]["Condition"]
    assert trust["ArnEquals"] == {"aws:PrincipalArn": environment}
    trust = json.loads(roles["palisade-policies-production"].inputs["assumeRolePolicy"])["Statement"][0]["Condition"]
    assert trust["ArnEquals"] == {"aws:PrincipalArn": PIPELINE}


def test_the_local_organisation_refuses_account_filters_instead_of_deploying_to_everybody() -> None:
    def client(service: str) -> Any:
        raise AssertionError(f"{service} was called")

    inputs = {
        "stackSetName": "palisade-deployment",
        "deploymentTargets": {"organizationalUnitIds": [ROOT], "accountFilterType": "INTERSECTION", "accounts": [HUB]},
        "regions": [HOME],
    }
    with pytest.raises(UnservedPropertyError, match="accountFilterType, accounts"):
        registry.create(
            "aws:cloudformation/stackInstances:StackInstances", Site(MANAGEMENT, HOME, "aws", client), inputs
        )
