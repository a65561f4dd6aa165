"""What people have decided and nobody has begun, in every case of the catalog: where interruptions begin."""

from __future__ import annotations

from typing import Any

import pytest

from lambdas.controls import catalog
from lambdas.controls.model import Control, Resource
from operations import scenario
from simulator.door import Entry
from tests.controls.cases import Case
from tests.organization.hand_world import Bench
from tests.organization.strikes import WHOLE, thorough

EVERY = [
    pytest.param(control, case, id=f"{control.id} {case.name}")
    for control in catalog().values()
    for case in scenario.cases(control)
    if WHOLE or case is thorough(control)
]
CONTROLS = [pytest.param(control, id=control.id) for control in catalog().values()]


def approved(bench: Bench, control: Control, case: Case) -> tuple[Resource, dict[str, Any], str]:
    """A broken resource whose remediation is approved and not begun."""
    bench.allow(control, case, "approve")
    resource, finding = bench.broken(control, case)
    return resource, finding, bench.approved(finding)


def undoing(bench: Bench, control: Control, case: Case) -> tuple[Resource, dict[str, Any], str]:
    """A remediated resource whose undo is decided and not begun; no id where nothing can undo it."""
    resource, finding, identifier = approved(bench, control, case)
    bench.ended(identifier, bench.answered(finding, "remediates"))
    return resource, finding, bench.asks("undo", identifier)["undo"] if bench.undoable(identifier) else ""


ROADS = [approved, undoing]


def killed_after_effect(log: list[Entry], place: int) -> bool:
    """Whether the call before this one has changed the resource."""
    before = log[place - 1] if place else None
    return before is not None and bool(before.source_identity) and before.mutating and before.service != "sts"


def answer(bench: Bench, identifier: str) -> dict[str, Any]:
    entries: dict[str, dict[str, Any]] = bench.loop.ledger_of(identifier, bench.loop.hub)
    return entries["approved-1"]
