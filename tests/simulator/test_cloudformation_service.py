"""Stack sets: templates that reach every account of a unit, and those that join it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from simulator.local import LocalOrganization
from simulator.services.cloudformation import PRINCIPAL
from tests.simulator.pipeline_world import HOME, HUB, MEMBER, NESTED, organization

ROLE = {
    "Type": "AWS::IAM::Role",
    "Properties": {
        "RoleName": {"Fn::Sub": "entered-${Suffix}"},
        "AssumeRolePolicyDocument": {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Principal": {"AWS": {"Fn::Join": [":", ["arn", {"Ref": "AWS::Partition"}, "iam:", HUB, "root"]]}},
                    "Action": "sts:AssumeRole",
                }
            ],
        },
    },
}
TEMPLATE = {"Parameters": {"Suffix": {"Type": "String", "Default": "here"}}, "Resources": {"Role": ROLE}}


@pytest.fixture
def opened() -> Iterator[LocalOrganization]:
    with organization() as one:
        yield one


def management(opened: LocalOrganization, service: str) -> Any:
    session: Any = opened.session(opened.world.management)
    return session.client(service)


def workloads(opened: LocalOrganization) -> str:
    organizations = management(opened, "organizations")
    root = organizations.list_roots()["Roots"][0]["Id"]
    units = organizations.list_organizational_units_for_parent(ParentId=root)["OrganizationalUnits"]
    return str(next(unit["Id"] for unit in units if unit["Name"] == "Workloads"))


def deployed(opened: LocalOrganization, **automatic: bool) -> Any:
    management(opened, "organizations").enable_aws_service_access(ServicePrincipal=PRINCIPAL)
    client = management(opened, "cloudformation")
    deployment = {"Enabled": True, "RetainStacksOnAccountRemoval": True, **automatic}
    client.create_stack_set(**settings(AutoDeployment=deployment))
    client.create_stack_instances(
        StackSetName="roles",
        DeploymentTargets={"OrganizationalUnitIds": [workloads(opened)]},
        Regions=[HOME],
        OperationId="first",
    )
    return client


def settings(template: Any = None, **more: Any) -> dict[str, Any]:
    return {
        "StackSetName": "roles",
        "TemplateBody": json.dumps(template or TEMPLATE),
        "PermissionModel": "SERVICE_MANAGED",
        "AutoDeployment": {"Enabled": True, "RetainStacksOnAccountRemoval": True},
        "Capabilities": ["CAPABILITY_NAMED_IAM"],
        **more,
    }


def has_role(opened: LocalOrganization, account: str) -> bool:
    session: Any = opened.session(account)
    return "entered-here" in [role["RoleName"] for role in session.client("iam").list_roles()["Roles"]]


def test_a_stack_set_reaches_every_account_below_its_unit(opened: LocalOrganization) -> None:
    deployed(opened)
    assert [has_role(opened, account) for account in (MEMBER, NESTED, HUB)] == [True, True, False]
    assert not has_role(opened, opened.world.management)


def test_its_instances_and_operation_are_described(opened: LocalOrganization) -> None:
    client = deployed(opened)
    instances = client.list_stack_instances(StackSetName="roles")["Summaries"]
    assert [(one["Account"], one["Region"], one["Status"]) for one in instances] == [
        (MEMBER, HOME, "CURRENT"),
        (NESTED, HOME, "CURRENT"),
    ]
    operation = client.describe_stack_set_operation(StackSetName="roles", OperationId="first")["StackSetOperation"]
    assert (operation["Action"], operation["Status"]) == ("CREATE", "SUCCEEDED")
    described = client.describe_stack_set(StackSetName="roles")["StackSet"]
    assert described["AutoDeployment"] == {"Enabled": True, "RetainStacksOnAccountRemoval": True}


def test_an_account_that_joins_gets_the_stack(opened: LocalOrganization) -> None:
    deployed(opened)
    organizations = management(opened, "organizations")
    root = organizations.list_roots()["Roots"][0]["Id"]
    made = organizations.create_account(Email="new@example.com", AccountName="new")["CreateAccountStatus"]
    assert not has_role(opened, made["AccountId"])
    organizations.move_account(AccountId=made["AccountId"], SourceParentId=root, DestinationParentId=workloads(opened))
    assert has_role(opened, made["AccountId"])


@pytest.mark.parametrize(
    ("given", "named"),
    [
        (settings(PermissionModel="SELF_MANAGED"), "self-managed"),
        (settings(Capabilities=[]), "CAPABILITY_NAMED_IAM"),
        (settings({"Resources": {}}), "At least one Resources member"),
        (settings({"Resources": {"Queue": {"Type": "AWS::SQS::Queue"}}}), "AWS::SQS::Queue"),
        (settings({"Transform": "x", "Resources": {"Role": ROLE}}), "Transform"),
    ],
)
def test_what_is_malformed_or_not_simulated_is_refused_by_name(
    opened: LocalOrganization, given: dict[str, Any], named: str
) -> None:
    management(opened, "organizations").enable_aws_service_access(ServicePrincipal=PRINCIPAL)
    with pytest.raises(ClientError, match=named):
        management(opened, "cloudformation").create_stack_set(**given)
