"""A local organisation, put together: accounts, services, the front door, one owner thread."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable
from concurrent.futures import Future
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import TypeVar

import boto3

# Hundreds of default images per account and Region would be loaded; no control needs them.
os.environ.setdefault("MOTO_EC2_LOAD_DEFAULT_AMIS", "false")

from moto.core.base_backend import BackendDict
from moto.core.request import Request

from simulator import hook
from simulator.agenda import Agenda
from simulator.assembly import build_services
from simulator.clock import OffsetClock, SimulatedClock
from simulator.door import FrontDoor
from simulator.faults import Faults
from simulator.founding import OrganizationPlan, found
from simulator.function_urls import FunctionUrls
from simulator.iam.authorizer import Authorizer
from simulator.identity import Credentials, Identities
from simulator.owner import Owner
from simulator.rates import Rates
from simulator.services.cloudtrail import CloudTrail
from simulator.services.config_service import ConfigService
from simulator.services.lambda_functions import LambdaFunctions
from simulator.services.organizations import ACCESS_ROLE, give_access
from simulator.wire import Answer
from simulator.world import World

Result = TypeVar("Result")
START = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
ADMINISTRATOR = "Administrator"
# A session with so much of its hour left is given out again: making one takes longer than what it is made for.
ALMOST_AN_HOUR = timedelta(minutes=55)
KEPT_CALLS = 10_000  # in the log of an organisation that is kept alive

_opened: list[LocalOrganization] = []


class LocalOrganization:
    """An AWS organisation in this process, in simulated time; a context manager.

    In-process AWS clients made while it is open enter its front door. Leave it, and moto's state
    and the clock are given back.
    """

    def __init__(self, plan: OrganizationPlan, *, home_region: str, regions: tuple[str, ...], real_time: bool = False):
        self.plan = plan
        self._clock: SimulatedClock | OffsetClock = OffsetClock() if real_time else SimulatedClock(START)
        self.world = World(Agenda(self._clock), home_region, regions)
        self.identities = Identities(self.world)
        self.authorizer = Authorizer(self.world, self.identities)
        self.door = self.world.door = FrontDoor(self.world, self.identities, self.authorizer)
        if real_time:
            self.door.keep_last(KEPT_CALLS)
            self.authorizer.keep_last(KEPT_CALLS)
        self.owner = Owner(self.world.agenda if real_time else None)
        self.rates = self.door.rates = Rates(self.world.agenda, self._in_function, waits=not real_time)
        self.faults = self.door.faults = Faults(self.do, self._in_function, self._drop_config_events)
        # Accounts that Organizations did not create: people enter them by a role of their own.
        self._apart = tuple(planned.id for planned in plan.accounts if planned.kind == "standalone")
        self._sessions: dict[tuple[str, str], tuple[datetime | None, boto3.Session]] = {}

    def __enter__(self) -> LocalOrganization:
        """Found the organisation and open its door."""
        _reset_moto()
        self.do(self._found)
        hook.open_door(self._handle)
        _opened.append(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Close the door and give clock and state back."""
        _opened.remove(self)
        hook.close_door(self._handle)
        self.owner.close()
        self._clock.close()
        _reset_moto()
        gc.unfreeze()
        gc.collect()

    def settled(self) -> None:
        """Say that what is to live on stands: the garbage collector passes over it until the organisation is left.

        A full round of it over accounts, service models and modules stops every thread for half a second and more.
        """
        gc.collect()
        gc.freeze()

    def do(self, work: Callable[[], Result]) -> Result:
        """Do something on the owner thread."""
        return self.owner.run(work)

    def session(self, account: str, region: str | None = None) -> boto3.Session:
        """Return an administrator's session in an account: the management account's, or by its access role."""
        region = region or self.world.home_region
        expires, known = self._sessions.get((account, region), (None, None))
        if known is not None and (expires is None or expires - self.do(self.world.agenda.now) > ALMOST_AN_HOUR):
            return known
        credentials = self._entered(account, region)
        session = _session(credentials, region)
        self._sessions[account, region] = (credentials.expiration, session)
        return session

    def rest(self, limit: timedelta = timedelta(hours=6)) -> None:
        """Let the loop run until nothing is under way."""
        self.do(lambda: self.world.agenda.rest(limit))

    def advance(self, duration: timedelta) -> None:
        """Let time pass, with everything that is due in it; calls of others are answered in between."""
        agenda = self.world.agenda
        end = self.do(agenda.now) + duration
        while self.do(lambda: agenda.step(until=end)):
            pass
        self.do(lambda: self._clock.forward(end))

    def answer(self, request: Request) -> Future[Answer]:
        """Hand a request to the front door without waiting for its answer."""
        return self.owner.submit(lambda: self.door.handle(request))

    def offset(self) -> timedelta:
        """How far the organisation's clock is ahead of the real one; nothing where it is simulated."""
        return self._clock.offset() if isinstance(self._clock, OffsetClock) else timedelta()

    def administrator(self) -> Credentials:
        """Lasting credentials of the management account's administrator."""
        return self.do(lambda: self.identities.administrator(self.world.management))

    def _entered(self, account: str, region: str) -> Credentials:
        if account == self.world.management:
            return self.administrator()
        if account in self._apart:
            return self.do(lambda: self.identities.administrator(account))
        role = f"arn:{self.world.partition}:iam::{account}:role/{ACCESS_ROLE}"
        sts = self.session(self.world.management, region).client("sts")
        entered = sts.assume_role(RoleArn=role, RoleSessionName="administrator")
        return self.identities.credentials(entered["Credentials"])

    def _in_function(self) -> bool:
        return self.world.service(LambdaFunctions).invocations.runner.running

    def _drop_config_events(self, seed: int, share: float) -> None:
        self.world.service(ConfigService).drop_events(seed, share)

    def _handle(self, request: Request) -> Answer:
        return self.owner.run(lambda: self.door.handle(request))

    def _found(self) -> None:
        self.world.services.update(build_services(self.world, self.identities))
        self.door.urls = FunctionUrls(self.world, self.identities)
        self.door.recorder = self.world.services["config"]  # type: ignore[assignment]
        self.door.trail = self.world.service(CloudTrail)
        found(self.world, self.plan)
        # The root of an account cannot assume roles: people enter the management account by a role.
        for account in (self.plan.management, *self._apart):
            give_access(account, account, self.world.partition, ADMINISTRATOR)


def opened() -> LocalOrganization:
    """Return the organisation that in-process clients enter: who has but a session may need what no API does."""
    return _opened[-1]


def _session(credentials: Credentials, region: str) -> boto3.Session:
    return boto3.Session(
        aws_access_key_id=credentials.access_key_id,
        aws_secret_access_key=credentials.secret_access_key,
        aws_session_token=credentials.session_token,
        region_name=region,
    )


def _reset_moto() -> None:
    """Empty moto's backends: they are the process's, not ours."""
    BackendDict.reset()
