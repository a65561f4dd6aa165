"""The organisation's clock, shared by moto, the functions and everybody else in the process."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import time_machine


class SimulatedClock:
    """Time that stands still until it is moved; `datetime.now` and `time.time` of the whole process show it."""

    def __init__(self, start: datetime) -> None:
        self._travel = time_machine.travel(start, tick=False)
        self._traveller = self._travel.start()

    def now(self) -> datetime:
        """The current time in UTC."""
        return datetime.now(UTC)

    def forward(self, moment: datetime) -> None:
        """Move to a later moment; an earlier one changes nothing."""
        if moment > self.now():
            self._traveller.move_to(moment, tick=False)

    def close(self) -> None:
        """Give the process its real time back."""
        self._travel.stop()


class OffsetClock:
    """The real clock with an offset that can only grow."""

    def __init__(self) -> None:
        self._travel: time_machine.travel | None = None
        self._traveller: time_machine.Traveller | None = None

    def now(self) -> datetime:
        """The current time in UTC, offset included."""
        return datetime.now(UTC)

    def offset(self) -> timedelta:
        """How far this clock is ahead of the real one."""
        if self._traveller is None:
            return timedelta()
        return self.now() - time_machine.escape_hatch.datetime.datetime.now(UTC)

    def forward(self, moment: datetime) -> None:
        """Move to a later moment and tick on from there; an earlier one changes nothing."""
        if moment - self.now() <= timedelta(milliseconds=1):
            return
        if self._traveller is None:
            self._travel = time_machine.travel(moment, tick=True)
            self._traveller = self._travel.start()
        else:  # no thread of the process sees the real time in between
            self._traveller.move_to(moment, tick=True)

    def close(self) -> None:
        """Give the process its real time back."""
        if self._travel is not None:
            self._travel.stop()
            self._travel = self._traveller = None
