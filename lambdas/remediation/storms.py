"""Digests instead of storms: what many remediations have in common is told once.

The first messages of a kind within a minute are sent one by one. What comes then leaves an item `untold#...` in the
state table, in the transaction of its outcome; the sweep sends one message for all of a kind. Counting in each
function's own memory costs no call; with ten of them at work, a storm is some dozen messages and a digest.
"""

from __future__ import annotations

import time
from collections import defaultdict, deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lambdas.remediation.case import DAY, attribute
from lambdas.remediation.outcome import Result
from lambdas.remediation.request import Request

# An item of the state table as DynamoDB gives it.
Item = Mapping[str, Mapping[str, str]]

SHARD = "untold"
SINGLY = 3
SECONDS = 60
# What of a kind a digest names.
NAMED = 50
REASON = 200


@dataclass
class Storms:
    """Says of each message whether it is sent by itself."""

    _sent: dict[tuple[str, str], deque[float]] = field(default_factory=lambda: defaultdict(deque))

    def singly(self, request: Request, result: Result) -> bool:
        """Whether so few of this kind were told within a minute that this one is told by itself."""
        sent, now = self._sent[request.control.id, result.outcome.value], time.time()
        while sent and sent[0] < now - SECONDS:
            sent.popleft()
        if len(sent) >= SINGLY:
            return False
        sent.append(now)
        return True


def untold(table: str, request: Request, result: Result, environment: str) -> dict[str, Any]:
    """The statement that leaves a message to the digest."""
    resource, now = request.resource, int(time.time())
    values: dict[str, str | int] = {
        "key": f"untold#{request.id}#{result.outcome.value}#{now}",
        "shard": SHARD,
        "due": now,
        "control": request.control.id,
        "outcome": result.outcome.value,
        "environment": environment,
        "account": resource.account,
        "region": resource.region,
        "resource": resource.arn,
        "reason": result.reason[:REASON],
        "expires": now + 7 * DAY,
    }
    fields = ", ".join(f"'{name}': ?" for name in values)
    return {
        "Statement": f'INSERT INTO "{table}" VALUE {{{fields}}}',
        "Parameters": [attribute(value) for value in values.values()],
    }


def kinds(items: Iterable[Item]) -> list[list[Item]]:
    """Divide what was left untold by control, outcome and environment, in a stable order."""
    found: dict[tuple[str, ...], list[Item]] = defaultdict(list)
    for item in items:
        found[tuple(item[name]["S"] for name in ("control", "outcome", "environment"))].append(item)
    return [those for _, those in sorted(found.items())]


def digest(items: Sequence[Item]) -> dict[str, Any]:
    """Make one message of all of a kind: subject, lines, attributes."""
    those = [{name: next(iter(value.values())) for name, value in item.items()} for item in items]
    control, outcome, environment = (those[0][name] for name in ("control", "outcome", "environment"))
    accounts = {item["account"] for item in those}
    lines = [f"{item['resource']} ({item['account']} {item['region']}): {item['reason']}" for item in those[:NAMED]]
    more = [f"and {len(those) - NAMED} more; the ledger has them all"] if len(those) > NAMED else []
    return {
        "subject": f"[{outcome}] {control}: {len(those)} resources in {len(accounts)} accounts",
        "lines": [f"{control} in {environment}: {outcome}", *lines, *more],
        "attributes": {"outcome": outcome, "control": control, "environment": environment, "digest": "true"},
    }
