"""Quotas of RDS in an account and Region, and how much of them is used.

Source: RDS User Guide, "Quotas and constraints for Amazon RDS"; API reference, DescribeAccountAttributes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from moto.backends import get_backend

from simulator.call import Call, ServiceError

if TYPE_CHECKING:
    from simulator.services.rds_records import Records

INSTANCES, SNAPSHOTS, STORAGE_GIB, COPIES, ROLES = 40, 100, 100_000, 20, 5
# Quotas that nothing here counts, as AWS names them.
OTHERS = {
    "ReservedDBInstances": 40, "DBSecurityGroups": 25, "AuthorizationsPerDBSecurityGroup": 20, "DBParameterGroups": 50,
    "EventSubscriptions": 20, "DBSubnetGroups": 50, "OptionGroups": 20, "SubnetsPerDBSubnetGroup": 20,
    "ReadReplicasPerMaster": 15, "DBClusters": 40, "DBClusterParameterGroups": 50, "DBClusterRoles": 5,
    "CustomEndpointsPerDBCluster": 5, "ManualClusterSnapshots": 100,
}  # fmt: skip


class Quotas:
    """The quotas, as accounts read them."""

    def __init__(self, records: Records) -> None:
        self._records = records

    def describe_account_attributes(self, call: Call) -> dict[str, Any]:
        """Show quotas and what is used of them."""
        place = (call.account, call.region)
        held = self._records.instances(*place)
        groups = get_backend("rds")[call.account][call.region]
        used = {
            "DBInstances": len(held),
            "AllocatedStorage": _storage(self._records, call),
            "ManualSnapshots": len(self._records.snapshots(*place)),
            "DBInstanceRoles": max((len(one.shown["AssociatedRoles"]) for one in held), default=0),
            "DBSubnetGroups": len(groups.subnet_groups),
            "DBParameterGroups": len(groups.db_parameter_groups),
            "OptionGroups": len(groups.option_groups),
            "DBClusters": len(groups.clusters),
        }
        largest = {
            "DBInstances": INSTANCES, "AllocatedStorage": STORAGE_GIB, "ManualSnapshots": SNAPSHOTS,
            "DBInstanceRoles": ROLES, **OTHERS,
        }  # fmt: skip
        return {
            "AccountQuotas": [
                {"AccountQuotaName": name, "Used": used.get(name, 0), "Max": maximum}
                for name, maximum in largest.items()
            ]
        }


def _storage(records: Records, call: Call) -> int:
    held = records.instances(call.account, call.region)
    return sum(one.shown["AllocatedStorage"] for one in held if "DBClusterIdentifier" not in one.shown)


def spare_instance(records: Records, call: Call) -> None:
    """Refuse one more instance than the quota has; raises InstanceQuotaExceeded."""
    if len(records.instances(call.account, call.region)) >= INSTANCES:
        raise ServiceError("InstanceQuotaExceeded", "DB Instance quota exceeded")


def spare_storage(records: Records, call: Call, gibibytes: int) -> None:
    """Refuse more storage than the quota has; raises StorageQuotaExceeded."""
    if _storage(records, call) + gibibytes > STORAGE_GIB:
        raise ServiceError("StorageQuotaExceeded", "Storage quota exceeded")


def spare_snapshot(records: Records, call: Call) -> None:
    """Refuse one more manual snapshot than the quota has; raises SnapshotQuotaExceeded."""
    if len(records.snapshots(call.account, call.region)) >= SNAPSHOTS:
        raise ServiceError("SnapshotQuotaExceeded", "Cannot create more than 100 manual snapshots")


def spare_copy(records: Records, call: Call) -> None:
    """Refuse one more copy under way than the quota has; raises SnapshotQuotaExceeded."""
    copies = [one for one in records.snapshots(call.account, call.region) if one.copying]
    if len(copies) >= COPIES:
        raise ServiceError("SnapshotQuotaExceeded", f"Cannot create more than {COPIES} snapshot copies at a time")
