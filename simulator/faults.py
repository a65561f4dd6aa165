"""Faults that an organisation is told to have: throttles, errors, denials, time-outs, killed functions.

A fault is a rule that strikes calls of clients (functions, people, the program) at the front door. Calls that
AWS's services make among themselves it leaves alone: their own retries are part of each service. Tasks of Step
Functions are clients too: their retries are part of the definition.
"""

from __future__ import annotations

import hashlib
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from fnmatch import fnmatchcase

from simulator.call import Call, ServiceError
from simulator.iam.denials import denial
from simulator.lambda_runner import Killed
from simulator.throttling import throttled

READ_TIMEOUT = 60.0  # seconds; botocore's default


class Kind(StrEnum):
    """What a client gets instead of its answer."""

    THROTTLE = "throttle"  # the service's own throttling error, which SDKs retry
    ERROR = "error"  # the service's 500 or 503, which SDKs retry
    DENY = "deny"  # the service's access denied
    TIMEOUT = "timeout"  # silence: a read timeout in the process; through a port, until the client gives up
    KILL = "kill"  # nothing more: the function that calls ends where it stands


class NoAnswer(Exception):
    """The client gets no answer: in the process it has a read timeout, through a port it waits until it gives up."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One rule. Names are patterns with `*`; of the calls that match, one or every so many is struck.

    `account` owns what is addressed; `principal` is the caller's ARN as the front door's log has it. `nth` strikes
    one call alone, counted from 1; `every` each so many; `chance` a share of them by `seed` and by what the call is.
    `status` is an error's (500 or 503), `seconds` how long the client of a time-out waits.
    """

    kind: Kind
    service: str = "*"
    operation: str = "*"
    account: str = "*"
    region: str = "*"
    principal: str = "*"
    nth: int | None = None
    every: int = 1
    chance: float = 1.0
    seed: int = 0
    after_effect: bool = False
    status: int = 500
    seconds: float = READ_TIMEOUT

    def __post_init__(self) -> None:
        if self.every < 1 or (self.nth is not None and self.nth < 1):
            raise ValueError(f"calls are counted from 1: nth={self.nth}, every={self.every}")
        if not 0 <= self.chance <= 1:
            raise ValueError(f"chance={self.chance}: a share is between 0 and 1")
        if self.status not in (500, 503):
            raise ValueError(f"status={self.status}: a service that fails answers 500 or 503")

    def matches(self, call: Call) -> bool:
        """Whether the rule speaks of a call."""
        return (
            fnmatchcase(call.service, self.service)
            and fnmatchcase(call.operation, self.operation)
            and fnmatchcase(call.account, self.account)
            and fnmatchcase(call.region, self.region)
            and fnmatchcase(call.caller.arn, self.principal)
        )

    def chooses(self, number: int, call: Call) -> bool:
        """Whether the rule strikes the matching call of this number."""
        if self.nth is not None:
            return number == self.nth
        return number % self.every == 0 and _share(self.seed, call.request_id) < self.chance


@dataclass
class Faults:
    """The faults of one organisation.

    `run` does something on the owner thread; `in_function` says whether a function makes the present call;
    `drop` loses a share of Config's events by a seed.
    """

    run: Callable[[Callable[[], None]], None]
    in_function: Callable[[], bool]
    drop: Callable[[int, float], None]
    rules: list[Fault] = field(default_factory=list)
    _seen: Counter[int] = field(default_factory=Counter)
    _struck: Counter[int] = field(default_factory=Counter)

    def __bool__(self) -> bool:
        return bool(self.rules)

    def add(self, fault: Fault) -> None:
        """Let a fault strike from the next call on; of several that choose a call, the first added strikes."""
        self.run(lambda: self.rules.append(fault))

    def clear(self) -> None:
        """End all faults and forget what they counted."""

        def forget() -> None:
            for kept in (self.rules, self._seen, self._struck):
                kept.clear()

        self.run(forget)

    def drop_config_events(self, share: float, seed: int = 0) -> None:
        """Lose a share (0 to 1) of AWS Config's compliance events, which are best effort; 0 loses none."""
        self.run(lambda: self.drop(seed, share))

    def struck(self, fault: Fault) -> int:
        """How often a fault has struck."""
        return sum(self._struck[number] for number, one in enumerate(self.rules) if one is fault)

    def before(self, call: Call) -> Fault | None:
        """Strike a call that was admitted and has no effect yet; return the fault that is to strike after it."""
        chosen = None
        for number, fault in enumerate(self.rules):
            if not fault.matches(call) or (fault.kind is Kind.KILL and not self.in_function()):
                continue
            self._seen[number] += 1
            if chosen is None and fault.chooses(self._seen[number], call):
                chosen = fault
                self._struck[number] += 1
        if chosen is None or chosen.after_effect:
            return chosen
        self.strike(chosen, call)
        return None

    def strike(self, fault: Fault, call: Call) -> None:
        """Raise what the client gets instead of its answer."""
        if fault.kind is Kind.THROTTLE:
            raise throttled(call.service)
        if fault.kind is Kind.ERROR:
            raise _failure(call.service, fault.status)
        if fault.kind is Kind.DENY:
            because = "because an injected fault denies it"
            raise denial(call.service, call.caller, f"{call.service}:{call.operation}", "*", because)
        if fault.kind is Kind.KILL:
            raise Killed
        if self.in_function():
            time.sleep(fault.seconds)  # the runner's: the organisation's time, and the function's own limit
        raise NoAnswer(f"{call.service}:{call.operation}: an injected fault gives no answer")


def _share(seed: int, request_id: str) -> float:
    digest = hashlib.blake2b(f"{seed}|{request_id}".encode(), digest_size=8).digest()
    return int.from_bytes(digest) / 2**64


def _failure(service: str, status: int) -> ServiceError:
    """The error of a service that fails. Source: "Common errors" of the API references; S3's "Error responses"."""
    if status == 503:
        code, text = "ServiceUnavailable", "The request has failed due to a temporary failure of the server."
    else:
        code = "InternalError" if service in ("s3", "s3control", "ec2") else "InternalFailure"
        text = "We encountered an internal error. Please try again."
    return ServiceError(code, text, status)
