"""JSONPath as Step Functions reads it: paths into input and context, and reference paths to write by.

Source: Amazon States Language, "Paths" and "Reference Paths"; the operators of Jayway JsonPath, without its functions.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

NAME = re.compile(r"\.\s*([^\s.\[\]'\"()@?*,:]+)")
BRACKET = re.compile(r"\[\s*(?:'((?:[^'\\]|\\.)*)'|\"((?:[^\"\\]|\\.)*)\"|(-?\d+))\s*\]")
NAMES = re.compile(r"\[\s*('(?:[^'\\]|\\.)*'(?:\s*,\s*'(?:[^'\\]|\\.)*')+)\s*\]")
INDEXES = re.compile(r"\[\s*(-?\d+(?:\s*,\s*-?\d+)+)\s*\]")
SLICE = re.compile(r"\[\s*(-?\d*)\s*:\s*(-?\d*)\s*\]")
WILD = re.compile(r"\.\*|\[\s*\*\s*\]")
TERM = re.compile(
    r"\s*@((?:[^=<>!&|'\")(\s]|'[^']*')*)\s*(?:(==|!=|<=|>=|<|>)\s*('(?:[^'\\]|\\.)*'|\"[^\"]*\"|[^\s&|)]+))?\s*"
)
OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "==": lambda one, other: bool(one == other),
    "!=": lambda one, other: bool(one != other),
    "<": lambda one, other: bool(one < other),
    "<=": lambda one, other: bool(one <= other),
    ">": lambda one, other: bool(one > other),
    ">=": lambda one, other: bool(one >= other),
}
Test = Callable[[Any], bool]


class PathError(ValueError):
    """A path that is none, or that finds nothing."""


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a path: the values that it leads to from one value; `key` of a step that leads to one alone."""

    key: str | int | None
    found: Callable[[Any], Iterator[Any]]


def read(path: str, document: Any) -> Any:
    """Return what a path finds: one value, or a list where the path can find many; raises PathError."""
    steps = parse(path)
    values, definite = [document], True
    for step in steps:
        definite = definite and step.key is not None
        values = [found for value in values for found in step.found(value)]
        if definite and not values:
            raise PathError(f"the path {path!r} finds nothing")
    return values[0] if definite else values


def write(path: str, document: Any, value: Any) -> Any:
    """Return a copy of a document with a value at a reference path; raises PathError where it cannot be put there."""
    keys = reference(path)
    if not keys:
        return value
    if not isinstance(document, (dict, list)):
        raise PathError(f"nothing can be put at {path!r} of what is no object")
    copied = json.loads(json.dumps(document))
    place = copied
    for number, key in enumerate(keys):
        last = number == len(keys) - 1
        if isinstance(key, str) and isinstance(place, dict):
            if last:
                place[key] = value
            elif not isinstance(place.get(key), (dict, list)):
                place[key] = {}
        elif isinstance(key, int) and isinstance(place, list) and 0 <= key < len(place):
            if last:
                place[key] = value
        else:
            raise PathError(f"nothing can be put at {path!r}")
        place = place[key]
    return copied


def reference(path: str) -> tuple[str | int, ...]:
    """The keys of a reference path, which names one place; raises PathError for other paths."""
    keys = tuple(step.key for step in parse(path))
    if any(key is None for key in keys):
        raise PathError(f"{path!r} is no reference path")
    return tuple(key for key in keys if key is not None)


@lru_cache(maxsize=4096)
def parse(path: str) -> tuple[Step, ...]:
    """Read a path; raises PathError."""
    if not path.startswith("$"):
        raise PathError(f"{path!r} does not begin with $")
    steps, at = [], 1
    while at < len(path):
        step, at = _step(path, at)
        steps.append(step)
    return tuple(steps)


def _step(path: str, at: int) -> tuple[Step, int]:
    if path.startswith("..", at):
        if at + 2 == len(path):
            raise PathError(f"{path!r} ends in the middle")
        # The next step begins with its own point or bracket; `..name` shares the second point.
        return Step(None, _descendants), at + (2 if path[at + 2] == "[" else 1)
    if found := WILD.match(path, at):
        return Step(None, _members), found.end()
    if found := NAME.match(path, at):
        return _named(found[1]), found.end()
    if found := BRACKET.match(path, at):
        text = found[1] if found[1] is not None else found[2]
        return (_indexed(int(found[3])) if text is None else _named(_plain(text))), found.end()
    if found := NAMES.match(path, at):
        names = [_plain(name) for name in re.findall(r"'((?:[^'\\]|\\.)*)'", found[1])]
        return Step(None, lambda value: (one for name in names for one in _named(name).found(value))), found.end()
    if found := INDEXES.match(path, at):
        numbers = [int(number) for number in found[1].split(",")]
        return Step(
            None, lambda value: (one for number in numbers for one in _indexed(number).found(value))
        ), found.end()
    if found := SLICE.match(path, at):
        cut = slice(*(int(end) if end else None for end in found.groups()))
        return Step(None, lambda value: iter(value[cut] if isinstance(value, list) else ())), found.end()
    if path.startswith("[?(", at):
        end = path.find(")]", at)
        if end > 0:
            test = _filter(path[at + 3 : end])
            return Step(None, lambda value: (one for one in _members(value) if test(one))), end + 2
    raise PathError(f"{path!r} is no path: {path[at:]!r} cannot be read")


def _plain(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text)


def _named(name: str) -> Step:
    def found(value: Any) -> Iterator[Any]:
        if isinstance(value, dict) and name in value:
            yield value[name]

    return Step(name, found)


def _indexed(number: int) -> Step:
    def found(value: Any) -> Iterator[Any]:
        if isinstance(value, list) and -len(value) <= number < len(value):
            yield value[number]

    return Step(number, found)


def _members(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        yield from value.values()
    elif isinstance(value, list):
        yield from value


def _descendants(value: Any) -> Iterator[Any]:
    yield value
    for member in _members(value):
        yield from _descendants(member)


def _filter(text: str) -> Test:
    """Read the test of a filter: comparisons and presences, joined by && and ||."""
    alternatives = [[_term(term) for term in joined.split("&&")] for joined in text.split("||")]
    return lambda value: any(all(term(value) for term in joined) for joined in alternatives)


def _term(text: str) -> Test:
    found = TERM.fullmatch(text)
    if found is None:
        raise PathError(f"the filter {text!r} cannot be read")
    steps, operator = parse(f"${found[1]}"), found[2]
    wanted = None if operator is None else _literal(found[3])

    def test(value: Any) -> bool:
        values = [value]
        for step in steps:
            values = [one for each in values for one in step.found(each)]
        if operator is None:
            return bool(values)
        try:
            return any(OPERATORS[operator](one, wanted) for one in values)
        except TypeError:
            return False  # values of different types are not in order

    return test


def _literal(text: str) -> Any:
    if text[:1] == "'":
        return _plain(text[1:-1])
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise PathError(f"the filter's value {text!r} cannot be read") from error
