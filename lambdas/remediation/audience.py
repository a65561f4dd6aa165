"""Whom a plan tells, of those who are there: who made the resource, who answers for it, operations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lambdas.controls.model import Audience


def addressed(plan: Mapping[str, Any], tags: Mapping[str, str], owner_tag: str) -> dict[str, Any]:
    """Return whom a written plan tells, and its creator where one is known.

    Where nobody knows who made the resource its owner is told, and where no tag names an owner, operations.
    """
    creator = str(plan.get("creator", ""))
    told = list(plan["tell"])
    if Audience.CREATOR in told and not creator:
        told = _instead(told, Audience.CREATOR, Audience.OWNER)
    if Audience.OWNER in told and not tags.get(owner_tag, "").strip():
        told = _instead(told, Audience.OWNER, Audience.OPERATIONS)
    return {"audience": tuple(told), **({"creator": creator} if creator else {})}


def _instead(told: list[str], absent: Audience, other: Audience) -> list[str]:
    return list(dict.fromkeys(other.value if one == absent else one for one in told))
