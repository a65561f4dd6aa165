"""Session policies: exactly what the changes of a plan need, in as few sessions as IAM's limit allows.

Source: AWS STS AssumeRole, `Policy`: at most 2,048 characters. A grant that refers to the result of an
earlier change cannot be known before that change is done, so it starts a new session.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from lambdas.controls.model import Change, Grant, Ref

LIMIT = 2048


class PolicyTooLongError(Exception):
    """One change alone needs more permissions than a session policy can hold."""


@dataclass(frozen=True, slots=True)
class Group:
    """Consecutive changes that share one session."""

    changes: tuple[Change, ...]


def document(grants: Iterable[Grant]) -> str:
    """Write grants as the shortest policy: one statement per set of resources and conditions."""
    merged: dict[str, dict[str, Any]] = {}
    for grant in grants:
        resources = sorted(str(resource) for resource in grant.resources)
        conditions = {operator: dict(keys) for operator, keys in grant.conditions.items()}
        key = json.dumps([resources, conditions], sort_keys=True)
        statement = merged.setdefault(key, {"Effect": "Allow", "Action": [], "Resource": resources})
        if conditions:
            statement["Condition"] = conditions
        if grant.action not in statement["Action"]:
            statement["Action"].append(grant.action)
    statements = [{**one, "Action": sorted(one["Action"])} for one in merged.values()]
    return json.dumps({"Version": "2012-10-17", "Statement": statements}, separators=(",", ":"))


def fitting(needs: Sequence[Sequence[Grant]]) -> int:
    """How many changes, by the grants of each, one session policy can serve from the first on; at least that one."""
    together = list[Grant]()
    for number, grants in enumerate(needs):
        together += grants
        if number and len(document(together)) > LIMIT:
            return number
    return len(needs)


def groups(changes: Sequence[Change]) -> list[Group]:
    """Divide changes, in order, into groups that one session policy can serve."""
    divided = list[Group]()
    left = tuple(changes)
    while left:
        if not _refers(left[0]) and len(document(left[0].grants)) > LIMIT:
            raise PolicyTooLongError(f"{left[0].name} needs a session policy of more than {LIMIT} characters")
        known = next((number for number, change in enumerate(left) if number and _refers(change)), len(left))
        fit = fitting([change.grants for change in left[:known]])
        divided.append(Group(left[:fit]))
        left = left[fit:]
    return divided


def _refers(change: Change) -> bool:
    return any(isinstance(resource, Ref) for grant in change.grants for resource in grant.resources)
