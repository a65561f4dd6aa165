"""From the parameters of a request to what DescribeDBInstances shows, where names and shapes differ, and what fits.

Source: RDS API reference, CreateDBInstance, RestoreDBInstanceFromDBSnapshot and the data type DBInstance.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from moto.rds.utils import valid_preferred_maintenance_window

from simulator.call import Call, ServiceError
from simulator.services import rds_engines as engines
from simulator.services import rds_places as places
from simulator.services.rds_identifiers import chosen, combination, invalid

if TYPE_CHECKING:
    from simulator.world import World

# Parameters that are shown as they are.
SAME = (
    "AdditionalStorageVolumes", "AllocatedStorage", "AutoMinorVersionUpgrade", "BackupRetentionPeriod", "BackupTarget",
    "CACertificateIdentifier", "CharacterSetName", "CopyTagsToSnapshot", "CustomIamInstanceProfile",
    "DBCapacityReservationIdentifier", "DBClusterIdentifier", "DBInstanceClass", "DBName", "DBSystemId",
    "DatabaseInsightsMode", "DedicatedLogVolume", "DeletionProtection", "Engine", "EngineLifecycleSupport",
    "EngineVersion", "Iops", "LicenseModel", "MasterUsername", "MaxAllocatedStorage", "MonitoringInterval",
    "MonitoringRoleArn", "MultiAZ", "MultiTenant", "NcharCharacterSetName", "NetworkType",
    "PerformanceInsightsKMSKeyId", "PerformanceInsightsRetentionPeriod", "PreferredBackupWindow",
    "PreferredMaintenanceWindow", "ProcessorFeatures", "PromotionTier", "PubliclyAccessible", "ReplicaMode",
    "StorageThroughput", "StorageType", "TdeCredentialArn", "Timezone",
)  # fmt: skip
RENAMED = {
    "EnableCloudwatchLogsExports": "EnabledCloudwatchLogsExports",
    "EnableCustomerOwnedIp": "CustomerOwnedIpEnabled",
    "EnableIAMDatabaseAuthentication": "IAMDatabaseAuthenticationEnabled",
    "EnablePerformanceInsights": "PerformanceInsightsEnabled",
}
DOMAIN = {
    "Domain": "Domain", "DomainFqdn": "FQDN", "DomainOu": "OU", "DomainAuthSecretArn": "AuthSecretArn",
    "DomainDnsIps": "DnsIps", "DomainIAMRoleName": "IAMRoleName",
}  # fmt: skip
INTERVALS = (0, 1, 5, 10, 15, 30, 60)
RETENTIONS = (7, 731, *(31 * months for months in range(1, 24)))
INSIGHTS = ("standard", "advanced")
ADVANCED_DAYS = 465
NETWORKS = ("IPV4", "DUAL")
PORTS = range(1150, 65536)
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
BACKUP = re.compile(r"([01]\d|2[0-3]):[0-5]\d-([01]\d|2[0-3]):[0-5]\d")
BLOCK_START, BLOCK = 22 * 60, 8 * 60  # minutes: the eight hours of a Region's night that windows are chosen from
WINDOW = 30
CERTIFICATE_END = datetime(2061, 5, 21, 23, 59, 59, tzinfo=UTC)


def plain(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters that need no look at anything else, by the names that describe them."""
    found = {name: parameters[name] for name in SAME if parameters.get(name) is not None}
    found |= {shown: parameters[name] for name, shown in RENAMED.items() if parameters.get(name) is not None}
    if "PreferredMaintenanceWindow" in found:
        found["PreferredMaintenanceWindow"] = found["PreferredMaintenanceWindow"].lower()
    return found


def domain(parameters: Mapping[str, Any]) -> list[dict[str, Any]] | None:
    """The directory that an instance joins; None where none is named."""
    given = {shown: parameters[name] for name, shown in DOMAIN.items() if parameters.get(name)}
    return [{**given, "Status": "joined"}] if given else None


def windows(seed: str) -> dict[str, str]:
    """The windows of an instance whose owner named none: half an hour each in the night, the backup's first."""
    slots = BLOCK // WINDOW
    backup = chosen(f"{seed} backup", slots - 2)
    maintenance = backup + 2 + chosen(f"{seed} maintenance", slots - 2 - backup)
    day = DAYS[chosen(f"{seed} day", len(DAYS))]
    start, end = _clock(maintenance), _clock(maintenance + 1)
    turned = DAYS[(DAYS.index(day) + 1) % 7] if end < start else day
    return {
        "PreferredBackupWindow": f"{_clock(backup)}-{_clock(backup + 1)}",
        "PreferredMaintenanceWindow": f"{day}:{start}-{turned}:{end}",
    }


def _clock(slot: int) -> str:
    minutes = (BLOCK_START + slot * WINDOW) % (24 * 60)
    return f"{minutes // 60:02}:{minutes % 60:02}"


def storage(shown: dict[str, Any], asked: Collection[str]) -> None:
    """Complete type, IOPS and throughput: io1 where IOPS are named, else gp3 with its baseline.

    `asked` are the settings that the request names. gp3 takes none of IOPS and throughput below the size from which
    RDS stripes it, not even its baseline's.
    """
    size, iops = shown["AllocatedStorage"], shown.get("Iops") or None
    kind = shown.setdefault("StorageType", "io1" if iops else "gp3")
    if kind not in engines.STORAGE_TYPES:
        raise invalid(f"Invalid storage type: {kind}")
    if kind == "gp3":
        _gp3(shown, asked)
        return
    if shown.get("StorageThroughput"):
        raise combination(f"You can't specify StorageThroughput for {kind} storage.")
    if kind not in engines.PROVISIONED:
        shown["Iops"] = None
    elif iops is None:
        raise combination(f"You must specify Iops for {kind} storage.")
    elif kind == "io1" and not size <= 2 * iops <= 100 * size:
        raise combination(f"The IOPS to GiB ratio must be between 0.5 and 50, not {iops / size}.")


def _gp3(shown: dict[str, Any], asked: Collection[str]) -> None:
    engine, size = shown["Engine"], shown["AllocatedStorage"]
    striped, baseline = engines.striped_from(engine), engines.baseline(engine, size)
    for name, least in zip(("Iops", "StorageThroughput"), baseline, strict=True):
        value = shown.get(name)
        if name in asked and value and size < striped:
            raise combination(
                f"You can't specify IOPS or storage throughput for engine {engine} and a storage size less than "
                f"{striped}."
            )
        if name in asked and value and value < least:
            raise combination(f"{name} of gp3 storage of {size} GiB must be at least {least}.")
        shown[name] = max(value or 0, least) if size >= striped else least


def insights(call: Call, world: World, shown: dict[str, Any]) -> None:
    """Complete Performance Insights and Database Insights; raises for what does not go together."""
    mode = shown.setdefault("DatabaseInsightsMode", "standard")
    enabled = shown.setdefault("PerformanceInsightsEnabled", False)
    if mode not in INSIGHTS:
        raise invalid(f"Invalid value {mode} for DatabaseInsightsMode.")
    if not enabled:
        if mode == "advanced":
            raise combination("To enable the Advanced mode of Database Insights, enable Performance Insights.")
        for name in ("PerformanceInsightsKMSKeyId", "PerformanceInsightsRetentionPeriod"):
            if shown.get(name):
                raise combination(f"{name} needs Performance Insights to be enabled.")
        return
    days = shown.setdefault("PerformanceInsightsRetentionPeriod", ADVANCED_DAYS if mode == "advanced" else 7)
    if days not in RETENTIONS:
        raise invalid(f"Invalid Performance Insights retention period {days}.")
    if mode == "advanced" and days < ADVANCED_DAYS:
        raise combination(f"The Advanced mode of Database Insights needs a retention of {ADVANCED_DAYS} days.")
    shown["PerformanceInsightsKMSKeyId"] = places.key(world, call, shown.get("PerformanceInsightsKMSKeyId"))


def check(call: Call, shown: Mapping[str, Any], *, role_changed: bool = True) -> None:
    """Refuse what does not fit; `shown` is complete. Raises ServiceError."""
    engine, instance_class = shown["Engine"], shown["DBInstanceClass"]
    known = engines.ENGINES[engine]
    if instance_class not in engines.CLASSES and not engines.custom(engine):
        raise invalid(f"Invalid DB Instance class: {instance_class}")
    if shown.get("StorageEncrypted") and not engines.supports_encryption(engine, instance_class):
        raise combination(f"DB Instance class {instance_class} does not support encryption at rest")
    if shown.get("IAMDatabaseAuthenticationEnabled") and not known.iam:
        raise combination(f"IAM Database Authentication is not supported for {engine}.")
    interval, role = shown.get("MonitoringInterval", 0), shown.get("MonitoringRoleArn")
    if interval not in INTERVALS:
        raise invalid(f"Invalid monitoring interval {interval}.")
    if bool(interval) != bool(role):
        raise combination(
            "A MonitoringRoleARN value is required if you specify a MonitoringInterval value other than 0."
            if interval
            else "You must specify a MonitoringInterval value other than 0 when you specify a MonitoringRoleARN value."
        )
    if role and role_changed:
        places.role(call, role)
    unknown = sorted(set(shown.get("EnabledCloudwatchLogsExports") or ()) - set(known.logs))
    if unknown:
        raise combination(f"You cannot use the log types '{', '.join(unknown)}' with engine version {engine}.")
    _check_lists(shown)
    _check_windows(shown)
    largest = shown.get("MaxAllocatedStorage")
    if largest is not None and largest <= shown["AllocatedStorage"]:
        raise combination("Max storage size must be greater than storage size")


def _check_lists(shown: Mapping[str, Any]) -> None:
    if shown["CACertificateIdentifier"] not in engines.CERTIFICATES:
        raise ServiceError("CertificateNotFound", f"Certificate not found: {shown['CACertificateIdentifier']}", 404)
    for name, known in (
        ("NetworkType", NETWORKS), ("EngineLifecycleSupport", engines.EXTENSIONS),
        ("BackupRetentionPeriod", range(36)), ("PromotionTier", range(16)),
        ("LicenseModel", engines.ENGINES[shown["Engine"]].licenses or (engines.ENGINES[shown["Engine"]].license,)),
    ):  # fmt: skip
        if shown.get(name) is not None and shown[name] not in known:
            raise invalid(f"Invalid value {shown[name]} for {name}.")


def _check_windows(shown: Mapping[str, Any]) -> None:
    backup, maintenance = shown["PreferredBackupWindow"], shown["PreferredMaintenanceWindow"]
    if not BACKUP.fullmatch(backup):
        raise invalid(f"Invalid backup window format: {backup}. Should be specified as a range hh24:mi-hh24:mi.")
    wrong = valid_preferred_maintenance_window(maintenance, backup)
    if wrong:
        raise invalid(wrong)


def check_port(port: int) -> int:
    """Refuse a port that RDS does not take; raises InvalidParameterValue."""
    if port not in PORTS:
        raise invalid(f"Invalid DB Instance port {port}. Must be between 1150 and 65535.")
    return port


def certificate(shown: dict[str, Any], name: str) -> None:
    """Set the authority that signs an instance's certificate."""
    shown["CACertificateIdentifier"] = name
    shown["CertificateDetails"] = {"CAIdentifier": name, "ValidTill": CERTIFICATE_END}
