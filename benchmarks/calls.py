"""API calls of one remediation, counted at the front door of a local organisation that runs the deployed loop.

What one more broken resource costs: the calls for several, less the calls for one, so that what is done
once per container, account and hour (settings, policy, the reader's session) counts in neither. The minimum
is what the control itself must ask and change, counted by making its plan directly: read, inspect, the
changes, and reading what the changes have made of the resource, for the proof. The bound leaves five calls
more (guards, the writer's session, finding note, message, ledger and lease at once), and an intent and a
response in the ledger per change.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from benchmarks.measure import BenchmarkError, Figure, run
from lambdas.controls import catalog
from lambdas.controls.model import Control, Place, Plan
from lambdas.names import Names
from operations import local_estate
from operations.scenario import cases
from operations.summary import by_remediation, ledger_outcomes
from simulator.deployment import deploy
from simulator.door import Entry
from simulator.local import LocalOrganization
from simulator.world import partition_of
from tests.controls.round_trip import apply_plan

REGION = "eu-west-1"
SEVERAL = 5
BESIDE, PER_CHANGE = 5, 2


def figures() -> dict[str, Figure]:
    """Measure every control in one organisation of a child."""
    found = {}
    for identifier, counted in run([sys.executable, "-m", "benchmarks.calls"]).said.items():
        bound = counted["minimum"] + BESIDE + PER_CHANGE * counted["changes"]
        found[f"api_calls_per_remediation_{identifier}"] = Figure(counted["calls"], "calls", bound)
        found[f"minimum_api_calls_per_remediation_{identifier}"] = Figure(counted["minimum"], "calls")
    return found


def _measured() -> dict[str, Any]:
    plan = local_estate.plan_of(1)
    with LocalOrganization(plan, home_region=REGION, regions=(REGION,)) as organization:
        local_estate.prepare(organization)
        config = local_estate.stack_config(organization)
        texts = {key: value if isinstance(value, str) else json.dumps(value) for key, value in config.items()}
        deploy(organization, "local", texts, (local_estate.HUB, local_estate.pipeline_role(organization)))
        organization.rest()
        loop = _Loop(organization, Names(config["prefix"]), config["controls"])
        return {identifier: loop.count(control) for identifier, control in catalog().items()}


class _Loop:
    """The deployed loop, with one member account."""

    def __init__(self, organization: LocalOrganization, names: Names, settings: dict[str, Any]) -> None:
        self.organization, self.names, self.settings = organization, names, settings
        self.place = Place(partition_of(REGION), str(local_estate.FIRST_MEMBER), REGION)

    def count(self, control: Control) -> dict[str, Any]:
        """Count one control's calls, by name, beside its minimum."""
        builder = cases(control)[0].broken
        minimum, changes = self._minimum(control, builder)
        self._remediated(control, builder, 1)
        one, several = (self._remediated(control, builder, number) for number in (1, SEVERAL))
        by_name = several.copy()
        by_name.subtract(one)
        more = SEVERAL - 1
        return {
            "calls": round(by_name.total() / more, 2),
            "minimum": minimum,
            "changes": changes,
            "names": {name: number / more for name, number in sorted(by_name.items()) if number},
        }

    def _remediated(self, control: Control, builder: Callable[..., str], number: int) -> Counter[str]:
        """Break resources at one moment, let the loop run, and return what the remediations called."""
        session = self.organization.session(self.place.account, REGION)
        arns = {control.resource(self.place, builder(session, self.place)).arn for _ in range(number)}
        before = len(self.organization.door.log)
        self.organization.rest()
        log: Sequence[Entry] = list(self.organization.door.log)[before:]
        outcomes = ledger_outcomes(self.organization.session(local_estate.HUB), self.names)
        remediated = {one.resource for one in outcomes if one.outcome == "remediated"}
        if not arns <= remediated:
            raise BenchmarkError(f"{control.id}: {', '.join(sorted(arns - remediated))} was not remediated")
        return Counter(f"{one.service}:{one.operation}" for one in log if by_remediation(one, self.names))

    def _minimum(self, control: Control, builder: Callable[..., str]) -> tuple[int, int]:
        """Count what a control asks and changes where nothing stands between it and AWS."""
        session = self.organization.session(self.place.account, REGION)
        resource = control.resource(self.place, builder(session, self.place))
        parameters = control.resolve(self.settings.get(control.id, {}).get("parameters", {}), REGION)
        log = self.organization.door.log
        start = len(log)
        settings = control.read(session, resource, None)
        if settings is None:
            raise BenchmarkError(f"{control.id}: {resource.arn} is not there")
        facts = control.inspect(session, resource, settings, parameters) if control.inspect else {}
        plan = control.plan(resource, settings, parameters, facts)
        if not isinstance(plan, Plan) or not plan.changes:
            raise BenchmarkError(f"{control.id}: the plan for {resource.arn} changes nothing")
        apply_plan(session, plan)
        control.read(session, resource, None)
        return len(log) - start, len(plan.changes)


if __name__ == "__main__":
    print(json.dumps(_measured()))
