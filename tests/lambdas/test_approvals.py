"""Questions to people: asked once, answered once, and asked again only when something has changed."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
import time_machine

from lambdas.remediation import approvals
from lambdas.remediation.approvals import NO_QUESTION, REMEDIATE, UNDO
from lambdas.remediation.case import DAY, Approval, Case, Next
from lambdas.remediation.outcome import Outcome, Result
from tests.lambdas.remediation_requests import request

NOW = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
SECONDS = int(NOW.timestamp())


@pytest.fixture(autouse=True)
def now() -> Any:
    with time_machine.travel(NOW, tick=False):
        yield


def waiting(**more: Any) -> Case:
    """A case on which a question waits."""
    given: dict[str, Any] = {
        "approval": Approval.WAITING.value,
        "kind": REMEDIATE,
        "asked": "r-first",
        "question": 1,
        "digest": "d-1",
        "deadline": SECONDS + DAY,
    }
    return Case("case#", **{**given, **more})


def ask(case: Case, digest: str = "d-1", **more: Any) -> Result:
    result = Result(Outcome.AWAITING_APPROVAL, "the mode is approve", {"digest": digest})
    return approvals.ask(request(), result, case, **{"question": 1, "days": 7, **more})


def test_a_question_stands_on_the_case_until_its_deadline() -> None:
    result = ask(Case("case#"), question=3, requester="carol")
    assert (result.next, result.due) == (Next.EXPIRE, SECONDS + 7 * DAY)
    assert (result.standing["approval"], result.standing["question"]) == ("waiting", 3)
    assert (result.standing["asked"], result.standing["requester"]) == (request().id, "carol")
    assert not result.quiet


def test_the_same_question_is_not_asked_twice() -> None:
    result = ask(waiting())
    assert (result.outcome, result.quiet, result.due) == (Outcome.AWAITING_APPROVAL, True, SECONDS + DAY)
    assert result.reason.endswith("; asked already as r-first")
    assert result.standing["asked"] == "r-first"


@pytest.mark.parametrize(
    "case",
    [
        pytest.param(waiting(digest="d-0"), id="another plan"),
        pytest.param(waiting(kind=UNDO), id="a question about an undo"),
        pytest.param(waiting(deadline=SECONDS), id="its time is over"),
        pytest.param(waiting(approval=Approval.APPROVED.value), id="approved, and not done"),
        pytest.param(waiting(approval=Approval.REJECTED.value, digest="d-0"), id="another plan was rejected"),
    ],
)
def test_what_has_changed_is_asked(case: Case) -> None:
    result = ask(case)
    assert (result.outcome, result.quiet, result.standing["asked"]) == (
        Outcome.AWAITING_APPROVAL,
        False,
        request().id,
    )
    assert result.standing["answered_by"] is None, "an answer to another question is none to this"


@pytest.mark.parametrize(
    ("case", "reason"),
    [
        pytest.param(
            waiting(approval=Approval.REJECTED.value, answered_by="alice", answer="a bastion"),
            "rejected by alice: a bastion",
            id="rejected",
        ),
        pytest.param(
            waiting(approval=Approval.REJECTED.value, answered_by="alice"), "rejected by alice", id="without a reason"
        ),
        pytest.param(
            waiting(approval=Approval.EXPIRED.value), "nobody has answered until 2026-01-06 09:00 UTC", id="expired"
        ),
    ],
)
def test_an_answer_stands_while_nothing_changes(case: Case, reason: str) -> None:
    result = ask(case)
    assert result.outcome is Outcome.REFUSED
    assert result.reason == f"{reason}; asked again when the resource or the plan changes"
    assert result.standing["approval"] == case.approval
    declined = approvals.declined(case)
    assert declined.reason == reason
    assert declined.outcome is (Outcome.REJECTED if case.answered_by else Outcome.APPROVAL_EXPIRED)


def test_a_question_that_is_over_leaves_nothing_on_the_case() -> None:
    assert set(NO_QUESTION) == set(approvals.kept(waiting()))
    assert not any(NO_QUESTION.values())


def test_the_ledger_keeps_who_answered_and_about_what() -> None:
    about = {"control": "EC2.13", "resource": "arn", "environment": "e", "region": "r", "outcome": "never this"}
    assert approvals.answer(about, "alice", "known", "d-1") == {
        "by": "alice",
        "reason": "known",
        "digest": "d-1",
        "control": "EC2.13",
        "resource": "arn",
        "environment": "e",
        "region": "r",
    }
