"""RDS events: kept for 14 days, read by DescribeEvents, and sent to EventBridge.

Source: RDS User Guide, "Amazon RDS event categories and event messages" and "Overview of events for Amazon RDS";
API reference, DescribeEvents.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, cast

from simulator.call import Call
from simulator.service import Emits
from simulator.services.rds_identifiers import combination, paged
from simulator.services.rds_records import Instance, Snapshot

if TYPE_CHECKING:
    from simulator.world import World

KEPT = timedelta(days=14)
MINUTES = 60
# id -> (category, message)
MESSAGES = {
    "RDS-EVENT-0003": ("deletion", "DB instance deleted"),
    "RDS-EVENT-0005": ("creation", "DB instance created"),
    "RDS-EVENT-0006": ("availability", "DB instance restarted"),
    "RDS-EVENT-0040": ("creation", "Creating manual snapshot"),
    "RDS-EVENT-0042": ("creation", "Manual snapshot created"),
    "RDS-EVENT-0043": ("restoration", "Restored from snapshot"),
    "RDS-EVENT-0087": ("notification", "DB instance stopped"),
    "RDS-EVENT-0088": ("notification", "DB instance started"),
    "RDS-EVENT-0154": (
        "notification",
        "DB instance is being started due to it exceeding the maximum allowed time being stopped.",
    ),
}


@dataclass(frozen=True, slots=True)
class Event:
    """One event of an instance or a snapshot."""

    at: datetime
    id: str
    kind: str  # "db-instance", "db-snapshot"
    name: str
    arn: str

    def describe(self) -> dict[str, Any]:
        """The event as DescribeEvents shows it."""
        category, message = MESSAGES[self.id]
        return {
            "SourceIdentifier": self.name,
            "SourceType": self.kind,
            "Message": message,
            "EventCategories": [category],
            "Date": self.at,
            "SourceArn": self.arn,
        }


class Events:
    """The events of all accounts and Regions."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._events: dict[tuple[str, str], list[Event]] = {}

    def tell(self, event: str, of: Instance | Snapshot) -> None:
        """Something happened to an instance or a snapshot."""
        instance = isinstance(of, Instance)
        kind = "db-instance" if instance else "db-snapshot"
        made = Event(self._world.agenda.now(), event, kind, of.identifier, of.arn)
        self._events.setdefault((of.account, of.region), []).append(made)
        bus = cast("Emits | None", self._world.services.get("events"))
        if bus is None:
            return
        category, message = MESSAGES[event]
        detail = {
            "EventCategories": [category],
            "SourceType": "DB_INSTANCE" if instance else "SNAPSHOT",
            "SourceArn": of.arn,
            "Date": made.at.strftime("%Y-%m-%dT%H:%M:%S.000Z"),
            "Message": message,
            "SourceIdentifier": of.identifier,
            "EventID": event,
        }
        name = "RDS DB Instance Event" if instance else "RDS DB Snapshot Event"
        bus.emit(of.account, of.region, "aws.rds", name, detail, (of.arn,))

    def describe_events(self, call: Call) -> dict[str, Any]:
        """List events, those of the last hour where no time is named."""
        given = call.parameters
        if given.get("SourceIdentifier") and not given.get("SourceType"):
            raise combination("SourceType must be specified with SourceIdentifier.")
        now = self._world.agenda.now()
        end = given["EndTime"].astimezone(UTC) if given.get("EndTime") else now
        start = end - timedelta(minutes=given.get("Duration") or MINUTES)
        if given.get("StartTime"):
            start = given["StartTime"].astimezone(UTC)
        start = max(start, now - KEPT)
        categories = set(given.get("EventCategories") or ())
        found = [
            event.describe() | {"key": f"{number:09}"}
            for number, event in enumerate(self._events.get((call.account, call.region), ()))
            if start <= event.at <= end
            and given.get("SourceType") in (None, event.kind)
            and given.get("SourceIdentifier") in (None, event.name)
            and (not categories or MESSAGES[event.id][0] in categories)
        ]
        answer = paged(call, "Events", found, "key")
        for event in answer["Events"]:
            del event["key"]
        return answer
