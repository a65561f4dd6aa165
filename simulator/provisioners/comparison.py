"""When two values of an input mean the same, and what a refresh writes into the state."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from simulator.provisioners.model import Inputs, Known, Provisioner, Standing

ASSET = "c44067f5952c0a294b673a41bacd8c17"  # the wire's marker of an asset
MARKER = "4dabf18193072939515e22adb298388d"


def differing(provisioner: Provisioner, old: Inputs, new: Inputs) -> frozenset[str]:
    """The names of inputs that do not mean the same before and after, AWS's defaults considered.

    What AWS computes stays where the program no longer gives it.
    """
    before, after = provisioner.filled(old), provisioner.filled(new)
    return frozenset(
        name
        for name in {*before, *after}
        if not same(provisioner, name, before.get(name), after.get(name))
        and not (name in provisioner.computed and after.get(name) is None)
    )


def same(provisioner: Provisioner, name: str, one: Any, other: Any) -> bool:
    """Whether two values of an input mean the same."""
    return bool(_plain(provisioner, name, one) == _plain(provisioner, name, other))


def refreshed(provisioner: Provisioner, known: Known, standing: Standing) -> dict[str, Any]:
    """The inputs as a refresh writes them: the state's own words where they still mean what stands.

    An input that the program never gave appears when it is no longer AWS's default, unless AWS
    computes it; one that no call tells stays as it is known. An import knows no inputs: everything
    that stands appears.
    """
    merged: dict[str, Any] = {}
    imported = not known.inputs
    for name in sorted({*known.inputs, *standing.inputs}):
        old, default = known.inputs.get(name), provisioner.defaults.get(name)
        live = old if name in provisioner.unread else standing.inputs.get(name, default)
        if old is None and not imported and (name in provisioner.computed or same(provisioner, name, default, live)):
            continue
        merged[name] = old if same(provisioner, name, old, live) else live
    merged = {name: value for name, value in merged.items() if value is not None}
    if known.inputs.get("region") is not None:
        merged["region"] = known.inputs["region"]
    return merged


def _plain(provisioner: Provisioner, path: str, value: Any) -> Any:
    """Write a value so that equal meanings are equal: JSON parsed, sets sorted, blocks without empty members."""
    if isinstance(value, Mapping):
        if value.get(MARKER) == ASSET:
            return value.get("hash") or value.get("text") or value.get("path")
        plain = {key: _plain(provisioner, f"{path}.{key}", one) for key, one in value.items()}
        # As Terraform's schemas have it: in a block, nothing given and the empty value are one.
        return {key: one for key, one in plain.items() if one is not None and one is not False and one != ""} or None
    if isinstance(value, list):
        items = [_plain(provisioner, path, one) for one in value]
        return (sorted(items, key=_order) if path in provisioner.sets else items) or None
    if isinstance(value, str) and path in provisioner.documents:
        return _document(value)
    return value


def _document(text: str) -> Any:
    try:
        parsed = json.loads(text)
    except json.JSONDecodeError:
        return text
    return _policy(parsed) if isinstance(parsed, dict) and "Statement" in parsed else parsed


def _policy(value: Any) -> Any:
    """Policies: a list of one member means that member, and no list of texts has an order."""
    if isinstance(value, dict):
        return {key: _policy(one) for key, one in value.items()}
    if isinstance(value, list):
        if len(value) == 1:
            return _policy(value[0])
        items = [_policy(one) for one in value]
        return sorted(items) if all(isinstance(one, str) for one in items) else items
    return value


def _order(value: Any) -> str:
    return json.dumps(value, sort_keys=True)
