"""The rejected traffic of a VPC is logged by a flow log of the VPC.

Logs of subnets and interfaces do not count, and neither does one whose delivery fails: it is there and stays empty.
The plan makes the log group first, under a name of the VPC's own, then the flow log with the role that a parameter
names. A flow log that cannot be made is told of in an answer that is no error (`Unsuccessful`): the proof that follows
finds the VPC as it was. An undo leaves the log group with what it has gathered, for no role of ours may delete one.
Source: Security Hub EC2.6; EC2 API Reference, CreateFlowLogs and FlowLog; Amazon VPC User Guide, "Publish flow logs to
CloudWatch Logs". The managed rule VPC_FLOW_LOGS_ENABLED does not promise to look at deliveries, so the rule is our own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from lambdas.answers import absent
from lambdas.controls import model
from lambdas.controls.model import Evaluation, Grant, Place, Plan, Refusal, Resource
from lambdas.services import flow_logs, log_groups

if TYPE_CHECKING:
    from boto3 import Session

PREFIX = "/palisade/vpc-flow-logs/"
VPCS = ("arn:{partition}:ec2:{region}:{account}:vpc/*",)
LOGS = ("arn:{partition}:ec2:{region}:{account}:vpc-flow-log/*",)
GROUPS = ("arn:{partition}:logs:{region}:{account}:log-group:" + PREFIX + "*",)
PEOPLE = (model.Audience.OWNER, model.Audience.OPERATIONS)


def read(session: Session, resource: Resource, finding: Mapping[str, Any] | None = None) -> dict[str, Any] | None:
    """Read whose the VPC is, and its flow logs; None where it is gone."""
    ec2 = session.client("ec2")
    with absent("InvalidVpcID.NotFound"):
        vpc = ec2.describe_vpcs(VpcIds=[resource.id])["Vpcs"][0]
        return {
            "OwnerId": vpc["OwnerId"],
            "Tags": vpc.get("Tags", []),
            "FlowLogs": flow_logs.of(session, resource.id),
        }
    return None


def evaluate(settings: Mapping[str, Any], parameters: Mapping[str, Any]) -> Evaluation:
    """Judge the logs that see rejected traffic and deliver."""
    logs = flow_logs.of_rejected(settings["FlowLogs"])
    if any(flow_logs.delivers(one) for one in logs):
        return model.compliant("A flow log of the VPC covers rejected traffic.")
    if logs:
        return model.non_compliant(f"The flow log {logs[0]['FlowLogId']} does not deliver.")
    return model.non_compliant("No flow log of the VPC covers rejected traffic.")


def inspect(
    session: Session, resource: Resource, settings: Mapping[str, Any], parameters: Mapping[str, Any]
) -> dict[str, Any]:
    """Find whether the log group is there, left by a run that was cut off or by an undo."""
    return {"LogGroup": log_groups.exists(session, PREFIX + resource.id)}


def discover(session: Session, place: Place) -> Iterator[Resource]:
    """List the account's own VPCs of the Region; those that others share with it are judged at their owner's."""
    pages = session.client("ec2").get_paginator("describe_vpcs").paginate()
    for page in pages:
        for vpc in page["Vpcs"]:
            if vpc["OwnerId"] == place.account:
                yield CONTROL.resource(place, vpc["VpcId"])


def plan(
    resource: Resource, settings: Mapping[str, Any], parameters: Mapping[str, Any], facts: Mapping[str, Any]
) -> Plan | Refusal:
    """Make the log group where it is missing, then the flow log."""
    if settings["OwnerId"] != resource.account:
        return Refusal(f"the VPC belongs to account {settings['OwnerId']}: only its owner can log all of it")
    role, name = parameters["role"], PREFIX + resource.id
    message = f"The rejected traffic of VPC {resource.id} is not logged."
    if role is None or f":{resource.account}:" not in role:
        left = f"No flow log is made: the parameter `role` names no role of account {resource.account}."
        return Plan(tell=PEOPLE, leaves=(left,), message=message)
    group = () if facts["LogGroup"] else (log_groups.created(resource, name),)
    return Plan(
        changes=(*group, flow_logs.created(resource, traffic=parameters["traffic"], group=name, role=role)),
        tell=PEOPLE,
        leaves=("The log group keeps what it gets until a retention is set.", "Flow logs that are there stay."),
        message=f"{message} Its log goes to the log group {name}; CloudWatch Logs bills it by the GB.",
    )


CONTROL = model.Control(
    id="EC2.6",
    slug="vpc-flow-logged",
    title="VPCs log their rejected traffic by flow logs",
    severity=model.Severity.MEDIUM,
    resource_type="AWS::EC2::VPC",
    asff_type="AwsEc2Vpc",
    arn="arn:{partition}:ec2:{region}:{account}:vpc/{id}",
    scope=model.Scope.REGIONAL,
    # A flow log is no part of the VPC as AWS Config records it: the schedule sees it come and go.
    detection=model.CustomRule(on_change=True, schedule=model.Frequency.SIX_HOURS),
    parameters={
        "role": model.Parameter(
            type="string",
            description="the ARN of the account's role that flow logs are delivered by: trusts "
            "vpc-flow-logs.amazonaws.com under aws:SourceAccount; without it people are told and nothing is made",
            pattern=r"arn:[a-z-]+:iam::\d{12}:role/[\w+=,.@/-]+",
        ),
        "traffic": model.Parameter("string", "what is logged", "REJECT", allowed=("REJECT", "ALL")),
    },
    read_grants=(
        Grant("ec2:DescribeVpcs", ("*",)),
        Grant("ec2:DescribeFlowLogs", ("*",)),
        log_groups.FIND,
    ),
    grants=(
        Grant("ec2:CreateFlowLogs", (*VPCS, *LOGS)),
        Grant("ec2:DeleteFlowLogs", LOGS),
        Grant("logs:CreateLogGroup", GROUPS),
        log_groups.FIND,
        Grant("iam:PassRole", ("{parameter:role}",), flow_logs.PASSED),
    ),
    requirements=(
        "FSBP EC2.6",
        "CIS AWS Foundations v1.4.0/3.9",
        "CIS AWS Foundations v3.0.0/3.7",
        "CIS AWS Foundations v5.0.0/3.7",
        "NIST.800-53.r5 AC-4(26)",
        "NIST.800-53.r5 AU-12",
        "NIST.800-53.r5 SI-7(8)",
    ),
    impact="Flow logs are billed by what they write. An undo deletes the flow log; the log group stays with "
    "what it has gathered.",
    remediation="Create a flow log of the VPC to a log group of its own, by the role that the settings name.",
    ceiling=model.Ceiling(model.Mode.APPROVE, "flow logs are billed by the GB"),
    read=read,
    evaluate=evaluate,
    plan=plan,
    inspect=inspect,
    discover=discover,
)
