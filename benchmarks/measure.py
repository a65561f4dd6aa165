"""Children and figures: every measurement is a fresh process that prints one JSON object on its last line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
# What a measurement must not depend on: whoever runs it, and what the shell says of AWS and Pulumi.
FOREIGN = ("AWS_", "PULUMI_", "PALISADE_", "PYTHON")


class BenchmarkError(Exception):
    """A measurement that failed, or that measured something else than it says."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure: its value in a unit, and the bound that it may reach, where there is one."""

    value: float
    unit: str
    bound: float | None = None

    @property
    def missed(self) -> bool:
        """Whether the value lies above its bound."""
        return self.bound is not None and self.value > self.bound

    def document(self) -> dict[str, Any]:
        """The figure as bench.json holds it."""
        return {"value": self.value, "unit": self.unit, "bound": self.bound}


@dataclass(frozen=True, slots=True)
class Child:
    """What a child measured of itself, the peak of its resident memory in MB, and its seconds of processor time."""

    said: Mapping[str, Any]
    memory: float
    processor: float


def run(command: Sequence[str], folder: Path = ROOT) -> Child:
    """Run a child to its end; raises BenchmarkError with its words where it fails."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
    environment["PYTHONHASHSEED"] = "0"
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as errors:
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=out, stderr=errors)
        # wait4 tells the memory of this child alone; getrusage knows only the largest of all.
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        errors.seek(0)
        if process.returncode != 0:
            raise BenchmarkError(f"{' '.join(command[:6])} exited with {process.returncode}: {errors.read()[-2000:]}")
        lines = out.read().strip().splitlines()
    # Linux counts kilobytes, macOS bytes.
    unit = 1024 * 1024 if sys.platform == "darwin" else 1024
    said = json.loads(lines[-1]) if lines and lines[-1].startswith("{") else {}
    return Child(said, usage.ru_maxrss / unit, usage.ru_utime + usage.ru_stime)


def alternate(rounds: int, *measured: Callable[[], Child]) -> list[list[Child]]:
    """Measure several things in turn, so that what else the machine does meets all of them."""
    found: list[list[Child]] = [[] for _ in measured]
    for _ in range(rounds):
        for results, measure in zip(found, measured, strict=True):
            results.append(measure())
    return found


def seconds(children: Sequence[Child]) -> float:
    """The median of what children measured as their seconds."""
    return float(median(child.said["seconds"] for child in children))


def ratio(children: Sequence[Child], base: Sequence[Child]) -> float:
    """The median of the ratios of the rounds: what else the machine does in a round meets both sides of its ratio."""
    pairs = zip(children, base, strict=True)
    return float(median(child.said["seconds"] / other.said["seconds"] for child, other in pairs))


def memory(children: Sequence[Child]) -> float:
    """The median of the peaks of children's memory, in MB."""
    return median(child.memory for child in children)
