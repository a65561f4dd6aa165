"""AWS Config: recorder, items, rules, evaluations. moto records little and evaluates nothing.

The recorder knows resource types and no control: what happens follows from what API calls did.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, cast

from botocore import xform_name

from simulator.service import Operation, Service
from simulator.services.config_aggregators import Aggregators
from simulator.services.config_compliance import Compliance
from simulator.services.config_deliveries import Deliveries
from simulator.services.config_evaluations import Evaluations
from simulator.services.config_items import Item, Items
from simulator.services.config_recorder import Recorder, Recorders
from simulator.services.config_rules import Rules
from simulator.services.config_snapshots import RecordedType
from simulator.services.config_tags import Tags
from simulator.services.config_triggers import Triggers
from simulator.services.config_types import BY_SERVICE, TYPES

if TYPE_CHECKING:
    from simulator.world import World

DAY_SECONDS = 86400.0


class Checks(Protocol):
    """The part of Security Hub that looks at what is recorded."""

    def config_item(self, item: Item) -> None:
        """Take a configuration item."""
        ...


class ConfigService(Service):
    """AWS Config of the whole organisation; its operations live in its parts."""

    name = "config"
    whole = True

    def __init__(self, world: World) -> None:
        super().__init__(world)
        tags = Tags()
        self.recorders = Recorders(world, self._discover)
        self.items = Items(world, self.recorders)
        self.evaluations = Evaluations(world)
        self.triggers = Triggers(world, self.recorders, self.items, self.evaluations)
        self.rules = Rules(world, self.recorders, self.triggers.put, self.triggers.deleted, tags.add)
        self.evaluations.rules = self.triggers.rules = self.rules
        self._parts = (
            self.recorders,
            self.items,
            self.evaluations,
            self.triggers,
            Deliveries(world, self.recorders, self.items, self.triggers),
            self.rules,
            Compliance(world, self.rules, self.evaluations),
            Aggregators(world, self.rules, self.evaluations, tags.add),
            tags,
        )
        self._daily: set[tuple[str, str]] = set()

    def operation(self, name: str) -> Operation | None:
        """Find the part that answers an operation."""
        found = (getattr(part, xform_name(name), None) for part in self._parts)
        return next((method for method in found if method is not None), None)

    def drop_events(self, seed: int, share: float) -> None:
        """Lose a share (0 to 1) of the compliance change events, the same ones for the same seed."""
        self.evaluations.drop_events(seed, share)

    def record(self, service: str, account: str, region: str) -> None:
        """Compare what a service's resources look like with what was recorded last; write items, trigger rules.

        Called after every call that changed something, whoever made it.
        """
        kinds = BY_SERVICE.get(service)
        if kinds is None:
            return
        for recorder in self.recorders.running(account):
            for kind in kinds:
                if (kind.everywhere or recorder.region == region) and recorder.frequency(kind.type) == "CONTINUOUS":
                    self._compare(recorder, kind)

    def _compare(self, recorder: Recorder, kind: RecordedType) -> None:
        if not recorder.records(kind.type):
            return
        frequency = recorder.frequency(kind.type)
        hub = cast("Checks | None", self.world.services.get("securityhub"))
        for item in self.items.compare(kind, recorder.account, recorder.region, frequency):
            self.triggers.changed(item)
            if hub is not None:
                hub.config_item(item)

    def _discover(self, recorder: Recorder) -> None:
        """Record everything that exists, and start the daily round where some type is recorded daily."""
        for kind in TYPES.values():
            self._compare(recorder, kind)
        place = (recorder.account, recorder.region)
        if place not in self._daily and any(recorder.frequency(kind) == "DAILY" for kind in TYPES):
            self._daily.add(place)
            self._daily_round(*place)

    def _daily_round(self, account: str, region: str) -> None:
        def act() -> None:
            recorder = self.recorders.find(account, region)
            if recorder is None or not recorder.recording:
                self._daily.discard((account, region))
                return
            for kind in TYPES.values():
                if recorder.frequency(kind.type) == "DAILY":
                    self._compare(recorder, kind)
            self._daily_round(account, region)

        self.world.agenda.soon(act, f"config: daily recording in {account}", seconds=DAY_SECONDS, background=True)
