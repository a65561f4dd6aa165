"""Configuration aggregators: the compliance of many accounts and Regions, read in one.

Accounts of the organisation are aggregated without asking; single accounts would have to authorise
the aggregator, which is not simulated, so that of those only the own account shows.
Source: AWS Config API reference, PutConfigurationAggregator.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from simulator.call import Call, ServiceError
from simulator.services.config_compliance import compliance
from simulator.services.config_evaluations import Evaluations
from simulator.services.config_paging import page
from simulator.services.config_rules import Rules, with_token

if TYPE_CHECKING:
    from simulator.world import World


class Aggregators:
    """The operations on aggregators and over what they aggregate."""

    def __init__(
        self,
        world: World,
        rules: Rules,
        evaluations: Evaluations,
        tag: Callable[[str, Iterable[dict[str, str]]], None],
    ) -> None:
        self.world = world
        self._rules, self._evaluations, self._tag = rules, evaluations, tag
        self._aggregators: dict[tuple[str, str], dict[str, dict[str, Any]]] = {}

    def put_configuration_aggregator(self, call: Call) -> dict[str, Any]:
        """Create or change an aggregator of accounts or of the organisation."""
        given = call.parameters
        name = given["ConfigurationAggregatorName"]
        accounts = given.get("AccountAggregationSources") or []
        organization = given.get("OrganizationAggregationSource")
        if bool(accounts) == bool(organization):
            raise ServiceError(
                "InvalidParameterValueException",
                "Give either AccountAggregationSources or OrganizationAggregationSource, and only one of them.",
            )
        source = organization or accounts[0]
        if bool(source.get("AllAwsRegions")) == bool(source.get("AwsRegions")):
            raise ServiceError(
                "InvalidParameterValueException", "Give either AllAwsRegions or AwsRegions in the aggregation source."
            )
        place = self._aggregators.setdefault((call.account, call.region), {})
        now = self.world.agenda.now()
        known = place.get(name)
        if known is None:
            digest = hashlib.blake2b(f"{call.account}{call.region}{name}".encode(), digest_size=4).hexdigest()
            arn = (
                f"arn:{call.partition}:config:{call.region}:{call.account}:config-aggregator/config-aggregator-{digest}"
            )
            known = {"ConfigurationAggregatorName": name, "ConfigurationAggregatorArn": arn, "CreationTime": now}
            self._tag(arn, given.get("Tags") or ())
        kept = ("ConfigurationAggregatorName", "ConfigurationAggregatorArn", "CreationTime")
        place[name] = {part: known[part] for part in kept} | {"LastUpdatedTime": now}
        if accounts:
            place[name]["AccountAggregationSources"] = accounts
        else:
            place[name]["OrganizationAggregationSource"] = organization
        return {"ConfigurationAggregator": place[name]}

    def _need(self, call: Call, name: str) -> dict[str, Any]:
        found = self._aggregators.get((call.account, call.region), {}).get(name)
        if found is None:
            raise ServiceError(
                "NoSuchConfigurationAggregatorException",
                "The configuration aggregator does not exist. Check the configuration aggregator name and try again.",
            )
        return found

    def describe_configuration_aggregators(self, call: Call) -> dict[str, Any]:
        """List aggregators."""
        names = call.parameters.get("ConfigurationAggregatorNames") or sorted(
            self._aggregators.get((call.account, call.region), {})
        )
        found = [self._need(call, name) for name in names]
        cut, token = page(found, call.parameters.get("NextToken"), call.parameters.get("Limit"), 100)
        return with_token({"ConfigurationAggregators": cut}, token)

    def delete_configuration_aggregator(self, call: Call) -> dict[str, Any]:
        """Delete an aggregator."""
        name = call.parameters["ConfigurationAggregatorName"]
        self._need(call, name)
        del self._aggregators[call.account, call.region][name]
        return {}

    def _places(self, call: Call) -> list[tuple[str, str]]:
        aggregator = self._need(call, call.parameters["ConfigurationAggregatorName"])
        organization = aggregator.get("OrganizationAggregationSource")
        source = organization or aggregator["AccountAggregationSources"][0]
        accounts = sorted(self.world.accounts) if organization else [call.account]
        if not organization and call.account not in source["AccountIds"]:
            accounts = []
        regions = self.world.regions if source.get("AllAwsRegions") else source["AwsRegions"]
        return [(account, region) for account in accounts for region in regions]

    def describe_aggregate_compliance_by_config_rules(self, call: Call) -> dict[str, Any]:
        """Say per account, Region and rule whether the resources comply."""
        filters = call.parameters.get("Filters") or {}
        found = []
        for account, region in self._places(call):
            for name in sorted(self._rules.of(account, region)):
                summed = compliance(self._evaluations.of(account, region, name).values())
                shown = {
                    "ConfigRuleName": name,
                    "Compliance": summed,
                    "AccountId": account,
                    "AwsRegion": region,
                }
                facts = {**shown, "ComplianceType": summed["ComplianceType"]}
                if all(facts[key] == value for key, value in filters.items() if value):
                    found.append(shown)
        cut, token = page(found, call.parameters.get("NextToken"), call.parameters.get("Limit"), 1000)
        return with_token({"AggregateComplianceByConfigRules": cut}, token)

    def get_aggregate_compliance_details_by_config_rule(self, call: Call) -> dict[str, Any]:
        """List a rule's results in one account and Region of the aggregator."""
        wanted = call.parameters
        account, region = wanted["AccountId"], wanted["AwsRegion"]
        found = []
        if (account, region) in self._places(call):
            for _, result in sorted(self._evaluations.of(account, region, wanted["ConfigRuleName"]).items()):
                if wanted.get("ComplianceType") in (None, result.compliance):
                    found.append({**result.detail, "AccountId": account, "AwsRegion": region})
        cut, token = page(found, wanted.get("NextToken"), wanted.get("Limit"), 50)
        return with_token({"AggregateEvaluationResults": cut}, token)
