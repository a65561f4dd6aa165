"""What a restored DB instance takes over from its original: one table of names.

A restore silently sets what it is not told: Single-AZ, default groups, no protection, random windows. The names of
what DescribeDBInstances shows differ from those that the restore and the modification take.
Source: RDS API reference, RestoreDBInstanceFromDBSnapshot, ModifyDBInstance, DBInstance; RDS User Guide, "Amazon RDS DB
instance storage" (gp3 below a size takes neither IOPS nor throughput).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jmespath

_OWN_DOMAIN, _AWS_DOMAIN = "DomainMemberships[?AuthSecretArn] | [0]", "DomainMemberships[?!AuthSecretArn] | [0]"
# Parameter of RestoreDBInstanceFromDBSnapshot -> where the original shows its value.
RESTORED: Mapping[str, str] = {
    "AdditionalStorageVolumes": "AdditionalStorageVolumes[].{VolumeName: VolumeName, AllocatedStorage: "
    "AllocatedStorage, IOPS: IOPS, MaxAllocatedStorage: MaxAllocatedStorage, StorageThroughput: StorageThroughput, "
    "StorageType: StorageType}",
    "AllocatedStorage": "AllocatedStorage",
    "AutoMinorVersionUpgrade": "AutoMinorVersionUpgrade",
    "AvailabilityZone": "AvailabilityZone",
    "BackupRetentionPeriod": "BackupRetentionPeriod",
    "BackupTarget": "BackupTarget",
    "CACertificateIdentifier": "CACertificateIdentifier",
    "CopyTagsToSnapshot": "CopyTagsToSnapshot",
    "DBCapacityReservationIdentifier": "DBCapacityReservationIdentifier",
    "DBInstanceClass": "DBInstanceClass",
    "DBName": "DBName",
    "DBParameterGroupName": "DBParameterGroups[0].DBParameterGroupName",
    "DBSubnetGroupName": "DBSubnetGroup.DBSubnetGroupName",
    "DedicatedLogVolume": "DedicatedLogVolume",
    "DeletionProtection": "DeletionProtection",
    "Domain": f"{_AWS_DOMAIN}.Domain",
    "DomainAuthSecretArn": f"{_OWN_DOMAIN}.AuthSecretArn",
    "DomainDnsIps": f"{_OWN_DOMAIN}.DnsIps",
    "DomainFqdn": f"{_OWN_DOMAIN}.FQDN",
    "DomainIAMRoleName": f"{_AWS_DOMAIN}.IAMRoleName",
    "DomainOu": f"{_OWN_DOMAIN}.OU",
    "EnableCloudwatchLogsExports": "EnabledCloudwatchLogsExports",
    "EnableCustomerOwnedIp": "CustomerOwnedIpEnabled",
    "EnableIAMDatabaseAuthentication": "IAMDatabaseAuthenticationEnabled",
    "Engine": "Engine",
    "EngineLifecycleSupport": "EngineLifecycleSupport",
    "Iops": "Iops",
    "LicenseModel": "LicenseModel",
    "MultiAZ": "MultiAZ",
    "NetworkType": "NetworkType",
    "OptionGroupName": "OptionGroupMemberships[0].OptionGroupName",
    "Port": "Endpoint.Port",
    "ProcessorFeatures": "ProcessorFeatures",
    "PubliclyAccessible": "PubliclyAccessible",
    "StorageThroughput": "StorageThroughput",
    "StorageType": "StorageType",
}
# Parameter of ModifyDBInstance -> where the original shows its value: what the restore cannot set.
MODIFIED: Mapping[str, str] = {
    "DatabaseInsightsMode": "DatabaseInsightsMode",
    "EnablePerformanceInsights": "PerformanceInsightsEnabled",
    "MaxAllocatedStorage": "MaxAllocatedStorage",
    "MonitoringInterval": "MonitoringInterval",
    "MonitoringRoleArn": "MonitoringRoleArn",
    "PerformanceInsightsKMSKeyId": "PerformanceInsightsKMSKeyId",
    "PerformanceInsightsRetentionPeriod": "PerformanceInsightsRetentionPeriod",
    # Both together, for they must not overlap: at the restore RDS would choose the other one at random.
    "PreferredBackupWindow": "PreferredBackupWindow",
    "PreferredMaintenanceWindow": "PreferredMaintenanceWindow",
    "PromotionTier": "PromotionTier",
}
# RDS for Oracle takes them at the restore, every other engine at the modification.
SECRET: Mapping[str, str] = {
    "ManageMasterUserPassword": "MasterUserSecret && `true`",
    "MasterUserSecretKmsKeyId": "MasterUserSecret.KmsKeyId",
}
# How lists are compared.
COMPARED: Mapping[str, str] = {
    "AdditionalStorageVolumes": "sort((AdditionalStorageVolumes || `[]`)[].VolumeName)",
    "DomainDnsIps": f"sort(({_OWN_DOMAIN}.DnsIps) || `[]`)",
    "EnableCloudwatchLogsExports": "sort(EnabledCloudwatchLogsExports || `[]`)",
    "ProcessorFeatures": "sort((ProcessorFeatures || `[]`)[].join('=', [Name, Value]))",
}
# What a restore does not set unless it is told to; engines that do not have it refuse even `false`.
ONLY_IF_SET = frozenset(
    {
        "CopyTagsToSnapshot",
        "DedicatedLogVolume",
        "DeletionProtection",
        "EnableCustomerOwnedIp",
        "EnableIAMDatabaseAuthentication",
        "EnablePerformanceInsights",
        "MonitoringInterval",
    }
)
# Below these sizes, in GiB, gp3 has a baseline that cannot be set; SQL Server has no such size.
GP3_SIZES = {"oracle": 200, "sqlserver": 0}
GP3_SIZE = 400


def restore(original: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters of the restore that take over what it can; no names, tags and groups of security."""
    engine = str(original["Engine"])
    found = _values({**RESTORED, **(SECRET if engine.startswith("oracle") else {})}, original)
    left_out = set()
    if original.get("MultiAZ"):
        left_out.add("AvailabilityZone")
    if not engine.startswith(("oracle", "sqlserver")):
        left_out.add("DBName")
    if engine.startswith("sqlserver"):
        left_out.add("AllocatedStorage")
    if found.get("StorageType") == "gp3" and original["AllocatedStorage"] < _threshold(engine):
        left_out |= {"Iops", "StorageThroughput"}
    return {name: value for name, value in found.items() if name not in left_out}


def modify(original: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters of the modification that takes over the rest."""
    engine = str(original["Engine"])
    found = _values({**MODIFIED, **({} if engine.startswith("oracle") else SECRET)}, original)
    if "EnablePerformanceInsights" not in found:
        found = {name: value for name, value in found.items() if not name.startswith("PerformanceInsights")}
    if "MonitoringInterval" not in found:
        found.pop("MonitoringRoleArn", None)
    return found


def taken_over(original: Mapping[str, Any]) -> tuple[str, Any]:
    """A JMESPath over the description of a restored instance, and its value once all has taken: the original's.

    Lists have no order; the secret's own key is shown under the same name everywhere.
    """
    paths = {**RESTORED, **MODIFIED, **SECRET, **COMPARED}
    given = restore(original) | modify(original)
    path = ", ".join(f"({paths[name]})" for name in sorted(given))
    return f"[{path}]", jmespath.search(f"[{path}]", original)


def _threshold(engine: str) -> int:
    return next((size for name, size in GP3_SIZES.items() if engine.startswith(name)), GP3_SIZE)


def _values(table: Mapping[str, str], original: Mapping[str, Any]) -> dict[str, Any]:
    """What the original shows, by the names of parameters; what it does not have is not set."""
    found = {name: jmespath.search(path, original) for name, path in sorted(table.items())}
    return {
        name: _without_none(value)
        for name, value in found.items()
        if value is not None and value != [] and (value or name not in ONLY_IF_SET)
    }


def _without_none(value: Any) -> Any:
    if isinstance(value, list):
        return [_without_none(one) for one in value]
    return {key: one for key, one in value.items() if one is not None} if isinstance(value, Mapping) else value
