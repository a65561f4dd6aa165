"""Schedule expressions of EventBridge rules: rate(...) and cron(...), both in UTC.

Source: EventBridge User Guide, "Setting a schedule pattern for scheduled rules".
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

RATE = re.compile(r"rate\((?P<value>[1-9]\d*) (?P<unit>minutes?|hours?|days?)\)")
CRON = re.compile(r"cron\((?P<fields>[^()]+)\)")
MONTHS = {name.upper(): number for number, name in enumerate(calendar.month_abbr) if name}
WEEKDAYS = {name: number for number, name in enumerate(("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"), 1)}
LAST_YEAR = 2199


class InvalidSchedule(ValueError):
    """An expression that EventBridge refuses."""


@dataclass(frozen=True, slots=True)
class Rate:
    """A regular interval, counted from when the rule was created or enabled."""

    interval: timedelta

    def after(self, moment: datetime) -> datetime | None:
        """When the rule fires next after a moment at which it fired or began."""
        return moment + self.interval


@dataclass(frozen=True, slots=True)
class Cron:
    """The times that a cron expression names; `day_of_month` or `day_of_week` is `?`."""

    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    day_of_month: str
    months: tuple[int, ...]
    day_of_week: str
    years: tuple[int, ...]

    def after(self, moment: datetime) -> datetime | None:
        """The first such time after a moment; None where there is none left."""
        start = moment.astimezone(UTC).replace(second=0, microsecond=0) + timedelta(minutes=1)
        for year in self.years:
            for month in self.months:
                if (year, month) < (start.year, start.month):
                    continue
                for day in self._days(year, month):
                    found = self._time(datetime(year, month, day, tzinfo=UTC), start)
                    if found is not None:
                        return found
        return None

    def _time(self, day: datetime, start: datetime) -> datetime | None:
        if day.date() < start.date():
            return None
        times = (day.replace(hour=hour, minute=minute) for hour in self.hours for minute in self.minutes)
        return next((time for time in times if time >= start), None)

    def _days(self, year: int, month: int) -> list[int]:
        last = calendar.monthrange(year, month)[1]
        if self.day_of_month != "?":
            chosen = {day for part in self.day_of_month.split(",") for day in _month_days(part, year, month, last)}
        else:
            chosen = {day for part in self.day_of_week.split(",") for day in _week_days(part, year, month, last)}
        return sorted(chosen)


def parse(expression: str) -> Rate | Cron:
    """Read a schedule expression; raises InvalidSchedule."""
    rate = RATE.fullmatch(expression)
    if rate is not None:
        value, unit = int(rate["value"]), rate["unit"]
        if (value == 1) == unit.endswith("s"):
            raise InvalidSchedule(f"{expression}: 1 takes a singular unit, every other number a plural one")
        return Rate(timedelta(**{unit.rstrip("s") + "s": value}))
    cron = CRON.fullmatch(expression)
    if cron is None:
        raise InvalidSchedule(f"{expression} is neither rate(<number> <unit>) nor cron(<six fields>)")
    fields = cron["fields"].upper().split()
    if len(fields) != 6:
        raise InvalidSchedule(f"{expression} has {len(fields)} fields; six are expected")
    minutes, hours, day_of_month, months, day_of_week, years = fields
    if (day_of_month == "?") == (day_of_week == "?"):
        raise InvalidSchedule(f"{expression}: exactly one of day-of-month and day-of-week is a question mark")
    if day_of_month != "?":
        for part in day_of_month.split(","):
            _month_days(part, 2024, 1, 31)
    else:
        for part in day_of_week.split(","):
            _week_days(part, 2024, 1, 31)
    return Cron(
        _numbers(minutes, 0, 59),
        _numbers(hours, 0, 23),
        day_of_month,
        _numbers(months, 1, 12, MONTHS),
        day_of_week,
        _numbers(years, 1970, LAST_YEAR),
    )


def _numbers(text: str, low: int, high: int, names: Mapping[str, int] | None = None) -> tuple[int, ...]:
    """Read a list of numbers, ranges and steps: `5`, `1-5`, `*`, `0/15`, `*/2`, `JAN,MAR`."""
    chosen: set[int] = set()
    for part in text.split(","):
        span, slash, step = part.partition("/")
        if slash and not (step.isdecimal() and int(step) > 0):
            raise InvalidSchedule(f"{part}: the step must be a positive number")
        if span == "*":
            first, last = low, high
        else:
            start, dash, end = span.partition("-")
            first = _number(start, low, high, names)
            last = _number(end, low, high, names) if dash else (high if slash else first)
        if first > last:
            raise InvalidSchedule(f"{part}: the range ends before it begins")
        chosen.update(range(first, last + 1, int(step) if slash else 1))
    return tuple(sorted(chosen))


def _number(text: str, low: int, high: int, names: Mapping[str, int] | None) -> int:
    value = (names or {}).get(text)
    if value is None:
        if not text.isdecimal():
            raise InvalidSchedule(f"{text or 'an empty field'} is not a number from {low} to {high}")
        value = int(text)
    if not low <= value <= high:
        raise InvalidSchedule(f"{text} is not from {low} to {high}")
    return value


def _month_days(part: str, year: int, month: int, last: int) -> set[int]:
    """The days of a month that a day-of-month field names, `L` (last) and `W` (nearest weekday) included."""
    if part == "L":
        return {last}
    if part == "LW":
        return {_nearest_weekday(year, month, last, last)}
    if part.endswith("W"):
        day = _number(part[:-1], 1, 31, None)
        return {_nearest_weekday(year, month, day, last)} if day <= last else set()
    return {day for day in _numbers(part, 1, 31) if day <= last}


def _nearest_weekday(year: int, month: int, day: int, last: int) -> int:
    weekday = calendar.weekday(year, month, day)
    if weekday == calendar.SATURDAY:
        return day - 1 if day > 1 else day + 2
    if weekday == calendar.SUNDAY:
        return day + 1 if day < last else day - 2
    return day


def _week_days(part: str, year: int, month: int, last: int) -> set[int]:
    """The days of a month that a day-of-week field names: `2`, `MON-FRI`, `6L` (last Friday), `3#2` (2nd Tuesday)."""
    weekday, hash_sign, occurrence = part.partition("#")
    if hash_sign:
        days = _on_weekday(_number(weekday, 1, 7, WEEKDAYS), year, month, last)
        number = _number(occurrence, 1, 5, None)
        return {days[number - 1]} if number <= len(days) else set()
    if part == "L":  # the last day of the week: Saturday
        return set(_on_weekday(7, year, month, last))
    if part.endswith("L"):
        return {_on_weekday(_number(part[:-1], 1, 7, WEEKDAYS), year, month, last)[-1]}
    return {day for number in _numbers(part, 1, 7, WEEKDAYS) for day in _on_weekday(number, year, month, last)}


def _on_weekday(number: int, year: int, month: int, last: int) -> list[int]:
    """The days of a month that fall on a weekday, counted from Sunday = 1."""
    return [day for day in range(1, last + 1) if (calendar.weekday(year, month, day) + 1) % 7 + 1 == number]
