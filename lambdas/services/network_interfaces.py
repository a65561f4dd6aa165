"""Whose a network interface is, as far as it tells by itself, and how people read many of them.

An interface that is attached to an instance names it. What services make for themselves belongs to no instance of
the account and is described in their words: "ELB app/web/0123456789abcdef", "RDSNetworkInterface", "EFS mount target
for fs-0123 (fsmt-0123)", "AWS Lambda VPC ENI-resize-…".
Source: EC2 API, NetworkInterface; Amazon EC2 User Guide, "Requester-managed network interfaces"; Elastic Load
Balancing, on the descriptions of a load balancer's network interfaces.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

# How many are named, and how much of a description.
SHOWN = 5
WORDS = 80
LOAD_BALANCERS = {"app": "application", "net": "network", "gwy": "gateway"}


def described(interface: Mapping[str, Any]) -> str:
    """The id of an interface, and whose it is."""
    return f"{interface['NetworkInterfaceId']} ({_owner(interface)})"


def told(named: Sequence[str], *, more: bool) -> str:
    """The first few, and how many others there are; `more` says that some were not even asked for."""
    left = max(len(named) - SHOWN, 0) + more
    others = f" and {'at least ' if more else ''}{left} more" if left else ""
    return ", ".join(named[:SHOWN]) + others


def _owner(interface: Mapping[str, Any]) -> str:
    instance = interface.get("Attachment", {}).get("InstanceId")
    if instance:
        return f"instance {instance}"
    words = str(interface.get("Description", ""))
    if words.startswith("ELB "):
        return _load_balancer(words.removeprefix("ELB "))
    if interface["Status"] == "available":
        return "attached to nothing"
    return words[:WORDS] or str(interface["InterfaceType"])


def _load_balancer(words: str) -> str:
    """By what follows ELB: the kind, the name and the id of a load balancer, or the name of a classic one."""
    kind, _, rest = words.partition("/")
    if rest and kind in LOAD_BALANCERS:
        return f"{LOAD_BALANCERS[kind]} load balancer {rest.partition('/')[0]}"
    return f"classic load balancer {words[:WORDS]}"
