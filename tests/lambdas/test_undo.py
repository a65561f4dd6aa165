"""Undo: what is refused with which reason, what is made, and what is said of how the resource is then."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from lambdas.controls.model import Change, Grant, Probe
from lambdas.remediation import written
from lambdas.remediation.apply import Run
from lambdas.remediation.differences import differences
from lambdas.remediation.earlier import earlier
from lambdas.remediation.outcome import Outcome, Result
from lambdas.remediation.undo import NotUndoableError, Undo, digest, plan_of, undo_id
from tests.lambdas.remediation_requests import SSH, request

GRANTS = (Grant("ec2:A", ("*",)),)
BEFORE, AFTER = {"Port": 22, "Id": "r-1"}, {"Port": 443, "Id": "r-2"}


def inverse(name: str, **more: Any) -> Change:
    return Change(f"un-{name}", "ec2", f"un_{name}", {}, GRANTS, irreversible="it is an undo", **more)


def entry(number: int, kind: str, **body: Any) -> dict[str, Any]:
    return {"entry": f"{number:04d}-{kind}", **body}


def made(name: str, number: int, undo: Change | None = None, **more: Any) -> list[dict[str, Any]]:
    """What the journal says of a change that was made."""
    how = {"inverse": written.change(undo) if undo else None, "irreversible": None if undo else "gone for good"}
    response = entry(number + 1, "response", change=name, response={}, **how)
    return [entry(number, "intent", change=name, **more), response]


def remediated(*journal: dict[str, Any], **more: Any) -> list[dict[str, Any]]:
    """The entries of a remediation that has ended."""
    return [*journal, {"entry": "outcome", "after": AFTER, **more}]


ONE = made("one", 1, inverse("one"), before=BEFORE)
TWO = made("two", 3, inverse("two"))
BOTH = remediated(*ONE, *TWO)


@dataclass
class World:
    """A resource that says one thing after another, and what was done to it."""

    says: list[Any]
    refused: Mapping[str, str] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)

    def undo(self, entries: Any, before: Any = (), *, tried: bool = False) -> Result:
        control = replace(SSH, read=self._read)
        run = Run("r-1", lambda policy: self._session(), lambda kind, body: None, earlier(before))
        session: Any = None
        return Undo(replace(request(), control=control), session, run, entries, {}, tried).make()

    def _read(self, *_: Any) -> Any:
        return self.says.pop(0) if len(self.says) > 1 else self.says[0]

    def _session(self) -> Any:
        return SimpleNamespace(
            client=lambda service: SimpleNamespace(
                un_one=lambda: self._call("un_one"), un_two=lambda: self._call("un_two")
            )
        )

    def _call(self, operation: str) -> dict[str, Any]:
        self.calls.append(operation)
        if operation in self.refused:
            raise ClientError({"Error": {"Code": self.refused[operation], "Message": "because"}}, operation)
        return {}


def test_what_was_done_is_taken_back_last_first_and_compared_with_before() -> None:
    world = World([AFTER, BEFORE])
    result = world.undo(BOTH)
    assert (result.outcome, result.reason, result.applied) == (Outcome.UNDONE, "as before, field by field", True)
    assert world.calls == ["un_two", "un_one"]


@pytest.mark.parametrize(
    ("entries", "reason"),
    [
        pytest.param(ONE, "the remediation has not ended", id="not ended"),
        pytest.param(remediated(), "has changed nothing, or is undone already", id="nothing changed"),
        pytest.param(remediated(*made("one", 1)), "one cannot be undone: gone for good", id="no inverse"),
        pytest.param(
            remediated(entry(1, "intent", change="one", inverse=None)),
            "one cannot be undone: it is not known whether it took effect",
            id="a call without an answer",
        ),
        pytest.param(
            remediated(*ONE, entry(3, "response", change="un-one", undoes="one", response={})),
            "has changed nothing, or is undone already",
            id="restored",
        ),
    ],
)
def test_what_cannot_be_undone_is_refused_with_the_reason_before_anything_is_asked(entries: Any, reason: str) -> None:
    with pytest.raises(NotUndoableError, match=reason):
        plan_of(entries)
    world = World([AFTER])
    result = world.undo(entries)
    assert (result.outcome, world.calls) == (Outcome.REFUSED, [])
    assert reason in result.reason


def test_a_call_without_an_answer_is_taken_back_where_its_undo_needs_none() -> None:
    open_intent = entry(1, "intent", change="one", inverse=written.change(inverse("one")), before=BEFORE)
    world = World([AFTER, BEFORE])
    assert world.undo(remediated(open_intent)).outcome is Outcome.UNDONE
    assert world.calls == ["un_one"]


@pytest.mark.parametrize(
    ("live", "reason"),
    [
        pytest.param(None, "the resource no longer exists", id="gone"),
        pytest.param({**AFTER, "Port": 80}, "the resource has moved on since: Port differ", id="moved on"),
        pytest.param(BEFORE, "the resource has moved on since: Id, Port differ", id="somebody took it back"),
    ],
)
def test_a_resource_that_is_not_as_it_was_left_is_refused(live: Any, reason: str) -> None:
    world = World([live])
    result = world.undo(BOTH)
    assert (result.outcome, result.reason, world.calls) == (Outcome.REFUSED, reason, [])


def test_tags_that_people_change_and_the_time_of_reading_are_nothing_of_ours() -> None:
    tagged = {**AFTER, "Tags": [{"Key": "owner", "Value": "ann"}], "ReadAt": "2026-01-05"}
    world = World([tagged, {**BEFORE, "Tags": tagged["Tags"]}])
    assert world.undo(BOTH).reason == "as before, field by field"


def test_tags_that_the_remediation_has_set_are_ours() -> None:
    owned, lent = {"Tags": {"Name": "web"}}, {"Tags": {"Name": "web", "Owner": "ann"}}
    journal = remediated(*made("one", 1, inverse("one"), before=owned), after=lent)
    assert World([lent, owned]).undo(journal).reason == "as before, field by field"
    other = World([{"Tags": {"Name": "web", "Owner": "bob"}}]).undo(journal)
    assert other.reason == "the resource has moved on since: Tags[].Value differ"
    left = World([lent, lent]).undo(journal)
    assert left.reason == "every change is taken back, and the resource still differs from before: Tags[] (new)"


@pytest.mark.parametrize("tried", [False, True])
def test_an_undo_that_failed_half_way_can_be_tried_again(tried: bool) -> None:
    half_way = {"Port": 22, "Id": "r-2"}
    world = World([half_way, BEFORE])
    result = world.undo(BOTH, tried=tried)
    assert result.outcome is (Outcome.UNDONE if tried else Outcome.REFUSED)


def test_a_killed_undo_goes_on_with_what_it_has_not_done() -> None:
    world = World([{"Port": 22, "Id": "r-2"}, BEFORE])
    done = [entry(1, "intent", change="un-two"), entry(2, "response", change="un-two", response={}, inverse=None)]
    assert world.undo(BOTH, before=done).outcome is Outcome.UNDONE
    assert world.calls == ["un_one"]


def test_a_killed_undo_makes_again_what_has_no_answer_though_the_resource_shows_nothing_of_it() -> None:
    world = World([BEFORE])
    killed = [entry(1, "intent", change="un-two"), entry(2, "response", change="un-two", response={}, inverse=None)]
    killed.append(entry(3, "intent", change="un-one"))
    assert world.undo(BOTH, before=killed).outcome is Outcome.UNDONE
    assert world.calls == ["un_one"]


def test_a_killed_undo_that_has_all_answers_does_nothing_again() -> None:
    world = World([BEFORE])
    killed = [entry(1, "intent", change="un-two"), entry(2, "response", change="un-two", response={}, inverse=None)]
    killed += [entry(3, "intent", change="un-one"), entry(4, "response", change="un-one", response={}, inverse=None)]
    assert world.undo(BOTH, before=killed).outcome is Outcome.UNDONE
    assert world.calls == []


def test_a_refused_undo_is_a_failure_that_says_what_stays_undone() -> None:
    world = World([AFTER], {"un_one": "Denied"})
    result = world.undo(BOTH)
    assert (result.outcome, result.applied) == (Outcome.FAILED, True)
    assert result.reason == "un-one: ec2.un_one was refused with Denied: because; what was undone before stays undone"


@pytest.mark.parametrize(
    ("then", "outcome", "reason"),
    [
        pytest.param(
            {**BEFORE, "Id": "r-3"}, Outcome.UNDONE, "as before, except what is assigned anew: Id", id="a new id"
        ),
        pytest.param(
            {**BEFORE, "Rules": [{"n": 1}]},
            Outcome.UNDONE,
            "every change is taken back, and the resource still differs from before: Rules",
            id="more than before",
        ),
        pytest.param(None, Outcome.GONE, "the resource vanished while it was undone", id="gone"),
    ],
)
def test_what_is_not_as_before_is_said(then: Any, outcome: Outcome, reason: str) -> None:
    result = World([AFTER, then]).undo(
        remediated(*made("one", 1, inverse("one"), before={**BEFORE, "Rules": []}), *TWO)
    )
    assert result.outcome is outcome
    assert result.reason.startswith(reason)


def test_an_undo_that_takes_time_is_handed_over() -> None:
    slow = inverse("one", effect=Probe("ec2", "describe", {}, "State", ("done",)))
    world = World([AFTER])
    assert world.undo(remediated(*made("one", 1, slow, before=BEFORE))).outcome is Outcome.IN_PROGRESS
    assert world.calls == []


@pytest.mark.parametrize(
    ("before", "after", "named"),
    [
        pytest.param({"a": 1}, {"a": 1}, [], id="the same"),
        pytest.param({"a": {"b": 1}}, {"a": {"b": 2}}, ["a.b"], id="deep"),
        pytest.param({"a": 1}, {}, ["a"], id="a field that is gone"),
        pytest.param([1, 2], [2, 1], [], id="order is nothing"),
        pytest.param([{"i": 1, "x": 1}], [{"i": 2, "x": 1}], ["[].i"], id="the likest"),
        pytest.param([{"i": 1}, {"i": 2}], [{"i": 2}], ["[] (gone)"], id="an element gone"),
        pytest.param({"r": []}, {"r": [{"i": 2}]}, ["r[] (new)"], id="an element come"),
        pytest.param({"t": (1, 2)}, {"t": [1, 2]}, [], id="as the ledger gives it back"),
        pytest.param(1, 2, ["the whole"], id="no object"),
    ],
)
def test_differences_are_named_field_by_field(before: Any, after: Any, named: list[str]) -> None:
    assert [one.name for one in differences(before, after)] == named


def test_a_second_try_has_an_id_and_every_plan_a_digest_of_its_own() -> None:
    assert (undo_id("r-12", 1), undo_id("r-12", 2)) == ("u-12", "u-12-2")
    assert digest(plan_of(BOTH)) != digest(plan_of(remediated(*ONE)))
