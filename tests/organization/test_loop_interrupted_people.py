"""What people decide, killed at every call of the run that makes it, ends as if it had not been."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from lambdas.controls.model import Control, Resource, Verdict
from lambdas.remediation.outcome import Outcome
from simulator.door import Entry
from tests.controls.cases import Case
from tests.controls.round_trip import judged
from tests.organization.decided_world import CONTROLS, EVERY, ROADS, answer, approved, killed_after_effect, undoing
from tests.organization.hand_world import APPROVER, Bench, Ending, bench_of
from tests.organization.scrubbing import scrubbed
from tests.organization.strikes import places, thorough


@pytest.fixture(scope="module")
def bench() -> Any:
    with bench_of() as opened:
        yield opened


def killed_everywhere(
    bench: Bench, control: Control, case: Case, begin: Callable[..., tuple[Resource, dict[str, Any], str]]
) -> None:
    """Kill what people have decided at its calls, deliver it again, and compare with one that was not killed."""
    bench.renew()
    resource, finding, identifier = begin(bench, control, case)
    if not identifier:
        pytest.skip("nothing undoes it")
    start = bench.mark()

    def whole() -> tuple[list[Entry], Ending]:
        result = bench.answered(finding, "whole")
        log = bench.log(start)
        bench.ended(identifier, result)
        return log, bench.ending(control, resource, finding, start, identifier)

    log, expected = bench.copies.outcome(whole)
    calls = [entry.called for entry in log]

    def again(place: int) -> None:
        bench.over()
        second = bench.answered(finding, "second")
        bench.ended(identifier, second)
        # What was sent just before the end is sent again, but for a plan that was handed over already.
        told = "sns:Publish" in calls[:place] and second is not None
        wanted = replace(expected, messages=expected.messages + told)
        ended = bench.ending(control, resource, finding, start, identifier)
        reason = bench.loop.ledger_of(identifier, bench.loop.hub)["outcome"]["reason"]
        if "No longer needed" in reason and ended.changes < wanted.changes:
            # Part of the plan was enough, and the next run makes no more than it needs.
            assert judged(bench.team, control, resource, case.parameters).verdict is Verdict.COMPLIANT
            wanted = replace(wanted, state=ended.state, changes=ended.changes)
        if begin is undoing and killed_after_effect(log, place) and ended.changes == wanted.changes + 1:
            # A call of an undo without a code for "already done" is the same call every time, and is made again.
            wanted = replace(wanted, changes=ended.changes)
        assert ended == wanted, f"killed before {calls[place]}, call {place + 1} of {len(calls)}: {reason}"
        assert bench.answered(finding, "third") is None
        assert answer(bench, identifier)["by"] == APPROVER

    struck = places(control, case, len(calls), 1 + ROADS.index(begin))
    assert bench.copies.killed(lambda: bench.answered(finding, "first"), again, struck) == len(struck)


@pytest.mark.parametrize(("control", "case"), EVERY)
def test_an_approved_remediation_that_is_killed_at_any_call_ends_as_one_that_is_not(
    bench: Bench, control: Control, case: Case
) -> None:
    killed_everywhere(bench, control, case, approved)


@pytest.mark.parametrize(("control", "case"), EVERY)
def test_an_undo_that_is_killed_at_any_call_ends_as_one_that_is_not(bench: Bench, control: Control, case: Case) -> None:
    killed_everywhere(bench, control, case, undoing)


# What AWS names by itself and deletes by that name alone: an answer that was lost is looked for by people.
UNKNOWN = {"CreateFlowLogs": "DeleteFlowLogs takes ids, and the answer with the id was lost"}


@pytest.mark.parametrize("control", CONTROLS)
def test_a_remediation_that_was_killed_after_an_effect_is_undone_as_one_that_was_not(
    bench: Bench, control: Control
) -> None:
    case = thorough(control)
    bench.renew()
    resource, finding, identifier = approved(bench, control, case)
    before = scrubbed(control.read(bench.team, resource, None), resource.id)
    start = bench.mark()

    def whole() -> tuple[list[Entry], str]:
        result = bench.answered(finding, "whole")
        assert result is not None
        if result.outcome is Outcome.IN_PROGRESS:
            return [], "its steps are killed in a test of their own"
        return bench.log(start), "" if bench.undoable(identifier) else "nothing undoes it"

    log, left_out = bench.copies.outcome(whole)
    if left_out:
        pytest.skip(left_out)

    def undone(place: int) -> None:
        bench.over()
        bench.ended(identifier, bench.answered(finding, "second"))
        if log[place - 1].operation in UNKNOWN:
            assert "it is not known whether it took effect" in bench.refused("undo", identifier)
            return
        outcome = bench.undone(finding, identifier)
        assert outcome["outcome"] == Outcome.UNDONE, f"killed after {log[place - 1].operation}: {outcome['reason']}"
        assert scrubbed(control.read(bench.team, resource, None), resource.id) == before

    after = {place for place in range(len(log)) if killed_after_effect(log, place)}
    assert bench.copies.killed(lambda: bench.answered(finding, "first"), undone, after) == len(after) > 0
