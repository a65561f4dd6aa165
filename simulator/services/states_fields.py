"""Which fields the types of states have, and what their values are.

Source: Amazon States Language, "State Types"; Step Functions Developer Guide, "Using Amazon States Language to define
Step Functions workflows".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from simulator.services.states_choice import moment
from simulator.services.states_intrinsics import IntrinsicError, read
from simulator.services.states_path import PathError, parse, reference

COMMON = "Type Comment QueryLanguage InputPath OutputPath"
MOVING = "Next End ResultPath Parameters"
WORKING = f"{MOVING} ResultSelector Retry Catch"
TOLERATION = "ToleratedFailureCount ToleratedFailureCountPath ToleratedFailurePercentage ToleratedFailurePercentagePath"
FIELDS: Mapping[str, frozenset[str]] = {
    kind: frozenset(fields.split())
    for kind, fields in {
        "Task": f"{COMMON} {WORKING} Resource Credentials TimeoutSeconds TimeoutSecondsPath HeartbeatSeconds "
        "HeartbeatSecondsPath",
        "Pass": f"{COMMON} {MOVING} Result",
        "Choice": f"{COMMON} Choices Default",
        "Wait": f"{COMMON} Next End Seconds SecondsPath Timestamp TimestampPath",
        "Succeed": COMMON,
        "Fail": "Type Comment QueryLanguage Error ErrorPath Cause CausePath",
        "Parallel": f"{COMMON} {WORKING} Branches",
        "Map": f"{COMMON} {WORKING} ItemProcessor Iterator ItemsPath ItemSelector MaxConcurrency MaxConcurrencyPath "
        f"{TOLERATION}",
    }.items()
}
REQUIRED: Mapping[str, tuple[str, ...]] = {"Task": ("Resource",), "Choice": ("Choices",), "Parallel": ("Branches",)}
MACHINE = frozenset(["Comment", "StartAt", "States", "Version", "TimeoutSeconds", "QueryLanguage"])
PROCESSOR = frozenset(["Comment", "StartAt", "States", "ProcessorConfig", "QueryLanguage"])
BRANCH = frozenset(["Comment", "StartAt", "States", "QueryLanguage"])
RETRIER = frozenset(
    ["ErrorEquals", "IntervalSeconds", "MaxAttempts", "BackoffRate", "MaxDelaySeconds", "JitterStrategy", "Comment"]
)
CATCHER = frozenset(["ErrorEquals", "Next", "ResultPath", "Comment"])
RULE = frozenset(("Variable", "And", "Or", "Not", "Next", "Comment"))
# Fields of Step Functions that are known and not simulated; they are refused by name.
NOT_SIMULATED = frozenset(
    ["Arguments", "Output", "Assign", "Items", "Condition", "ItemReader", "ItemBatcher", "ResultWriter", "Label"]
)
# Fields of which a state has one at most.
EITHER = (
    ("Next", "End"),
    ("Seconds", "SecondsPath", "Timestamp", "TimestampPath"),
    ("TimeoutSeconds", "TimeoutSecondsPath"),
    ("HeartbeatSeconds", "HeartbeatSecondsPath"),
    ("Error", "ErrorPath"),
    ("Cause", "CausePath"),
    ("ItemProcessor", "Iterator"),
    ("ItemSelector", "Parameters"),
    ("MaxConcurrency", "MaxConcurrencyPath"),
    ("ToleratedFailureCount", "ToleratedFailureCountPath"),
    ("ToleratedFailurePercentage", "ToleratedFailurePercentagePath"),
)
LONGEST = 99_999_999  # seconds


def _text(value: Any) -> bool:
    return isinstance(value, str)


def _number(low: float, high: float = LONGEST, *, whole: bool = True) -> Callable[[Any], bool]:
    def fits(value: Any) -> bool:
        types = (int,) if whole else (int, float)
        return isinstance(value, types) and not isinstance(value, bool) and low <= value <= high

    return fits


def _path(value: Any) -> bool:
    return _text(value) and _reads(parse, value.removeprefix("$") if value.startswith("$$") else value)


def _path_or_none(value: Any) -> bool:
    return value is None or _path(value)


def _path_or_function(value: Any) -> bool:
    return _path(value) or _function(value)


def _reference(value: Any) -> bool:
    return _text(value) and _reads(reference, value)


def _function(value: Any) -> bool:
    return _text(value) and _reads(read, value)


def _reads(reader: Callable[[str], Any], text: str) -> bool:
    try:
        reader(text)
    except (PathError, IntrinsicError):
        return False
    return True


# What a field's value must be, in words, and the test; templates and blocks are looked into by the definition's reader.
VALUES: Mapping[str, tuple[str, Callable[[Any], bool]]] = {
    **dict.fromkeys(("Comment", "Next", "Default", "Resource", "Error", "Cause", "Version"), ("a string", _text)),
    **dict.fromkeys(("InputPath", "OutputPath"), ("a path or null", _path_or_none)),
    **dict.fromkeys(("ItemsPath", "Variable"), ("a path", _path)),
    **dict.fromkeys(
        ("SecondsPath", "TimestampPath", "TimeoutSecondsPath", "HeartbeatSecondsPath", "MaxConcurrencyPath",
         "ToleratedFailureCountPath", "ToleratedFailurePercentagePath"), ("a path", _path),
    ),
    **dict.fromkeys(("ErrorPath", "CausePath"), ("a path or an intrinsic function", _path_or_function)),
    "ResultPath": ("a reference path or null", lambda value: value is None or _reference(value)),
    "End": ("true", lambda value: value is True),
    "Seconds": ("a number of seconds", _number(0)),
    "Timestamp": ("a timestamp of RFC 3339", lambda value: moment(value) is not None),
    **dict.fromkeys(("TimeoutSeconds", "HeartbeatSeconds"), ("a positive integer", _number(1))),
    **dict.fromkeys(("IntervalSeconds", "MaxDelaySeconds"), ("a positive integer", _number(1, 31_622_400))),
    "MaxAttempts": ("a whole number that is not negative", _number(0)),
    "BackoffRate": ("a number of at least 1", _number(1, float("inf"), whole=False)),
    "JitterStrategy": ("FULL or NONE", lambda value: value in ("FULL", "NONE")),
    **dict.fromkeys(("MaxConcurrency", "ToleratedFailureCount"), ("a whole number that is not negative", _number(0))),
    "ToleratedFailurePercentage": ("a number from 0 to 100", _number(0, 100, whole=False)),
    "ErrorEquals": (
        "a list of error names",
        lambda value: isinstance(value, list) and bool(value) and all(isinstance(one, str) for one in value),
    ),
}  # fmt: skip


def fault(name: str, value: Any) -> str | None:
    """Say what a field's value should have been; None where it is that."""
    wanted = VALUES.get(name)
    return None if wanted is None or wanted[1](value) else f"must be {wanted[0]}"


def template_fault(key: str, value: Any) -> str | None:
    """Say what is wrong with a member of a payload template whose name ends in `.$`; None where nothing is."""
    if _path_or_function(value):
        return None
    return f"The value for the field '{key}' must be a valid JSONPath or a valid intrinsic function call"
