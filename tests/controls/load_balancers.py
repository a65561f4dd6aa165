"""Load balancers for the tests of the controls that look for unused ones."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime
from typing import Any

import time_machine
from boto3 import Session

from lambdas.answers import absent
from lambdas.controls.model import Place

# Every organisation begins later than a window after this, so that what was made then is old enough to be unused.
LONG_AGO = datetime(2025, 11, 20, 12, tzinfo=UTC)
TAGS = [{"Key": "Owner", "Value": "team@example.com"}]
_numbers = itertools.count()


def _name() -> str:
    return f"lb-{next(_numbers):06x}"


def _network(session: Session) -> tuple[str, list[str]]:
    """A VPC and two of its subnets in different zones; the default VPC has them."""
    subnets = session.client("ec2").describe_subnets(Filters=[{"Name": "default-for-az", "Values": ["true"]}])
    zones = {one["AvailabilityZone"]: one for one in subnets["Subnets"]}
    return subnets["Subnets"][0]["VpcId"], [zones[zone]["SubnetId"] for zone in sorted(zones)[:2]]


def made(session: Session, kind: str = "application", *, listens: bool = True) -> str:
    """Make a load balancer now, with a target group that has no targets; returns its ARN."""
    elb: Any = session.client("elbv2")
    vpc, subnets = _network(session)
    name = _name()
    answer = elb.create_load_balancer(Name=name, Type=kind, Subnets=subnets, Tags=TAGS)
    arn = str(answer["LoadBalancers"][0]["LoadBalancerArn"])
    if listens:
        protocol, port = {"application": ("HTTP", 80), "network": ("TCP", 80), "gateway": ("GENEVE", 6081)}[kind]
        group = elb.create_target_group(Name=name, Protocol=protocol, Port=port, VpcId=vpc, TargetType="ip")
        action = {"Type": "forward", "TargetGroupArn": group["TargetGroups"][0]["TargetGroupArn"]}
        on = {} if kind == "gateway" else {"Protocol": protocol, "Port": port}
        elb.create_listener(LoadBalancerArn=arn, DefaultActions=[action], **on)
    return arn


def old(session: Session, kind: str = "application", *, listens: bool = True) -> str:
    """Make a load balancer long ago: the organisation's clock is turned back while it is made."""
    with time_machine.travel(LONG_AGO, tick=False):
        return made(session, kind, listens=listens)


def classic(session: Session) -> str:
    """Make a classic load balancer now; returns its name."""
    name = _name()
    listener: Any = {"Protocol": "TCP", "LoadBalancerPort": 80, "InstancePort": 80}
    session.client("elb").create_load_balancer(
        LoadBalancerName=name, Listeners=[listener], Subnets=_network(session)[1], Tags=TAGS
    )
    return name


def old_classic(session: Session) -> str:
    """Make a classic load balancer long ago."""
    with time_machine.travel(LONG_AGO, tick=False):
        return classic(session)


def target_group(session: Session, arn: str) -> str:
    """The target group behind a load balancer."""
    groups = session.client("elbv2").describe_target_groups(LoadBalancerArn=arn)["TargetGroups"]
    return str(groups[0]["TargetGroupArn"])


def register(session: Session, arn: str, *addresses: str) -> None:
    """Register addresses as targets of a load balancer."""
    targets: Any = [{"Id": one} for one in addresses]
    session.client("elbv2").register_targets(TargetGroupArn=target_group(session, arn), Targets=targets)


def state(session: Session, place: Place, identifier: str) -> object:
    """All that a deletion or a careless hand could touch; nothing where the load balancer is gone."""
    elb: Any = session.client("elbv2")
    arn = f"arn:{place.partition}:elasticloadbalancing:{place.region}:{place.account}:loadbalancer/{identifier}"
    named = {"LoadBalancerArn": identifier if identifier.startswith("arn:") else arn}
    with absent("LoadBalancerNotFound"):
        return [
            elb.describe_load_balancer_attributes(**named)["Attributes"],
            elb.describe_listeners(**named)["Listeners"],
            elb.describe_target_groups(**named)["TargetGroups"],
        ]
    return None


def classic_state(session: Session, place: Place, name: str) -> object:
    """The same of a classic load balancer."""
    with absent("LoadBalancerNotFound"):
        (found,) = session.client("elb").describe_load_balancers(LoadBalancerNames=[name])["LoadBalancerDescriptions"]
        return [found["ListenerDescriptions"], found["Instances"], found["SecurityGroups"]]
    return None
