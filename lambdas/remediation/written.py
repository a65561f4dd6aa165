"""Plans as JSON without loss: the ledger keeps them, and what is read back can be made and undone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from lambdas.controls.model import Ago, Change, Grant, Plan, Probe, Ref, Token, Verdict

# What of a plan is about how people are told, and no part of what they approve.
TELLING = ("creator", "remind", "wait", "note")
# The one key of an object that stands for a Ref; no parameter of AWS begins with a dollar.
REF = "$ref"
# The same for an Ago.
AGO = "$ago"
# And for a Token.
MARK = "$token"


def plan(given: Plan) -> dict[str, Any]:
    """A plan as JSON."""
    return {
        **plan_of_changes(given.changes),
        "tell": [audience.value for audience in given.tell],
        "leaves": list(given.leaves),
        "message": given.message,
        "ceiling": {"mode": given.ceiling.mode.value, "reason": given.ceiling.reason} if given.ceiling else None,
        **_telling(given),
        # Named only where it is not the usual one: the digests of plans stay what they were.
        **({"removes": True} if given.removes else {}),
        **({} if given.proves is Verdict.COMPLIANT else {"proves": given.proves.value}),
    }


def _telling(given: Plan) -> dict[str, Any]:
    """What a plan says of how people are told, where it does."""
    said = dict(zip(TELLING, (given.creator, list(given.remind), given.wait, given.note), strict=True))
    return {name: value for name, value in said.items() if value}


def proves(document: Mapping[str, Any]) -> Verdict:
    """The verdict that shows that a written plan has worked."""
    return Verdict(document.get("proves", Verdict.COMPLIANT.value))


def removes(document: Mapping[str, Any]) -> bool:
    """Whether a written plan has worked where the resource is gone."""
    return bool(document.get("removes", False))


def plan_of_changes(changes: Sequence[Change]) -> dict[str, Any]:
    """Changes as JSON in the form of a plan that tells nobody."""
    return {"changes": [change(one) for one in changes], "tell": [], "leaves": [], "message": "", "ceiling": None}


def change(given: Change) -> dict[str, Any]:
    """A change as JSON, with its inverse and its effect."""
    effect = given.effect
    return {
        "name": given.name,
        "service": given.service,
        "operation": given.operation,
        "parameters": _written(given.parameters),
        "grants": [grant(one) for one in given.grants],
        "inverse": change(given.inverse) if given.inverse else None,
        "irreversible": given.irreversible,
        "settled": list(given.settled),
        "effect": None if effect is None else _probe(effect),
    }


def grant(given: Grant) -> dict[str, Any]:
    """A grant as JSON."""
    return {
        "action": given.action,
        "resources": _written(given.resources),
        "conditions": {operator: dict(keys) for operator, keys in given.conditions.items()},
    }


def changes_of(document: Mapping[str, Any]) -> tuple[Change, ...]:
    """Read the changes of a plan back."""
    return tuple(change_of(one) for one in document["changes"])


def change_of(document: Mapping[str, Any]) -> Change:
    """Read a change back; entries of the first version have neither `effect` nor the reason of an undo."""
    inverse, effect = document.get("inverse"), document.get("effect")
    irreversible = document.get("irreversible")
    if inverse is None and irreversible is None:
        irreversible = "it is an undo"
    return Change(
        name=document["name"],
        service=document["service"],
        operation=document["operation"],
        parameters=_read(document["parameters"]),
        grants=tuple(_grant_of(one) for one in document["grants"]),
        inverse=change_of(inverse) if inverse is not None else None,
        irreversible=irreversible,
        settled=tuple(document["settled"]),
        effect=_probe_of(effect) if effect is not None else None,
    )


def _grant_of(document: Mapping[str, Any]) -> Grant:
    return Grant(document["action"], tuple(_read(document["resources"])), document["conditions"])


def _probe(given: Probe) -> dict[str, Any]:
    return {
        "service": given.service,
        "operation": given.operation,
        "parameters": _written(given.parameters),
        "path": given.path,
        "expected": list(given.expected),
        "failed": list(given.failed),
        "interval": given.interval,
        "timeout": given.timeout,
    }


def _probe_of(document: Mapping[str, Any]) -> Probe:
    return Probe(
        service=document["service"],
        operation=document["operation"],
        parameters=_read(document["parameters"]),
        path=document["path"],
        expected=tuple(document["expected"]),
        failed=tuple(document["failed"]),
        interval=document["interval"],
        timeout=document["timeout"],
    )


def _written(value: Any) -> Any:
    if isinstance(value, Ref):
        return {REF: [value.change, value.path]}
    if isinstance(value, Ago):
        return {AGO: value.seconds}
    if isinstance(value, Token):
        return {MARK: value.change}
    if isinstance(value, Mapping):
        return {key: _written(item) for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, (str, bytes)):
        return [_written(item) for item in value]
    return value


def _read(value: Any) -> Any:
    if isinstance(value, Mapping):
        if set(value) == {AGO}:
            return Ago(value[AGO])
        if set(value) == {MARK}:
            return Token(value[MARK])
        return Ref(*value[REF]) if set(value) == {REF} else {key: _read(item) for key, item in value.items()}
    return [_read(item) for item in value] if isinstance(value, list) else value
