"""`palisade doctor`: looks at an organization before the first up, and changes nothing in it."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lambdas.controls.model import Control, Mode, Scope
from operations import (
    doctor_cost,
    doctor_names,
    doctor_organization,
    doctor_policies,
    doctor_regions,
    doctor_roles,
    doctor_security_hub,
)
from operations.account_access import AccessError, Entered
from operations.doctor_cost import Estimate
from operations.doctor_model import Check, Level, Notes
from operations.stack_settings import Subject
from stacks.targets import Target

if TYPE_CHECKING:
    from boto3.session import Session


@dataclass(frozen=True, slots=True)
class Examination:
    """All checks, the organization's first, then by account and Region; and what each Region will cost."""

    subject: Subject
    checks: tuple[Check, ...]
    estimates: tuple[Estimate, ...]

    @property
    def free(self) -> bool:
        """Whether nothing blocks."""
        return not any(one.level is Level.BLOCKS for one in self.checks)


@dataclass
class _Account:
    """One account as it is looked at."""

    notes: list[Notes] = field(default_factory=list)
    estimates: list[Estimate] = field(default_factory=list)


def examine(subject: Subject, role: str, workers: int = 8) -> Examination:
    """Look at the organization and at every account; `role` is the one to read accounts by."""
    doctor = _Doctor(subject, role)
    places = doctor.places()
    organization = [doctor_organization.look(subject)]
    policies = doctor_policies.look(subject, places) if subject.organization else []
    with ThreadPoolExecutor(max_workers=workers) as pool:
        accounts = list(pool.map(doctor.account, places))
    by_account = {one.account: one for one in policies}
    notes = [*organization]
    for target, account in zip(places, accounts, strict=True):
        first, *regions = account.notes
        notes += [first, *([by_account[target.account]] if target.account in by_account else []), *regions]
    checks = [check for one in notes for check in one.checks]
    return Examination(subject, tuple(checks), tuple(one for account in accounts for one in account.estimates))


@dataclass(frozen=True, slots=True)
class _Doctor:
    subject: Subject
    role: str

    def places(self) -> list[Target]:
        """The hub and every target."""
        targets = list(self.subject.targets)
        hub, organization = self.subject.settings.hub_account, self.subject.organization
        if hub and organization and hub in organization.accounts and hub not in {one.account for one in targets}:
            account = organization.accounts[hub]
            targets.insert(0, Target(account.id, account.name, account.path))
        return targets

    def account(self, target: Target) -> _Account:
        """Look at one account in one thread."""
        subject, settings = self.subject, self.subject.settings
        notes = Notes(target.account)
        seen = _Account([notes])
        entered: Entered | None = None
        try:
            entered = subject.access.enter(target.account, [self.role, settings.deployment_role])
        except AccessError as error:
            notes.blocks("account", str(error), "name a role that is there and admits you by --role")
        doctor_roles.look(notes, subject, entered)
        if entered is None:
            return seen
        session = entered.session(settings.home_region)
        doctor_names.look(notes, self._own_names(target, session), settings.prefix)
        member = target.account in {one.account for one in subject.targets}
        regions = subject.regions_of(target.account) if member else subject.regions
        for region in doctor_regions.enabled(notes, session, regions):
            of_region = Notes(target.account, region)
            seen.notes.append(of_region)
            self._region(of_region, target, entered, seen)
        if target.account == settings.hub_account:
            at_home = Notes(target.account, settings.home_region)
            doctor_security_hub.look_at_hub(at_home, subject, session)
            seen.notes.append(at_home)
        return seen

    def _own_names(self, target: Target, session: Session) -> Iterator[doctor_names.Named]:
        settings = self.subject.settings
        if self._governed(target):
            yield from doctor_names.roles_of_member(session, settings.names, target.account, settings.partition)
        if target.account == settings.hub_account and "hub" in settings.layers:
            yield from doctor_names.roles_of_hub(session, settings.names, list(settings.environments))

    def _governed(self, target: Target) -> bool:
        """Whether this stack deploys detection into an account."""
        return "members" in self.subject.settings.layers and target in self.subject.targets

    def _region(self, notes: Notes, target: Target, entered: Entered, seen: _Account) -> None:
        subject, settings = self.subject, self.subject.settings
        session = entered.session(notes.region)
        controls = self._controls(target, notes.region)
        if self._governed(target):
            types = doctor_regions.recorded_types(subject, notes.region, controls)
            doctor_regions.recording(notes, subject, session, types)
        rules = doctor_regions.rules_of(notes, session)
        wanted = [settings.names.config_rule(control.slug) for control in controls if control.by_rule]
        doctor_regions.quotas(notes, session, rules, wanted if self._governed(target) else ())
        doctor_security_hub.look_at_region(notes, subject, session)
        doctor_security_hub.judge_detection(notes, settings.standards, controls)
        if self._governed(target):
            names = doctor_names.of_member(session, settings.names, rules or {}, wanted)
            doctor_names.look(notes, names, settings.prefix)
        self._hub_names(notes, target, entered)
        counts = None
        if controls:
            with notes.reading("cost"):
                counts = doctor_cost.recorded(session)
        central = "hub" in settings.layers
        seen.estimates.append(
            doctor_cost.estimate(
                target.account,
                notes.region,
                controls=controls,
                counts=counts,
                recorder=settings.recorder == "create" and self._governed(target),
                standards=len(settings.standards) if central else 0,
                key=central and target.account == settings.hub_account,
            )
        )

    def _hub_names(self, notes: Notes, target: Target, entered: Entered) -> None:
        settings = self.subject.settings
        if target.account != settings.hub_account or "hub" not in settings.layers:
            return
        session, region = entered.session(notes.region), notes.region
        names = doctor_names.of_hub_region(session, settings.names, target.account, region)
        doctor_names.look(notes, names, settings.prefix)
        if region == settings.home_region:
            names = doctor_names.of_hub(session, settings.names, settings.partition, target.account, region)
            doctor_names.look(notes, names, settings.prefix)

    def _controls(self, target: Target, region: str) -> list[Control]:
        """The controls that are on in an account and judged in a Region; none where this stack does not deploy."""
        if not self._governed(target):
            return []
        settings = self.subject.settings
        modes = settings.modes(target.account, target.path)
        return [
            control
            for identifier, control in sorted(settings.catalog.items())
            if modes[identifier] is not Mode.OFF and (control.scope is Scope.REGIONAL or region == settings.home_region)
        ]
