"""Amazon EventBridge of the local organisation: rules, targets, events and schedules.

moto's EventBridge matches no arrays of objects, delivers to few targets, fires no schedule and
checks no policy. Source: EventBridge User Guide and API Reference.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from simulator.call import Call, Caller, ServiceError
from simulator.services import event_pattern, event_schedule
from simulator.services.event_arn import Arn, account_in
from simulator.services.event_buses import EventBuses
from simulator.services.event_delivery import Attempt, Delivery, Dropped, iso_time
from simulator.services.event_entries import event_of, fault_of, refuse_whole
from simulator.services.event_pattern import EventPattern
from simulator.services.event_rule import DEFAULT_BUS, TARGETS, Bus, Rule, check_target, rule_arn
from simulator.world import partition_of

if TYPE_CHECKING:
    from simulator.world import World

RULES = 300  # rules of a bus, the default quota


class Events(EventBuses):
    """EventBridge: what happens in an account reaches the targets of the rules that match it."""

    name = "events"
    whole = True

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.delivery = Delivery(world, self._forward)
        self._seen: Counter[str] = Counter()

    @property
    def dropped(self) -> list[Dropped]:
        """The events that reached neither target nor dead-letter queue."""
        return self.delivery.dropped

    def emit(
        self,
        account: str,
        region: str,
        source: str,
        detail_type: str,
        detail: Mapping[str, Any],
        resources: Sequence[str] = (),
        time: datetime | None = None,
    ) -> str:
        """Put a service's event on an account's default bus and return its id.

        Its id follows from what the event says and how often the same was said.
        """
        body: dict[str, Any] = json.loads(json.dumps(detail, default=str))
        event = self._envelope(account, region, source, detail_type, body, resources, time)
        self._route(self._of(account, region)[DEFAULT_BUS], event, forwarded=False)
        return str(event["id"])

    def put_rule(self, call: Call) -> dict[str, Any]:
        """Create or replace a rule; its targets and tags stay."""
        parameters = call.parameters
        bus = self.bus(call, parameters.get("EventBusName"))
        text, schedule = parameters.get("EventPattern"), parameters.get("ScheduleExpression")
        if not text and not schedule:
            raise ServiceError(
                "ValidationException", "Parameter(s) EventPattern or ScheduleExpression must be specified."
            )
        if schedule and bus.name != DEFAULT_BUS:
            raise ServiceError("ValidationException", "ScheduleExpression is supported only on the default event bus.")
        if text:
            event_pattern.check(text)
        name = parameters["Name"]
        known = bus.rules.get(name)
        if known is None and len(bus.rules) >= RULES:
            raise ServiceError("LimitExceededException", "The requested resource exceeds the maximum number allowed.")
        rule = Rule(
            bus.account,
            bus.region,
            bus.name,
            name,
            rule_arn(partition_of(bus.region), bus.region, bus.account, bus.name, name),
            parameters.get("State") or "ENABLED",
            parameters.get("Description"),
            parameters.get("RoleArn"),
            text or None,
            EventPattern.parse(text) if text else None,
            schedule or None,
            _schedule(schedule) if schedule else None,
            known.targets if known else {},
        )
        if known is not None:
            self._unschedule(known)
        else:
            self._tag(rule.arn, parameters.get("Tags"))
        bus.rules[name] = rule
        self._reschedule(rule)
        return {"RuleArn": rule.arn}

    def describe_rule(self, call: Call) -> dict[str, Any]:
        """Describe a rule."""
        rule = self._rule(call, call.parameters["Name"])
        return {**rule.describe(), "CreatedBy": rule.account}

    def list_rules(self, call: Call) -> dict[str, Any]:
        """List a bus's rules whose names begin with a prefix."""
        bus, prefix = self.bus(call, call.parameters.get("EventBusName")), call.parameters.get("NamePrefix") or ""
        return self.paged(
            "Rules", [bus.rules[name].describe() for name in sorted(bus.rules) if name.startswith(prefix)], call
        )

    def delete_rule(self, call: Call) -> dict[str, Any]:
        """Delete a rule that has no targets; one that is not there is no error."""
        bus, name = self.bus(call, call.parameters.get("EventBusName")), call.parameters["Name"]
        rule = bus.rules.get(name)
        if rule is not None:
            if rule.targets:
                raise ServiceError("ValidationException", "Rule can't be deleted since it has targets.")
            self._unschedule(rule)
            self._tags.pop(rule.arn, None)
            del bus.rules[name]
        return {}

    def enable_rule(self, call: Call) -> dict[str, Any]:
        """Enable a rule; a rate begins anew."""
        return self._set_state(call, "ENABLED")

    def disable_rule(self, call: Call) -> dict[str, Any]:
        """Disable a rule: it takes no events and its schedule stops."""
        return self._set_state(call, "DISABLED")

    def put_targets(self, call: Call) -> dict[str, Any]:
        """Add or replace targets of a rule; all of them or, where one is refused, none."""
        rule = self._rule(call, call.parameters["Rule"])
        targets = dict(rule.targets)
        for target in call.parameters["Targets"]:
            check_target(rule, target)
            before = targets.get(target["Id"])
            kept = {}
            # A put without a role does not remove the role of another account's bus.
            if before is not None and before["Arn"] == target["Arn"] and account_in(target["Arn"]) != rule.account:
                kept = {"RoleArn": before["RoleArn"]} if "RoleArn" in before else {}
            targets[target["Id"]] = {**kept, **target}
        if len(targets) > TARGETS:
            raise ServiceError("LimitExceededException", "The requested resource exceeds the maximum number allowed.")
        rule.targets = targets
        return {"FailedEntryCount": 0, "FailedEntries": []}

    def list_targets_by_rule(self, call: Call) -> dict[str, Any]:
        """List a rule's targets."""
        rule = self._rule(call, call.parameters["Rule"])
        return self.paged("Targets", [dict(rule.targets[name]) for name in sorted(rule.targets)], call)

    def remove_targets(self, call: Call) -> dict[str, Any]:
        """Remove targets of a rule; unknown ids are reported."""
        rule = self._rule(call, call.parameters["Rule"])
        failed = [
            {
                "TargetId": name,
                "ErrorCode": "ResourceNotFoundException",
                "ErrorMessage": f"Target {name} does not exist.",
            }
            for name in call.parameters["Ids"]
            if rule.targets.pop(name, None) is None
        ]
        return {"FailedEntryCount": len(failed), "FailedEntries": failed}

    def list_rule_names_by_target(self, call: Call) -> dict[str, Any]:
        """List the rules of a bus that have a target."""
        bus, arn = self.bus(call, call.parameters.get("EventBusName")), call.parameters["TargetArn"]
        names = [
            name for name, rule in bus.rules.items() if any(found["Arn"] == arn for found in rule.targets.values())
        ]
        return self.paged("RuleNames", sorted(names), call)

    def put_events(self, call: Call) -> dict[str, Any]:
        """Put custom events on buses; entries fail one by one, sources of AWS are refused."""
        entries = call.parameters["Entries"]
        refuse_whole(entries)
        results = [self._put(call, entry) for entry in entries]
        return {"FailedEntryCount": sum("ErrorCode" in result for result in results), "Entries": results}

    def test_event_pattern(self, call: Call) -> dict[str, Any]:
        """Whether a pattern matches an event."""
        event_pattern.check(call.parameters["EventPattern"])
        event = event_of(call.parameters["Event"])
        return {"Result": EventPattern.parse(call.parameters["EventPattern"]).matches(event)}

    def _put(self, call: Call, entry: Mapping[str, Any]) -> dict[str, Any]:
        fault = fault_of(entry)
        if fault is not None:
            return fault
        named = entry.get("EventBusName")
        addressed = replace(call, account=account_in(named) or call.caller.account)
        try:
            if addressed.account != call.account:  # the door authorised the bus of the first entry
                self.world.door.authorize(replace(addressed, parameters={"Entries": [dict(entry)]}))
            bus = self.bus(addressed, named)
        except ServiceError as error:
            return {"ErrorCode": error.code, "ErrorMessage": error.message}
        event = self._envelope(
            call.caller.account,
            call.region,
            entry["Source"],
            entry["DetailType"],
            json.loads(entry["Detail"]),
            entry.get("Resources") or (),
            entry.get("Time"),
        )
        self._route(bus, event, forwarded=False)
        return {"EventId": event["id"]}

    def _envelope(
        self,
        account: str,
        region: str,
        source: str,
        detail_type: str,
        detail: Mapping[str, Any],
        resources: Sequence[str],
        time: datetime | None,
    ) -> dict[str, Any]:
        event: dict[str, Any] = {
            "version": "0",
            "id": "",
            "detail-type": detail_type,
            "source": source,
            "account": account,
            "time": iso_time(time or self.world.agenda.now()),
            "region": region,
            "resources": list(resources),
            "detail": detail,
        }
        content = json.dumps(event, sort_keys=True)
        self._seen[content] += 1
        digest = hashlib.blake2b(f"{content}#{self._seen[content]}".encode(), digest_size=16).hexdigest()
        event["id"] = f"{digest[:8]}-{digest[8:12]}-{digest[12:16]}-{digest[16:20]}-{digest[20:]}"
        return event

    def _route(self, bus: Bus, event: Mapping[str, Any], *, forwarded: bool) -> None:
        for name in sorted(bus.rules):
            rule = bus.rules[name]
            if rule.enabled and rule.pattern is not None and rule.pattern.matches(event):
                self._deliver(rule, event, forwarded=forwarded)

    def _deliver(self, rule: Rule, event: Mapping[str, Any], *, forwarded: bool) -> None:
        for identifier in sorted(rule.targets):
            self.delivery.send(rule, rule.targets[identifier], event, forwarded=forwarded)

    def _forward(self, attempt: Attempt, arn: Arn, caller: Caller) -> None:
        """Hand an event to another bus; account and Region in it stay the sender's."""
        bus = self._of(arn.account, arn.region).get(arn.resource.removeprefix("event-bus/"))
        if bus is None:
            raise ServiceError("ResourceNotFoundException", f"Event bus {arn} does not exist.", 404)
        if caller.kind != "service":
            entry = {
                "EventBusName": bus.arn,
                "Source": attempt.event["source"],
                "DetailType": attempt.event["detail-type"],
                "Detail": json.dumps(attempt.event["detail"]),
            }
            put = Call("events", "PutEvents", {"Entries": [entry]}, arn.region, arn.partition, arn.account, caller)
            self.world.door.authorize(put)
        elif arn.account != attempt.rule.account and not bus.admits(attempt.rule.account):
            # Without a role only a grant to the account itself counts, not one to its organization.
            raise ServiceError("AccessDeniedException", f"Not authorized to put events on {bus.arn}.", 403)
        self._route(bus, attempt.event, forwarded=True)

    def _rule(self, call: Call, name: str) -> Rule:
        bus = self.bus(call, call.parameters.get("EventBusName"))
        rule = bus.rules.get(name)
        if rule is None:
            raise ServiceError("ResourceNotFoundException", f"Rule {name} does not exist on EventBus {bus.name}.")
        return rule

    def _set_state(self, call: Call, state: str) -> dict[str, Any]:
        rule = self._rule(call, call.parameters["Name"])
        if rule.state != state:
            rule.state = state
            self._unschedule(rule)
            self._reschedule(rule)
        return {}

    def _unschedule(self, rule: Rule) -> None:
        if rule.due is not None:
            rule.due.cancelled = True
            rule.due = None

    def _reschedule(self, rule: Rule) -> None:
        """Enter a scheduled rule's next time; it is background work, an organisation at rest still has schedules."""
        following = rule.schedule.after(self.world.agenda.now()) if rule.schedule and rule.enabled else None
        if following is not None:
            rule.due = self.world.agenda.at(
                following, lambda: self._fire(rule), f"schedule of rule {rule.name}", background=True
            )

    def _fire(self, rule: Rule) -> None:
        event = self._envelope(rule.account, rule.region, "aws.events", "Scheduled Event", {}, (rule.arn,), None)
        self._deliver(rule, event, forwarded=False)
        self._reschedule(rule)


def _schedule(expression: str) -> event_schedule.Rate | event_schedule.Cron:
    try:
        return event_schedule.parse(expression)
    except event_schedule.InvalidSchedule as error:
        raise ServiceError("ValidationException", f"Parameter ScheduleExpression is not valid. {error}") from error
