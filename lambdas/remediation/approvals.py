"""Questions to people: what is asked, whether it was asked already, and what becomes of the answer.

The question stands on the case (`case.py`). Only the endpoint answers it, and it alone may write the answer;
notes and workflow statuses of findings never do.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from lambdas.remediation.case import DAY, Approval, Case, Next
from lambdas.remediation.outcome import Outcome, Result
from lambdas.remediation.request import Request

# What of a case belongs to the question.
QUESTION = (
    "approval",
    "kind",
    "asked",
    "question",
    "digest",
    "deadline",
    "requester",
    "answered_by",
    "answer",
)
REMEDIATE, UNDO = "remediate", "undo"
NO_QUESTION: Mapping[str, None] = dict.fromkeys(QUESTION)


def ask(
    request: Request,
    result: Result,
    case: Case,
    *,
    question: int,
    days: int,
    kind: str = REMEDIATE,
    requester: str = "",
) -> Result:
    """Make a question of a result that awaits approval, unless the same was asked or answered before."""
    digest, now = result.details["digest"], int(time.time())
    if (case.kind, case.digest) == (kind, digest):
        if case.approval in (Approval.REJECTED, Approval.EXPIRED):
            return _answered(result, case)
        if case.approval == Approval.WAITING and case.deadline is not None and case.deadline > now:
            result.reason = f"{result.reason}; asked already as {case.asked}"
            result.quiet, result.next, result.due = True, Next.EXPIRE, case.deadline
            result.standing |= kept(case)
            return result
    deadline = now + days * DAY
    result.next, result.due = Next.EXPIRE, deadline
    result.standing |= {
        **NO_QUESTION,
        "approval": Approval.WAITING.value,
        "kind": kind,
        "asked": request.id,
        "question": question,
        "digest": digest,
        "deadline": deadline,
        "requester": requester or None,
    }
    return result


def declined(case: Case) -> Result:
    """The outcome of a question that was answered with no, or not at all; the answer stands while nothing changes."""
    if case.approval == Approval.REJECTED:
        said = f": {case.answer}" if case.answer else ""
        result = Result(Outcome.REJECTED, f"rejected by {case.answered_by}{said}")
    else:
        result = Result(Outcome.APPROVAL_EXPIRED, f"nobody has answered until {_day(case.deadline or 0)}")
    result.standing |= kept(case)
    return result


def kept(case: Case) -> dict[str, str | int | None]:
    """The question of a case as it stands."""
    return {name: getattr(case, name) or None for name in QUESTION}


def body_of(request: Request, result: Result) -> dict[str, Any]:
    """What the entry of a question holds beside its outcome: the finding, from which the answer goes on."""
    return {"request": dict(request.finding), "deadline": result.due}


def answer(about: Mapping[str, Any], by: str, reason: str, digest: str | None) -> dict[str, Any]:
    """What the ledger keeps of an answer: `about` is the entry of what was asked, or of what is to be undone."""
    where = {name: about[name] for name in ("control", "resource", "environment", "region")}
    return {"by": by, "reason": reason, "digest": digest, **where}


def _answered(result: Result, case: Case) -> Result:
    said = declined(case)
    result.outcome = Outcome.REFUSED
    result.reason = f"{said.reason}; asked again when the resource or the plan changes"
    result.standing |= said.standing
    return result


def _day(moment: int) -> str:
    return f"{datetime.fromtimestamp(moment, UTC):%Y-%m-%d %H:%M} UTC"
