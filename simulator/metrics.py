"""Metrics: what they are called, their data points, and how a service reports its own.

**A service that reports metrics by itself** sets `metrics` (of `simulator.service.Service`) to an object with the two
methods of `MetricSource`. Nothing is stored and nothing runs in the background: CloudWatch asks the source when a
caller asks CloudWatch. `data` gets one metric and a `Span`, and yields `Datum`s of that time, made from the state that
the service holds anyway; where it has nothing to report it yields nothing, which is what CloudWatch calls a missing
data point. A measurement that stands for a while is one `Datum.of` per bucket of the span; a count over a time is one
`Datum` with the number of its minutes as `samples`. Namespace, name and dimensions have to fit exactly, as in
CloudWatch: `Metric` compares by all three, in any order of the dimensions. Retention, periods, units, statistics and
paging are CloudWatch's concern (`simulator.services.cloudwatch_metrics`). Example: `tests/simulator/metric_world.py`.

Source: CloudWatch User Guide, "Metrics concepts".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

MINUTE = timedelta(minutes=1)
# ListMetrics names what had data points within this time.
LISTED = timedelta(weeks=2)


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric: each combination of dimensions is a metric of its own. `dimensions` are sorted pairs."""

    namespace: str
    name: str
    dimensions: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of(cls, namespace: str, name: str, dimensions: Mapping[str, str]) -> Metric:
        """Name a metric; the order of the dimensions does not matter."""
        return cls(namespace, name, tuple(sorted(dimensions.items())))

    def dimension(self, name: str) -> str | None:
        """The value of one dimension."""
        return dict(self.dimensions).get(name)


@dataclass(frozen=True, slots=True)
class Datum:
    """A statistic set with a moment: of `samples` measurements their sum, the smallest and the largest.

    `resolution` is 60 seconds, or 1 for callers' metrics of high resolution.
    """

    at: datetime
    total: float
    minimum: float
    maximum: float
    samples: float = 1.0
    unit: str = "None"
    resolution: int = 60

    @classmethod
    def of(cls, at: datetime, value: float, unit: str = "None", samples: float = 1.0) -> Datum:
        """The same value, measured `samples` times."""
        return cls(at, value * samples, value, value, samples, unit)


@dataclass(frozen=True, slots=True)
class Span:
    """A time that is asked for, from `start` until before `end`, in buckets of `period`."""

    start: datetime
    end: datetime
    period: timedelta

    def buckets(self) -> Iterator[tuple[datetime, datetime]]:
        """Begin and end of each bucket; the last one is cut off at the end of the span."""
        start = self.start
        while start < self.end:
            yield start, min(start + self.period, self.end)
            start += self.period

    def within(self, start: datetime, end: datetime | None) -> Iterator[tuple[datetime, datetime]]:
        """What each bucket has of a time that may not have ended; buckets that have nothing of it are left out."""
        skipped = max(0, (start - self.start) // self.period)
        until = self.end if end is None else min(end, self.end)
        for begin, stop in Span(self.start + skipped * self.period, until, self.period).buckets():
            if max(begin, start) < stop:
                yield max(begin, start), stop


class MetricSource(Protocol):
    """What a service reports by itself, asked for lazily; see the module's docstring."""

    def data(self, account: str, region: str, metric: Metric, span: Span) -> Iterable[Datum]:
        """The data points of one metric in a span, in any order; nothing for metrics that are not the service's."""
        ...

    def names(self, account: str, region: str) -> Iterable[Metric]:
        """The metrics that have data points, for ListMetrics."""
        ...
