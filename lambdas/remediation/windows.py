"""Change windows: when automatic and approved changes may be made, in the people's own time zone.

The zones are those that python-dateutil carries, which boto3 brings along: the function's machine has none to rely on.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta, tzinfo
from typing import Any

from dateutil.zoneinfo import get_zonefile_instance

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
# Every weekly window opens within this many days; one more, for windows that last over midnight.
HORIZON = 9


def zone(name: str) -> tzinfo | None:
    """Return the time zone of this name in the IANA database, or None where it has none."""
    found: tzinfo | None = get_zonefile_instance().get(name)
    return found


@dataclass(frozen=True, slots=True)
class Window:
    """A weekly window: on these days, from and until these times of the day there; `until` may be on the next day."""

    days: tuple[str, ...]
    start: time
    end: time
    timezone: str

    @classmethod
    def parse(cls, document: Mapping[str, Any]) -> Window:
        """Read a window from the policy item."""
        return cls(
            tuple(document["days"]),
            time.fromisoformat(document["start"]),
            time.fromisoformat(document["end"]),
            document["timezone"],
        )

    def spans(self, now: datetime) -> Iterable[tuple[datetime, datetime]]:
        """The windows around a moment, in order: from yesterday's, which may last until today."""
        there = zone(self.timezone)
        if there is None:
            raise ValueError(f"{self.timezone} is no time zone")
        today = now.astimezone(there).date()
        for offset in range(-1, HORIZON):
            day = today + timedelta(days=offset)
            if DAYS[day.weekday()] not in self.days:
                continue
            start = datetime.combine(day, self.start, there)
            end = datetime.combine(day + timedelta(days=int(self.end <= self.start)), self.end, there)
            yield start.astimezone(UTC), end.astimezone(UTC)


def closed_until(windows: Iterable[Window], now: datetime) -> datetime | None:
    """Return when the next window opens, or None where one is open or there are none at all."""
    openings = []
    for window in windows:
        for start, end in window.spans(now):
            if end <= start:
                continue  # the hour that the clocks leave out in spring has swallowed it
            if start <= now < end:
                return None
            if start > now:
                openings.append(start)
                break
    return min(openings, default=None)


def outside(opens: datetime) -> str:
    """Say why nothing is changed now."""
    return f"outside of the change windows; the next one opens at {opens:%Y-%m-%d %H:%M} UTC"
