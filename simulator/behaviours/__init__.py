"""The registry of the local organisation: what it does as AWS does it, and where it differs.

`docs/local-organisation.md` is written from it. Each module holds the entries of related services.
"""

from __future__ import annotations

from simulator.behaviours import (
    automation,
    config,
    databases,
    events,
    front_door,
    functions,
    history,
    identity,
    load_balancing,
    messages,
    organization,
    patching,
    products,
    security_hub,
    states,
    storage,
)
from simulator.behaviours.model import Behaviour, Difference

MODULES = (
    front_door, identity, organization, security_hub, config, events, functions, states, messages, storage, products,
    history, load_balancing, databases, automation, patching,
)  # fmt: skip


def behaviours() -> tuple[Behaviour, ...]:
    """Every simulated behaviour, in the order of the page."""
    return tuple(one for module in MODULES for one in module.BEHAVIOURS)


def differences() -> tuple[Difference, ...]:
    """Every known difference from AWS, in the order of the page."""
    return tuple(one for module in MODULES for one in module.DIFFERENCES)
