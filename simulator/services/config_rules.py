"""AWS Config rules: what PutConfigRule accepts, and the rules that stand.

Source: AWS Config API reference, PutConfigRule and ConfigRule; the list of managed rules, their
parameters and triggers is the one that moto ships.
"""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

from simulator.call import Call, ServiceError, not_simulated
from simulator.services.config_items import Item
from simulator.services.config_paging import page

if TYPE_CHECKING:
    from simulator.agenda import Due
    from simulator.services.config_recorder import Recorders
    from simulator.world import World

CHANGE = "ConfigurationItemChangeNotification"
OVERSIZED = "OversizedConfigurationItemChangeNotification"
SCHEDULED = "ScheduledNotification"
SNAPSHOT = "ConfigurationSnapshotDeliveryCompleted"
MAXIMUM_RULES = 1000
SECONDS = {
    "One_Hour": 3600,
    "Three_Hours": 10800,
    "Six_Hours": 21600,
    "Twelve_Hours": 43200,
    "TwentyFour_Hours": 86400,
}
PRINCIPAL = "config.amazonaws.com"


@cache
def managed_rules() -> dict[str, Any]:
    """AWS's managed rules by identifier: parameters, resource types, trigger."""
    packed = resources.files("moto.config").joinpath("resources/aws_managed_rules.json.gz").read_bytes()
    return dict(json.loads(gzip.decompress(packed))["ManagedRules"])


@dataclass(slots=True)
class Rule:
    """One rule of one account and Region. `given` is what PutConfigRule was told, `status` what happened to it."""

    account: str
    region: str
    name: str
    id: str
    arn: str
    given: dict[str, Any]
    status: dict[str, Any] = field(default_factory=dict)
    due: Due | None = None
    evaluated: Any = None  # when StartConfigRulesEvaluation was last called

    @property
    def custom(self) -> bool:
        """Whether a Lambda function evaluates."""
        return bool(self.given["Source"]["Owner"] == "CUSTOM_LAMBDA")

    @property
    def source(self) -> str:
        """The function's ARN of a custom rule, the identifier of a managed one."""
        return str(self.given["Source"]["SourceIdentifier"])

    @property
    def messages(self) -> frozenset[str]:
        """The message types that trigger the rule."""
        if self.custom:
            return frozenset(detail["MessageType"] for detail in self.given["Source"]["SourceDetails"])
        trigger = managed_rules()[self.source]["Trigger type"]
        on_change = {CHANGE, OVERSIZED} if "Configuration changes" in trigger else set()
        return frozenset(on_change | ({SCHEDULED} if "Periodic" in trigger else set()))

    @property
    def period(self) -> int | None:
        """Seconds between scheduled evaluations; None where there are none."""
        if SCHEDULED not in self.messages:
            return None
        stated = self.given.get("MaximumExecutionFrequency")
        for detail in self.given["Source"].get("SourceDetails") or ():
            if detail["MessageType"] == SCHEDULED:
                stated = detail.get("MaximumExecutionFrequency")
        return SECONDS[stated or "TwentyFour_Hours"]

    @property
    def parameters(self) -> str:
        """The input parameters as JSON text; a managed rule's defaults are filled in."""
        text = str(self.given.get("InputParameters") or "{}")
        if self.custom:
            return text
        defaults = {
            one["Name"]: one["Default"] for one in managed_rules()[self.source]["Parameters"] if "Default" in one
        }
        return json.dumps({**defaults, **json.loads(text)})

    @property
    def types(self) -> frozenset[str] | None:
        """The resource types that the rule judges; None: all of them."""
        scope = self.given.get("Scope") or {}
        if scope.get("ComplianceResourceTypes"):
            return frozenset(scope["ComplianceResourceTypes"])
        if self.custom:
            return None
        listed = managed_rules()[self.source].get("Resource Types") or ""
        return frozenset(part.strip() for part in listed.split(",") if part.strip())

    def covers(self, item: Item) -> bool:
        """Whether a configuration item lies in the rule's scope."""
        return self._covers(item.type, item.snapshot.id, item.snapshot.tags)

    def left(self, item: Item) -> bool:
        """Whether a resource lay in the scope before this item and does not any more."""
        if item.before is None or self.covers(item):
            return False
        return self._covers(item.type, item.before.id, item.before.tags)

    def _covers(self, resource_type: str, identifier: str, tags: Any) -> bool:
        types = self.types
        if types is not None and resource_type not in types:
            return False
        scope = self.given.get("Scope") or {}
        if scope.get("ComplianceResourceId") not in (None, identifier):
            return False
        if scope.get("TagKey") is None:
            return True
        return scope["TagKey"] in tags and scope.get("TagValue") in (None, tags[scope["TagKey"]])

    def describe(self) -> dict[str, Any]:
        """The rule as DescribeConfigRules shows it."""
        return {
            **{name: value for name, value in self.given.items() if value is not None},
            "ConfigRuleName": self.name,
            "ConfigRuleArn": self.arn,
            "ConfigRuleId": self.id,
            "ConfigRuleState": "ACTIVE",
            "EvaluationModes": self.given.get("EvaluationModes") or [{"Mode": "DETECTIVE"}],
        }


class Rules:
    """The rules of the organisation."""

    def __init__(
        self,
        world: World,
        recorders: Recorders,
        put: Callable[[Rule], None],
        deleted: Callable[[Rule], None],
        tag: Callable[[str, Iterable[dict[str, str]]], None],
    ) -> None:
        self.world = world
        self._recorders = recorders
        self._put, self._deleted, self._tag = put, deleted, tag
        self._rules: dict[tuple[str, str], dict[str, Rule]] = {}
        self._made: dict[tuple[str, str, str], int] = {}

    def of(self, account: str, region: str) -> dict[str, Rule]:
        """The rules of one place by name."""
        return self._rules.setdefault((account, region), {})

    def need(self, account: str, region: str, name: str) -> Rule:
        """One rule; raises NoSuchConfigRuleException."""
        rule = self.of(account, region).get(name)
        if rule is None:
            raise ServiceError(
                "NoSuchConfigRuleException",
                f"The ConfigRule '{name}' provided in the request is invalid. Please check the configRule name",
            )
        return rule

    def named(self, call: Call) -> list[Rule]:
        """The rules that a call names, or all of its place."""
        names = call.parameters.get("ConfigRuleNames")
        if names:
            return [self.need(call.account, call.region, name) for name in names]
        return [rule for _, rule in sorted(self.of(call.account, call.region).items())]

    def put_config_rule(self, call: Call) -> dict[str, Any]:
        """Create or change a rule, and evaluate by it what is recorded already."""
        given = dict(call.parameters["ConfigRule"])
        rules = self.of(call.account, call.region)
        known = self._known(given, rules)
        if known is None and len(rules) >= MAXIMUM_RULES:
            raise ServiceError(
                "MaxNumberOfConfigRulesExceededException",
                f"Failed to add the Config rule because the account already contains the maximum number of "
                f"{MAXIMUM_RULES} rules.",
            )
        check(given)
        rule = known or self._make(call, given["ConfigRuleName"])
        if given["Source"]["Owner"] == "AWS":
            self._recorders.need(call.account, call.region)
        else:
            self._admitted(call, rule, given["Source"]["SourceIdentifier"])
        for name in ("ConfigRuleName", "ConfigRuleArn", "ConfigRuleId", "ConfigRuleState"):
            given.pop(name, None)
        rule.given = given
        if known is None:
            rules[rule.name] = rule
            # Tags are set at creation; later calls do not change them (PutConfigRule is idempotent).
            self._tag(rule.arn, call.parameters.get("Tags") or ())
        self._put(rule)
        return {}

    def _known(self, given: dict[str, Any], rules: dict[str, Rule]) -> Rule | None:
        for rule in rules.values():
            named = (given.get("ConfigRuleName"), given.get("ConfigRuleArn"), given.get("ConfigRuleId"))
            if rule.name == named[0] or rule.arn == named[1] or rule.id == named[2]:
                return rule
        if given.get("ConfigRuleArn") or given.get("ConfigRuleId"):
            raise _invalid(
                "ConfigRule Arn and Id can not be specified when creating a new ConfigRule. ConfigRule Arn and Id are "
                "generated by the service. Please try the request again without specifying ConfigRule Arn or Id"
            )
        if not given.get("ConfigRuleName"):
            raise _invalid("ConfigRuleName is required to create a ConfigRule")
        return None

    def _make(self, call: Call, name: str) -> Rule:
        place = (call.account, call.region, name)
        self._made[place] = self._made.get(place, 0) + 1
        text = "/".join((*place, str(self._made[place])))
        identifier = f"config-rule-{hashlib.blake2b(text.encode(), digest_size=3).hexdigest()}"
        arn = f"arn:{call.partition}:config:{call.region}:{call.account}:config-rule/{identifier}"
        return Rule(call.account, call.region, name, identifier, arn, {})

    def _admitted(self, call: Call, rule: Rule, function: str) -> None:
        """Refuse a custom rule whose function does not let AWS Config invoke it."""
        invocation = Call(
            service="lambda",
            operation="Invoke",
            parameters={"FunctionName": function},
            region=call.region,
            partition=call.partition,
            account="",
            caller=self.world.as_service(PRINCIPAL, account=call.account, arn=rule.arn),
        )
        try:
            self.world.door.authorize(invocation)
        except ServiceError as error:
            raise ServiceError(
                "InsufficientPermissionsException",
                f"The AWS Lambda function {function} cannot be invoked. Check the specified function ARN, and check "
                "the function's permissions.",
            ) from error

    def describe_config_rules(self, call: Call) -> dict[str, Any]:
        """List rules."""
        cut, token = page(self.named(call), call.parameters.get("NextToken"), None, 25)
        return with_token({"ConfigRules": [rule.describe() for rule in cut]}, token)

    def delete_config_rule(self, call: Call) -> dict[str, Any]:
        """Delete a rule with its evaluation results."""
        rule = self.need(call.account, call.region, call.parameters["ConfigRuleName"])
        del self.of(call.account, call.region)[rule.name]
        self._deleted(rule)
        return {}

    def describe_config_rule_evaluation_status(self, call: Call) -> dict[str, Any]:
        """Say when rules were evaluated last, and why an evaluation failed."""
        cut, token = page(self.named(call), call.parameters.get("NextToken"), call.parameters.get("Limit"), 50)
        statuses = [
            {
                "ConfigRuleName": rule.name,
                "ConfigRuleArn": rule.arn,
                "ConfigRuleId": rule.id,
                "FirstEvaluationStarted": "FirstActivatedTime" in rule.status,
                **rule.status,
            }
            for rule in cut
        ]
        return with_token({"ConfigRulesEvaluationStatus": statuses}, token)


def with_token(response: dict[str, Any], token: str | None) -> dict[str, Any]:
    """Add the token of the next page, where there is one."""
    return response if token is None else {**response, "NextToken": token}


def check(given: dict[str, Any]) -> None:
    """Refuse a rule that AWS Config refuses; raises InvalidParameterValueException."""
    if given.get("ConfigRuleState") not in (None, "ACTIVE"):
        raise _invalid(f"The ConfigRuleState {given['ConfigRuleState']} is invalid. Only ACTIVE is permitted")
    if given.get("CreatedBy"):
        raise _invalid("AWS Config populates the CreatedBy field for ServiceLinkedConfigRule.")
    scope = given.get("Scope") or {}
    if scope.get("TagValue") and not scope.get("TagKey"):
        raise _invalid("TagKey should not be empty when TagValue is provided in scope")
    if scope.get("ComplianceResourceId") and len(scope.get("ComplianceResourceTypes") or ()) != 1:
        raise _invalid("A single resourceType should be provided when resourceId is provided in scope")
    if scope.get("TagKey") and scope.get("ComplianceResourceId"):
        raise _invalid("Scope cannot be applied to both resource and tag")
    parameters = _parameters(given.get("InputParameters"))
    owner = given["Source"]["Owner"]
    if owner == "AWS":
        _check_managed(given, parameters)
    elif owner == "CUSTOM_LAMBDA":
        _check_custom(given["Source"])
    else:
        raise not_simulated("Guard rules (CUSTOM_POLICY)", several=True)


def _parameters(text: str | None) -> dict[str, Any]:
    try:
        parsed = json.loads(text or "{}")
    except json.JSONDecodeError as error:
        raise _invalid(f"Invalid json {text} passed in the InputParameters field") from error
    if not isinstance(parsed, dict):
        raise _invalid(f"Invalid json {text} passed in the InputParameters field")
    return parsed


def _check_managed(given: dict[str, Any], parameters: dict[str, Any]) -> None:
    source = given["Source"]
    identifier = source.get("SourceIdentifier")
    known = managed_rules().get(str(identifier))
    if known is None:
        raise _invalid(
            f"The sourceIdentifier {identifier} is invalid. Please refer to the documentation for a list of valid "
            "sourceIdentifiers that can be used when AWS is the Owner"
        )
    if source.get("SourceDetails"):
        raise _invalid(
            "SourceDetails should be null/empty if the Owner is AWS. If the Owner is CUSTOM_LAMBDA, SourceDetails "
            "should be specified"
        )
    if given.get("MaximumExecutionFrequency") and "Periodic" not in known["Trigger type"]:
        raise _invalid("A maximum execution frequency is not allowed for rules triggered by configuration changes")
    if unknown := sorted(parameters.keys() - {one["Name"] for one in known["Parameters"]}):
        raise _invalid(f"Unknown parameters provided in the inputParameters: {', '.join(unknown)}")
    needed = {one["Name"] for one in known["Parameters"] if not one["Optional"] and "Default" not in one}
    if missing := sorted(needed - parameters.keys()):
        raise _invalid(f"The required parameter [{', '.join(missing)}] is not present in the inputParameters")


def _check_custom(source: dict[str, Any]) -> None:
    if not str(source.get("SourceIdentifier") or "").startswith("arn:"):
        raise _invalid(f"The sourceIdentifier {source.get('SourceIdentifier')} is invalid: give the function's ARN")
    details = source.get("SourceDetails")
    if not details:
        raise _invalid("SourceDetails should be specified for Config rules with CUSTOM_LAMBDA as Owner")
    for detail in details:
        if detail.get("EventSource") != "aws.config" or not detail.get("MessageType"):
            raise _invalid("Each of SourceDetails needs EventSource aws.config and a MessageType")
        if detail.get("MaximumExecutionFrequency") and detail["MessageType"] != SCHEDULED:
            raise _invalid(
                "A maximum execution frequency is not allowed if MessageType is ConfigurationItemChangeNotification or "
                "OversizedConfigurationItemChangeNotification"
            )


def _invalid(message: str) -> ServiceError:
    return ServiceError("InvalidParameterValueException", message)
