"""`make bench`: measure everything, write build/bench.json, and say which bounds are missed."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks import calls, cold_start, engine, program, simulate
from benchmarks.measure import Figure

GROUPS: Mapping[str, Callable[[], dict[str, Figure]]] = {
    "calls": calls.figures,
    "cold-start": cold_start.figures,
    "program": program.figures,
    "simulate": simulate.figures,
    "engine": engine.figures,
}


def main() -> int:
    """Measure the groups that were asked for; 1 where a bound is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("build/bench.json"), help="the figures as JSON")
    parser.add_argument("--only", choices=sorted(GROUPS), action="append", help="one group of measurements; repeatable")
    options = parser.parse_args()
    console = Console(highlight=False)
    found: dict[str, Figure] = {}
    for name in options.only or GROUPS:
        with Console(stderr=True).status(f"measuring {name}"):
            found |= GROUPS[name]()
    options.out.parent.mkdir(parents=True, exist_ok=True)
    documents = {name: figure.document() for name, figure in found.items()}
    options.out.write_text(json.dumps(documents, indent=2) + "\n", encoding="utf-8")
    console.print(table(found))
    missed = [name for name, figure in found.items() if figure.missed]
    if missed:
        console.print(f"missed: {', '.join(missed)}")
    return 1 if missed else 0


def table(found: Mapping[str, Figure]) -> Table:
    """Lay the figures out for people."""
    shown = Table("measurement", box=None)
    for heading in ("value", "bound"):
        shown.add_column(heading, justify="right")
    shown.add_column("unit")
    shown.add_column("")
    for name, figure in found.items():
        bound = "" if figure.bound is None else f"{figure.bound:g}"
        verdict = "" if figure.bound is None else "missed" if figure.missed else "ok"
        shown.add_row(name, f"{figure.value:g}", bound, figure.unit, verdict)
    return shown


if __name__ == "__main__":
    sys.exit(main())
