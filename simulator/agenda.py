"""The clock and what is due: a discrete-event queue that runs in simulated or in real time."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """A clock that can be moved forward."""

    def now(self) -> datetime:
        """The current time, with time zone UTC."""
        ...

    def forward(self, moment: datetime) -> None:
        """Move to a later moment; an earlier one changes nothing."""
        ...


@dataclass(order=True, slots=True)
class Due:
    """One thing to do at a moment. `background` work (schedules) does not keep the agenda busy."""

    moment: datetime
    number: int
    action: Callable[[], None] = field(compare=False)
    label: str = field(compare=False)
    background: bool = field(compare=False)
    cancelled: bool = field(compare=False, default=False)


class Agenda:
    """What is due, in order of time and then of entry, so that a run is deterministic."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self._queue: list[Due] = []
        self._numbers = itertools.count()

    def now(self) -> datetime:
        """The current time of the organisation."""
        return self.clock.now()

    def soon(self, action: Callable[[], None], label: str, *, seconds: float = 0.0, background: bool = False) -> Due:
        """Do something after some seconds of simulated time."""
        return self.at(self.now() + timedelta(seconds=seconds), action, label, background=background)

    def at(self, moment: datetime, action: Callable[[], None], label: str, *, background: bool = False) -> Due:
        """Do something at a moment."""
        due = Due(moment.astimezone(UTC), next(self._numbers), action, label, background)
        heapq.heappush(self._queue, due)
        return due

    def step(self, until: datetime | None = None) -> bool:
        """Do the next thing that is due by `until`, moving the clock to it; False where there is none."""
        moment = self.next_moment()
        if moment is None or (until is not None and moment > until):
            return False
        due = heapq.heappop(self._queue)
        self.clock.forward(due.moment)
        due.action()
        return True

    def busy(self) -> bool:
        """Whether anything is due that is not background work."""
        return any(not due.background and not due.cancelled for due in self._queue)

    def next_moment(self) -> datetime | None:
        """When the next thing is due."""
        while self._queue and self._queue[0].cancelled:
            heapq.heappop(self._queue)
        return self._queue[0].moment if self._queue else None

    def wait(self) -> float | None:
        """Seconds until the next thing is due, 0 where it is due now; None where nothing is."""
        moment = self.next_moment()
        return None if moment is None else max(0.0, (moment - self.now()).total_seconds())

    def step_now(self) -> bool:
        """Do the next thing that is due already, on a clock that runs by itself; False where there is none."""
        return self.step(until=self.now())

    def rest(self, limit: timedelta = timedelta(hours=6)) -> None:
        """Run until nothing but background work is due; raises TimeoutError past `limit` of simulated time."""
        end = self.now() + limit
        while self.busy():
            if not self.step(until=end):
                waiting = sorted({due.label for due in self._queue if not due.background and not due.cancelled})
                raise TimeoutError(f"the organisation did not come to rest within {limit}: {', '.join(waiting)}")

    def advance(self, duration: timedelta) -> None:
        """Run everything that is due within `duration`, background work too, and end exactly then."""
        end = self.now() + duration
        while self.step(until=end):
            pass
        self.clock.forward(end)
