"""What the journal of killed runs tells: what stands, how it is undone, and what nobody knows."""

from __future__ import annotations

from typing import Any

import pytest

from lambdas.controls.model import Change, Grant
from lambdas.remediation import written
from lambdas.remediation.earlier import earlier

UNDO = Change("undo-one", "ec2", "un_one", {}, (Grant("ec2:A", ("*",)),), irreversible="it is an undo")
KNOWN = {"inverse": written.change(UNDO), "irreversible": None}
UNKNOWN = {"inverse": None, "irreversible": "its answer was lost, and the undo needs it"}


def second(number: int) -> dict[str, Any]:
    """The undo of a second time, which found what the first had done."""
    return {"inverse": {**written.change(UNDO), "operation": f"un_one_{number}"}, "irreversible": None}


def journal(*said: tuple[str, dict[str, Any]]) -> list[dict[str, Any]]:
    return [{"entry": f"{number:04d}-{kind}", "change": "one", **body} for number, (kind, body) in enumerate(said, 1)]


INTENT, LOST = ("intent", KNOWN), ("intent", UNKNOWN)
DONE = ("response", {"response": {"Id": "1"}, **KNOWN})
SETTLED, REFUSED = ("response", {"settled": "Exists"}), ("response", {"refused": "Denied"})
TAKEN_BACK = ("response", {"change": "undo-one", "undoes": "one", "response": {}})


@pytest.mark.parametrize(
    ("said", "inverse", "opened"),
    [
        pytest.param([INTENT], UNDO, (), id="killed in the call, whose undo needs no answer"),
        pytest.param([LOST], "none", ("one",), id="killed in the call, whose undo needs its answer"),
        pytest.param([INTENT, INTENT, SETTLED], UNDO, (), id="the killed run had done it"),
        pytest.param([INTENT, SETTLED], "none", (), id="somebody else had done it"),
        pytest.param([LOST, LOST, SETTLED], None, (), id="the killed run had done it, and its answer is lost"),
        pytest.param([LOST, LOST, REFUSED], "none", ("one",), id="a refusal says nothing about the killed call"),
        pytest.param([INTENT, INTENT, REFUSED], UNDO, (), id="a refusal after a killed call that can be undone"),
        pytest.param([INTENT, REFUSED], "none", (), id="refused"),
        pytest.param([LOST, LOST, DONE], UNDO, (), id="made again with an answer"),
        pytest.param([INTENT, DONE, INTENT, ("response", second(2))], UNDO, (), id="the first undo brings back before"),
        pytest.param([INTENT, DONE, INTENT, SETTLED], UNDO, (), id="done, and found done"),
        pytest.param([INTENT, DONE, TAKEN_BACK], "none", (), id="taken back"),
        pytest.param([INTENT, TAKEN_BACK], "none", (), id="an open one taken back"),
    ],
)
def test_a_journal_tells_how_what_was_done_is_undone(said: Any, inverse: Any, opened: tuple[str, ...]) -> None:
    known = earlier(journal(*said))
    assert (known.inverses.get("one", "none"), known.open) == (inverse, opened)
    assert known.changed is (inverse != "none" or bool(opened))


def test_why_nothing_brings_it_back_is_known() -> None:
    assert earlier(journal(LOST, LOST, SETTLED)).irreversible["one"] == UNKNOWN["irreversible"]


def test_what_was_taken_back_is_named_with_its_undo_in_the_order_of_the_changes() -> None:
    other = [{**entry, "change": "two"} for entry in journal(INTENT, DONE)]
    known = earlier([*journal(INTENT, DONE), *other, *journal(TAKEN_BACK)])
    assert [name for name, _ in known.begun] == ["one", "two"]
    assert known.undone == {"one": UNDO}
