"""`palisade approve`, `reject`, `undo`, `lift`, `stop` and `resume`: shows what is asked, asks back, and sends it.

What is sent names the digest of the plan that was shown, so that nothing else is approved.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from rich.console import Console

from lambdas.remediation.endpoint import Asked, RequestError
from lambdas.remediation.people import next_undo
from lambdas.remediation.undo import NotUndoableError
from operations.account_access import FAILURES, said
from operations.hub import Hub, HubError, RefusedError
from operations.question import Entry, answers_of, plan_of_question, plan_of_undo, question_of, shown, subject_of

Confirm = Callable[[str], bool]
# Nothing begins by these, so nobody is asked back.
AT_ONCE = frozenset({"stop"})


def check(body: Mapping[str, str]) -> None:
    """Refuse what the endpoint would call malformed before anything is sent; raises HubError."""
    try:
        Asked.parse("", body)
    except RequestError as error:
        raise HubError(str(error)) from error


def run(
    hub: Hub,
    url: str | None,
    body: Mapping[str, str],
    *,
    confirm: Confirm | None,
    as_json: bool,
) -> None:
    """Show, ask back, send and tell; `confirm` is None where nobody is asked. Raises HubError and RefusedError."""
    address = url or hub.endpoint()
    asked = dict(body)
    if body.get("remediation"):
        # With --json standard output has the answer alone.
        asked |= _look(hub, body, Console(stderr=as_json, highlight=False, markup=False))
    what = " ".join(one for one in (body["action"], body.get("remediation", "")) if one)
    if confirm is not None and body["action"] not in AT_ONCE and not confirm(f"{what}?"):
        raise RefusedError("not confirmed: nothing was sent")
    answer = hub.ask(address, asked)
    if as_json:
        print(json.dumps({"action": body["action"], **answer}))
    else:
        print(_told(body["action"], answer))


def _look(hub: Hub, body: Mapping[str, str], console: Console) -> dict[str, str]:
    """Show what the ledger has of a remediation; return the digest of the question that was shown."""
    action, remediation = body["action"], body["remediation"]
    try:
        entries = hub.ledger().entries(remediation)
        if not entries:
            raise RefusedError(f"the ledger has no {remediation}")
        return _show(hub, action, remediation, entries, console, body.get("digest", ""))
    except FAILURES as error:
        console.print(f"What {remediation} is about is not shown: the ledger cannot be read: {said(error)}.")
        return {}


def _show(
    hub: Hub, action: str, remediation: str, entries: Sequence[Entry], console: Console, digest: str
) -> dict[str, str]:
    title = f"{action} {remediation}"
    if action == "undo":
        try:
            plan = plan_of_undo(entries)
            next_undo(hub.ledger(), remediation)
        except NotUndoableError as error:
            raise RefusedError(str(error)) from error
        if (subject := subject_of(entries)) is not None:
            console.print(shown(title, subject, entries, plan))
        return {}
    question = question_of(entries)
    if action == "lift" or question is None:
        if (subject := subject_of(entries)) is not None:
            console.print(shown(title, subject, entries, []))
        return {}
    undone = hub.ledger().entries(question["undoes"]) if "undoes" in question else []
    console.print(shown(title, question, entries, plan_of_question(question, undone)))
    if any(answers_of(entries)):
        console.print("It has been answered before.")
    return {"digest": digest or str(question.get("digest", ""))}


def _told(action: str, answer: Mapping[str, Any]) -> str:
    if action in ("approve", "reject"):
        follows = "it is made now" if answer["state"] == "approved" else "nothing is changed"
        return f"{answer['remediation']} is {answer['state']}: {follows}. See: palisade ledger {answer['remediation']}"
    if action == "undo":
        begun = answer["state"] == "begun"
        follow = "See: palisade ledger" if begun else "An approver says: palisade approve"
        state = "has begun" if begun else "was requested"
        return f"the undo {answer['undo']} {state}. {follow} {answer['undo']}"
    if action == "lift":
        return f"lifted: {answer['lifted']}"
    if action == "stop":
        return "stopped: no remediation begins any more. Go on with: palisade resume"
    return "resumed: what was held up is taken up by the sweep within twenty minutes"
