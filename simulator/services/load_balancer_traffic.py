"""The traffic of load balancers: said by whoever plays it, reported to CloudWatch as each type measures it.

    traffic = organization.world.service(LoadBalancers).traffic
    traffic.carry(arn, start=monday, end=tuesday, per_minute=60, connections=5)

No packet flows here, so what a load balancer would have measured is said: requests (of network and gateway load
balancers new flows) a minute that reached a target, and open connections (flows). The ARN tells account, Region and
type, a classic load balancer's too. Where there is no traffic there are no data points, but for `ActiveFlowCount` of a
network load balancer, which is always reported.

Source: user guides of the four types, "CloudWatch metrics for your ... Load Balancer" (reporting criteria, dimensions).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from simulator.metrics import LISTED, MINUTE, Datum, Metric, Span
from simulator.services.config_snapshots import existing
from simulator.services.event_arn import Arn

if TYPE_CHECKING:
    from simulator.world import World

CLASSIC = "AWS/ELB"
# By the type in the ARN: the namespace, the metric of what is new, the metric of what is open.
KINDS = {
    "app": ("AWS/ApplicationELB", "RequestCount", "ActiveConnectionCount"),
    "net": ("AWS/NetworkELB", "NewFlowCount", "ActiveFlowCount"),
    "gwy": ("AWS/GatewayELB", "NewFlowCount", "ActiveFlowCount"),
}
ALWAYS = ("AWS/NetworkELB", "ActiveFlowCount")


@dataclass(frozen=True, slots=True)
class Flow:
    """Even traffic of one load balancer for a time; without an `end` it lasts."""

    arn: str
    start: datetime
    end: datetime | None
    per_minute: float
    connections: float

    def until(self, now: datetime) -> datetime:
        """Until when it has flown."""
        return now if self.end is None else min(self.end, now)

    def minutes(self, begin: datetime, end: datetime, now: datetime) -> float:
        """For how many minutes of a time it has flown."""
        return max(0.0, (min(end, self.until(now)) - max(begin, self.start)) / MINUTE)


class Traffic:
    """What every load balancer carries; the source of its metrics."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._flows: list[Flow] = []

    def carry(
        self,
        arn: str,
        *,
        start: datetime | None = None,
        end: datetime | None = None,
        per_minute: float = 1.0,
        connections: float = 1.0,
    ) -> None:
        """Let a load balancer carry traffic, from now on where no start is given."""
        self._flows.append(Flow(arn, start or self._world.agenda.now(), end, per_minute, connections))

    def data(self, account: str, region: str, metric: Metric, span: Span) -> Iterator[Datum]:
        """The data points of one metric."""
        now = self._world.agenda.now()
        for flow in self._carried(account, region):
            new, open_ = _metrics(flow.arn)
            for begin, end in span.within(flow.start, flow.until(now)):
                minutes = (end - begin) / MINUTE
                if metric == new and flow.per_minute:
                    yield Datum(begin, flow.per_minute * minutes, flow.per_minute, flow.per_minute, minutes, "Count")
                if metric == open_ and flow.connections and not _always(metric):
                    yield Datum.of(begin, flow.connections, "Count", minutes)
        if not _always(metric):
            return
        for balancer in self._network(account, region):
            if metric == _metrics(balancer.arn)[1]:
                yield from self._open(balancer, span, now)

    def _open(self, balancer: Any, span: Span, now: datetime) -> Iterator[Datum]:
        """The open flows of a network load balancer, which reports them when there are none too."""
        flows = [flow for flow in self._flows if flow.arn == balancer.arn]
        for begin, end in span.within(created_at(balancer), now):
            shares = [(flow.connections, flow.minutes(begin, end, now)) for flow in flows]
            minutes = (end - begin) / MINUTE
            largest = sum(connections for connections, shared in shares if shared)
            least = sum(connections for connections, shared in shares if shared >= minutes)
            total = sum(connections * shared for connections, shared in shares)
            yield Datum(begin, total, least, largest, minutes, "Count")

    def names(self, account: str, region: str) -> Iterator[Metric]:
        """The metrics that have data points."""
        recent = self._world.agenda.now() - LISTED
        for flow in self._carried(account, region):
            if flow.end is None or flow.end > recent:
                new, open_ = _metrics(flow.arn)
                named = ((new, flow.per_minute), (open_, flow.connections))
                yield from (metric for metric, value in named if metric is not None and value)
        for balancer in self._network(account, region):
            if (always := _metrics(balancer.arn)[1]) is not None:
                yield always

    def _carried(self, account: str, region: str) -> Iterator[Flow]:
        begin = f"arn:{self._world.partition}:elasticloadbalancing:{region}:{account}:loadbalancer/"
        yield from (flow for flow in self._flows if flow.arn.startswith(begin))

    @staticmethod
    def _network(account: str, region: str) -> Iterator[Any]:
        state = existing("elbv2", account, region)
        balancers = list(state.load_balancers.values()) if state else []
        yield from (balancer for balancer in balancers if balancer.type == "network")


def created_at(balancer: Any) -> datetime:
    """When a load balancer of moto's state was created."""
    made = balancer.created_time
    return datetime.fromisoformat(made).astimezone(UTC) if isinstance(made, str) else made


def _metrics(arn: str) -> tuple[Metric, Metric | None]:
    """The metrics of what is new and of what is open; a classic load balancer has none of the latter."""
    name = Arn.parse(arn).resource.removeprefix("loadbalancer/")
    kind = KINDS.get(name.partition("/")[0]) if "/" in name else None
    if kind is None:
        return Metric.of(CLASSIC, "RequestCount", {"LoadBalancerName": name}), None
    namespace, new, open_ = kind
    return Metric.of(namespace, new, {"LoadBalancer": name}), Metric.of(namespace, open_, {"LoadBalancer": name})


def _always(metric: Metric) -> bool:
    return (metric.namespace, metric.name) == ALWAYS
