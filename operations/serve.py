"""`palisade serve`: a local organisation kept alive on the real clock, with an endpoint for any AWS client."""

from __future__ import annotations

import json
import logging
import os
import resource
import signal
import tempfile
import threading
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path

from moto.core.request import Request
from rich.console import Console

from lambdas.names import Names
from operations import local_estate, serve_environment
from operations.advance import LONGEST, AdvanceError, ask
from operations.engine import EngineError
from operations.serve_engine import ByHand, by_hand
from simulator.deployment import DeploymentError, deploy
from simulator.local import LocalOrganization
from simulator.owner import OrganizationClosed
from simulator.port import ControlError, Port, PortTaken
from simulator.services.sns import Topics
from simulator.wire import Answer

SETTLING = timedelta(hours=6)
CONNECTIONS = 65_536


class ServeError(Exception):
    """The organisation cannot be served as asked, with the reason for people."""


class Served:
    """An organisation as the loopback port sees it: its door, and what is no AWS call."""

    def __init__(self, organization: LocalOrganization, profiles: Path) -> None:
        self._organization = organization
        self._profiles = profiles
        self._advancing = threading.Lock()
        self.home_region = organization.world.home_region
        self.clock = organization.world.agenda.clock

    def answer(self, request: Request) -> Future[Answer]:
        """Hand a request to the front door."""
        return self._organization.answer(request)

    def control(self, name: str, given: Mapping[str, object]) -> Mapping[str, object]:
        """Answer `status` and `advance` (seconds); raises ControlError."""
        if name == "advance":
            self._advance(given.get("seconds"))
        elif name != "status":
            raise ControlError(404, f"there is no control request {name!r}; there are status and advance")
        return {
            "process": os.getpid(),
            "now": self.clock.now().isoformat(timespec="seconds"),
            "offset_seconds": round(self._organization.offset().total_seconds(), 3),
        }

    def _advance(self, seconds: object) -> None:
        if isinstance(seconds, bool) or not isinstance(seconds, (int, float)):
            raise ControlError(400, "advance takes a number of seconds")
        if not 0 < seconds <= LONGEST.total_seconds():
            raise ControlError(400, f"the clock only advances, and by {LONGEST.days} days at most")
        with self._advancing:  # two at once would overlap instead of adding up
            try:
                self._organization.advance(timedelta(seconds=seconds))
            except OrganizationClosed as error:
                raise ControlError(503, str(error)) from error
            self.write_profiles()

    def write_profiles(self) -> None:
        """Write the accounts' profiles for people."""
        self._profiles.write_text(serve_environment.profiles(self._organization.world), encoding="utf-8")


@dataclass(frozen=True, slots=True)
class Running:
    """An organisation that is served: where, for whom, and until when."""

    organization: LocalOrganization
    port: int
    endpoint: str
    variables: Mapping[str, str]
    hand: ByHand | None
    ending: Ending


def serve(port: int, accounts: int, regions: Sequence[str], *, bare: bool, as_json: bool) -> None:
    """Serve until SIGINT or SIGTERM; raises ServeError."""
    keep(port, accounts, regions, lambda running: print(_told(running, as_json=as_json), flush=True), bare=bare)


def keep(port: int, accounts: int, regions: Sequence[str], begin: Callable[[Running], None], *, bare: bool) -> None:
    """Serve, `begin`, and go on until SIGINT or SIGTERM; raises ServeError, and what `begin` raises."""
    try:
        local_estate.check_regions(regions)
    except local_estate.RegionsError as error:
        raise ServeError(str(error)) from error
    console = Console(stderr=True, highlight=False)
    logging.basicConfig(format="palisade: %(levelname)s %(name)s: %(message)s")
    warnings.filterwarnings("ignore", message=r"Exception\(WireError\)")  # moto's, of errors that its models lack
    _forget_own_clients()
    _allow_connections()
    with _ended_by_signals() as ending, _port(port) as listener:
        plan = local_estate.plan_of(accounts)
        organization = LocalOrganization(plan, home_region=regions[0], regions=tuple(regions), real_time=True)
        with organization, tempfile.TemporaryDirectory(prefix="palisade-serve-") as folder:
            # Set-up makes calls all the time: with the door closed, the next one ends it.
            ending.then(organization.owner.close)
            profiles = Path(folder) / "config"
            served = Served(organization, profiles)
            with ExitStack() as stack:
                try:
                    _set_up(organization, console, bare=bare)
                    hand = stack.enter_context(by_hand(organization, Path(folder) / "pulumi")) if bare else None
                    variables = serve_environment.environment(
                        listener.endpoint, organization.administrator(), organization.world.home_region, profiles
                    )
                except (OrganizationClosed, DeploymentError, EngineError) as error:
                    if ending.is_set():
                        return
                    raise ServeError(str(error)) from error
                served.write_profiles()
                listener.open(served)
                try:
                    begin(Running(organization, listener.number, listener.endpoint, variables, hand, ending))
                    ending.wait()
                finally:
                    listener.close()


class Ending:
    """Set once by a signal; then what was asked for is done, on a thread of its own."""

    def __init__(self) -> None:
        self._event = threading.Event()
        self.is_set = self._event.is_set
        self.set = self._event.set
        self.wait = self._event.wait

    def then(self, work: Callable[[], None]) -> None:
        """Do something when the end has come. The thread that a signal interrupts may hold locks."""

        def watch() -> None:
            self._event.wait()
            work()

        threading.Thread(target=watch, name="ending", daemon=True).start()


@contextmanager
def _ended_by_signals() -> Iterator[Ending]:
    """Take SIGINT and SIGTERM; a second one ends the process at once, as without us."""
    ending = Ending()
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def end(number: int, _: object) -> None:
        signal.signal(number, signal.SIG_DFL)
        ending.set()

    for number in before:
        signal.signal(number, end)
    try:
        yield ending
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _port(number: int) -> Iterator[Port]:
    """Take the port first: whoever cannot have it should not wait for a deployment."""
    try:
        listener = Port(number)
    except PortTaken as error:
        raise ServeError(f"{_who_is_there(number)}; end it, or take another port by --port") from error
    try:
        yield listener
    finally:
        listener.close()


def _who_is_there(number: int) -> str:
    try:
        status = ask(number, "status")
    except AdvanceError as error:
        known = "not ready" in str(error)
        return f"port {number}: `palisade serve` already starts there" if known else f"port {number} is in use"
    return f"port {number}: `palisade serve` already runs there (process {status['process']})"


def _set_up(organization: LocalOrganization, console: Console, *, bare: bool) -> None:
    """Make what a platform team has before Palisade, and deploy the program; raises DeploymentError."""
    with console.status("the organisation is founded"):
        local_estate.prepare(organization)
    if not bare:
        with console.status("the program is deployed"):
            _deploy(organization)
    with console.status("what is under way comes to rest"):
        _settle(organization)
        organization.settled()


def _deploy(organization: LocalOrganization) -> None:
    config = local_estate.stack_config(organization)
    texts = {key: value if isinstance(value, str) else json.dumps(value) for key, value in config.items()}
    deploy(organization, "local", texts, (local_estate.HUB, local_estate.pipeline_role(organization)))
    topics, names, world = organization.world.service(Topics), Names(config["prefix"]), organization.world
    topic = f"arn:{world.partition}:sns:{world.home_region}:{local_estate.HUB}:{names.topic}"
    for address in config["notifications"]:
        organization.do(partial(topics.confirm, topic, address))


def _settle(organization: LocalOrganization) -> None:
    """Let what the deployment set off come to its end, step by step, so that a signal is heard in between."""
    agenda = organization.world.agenda
    end = organization.do(agenda.now) + SETTLING
    while organization.do(lambda: agenda.busy() and agenda.step(until=end)):
        pass


def _told(running: Running, *, as_json: bool) -> str:
    world, hand = running.organization.world, running.hand
    if as_json:
        known = {**running.variables, **(hand.variables if hand else {})}
        return json.dumps(serve_environment.description(running.endpoint, known, world))
    told = serve_environment.for_people(running.port, running.variables, world)
    return f"{told}\n\n{hand.for_people()}" if hand else told


def _forget_own_clients() -> None:
    """Drop what the shell tells AWS clients: it may point at another endpoint, or at a profile that is not here."""
    for name in [one for one in os.environ if one.startswith("AWS_")]:
        del os.environ[name]


def _allow_connections() -> None:
    """Let clients keep as many connections as the system allows: a scanner has some for each service and Region."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    allowed = CONNECTIONS if most == resource.RLIM_INFINITY else min(most, CONNECTIONS)
    resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, most))
