"""The steps of long plans, killed at every call, end as if they had not been."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from lambdas.controls import catalog
from lambdas.controls.model import Control, Resource
from lambdas.remediation.outcome import Outcome
from simulator.door import Entry
from tests.controls.cases import Case
from tests.organization.decided_world import EVERY, ROADS, killed_after_effect
from tests.organization.hand_world import Bench, Ending, bench_of
from tests.organization.slow_plans import slowed
from tests.organization.strikes import places


@pytest.fixture(scope="module")
def bench() -> Any:
    with bench_of() as opened:
        yield opened


@pytest.mark.parametrize("begin", ROADS)
@pytest.mark.parametrize(("control", "case"), EVERY)
def test_a_long_plan_whose_steps_are_killed_at_any_call_ends_as_one_whose_are_not(
    bench: Bench,
    control: Control,
    case: Case,
    begin: Callable[..., tuple[Resource, dict[str, Any], str]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    slow = slowed(control)
    monkeypatch.setitem(catalog(), control.id, slow)
    bench.renew()
    resource, finding, identifier = begin(bench, slow, case)
    if not identifier:
        pytest.skip("nothing undoes it")
    result = bench.answered(finding, "hands over")
    assert result is not None
    assert result.outcome is Outcome.IN_PROGRESS
    start = bench.mark()

    def whole() -> tuple[list[Entry], Ending]:
        bench.stepped(identifier)
        return bench.log(start), bench.ending(slow, resource, finding, start, identifier)

    log, expected = bench.copies.outcome(whole)
    calls = [entry.called for entry in log]

    def ended(place: int) -> None:
        wanted = replace(expected, messages=expected.messages + ("sns:Publish" in calls[:place]))
        found = bench.ending(slow, resource, finding, start, identifier)
        if killed_after_effect(log, place) and found.changes == wanted.changes + 1:
            # A call without a code for "already done" is the same call every time, and is made again.
            wanted = replace(wanted, changes=found.changes)
        assert found == wanted, f"killed before {calls[place]}, call {place + 1} of {len(calls)}"

    struck = places(control, case, len(calls), 3 + ROADS.index(begin))
    # A step that was killed is made again, as the state machine retries it.
    assert bench.copies.killed(lambda: bench.stepped(identifier), ended, struck, survives=True) == len(struck)
