"""Automation rules: the administrator's changes to findings as they are ingested.

A rule applies in the Region where it was created, to new and updated findings of the administrator
and its members. Source: the user guide's chapter on automation rules; rules of equal order apply
by the time of their last change, the latest last.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from simulator.call import Call, ServiceError
from simulator.services import security_hub_filters as filters
from simulator.services.paging import paged
from simulator.services.security_hub_administration import Administration
from simulator.services.security_hub_hubs import Hubs, denied, unique
from simulator.world import World, partition_of

MOST_RULES = 100
CHANGEABLE = ("RuleStatus", "RuleOrder", "Description", "RuleName", "IsTerminal", "Criteria", "Actions")


@dataclass(slots=True)
class Rule:
    """One automation rule."""

    arn: str
    creator: str
    created: datetime
    updated: datetime
    settings: dict[str, Any] = field(default_factory=dict)

    def response(self, *, whole: bool) -> dict[str, Any]:
        """Return the rule as the API shows it; lists leave out criteria and actions."""
        hidden = () if whole else ("Criteria", "Actions")
        return {name: value for name, value in self.settings.items() if name not in hidden} | {
            "RuleArn": self.arn,
            "CreatedAt": self.created,
            "UpdatedAt": self.updated,
            "CreatedBy": self.creator,
        }


class Rules:
    """The automation rules of every administrator, per Region."""

    def __init__(self, world: World, hubs: Hubs, administration: Administration) -> None:
        self.world = world
        self.hubs = hubs
        self.administration = administration
        self.rules: dict[tuple[str, str], dict[str, Rule]] = {}

    def changes(self, account: str, region: str, finding: Mapping[str, Any]) -> list[Mapping[str, Any]]:
        """List the changes that the rules make to a finding, in order.

        Criteria are compared with the finding as it came in, not as an earlier rule left it; AWS's
        documentation does not say which.
        """
        administrator = self.administration.administrator_of(account, region) or account
        rules = self.rules.get((administrator, region), {}).values()
        found: list[Mapping[str, Any]] = []
        for rule in sorted(rules, key=lambda rule: (rule.settings["RuleOrder"], rule.updated)):
            active = rule.settings["RuleStatus"] == "ENABLED"
            if active and filters.matches(finding, rule.settings["Criteria"], self.world.agenda.now()):
                found += [action["FindingFieldsUpdate"] for action in rule.settings["Actions"]]
                if rule.settings["IsTerminal"]:
                    break
        return found

    def create_automation_rule(self, call: Call) -> dict[str, Any]:
        """CreateAutomationRule."""
        rules = self._own(call)
        if len(rules) >= MOST_RULES:
            raise ServiceError("LimitExceededException", f"There can be {MOST_RULES} automation rules.", 429)
        given = call.parameters
        filters.check(given["Criteria"], rule=True)
        # Names need not be unique: the second rule of a name gets another id.
        same = sum(1 for rule in rules.values() if rule.settings["RuleName"] == given["RuleName"])
        identifier = unique("automation-rule", call.account, call.region, given["RuleName"], str(same))
        arn = f"arn:{partition_of(call.region)}:securityhub:{call.region}:{call.account}:automation-rule/{identifier}"
        now = self.world.agenda.now()
        defaults = {"RuleStatus": "ENABLED", "IsTerminal": False}
        settings = defaults | {name: given[name] for name in CHANGEABLE if name in given}
        rules[arn] = Rule(arn, call.caller.arn, now, now, settings)
        if given.get("Tags"):
            self.hubs.tags[arn] = dict(given["Tags"])
        return {"RuleArn": arn}

    def list_automation_rules(self, call: Call) -> dict[str, Any]:
        """ListAutomationRules."""
        shown = [rule.response(whole=False) for rule in self._own(call).values()]
        return paged("AutomationRulesMetadata", shown, call.parameters)

    def batch_get_automation_rules(self, call: Call) -> dict[str, Any]:
        """BatchGetAutomationRules."""
        rules, asked = self._own(call), call.parameters["AutomationRulesArns"]
        return {
            "Rules": [rules[arn].response(whole=True) for arn in asked if arn in rules],
            "UnprocessedAutomationRules": _missing(arn for arn in asked if arn not in rules),
        }

    def batch_update_automation_rules(self, call: Call) -> dict[str, Any]:
        """BatchUpdateAutomationRules: what an item leaves out stays."""
        rules, items = self._own(call), call.parameters["UpdateAutomationRulesRequestItems"]
        for item in items:
            filters.check(item.get("Criteria", {}), rule=True)
        done = []
        for item in items:
            rule = rules.get(item["RuleArn"])
            if rule is not None:
                rule.settings.update({name: item[name] for name in CHANGEABLE if name in item})
                rule.updated = self.world.agenda.now()
                done.append(rule.arn)
        missing = _missing(item["RuleArn"] for item in items if item["RuleArn"] not in rules)
        return {"ProcessedAutomationRules": done, "UnprocessedAutomationRules": missing}

    def batch_delete_automation_rules(self, call: Call) -> dict[str, Any]:
        """BatchDeleteAutomationRules."""
        rules, asked = self._own(call), call.parameters["AutomationRulesArns"]
        missing = _missing(arn for arn in asked if arn not in rules)
        done = [arn for arn in asked if rules.pop(arn, None) is not None]
        for arn in done:
            self.hubs.tags.pop(arn, None)
        return {"ProcessedAutomationRules": done, "UnprocessedAutomationRules": missing}

    def _own(self, call: Call) -> dict[str, Rule]:
        self.hubs.require(call)
        if self.administration.administrator_of(call.account, call.region) is not None:
            raise denied("Automation rules can be used from the Security Hub administrator account only.")
        return self.rules.setdefault((call.account, call.region), {})


def _missing(arns: Iterable[str]) -> list[dict[str, Any]]:
    return [{"RuleArn": arn, "ErrorCode": 404, "ErrorMessage": "Automation rule not found"} for arn in arns]
