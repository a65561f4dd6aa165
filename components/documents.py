"""IAM policy documents as data: statements with a Sid each, and grants of the catalog turned into them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

from lambdas.controls.model import Control, Grant, Place, Ref

# Source: IAM and AWS STS quotas: the inline policies of a role together, and one managed policy.
INLINE_LIMIT = 10240
MANAGED_LIMIT = 6144
Statement = dict[str, Any]
Conditions = Mapping[str, Mapping[str, Any]]


def allow(
    sid: str,
    actions: Sequence[str],
    resources: str | Sequence[str] | None,
    conditions: Conditions | None = None,
    principal: Any = None,
) -> Statement:
    """Write an Allow statement; a trust policy has no resources, an identity policy no principal."""
    return _statement("Allow", sid, actions, resources, conditions, principal)


def deny(
    sid: str,
    actions: Sequence[str],
    resources: str | Sequence[str] | None,
    conditions: Conditions | None = None,
    principal: Any = None,
) -> Statement:
    """Write a Deny statement."""
    return _statement("Deny", sid, actions, resources, conditions, principal)


def leading_keys(*patterns: str) -> dict[str, dict[str, object]]:
    """Conditions that admit items of a DynamoDB table by their partition key alone.

    Source: DynamoDB Developer Guide, "Using IAM policy conditions for fine-grained access control".
    """
    return {
        "ForAllValues:StringLike": {"dynamodb:LeadingKeys": list(patterns)},
        "Null": {"dynamodb:LeadingKeys": "false"},
    }


def _statement(
    effect: str,
    sid: str,
    actions: Sequence[str],
    resources: str | Sequence[str] | None,
    conditions: Conditions | None,
    principal: Any,
) -> Statement:
    statement: Statement = {"Sid": sid, "Effect": effect}
    if principal is not None:
        statement["Principal"] = principal
    statement["Action"] = sorted(actions)
    if resources is not None:
        statement["Resource"] = [resources] if isinstance(resources, str) else sorted(resources)
    if conditions:
        statement["Condition"] = {operator: dict(keys) for operator, keys in conditions.items()}
    return statement


def document(*statements: Statement) -> str:
    """Write a policy document without the blanks that count against IAM's limits."""
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)}, separators=(",", ":"))


def divided(statements: Iterable[Statement], first: int, others: int) -> list[list[Statement]]:
    """Divide statements, in order, over documents of at most `first` characters and then of `others`."""
    parts: list[list[Statement]] = [[]]
    waiting = list(statements)
    while waiting:
        statement, limit = waiting.pop(0), first if len(parts) == 1 else others
        if len(document(*parts[-1], statement)) <= limit:
            parts[-1].append(statement)
        elif len(document(statement)) > others:
            waiting[:0] = _halves(statement)
        else:
            parts.append([statement])
    return parts


def _halves(statement: Statement) -> list[Statement]:
    """Two statements that say together what one says; raises ValueError where it cannot be divided."""
    by = max(("Action", "Resource"), key=lambda name: len(json.dumps(statement.get(name))))
    middle = len(statement[by]) // 2
    if middle == 0:
        raise ValueError(f"statement {statement['Sid']} is too long for any policy")
    return [
        {**statement, "Sid": f"{statement['Sid']}{half}", by: values}
        for half, values in (("a", statement[by][:middle]), ("b", statement[by][middle:]))
    ]


def service_trust(service: str, account: str, sid: str = "Service") -> str:
    """The trust policy of a role that an AWS service takes, for resources of this account only.

    Source: IAM User Guide, "Cross-service confused deputy prevention". Lambda sends no source keys
    with AssumeRole (Lambda Developer Guide, "Execution role"), so a function's role has no condition.
    """
    conditions = {} if service == "lambda" else {"StringEquals": {"aws:SourceAccount": account}}
    return document(allow(sid, ["sts:AssumeRole"], None, conditions, {"Service": f"{service}.amazonaws.com"}))


def grant_statements(prefix: str, grants: Iterable[Grant]) -> list[Statement]:
    """Write grants as statements: one for each set of resources and conditions, in a stable order."""
    merged: dict[str, tuple[list[str], tuple[str, ...], Conditions]] = {}
    for grant in grants:
        resources = tuple(sorted(str(resource) for resource in grant.resources))
        key = json.dumps([resources, grant.conditions], sort_keys=True)
        actions, _, _ = merged.setdefault(key, ([], resources, grant.conditions))
        if grant.action not in actions:
            actions.append(grant.action)
    ordered = sorted(merged.values(), key=lambda one: (sorted(one[0]), one[1]))
    return [
        allow(f"{prefix}{number}", actions, resources, conditions)
        for number, (actions, resources, conditions) in enumerate(ordered, 1)
    ]


def catalog_grants(
    controls: Iterable[Control],
    partition: str,
    account: str,
    regions: Sequence[str],
    parameters: Mapping[str, Mapping[str, Any]],
    *,
    kind: Literal["read_grants", "probe_grants", "grants"],
) -> list[Grant]:
    """Fill the grants of controls for one account: an IAM role is global, so each governed Region is named."""
    filled: list[Grant] = []
    for control in controls:
        for region in regions:
            place = Place(partition, account, region)
            values = {
                name: _texts(value)
                for name, value in control.resolve(parameters.get(control.id, {}), region).items()
                if value is not None
            }
            filled.extend(_fill(getattr(control, kind), place, values))
    return _joined(filled)


def _joined(grants: Iterable[Grant]) -> list[Grant]:
    """Join grants of one action under the same conditions, so that Regions add resources and not statements."""
    joined: dict[str, Grant] = {}
    for grant in grants:
        key = json.dumps([grant.action, grant.conditions], sort_keys=True)
        known = joined.get(key)
        resources = tuple(dict.fromkeys((*known.resources, *grant.resources))) if known else grant.resources
        joined[key] = Grant(grant.action, resources, grant.conditions)
    return list(joined.values())


def _texts(value: Any) -> tuple[str, ...]:
    return tuple(str(one) for one in value) if isinstance(value, (list, tuple)) else (str(value),)


def _fill(grants: Sequence[Grant], place: Place, parameters: Mapping[str, Sequence[str]]) -> list[Grant]:
    """Fill the placeholders of a control's grants; a grant on a parameter without values falls away."""
    filled = []
    for grant in grants:
        arns: list[str] = []
        for resource in grant.resources:
            if isinstance(resource, Ref):
                raise TypeError(f"{grant.action}: the grants of a control cannot refer to a change")
            if (values := _named(resource, parameters)) is not None:
                arns.extend(values)
            else:
                arns.append(resource.format(partition=place.partition, region=place.region, account=place.account))
        conditions = {
            operator: {key: _filled(value, parameters) for key, value in keys.items()}
            for operator, keys in grant.conditions.items()
        }
        # A list without values admits nothing, or, after ForAllValues, what has none of the keys.
        if arns and all(value != [] for keys in conditions.values() for value in keys.values()):
            filled.append(Grant(grant.action, tuple(arns), conditions))
    return filled


def _filled(value: Any, parameters: Mapping[str, Sequence[str]]) -> Any:
    """Fill the placeholders in the list of a condition; other values stay."""
    if not isinstance(value, list):
        return value
    known = [(item, _named(item, parameters)) for item in value]
    return [one for item, values in known for one in ((item,) if values is None else values)]


def _named(text: str, parameters: Mapping[str, Sequence[str]]) -> Sequence[str] | None:
    """The values of the parameter that a placeholder names; None where the text is none."""
    named = re.fullmatch(r"\{parameter:(\w+)\}", text)
    return None if named is None else parameters.get(named[1], ())
