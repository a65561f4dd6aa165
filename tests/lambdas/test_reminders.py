"""Reminders and whom a message is for: the steps of what people are only told of."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
import time_machine

from lambdas.controls.model import Audience, Plan
from lambdas.remediation import describe, messages, reminders, written
from lambdas.remediation.audience import addressed
from lambdas.remediation.case import DAY, Case, Next
from lambdas.remediation.outcome import Outcome, Result
from tests.lambdas.remediation_requests import REGION, request

NOW = datetime(2026, 1, 5, tzinfo=UTC)
SECONDS = int(NOW.timestamp())


@pytest.fixture(autouse=True)
def _frozen() -> Any:
    with time_machine.travel(NOW, tick=False):
        yield


def told(*remind: int, wait: int = 0) -> Result:
    """A result that tells the creator of a plan with these reminders."""
    plan = Plan(tell=(Audience.CREATOR,), message="It lacks a tag.", creator="ann", remind=remind, wait=wait)
    details = {"plan": written.plan(plan), "audience": ("creator",), "creator": "ann", "tags": {"Owner": "team"}}
    return Result(Outcome.NOTIFIED, "It lacks a tag.", details)


def followed(result: Result, reminding: int = 0, reminded: int = 0) -> Result:
    reminders.follow(result, Case("case#", reminding=reminding, reminded=reminded))
    return result


def test_a_plan_without_reminders_is_told_once_and_nothing_is_to_come() -> None:
    result = followed(told())
    assert (result.next, result.due, result.standing, result.quiet) == (None, None, {}, False)


@pytest.mark.parametrize(
    ("reminding", "days", "step", "audience", "reason"),
    [
        (0, 7, None, ("creator",), "It lacks a tag."),
        (1, 7, "reminder", ("creator",), "reminder 1: it still fails 7 days after it was first told. It lacks a tag."),
        (
            2,
            None,
            "escalation",
            ("creator", "operations"),
            "told to operations: it still fails 14 days after it was first told. It lacks a tag.",
        ),
    ],
)
def test_each_step_comes_after_its_days_and_the_last_one_tells_operations(
    reminding: int, days: int | None, step: str | None, audience: tuple[str, ...], reason: str
) -> None:
    result = followed(told(7, 14), reminding=reminding, reminded=max(0, reminding - 1))
    assert (result.details.get("step"), result.details["audience"], result.reason) == (step, audience, reason)
    assert (result.next, result.due) == (
        (None, None) if days is None else (Next.REMIND, SECONDS + days * DAY)
    )  # fmt: skip


def test_the_only_day_is_the_one_on_which_operations_are_told() -> None:
    assert followed(told(1)).due == SECONDS + DAY
    last = followed(told(1), reminding=1)
    assert (last.details["step"], last.next) == ("escalation", None)
    assert "1 day after" in last.reason


def test_what_comes_for_another_reason_begins_anew() -> None:
    result = followed(told(7, 14), reminding=0, reminded=1)
    assert "step" not in result.details
    assert (result.standing["reminded"], result.due) == (0, SECONDS + 7 * DAY)


def test_a_plan_with_fewer_days_than_were_asked_for_escalates() -> None:
    assert followed(told(3), reminding=2).details["step"] == "escalation"


def test_people_are_not_told_before_what_they_need_can_be_known_and_the_step_is_kept() -> None:
    result = followed(told(7, 14, wait=900), reminding=1)
    assert (result.quiet, result.next, result.due) == (True, Next.AGAIN, SECONDS + 900)
    assert result.standing == {"reminding": 1}


@pytest.mark.parametrize(
    ("tell", "creator", "tags", "audience"),
    [
        ((Audience.CREATOR,), "ann", {}, ("creator",)),
        ((Audience.CREATOR,), "", {"Owner": "team"}, ("owner",)),
        ((Audience.CREATOR,), "", {"Owner": " "}, ("operations",)),
        ((Audience.CREATOR, Audience.OWNER), "web", {}, ("creator", "operations")),
        ((Audience.CREATOR, Audience.OWNER), "", {"Owner": "team"}, ("owner",)),
        ((Audience.OWNER, Audience.OPERATIONS), "", {}, ("operations",)),
        ((Audience.OPERATIONS,), "ann", {}, ("operations",)),
    ],
)
def test_who_is_not_there_is_stood_in_for(
    tell: tuple[Audience, ...], creator: str, tags: dict[str, str], audience: tuple[str, ...]
) -> None:
    plan = written.plan(Plan(tell=tell, creator=creator))
    found = addressed(plan, tags, "Owner")
    assert found == {"audience": audience, **({"creator": creator} if creator else {})}


def test_a_message_names_the_creator_and_the_step_and_when_it_comes_again() -> None:
    said = messages.of_result(request(), followed(told(7, 14), reminding=1), "production", "Owner", REGION)
    wanted = {"outcome": "notified", "creator": "ann", "audience": "creator", "owner": "team"}
    assert wanted.items() <= said.attributes.items()
    assert len(said.attributes) <= 10, "Amazon SQS takes ten of a raw message"
    assert said.subject.startswith("[reminder] EC2.13")
    assert ("Creator", "ann") in said.facts
    assert said.steps == ("It is told again on 2026-01-12, unless it is mended before.",)


def test_a_plan_that_says_nothing_of_it_is_written_and_approved_as_ever() -> None:
    plain = Plan(tell=(Audience.OWNER,), message="m")
    assert set(written.plan(plain)) == {"changes", "tell", "leaves", "message", "ceiling"}
    more = Plan(tell=(Audience.OWNER,), message="m", creator="ann", remind=(7,), wait=60)
    assert written.plan(more)["remind"] == [7]
    assert describe.digest(plain, {}) == describe.digest(more, {})


@pytest.mark.parametrize("days", [(0,), (7, 7), (14, 7), (-1, 3)])
def test_days_of_reminders_rise(days: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="rise from 1"):
        Plan(tell=(Audience.OWNER,), remind=days)
