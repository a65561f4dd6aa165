"""Controls of the catalog whose every change, and every undo, takes its time: their plans are long ones."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from lambdas.controls.model import Change, Control, Plan, Probe, Refusal
from tests.organization.loop_world import TEAM

# Any session may ask who it is: the one read that needs no permission in any service.
TAKEN = Probe("sts", "get_caller_identity", {}, "Account", (TEAM,))


def slowed(control: Control) -> Control:
    """The same control with effects to wait for."""

    def plan(*given: Any) -> Plan | Refusal:
        made = control.plan(*given)
        if isinstance(made, Refusal):
            return made
        return replace(made, changes=tuple(_slow(change) for change in made.changes))

    return replace(control, plan=plan)


def _slow(change: Change) -> Change:
    inverse = _slow(change.inverse) if change.inverse is not None else None
    return replace(change, inverse=inverse, effect=change.effect or TAKEN)
