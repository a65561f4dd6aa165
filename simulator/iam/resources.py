"""Which resource ARNs a call addresses, from its parameters and IAM's ARN forms."""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

import jmespath

from simulator.call import Call
from simulator.iam.lookups import LOOKUPS
from simulator.iam.resource_table import PARAMETERS, UNNAMED
from simulator.iam.service_data import VARIABLE, Action, ResourceType, template_expression

if TYPE_CHECKING:
    from simulator.world import World

# These make the resource, so that what AWS names itself is authorised as a star in its place.
CREATING = re.compile(
    r"(Create|Run|Allocate|Request|Import|Copy|Register|Start|Put|Send|Provision|Purchase|Issue|Submit|Restore|Enable)"
)


class UnmappedOperationError(LookupError):
    """A call whose IAM action or resource is not known here: a gap in the tables, not an answer of AWS."""


def resources_of(call: Call, action: Action, world: World) -> tuple[str, ...]:
    """Return the ARNs that an action is authorised on; "*" where IAM has no resource-level permissions.

    Raises UnmappedOperationError where the action has a required resource type that cannot be told.
    """
    if not action.types:
        return ("*",)
    found: list[str] = []
    for kind in action.types:
        arns = arns_of(call, kind, world)
        if not arns and kind.name in action.required and (action.name, kind.name) not in UNNAMED:
            if not CREATING.match(call.operation):
                raise UnmappedOperationError(
                    f"{call.service}:{call.operation}: no parameter names the {kind.name} that {action.name} needs; "
                    f"add it to simulator/iam/resource_table.py"
                )
            arns = (_filled(kind, call, world, dict.fromkeys(kind.variables, "*")),)
        found.extend(arns)
    # An ARN that fits no form of the reference is authorised as it is.
    return tuple(dict.fromkeys(found)) or _own_arns(call, action) or ("*",)


def arns_of(call: Call, kind: ResourceType, world: World) -> tuple[str, ...]:
    """Return the ARNs of one resource type that a call names."""
    lookup = LOOKUPS.get((kind.service, kind.name))
    if lookup is not None:
        return lookup(call, world)
    if not kind.variables:
        return (_filled(kind, call, world, {}),)
    columns = []
    expression = template_expression(kind.template)
    for variable in kind.variables:
        values = _values(call.parameters, kind, variable)
        whole = tuple(value for value in values if value.startswith("arn:"))
        fitting = tuple(value for value in whole if expression.fullmatch(value))
        if fitting:
            return fitting
        columns.append([value for value in values if value not in whole])
    if not all(columns):
        return tuple(value for value in _arns(call.parameters) if expression.fullmatch(value))
    return tuple(
        _filled(kind, call, world, dict(zip(kind.variables, names, strict=True)))
        for names in itertools.product(*columns)
    )


def _filled(kind: ResourceType, call: Call, world: World, values: Mapping[str, str]) -> str:
    account = world.management if kind.service == "organizations" else call.account
    known = {
        "Partition": call.partition,
        "Region": call.region,
        "Account": account,
        "OrganizationId": world.organization_id,
        **values,
    }
    return VARIABLE.sub(lambda found: known.get(found[1], "*"), kind.template)


def _own_arns(call: Call, action: Action) -> tuple[str, ...]:
    prefix = action.name.split(":")[0]
    return tuple(arn for arn in _arns(call.parameters) if arn.split(":")[2] == prefix)


def _arns(parameters: Mapping[str, Any]) -> tuple[str, ...]:
    """Every ARN among the parameters, alone or in a list."""
    listed = (value if isinstance(value, (list, tuple)) else [value] for value in parameters.values())
    return tuple(
        value for values in listed for value in values if isinstance(value, str) and value.count(":") >= 5
        and value.startswith("arn:")
    )


def _values(parameters: Mapping[str, Any], kind: ResourceType, variable: str) -> tuple[str, ...]:
    """Find the values of one variable of an ARN form: by the reviewed table, else by the parameter's name."""
    if variable == "OrganizationId":
        return ("*",) if not parameters else ()
    listed = PARAMETERS.get((kind.service, kind.name, variable))
    if listed is not None:
        for expression in listed:
            found = _strings(_query(expression).search(parameters))
            if found:
                return found
        return ()
    wanted = _names(kind.name, variable)
    for name, value in parameters.items():
        if _plain(name) in wanted:
            return _strings(value)
    return ()


@cache
def _query(expression: str) -> Any:
    return jmespath.compile(expression)


def _strings(value: Any) -> tuple[str, ...]:
    values = value if isinstance(value, (list, tuple)) else [value]
    return tuple(dict.fromkeys(item for item in values if isinstance(item, str) and item))


@cache
def _names(kind: str, variable: str) -> frozenset[str]:
    """The parameter names that may hold a variable: `GroupId` for `SecurityGroupId`, `RoleName` for `RoleNameWithPath`."""
    base = _plain(variable.removesuffix("WithPath"))
    stem = _plain(kind)
    names = {base, f"{base}s", *(f"{stem}{end}{plural}" for end in ("id", "name", "arn") for plural in ("", "s"))}
    for end in ("id", "name", "identifier"):
        if base.endswith(end):
            root = base.removesuffix(end)
            names |= {f"{root}{other}{plural}" for other in ("id", "name", "arn", "identifier") for plural in ("", "s")}
            names |= {root, "resourcearn"}
    return frozenset(name for name in names if name)


@cache
def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())
