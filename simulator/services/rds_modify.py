"""Changes of instances: what counts at once, soon, or in the maintenance window, and what state shows it.

An instance stays `available` for a while after a change was asked for; until then the change is among its pending
values. ApplyImmediately also applies whatever waits for the window.

Source: RDS API reference, ModifyDBInstance; RDS User Guide, "Modifying an Amazon RDS DB instance" (the table of
settings), "Schedule modifications setting", "Renaming a DB instance", "Working with storage for Amazon RDS DB
instances".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from simulator.call import Call, ServiceError
from simulator.services import rds_durations as durations
from simulator.services import rds_engines as engines
from simulator.services import rds_places as places
from simulator.services import rds_settings as settings
from simulator.services.rds_identifiers import combination, instance_name
from simulator.services.rds_progress import Progress, Step
from simulator.services.rds_records import OPTIMIZING, READY, Instance, Records, not_ready
from simulator.services.rds_secrets import drop_secret, make_secret

if TYPE_CHECKING:
    from simulator.services.rds_power import Power
    from simulator.world import World

# Settings that count with the answer, whatever ApplyImmediately says.
AT_ONCE = frozenset(
    {
        "AutoMinorVersionUpgrade", "CopyTagsToSnapshot", "CustomerOwnedIpEnabled", "DeletionProtection",
        "EngineLifecycleSupport", "MaxAllocatedStorage", "PreferredBackupWindow", "PreferredMaintenanceWindow",
        "PromotionTier", "ReplicaMode", "TdeCredentialArn",
    }
)  # fmt: skip
# Settings that are applied as soon as possible, whatever ApplyImmediately says, with the state that shows it.
SOON = {
    "DatabaseInsightsMode": "modifying",
    "DomainMemberships": "modifying",
    "LogExports": "configuring-log-exports",
    "MasterUserPassword": "resetting-master-credentials",
    "MasterUserSecret": "resetting-master-credentials",
    "MonitoringInterval": "configuring-enhanced-monitoring",
    "MonitoringRoleArn": "configuring-enhanced-monitoring",
    "PerformanceInsightsEnabled": "modifying",
    "PerformanceInsightsKMSKeyId": "modifying",
    "PerformanceInsightsRetentionPeriod": "modifying",
    "Port": "modifying",
    "PubliclyAccessible": "modifying",
}
# Settings that wait for the maintenance window unless ApplyImmediately is set, with the state that shows them.
LATER = {
    "EngineVersion": "upgrading",
    "DBSubnetGroup": "moving-to-vpc",
    "IAMDatabaseAuthenticationEnabled": "configuring-iam-database-auth",
}
SECONDS = {
    "modifying": durations.MODIFYING, "upgrading": durations.UPGRADING, "moving-to-vpc": durations.MOVING,
    "configuring-enhanced-monitoring": durations.CONFIGURING, "configuring-log-exports": durations.CONFIGURING,
    "configuring-iam-database-auth": durations.CONFIGURING, "resetting-master-credentials": durations.CONFIGURING,
}  # fmt: skip
STORAGE = frozenset({"AllocatedStorage", "Iops", "StorageThroughput", "StorageType"})
RESTARTING = frozenset(
    {"DBInstanceClass", "EngineVersion", "Port", "CACertificateIdentifier", "DBSubnetGroup", "ProcessorFeatures"}
)
INSIGHTS = frozenset(
    {
        "DatabaseInsightsMode", "PerformanceInsightsEnabled", "PerformanceInsightsKMSKeyId",
        "PerformanceInsightsRetentionPeriod",
    }
)  # fmt: skip
START = re.compile(r"([a-z]{3}):(\d\d):(\d\d)")


class Modifications:
    """The operation that changes instances."""

    def __init__(self, world: World, records: Records, progress: Progress, power: Power) -> None:
        self.world = world
        self._records = records
        self._progress = progress
        self._power = power

    def modify_db_instance(self, call: Call) -> dict[str, Any]:
        """Change an instance that is available; what is applied now and what waits is told by its pending values."""
        given = call.parameters
        instance = self._records.need(call)
        if instance.status not in READY:
            raise not_ready(instance)
        groups = self._groups(call, instance)
        changes = self._changes(call, instance)
        if instance.status == OPTIMIZING and STORAGE & set(changes):
            raise ServiceError("InvalidDBInstanceState", f"The storage of {instance.identifier} is being optimized.")
        soon, waiting = dict(instance.soon), dict(instance.waiting)
        for name, value in changes.items():
            if name in AT_ONCE or (name == "BackupRetentionPeriod" and value and instance.shown[name]):
                self._apply(instance, name, value)
            elif name in SOON or given.get("ApplyImmediately"):
                soon[name] = value
                waiting.pop(name, None)
            else:
                waiting[name] = value
        if given.get("ApplyImmediately"):
            soon |= waiting
            waiting = {}
        instance.soon, instance.waiting = soon, waiting
        self._regroup(instance, groups)
        self._plan(instance)
        return {"DBInstance": instance.describe()}

    def _changes(self, call: Call, instance: Instance) -> dict[str, Any]:
        """What the request would change, checked as a whole; raises ServiceError."""
        given, shown = call.parameters, instance.shown
        wanted = settings.plain(given)
        if wanted.get("AllocatedStorage"):
            wanted["AllocatedStorage"] = _grown(shown["AllocatedStorage"], wanted["AllocatedStorage"])
        result = {**shown, **instance.waiting, **instance.soon, **wanted}
        if wanted.get("MaxAllocatedStorage") == result["AllocatedStorage"]:  # switches autoscaling off
            wanted["MaxAllocatedStorage"] = result["MaxAllocatedStorage"] = None
        if wanted.get("MonitoringInterval") == 0 and "MonitoringRoleArn" not in wanted:
            wanted["MonitoringRoleArn"] = result["MonitoringRoleArn"] = None
        if INSIGHTS & set(wanted):
            self._insights(call, result, wanted)
        if STORAGE & set(wanted):
            if wanted.get("StorageType", shown["StorageType"]) != shown["StorageType"]:
                result |= {name: wanted.get(name) for name in ("Iops", "StorageThroughput")}
            elif shown["StorageType"] in engines.PROVISIONED and not {"AllocatedStorage", "Iops"} <= set(wanted):
                raise combination(
                    "You must specify both the storage size and iops when modifying the storage size or iops on a DB "
                    "instance that has iops."
                )
            settings.storage(result, wanted)
            wanted |= {name: result[name] for name in STORAGE if name in result}
        settings.check(call, result, role_changed="MonitoringRoleArn" in wanted)
        found = {name: value for name, value in wanted.items() if value != shown.get(name)}
        return found | self._structured(call, instance, result)

    def _insights(self, call: Call, result: dict[str, Any], wanted: dict[str, Any]) -> None:
        if wanted.get("PerformanceInsightsEnabled") is False:
            for name in ("PerformanceInsightsKMSKeyId", "PerformanceInsightsRetentionPeriod"):
                result[name] = None
        settings.insights(call, self.world, result)
        wanted |= {name: result.get(name) for name in INSIGHTS}

    def _structured(self, call: Call, instance: Instance, result: Mapping[str, Any]) -> dict[str, Any]:
        """The changes whose parameters have another name or shape than what describes them."""
        given, shown = call.parameters, instance.shown
        found: dict[str, Any] = {}
        if given.get("DBPortNumber") and given["DBPortNumber"] != instance.port:
            found["Port"] = settings.check_port(given["DBPortNumber"])
        if given.get("NewDBInstanceIdentifier"):
            name = instance_name(given["NewDBInstanceIdentifier"], "NewDBInstanceIdentifier")
            if name != instance.identifier:
                if self._records.taken(call.account, call.region, name):
                    raise ServiceError("DBInstanceAlreadyExists", "DB instance already exists")
                found["DBInstanceIdentifier"] = name
        if given.get("OptionGroupName"):
            version = result["EngineVersion"]
            groups = places.option_group(call, shown["Engine"], version, given["OptionGroupName"])
            if groups != shown["OptionGroupMemberships"]:
                found["OptionGroupMemberships"] = groups
        if given.get("DBSubnetGroupName"):
            group = places.subnet_group(self.world, call, given["DBSubnetGroupName"])
            if group["DBSubnetGroupName"] != shown["DBSubnetGroup"]["DBSubnetGroupName"]:
                found["DBSubnetGroup"] = group
        leaves = given.get("DisableDomain") or given.get("Domain") == "none"
        joined = [] if leaves else settings.domain(given)
        if joined is not None and joined != shown["DomainMemberships"]:
            found["DomainMemberships"] = joined
        exports = given.get("CloudwatchLogsExportConfiguration")
        if exports:
            found["LogExports"] = _exports(call, shown, exports)
        return found | self._credentials(call, instance)

    def _credentials(self, call: Call, instance: Instance) -> dict[str, Any]:
        given = call.parameters
        managed = given.get("ManageMasterUserPassword")
        if given.get("MasterUserPassword"):
            if managed or (instance.shown.get("MasterUserSecret") and managed is None):
                raise combination("You can't specify MasterUserPassword for an instance whose password RDS manages.")
            found: dict[str, Any] = {"MasterUserPassword": given["MasterUserPassword"]}
            return {**found, "MasterUserSecret": None} if managed is False else found
        if managed is False and instance.shown.get("MasterUserSecret"):
            raise combination("Specify MasterUserPassword to end the management of the master user's password.")
        if managed and not instance.shown.get("MasterUserSecret"):
            return {"MasterUserSecret": make_secret(self.world, call, instance.shown["MasterUsername"])}
        return {}

    def _groups(self, call: Call, instance: Instance) -> dict[str, list[dict[str, str]]]:
        """The security groups and the parameter group that the request names, checked; raises ServiceError."""
        given, shown = call.parameters, instance.shown
        found = {}
        name = given.get("DBParameterGroupName")
        if name and name.lower() != shown["DBParameterGroups"][0]["DBParameterGroupName"]:
            found["DBParameterGroups"] = places.parameter_group(call, shown["Engine"], shown["EngineVersion"], name)
        if given.get("VpcSecurityGroupIds"):
            vpc = shown["DBSubnetGroup"]["VpcId"]
            found["VpcSecurityGroups"] = places.security_groups(call, vpc, given["VpcSecurityGroupIds"])
        return found

    def _regroup(self, instance: Instance, groups: Mapping[str, list[dict[str, str]]]) -> None:
        """Swap groups: of security while the instance is in use, of parameters by the next reboot."""
        shown = instance.shown
        for group in groups.get("DBParameterGroups", ()):
            shown["DBParameterGroups"] = [{**group, "ParameterApplyStatus": "pending-reboot"}]
        if "VpcSecurityGroups" not in groups:
            return
        wanted = groups["VpcSecurityGroups"]
        before = {one["VpcSecurityGroupId"] for one in shown["VpcSecurityGroups"]}
        after = {one["VpcSecurityGroupId"] for one in wanted}
        shown["VpcSecurityGroups"] = swapped = [
            *({**one, "Status": "active" if one["VpcSecurityGroupId"] in before else "adding"} for one in wanted),
            *({"VpcSecurityGroupId": one, "Status": "removing"} for one in sorted(before - after)),
        ]

        def joined() -> None:
            if shown["VpcSecurityGroups"] is swapped:
                shown["VpcSecurityGroups"] = wanted
                self._progress.connections.admit(instance)
                self._progress.record(instance)

        label = f"rds: security groups of {instance.identifier}"
        self.world.agenda.soon(joined, label, seconds=durations.JOINING)

    def _plan(self, instance: Instance) -> None:
        """Put on the agenda what is to be applied: soon, and in the window."""
        if instance.soon and instance.noticed is None:
            label = f"rds: changes of {instance.identifier}"
            instance.noticed = self.world.agenda.soon(lambda: self._begin(instance), label, seconds=durations.NOTICING)
        if instance.window is not None:
            instance.window.cancelled = True
            instance.window = None
        if instance.waiting:
            moment = next_window(instance.shown["PreferredMaintenanceWindow"], self.world.agenda.now())
            label = f"rds: maintenance window of {instance.identifier}"
            instance.window = self.world.agenda.at(moment, lambda: self._maintain(instance), label, background=True)

    def _maintain(self, instance: Instance) -> None:
        """Apply what waits, or wait for the next window where the instance is not available."""
        instance.window = None
        if instance.status in READY:
            instance.soon |= instance.waiting
            instance.waiting = {}
        self._plan(instance)

    def _begin(self, instance: Instance) -> None:
        """Apply what is to be applied, state after state."""
        instance.noticed = None
        changes, instance.soon = instance.soon, {}
        name = changes.pop("DBInstanceIdentifier", None)
        states: dict[str, dict[str, Any]] = {}
        for field, value in changes.items():
            states.setdefault(SOON.get(field) or LATER.get(field) or "modifying", {})[field] = value
        shown = dict(changes)  # still pending until it is applied
        steps = []
        for state, part in states.items():

            def end(part: Mapping[str, Any] = part) -> None:
                for field, value in part.items():
                    self._apply(instance, field, value)
                    instance.soon.pop(field, None)

            steps.append(Step(state, SECONDS[state], end))
        if RESTARTING & set(changes):
            steps.append(self._power.rebooting(instance))
        if name is not None:
            shown["DBInstanceIdentifier"] = name
            steps.insert(0, Step("renaming", durations.RENAMING, lambda: self._rename(instance, name)))
            steps.insert(1, self._power.rebooting(instance))
        instance.soon = shown
        if STORAGE & set(changes):
            until = sum(step.seconds for step in steps) + durations.OPTIMIZING
            instance.optimized = self.world.agenda.now() + timedelta(seconds=until)
        self._progress.run(instance, steps)
        self._progress.record(instance)

    def _rename(self, instance: Instance, name: str) -> None:
        """Give an instance its new name; its replicas and its source know it by that."""
        before = instance.identifier
        instance.soon.pop("DBInstanceIdentifier", None)
        self._records.rename(instance, name)
        self._progress.connections.renamed(instance, before)
        for other in self._records.instances(*instance.place):
            replicas = other.shown["ReadReplicaDBInstanceIdentifiers"]
            replicas[:] = [name if one == before else one for one in replicas]
            if other.shown.get("ReadReplicaSourceDBInstanceIdentifier") == before:
                other.shown["ReadReplicaSourceDBInstanceIdentifier"] = name

    def _apply(self, instance: Instance, name: str, value: Any) -> None:
        """Let one change count."""
        shown = instance.shown
        if name == "Port":
            instance.port = value
        elif name == "LogExports":
            kept = set(shown.get("EnabledCloudwatchLogsExports") or ()) - set(value["DisableLogTypes"])
            shown["EnabledCloudwatchLogsExports"] = sorted(kept | set(value["EnableLogTypes"]))
        elif name == "CACertificateIdentifier":
            settings.certificate(shown, value)
        elif name == "MultiAZ":
            shown[name] = value
            shown["SecondaryAvailabilityZone"] = _second(shown) if value else None
        elif name == "MonitoringInterval":
            shown[name] = value
            shown["EnhancedMonitoringResourceArn"] = places.log_stream(instance, instance.id) if value else None
        elif name != "MasterUserPassword":
            if name == "MasterUserSecret":
                drop_secret(instance)
            shown[name] = value


def next_window(window: str, now: datetime) -> datetime:
    """When a maintenance window begins next."""
    found = START.match(window)
    assert found is not None  # noqa: S101 - checked when it was set
    day, hour, minute = settings.DAYS.index(found[1]), int(found[2]), int(found[3])
    start = now.replace(hour=hour, minute=minute, second=0, microsecond=0) + timedelta(days=(day - now.weekday()) % 7)
    return start if start > now else start + timedelta(days=7)


def _grown(before: int, wanted: int) -> int:
    """Storage grows by at least a tenth and never shrinks; raises InvalidParameterCombination."""
    if wanted < before:
        raise combination("Requested storage size must not be smaller than the current size.")
    return wanted if wanted == before else max(wanted, -(-before * 11 // 10))


def _second(shown: Mapping[str, Any]) -> str | None:
    known = [zone for zone in places.zones(shown["DBSubnetGroup"]) if zone != shown["AvailabilityZone"]]
    return known[0] if known else None


def _exports(call: Call, shown: Mapping[str, Any], asked: Mapping[str, Any]) -> dict[str, list[str]]:
    found = {name: list(asked.get(name) or ()) for name in ("EnableLogTypes", "DisableLogTypes")}
    settings.check(call, {**shown, "EnabledCloudwatchLogsExports": found["EnableLogTypes"]}, role_changed=False)
    return found
