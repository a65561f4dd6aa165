"""Every remediation of the catalog: broken, remediated, compliant, and taken back to what was there before.

By the real pipeline: approved where mode or ceiling want it, step by step where it takes time, undone by the endpoint.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from lambdas.controls import catalog
from lambdas.controls.model import Control, Verdict
from lambdas.findings import moment
from lambdas.remediation.outcome import Outcome
from lambdas.remediation.request import parse
from operations import scenario
from tests.controls.cases import Case, assigned_anew
from tests.controls.round_trip import judged
from tests.organization.hand_world import Bench, bench_of
from tests.organization.loop_world import PLACE
from tests.organization.scrubbing import differing
from tests.organization.slow_plans import slowed

EVERY = [
    pytest.param(control, case, id=f"{control.id} {case.name}")
    for control in catalog().values()
    for case in scenario.cases(control)
]


@pytest.fixture(scope="module")
def bench() -> Iterator[Bench]:
    with bench_of() as opened:
        yield opened


def lives(bench: Bench, control: Control, case: Case) -> None:
    """Take one resource through its whole life, and its neighbour beside it."""
    bench.renew()
    bench.allow(control, case)
    neighbour = case.neighbour(bench.team, PLACE) if case.neighbour is not None else None
    beside = beside_of(bench, case, neighbour)
    resource, finding = bench.broken(control, case)
    read, shown = control.read(bench.team, resource, None), case.state(bench.team, PLACE, resource.id)

    outcome = bench.brought(finding)
    assert outcome["outcome"] == Outcome.REMEDIATED, outcome["reason"]
    removed = control.read(bench.team, resource, None) is None
    if not removed:
        assert judged(bench.team, control, resource, case.parameters).verdict is Verdict.COMPLIANT
    assert beside_of(bench, case, neighbour) == beside

    bench.wait(timedelta(seconds=1))
    start, after = bench.mark(), case.state(bench.team, PLACE, resource.id)
    again = bench.handle({**finding, "UpdatedAt": moment(datetime.now(UTC))}, "again")
    assert again is not None
    stale = Outcome.GONE if removed else Outcome.ALREADY_COMPLIANT
    assert again.outcome is stale, "a stale finding changes nothing"
    assert not any(entry.source_identity for entry in bench.log(start)), "nobody may write in the second run"
    assert case.state(bench.team, PLACE, resource.id) == after

    identifier = parse(finding, "aws").id
    reasons = irreversible(bench, identifier)
    if reasons:
        refused = bench.refused("undo", identifier)
        assert any(reason in refused for reason in reasons), refused
        assert case.state(bench.team, PLACE, resource.id) == after
        return
    undone = bench.undone(finding, identifier)
    assert undone["outcome"] == Outcome.UNDONE, undone["reason"]
    assert differing(control, read, control.read(bench.team, resource, None)) == []
    assert differing(control, shown, case.state(bench.team, PLACE, resource.id)) == []
    assert beside_of(bench, case, neighbour) == beside
    said = undone["reason"].partition("assigned anew: ")[2]
    assert {field.rpartition(".")[2] for field in said.split(", ") if field} <= set(assigned_anew(control))
    assert bench.case(finding).hold


def beside_of(bench: Bench, case: Case, neighbour: str | None) -> object:
    """How a neighbour is; what an account has once has none."""
    return None if neighbour is None else case.state(bench.team, PLACE, neighbour)


def irreversible(bench: Bench, identifier: str) -> list[str]:
    """Why nothing brings back some change that a remediation has made."""
    entries = bench.loop.ledger_of(identifier)
    made = [body for name, body in entries.items() if name.endswith("-response") and "request_id" in body]
    assert made, "something was changed"
    return [body["irreversible"] for body in made if body["inverse"] is None]


@pytest.mark.parametrize(("control", "case"), EVERY)
def test_what_is_remediated_is_undone_field_by_field_or_refused_with_its_reason(
    bench: Bench, control: Control, case: Case
) -> None:
    lives(bench, control, case)


@pytest.mark.parametrize(("control", "case"), EVERY)
def test_the_same_by_the_steps_of_a_long_plan(
    bench: Bench, control: Control, case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = slowed(control)
    monkeypatch.setitem(catalog(), control.id, slow)
    lives(bench, slow, case)
