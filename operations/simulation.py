"""`palisade simulate`: the real program in a local organisation, broken resources, the loop at work, the proof."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from rich.console import Console
from rich.table import Table
from rich.text import Text

from components.detection import RECONCILE_INPUT
from lambdas.controls import catalog
from lambdas.controls.model import Control, Place, Scope, Verdict
from lambdas.findings import finding_id
from lambdas.names import Names
from operations import local_estate
from operations.scenario import Broken, cases
from operations.scenes import EXEMPT_KEY, EXEMPT_VALUE, SSH, Scene, Stage
from operations.summary import assign, counts, ledger_outcomes
from operations.timeline import Timeline
from simulator.deployment import Deployment, DeploymentError, deploy
from simulator.local import LocalOrganization
from simulator.services.sns import Topics
from simulator.world import partition_of

# When the program is deployed, after the organisation's morning: what a scene shows at midnight is then hours away.
EVENING = timedelta(hours=9)
# In how many accounts something of each control is broken.
PLACES = 2
# What is found is told within this time: CloudTrail knows a quarter of an hour later who made something.
PATIENCE, STEP = timedelta(minutes=45), timedelta(minutes=5)
# Outcomes after which a resource may stay as it is: people know of it.
TOLD = frozenset({"notified", "dry-run", "awaiting-approval", "refused", "limited", "failed", "exempted"})
LABELS = (
    ("broken", "broken"),
    ("remediated", "remediated and proved"),
    ("awaiting_approval", "awaiting approval"),
    ("notified", "people told"),
    ("refused", "refused"),
    ("failed", "failed"),
    ("left_broken", "left broken"),
    ("neighbours_changed", "neighbours changed"),
    ("denied_calls", "denied calls"),
    ("api_calls_per_remediation", "API calls per remediation"),
)


class SimulationError(Exception):
    """The simulation cannot run as asked, with the reason for people."""


@dataclass
class Simulation:
    """One run: the organisation, what was deployed, what was broken."""

    organization: LocalOrganization
    names: Names
    parameters: dict[str, Any]
    seed: int
    timeline: Timeline
    broken: list[Broken] = field(default_factory=list)

    def break_resources(self) -> None:
        """Break resources of every control, each beside a compliant neighbour, in two accounts that take turns.

        The Regions take turns too; what is global is in the home Region.
        """
        chance = random.Random(self.seed)  # noqa: S311 - which case stands where is no secret
        world = self.organization.world
        members = [account.id for account in world.accounts.values() if account.kind == "member"]
        for turn, control in enumerate(catalog().values()):
            queue = _shuffled(cases(control), chance)
            for number in range(turn, turn + min(PLACES, len(members))):
                everywhere = control.scope is Scope.GLOBAL
                region = world.home_region if everywhere else world.regions[number % len(world.regions)]
                self._break(control, next(queue), members[number % len(members)], region)
        self._settle()

    def _break(self, control: Control, case: Any, account: str, region: str) -> None:
        session = self.organization.session(account, region)
        place = Place(partition_of(region), account, region)
        # What an account has once has no neighbour.
        neighbour = control.resource(place, case.neighbour(session, place)) if case.neighbour else None
        resource = control.resource(place, case.broken(session, place))
        self.broken.append(Broken(control, case, resource, neighbour))
        if neighbour is not None and case.settle is None:
            self.broken[-1].neighbour_before = case.state(session, place, neighbour.id)
        self.timeline.note(account, region, "broken by hand", f"{control.id} {resource.arn}: {case.name}")

    def _settle(self) -> None:
        """Let time pass until what takes its time is there, and look at its neighbours as they are then."""
        while waits := [wait for one in self.broken for wait in self._waits(one)]:
            self.organization.advance(min(waits))
        for one in self.broken:
            if one.neighbour is not None and one.case.settle is not None:
                session = self.organization.session(one.resource.account, one.resource.region)
                one.neighbour_before = one.case.state(session, one.resource.place, one.neighbour.id)

    def _waits(self, one: Broken) -> Iterator[timedelta]:
        if one.case.settle is None:
            return
        for built in (one.resource, one.neighbour):
            if built is not None:
                session = self.organization.session(built.account, built.region)
                wait = one.case.settle(session, built.place, built.id)
                if wait:
                    yield wait

    def await_outcomes(self) -> None:
        """Let the loop come to rest; what only the reconciliation finds is found at once, as by its schedule."""
        self.organization.rest()
        end = self.organization.world.agenda.now() + PATIENCE
        self.reconcile({(one.resource.account, one.resource.region) for one in self._unjudged()})
        while self._unjudged() and self.organization.world.agenda.now() < end:
            self.organization.advance(STEP)

    def reconcile(self, places: Iterable[tuple[str, str]]) -> None:
        """Reconcile accounts in Regions now, as their schedule does every six hours."""
        for account, region in sorted(places):
            client = self.organization.session(account, region).client("lambda")
            client.invoke(FunctionName=self.names.detect_function, Payload=json.dumps(RECONCILE_INPUT))

    def _unjudged(self) -> list[Broken]:
        hub = self.organization.session(local_estate.HUB)
        assign(self.broken, ledger_outcomes(hub, self.names, self.timeline.start))
        return [one for one in self.broken if one.outcome is None]

    def conclude(self) -> None:
        """Read back how everything ended: outcomes from the ledger, verdicts and neighbours from the services."""
        self._unjudged()
        self.compare_neighbours()
        for one in self.broken:
            session = self.organization.session(one.resource.account, one.resource.region)
            settings = one.control.read(session, one.resource, None)
            if settings is None:
                one.left = False
                continue
            parameters = one.control.resolve(self.parameters.get(one.control.id, {}), one.resource.region)
            failing = one.control.evaluate(settings, parameters).verdict is Verdict.NON_COMPLIANT
            one.left = failing and one.outcome not in TOLD
            if not failing and one.outcome is None:
                one.reason = "compliant, but no remediation is in the ledger"

    def compare_neighbours(self) -> None:
        """Look at each neighbour as it is now; what was changed once stays changed."""
        for one in self.broken:
            if one.neighbour is not None:
                session = self.organization.session(one.resource.account, one.resource.region)
                after = one.case.state(session, one.resource.place, one.neighbour.id)
                one.neighbour_changed |= after != one.neighbour_before


def run(accounts: int, regions: tuple[str, ...], seed: int, out: Path, console: Console | None = None) -> bool:
    """Run the simulation and write its report into `out`; True where nothing is left broken without an outcome."""
    console = console or Console(stderr=True, highlight=False)
    _check(regions, out)
    start = time.monotonic()
    plan = local_estate.plan_of(accounts)
    with LocalOrganization(plan, home_region=regions[0], regions=regions) as organization:
        with _step(console, f"an organisation of {accounts + 2} accounts in {', '.join(regions)}"):
            local_estate.prepare(organization)
            organization.advance(EVENING)
        with _step(console, "pulumi program deployed: organization, hub, members") as done:
            config = _exempting(organization, local_estate.stack_config(organization))
            deployment = _deployed(organization, config)
            organization.rest()
            done.append(f"{len(deployment.resources)} resources")
        names = Names(config["prefix"])
        topic = f"arn:{organization.world.partition}:sns:{regions[0]}:{local_estate.HUB}:{names.topic}"
        _confirm(organization, config["notifications"], topic)
        timeline = Timeline(organization.world)
        organization.door.watchers.append(timeline.watch)
        begun, before = organization.world.agenda.now(), len(organization.door.log)
        parameters = {name: one.get("parameters", {}) for name, one in config["controls"].items()}
        simulation = Simulation(organization, names, parameters, seed, timeline)
        with _step(console, "resources broken by plain boto3, each beside a compliant neighbour") as done:
            # What the deployment found in every account was remediated since, and is now seen to be.
            members = [one.id for one in organization.world.accounts.values() if one.kind == "member"]
            simulation.reconcile((account, region) for account in members for region in regions)
            organization.rest()
            first = len(organization.door.log)
            simulation.break_resources()
            done.append(f"{len(simulation.broken)} resources, {len(organization.door.log) - first} API calls")
        with _step(console, "the loop runs to rest") as done:
            simulation.await_outcomes()
            simulated = timedelta(seconds=round((organization.world.agenda.now() - begun).total_seconds()))
            done.append(f"{simulated} of simulated time")
        log = organization.door.log[before:]
        simulation.conclude()
        played = _play(console, Stage(organization, names, timeline, simulation.broken))
        simulation.compare_neighbours()
        summary = counts(simulation.broken, log, simulation.names, time.monotonic() - start)
        messages = _messages(organization)
        summary["scenes"] = {scene.title: scene.ending for scene in played}
        _write(out, summary, simulation, messages, regions, str(simulated), played)
    _show(console, summary, simulation, out)
    return not summary["left_broken"] and not summary["neighbours_changed"] and all(scene.held for scene in played)


def _exempting(organization: LocalOrganization, config: dict[str, Any]) -> dict[str, Any]:
    """Add the exemption whose end a scene shows: it holds for the rest of the day."""
    today = organization.world.agenda.now().date().isoformat()
    exemption = {
        "control": SSH,
        "tag": f"{EXEMPT_KEY}={EXEMPT_VALUE}",
        "reason": "auditors look at the host from outside",
        "owner": "audit@example.com",
        "expires": today,
    }
    return {**config, "exemptions": [exemption]}


def _play(console: Console, stage: Stage) -> list[Scene]:
    """Play the scenes, and tell each as it ends."""
    played = []
    start = time.monotonic()
    for scene in stage.play():
        mark = "[dim]--[/dim]" if not scene.played else "[green]ok[/green]" if scene.held else "[red]no[/red]"
        console.print(f"{mark} {scene.title} [dim]({time.monotonic() - start:.1f} s)[/dim]")
        for line in scene.lines:
            console.print(Text(f"     {line}", overflow="ellipsis", no_wrap=True))
        played.append(scene)
        start = time.monotonic()
    return played


def _check(regions: tuple[str, ...], out: Path) -> None:
    """Refuse what would fail at the end only, or in the middle."""
    try:
        local_estate.check_regions(regions)
        out.mkdir(parents=True, exist_ok=True)
    except (local_estate.RegionsError, OSError) as error:
        raise SimulationError(str(error)) from error


def _deployed(organization: LocalOrganization, config: dict[str, Any]) -> Deployment:
    texts = {key: value if isinstance(value, str) else json.dumps(value) for key, value in config.items()}
    try:
        return deploy(organization, "local", texts, (local_estate.HUB, local_estate.pipeline_role(organization)))
    except DeploymentError as error:
        raise SimulationError(f"the program did not deploy: {error}") from error


def _shuffled(offered: Sequence[Any], chance: random.Random) -> Iterator[Any]:
    """Offer the cases in an order of chance, each once before any comes again."""
    while True:
        order = list(offered)
        chance.shuffle(order)
        yield from order


def _confirm(organization: LocalOrganization, addresses: Sequence[str], topic: str) -> None:
    """Confirm the subscriptions, as each addressee does by a click."""
    topics = organization.world.service(Topics)
    for address in addresses:
        organization.do(partial(topics.confirm, topic, address))


def _messages(organization: LocalOrganization) -> dict[str, str]:
    """The messages that people received, by the id of their remediation."""
    topics = organization.world.service(Topics)
    return {mail.attributes.get("remediation", ""): mail.message for mail in organization.do(lambda: topics.mailbox)}


def _write(
    out: Path,
    summary: dict[str, Any],
    simulation: Simulation,
    messages: dict[str, str],
    regions: tuple[str, ...],
    simulated: str,
    played: Sequence[Scene],
) -> None:
    (out / "summary.json").write_text(json.dumps(summary, indent=2) + "\n", encoding="utf-8")
    simulation.timeline.write(out / "timeline.jsonl")
    world = simulation.organization.world
    template = Environment(
        loader=PackageLoader("operations", "."), autoescape=True, undefined=StrictUndefined
    ).get_template("report.html.j2")
    calls = _writer_calls(simulation)
    page = template.render(
        summary=summary,
        labels=LABELS,
        accounts=[
            {"id": one.id, "name": one.name, "kind": one.kind, "unit": " / ".join(one.path)}
            for one in world.accounts.values()
        ],
        regions=regions,
        seed=simulation.seed,
        simulated=simulated,
        broken=[
            {
                "control": one.control.id,
                "case": one.case.name,
                "resource": one.resource.arn,
                "account": one.resource.account,
                "region": one.resource.region,
                "outcome": one.outcome,
                "after": calls.get(one.remediation, ("", 0))[0],
                "calls": calls.get(one.remediation, ("", 0))[1],
                "reason": one.reason,
                "message": messages.get(one.remediation, ""),
            }
            for one in simulation.broken
        ],
        neighbours=[one.neighbour for one in simulation.broken if one.neighbour is not None],
        scenes=played,
        timeline=simulation.timeline.moments,
    )
    (out / "report.html").write_text(page, encoding="utf-8")


def _writer_calls(simulation: Simulation) -> dict[str, tuple[str, int]]:
    """When each remediation made its first change, and how many calls it made as the writer."""
    found: dict[str, tuple[str, int]] = {}
    start = simulation.timeline.start
    for entry in simulation.organization.door.log:
        if entry.source_identity and entry.service != "sts":
            at, number = found.get(entry.source_identity, (str(entry.at - start).split(".")[0], 0))
            found[entry.source_identity] = (at, number + 1)
    return found


@contextmanager
def _step(console: Console, what: str) -> Iterator[list[str]]:
    """Show one step with what came of it and the real seconds that it took."""
    start = time.monotonic()
    said: list[str] = []
    with console.status(what):
        yield said
    text = f"{what}: {'; '.join(said)}" if said else what
    console.print(f"[green]ok[/green] {text} [dim]({time.monotonic() - start:.1f} s)[/dim]")


def _show(console: Console, summary: dict[str, Any], simulation: Simulation, out: Path) -> None:
    _show_walk(console, simulation)
    for one in simulation.broken:
        if one.left or one.neighbour_changed:
            console.print(
                f"[red]{one.control.id}[/red] {one.resource.arn}: {one.case.name}: {one.outcome}, {one.reason}"
            )
    table = Table(show_header=False, box=None)
    for name, label in LABELS:
        table.add_row(label, str(summary[name]))
    table.add_row("seconds", str(summary["seconds"]))
    console.print(table)
    console.print(f"report: {out / 'report.html'}")


def _show_walk(console: Console, simulation: Simulation) -> None:
    """Show the timeline of one resource that has a name of its own; that of all is in the report."""
    named = [one for one in simulation.broken if one.control.by_rule and one.neighbour is not None]
    one = next((one for one in named if one.outcome == "remediated"), None)
    if one is None:
        return
    console.print(f"\n[bold]{one.control.id}[/bold] {one.resource.arn}")
    walk = Table(show_header=False, box=None, pad_edge=False)
    names = (one.resource.id, finding_id(one.control, one.resource))
    for moment in simulation.timeline.moments:
        if any(name in moment.detail for name in names):
            walk.add_row(moment.at, moment.what, Text(moment.detail, overflow="ellipsis", no_wrap=True))
    console.print(walk)
