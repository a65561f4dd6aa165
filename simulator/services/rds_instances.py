"""DB instances: made, listed, deleted; read replicas of them.

Source: RDS API reference, CreateDBInstance, DescribeDBInstances, DeleteDBInstance, CreateDBInstanceReadReplica and
PromoteReadReplica; RDS User Guide, "Encrypting Amazon RDS resources".
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from simulator.call import Call, ServiceError
from simulator.services import rds_durations as durations
from simulator.services import rds_engines as engines
from simulator.services import rds_places as places
from simulator.services import rds_settings as settings
from simulator.services.rds_identifiers import (
    bare,
    combination,
    filters,
    instance_name,
    invalid,
    paged,
    resource_id,
)
from simulator.services.rds_progress import Progress, Step
from simulator.services.rds_quotas import spare_instance, spare_storage
from simulator.services.rds_records import DELETING, Instance, Records, must_be_ready, tag_map
from simulator.services.rds_secrets import drop_secret, make_secret
from simulator.world import dns_suffix_of

if TYPE_CHECKING:
    from simulator.services.rds_events import Events
    from simulator.services.rds_snapshots import Snapshots
    from simulator.world import World

FILTERS = ("db-cluster-id", "db-instance-id", "dbi-resource-id", "domain", "engine")
# Aurora clusters made from then on are encrypted with a key that AWS owns, where no other is named.
ENCRYPTED_SINCE = datetime(2026, 2, 18, tzinfo=UTC)
FLAGS = (
    "MultiAZ", "CopyTagsToSnapshot", "DeletionProtection", "IAMDatabaseAuthenticationEnabled", "DedicatedLogVolume",
)  # fmt: skip


class Instances:
    """The operations that make, list and delete instances."""

    def __init__(
        self, world: World, records: Records, progress: Progress, events: Events, snapshots: Snapshots
    ) -> None:
        self.world = world
        self._records = records
        self._progress = progress
        self._events = events
        self._snapshots = snapshots

    def create_db_instance(self, call: Call) -> dict[str, Any]:
        """Make an instance."""
        given = call.parameters
        name, engine = self.free_name(call), given["Engine"]
        if engine not in engines.ENGINES:
            raise invalid(f"Invalid DB engine: {engine}")
        if engine.startswith("aurora") and not given.get("DBClusterIdentifier"):
            raise combination(f"The engine {engine} needs a DB cluster.")
        shown = settings.plain(given) | {"DBInstanceIdentifier": name}
        shown.setdefault("EngineVersion", engines.ENGINES[engine].version)
        if given.get("DBClusterIdentifier"):
            _of_cluster(call, shown, self.world.agenda.now())
        elif not given.get("MasterUsername"):
            raise combination("The parameter MasterUsername must be provided and must not be blank.")
        elif not given.get("MasterUserPassword") and not given.get("ManageMasterUserPassword"):
            raise combination("The parameter MasterUserPassword must be provided and must not be blank.")
        elif not given.get("AllocatedStorage"):
            raise combination("The parameter AllocatedStorage must be provided.")
        else:
            self._encrypt(call, shown)
        port = given.get("Port") or engines.ENGINES[engine].port
        instance = self.make(call, shown, port, tag_map(given.get("Tags")))
        self.start(instance, durations.CREATING, "RDS-EVENT-0005")
        return {"DBInstance": instance.describe()}

    def _encrypt(self, call: Call, shown: dict[str, Any]) -> None:
        given = call.parameters
        if given.get("KmsKeyId") and not given.get("StorageEncrypted"):
            raise combination("You can't specify KmsKeyId if StorageEncrypted is false.")
        shown |= {"StorageEncrypted": False, "StorageEncryptionType": "none"}
        if given.get("StorageEncrypted"):
            key = places.key(self.world, call, given.get("KmsKeyId"))
            shown |= {"StorageEncrypted": True, "StorageEncryptionType": "sse-kms", "KmsKeyId": key}

    def free_name(self, call: Call) -> str:
        """The name of a new instance; raises where it is not valid or taken, or where no instance is left."""
        name = instance_name(call.parameters["DBInstanceIdentifier"])
        if self._records.taken(call.account, call.region, name):
            raise ServiceError("DBInstanceAlreadyExists", "DB instance already exists")
        spare_instance(self._records, call)
        return name

    def make(self, call: Call, shown: dict[str, Any], port: int, tags: dict[str, str]) -> Instance:
        """Complete an instance by what AWS does silently, check it, and keep it; raises ServiceError.

        `shown` has at least name, engine, version, class, storage and encryption.
        """
        given = call.parameters
        identity = resource_id(f"{call.account} {call.region} {shown['DBInstanceIdentifier']} {call.request_id}")
        group = places.subnet_group(self.world, call, given.get("DBSubnetGroupName"))
        engine, version = shown["Engine"], shown["EngineVersion"]
        ours = group["DBSubnetGroupName"] == places.DEFAULT
        shown.setdefault("PubliclyAccessible", ours and not engine.startswith("aurora"))
        zone, multi = given.get("AvailabilityZone"), bool(shown.get("MultiAZ"))
        shown |= places.placed(group, identity, zone, multi=multi)
        shown |= {name: value for name, value in settings.windows(identity).items() if name not in shown}
        for name in FLAGS:
            shown.setdefault(name, False)
        shown = {
            "AutoMinorVersionUpgrade": not engines.custom(engine),
            "BackupRetentionPeriod": 1,
            "BackupTarget": "region",
            "CustomerOwnedIpEnabled": False,
            "LicenseModel": engines.ENGINES[engine].license,
            "MonitoringInterval": 0,
            "NetworkType": "IPV4",
            **shown,
        }
        if engines.ENGINES[engine].extended:
            shown.setdefault("EngineLifecycleSupport", engines.EXTENDED)
        if not engine.startswith("aurora"):
            spare_storage(self._records, call, shown["AllocatedStorage"])
            settings.storage(shown, settings.plain(given))
        settings.certificate(shown, shown.get("CACertificateIdentifier") or engines.CERTIFICATES[0])
        vpc = group["VpcId"]
        settings.check(call, shown)
        settings.check_port(port)
        if shown["PubliclyAccessible"]:
            places.check_public(call, vpc)
        shown |= {
            "ActivityStreamStatus": "stopped",
            "AssociatedRoles": [],
            "DBInstanceAutomatedBackupsReplications": [],
            "DBParameterGroups": places.parameter_group(call, engine, version, given.get("DBParameterGroupName")),
            "DBSecurityGroups": [],
            "DBSubnetGroup": group,
            "DbInstancePort": 0,
            "DbiResourceId": identity,
            "DomainMemberships": settings.domain(given) or [],
            "OptionGroupMemberships": places.option_group(call, engine, version, given.get("OptionGroupName")),
            "ReadReplicaDBInstanceIdentifiers": [],
            "VpcSecurityGroups": places.security_groups(call, vpc, given.get("VpcSecurityGroupIds")),
        }
        if shown["MonitoringInterval"]:
            shown["EnhancedMonitoringResourceArn"] = places.log_stream(call, identity)
        settings.insights(call, self.world, shown)
        if given.get("ManageMasterUserPassword"):
            shown["MasterUserSecret"] = make_secret(self.world, call, shown["MasterUsername"])
        instance = Instance(call.account, call.region, call.partition, shown, port, tags)
        self._records.add(instance)
        return instance

    def start(self, instance: Instance, seconds: float, event: str) -> None:
        """Let a new instance become available: it gets its endpoint, is backed up, and monitored if that is wanted."""

        def born() -> None:
            suffix = dns_suffix_of(instance.region)
            zone = resource_id(f"{instance.account} {instance.region}")[3:17]
            address = f"{resource_id(instance.account)[3:15].lower()}.{instance.region}.rds.{suffix}"
            instance.shown["Endpoint"] = {"Address": address, "HostedZoneId": f"Z{zone}"}
            instance.shown["InstanceCreateTime"] = self.world.agenda.now()
            self._events.tell(event, instance)

        steps = [Step("creating", seconds, born)]
        if instance.shown["BackupRetentionPeriod"]:
            steps.append(Step("backing-up", durations.BACKING_UP))
        if instance.shown["MonitoringInterval"]:
            steps.append(Step("configuring-enhanced-monitoring", durations.CONFIGURING))
        self._progress.run(instance, steps)

    def describe_db_instances(self, call: Call) -> dict[str, Any]:
        """List instances, in pages; one that is named must exist."""
        name = call.parameters.get("DBInstanceIdentifier")
        wanted = filters(call, FILTERS)
        held = [self._records.need(call, name)] if name else self._records.instances(call.account, call.region)
        found = [one.describe() for one in held if _passes(one, wanted)]
        return paged(call, "DBInstances", found, "DBInstanceIdentifier")

    def delete_db_instance(self, call: Call) -> dict[str, Any]:
        """Delete an instance, after a last snapshot unless that is skipped; replicas become instances of their own."""
        given = call.parameters
        instance = self._records.need(call)
        if instance.shown["DeletionProtection"]:
            raise combination("Cannot delete protected DB Instance, please disable deletion protection and try again.")
        if instance.status == DELETING:
            raise ServiceError("InvalidDBInstanceState", f"Instance {instance.identifier} is already being deleted.")
        skipped, final = given.get("SkipFinalSnapshot"), given.get("FinalDBSnapshotIdentifier")
        if bool(skipped) == bool(final):
            raise combination(
                "FinalDBSnapshotIdentifier can not be specified when deleting with SkipFinalSnapshot."
                if final
                else "FinalDBSnapshotIdentifier is required unless SkipFinalSnapshot is specified."
            )
        seconds = durations.DELETING
        if final:
            seconds += self._snapshots.take(call, instance, final, {}).seconds

        def gone() -> None:
            self._events.tell("RDS-EVENT-0003", instance)
            self._progress.connections.deleted(instance)
            drop_secret(instance)
            self._records.remove(instance)
            self._leave(instance)

        for due in (instance.noticed, instance.window):
            if due is not None:
                due.cancelled = True
        instance.noticed = instance.window = None
        self._progress.run(instance, [Step(DELETING, seconds, gone)], DELETING)
        return {"DBInstance": instance.describe()}

    def _leave(self, instance: Instance) -> None:
        """Take a deleted instance out of the relations of replicas and their sources."""
        for other in self._records.instances(*instance.place):
            replicas = other.shown["ReadReplicaDBInstanceIdentifiers"]
            if instance.identifier in replicas:
                replicas.remove(instance.identifier)
            if other.shown.get("ReadReplicaSourceDBInstanceIdentifier") == instance.identifier:
                _independent(other)

    def create_db_instance_read_replica(self, call: Call) -> dict[str, Any]:
        """Make a read replica in the same Region; it is encrypted as its source is."""
        given = call.parameters
        source = self._records.need(call, given.get("SourceDBInstanceIdentifier"))
        name = self.free_name(call)
        must_be_ready(source)
        if not source.shown["BackupRetentionPeriod"]:
            raise combination("Automated backups are not enabled for this database instance.")
        if source.shown.get("MasterUserSecret") and not source.shown["Engine"].startswith("sqlserver"):
            raise combination("Cannot create a read replica of an instance whose password RDS manages.")
        if given.get("KmsKeyId") and not source.shown["StorageEncrypted"]:
            raise combination("Cannot create an encrypted Read Replica from an unencrypted DB instance.")
        inherited = (
            "AllocatedStorage", "AutoMinorVersionUpgrade", "CharacterSetName", "DBInstanceClass", "DBName", "Engine",
            "EngineLifecycleSupport", "EngineVersion", "Iops", "KmsKeyId", "LicenseModel", "MasterUsername",
            "StorageEncrypted", "StorageEncryptionType", "StorageThroughput", "StorageType", "Timezone",
        )  # fmt: skip
        shown = {one: source.shown[one] for one in inherited if source.shown.get(one) is not None}
        shown |= {"BackupRetentionPeriod": 0} | settings.plain(given) | {"DBInstanceIdentifier": name}
        instance = self.make(call, shown, given.get("Port") or source.port, tag_map(given.get("Tags")))
        instance.shown["ReadReplicaSourceDBInstanceIdentifier"] = source.identifier
        source.shown["ReadReplicaDBInstanceIdentifiers"].append(name)
        self.start(instance, durations.CREATING, "RDS-EVENT-0005")
        return {"DBInstance": instance.describe()}

    def promote_read_replica(self, call: Call) -> dict[str, Any]:
        """Make a replica an instance of its own."""
        instance = self._records.need(call)
        if instance.shown.get("ReadReplicaSourceDBInstanceIdentifier") is None:
            raise ServiceError("InvalidDBInstanceState", f"{instance.identifier} is not a read replica.")
        must_be_ready(instance)
        days = call.parameters.get("BackupRetentionPeriod", 1)

        def promoted() -> None:
            instance.shown["BackupRetentionPeriod"] = days
            # The source may have another name by now, or be gone: then the replica is none any more.
            source = instance.shown.get("ReadReplicaSourceDBInstanceIdentifier")
            if source is not None:
                self._records.need(call, source).shown["ReadReplicaDBInstanceIdentifiers"].remove(instance.identifier)
                _independent(instance)

        self._progress.run(instance, [Step("modifying", durations.MODIFYING, promoted)])
        return {"DBInstance": instance.describe()}


def _independent(instance: Instance) -> None:
    del instance.shown["ReadReplicaSourceDBInstanceIdentifier"]


def _of_cluster(call: Call, shown: dict[str, Any], now: datetime) -> None:
    """An instance of a cluster takes storage, encryption and master user from it."""
    cluster = places.cluster(call, shown["DBClusterIdentifier"])
    shown |= {
        "DBClusterIdentifier": shown["DBClusterIdentifier"].lower(),
        "AllocatedStorage": 1 if shown["Engine"].startswith("aurora") else cluster.allocated_storage,
        "MasterUsername": cluster.master_username,
        "StorageEncrypted": bool(cluster.storage_encrypted),
        "StorageEncryptionType": "none",
        "PromotionTier": shown.get("PromotionTier", 1),
    }
    if shown["Engine"].startswith("aurora"):
        shown["StorageType"] = "aurora"
        if now >= ENCRYPTED_SINCE:
            shown["StorageEncryptionType"] = "sse-rds"
    if cluster.storage_encrypted:
        shown |= {"StorageEncryptionType": "sse-kms", "KmsKeyId": cluster.kms_key_id}


def _passes(instance: Instance, wanted: dict[str, tuple[str, ...]]) -> bool:
    shown = instance.shown
    values = {
        "db-cluster-id": (shown.get("DBClusterIdentifier"),),
        "db-instance-id": (instance.identifier,),
        "dbi-resource-id": (instance.id,),
        "domain": tuple(one.get("Domain") for one in shown["DomainMemberships"]),
        "engine": (shown["Engine"],),
    }
    kinds = {"db-cluster-id": "cluster", "db-instance-id": "db"}
    return all(
        {bare(one, kinds[name]) if name in kinds else one for one in asked} & set(values[name])
        for name, asked in wanted.items()
    )
