"""Installing fixed versions of named packages by Systems Manager: our own document, and the calls about it.

The document is made in the Region of the first instance that needs it, under a name that follows from its content, so
that what runs is what stands here. It brings the packages that it is given to their fixed versions, or newer ones, with
what these depend on, proves that they are there, and never restarts the instance.
Source: AWS Systems Manager API Reference, CreateDocument, SendCommand (TimeoutSeconds: until a command has begun),
ListCommands, ListCommandInvocations; User Guide, "Data elements and parameters" (schema 2.2, allowedPattern),
"aws:runShellScript", and "Run Command": commands are remembered for 30 days.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from lambdas.answers import absent
from lambdas.controls.model import Change, Grant, Probe, Ref, Resource
from lambdas.services import inspector
from lambdas.services.package_script import SCRIPT
from lambdas.services.package_versions import FORM, compared, newest

if TYPE_CHECKING:
    from boto3 import Session

# Seconds: until the command has begun, and until the script has ended; together less than it is waited for.
BEGUN, RUN, WAITED = 600, 2700, 3600
NAME_FORM = r"[A-Za-z0-9][A-Za-z0-9+._-]{0,127}"
PACKAGE = f"{NAME_FORM}={FORM}"
VERSIONS = re.compile(f"({NAME_FORM})=({FORM})")
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
            "inputs": {"timeoutSeconds": str(RUN), "runCommand": SCRIPT.splitlines()},
        }
    ],
}
DOCUMENT = json.dumps(CONTENT)
NAME = f"Palisade-InstallPackages-{hashlib.sha256(DOCUMENT.encode()).hexdigest()[:12]}"
VERSION = "1"
OWN = "arn:{partition}:ssm:{region}:{account}:"
OURS = f"{OWN}document/{NAME}"
INSTANCES = "arn:{partition}:ec2:{region}:{account}:instance/*"
# Where people find what a command has said.
OUTPUT = (
    f"aws ssm list-command-invocations --details --instance-id {{instance}} --filters key=DocumentName,value={NAME}"
)
READS = (
    Grant("ssm:DescribeInstanceInformation", ("*",)),
    Grant("ssm:GetDocument", (OURS,)),
    Grant("ssm:ListCommands", ("*",)),
    Grant("ssm:ListCommandInvocations", ("*",)),
)
WRITES = (
    Grant("ssm:CreateDocument", (OURS,)),
    Grant("ssm:SendCommand", (OURS, INSTANCES)),
)
STAYS = "the document stays in the Region for the next instance: it does nothing by itself"
NO_DOWNGRADE = "the version before is vulnerable, and going back to it is not offered"
ENDED = ("Failed", "Cancelled", "TimedOut")


@dataclass(frozen=True, slots=True)
class Ran:
    """One command that has installed packages with success: their versions by name, when it was sent and had ended."""

    versions: Mapping[str, str]
    sent: datetime
    ended: datetime


def read(session: Session, instance: str) -> dict[str, Any]:
    """What the installation needs: the agent and the document.

    `Agent` is None where Systems Manager does not manage the instance. `Foreign` says that the document of the name is
    not ours; whether it is there yet is nothing that people approve.
    """
    ssm = session.client("ssm")
    filters: Any = [{"Key": "InstanceIds", "Values": [instance]}]
    agents: Any = []
    # An instance that was never registered is an error or an empty list.
    with absent("InvalidInstanceId"):
        agents = ssm.describe_instance_information(Filters=filters)["InstanceInformationList"]
    if not agents:
        return {"Agent": None, "Foreign": False}
    agent = {"Ping": agents[0]["PingStatus"], "Platform": agents[0]["PlatformType"]}
    return {"Agent": agent, "Foreign": _foreign(ssm)}


def remembered(session: Session, instance: str) -> list[Ran]:
    """The commands of our document that succeeded on an instance, as far as Systems Manager remembers: 30 days."""
    ssm = session.client("ssm")
    ours: Any = [{"key": "DocumentName", "value": NAME}, {"key": "Status", "value": "Success"}]
    found: list[Ran] = []
    # An instance that was never registered is an error or an empty list.
    with absent("InvalidInstanceId"):
        sent = list(ssm.get_paginator("list_commands").paginate(InstanceId=instance, Filters=ours).search("Commands[]"))
        if not sent:
            return found
        pages = ssm.get_paginator("list_command_invocations").paginate(InstanceId=instance, Filters=ours, Details=True)
        ended = dict(pages.search("CommandInvocations[].[CommandId, CommandPlugins[0].ResponseFinishDateTime]"))
        for one in sent:
            at = ended.get(one["CommandId"])
            if at is not None and one["DocumentVersion"] == VERSION:
                given = VERSIONS.findall(one["Parameters"].get("Packages", ("",))[0])
                found.append(Ran(dict(given), one["RequestedDateTime"], at))
    return found


def since(packages: Iterable[Mapping[str, Any]], ran: Sequence[Ran]) -> list[dict[str, Any]]:
    """What the commands make of what Inspector reports, said without times: people approve no time.

    `Installed`: a command has brought the package to its fixed version, and Inspector has not observed it since.
    `Told`: all that is reported of it was known when the last command was sent, and so was told to who approved that.
    """
    last = max((one.sent for one in ran), default=None)
    return [
        {
            **{key: value for key, value in package.items() if key not in ("First", "Last")},
            "Installed": inspector.installable(package) and any(_brought(package, one) for one in ran),
            "Told": last is not None and package["First"] <= last,
        }
        for package in packages
    ]


def _brought(package: Mapping[str, Any], ran: Ran) -> bool:
    version = ran.versions.get(package["Name"])
    return version is not None and compared(version, package["Fixed"]) >= 0 and package["Last"] < ran.ended


def _foreign(ssm: Any) -> bool:
    with absent("InvalidDocument"):
        # The content of a version never changes.
        found = ssm.get_document(Name=NAME, DocumentVersion=VERSION)["Content"]
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
    if settings["Foreign"]:
        return f"the document {NAME} of the account is not the one that we make"
    return None


def named(packages: Iterable[Mapping[str, Any]]) -> list[str]:
    """The packages as the document takes them, each once, to the version that has all fixes."""
    fixed: dict[str, list[str]] = {}
    for one in packages:
        fixed.setdefault(str(one["Name"]), []).append(str(one["Fixed"]))
    return [f"{name}={newest(versions)}" for name, versions in sorted(fixed.items())]


def strange(packages: Iterable[Mapping[str, Any]]) -> list[str]:
    """The packages whose name or version has a form that we give to no shell."""
    return [one for one in named(packages) if re.fullmatch(PACKAGE, one) is None]


def changes(resource: Resource, packages: Sequence[Mapping[str, Any]]) -> tuple[Change, ...]:
    """Make the document, where there is none yet, and install the packages; the script proves their versions.

    Inspector is not waited for: that takes hours, and nothing else could be done about the instance meanwhile.
    """
    return (_create(resource), _install(resource, packages))


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
            "DocumentVersion": VERSION,
            "InstanceIds": [resource.id],
            "Parameters": {"Packages": [",".join(named(packages))]},
            "TimeoutSeconds": BEGUN,
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
            timeout=WAITED,
        ),
    )


def _at(resource: Resource, arn: str) -> str:
    return arn.format(partition=resource.partition, region=resource.region, account=resource.account)
