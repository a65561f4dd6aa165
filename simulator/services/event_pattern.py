"""Event patterns: which events a rule or a filter policy accepts.

An event is flattened to leaves whose names are joined by dots, as EventBridge's own matcher does
(github.com/aws/event-ruler). Each leaf remembers the array elements it lies in, and two leaves of
one match never come from different elements of the same array. It follows that a key with a dot
and a nested key are the same name, and that numbers are equal by value (1 and 1.0), booleans and
strings never equal to numbers.
Source: EventBridge User Guide, "Comparison operators for use in event patterns"; event-ruler README.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from simulator.call import ServiceError
from simulator.services.event_operators import Invalid, Test, test_of

LENGTH = 2048  # characters of a pattern, by default; the quota can be raised to the 4,096 of the API model
COMBINATIONS = 1000  # branches that $or may unfold to

RESERVED = frozenset(
    {
        "exactly", "equals-ignore-case", "prefix", "suffix", "anything-but", "exists", "wildcard", "numeric", "cidr",
        "=", "<", "<=", ">", ">=", "regex",
    }
)  # fmt: skip

Membership = dict[int, int]  # array -> index of the element


@dataclass(frozen=True, slots=True)
class Leaf:
    """What one field must satisfy: any of the tests, or (`absent`) not to be there."""

    path: str
    tests: tuple[Test, ...]
    absent: bool


@dataclass(frozen=True, slots=True)
class EventPattern:
    """A pattern ready for matching: alternatives ($or), each a list of leaves that must all hold."""

    branches: tuple[tuple[Leaf, ...], ...]
    prefixes: frozenset[str]

    @classmethod
    def parse(cls, pattern: str | Mapping[str, Any]) -> EventPattern:
        """Read a pattern, as JSON text or parsed; raises ServiceError InvalidEventPatternException."""
        try:
            branches = _branches(json.loads(pattern) if isinstance(pattern, str) else pattern)
        except json.JSONDecodeError as error:
            raise _refusal(f"{error.msg} at line {error.lineno}, column {error.colno}") from error
        except Invalid as error:
            raise _refusal(str(error)) from error
        names = {leaf.path for branch in branches for leaf in branch.values()}
        return cls(
            tuple(tuple(branch[name] for name in sorted(branch)) for branch in branches),
            frozenset(prefix for name in names for prefix in _prefixes(name)),
        )

    def matches(self, event: Mapping[str, Any]) -> bool:
        """Whether the pattern accepts an event."""
        flat = _Flat(self.prefixes)
        flat.add(event)
        return any(_holds(branch, flat.fields, {}) for branch in self.branches)


def matches(pattern: Mapping[str, Any], event: Mapping[str, Any]) -> bool:
    """Whether a pattern accepts an event; raises ServiceError where the pattern is not valid."""
    return EventPattern.parse(pattern).matches(event)


def check(pattern: str | Mapping[str, Any]) -> None:
    """Raise ServiceError InvalidEventPatternException, with the reason, where a pattern is not valid."""
    text = pattern if isinstance(pattern, str) else json.dumps(pattern)
    if len(text) > LENGTH:
        raise _refusal(f"Event pattern is longer than {LENGTH} characters")
    EventPattern.parse(pattern)


def _refusal(reason: str) -> ServiceError:
    return ServiceError("InvalidEventPatternException", f"Event pattern is not valid. Reason: {reason}")


def _prefixes(name: str) -> Iterator[str]:
    parts = name.split(".")
    return (".".join(parts[: end + 1]) for end in range(len(parts)))


Branch = dict[str, Leaf]


def _branches(document: Any) -> list[Branch]:
    if not isinstance(document, Mapping):
        raise Invalid("Filter is not an object")
    return _object(document, "", [{}])


def _object(node: Mapping[str, Any], path: str, branches: list[Branch]) -> list[Branch]:
    """Add an object of the pattern to each of the branches so far; $or multiplies them."""
    if not node:
        raise Invalid("Empty objects are not allowed", path)
    for key, value in node.items():
        name = f"{path}.{key}" if path else key
        if key == "$or" and isinstance(value, list):
            branches = _alternatives(value, path, branches)
        elif isinstance(value, Mapping):
            branches = _object(value, name, branches)
        elif isinstance(value, list):
            leaf = _leaf(name, value)
            if any(name in branch for branch in branches):
                raise Invalid(f"Path `{name}` cannot be allowed multiple times")
            branches = [{**branch, name: leaf} for branch in branches]
        else:
            raise Invalid(f'"{key}" must be an object or an array', path)
    return branches


def _alternatives(nodes: list[Any], path: str, branches: list[Branch]) -> list[Branch]:
    if not all(isinstance(node, Mapping) for node in nodes):
        raise Invalid("Only JSON object is allowed in array of $or relationship.", path)
    if len(nodes) < 2:
        raise Invalid("There must have at least 2 Objects in $or relationship.", path)
    reserved = sorted({key for node in nodes for key in node} & RESERVED)
    if reserved:
        raise Invalid(f"{reserved[0]} is Ruler reserved fieldName which cannot be used inside $or.", path)
    unfolded = [branch for node in nodes for branch in _object(node, path, branches)]
    if len(unfolded) > COMBINATIONS:
        raise Invalid(f"Rule combinations of $or are more than {COMBINATIONS}", path)
    return unfolded


def _leaf(name: str, values: list[Any]) -> Leaf:
    if not values:
        raise Invalid("Empty arrays are not allowed", name)
    tests = []
    absent = False
    for value in values:
        if value == {"exists": False} and value["exists"] is False:
            absent = True
        else:
            tests.append(test_of(value, name))
    return Leaf(name, tuple(tests), absent)


@dataclass(slots=True)
class _Flat:
    """The leaves of an event by name, each with the array elements that it lies in."""

    prefixes: frozenset[str]
    fields: dict[str, list[tuple[Any, Membership]]] = field(default_factory=dict)
    arrays: int = 0

    def add(self, node: Mapping[str, Any]) -> None:
        self._object(node, "", {})

    def _object(self, node: Mapping[str, Any], path: str, membership: Membership) -> None:
        for key, value in node.items():
            name = f"{path}.{key}" if path else key
            if name in self.prefixes:
                self._value(value, name, membership)

    def _value(self, value: Any, name: str, membership: Membership) -> None:
        if isinstance(value, Mapping):
            self._object(value, name, membership)
        elif isinstance(value, (list, tuple)):
            array = self.arrays
            self.arrays += 1
            for index, item in enumerate(value):
                nested = isinstance(item, (Mapping, list, tuple))
                # Scalars of one array may satisfy different fields; only its objects hold together.
                self._value(item, name, {**membership, array: index} if nested else membership)
        else:
            self.fields.setdefault(name, []).append((value, membership))


def _holds(
    leaves: tuple[Leaf, ...], fields: Mapping[str, list[tuple[Any, Membership]]], membership: Membership
) -> bool:
    """Whether all leaves hold for one consistent choice of array elements."""
    if not leaves:
        return True
    leaf, rest = leaves[0], leaves[1:]
    present = False
    for value, lies_in in fields.get(leaf.path, ()):
        if any(membership.get(array, index) != index for array, index in lies_in.items()):
            continue
        present = True
        if any(test(value) for test in leaf.tests) and _holds(rest, fields, membership | lies_in):
            return True
    return leaf.absent and not present and _holds(rest, fields, membership)
