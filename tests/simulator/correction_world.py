"""The real front door with everybody allowed: for tests of what we correct over moto."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, cast

from moto import mock_aws

from simulator.agenda import Agenda
from simulator.call import Call, Caller
from simulator.door import FrontDoor
from simulator.service import Service
from simulator.world import Account, World

os.environ.setdefault("MOTO_EC2_LOAD_DEFAULT_AMIS", "false")
ACCOUNT = "111122223333"
OTHER = "444455556666"
REGION = "eu-central-1"


class StillClock:
    """A clock that only the agenda moves."""

    def __init__(self) -> None:
        self.moment = datetime(2026, 3, 1, 12, tzinfo=UTC)

    def now(self) -> datetime:
        return self.moment

    def forward(self, moment: datetime) -> None:
        self.moment = max(moment, self.moment)


class AllowAll:
    """An authorizer that denies nothing and remembers who owns what was asked for."""

    def __init__(self) -> None:
        self.owners: list[str] = []

    def authorize(self, call: Call) -> None:
        self.owners.append(call.account)


@dataclass
class Desk:
    """Calls of one account to one service."""

    world: World
    service: str
    allowed: AllowAll
    account: str = ACCOUNT
    region: str = REGION

    def ask(self, operation: str, *, by: str | None = None, region: str | None = None, **parameters: Any) -> Any:
        account = by or self.account
        caller = Caller(f"arn:aws:iam::{account}:root", account, "root")
        return self.world.call(caller, self.service, operation, parameters, region=region or self.region)

    @property
    def corrected(self) -> Any:
        return self.world.services[self.service]


@contextmanager
def desk(service: Callable[[World], Service] | str) -> Iterator[Desk]:
    """Set up one service of ours over moto, or moto alone where its name is given."""
    with mock_aws():
        world = World(Agenda(StillClock()), REGION, (REGION,), organization_id="o-abcdefghij")
        world.accounts = {one: Account(one, one, "member") for one in (ACCOUNT, OTHER)}
        allowed = AllowAll()
        world.door = FrontDoor(world, cast("Any", None), allowed)
        name = service if isinstance(service, str) else service(world)
        if isinstance(name, Service):
            world.services = {name.name: name}
            name = name.name
        yield Desk(world, name, allowed)
