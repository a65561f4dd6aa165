"""API calls of one remediation, per control, counted at the front door of a local organisation.

A control's thorough case is broken and remediated twice, by the hub's own code in a container that is warm; the second
counts, so that what is done once per container, account and hour (settings, policy, the reader's session) counts in
neither. Where a ceiling asks people first, the run that makes what they approved counts; the question is told beside.
The minimum is what the control itself must ask and change, counted by making its plan directly: read, inspect, the
changes and what shows that they took, and reading what they made of the resource, for the proof; where people were
asked also reading what they approved, from case and ledger. The bound leaves five
calls more (guards, the writer's session, finding note, message, ledger and lease at once), and an intent and a response
in the ledger per change. A plan that takes time is made in steps, each a run of its own, and what that adds is bounded:
each step reads the journal and keeps the lock; before the changes of a step the account's policy, minutes old, is read
again and the writer's role assumed; and it is handed over and ended: begun is noted and told, the plan, the start, its
entry and the lock's new owner are written, at the end what was waited for last, and the policy is read once more.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, cast

from benchmarks.measure import BenchmarkError, Figure, run
from lambdas.controls import catalog
from lambdas.controls.model import Control, Plan, Resource
from lambdas.remediation.outcome import Outcome
from lambdas.remediation.pipeline import Pipeline
from lambdas.remediation.request import parse
from simulator.door import Entry
from simulator.services.organizations import ACCESS_ROLE
from tests.controls.cases import Case
from tests.controls.round_trip import apply_plan
from tests.organization.hand_world import Bench, bench_of
from tests.organization.loop_world import REGION, TEAM
from tests.organization.strikes import thorough

BESIDE, PER_CHANGE, APPROVED = 5, 2, 2
# Of plans that take time; a policy is an item, and two questions to AWS Organizations about where the account is.
HANDED_OVER, PER_STEP, POLICY, ROLE = 7, 2, 3, 1
# Long enough for the rates of the services to be whole again: a call that is throttled is made twice.
CALM = timedelta(seconds=10)


def figures() -> dict[str, Figure]:
    """Measure every control in one organisation of a child."""
    found = {}
    for identifier, counted in run([sys.executable, "-m", "benchmarks.calls"]).said.items():
        name = f"api_calls_per_remediation_{identifier}"
        bound = counted["minimum"] + BESIDE + PER_CHANGE * counted["changes"]
        if counted["steps"]:
            bound += HANDED_OVER + POLICY + PER_STEP * counted["steps"]
            bound += (POLICY + ROLE) * counted["sessions"] - ROLE
        found[name] = Figure(counted["calls"], "calls", bound)
        found[f"minimum_{name}"] = Figure(counted["minimum"], "calls")
        if counted["question"]:
            found[f"{name}_question"] = Figure(counted["question"], "calls")
        if counted["steps"]:
            found[f"{name}_steps"] = Figure(counted["steps"], "steps")
    return found


class _Warm(Bench):
    """The hub's functions in containers that keep what they know."""

    kept: Pipeline | None = None
    of: Pipeline | None = None

    def pipeline(self) -> Pipeline:
        """The pipeline, as long as the session of its role lasts."""
        if self.kept is None or self.of is not self._hub_clients():
            self.kept, self.of = super().pipeline(), self._hub_clients()
        return self.kept

    def warmed(self, resource: Resource) -> int:
        """Do what is done once an hour, or once a minute; returns where the door's log stands then."""
        self.wait(CALM)
        self.renew()
        self.pipeline().policies.of(TEAM)
        self.pipeline().access.reader(resource)
        return self.mark()


@dataclass
class _Counts:
    """What a remediation called: the question, the run that made it, and in how many steps."""

    question: int
    names: Counter[str]
    steps: int


def _measured() -> dict[str, Any]:
    with bench_of(_Warm) as bench:
        return {identifier: _count(cast(_Warm, bench), control) for identifier, control in catalog().items()}


def _count(bench: _Warm, control: Control) -> dict[str, Any]:
    """Count one control's calls, by name, beside its minimum."""
    case = thorough(control)
    bench.kept = None
    bench.allow(control, case)
    _remediated(bench, control, case)
    counts = _remediated(bench, control, case)
    minimum, plan = _minimum(bench, control, case)
    return {
        "calls": counts.names.total(),
        "question": counts.question,
        "steps": counts.steps,
        "minimum": minimum + (APPROVED if counts.question else 0),
        "changes": len(plan.changes),
        # A step goes on to the next change where there is no effect to wait for.
        "sessions": sum(one.effect is not None for one in plan.changes[:-1]) + 1,
        "names": dict(sorted(counts.names.items())),
    }


def _remediated(bench: _Warm, control: Control, case: Case) -> _Counts:
    """Break a resource and have it remediated, by people where a ceiling wants them."""
    resource, finding = bench.broken(control, case)
    identifier, question = parse(finding, "aws").id, 0
    start = bench.warmed(resource)
    result = bench.handle(finding, "first")
    if result is not None and result.outcome is Outcome.AWAITING_APPROVAL:
        question = len(bench.log(start))
        bench.asks("approve", identifier)
        start = bench.warmed(resource)
        result = bench.answered(finding, "whole")
    log = bench.log(start)
    steps = 0
    if result is not None and result.outcome is Outcome.IN_PROGRESS:
        start = bench.mark()
        steps = bench.stepped(identifier)
        log += bench.log(start)
    outcome = bench.loop.ledger_of(identifier, bench.hub)["outcome"]
    if outcome["outcome"] != Outcome.REMEDIATED:
        raise BenchmarkError(f"{control.id}: {resource.arn} is {outcome['outcome']}: {outcome['reason']}")
    return _Counts(question, Counter(one.called for one in log), steps)


def _minimum(bench: _Warm, control: Control, case: Case) -> tuple[int, Plan]:
    """Count what a control asks and changes where nothing stands between it and AWS."""
    resource, finding = bench.broken(control, case)
    parameters = control.resolve(case.parameters, REGION)
    start, session = bench.mark(), bench.team
    settings = control.read(session, resource, finding)
    if settings is None:
        raise BenchmarkError(f"{control.id}: {resource.arn} is not there")
    facts = control.inspect(session, resource, settings, parameters) if control.inspect else {}
    plan = control.plan(resource, settings, parameters, facts)
    if not isinstance(plan, Plan) or not plan.changes:
        raise BenchmarkError(f"{control.id}: the plan for {resource.arn} changes nothing")
    apply_plan(lambda: bench.team, plan, passes=bench.wait)
    control.read(bench.team, resource, finding)
    log: list[Entry] = list(bench.loop.organization.door.log)[start:]
    own = f"::{TEAM}:assumed-role/{ACCESS_ROLE}/"
    return sum(own in entry.principal and entry.via is None for entry in log), plan


if __name__ == "__main__":
    print(json.dumps(_measured()))
