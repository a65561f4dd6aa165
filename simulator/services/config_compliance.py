"""Queries over evaluation results: by rule, by resource, in one place.

Source: AWS Config API reference, the GetCompliance* and DescribeCompliance* operations.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from simulator.call import Call, ServiceError
from simulator.services.config_evaluations import Evaluations, Result
from simulator.services.config_paging import page
from simulator.services.config_rules import Rules, with_token

if TYPE_CHECKING:
    from simulator.world import World

CAP = 25
SUMMARY_CAP = 100


def compliance(results: Iterable[Result]) -> dict[str, Any]:
    """Sum results up: one that fails decides; none at all is INSUFFICIENT_DATA."""
    found = list(results)
    failed = sum(result.compliance == "NON_COMPLIANT" for result in found)
    if failed:
        return {"ComplianceType": "NON_COMPLIANT", "ComplianceContributorCount": capped(failed, CAP)}
    return {"ComplianceType": "COMPLIANT" if found else "INSUFFICIENT_DATA"}


def capped(count: int, cap: int) -> dict[str, Any]:
    """A count as AWS Config reports it."""
    return {"CappedCount": min(count, cap), "CapExceeded": count > cap}


class Compliance:
    """The operations that read evaluation results."""

    def __init__(self, world: World, rules: Rules, evaluations: Evaluations) -> None:
        self.world = world
        self._rules, self._evaluations = rules, evaluations

    def get_compliance_details_by_config_rule(self, call: Call) -> dict[str, Any]:
        """List a rule's results per resource."""
        rule = self._rules.need(call.account, call.region, call.parameters["ConfigRuleName"])
        results = [result for _, result in sorted(self._evaluations.of(call.account, call.region, rule.name).items())]
        return self._details(call, results, call.parameters.get("Limit"), 10)

    def get_compliance_details_by_resource(self, call: Call) -> dict[str, Any]:
        """List the results of all rules for one resource."""
        wanted = call.parameters
        if not wanted.get("ResourceType") or not wanted.get("ResourceId"):
            raise ServiceError("InvalidParameterValueException", "ResourceType and ResourceId must be specified.")
        results = [
            result
            for result in self._evaluations.all(call.account, call.region)
            if (result.resource_type, result.resource_id) == (wanted["ResourceType"], wanted["ResourceId"])
        ]
        return self._details(call, results, None, 10)

    def _details(self, call: Call, results: list[Result], limit: int | None, default: int) -> dict[str, Any]:
        types = call.parameters.get("ComplianceTypes")
        chosen = [result for result in results if not types or result.compliance in types]
        cut, token = page(chosen, call.parameters.get("NextToken"), limit, default)
        return with_token({"EvaluationResults": [result.detail for result in cut]}, token)

    def describe_compliance_by_config_rule(self, call: Call) -> dict[str, Any]:
        """Say per rule whether the resources comply."""
        types = call.parameters.get("ComplianceTypes")
        found = []
        for rule in self._rules.named(call):
            summed = compliance(self._evaluations.of(call.account, call.region, rule.name).values())
            if not types or summed["ComplianceType"] in types:
                found.append({"ConfigRuleName": rule.name, "Compliance": summed})
        cut, token = page(found, call.parameters.get("NextToken"), None, 100)
        return with_token({"ComplianceByConfigRules": cut}, token)

    def describe_compliance_by_resource(self, call: Call) -> dict[str, Any]:
        """Say per resource whether it complies with the rules that judge it."""
        wanted = call.parameters
        if wanted.get("ResourceId") and not wanted.get("ResourceType"):
            raise ServiceError("InvalidParameterValueException", "ResourceType must be specified with ResourceId.")
        by_resource: dict[tuple[str, str], list[Result]] = {}
        for result in self._evaluations.all(call.account, call.region):
            by_resource.setdefault((result.resource_type, result.resource_id), []).append(result)
        found = []
        for (resource_type, identifier), results in sorted(by_resource.items()):
            summed = compliance(results)
            if (
                wanted.get("ResourceType") in (None, resource_type)
                and wanted.get("ResourceId") in (None, identifier)
                and (not wanted.get("ComplianceTypes") or summed["ComplianceType"] in wanted["ComplianceTypes"])
            ):
                found.append({"ResourceType": resource_type, "ResourceId": identifier, "Compliance": summed})
        cut, token = page(found, wanted.get("NextToken"), wanted.get("Limit"), 10)
        return with_token({"ComplianceByResources": cut}, token)

    def get_compliance_summary_by_config_rule(self, call: Call) -> dict[str, Any]:
        """Count the rules that are met and those that are not."""
        states = [
            compliance(self._evaluations.of(call.account, call.region, name).values())["ComplianceType"]
            for name in self._rules.of(call.account, call.region)
        ]
        return {"ComplianceSummary": self._summary(states, CAP)}

    def get_compliance_summary_by_resource_type(self, call: Call) -> dict[str, Any]:
        """Count the resources that comply and those that do not, per type or over all."""
        types = call.parameters.get("ResourceTypes") or []
        by_resource: dict[tuple[str, str], list[Result]] = {}
        for result in self._evaluations.all(call.account, call.region):
            by_resource.setdefault((result.resource_type, result.resource_id), []).append(result)
        states = [(kind, compliance(results)["ComplianceType"]) for (kind, _), results in by_resource.items()]
        if not types:
            summary = self._summary([state for _, state in states], SUMMARY_CAP)
            return {"ComplianceSummariesByResourceType": [{"ComplianceSummary": summary}]}
        return {
            "ComplianceSummariesByResourceType": [
                {
                    "ResourceType": wanted,
                    "ComplianceSummary": self._summary(
                        [state for kind, state in states if kind == wanted], SUMMARY_CAP
                    ),
                }
                for wanted in types
            ]
        }

    def _summary(self, states: list[str], cap: int) -> dict[str, Any]:
        return {
            "CompliantResourceCount": capped(states.count("COMPLIANT"), cap),
            "NonCompliantResourceCount": capped(states.count("NON_COMPLIANT"), cap),
            "ComplianceSummaryTimestamp": self.world.agenda.now(),
        }
