"""Errors of states: their names, who catches them, and when a failed state is tried again.

Source: Amazon States Language, "Errors"; Step Functions Developer Guide, "Handling errors in Step Functions workflows".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random
from typing import Any

ALL, TASK_FAILED, TIMEOUT = "States.ALL", "States.TaskFailed", "States.Timeout"
HEARTBEAT = "States.HeartbeatTimeout"
RUNTIME, DATA_LIMIT = "States.Runtime", "States.DataLimitExceeded"
PERMISSIONS, NO_CHOICE, INTRINSIC = "States.Permissions", "States.NoChoiceMatched", "States.IntrinsicFailure"
RESULT_PATH, TOLERATED = "States.ResultPathMatchFailure", "States.ExceedToleratedFailureThreshold"
INTERVAL, ATTEMPTS, BACKOFF = 1, 3, 2.0  # of a retrier that does not say
LONGEST = 31_536_000.0  # seconds; no execution lives longer than a year


class StatesError(Exception):
    """An error of a state, by the name that Retry and Catch match; `cause` is for people."""

    def __init__(self, name: str, cause: str = "") -> None:
        super().__init__(f"{name}: {cause}")
        self.name = name
        self.cause = cause

    def output(self) -> dict[str, str]:
        """What a catcher hands on."""
        return {"Error": self.name, "Cause": self.cause}


def runtime(cause: str) -> StatesError:
    """The error that ends an execution whatever catches."""
    return StatesError(RUNTIME, cause)


def matches(names: Sequence[str], error: str) -> bool:
    """Whether `ErrorEquals` takes an error: nothing takes States.Runtime, no wildcard the data limit."""
    if error == RUNTIME:
        return False
    if error in names:
        return True
    if error == DATA_LIMIT:
        return False
    if error in (TIMEOUT, HEARTBEAT):
        return ALL in names or (error == HEARTBEAT and TIMEOUT in names)
    return ALL in names or TASK_FAILED in names


class Retries:
    """How often each retrier of one state has let it be tried again."""

    def __init__(self, retriers: Sequence[Mapping[str, Any]], chance: Random) -> None:
        self._retriers = retriers
        self._chance = chance
        self._made = [0] * len(retriers)

    def pause(self, error: str) -> float | None:
        """Seconds until the next attempt after an error; None where no retrier takes it or its attempts are used up."""
        for number, retrier in enumerate(self._retriers):
            if not matches(retrier["ErrorEquals"], error):
                continue
            if self._made[number] >= retrier.get("MaxAttempts", ATTEMPTS):
                return None
            pause = min(_grown(retrier, self._made[number]), retrier.get("MaxDelaySeconds", LONGEST))
            self._made[number] += 1
            return self._chance.uniform(0, pause) if retrier.get("JitterStrategy") == "FULL" else pause
        return None


def _grown(retrier: Mapping[str, Any], made: int) -> float:
    """Seconds before the next attempt, so many having been made, without a maximum."""
    try:
        return float(retrier.get("IntervalSeconds", INTERVAL) * float(retrier.get("BackoffRate", BACKOFF)) ** made)
    except OverflowError:
        return LONGEST
