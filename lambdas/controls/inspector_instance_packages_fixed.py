"""EC2 instances have no package that Inspector reports vulnerable and that a newer version fixes.

The owner is told each package, the version that fixes it and the command by hand; on approval our own Systems Manager
document brings those packages to those versions, or to newer ones where the repositories have replaced them, with what
they depend on; it never restarts the instance. However many findings an instance has, they are one question. What is
installed counts from the command's success on, unless Inspector observes it again. What that cannot mend is told:
packages inside applications, kernels (which want a restart), Windows, and instances that a service replaces, which want
a new image.
Source: Amazon Inspector User Guide, "Understanding findings" and "Scanning Amazon EC2 instances"; Amazon Inspector API
Reference, ListFindings; `lambdas/services/inspector.py`, `lambdas/services/package_installation.py`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from lambdas.answers import absent
from lambdas.controls import model
from lambdas.controls.model import Evaluation, Grant, Plan, Refusal, Resource
from lambdas.services import inspector, instance_reads, package_installation

if TYPE_CHECKING:
    from boto3 import Session

GONE = ("InvalidInstanceID.NotFound", "InvalidInstanceID.Malformed")
SHOWN = 10
REMIND = (7, 30)


def read(session: Session, resource: Resource, finding: Mapping[str, Any] | None = None) -> dict[str, Any] | None:
    """Read the instance, its vulnerable packages, and what an installation needs; None where it is gone."""
    with absent(*GONE):
        answer = session.client("ec2").describe_instances(InstanceIds=[resource.id])
        instance: Any = answer["Reservations"][0]["Instances"][0]
        found = inspector.packages(session, resource.id)
        ran = package_installation.remembered(session, resource.id) if found else []
        return {
            "State": instance["State"]["Name"],
            "Windows": instance.get("Platform") == "windows",
            "Tags": instance.get("Tags", []),
            "Packages": package_installation.since(found, ran),
            **package_installation.read(session, resource.id),
        }
    return None


def evaluate(settings: Mapping[str, Any], parameters: Mapping[str, Any]) -> Evaluation:
    """Judge what is left; what nothing here mends is not told again at once to who approved the rest."""
    if settings["State"] in ("shutting-down", "terminated"):
        return model.not_applicable(f"The instance is {settings['State']}.")
    found = _judged(settings, parameters)
    if not found:
        return model.compliant("Inspector has no open finding about it that a newer package closes.")
    left = _left(found)
    if not left:
        return model.compliant(_said("Fixed versions are installed; Inspector has yet to look again", found))
    if not _installable(settings, left) and all(one["Told"] for one in left):
        return model.not_applicable(_said("Its packages are installed; left to its owner", left))
    return model.non_compliant(_said("Vulnerable", left))


def plan(
    resource: Resource, settings: Mapping[str, Any], parameters: Mapping[str, Any], facts: Mapping[str, Any]
) -> Plan | Refusal:
    """Install the fixed versions; where that is not enough, or not ours to do, tell the owner how."""
    found = _left(_judged(settings, parameters))
    install = _installable(settings, found)
    by_hand = [one for one in found if one not in install]
    said = f"Inspector reports on {resource.id}: {inspector.listed(found, SHOWN)}."
    every = f"By hand: {inspector.advised(found)}"
    if any(tag["Key"].startswith(tuple(instance_reads.REPLACED)) for tag in settings["Tags"]):
        return _told(f"{said} A service replaces the instance: build a new image with these versions, and roll it out.")
    if not install:
        return _told(f"{said} {every}.")
    if reason := package_installation.hindrance(settings):
        return Refusal(f"{said} Yet {reason}. {every}")
    if odd := package_installation.strange(install):
        return Refusal(f"{said} Yet no shell is given a package of the form {odd[0]!r}. {every}")
    left = f"Left to its owner: {inspector.listed(by_hand, SHOWN)}. By hand: {inspector.advised(by_hand)}."
    return Plan(
        changes=package_installation.changes(resource, install),
        tell=(model.Audience.OWNER,),
        leaves=(
            "The instance is not restarted: what runs goes on with the old code until it is. The command says whether "
            f"a restart is wanted: {package_installation.OUTPUT.format(instance=resource.id)}",
            "Its image is as it was: instances that are launched from it have the old packages.",
            *((left,) if by_hand else ()),
        ),
        message=f"{said} Installed are {', '.join(package_installation.named(install))}, or what the repositories have "
        f"in their place, with what they depend on. By hand: {inspector.advised(install)}. "
        "There is no way back to a vulnerable version.",
        proves=model.Verdict.NOT_APPLICABLE if by_hand else model.Verdict.COMPLIANT,
    )


def _said(what: str, packages: Sequence[Mapping[str, Any]]) -> str:
    return f"{what}: {inspector.listed(packages, 3)}"[:254] + "."


def _told(message: str) -> Plan:
    return Plan(tell=(model.Audience.OWNER,), message=message, remind=REMIND)


def _judged(settings: Mapping[str, Any], parameters: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The packages that the parameters are about, the worst first."""
    counted = inspector.SEVERITIES[inspector.SEVERITIES.index(parameters["least_severity"]) :]
    found = [one for one in settings["Packages"] if one["Severity"] in counted]
    return [one for one in found if one["Exploited"] or not parameters["exploited_only"]]


def _left(found: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    return [one for one in found if not one["Installed"]]


def _installable(settings: Mapping[str, Any], found: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    return [] if settings["Windows"] else [one for one in found if inspector.installable(one)]


CONTROL = model.Control(
    id="Palisade.Inspector.1",
    slug="inspector-instance-packages-fixed",
    title="EC2 instances have no vulnerable package that a newer version fixes",
    severity=model.Severity.HIGH,
    resource_type="AWS::EC2::Instance",
    asff_type="AwsEc2Instance",
    arn="arn:{partition}:ec2:{region}:{account}:instance/{id}",
    scope=model.Scope.REGIONAL,
    detection=model.ProductFindings(
        product="Inspector",
        path="aws/inspector",
        types=("Software and Configuration Checks/Vulnerabilities/CVE",),
        severities=(model.Severity.HIGH, model.Severity.CRITICAL),
    ),
    parameters={
        "least_severity": model.Parameter(
            "string", "the least severity of findings that count", default="HIGH", allowed=inspector.SEVERITIES
        ),
        "exploited_only": model.Parameter("boolean", "count only what an exploit is known for", default=False),
    },
    read_grants=(Grant("ec2:DescribeInstances", ("*",)), *inspector.GRANTS, *package_installation.READS),
    grants=package_installation.WRITES,
    requirements=("NIST.800-53.r5 SI-2", "NIST.800-53.r5 RA-5", "PCI DSS v4.0.1/6.3.3"),
    impact="Package scripts may restart services as they are updated. Nothing brings the old versions back.",
    remediation="Install the fixed versions of the named packages by Systems Manager, without a restart.",
    ceiling=model.Ceiling(model.Mode.APPROVE, "new versions of packages change what runs, for good", firm=True),
    read=read,
    evaluate=evaluate,
    plan=plan,
)
