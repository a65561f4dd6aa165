"""DB snapshots: taken, copied (which is how data becomes encrypted), listed, shared, deleted.

Source: RDS API reference, CreateDBSnapshot, CopyDBSnapshot, DescribeDBSnapshots, ModifyDBSnapshotAttribute and
DeleteDBSnapshot; RDS User Guide, "Copying a DB snapshot", "Tagging Amazon RDS resources".
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from simulator.call import Call, ServiceError
from simulator.services import rds_durations as durations
from simulator.services import rds_engines as engines
from simulator.services import rds_places as places
from simulator.services.rds_identifiers import bare, combination, filters, invalid, paged, snapshot_name
from simulator.services.rds_progress import Progress, Step
from simulator.services.rds_quotas import spare_copy, spare_snapshot
from simulator.services.rds_records import (
    AVAILABLE,
    CREATING,
    FAILED,
    Instance,
    Records,
    Snapshot,
    must_be_ready,
    tag_map,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from simulator.services.rds_events import Events
    from simulator.world import World

FILTERS = ("db-instance-id", "db-snapshot-id", "dbi-resource-id", "engine", "snapshot-type")
RESTORERS = "restore"
# What a snapshot shows of its instance.
OF_INSTANCE = (
    "AdditionalStorageVolumes", "AllocatedStorage", "AvailabilityZone", "BackupRetentionPeriod", "DBInstanceIdentifier",
    "DBSystemId", "DbiResourceId", "DedicatedLogVolume", "Engine", "EngineVersion", "IAMDatabaseAuthenticationEnabled",
    "InstanceCreateTime", "Iops", "KmsKeyId", "LicenseModel", "MasterUsername", "MultiTenant", "PreferredBackupWindow",
    "ProcessorFeatures", "StorageEncryptionType", "StorageThroughput", "StorageType", "TdeCredentialArn", "Timezone",
)  # fmt: skip


class Snapshots:
    """The operations on snapshots."""

    def __init__(self, world: World, records: Records, progress: Progress, events: Events) -> None:
        self.world = world
        self._records = records
        self._progress = progress
        self._events = events

    def create_db_snapshot(self, call: Call) -> dict[str, Any]:
        """Take a snapshot of an instance that is available or whose storage is being optimized."""
        given = call.parameters
        instance = self._records.need(call)
        if instance.shown.get("DBClusterIdentifier"):
            raise combination(
                "The specified instance is a member of a cluster and a snapshot cannot be created directly."
            )
        must_be_ready(instance)
        snapshot = self.take(call, instance, given["DBSnapshotIdentifier"], tag_map(given.get("Tags")))
        self._progress.run(instance, [Step("backing-up", snapshot.seconds)])
        return {"DBSnapshot": snapshot.describe(self.world.agenda.now())}

    def take(self, call: Call, instance: Instance, name: str, tags: Mapping[str, str]) -> Snapshot:
        """Take a snapshot; it has the instance's tags where these are to be copied and none are given."""
        name = self._free(call, name, "DBSnapshotIdentifier")
        copied = dict(instance.tags) if instance.shown["CopyTagsToSnapshot"] else {}
        shown = {one: instance.shown[one] for one in OF_INSTANCE if instance.shown.get(one) is not None}
        shown |= {
            "DBSnapshotIdentifier": name,
            "Encrypted": instance.shown["StorageEncrypted"],
            "OptionGroupName": instance.shown["OptionGroupMemberships"][0]["OptionGroupName"],
            "Port": instance.port,
            "SnapshotTarget": "region",
            "SnapshotType": "manual",
            "VpcId": instance.shown["DBSubnetGroup"]["VpcId"],
        }
        now = self.world.agenda.now()
        snapshot = Snapshot(
            call.account, call.region, call.partition, shown, copy.deepcopy(instance.shown), instance.port, now,
            durations.SNAPSHOT + durations.SNAPSHOT_GIB * shown["AllocatedStorage"], dict(tags) or copied,
        )  # fmt: skip
        snapshot.shown["OriginalSnapshotCreateTime"] = now
        self._events.tell("RDS-EVENT-0040", snapshot)
        self._keep(snapshot)
        return snapshot

    def copy_db_snapshot(self, call: Call) -> dict[str, Any]:
        """Copy a snapshot that is available; with a key the copy is encrypted, whether or not the source is."""
        given = call.parameters
        source = self._records.need_snapshot(call, given["SourceDBSnapshotIdentifier"])
        name = self._free(call, given["TargetDBSnapshotIdentifier"], "TargetDBSnapshotIdentifier")
        if source.status != AVAILABLE:
            raise ServiceError("InvalidDBSnapshotState", f"The snapshot {source.identifier} is not available.")
        engine = str(source.shown["Engine"])
        if engines.custom(engine):
            raise combination(f"Snapshots of {engine} can't be copied.")
        spare_copy(self._records, call)
        away = source.region != call.region or source.account != call.account
        shown = copy.deepcopy(source.shown) | {"DBSnapshotIdentifier": name, "SnapshotType": "manual"}
        self._encrypt(call, source, shown, away=away)
        if away:
            shown |= {"SourceDBSnapshotIdentifier": source.arn, "SourceRegion": source.region}
        if given.get("OptionGroupName"):
            version = shown["EngineVersion"]
            [group] = places.option_group(call, engine, version, given["OptionGroupName"])
            shown["OptionGroupName"] = group["OptionGroupName"]
        elif away:
            shown["OptionGroupName"] = engines.option_group(engine, shown["EngineVersion"])
        tags = tag_map(given.get("Tags"))
        if given.get("CopyTags") and not tags:
            tags = dict(source.tags)
        snapshot = Snapshot(
            call.account, call.region, call.partition, shown, copy.deepcopy(source.origin), source.port,
            self.world.agenda.now(), durations.COPY + durations.COPY_GIB * shown["AllocatedStorage"], tags, copied=True,
        )  # fmt: skip
        self._keep(snapshot)
        return {"DBSnapshot": snapshot.describe(self.world.agenda.now())}

    def _encrypt(self, call: Call, source: Snapshot, shown: dict[str, Any], *, away: bool) -> None:
        """Encrypt a copy by the key that is asked for, else by the source's; raises KMSKeyNotAccessibleFault."""
        key = call.parameters.get("KmsKeyId")
        if not key and not source.shown["Encrypted"]:
            return
        if not key and away:
            raise combination("A copy of an encrypted snapshot of another account or Region needs a KmsKeyId.")
        if key and source.shown["Engine"] in engines.UNENCRYPTED_ENGINES:
            raise combination(f"Encryption at rest is not supported for {source.shown['Engine']}.")
        arn = places.key(self.world, call, key or source.shown["KmsKeyId"])
        shown |= {"Encrypted": True, "StorageEncryptionType": "sse-kms", "KmsKeyId": arn}

    def _free(self, call: Call, name: str, parameter: str) -> str:
        name = snapshot_name(name, parameter)
        if self._records.snapshot(call.account, call.region, name) is not None:
            raise ServiceError(
                "DBSnapshotAlreadyExists", f"Cannot create the snapshot because a snapshot with the identifier {name} "
                "already exists.",
            )  # fmt: skip
        spare_snapshot(self._records, call)
        return name

    def _keep(self, snapshot: Snapshot) -> None:
        """Keep a snapshot that is under way; a copy fails where its key cannot be used any more at its end."""
        self._records.add_snapshot(snapshot)

        def done() -> None:
            if snapshot.status != CREATING:
                return
            key = snapshot.shown.get("KmsKeyId")
            if snapshot.copied and key and not places.usable(snapshot.account, snapshot.region, key):
                snapshot.status = FAILED
                return
            snapshot.status = AVAILABLE
            self._events.tell("RDS-EVENT-0042", snapshot)

        self.world.agenda.soon(done, f"rds: snapshot {snapshot.identifier}", seconds=snapshot.seconds)

    def describe_db_snapshots(self, call: Call) -> dict[str, Any]:
        """List snapshots, in pages; one that is named must exist."""
        given = call.parameters
        wanted = filters(call, FILTERS)
        name = given.get("DBSnapshotIdentifier")
        if name:
            held = [self._records.need_snapshot(call, name)]
        else:
            held = self._records.snapshots(call.account, call.region) + self._of_others(call)
        kind = given.get("SnapshotType")
        if kind in ("manual", "automated", "awsbackup"):
            wanted["snapshot-type"] = (kind,)
        for parameter, filtered in (("DBInstanceIdentifier", "db-instance-id"), ("DbiResourceId", "dbi-resource-id")):
            if given.get(parameter):
                wanted[filtered] = (*wanted.get(filtered, ()), given[parameter])
        now = self.world.agenda.now()
        found = [one.describe(now) for one in held if _passes(one, wanted)]
        return paged(call, "DBSnapshots", found, "DBSnapshotArn")

    def _of_others(self, call: Call) -> list[Snapshot]:
        """Snapshots that other accounts share with the caller or with all, where these are asked for."""
        given = call.parameters
        whom = set()
        if given.get("IncludeShared") or given.get("SnapshotType") == "shared":
            whom.add(call.account)
        if given.get("IncludePublic") or given.get("SnapshotType") == "public":
            whom.add("all")
        return [
            one
            for one in self._records.every_snapshot()
            if one.account != call.account and one.region == call.region and whom & set(one.shared)
        ]

    def describe_db_snapshot_attributes(self, call: Call) -> dict[str, Any]:
        """Show whom a snapshot is shared with."""
        return self._attributes(self._own(call))

    def modify_db_snapshot_attribute(self, call: Call) -> dict[str, Any]:
        """Share a snapshot, or share it no more; an encrypted one is never shared with all."""
        given = call.parameters
        snapshot = self._own(call)
        if given["AttributeName"] != RESTORERS:
            raise invalid(f"Unknown attribute {given['AttributeName']}")
        added, removed = given.get("ValuesToAdd") or (), set(given.get("ValuesToRemove") or ())
        if "all" in added and snapshot.shown["Encrypted"]:
            raise combination("An encrypted snapshot can't be made public.")
        snapshot.shared = [one for one in dict.fromkeys((*snapshot.shared, *added)) if one not in removed]
        return self._attributes(snapshot)

    def delete_db_snapshot(self, call: Call) -> dict[str, Any]:
        """Delete a snapshot."""
        snapshot = self._own(call)
        if snapshot.status == CREATING:
            raise ServiceError("InvalidDBSnapshotState", f"The snapshot {snapshot.identifier} is not available.")
        self._records.remove_snapshot(snapshot)
        snapshot.status = "deleted"
        return {"DBSnapshot": snapshot.describe(self.world.agenda.now())}

    def _own(self, call: Call) -> Snapshot:
        return self._records.need_snapshot(call, call.parameters["DBSnapshotIdentifier"])

    def _attributes(self, snapshot: Snapshot) -> dict[str, Any]:
        restore = {"AttributeName": RESTORERS, "AttributeValues": list(snapshot.shared)}
        found = {"DBSnapshotIdentifier": snapshot.identifier, "DBSnapshotAttributes": [restore]}
        return {"DBSnapshotAttributesResult": found}


def _passes(snapshot: Snapshot, wanted: Mapping[str, tuple[str, ...]]) -> bool:
    shown = snapshot.shown
    values = {
        "db-instance-id": shown["DBInstanceIdentifier"],
        "db-snapshot-id": snapshot.identifier,
        "dbi-resource-id": shown["DbiResourceId"],
        "engine": shown["Engine"],
        "snapshot-type": shown["SnapshotType"],
    }
    return all(
        values[name] in {bare(one, "db") if name == "db-instance-id" else one for one in asked}
        for name, asked in wanted.items()
    )
