"""`palisade ledger`: one remediation as a story, or a list of them."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from lambdas.remediation import describe, undo
from lambdas.remediation.outcome import Outcome
from lambdas.remediation.people import next_undo
from lambdas.remediation.record import Ledger, outcome_of
from lambdas.remediation.undo import NotUndoableError
from operations.account_access import FAILURES
from operations.advance import AdvanceError, duration_of
from operations.hub import Hub, HubError, RefusedError, readable
from operations.ledger import Row, Wanted, rows
from operations.question import Entry, at, managers_of, moment, subject_of

STYLES = {"remediated": "green", "undone": "green", "failed": "red", "limited": "yellow", "awaiting-approval": "cyan"}


def seconds_of(text: str, option: str) -> float:
    """Read a duration such as 7d or 15m; raises HubError naming the option."""
    try:
        return duration_of(text).total_seconds()
    except AdvanceError as error:
        raise HubError(f"{option}: {error}") from error


def wanted_of(
    account: str | None, control: str | None, resource: str | None, outcome: str | None, since: str | None
) -> Wanted:
    """Read what narrows a list; raises HubError."""
    if account is not None and not re.fullmatch(r"\d{12}", account):
        raise HubError(f"--account: {account!r} is not an account id of 12 digits")
    if resource is not None and not re.fullmatch(r"arn(:[^:]*){4}:.+", resource):
        raise HubError(f"--resource: {resource!r} is not an ARN")
    if outcome is not None and outcome not in (known := [one.value for one in Outcome]):
        raise HubError(f"--outcome: {outcome!r} is none of {', '.join(known)}")
    start = None if since is None else datetime.now(UTC) - timedelta(seconds=seconds_of(since, "--since"))
    return Wanted(account, control, resource, outcome, start)


def listed(hub: Hub, wanted: Wanted, limit: int, *, as_json: bool) -> None:
    """Print the newest remediations that are wanted; raises HubError."""
    if wanted.reads_all:
        print("palisade: no account narrows this: the whole ledger is read (--account reads one)", file=sys.stderr)
    try:
        found, more = rows(hub, wanted, limit)
    except FAILURES as error:
        raise readable(error, "the ledger") from error
    if as_json:
        for row in found:
            print(json.dumps(row.line()))
    else:
        Console(highlight=False).print(_table(found) if found else "The ledger has nothing of the kind.")
    if more:
        print(f"palisade: there are more; --limit {limit * 2} shows as many again", file=sys.stderr)


def story(hub: Hub, remediation: str, *, as_json: bool) -> None:
    """Print everything of one remediation in order of time; raises HubError and RefusedError."""
    ledger = hub.ledger()
    try:
        entries = sorted(ledger.entries(remediation), key=_order)
        if not entries:
            raise RefusedError(f"the ledger has no {remediation}")
        if as_json:
            for entry in entries:
                print(json.dumps({"remediation": remediation, **entry}))
            return
        console = Console(highlight=False)
        subject = subject_of(entries)
        if subject is not None:
            console.print(_subject(remediation, subject))
        console.print(_events(entries))
        if outcome_of(entries) is not None:
            console.print(Text(_undo(ledger, remediation, entries)))
    except FAILURES as error:
        raise readable(error, "the ledger") from error


def _order(entry: Entry) -> tuple[str, int, str]:
    """By time; of one and the same moment what people said first, then the journal, then the outcome."""
    key = str(entry["entry"])
    return str(entry["at"]), 2 if key == "outcome" else int(key[:1].isdigit()), key


def _table(found: Sequence[Row]) -> Table:
    table = Table(title="The ledger, newest first (UTC)", title_justify="left")
    for heading in ("at", "remediation", "state", "control", "resource", "why"):
        # An id is copied into the next command.
        table.add_column(heading, overflow="fold", no_wrap=heading == "remediation")
    for row in found:
        by = f" (by {row.by})" if row.by else ""
        table.add_row(
            moment(row.at),
            row.remediation,
            Text(row.state, style=STYLES.get(row.state, "")),
            row.control or "",
            Text(row.resource or row.account),
            Text(f"{row.reason}{by}".strip()),
        )
    return table


def _subject(remediation: str, entry: Entry) -> Table:
    table = Table(title=remediation, show_header=False, title_justify="left")
    table.add_column()
    table.add_column(overflow="fold")
    table.add_row("control", entry["control"])
    table.add_row("resource", Text(entry["resource"]))
    table.add_row("account", f"{entry['account']} ({entry['environment']}), {entry['region']}")
    for name in ("verdict", "impact", "undoes"):
        if entry.get(name):
            table.add_row(name, Text(str(entry[name])))
    if (managers := managers_of(entry)) is not None:
        table.add_row("managed by", Text(managers))
    return table


def _events(entries: Sequence[Entry]) -> Table:
    table = Table(title="What happened (UTC)", title_justify="left")
    for heading in ("at", "what", ""):
        table.add_column(heading, overflow="fold")
    answered = {(one["change"], one.get("undoes")) for one in entries if one["entry"].endswith("-response")}
    begun: dict[tuple[str, str | None], Entry] = {}
    for entry in entries:
        kind = _kind(entry)
        for one in [entry] if kind == "effect" else entry.get("taken", ()):
            table.add_row(moment(entry["at"]), "effect", Text(_effect(one)))
        if kind == "effect":
            continue
        if kind == "intent":
            mark = (entry["change"], entry.get("undoes"))
            begun[mark] = entry
            if mark in answered:
                continue
        lines = list(_said(kind, entry, begun))
        table.add_row(moment(entry["at"]), "call" if kind in ("intent", "response") else kind, Text("\n".join(lines)))
    return table


def _effect(entry: Mapping[str, Any]) -> str:
    """Say that a change, or an undo, was seen to have taken."""
    return f"{'the undo of ' if entry.get('undoes') else ''}{entry['change']} has taken: {entry['value']}"


def _kind(entry: Entry) -> str:
    """What an entry is: the word of its key without the number."""
    first, _, second = str(entry["entry"]).partition("-")
    return second if first.isdigit() else first


def _said(kind: str, entry: Entry, begun: Mapping[tuple[str, str | None], Entry]) -> Iterator[str]:
    if kind in ("intent", "response"):
        yield from _call(kind, entry, begun)
        return
    if "outcome" in entry:
        yield f"{entry['outcome']}: {entry['reason']}"
    elif entry.get("reason"):
        yield str(entry["reason"])
    for name in ("by", "what", "execution", "undoes"):
        if entry.get(name) is not None:
            yield f"{name}: {entry[name]}"
    if entry.get("deadline"):
        yield f"to be answered until {at(int(entry['deadline']))}"
    if kind != "plan" and "plan" in entry:
        yield from describe.recorded(entry["plan"])
    if entry.get("unnoted"):
        yield f"the finding has no note: {entry['unnoted']}"


def _call(kind: str, entry: Entry, begun: Mapping[tuple[str, str | None], Entry]) -> Iterator[str]:
    """Say one call: its parameters, how it was answered, how it is undone."""
    intent = begun.get((entry["change"], entry.get("undoes")))
    undoes = f" (undoes {entry['undoes']})" if entry.get("undoes") else ""
    yield f"{describe.call(intent)}{undoes}" if intent is not None else f"{entry['change']}{undoes}"
    if kind == "intent":
        yield "no response is recorded: nobody knows whether it took effect"
    elif "refused" in entry:
        yield f"refused: {entry['refused']}"
    elif "settled" in entry:
        yield f"done before: {entry['settled']}"
    else:
        yield f"done; request id {entry.get('request_id')}"
        inverse: Mapping[str, Any] | None = entry.get("inverse")
        if not entry.get("undoes"):
            none = f"none: {entry.get('irreversible')}"
            yield f"undo: {describe.call(inverse) if inverse else none}"


def _undo(ledger: Ledger, remediation: str, entries: Sequence[Entry]) -> str:
    """How to undo it, or why it is not to be."""
    try:
        undo.plan_of(entries)
        next_undo(ledger, remediation)
    except NotUndoableError as error:
        return f"No undo: {error}."
    return f"Undo it: palisade undo {remediation}"
