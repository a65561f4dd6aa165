"""Strands of executions: they wait on the agenda, end each other, and tell what is no error of a state."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest

from simulator.agenda import Agenda
from simulator.services.states_errors import StatesError
from simulator.services.states_history import HistoryFullError
from simulator.services.states_strands import Join, Steps, Strand, Ticket, pause


class Clock:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.moment = datetime(2026, 3, 2, tzinfo=UTC)

    def now(self) -> datetime:
        return self.moment

    def forward(self, moment: datetime) -> None:
        self.moment = max(self.moment, moment)


class Outcome:
    """What became of a strand."""

    def __init__(self, agenda: Agenda, steps: Steps) -> None:
        self.ends: list[Any] = []
        self.strand = Strand(agenda, "strand", steps, self._finished, self.ends.append)
        agenda.soon(self.strand.go, "strand")

    def _finished(self, value: Any, error: StatesError | None) -> None:
        self.ends.append(error or value)


@pytest.fixture
def agenda() -> Agenda:
    return Agenda(Clock())


def waits(agenda: Agenda, seconds: float, log: list[str]) -> Steps:
    try:
        yield pause(agenda, seconds)
        log.append(f"after {seconds}")
    finally:
        log.append(f"left {seconds}")
    return seconds


def fails(agenda: Agenda, seconds: float) -> Steps:
    yield pause(agenda, seconds)
    raise StatesError("Mine")


def joins(lines: list[partial[Steps]], **more: Any) -> Steps:
    results = yield Join(lines, 0, lambda failures: False, **more)
    return results


def test_strands_wait_side_by_side(agenda: Agenda) -> None:
    log: list[str] = []
    began = agenda.now()
    outcome = Outcome(agenda, joins([partial(waits, agenda, seconds, log) for seconds in (30, 10)]))
    agenda.rest()
    assert outcome.ends == [[30, 10]]
    assert agenda.now() - began == timedelta(seconds=30)
    assert log == ["after 10", "left 10", "after 30", "left 30"]


def test_an_aborted_strand_leaves_what_it_waits_for(agenda: Agenda) -> None:
    log: list[str] = []
    outcome = Outcome(agenda, joins([partial(waits, agenda, 30, log)]))
    agenda.advance(timedelta(seconds=1))
    outcome.strand.abort()
    assert log == ["left 30"]
    assert not agenda.busy()
    assert outcome.ends == []


def test_what_ends_itself_ends_at_its_next_wait(agenda: Agenda) -> None:
    def ends_itself() -> Iterator[Any]:
        outcome.strand.abort()
        yield pause(agenda, 1)

    outcome = Outcome(agenda, ends_itself())  # type: ignore[arg-type]
    agenda.rest()
    assert outcome.ends == []


def test_an_answer_that_comes_before_the_wait_is_kept(agenda: Agenda) -> None:
    ticket = Ticket("token", 10, None)
    ticket.reply("early", None)

    def asks() -> Steps:
        answer = yield ticket
        return answer

    outcome = Outcome(agenda, asks())
    agenda.rest()
    assert outcome.ends == ["early"]


def test_a_full_history_is_told_where_others_are_stopped(agenda: Agenda) -> None:
    def stopped(number: int) -> None:
        raise HistoryFullError

    log: list[str] = []
    lines: list[partial[Steps]] = [partial(fails, agenda, 1), partial(waits, agenda, 30, log)]
    outcome = Outcome(agenda, joins(lines, stopped=stopped))
    agenda.advance(timedelta(seconds=2))
    assert [type(end) for end in outcome.ends] == [HistoryFullError]
