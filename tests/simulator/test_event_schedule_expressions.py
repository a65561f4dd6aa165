"""When schedule expressions fire. The cases follow the EventBridge User Guide's tables."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from simulator.services.event_schedule import InvalidSchedule, parse

START = "2026-03-02T12:00"  # a Monday


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("expression", "following"),
    [
        pytest.param("rate(1 minute)", ["2026-03-02T12:01", "2026-03-02T12:02"], id="every minute"),
        pytest.param("rate(5 minutes)", ["2026-03-02T12:05", "2026-03-02T12:10"], id="every five minutes"),
        pytest.param("rate(1 hour)", ["2026-03-02T13:00", "2026-03-02T14:00"], id="every hour"),
        pytest.param("rate(12 hours)", ["2026-03-03T00:00", "2026-03-03T12:00"], id="every twelve hours"),
        pytest.param("rate(1 day)", ["2026-03-03T12:00", "2026-03-04T12:00"], id="every day"),
        pytest.param("cron(0 10 * * ? *)", ["2026-03-03T10:00", "2026-03-04T10:00"], id="10:00 every day"),
        pytest.param("cron(15 12 * * ? *)", ["2026-03-02T12:15", "2026-03-03T12:15"], id="12:15 every day"),
        pytest.param("cron(0 12 * * ? *)", ["2026-03-03T12:00"], id="never the moment itself"),
        pytest.param("cron(0 18 ? * MON-FRI *)", ["2026-03-02T18:00", "2026-03-03T18:00"], id="18:00 on weekdays"),
        pytest.param("cron(0 18 ? * mon-fri *)", ["2026-03-02T18:00"], id="names in any case"),
        pytest.param("cron(0 8 1 * ? *)", ["2026-04-01T08:00", "2026-05-01T08:00"], id="08:00 on the first"),
        pytest.param("cron(0/15 * * * ? *)", ["2026-03-02T12:15", "2026-03-02T12:30"], id="every 15 minutes"),
        pytest.param("cron(*/20 * * * ? *)", ["2026-03-02T12:20", "2026-03-02T12:40"], id="a step from the start"),
        pytest.param("cron(5-15/5 * * * ? *)", ["2026-03-02T12:05", "2026-03-02T12:10"], id="a step in a range"),
        pytest.param("cron(0/5 8-17 ? * MON-FRI *)", ["2026-03-02T12:05", "2026-03-02T12:10"], id="office hours"),
        pytest.param("cron(0 9 ? * 2#1 *)", ["2026-04-06T09:00", "2026-05-04T09:00"], id="first Monday"),
        pytest.param("cron(0 9 ? * TUE#3 *)", ["2026-03-17T09:00", "2026-04-21T09:00"], id="third Tuesday"),
        pytest.param(
            "cron(0 9 ? * 1#5 *)", ["2026-03-29T09:00", "2026-05-31T09:00"], id="fifth Sunday, where there is"
        ),
        pytest.param("cron(0 9 ? * 6L *)", ["2026-03-27T09:00", "2026-04-24T09:00"], id="last Friday"),
        pytest.param("cron(0 9 ? * L *)", ["2026-03-07T09:00", "2026-03-14T09:00"], id="L is Saturday"),
        pytest.param("cron(0 9 L * ? *)", ["2026-03-31T09:00", "2026-04-30T09:00"], id="last day of the month"),
        pytest.param(
            "cron(0 9 LW * ? *)", ["2026-03-31T09:00", "2026-04-30T09:00", "2026-05-29T09:00"], id="last weekday"
        ),
        pytest.param(
            "cron(0 9 15W * ? *)", ["2026-03-16T09:00", "2026-04-15T09:00"], id="weekday nearest to Sunday 15"
        ),
        pytest.param("cron(0 9 7W 3 ? *)", ["2026-03-06T09:00"], id="weekday nearest to Saturday 7"),
        pytest.param("cron(0 9 1W 8 ? *)", ["2026-08-03T09:00"], id="a weekday never leaves the month"),
        pytest.param("cron(0 9 31 * ? *)", ["2026-03-31T09:00", "2026-05-31T09:00"], id="months without a 31st"),
        pytest.param("cron(0 0 29 2 ? *)", ["2028-02-29T00:00", "2032-02-29T00:00"], id="leap days"),
        pytest.param("cron(0 0 1 JAN,JUL ? *)", ["2026-07-01T00:00", "2027-01-01T00:00"], id="listed months"),
        pytest.param("cron(0 0 1 1 ? 2027-2028)", ["2027-01-01T00:00", "2028-01-01T00:00", None], id="listed years"),
        pytest.param("cron(0 0 1 1 ? 2020)", [None], id="a year that is over"),
        pytest.param("cron(30 10 ? * 1,7 *)", ["2026-03-07T10:30", "2026-03-08T10:30"], id="weekends by number"),
    ],
)
def test_a_schedule_fires_at_its_times(expression: str, following: list[str | None]) -> None:
    moment: datetime | None = at(START)
    for expected in following:
        assert moment is not None
        moment = parse(expression).after(moment)
        assert moment == (None if expected is None else at(expected))


@pytest.mark.parametrize(
    ("expression", "reason"),
    [
        pytest.param("rate(1 minutes)", "singular", id="1 with a plural"),
        pytest.param("rate(5 minute)", "plural", id="5 with a singular"),
        pytest.param("rate(0 minutes)", "neither", id="zero"),
        pytest.param("rate(1.5 hours)", "neither", id="fraction"),
        pytest.param("rate(10 seconds)", "neither", id="seconds"),
        pytest.param("every day", "neither", id="prose"),
        pytest.param("cron(0 10 * * ?)", "has 5 fields", id="five fields"),
        pytest.param("cron(0 10 * * * *)", "exactly one", id="no question mark"),
        pytest.param("cron(0 10 ? * ? *)", "exactly one", id="two question marks"),
        pytest.param("cron(60 10 * * ? *)", "60 is not from 0 to 59", id="minute 60"),
        pytest.param("cron(0 24 * * ? *)", "24 is not from 0 to 23", id="hour 24"),
        pytest.param("cron(0 0 32 * ? *)", "32 is not from 1 to 31", id="day 32"),
        pytest.param("cron(0 0 * 13 ? *)", "13 is not from 1 to 12", id="month 13"),
        pytest.param("cron(0 0 ? * 8 *)", "8 is not from 1 to 7", id="weekday 8"),
        pytest.param("cron(0 0 ? * 2#6 *)", "6 is not from 1 to 5", id="sixth Monday"),
        pytest.param("cron(0 0 ? * XYZ *)", "XYZ is not a number", id="no weekday"),
        pytest.param("cron(0 0 1 1 ? 1969)", "1969 is not from 1970", id="year 1969"),
        pytest.param("cron(0/0 0 * * ? *)", "step", id="step of zero"),
        pytest.param("cron(10-5 0 * * ? *)", "ends before it begins", id="range backwards"),
        pytest.param("cron(,5 0 * * ? *)", "empty field", id="empty entry"),
    ],
)
def test_a_wrong_schedule_is_refused(expression: str, reason: str) -> None:
    with pytest.raises(InvalidSchedule, match=reason):
        parse(expression)
