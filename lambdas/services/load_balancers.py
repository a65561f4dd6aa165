"""Load balancers of every type: by which metrics they are used, what they cost, and what a deletion takes along.

An idle load balancer reports no data points, so a missing one is no traffic, once the query is known to be right: the
load balancer is older than the window, namespace and dimension come from the table below, a query that is denied is an
error, and a network load balancer reports its open flows even where there are none.

- `RequestCount` of an application load balancer counts requests with a chosen target. Redirects and fixed responses
  show as connections alone; so do requests that come to nothing where no target is registered.
- `ActiveFlowCount` sees flows that were opened before the window and live on.
- Periods of a day: data points by the minute are gone after 15 days.

Source: user guides of the four types, "CloudWatch metrics for your ... Load Balancer"; CloudWatch API reference,
GetMetricStatistics; Elastic Load Balancing pricing, us-east-1, 2025.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from lambdas.controls import model
from lambdas.controls.model import READ_AT, Change, Evaluation, Grant, Parameter, Plan, Refusal, Resource
from lambdas.services import ownership

if TYPE_CHECKING:
    from boto3 import Session

Settings = Mapping[str, Any]
DAY = timedelta(days=1)
# Data points by the hour are kept for 455 days.
HORIZON = 450 * DAY
HOURS_A_MONTH = 730
PEOPLE = (model.Audience.OWNER, model.Audience.OPERATIONS)


@dataclass(frozen=True, slots=True)
class Kind:
    """One type: how people call it, its metrics under a dimension, and its price per hour in US dollars.

    The first metric counts what reached a target, with Sum; the second what is open, with Maximum. `proof` says that
    the second is reported always. A gateway load balancer is billed in each zone.
    """

    called: str
    namespace: str
    dimension: str
    metrics: tuple[str, ...]
    hourly: float
    proof: bool = False
    by_zone: bool = False


KINDS: Mapping[str, Kind] = {
    "application": Kind(
        "Application Load Balancer",
        "AWS/ApplicationELB",
        "LoadBalancer",
        ("RequestCount", "ActiveConnectionCount"),
        0.0225,
    ),
    "network": Kind(
        "Network Load Balancer",
        "AWS/NetworkELB",
        "LoadBalancer",
        ("NewFlowCount", "ActiveFlowCount"),
        0.0225,
        proof=True,
    ),
    "gateway": Kind(
        "Gateway Load Balancer",
        "AWS/GatewayELB",
        "LoadBalancer",
        ("NewFlowCount", "ActiveFlowCount"),
        0.0125,
        by_zone=True,
    ),
    "classic": Kind("Classic Load Balancer", "AWS/ELB", "LoadBalancerName", ("RequestCount",), 0.025),
}
PARAMETERS = {
    "days": Parameter(
        type="integer",
        description="days without requests, connections or flows, by the metrics of the type, after which a load "
        "balancer counts as unused; a younger one never does",
        default=30,
        minimum=7,
        maximum=365,
    ),
    "delete": Parameter(
        type="boolean",
        description="plan the deletion, which always waits for approval; without it people are only told",
        default=False,
    ),
}
CEILING = model.Ceiling(
    model.Mode.APPROVE, "a deleted load balancer loses its listeners and its DNS name for good", firm=True
)
IRREVERSIBLE = "its listeners and rules go with it, and its DNS name is lost for good: a new one gets another name"
IMPACT = (
    "By default people are told and nothing is changed. A deletion takes listeners and rules along, and the DNS name "
    "is lost for good: records that name it lead nowhere, and whoever was to use it, such as a standby for disaster "
    "recovery, has nothing. Target groups and targets stay."
)
REQUIREMENTS = (
    "AWS Well-Architected Framework COST04-BP03",
    "AWS Trusted Advisor hjLMh88uM8 (idle load balancers, classic alone)",
)


class UnprovenQueryError(Exception):
    """A metric that is always reported has no data points: the query is wrong, and says nothing of traffic."""


def last_traffic(session: Session, kind: Kind, value: str, created: datetime, now: datetime) -> dict[str, str | None]:
    """The last UTC day with traffic by each metric of a load balancer, within 450 days; None where there was none.

    `value` is that of the dimension. Nothing before the creation counts: names of classic load balancers come again.
    """
    cloudwatch: Any = session.client("cloudwatch")
    start = max(created, now - HORIZON).astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    found: dict[str, str | None] = {}
    for metric, statistic in zip(kind.metrics, ("Sum", "Maximum"), strict=False):
        points = cloudwatch.get_metric_statistics(
            Namespace=kind.namespace,
            MetricName=metric,
            Dimensions=[{"Name": kind.dimension, "Value": value}],
            StartTime=start,
            EndTime=now,
            Period=int(DAY.total_seconds()),
            Statistics=[statistic],
        )["Datapoints"]
        if not points and kind.proof and statistic == "Maximum" and now - created > DAY:
            raise UnprovenQueryError(f"{kind.namespace} {metric} of {value} has no data points since {start}")
        days = [point["Timestamp"].astimezone(UTC).date().isoformat() for point in points if point[statistic] > 0]
        found[metric] = max(days, default=None)
    return found


def evaluate(settings: Settings, parameters: Mapping[str, Any]) -> Evaluation:
    """Judge the traffic of the window that ends when the settings were read; texts do not change from day to day."""
    days = parameters["days"]
    read_at = datetime.fromisoformat(settings[READ_AT])
    if read_at - datetime.fromisoformat(settings["CreatedTime"]) < days * DAY:
        return model.compliant(f"The load balancer was created less than {days} days ago.")
    last = last_use(settings)
    # The day counts to its end: its traffic may have come then.
    if last is not None and read_at < datetime(last.year, last.month, last.day, tzinfo=UTC) + (days + 1) * DAY:
        return model.compliant(f"The load balancer has carried traffic in the last {days} days.")
    return model.non_compliant(f"No traffic in the last {days} days{_since(last)}; {_targets(settings)}.")


def last_use(settings: Settings) -> date | None:
    """The last day of use: where no target is registered and no rule answers by itself, connections are no use."""
    metrics = KINDS[settings["Type"]].metrics
    if not settings["Targets"] and not settings["AnswersItself"] and settings["Type"] == "application":
        metrics = metrics[:1]
    days = [day for metric in metrics if (day := settings["LastTraffic"][metric]) is not None]
    return date.fromisoformat(max(days)) if days else None


def described(session: Session, resource: Resource, kind: str, found: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    """The settings of a load balancer by its description, what is asked for besides, and when it last had traffic.

    `more` are DeletionProtection, Targets (how many are registered), AnswersItself and Tags.
    """
    now, created = datetime.now(UTC), found["CreatedTime"]
    return {
        "Name": found["LoadBalancerName"],
        "Type": kind,
        "DNSName": found.get("DNSName"),
        "CreatedTime": created.isoformat(),
        "Zones": len(found["AvailabilityZones"]),
        "LastTraffic": last_traffic(session, KINDS[kind], resource.id, created, now),
        READ_AT: now.isoformat(),
        **more,
    }


def deletion(resource: Resource, service: str, named: Mapping[str, str]) -> Change:
    """The one change: the load balancer goes, named as the API of its type names it."""
    return Change(
        name="delete-load-balancer",
        service=service,
        operation="delete_load_balancer",
        parameters=named,
        grants=(Grant("elasticloadbalancing:DeleteLoadBalancer", (resource.arn,)),),
        irreversible=IRREVERSIBLE,
    )


def plan(settings: Settings, parameters: Mapping[str, Any], change: Change, command: str) -> Plan | Refusal:
    """Tell people, with the command that deletes it; or delete it where the parameter says so."""
    message = (
        f"{KINDS[settings['Type']].called} {settings['Name']}{_address(settings)} has carried no traffic in the last "
        f"{parameters['days']} days{_since(last_use(settings))}; {_targets(settings)}. It costs about "
        f"${monthly(settings):.2f} a month, an estimate by the list prices of us-east-1 of 2025, without capacity "
        "units, data and addresses."
    )
    standby = "A standby for disaster recovery carries no traffic either: an exemption keeps it."
    if not parameters["delete"]:
        return Plan(
            tell=PEOPLE, leaves=(f"Nothing is deleted. When nobody needs it: {command}", standby), message=message
        )
    if settings["DeletionProtection"]:
        return Refusal("deletion protection is on; it is respected until somebody turns it off")
    if keepers := ownership.keepers_of({tag["Key"]: tag["Value"] for tag in settings["Tags"]}):
        return Refusal(f"{keepers[0]} owns it and would make it anew, under another name: delete it there")
    return Plan(
        changes=(change,),
        removes=True,
        tell=PEOPLE,
        leaves=(
            standby,
            "DNS records that name it are neither searched nor changed: they lead nowhere afterwards.",
            "Target groups, targets, security groups, certificates and logs stay.",
        ),
        message=message,
    )


def monthly(settings: Settings) -> float:
    """What a load balancer costs a month without any traffic, in US dollars."""
    kind = KINDS[settings["Type"]]
    return kind.hourly * HOURS_A_MONTH * (settings["Zones"] if kind.by_zone else 1)


def _address(settings: Settings) -> str:
    return f" ({settings['DNSName']})" if settings["DNSName"] else ""


def _since(last: date | None) -> str:
    return f", since {last}" if last is not None else ""


def _targets(settings: Settings) -> str:
    number = settings["Targets"]
    return f"registered targets: {number}" if number else "no target is registered"
