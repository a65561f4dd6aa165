"""Event buses and rules: the state that the events service keeps, and what it refuses to keep."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from simulator.agenda import Due
from simulator.call import ServiceError, not_simulated
from simulator.services import event_transform
from simulator.services.event_arn import Arn
from simulator.services.event_pattern import EventPattern
from simulator.services.event_schedule import Cron, Rate

DEFAULT_BUS = "default"
TARGETS = 5  # targets of a rule
RETRY_ATTEMPTS = (0, 185)
EVENT_AGE = (60, 86_400)  # seconds
# Direct targets in another account, which are reached by their resource policies.
CROSS_ACCOUNT = ("sqs", "lambda", "sns", "events")
DELIVERED = ("lambda", "sqs", "sns", "logs", "events", "states")


@dataclass(slots=True)
class Rule:
    """A rule of a bus: a pattern or a schedule, and its targets by id."""

    account: str
    region: str
    bus: str
    name: str
    arn: str
    state: str
    description: str | None = None
    role_arn: str | None = None
    pattern_text: str | None = None
    pattern: EventPattern | None = None
    schedule_text: str | None = None
    schedule: Rate | Cron | None = None
    targets: dict[str, dict[str, Any]] = field(default_factory=dict)
    due: Due | None = None

    @property
    def enabled(self) -> bool:
        """Whether the rule takes events and keeps its schedule."""
        return self.state != "DISABLED"

    def describe(self) -> dict[str, Any]:
        """The rule as DescribeRule and ListRules show it."""
        shown = {
            "Name": self.name,
            "Arn": self.arn,
            "EventPattern": self.pattern_text,
            "ScheduleExpression": self.schedule_text,
            "State": self.state,
            "Description": self.description,
            "RoleArn": self.role_arn,
            "EventBusName": self.bus,
        }
        return {name: value for name, value in shown.items() if value is not None}


@dataclass(slots=True)
class Bus:
    """An event bus with its rules by name and its policy."""

    account: str
    region: str
    name: str
    arn: str
    created: datetime
    modified: datetime
    description: str | None = None
    statements: list[dict[str, Any]] = field(default_factory=list)
    rules: dict[str, Rule] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)

    @property
    def policy(self) -> dict[str, Any] | None:
        """The bus's resource policy; None where nobody else may do anything."""
        return {"Version": "2012-10-17", "Statement": self.statements} if self.statements else None

    def admits(self, account: str) -> bool:
        """Whether the policy names an account directly, so that a sender there needs no role."""
        return any(
            statement.get("Effect") == "Allow" and not statement.get("Condition") and _names(statement, account)
            for statement in self.statements
        )


def _names(statement: Mapping[str, Any], account: str) -> bool:
    principal = statement.get("Principal")
    named = principal.get("AWS", ()) if isinstance(principal, Mapping) else principal
    values = [named] if isinstance(named, str) else list(named or ())
    return any(value in ("*", account) or value.endswith(f"::{account}:root") for value in values)


def check_target(rule: Rule, target: Mapping[str, Any]) -> None:
    """Refuse a target as PutTargets does; raises ServiceError ValidationException."""
    try:
        event_transform.check(target)
    except event_transform.InvalidInput as error:
        raise ServiceError("ValidationException", str(error)) from error
    arn = _target_arn(target)
    _check_kind(rule, target, arn)
    retry = target.get("RetryPolicy") or {}
    for name, (low, high) in (("MaximumRetryAttempts", RETRY_ATTEMPTS), ("MaximumEventAgeInSeconds", EVENT_AGE)):
        if name in retry and not low <= retry[name] <= high:
            raise _invalid(target, f"RetryPolicy.{name} must be from {low} to {high}.")
    dead_letters = (target.get("DeadLetterConfig") or {}).get("Arn")
    if dead_letters is not None:
        _check_dead_letters(rule, target, Arn.parse(dead_letters))


def _target_arn(target: Mapping[str, Any]) -> Arn:
    try:
        return Arn.parse(target["Arn"])
    except ServiceError as error:
        raise _invalid(target, "Provided Arn is not in correct format.") from error


def _check_kind(rule: Rule, target: Mapping[str, Any], arn: Arn) -> None:
    if arn.service not in DELIVERED or (arn.service == "events" and not arn.resource.startswith("event-bus/")):
        raise not_simulated(f"targets of {arn.service}", several=True)
    if arn.service == "states" and not arn.resource.startswith("stateMachine:"):
        raise _invalid(target, "The target must be a state machine.")
    if arn.service == "states" and not target.get("RoleArn"):
        raise ServiceError("ValidationException", f"RoleArn is required for target {arn}.")
    if arn.service != "events" and arn.region != rule.region:
        raise _invalid(target, "The target must be in the Region of the rule.")
    if arn.account != rule.account:
        if arn.service not in CROSS_ACCOUNT:
            raise _invalid(target, "The target must be in the account of the rule.")
        if arn.service == "events" and any(target.get(name) is not None for name in event_transform.INPUTS):
            raise _invalid(target, "Input, InputPath and InputTransformer are not available for another account's bus.")
    if arn.service == "events" and arn == Arn.parse(bus_arn(arn.partition, rule.region, rule.account, rule.bus)):
        raise _invalid(target, "A rule cannot send events to its own event bus.")
    fifo = arn.service in ("sqs", "sns") and arn.resource.endswith(".fifo")
    if arn.service == "sqs" and fifo and not (target.get("SqsParameters") or {}).get("MessageGroupId"):
        raise ServiceError(
            "ValidationException", f"Parameter(s) SqsParameters must be specified for target: {target['Id']}."
        )


def _check_dead_letters(rule: Rule, target: Mapping[str, Any], arn: Arn) -> None:
    if arn.service != "sqs":
        raise _invalid(target, "The dead-letter queue must be an Amazon SQS queue.")
    if arn.region != rule.region:
        raise _invalid(target, "The dead-letter queue must be in the Region of the rule.")
    if arn.resource.endswith(".fifo"):
        raise _invalid(target, "The dead-letter queue must be a standard queue.")


def _invalid(target: Mapping[str, Any], reason: str) -> ServiceError:
    return ServiceError("ValidationException", f"Parameter {target['Id']} is not valid. Reason: {reason}")


def bus_arn(partition: str, region: str, account: str, name: str) -> str:
    """Return an event bus's ARN."""
    return f"arn:{partition}:events:{region}:{account}:event-bus/{name}"


def rule_arn(partition: str, region: str, account: str, bus: str, name: str) -> str:
    """Return a rule's ARN; rules of the default bus do not name it."""
    path = name if bus == DEFAULT_BUS else f"{bus}/{name}"
    return f"arn:{partition}:events:{region}:{account}:rule/{path}"
