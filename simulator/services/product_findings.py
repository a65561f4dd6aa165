"""The way of other products' findings into Security Hub: integrated services send what they find by themselves.

Source: Security Hub User Guide, "AWS service integrations with Security Hub"; GuardDuty User Guide, "Integrating with
AWS Security Hub" (a new finding is sent "usually within five minutes").
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol, cast

if TYPE_CHECKING:
    from simulator.world import World

# Simulated seconds.
LATENCY = 120


class Takes(Protocol):
    """The part of Security Hub that integrated services use."""

    def take(self, account: str, region: str, path: str, finding: Mapping[str, Any]) -> None:
        """Take a finding of the product at `path`, where the account imports its findings."""
        ...


def send(world: World, account: str, region: str, path: str, finding: Mapping[str, Any]) -> None:
    """Send a finding in Security Hub's format; it arrives after a while."""
    hub = cast("Takes", world.services["securityhub"])
    world.agenda.soon(lambda: hub.take(account, region, path, finding), f"finding of {path}", seconds=LATENCY)


def identifier(*parts: str) -> str:
    """An id of 32 hexadecimal digits that depends on what it is of, and not on the order of events."""
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:32]
