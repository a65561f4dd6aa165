"""Custom actions: what a person can choose for findings in the console. Making one emits nothing."""

from __future__ import annotations

from typing import Any

from simulator.call import Call, ServiceError
from simulator.services.paging import paged
from simulator.services.security_hub_hubs import Hubs, invalid, not_found
from simulator.world import partition_of

MOST_ACTIONS = 50


class ActionTargets:
    """Custom action targets, per account and Region."""

    def __init__(self, hubs: Hubs) -> None:
        self.hubs = hubs
        self.targets: dict[tuple[str, str], dict[str, dict[str, str]]] = {}

    def create_action_target(self, call: Call) -> dict[str, Any]:
        """CreateActionTarget."""
        targets, identifier = self._own(call), call.parameters["Id"]
        if not (identifier.isascii() and identifier.isalnum()) or len(identifier) > 20:
            raise invalid("The Id of an action target has up to 20 letters and digits.")
        if len(call.parameters["Name"]) > 20:
            raise invalid("The Name of an action target has up to 20 characters.")
        arn = f"arn:{partition_of(call.region)}:securityhub:{call.region}:{call.account}:action/custom/{identifier}"
        if arn in targets:
            raise ServiceError("ResourceConflictException", f"{arn} exists already", 409)
        if len(targets) >= MOST_ACTIONS:
            raise ServiceError("LimitExceededException", f"There can be {MOST_ACTIONS} action targets.", 429)
        targets[arn] = {
            "ActionTargetArn": arn,
            "Name": call.parameters["Name"],
            "Description": call.parameters["Description"],
        }
        return {"ActionTargetArn": arn}

    def describe_action_targets(self, call: Call) -> dict[str, Any]:
        """DescribeActionTargets: all, or those that are asked for."""
        targets = self._own(call)
        asked = call.parameters.get("ActionTargetArns") or list(targets)
        for arn in asked:
            self._target(call, arn)
        return paged("ActionTargets", [targets[arn] for arn in asked], call.parameters)

    def update_action_target(self, call: Call) -> dict[str, Any]:
        """UpdateActionTarget."""
        target = self._target(call, call.parameters["ActionTargetArn"])
        target.update({name: call.parameters[name] for name in ("Name", "Description") if name in call.parameters})
        return {}

    def delete_action_target(self, call: Call) -> dict[str, Any]:
        """DeleteActionTarget."""
        target = self._target(call, call.parameters["ActionTargetArn"])
        del self._own(call)[target["ActionTargetArn"]]
        return {"ActionTargetArn": target["ActionTargetArn"]}

    def _target(self, call: Call, arn: str) -> dict[str, str]:
        target = self._own(call).get(arn)
        if target is None:
            raise not_found(f"Action target {arn} not found")
        return target

    def _own(self, call: Call) -> dict[str, dict[str, str]]:
        self.hubs.require(call)
        return self.targets.setdefault((call.account, call.region), {})
