"""Stack sets over their life, through the provisioners: deployed, updated, moved between units, removed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from simulator.local import LocalOrganization
from simulator.provisioners import registry
from simulator.provisioners.comparison import differing
from simulator.provisioners.model import Edit, Known, Site
from tests.simulator.pipeline_world import HOME, HUB, MANAGEMENT, MEMBER, NESTED, make, organization, site

SET = "aws:cloudformation/stackSet:StackSet"
INSTANCES = "aws:cloudformation/stackInstances:StackInstances"
PRINCIPAL = "member.org.stacksets.cloudformation.amazonaws.com"


def template(action: str, *, extra: bool = False, name: str = "deployer") -> str:
    def policy(physical: str) -> dict[str, Any]:
        document = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": action, "Resource": "*"}]}
        return {
            "Type": "AWS::IAM::ManagedPolicy",
            "Properties": {"ManagedPolicyName": physical, "PolicyDocument": document, "Roles": [{"Ref": "Role"}]},
        }

    trust = {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{HUB}:root"}, "Action": "sts:AssumeRole"}
        ],
    }
    role = {"Type": "AWS::IAM::Role", "Properties": {"RoleName": name, "AssumeRolePolicyDocument": trust}}
    resources = {"Role": role, "First": policy("first"), **({"Second": policy("second")} if extra else {})}
    return json.dumps({"AWSTemplateFormatVersion": "2010-09-09", "Resources": resources})


def inputs(body: str) -> dict[str, Any]:
    return {
        "name": "roles",
        "permissionModel": "SERVICE_MANAGED",
        "autoDeployment": {"enabled": True, "retainStacksOnAccountRemoval": False},
        "capabilities": ["CAPABILITY_NAMED_IAM"],
        "managedExecution": {"active": True},
        "templateBody": body,
    }


@pytest.fixture
def opened() -> Iterator[LocalOrganization]:
    with organization() as one:
        yield one


@pytest.fixture
def place(opened: LocalOrganization) -> Site:
    place = site(opened, MANAGEMENT)
    make(place, "aws:organizations/awsServiceAccess:AwsServiceAccess", servicePrincipal=PRINCIPAL)
    make(place, SET, **inputs(template("s3:GetObject")))
    return place


def unit(opened: LocalOrganization, account: str, depth: int = 1) -> str:
    return opened.world.accounts[account].path[depth]


def targets(*units: str) -> dict[str, Any]:
    return {"stackSetName": "roles", "deploymentTargets": {"organizationalUnitIds": list(units)}, "regions": [HOME]}


def policies(opened: LocalOrganization, account: str) -> dict[str, str]:
    """The managed policies of an account with the action that each allows."""
    client = opened.session(account).client("iam")
    found = {}
    for one in client.list_policies(Scope="Local")["Policies"]:
        version = client.get_policy_version(PolicyArn=one["Arn"], VersionId=one["DefaultVersionId"])
        found[one["PolicyName"]] = version["PolicyVersion"]["Document"]["Statement"][0]["Action"]
    return found


def has_role(opened: LocalOrganization, account: str, name: str = "deployer") -> bool:
    return name in {one["RoleName"] for one in opened.session(account).client("iam").list_roles()["Roles"]}


def update(place: Site, token: str, identifier: str, old: dict[str, Any], new: dict[str, Any]) -> None:
    changed = differing(registry.find(token), old, new)
    registry.update(token, place, Edit(identifier, old, new, changed))
    standing = registry.read(token, place, Known(identifier, new))
    assert standing is not None
    assert differing(registry.find(token), standing.inputs, new) == frozenset()


def test_a_new_template_updates_every_stack(opened: LocalOrganization, place: Site) -> None:
    make(place, INSTANCES, **targets(unit(opened, MEMBER)))
    assert policies(opened, MEMBER) == policies(opened, NESTED) == {"first": "s3:GetObject"}
    old, new = inputs(template("s3:GetObject")), inputs(template("s3:PutObject", extra=True))
    update(place, SET, "roles", old, new)
    assert policies(opened, MEMBER) == policies(opened, NESTED) == {"first": "s3:PutObject", "second": "s3:PutObject"}
    for number in range(6):  # more often than a policy may have versions
        old, new = new, inputs(template(f"s3:Get{number}"))
        update(place, SET, "roles", old, new)
    assert policies(opened, MEMBER) == {"first": "s3:Get5"}


def test_a_renamed_resource_of_a_template_is_replaced(opened: LocalOrganization, place: Site) -> None:
    make(place, INSTANCES, **targets(unit(opened, MEMBER)))
    update(place, SET, "roles", inputs(template("s3:GetObject")), inputs(template("s3:GetObject", name="successor")))
    assert (has_role(opened, MEMBER), has_role(opened, MEMBER, "successor")) == (False, True)
    attached = opened.session(MEMBER).client("iam").list_attached_role_policies(RoleName="successor")
    assert [one["PolicyName"] for one in attached["AttachedPolicies"]] == ["first"]


def test_units_that_are_no_longer_named_lose_their_stacks(opened: LocalOrganization, place: Site) -> None:
    both, one = targets(unit(opened, MEMBER), unit(opened, HUB)), targets(unit(opened, HUB))
    make(place, INSTANCES, **both)
    assert has_role(opened, HUB)
    assert has_role(opened, NESTED)
    update(place, INSTANCES, "roles", both, one)
    assert has_role(opened, HUB)
    assert not has_role(opened, NESTED)
    update(place, INSTANCES, "roles", one, both)
    assert has_role(opened, NESTED)


def test_removed_instances_take_along_what_they_made_and_then_the_stack_set_goes(
    opened: LocalOrganization, place: Site
) -> None:
    given = targets(unit(opened, MEMBER))
    make(place, INSTANCES, **given)
    with pytest.raises(ClientError, match="StackSetNotEmpty"):
        registry.delete(SET, place, Known("roles", inputs("{}")))
    registry.delete(INSTANCES, place, Known("roles", given))
    assert not has_role(opened, MEMBER)
    assert policies(opened, MEMBER) == {}
    assert registry.read(INSTANCES, place, Known("roles", given)) is None
    registry.delete(SET, place, Known("roles", inputs("{}")))
    assert registry.read(SET, place, Known("roles", {})) is None


def test_retained_stacks_leave_what_they_made(opened: LocalOrganization, place: Site) -> None:
    given = {**targets(unit(opened, MEMBER)), "retainStacks": True}
    make(place, INSTANCES, **given)
    registry.delete(INSTANCES, place, Known("roles", given))
    assert has_role(opened, MEMBER)
