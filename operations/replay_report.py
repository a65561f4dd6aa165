"""`palisade replay` for people: the backlog, and how it ended."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from time import sleep

from rich.console import Console
from rich.table import Table
from rich.text import Text

from operations.account_access import FAILURES
from operations.backlog import Backlog, controls_of, policies_of, read
from operations.hub import Hub, readable
from operations.ledger_report import STYLES
from operations.replay import Ended, Replay


def run(
    hub: Hub,
    environment: str,
    controls: Sequence[str],
    accounts: Sequence[str],
    *,
    limit: int,
    canary: int,
    seconds: float,
    dry_run: bool,
    as_json: bool,
) -> bool:
    """Replay and print; False where something failed or was not handled. Raises HubError."""
    named, console = controls_of(controls), Console(highlight=False)
    try:
        backlog = read(hub, policies_of(hub, environment, accounts), named)
        chosen = backlog.waiting[:limit]
        if dry_run or not chosen:
            _show(backlog, limit, console, as_json=as_json)
            return True
        replay = Replay(hub, seconds, sleep, lambda line: print(line, file=sys.stderr))
        ended = replay.run(chosen, min(canary, len(chosen)))
    except FAILURES as error:
        raise readable(error, "what a replay needs (policies, findings, state, ledger)") from error
    if as_json:
        for one in ended:
            print(json.dumps(one.line()))
    else:
        console.print(_outcomes(ended))
    return _conclude(ended, len(chosen), len(backlog.waiting))


def _conclude(ended: Sequence[Ended], chosen: int, all_waiting: int) -> bool:
    bad = [one for one in ended if one.bad]
    if bad:
        first = bad[0]
        print(
            f"palisade: stopped after {len(ended)} of {chosen} findings: {first.waiting.request.resource.arn} is "
            f"{first.outcome}: {first.reason}",
            file=sys.stderr,
        )
        return False
    if all_waiting > chosen:
        print(f"palisade: {all_waiting - chosen} more wait; --limit takes more of them", file=sys.stderr)
    return True


def _show(backlog: Backlog, limit: int, console: Console, *, as_json: bool) -> None:
    """Print what a replay would take, in its order."""
    if as_json:
        for one in backlog.waiting[:limit]:
            line = Ended(one, None, "", "").line()
            kept = ("control", "account", "region", "resource")
            former = {"mode": one.mode.value, "before": one.case.outcome, "since": one.request.finding["CreatedAt"]}
            print(json.dumps({**{name: line[name] for name in kept}, **former}))
    elif not backlog.waiting:
        console.print("Nothing waits that would be answered otherwise by now.")
    else:
        console.print(_waiting(backlog, limit))
    for reason, number in backlog.left_out.items():
        print(f"palisade: {number} left out: {reason}", file=sys.stderr)


def _waiting(backlog: Backlog, limit: int) -> Table:
    table = Table(title=f"{min(limit, len(backlog.waiting))} of {len(backlog.waiting)} that wait", title_justify="left")
    for heading in ("since", "control", "resource", "answered before", "mode now"):
        table.add_column(heading, overflow="fold")
    for one in backlog.waiting[:limit]:
        request = one.request
        table.add_row(
            str(request.finding["CreatedAt"]),
            request.control.id,
            Text(request.resource.arn),
            one.case.outcome or "",
            one.mode.value,
        )
    return table


def _outcomes(ended: Sequence[Ended]) -> Table:
    table = Table(title="How it ended", title_justify="left")
    for heading in ("resource", "control", "outcome", "why", "remediation"):
        table.add_column(heading, overflow="fold", no_wrap=heading == "remediation")
    for one in ended:
        request = one.waiting.request
        table.add_row(
            Text(request.resource.arn),
            request.control.id,
            Text(one.outcome, style=STYLES.get(one.outcome, "")),
            Text(one.reason),
            one.remediation or "",
        )
    return table
