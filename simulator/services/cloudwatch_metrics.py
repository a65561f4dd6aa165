"""CloudWatch's metrics: what callers put and what services report, read by period and statistic.

A period without data points has none: nothing fills it with zeros. Resolution falls with age: minutes for 15 days,
five minutes for 63, hours for 455. How a service reports its own metrics says `simulator.metrics`.

Source: CloudWatch API reference, PutMetricData, GetMetricData, GetMetricStatistics and ListMetrics; CloudWatch User
Guide, "Metrics concepts" (namespaces, dimensions, retention).
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from simulator.call import Call, ServiceError, not_simulated
from simulator.metrics import LISTED, Datum, Metric, MetricSource, Span

if TYPE_CHECKING:
    from simulator.world import World

STATISTICS = ("SampleCount", "Average", "Sum", "Minimum", "Maximum")
# How long data points are kept at a resolution in seconds.
RETENTION = (
    (1, timedelta(hours=3)),
    (60, timedelta(days=15)),
    (300, timedelta(days=63)),
    (3600, timedelta(days=455)),
)
SHORT_PERIODS = (1, 5, 10, 20, 30)
OLDEST, NEWEST = timedelta(weeks=2), timedelta(hours=2)  # what PutMetricData takes
LARGEST = 2.0**360
MOST_METRICS, MOST_VALUES, MOST_DIMENSIONS = 1000, 150, 30
MOST_QUERIES, MOST_POINTS, MOST_STATISTICS = 500, 100_800, 1440
LISTED_PAGE = 500
IDENTIFIER = re.compile(r"[a-z][a-zA-Z0-9_]*")
Place = tuple[str, str]


class Metrics:
    """The metrics of every account and Region: what callers put is kept, what services report is asked of them."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._put: dict[Place, dict[Metric, list[Datum]]] = {}

    def put(self, call: Call) -> dict[str, Any]:
        """Take data points, all or none."""
        given = call.parameters
        namespace = given["Namespace"]
        data = [*(given.get("MetricData") or ())]
        for entity in given.get("EntityMetricData") or ():
            data += entity.get("MetricData") or ()
        if not data:
            raise ServiceError("MissingParameter", "The parameter MetricData is required.")
        if len(data) > MOST_METRICS:
            raise _invalid(f"The collection MetricData must not have a size greater than {MOST_METRICS}.")
        made = [(_metric(namespace, one), list(self._data(one))) for one in data]
        kept = self._put.setdefault((call.account, call.region), {})
        for metric, points in made:
            kept.setdefault(metric, []).extend(points)
        return {}

    def _data(self, given: Mapping[str, Any]) -> Iterator[Datum]:
        now = self._world.agenda.now()
        at = (given.get("Timestamp") or now).astimezone(UTC)
        if not now - OLDEST <= at <= now + NEWEST:
            raise _invalid(f"The parameter Timestamp {at.isoformat()} is over two weeks past or two hours ahead.")
        resolution = given.get("StorageResolution") or 60
        if resolution not in (1, 60):
            raise _invalid("The parameter StorageResolution must be 1 or 60.")
        at = at.replace(microsecond=0, second=at.second if resolution == 1 else 0)
        for point in _points(given, at):
            yield replace(point, unit=given.get("Unit") or "None", resolution=resolution)

    def read(self, call: Call) -> dict[str, Any]:
        """Answer GetMetricData: up to 500 metrics, newest points first unless asked otherwise, in pages."""
        given = call.parameters
        queries = given["MetricDataQueries"]
        _check_queries(queries, call.account)
        start, end = _times(given, "ValidationError")
        largest = given.get("MaxDatapoints") or MOST_POINTS
        if largest > MOST_POINTS:
            raise ServiceError("ValidationError", f"MaxDatapoints must not be greater than {MOST_POINTS}.")
        ascending = given.get("ScanBy") == "TimestampAscending"
        series = [self._series(call, query, start, end, ascending=ascending) for query in queries]
        return _page_of(queries, series, given.get("NextToken"), largest)

    def _series(
        self, call: Call, query: Mapping[str, Any], start: datetime, end: datetime, *, ascending: bool
    ) -> list[tuple[datetime, float]]:
        wanted = query["MetricStat"]
        metric = _metric(wanted["Metric"].get("Namespace", ""), wanted["Metric"])
        _check_period(wanted["Period"], "ValidationError")
        points = self._aggregated(call, metric, start, end, wanted["Period"], wanted.get("Unit"))
        found = [(at, _statistic(wanted["Stat"], data)) for at, data in points.items()]
        return sorted(found, reverse=not ascending)

    def statistics(self, call: Call) -> dict[str, Any]:
        """Answer GetMetricStatistics: at most 1,440 data points, in no order that means anything."""
        given = call.parameters
        period, wanted = given["Period"], given.get("Statistics") or []
        if given.get("ExtendedStatistics"):
            raise not_simulated("percentiles of metrics", several=True)
        if not wanted:
            raise ServiceError("MissingParameter", "Must specify either Statistics or ExtendedStatistics")
        _check_period(period, "InvalidParameterValue")
        start, end = _times(given, "InvalidParameterValue")
        asked = math.ceil((end - start) / timedelta(seconds=period))
        if asked > MOST_STATISTICS:
            raise ServiceError(
                "InvalidParameterCombination",
                f"You have requested up to {asked} datapoints, which exceeds the limit of {MOST_STATISTICS}. You may "
                "reduce the datapoints requested by increasing Period, or decreasing the time range.",
            )
        metric = _metric(given["Namespace"], given)
        found = self._aggregated(call, metric, start, end, period, given.get("Unit"))
        return {
            "Label": metric.name,
            "Datapoints": [
                {"Timestamp": at, **{one: _statistic(one, same) for one in wanted}, "Unit": unit}
                for at, data in found.items()
                for unit in sorted({point.unit for point in data})
                for same in [[point for point in data if point.unit == unit]]
            ],
        }

    def named(self, call: Call) -> dict[str, Any]:
        """Answer ListMetrics: the metrics that had data points within two weeks, or three hours where that is asked."""
        given = call.parameters
        now = self._world.agenda.now()
        since = now - (timedelta(hours=3) if given.get("RecentlyActive") else LISTED)
        place = (call.account, call.region)
        kept = self._put.get(place, {})
        found = {metric for metric, points in kept.items() if any(since <= point.at <= now for point in points)}
        for source in self._sources():
            found |= set(source.names(*place))
        chosen = sorted(
            (metric for metric in found if _listed(metric, given)),
            key=lambda one: (one.namespace, one.name, one.dimensions),
        )
        start = _offset(given.get("NextToken"), "InvalidParameterValue")
        answer: dict[str, Any] = {
            "Metrics": [
                {
                    "Namespace": metric.namespace,
                    "MetricName": metric.name,
                    "Dimensions": [{"Name": name, "Value": value} for name, value in metric.dimensions],
                }
                for metric in chosen[start : start + LISTED_PAGE]
            ]
        }
        end = start + LISTED_PAGE
        return {**answer, "NextToken": str(end)} if end < len(chosen) else answer

    def _aggregated(
        self, call: Call, metric: Metric, start: datetime, end: datetime, period: int, unit: str | None
    ) -> dict[datetime, list[Datum]]:
        """The data points of each bucket that has any, by the bucket's begin."""
        now = self._world.agenda.now()
        step = timedelta(seconds=period)
        start = _rounded(start, now, period)
        kept_since = now - max(kept for resolution, kept in RETENTION if period % resolution == 0)
        if start < kept_since:  # the bucket that the oldest kept data point is in
            start += step * ((kept_since - start) // step)
        buckets: dict[datetime, list[Datum]] = {}
        if start >= end:
            return buckets
        for point in self._points(call, metric, Span(start, end, step)):
            if not max(start, kept_since) <= point.at < end or (unit is not None and unit != point.unit):
                continue
            if period < 60 and point.resolution > period:
                continue
            buckets.setdefault(start + step * ((point.at - start) // step), []).append(point)
        return buckets

    def _points(self, call: Call, metric: Metric, span: Span) -> Iterator[Datum]:
        place = (call.account, call.region)
        yield from self._put.get(place, {}).get(metric, ())
        for source in self._sources():
            yield from source.data(*place, metric, span)

    def _sources(self) -> Iterator[MetricSource]:
        for service in self._world.services.values():
            if service.metrics is not None:
                yield service.metrics


def _metric(namespace: str, given: Mapping[str, Any]) -> Metric:
    dimensions = given.get("Dimensions") or []
    if len(dimensions) > MOST_DIMENSIONS:
        raise _invalid(f"The collection Dimensions must not have a size greater than {MOST_DIMENSIONS}.")
    named = {one["Name"]: one["Value"] for one in dimensions}
    if len(named) != len(dimensions):
        raise _invalid("No Metric may specify the same dimension name twice.")
    return Metric.of(namespace, given["MetricName"], named)


def _points(given: Mapping[str, Any], at: datetime) -> Iterator[Datum]:
    ways = [name for name in ("Value", "Values", "StatisticValues") if given.get(name) is not None]
    if len(ways) != 1:
        raise ServiceError(
            "InvalidParameterCombination", "Specify exactly one of the parameters Value, Values, StatisticValues."
        )
    if ways == ["StatisticValues"]:
        found = given["StatisticValues"]
        _check_numbers(found.values())
        yield Datum(at, found["Sum"], found["Minimum"], found["Maximum"], found["SampleCount"])
        return
    values: Sequence[float] = [given["Value"]] if ways == ["Value"] else given["Values"]
    counts: Sequence[float] = given.get("Counts") or [1.0] * len(values)
    if len(values) > MOST_VALUES or len(values) != len(counts):
        raise _invalid(f"The parameters Values and Counts must be of the same size, at most {MOST_VALUES}.")
    _check_numbers(values)
    for value, count in zip(values, counts, strict=True):
        yield Datum.of(at, value, samples=count)


def _check_numbers(values: Iterable[float]) -> None:
    for value in values:
        if not math.isfinite(value) or abs(value) > LARGEST:
            raise _invalid(f"The value {value} is not a finite number between -2^360 and 2^360.")


def _check_queries(queries: Sequence[Mapping[str, Any]], account: str) -> None:
    if len(queries) > MOST_QUERIES:
        raise ServiceError("ValidationError", f"The collection MetricDataQueries must not exceed {MOST_QUERIES}.")
    names = [query["Id"] for query in queries]
    if len(names) != len(set(names)):
        raise ServiceError("ValidationError", "The values for parameter Id in MetricDataQueries must be unique.")
    for query in queries:
        if not IDENTIFIER.fullmatch(query["Id"]):
            raise ServiceError("ValidationError", f"The value {query['Id']} for parameter Id is not valid.")
        if ("Expression" in query) == ("MetricStat" in query):
            raise ServiceError("ValidationError", f"{query['Id']}: specify either Expression or MetricStat.")
        if "Expression" in query:
            raise not_simulated("metric math and Metrics Insights", several=True)
        if query.get("AccountId") not in (None, account):
            raise not_simulated("cross-account observability of metrics")
        if query["MetricStat"]["Stat"] not in STATISTICS:
            raise not_simulated(f"the statistic {query['MetricStat']['Stat']}")


def _check_period(period: int, code: str) -> None:
    if period not in SHORT_PERIODS and (period <= 0 or period % 60):
        raise ServiceError(code, f"The parameter Period must be 1, 5, 10, 20, 30 or a multiple of 60, not {period}.")


def _times(given: Mapping[str, Any], code: str) -> tuple[datetime, datetime]:
    start, end = given["StartTime"].astimezone(UTC), given["EndTime"].astimezone(UTC)
    if start >= end:
        raise ServiceError(code, "The parameter StartTime must be less than the parameter EndTime.")
    return start, end


def _rounded(start: datetime, now: datetime, period: int) -> datetime:
    """Round a start down: to the minute, to five minutes past 15 days of age, to the hour past 63; less if asked."""
    age = now - start
    unit = 3600 if age > RETENTION[2][1] else 300 if age > RETENTION[1][1] else min(period, 60)
    seconds = int(start.timestamp())
    return datetime.fromtimestamp(seconds - seconds % unit, UTC)


def _statistic(name: str, data: Sequence[Datum]) -> float:
    total, samples = sum(point.total for point in data), sum(point.samples for point in data)
    if name == "Average":
        return total / samples if samples else 0.0
    if name in ("Minimum", "Maximum"):
        return min(point.minimum for point in data) if name == "Minimum" else max(point.maximum for point in data)
    return total if name == "Sum" else samples


def _page_of(
    queries: Sequence[Mapping[str, Any]],
    series: Sequence[Sequence[tuple[datetime, float]]],
    token: str | None,
    largest: int,
) -> dict[str, Any]:
    """One page of results: as many points as fit, one metric after the other."""
    start = _offset(token, "InvalidNextToken")
    results, passed = [], 0
    for query, points in zip(queries, series, strict=True):
        if query.get("ReturnData", True):
            page = points[max(0, start - passed) : max(0, start + largest - passed)]
            passed += len(points)
            results.append(
                {
                    "Id": query["Id"],
                    "Label": query.get("Label") or query["MetricStat"]["Metric"]["MetricName"],
                    "Timestamps": [at for at, _ in page],
                    "Values": [value for _, value in page],
                    "StatusCode": "Complete" if passed <= start + largest else "PartialData",
                }
            )
    answer: dict[str, Any] = {"MetricDataResults": results, "Messages": []}
    return {**answer, "NextToken": str(start + largest)} if passed > start + largest else answer


def _listed(metric: Metric, given: Mapping[str, Any]) -> bool:
    named = dict(metric.dimensions)
    return (
        given.get("Namespace") in (None, metric.namespace)
        and given.get("MetricName") in (None, metric.name)
        and all(
            one["Name"] in named and one.get("Value") in (None, named[one["Name"]])
            for one in given.get("Dimensions") or ()
        )
    )


def _offset(token: str | None, code: str) -> int:
    if token and not token.isdecimal():
        raise ServiceError(code, "The token is not valid.")
    return int(token or 0)


def _invalid(message: str) -> ServiceError:
    return ServiceError("InvalidParameterValue", message)
