"""The rules of a Choice state.

Source: Amazon States Language, "Choice State".
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from simulator.services.states_data import MISSING, Scope
from simulator.services.states_errors import runtime

TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)")
ORDERS: Mapping[str, Callable[[Any, Any], bool]] = {
    "Equals": operator.eq,
    "LessThan": operator.lt,
    "GreaterThan": operator.gt,
    "LessThanEquals": operator.le,
    "GreaterThanEquals": operator.ge,
}
KINDS = {"Boolean": ("Equals",), "Numeric": tuple(ORDERS), "String": tuple(ORDERS), "Timestamp": tuple(ORDERS)}
# Operators that compare the variable with a value: the kind of both, and the order.
COMPARISONS = {f"{kind}{order}": (kind, ORDERS[order]) for kind, orders in KINDS.items() for order in orders}
TESTS = ("IsNull", "IsPresent", "IsNumeric", "IsString", "IsBoolean", "IsTimestamp")
OPERATORS = frozenset({*COMPARISONS, *(f"{name}Path" for name in COMPARISONS), "StringMatches", *TESTS})


def moment(text: Any) -> datetime | None:
    """Read a timestamp of RFC 3339 as Step Functions takes it; None where it is none."""
    if not isinstance(text, str) or not TIMESTAMP.fullmatch(text):
        return None
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def holds(rule: Mapping[str, Any], data: Any, scope: Scope) -> bool:
    """Whether a rule holds; raises States.Runtime for a variable that is not there."""
    if "And" in rule:
        return all(holds(one, data, scope) for one in rule["And"])
    if "Or" in rule:
        return any(holds(one, data, scope) for one in rule["Or"])
    if "Not" in rule:
        return not holds(rule["Not"], data, scope)
    name = next(name for name in rule if name in OPERATORS)
    wanted, value = rule[name], scope.find(rule["Variable"], data)
    if name == "IsPresent":
        return (value is not MISSING) is wanted
    if value is MISSING:
        raise runtime(
            f"An error occurred while executing the state '{scope.state}'. Invalid path '{rule['Variable']}': The "
            "choice state's condition path references an invalid value."
        )
    if name in TESTS:
        return _is(name, value) is wanted
    if name == "StringMatches":
        return isinstance(value, str) and _pattern(wanted).fullmatch(value) is not None
    if name.endswith("Path"):
        name, wanted = name.removesuffix("Path"), scope.read(wanted, data, name)
    kind, order = COMPARISONS[name]
    one, other = _of_kind(kind, value), _of_kind(kind, wanted)
    return one is not None and other is not None and order(one, other)


def _is(name: str, value: Any) -> bool:
    return {
        "IsNull": value is None,
        "IsNumeric": _of_kind("Numeric", value) is not None,
        "IsString": isinstance(value, str),
        "IsBoolean": isinstance(value, bool),
        "IsTimestamp": moment(value) is not None,
    }[name]


def _of_kind(kind: str, value: Any) -> Any:
    """The value as its kind is compared; None where it is of another kind."""
    if kind == "Timestamp":
        return moment(value)
    types: dict[str, tuple[type, ...]] = {"Boolean": (bool,), "Numeric": (int, float), "String": (str,)}
    fits = isinstance(value, types[kind]) and (kind == "Boolean" or not isinstance(value, bool))
    return value if fits else None


def _pattern(text: str) -> re.Pattern[str]:
    """A star stands for any characters, unless a backslash is before it."""
    parts = re.findall(r"\\\*|\\\\|\*|[^*\\]+|\\", text)
    return re.compile("".join(".*" if part == "*" else re.escape(_unescaped(part)) for part in parts), re.DOTALL)


def _unescaped(part: str) -> str:
    return part[1:] if part in (r"\*", r"\\") else part
