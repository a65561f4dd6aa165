"""Required tags: which are missing, which are wrong, what sets them, and what may be filled in.

Keys are compared as they are spelled, as AWS does. Tags of AWS's own (`aws:...`) are nobody's to set and never count.
Allowed values and patterns are given as `Key=value`; of a key with several, one is enough.
Source: Tagging AWS Resources, "Tag naming limits and requirements"; AWS CLI Command Reference, `ec2 create-tags`.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

RESERVED = "aws:"
# What parameters accept: a key, and a key with a value.
KEY = r"(?!aws:)[^=]{1,128}"
KEY_AND_VALUE = rf"{KEY}=.{{1,256}}"


def missing(tags: Mapping[str, str], parameters: Mapping[str, Any]) -> list[str]:
    """The required keys that are not there."""
    return [key for key in parameters["required_keys"] if key not in tags]


def faults(tags: Mapping[str, str], parameters: Mapping[str, Any]) -> list[str]:
    """What is wrong with tags, for people; nothing where all is as it should be."""
    absent = missing(tags, parameters)
    found = [f"it lacks the tag{'s' if len(absent) > 1 else ''} {_listed(absent)}"] if absent else []
    if not parameters["required_keys"] and not any(not key.startswith(RESERVED) for key in tags):
        found.append("it has no tags")
    return found + [_wrong(key, tags[key], parameters) for key in _wrong_keys(tags, parameters)]


def conflict(parameters: Mapping[str, Any]) -> str | None:
    """What of the parameters does not go together, and what to do; None where they do.

    People are reminded before operations are told.
    """
    reminder, escalation = parameters["reminder_days"], parameters["escalation_days"]
    if reminder < escalation:
        return None
    return f"escalation_days: {escalation} is not above reminder_days, {reminder}: raise it, or lower reminder_days"


def filled(tags: Mapping[str, str], parameters: Mapping[str, Any], group: Mapping[str, str]) -> dict[str, str]:
    """Values for the missing keys, the group's before the account's; none that the account would not accept."""
    known = {**_pairs(parameters["default_tags"]), **group}
    offered = {key: known[key] for key in missing(tags, parameters) if key in known}
    return {key: value for key, value in offered.items() if key not in _wrong_keys(offered, parameters)}


def command(
    instance: str, region: str, tags: Mapping[str, str], parameters: Mapping[str, Any], known: Mapping[str, str]
) -> str:
    """The command of the AWS CLI that sets what is missing or wrong; what only people know stands in <>."""
    keys = [*missing(tags, parameters), *_wrong_keys(tags, parameters)] or ["<key>"]
    wanted = [{"Key": key, "Value": known.get(key) or f"<{_wanted(key, parameters) or 'value'}>"} for key in keys]
    given = ("--region", region, "--resources", instance, "--tags", shlex.quote(json.dumps(wanted)))
    return " ".join(("aws ec2 create-tags", *given))


def _wrong_keys(tags: Mapping[str, str], parameters: Mapping[str, Any]) -> list[str]:
    """The keys that are there, and whose value is empty or none of those that are accepted."""
    return [key for key, value in tags.items() if not _accepted(key, value, parameters)]


def _accepted(key: str, value: str, parameters: Mapping[str, Any]) -> bool:
    if key in parameters["required_keys"] and not value.strip():
        return False
    allowed, patterns = _of(key, parameters["allowed_values"]), _of(key, parameters["value_patterns"])
    if not allowed and not patterns:
        return True
    return value in allowed or any(fnmatchcase(value, pattern) for pattern in patterns)


def _wrong(key: str, value: str, parameters: Mapping[str, Any]) -> str:
    wanted = _wanted(key, parameters)
    return f"{key} is {json.dumps(value, ensure_ascii=False)}{f', not {wanted}' if wanted else ''}"


def _wanted(key: str, parameters: Mapping[str, Any]) -> str:
    """What is accepted of a key, for people; empty where anything is."""
    allowed, patterns = _of(key, parameters["allowed_values"]), _of(key, parameters["value_patterns"])
    return " or ".join([*allowed, *(f"like {pattern}" for pattern in patterns)])


def _of(key: str, given: Sequence[str]) -> list[str]:
    return [value for name, value in _split(given) if name == key]


def _pairs(given: Sequence[str]) -> dict[str, str]:
    return dict(_split(given))


def _split(given: Sequence[str]) -> Iterator[tuple[str, str]]:
    for one in given:
        key, _, value = one.partition("=")
        yield key, value


def _listed(words: Sequence[str]) -> str:
    return " and ".join([*([", ".join(words[:-1])] if words[1:] else []), words[-1]])
