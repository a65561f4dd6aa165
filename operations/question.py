"""What people are asked, as the ledger has it: before they answer, and before a remediation is undone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from rich.table import Table
from rich.text import Text

from lambdas.remediation import describe, undo, written

Entry = Mapping[str, Any]


def moment(text: str) -> str:
    """A time of the ledger as UTC in ISO 8601, to the second."""
    return f"{datetime.fromisoformat(text).astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def at(seconds: int) -> str:
    """Seconds since the epoch as UTC in ISO 8601."""
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%SZ}"


def question_of(entries: Sequence[Entry]) -> Entry | None:
    """The last question among the entries of a remediation."""
    asked = [one for one in entries if one["entry"].startswith("asked-")]
    return max(asked, key=lambda one: int(one["entry"].partition("-")[2]), default=None)


def subject_of(entries: Sequence[Entry]) -> Entry | None:
    """The entry that says of what control and resource a remediation is: its outcome, else whatever does."""
    named = [one for one in entries if "control" in one and "resource" in one]
    return next((one for one in named if one["entry"] == "outcome"), named[-1] if named else None)


def shown(title: str, entry: Entry, entries: Sequence[Entry], plan: Sequence[str]) -> Table:
    """What is asked, with the plan's lines, for people."""
    table = Table(title=title, show_header=False, title_justify="left")
    table.add_column()
    table.add_column(overflow="fold")
    for name, value in _lines(entry, entries):
        table.add_row(name, Text(value))
    if plan:
        table.add_section()
        table.add_row("plan", Text("\n".join(plan)))
    return table


def plan_of_question(question: Entry, undone: Sequence[Entry]) -> list[str]:
    """The calls that a question asks for; `undone` are the entries of the remediation that it would take back."""
    if "plan" in question:
        return describe.recorded(question["plan"])
    return plan_of_undo(undone) if undone else []


def plan_of_undo(entries: Sequence[Entry]) -> list[str]:
    """The calls that undo a remediation; raises NotUndoableError."""
    return describe.recorded(written.plan_of_changes(undo.plan_of(entries)))


def answers_of(entries: Sequence[Entry]) -> Iterator[str]:
    """What people have said to the questions of a remediation, in order of time."""
    for one in sorted(entries, key=lambda entry: str(entry["at"])):
        kind = one["entry"].partition("-")[0]
        if kind in ("approved", "rejected") and "by" in one:
            why = f": {one['reason']}" if one.get("reason") else ""
            yield f"{kind} by {one['by']} at {moment(one['at'])}{why}"


def managers_of(entry: Entry) -> str | None:
    """Who manages the resource by code, and where; None where nobody is known."""
    if not entry.get("managers"):
        return None
    place = f" ({entry['code']})" if entry.get("code") else ""
    return f"{', '.join(entry['managers'])}{place}: change it there too, or it comes back"


def _lines(entry: Entry, entries: Sequence[Entry]) -> Iterator[tuple[str, str]]:
    yield "control", entry["control"]
    yield "resource", entry["resource"]
    yield "account", f"{entry['account']} ({entry['environment']}), {entry['region']}"
    for name, label in (("verdict", "found"), ("reason", "why"), ("impact", "impact"), ("undoes", "takes back")):
        if entry.get(name):
            yield label, str(entry[name])
    yield "managed by", managers_of(entry) or "nobody that its tags name"
    if entry.get("deadline"):
        yield "deadline", at(int(entry["deadline"]))
    for answer in answers_of(entries):
        yield "answered", answer
