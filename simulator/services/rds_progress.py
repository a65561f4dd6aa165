"""States of instances: one after the other, each taking its time, with what is true from the end of each.

Source: RDS User Guide, "Viewing Amazon RDS DB instance status".
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from simulator.services.rds_records import AVAILABLE, OPTIMIZING, Instance

if TYPE_CHECKING:
    from simulator.services.rds_connections import Connections
    from simulator.world import World

Action = Callable[[], None]
RESTARTS = frozenset({"creating", "rebooting", "starting"})


@dataclass(frozen=True, slots=True)
class Step:
    """A state, how many seconds it lasts, and what has happened at its end."""

    status: str
    seconds: float
    end: Action | None = None


class Progress:
    """Moves instances from state to state; AWS Config sees each."""

    def __init__(self, world: World, connections: Connections) -> None:
        self.world = world
        self.connections = connections

    def run(self, instance: Instance, steps: Sequence[Step], final: str = AVAILABLE) -> None:
        """Take an instance through some states to a final one; whatever was under way is given up."""
        if instance.due is not None:
            instance.due.cancelled = True
            instance.due = None
        if not steps:
            self._settle(instance, final)
            return
        step, *rest = steps
        instance.status = step.status
        self.connections.note(instance)

        def after() -> None:
            instance.due = None
            if step.end is not None:
                step.end()
            self.run(instance, rest, final)
            if step.status in RESTARTS:
                self.connections.restarted(instance)
            self.record(instance)

        label = f"rds: {instance.identifier} is {step.status}"
        instance.due = self.world.agenda.soon(after, label, seconds=step.seconds)

    def _settle(self, instance: Instance, final: str) -> None:
        instance.status = final
        self.connections.note(instance)
        now = self.world.agenda.now()
        if final != AVAILABLE:
            return
        if instance.optimized is not None and instance.optimized > now:
            left = (instance.optimized - now).total_seconds()
            self.run(instance, [Step(OPTIMIZING, left)])

    def record(self, instance: Instance) -> None:
        """Let AWS Config compare."""
        if self.world.door.recorder is not None:
            self.world.door.recorder.record("rds", *instance.place)
