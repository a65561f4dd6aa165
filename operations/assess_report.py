"""An assessment for people: counts for each account and Region, then every resource that fails."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from operations.assess import Assessment, assess
from operations.assess_judge import Judgement, Outcome
from operations.stack_settings import subject_of

# Of a long list people see the beginning; --json has all of it.
LISTED = 50
QUIET = (Outcome.COMPLIANT, Outcome.NOT_APPLICABLE)
STYLES = {Outcome.UNREAD: "red", Outcome.WOULD_CHANGE: "yellow", Outcome.REFUSED: "magenta"}


def run(stack: str | None, accounts: Sequence[str], regions: Sequence[str], role: str | None, *, as_json: bool) -> bool:
    """Assess and print; whether everything could be read. Raises StackError."""
    assessment = assess(subject_of(stack, accounts, regions, "assess"), role)
    if as_json:
        for one in assessment.judgements:
            print(json.dumps(one.line(), default=str))
    else:
        show(assessment, Console(highlight=False))
    return assessment.whole


def show(assessment: Assessment, console: Console) -> None:
    """Print the tables."""
    console.print(_summary(assessment))
    failing = [one for one in assessment.judgements if one.outcome not in QUIET]
    if failing:
        console.print(_failing(failing[:LISTED]))
    if len(failing) > LISTED:
        console.print(f"{len(failing) - LISTED} more: --json lists all.")
    for left_out in assessment.left_out:
        console.print(f"Not assessed: {left_out}.")
    if assessment.subject.stack is None:
        console.print("No stack was named: modes and parameters are the defaults (notify).")
    if not assessment.whole:
        console.print("Something could not be read: what is missing here is not known to be compliant.", style="red")


def _summary(assessment: Assessment) -> Table:
    table = Table(title=f"What {assessment.role} reads")
    table.add_column("account")
    table.add_column("Region")
    for outcome in Outcome:
        table.add_column(outcome.value, justify="right")
    table.add_column("managed by code", justify="right")
    rows: dict[tuple[str, str], Counter[Outcome]] = {
        (target.account, region): Counter()
        for target in assessment.subject.targets
        for region in assessment.subject.regions_of(target.account)
    }
    managed: Counter[tuple[str, str]] = Counter()
    for one in assessment.judgements:
        place = (one.account, one.region or "every Region")
        rows.setdefault(place, Counter())[one.outcome] += 1
        managed[place] += bool(one.managed_by) and one.outcome not in QUIET
    total = sum(rows.values(), Counter[Outcome]())
    for place, counts in sorted(rows.items()):
        table.add_row(*place, *(_count(counts[outcome], outcome) for outcome in Outcome), _count(managed[place]))
    table.add_section()
    table.add_row("all", "", *(_count(total[outcome], outcome) for outcome in Outcome), _count(managed.total()))
    return table


def _failing(judgements: list[Judgement]) -> Table:
    table = Table(title="What fails, and what would be done", show_lines=True)
    for heading in ("resource", "outcome, mode", "why", "what would be called"):
        table.add_column(heading, overflow="fold")
    for one in judgements:
        place = one.resource or " ".join(part for part in (one.account, one.region) if part)
        named = Text(f"{one.control or ''} {place}".strip())
        for manager in one.managed_by:
            named.append(f"\nmanaged by {manager}: a change outside comes back", style="cyan")
        mode = f", {one.mode.value}" if one.mode else ""
        outcome = Text(f"{one.outcome.value}{mode}", style=STYLES.get(one.outcome, ""))
        why = "\n".join([one.reason, *(f"limited: {limit}" for limit in one.limits)])
        table.add_row(named, outcome, Text(why), Text("\n".join(_said(one))))
    return table


def _said(judgement: Judgement) -> Iterator[str]:
    for number, call in enumerate(judgement.calls, 1):
        yield f"{number}. {call['call']}"
        yield f"   needs: {', '.join(call['permissions'])}"
    if judgement.ceiling and judgement.calls:
        yield f"ceiling: {judgement.ceiling}"


def _count(number: int, outcome: Outcome | None = None) -> Text:
    return Text(str(number) if number else "-", style=STYLES.get(outcome, "") if outcome and number else "")
