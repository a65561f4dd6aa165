"""A service that reports metrics by itself, and how tests ask CloudWatch."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from simulator.local import LocalOrganization
from simulator.metrics import Datum, Metric, Span
from tests.simulator.pipeline_world import MEMBER

NAMESPACE = "AWS/RDS"


class Connections:
    """A database whose connections are counted every minute from a moment on; asked, not stored."""

    def __init__(self, name: str, since: datetime, connections: float) -> None:
        self._metric = Metric.of(NAMESPACE, "DatabaseConnections", {"DBInstanceIdentifier": name})
        self._since = since
        self._connections = connections
        self.asked: list[Span] = []

    def data(self, account: str, region: str, metric: Metric, span: Span) -> Iterator[Datum]:
        """One statistic set per bucket: a measurement a minute."""
        if account != MEMBER or metric != self._metric:
            return
        self.asked.append(span)
        for begin, end in span.within(self._since, None):
            yield Datum.of(begin, self._connections, "Count", samples=(end - begin) / timedelta(minutes=1))

    def names(self, account: str, region: str) -> Iterator[Metric]:
        """The one metric."""
        if account == MEMBER:
            yield self._metric


def client(opened: LocalOrganization, account: str = MEMBER, region: str | None = None) -> Any:
    """A CloudWatch client."""
    session: Any = opened.session(account, region)
    return session.client("cloudwatch")


def put(opened: LocalOrganization, name: str, value: float, at: datetime | None = None, **more: Any) -> None:
    """Put one value of the namespace Mine."""
    datum = {"MetricName": name, "Value": value, **more}
    if at is not None:
        datum["Timestamp"] = at
    client(opened).put_metric_data(Namespace="Mine", MetricData=[datum])


def query(name: str, *, stat: str = "Sum", period: int = 60, namespace: str = "Mine", **dimensions: str) -> Any:
    """One query of GetMetricData."""
    named = [{"Name": key, "Value": value} for key, value in dimensions.items()]
    metric = {"Namespace": namespace, "MetricName": name, "Dimensions": named}
    return {"Id": "asked", "MetricStat": {"Metric": metric, "Period": period, "Stat": stat}}


def values(opened: LocalOrganization, one: Any, back: timedelta, ahead: timedelta = timedelta()) -> list[float]:
    """The values of one query, oldest first."""
    now = opened.do(opened.world.agenda.now)
    answer = client(opened).get_metric_data(
        MetricDataQueries=[one], StartTime=now - back, EndTime=now + ahead, ScanBy="TimestampAscending"
    )
    return list(answer["MetricDataResults"][0]["Values"])
