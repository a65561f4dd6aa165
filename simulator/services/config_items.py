"""Configuration items: what was recorded of each resource, newest last, and the queries over it.

Source: AWS Config developer guide, "Configuration items"; API reference, ConfigurationItem.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from simulator.call import Call, ServiceError
from simulator.services.config_paging import page
from simulator.services.config_snapshots import RecordedType, Snapshot, stamp
from simulator.services.config_types import TYPES

if TYPE_CHECKING:
    from simulator.services.config_recorder import Recorders
    from simulator.world import World

VERSION = "1.3"
OVERSIZED_BYTES = 100 * 1024
DELETED = "ResourceDeleted"


@dataclass(frozen=True, slots=True)
class Item:
    """One configuration item. `before` is what the resource looked like in the item before it."""

    account: str
    region: str
    type: str
    status: str
    captured: datetime
    state: str
    snapshot: Snapshot
    before: Snapshot | None
    frequency: str

    @property
    def deleted(self) -> bool:
        """Whether this item says that the resource is gone."""
        return self.status == DELETED

    @property
    def summary(self) -> dict[str, Any]:
        """The item without its contents, as OversizedConfigurationItemChangeNotification carries it."""
        created = self.snapshot.created
        return {
            "configurationItemVersion": VERSION,
            "configurationItemCaptureTime": stamp(self.captured),
            "configurationStateId": int(self.state),
            "awsAccountId": self.account,
            "configurationItemStatus": self.status,
            "resourceType": self.type,
            "resourceId": self.snapshot.id,
            "resourceName": self.snapshot.name,
            "ARN": self.snapshot.arn,
            "awsRegion": "global" if TYPES[self.type].global_type else self.region,
            "availabilityZone": self.snapshot.zone,
            "configurationStateMd5Hash": "",
            "resourceCreationTime": None if created is None else stamp(created),
        }

    @property
    def event(self) -> dict[str, Any]:
        """The whole item, as ConfigurationItemChangeNotification carries it to a rule."""
        contents: dict[str, Any] = {
            "relatedEvents": [],
            "relationships": [dict(one) for one in self.snapshot.relationships],
            "configuration": self.snapshot.configuration,
            "supplementaryConfiguration": self.snapshot.supplementary,
            "tags": dict(self.snapshot.tags),
        }
        if self.deleted:
            contents |= {"relationships": [], "configuration": None, "supplementaryConfiguration": {}, "tags": {}}
        return {**contents, **self.summary}

    @property
    def difference(self) -> dict[str, Any]:
        """What changed, per part of the configuration."""
        if self.before is None or self.deleted:
            return {"changedProperties": {}, "changeType": "DELETE" if self.deleted else "CREATE"}
        changed = {}
        for label, old, new in (
            ("Configuration", self.before.configuration, self.snapshot.configuration),
            ("SupplementaryConfiguration", self.before.supplementary, self.snapshot.supplementary),
            ("Tags", self.before.tags, self.snapshot.tags),
        ):
            for name in sorted({*old, *new}):
                if old.get(name) != new.get(name):
                    kind = "CREATE" if name not in old else "DELETE" if name not in new else "UPDATE"
                    changed[f"{label}.{name}"] = {
                        "previousValue": old.get(name),
                        "updatedValue": new.get(name),
                        "changeType": kind,
                    }
        return {"changedProperties": changed, "changeType": "UPDATE"}

    @property
    def base(self) -> dict[str, Any]:
        """The item as BatchGetResourceConfig returns it: contents are JSON texts."""
        found: dict[str, Any] = {
            "version": VERSION,
            "accountId": self.account,
            "configurationItemCaptureTime": self.captured,
            "configurationItemStatus": self.status,
            "configurationStateId": self.state,
            "arn": self.snapshot.arn,
            "resourceType": self.type,
            "resourceId": self.snapshot.id,
            "awsRegion": self.summary["awsRegion"],
            "availabilityZone": self.snapshot.zone,
            "recordingFrequency": self.frequency,
            "configurationItemDeliveryTime": self.captured,
        }
        if self.snapshot.name is not None:
            found["resourceName"] = self.snapshot.name
        if self.snapshot.created is not None:
            found["resourceCreationTime"] = self.snapshot.created
        if not self.deleted:
            found["configuration"] = json.dumps(self.snapshot.configuration)
            found["supplementaryConfiguration"] = {
                name: json.dumps(value) for name, value in self.snapshot.supplementary.items()
            }
        return found

    @property
    def full(self) -> dict[str, Any]:
        """The item as GetResourceConfigHistory returns it."""
        relationships = [
            {
                "resourceType": one["resourceType"],
                "resourceId": one["resourceId"],
                "relationshipName": one["name"],
            }
            for one in self.event["relationships"]
        ]
        text = json.dumps(self.event, sort_keys=True).encode()
        return {
            **self.base,
            "configurationItemMD5Hash": hashlib.md5(text, usedforsecurity=False).hexdigest(),
            "tags": self.event["tags"],
            "relatedEvents": [],
            "relationships": relationships,
        }


class Items:
    """The configuration history of the organisation."""

    def __init__(self, world: World, recorders: Recorders) -> None:
        self.world = world
        self._recorders = recorders
        self._history: dict[tuple[str, str], dict[tuple[str, str], list[Item]]] = {}
        self._current: dict[tuple[str, str, str], dict[str, Snapshot]] = {}

    def compare(self, kind: RecordedType, account: str, region: str, frequency: str) -> list[Item]:
        """Read all resources of a type in one place and write an item for each that changed."""
        known = self._current.setdefault((account, region, kind.type), {})
        found = {snapshot.id: snapshot for snapshot in kind.take(self.world, account, region)}
        if found == known:
            return []
        written = []
        for identifier, snapshot in found.items():
            before = known.get(identifier)
            if snapshot != before:
                status = "ResourceDiscovered" if before is None else "OK"
                written.append(self._write(kind, account, region, status, snapshot, before, frequency))
        for identifier in [identifier for identifier in known if identifier not in found]:
            gone = known[identifier]
            written.append(self._write(kind, account, region, DELETED, gone, gone, frequency))
        self._current[account, region, kind.type] = found
        return written

    def _write(
        self,
        kind: RecordedType,
        account: str,
        region: str,
        status: str,
        snapshot: Snapshot,
        before: Snapshot | None,
        frequency: str,
    ) -> Item:
        now = self.world.agenda.now()
        history = self._of(account, region).setdefault((kind.type, snapshot.id), [])
        # State ids grow within a resource, also where simulated time stands still.
        state = max(int(now.timestamp() * 1000), int(history[-1].state) + 1 if history else 0)
        item = Item(account, region, kind.type, status, now, str(state), snapshot, before, frequency)
        history.append(item)
        return item

    def last(self, account: str, region: str) -> Iterator[Item]:
        """The newest item of every resource of one place that was not deleted."""
        for history in self._of(account, region).values():
            if not history[-1].deleted:
                yield history[-1]

    def newest(self, account: str, region: str, resource_type: str, identifier: str) -> Item | None:
        """The newest item of one resource."""
        history = self._of(account, region).get((resource_type, identifier))
        return history[-1] if history else None

    def _of(self, account: str, region: str) -> dict[tuple[str, str], list[Item]]:
        return self._history.setdefault((account, region), {})

    def get_resource_config_history(self, call: Call) -> dict[str, Any]:
        """List the items of one resource, newest first unless asked otherwise."""
        self._recorders.need(call.account, call.region)
        wanted = call.parameters
        history = self._of(call.account, call.region).get((wanted["resourceType"], wanted["resourceId"]))
        if not history:
            raise ServiceError(
                "ResourceNotDiscoveredException",
                f"Resource {wanted['resourceId']} of resourceType:{wanted['resourceType']} is unknown or has not been "
                "discovered",
            )
        earlier, later = wanted.get("earlierTime"), wanted.get("laterTime")
        if earlier is not None and later is not None and earlier > later:
            raise ServiceError("InvalidTimeRangeException", "The specified time range is not valid.")
        chosen = [
            item
            for item in history
            if (earlier is None or item.captured >= earlier) and (later is None or item.captured <= later)
        ]
        if wanted.get("chronologicalOrder", "Reverse") == "Reverse":
            chosen.reverse()
        cut, token = page(chosen, wanted.get("nextToken"), wanted.get("limit"), 10)
        return _with_token({"configurationItems": [item.full for item in cut]}, token)

    def batch_get_resource_config(self, call: Call) -> dict[str, Any]:
        """Return the newest items of up to 100 resources."""
        self._recorders.need(call.account, call.region)
        found, missing = [], []
        for key in call.parameters["resourceKeys"]:
            history = self._of(call.account, call.region).get((key["resourceType"], key["resourceId"]))
            if history:
                found.append(history[-1].base)
            else:
                missing.append(key)
        return {"baseConfigurationItems": found, "unprocessedResourceKeys": missing}

    def list_discovered_resources(self, call: Call) -> dict[str, Any]:
        """List the resources of one type by id."""
        self._recorders.need(call.account, call.region)
        wanted = call.parameters
        found = []
        for item in self._newest(call.account, call.region, wanted["resourceType"]):
            if item.deleted and not wanted.get("includeDeletedResources"):
                continue
            if wanted.get("resourceIds") and item.snapshot.id not in wanted["resourceIds"]:
                continue
            if wanted.get("resourceName") and item.snapshot.name != wanted["resourceName"]:
                continue
            entry: dict[str, Any] = {"resourceType": item.type, "resourceId": item.snapshot.id}
            if item.snapshot.name is not None:
                entry["resourceName"] = item.snapshot.name
            if item.deleted:
                entry["resourceDeletionTime"] = item.captured
            found.append(entry)
        cut, token = page(found, wanted.get("nextToken"), wanted.get("limit"), 100)
        return _with_token({"resourceIdentifiers": cut}, token)

    def get_discovered_resource_counts(self, call: Call) -> dict[str, Any]:
        """Count the resources per type."""
        wanted = call.parameters.get("resourceTypes") or list(TYPES)
        counted = {
            kind: sum(not item.deleted for item in self._newest(call.account, call.region, kind)) for kind in wanted
        }
        counts = [
            {"resourceType": kind, "count": count}
            for kind, count in sorted(counted.items(), key=lambda one: (-one[1], one[0]))
            if count
        ]
        cut, token = page(counts, call.parameters.get("nextToken"), call.parameters.get("limit"), 100)
        return _with_token({"totalDiscoveredResources": sum(counted.values()), "resourceCounts": cut}, token)

    def _newest(self, account: str, region: str, resource_type: str) -> Iterable[Item]:
        for (kind, _), history in sorted(self._of(account, region).items()):
            if kind == resource_type:
                yield history[-1]


def _with_token(response: dict[str, Any], token: str | None) -> dict[str, Any]:
    return response if token is None else {**response, "nextToken": token}
