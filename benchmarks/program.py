"""The real program against the same resources declared flat: what components, settings and the catalog cost.

Nothing is provisioned. Both run in fresh processes on the same monitor, with the garbage collector as the
real program sets it; the clock starts before the
program is executed, so what each imports counts. The flat program's inputs are constants that were
read before, so that it is as fast as any program with these resources can be.
"""

from __future__ import annotations

import gc
import hashlib
import json
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from pulumi.runtime.mocks import MockResourceArgs

from benchmarks import replay
from benchmarks.measure import ROOT, BenchmarkError, Child, Figure, alternate, memory, ratio, run, seconds
from benchmarks.replay import Recorded
from operations.local_estate import FIRST_MEMBER, HUB, MANAGEMENT
from simulator import deployment
from simulator.deployment import Deployment, Registering
from simulator.world import partition_of

ACCOUNTS = 100
REGIONS = ("eu-west-1", "us-east-1", "eu-central-1", "ap-southeast-2")
ROUNDS = 5
BOUND = 1.3
STACK = "benchmark"
ROOT_ID, UNIT = "r-bench", "ou-benc-workload"
ORGANIZATION_ARN = f"arn:{partition_of(REGIONS[0])}:organizations::1"
Answer = Callable[[Mapping[str, Any]], Mapping[str, Any]]
ORGANIZATIONS = "aws:organizations/get"


class Recording(Registering):
    """Registers, and keeps what the monitor received, in order."""

    def __init__(self, answers: Mapping[str, Answer]) -> None:
        super().__init__(answers)
        self.recorded: list[Recorded] = []
        self.collector: Sequence[int] = ()

    def new_resource(self, args: MockResourceArgs) -> tuple[str | None, dict[str, Any]]:
        """Keep a resource or provider of the program; components are what the flat program lacks."""
        if args.custom or args.typ == replay.PROVIDER:
            self.collector = gc.get_threshold()
            provider = (args.provider or "").split("::")[-2:][0]
            self.recorded.append(Recorded(args.typ, args.name, args.inputs, provider))
        return super().new_resource(args)


def figures() -> dict[str, Figure]:
    """Measure both programs in turn."""
    with tempfile.TemporaryDirectory() as folder:
        recording = Path(folder) / "recording.json"
        resources = int(_child("record", str(recording)).said["resources"])
        real, flat = alternate(ROUNDS, lambda: _child("program"), lambda: _child("flat", str(recording)))
        if len({child.said["digest"] for child in (*real, *flat)}) > 1:
            raise BenchmarkError("the flat program registered other resources or inputs than the real one")
    return {
        "program_ratio": Figure(round(ratio(real, flat), 3), "ratio", BOUND),
        "program_seconds": Figure(round(seconds(real), 2), "s"),
        "program_flat_seconds": Figure(round(seconds(flat), 2), "s"),
        "program_peak_memory": Figure(round(memory(real)), "MB"),
        "program_flat_peak_memory": Figure(round(memory(flat)), "MB"),
        "program_resources": Figure(resources, "resources"),
    }


def _child(*arguments: str) -> Child:
    return run([sys.executable, "-m", "benchmarks.program", *arguments])


def _measure(what: str, *arguments: str) -> dict[str, Any]:
    """Run in the child: once, by the clock."""
    cloud = Recording(_answers()) if what == "record" else Registering(_answers())
    program = None
    if what == "flat":
        gc.set_threshold(*replay.load(Path(arguments[0])))
        program = ROOT / "benchmarks" / "flat_program.py"
    start = time.perf_counter()
    made = deployment._run(cloud, STACK, _config(), program)
    taken = time.perf_counter() - start
    if isinstance(cloud, Recording):
        replay.write(Path(arguments[0]), cloud.recorded, cloud.collector)
    return {"seconds": taken, "resources": len(made.resources), "digest": _digest(made)}


def _digest(made: Deployment) -> str:
    """What was registered where, in no order: dependencies give the real program another one."""
    lines = sorted(
        json.dumps([one.token, one.name, one.account, one.region, one.inputs], sort_keys=True, default=vars)
        for one in made.resources
    )
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def _config() -> dict[str, str]:
    """The settings of the local organisation, for more accounts and Regions."""
    document = yaml.safe_load((ROOT / "stacks" / "Pulumi.local.yaml").read_text(encoding="utf-8"))["config"]
    config: dict[str, Any] = {key.removeprefix("palisade:"): value for key, value in document.items()}
    config |= {
        "regions": list(REGIONS),
        "homeRegion": REGIONS[0],
        "environments": {config["environment"]: {"organizationalUnits": [UNIT]}},
        "targets": {"organizationalUnits": [UNIT]},
    }
    for settings in config["controls"].values():
        if "key" in settings.get("parameters", {}):
            settings["parameters"]["key"] = dict.fromkeys(REGIONS, "alias/data")
    return {key: value if isinstance(value, str) else json.dumps(value) for key, value in config.items()}


def _answers() -> Mapping[str, Answer]:
    """An organisation of one unit with all members; the hub stands beside it."""
    accounts = {
        ROOT_ID: [_account(HUB, "security")],
        UNIT: [_account(str(FIRST_MEMBER + number), f"team-{number}") for number in range(ACCOUNTS)],
    }
    root = {"id": ROOT_ID, "name": "Root", "arn": f"{ORGANIZATION_ARN}:root/{ROOT_ID}"}
    unit = {"id": UNIT, "name": "Workloads", "arn": f"{ORGANIZATION_ARN}:ou/{UNIT}"}
    return {
        "aws:index/getCallerIdentity:getCallerIdentity": lambda _: {"id": HUB, "accountId": HUB},
        f"{ORGANIZATIONS}Organization:getOrganization": lambda _: {
            "id": "o-local00000",
            "masterAccountId": MANAGEMENT,
            "roots": [root],
        },
        f"{ORGANIZATIONS}OrganizationalUnitChildAccounts:getOrganizationalUnitChildAccounts": lambda asked: {
            "accounts": accounts[asked["parentId"]]
        },
        f"{ORGANIZATIONS}OrganizationalUnits:getOrganizationalUnits": lambda asked: {
            "children": [unit] if asked["parentId"] == ROOT_ID else []
        },
    }


def _account(identifier: str, name: str) -> dict[str, str]:
    return {"id": identifier, "name": name, "state": "ACTIVE", "status": "ACTIVE"}


if __name__ == "__main__":
    print(json.dumps(_measure(*sys.argv[1:])))
