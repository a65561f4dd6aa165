"""Configuration snapshots: on request or by the delivery channel's frequency, into its bucket, and then told to rules.

Source: AWS Config Developer Guide, "Delivering configuration snapshots" and "Notifications that AWS Config sends
to an Amazon SNS topic"; API reference, DeliverConfigSnapshot and ConfigExportDeliveryInfo.
"""

from __future__ import annotations

import gzip
import json
from datetime import datetime
from typing import TYPE_CHECKING, Any

from simulator.call import Call, ServiceError
from simulator.services.config_delivery import deliverer
from simulator.services.config_rules import SECONDS, SNAPSHOT
from simulator.services.config_snapshots import stamp

if TYPE_CHECKING:
    from simulator.agenda import Due
    from simulator.services.config_items import Items
    from simulator.services.config_recorder import Recorder, Recorders
    from simulator.services.config_triggers import Triggers
    from simulator.world import World

DELIVERY_SECONDS = 30.0
Place = tuple[str, str]


class Deliveries:
    """The snapshots of every account and Region."""

    def __init__(self, world: World, recorders: Recorders, items: Items, triggers: Triggers) -> None:
        self.world = world
        self._recorders, self._items, self._triggers = recorders, items, triggers
        self._due: dict[Place, Due] = {}
        recorders.channel_changed = self._schedule

    def deliver_config_snapshot(self, call: Call) -> dict[str, Any]:
        """Start to deliver a snapshot; it lies in the bucket half a minute later."""
        recorder = self._recorders.need(call.account, call.region)
        self._recorders.channel(call.account, call.region, call.parameters["deliveryChannelName"])
        if not recorder.recording:
            raise ServiceError(
                "NoRunningConfigurationRecorderException",
                "There is no configuration recorder running to perform the operation.",
            )
        self.world.agenda.soon(
            lambda: self._deliver(recorder, call.request_id), "config: snapshot", seconds=DELIVERY_SECONDS
        )
        return {"configSnapshotId": call.request_id}

    def _schedule(self, account: str, region: str) -> None:
        """A delivery channel has changed: deliver by its frequency from now on, or not at all."""
        due = self._due.pop((account, region), None)
        if due is not None:
            due.cancelled = True
        frequency = self._recorders.delivery_frequency(account, region)
        if frequency is None:
            return

        def act() -> None:
            recorder = self._recorders.find(account, region)
            if recorder is not None and recorder.recording:
                moment = self.world.agenda.now()
                self._deliver(recorder, f"{account}-{region}-{moment:%Y%m%dT%H%M%SZ}")
            self._schedule(account, region)

        self._due[account, region] = self.world.agenda.soon(
            act, "config: scheduled snapshot", seconds=SECONDS[frequency], background=True
        )

    def _deliver(self, recorder: Recorder, identifier: str) -> None:
        account, region, now = recorder.account, recorder.region, self.world.agenda.now()
        bucket = self._recorders.bucket(account, region)
        if bucket is None:
            return
        key = _key(account, region, now, identifier)
        content = {
            "fileVersion": "1.0",
            "configSnapshotId": identifier,
            "configurationItems": [item.event for item in self._items.last(account, region)],
        }
        body = gzip.compress(json.dumps(content, default=str).encode(), mtime=0)
        parameters = {"Bucket": bucket, "Key": key, "Body": body, "ACL": "bucket-owner-full-control"}
        try:
            self.world.call(deliverer(self.world, recorder), "s3", "PutObject", parameters, region=region)
        except ServiceError as error:
            info = {"lastStatus": "FAILURE", "lastErrorCode": error.code, "lastErrorMessage": error.message}
            self._recorders.snapshots[account, region] = info | {"lastAttemptTime": now}
            return
        self._recorders.snapshots[account, region] = {
            "lastStatus": "SUCCESS",
            "lastAttemptTime": now,
            "lastSuccessfulTime": now,
        }
        message = {
            "configSnapshotId": identifier,
            "s3ObjectKey": key,
            "s3Bucket": bucket,
            "notificationCreationTime": stamp(now),
            "messageType": SNAPSHOT,
            "recordVersion": "1.1",
        }
        self._triggers.delivered(account, region, message)


def _key(account: str, region: str, moment: datetime, identifier: str) -> str:
    day, second = moment.strftime("%Y/%-m/%-d"), moment.strftime("%Y%m%dT%H%M%SZ")
    name = f"{account}_Config_{region}_ConfigSnapshot_{second}_{identifier}.json.gz"
    return f"AWSLogs/{account}/Config/{region}/{day}/ConfigSnapshot/{name}"
