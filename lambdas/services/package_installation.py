"""Installing fixed versions of named packages by Systems Manager: our own document, and the calls about it.

The document is made in the Region of the first instance that needs it, under a name that follows from its content, so
that what runs is what stands here. It installs what it is given and nothing else, and never restarts the instance.
Source: AWS Systems Manager API Reference, CreateDocument, SendCommand, ListCommandInvocations, StartAssociationsOnce;
User Guide, "Data elements and parameters" (schema 2.2, allowedPattern) and "aws:runShellScript"; Amazon Inspector User
Guide, "Scanning Amazon EC2 instances": the inventory is collected every 30 minutes, by an association.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from lambdas.answers import absent
from lambdas.controls.model import Change, Grant, Probe, Ref, Resource
from lambdas.services import inspector
from lambdas.services.package_script import SCRIPT
from lambdas.services.package_versions import FORM

if TYPE_CHECKING:
    from boto3 import Session

NAME_FORM = r"[A-Za-z0-9][A-Za-z0-9+._-]{0,127}"
PACKAGE = f"{NAME_FORM}={FORM}"
CONTENT = {
    "schemaVersion": "2.2",
    "description": "Installs fixed versions of the named packages, of those that are installed. Never restarts.",
    "parameters": {
        "Packages": {
            "type": "String",
            "description": "name=version, separated by commas",
            "allowedPattern": f"^{PACKAGE}(,{PACKAGE})*$",
        }
    },
    "mainSteps": [
        {
            "name": "install",
            "action": "aws:runShellScript",
            "precondition": {"StringEquals": ["platformType", "Linux"]},
            "inputs": {"timeoutSeconds": "3600", "runCommand": SCRIPT.splitlines()},
        }
    ],
}
DOCUMENT = json.dumps(CONTENT)
NAME = f"Palisade-InstallPackages-{hashlib.sha256(DOCUMENT.encode()).hexdigest()[:12]}"
OWN = "arn:{partition}:ssm:{region}:{account}:"
OURS = f"{OWN}document/{NAME}"
INSTANCES = "arn:{partition}:ec2:{region}:{account}:instance/*"
COLLECTS = f"{OWN}association/*"
INVENTORY = "AWS-GatherSoftwareInventory"
# Where people find what a command has said.
OUTPUT = (
    f"aws ssm list-command-invocations --details --instance-id {{instance}} --filters key=DocumentName,value={NAME}"
)
READS = (
    Grant("ssm:DescribeInstanceInformation", ("*",)),
    Grant("ssm:DescribeInstanceAssociationsStatus", (INSTANCES,)),
    Grant("ssm:GetDocument", (OURS,)),
    Grant("ssm:ListCommandInvocations", ("*",)),
)
WRITES = (
    Grant("ssm:CreateDocument", (OURS,)),
    Grant("ssm:SendCommand", (OURS, INSTANCES)),
    Grant("ssm:StartAssociationsOnce", (COLLECTS,)),
)
STAYS = "the document stays in the Region for the next instance: it does nothing by itself"
NO_DOWNGRADE = "the version before is vulnerable, and going back to it is not offered"
# A filter of Inspector's takes ten values. All packages are looked at together, so that ten tell of all.
FILTERS = 10
ENDED = ("Failed", "Cancelled", "TimedOut")


def read(session: Session, instance: str) -> dict[str, Any]:
    """What the installation needs: the agent, the association that collects the inventory, the document, its last run.

    `Agent` is None where Systems Manager does not manage the instance. `Foreign` says that the document of the name is
    not ours; whether it is there yet is nothing that people approve. `Patched` says that it has run on the instance
    with success, as long as Systems Manager remembers: 30 days.
    """
    ssm = session.client("ssm")
    filters: Any = [{"Key": "InstanceIds", "Values": [instance]}]
    agents: Any = []
    # An instance that was never registered is an error or an empty list.
    with absent("InvalidInstanceId"):
        agents = ssm.describe_instance_information(Filters=filters)["InstanceInformationList"]
    if not agents:
        return {"Agent": None, "Inventory": None, "Foreign": False, "Patched": False}
    statuses = ssm.describe_instance_associations_status(InstanceId=instance)["InstanceAssociationStatusInfos"]
    ran: Any = [{"key": "DocumentName", "value": NAME}, {"key": "Status", "value": "Success"}]
    return {
        "Agent": {"Ping": agents[0]["PingStatus"], "Platform": agents[0]["PlatformType"]},
        "Inventory": next((one["AssociationId"] for one in statuses if one["Name"] == INVENTORY), None),
        "Foreign": _foreign(ssm),
        "Patched": bool(ssm.list_command_invocations(InstanceId=instance, Filters=ran)["CommandInvocations"]),
    }


def _foreign(ssm: Any) -> bool:
    with absent("InvalidDocument"):
        # The content of a version never changes.
        found = ssm.get_document(Name=NAME, DocumentVersion="1")["Content"]
        return bool(json.loads(found) != CONTENT)
    return False


def hindrance(settings: Mapping[str, Any]) -> str | None:
    """Why nothing can be installed, or None."""
    agent = settings["Agent"]
    if agent is None or agent["Ping"] != "Online":
        state = "not managed by Systems Manager" if agent is None else f"{agent['Ping']} to Systems Manager"
        return f"the instance is {state}, so that nothing can be installed on it from here"
    if agent["Platform"] != "Linux":
        return f"the instance runs {agent['Platform']}, and the package managers of Linux alone are known here"
    if settings["Inventory"] is None:
        return f"no association collects the instance's inventory ({INVENTORY}): Inspector would not see what was done"
    if settings["Foreign"]:
        return f"the document {NAME} of the account is not the one that we make"
    return None


def named(packages: Iterable[Mapping[str, Any]]) -> list[str]:
    """The packages as the document takes them, each once, to the version that has all fixes."""
    newest = {str(one["Name"]): str(one["Fixed"]) for one in packages}
    return [f"{name}={version}" for name, version in sorted(newest.items())]


def strange(packages: Iterable[Mapping[str, Any]]) -> list[str]:
    """The packages whose name or version has a form that we give to no shell."""
    return [one for one in named(packages) if re.fullmatch(PACKAGE, one) is None]


def changes(
    resource: Resource,
    settings: Mapping[str, Any],
    packages: Sequence[Mapping[str, Any]],
    criteria: Mapping[str, Any],
) -> tuple[Change, ...]:
    """Make the document, where there is none yet, install the packages, and let Inspector look again.

    `criteria` filter the findings that must be gone in the end.
    """
    collect = _collect(resource, settings["Inventory"], packages, criteria)
    return (_create(resource), _install(resource, packages), collect)


def _create(resource: Resource) -> Change:
    return Change(
        name="create-document",
        service="ssm",
        operation="create_document",
        parameters={"Name": NAME, "Content": DOCUMENT, "DocumentType": "Command", "DocumentFormat": "JSON"},
        grants=(Grant("ssm:CreateDocument", (_at(resource, OURS),)),),
        irreversible=STAYS,
        settled=("DocumentAlreadyExists",),
    )


def _install(resource: Resource, packages: Sequence[Mapping[str, Any]]) -> Change:
    return Change(
        name="install-packages",
        service="ssm",
        operation="send_command",
        parameters={
            "DocumentName": NAME,
            "DocumentVersion": "1",
            "InstanceIds": [resource.id],
            "Parameters": {"Packages": [",".join(named(packages))]},
            "Comment": "Palisade: fixed versions of vulnerable packages",
        },
        grants=(Grant("ssm:SendCommand", (_at(resource, OURS), resource.arn)),),
        irreversible=NO_DOWNGRADE,
        effect=Probe(
            "ssm",
            "list_command_invocations",
            {"CommandId": Ref("install-packages", "Command.CommandId"), "InstanceId": resource.id},
            path="CommandInvocations[0].Status",
            expected=("Success",),
            failed=ENDED,
            interval=30,
            timeout=2 * 3600,
        ),
    )


def _collect(
    resource: Resource, association: str, packages: Sequence[Mapping[str, Any]], criteria: Mapping[str, Any]
) -> Change:
    """Collect the inventory at once, and wait until Inspector has closed the findings about the packages."""
    names = [{"name": {"comparison": "EQUALS", "value": one["Name"]}} for one in packages[:FILTERS]]
    fixed = f"packageManager == '{inspector.OPERATING_SYSTEM}' && fixedInVersion != '{inspector.UNFIXED}'"
    return Change(
        name="collect-inventory",
        service="ssm",
        operation="start_associations_once",
        parameters={"AssociationIds": [association]},
        grants=(Grant("ssm:StartAssociationsOnce", (_at(resource, COLLECTS).replace("*", association),)),),
        irreversible="it only looks at what is installed",
        effect=Probe(
            "inspector2",
            "list_findings",
            {"filterCriteria": {**criteria, "vulnerablePackages": names}},
            path=f"length(findings[].packageVulnerabilityDetails.vulnerablePackages[] | [?{fixed}])",
            expected=(0,),
            interval=300,
            timeout=6 * 3600,
        ),
    )


def _at(resource: Resource, arn: str) -> str:
    return arn.format(partition=resource.partition, region=resource.region, account=resource.account)
