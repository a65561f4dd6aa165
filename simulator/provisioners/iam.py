"""IAM: roles, inline policies, managed policies."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from simulator.provisioners.model import (
    Edit,
    Inputs,
    Known,
    Made,
    Site,
    Standing,
    as_list,
    given,
    named,
    provisioner,
    retag,
    tag_list,
    tag_map,
    text,
)

# Source: IAM and AWS STS quotas: versions per managed policy.
VERSIONS = 5


def _role(site: Site, inputs: Inputs) -> Made:
    optional = given(inputs, Description="description", Path="path", PermissionsBoundary="permissionsBoundary")
    optional["MaxSessionDuration"] = int(inputs["maxSessionDuration"])
    if tags := tag_list(inputs):
        optional["Tags"] = tags
    role = site.client("iam").create_role(
        RoleName=inputs["name"], AssumeRolePolicyDocument=inputs["assumeRolePolicy"], **optional
    )["Role"]
    return Made(role["RoleName"], {"arn": role["Arn"], "uniqueId": role["RoleId"]})


def _read_role(site: Site, known: Known) -> Standing | None:
    role = site.client("iam").get_role(RoleName=known.id)["Role"]
    inputs = named(
        name=role["RoleName"],
        assumeRolePolicy=text(role["AssumeRolePolicyDocument"]),
        description=role.get("Description") or None,
        path=role["Path"],
        maxSessionDuration=role.get("MaxSessionDuration"),
        permissionsBoundary=(role.get("PermissionsBoundary") or {}).get("PermissionsBoundaryArn"),
        tags=tag_map(role.get("Tags") or ()),
    )
    return Standing(role["RoleName"], inputs, {"arn": role["Arn"], "uniqueId": role["RoleId"]})


def _update_role(site: Site, edit: Edit) -> Mapping[str, Any]:
    client, name = site.client("iam"), edit.id
    if "assumeRolePolicy" in edit.changed:
        client.update_assume_role_policy(RoleName=name, PolicyDocument=edit.new["assumeRolePolicy"])
    if edit.touches("description maxSessionDuration"):
        client.update_role(
            RoleName=name,
            Description=edit.new.get("description") or "",
            MaxSessionDuration=int(edit.new["maxSessionDuration"]),
        )
    if "permissionsBoundary" in edit.changed:
        if boundary := edit.new.get("permissionsBoundary"):
            client.put_role_permissions_boundary(RoleName=name, PermissionsBoundary=boundary)
        else:
            client.delete_role_permissions_boundary(RoleName=name)
    if "tags" in edit.changed:
        retag(
            edit,
            lambda tags: client.tag_role(RoleName=name, Tags=as_list(tags)),
            lambda keys: client.untag_role(RoleName=name, TagKeys=keys),
        )
    return {}


def _delete_role(site: Site, known: Known) -> None:
    site.client("iam").delete_role(RoleName=known.id)


def _role_policy(site: Site, inputs: Inputs) -> Made:
    site.client("iam").put_role_policy(
        RoleName=inputs["role"], PolicyName=inputs["name"], PolicyDocument=inputs["policy"]
    )
    return Made(f"{inputs['role']}:{inputs['name']}")


def _read_role_policy(site: Site, known: Known) -> Standing | None:
    role, _, name = known.id.partition(":")
    found = site.client("iam").get_role_policy(RoleName=role, PolicyName=name)
    return Standing(known.id, {"role": role, "name": name, "policy": text(found["PolicyDocument"])})


def _update_role_policy(site: Site, edit: Edit) -> Mapping[str, Any]:
    _role_policy(site, edit.new)
    return {}


def _delete_role_policy(site: Site, known: Known) -> None:
    role, _, name = known.id.partition(":")
    site.client("iam").delete_role_policy(RoleName=role, PolicyName=name)


def _attachment(site: Site, inputs: Inputs) -> Made:
    site.client("iam").attach_role_policy(RoleName=inputs["role"], PolicyArn=inputs["policyArn"])
    return Made(f"{inputs['role']}-{inputs['policyArn']}")


def _attached(known: Known) -> tuple[str, str]:
    """The role and the policy; an import names them `role/arn`."""
    if known.inputs:
        return known.inputs["role"], known.inputs["policyArn"]
    role, _, policy = known.id.partition("/")
    return role, policy


def _read_attachment(site: Site, known: Known) -> Standing | None:
    role, policy = _attached(known)
    pages = site.client("iam").get_paginator("list_attached_role_policies").paginate(RoleName=role)
    if policy not in {one["PolicyArn"] for page in pages for one in page["AttachedPolicies"]}:
        return None
    return Standing(f"{role}-{policy}", {"role": role, "policyArn": policy})


def _delete_attachment(site: Site, known: Known) -> None:
    role, policy = _attached(known)
    site.client("iam").detach_role_policy(RoleName=role, PolicyArn=policy)


def _policy(site: Site, inputs: Inputs) -> Made:
    optional = given(inputs, Description="description", Path="path")
    if tags := tag_list(inputs):
        optional["Tags"] = tags
    policy = site.client("iam").create_policy(PolicyName=inputs["name"], PolicyDocument=inputs["policy"], **optional)[
        "Policy"
    ]
    return Made(policy["Arn"], {"arn": policy["Arn"], "policyId": policy["PolicyId"]})


def _read_policy(site: Site, known: Known) -> Standing | None:
    client = site.client("iam")
    policy = client.get_policy(PolicyArn=known.id)["Policy"]
    version = client.get_policy_version(PolicyArn=known.id, VersionId=policy["DefaultVersionId"])["PolicyVersion"]
    inputs = named(
        name=policy["PolicyName"],
        policy=text(version["Document"]),
        description=policy.get("Description") or None,
        path=policy["Path"],
        tags=tag_map(policy.get("Tags") or ()),
    )
    return Standing(known.id, inputs, {"arn": policy["Arn"], "policyId": policy["PolicyId"]})


def _update_policy(site: Site, edit: Edit) -> Mapping[str, Any]:
    client = site.client("iam")
    if "policy" in edit.changed:
        versions = client.list_policy_versions(PolicyArn=edit.id)["Versions"]
        if len(versions) >= VERSIONS:
            oldest = min(
                (one for one in versions if not one["IsDefaultVersion"]), key=lambda one: int(one["VersionId"][1:])
            )
            client.delete_policy_version(PolicyArn=edit.id, VersionId=oldest["VersionId"])
        client.create_policy_version(PolicyArn=edit.id, PolicyDocument=edit.new["policy"], SetAsDefault=True)
    if "tags" in edit.changed:
        retag(
            edit,
            lambda tags: client.tag_policy(PolicyArn=edit.id, Tags=as_list(tags)),
            lambda keys: client.untag_policy(PolicyArn=edit.id, TagKeys=keys),
        )
    return {}


def _delete_policy(site: Site, known: Known) -> None:
    client = site.client("iam")
    for version in client.list_policy_versions(PolicyArn=known.id)["Versions"]:
        if not version["IsDefaultVersion"]:
            client.delete_policy_version(PolicyArn=known.id, VersionId=version["VersionId"])
    client.delete_policy(PolicyArn=known.id)


PROVISIONERS = (
    provisioner(
        "aws:iam/role:Role",
        create=_role,
        read=_read_role,
        update=_update_role,
        delete=_delete_role,
        replaces="name path",
        source="iam/role.go",
        updates="assumeRolePolicy description maxSessionDuration permissionsBoundary tags",
        regional=False,
        needs="name",
        defaults={"path": "/", "maxSessionDuration": 3600},
        documents="assumeRolePolicy",
        shapes={
            "name": "iam.CreateRole.RoleName",
            "path": "iam.CreateRole.Path",
            "description": "iam.CreateRole.Description",
            "maxSessionDuration": "iam.CreateRole.MaxSessionDuration",
            "permissionsBoundary": "iam.CreateRole.PermissionsBoundary",
            "assumeRolePolicy": "iam.CreateRole.AssumeRolePolicyDocument",
        },
    ),
    provisioner(
        "aws:iam/rolePolicy:RolePolicy",
        create=_role_policy,
        read=_read_role_policy,
        update=_update_role_policy,
        delete=_delete_role_policy,
        replaces="name role",
        source="iam/role_policy.go",
        updates="policy",
        regional=False,
        needs="name",
        documents="policy",
        shapes={
            "name": "iam.PutRolePolicy.PolicyName",
            "role": "iam.PutRolePolicy.RoleName",
            "policy": "iam.PutRolePolicy.PolicyDocument",
        },
    ),
    provisioner(
        "aws:iam/rolePolicyAttachment:RolePolicyAttachment",
        create=_attachment,
        read=_read_attachment,
        delete=_delete_attachment,
        replaces="role policyArn",
        source="iam/role_policy_attachment.go",
        regional=False,
        shapes={"role": "iam.AttachRolePolicy.RoleName", "policyArn": "iam.AttachRolePolicy.PolicyArn"},
    ),
    provisioner(
        "aws:iam/policy:Policy",
        create=_policy,
        read=_read_policy,
        update=_update_policy,
        delete=_delete_policy,
        replaces="name description path",
        source="iam/policy.go",
        updates="policy tags",
        regional=False,
        needs="name",
        defaults={"path": "/"},
        documents="policy",
        shapes={
            "name": "iam.CreatePolicy.PolicyName",
            "path": "iam.CreatePolicy.Path",
            "description": "iam.CreatePolicy.Description",
            "policy": "iam.CreatePolicy.PolicyDocument",
        },
    ),
)
