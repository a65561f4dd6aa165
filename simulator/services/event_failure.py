"""What a failed delivery means: try again, or give it to the dead-letter queue.

Source: EventBridge User Guide, "Retrying event delivery" and "Using dead-letter queues to process
undelivered events"; SNS Developer Guide, "Message delivery retries": a missing permission or target
is never retried, throttling and faults of the target's service are.
"""

from __future__ import annotations

from dataclasses import dataclass

from simulator.call import ServiceError

THROTTLING = frozenset(
    {
        "Throttling", "ThrottlingException", "ThrottledException", "TooManyRequestsException", "RequestThrottled",
        "RequestLimitExceeded", "ProvisionedThroughputExceededException", "SlowDown", "EC2ThrottledException",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Failure:
    """A failed attempt as EventBridge names it in the dead-letter queue's message."""

    code: str
    message: str
    retried: bool


def failure_of(error: ServiceError) -> Failure:
    """Judge an error that a target's service answered.

    What the local organisation does not simulate is no failure of the delivery: it is raised again.
    """
    if error.code == "NotImplemented":
        raise error
    if error.code in THROTTLING:
        return Failure("THROTTLING", error.message, retried=True)
    if error.status >= 500:
        return Failure("INTERNAL_ERROR", error.message, retried=True)
    lowered = error.code.lower()
    if error.status == 403 or any(word in lowered for word in ("denied", "authorization", "unauthorized")):
        return Failure("NO_PERMISSIONS", error.message, retried=False)
    if error.status == 404 or any(word in lowered for word in ("notfound", "nonexistent", "doesnotexist")):
        return Failure("NO_RESOURCE", error.message, retried=False)
    return Failure("SDK_CLIENT_ERROR", error.message, retried=False)
