"""What people have answered is acted upon, whatever ends the endpoint between its writes or loses the message of it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from lambdas.controls.model import Control, Resource
from lambdas.remediation.case import AGAIN_SECONDS, STUCK_SECONDS, Approval
from lambdas.remediation.outcome import Outcome
from lambdas.remediation.request import parse
from simulator.door import Entry
from tests.organization.decided_world import CONTROLS, ROADS, answer, approved
from tests.organization.hand_world import APPROVER, Bench, bench_of
from tests.organization.scrubbing import scrubbed
from tests.organization.strikes import thorough


@pytest.fixture(scope="module")
def bench() -> Any:
    with bench_of() as opened:
        yield opened


def alone(bench: Bench, work: Callable[[], str | None]) -> None:
    """Do it in a copy, for the sweeps of every test after it would go over what it leaves; it returns why not."""
    left_out = bench.copies.outcome(work)
    if left_out:
        pytest.skip(left_out)


@pytest.mark.parametrize("control", CONTROLS)
def test_an_answer_whose_endpoint_is_killed_between_its_writes_is_acted_upon_or_was_never_given(
    bench: Bench, control: Control
) -> None:
    alone(bench, lambda: answered_and_killed(bench, control))


def answered_and_killed(bench: Bench, control: Control) -> None:
    case = thorough(control)
    bench.allow(control, case, "approve")
    bench.renew()
    _, finding = bench.broken(control, case)
    assert bench.handle(finding, "asks") is not None
    identifier = parse(finding, "aws").id

    def made(_: int) -> None:
        taken_up(bench, finding, identifier, "approve")
        # The steps of a long plan are struck in a test of their own.
        if not bench.handed_over(identifier):
            assert bench.loop.ledger_of(identifier)["outcome"]["outcome"] == Outcome.REMEDIATED

    killed = bench.copies.killed(lambda: bench.asks("approve", identifier), made)
    assert killed >= 4, "the case, the ledger and the queue are written"


@pytest.mark.parametrize("control", CONTROLS)
def test_an_undo_whose_endpoint_is_killed_between_its_writes_is_made_or_was_never_decided(
    bench: Bench, control: Control
) -> None:
    alone(bench, lambda: undone_and_killed(bench, control))


def undone_and_killed(bench: Bench, control: Control) -> str | None:
    case = thorough(control)
    bench.allow(control, case)
    bench.renew()
    resource, finding = bench.broken(control, case)
    before = scrubbed(control.read(bench.team, resource, None), resource.id)
    bench.brought(finding)
    identifier = parse(finding, "aws").id
    if not bench.undoable(identifier):
        return "nothing undoes it"
    bench.messages()

    def made(_: int) -> None:
        taken_up(bench, finding, identifier, "undo")
        if not bench.handed_over(f"u{identifier[1:]}"):
            assert bench.loop.ledger_of(f"u{identifier[1:]}")["outcome"]["outcome"] == Outcome.UNDONE
            assert scrubbed(control.read(bench.team, resource, None), resource.id) == before

    killed = bench.copies.killed(lambda: bench.asks("undo", identifier), made)
    assert killed >= 4, "the case, the ledger and the queue are written"
    return None


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
    alone(bench, lambda: lost_and_swept(bench, control, begin))


def lost_and_swept(
    bench: Bench, control: Control, begin: Callable[..., tuple[Resource, dict[str, Any], str]]
) -> str | None:
    bench.renew()
    _, finding, identifier = begin(bench, control, thorough(control))
    if not identifier:
        return "nothing undoes it"
    bench.messages()
    start = bench.mark()

    def whole() -> list[Entry]:
        bench.answered(finding, "shows")
        return bench.log(start)

    def ended(place: int) -> None:
        assert bench.calls(start)
        bench.wait(timedelta(seconds=STUCK_SECONDS + 1))
        bench.renew()
        bench.sweep()
        if bench.handed_over(identifier):
            bench.stepped(identifier)
        outcome = bench.loop.ledger_of(identifier)["outcome"]["outcome"]
        assert outcome == (Outcome.REMEDIATED if begin is approved else Outcome.UNDONE)

    # The first intent stands in the ledger, and its call was never made.
    after = _call_after_intent(bench.copies.outcome(whole))
    assert bench.copies.killed(lambda: bench.answered(finding, "lost"), ended, {after}) == 1
    return None


def _call_after_intent(log: list[Entry]) -> int:
    """The number of the call that follows the first intent; of a long plan, its start."""
    written = [number for number, entry in enumerate(log) if entry.source_identity]
    return [*written, *(number for number, entry in enumerate(log) if entry.operation == "StartExecution")][0]
