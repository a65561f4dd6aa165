"""Documented request rates, per calling account and Region: token buckets in the organisation's time.

AWS documents no figures for the APIs of Organizations, IAM, AWS Config and CloudFormation: these are not
limited here. SQS, S3 and DynamoDB scale with their queues, prefixes and tables: neither are they.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from simulator.agenda import Agenda
from simulator.call import Call
from simulator.rate_table import RATES, UNFILTERED, Rate
from simulator.throttling import throttled

PAGED = ("Filters", "MaxResults", "NextToken")


@dataclass(slots=True)
class Bucket:
    """What is left of a rate for one account, Region and group of operations."""

    tokens: float
    filled: datetime


class Rates:
    """Admits calls or answers with the service's throttling error.

    Where the clock stands still, clients outside of functions cannot wait: `waits` says that their time is the
    organisation's too, and `in_function` whether the present call is a function's. A client that is told to slow
    down then finds its bucket filled, for the clock has moved on by as much.
    """

    def __init__(self, agenda: Agenda, in_function: Callable[[], bool], *, waits: bool) -> None:
        self._agenda = agenda
        self._in_function = in_function
        self._waits = waits
        self._suspended = False
        self._buckets: dict[tuple[str, str, str, str], Bucket] = {}

    def suspend(self) -> None:
        """Admit everything from now on, for whoever measures what calls cost."""
        self._suspended = True

    def spend(self, call: Call) -> None:
        """Take one token for a call; raises ServiceError where none is left."""
        found = rate_of(call.service, call.operation)
        if found is None or self._suspended:
            return
        group, rate = found
        if group in UNFILTERED and not any(call.parameters.get(name) for name in PAGED):
            group, rate = f"{group} (unfiltered)", UNFILTERED[group]
        key = (call.caller.account, call.region, call.service, group)
        now = self._agenda.now()
        bucket = self._buckets.get(key)
        if bucket is None:
            self._buckets[key] = Bucket(rate.burst - 1, now)
            return
        since = (now - bucket.filled).total_seconds()
        if since > 0:
            bucket.tokens = min(rate.burst, bucket.tokens + since * rate.per_second)
            bucket.filled = now
        if bucket.tokens < 1:
            if self._waits and not self._in_function():
                self._agenda.clock.forward(now + timedelta(seconds=rate.burst / rate.per_second))
            raise throttled(call.service)
        bucket.tokens -= 1


@cache
def rate_of(service: str, operation: str) -> tuple[str, Rate] | None:
    """Return the rate of an operation and the group of operations that share its bucket; None without a rate."""
    rates: Mapping[str, Rate] = RATES.get(service, {})
    for names, rate in rates.items():
        if any(_named(name, operation) for name in names.split()):
            return (names if rate.shared else operation), rate
    return None


def _named(pattern: str, operation: str) -> bool:
    return operation.startswith(pattern[:-1]) if pattern.endswith("*") else operation == pattern


def documented() -> list[tuple[str, str, Rate]]:
    """Every rate with its service and operations, for the page of the local organisation."""
    rows: list[tuple[str, str, Any]] = [
        (service, names, rate) for service, rates in RATES.items() for names, rate in rates.items()
    ]
    return rows + [("ec2", f"{names}, unfiltered and unpaginated", rate) for names, rate in UNFILTERED.items()]
