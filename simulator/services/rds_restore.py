"""An instance from a snapshot, with what RDS sets silently where the request is silent.

Source: RDS API reference, RestoreDBInstanceFromDBSnapshot (the default of each parameter); RDS User Guide, "Restoring
to a DB instance" (parameter groups, security groups, option groups), "Amazon RDS DB instance storage".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from simulator.call import Call, ServiceError, not_simulated
from simulator.services import rds_durations as durations
from simulator.services import rds_places as places
from simulator.services import rds_settings as settings
from simulator.services.rds_identifiers import combination
from simulator.services.rds_records import AVAILABLE, Records, Snapshot, tag_map

if TYPE_CHECKING:
    from simulator.services.rds_instances import Instances
    from simulator.world import World

# What the database itself brings along, or what keeps its value by the API reference.
FROM_SNAPSHOT = (
    "AdditionalStorageVolumes", "AllocatedStorage", "BackupRetentionPeriod", "CharacterSetName", "DBInstanceClass",
    "DBName", "DBSystemId", "Engine", "EngineVersion", "LicenseModel", "MasterUsername", "MultiTenant",
    "NcharCharacterSetName", "Timezone",
)  # fmt: skip
NAMED_DATABASES = ("oracle", "sqlserver")


class Restores:
    """The operation that restores."""

    def __init__(self, world: World, records: Records, instances: Instances) -> None:
        self.world = world
        self._records = records
        self._instances = instances

    def restore_db_instance_from_db_snapshot(self, call: Call) -> dict[str, Any]:
        """Make an instance from a snapshot.

        Single-AZ, the default security group of the subnet group's VPC, the default parameter and option group, no
        deletion protection, no IAM authentication, no log exports, no monitoring, windows of RDS's choice, gp3 unless
        IOPS are named, Extended Support; tags of the source only where none are given.
        """
        given = call.parameters
        name = self._instances.free_name(call)
        snapshot = self._snapshot(call)
        shown = {one: snapshot.origin[one] for one in FROM_SNAPSHOT if snapshot.origin.get(one) is not None}
        engine = str(shown["Engine"])
        self._check(call, engine)
        asked = settings.plain(given)
        if "DBInstanceClass" not in asked and snapshot.origin.get("ProcessorFeatures"):
            shown["ProcessorFeatures"] = snapshot.origin["ProcessorFeatures"]
        if given.get("UseDefaultProcessorFeatures"):
            shown.pop("ProcessorFeatures", None)
        shown |= asked | {"DBInstanceIdentifier": name}
        self._storage(shown, snapshot)
        shown |= {"StorageEncrypted": snapshot.shown["Encrypted"]}
        shown["StorageEncryptionType"] = snapshot.shown["StorageEncryptionType"]
        if snapshot.shown["Encrypted"]:
            shown["KmsKeyId"] = places.key(self.world, call, snapshot.shown["KmsKeyId"])
        instance = self._instances.make(call, shown, given.get("Port") or snapshot.port, self._tags(call, snapshot))
        group = snapshot.shown["OptionGroupName"]
        if not given.get("OptionGroupName") and places.keeps_options(call, group):
            instance.shown["OptionGroupMemberships"] = [{"OptionGroupName": group, "Status": "in-sync"}]
        seconds = durations.RESTORING + durations.SNAPSHOT_GIB * shown["AllocatedStorage"]
        self._instances.start(instance, seconds, "RDS-EVENT-0043")
        return {"DBInstance": instance.describe()}

    def _snapshot(self, call: Call) -> Snapshot:
        given = call.parameters
        if given.get("DBClusterSnapshotIdentifier"):
            raise not_simulated("restoring from snapshots of clusters")
        if not given.get("DBSnapshotIdentifier"):
            raise combination("DBSnapshotIdentifier must be specified.")
        snapshot = self._records.need_snapshot(call, given["DBSnapshotIdentifier"])
        if snapshot.region != call.region:
            raise ServiceError("DBSnapshotNotFound", f"DBSnapshot not found: {given['DBSnapshotIdentifier']}", 404)
        if snapshot.status != AVAILABLE:
            raise ServiceError("InvalidDBSnapshotState", f"The snapshot {snapshot.identifier} is not available.")
        return snapshot

    def _check(self, call: Call, engine: str) -> None:
        given = call.parameters
        if given.get("Engine") not in (None, engine):
            raise ServiceError("InvalidRestoreFault", f"Cannot restore a snapshot of {engine} as {given['Engine']}.")
        if given.get("DBName") and not engine.startswith(NAMED_DATABASES):
            raise combination(f"The parameter DBName cannot be specified when restoring {engine}.")
        if given.get("AllocatedStorage") and engine.startswith("sqlserver"):
            raise combination("The parameter AllocatedStorage cannot be specified when restoring SQL Server.")
        if given.get("ManageMasterUserPassword") and not engine.startswith("oracle"):
            raise combination("The parameter ManageMasterUserPassword is for RDS for Oracle only.")

    def _storage(self, shown: dict[str, Any], snapshot: Snapshot) -> None:
        """The type is io1 where IOPS are named, else gp3; IOPS come from the backup where they are not named."""
        backed = snapshot.origin.get("Iops")
        if shown["AllocatedStorage"] < snapshot.origin["AllocatedStorage"]:
            raise combination("The allocated storage must not be smaller than the snapshot's.")
        named = shown.get("Iops")
        kind = shown.setdefault("StorageType", "io1" if named else "gp3")
        if named == 0:
            shown["Iops"] = None
        elif named is None and backed and kind == snapshot.origin["StorageType"]:
            shown["Iops"] = backed

    def _tags(self, call: Call, snapshot: Snapshot) -> dict[str, str]:
        """The tags that are given; without any those of the snapshot's instance, if it is still there."""
        given = tag_map(call.parameters.get("Tags"))
        if given:
            return given
        held = self._records.instances(snapshot.account, snapshot.region)
        source = next((one for one in held if one.id == snapshot.origin["DbiResourceId"]), None)
        return dict(snapshot.tags if source is None else source.tags)
