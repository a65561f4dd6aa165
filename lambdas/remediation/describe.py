"""A plan in words: the dry run, the approval and the message are written from the same changes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from lambdas.controls.model import READ_AT, Plan
from lambdas.remediation import redaction, written
from lambdas.remediation.differences import changed


def lines(plan: Plan) -> list[str]:
    """Say each call of a plan with its parameters, its undo and its permissions, then what is left alone."""
    return recorded(redaction.plan(written.plan(plan)))


def recorded(plan: Mapping[str, Any]) -> list[str]:
    """Say a plan as the ledger holds it."""
    said = []
    for number, change in enumerate(plan["changes"], 1):
        said.append(f"{number}. {call(change)}")
        if change.get("effect"):
            said.append(f"   then waits for: {_wait(change['effect'])}")
        said.extend(f"   needs: {_grant(grant)}" for grant in change["grants"])
        undo = call(change["inverse"]) if change["inverse"] else f"none: {change['irreversible']}"
        said.append(f"   undo: {undo}")
        said.extend(f"   changes: {line}" for line in _changes(change))
    said.extend(f"Left alone: {left}" for left in plan["leaves"])
    return said


def call(change: Mapping[str, Any]) -> str:
    """Write one call as people read it."""
    return f"{change['service']}:{change['operation']} {json.dumps(_shown(change['parameters']), sort_keys=True)}"


def digest(plan: Plan, settings: Mapping[str, Any]) -> str:
    """The digest of an unresolved plan and the settings that it was made from: what an approval is for.

    Secrets are no part of it: it is told, and would let people try guesses.
    """
    return digest_of(redaction.plan(written.plan(plan)), redaction.by_name(settings))


def digest_of(document: Mapping[str, Any], settings: Mapping[str, Any]) -> str:
    """The same of a plan and settings as the ledger holds them.

    Who made the resource may become known later, and when it was read is no part of it.
    """
    asked = {name: value for name, value in document.items() if name not in written.TELLING}
    read = {name: value for name, value in settings.items() if name != READ_AT}
    text = json.dumps([asked, read], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def _changes(change: Mapping[str, Any]) -> list[str]:
    """What one call sets anew: the parameters of the same call that takes it back are what was before."""
    inverse = change["inverse"]
    if inverse is None or (inverse["service"], inverse["operation"]) != (change["service"], change["operation"]):
        return []
    return changed(_shown(inverse["parameters"]), _shown(change["parameters"]))


def _grant(grant: Mapping[str, Any]) -> str:
    """Write a permission: the action, what it is for, and the keys of the conditions that narrow it."""
    resources = [one if isinstance(one, str) else str(_shown(one)) for one in grant["resources"]]
    keys = sorted(key for keys in grant["conditions"].values() for key in keys)
    narrowed = f", narrowed by {', '.join(keys)}" if keys else ""
    return f"{grant['action']} on {', '.join(resources)}{narrowed}"


def _wait(effect: Mapping[str, Any]) -> str:
    expected = " or ".join(map(str, effect["expected"]))
    return f"{effect['path']} of {call(effect)} is {expected} (at most {effect['timeout'] // 60} minutes)"


def _shown(value: Any) -> Any:
    """Replace what an earlier change brings by a text that names it."""
    if isinstance(value, Mapping):
        if set(value) == {written.REF}:
            change, path = value[written.REF]
            return f"<{change}: {path}>"
        if set(value) == {written.AGO}:
            return f"<{value[written.AGO]} seconds before>"
        if set(value) == {written.MARK}:
            return "<one of this remediation>"
        return {key: _shown(item) for key, item in value.items()}
    return [_shown(item) for item in value] if isinstance(value, list) else value
