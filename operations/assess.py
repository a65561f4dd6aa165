"""`palisade assess`: the verdicts and plans of a whole estate, with a role that may only read."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from lambdas.controls.model import Control, Mode, Place, Scope
from lambdas.remediation.policy import AccountPolicy
from operations.account_access import FAILURES, AccessError, Entered
from operations.assess_judge import Judge, Judgement, Outcome
from operations.stack_settings import StackError, Subject
from stacks.targets import Target


@dataclass(frozen=True, slots=True)
class Assessment:
    """All judgements, by account, Region, control and resource; `left_out` says which controls were not judged."""

    subject: Subject
    role: str
    judgements: tuple[Judgement, ...]
    left_out: tuple[str, ...]

    @property
    def whole(self) -> bool:
        """Whether everything could be read."""
        return not any(one.outcome is Outcome.UNREAD for one in self.judgements)


def assess(subject: Subject, role: str | None = None, workers: int = 8) -> Assessment:
    """Judge every target; raises StackError where the stack has none. `role` is the readers' where none is named.

    Another role than the readers' may do more than read: its sessions are narrowed to reads.
    """
    if "members" not in subject.settings.layers:
        raise StackError(f"--stack: {subject.stack} deploys no members; name the stack of an environment")
    reader = subject.settings.names.reader_role
    entered_by = role or reader
    assessor = _Assessor(subject, entered_by, narrowed=entered_by != reader)
    with ThreadPoolExecutor(max_workers=workers) as pool:
        found = [one for of_account in pool.map(assessor.account, subject.targets) for one in of_account]
    left_out = [f"{one.id} lists no resources" for one in subject.settings.catalog.values() if one.discover is None]
    return Assessment(subject, entered_by, tuple(found), tuple(left_out))


@dataclass(frozen=True, slots=True)
class _Assessor:
    subject: Subject
    role: str
    narrowed: bool

    def account(self, target: Target) -> list[Judgement]:
        """Judge one account, in one thread and by one session of its role."""
        try:
            entered = self.subject.access.enter(target.account, [self.role], narrowed=self.narrowed)
        except AccessError as error:
            return [Judgement(account=target.account, outcome=Outcome.UNREAD, reason=f"{error}; {self._remedy()}")]
        policy = policy_of(self.subject, target)
        return [
            one for region in self.subject.regions_of(target.account) for one in self._region(entered, policy, region)
        ]

    def _region(self, entered: Entered, policy: AccountPolicy, region: str) -> Iterator[Judgement]:
        session = entered.session(region)
        place = Place(self.subject.settings.partition, policy.account, region)
        for control in self._controls(policy, region):
            judge = Judge(session, control, policy, region)
            yield from sorted(_all(judge, control, place), key=lambda one: one.resource or "")

    def _controls(self, policy: AccountPolicy, region: str) -> Iterator[Control]:
        """The controls that are on; what is global is judged in the home Region."""
        settings = self.subject.settings
        for _, control in sorted(settings.catalog.items()):
            here = control.scope is Scope.REGIONAL or region == settings.home_region
            if here and control.discover and policy.mode(control) is not Mode.OFF:
                yield control

    def _remedy(self) -> str:
        return "deploy the member stack, or name a role that is there and admits you by --role"


def policy_of(subject: Subject, target: Target) -> AccountPolicy:
    """The account's policy as the stack's next `up` would write it into the hub's table."""
    document = subject.settings.policy_document(target.account, target.path)
    return AccountPolicy.parse({"schema": {"N": "1"}, "document": {"S": json.dumps(document)}})


def _all(judge: Judge, control: Control, place: Place) -> Iterator[Judgement]:
    try:
        for resource in control.discover(judge.session, place) if control.discover else ():
            judged = judge.judge(resource)
            if judged is not None:
                yield judged
    except FAILURES as error:
        yield judge.unread(error)
