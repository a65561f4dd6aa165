"""DynamoDB transactions that meet others: what was cancelled by a conflict alone is tried again.

Source: DynamoDB Developer Guide, "Transaction conflict handling in DynamoDB"; the SDK does not retry a
TransactionCanceledException.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import TypeVar

from botocore.exceptions import ClientError

Answer = TypeVar("Answer")

# Counters of the whole organisation are in every remediation's transaction, and ten run at a time.
PAUSES = (0.05, 0.1, 0.2, 0.4, 0.8, 1.6)
PASSING = frozenset({"None", "TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"})


def patiently(call: Callable[[], Answer]) -> Answer:
    """Make a transaction, again where only a conflict cancelled it; raises the last error."""
    for pause in PAUSES:
        try:
            return call()
        except ClientError as error:
            reasons = error.response.get("CancellationReasons") or []
            if not reasons or any(reason.get("Code") not in PASSING for reason in reasons):
                raise
        time.sleep(pause * random.uniform(0.5, 1.5))  # noqa: S311 - runs that collided must not collide again
    return call()
