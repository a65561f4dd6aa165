"""Schemas of what stacks write and functions read: account policy items and settings objects.

A version reads its own schema and the one before: the hub is updated before its members, so a new hub reads
items that an older member stack wrote. Every other schema is refused, for a guessed policy is none.
"""

from __future__ import annotations

POLICY_ITEM = 1
SETTINGS_OBJECT = 1


def readable(own: int) -> tuple[int, ...]:
    """The schemas that a version reads whose own is this: the one before, where there was one, and its own."""
    return tuple(one for one in (own - 1, own) if one > 0)


def told(own: int) -> str:
    """The schemas that a version reads, for people."""
    return " and ".join(str(one) for one in readable(own))
