"""Custom actions: what a person can choose for findings in the console. Making one emits nothing, choosing it does.

Source: Security Hub User Guide, "Using custom actions to send findings and insight results to EventBridge".
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any, cast

from simulator.call import Call, ServiceError
from simulator.service import Emits
from simulator.services.paging import paged
from simulator.services.security_hub_hubs import Hubs, invalid, not_found
from simulator.services.security_hub_store import FindingStore
from simulator.world import partition_of

MOST_ACTIONS = 50
MOST_CHOSEN = 20
EVENT = "Security Hub Findings - Custom Action"


class ActionTargets:
    """Custom action targets, per account and Region."""

    def __init__(self, hubs: Hubs, store: FindingStore) -> None:
        self.hubs = hubs
        self.store = store
        self.targets: dict[tuple[str, str], dict[str, dict[str, str]]] = {}

    def choose(self, arn: str, findings: Sequence[tuple[str, str]]) -> None:
        """Do what the console does when a person sends findings (product ARN, id) to an action.

        It has no API. The event names nobody: it tells what was asked, never who asked. Raises ServiceError for an
        unknown action, more than twenty findings, and findings that the account does not see in the Region.
        """
        region, account = arn.split(":")[3:5]
        target = self.targets.get((account, region), {}).get(arn)
        if target is None:
            raise not_found(f"Action target {arn} not found")
        if not 1 <= len(findings) <= MOST_CHOSEN:
            raise invalid(f"An action takes 1 to {MOST_CHOSEN} findings.")
        chosen = []
        for product, identifier in findings:
            found = self.store.found(account, region, product, identifier)
            if not found:
                raise not_found(f"Finding {identifier} not found")
            chosen.append(copy.deepcopy(found[0].content))
        detail = {"actionName": target["Name"], "actionDescription": target["Description"], "findings": chosen}
        events = cast("Emits", self.hubs.world.services["events"])
        events.emit(account, region, "aws.securityhub", EVENT, detail, resources=(arn,))

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
