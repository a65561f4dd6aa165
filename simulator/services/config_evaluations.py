"""Evaluation results: what rules found, and who hears of a change.

Source: AWS Config API reference, PutEvaluations and EvaluationResult; "Example: compliance change
notification" of the developer guide; Security Hub user guide, "Viewing findings from AWS Config".
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Protocol, cast

from simulator.call import Call, ServiceError
from simulator.service import Emits
from simulator.services.config_rules import Rule, Rules
from simulator.services.config_snapshots import stamp

if TYPE_CHECKING:
    from simulator.world import World

NOT_APPLICABLE = "NOT_APPLICABLE"
EVENT_SECONDS = 1.0
HUB_SECONDS = 60.0  # AWS: "generally within 5 minutes"
DETAIL_TYPE = "Config Rules Compliance Change"


class ImportsEvaluations(Protocol):
    """The part of Security Hub that turns evaluations into findings."""

    def config_evaluation(
        self,
        account: str,
        region: str,
        rule_name: str,
        rule_arn: str,
        resource_type: str,
        resource_id: str,
        compliance: str,
        annotation: str | None,
        recorded_at: datetime,
    ) -> None:
        """Import one evaluation result of AWS Config."""
        ...


@dataclass(frozen=True, slots=True)
class Result:
    """The last result of one rule for one resource."""

    rule: str
    resource_type: str
    resource_id: str
    compliance: str
    annotation: str | None
    ordered: datetime
    recorded: datetime
    invoked: datetime

    @property
    def detail(self) -> dict[str, Any]:
        """The result as GetComplianceDetails returns it."""
        found: dict[str, Any] = {
            "EvaluationResultIdentifier": {
                "EvaluationResultQualifier": {
                    "ConfigRuleName": self.rule,
                    "ResourceType": self.resource_type,
                    "ResourceId": self.resource_id,
                    "EvaluationMode": "DETECTIVE",
                },
                "OrderingTimestamp": self.ordered,
            },
            "ComplianceType": self.compliance,
            "ResultRecordedTime": self.recorded,
            "ConfigRuleInvokedTime": self.invoked,
        }
        return found if self.annotation is None else {**found, "Annotation": self.annotation}

    @property
    def event(self) -> dict[str, Any]:
        """The result as a compliance change event carries it."""
        found: dict[str, Any] = {
            "evaluationResultIdentifier": {
                "evaluationResultQualifier": {
                    "configRuleName": self.rule,
                    "resourceType": self.resource_type,
                    "resourceId": self.resource_id,
                },
                "orderingTimestamp": stamp(self.ordered),
            },
            "complianceType": self.compliance,
            "resultRecordedTime": stamp(self.recorded),
            "configRuleInvokedTime": stamp(self.invoked),
        }
        return found if self.annotation is None else {**found, "annotation": self.annotation}


@dataclass(frozen=True, slots=True)
class Ticket:
    """What a result token stands for: one invocation of one rule."""

    rule: Rule
    invoked: datetime


class Evaluations:
    """The evaluation results of the organisation."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._results: dict[tuple[str, str], dict[str, dict[tuple[str, str], Result]]] = {}
        self._tickets: dict[str, Ticket] = {}
        self._lost: tuple[int, float] = (0, 0.0)
        self.rules: Rules  # set by the service: rules and evaluations know each other

    def drop_events(self, seed: int, share: float) -> None:
        """Lose a share (0 to 1) of the compliance events: AWS emits them on a best effort basis.

        Which ones depends on the seed and on what each event says, so that runs repeat.
        """
        self._lost = (seed, share)

    def ticket(self, rule: Rule) -> str:
        """Make the result token of one invocation."""
        now = self.world.agenda.now()
        text = f"{rule.arn}/{now.isoformat()}/{len(self._tickets)}"
        token = hashlib.blake2b(text.encode(), digest_size=48).hexdigest()
        self._tickets[token] = Ticket(rule, now)
        return token

    def of(self, account: str, region: str, rule: str) -> dict[tuple[str, str], Result]:
        """The results of one rule by resource type and id."""
        return self._results.setdefault((account, region), {}).setdefault(rule, {})

    def all(self, account: str, region: str) -> list[Result]:
        """All results of one place, by rule and resource."""
        by_rule = self._results.get((account, region), {})
        return [result for _, found in sorted(by_rule.items()) for _, result in sorted(found.items())]

    def put_evaluations(self, call: Call) -> dict[str, Any]:
        """Take the results of a custom rule's function."""
        token = call.parameters["ResultToken"]
        evaluations = call.parameters.get("Evaluations") or []
        for evaluation in evaluations:
            if evaluation["ComplianceType"] == "INSUFFICIENT_DATA":
                raise ServiceError(
                    "InvalidParameterValueException", "INSUFFICIENT_DATA is not accepted from PutEvaluations"
                )
        if call.parameters.get("TestMode"):
            return {"FailedEvaluations": []}
        ticket = self._tickets.get(token)
        if ticket is None or (ticket.rule.account, ticket.rule.region) != (call.account, call.region):
            raise ServiceError("InvalidResultTokenException", "The specified ResultToken is invalid.")
        rule = ticket.rule
        if self.rules.of(rule.account, rule.region).get(rule.name) is not rule:
            raise ServiceError("NoSuchConfigRuleException", f"The ConfigRule '{rule.name}' does not exist any more.")
        for evaluation in evaluations:
            self.store(
                rule,
                evaluation["ComplianceResourceType"],
                evaluation["ComplianceResourceId"],
                evaluation["ComplianceType"],
                evaluation.get("Annotation"),
                _aware(evaluation["OrderingTimestamp"]),
                ticket.invoked,
            )
        rule.status["LastSuccessfulEvaluationTime"] = self.world.agenda.now()
        return {"FailedEvaluations": []}

    def store(
        self,
        rule: Rule,
        resource_type: str,
        resource_id: str,
        compliance: str,
        annotation: str | None,
        ordered: datetime,
        invoked: datetime,
    ) -> None:
        """Keep one result, unless a later one is there; tell EventBridge of a change and Security Hub of all."""
        results = self.of(rule.account, rule.region, rule.name)
        old = results.get((resource_type, resource_id))
        if old is not None and ordered < old.ordered:
            return
        now = self.world.agenda.now()
        new = Result(rule.name, resource_type, resource_id, compliance, annotation, ordered, now, invoked)
        if compliance == NOT_APPLICABLE:
            results.pop((resource_type, resource_id), None)
        else:
            results[resource_type, resource_id] = new
        if compliance != (NOT_APPLICABLE if old is None else old.compliance):
            self._tell_events(rule, old, new)
        self.world.agenda.soon(
            lambda: self._tell_hub(rule, new), f"config: evaluation of {rule.name} to Security Hub", seconds=HUB_SECONDS
        )

    def forget(self, rule: Rule) -> None:
        """Delete the results of a rule."""
        self._results.get((rule.account, rule.region), {}).pop(rule.name, None)

    def delete_evaluation_results(self, call: Call) -> dict[str, Any]:
        """Delete the results of a rule at somebody's request."""
        self.forget(self.rules.need(call.account, call.region, call.parameters["ConfigRuleName"]))
        return {}

    def _tell_events(self, rule: Rule, old: Result | None, new: Result) -> None:
        seed, share = self._lost
        text = f"{seed}/{rule.arn}/{new.resource_id}/{new.compliance}/{new.ordered.isoformat()}"
        fate = int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest()) / 2**64
        if fate < share:
            return
        detail = {
            "resourceId": new.resource_id,
            "awsRegion": rule.region,
            "awsAccountId": rule.account,
            "configRuleName": rule.name,
            "configRuleARN": rule.arn,
            "resourceType": new.resource_type,
            "newEvaluationResult": new.event,
            "oldEvaluationResult": None if old is None else old.event,
            "notificationCreationTime": stamp(self.world.agenda.now()),
            "messageType": "ComplianceChangeNotification",
            "recordVersion": "1.0",
        }
        events = cast("Emits", self.world.services["events"])
        self.world.agenda.soon(
            lambda: events.emit(rule.account, rule.region, "aws.config", DETAIL_TYPE, detail),
            f"config: compliance change of {rule.name}",
            seconds=EVENT_SECONDS,
        )

    def _tell_hub(self, rule: Rule, result: Result) -> None:
        cast("ImportsEvaluations", self.world.services["securityhub"]).config_evaluation(
            rule.account,
            rule.region,
            rule.name,
            rule.arn,
            result.resource_type,
            result.resource_id,
            result.compliance,
            result.annotation,
            result.recorded,
        )


def _aware(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
