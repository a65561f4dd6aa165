"""Stopping, starting and rebooting instances; RDS starts an instance that was stopped for seven days.

Source: RDS API reference, StopDBInstance, StartDBInstance, RebootDBInstance; RDS User Guide, "Stopping an Amazon RDS DB
instance temporarily", "Rebooting a DB instance".
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from simulator.call import Call, ServiceError
from simulator.services import rds_durations as durations
from simulator.services import rds_engines as engines
from simulator.services import rds_places as places
from simulator.services.rds_identifiers import combination
from simulator.services.rds_progress import Progress, Step
from simulator.services.rds_records import STOPPED, Instance, Records, must_be_ready, not_ready

if TYPE_CHECKING:
    from simulator.services.rds_events import Events
    from simulator.services.rds_snapshots import Snapshots
    from simulator.world import World

UNATTENDED = timedelta(days=durations.UNATTENDED_DAYS)


class Power:
    """The operations that stop, start and reboot."""

    def __init__(
        self, world: World, records: Records, progress: Progress, events: Events, snapshots: Snapshots
    ) -> None:
        self.world = world
        self._records = records
        self._progress = progress
        self._events = events
        self._snapshots = snapshots

    def stop_db_instance(self, call: Call) -> dict[str, Any]:
        """Stop an instance; RDS starts it again after seven days."""
        instance = self._records.need(call)
        shown = instance.shown
        if shown.get("DBClusterIdentifier") or engines.custom(shown["Engine"]):
            raise combination("Stop is not supported for instances of clusters and RDS Custom.")
        if shown["ReadReplicaDBInstanceIdentifiers"] or shown.get("ReadReplicaSourceDBInstanceIdentifier"):
            raise ServiceError("InvalidDBInstanceState", "Cannot stop an instance that is or has a read replica.")
        if shown["Engine"].startswith("sqlserver") and shown["MultiAZ"]:
            raise combination("Cannot stop a Multi-AZ instance of SQL Server.")
        must_be_ready(instance)
        seconds = durations.STOPPING
        if call.parameters.get("DBSnapshotIdentifier"):
            seconds += self._snapshots.take(call, instance, call.parameters["DBSnapshotIdentifier"], {}).seconds

        def stopped() -> None:
            instance.restart = self.world.agenda.now() + UNATTENDED
            label = f"rds: {instance.identifier} has been stopped for seven days"
            moment = instance.restart
            self.world.agenda.at(moment, lambda: self._unattended(instance, moment), label, background=True)
            self._events.tell("RDS-EVENT-0087", instance)

        self._progress.run(instance, [Step("stopping", seconds, stopped)], STOPPED)
        return {"DBInstance": instance.describe()}

    def _unattended(self, instance: Instance, moment: Any) -> None:
        """Start an instance that is still stopped since then."""
        if instance.status == STOPPED and instance.restart == moment:
            self._events.tell("RDS-EVENT-0154", instance)
            self._start(instance)
            self._progress.record(instance)

    def start_db_instance(self, call: Call) -> dict[str, Any]:
        """Start an instance that is stopped."""
        instance = self._records.need(call)
        if instance.status != STOPPED:
            raise not_ready(instance, STOPPED)
        key = instance.shown.get("KmsKeyId")
        if key and not places.usable(instance.account, instance.region, key):
            raise ServiceError("KMSKeyNotAccessibleFault", f"The KMS key [{key}] is not accessible.")
        self._start(instance)
        return {"DBInstance": instance.describe()}

    def _start(self, instance: Instance) -> None:
        instance.restart = None
        step = Step("starting", durations.STARTING, lambda: self._events.tell("RDS-EVENT-0088", instance))
        self._progress.run(instance, [step])

    def reboot_db_instance(self, call: Call) -> dict[str, Any]:
        """Reboot an instance: connections end, and its parameter group takes effect."""
        instance = self._records.need(call)
        if call.parameters.get("ForceFailover") and not instance.shown["MultiAZ"]:
            raise combination("Cannot force failover since the instance is not in multi-AZ mode.")
        must_be_ready(instance)
        self._progress.run(instance, [self.rebooting(instance)])
        return {"DBInstance": instance.describe()}

    def rebooting(self, instance: Instance) -> Step:
        """A reboot: parameter groups take effect at its end."""

        def restarted() -> None:
            for group in instance.shown["DBParameterGroups"]:
                group["ParameterApplyStatus"] = "in-sync"
            self._events.tell("RDS-EVENT-0006", instance)

        return Step("rebooting", durations.REBOOTING, restarted)
