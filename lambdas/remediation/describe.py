"""A plan in words: the dry run, the approval and the message are written from the same changes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from lambdas.controls.model import Change, Plan, Ref


def lines(plan: Plan) -> list[str]:
    """Say each call of a plan with its parameters, its undo and its permissions, then what is left alone."""
    return recorded(document(plan))


def recorded(plan: Mapping[str, Any]) -> list[str]:
    """Say a plan as the ledger holds it."""
    said = []
    for number, change in enumerate(plan["changes"], 1):
        said.append(f"{number}. {_call(change)}")
        said.append(f"   needs: {', '.join(sorted({grant['action'] for grant in change['grants']}))}")
        undo = _call(change["inverse"]) if change["inverse"] else f"none: {change['irreversible']}"
        said.append(f"   undo: {undo}")
    said.extend(f"Left alone: {left}" for left in plan["leaves"])
    return said


def _call(change: Mapping[str, Any]) -> str:
    """Write one call as people read it."""
    return f"{change['service']}:{change['operation']} {json.dumps(change['parameters'], sort_keys=True)}"


def digest(plan: Plan, settings: Mapping[str, Any]) -> str:
    """The digest of an unresolved plan and the settings that it was made from: what an approval is for."""
    text = json.dumps([document(plan), settings], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def document(plan: Plan) -> dict[str, Any]:
    """A plan as JSON for the ledger."""
    return {
        "changes": [_change(change) for change in plan.changes],
        "tell": [audience.value for audience in plan.tell],
        "leaves": list(plan.leaves),
        "message": plan.message,
        "ceiling": {"mode": plan.ceiling.mode.value, "reason": plan.ceiling.reason} if plan.ceiling else None,
    }


def _change(change: Change) -> dict[str, Any]:
    return {
        "name": change.name,
        "service": change.service,
        "operation": change.operation,
        "parameters": plain(change.parameters),
        "grants": [
            {
                "action": grant.action,
                "resources": plain(grant.resources),
                "conditions": {operator: dict(keys) for operator, keys in grant.conditions.items()},
            }
            for grant in change.grants
        ],
        "inverse": _change(change.inverse) if change.inverse else None,
        "irreversible": change.irreversible,
    }


def plain(value: Any) -> Any:
    """Replace every Ref by a text that names it."""
    if isinstance(value, Ref):
        return f"<{value.change}: {value.path}>"
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return value
