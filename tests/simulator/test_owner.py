"""The owner thread: what is handed to it, and what becomes due by itself."""

from __future__ import annotations

import logging
import threading
import time
from datetime import timedelta

import pytest

from simulator.agenda import Agenda
from simulator.clock import OffsetClock
from simulator.owner import OrganizationClosed, Owner


def test_what_is_due_on_the_real_clock_happens_by_itself() -> None:
    agenda, done = Agenda(OffsetClock()), threading.Event()
    owner = Owner(agenda)
    owner.run(lambda: agenda.soon(done.set, "soon", seconds=0.05))
    assert done.wait(timeout=10)
    owner.close()


def test_busy_clients_do_not_hold_up_what_is_due_nor_the_other_way() -> None:
    agenda, seen = Agenda(OffsetClock()), list[int]()
    owner = Owner(agenda)

    def again() -> None:
        seen.append(len(seen))
        agenda.soon(again, "again")

    owner.run(lambda: agenda.soon(again, "again"))
    counts = [owner.run(lambda: len(seen)) for _ in range(100)]
    owner.close()
    assert counts[-1] >= 90


def test_a_failure_of_what_is_due_is_logged_and_the_next_still_happens(caplog: pytest.LogCaptureFixture) -> None:
    agenda, done = Agenda(OffsetClock()), threading.Event()
    owner = Owner(agenda)

    def fail() -> None:
        raise ValueError("broken")

    with caplog.at_level(logging.ERROR):
        owner.run(lambda: (agenda.soon(fail, "fails"), agenda.soon(done.set, "next")))
        assert done.wait(timeout=10)
    owner.close()
    assert "broken" in caplog.text


def test_a_closed_owner_finishes_what_it_has_and_takes_nothing_more() -> None:
    owner, may = Owner(), threading.Event()
    waiting = owner.submit(lambda: may.wait(timeout=10))
    last = owner.submit(lambda: "done")
    threading.Timer(0.05, may.set).start()
    owner.close()
    assert (waiting.result(timeout=1), last.result(timeout=1)) == (True, "done")
    with pytest.raises(OrganizationClosed):
        owner.run(lambda: None)


def test_the_offset_only_grows_and_the_clock_ticks_on() -> None:
    clock = OffsetClock()
    assert not clock.offset()
    try:
        start = clock.now()
        clock.forward(start + timedelta(days=31))
        clock.forward(start)
        advanced = clock.now()
        assert advanced - start >= timedelta(days=31)
        time.sleep(0.02)
        assert clock.now() > advanced
        clock.forward(clock.now() + timedelta(hours=1))
        assert timedelta(days=31, minutes=59) < clock.offset() < timedelta(days=31, hours=2)
    finally:
        clock.close()
    assert not clock.offset()
