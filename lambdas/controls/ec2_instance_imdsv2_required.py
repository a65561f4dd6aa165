"""EC2 instances require version 2 of the instance metadata service (IMDSv2).

Software that still asks by version 1 fails at once, so that a person decides, knowing how often it was asked by in the
last two weeks. Where the settings name a runbook of the team's own, that makes the change, as an SSM Automation that is
followed to its end; else the one call does. The hop limit stays: containers need what was chosen for them. Instances
that a service manages (`Operator.Managed`) are not judged: nobody else may change them.
Source: Security Hub EC2.8; Amazon EC2 User Guide, "Use the Instance Metadata Service" and "Transition to using
IMDSv2" (metric MetadataNoToken), "Amazon EC2 managed instances"; ModifyInstanceMetadataOptions. The managed rule
EC2_IMDSV2_CHECK fails instances whose metadata service is off, so the rule is our own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from lambdas.controls import model
from lambdas.controls.model import Evaluation, Grant, Place, Plan, Refusal, Resource
from lambdas.services import automations, instance_metadata, ownership

if TYPE_CHECKING:
    from boto3 import Session

INSTANCES = ("arn:{partition}:ec2:{region}:{account}:instance/*",)


def read(session: Session, resource: Resource, finding: Mapping[str, Any] | None = None) -> dict[str, Any] | None:
    """Read the options of the instance's metadata service; None where it is gone."""
    return instance_metadata.read(session, resource.id)


def evaluate(settings: Mapping[str, Any], parameters: Mapping[str, Any]) -> Evaluation:
    """Judge the options; an instance that is ending, or that a service manages, is not judged."""
    if settings["State"] in ("terminated", "shutting-down"):
        return model.not_applicable(f"The instance is {settings['State']}.")
    if settings["Operator"].get("Managed"):
        return model.not_applicable(f"{settings['Operator'].get('Principal', 'A service')} manages the instance.")
    if settings["MetadataOptions"]["HttpEndpoint"] == "disabled":
        return model.compliant("The instance metadata service is off.")
    if settings["MetadataOptions"]["HttpTokens"] == "required":
        return model.compliant("IMDSv2 is required.")
    return model.non_compliant("The instance metadata service answers requests of version 1.")


def inspect(
    session: Session, resource: Resource, settings: Mapping[str, Any], parameters: Mapping[str, Any]
) -> dict[str, Any]:
    """Count the requests of version 1 in the last two weeks."""
    return {"Requests": instance_metadata.requests_without_token(session, resource.id)}


def discover(session: Session, place: Place) -> Iterator[Resource]:
    """List the instances of the Region."""
    for identifier in instance_metadata.instances(session):
        yield CONTROL.resource(place, identifier)


def plan(
    resource: Resource, settings: Mapping[str, Any], parameters: Mapping[str, Any], facts: Mapping[str, Any]
) -> Plan | Refusal:
    """Require tokens, by the team's runbook where there is one."""
    tags = {tag["Key"]: tag["Value"] for tag in settings["Tags"]}
    if (group := tags.get(ownership.AUTO_SCALING)) is not None:
        return Refusal(f"Auto Scaling group {group} makes the instance anew: require IMDSv2 in its launch template")
    runbook, role = parameters["runbook"], parameters["runbook_role"]
    if runbook and (role is None or f":{resource.account}:" not in role):
        return Refusal(
            f"the runbook {runbook} needs the parameter `runbook_role`, a role of account {resource.account}"
        )
    change = instance_metadata.with_tokens(resource, "required")
    if runbook:
        change = automations.started(resource, "run-runbook", runbook, role, {"InstanceId": resource.id})
    used = "was asked by it" if facts["Requests"] else "was not asked by it"
    return Plan(
        changes=(replace(change, inverse=instance_metadata.with_tokens(resource, "optional"), irreversible=None),),
        tell=(model.Audience.OWNER,),
        leaves=("The hop limit stays as it is.", "A launch template that does not require IMDSv2 brings this back."),
        ceiling=model.Ceiling(model.Mode.APPROVE, "software on the instance still uses version 1")
        if facts["Requests"]
        else None,
        message=f"Instance {resource.id} answers metadata requests of version 1; in the last two weeks it {used}.",
        note=f"Requests of version 1 in the last two weeks: {facts['Requests']}." if facts["Requests"] else "",
    )


CONTROL = model.Control(
    id="EC2.8",
    slug="ec2-instance-imdsv2-required",
    title="EC2 instances require IMDSv2",
    severity=model.Severity.HIGH,
    resource_type="AWS::EC2::Instance",
    asff_type="AwsEc2Instance",
    arn="arn:{partition}:ec2:{region}:{account}:instance/{id}",
    scope=model.Scope.REGIONAL,
    detection=model.CustomRule(on_change=True),
    parameters={
        "runbook": model.Parameter(
            "string",
            "the team's own Automation runbook in the account and Region, which makes the change instead: it takes "
            "InstanceId and AutomationAssumeRole, and its name begins with Palisade-",
            pattern=automations.PREFIX + r"[A-Za-z0-9_.-]{1,100}",
        ),
        "runbook_role": model.Parameter(
            "string",
            "the ARN of the account's role that the runbook works by: trusts ssm.amazonaws.com",
            pattern=r"arn:[a-z-]+:iam::\d{12}:role/[\w+=,.@/-]+",
        ),
    },
    read_grants=(Grant("ec2:DescribeInstances", ("*",)), Grant("cloudwatch:GetMetricStatistics", ("*",))),
    probe_grants=(automations.FOLLOWS,),
    grants=(
        Grant("ec2:ModifyInstanceMetadataOptions", INSTANCES),
        automations.STARTS,
        Grant("iam:PassRole", ("{parameter:runbook_role}",), automations.PASSED),
    ),
    requirements=(
        "FSBP EC2.8",
        "CIS AWS Foundations v3.0.0/5.6",
        "CIS AWS Foundations v5.0.0/5.7",
        "PCI DSS v4.0.1/2.2.6",
        "NIST.800-53.r5 AC-3",
        "NIST.800-53.r5 AC-6",
    ),
    impact="Software that knows version 1 alone gets no credentials and no metadata any more. What a runbook does "
    "beside requiring tokens, an undo does not take back.",
    remediation="Require IMDSv2 on the instance, by the team's runbook where the settings name one.",
    ceiling=model.Ceiling(model.Mode.APPROVE, "software that still uses version 1 fails at once"),
    read=read,
    evaluate=evaluate,
    plan=plan,
    inspect=inspect,
    discover=discover,
)
