"""Delivery of matched events to targets: attempts, retries, dead-letter queues.

Everything goes through the agenda. Source: EventBridge User Guide, "How EventBridge retries
delivering events" (24 hours, 185 attempts, backoff) and "Using dead-letter queues".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Protocol, cast

from simulator.call import Caller, ServiceError
from simulator.services import event_transform
from simulator.services.event_arn import Arn, queue_url
from simulator.services.event_failure import Failure, failure_of
from simulator.services.event_rule import EVENT_AGE, RETRY_ATTEMPTS, Rule

if TYPE_CHECKING:
    from simulator.world import World

PRINCIPAL = "events.amazonaws.com"
LATENCY = 0.25  # seconds from an event to its first attempt; AWS states about half a second end to end
LONGEST_PAUSE = 512.0  # seconds; with doubling pauses, 185 attempts fill the 24 hours


class InvokesFunctions(Protocol):
    """What the lambda service offers to services that invoke functions asynchronously."""

    def invoke_async(self, function_arn: str, payload: bytes, caller: Caller) -> None:
        """Queue an invocation; raises ServiceError without permission or function."""
        ...


@dataclass(frozen=True, slots=True)
class Dropped:
    """An event that reached neither its target nor a dead-letter queue."""

    rule_arn: str
    target_arn: str
    event_id: str
    code: str
    message: str
    at: datetime


@dataclass(slots=True)
class Attempt:
    """One event on its way to one target of a rule."""

    rule: Rule
    target: Mapping[str, Any]
    event: Mapping[str, Any]
    forwarded: bool  # it came from another bus, and is not forwarded again
    began: datetime
    made: int = 0

    @property
    def label(self) -> str:
        """What the agenda shows."""
        return f"event {self.event['detail-type']} to {self.target['Arn']}"


class Delivery:
    """Takes events from rules to targets."""

    def __init__(self, world: World, forward: Callable[[Attempt, Arn, Caller], None]) -> None:
        self.world = world
        self.forward = forward
        self.dropped: list[Dropped] = []

    def send(self, rule: Rule, target: Mapping[str, Any], event: Mapping[str, Any], *, forwarded: bool) -> None:
        """Deliver an event soon."""
        attempt = Attempt(rule, dict(target), event, forwarded, self.world.agenda.now())
        self.world.agenda.soon(lambda: self._try(attempt), attempt.label, seconds=LATENCY)

    def _try(self, attempt: Attempt) -> None:
        attempt.made += 1
        if attempt.forwarded and Arn.parse(attempt.target["Arn"]).service == "events":
            hop = "An event that an event bus received from another event bus is not forwarded again."
            self._give_up(attempt, Failure("THIRD_ACCOUNT_HOP_DETECTED", hop, retried=False), None)
            return
        try:
            self._deliver(attempt)
        except event_transform.InvalidInput as error:
            self._give_up(attempt, Failure("INVALID_JSON", str(error), retried=False), None)
        except ServiceError as error:
            self._failed(attempt, failure_of(error))

    def _failed(self, attempt: Attempt, failure: Failure) -> None:
        if not failure.retried:
            self._give_up(attempt, failure, None)
            return
        policy = attempt.target.get("RetryPolicy") or {}
        pause = min(2.0 ** (attempt.made - 1), LONGEST_PAUSE)
        age = policy.get("MaximumEventAgeInSeconds", EVENT_AGE[1])
        if attempt.made > policy.get("MaximumRetryAttempts", RETRY_ATTEMPTS[1]):
            self._give_up(attempt, failure, "MaximumRetryAttempts")
        elif self.world.agenda.now() + timedelta(seconds=pause) > attempt.began + timedelta(seconds=age):
            self._give_up(attempt, failure, "MaximumEventAgeInSeconds")
        else:
            self.world.agenda.soon(lambda: self._try(attempt), attempt.label, seconds=pause)

    def _give_up(self, attempt: Attempt, failure: Failure, exhausted: str | None) -> None:
        queue = (attempt.target.get("DeadLetterConfig") or {}).get("Arn")
        if queue is None:
            self._drop(attempt, failure.code, failure.message)
            return
        told = {
            "RULE_ARN": attempt.rule.arn,
            "TARGET_ARN": attempt.target["Arn"],
            "ERROR_CODE": failure.code,
            "ERROR_MESSAGE": failure.message or failure.code,
            "RETRY_ATTEMPTS": str(attempt.made - 1) if exhausted else None,
            "EXHAUSTED_RETRY_CONDITION": exhausted,
        }
        arn = Arn.parse(queue)
        message = {
            "QueueUrl": queue_url(arn),
            "MessageBody": event_transform.compact(attempt.event),
            "MessageAttributes": {
                name: {"DataType": "String", "StringValue": value} for name, value in told.items() if value
            },
        }
        try:
            caller = self.world.as_service(PRINCIPAL, account=attempt.rule.account, arn=attempt.rule.arn)
            self.world.call(caller, "sqs", "SendMessage", message, region=arn.region, account=arn.account)
        except ServiceError as error:
            refused = failure_of(error)
            self._drop(attempt, failure.code, f"{failure.message}; dead-letter queue: {refused.message}")

    def _drop(self, attempt: Attempt, code: str, message: str) -> None:
        self.dropped.append(
            Dropped(
                attempt.rule.arn,
                attempt.target["Arn"],
                attempt.event["id"],
                code,
                message,
                self.world.agenda.now(),
            )
        )

    def _deliver(self, attempt: Attempt) -> None:
        rule, target = attempt.rule, attempt.target
        arn = Arn.parse(target["Arn"])
        caller = self._caller(attempt)
        if arn.service == "events":
            self.forward(attempt, arn, caller)
            return
        body = event_transform.payload(
            target, attempt.event, rule_arn=rule.arn, rule_name=rule.name, now=iso_time(self.world.agenda.now())
        )
        if arn.service == "lambda":
            functions = cast("InvokesFunctions", self.world.services["lambda"])
            functions.invoke_async(str(arn), body.encode(), caller)
        elif arn.service == "sqs":
            self._call(caller, arn, "SendMessage", _message(target, arn, body))
        elif arn.service == "sns":
            self._call(caller, arn, "Publish", {"TopicArn": str(arn), "Message": body})
        elif arn.service == "states":
            started = {"stateMachineArn": str(arn), "input": body}
            place = {"region": arn.region, "account": arn.account}
            self.world.call(caller, "stepfunctions", "StartExecution", started, **place)
        else:
            self._log(caller, arn, attempt, body)

    def _log(self, caller: Caller, arn: Arn, attempt: Attempt, body: str) -> None:
        """Write an event to a log group, in a stream of its own as EventBridge does."""
        named = {
            "logGroupName": arn.resource.removeprefix("log-group:").removesuffix(":*"),
            "logStreamName": attempt.event["id"],
        }
        self._call(caller, arn, "CreateLogStream", named)
        moment = int(self.world.agenda.now().timestamp() * 1000)
        self._call(caller, arn, "PutLogEvents", {**named, "logEvents": [{"timestamp": moment, "message": body}]})

    def _call(self, caller: Caller, arn: Arn, operation: str, parameters: Mapping[str, Any]) -> None:
        self.world.call(caller, arn.service, operation, parameters, region=arn.region, account=arn.account)

    def _caller(self, attempt: Attempt) -> Caller:
        """Who delivers: the target's role where there is one, else EventBridge on behalf of the rule."""
        rule = attempt.rule
        service = self.world.as_service(PRINCIPAL, account=rule.account, arn=rule.arn)
        role = attempt.target.get("RoleArn")
        if role is None:
            return service
        session = {"RoleArn": role, "RoleSessionName": f"events-{rule.name}"[:64]}
        issued = self.world.call(service, "sts", "AssumeRole", session, region=rule.region, account=rule.account)
        return self.world.door.identities.caller(issued["Credentials"]["AccessKeyId"])


def _message(target: Mapping[str, Any], arn: Arn, body: str) -> dict[str, Any]:
    message = {"QueueUrl": queue_url(arn), "MessageBody": body}
    group = (target.get("SqsParameters") or {}).get("MessageGroupId")
    return message if group is None else {**message, "MessageGroupId": group}


def iso_time(moment: datetime) -> str:
    """Write a moment as events carry it: ISO 8601 in UTC, whole seconds."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
