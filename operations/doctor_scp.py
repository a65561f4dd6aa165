"""Service control policies read as text: which of them denies what Palisade's roles need, by which statement.

Source: AWS Organizations User Guide, "SCP evaluation" (denied where a level allows nothing, or any statement denies)
and "SCP syntax"; IAM User Guide, "IAM JSON policy elements". A condition is decided where the doctor knows its key:
Region, role, account, organization. With any other key it may be in the way, and is told as that.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import Any

# Their endpoints stand in one Region of a partition, which aws:RequestedRegion then names.
GLOBAL_SERVICES = ("iam", "organizations")
GLOBAL_REGIONS = {"aws": "us-east-1", "aws-cn": "cn-north-1", "aws-us-gov": "us-gov-west-1"}
ARN_SEGMENTS = 6
COMPARED = frozenset({"string", "arn"})


@dataclass(frozen=True, slots=True)
class Policy:
    """A service control policy and what it is attached to."""

    name: str
    target: str
    statements: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True, slots=True)
class Need:
    """One action that a role needs on resources, which are ARNs or patterns."""

    role: str
    action: str
    resources: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Caller:
    """What is known of the calls: whose account and organization, from which partition, in which Regions."""

    account: str
    organization: str
    partition: str
    regions: tuple[str, ...]
    roles: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Denial:
    """Actions of a role that a statement denies; `under` names condition keys that nobody can tell the value of."""

    policy: str
    target: str
    statement: str
    role: str
    actions: tuple[str, ...]
    regions: tuple[str, ...]
    under: tuple[str, ...] = ()


def statements_of(content: str) -> tuple[Mapping[str, Any], ...]:
    """The statements of a policy's text; raises ValueError where it is no policy."""
    found = json.loads(content)["Statement"]
    return tuple(found) if isinstance(found, list) else (found,)


def denials(policies: Sequence[Policy], needs: Sequence[Need], caller: Caller) -> Iterator[Denial]:
    """Find every statement that denies something needed, in the order of the policies."""
    for policy in policies:
        for number, statement in enumerate(policy.statements, 1):
            if statement["Effect"] == "Deny":
                name = statement.get("Sid") or f"statement {number}"
                yield from _denied(policy, name, statement, needs, caller)


def not_allowed(
    levels: Sequence[tuple[str, Sequence[Policy]]], needs: Sequence[Need]
) -> Iterator[tuple[str, list[str]]]:
    """Find the levels, from the root down to the account, that no policy allows something needed at."""
    for target, policies in levels:
        allowing = [one for policy in policies for one in policy.statements if one["Effect"] == "Allow"]
        missing = {need.action for need in needs if not any(_names_action(one, need.action) for one in allowing)}
        if missing:
            yield target, sorted(missing)


def _denied(
    policy: Policy, name: str, statement: Mapping[str, Any], needs: Sequence[Need], caller: Caller
) -> Iterator[Denial]:
    found: dict[tuple[str, tuple[str, ...], tuple[str, ...]], set[str]] = {}
    for need in needs:
        if not _names_action(statement, need.action) or not _names_resource(statement, need.resources):
            continue
        decided = {region: _conditions(statement, need, region, caller) for region in _called_in(need, caller)}
        sure = tuple(region for region, (holds, _) in decided.items() if holds)
        unsure = tuple(region for region, (holds, _) in decided.items() if holds is None)
        under = tuple(sorted({key for holds, keys in decided.values() if holds is None for key in keys}))
        if sure:
            found.setdefault((need.role, sure, ()), set()).add(need.action)
        elif unsure:
            found.setdefault((need.role, unsure, under), set()).add(need.action)
    for (role, regions, under), actions in found.items():
        yield Denial(policy.name, policy.target, name, role, tuple(sorted(actions)), regions, under)


def _called_in(need: Need, caller: Caller) -> tuple[str, ...]:
    if need.action.split(":")[0] in GLOBAL_SERVICES:
        return (GLOBAL_REGIONS.get(caller.partition, caller.regions[0]),)
    return caller.regions


def _names_action(statement: Mapping[str, Any], action: str) -> bool:
    named = "Action" in statement
    patterns = _texts(statement["Action" if named else "NotAction"])
    return any(fnmatchcase(action.lower(), pattern.lower()) for pattern in patterns) is named


def _names_resource(statement: Mapping[str, Any], resources: Sequence[str]) -> bool:
    """Whether a statement meets some of the resources that are needed, which may be patterns themselves."""
    if "NotResource" in statement:
        spared = [_open(one) for one in _texts(statement["NotResource"])]
        return any(not any(fnmatchcase(resource, one) for one in spared) for resource in resources)
    patterns = [_open(one) for one in _texts(statement.get("Resource", "*"))]
    return any(_meet_arns(pattern, resource) for pattern in patterns for resource in resources)


def _conditions(
    statement: Mapping[str, Any], need: Need, region: str, caller: Caller
) -> tuple[bool | None, tuple[str, ...]]:
    """Whether all conditions hold; None where it depends on the keys that are returned with it."""
    known = {
        "aws:requestedregion": region,
        "aws:principalarn": caller.roles[need.role],
        "aws:principalaccount": caller.account,
        "aws:principalorgid": caller.organization,
        "aws:viaawsservice": "false",
        "aws:principalisawsservice": "false",
    }
    unknown = []
    for operator, keys in statement.get("Condition", {}).items():
        for key, values in keys.items():
            holds = _holds(operator, known.get(key.lower()), _texts(values))
            if holds is False:
                return False, ()
            if holds is None:
                unknown.append(key)
    return (None, tuple(unknown)) if unknown else (True, ())


def _holds(operator: str, value: str | None, patterns: Sequence[str]) -> bool | None:
    """Decide one condition; None for a value that is not known, or an operator that is not of texts."""
    base = operator.lower().removesuffix("ifexists")
    if value is None or ":" in base or any("${" in pattern for pattern in patterns):
        return None
    if base == "bool":
        return value in [pattern.lower() for pattern in patterns]
    negative = "not" in base
    kind = base.replace("not", "").removesuffix("ignorecase")
    if kind.removesuffix("equals").removesuffix("like") not in COMPARED:
        return None
    if base.endswith("ignorecase"):
        value, patterns = value.lower(), [pattern.lower() for pattern in patterns]
    found = value in patterns if kind == "stringequals" else any(fnmatchcase(value, pattern) for pattern in patterns)
    return found is not negative


def _open(pattern: str) -> str:
    """A policy variable may stand for anything."""
    while "${" in pattern:
        before, _, rest = pattern.partition("${")
        pattern = before + "*" + rest.partition("}")[2]
    return pattern


def _meet_arns(first: str, second: str) -> bool:
    """Whether some ARN matches both patterns: wildcards stand within a segment."""
    segments, others = first.split(":", ARN_SEGMENTS - 1), second.split(":", ARN_SEGMENTS - 1)
    if len(segments) == len(others) == ARN_SEGMENTS:
        return all(_meet(one, other) for one, other in zip(segments, others, strict=True))
    return _meet(first, second)


@lru_cache(maxsize=16_384)
def _meet(first: str, second: str) -> bool:
    """Whether some text matches both patterns: a row of a table for each character of the first."""
    if "*" in (first, second):
        return True
    row = [True, *(False for _ in second)]
    for number, char in enumerate(second, 1):
        row[number] = row[number - 1] and char == "*"
    for one in first:
        after = [row[0] and one == "*"]
        for number, other in enumerate(second, 1):
            if "*" in (one, other):
                after.append(row[number] or after[number - 1])
            else:
                after.append(row[number - 1] and (one == other or "?" in (one, other)))
        row = after
    return row[-1]


def _texts(value: Any) -> list[str]:
    return [str(one) for one in value] if isinstance(value, list) else [str(value)]
