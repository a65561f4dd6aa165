"""Every remediation of the catalog, killed at every call that it makes, ends as if it had not been."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from lambdas.controls import catalog
from lambdas.controls.model import Control, Verdict
from lambdas.remediation.outcome import Outcome
from lambdas.remediation.request import parse
from operations import scenario
from tests.controls.cases import Case
from tests.controls.round_trip import judged
from tests.organization.hand_world import Bench, Ending, bench_of
from tests.organization.strikes import places

EVERY = [
    pytest.param(control, case, id=f"{control.id} {case.name}")
    for control in catalog().values()
    for case in scenario.cases(control)
]


@pytest.fixture(scope="module")
def bench() -> Iterator[Bench]:
    with bench_of() as opened:
        yield opened


@pytest.mark.parametrize(("control", "case"), EVERY)
def test_a_remediation_that_is_killed_at_any_call_ends_as_one_that_is_not(
    bench: Bench, control: Control, case: Case
) -> None:
    # In a copy, so that no test finds what another has left.
    bench.copies.outcome(lambda: killed_everywhere(bench, control, case))


def killed_everywhere(bench: Bench, control: Control, case: Case) -> None:
    bench.renew()
    bench.allow(control, case)
    resource, finding = bench.broken(control, case)
    start = bench.mark()

    def whole() -> tuple[list[str], bool, Ending]:
        result = bench.handle(finding, "whole")
        assert result is not None
        calls = bench.calls(start)
        # Of a plan that takes time the function makes the beginning; its steps are killed elsewhere.
        bench.carried(parse(finding, "aws").id)
        slow = result.outcome is Outcome.IN_PROGRESS
        return calls, slow, bench.ending(control, resource, finding, start)

    calls, slow, expected = bench.copies.outcome(whole)
    assert expected.outcome in {Outcome.REMEDIATED, Outcome.AWAITING_APPROVAL}

    def again(place: int) -> None:
        bench.over()
        result = bench.handle(finding, "second")
        assert slow or result is not None
        bench.carried(parse(finding, "aws").id)
        ended = bench.ending(control, resource, finding, start)
        # A message that was sent just before the end is sent again: no queue and no topic can do better.
        wanted = replace(expected, messages=expected.messages + told_again(calls[:place], slow=slow))
        if result is not None and "No longer needed" in result.reason:
            # Part of the plan was enough; the next run reads the live resource and makes no more than it needs.
            assert judged(bench.team, control, resource, case.parameters).verdict is Verdict.COMPLIANT
            assert ended.changes < wanted.changes
            wanted = replace(wanted, state=ended.state, changes=ended.changes)
        assert ended == wanted, f"killed before {calls[place]}, call {place + 1} of {len(calls)}"
        assert bench.handle(finding, "third") is None

    struck = places(control, case, len(calls))
    assert bench.copies.killed(lambda: bench.handle(finding, "first"), again, struck) == len(struck)


def told_again(calls: list[str], *, slow: bool) -> bool:
    """Whether a run that begins anew after these calls sends a message again."""
    if "sns:Publish" not in calls:
        return False
    # Once the plan stands in the ledger, the next run goes on with it.
    return not (slow and "dynamodb:ExecuteStatement" in calls[calls.index("sns:Publish") :])
