"""CloudFormation StackSets with service-managed permissions: stacks in every account of a unit, and of new accounts.

Stacks of an account's own hold EC2 instances alone (`cloudformation_instances.py`). All deployments happen within the
call; the operation that is returned has ended already. Source: CloudFormation User Guide, "Working with AWS
CloudFormation StackSets"; "Automatic deployments".
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, ClassVar

from moto.backends import get_backend

from simulator.call import Call, Caller, ServiceError
from simulator.service import Service
from simulator.services.cloudformation_instances import InstanceStacks
from simulator.services.cloudformation_stacks import StackWork
from simulator.services.cloudformation_template import Stack, Template, read
from simulator.services.organizations import Organizations, give_access
from simulator.world import Account

PRINCIPAL = "member.org.stacksets.cloudformation.amazonaws.com"


@dataclass(slots=True)
class StackSet:
    """A stack set, its targets and the stacks that stand."""

    name: str
    id: str
    account: str
    region: str
    template: Template
    settings: dict[str, Any]
    units: list[str] = field(default_factory=list)
    regions: list[str] = field(default_factory=list)
    stacks: dict[tuple[str, str], Stack] = field(default_factory=dict)
    operations: dict[str, dict[str, Any]] = field(default_factory=dict)


class StackSets(Service):
    """The stack sets of the management account."""

    name: ClassVar[str] = "cloudformation"
    whole: ClassVar[bool] = True

    def __init__(self, world: Any) -> None:
        super().__init__(world)
        self.sets: dict[str, StackSet] = {}
        self._stacks = InstanceStacks(world)

    def create_stack(self, call: Call) -> dict[str, Any]:
        """Create a stack of EC2 instances, as whoever asks for it."""
        return self._stacks.create(call)

    def describe_stacks(self, call: Call) -> dict[str, Any]:
        """Describe the account's stacks of instances in the Region."""
        return self._stacks.describe(call)

    def delete_stack(self, call: Call) -> dict[str, Any]:
        """Terminate what a stack of instances has launched."""
        return self._stacks.delete(call)

    def create_stack_set(self, call: Call) -> dict[str, Any]:
        """Create a stack set; nothing is deployed yet."""
        parameters = call.parameters
        name = parameters["StackSetName"]
        if name in self.sets:
            raise ServiceError(
                "NameAlreadyExistsException", f"The name {name} is already used by another stack set", 409
            )
        if parameters.get("PermissionModel") != "SERVICE_MANAGED":
            raise ServiceError(
                "ValidationError", "self-managed stack sets are not simulated (docs/local-organisation.md)"
            )
        if call.account != self.world.management:
            raise ServiceError(
                "ValidationError", "You must be the management account to create a service-managed stack set"
            )
        organizations = self.world.service(Organizations)
        granted = organizations.backend().list_aws_service_access_for_organization()["EnabledServicePrincipals"]
        trusted = {one["ServicePrincipal"] for one in granted}
        if PRINCIPAL not in trusted:
            raise ServiceError(
                "ValidationError", "You must enable organizations access to operate a service managed stack set"
            )
        template = read(parameters["TemplateBody"])
        if template.named and "CAPABILITY_NAMED_IAM" not in (parameters.get("Capabilities") or ()):
            raise ServiceError("InsufficientCapabilitiesException", "Requires capabilities : [CAPABILITY_NAMED_IAM]")
        digest = hashlib.sha256(f"{call.account}|{name}".encode()).hexdigest()
        identifier = f"{name}:{digest[:8]}-{digest[8:12]}-{digest[12:16]}-{digest[16:20]}-{digest[20:32]}"
        kept = {key: value for key, value in parameters.items() if key not in ("ClientRequestToken", "CallAs")}
        self.sets[name] = StackSet(name, identifier, call.account, call.region, template, kept)
        return {"StackSetId": identifier}

    def describe_stack_set(self, call: Call) -> dict[str, Any]:
        """Return a stack set."""
        found = self._set(call)
        shown = ("Description", "PermissionModel", "AutoDeployment", "Capabilities", "TemplateBody", "Tags")
        return {
            "StackSet": {
                **{key: found.settings[key] for key in shown if key in found.settings},
                "StackSetName": found.name,
                "StackSetId": found.id,
                "StackSetARN": ":".join(
                    ("arn", call.partition, "cloudformation", found.region, found.account, f"stackset/{found.id}")
                ),
                "Status": "ACTIVE",
                "ManagedExecution": found.settings.get("ManagedExecution") or {"Active": False},
                "Parameters": found.settings.get("Parameters") or [],
                "OrganizationalUnitIds": list(found.units),
                "Regions": list(found.regions),
            }
        }

    def create_stack_instances(self, call: Call) -> dict[str, Any]:
        """Deploy into every active account of units, nested ones too; never into the management account."""
        found, units = self._set(call), self._units(call)
        found.units += [unit for unit in units if unit not in found.units]
        found.regions += [region for region in call.parameters["Regions"] if region not in found.regions]
        for account in self._accounts(found):
            self._deploy(found, account)
        return {"OperationId": self._operation(found, "CREATE", call)}

    def delete_stack_instances(self, call: Call) -> dict[str, Any]:
        """Remove the stacks of units or of Regions, with what they made unless stacks are to be retained."""
        found, parameters = self._set(call), call.parameters
        units, regions = self._units(call), list(parameters["Regions"])
        if set(units) < set(found.units) and set(regions) < set(found.regions):
            raise ServiceError(
                "ValidationError", "some Regions of some organizational units: such a removal is not simulated"
            )
        # Where all Regions go the units are no longer targets, and where all units go the Regions.
        left_units = [one for one in found.units if one not in units or not set(regions) >= set(found.regions)]
        left_regions = [one for one in found.regions if one not in regions or not set(units) >= set(found.units)]
        found.units, found.regions = left_units, left_regions if left_units else []
        staying = {account.id for account in self._accounts(found)}
        for account, region in [key for key in found.stacks if key[0] not in staying or key[1] not in found.regions]:
            stack = found.stacks.pop((account, region))
            if not parameters["RetainStacks"] and self._reaches(account):
                StackWork(self.world, self._executor(found, account), region).delete(stack)
        return {"OperationId": self._operation(found, "DELETE", call)}

    def delete_stack_set(self, call: Call) -> dict[str, Any]:
        """Delete a stack set that has no stacks left."""
        found = self._set(call)
        if found.stacks:
            raise ServiceError("StackSetNotEmptyException", "StackSet is not empty", 409)
        del self.sets[found.name]
        return {}

    def update_stack_set(self, call: Call) -> dict[str, Any]:
        """Take a new template and settings, and update every stack."""
        found, parameters = self._set(call), call.parameters
        template = read(parameters["TemplateBody"])
        if template.named and "CAPABILITY_NAMED_IAM" not in (parameters.get("Capabilities") or ()):
            raise ServiceError("InsufficientCapabilitiesException", "Requires capabilities : [CAPABILITY_NAMED_IAM]")
        kept = {key: value for key, value in parameters.items() if key not in ("OperationId", "CallAs")}
        found.template, found.settings = template, {**found.settings, **kept}
        for (account, region), old in list(found.stacks.items()):
            if not self._reaches(account):
                continue
            new = Stack(template, self._names(found, account, region))
            StackWork(self.world, self._executor(found, account), region).update(old, new)
            found.stacks[account, region] = new
        return {"OperationId": self._operation(found, "UPDATE", call)}

    def describe_stack_set_operation(self, call: Call) -> dict[str, Any]:
        """Return an operation; they end within the call that starts them."""
        operation = self._set(call).operations.get(call.parameters["OperationId"])
        if operation is None:
            raise ServiceError("OperationNotFoundException", "The operation does not exist.", 404)
        return {"StackSetOperation": operation}

    def list_stack_instances(self, call: Call) -> dict[str, Any]:
        """List the instances of a stack set."""
        found = self._set(call)
        return {"Summaries": [self._instance(found, account, region) for account, region in sorted(found.stacks)]}

    def _instance(self, found: StackSet, account: str, region: str) -> dict[str, Any]:
        current = found.stacks[account, region].template is found.template
        shown = {
            "StackSetId": found.id,
            "Region": region,
            "Account": account,
            "Status": "CURRENT" if current else "OUTDATED",
            "StackInstanceStatus": {"DetailedStatus": "SUCCEEDED" if current else "SKIPPED_SUSPENDED_ACCOUNT"},
        }
        member = self.world.accounts.get(account)
        return shown if member is None else {**shown, "OrganizationalUnitId": member.path[-1]}

    def organization_changed(self, account: str, change: str) -> None:
        """Follow accounts: those that come into targeted units get the stack, those that go out lose it.

        What a lost stack made stays where RetainStacksOnAccountRemoval says so, and in closed accounts.
        """
        if change not in ("joined", "moved", "left"):
            return
        present = self.world.accounts.get(account)
        for found in self.sets.values():
            automatic = found.settings.get("AutoDeployment") or {}
            if not automatic.get("Enabled"):
                continue
            if present is not None and set(present.path) & set(found.units):
                if present.state == "ACTIVE":
                    self._deploy(found, present)
            else:
                retain = automatic.get("RetainStacksOnAccountRemoval") or self.world.is_closed(account)
                self._withdraw(found, account, retain=bool(retain))

    def _withdraw(self, found: StackSet, account: str, *, retain: bool) -> None:
        for region in [region for holder, region in found.stacks if holder == account]:
            stack = found.stacks.pop((account, region))
            if not retain:
                StackWork(self.world, self._executor(found, account), region).delete(stack)

    def _reaches(self, account: str) -> bool:
        """Whether stacks in an account can be worked on: it is in the organization and not closed."""
        return account in self.world.accounts and not self.world.is_closed(account)

    def _units(self, call: Call) -> list[str]:
        targets = call.parameters.get("DeploymentTargets") or {}
        units = list(targets.get("OrganizationalUnitIds") or [])
        if not units or targets.get("Accounts") or targets.get("AccountFilterType") not in (None, "NONE"):
            raise ServiceError(
                "ValidationError", "deployment targets other than organizational units are not simulated"
            )
        known = self.world.service(Organizations).units()
        if missing := [unit for unit in units if unit not in known]:
            raise ServiceError("ValidationError", f"organizational units {', '.join(missing)} do not exist")
        return units

    def _accounts(self, found: StackSet) -> Iterator[Account]:
        for account in self.world.accounts.values():
            if (
                account.id != self.world.management
                and account.state == "ACTIVE"
                and set(account.path) & set(found.units)
            ):
                yield account

    def _deploy(self, found: StackSet, account: Account) -> None:
        """Create the stack of one account in each Region, as the account's own execution role."""
        caller = self._executor(found, account.id)
        for region in found.regions:
            if (account.id, region) in found.stacks:
                continue
            stack = Stack(found.template, self._names(found, account.id, region))
            StackWork(self.world, caller, region).create(stack)
            found.stacks[account.id, region] = stack

    def _names(self, found: StackSet, account: str, region: str) -> dict[str, str]:
        given = {one["ParameterKey"]: one["ParameterValue"] for one in found.settings.get("Parameters") or ()}
        defaults = {key: str(one["Default"]) for key, one in found.template.parameters.items() if "Default" in one}
        pseudo = {"AWS::AccountId": account, "AWS::Region": region, "AWS::Partition": self.world.partition}
        return {**defaults, **given, **pseudo}

    def _executor(self, found: StackSet, account: str) -> Caller:
        """The role that StackSets makes for itself in each account."""
        role = f"stacksets-exec-{hashlib.sha256(found.account.encode()).hexdigest()[:32]}"
        arn = f"arn:{self.world.partition}:iam::{account}:role/{role}"
        if not any(one.name == role for one in get_backend("iam")[account]["global"].get_roles()):
            give_access(account, found.account, self.world.partition, role)
        return Caller(
            arn=f"arn:{self.world.partition}:sts::{account}:assumed-role/{role}/stacksets",
            account=account,
            kind="session",
            role=arn,
            session_name="stacksets",
            via="cloudformation.amazonaws.com",
        )

    def _operation(self, found: StackSet, action: str, call: Call) -> str:
        identifier = call.parameters.get("OperationId") or call.request_id
        now = self.world.agenda.now()
        found.operations[identifier] = {
            "OperationId": identifier,
            "StackSetId": found.id,
            "Action": action,
            "Status": "SUCCEEDED",
            "CreationTimestamp": now,
            "EndTimestamp": now,
        }
        return str(identifier)

    def _set(self, call: Call) -> StackSet:
        name = call.parameters["StackSetName"].split(":")[0]
        found = self.sets.get(name)
        if found is None:
            raise ServiceError("StackSetNotFoundException", f"StackSet {name} not found", 404)
        return found
