"""When a rule is evaluated: on a change, on a schedule, on request, and by what.

Source: AWS Config developer guide, "Example AWS Lambda functions and events for AWS Config rules".
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Protocol, cast

from simulator.call import Call, Caller, ServiceError
from simulator.services.config_evaluations import NOT_APPLICABLE, Evaluations
from simulator.services.config_items import OVERSIZED_BYTES, Item, Items
from simulator.services.config_managed import MODELS
from simulator.services.config_rules import CHANGE, OVERSIZED, PRINCIPAL, SCHEDULED, SNAPSHOT, Rule, Rules
from simulator.services.config_snapshots import stamp

if TYPE_CHECKING:
    from simulator.services.config_recorder import Recorders
    from simulator.world import World

INVOKE_SECONDS = 10.0
PAUSE = timedelta(minutes=1)


class Invokes(Protocol):
    """The part of Lambda that other services invoke functions through."""

    def invoke_async(self, function_arn: str, payload: bytes, caller: Caller) -> None:
        """Accept an event for a function; raises ServiceError where the caller may not, or nothing is there."""
        ...


class Triggers:
    """What makes rules look at resources."""

    def __init__(self, world: World, recorders: Recorders, items: Items, evaluations: Evaluations) -> None:
        self.world = world
        self._recorders, self._items, self._evaluations = recorders, items, evaluations
        self.rules: Rules  # set by the service: rules and triggers know each other

    def put(self, rule: Rule) -> None:
        """A rule is new or has changed: evaluate what is recorded, and start its schedule."""
        rule.status.setdefault("FirstActivatedTime", self.world.agenda.now())
        if rule.due is not None:
            rule.due.cancelled = True
        rule.due = None
        self._soon(rule, lambda: self._evaluate(rule))
        if rule.period is not None:
            self._schedule(rule, rule.period)

    def deleted(self, rule: Rule) -> None:
        """A rule is gone: so are its schedule and its results."""
        if rule.due is not None:
            rule.due.cancelled = True
        self._evaluations.forget(rule)

    def changed(self, item: Item) -> None:
        """A configuration item was written: evaluate it by the rules in whose scope it lies."""
        for rule in list(self.rules.of(item.account, item.region).values()):
            if CHANGE not in rule.messages and OVERSIZED not in rule.messages:
                continue
            left = rule.left(item)
            if rule.covers(item) or left:
                self._soon(rule, lambda rule=rule, left=left: self._judge(rule, item, left=left))  # type: ignore[misc]

    def delivered(self, account: str, region: str, message: dict[str, Any]) -> None:
        """A configuration snapshot has been delivered: tell the rules that wait for one."""
        for rule in list(self.rules.of(account, region).values()):
            if SNAPSHOT in rule.messages:
                self._soon(rule, lambda rule=rule: self._invoke(rule, message, left=False))  # type: ignore[misc]

    def start_config_rules_evaluation(self, call: Call) -> dict[str, Any]:
        """Evaluate rules against the last recorded state; at most once a minute per rule."""
        chosen = self.rules.named(call)
        now = self.world.agenda.now()
        for rule in chosen:
            if rule.evaluated is not None and now - rule.evaluated < PAUSE:
                raise ServiceError(
                    "LimitExceededException",
                    f"An evaluation of the rule {rule.name} was started less than a minute ago.",
                )
        for rule in chosen:
            rule.evaluated = now
            self._soon(rule, lambda rule=rule: self._evaluate(rule))  # type: ignore[misc]
        return {}

    def _soon(self, rule: Rule, action: Callable[[], None]) -> None:
        def act() -> None:
            if self.rules.of(rule.account, rule.region).get(rule.name) is rule:
                action()

        self.world.agenda.soon(act, f"config: rule {rule.name}", seconds=INVOKE_SECONDS)

    def _schedule(self, rule: Rule, period: int) -> None:
        def act() -> None:
            self._scheduled(rule)
            self._schedule(rule, period)

        rule.due = self.world.agenda.soon(act, f"config: schedule of {rule.name}", seconds=period, background=True)

    def _evaluate(self, rule: Rule) -> None:
        if SCHEDULED in rule.messages:
            self._scheduled(rule)
        if CHANGE in rule.messages:
            for item in list(self._items.last(rule.account, rule.region)):
                if rule.covers(item):
                    self._judge(rule, item, left=False)

    def _scheduled(self, rule: Rule) -> None:
        if not rule.custom:
            for item in list(self._items.last(rule.account, rule.region)):
                if rule.covers(item):
                    self._judge_managed(rule, item)
            self._unmodelled(rule)
            return
        self._invoke(rule, {"awsAccountId": rule.account, **self._envelope(SCHEDULED, "1.0")}, left=False)

    def _judge(self, rule: Rule, item: Item, *, left: bool) -> None:
        if not rule.custom:
            self._judge_managed(rule, item)
            self._unmodelled(rule)
        else:
            message = {"configurationItemDiff": item.difference, "configurationItem": item.event}
            if len(json.dumps(item.event, default=str)) <= OVERSIZED_BYTES:
                if CHANGE in rule.messages:
                    self._invoke(rule, {**message, **self._envelope(CHANGE, "1.3")}, left=left)
            elif OVERSIZED in rule.messages:
                self._invoke(rule, {**self._oversized(item), **self._envelope(OVERSIZED, "1.0")}, left=left)
        if item.deleted or left:
            self._remove(rule, item)

    def _remove(self, rule: Rule, item: Item) -> None:
        """Config itself drops the result of a resource that is gone or has left the scope of a rule by change."""
        if (item.type, item.snapshot.id) in self._evaluations.of(rule.account, rule.region, rule.name):
            now = self.world.agenda.now()
            self._evaluations.store(rule, item.type, item.snapshot.id, NOT_APPLICABLE, None, now, now)

    def _envelope(self, message_type: str, version: str) -> dict[str, Any]:
        return {
            "notificationCreationTime": stamp(self.world.agenda.now()),
            "messageType": message_type,
            "recordVersion": version,
        }

    def _oversized(self, item: Item) -> dict[str, Any]:
        bucket = self._recorders.bucket(item.account, item.region)
        day = item.captured.strftime("%Y/%-m/%-d")
        where = f"{bucket}/AWSLogs/{item.account}/Config/{item.region}/{day}/OversizedChangeNotification"
        return {
            "configurationItemSummary": {"changeType": item.difference["changeType"], **item.summary},
            "s3DeliverySummary": {
                "s3BucketLocation": f"{where}/{item.type}/{item.snapshot.id}.json.gz" if bucket else None,
                "errorCode": None,
                "errorMessage": None,
            },
        }

    def _invoke(self, rule: Rule, message: dict[str, Any], *, left: bool) -> None:
        recorder = self._recorders.find(rule.account, rule.region)
        event = {
            "version": "1.0",
            "invokingEvent": json.dumps(message, default=str),
            "ruleParameters": rule.parameters,
            "resultToken": self._evaluations.ticket(rule),
            "eventLeftScope": left,
            "executionRoleArn": None if recorder is None else recorder.role,
            "configRuleArn": rule.arn,
            "configRuleName": rule.name,
            "configRuleId": rule.id,
            "accountId": rule.account,
        }
        caller = self.world.as_service(PRINCIPAL, account=rule.account, arn=rule.arn)
        now = self.world.agenda.now()
        try:
            cast("Invokes", self.world.services["lambda"]).invoke_async(rule.source, json.dumps(event).encode(), caller)
        except ServiceError as error:
            rule.status |= {
                "LastFailedInvocationTime": now,
                "LastErrorCode": error.code,
                "LastErrorMessage": error.message,
            }
        else:
            rule.status["LastSuccessfulInvocationTime"] = now

    def _judge_managed(self, rule: Rule, item: Item) -> None:
        model = MODELS.get(rule.source)
        if model is None or item.deleted or not rule.covers(item):
            return
        now = self.world.agenda.now()
        compliance, annotation = model(item, json.loads(rule.parameters))
        self._evaluations.store(rule, item.type, item.snapshot.id, compliance, annotation, item.captured, now)
        rule.status |= {"LastSuccessfulInvocationTime": now, "LastSuccessfulEvaluationTime": now}

    def _unmodelled(self, rule: Rule) -> None:
        """Say so where no model of a managed rule exists: silence would look like compliance."""
        if rule.source not in MODELS:
            rule.status |= {
                "LastFailedEvaluationTime": self.world.agenda.now(),
                "LastErrorCode": "NotSimulated",
                "LastErrorMessage": f"The local organisation has no model of the managed rule {rule.source}: "
                "no resource has been evaluated.",
            }
