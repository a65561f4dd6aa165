"""The resources of one stack of a stack set: created, updated and deleted as the account's execution role.

Source: CloudFormation User Guide, "Update behaviors of stack resources", AWS::IAM::Role,
AWS::IAM::ManagedPolicy. A name that changes replaces the resource.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from simulator.call import Caller, ServiceError
from simulator.services.cloudformation_template import NAMED, Stack

if TYPE_CHECKING:
    from simulator.world import World

# IAM and AWS STS quotas: versions per managed policy.
VERSIONS = 5
PLAIN = ("Path", "Description", "MaxSessionDuration", "PermissionsBoundary", "Tags")


class StackWork:
    """Works on the resources of one stack in one account and Region."""

    def __init__(self, world: World, caller: Caller, region: str) -> None:
        self._world, self._caller, self._region = world, caller, region

    def create(self, stack: Stack) -> None:
        """Create everything that the conditions want."""
        for logical, resource in stack.template.resources.items():
            if stack.wanted(resource):
                self._create(stack, logical, resource["Type"])

    def update(self, old: Stack, new: Stack) -> None:
        """Turn the resources of `old` into those of `new`; what is no longer wanted or was replaced goes last."""
        for logical, resource in new.template.resources.items():
            if not new.wanted(resource):
                continue
            kind = resource["Type"]
            properties = new.resolve(resource.get("Properties") or {})
            before = old.properties.get(logical)
            if before is None or before.get(NAMED[kind]) != properties.get(NAMED[kind]):
                self._create(new, logical, kind)
            else:
                new.made[logical], new.arns[logical] = old.made[logical], old.arns[logical]
                new.properties[logical] = properties = new.resolve(resource.get("Properties") or {})
                if before != properties:
                    self._change(kind, new.made[logical], before, properties)
        for logical in reversed(old.properties):
            if old.made[logical] != new.made.get(logical):
                self._delete(old, logical)

    def delete(self, stack: Stack) -> None:
        """Delete everything, in the opposite order."""
        for logical in reversed(stack.properties):
            self._delete(stack, logical)

    def _create(self, stack: Stack, logical: str, kind: str) -> None:
        properties = stack.resolve(stack.template.resources[logical].get("Properties") or {})
        if kind == "AWS::IAM::Role":
            trust = json.dumps(properties["AssumeRolePolicyDocument"])
            plain = {key: properties[key] for key in PLAIN if properties.get(key)}
            role = self._iam("CreateRole", RoleName=properties["RoleName"], AssumeRolePolicyDocument=trust, **plain)[
                "Role"
            ]
            stack.made[logical], stack.arns[logical] = role["RoleName"], role["Arn"]
            self._inline(role["RoleName"], (), properties.get("Policies") or ())
            self._attach([role["RoleName"]], properties.get("ManagedPolicyArns") or ())
        else:
            plain = {key: properties[key] for key in ("Path", "Description") if properties.get(key)}
            document = json.dumps(properties["PolicyDocument"])
            answer = self._iam(
                "CreatePolicy", PolicyName=properties["ManagedPolicyName"], PolicyDocument=document, **plain
            )
            stack.made[logical] = stack.arns[logical] = answer["Policy"]["Arn"]
            self._attach(properties.get("Roles") or (), [stack.made[logical]])
        stack.properties[logical] = properties

    def _change(self, kind: str, name: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> None:
        fixed = ("Path",) if kind == "AWS::IAM::Role" else ("Path", "Description")
        if changed := [key for key in fixed if old.get(key) != new.get(key)]:
            raise ServiceError("ValidationError", f"{name}: replacement by {', '.join(changed)} is not simulated")
        if kind == "AWS::IAM::Role":
            self._change_role(name, old, new)
            return
        if old["PolicyDocument"] != new["PolicyDocument"]:
            self._version(name, json.dumps(new["PolicyDocument"]))
        before, after = old.get("Roles") or (), new.get("Roles") or ()
        self._attach([role for role in after if role not in before], [name])
        self._detach([role for role in before if role not in after], [name])

    def _change_role(self, name: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> None:
        if changed := [key for key in ("PermissionsBoundary", "Tags") if old.get(key) != new.get(key)]:
            raise ServiceError("ValidationError", f"{name}: an update of {', '.join(changed)} is not simulated")
        if old["AssumeRolePolicyDocument"] != new["AssumeRolePolicyDocument"]:
            document = json.dumps(new["AssumeRolePolicyDocument"])
            self._iam("UpdateAssumeRolePolicy", RoleName=name, PolicyDocument=document)
        self._iam(
            "UpdateRole",
            RoleName=name,
            Description=new.get("Description") or "",
            MaxSessionDuration=new.get("MaxSessionDuration") or 3600,
        )
        self._inline(name, old.get("Policies") or (), new.get("Policies") or ())
        before, after = old.get("ManagedPolicyArns") or (), new.get("ManagedPolicyArns") or ()
        self._attach([name], [arn for arn in after if arn not in before])
        self._detach([name], [arn for arn in before if arn not in after])

    def _delete(self, stack: Stack, logical: str) -> None:
        properties, name = stack.properties[logical], stack.made[logical]
        if stack.template.resources[logical]["Type"] == "AWS::IAM::Role":
            self._inline(name, properties.get("Policies") or (), ())
            self._detach([name], properties.get("ManagedPolicyArns") or ())
            self._unless_gone("DeleteRole", RoleName=name)
            return
        self._detach(properties.get("Roles") or (), [name])
        for version in self._unless_gone("ListPolicyVersions", PolicyArn=name).get("Versions", ()):
            if not version["IsDefaultVersion"]:
                self._iam("DeletePolicyVersion", PolicyArn=name, VersionId=version["VersionId"])
        self._unless_gone("DeletePolicy", PolicyArn=name)

    def _version(self, arn: str, document: str) -> None:
        versions = self._iam("ListPolicyVersions", PolicyArn=arn)["Versions"]
        if len(versions) >= VERSIONS:
            others = [one["VersionId"] for one in versions if not one["IsDefaultVersion"]]
            oldest = min(others, key=lambda version: int(version[1:]))
            self._iam("DeletePolicyVersion", PolicyArn=arn, VersionId=oldest)
        self._iam("CreatePolicyVersion", PolicyArn=arn, PolicyDocument=document, SetAsDefault=True)

    def _inline(self, role: str, old: Sequence[Mapping[str, Any]], new: Sequence[Mapping[str, Any]]) -> None:
        names = {policy["PolicyName"] for policy in new}
        for policy in old:
            if policy["PolicyName"] not in names:
                self._unless_gone("DeleteRolePolicy", RoleName=role, PolicyName=policy["PolicyName"])
        for policy in new:
            document = json.dumps(policy["PolicyDocument"])
            self._iam("PutRolePolicy", RoleName=role, PolicyName=policy["PolicyName"], PolicyDocument=document)

    def _attach(self, roles: Sequence[str], arns: Sequence[str]) -> None:
        for role in roles:
            for arn in arns:
                self._iam("AttachRolePolicy", RoleName=role, PolicyArn=arn)

    def _detach(self, roles: Sequence[str], arns: Sequence[str]) -> None:
        for role in roles:
            for arn in arns:
                self._unless_gone("DetachRolePolicy", RoleName=role, PolicyArn=arn)

    def _unless_gone(self, operation: str, **parameters: Any) -> dict[str, Any]:
        """Call IAM; what is not there any more is as a deletion wants it."""
        try:
            return self._iam(operation, **parameters)
        except ServiceError as error:
            if error.code not in ("NoSuchEntity", "NoSuchEntityException"):
                raise
            return {}

    def _iam(self, operation: str, **parameters: Any) -> dict[str, Any]:
        return self._world.call(self._caller, "iam", operation, parameters, region=self._region)
