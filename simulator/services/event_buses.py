"""Event buses of the local organisation: their state, policies and tags."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from simulator.call import Call, ServiceError
from simulator.service import Service
from simulator.services.event_arn import Arn, account_in
from simulator.services.event_rule import DEFAULT_BUS, Bus, Rule, bus_arn
from simulator.services.paging import paged
from simulator.world import partition_of

if TYPE_CHECKING:
    from simulator.world import World

BUSES = 100  # custom buses of an account and Region
POLICY_LENGTH = 10_240  # characters
SETTINGS = ("KmsKeyIdentifier", "DeadLetterConfig", "LogConfig")


class EventBuses(Service):
    """The operations on event buses and their permissions; every account and Region has a default bus."""

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self._buses: dict[tuple[str, str], dict[str, Bus]] = {}
        self._tags: dict[str, dict[str, str]] = {}

    def owner(self, call: Call) -> str:
        """The account of the bus or resource that an ARN names; else the caller's."""
        parameters = call.parameters
        entries: list[Mapping[str, Any]] = parameters.get("Entries") or [{}]
        # A DescribeEventBus names the bus as Name; elsewhere Name is a rule's and never an ARN.
        named = [parameters.get(name) for name in ("EventBusName", "ResourceARN", "Name")]
        found = [account_in(text) for text in (*named, entries[0].get("EventBusName")) if isinstance(text, str)]
        return next((account for account in found if account), call.caller.account)

    def resource_policy(self, arn: str) -> Mapping[str, Any] | None:
        """The policy of an event bus."""
        if arn == "*":  # actions without resources
            return None
        parsed = Arn.parse(arn)
        kind, _, name = parsed.resource.partition("/")
        bus = self._of(parsed.account, parsed.region).get(name) if kind == "event-bus" else None
        return None if bus is None else bus.policy

    def resource_tags(self, arn: str) -> Mapping[str, str]:
        """The tags of a rule or a bus."""
        return self._tags.get(arn, {})

    def create_event_bus(self, call: Call) -> dict[str, Any]:
        """Create a custom event bus."""
        name, buses = call.parameters["Name"], self._of(call.account, call.region)
        if "/" in name:
            raise ServiceError("ValidationException", "Event bus name must not contain '/'.")
        if name in buses:
            raise ServiceError("ResourceAlreadyExistsException", f"Event bus {name} already exists.")
        if len(buses) > BUSES:
            raise ServiceError("LimitExceededException", "The requested resource exceeds the maximum number allowed.")
        bus = buses[name] = self._new(call.account, call.region, name)
        self._change(bus, call.parameters)
        self._tag(bus.arn, call.parameters.get("Tags"))
        return {"EventBusArn": bus.arn, **self._described(bus, "Description", *SETTINGS)}

    def update_event_bus(self, call: Call) -> dict[str, Any]:
        """Change a bus's description, key, dead-letter queue and logging."""
        bus = self.bus(call, call.parameters.get("Name"))
        self._change(bus, call.parameters)
        return {"Arn": bus.arn, **self._described(bus, "Name", "Description", *SETTINGS)}

    def describe_event_bus(self, call: Call) -> dict[str, Any]:
        """Describe a bus, its policy included."""
        return self._shown(self.bus(call, call.parameters.get("Name")))

    def list_event_buses(self, call: Call) -> dict[str, Any]:
        """List the buses whose names begin with a prefix."""
        prefix = call.parameters.get("NamePrefix") or ""
        buses = self._of(call.account, call.region)
        return self.paged(
            "EventBuses", [self._shown(buses[name]) for name in sorted(buses) if name.startswith(prefix)], call
        )

    def delete_event_bus(self, call: Call) -> dict[str, Any]:
        """Delete a custom bus that has no rules; one that is not there is no error."""
        name = call.parameters["Name"]
        if name == DEFAULT_BUS:
            raise ServiceError("ValidationException", "Cannot delete event bus default.")
        bus = self._of(call.account, call.region).get(name)
        if bus is not None:
            if bus.rules:
                raise ServiceError("ValidationException", f"Event bus {name} can't be deleted since it has rules.")
            del self._of(call.account, call.region)[name]
            self._tags.pop(bus.arn, None)
        return {}

    def put_permission(self, call: Call) -> dict[str, Any]:
        """Set a bus's whole policy, or one statement of it."""
        parameters = call.parameters
        bus = self.bus(call, parameters.get("EventBusName"))
        text = parameters.get("Policy")
        statements = _statements(text) if text is not None else self._with_statement(bus, parameters)
        if len(text or json.dumps(statements)) > POLICY_LENGTH:
            raise ServiceError(
                "PolicyLengthExceededException", f"The policy is longer than {POLICY_LENGTH} characters."
            )
        bus.statements = statements
        bus.modified = self.world.agenda.now()
        return {}

    def remove_permission(self, call: Call) -> dict[str, Any]:
        """Remove a statement of a bus's policy, or all."""
        bus = self.bus(call, call.parameters.get("EventBusName"))
        identifier = call.parameters.get("StatementId")
        kept = [statement for statement in bus.statements if statement.get("Sid") != identifier]
        if call.parameters.get("RemoveAllPermissions"):
            kept = []
        elif len(kept) == len(bus.statements):
            raise ServiceError(
                "ResourceNotFoundException", "Statement with the provided id does not exist.", status=400
            )
        bus.statements = kept
        bus.modified = self.world.agenda.now()
        return {}

    def tag_resource(self, call: Call) -> dict[str, Any]:
        """Tag a rule or a bus."""
        self._tag(self._existing(call), call.parameters["Tags"])
        return {}

    def untag_resource(self, call: Call) -> dict[str, Any]:
        """Remove tags of a rule or a bus."""
        tags = self._tags.get(self._existing(call), {})
        for key in call.parameters["TagKeys"]:
            tags.pop(key, None)
        return {}

    def list_tags_for_resource(self, call: Call) -> dict[str, Any]:
        """List the tags of a rule or a bus."""
        tags = self._tags.get(self._existing(call), {})
        return {"Tags": [{"Key": key, "Value": tags[key]} for key in sorted(tags)]}

    def bus(self, call: Call, named: str | None) -> Bus:
        """Find a bus of the call's account and Region by name or ARN; raises ResourceNotFoundException."""
        name = (named or DEFAULT_BUS).rsplit("event-bus/", 1)[-1]
        found = self._of(call.account, call.region).get(name)
        if found is None:
            raise ServiceError("ResourceNotFoundException", f"Event bus {name} does not exist.")
        return found

    def paged(self, name: str, items: list[Any], call: Call) -> dict[str, Any]:
        """Return one page; EventBridge calls its size Limit."""
        asked = {key: value for key, value in call.parameters.items() if key != "Limit"}
        return paged(name, items, {**asked, "MaxResults": call.parameters.get("Limit")})

    def rule_of(self, arn: str) -> Rule | None:
        """Find a rule by its ARN."""
        parsed = Arn.parse(arn)
        bus, _, name = parsed.resource.removeprefix("rule/").rpartition("/")
        found = self._of(parsed.account, parsed.region).get(bus or DEFAULT_BUS)
        return None if found is None else found.rules.get(name)

    def _of(self, account: str, region: str) -> dict[str, Bus]:
        if (account, region) not in self._buses:
            self._buses[account, region] = {DEFAULT_BUS: self._new(account, region, DEFAULT_BUS)}
        return self._buses[account, region]

    def _new(self, account: str, region: str, name: str) -> Bus:
        now = self.world.agenda.now()
        return Bus(account, region, name, bus_arn(partition_of(region), region, account, name), now, now)

    def _change(self, bus: Bus, parameters: Mapping[str, Any]) -> None:
        bus.description = parameters.get("Description", bus.description)
        bus.settings |= {name: parameters[name] for name in SETTINGS if parameters.get(name) is not None}
        bus.modified = self.world.agenda.now()

    def _shown(self, bus: Bus) -> dict[str, Any]:
        shown = self._described(bus, "Name", "Arn", "Description", "CreationTime", "LastModifiedTime", *SETTINGS)
        return shown if bus.policy is None else {**shown, "Policy": json.dumps(bus.policy, separators=(",", ":"))}

    def _described(self, bus: Bus, *names: str) -> dict[str, Any]:
        known = {
            "Name": bus.name,
            "Arn": bus.arn,
            "Description": bus.description,
            "CreationTime": bus.created,
            "LastModifiedTime": bus.modified,
            **bus.settings,
        }
        return {name: known[name] for name in names if known.get(name) is not None}

    def _with_statement(self, bus: Bus, parameters: Mapping[str, Any]) -> list[dict[str, Any]]:
        missing = [name for name in ("Action", "Principal", "StatementId") if not parameters.get(name)]
        if missing:
            raise ServiceError("ValidationException", f"Parameter(s) {', '.join(missing)} must be specified.")
        principal, condition = parameters["Principal"], parameters.get("Condition")
        partition = partition_of(bus.region)
        statement: dict[str, Any] = {
            "Sid": parameters["StatementId"],
            "Effect": "Allow",
            "Principal": "*" if principal == "*" else {"AWS": f"arn:{partition}:iam::{principal}:root"},
            "Action": parameters["Action"],
            "Resource": bus.arn,
        }
        if condition is not None:
            statement["Condition"] = {condition["Type"]: {condition["Key"]: condition["Value"]}}
        others = [kept for kept in bus.statements if kept.get("Sid") != parameters["StatementId"]]
        return [*others, statement]

    def _existing(self, call: Call) -> str:
        arn = str(call.parameters["ResourceARN"])
        resource = Arn.parse(arn).resource
        if resource.startswith("event-bus/"):
            self.bus(call, arn)
        elif self.rule_of(arn) is None:
            name = resource.rsplit("/", 1)[-1]
            raise ServiceError("ResourceNotFoundException", f"Rule {name} does not exist on EventBus default.")
        return arn

    def _tag(self, arn: str, tags: list[Mapping[str, str]] | None) -> None:
        if tags:
            self._tags.setdefault(arn, {}).update({tag["Key"]: tag["Value"] for tag in tags})


def _statements(text: str) -> list[dict[str, Any]]:
    """Read a bus policy; raises ValidationException where it is no policy document."""
    try:
        document = json.loads(text)
    except json.JSONDecodeError as error:
        raise ServiceError("ValidationException", f"The policy is not valid JSON: {error}") from error
    statements = document.get("Statement") if isinstance(document, dict) else None
    listed = [statements] if isinstance(statements, dict) else statements
    if not isinstance(listed, list) or not all(isinstance(statement, dict) for statement in listed):
        raise ServiceError("ValidationException", "The policy has no list of statements.")
    for statement in listed:
        if "Effect" not in statement or "Principal" not in statement or "Action" not in statement:
            raise ServiceError("ValidationException", "Every statement needs Effect, Principal and Action.")
    return listed
