"""DB instances and snapshots as the local organisation keeps them, by account and Region."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from simulator.agenda import Due
from simulator.call import Call, ServiceError
from simulator.services.rds_identifiers import arn, bare

AVAILABLE, OPTIMIZING, STOPPED, DELETING = "available", "storage-optimization", "stopped", "deleting"
READY = (AVAILABLE, OPTIMIZING)
CREATING, FAILED = "creating", "failed"
Place = tuple[str, str]


def tag_list(tags: Mapping[str, str]) -> list[dict[str, str]]:
    """Tags as RDS lists them."""
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def tag_map(tags: Any) -> dict[str, str]:
    """Tags of a request by key."""
    return {tag["Key"]: tag.get("Value", "") for tag in tags or ()}


@dataclass(slots=True)
class Instance:
    """One DB instance.

    `shown` is what DescribeDBInstances shows of it, by its names; what moves with time stands beside it. `soon` holds
    changes that are about to be applied, `waiting` those for the maintenance window, both by the names of `shown`,
    with `MasterUserPassword` and `Port` beside. `clients` is how many connections its applications would hold,
    `connections` how many they hold.
    """

    account: str
    region: str
    partition: str
    shown: dict[str, Any]
    port: int
    tags: dict[str, str] = field(default_factory=dict)
    status: str = CREATING
    soon: dict[str, Any] = field(default_factory=dict)
    waiting: dict[str, Any] = field(default_factory=dict)
    due: Due | None = None
    noticed: Due | None = None
    window: Due | None = None
    restart: datetime | None = None
    optimized: datetime | None = None
    clients: int = 0
    connections: int = 0

    @property
    def identifier(self) -> str:
        """What the instance is called; it may be renamed."""
        return str(self.shown["DBInstanceIdentifier"])

    @property
    def id(self) -> str:
        """The id that stays."""
        return str(self.shown["DbiResourceId"])

    @property
    def arn(self) -> str:
        """The ARN, which follows the name."""
        return arn(self.partition, self.region, self.account, "db", self.identifier)

    @property
    def place(self) -> Place:
        """Account and Region."""
        return self.account, self.region

    def describe(self) -> dict[str, Any]:
        """The instance as DescribeDBInstances shows it."""
        found = copy.deepcopy(self.shown)
        found |= {
            "DBInstanceStatus": self.status,
            "DBInstanceArn": self.arn,
            "PendingModifiedValues": pending({**self.waiting, **self.soon}),
            "TagList": tag_list(self.tags),
        }
        if "Endpoint" in found:
            found["Endpoint"] |= {"Address": f"{self.identifier}.{found['Endpoint']['Address']}", "Port": self.port}
        if self.restart is not None:
            found["AutomaticRestartTime"] = self.restart
        return {name: value for name, value in found.items() if value is not None}


# Changes that DescribeDBInstances shows as pending, where the shape has no element of the same name and value.
UNSHOWN = frozenset(
    {
        "OptionGroupMemberships", "DomainMemberships", "MonitoringInterval", "MonitoringRoleArn", "PubliclyAccessible",
        "PerformanceInsightsEnabled", "PerformanceInsightsKMSKeyId", "PerformanceInsightsRetentionPeriod",
        "DatabaseInsightsMode", "NetworkType", "MasterUserSecret",
    }
)  # fmt: skip


def pending(changes: Mapping[str, Any]) -> dict[str, Any]:
    """Changes as PendingModifiedValues shows them; some never show there."""
    found: dict[str, Any] = {}
    for name, value in changes.items():
        if name == "DBSubnetGroup":
            found["DBSubnetGroupName"] = value["DBSubnetGroupName"]
        elif name == "LogExports":
            found["PendingCloudwatchLogsExports"] = {
                "LogTypesToEnable": list(value["EnableLogTypes"]), "LogTypesToDisable": list(value["DisableLogTypes"]),
            }  # fmt: skip
        elif name == "MasterUserPassword":
            found[name] = "****"
        elif name not in UNSHOWN and value is not None:
            found[name] = value
    return found


@dataclass(slots=True)
class Snapshot:
    """One DB snapshot. `origin` is what its instance was when it was taken; `shared` whom it is shared with."""

    account: str
    region: str
    partition: str
    shown: dict[str, Any]
    origin: dict[str, Any]
    port: int
    started: datetime
    seconds: float
    tags: dict[str, str] = field(default_factory=dict)
    status: str = CREATING
    shared: list[str] = field(default_factory=list)
    copied: bool = False

    @property
    def copying(self) -> bool:
        """Whether it is a copy that is under way."""
        return self.copied and self.status == CREATING

    @property
    def identifier(self) -> str:
        """The name of the snapshot."""
        return str(self.shown["DBSnapshotIdentifier"])

    @property
    def arn(self) -> str:
        """The ARN."""
        return arn(self.partition, self.region, self.account, "snapshot", self.identifier)

    def describe(self, now: datetime) -> dict[str, Any]:
        """The snapshot as DescribeDBSnapshots shows it."""
        done = self.status == AVAILABLE
        share = (now - self.started) / timedelta(seconds=self.seconds)
        found = copy.deepcopy(self.shown) | {
            "Status": self.status,
            "PercentProgress": 100 if done else min(99, int(100 * share)),
            "DBSnapshotArn": self.arn,
            "TagList": tag_list(self.tags),
        }
        if done:
            found["SnapshotCreateTime"] = self.started
        return {name: value for name, value in found.items() if value is not None}


class Records:
    """All instances and snapshots of the organisation, by account and Region, in the order of their names."""

    def __init__(self) -> None:
        self._instances: dict[Place, dict[str, Instance]] = {}
        self._snapshots: dict[Place, dict[str, Snapshot]] = {}

    def instances(self, account: str, region: str) -> list[Instance]:
        """The instances of a place, by name."""
        held = self._instances.get((account, region), {})
        return [held[name] for name in sorted(held)]

    def snapshots(self, account: str, region: str) -> list[Snapshot]:
        """The snapshots of a place, by name."""
        held = self._snapshots.get((account, region), {})
        return [held[name] for name in sorted(held)]

    def every_snapshot(self) -> Iterator[Snapshot]:
        """All snapshots of all accounts."""
        for held in self._snapshots.values():
            yield from held.values()

    def instance(self, account: str, region: str, name: str) -> Instance | None:
        """An instance by name or ARN."""
        return self._instances.get((account, region), {}).get(bare(name, "db"))

    def snapshot(self, account: str, region: str, name: str) -> Snapshot | None:
        """A snapshot by name or ARN, of the account and Region that an ARN names."""
        parts = name.split(":")
        if len(parts) >= 7 and parts[0] == "arn":
            region, account = parts[3:5]
        return self._snapshots.get((account, region), {}).get(bare(name, "snapshot"))

    def need(self, call: Call, name: str | None = None) -> Instance:
        """The instance that a call addresses; raises DBInstanceNotFound."""
        wanted = name or call.parameters["DBInstanceIdentifier"]
        found = self.instance(call.account, call.region, wanted)
        if found is None:
            raise ServiceError("DBInstanceNotFound", f"DBInstance {bare(wanted, 'db')} not found.", 404)
        return found

    def need_snapshot(self, call: Call, name: str) -> Snapshot:
        """A snapshot that the caller may use: its own, or one shared with it; raises DBSnapshotNotFound."""
        found = self.snapshot(call.account, call.region, name)
        if found is None or (found.account != call.account and not {call.account, "all"} & set(found.shared)):
            raise ServiceError("DBSnapshotNotFound", f"DBSnapshot not found: {name}", 404)
        return found

    def taken(self, account: str, region: str, name: str) -> bool:
        """Whether an instance has a name, or is about to get it."""
        held = self._instances.get((account, region), {})
        return name in held or any(
            name in (one.soon.get("DBInstanceIdentifier"), one.waiting.get("DBInstanceIdentifier"))
            for one in held.values()
        )

    def add(self, instance: Instance) -> None:
        """Keep an instance under its name."""
        self._instances.setdefault(instance.place, {})[instance.identifier] = instance

    def rename(self, instance: Instance, name: str) -> None:
        """Give an instance another name."""
        held = self._instances[instance.place]
        del held[instance.identifier]
        instance.shown["DBInstanceIdentifier"] = name
        held[name] = instance

    def remove(self, instance: Instance) -> None:
        """Forget an instance."""
        del self._instances[instance.place][instance.identifier]

    def add_snapshot(self, snapshot: Snapshot) -> None:
        """Keep a snapshot under its name."""
        self._snapshots.setdefault((snapshot.account, snapshot.region), {})[snapshot.identifier] = snapshot

    def remove_snapshot(self, snapshot: Snapshot) -> None:
        """Forget a snapshot."""
        del self._snapshots[snapshot.account, snapshot.region][snapshot.identifier]


def must_be_ready(instance: Instance) -> None:
    """Refuse what needs an instance that is available and has nothing under way; raises InvalidDBInstanceState.

    An instance whose change was asked for and has not begun still says that it is available.
    """
    if instance.status not in READY or instance.noticed is not None:
        raise not_ready(instance)


def not_ready(instance: Instance, wanted: str = AVAILABLE) -> ServiceError:
    """The error of an instance that is not in the state that an operation needs."""
    return ServiceError("InvalidDBInstanceState", f"Instance {instance.identifier} is not in {wanted} state.")
