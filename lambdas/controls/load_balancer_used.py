"""Application, network and gateway load balancers have been used in the last days.

Fails without traffic over the window by the metrics of the type (`lambdas.services.load_balancers`); younger ones pass.
Source: Elastic Load Balancing API reference (2015-12-01); there is no control of Security Hub and no managed rule for
it, and Trusted Advisor looks at classic load balancers alone: these are Palisade.ELB.2 (docs/decisions/0007).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from lambdas.answers import absent
from lambdas.controls import model
from lambdas.controls.model import Evaluation, Grant, Place, Plan, Refusal, Resource
from lambdas.services import load_balancers

if TYPE_CHECKING:
    from boto3 import Session

READS = (
    "DescribeLoadBalancers", "DescribeLoadBalancerAttributes", "DescribeTags", "DescribeTargetGroups",
    "DescribeTargetHealth", "DescribeListeners", "DescribeRules",
)  # fmt: skip
BALANCERS = tuple(
    f"arn:{{partition}}:elasticloadbalancing:{{region}}:{{account}}:loadbalancer/{kind}/*"
    for kind in ("app", "net", "gwy")
)
# The ids of these types; classic load balancers have names, under the same form of ARN.
ID = re.compile(r"(app|net|gwy)/[A-Za-z0-9-]{1,32}/[0-9a-f]{16}")
PROTECTION = "deletion_protection.enabled"
# What an application load balancer answers without a target.
OWN_ANSWERS = ("redirect", "fixed-response")


def read(session: Session, resource: Resource, finding: Mapping[str, Any] | None = None) -> dict[str, Any] | None:
    """Read the load balancer, its registered targets, and when its metrics last showed traffic."""
    if not ID.fullmatch(resource.id):
        return None
    elb: Any = session.client("elbv2")
    with absent("LoadBalancerNotFound"):
        found = elb.describe_load_balancers(LoadBalancerArns=[resource.arn])["LoadBalancers"][0]
        kind, targets = found["Type"], sum(1 for _ in _targets(elb, resource.arn))
        attributes = elb.describe_load_balancer_attributes(LoadBalancerArn=resource.arn)["Attributes"]
        return load_balancers.described(
            session,
            resource,
            kind,
            found,
            DeletionProtection={"Key": PROTECTION, "Value": "true"} in attributes,
            Targets=targets,
            AnswersItself=kind == "application" and not targets and _answers_itself(elb, resource.arn),
            Tags=elb.describe_tags(ResourceArns=[resource.arn])["TagDescriptions"][0]["Tags"],
        )
    return None


def _targets(elb: Any, arn: str) -> Iterator[str]:
    """The targets that are registered with the target groups of a load balancer; draining ones are leaving."""
    groups: list[str] = []
    with absent("TargetGroupNotFound"):  # of a load balancer that forwards to none
        for page in elb.get_paginator("describe_target_groups").paginate(LoadBalancerArn=arn):
            groups += [group["TargetGroupArn"] for group in page["TargetGroups"]]
    for group in groups:
        for target in elb.describe_target_health(TargetGroupArn=group)["TargetHealthDescriptions"]:
            if target["TargetHealth"]["State"] != "draining":
                yield target["Target"]["Id"]


def _answers_itself(elb: Any, arn: str) -> bool:
    """Whether some rule redirects or answers by itself."""
    return any(
        action["Type"] in OWN_ANSWERS
        for page in elb.get_paginator("describe_listeners").paginate(LoadBalancerArn=arn)
        for listener in page["Listeners"]
        for rules in elb.get_paginator("describe_rules").paginate(ListenerArn=listener["ListenerArn"])
        for rule in rules["Rules"]
        for action in rule["Actions"]
    )


def evaluate(settings: Mapping[str, Any], parameters: Mapping[str, Any]) -> Evaluation:
    """Judge the traffic of the window."""
    return load_balancers.evaluate(settings, parameters)


def discover(session: Session, place: Place) -> Iterator[Resource]:
    """List the load balancers of the Region."""
    for page in session.client("elbv2").get_paginator("describe_load_balancers").paginate():
        for found in page["LoadBalancers"]:
            yield CONTROL.resource(place, found["LoadBalancerArn"])


def plan(
    resource: Resource, settings: Mapping[str, Any], parameters: Mapping[str, Any], facts: Mapping[str, Any]
) -> Plan | Refusal:
    """Tell people, or delete the load balancer where the parameter says so."""
    deletion = load_balancers.deletion(resource, "elbv2", {"LoadBalancerArn": resource.arn})
    command = f"aws elbv2 delete-load-balancer --region {resource.region} --load-balancer-arn {resource.arn}"
    return load_balancers.plan(settings, parameters, deletion, command)


CONTROL = model.Control(
    id="Palisade.ELB.1",
    slug="load-balancer-used",
    title="Load balancers have been used in the last 30 days",
    severity=model.Severity.LOW,
    resource_type="AWS::ElasticLoadBalancingV2::LoadBalancer",
    asff_type="AwsElbv2LoadBalancer",
    arn="arn:{partition}:elasticloadbalancing:{region}:{account}:loadbalancer/{id}",
    named_by_arn=True,
    scope=model.Scope.REGIONAL,
    # A change tells of deletion, tags and protection; only the schedule sees that traffic has ended.
    detection=model.CustomRule(on_change=True, schedule=model.Frequency.DAILY),
    parameters=load_balancers.PARAMETERS,
    read_grants=(
        *(Grant(f"elasticloadbalancing:{action}", ("*",)) for action in READS),
        Grant("cloudwatch:GetMetricStatistics", ("*",)),
    ),
    grants=(Grant("elasticloadbalancing:DeleteLoadBalancer", BALANCERS),),
    requirements=load_balancers.REQUIREMENTS,
    impact=load_balancers.IMPACT,
    remediation="Delete the load balancer if nobody needs it, or exempt it with the reason why it has to stay.",
    ceiling=load_balancers.CEILING,
    read=read,
    evaluate=evaluate,
    plan=plan,
    discover=discover,
)
