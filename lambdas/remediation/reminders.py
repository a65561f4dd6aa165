"""Reminders: what people were only told of and still fails is told again, and at last to operations.

The sweep says on the case which step is due (`reminding`); the pipeline judges anew, and tells only what still fails.
A finding that comes for another reason is told afresh, and its days begin again.
"""

from __future__ import annotations

import time

from lambdas.controls.model import Audience
from lambdas.remediation.case import DAY, Case, Next
from lambdas.remediation.outcome import Result

REMINDER, ESCALATION = "reminder", "escalation"


def follow(result: Result, case: Case) -> None:
    """Make a result that people are told of the step that is due, and say when the next one is."""
    plan, now = result.details["plan"], int(time.time())
    days = plan.get("remind", ())
    if plan.get("wait"):
        result.quiet, result.next, result.due = True, Next.AGAIN, now + plan["wait"]
        result.standing |= {"reminding": case.reminding or None}
        return
    step = min(case.reminding, len(days))
    if step:
        _again(result, step, days)
    if step < len(days):
        since = days[step - 1] if step else 0
        result.next, result.due = Next.REMIND, now + (days[step] - since) * DAY
        result.standing |= {"reminded": step}


def _again(result: Result, step: int, days: list[int]) -> None:
    last = step == len(days)
    result.details["step"] = ESCALATION if last else REMINDER
    if last:
        result.details["audience"] = tuple(dict.fromkeys((*result.details["audience"], Audience.OPERATIONS.value)))
    what = "told to operations: it still fails" if last else f"reminder {step}: it still fails"
    result.reason = f"{what} {_days(days[step - 1])} after it was first told. {result.reason}"


def _days(number: int) -> str:
    return f"{number} day{'s' if number > 1 else ''}"
