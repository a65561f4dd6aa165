"""The comparison operators of event patterns, each read once into a test of a leaf's value.

Source: EventBridge User Guide, "Comparison operators for use in event patterns"; refusals are
worded as github.com/aws/event-ruler words them.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Mapping
from typing import Any

Test = Callable[[Any], bool]

BOUND = 5e9  # numbers in numeric comparisons lie within +-5.0e9


class Invalid(Exception):
    """A pattern that EventBridge refuses, with the reason and the field."""

    def __init__(self, reason: str, path: str = "") -> None:
        super().__init__(f"{reason} (at {path})" if path else reason)


def test_of(value: Any, path: str) -> Test:
    """Return the test that one entry of a pattern's array stands for; raises Invalid."""
    if isinstance(value, Mapping):
        return _expression(value, path)
    if isinstance(value, list):
        raise Invalid("Match value must be String, number, true, false, or null", path)
    return _equals(value)


def is_number(value: Any) -> bool:
    """Whether a JSON value is a number; Python's booleans are not."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _equals(wanted: Any) -> Test:
    if is_number(wanted):
        return lambda value: is_number(value) and value == wanted
    return lambda value: type(value) is type(wanted) and value == wanted


def _expression(node: Mapping[str, Any], path: str) -> Test:
    if not node:
        raise Invalid("Match expression name not found", path)
    if len(node) > 1:
        raise Invalid("Only one key allowed in match expression", path)
    ((name, argument),) = node.items()
    reader = OPERATORS.get(name)
    if reader is None:
        raise Invalid(f"Unrecognized match type {name}", path)
    return reader(argument, path)


def _text(argument: Any, name: str, path: str) -> str:
    if not isinstance(argument, str):
        raise Invalid(f"{name} match pattern must be a string", path)
    return argument


def _on_text(test: Callable[[str], bool]) -> Test:
    return lambda value: isinstance(value, str) and test(value)


def _exactly(argument: Any, path: str) -> Test:
    return _equals(_text(argument, "exact", path))


def _ignoring_case(argument: Any, path: str) -> Test:
    wanted = _text(argument, "equals-ignore-case", path).lower()
    return _on_text(lambda value: value.lower() == wanted)


def _either_case(name: str, argument: Mapping[str, Any], path: str) -> str:
    """Read {"equals-ignore-case": text} inside prefix or suffix."""
    if not argument:
        raise Invalid(f"{name.capitalize()} expression name not found", path)
    key = next(iter(argument))
    if key != "equals-ignore-case":
        raise Invalid(f"Unsupported {name} pattern: {key}", path)
    if len(argument) > 1:
        raise Invalid("Only one key allowed in match expression", path)
    return _text(argument[key], "equals-ignore-case", path).lower()


def _prefix(argument: Any, path: str) -> Test:
    if isinstance(argument, Mapping):
        lowered = _either_case("prefix", argument, path)
        return _on_text(lambda value: value.lower().startswith(lowered))
    wanted = _text(argument, "prefix", path)
    return _on_text(lambda value: value.startswith(wanted))


def _suffix(argument: Any, path: str) -> Test:
    if isinstance(argument, Mapping):
        lowered = _either_case("suffix", argument, path)
        return _on_text(lambda value: value.lower().endswith(lowered))
    wanted = _text(argument, "suffix", path)
    return _on_text(lambda value: value.endswith(wanted))


def _wildcard(argument: Any, path: str) -> Test:
    text = _text(argument, "wildcard", path)
    expression = []
    position = 0
    while position < len(text):
        character = text[position]
        if character == "\\":
            escaped = text[position + 1 : position + 2]
            if escaped not in ("*", "\\"):
                raise Invalid(f"Invalid escape character at pos {position}", path)
            expression.append(re.escape(escaped))
            position += 1
        elif character == "*":
            if text[position + 1 : position + 2] == "*":
                raise Invalid(f"Consecutive wildcard characters at pos {position}", path)
            expression.append(".*")
        else:
            expression.append(re.escape(character))
        position += 1
    compiled = re.compile("".join(expression), re.DOTALL)
    return _on_text(lambda value: compiled.fullmatch(value) is not None)


def _exists(argument: Any, path: str) -> Test:
    # {"exists": false} needs the whole event and is read by the pattern itself.
    if argument is not True:
        raise Invalid("exists match pattern must be either true or false.", path)
    return lambda value: True


def _cidr(argument: Any, path: str) -> Test:
    text = _text(argument, "prefix", path)
    if text.count("/") != 1:
        raise Invalid("Malformed CIDR, one '/' required", path)
    try:
        network = ipaddress.ip_network(text, strict=False)  # host bits are accepted
    except ValueError as error:
        raise Invalid(f"Malformed CIDR: {error}", path) from error

    def contains(value: str) -> bool:
        try:
            return ipaddress.ip_address(value) in network
        except ValueError:
            return False  # a string that is no address lies in no network

    return _on_text(contains)


def _numeric(argument: Any, path: str) -> Test:
    if not isinstance(argument, list):
        raise Invalid("Value of numeric must be an array.", path)
    if not argument or not isinstance(argument[0], str):
        raise Invalid(f"Invalid member in numeric match: {argument[0] if argument else ']'}", path)
    first = argument[0]
    if first not in COMPARISONS:
        raise Invalid(f"Unrecognized numeric range operator: {first}", path)
    bottom = _operand(argument, 1, "equals" if first == "=" else first, path)
    compare = COMPARISONS[first]
    if len(argument) == 2:
        return lambda value: is_number(value) and compare(value, bottom)
    if first not in (">", ">="):
        raise Invalid("Too many elements in numeric expression", path)
    second = argument[2]
    if second not in ("<", "<="):
        raise Invalid(f"Bad numeric range operator: {second}", path)
    top = _operand(argument, 3, second, path)
    if len(argument) > 4:
        raise Invalid("Too many terms in numeric range expression", path)
    if bottom >= top:
        raise Invalid("Bottom must be less than top", path)
    below = COMPARISONS[second]
    return lambda value: is_number(value) and compare(value, bottom) and below(value, top)


COMPARISONS: Mapping[str, Callable[[float, float], bool]] = {
    "=": lambda value, bound: value == bound,
    "<": lambda value, bound: value < bound,
    "<=": lambda value, bound: value <= bound,
    ">": lambda value, bound: value > bound,
    ">=": lambda value, bound: value >= bound,
}


def _operand(argument: list[Any], position: int, operator: str, path: str) -> float:
    value = argument[position] if len(argument) > position else None
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        raise Invalid(f"Value of {operator} must be numeric", path)
    if abs(value) > BOUND:
        raise Invalid("Value must be between -5.0E9 and 5.0E9, inclusive", path)
    return value


def _anything_but(argument: Any, path: str) -> Test:
    if isinstance(argument, Mapping):
        return _anything_but_like(argument, path)
    if isinstance(argument, list):
        if not all(isinstance(item, str) or is_number(item) for item in argument):
            raise Invalid("Inside anything but list, start|null|boolean is not supported.", path)
        if len({isinstance(item, str) for item in argument}) != 1:
            raise Invalid(
                "Inside anything but list, either all values are number or string, mixed type is not supported", path
            )
        refused = [_equals(item) for item in argument]
    elif isinstance(argument, str) or is_number(argument):
        refused = [_equals(argument)]
    else:
        raise Invalid("Value of anything-but must be an array or single string/number value.", path)
    return lambda value: not any(test(value) for test in refused)


def _anything_but_like(argument: Mapping[str, Any], path: str) -> Test:
    """Read anything-but applied to prefix, suffix, wildcard or equals-ignore-case, of a text or of several."""
    if not argument:
        raise Invalid("Anything-But expression name not found", path)
    name, wanted = next(iter(argument.items()))
    reader = {"prefix": _prefix, "suffix": _suffix, "wildcard": _wildcard, "equals-ignore-case": _ignoring_case}.get(
        name
    )
    if reader is None:
        raise Invalid(f"Unsupported anything-but pattern: {name}", path)
    if len(argument) > 1:
        raise Invalid("Only one key allowed in match expression", path)
    texts = wanted if isinstance(wanted, list) else [wanted]
    if not texts or not all(isinstance(text, str) for text in texts):
        raise Invalid(f"Value of anything-but {name} must be an array of strings or a single string.", path)
    if name in ("prefix", "suffix") and "" in texts:
        raise Invalid("Null prefix/suffix not allowed", path)
    refused = [reader(text, path) for text in texts]
    return lambda value: not any(test(value) for test in refused)


OPERATORS: Mapping[str, Callable[[Any, str], Test]] = {
    "exactly": _exactly,
    "equals-ignore-case": _ignoring_case,
    "prefix": _prefix,
    "suffix": _suffix,
    "wildcard": _wildcard,
    "exists": _exists,
    "cidr": _cidr,
    "numeric": _numeric,
    "anything-but": _anything_but,
}
