"""What the doctor found, for people and as lines of JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from operations.doctor import Examination, examine
from operations.doctor_cost import Estimate
from operations.doctor_model import Check, Level
from operations.stack_settings import subject_of

STYLES = {Level.BLOCKS: "red", Level.WARNS: "yellow", Level.UNREAD: "magenta", Level.OK: "green"}
# So many places of one and the same finding are named.
NAMED = 3


def run(stack: str | None, accounts: Sequence[str], regions: Sequence[str], role: str, *, as_json: bool) -> bool:
    """Examine and print; whether nothing blocks. Raises StackError."""
    examination = examine(subject_of(stack, accounts, regions, "doctor"), role)
    if as_json:
        lines = [one.line() for one in examination.checks] + [one.line() for one in examination.estimates]
        for line in lines:
            print(json.dumps(line))
    else:
        show(examination, Console(highlight=False))
    return examination.free


def show(examination: Examination, console: Console) -> None:
    """Print the tables; equal findings of many places are one row."""
    console.print(_checks(examination.checks))
    if examination.estimates:
        console.print(_costs(examination.estimates))
        unknown = dict.fromkeys(one for estimate in examination.estimates for one in estimate.unknown)
        console.print("Not in these figures, for nobody knows it beforehand:")
        for one in unknown:
            console.print(f"  - {one}")
    counts = {level: sum(one.level is level for one in examination.checks) for level in Level}
    told = ", ".join(f"{number} {level.value}" for level, number in counts.items())
    console.print(f"{told}. {'Nothing blocks.' if examination.free else 'Do what blocks first.'}")


def _checks(checks: Sequence[Check]) -> Table:
    table = Table(title="Before pulumi up")
    for heading in ("", "what", "found", "to do", "where"):
        table.add_column(heading, overflow="fold")
    same: dict[tuple[Level, str, str, str], list[str]] = {}
    for one in checks:
        place = " ".join(part for part in (one.account, one.region) if part)
        same.setdefault((one.level, one.topic, one.told, one.remedy), []).append(place)
    for level in Level:
        for (found, topic, told, remedy), places in same.items():
            if found is level:
                table.add_row(Text(level.value, style=STYLES[level]), topic, Text(told), Text(remedy), _where(places))
    return table


def _where(places: Sequence[str]) -> Text:
    if len(places) <= NAMED:
        return Text("\n".join(places))
    return Text("\n".join([*places[: NAMED - 1], f"and {len(places) - NAMED + 1} more (--json names all)"]))


def _costs(estimates: Sequence[Estimate]) -> Table:
    table = Table(title="A month, at least, in US dollars (list prices of US East)")
    table.add_column("account")
    table.add_column("Region")
    table.add_column("known part", justify="right")
    table.add_column("made of", overflow="fold")
    for one in estimates:
        table.add_row(one.account, one.region, f"{one.dollars:.2f}", Text("\n".join(one.made_of)))
    table.add_section()
    table.add_row("all", "", f"{sum(one.dollars for one in estimates):.2f}", "")
    return table
