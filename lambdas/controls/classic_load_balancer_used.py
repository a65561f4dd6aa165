"""Classic load balancers have been used in the last days.

The same as Palisade.ELB.1 for another AWS Config type, with an API and ids of its own (docs/decisions/0007).
`RequestCount` counts requests, of TCP listeners connections; a classic load balancer has no deletion protection.
Source: Elastic Load Balancing API reference (2012-06-01); Classic Load Balancers user guide, "CloudWatch metrics".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from lambdas.answers import absent
from lambdas.controls import model
from lambdas.controls.model import Evaluation, Grant, Place, Plan, Refusal, Resource
from lambdas.services import load_balancers

if TYPE_CHECKING:
    from boto3 import Session


def read(session: Session, resource: Resource, finding: Mapping[str, Any] | None = None) -> dict[str, Any] | None:
    """Read the load balancer, its registered instances, and when its metric last showed traffic."""
    # The ids of other types have slashes, names have none.
    if "/" in resource.id:
        return None
    elb: Any = session.client("elb")
    with absent("LoadBalancerNotFound"):
        found = elb.describe_load_balancers(LoadBalancerNames=[resource.id])["LoadBalancerDescriptions"][0]
        return load_balancers.described(
            session,
            resource,
            "classic",
            found,
            DeletionProtection=False,
            Targets=len(found["Instances"]),
            AnswersItself=False,
            Tags=elb.describe_tags(LoadBalancerNames=[resource.id])["TagDescriptions"][0]["Tags"],
        )
    return None


def evaluate(settings: Mapping[str, Any], parameters: Mapping[str, Any]) -> Evaluation:
    """Judge the traffic of the window."""
    return load_balancers.evaluate(settings, parameters)


def discover(session: Session, place: Place) -> Iterator[Resource]:
    """List the classic load balancers of the Region."""
    for page in session.client("elb").get_paginator("describe_load_balancers").paginate():
        for found in page["LoadBalancerDescriptions"]:
            yield CONTROL.resource(place, found["LoadBalancerName"])


def plan(
    resource: Resource, settings: Mapping[str, Any], parameters: Mapping[str, Any], facts: Mapping[str, Any]
) -> Plan | Refusal:
    """Tell people, or delete the load balancer where the parameter says so."""
    deletion = load_balancers.deletion(resource, "elb", {"LoadBalancerName": resource.id})
    command = f"aws elb delete-load-balancer --region {resource.region} --load-balancer-name {resource.id}"
    return load_balancers.plan(settings, parameters, deletion, command)


CONTROL = model.Control(
    id="Palisade.ELB.2",
    slug="classic-load-balancer-used",
    title="Classic load balancers have been used in the last 30 days",
    severity=model.Severity.LOW,
    resource_type="AWS::ElasticLoadBalancing::LoadBalancer",
    asff_type="AwsElbLoadBalancer",
    arn="arn:{partition}:elasticloadbalancing:{region}:{account}:loadbalancer/{id}",
    scope=model.Scope.REGIONAL,
    # A change tells of deletion, tags and instances; only the schedule sees that traffic has ended.
    detection=model.CustomRule(on_change=True, schedule=model.Frequency.DAILY),
    parameters=load_balancers.PARAMETERS,
    read_grants=(
        Grant("elasticloadbalancing:DescribeLoadBalancers", ("*",)),
        Grant("elasticloadbalancing:DescribeTags", ("*",)),
        Grant("cloudwatch:GetMetricStatistics", ("*",)),
    ),
    grants=(
        # The pattern admits the other types too; the session policy of a plan names the one load balancer.
        Grant(
            "elasticloadbalancing:DeleteLoadBalancer",
            ("arn:{partition}:elasticloadbalancing:{region}:{account}:loadbalancer/*",),
        ),
    ),
    requirements=load_balancers.REQUIREMENTS,
    impact=load_balancers.IMPACT,
    remediation="Delete the load balancer if nobody needs it, or exempt it with the reason why it has to stay.",
    ceiling=load_balancers.CEILING,
    read=read,
    evaluate=evaluate,
    plan=plan,
    discover=discover,
)
