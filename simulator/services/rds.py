"""RDS: instances and snapshots that take time. Groups, clusters and subscriptions are moto's.

moto's instances are available at once, lose attributes and ignore what AWS sets silently; none of them is used here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from botocore import xform_name

from simulator.call import Call, not_simulated
from simulator.service import Operation, Service
from simulator.services.rds_connections import Connections
from simulator.services.rds_events import Events
from simulator.services.rds_instances import Instances
from simulator.services.rds_modify import Modifications
from simulator.services.rds_options import Options
from simulator.services.rds_power import Power
from simulator.services.rds_progress import Progress
from simulator.services.rds_quotas import Quotas
from simulator.services.rds_records import Records
from simulator.services.rds_restore import Restores
from simulator.services.rds_roles import Roles, Tags
from simulator.services.rds_snapshots import Snapshots

if TYPE_CHECKING:
    from collections.abc import Mapping

    from simulator.world import World

# What moto would answer from instances and snapshots of its own, which there are none of.
REFUSED = frozenset(
    {
        "CreateBlueGreenDeployment", "DescribeDBInstanceAutomatedBackups", "DescribeDBLogFiles",
        "RegisterDBProxyTargets", "RestoreDBInstanceToPointInTime", "StartExportTask",
    }
)  # fmt: skip


class RdsService(Service):
    """RDS; its operations live in its parts."""

    name = "rds"

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.records = Records()
        self.metrics = self.connections = Connections(world, self.records)
        progress, events = Progress(world, self.connections), Events(world)
        snapshots = Snapshots(world, self.records, progress, events)
        instances = Instances(world, self.records, progress, events, snapshots)
        power = Power(world, self.records, progress, events, snapshots)
        self._tags = Tags(self.records)
        self._parts = (
            instances,
            snapshots,
            power,
            Restores(world, self.records, instances),
            Modifications(world, self.records, progress, power),
            Roles(world, self.records, progress),
            self._tags,
            Quotas(self.records),
            Options(),
            events,
        )

    def operation(self, name: str) -> Operation | None:
        """Find the part that answers an operation; None leaves it to moto."""
        found = (getattr(part, xform_name(name), None) for part in self._parts)
        return next((method for method in found if method is not None), None)

    def before(self, call: Call) -> None:
        """Refuse what moto would answer from what it does not have."""
        if call.operation in REFUSED:
            raise not_simulated(f"rds:{call.operation}")

    def resource_tags(self, arn: str) -> Mapping[str, str]:
        """The tags of an instance or snapshot, for `aws:ResourceTag`."""
        return self._tags.find(arn) or {} if arn.count(":") >= 6 else {}
