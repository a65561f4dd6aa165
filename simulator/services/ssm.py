"""Systems Manager: managed instances, Run Command, and the inventory that is collected of them.

A script of a document is really run (`ssm_hosts.py`). Which instances are managed, and what is installed on them, tests
and scenarios say by `manage`, in the place of an agent. Source: AWS Systems Manager API Reference,
DescribeInstanceInformation, SendCommand, ListCommands, ListCommandInvocations, GetCommandInvocation; User Guide,
"Command document plugin reference", "Run Command" (a history of 30 days); Amazon Inspector User Guide, "Scanning
Amazon EC2 instances".
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from moto.backends import get_backend

from simulator.call import Call, ServiceError, not_simulated
from simulator.services.inspector import Inspector
from simulator.services.ssm_automation import SsmAutomation
from simulator.services.ssm_command_document import Command, command_of
from simulator.services.ssm_hosts import Host

if TYPE_CHECKING:
    from simulator.identity import Identities
    from simulator.world import World

# Simulated seconds: until an agent takes a command, and how long it runs; how often the inventory is collected.
TAKEN, RUNS = 2.0, 30.0
EVERY = 1800.0
REMEMBERED = timedelta(days=30)
# The plugin's own limits of what an answer says.
LONGEST_OUTPUT = 24_000
UNSUPPORTED = (
    "Targets", "DocumentHash", "OutputS3BucketName", "ServiceRoleArn", "NotificationConfig", "CloudWatchOutputConfig",
    "AlarmConfiguration",
)  # fmt: skip
SPACE = uuid.uuid5(uuid.NAMESPACE_URL, "https://docs.aws.amazon.com/systems-manager/run-command")
RUNNING = ("Pending", "InProgress")
FILTERS = {"DocumentName", "Status"}
Place = tuple[str, str]


@dataclass
class Invocation:
    """One command on one instance."""

    command: str
    instance: str
    document: str
    version: str
    comment: str
    at: datetime
    parameters: Mapping[str, Any]
    ended: datetime | None = None
    status: str = "Pending"
    code: int = -1
    output: str = ""
    error: str = ""

    def shown(self, *, details: bool) -> dict[str, Any]:
        """The invocation as ListCommandInvocations returns it."""
        plugin = {"Name": "install", "Status": self.status, "ResponseCode": self.code, "Output": self.output}
        finished = {"ResponseFinishDateTime": self.ended} if self.ended else {}
        return {
            "CommandId": self.command,
            "InstanceId": self.instance,
            "DocumentName": self.document,
            "DocumentVersion": self.version,
            "Comment": self.comment,
            "RequestedDateTime": self.at,
            "Status": self.status,
            "StatusDetails": self.status,
            "CommandPlugins": [{**plugin, **finished}] if details else [],
        }


class SystemsManager(SsmAutomation):
    """Managed instances and commands beside the executions of Automation; everything else is moto's."""

    def __init__(self, world: World, identities: Identities) -> None:
        super().__init__(world, identities)
        self._hosts: dict[Place, dict[str, Host]] = {}
        self._held: dict[Place, list[Invocation]] = {}

    def manage(self, account: str, region: str, instance: str, host: Host) -> None:
        """Let an instance be managed, as its agent does; its inventory is collected from now on."""
        hosts = self._hosts.setdefault((account, region), {})
        if not hosts:
            self._regularly(account, region)
        hosts[instance] = host

    def host(self, account: str, region: str, instance: str) -> Host:
        """A managed instance."""
        return self._hosts[account, region][instance]

    # Operations.
    def describe_instance_information(self, call: Call) -> dict[str, Any]:
        """DescribeInstanceInformation, filtered by ids at most, all on one page."""
        wanted = None
        for one in call.parameters.get("Filters") or ():
            if one["Key"] != "InstanceIds":
                raise not_simulated(f"the filter {one['Key']} of instances")
            wanted = one["Values"]
        if call.parameters.get("InstanceInformationFilterList"):
            raise not_simulated("InstanceInformationFilterList")
        hosts = self._hosts.get((call.account, call.region), {})
        shown = [
            {
                "InstanceId": name,
                "PingStatus": "Online" if self._running(call.account, call.region, name) else "ConnectionLost",
                "PlatformType": host.platform,
                "PlatformName": host.system,
                "AgentVersion": "3.3.2299.0",
                "ResourceType": "EC2Instance",
            }
            for name, host in hosts.items()
            if (wanted is None or name in wanted) and self._there(call.account, call.region, name)
        ]
        return {"InstanceInformationList": shown}

    def send_command(self, call: Call) -> dict[str, Any]:
        """SendCommand: a document of the account on instances that are named."""
        asked = call.parameters
        if unsupported := [name for name in UNSUPPORTED if asked.get(name)]:
            raise not_simulated(", ".join(unsupported))
        command = command_of(call)
        names = asked.get("InstanceIds") or ()
        for name in names:
            self._managed(call, name)
            if not self._running(call.account, call.region, name):
                raise ServiceError("InvalidInstanceId", f"Instances [[{name}]] not in a valid state for account")
        identifier, now = str(uuid.uuid5(SPACE, call.request_id)), self.world.agenda.now()
        sent: list[Invocation] = []
        for name in names:
            invocation = Invocation(
                identifier,
                name,
                command.name,
                command.version,
                asked.get("Comment", ""),
                at=now,
                parameters=dict(asked.get("Parameters") or {}),
            )
            sent.append(invocation)
            host = self.host(call.account, call.region, name)
            self.world.agenda.soon(partial(self._take, host, command, invocation), f"command {name}", seconds=TAKEN)
        self._held.setdefault((call.account, call.region), []).extend(sent)
        return {"Command": _command(sent)}

    def list_commands(self, call: Call) -> dict[str, Any]:
        """ListCommands, the latest first, all on one page."""
        asked, filters = call.parameters, _filters(call, "commands")
        commands: dict[str, list[Invocation]] = {}
        for one in self._remembered(call):
            commands.setdefault(one.command, []).append(one)
        shown = [
            _command(sent[::-1])
            for identifier, sent in commands.items()
            if asked.get("CommandId") in (None, identifier)
            and asked.get("InstanceId") in (None, *(one.instance for one in sent))
        ]
        return {"Commands": [one for one in shown if all(one[key] == value for key, value in filters.items())]}

    def list_command_invocations(self, call: Call) -> dict[str, Any]:
        """ListCommandInvocations, the latest first, all on one page."""
        asked, filters = call.parameters, _filters(call, "invocations")
        shown = [
            one.shown(details=bool(asked.get("Details")))
            for one in self._remembered(call)
            if asked.get("CommandId") in (None, one.command) and asked.get("InstanceId") in (None, one.instance)
        ]
        return {"CommandInvocations": [one for one in shown if all(one[key] == filters[key] for key in filters)]}

    def get_command_invocation(self, call: Call) -> dict[str, Any]:
        """GetCommandInvocation."""
        asked = call.parameters
        for one in self._remembered(call):
            if (one.command, one.instance) == (asked["CommandId"], asked["InstanceId"]):
                shown = {key: value for key, value in one.shown(details=False).items() if key != "CommandPlugins"}
                ended = {"StandardOutputContent": one.output, "StandardErrorContent": one.error}
                return {**shown, "PluginName": "install", "ResponseCode": one.code, **ended}
        raise ServiceError("InvocationDoesNotExist", "The command ID and instance ID you specified did not match any.")

    def cancel_command(self, call: Call) -> dict[str, Any]:
        """Refused: a command runs to its end here."""
        raise not_simulated("CancelCommand")

    # What happens later.
    def _take(self, host: Host, command: Command, invocation: Invocation) -> None:
        invocation.status = "InProgress"
        run = partial(self._run, host, command, invocation)
        self.world.agenda.soon(run, f"command {invocation.instance}", seconds=RUNS)

    def _run(self, host: Host, command: Command, invocation: Invocation) -> None:
        invocation.ended = self.world.agenda.now()
        if not command.runs_on(host.platform):
            # A step whose precondition does not hold is skipped, and the command has succeeded.
            invocation.status, invocation.code = "Success", 0
            return
        code, output, error = host.run(command.script)
        invocation.status, invocation.code = "Success" if code == 0 else "Failed", code
        invocation.output, invocation.error = output[:LONGEST_OUTPUT], error[:LONGEST_OUTPUT]

    def _collect(self, account: str, region: str) -> None:
        """Collect what is installed on every instance that runs: Inspector looks at it."""
        inspector = self.world.service(Inspector)
        for name, host in self._hosts.get((account, region), {}).items():
            if self._running(account, region, name):
                inspector.scan(account, region, name, host.packages)

    def _regularly(self, account: str, region: str) -> None:
        def collect() -> None:
            self._collect(account, region)
            self._regularly(account, region)

        self.world.agenda.soon(collect, "inventory", seconds=EVERY, background=True)

    def _remembered(self, call: Call) -> list[Invocation]:
        """The invocations of the last 30 days, the latest first."""
        since = self.world.agenda.now() - REMEMBERED
        return [one for one in reversed(self._held.get((call.account, call.region), [])) if one.at > since]

    def _managed(self, call: Call, name: str) -> None:
        if name not in self._hosts.get((call.account, call.region), {}):
            raise ServiceError("InvalidInstanceId", f"Instances [[{name}]] not in a valid state for account")

    def _there(self, account: str, region: str, name: str) -> bool:
        return _state(account, region, name) not in (None, "terminated")

    def _running(self, account: str, region: str, name: str) -> bool:
        return _state(account, region, name) == "running"


def _state(account: str, region: str, name: str) -> str | None:
    instances: Mapping[str, Any] = {
        one.id: one
        for reservation in get_backend("ec2")[account][region].reservations.values()
        for one in reservation.instances
    }
    return str(instances[name].state) if name in instances else None


def _filters(call: Call, what: str) -> dict[str, str]:
    filters = {one["key"]: one["value"] for one in call.parameters.get("Filters") or ()}
    if strange := set(filters) - FILTERS:
        raise not_simulated(f"the filter {', '.join(sorted(strange))} of {what}")
    return filters


def _command(sent: Sequence[Invocation]) -> dict[str, Any]:
    """One command as SendCommand and ListCommands return it: it has ended when it has on every instance."""
    statuses = [one.status for one in sent]
    first = sent[0]
    status = next((one for one in (*RUNNING, "Failed") if one in statuses), "Success")
    return {
        "CommandId": first.command,
        "DocumentName": first.document,
        "DocumentVersion": first.version,
        "Comment": first.comment,
        "Parameters": dict(first.parameters),
        "InstanceIds": [one.instance for one in sent],
        "RequestedDateTime": first.at,
        "Status": status,
        "StatusDetails": status,
        "TargetCount": len(sent),
    }
