"""CloudFormation stacks of EC2 instances: launched in the name of whoever deploys, tagged as the stack's.

Source: CloudFormation User Guide, "Resource tags" (aws:cloudformation:*) and "AWS CloudFormation service role";
CreateStack, DescribeStacks, DeleteStack; AWS::EC2::Instance.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from simulator.call import Call, ServiceError, not_simulated
from simulator.services.cloudformation_template import Stack, read

if TYPE_CHECKING:
    from simulator.world import World

PRINCIPAL = "cloudformation.amazonaws.com"
KIND = "AWS::EC2::Instance"
# What is described is deployed.
STATUS = "CREATE_COMPLETE"
PROPERTIES = {KIND: frozenset({"ImageId", "InstanceType", "SubnetId", "SecurityGroupIds", "Tags"})}


@dataclass(slots=True)
class Made:
    """A stack that stands, and its instances by their logical ids."""

    name: str
    id: str
    created: datetime
    instances: dict[str, str] = field(default_factory=dict)


class InstanceStacks:
    """The stacks of every account and Region; each call deploys whole before it answers."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._stacks: dict[tuple[str, str, str], Made] = {}

    def create(self, call: Call) -> dict[str, Any]:
        """Launch every instance of the template."""
        name = call.parameters["StackName"]
        key = (call.account, call.region, name)
        if key in self._stacks:
            raise ServiceError("AlreadyExistsException", f"Stack [{name}] already exists")
        if call.parameters.get("RoleARN") or not call.parameters.get("TemplateBody"):
            what = "stacks with a service role or a template elsewhere"
            raise not_simulated(what, several=True)
        template = read(call.parameters["TemplateBody"], PROPERTIES)
        given = {one["ParameterKey"]: one["ParameterValue"] for one in call.parameters.get("Parameters") or ()}
        defaults = {key: str(one["Default"]) for key, one in template.parameters.items() if "Default" in one}
        pseudo = {"AWS::AccountId": call.account, "AWS::Region": call.region, "AWS::StackName": name}
        stack = Stack(template, {**defaults, **given, **pseudo})
        digest = hashlib.sha256("|".join(key).encode()).hexdigest()
        identifier = f"arn:{call.partition}:cloudformation:{call.region}:{call.account}:stack/{name}/{digest[:32]}"
        made = Made(name, identifier, self._world.agenda.now())
        for logical, resource in template.resources.items():
            if stack.wanted(resource):
                stack.made[logical] = self._launch(call, made, logical, stack.resolve(resource.get("Properties") or {}))
        self._stacks[key] = made
        return {"StackId": identifier}

    def describe(self, call: Call) -> dict[str, Any]:
        """Describe one stack or all."""
        name = call.parameters.get("StackName")
        found = self._named(call, name)
        if name and not found:
            raise ServiceError("ValidationError", f"Stack with id {name} does not exist")
        return {
            "Stacks": [
                {"StackName": one.name, "StackId": one.id, "CreationTime": one.created, "StackStatus": STATUS}
                for one in found
            ]
        }

    def delete(self, call: Call) -> dict[str, Any]:
        """Terminate the instances; a stack that is not there is as good as deleted."""
        for made in self._named(call, call.parameters["StackName"]):
            del self._stacks[call.account, call.region, made.name]
            self._ec2(call, "TerminateInstances", InstanceIds=list(made.instances.values()))
        return {}

    def _named(self, call: Call, name: str | None) -> list[Made]:
        """The stack of a name or an id; all where neither is given."""
        known = [one for (*place, _), one in self._stacks.items() if place == [call.account, call.region]]
        return [one for one in known if name in (None, one.name, one.id)]

    def _launch(self, call: Call, made: Made, logical: str, properties: Mapping[str, Any]) -> str:
        own = {"stack-name": made.name, "stack-id": made.id, "logical-id": logical}
        tags = [{"Key": f"aws:cloudformation:{key}", "Value": value} for key, value in own.items()]
        plain = {name: value for name, value in properties.items() if name != "Tags"}
        specification = {"ResourceType": "instance", "Tags": [*(properties.get("Tags") or ()), *tags]}
        answer = self._ec2(
            call, "RunInstances", **plain, MinCount=1, MaxCount=1, TagSpecifications=[specification]
        )  # fmt: skip
        made.instances[logical] = identifier = str(answer["Instances"][0]["InstanceId"])
        return identifier

    def _ec2(self, call: Call, operation: str, **parameters: Any) -> dict[str, Any]:
        caller = replace(call.caller, via=PRINCIPAL)
        return self._world.call(caller, "ec2", operation, parameters, region=call.region, account=call.account)
