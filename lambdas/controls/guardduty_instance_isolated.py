"""EC2 instances that GuardDuty reports with high severity are cut off from the network.

Its volumes are kept as snapshots first; then its interfaces get a group that admits everything, so that connections
that are open end, and then one without rules. The instance goes on running: its memory is evidence. Members of Auto
Scaling groups and clusters are refused: who loses its health is replaced and terminated, evidence and all.
Source: GuardDuty User Guide, "GuardDuty EC2 finding types" and "Remediating a potentially compromised Amazon EC2
instance"; AWS Security Incident Response Guide, "Containment"; `lambdas/services/isolation.py`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from lambdas.answers import absent
from lambdas.controls import model
from lambdas.controls.model import Evaluation, Grant, Plan, Refusal, Resource
from lambdas.services import guardduty, instance_reads, isolation

if TYPE_CHECKING:
    from boto3 import Session

GONE = ("InvalidInstanceID.NotFound", "InvalidInstanceID.Malformed")
STOPPED = ("stopping", "stopped")


def read(session: Session, resource: Resource, finding: Mapping[str, Any] | None = None) -> dict[str, Any] | None:
    """Read the instance, the groups and snapshots of its isolation, and what GuardDuty finds about it."""
    ec2 = session.client("ec2")
    with absent(*GONE):
        (reservation,) = ec2.describe_instances(InstanceIds=[resource.id])["Reservations"]
        instance: Any = reservation["Instances"][0]
        if instance["State"]["Name"] in ("shutting-down", "terminated"):
            return None
        found = guardduty.findings(session, "resource.instanceDetails.instanceId", resource.id, "EC2")
        volumes = [one["Ebs"]["VolumeId"] for one in instance["BlockDeviceMappings"] if "Ebs" in one]
        marked: Any = [{"Name": f"tag:{isolation.EVIDENCE_TAG}", "Values": [resource.id]}]
        snapshots = ec2.describe_snapshots(OwnerIds=["self"], Filters=marked)["Snapshots"]
        return {
            "State": instance["State"]["Name"],
            "Vpc": instance["VpcId"],
            "Tags": instance.get("Tags", []),
            "Interfaces": [_interface(one) for one in instance["NetworkInterfaces"]],
            "Volumes": sorted(volumes),
            "Snapshots": sorted(one["SnapshotId"] for one in snapshots),
            "Groups": dict(_groups(ec2, instance["VpcId"])),
            "Findings": sorted({one["Type"] for one in found}),
        }
    return None


def _interface(given: Mapping[str, Any]) -> dict[str, Any]:
    return {"Id": given["NetworkInterfaceId"], "Groups": sorted(one["GroupId"] for one in given["Groups"])}


def _groups(ec2: Any, vpc: str) -> Iterator[tuple[str, dict[str, Any]]]:
    names = [isolation.OPEN, isolation.CLOSED]
    filters = [{"Name": "vpc-id", "Values": [vpc]}, {"Name": "group-name", "Values": names}]
    for one in ec2.describe_security_groups(Filters=filters)["SecurityGroups"]:
        yield (
            one["GroupName"],
            {"Id": one["GroupId"], "Rules": len([*one["IpPermissions"], *one["IpPermissionsEgress"]])},
        )


def evaluate(settings: Mapping[str, Any], parameters: Mapping[str, Any]) -> Evaluation:
    """Judge whether what is reported can still reach anything."""
    if not settings["Findings"]:
        return model.compliant("GuardDuty has no open finding of high severity about it.")
    if isolation.isolated(settings):
        return model.compliant(f"It is isolated: its network interfaces have {isolation.CLOSED} alone.")
    if settings["State"] in STOPPED:
        return model.not_applicable("It is stopped, and reaches nothing: isolate it before it is started.")
    return model.non_compliant(f"GuardDuty reports {', '.join(settings['Findings'])}"[:255] + ".")


def plan(
    resource: Resource, settings: Mapping[str, Any], parameters: Mapping[str, Any], facts: Mapping[str, Any]
) -> Plan | Refusal:
    """Keep evidence, then isolate; undo gives every interface its groups back."""
    reported = f"GuardDuty reports {', '.join(settings['Findings'])} of {resource.id}"
    keys = [tag["Key"] for tag in settings["Tags"]]
    for start, first in instance_reads.REPLACED.items():
        if any(key.startswith(start) for key in keys):
            return Refusal(f"{reported}; isolated, it would be replaced and terminated with the evidence: {first}")
    return Plan(
        changes=tuple(isolation.changes(resource, settings)),
        tell=(model.Audience.OWNER, model.Audience.OPERATIONS),
        leaves=(
            "The instance goes on running, for its memory is evidence; load balancers will call it unhealthy.",
            "Credentials of its role may be in use elsewhere: Palisade.GuardDuty.1 acts where GuardDuty reports that.",
            f"Snapshots stay, and cost: delete those tagged {isolation.EVIDENCE_TAG} when the incident is over.",
            "The findings stay open: GuardDuty's administrator archives them when the incident is over.",
        ),
        message=f"{reported}. Its volumes ({len(settings['Volumes'])}) are kept as snapshots, then nothing reaches it "
        "and it reaches nothing, nor does Systems Manager. Undo gives its network interfaces their groups back.",
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
    read_grants=(
        *guardduty.GRANTS,
        isolation.FIND,
        *(Grant(f"ec2:{action}", ("*",)) for action in ("DescribeInstances", "DescribeSnapshots")),
    ),
    grants=isolation.GRANTS,
    requirements=("NIST.800-53.r5 IR-4", "NIST.800-53.r5 SC-7", "PCI DSS v4.0.1/12.10.7"),
    impact="Whatever the instance serves stops at once. Snapshots are billed until people delete them.",
    remediation="Take snapshots of the volumes, end open connections, and leave the instance a security group without "
    "rules. Refused, with what to do first, for members of Auto Scaling groups and clusters.",
    ceiling=model.Ceiling(model.Mode.APPROVE, "what the instance serves stops"),
    read=read,
    evaluate=evaluate,
    plan=plan,
)
