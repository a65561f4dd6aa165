"""Metrics: what callers put and services report, read exactly, with missing data points left missing."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from simulator.local import LocalOrganization
from simulator.metrics import Metric, Span
from simulator.services.sqs import Queues
from tests.simulator.metric_world import NAMESPACE, Connections, client, put, query, values
from tests.simulator.pipeline_world import AWAY, HUB, organization

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


@pytest.fixture(scope="module")
def opened() -> Iterator[LocalOrganization]:
    with organization() as one:
        yield one


@pytest.fixture
def now(opened: LocalOrganization) -> datetime:
    return opened.do(opened.world.agenda.now)


def connections(opened: LocalOrganization, name: str, since: datetime, value: float = 2.0) -> Connections:
    """Let some service of the organisation report the connections of a database."""
    source = Connections(name, since, value)
    opened.world.service(Queues).metrics = source
    return source


def test_statistics_are_of_what_was_measured_in_the_period(opened: LocalOrganization, now: datetime) -> None:
    client(opened).put_metric_data(
        Namespace="Mine",
        MetricData=[
            {"MetricName": "mixed", "Values": [1.0, 4.0], "Counts": [3.0, 1.0]},
            {
                "MetricName": "mixed",
                "StatisticValues": {"SampleCount": 2, "Sum": 13, "Minimum": 6, "Maximum": 7},
                "Timestamp": now - MINUTE,
            },
        ],
    )
    statistics = ("Sum", "SampleCount", "Average", "Minimum", "Maximum")
    asked = {stat: values(opened, query("mixed", stat=stat, period=3600), HOUR, HOUR) for stat in statistics}
    assert asked == {
        "Sum": [13, 7],
        "SampleCount": [2, 4],
        "Average": [6.5, 1.75],
        "Minimum": [6, 1],
        "Maximum": [7, 4],
    }


def test_a_period_without_data_points_has_none(opened: LocalOrganization, now: datetime) -> None:
    put(opened, "gap", 1, now - 3 * MINUTE)
    put(opened, "gap", 2, now - MINUTE)
    answer = client(opened).get_metric_data(MetricDataQueries=[query("gap")], StartTime=now - 5 * MINUTE, EndTime=now)
    (found,) = answer["MetricDataResults"]
    assert found["Timestamps"] == [now - MINUTE, now - 3 * MINUTE]
    assert found["Values"] == [2, 1]
    assert found["StatusCode"] == "Complete"


@pytest.mark.parametrize(
    "other",
    [
        query("exact", One="a"),
        query("exact", One="a", Two="c"),
        query("exact", One="a", Two="b", Three="c"),
        query("exact"),
        query("Exact", One="a", Two="b"),
        query("exact", namespace="mine", One="a", Two="b"),
    ],
)
def test_namespace_name_and_dimensions_have_to_fit_exactly(opened: LocalOrganization, other: Any) -> None:
    dimensions = [{"Name": "Two", "Value": "b"}, {"Name": "One", "Value": "a"}]
    put(opened, "exact", 1, Dimensions=dimensions)
    assert values(opened, other, HOUR, HOUR) == []
    assert values(opened, query("exact", One="a", Two="b"), HOUR, HOUR) != []


def test_metrics_are_an_account_and_regions_own(opened: LocalOrganization, now: datetime) -> None:
    put(opened, "own", 1)
    assert values(opened, query("own"), HOUR, HOUR) == [1]
    for account, region in ((HUB, None), (None, AWAY)):
        there = client(opened, account, region) if account else client(opened, region=region)
        answer = there.get_metric_data(MetricDataQueries=[query("own")], StartTime=now - HOUR, EndTime=now + HOUR)
        assert answer["MetricDataResults"][0]["Values"] == []


def test_a_unit_that_was_not_reported_gives_nothing(opened: LocalOrganization, now: datetime) -> None:
    put(opened, "unit", 1, Unit="Seconds")
    put(opened, "unit", 5, Unit="Bytes")
    times = {"StartTime": now - HOUR, "EndTime": now + HOUR, "Period": 3600, "Statistics": ["Sum"]}
    asked = {"Namespace": "Mine", "MetricName": "unit", **times}
    found = client(opened).get_metric_statistics(**asked)["Datapoints"]
    assert {point["Unit"]: point["Sum"] for point in found} == {"Bytes": 5, "Seconds": 1}
    assert client(opened).get_metric_statistics(**asked, Unit="Count")["Datapoints"] == []


def test_a_service_reports_its_own_metrics_when_asked(opened: LocalOrganization, now: datetime) -> None:
    source = connections(opened, "reporting", now - 90 * MINUTE)
    name: dict[str, Any] = {"namespace": NAMESPACE, "DBInstanceIdentifier": "reporting"}
    assert source.asked == []
    assert values(opened, query("DatabaseConnections", stat="Average", period=3600, **name), 3 * HOUR) == [2, 2]
    assert values(opened, query("DatabaseConnections", stat="SampleCount", period=3600, **name), 3 * HOUR) == [30, 60]
    assert values(opened, query("DatabaseConnections", **{**name, "DBInstanceIdentifier": "other"}), HOUR) == []
    listed = client(opened).list_metrics(Namespace=NAMESPACE)["Metrics"]
    assert [one["MetricName"] for one in listed] == ["DatabaseConnections"]


@pytest.mark.parametrize(
    ("age", "period", "shown"),
    [
        (14, 60, True),
        (16, 60, False),
        (16, 240, False),
        (16, 300, True),
        (62, 300, True),
        (64, 300, False),
        (64, 3600, True),
        (454, 86400, True),
        (456, 86400, False),
    ],
)
def test_resolution_falls_with_age(
    opened: LocalOrganization, now: datetime, age: int, period: int, shown: bool
) -> None:
    connections(opened, "old", now - 500 * DAY)
    asked = query("DatabaseConnections", period=period, namespace=NAMESPACE, DBInstanceIdentifier="old")
    answer = client(opened).get_metric_data(
        MetricDataQueries=[asked], StartTime=now - age * DAY, EndTime=now - age * DAY + DAY / 2
    )
    assert bool(answer["MetricDataResults"][0]["Values"]) is shown


def test_old_data_points_of_a_long_time_are_left_out_where_the_period_is_too_short(
    opened: LocalOrganization, now: datetime
) -> None:
    connections(opened, "long", now - 500 * DAY)
    name: dict[str, Any] = {"namespace": NAMESPACE, "DBInstanceIdentifier": "long"}
    assert len(values(opened, query("DatabaseConnections", period=60, **name), 20 * DAY)) == 15 * 24 * 60
    assert len(values(opened, query("DatabaseConnections", period=86400, **name), 30 * DAY)) == 30


def test_only_high_resolution_has_data_points_below_a_minute(opened: LocalOrganization, now: datetime) -> None:
    put(opened, "fine", 1, now - timedelta(seconds=30), StorageResolution=1)
    put(opened, "coarse", 1, now - timedelta(seconds=30))
    assert values(opened, query("fine", period=10), MINUTE) == [1]
    assert values(opened, query("coarse", period=10), 2 * MINUTE) == []
    assert values(opened, query("coarse"), 2 * MINUTE) == [1]


def test_a_start_is_rounded_down_by_its_age(opened: LocalOrganization, now: datetime) -> None:
    connections(opened, "rounded", now - 500 * DAY)
    asked = query("DatabaseConnections", period=3600, namespace=NAMESPACE, DBInstanceIdentifier="rounded")
    odd = timedelta(minutes=47, seconds=26)
    for age, minute in ((1, 12), (20, 10), (70, 0)):
        start = now - age * DAY - odd
        answer = client(opened).get_metric_data(MetricDataQueries=[asked], StartTime=start, EndTime=start + HOUR)
        assert min(answer["MetricDataResults"][0]["Timestamps"]).minute == minute


def test_data_points_come_in_pages(opened: LocalOrganization, now: datetime) -> None:
    connections(opened, "paged", now - DAY)
    asked = query("DatabaseConnections", namespace=NAMESPACE, DBInstanceIdentifier="paged")
    queries = [{**asked, "Id": "one"}, {**asked, "Id": "hidden", "ReturnData": False}, {**asked, "Id": "two"}]
    times = {"StartTime": now - 10 * MINUTE, "EndTime": now}
    first = client(opened).get_metric_data(MetricDataQueries=queries, **times, MaxDatapoints=15)
    assert [(one["Id"], len(one["Values"]), one["StatusCode"]) for one in first["MetricDataResults"]] == [
        ("one", 10, "Complete"),
        ("two", 5, "PartialData"),
    ]
    rest = client(opened).get_metric_data(
        MetricDataQueries=queries, **times, MaxDatapoints=15, NextToken=first["NextToken"]
    )
    assert [len(one["Values"]) for one in rest["MetricDataResults"]] == [0, 5]
    assert "NextToken" not in rest
    with pytest.raises(ClientError, match="InvalidNextToken"):
        client(opened).get_metric_data(MetricDataQueries=queries, **times, NextToken="other")


@pytest.mark.parametrize(
    ("code", "queries"),
    [
        ("ValidationError", [{**query("a"), "Id": f"n{number}"} for number in range(501)]),
        ("ValidationError", [query("a"), query("b")]),
        ("ValidationError", [{**query("a"), "Id": "Upper"}]),
        ("ValidationError", [query("a", period=90)]),
        ("ValidationError", [{**query("a"), "Expression": "SUM(METRICS())"}]),
        ("NotImplemented", [{"Id": "sum", "Expression": "SUM(METRICS())"}]),
        ("NotImplemented", [query("a", stat="p90")]),
    ],
)
def test_wrong_queries_are_refused_and_what_is_not_simulated_says_so(
    opened: LocalOrganization, now: datetime, code: str, queries: Any
) -> None:
    with pytest.raises(ClientError, match=code):
        client(opened).get_metric_data(MetricDataQueries=queries, StartTime=now - HOUR, EndTime=now)


def test_five_hundred_queries_are_one_call(opened: LocalOrganization, now: datetime) -> None:
    queries = [{**query("a"), "Id": f"n{number}"} for number in range(500)]
    answer = client(opened).get_metric_data(MetricDataQueries=queries, StartTime=now - HOUR, EndTime=now)
    assert len(answer["MetricDataResults"]) == 500


def test_an_end_before_its_start_is_refused(opened: LocalOrganization, now: datetime) -> None:
    with pytest.raises(ClientError, match="StartTime must be less"):
        client(opened).get_metric_data(MetricDataQueries=[query("a")], StartTime=now, EndTime=now)


def test_statistics_have_1440_data_points_at_most(opened: LocalOrganization, now: datetime) -> None:
    times = {"Namespace": "Mine", "MetricName": "a", "EndTime": now}
    asked = {**times, "Statistics": ["Sum"]}
    assert client(opened).get_metric_statistics(**asked, Period=60, StartTime=now - DAY)["Datapoints"] == []
    with pytest.raises(ClientError, match="exceeds the limit of 1440"):
        client(opened).get_metric_statistics(**asked, Period=60, StartTime=now - DAY - MINUTE)
    with pytest.raises(ClientError, match="Must specify either"):
        client(opened).get_metric_statistics(**times, Period=60, StartTime=now - DAY)


@pytest.mark.parametrize(
    ("code", "datum"),
    [
        ("InvalidParameterValue", {"Value": 1, "Timestamp": datetime(2025, 12, 1, tzinfo=UTC)}),
        ("InvalidParameterValue", {"Value": 1, "Timestamp": datetime(2026, 1, 6, tzinfo=UTC)}),
        ("InvalidParameterValue", {"Value": 2.0**361}),
        ("InvalidParameterValue", {"Values": [1.0, 2.0], "Counts": [1.0]}),
        ("InvalidParameterValue", {"Value": 1, "StorageResolution": 5}),
        ("InvalidParameterValue", {"Value": 1, "Dimensions": [{"Name": "a", "Value": "b"}] * 2}),
        ("InvalidParameterCombination", {"Value": 1, "Values": [1.0]}),
        ("InvalidParameterCombination", {}),
    ],
)
def test_wrong_data_points_are_refused_and_none_is_kept(opened: LocalOrganization, code: str, datum: Any) -> None:
    right = {"MetricName": "refused", "Value": 1.0}
    with pytest.raises(ClientError, match=code):
        client(opened).put_metric_data(Namespace="Mine", MetricData=[right, {"MetricName": "refused", **datum}])
    assert values(opened, query("refused"), HOUR, HOUR) == []


def test_metrics_are_listed_while_they_are_recent(opened: LocalOrganization, now: datetime) -> None:
    put(opened, "listed", 1, now - 4 * HOUR, Dimensions=[{"Name": "Kind", "Value": "old"}])
    put(opened, "listed", 1, now - HOUR, Dimensions=[{"Name": "Kind", "Value": "new"}])

    def kinds(**asked: Any) -> list[str]:
        found = client(opened).list_metrics(Namespace="Mine", MetricName="listed", **asked)["Metrics"]
        return [one["Dimensions"][0]["Value"] for one in found]

    assert kinds() == ["new", "old"]
    assert kinds(RecentlyActive="PT3H") == ["new"]
    assert kinds(Dimensions=[{"Name": "Kind", "Value": "old"}]) == ["old"]
    assert kinds(Dimensions=[{"Name": "Other"}]) == []


def test_a_span_gives_what_its_buckets_have_of_a_time() -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    span = Span(start, start + 3 * HOUR, HOUR)
    assert list(span.within(start + 90 * MINUTE, start + 150 * MINUTE)) == [
        (start + 90 * MINUTE, start + 2 * HOUR),
        (start + 2 * HOUR, start + 150 * MINUTE),
    ]
    assert list(span.within(start - DAY, None)) == list(span.buckets())
    assert list(span.within(start + DAY, None)) == []
    assert list(span.within(start - DAY, start - HOUR)) == []


def test_the_order_of_dimensions_does_not_matter() -> None:
    assert Metric.of("n", "m", {"a": "1", "b": "2"}) == Metric.of("n", "m", {"b": "2", "a": "1"})
    assert Metric.of("n", "m", {"a": "1"}).dimension("a") == "1"
