"""Laws over what controls do to the cases of their tests: plans, permissions, neighbours."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

import pytest
from boto3 import Session

from components.documents import catalog_grants, document, grant_statements
from lambdas.controls import catalog
from lambdas.controls.model import Change, Control, Grant, Place, Plan, Ref, Refusal, Resource, Verdict
from lambdas.remediation import describe, session_policy
from lambdas.remediation.apply import Run
from operations.scenario import ScenarioError, cases
from simulator.local import LocalOrganization
from tests.controls.cases import Case, settled
from tests.controls.roles import enter, make_role
from tests.controls.round_trip import PLACE, await_effect, judged, member_organization, planned
from tests.organization.scrubbing import differing


def offered(control: Control) -> list[Case]:
    """The cases of a control; that there are some is a law of its own (test_catalog.py)."""
    try:
        return cases(control)
    except ScenarioError:
        return []


CONTROLS = [pytest.param(control, id=control.id) for control in catalog().values() if offered(control)]
EVERY = [
    pytest.param(control, case, id=f"{control.id} {case.name}")
    for control in catalog().values()
    for case in offered(control)
]


@dataclass
class Bench:
    """A member account, and what each case has come to; a case is built once for all laws."""

    organization: LocalOrganization
    built: dict[tuple[str, str], tuple[Resource, Plan | Refusal]] = field(default_factory=dict)
    numbers: dict[tuple[str, str], int] = field(default_factory=dict)

    @property
    def session(self) -> Session:
        """The account's administrator."""
        return self.organization.session(PLACE.account, PLACE.region)

    def build(self, control: Control, case: Case, builder: Callable[[Session, Place], str]) -> Resource:
        """Build a resource of a case, and wait until it is there."""
        made = builder(self.session, PLACE)
        return control.resource(PLACE, settled(case, lambda: self.session, PLACE, made, self.organization.advance))

    def plan(self, control: Control, case: Case) -> tuple[Resource, Plan | Refusal]:
        """The broken resource of a case and its plan."""
        key = (control.id, case.name)
        # What an account has once is as the case that was built last has left it.
        if key not in self.built or case.neighbour is None:
            resource = self.build(control, case, case.broken)
            self.built[key] = (resource, planned(self.session, control, resource, case.parameters))
        return self.built[key]

    def role(self, control: Control, case: Case, *, write: bool) -> str:
        """A role with exactly the permissions that members deploy for this control."""
        # Slug and case together may be longer than a role's name.
        name = (
            f"{'writer' if write else 'reader'}-{self.numbers.setdefault((control.id, case.name), len(self.numbers))}"
        )
        policy = document(*grant_statements("Grant", allowed(control, case, write=write)))
        return make_role(self.session, name, policy)


@pytest.fixture(scope="module")
def bench() -> Iterator[Bench]:
    with member_organization() as organization:
        yield Bench(organization)


def allowed(control: Control, case: Case, *, write: bool) -> list[Grant]:
    """The control's grants as the member's roles hold them."""
    given = {control.id: case.parameters}
    return catalog_grants(
        [control], PLACE.partition, PLACE.account, [PLACE.region], given, kind="grants" if write else "read_grants"
    )


def asked(plan: Plan | Refusal) -> list[tuple[Change, Grant]]:
    """Every permission of a plan, those of its inverses too."""
    if isinstance(plan, Refusal):
        return []
    changes = [one for change in plan.changes for one in (change, change.inverse) if one is not None]
    return [(change, grant) for change in changes for grant in change.grants]


def within(asks: Grant, resource: str | Ref, bound: Grant) -> str | None:
    """The pattern of a bound that admits one resource of a grant; conditions of the bound must all be kept."""
    if asks.action != bound.action:
        return None
    for operator, keys in bound.conditions.items():
        asked = asks.conditions.get(operator, {})
        if not all(_kept(operator, asked.get(key), value) for key, value in keys.items()):
            return None
    patterns = (str(pattern) for pattern in bound.resources)
    if isinstance(resource, Ref):
        return next((pattern for pattern in patterns if "*" in pattern), None)
    return next((pattern for pattern in patterns if fnmatchcase(resource, pattern)), None)


def _kept(operator: str, asked: Any, bound: Any) -> bool:
    """Whether a condition of a bound is kept: of a set of values, all are of the bound's."""
    if operator.startswith("ForAllValues:") and asked is not None:
        return set(asked) <= set(bound)
    return bool(asked == bound)


@pytest.mark.parametrize(("control", "case"), EVERY)
def test_the_broken_resource_fails_and_its_neighbour_does_not(bench: Bench, control: Control, case: Case) -> None:
    resource = bench.build(control, case, case.broken)
    assert judged(bench.session, control, resource, case.parameters).verdict is Verdict.NON_COMPLIANT
    if case.neighbour is None:
        return
    neighbour = bench.build(control, case, case.neighbour)
    assert judged(bench.session, control, resource, case.parameters).verdict is Verdict.NON_COMPLIANT
    assert judged(bench.session, control, neighbour, case.parameters).verdict is not Verdict.NON_COMPLIANT


@pytest.mark.parametrize(("control", "case"), EVERY)
def test_a_plan_has_a_message_and_an_undo_or_the_reason_why_there_is_none(
    bench: Bench, control: Control, case: Case
) -> None:
    resource, plan = bench.plan(control, case)
    if isinstance(plan, Refusal):
        assert plan.reason
        return
    assert plan.message
    assert plan.tell
    assert resource.id in " ".join((plan.message, *describe.lines(plan)))
    for change in plan.changes:
        assert (change.inverse is None) is not (change.irreversible is None), change.name
    assert plan.ceiling is None or plan.ceiling.reason


@pytest.mark.parametrize(("control", "case"), EVERY)
def test_a_plan_asks_for_nothing_beyond_the_grants_of_its_control(bench: Bench, control: Control, case: Case) -> None:
    _, plan = bench.plan(control, case)
    bounds = allowed(control, case, write=True)
    for change, grant in asked(plan):
        assert grant.resources, f"{change.name}: {grant.action} on nothing"
        for resource in grant.resources:
            assert any(within(grant, resource, bound) for bound in bounds), f"{change.name}: {grant}"


@pytest.mark.parametrize("control", CONTROLS)
def test_every_grant_of_a_control_is_asked_for_by_some_tested_plan(bench: Bench, control: Control) -> None:
    reached, named = set(), set()
    for case in cases(control):
        bounds = allowed(control, case, write=True)
        named |= {(bound.action, pattern) for bound in bounds for pattern in bound.resources}
        for _, grant in asked(bench.plan(control, case)[1]):
            for resource in grant.resources:
                reached |= {(bound.action, within(grant, resource, bound)) for bound in bounds}
    assert named - reached == set()


@pytest.mark.parametrize(("control", "case"), EVERY)
def test_the_session_policies_of_a_plan_and_its_undo_fit(bench: Bench, control: Control, case: Case) -> None:
    _, plan = bench.plan(control, case)
    if isinstance(plan, Refusal):
        return
    for group in session_policy.groups(plan.changes):
        grants = [grant for change in group.changes for grant in change.grants]
        assert len(session_policy.document(grants)) <= session_policy.LIMIT
    for change in plan.changes:
        if change.inverse is not None:
            assert len(session_policy.document(change.inverse.grants)) <= session_policy.LIMIT


@pytest.mark.parametrize(("control", "case"), EVERY)
def test_the_read_grants_are_enough_to_read_inspect_and_discover(bench: Bench, control: Control, case: Case) -> None:
    resource, plan = bench.plan(control, case)
    reader = enter(bench.session, bench.role(control, case, write=False))
    assert planned(reader, control, resource, case.parameters) == plan
    if control.discover is not None:
        assert resource in list(control.discover(reader, PLACE))


@pytest.mark.parametrize(("control", "case"), EVERY)
def test_the_permissions_of_a_plan_are_enough_to_apply_it_and_to_undo_it(
    bench: Bench, control: Control, case: Case
) -> None:
    role = bench.role(control, case, write=True)
    resource = bench.build(control, case, case.broken)
    before = control.read(bench.session, resource, None)
    plan = planned(bench.session, control, resource, case.parameters)
    if isinstance(plan, Refusal) or not plan.changes:
        return
    entries: list[Any] = []
    run = Run(
        remediation=f"r-{uuid.uuid4()}",
        writer=lambda policy: enter(bench.session, role, policy),
        journal=lambda kind, body: entries.append((kind, body)),
    )
    slow = any(change.effect for change in plan.changes)
    if slow:
        for change in plan.changes:
            run.make(change)
            await_effect(change, lambda effect: run.probe(bench.session, effect), bench.organization.advance)
    else:
        run.apply(plan.changes)
    if plan.removes:
        assert control.read(bench.session, resource, None) is None
    else:
        assert judged(bench.session, control, resource, case.parameters).verdict is not Verdict.NON_COMPLIANT
    assert [kind for kind, _ in entries] == ["intent", "response"] * len(plan.changes)
    if slow:
        for change in reversed([one for one in plan.changes if one.inverse is not None]):
            assert change.inverse is not None
            run.make(change.inverse, undoes=change.name)
            await_effect(change.inverse, lambda effect: run.probe(bench.session, effect), bench.organization.advance)
    else:
        left = run.restore()
        assert len(left) == sum(change.inverse is None for change in plan.changes), left
    if not plan.removes:
        assert differing(control, before, control.read(bench.session, resource, None)) == []
