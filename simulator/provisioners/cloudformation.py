"""CloudFormation: stack sets and their instances."""

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
    UnservedPropertyError,
    given,
    lower,
    named,
    provisioner,
    tag_list,
    tag_map,
    upper,
)


class OperationFailedError(Exception):
    """A stack set operation did not succeed."""


def _settings(inputs: Inputs) -> dict[str, Any]:
    """The parameters of a stack set, the same to create and to update it."""
    settings: dict[str, Any] = given(
        inputs, Description="description", Capabilities="capabilities", PermissionModel="permissionModel"
    )
    if automatic := inputs.get("autoDeployment"):
        settings["AutoDeployment"] = {
            "Enabled": bool(automatic.get("enabled")),
            "RetainStacksOnAccountRemoval": bool(automatic.get("retainStacksOnAccountRemoval")),
        }
    if managed := inputs.get("managedExecution"):
        settings["ManagedExecution"] = upper(managed)
    if tags := tag_list(inputs):
        settings["Tags"] = tags
    return {"StackSetName": inputs["name"], "TemplateBody": inputs["templateBody"], **settings}


def _stack_set(site: Site, inputs: Inputs) -> Made:
    answer = site.client("cloudformation").create_stack_set(**_settings(inputs))
    return Made(
        inputs["name"],
        {"stackSetId": answer["StackSetId"], "arn": site.arn("cloudformation", f"stackset/{answer['StackSetId']}")},
    )


def _describe(site: Site, name: str) -> Mapping[str, Any]:
    found: Mapping[str, Any] = site.client("cloudformation").describe_stack_set(StackSetName=name)["StackSet"]
    return found


def _read_stack_set(site: Site, known: Known) -> Standing | None:
    found = _describe(site, known.id)
    automatic, managed = found.get("AutoDeployment"), found.get("ManagedExecution") or {}
    inputs = named(
        name=known.id,
        templateBody=found["TemplateBody"],
        description=found.get("Description") or None,
        permissionModel=found["PermissionModel"],
        capabilities=found.get("Capabilities") or None,
        autoDeployment=lower(automatic) if automatic else None,
        managedExecution={"active": True} if managed.get("Active") else None,
        tags=tag_map(found.get("Tags") or ()),
    )
    return Standing(known.id, inputs, {"stackSetId": found["StackSetId"], "arn": found["StackSetARN"]})


def _update_stack_set(site: Site, edit: Edit) -> Mapping[str, Any]:
    answer = site.client("cloudformation").update_stack_set(**{"Tags": [], **_settings(edit.new)})
    _ended(site, edit.id, answer["OperationId"])
    return {}


def _delete_stack_set(site: Site, known: Known) -> None:
    site.client("cloudformation").delete_stack_set(StackSetName=known.id)


def _preferences(inputs: Inputs) -> dict[str, Any]:
    preferences = {
        key: int(value) if isinstance(value, (int, float)) else value
        for key, value in upper(inputs.get("operationPreferences") or {}).items()
    }
    return {"OperationPreferences": preferences} if preferences else {}


def _ended(site: Site, name: str, operation: str) -> None:
    """Wait for an operation's end; raises OperationFailedError unless it succeeded."""
    client = site.client("cloudformation")

    def status() -> str:
        answer = client.describe_stack_set_operation(StackSetName=name, OperationId=operation)
        return str(answer["StackSetOperation"]["Status"])

    site.wait(lambda: status() not in ("RUNNING", "QUEUED", "STOPPING"), f"operation {operation} of stack set {name}")
    if status() != "SUCCEEDED":
        raise OperationFailedError(f"operation {operation} of stack set {name} is {status()}")


def _deploy(site: Site, inputs: Inputs, units: list[str], regions: list[str]) -> None:
    name = inputs["stackSetName"]
    answer = site.client("cloudformation").create_stack_instances(
        StackSetName=name,
        DeploymentTargets={"OrganizationalUnitIds": units},
        Regions=regions,
        **_preferences(inputs),
    )
    _ended(site, name, answer["OperationId"])


def _remove(site: Site, inputs: Inputs, units: list[str], regions: list[str]) -> None:
    name = inputs["stackSetName"]
    answer = site.client("cloudformation").delete_stack_instances(
        StackSetName=name,
        DeploymentTargets={"OrganizationalUnitIds": units},
        Regions=regions,
        RetainStacks=bool(inputs.get("retainStacks")),
        **_preferences(inputs),
    )
    _ended(site, name, answer["OperationId"])


def _units(inputs: Inputs) -> list[str]:
    targets = inputs["deploymentTargets"]
    filters = {"accounts", "accountsUrl", "accountFilterType"}
    if unserved := sorted(name for name in filters if targets.get(name)):
        # To leave them out would deploy to other accounts than were asked for.
        raise UnservedPropertyError(f"deployment targets with {', '.join(unserved)} are not simulated")
    return list(targets["organizationalUnitIds"])


def _instances(site: Site, inputs: Inputs) -> Made:
    name = inputs["stackSetName"]
    _deploy(site, inputs, _units(inputs), list(inputs["regions"]))
    return Made(name, {"stackSetId": _describe(site, name)["StackSetId"], "stackInstanceSummaries": []})


def _read_instances(site: Site, known: Known) -> Standing | None:
    found = _describe(site, known.id)
    units, regions = found.get("OrganizationalUnitIds"), found.get("Regions")
    if not units or not regions:
        return None
    inputs = {
        "stackSetName": known.id,
        "deploymentTargets": {"organizationalUnitIds": units},
        "regions": regions,
    }
    return Standing(known.id, inputs, {"stackSetId": found["StackSetId"], "stackInstanceSummaries": []})


def _update_instances(site: Site, edit: Edit) -> Mapping[str, Any]:
    """Remove instances of Regions and units that are no longer named, add those that are new."""
    old_regions, new_regions = list(edit.old["regions"]), list(edit.new["regions"])
    old_units, new_units = _units(edit.old), _units(edit.new)
    if gone := [region for region in old_regions if region not in new_regions]:
        _remove(site, edit.old, old_units, gone)
    if gone := [unit for unit in old_units if unit not in new_units]:
        _remove(site, edit.old, gone, [region for region in old_regions if region in new_regions])
    if edit.touches("regions deploymentTargets"):
        _deploy(site, edit.new, new_units, new_regions)
    return {}


def _delete_instances(site: Site, known: Known) -> None:
    _remove(site, known.inputs, _units(known.inputs), list(known.inputs["regions"]))


PROVISIONERS = (
    provisioner(
        "aws:cloudformation/stackSet:StackSet",
        create=_stack_set,
        read=_read_stack_set,
        update=_update_stack_set,
        delete=_delete_stack_set,
        replaces="name autoDeployment",
        source="cloudformation/stack_set.go",
        updates="description permissionModel capabilities managedExecution templateBody tags",
        needs="templateBody",
        defaults={"permissionModel": "SELF_MANAGED"},
        documents="templateBody",
        sets="capabilities",
        shapes={
            "name": "cloudformation.CreateStackSet.StackSetName",
            "description": "cloudformation.CreateStackSet.Description",
            "permissionModel": "cloudformation.CreateStackSet.PermissionModel",
            "templateBody": "cloudformation.CreateStackSet.TemplateBody",
        },
    ),
    provisioner(
        "aws:cloudformation/stackInstances:StackInstances",
        create=_instances,
        read=_read_instances,
        update=_update_instances,
        delete=_delete_instances,
        replaces="stackSetName",
        source="cloudformation/stack_instances.go",
        # Preferences and retention are of the next operation: no call tells or changes them.
        updates="deploymentTargets regions operationPreferences retainStacks",
        needs="deploymentTargets regions",
        defaults={"retainStacks": False},
        sets="deploymentTargets.organizationalUnitIds regions",
        unread="operationPreferences retainStacks",
        shapes={"stackSetName": "cloudformation.CreateStackInstances.StackSetName"},
    ),
)
