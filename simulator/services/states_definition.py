"""The definition of a state machine: read, and refused with every reason at once.

Source: Amazon States Language; Step Functions API Reference, "CreateStateMachine" and "ValidateStateMachineDefinition".
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from simulator.call import ServiceError
from simulator.services import states_fields as fields
from simulator.services.states_choice import KINDS, OPERATORS, TESTS, moment
from simulator.services.states_errors import ALL
from simulator.services.states_resources import Resource, ResourceError, member_name, parse

SCHEMA, TARGET, DUPLICATE = "SCHEMA_VALIDATION_FAILED", "MISSING_TRANSITION_TARGET", "DUPLICATE_STATE_NAME"
NO_END, NO_JSON = "MISSING_END_STATE", "INVALID_JSON_DESCRIPTION"
NAME = 80  # characters of a state's name
TEMPLATES = ("Parameters", "ResultSelector", "ItemSelector", "Credentials")
# What an integration cannot do without.
NEEDED = {"Invoke": "FunctionName", "SendMessage": "QueueUrl", "StartExecution": "StateMachineArn"}


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong with a definition, and where."""

    code: str
    message: str
    location: str

    def __str__(self) -> str:
        return f"{self.code}: {self.message} at {self.location}"

    def diagnostic(self) -> dict[str, str]:
        """The fault as ValidateStateMachineDefinition tells it."""
        return {"severity": "ERROR", "code": self.code, "message": self.message, "location": self.location}


def read(text: str, partition: str, region: str) -> dict[str, Any]:
    """Read a definition; raises ServiceError InvalidDefinition with everything that is wrong."""
    found = faults(text, partition, region)
    if found:
        why = ", ".join(map(str, found))
        raise ServiceError("InvalidDefinition", f"Invalid State Machine Definition: '{why}'")
    definition: dict[str, Any] = json.loads(text)
    return definition


def faults(text: str, partition: str, region: str) -> list[Fault]:
    """Everything that is wrong with a definition; raises ServiceError for what is right and not simulated."""
    try:
        definition = json.loads(text)
    except json.JSONDecodeError as error:
        return [Fault(NO_JSON, f"The definition is no JSON: {error}", "/")]
    if not isinstance(definition, dict):
        return [Fault(SCHEMA, "The definition must be an object", "/")]
    reader = _Reader(partition, region)
    found = [*reader.machine(definition, "", fields.MACHINE)]
    repeated = (name for name, times in reader.names.items() if times > 1)
    return found + [Fault(DUPLICATE, f"The state name {name!r} is not unique", "/States") for name in repeated]


class _Reader:
    """Looks through one definition."""

    def __init__(self, partition: str, region: str) -> None:
        self.partition = partition
        self.region = region
        self.names: Counter[str] = Counter()

    def machine(self, given: Mapping[str, Any], at: str, known: frozenset[str]) -> Iterator[Fault]:
        """Look through a machine: the definition itself, a branch, an item processor."""
        yield from _fields(given, known, at)
        _refuse_languages(given)
        states, start = given.get("States"), given.get("StartAt")
        if not isinstance(states, dict) or not states:
            yield Fault(SCHEMA, "The field 'States' is required and must be a non-empty object", f"{at}/States")
            return
        self.names.update(states.keys())
        if not _names(start, states):
            yield Fault(TARGET, f"Missing 'StartAt' target: {start}", f"{at}/StartAt")
        for name, state in states.items():
            place = f"{at}/States/{name}"
            if len(name) > NAME:
                yield Fault(SCHEMA, f"A state's name has at most {NAME} characters", place)
            if not isinstance(state, dict):
                yield Fault(SCHEMA, "A state must be an object", place)
            else:
                yield from self.state(state, states, place)
        yield from _unreached(states, start, at)

    def state(self, state: Mapping[str, Any], states: Mapping[str, Any], at: str) -> Iterator[Fault]:
        """Look through one state."""
        kind = state.get("Type")
        known = fields.FIELDS.get(kind) if isinstance(kind, str) else None
        if known is None:
            yield Fault(SCHEMA, f"{kind!r} is no type of state; there are {', '.join(fields.FIELDS)}", f"{at}/Type")
            return
        _refuse_languages(state)
        yield from _fields(state, known, at)
        for name in fields.REQUIRED.get(str(kind), ()):
            if name not in state:
                yield Fault(SCHEMA, f"The field '{name}' is required but was missing", at)
        for group in fields.EITHER:
            if sum(name in state for name in group) > 1:
                yield Fault(SCHEMA, f"There can be one alone of {', '.join(group)}", at)
        if "End" in known and not {"Next", "End"} & set(state):
            yield Fault(SCHEMA, "One of 'Next' and 'End' is required", at)
        yield from _targets(state, states, at)
        for name in TEMPLATES:
            if name in state:
                yield from _template(state[name], f"{at}/{name}")
        yield from _handlers(state, states, at)
        look = getattr(self, f"_{str(kind).lower()}", None)
        if look is not None:
            yield from look(state, states, at)

    def _task(self, state: Mapping[str, Any], states: Mapping[str, Any], at: str) -> Iterator[Fault]:
        credentials = state.get("Credentials", {"RoleArn": ""})
        if not isinstance(credentials, dict) or not {"RoleArn", "RoleArn.$"} & set(credentials):
            yield Fault(SCHEMA, "The field 'RoleArn' is required but was missing", f"{at}/Credentials")
        given = state.get("Resource")
        if not isinstance(given, str):
            return
        try:
            resource = parse(given, self.partition, self.region)
        except ResourceError as error:
            yield Fault(SCHEMA, str(error), f"{at}/Resource")
            return
        if _seconds(state, "HeartbeatSeconds", 0) >= _seconds(state, "TimeoutSeconds", fields.LONGEST):
            yield Fault(SCHEMA, "HeartbeatSeconds must be smaller than TimeoutSeconds", at)
        if resource.kind != "function":
            yield from _arguments(resource, state.get("Parameters", {}), at)

    def _wait(self, state: Mapping[str, Any], states: Mapping[str, Any], at: str) -> Iterator[Fault]:
        if not {"Seconds", "SecondsPath", "Timestamp", "TimestampPath"} & set(state):
            yield Fault(SCHEMA, "One of Seconds, SecondsPath, Timestamp and TimestampPath is required", at)

    def _choice(self, state: Mapping[str, Any], states: Mapping[str, Any], at: str) -> Iterator[Fault]:
        rules = state.get("Choices")
        if not isinstance(rules, list) or not rules:
            yield Fault(SCHEMA, "The field 'Choices' must be a non-empty list", f"{at}/Choices")
            return
        for number, rule in enumerate(rules):
            yield from _rule(rule, states, f"{at}/Choices[{number}]", top=True)

    def _parallel(self, state: Mapping[str, Any], states: Mapping[str, Any], at: str) -> Iterator[Fault]:
        branches = state.get("Branches")
        if not isinstance(branches, list) or not all(isinstance(one, dict) for one in branches):
            yield Fault(SCHEMA, "The field 'Branches' must be a list of objects", f"{at}/Branches")
            return
        for number, branch in enumerate(branches):
            yield from self.machine(branch, f"{at}/Branches[{number}]", fields.BRANCH)

    def _map(self, state: Mapping[str, Any], states: Mapping[str, Any], at: str) -> Iterator[Fault]:
        name = "Iterator" if "Iterator" in state else "ItemProcessor"
        processor = state.get(name)
        if not isinstance(processor, dict):
            yield Fault(SCHEMA, "The field 'ItemProcessor' is required and must be an object", at)
            return
        config = processor.get("ProcessorConfig")
        mode = config.get("Mode", "INLINE") if isinstance(config, dict) else "INLINE"
        if mode != "INLINE":
            raise ServiceError("NotImplemented", f"a Map of mode {mode}: not simulated in states", 501)
        yield from self.machine(processor, f"{at}/{name}", fields.PROCESSOR)


def _refuse_languages(given: Mapping[str, Any]) -> None:
    """Refuse what is right in AWS and not simulated, by name."""
    language = given.get("QueryLanguage", "JSONPath")
    beyond = sorted(fields.NOT_SIMULATED & set(given))
    if language != "JSONPath" or beyond:
        what = f"the query language {language}" if language != "JSONPath" else f"the field {beyond[0]}"
        raise ServiceError("NotImplemented", f"{what}: not simulated in states (docs/local-organisation.md)", 501)


def _fields(given: Mapping[str, Any], known: frozenset[str], at: str) -> Iterator[Fault]:
    for name, value in given.items():
        if name not in known and name not in fields.NOT_SIMULATED:
            yield Fault(SCHEMA, f"Field '{name}' is not supported", f"{at}/{name}")
        elif why := fields.fault(name, value):
            yield Fault(SCHEMA, f"The field '{name}' {why}", f"{at}/{name}")


def _targets(state: Mapping[str, Any], states: Mapping[str, Any], at: str) -> Iterator[Fault]:
    for name in ("Next", "Default"):
        if name in state and not _names(state[name], states):
            yield Fault(TARGET, f"Missing '{name}' target: {state[name]}", f"{at}/{name}")


def _handlers(state: Mapping[str, Any], states: Mapping[str, Any], at: str) -> Iterator[Fault]:
    for field, known in (("Retry", fields.RETRIER), ("Catch", fields.CATCHER)):
        handlers = state.get(field, [])
        if not isinstance(handlers, list) or not all(isinstance(one, dict) for one in handlers):
            yield Fault(SCHEMA, f"The field '{field}' must be a list of objects", f"{at}/{field}")
            continue
        for number, handler in enumerate(handlers):
            place = f"{at}/{field}[{number}]"
            yield from _fields(handler, known, place)
            names = handler.get("ErrorEquals")
            if names is None:
                yield Fault(SCHEMA, "The field 'ErrorEquals' is required but was missing", place)
            elif isinstance(names, list) and ALL in names and (len(names) > 1 or number < len(handlers) - 1):
                yield Fault(SCHEMA, f"{ALL} must stand alone, in the last entry", place)
            if _seconds(handler, "MaxDelaySeconds", fields.LONGEST) <= _seconds(handler, "IntervalSeconds", 0):
                yield Fault(SCHEMA, "MaxDelaySeconds must be greater than IntervalSeconds", place)
            if field == "Catch" and not _names(handler.get("Next"), states):
                yield Fault(TARGET, f"Missing 'Next' target: {handler.get('Next')}", f"{place}/Next")


def _template(value: Any, at: str) -> Iterator[Fault]:
    if isinstance(value, dict):
        for key, member in value.items():
            if not key.endswith(".$"):
                yield from _template(member, f"{at}/{key}")
            elif why := fields.template_fault(key, member):
                yield Fault(SCHEMA, why, f"{at}/{key}")
    elif isinstance(value, list):
        for number, member in enumerate(value):
            yield from _template(member, f"{at}[{number}]")


def _arguments(resource: Resource, parameters: Any, at: str) -> Iterator[Fault]:
    """Look at the names of a task's parameters: the operation's, as the integration writes them."""
    if not isinstance(parameters, dict):
        yield Fault(SCHEMA, "The field 'Parameters' must be an object", f"{at}/Parameters")
        return
    shape = resource.model.input_shape
    members = {} if shape is None else shape.members
    native = resource.kind == "optimised" and resource.service != "stepfunctions"
    known = {name if native else member_name(name) for name in members}
    given = {name.removesuffix(".$") for name in parameters}
    for name in sorted(given - known):
        yield Fault(SCHEMA, f"The field '{name}' is not supported by Step Functions", f"{at}/Parameters")
    needed = NEEDED.get(resource.operation) if resource.kind == "optimised" else None
    if needed is not None and needed not in given:
        yield Fault(SCHEMA, f"The field '{needed}' is required but was missing", f"{at}/Parameters")
    if resource.callback and "$$.Task.Token" not in json.dumps(parameters):
        yield Fault(SCHEMA, "A task that waits for its token must hand on $$.Task.Token", f"{at}/Parameters")


def _rule(rule: Any, states: Mapping[str, Any], at: str, *, top: bool) -> Iterator[Fault]:
    if not isinstance(rule, dict):
        yield Fault(SCHEMA, "A choice rule must be an object", at)
        return
    _refuse_languages(rule)
    yield from _fields(rule, fields.RULE | OPERATORS, at)
    if top and not _names(rule.get("Next"), states):
        yield Fault(TARGET, f"Missing 'Next' target: {rule.get('Next')}", f"{at}/Next")
    if not top and "Next" in rule:
        yield Fault(SCHEMA, "'Next' belongs to a top-level rule", at)
    operators = sorted({"And", "Or", "Not", *OPERATORS} & set(rule))
    if len(operators) != 1 or (operators[0] in OPERATORS) != ("Variable" in rule):
        yield Fault(SCHEMA, "A choice rule has And, Or or Not, or a Variable and one comparison operator", at)
        return
    name, value = operators[0], rule[operators[0]]
    if name in ("And", "Or"):
        if not isinstance(value, list) or not value:
            yield Fault(SCHEMA, f"The field '{name}' must be a non-empty list", f"{at}/{name}")
            return
        for number, one in enumerate(value):
            yield from _rule(one, states, f"{at}/{name}[{number}]", top=False)
    elif name == "Not":
        yield from _rule(value, states, f"{at}/Not", top=False)
    elif not _operand(name, value):
        yield Fault(SCHEMA, f"The value of '{name}' has the wrong type", f"{at}/{name}")


def _operand(name: str, value: Any) -> bool:
    if name.endswith("Path"):
        return fields.fault("Variable", value) is None
    if name in TESTS or name.startswith("Boolean"):
        return isinstance(value, bool)
    kind = next((kind for kind in KINDS if name.startswith(kind)), "String")
    if kind == "Numeric":
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    return moment(value) is not None if kind == "Timestamp" else isinstance(value, str)


def _unreached(states: Mapping[str, Any], start: Any, at: str) -> Iterator[Fault]:
    """Name states that nothing leads to, and a machine that has no end."""
    reached, waiting = set(), [start] if _names(start, states) else []
    while waiting:
        name = waiting.pop()
        if name in reached or not isinstance(states.get(name), dict):
            continue
        reached.add(name)
        waiting += _following(states[name])
    for name in states:
        if reached and name not in reached:
            yield Fault(TARGET, f'State "{name}" is not reachable.', f"{at}/States/{name}")
    if reached and not any(_ends(states[name]) for name in reached):
        yield Fault(NO_END, "No terminal state is reachable from 'StartAt'", f"{at}/States")


def _names(target: Any, states: Mapping[str, Any]) -> bool:
    return isinstance(target, str) and target in states


def _seconds(given: Mapping[str, Any], field: str, default: float) -> float:
    """A field that is compared with another; where it is no number, that is told elsewhere."""
    value = given.get(field, default)
    return float(value) if isinstance(value, (int, float)) else default


def _ends(state: Mapping[str, Any]) -> bool:
    return state.get("Type") in ("Succeed", "Fail") or state.get("End") is True


def _following(state: Mapping[str, Any]) -> Iterator[str]:
    blocks = [state]
    for field in ("Catch", "Choices"):
        listed = state.get(field)
        blocks += [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
    for block in blocks:
        yield from (block[name] for name in ("Next", "Default") if isinstance(block.get(name), str))
