"""Security groups do not allow SSH from anywhere.

Fails when ingress rules that reach port 22 together admit all of IPv4 or of IPv6: by `0.0.0.0/0` or
`::/0`, by a customer managed prefix list, or by halves that add up (`0.0.0.0/1` and `128.0.0.0/1`).
Protocol -1 reaches every port; SSH is TCP, so a protocol of another number does not reach it. Egress,
references to groups and bounded ranges pass.
Source: Security Hub EC2.13; Amazon VPC, "Security group rules" and "Amazon VPC quotas". The managed rule
INCOMING_SSH_DISABLED promises neither prefix lists nor ranges that add up, so the rule is our own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from lambdas.controls import model
from lambdas.controls.model import Evaluation, Place, Plan, Refusal, Resource
from lambdas.services import security_group_closing as closing
from lambdas.services import security_group_reads as reads

if TYPE_CHECKING:
    from boto3 import Session

SSH = 22


def read(session: Session, resource: Resource, finding: Mapping[str, Any] | None = None) -> dict[str, Any] | None:
    """Read the group with its ingress rules and the entries of the prefix lists that may reach port 22."""
    return reads.read(session, resource, SSH)


def evaluate(settings: Mapping[str, Any], parameters: Mapping[str, Any]) -> Evaluation:
    """Judge what the ingress rules admit to port 22, all together."""
    return closing.evaluate(settings, parameters, SSH)


def inspect(
    session: Session, resource: Resource, settings: Mapping[str, Any], parameters: Mapping[str, Any]
) -> dict[str, Any]:
    """Find who is cut off, for people, and how many rules each prefix list counts as, for the quota."""
    return reads.inspect(session, resource, settings)


def discover(session: Session, place: Place) -> Iterator[Resource]:
    """List the account's groups of the Region; those that others share with it are judged at their owner's."""
    for group in reads.groups(session, place):
        yield CONTROL.resource(place, group)


def plan(
    resource: Resource, settings: Mapping[str, Any], parameters: Mapping[str, Any], facts: Mapping[str, Any]
) -> Plan | Refusal:
    """Revoke the offending rules; first authorise what else they opened, and who may come instead."""
    return closing.plan(resource, settings, parameters, facts, SSH)


CONTROL = model.Control(
    id="EC2.13",
    slug="security-group-ssh-restricted",
    title="Security groups do not allow SSH from anywhere",
    severity=model.Severity.HIGH,
    resource_type="AWS::EC2::SecurityGroup",
    asff_type="AwsEc2SecurityGroup",
    arn="arn:{partition}:ec2:{region}:{account}:security-group/{id}",
    scope=model.Scope.REGIONAL,
    # A prefix list changes without the group: the schedule sees it.
    detection=model.CustomRule(on_change=True, schedule=model.Frequency.SIX_HOURS),
    parameters=closing.parameters_for(SSH),
    read_grants=reads.GRANTS,
    grants=closing.GRANTS,
    requirements=(
        "CIS AWS Foundations v1.2.0/4.1",
        "CIS AWS Foundations v3.0.0/5.2",
        "CIS AWS Foundations v3.0.0/5.3",
        "PCI DSS v4.0.1/1.3.1",
        "NIST.800-53.r5 AC-4",
        "NIST.800-53.r5 SC-7",
    ),
    impact="Who came to port 22 over the internet no longer can; tracked connections stay. Undo makes new rule ids.",
    remediation="Revoke the rules that admit the whole internet to port 22, or narrow them to known addresses.",
    ceiling=model.Ceiling(model.Mode.AUTOMATIC, "no ceiling"),
    read=read,
    evaluate=evaluate,
    plan=plan,
    inspect=inspect,
    discover=discover,
)
