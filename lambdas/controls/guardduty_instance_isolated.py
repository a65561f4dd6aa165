"""EC2 instances that GuardDuty reports with high severity are cut off from the network.

Its volumes are kept as snapshots first; then its interfaces get a group that admits everything, so that connections
that are open end, and at once one without rules. The instance goes on running: its memory is evidence. Members of Auto
Scaling groups and clusters are refused by AWS's own tags: without health they are replaced, evidence and all; so is
what a service manages (`Operator.Managed`), which nobody else may change. By tags that anybody may set, people decide.
Source: GuardDuty User Guide, "GuardDuty EC2 finding types" and "Remediating a potentially compromised Amazon EC2
instance"; AWS Security Incident Response Guide, "Containment"; `lambdas/services/isolation.py`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from lambdas.answers import absent
from lambdas.controls import model
from lambdas.controls.model import Evaluation, Grant, Plan, Refusal, Resource
from lambdas.services import guardduty, isolation

if TYPE_CHECKING:
    from boto3 import Session

GONE = ("InvalidInstanceID.NotFound", "InvalidInstanceID.Malformed")
# The attribute of a finding by which GuardDuty names an instance.
NAMED = "resource.instanceDetails.instanceId"
STOPPED = ("stopping", "stopped")
# The type of finding that says of an instance itself that the credentials of its role may have been read.
READ_OUT = "UnauthorizedAccess:EC2/MetadataDNSRebind"


def read(session: Session, resource: Resource, finding: Mapping[str, Any] | None = None) -> dict[str, Any] | None:
    """Read the instance, the groups of its isolation, and what GuardDuty finds about it."""
    ec2 = session.client("ec2")
    with absent(*GONE):
        (reservation,) = ec2.describe_instances(InstanceIds=[resource.id])["Reservations"]
        instance: Any = reservation["Instances"][0]
        if instance["State"]["Name"] in ("shutting-down", "terminated"):
            return None
        found = guardduty.findings(session, NAMED, resource.id, "EC2")
        volumes = [one["Ebs"]["VolumeId"] for one in instance["BlockDeviceMappings"] if "Ebs" in one]
        return {
            "State": instance["State"]["Name"],
            "Vpc": instance["VpcId"],
            "Operator": instance.get("Operator", {}),
            "Profile": instance.get("IamInstanceProfile", {}).get("Arn"),
            "Tags": instance.get("Tags", []),
            "Interfaces": [isolation.interface(one) for one in instance["NetworkInterfaces"]],
            "Volumes": sorted(volumes),
            "Groups": isolation.groups(session, instance["VpcId"], resource.id),
            "Findings": sorted({one["Type"] for one in found}),
        }
    return None


def evaluate(settings: Mapping[str, Any], parameters: Mapping[str, Any]) -> Evaluation:
    """Judge whether what is reported can still reach anything."""
    if not settings["Findings"]:
        return model.compliant("GuardDuty has no open finding of high severity about it.")
    if isolation.isolated(settings):
        return model.compliant(f"It is isolated: its network interfaces have {isolation.CLOSED} alone.")
    if settings["State"] in STOPPED:
        return model.not_applicable("It is stopped, and reaches nothing: isolate it before it is started.")
    return model.non_compliant(f"GuardDuty reports {', '.join(settings['Findings'])}"[:255] + ".")


def inspect(
    session: Session, resource: Resource, settings: Mapping[str, Any], parameters: Mapping[str, Any]
) -> dict[str, Any]:
    """Find of which volumes snapshots are kept that are no older than the oldest open finding."""
    found = guardduty.findings(session, NAMED, resource.id, "EC2")
    times = [datetime.fromisoformat(one["CreatedAt"]) for one in found]
    return {"Kept": isolation.kept(session, resource.id, min(times)) if times else []}


def plan(
    resource: Resource, settings: Mapping[str, Any], parameters: Mapping[str, Any], facts: Mapping[str, Any]
) -> Plan | Refusal:
    """Keep evidence, then isolate; undo gives every interface its groups back."""
    reported = f"GuardDuty reports {', '.join(settings['Findings'])} of {resource.id}"
    if reason := isolation.why_untouchable(settings):
        return Refusal(f"{reported}; {reason}")
    replaced = isolation.what_may_replace(settings)
    return Plan(
        changes=tuple(isolation.changes(resource, settings, facts["Kept"])),
        tell=(model.Audience.OWNER, model.Audience.OPERATIONS),
        leaves=(
            "The instance goes on running, for its memory is evidence; load balancers will call it unhealthy.",
            *([f"{replaced[0].upper()}{replaced[1:]}."] if replaced else []),
            *_credentials(settings),
            f"Snapshots stay, and cost: delete those tagged {isolation.EVIDENCE_TAG} when the incident is over. An "
            "undo takes that tag and no snapshot: their descriptions still name the instance.",
            "The findings stay open: GuardDuty's administrator archives them when the incident is over.",
        ),
        ceiling=model.Ceiling(model.Mode.APPROVE, replaced) if replaced else None,
        message=f"{reported}. Its volumes ({len(settings['Volumes'])}) are kept as snapshots, then nothing reaches it "
        "and it reaches nothing, nor does Systems Manager. Undo gives its network interfaces their groups back.",
    )


def _credentials(settings: Mapping[str, Any]) -> Iterator[str]:
    """What isolation leaves to whoever has the credentials of the instance's role; nothing where it has none."""
    if settings["Profile"] is None:
        return
    profile = settings["Profile"].split("/", 1)[-1]
    if READ_OUT in settings["Findings"]:
        yield (
            f"The credentials of its role (instance profile {profile}) may have been read, and work from anywhere: "
            "revoke the role's sessions. Palisade.GuardDuty.1 contains the role where GuardDuty reports their use."
        )
    else:
        yield (
            f"Credentials of its role (instance profile {profile}) may be in use elsewhere: Palisade.GuardDuty.1 "
            "contains the role where GuardDuty reports that."
        )


CONTROL = model.Control(
    id="Palisade.GuardDuty.2",
    slug="guardduty-instance-isolated",
    title="EC2 instances that GuardDuty reports with high severity are isolated",
    severity=model.Severity.HIGH,
    resource_type="AWS::EC2::Instance",
    asff_type="AwsEc2Instance",
    arn="arn:{partition}:ec2:{region}:{account}:instance/{id}",
    scope=model.Scope.REGIONAL,
    detection=model.ProductFindings(
        product="GuardDuty",
        path="aws/guardduty",
        types=("*:EC2-*", "*:EC2/*"),
        severities=(model.Severity.HIGH, model.Severity.CRITICAL),
    ),
    parameters={},
    read_grants=(*guardduty.GRANTS, isolation.FIND, isolation.LOOK, Grant("ec2:DescribeInstances", ("*",))),
    grants=isolation.GRANTS,
    requirements=("NIST.800-53.r5 IR-4", "NIST.800-53.r5 SC-7", "PCI DSS v4.0.1/12.10.7"),
    impact="Whatever the instance serves stops at once. Snapshots are billed until people delete them. Rules that "
    "people gave the group without rules are taken for good. Between two calls a network interface admits everything: "
    "a run that is cut off there leaves it so until it goes on, which an emergency stop keeps it from.",
    remediation="Take snapshots of the volumes, end open connections, and leave the instance a security group without "
    "rules. Refused, with what to do first, for members of Auto Scaling groups and clusters by AWS's own tags, for "
    "what a service manages, and where a group of one of our names lacks our tag. By other tags people decide.",
    ceiling=model.Ceiling(model.Mode.APPROVE, "what the instance serves stops"),
    read=read,
    evaluate=evaluate,
    inspect=inspect,
    plan=plan,
)
