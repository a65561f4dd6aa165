"""What people do in the simulation after the loop has run, and what befalls it: each scene by the product's own ways.

People answer at the endpoint with the credentials of their role, as `palisade approve` does; what befalls the loop are
faults of the local organisation. A scene says whether the loop held what it promises; nothing is staged for it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from boto3.session import Session

from lambdas.controls import catalog
from lambdas.controls.model import Place, Resource, Verdict
from lambdas.findings import finding_id, product_arn
from lambdas.names import Names
from operations import local_estate
from operations.hub import Hub
from operations.scenario import Broken, cases
from operations.summary import LedgerOutcome, ledger_outcomes
from operations.timeline import Timeline
from simulator.faults import Fault, Kind
from simulator.local import LocalOrganization
from simulator.world import partition_of

SSH = "EC2.13"
# The tag of the exemption that the simulation deploys, and when it ends: on the first evening.
EXEMPT_KEY, EXEMPT_VALUE = "exempt", "until-the-audit"
SWEEPS = timedelta(minutes=15)


class SceneError(Exception):
    """The organisation has nothing to play a scene with."""


class LostError(Exception):
    """What a scene is about is not where the loop should have left it."""


@dataclass(slots=True)
class Scene:
    """One scene: what it shows, what happened in order, and whether the loop held what it promises.

    One that this organisation has nothing to play with is not `played`: it shows nothing.
    """

    title: str
    lines: list[str] = field(default_factory=list)
    held: bool = True
    played: bool = True

    @property
    def ending(self) -> str:
        """How it ended, in a word or two."""
        return ("held" if self.held else "not as promised") if self.played else "not played"

    def say(self, text: str, *, held: bool = True) -> None:
        """Tell what happened; what is not as promised makes the scene fail."""
        self.lines.append(text if held else f"NOT AS PROMISED: {text}")
        self.held = self.held and held


@dataclass
class Stage:
    """The deployed organisation, after the loop has run over everything that was broken."""

    organization: LocalOrganization
    names: Names
    timeline: Timeline
    broken: Sequence[Broken]
    exempted: Broken = field(init=False)

    def play(self) -> Iterator[Scene]:
        """Play all scenes, one after the other; what is exempted waits for the evening meanwhile."""
        self.exempted = self.breaks(self.members()[-1], [{"Key": EXEMPT_KEY, "Value": EXEMPT_VALUE}])
        self.organization.rest()
        for act in (approval, long_plan, undo, breaker, exemption):
            scene = Scene((act.__doc__ or "").partition("\n")[0].rstrip("."))
            try:
                act(self, scene)
            except SceneError as error:
                scene.say(str(error))
                scene.played = False
            except LostError as error:
                scene.say(str(error), held=False)
            yield scene

    def person(self, name: str) -> Session:
        """A session of the approvers' role in the hub, named as its person."""
        hub, world = self.organization.session(local_estate.HUB), self.organization.world
        role = local_estate.approvers_role(self.organization)
        keys = hub.client("sts").assume_role(RoleArn=role, RoleSessionName=name)["Credentials"]
        return Session(keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"], world.home_region)

    def ask(self, person: str, action: str, remediation: str, reason: str) -> None:
        """Ask the endpoint for something, and let the loop do it."""
        hub = Hub(self.person(person), self.organization.world.home_region, self.names)
        hub.ask(hub.endpoint(), {"action": action, "remediation": remediation, "reason": reason})
        self.organization.rest()

    def outcomes(self, one: Broken) -> list[LedgerOutcome]:
        """What the ledger says of a resource, oldest first."""
        all_of_them = ledger_outcomes(self.organization.session(local_estate.HUB), self.names)
        wanted = (one.control.id, one.resource.region, one.resource.arn)
        return [known for known in all_of_them if (known.control, known.region, known.resource) == wanted]

    def last(self, one: Broken) -> LedgerOutcome:
        """The last outcome of a resource; raises LostError where the ledger has none."""
        known = self.outcomes(one)
        if not known:
            raise LostError(f"the ledger says nothing of {one.resource.arn}")
        return known[-1]

    def asked(self, *, slow: bool) -> tuple[Broken, LedgerOutcome]:
        """The question with the most changes that take time, or that do not, and its resource; SceneError for none."""
        waiting = [(one, self.outcomes(one)) for one in self.broken if one.outcome == "awaiting-approval"]
        questions = [(one, known) for one, every in waiting for known in every if known.question and known.slow is slow]
        if not questions:
            taking = "time" if slow else "no time"
            raise SceneError(f"nothing of this run has a plan that takes {taking} and waits for a person's approval")
        return max(questions, key=lambda found: found[1].changes)

    def verdict(self, one: Broken) -> Verdict:
        """What the control says of the resource as it is now, without parameters of its own."""
        session = self.organization.session(one.resource.account, one.resource.region)
        settings = one.control.read(session, one.resource, None)
        if settings is None:
            raise LostError(f"{one.resource.arn} is gone")
        return one.control.evaluate(settings, one.control.resolve({}, one.resource.region)).verdict

    def statuses(self, one: Broken) -> list[str]:
        """The workflow statuses that our finding has had, in order."""
        identifier: Any = {"Id": finding_id(one.control, one.resource), "ProductArn": product_arn(one.resource)}
        client = self.organization.session(local_estate.HUB).client("securityhub")
        records = client.get_finding_history(FindingIdentifier=identifier)["Records"]
        said = [str(change.get("NewValue")) for record in reversed(records) for change in record.get("Updates", ())]
        return [word for one in said for word in ("SUPPRESSED", "NEW", "RESOLVED") if word in one]

    def breaks(self, account: str, tags: Sequence[dict[str, str]] = ()) -> Broken:
        """Open a security group to the world, as people do by hand; it gets its tags before anybody looks."""
        control, region = catalog()[SSH], self.organization.world.home_region
        case = cases(control)[0]
        session, place = self.organization.session(account, region), Place(partition_of(region), account, region)
        resource = control.resource(place, case.broken(session, place))
        if tags:
            session.client("ec2").create_tags(Resources=[resource.id], Tags=list(tags))
        self.timeline.note(account, region, "broken by hand", f"{control.id} {resource.arn}: {case.name}")
        return Broken(control, case, resource, None)

    def members(self) -> list[str]:
        """The ids of the member accounts."""
        return [one.id for one in self.organization.world.accounts.values() if one.kind == "member"]

    def first(self, wanted: Callable[[Broken], bool], what: str) -> Broken:
        """The first resource of the run that is wanted; raises SceneError where there is none."""
        found = next((one for one in self.broken if wanted(one)), None)
        if found is None:
            raise SceneError(f"nothing of this run {what}")
        return found


def approval(stage: Stage, scene: Scene) -> None:
    """A plan waits for people, is approved by a person by name, and is then made and proved."""
    one, asked = stage.asked(slow=False)
    scene.say(f"{one.control.id} on {_short(one.resource)} awaits approval: {asked.reason}")
    stage.ask("alice", "approve", asked.remediation, "agreed with the team")
    ended = stage.last(one)
    scene.say(
        f"alice approved {asked.remediation} at the endpoint: {ended.outcome}, {ended.reason}",
        held=ended.outcome == "remediated",
    )


def long_plan(stage: Stage, scene: Scene) -> None:
    """A plan of many slow steps is killed on its way, and ends as if it had not been."""
    one, asked = stage.asked(slow=True)
    # Its third call as the writer: changes are made, and more are to come.
    writer = f"*:assumed-role/{stage.names.writer_role}/*"
    kill = Fault(Kind.KILL, account=one.resource.account, principal=writer, nth=3, after_effect=True)
    stage.organization.faults.add(kill)
    begun = stage.organization.world.agenda.now()
    stage.ask("alice", "approve", asked.remediation, "in tonight's downtime")
    stage.organization.rest(timedelta(hours=24))
    struck = stage.organization.faults.struck(kill)
    stage.organization.faults.clear()
    scene.say(f"{one.control.id} on {_short(one.resource)}: approved by alice")
    scene.say("the function was killed after a change took effect, before it could write so", held=struck == 1)
    ended, took = stage.last(one), stage.organization.world.agenda.now() - begun
    hours = timedelta(seconds=round(took.total_seconds()))
    scene.say(f"{ended.outcome} within {hours} of simulated time: {ended.reason}", held=ended.outcome == "remediated")


def undo(stage: Stage, scene: Scene) -> None:
    """A remediation is taken back from the ledger, and its control then asks people first."""
    one = stage.first(lambda one: one.outcome == "remediated" and one.control.id == SSH, "was remediated")
    remediation = stage.last(one).remediation
    stage.ask("bob", "undo", remediation, "the vendor still needs it this week")
    undone = [known.outcome for known in stage.outcomes(one)]
    scene.say(f"bob undid {remediation} on {_short(one.resource)}: undone", held="undone" in undone)
    failing = stage.verdict(one)
    scene.say(f"the group is open again, as it was: {failing}", held=failing is Verdict.NON_COMPLIANT)
    stage.organization.advance(SWEEPS)
    again = stage.last(one)
    scene.say(f"its control now asks first: {again.outcome}, {again.reason}", held=again.outcome == "awaiting-approval")


def breaker(stage: Stage, scene: Scene) -> None:
    """What fails again and again in an account opens its breaker, and the other accounts go on."""
    if len(stage.members()) < 2:
        raise SceneError("the organisation has one member account, and the scene needs another that goes on")
    failing, other = stage.members()[:2]
    writer = f"*:assumed-role/{stage.names.writer_role}/*"
    stage.organization.faults.add(
        Fault(Kind.DENY, "ec2", "RevokeSecurityGroupIngress", account=failing, principal=writer)
    )
    groups = [stage.breaks(failing) for _ in range(4)]
    elsewhere = stage.breaks(other)
    stage.organization.rest()
    ends = [stage.last(one).outcome for one in groups]
    scene.say(
        f"account {failing} denies the change: {ends.count('failed')} remediations failed, then the breaker opened and "
        f"held back {ends.count('limited')}",
        held=ends.count("failed") == 3 and ends.count("limited") == 1,
    )
    limited = next((stage.last(one).reason for one in groups if stage.last(one).outcome == "limited"), "")
    scene.say(f"it says so: {limited}", held="breaker" in limited)
    ended = stage.last(elsewhere).outcome
    scene.say(f"account {other} goes on meanwhile: {ended}", held=ended == "remediated")
    stage.organization.faults.clear()
    stage.organization.advance(timedelta(hours=2) + SWEEPS)
    ends = [stage.last(one).outcome for one in groups]
    scene.say(
        f"two hours after the denial is gone: {ends.count('remediated')} of {len(groups)} are remediated by themselves",
        held=set(ends) == {"remediated"},
    )


def exemption(stage: Stage, scene: Scene) -> None:
    """An exempted resource is left alone until the exemption ends, and then remediated."""
    one = stage.exempted
    (first, *_) = stage.outcomes(one) or [stage.last(one)]
    scene.say(
        f"{_short(one.resource)} is exempted by its tag: {first.outcome}, {first.reason}",
        held=first.outcome == "exempted",
    )
    now = stage.organization.world.agenda.now()
    midnight = (stage.timeline.start + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
    if now < midnight:
        stage.organization.advance(midnight - now + SWEEPS)
    ended = stage.last(one)
    scene.say(
        f"after its last day, at {ended.at:%H:%M}: {ended.outcome}, {ended.reason}",
        held=ended.outcome == "remediated" and ended.at >= midnight,
    )
    statuses = stage.statuses(one)
    scene.say(f"its finding was {', '.join(statuses)}", held=statuses == ["SUPPRESSED", "NEW", "RESOLVED"])


def _short(resource: Resource) -> str:
    return f"{resource.id} in {resource.account} {resource.region}"
