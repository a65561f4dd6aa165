"""Who is connected to instances, and what CloudWatch measures of it: DatabaseConnections of AWS/RDS.

Applications hold as many connections as they are told to (`clients`) where a security group has a rule for the port,
whoever it lets in. Groups that let nobody in end no connection that is there; a reboot or stop does. Measured every
minute under the name that an instance has at the time; one that is being made, stopped or deleted has no data points.

Source: RDS User Guide, "Amazon CloudWatch metrics for Amazon RDS"; EC2 User Guide, "Amazon EC2 security group
connection tracking".
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING

from simulator.metrics import LISTED, MINUTE, Datum, Metric, Span
from simulator.services import rds_places as places
from simulator.services.rds_records import Instance

if TYPE_CHECKING:
    from simulator.services.rds_records import Records
    from simulator.world import World

NAMESPACE, NAME, DIMENSION = "AWS/RDS", "DatabaseConnections", "DBInstanceIdentifier"
DOWN = frozenset({"rebooting", "starting", "stopping"})
UNMEASURED = frozenset({"creating", "deleting", "starting", "stopped", "stopping"})
Change = tuple[datetime, int | None]  # since when how many; None: not measured


class Connections:
    """The connections of all instances, as they were."""

    def __init__(self, world: World, records: Records) -> None:
        self._world = world
        self._records = records
        self._changes: dict[tuple[str, str, str], list[Change]] = {}

    def feed(self, account: str, region: str, name: str, clients: int) -> None:
        """Say how many connections an instance's applications hold from now on, where they are let in."""
        instance = self._records.instance(account, region, name)
        if instance is None:
            raise LookupError(f"there is no instance {name} in {account} {region}")
        instance.clients = clients
        instance.connections = min(instance.connections, clients)
        self.admit(instance)

    def restarted(self, instance: Instance) -> None:
        """The applications connect again, if they are let in."""
        instance.connections = instance.clients if _admits(instance) else 0
        self.note(instance)

    def admit(self, instance: Instance) -> None:
        """The applications connect, if they are let in; connections that are there stay."""
        if instance.status not in UNMEASURED | DOWN and _admits(instance):
            instance.connections = instance.clients
        self.note(instance)

    def note(self, instance: Instance) -> None:
        """Note how many are connected from now on."""
        if instance.status in DOWN:
            instance.connections = 0
        self._note(instance, None if instance.status in UNMEASURED else instance.connections)

    def renamed(self, instance: Instance, before: str) -> None:
        """An instance is measured under its new name from now on."""
        self._changes.setdefault((*instance.place, before), []).append((self._world.agenda.now(), None))
        self.note(instance)

    def deleted(self, instance: Instance) -> None:
        """An instance is measured no more."""
        self._note(instance, None)

    def _note(self, instance: Instance, connections: int | None) -> None:
        changes = self._changes.setdefault((*instance.place, instance.identifier), [])
        if not changes or changes[-1][1] != connections:
            changes.append((self._world.agenda.now(), connections))

    def data(self, account: str, region: str, metric: Metric, span: Span) -> Iterator[Datum]:
        """One statistic set per bucket: a measurement a minute."""
        name = metric.dimension(DIMENSION)
        if name is None or metric != _metric(name):
            return
        instance = self._records.instance(account, region, name)
        if instance is not None and instance.identifier == name:
            self.admit(instance)
        changes = self._changes.get((account, region, name), [])
        ends = [*(since for since, _ in changes[1:]), self._world.agenda.now()]
        for (since, connections), end in zip(changes, ends, strict=False):  # one end too many where nothing changed
            if connections is not None:
                for begin, stop in span.within(since, end):
                    yield Datum.of(begin, connections, "Count", samples=(stop - begin) / MINUTE)

    def names(self, account: str, region: str) -> Iterator[Metric]:
        """The metrics of the instances that have been measured of late."""
        now = self._world.agenda.now()
        for (of, at, name), changes in self._changes.items():
            ends = [*(since for since, _ in changes[1:]), now]
            measured = (end for (_, count), end in zip(changes, ends, strict=True) if count is not None)
            if (of, at) == (account, region) and any(end > now - LISTED for end in measured):
                yield _metric(name)


def _metric(name: str) -> Metric:
    return Metric.of(NAMESPACE, NAME, {DIMENSION: name})


def _admits(instance: Instance) -> bool:
    groups = [one for one in instance.shown["VpcSecurityGroups"] if one["Status"] != "removing"]
    return places.admits(*instance.place, groups, instance.port)
