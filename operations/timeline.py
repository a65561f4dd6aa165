"""What happened, as the front door saw it: one line per step of the loop, in simulated time."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from simulator.call import Call
from simulator.world import World

# The steps of the loop, by the operation that shows them. Everything else is noise to a reader.
STEPS = {
    ("config", "PutEvaluations"): "AWS Config rule evaluated",
    ("securityhub", "BatchImportFindings"): "finding imported",
    ("securityhub", "BatchUpdateFindings"): "finding updated",
    ("sns", "Publish"): "message sent",
}


@dataclass(frozen=True, slots=True)
class Moment:
    """One line of the timeline."""

    at: str
    account: str
    region: str
    what: str
    detail: str
    principal: str


class Timeline:
    """Watches the front door and keeps what belongs to the loop."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.moments: list[Moment] = []
        self.start = world.agenda.now()

    def note(self, account: str, region: str, what: str, detail: str, principal: str = "") -> None:
        """Write one line at the current simulated time."""
        elapsed = int((self.world.agenda.now() - self.start).total_seconds())
        at = f"{elapsed // 3600:02d}:{elapsed // 60 % 60:02d}:{elapsed % 60:02d}"
        self.moments.append(Moment(at, account, region, what, detail, principal))

    def watch(self, call: Call, response: Mapping[str, Any]) -> None:
        """Take a call that has succeeded."""
        step = STEPS.get((call.service, call.operation))
        if step is not None:
            self.note(call.account, call.region, step, _detail(call), call.caller.arn)
        elif call.caller.source_identity and not call.operation.startswith(("Get", "List", "Describe")):
            self.note(call.account, call.region, "remediation changed", _named(call), call.caller.arn)

    def write(self, path: Path) -> None:
        """Write the timeline as JSON lines."""
        path.write_text("".join(json.dumps(asdict(moment)) + "\n" for moment in self.moments), encoding="utf-8")


def _detail(call: Call) -> str:
    parameters = call.parameters
    if call.operation == "PutEvaluations":
        return "; ".join(f"{one['ComplianceResourceId']} {one['ComplianceType']}" for one in parameters["Evaluations"])
    if call.operation == "BatchImportFindings":
        return "; ".join(
            f"{one['GeneratorId']} {one['Resources'][0]['Id']} {one['Compliance']['Status']} {one['RecordState']}"
            for one in parameters["Findings"]
        )
    if call.operation == "BatchUpdateFindings":
        named = ", ".join(one["Id"] for one in parameters["FindingIdentifiers"])
        return f"{parameters['Workflow']['Status']}: {parameters['Note']['Text']} ({named})"
    return str(parameters.get("Subject", ""))


def _named(call: Call) -> str:
    text = json.dumps(call.parameters, sort_keys=True, default=str)
    return f"{call.service}:{call.operation} {text[:300]}"
