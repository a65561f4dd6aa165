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
from simulator.iam.resource_table import ID_PREFIXES, LISTED, MIXED_IDS, PARAMETERS, UNNAMED
from simulator.iam.service_data import VARIABLE, Action, ResourceType, template_expression

if TYPE_CHECKING:
    from simulator.world import World

# These make the resource, so that what AWS names itself is authorised as a star in its place.
CREATING = re.compile(
    r"(Create|Run|Allocate|Request|Import|Copy|Register|Start|Put|Send|Provision|Purchase|Issue|Submit|Restore|Enable)"
)

# These read, and where they are asked for nothing by name, for all that there is: the ARN is of all of a type.
LISTING = re.compile(r"(List|Describe|Get|BatchGet|Search)[A-Z]")
PAGING = frozenset({"maxresults", "nexttoken", "limit", "marker", "maxrecords", "maxitems", "pagesize"})


class UnmappedOperationError(LookupError):
    """A call whose IAM action or resource is not known here: a gap in the tables, not an answer of AWS."""


def resources_of(call: Call, action: Action, world: World) -> tuple[str, ...]:
    """Return the ARNs that an action is authorised on; "*" where IAM has no resource-level permissions.

    Raises UnmappedOperationError where the action has a required resource type that cannot be told.
    """
    if not action.types:
        return ("*",)
    named = {kind.name: arns_of(call, kind, world) for kind in action.types}
    missing = [kind for kind in action.types if kind.name in action.required and not named[kind.name]]
    nameable = [kind for kind in missing if (action.name, kind.name) not in UNNAMED]
    lists = LISTING.match(call.operation) and PAGING.issuperset(name.lower() for name in call.parameters)
    if CREATING.match(call.operation) or lists:
        for kind in nameable:
            named[kind.name] = (_filled(kind, call, world, dict.fromkeys(kind.variables, "*")),)
    found = tuple(dict.fromkeys(arn for arns in named.values() for arn in arns)) or _own_arns(call, action)
    if nameable and not found:
        raise UnmappedOperationError(
            f"{call.service}:{call.operation}: no parameter names the {nameable[0].name} that {action.name} needs; "
            f"add it to simulator/iam/resource_table.py"
        )
    everything = [kind for kind in action.types if (action.name, kind.name) in LISTED]
    return (
        found or tuple(_filled(kind, call, world, dict.fromkeys(kind.variables, "*")) for kind in everything) or ("*",)
    )


def arns_of(call: Call, kind: ResourceType, world: World) -> tuple[str, ...]:
    """Return the ARNs of one resource type that a call names."""
    lookup = LOOKUPS.get((kind.service, kind.name))
    if lookup is not None:
        return lookup(call, world)
    if not kind.variables:
        return (_filled(kind, call, world, {}),)
    if kind.service == "ec2":
        mixed = _by_prefix(call, kind)
        if mixed:
            return tuple(_filled(kind, call, world, {kind.variables[0]: name}) for name in mixed)
    columns = []
    expression = template_expression(kind.template)
    for variable in kind.variables:
        values = _values(call.parameters, kind, variable) or _bare(call, kind)
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
        value
        for values in listed
        for value in values
        if isinstance(value, str) and value.count(":") >= 5 and value.startswith("arn:")
    )


def _values(parameters: Mapping[str, Any], kind: ResourceType, variable: str) -> tuple[str, ...]:
    """Find the values of one variable of an ARN form: by the reviewed table, else by the parameter's name."""
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


def _by_prefix(call: Call, kind: ResourceType) -> tuple[str, ...]:
    """Find the ids of one EC2 type among parameters that take ids of any."""
    start = ID_PREFIXES.get(kind.name)
    if start is None:
        return ()
    expression = re.compile(re.escape(start) + r"[0-9a-f]+")
    listed = (name for key in MIXED_IDS for name in _strings(call.parameters.get(key)))
    return tuple(name for name in listed if expression.fullmatch(name))


def _bare(call: Call, kind: ResourceType) -> tuple[str, ...]:
    """Read a bare `Name`, `Id` or `Identifier`, which names what the operation itself is called after."""
    if _plain(kind.name) not in _plain(call.operation):
        return ()
    bare = ("name", "names", "id", "ids", "identifier", "arn", "resource", "resourcearn")
    for name, value in call.parameters.items():
        if _plain(name) in bare:
            return _strings(value)
    return ()


@cache
def _query(expression: str) -> Any:
    return jmespath.compile(expression)


def _strings(value: Any) -> tuple[str, ...]:
    values = value if isinstance(value, (list, tuple)) else [value]
    return tuple(dict.fromkeys(str(item) for item in values if isinstance(item, (str, int)) and item))


@cache
def _names(kind: str, variable: str) -> frozenset[str]:
    """The parameter names that may hold a variable: `RoleName` for `RoleNameWithPath`."""
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
