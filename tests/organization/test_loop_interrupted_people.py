"""What people decide, killed at every call, ends as if it had not been: approved remediations, undo, long plans,
and the endpoint between its writes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from lambdas.controls import catalog
from lambdas.controls.model import Control, Resource
from lambdas.remediation.case import AGAIN_SECONDS, STUCK_SECONDS, Approval
from lambdas.remediation.outcome import Outcome
from lambdas.remediation.request import parse
from operations import scenario
from simulator.door import Entry
from tests.controls.cases import Case
from tests.organization.hand_world import APPROVER, Bench, bench_of
from tests.organization.scrubbing import scrubbed
from tests.organization.slow_plans import slowed
from tests.organization.strikes import SHARE, some_places, thorough

EVERY = [
    pytest.param(control, case, number, id=f"{control.id} {case.name}")
    for control in catalog().values()
    for number, case in enumerate(scenario.cases(control))
]
CONTROLS = [pytest.param(control, id=control.id) for control in catalog().values()]


@pytest.fixture(scope="module")
def bench() -> Any:
    with bench_of() as opened:
        yield opened


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


def killed_everywhere(
    bench: Bench, control: Control, case: Case, number: int, begin: Callable[..., tuple[Resource, dict[str, Any], str]]
) -> None:
    """Kill what people have decided at its calls, deliver it again, and compare with one that was not killed."""
    bench.renew()
    resource, finding, identifier = begin(bench, control, case)
    if not identifier:
        return
    start = bench.mark()
    result = bench.answered(finding, "whole")
    calls = bench.calls(start)
    bench.ended(identifier, result)
    expected = bench.ending(control, resource, finding, start, identifier)
    for place in some_places(control, case, number, len(calls), ROADS.index(begin)):
        bench.renew()
        resource, finding, identifier = begin(bench, control, case)
        start = bench.mark()
        with bench.struck(place), pytest.raises(SystemExit):
            bench.answered(finding, "first")
        bench.over()
        second = bench.answered(finding, "second")
        bench.ended(identifier, second)
        # What was sent just before the end is sent again, but for a plan that was handed over already.
        again = "sns:Publish" in calls[:place] and second is not None
        wanted = replace(expected, messages=expected.messages + again)
        ended = bench.ending(control, resource, finding, start, identifier)
        reason = bench.loop.ledger_of(identifier, bench.loop.hub)["outcome"]["reason"]
        if "No longer needed" in reason and ended.changes < wanted.changes:
            # Part of the plan was enough, and the next run makes no more than it needs.
            wanted = replace(wanted, state=ended.state, changes=ended.changes)
        assert ended == wanted, f"killed before {calls[place]}, call {place + 1} of {len(calls)}: {reason}"
        assert bench.answered(finding, "third") is None
        assert answer(bench, identifier)["by"] == APPROVER


ROADS = [approved, undoing]


def killed_after_effect(log: list[Entry], place: int) -> bool:
    """Whether the call before this one has changed the resource."""
    before = log[place - 1] if place else None
    return before is not None and bool(before.source_identity) and before.mutating and before.service != "sts"


def answer(bench: Bench, identifier: str) -> dict[str, Any]:
    entries: dict[str, dict[str, Any]] = bench.loop.ledger_of(identifier, bench.loop.hub)
    return entries["approved-1"]


@pytest.mark.parametrize(("control", "case", "number"), EVERY)
def test_an_approved_remediation_that_is_killed_at_any_call_ends_as_one_that_is_not(
    bench: Bench, control: Control, case: Case, number: int
) -> None:
    killed_everywhere(bench, control, case, number, approved)


@pytest.mark.parametrize(("control", "case", "number"), EVERY)
def test_an_undo_that_is_killed_at_any_call_ends_as_one_that_is_not(
    bench: Bench, control: Control, case: Case, number: int
) -> None:
    killed_everywhere(bench, control, case, number, undoing)


# What AWS names by itself and deletes by that name alone: an answer that was lost is looked for by people.
UNKNOWN = {"CreateFlowLogs": "DeleteFlowLogs takes ids, and the answer with the id was lost"}


@pytest.mark.parametrize("control", CONTROLS)
def test_a_remediation_that_was_killed_after_an_effect_is_undone_as_one_that_was_not(
    bench: Bench, control: Control
) -> None:
    case = thorough(control)
    bench.renew()
    _, finding, identifier = approved(bench, control, case)
    start = bench.mark()
    result = bench.answered(finding, "whole")
    assert result is not None
    if result.outcome is Outcome.IN_PROGRESS:
        bench.stepped(identifier)
        return  # its steps are killed at every call of theirs, below
    log = bench.log(start)
    for place in range(len(log)) if bench.undoable(identifier) else ():
        if not killed_after_effect(log, place):
            continue
        bench.renew()
        resource, finding, identifier = approved(bench, control, case)
        before = scrubbed(control.read(bench.team, resource, None), resource.id)
        with bench.struck(place), pytest.raises(SystemExit):
            bench.answered(finding, "first")
        bench.over()
        bench.ended(identifier, bench.answered(finding, "second"))
        if log[place - 1].operation in UNKNOWN:
            assert "it is not known whether it took effect" in bench.refused("undo", identifier)
            continue
        undone = bench.undone(finding, identifier)
        assert undone["outcome"] == Outcome.UNDONE, f"killed after {log[place - 1].operation}: {undone['reason']}"
        assert scrubbed(control.read(bench.team, resource, None), resource.id) == before


@pytest.mark.parametrize("begin", ROADS)
@pytest.mark.parametrize(("control", "case", "number"), EVERY)
def test_a_long_plan_whose_steps_are_killed_at_any_call_ends_as_one_whose_are_not(
    bench: Bench,
    control: Control,
    case: Case,
    number: int,
    begin: Callable[..., tuple[Resource, dict[str, Any], str]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    slow = slowed(control)
    monkeypatch.setitem(catalog(), control.id, slow)
    bench.renew()
    resource, finding, identifier = begin(bench, slow, case)
    if not identifier:
        return
    result = bench.answered(finding, "hands over")
    assert result is not None
    assert result.outcome is Outcome.IN_PROGRESS
    start = bench.mark()
    bench.stepped(identifier)
    log, calls = bench.log(start), bench.calls(start)
    expected = bench.ending(slow, resource, finding, start, identifier)
    for place in some_places(control, case, number, len(calls), 2 + ROADS.index(begin)):
        bench.renew()
        resource, finding, identifier = begin(bench, slow, case)
        bench.answered(finding, "hands over")
        start = bench.mark()
        with bench.struck(place):
            bench.stepped(identifier)
        wanted = replace(expected, messages=expected.messages + ("sns:Publish" in calls[:place]))
        ended = bench.ending(slow, resource, finding, start, identifier)
        if killed_after_effect(log, place) and ended.changes == wanted.changes + 1:
            # A call without a code for "already done" is the same call every time, and is made again.
            wanted = replace(wanted, changes=ended.changes)
        assert ended == wanted, f"killed before {calls[place]}, call {place + 1} of {len(calls)}"


@pytest.mark.parametrize("control", CONTROLS)
def test_an_answer_whose_endpoint_is_killed_between_its_writes_is_acted_upon_or_was_never_given(
    bench: Bench, control: Control
) -> None:
    case, number = thorough(control), 0
    bench.allow(control, case, "approve")
    while True:
        bench.renew()
        _, finding = bench.broken(control, case)
        assert bench.handle(finding, "asks") is not None
        identifier = parse(finding, "aws").id
        if not killed(bench, number, "approve", identifier):
            break
        number += SHARE if case.settle else 1
        taken_up(bench, finding, identifier, "approve")
        # The steps of a long plan are struck in a test of their own.
        if not bench.handed_over(identifier):
            assert bench.loop.ledger_of(identifier)["outcome"]["outcome"] == Outcome.REMEDIATED
    assert number >= 4, "the case, the ledger and the queue are written"


@pytest.mark.parametrize("control", CONTROLS)
def test_an_undo_whose_endpoint_is_killed_between_its_writes_is_made_or_was_never_decided(
    bench: Bench, control: Control
) -> None:
    case, number = thorough(control), 0
    bench.allow(control, case)
    while True:
        bench.renew()
        resource, finding = bench.broken(control, case)
        before = scrubbed(control.read(bench.team, resource, None), resource.id)
        bench.brought(finding)
        identifier = parse(finding, "aws").id
        if not bench.undoable(identifier):
            return
        bench.messages()
        if not killed(bench, number, "undo", identifier):
            break
        number += SHARE if case.settle else 1
        taken_up(bench, finding, identifier, "undo")
        if not bench.handed_over(f"u{identifier[1:]}"):
            assert bench.loop.ledger_of(f"u{identifier[1:]}")["outcome"]["outcome"] == Outcome.UNDONE
            assert scrubbed(control.read(bench.team, resource, None), resource.id) == before
    assert number >= 4, "the case, the ledger and the queue are written"


def killed(bench: Bench, number: int, action: str, identifier: str) -> bool:
    """Ask the endpoint and kill it at a call of this number; False where it makes so many not."""
    with bench.struck(number):
        try:
            bench.asks(action, identifier)
        except SystemExit:
            return True
    return False


def taken_up(bench: Bench, finding: dict[str, Any], identifier: str, action: str) -> None:
    """Let the sweep go on with what stands on the case; what never came there, the person asks for again."""
    if bench.case(finding).approval != Approval.APPROVED:
        bench.asks(action, identifier)
    bench.wait(timedelta(seconds=AGAIN_SECONDS + 1))
    bench.renew()
    bench.sweep()
    decided = identifier if action == "approve" else f"u{identifier[1:]}"
    bench.carried(decided)
    assert answer(bench, decided)["by"] == APPROVER


@pytest.mark.parametrize("begin", ROADS)
@pytest.mark.parametrize("control", CONTROLS)
def test_what_people_decided_is_ended_by_the_sweep_where_its_message_was_lost(
    bench: Bench, control: Control, begin: Callable[..., tuple[Resource, dict[str, Any], str]]
) -> None:
    bench.renew()
    number = _call_after_intent(bench, control, begin)
    if number is None:
        return
    _, finding, identifier = begin(bench, control, thorough(control))
    start = bench.mark()
    bench.messages()
    # The first intent stands in the ledger, and its call was never made.
    with bench.struck(number), pytest.raises(SystemExit):
        bench.answered(finding, "lost")
    assert bench.calls(start)
    bench.wait(timedelta(seconds=STUCK_SECONDS + 1))
    bench.renew()
    bench.sweep()
    if bench.handed_over(identifier):
        bench.stepped(identifier)
    outcome = bench.loop.ledger_of(identifier)["outcome"]["outcome"]
    assert outcome == (Outcome.REMEDIATED if begin is approved else Outcome.UNDONE)


def _call_after_intent(
    bench: Bench, control: Control, begin: Callable[..., tuple[Resource, dict[str, Any], str]]
) -> int | None:
    """The number of the call that follows the first intent, as another resource shows; of a long plan, its start.

    None where nothing can undo a remediation.
    """
    _, finding, identifier = begin(bench, control, thorough(control))
    if not identifier:
        return None
    start = bench.mark()
    bench.answered(finding, "shows")
    log = bench.log(start)
    written = [number for number, entry in enumerate(log) if entry.source_identity]
    return [*written, *(number for number, entry in enumerate(log) if entry.operation == "StartExecution")][0]
