"""CloudFormation: stack sets and their instances."""

from __future__ import annotations

from typing import Any

from simulator.provisioners.model import Inputs, Made, Site, given, provisioner, tag_list, upper


class OperationFailedError(Exception):
    """A stack set operation did not succeed."""


def _stack_set(site: Site, inputs: Inputs) -> Made:
    optional: dict[str, Any] = given(
        inputs, Description="description", Capabilities="capabilities", PermissionModel="permissionModel"
    )
    if automatic := inputs.get("autoDeployment"):
        optional["AutoDeployment"] = {
            "Enabled": bool(automatic["enabled"]),
            "RetainStacksOnAccountRemoval": bool(automatic.get("retainStacksOnAccountRemoval")),
        }
    if managed := inputs.get("managedExecution"):
        optional["ManagedExecution"] = upper(managed)
    if tags := tag_list(inputs):
        optional["Tags"] = tags
    answer = site.client("cloudformation").create_stack_set(
        StackSetName=inputs["name"], TemplateBody=inputs["templateBody"], **optional
    )
    arn = f"arn:{site.partition}:cloudformation:{site.region}:{site.account}:stackset/{answer['StackSetId']}"
    return Made(inputs["name"], {"stackSetId": answer["StackSetId"], "arn": arn})


def _instances(site: Site, inputs: Inputs) -> Made:
    client, name = site.client("cloudformation"), inputs["stackSetName"]
    preferences = {key: int(value) for key, value in upper(inputs.get("operationPreferences") or {}).items()}
    operation = client.create_stack_instances(
        StackSetName=name,
        DeploymentTargets=given(inputs["deploymentTargets"], OrganizationalUnitIds="organizationalUnitIds"),
        Regions=list(inputs["regions"]),
        **({"OperationPreferences": preferences} if preferences else {}),
    )["OperationId"]
    status = client.describe_stack_set_operation(StackSetName=name, OperationId=operation)["StackSetOperation"][
        "Status"
    ]
    if status != "SUCCEEDED":
        raise OperationFailedError(f"operation {operation} of stack set {name} is {status}")
    described = client.describe_stack_set(StackSetName=name)["StackSet"]
    return Made(name, {"stackSetId": described["StackSetId"], "stackInstanceSummaries": []})


PROVISIONERS = (
    provisioner(
        "aws:cloudformation/stackSet:StackSet",
        "name description permissionModel autoDeployment capabilities managedExecution templateBody",
        _stack_set,
    ),
    # Retention counts when instances are deleted.
    provisioner(
        "aws:cloudformation/stackInstances:StackInstances",
        "stackSetName deploymentTargets regions operationPreferences retainStacks",
        _instances,
    ),
)
