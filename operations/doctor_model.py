"""What the doctor finds: one check of one place, from what blocks the first `up` to what is well."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from operations.account_access import FAILURES, said


class Level(StrEnum):
    """How bad it is. What could not be read is neither well nor in the way: nobody knows."""

    BLOCKS = "blocks"
    WARNS = "warns"
    UNREAD = "unread"
    OK = "ok"


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at; `region` is empty for what an account has once."""

    level: Level
    account: str
    region: str
    topic: str
    told: str
    remedy: str = ""

    def line(self) -> dict[str, Any]:
        """The check as JSON."""
        return {
            "check": self.topic,
            "level": self.level.value,
            "account": self.account,
            "region": self.region or None,
            "told": self.told,
            "remedy": self.remedy or None,
        }


@dataclass
class Notes:
    """The checks of one account, or of one Region of it, as they are made."""

    account: str
    region: str = ""
    checks: list[Check] = field(default_factory=list)

    def ok(self, topic: str, told: str) -> None:
        """Nothing is in the way."""
        self.checks.append(Check(Level.OK, self.account, self.region, topic, told))

    def warns(self, topic: str, told: str, remedy: str) -> None:
        """It deploys, and somebody should know or do something."""
        self.checks.append(Check(Level.WARNS, self.account, self.region, topic, told, remedy))

    def blocks(self, topic: str, told: str, remedy: str) -> None:
        """The deployment, or the loop, will not work until something is done."""
        self.checks.append(Check(Level.BLOCKS, self.account, self.region, topic, told, remedy))

    def unread(self, topic: str, told: str) -> None:
        """It could not be looked at."""
        remedy = "look with credentials that may read it (--role), or by hand"
        self.checks.append(Check(Level.UNREAD, self.account, self.region, topic, told, remedy))

    @contextmanager
    def reading(self, topic: str) -> Iterator[None]:
        """Look at one thing; what AWS does not let us read is noted as unread."""
        try:
            yield
        except FAILURES as error:
            self.unread(topic, said(error))
