"""What the parameters of a change can hold that is not known when it is planned."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Ref:
    """The result of an earlier change of the plan, picked from its response by a JMESPath."""

    change: str
    path: str


@dataclass(frozen=True, slots=True)
class Ago:
    """A time in the parameters of a `Probe`: so many seconds before it asks."""

    seconds: int


@dataclass(frozen=True, slots=True)
class Token:
    """A client token of a change (a UUID): the same in every run of one remediation, another in the next.

    A service that is asked again with a token answers with what it made the first time, long after that has failed or
    is gone: a token that followed from the plan alone would bring it back for good.
    """

    change: str
