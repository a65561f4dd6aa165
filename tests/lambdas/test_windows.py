"""Change windows: open and closed in the people's own time, over midnight and through changes of the clocks."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from lambdas.remediation.windows import DAYS, Window, closed_until, outside, zone

WEEKDAYS = DAYS[:5]


def window(days: str, start: str, end: str, timezone: str = "Europe/Berlin") -> Window:
    return Window.parse({"days": days.split(), "start": start, "end": end, "timezone": timezone})


def at(text: str) -> datetime:
    """A moment in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


# 2026-01-05 is a Monday. Berlin is UTC+1 in winter and UTC+2 from 2026-03-29 to 2026-10-25.
@pytest.mark.parametrize(
    ("opened", "now", "until"),
    [
        pytest.param(window("mon", "09:00", "17:00"), "2026-01-05 08:00", None, id="opens at its start"),
        pytest.param(window("mon", "09:00", "17:00"), "2026-01-05 07:59", "2026-01-05 08:00", id="a minute before"),
        pytest.param(window("mon", "09:00", "17:00"), "2026-01-05 15:59", None, id="its last minute"),
        pytest.param(window("mon", "09:00", "17:00"), "2026-01-05 16:00", "2026-01-12 08:00", id="closed at its end"),
        pytest.param(window("tue thu", "09:00", "17:00"), "2026-01-06 20:00", "2026-01-08 08:00", id="the next day"),
        pytest.param(window("mon", "22:00", "02:00"), "2026-01-06 00:30", None, id="over midnight, on the next day"),
        pytest.param(window("mon", "22:00", "02:00"), "2026-01-06 01:00", "2026-01-12 21:00", id="over after midnight"),
        pytest.param(window("sun", "22:00", "02:00"), "2026-01-05 00:30", None, id="from Sunday into Monday"),
        pytest.param(window("mon", "22:00", "00:00"), "2026-01-05 22:59", None, id="until midnight"),
        pytest.param(window("mon", "00:00", "00:00"), "2026-01-05 12:00", None, id="the whole day"),
        pytest.param(window("mon", "00:00", "00:00"), "2026-01-05 23:00", "2026-01-11 23:00", id="and not the next"),
        pytest.param(window("mon", "09:00", "17:00", "America/New_York"), "2026-01-05 14:00", None, id="New York"),
        pytest.param(window("tue", "08:00", "10:00", "Pacific/Auckland"), "2026-01-05 19:00", None, id="tomorrow"),
        pytest.param(window("sun", "20:00", "22:00", "Pacific/Honolulu"), "2026-01-05 06:00", None, id="yesterday"),
        pytest.param(window("mon", "09:00", "10:00", "Asia/Kathmandu"), "2026-01-05 03:15", None, id="UTC+5:45"),
        # The clocks go forward at 01:00 UTC on 2026-03-29, and back at 01:00 UTC on 2026-10-25: both Sundays.
        pytest.param(window("sat", "09:00", "17:00"), "2026-03-28 08:00", None, id="the day before summer"),
        pytest.param(window("sun", "09:00", "17:00"), "2026-03-29 07:00", None, id="the first day of summer"),
        pytest.param(window("sat", "22:00", "04:00"), "2026-03-29 01:59", None, id="over the hour left out"),
        pytest.param(window("sat", "22:00", "04:00"), "2026-03-29 02:00", "2026-04-04 20:00", id="is shorter"),
        pytest.param(window("sun", "02:30", "03:15"), "2026-03-29 01:20", "2026-04-05 00:30", id="swallowed by it"),
        pytest.param(window("sun", "02:00", "03:00"), "2026-10-25 00:30", None, id="the hour that comes twice"),
        pytest.param(window("sun", "02:00", "03:00"), "2026-10-25 01:30", None, id="and its second time"),
        pytest.param(window("sun", "02:00", "03:00"), "2026-10-25 02:00", "2026-11-01 01:00", id="over in winter"),
    ],
)
def test_a_window_is_open_in_the_time_of_its_people(opened: Window, now: str, until: str | None) -> None:
    assert closed_until([opened], at(now)) == (at(until) if until else None)


def test_without_windows_it_is_always_open() -> None:
    assert closed_until([], at("2026-01-05 03:00")) is None


def test_of_several_windows_one_open_is_enough_and_else_the_next_counts() -> None:
    windows = [window("mon", "09:00", "10:00"), window("mon", "12:00", "13:00"), window("fri", "09:00", "17:00")]
    assert closed_until(windows, at("2026-01-05 11:30")) is None
    assert closed_until(windows, at("2026-01-05 09:30")) == at("2026-01-05 11:00")
    assert closed_until(windows, at("2026-01-05 12:30")) == at("2026-01-09 08:00")


@pytest.mark.parametrize("day", DAYS)
def test_every_weekly_window_opens_within_a_week(day: str) -> None:
    now = at("2026-03-25 12:00")
    opens = closed_until([window(day, "09:00", "09:15")], now)
    assert opens is not None
    assert (opens - now).days < 7
    assert closed_until([window(day, "09:00", "09:15")], opens) is None


def test_a_zone_that_is_none_is_an_error_and_never_an_open_window() -> None:
    assert zone("Europe/Atlantis") is None
    with pytest.raises(ValueError, match="Europe/Atlantis is no time zone"):
        closed_until([window("mon", "09:00", "17:00", "Europe/Atlantis")], at("2026-01-05 10:00"))


def test_people_hear_when_the_next_one_opens() -> None:
    assert outside(at("2026-01-05 08:00")).endswith("opens at 2026-01-05 08:00 UTC")
