"""Long plans step by step in simulated time: effects are waited for, forward and back, and a failure restores."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import pytest
import time_machine
from botocore.exceptions import ClientError

from lambdas.controls.model import Ago, Change, Grant, Probe, Ref
from lambdas.remediation.apply import Run
from lambdas.remediation.earlier import earlier
from lambdas.remediation.long_plans import Ended, LongPlan, Wait
from lambdas.remediation.session_policy import LIMIT

START = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
DONE, BROKEN, PENDING = "done", "broken", "pending"


def refusal(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "because"}}, "Operation")


def effect(of: str) -> Probe:
    return Probe("ec2", "describe", {"of": of}, "State", (DONE,), (BROKEN,), interval=30, timeout=600)


def change(name: str, *, slow: bool = True, **more: Any) -> Change:
    grants = (Grant("ec2:A", ("*",)),)
    awaited = {"effect": effect(name)} if slow else {}
    undo = Change(f"un-{name}", "ec2", f"un_{name}", {}, grants, irreversible="it is an undo")
    undo = replace(undo, effect=effect(f"un_{name}")) if slow else undo
    inverse = {} if "irreversible" in more else {"inverse": undo}
    given: dict[str, Any] = {**awaited, **inverse, **more}
    return Change(name, "ec2", name, {}, grants, **given)


CHANGES = (change("a", slow=False), change("b"), change("c"))


@dataclass
class Member:
    """A service whose changes take two looks to take, unless a test says what a look sees."""

    refused: Mapping[str, str] = field(default_factory=dict)
    sees: Mapping[str, Any] = field(default_factory=dict)
    killed: tuple[str, str] | None = None
    entries: list[dict[str, Any]] = field(default_factory=list)
    standing: list[str] = field(default_factory=list)
    happened: list[str] = field(default_factory=list)
    sessions: list[list[str]] = field(default_factory=list)
    forbids: Exception | None = None

    def writer(self, policy: str) -> Any:
        statements = json.loads(policy)["Statement"]
        self.sessions.append([resource for one in statements for resource in one["Resource"]])
        return self

    def client(self, service: str) -> Any:
        return self

    def __getattr__(self, operation: str) -> Any:
        if operation.startswith("_"):
            raise AttributeError(operation)
        return lambda **parameters: self._called(operation, parameters)

    def journal(self, kind: str, body: dict[str, Any]) -> None:
        at = datetime.now(UTC).isoformat()
        self.entries.append({"entry": f"{len(self.entries) + 1:04d}-{kind}", "at": at, **json.loads(json.dumps(body))})

    def _called(self, operation: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        if operation == "describe":
            return self._looked(parameters["of"])
        self._strike(operation, "before")
        if operation in self.refused and (self.killed is None or self.killed[0] != operation):
            raise refusal(self.refused[operation])
        self.happened.append(operation)
        if operation.startswith("un_"):
            self.standing = [one for one in self.standing if one != operation.removeprefix("un_")]
        elif operation not in self.standing:
            self.standing.append(operation)
        self._strike(operation, "after")
        return {"Id": f"id-{operation}", "ResponseMetadata": {"RequestId": "r"}}

    def _strike(self, operation: str, moment: str) -> None:
        if self.killed == (operation, moment):
            self.killed = None
            raise SystemExit("killed")

    def _looked(self, of: str) -> dict[str, Any]:
        looks = self.happened.count(f"look {of}")
        self.happened.append(f"look {of}")
        value = self.sees.get(of, PENDING if looks == 0 else DONE)
        if isinstance(value, Exception):
            raise value
        if value == DONE:
            self.happened.append(f"took {of}")
        return {"State": value}

    def plan(self, changes: tuple[Change, ...] = CHANGES) -> LongPlan:
        reader: Any = self
        run = Run("r-1", self.writer, self.journal, earlier(self.entries))
        return LongPlan(changes, list(self.entries), run, reader, self.ask)

    def ask(self) -> None:
        if self.forbids is not None:
            raise self.forbids

    def followed(self, traveller: Any, changes: tuple[Change, ...] = CHANGES) -> tuple[Ended, LongPlan]:
        """Step as the state machine does: what dies or fails is made again."""
        for _ in range(200):
            plan = self.plan(changes)
            try:
                came = plan.step()
            except (SystemExit, ClientError):
                came = Wait(5)
            if isinstance(came, Ended):
                return came, plan
            traveller.move_to(datetime.now(UTC) + timedelta(seconds=max(1, came.seconds)), tick=False)
        raise AssertionError("the plan does not end")

    @property
    def made(self) -> list[str]:
        return [one for one in self.happened if not one.startswith("look")]


@pytest.fixture
def traveller() -> Iterator[Any]:
    with time_machine.travel(START, tick=False) as opened:
        yield opened


def test_a_plan_goes_on_when_each_change_has_taken(traveller: Any) -> None:
    member = Member()
    ended, plan = member.followed(traveller)
    assert (ended, plan.changed) == (Ended(), True)
    assert member.made == ["a", "b", "took b", "c", "took c"]
    assert datetime.now(UTC) == START + timedelta(seconds=60), "one interval for each of the slow changes"


def test_a_step_assumes_the_writer_once_for_all_that_it_makes_and_may_do_no_more(traveller: Any) -> None:
    def granted(name: str, resource: Any, *, slow: bool) -> Change:
        return replace(change(name, slow=slow), grants=(Grant("ec2:A", (resource,)),))

    made = Ref("a", "Id")
    changes = (
        granted("a", "one", slow=False),
        granted("b", "two", slow=False),
        granted("c", made, slow=False),  # named by the answer to the first, so in a session after it
        granted("d", "three", slow=True),
        granted("e", "four", slow=True),
        granted("f", f"long-{'x' * LIMIT}", slow=False),
        granted("g", "five", slow=False),
    )
    member = Member()
    ended, _ = member.followed(traveller, changes)
    assert ended == Ended()
    assert member.sessions == [["one", "two"], ["id-a", "three"], ["four"], [f"long-{'x' * LIMIT}"], ["five"]]


def test_that_a_change_has_taken_is_written_with_the_next_entry_or_at_the_end(traveller: Any) -> None:
    member = Member(sees={"c": BROKEN})
    member.followed(traveller, (change("0"), *CHANGES))
    said = [
        (entry["entry"][5:], one["change"], "undoes" in one)
        for entry in member.entries
        for one in ([entry] if entry["entry"].endswith("effect") else entry.get("taken", ()))
    ]
    assert said == [
        ("intent", "0", False),
        ("intent", "b", False),
        ("intent", "c", True),
        ("intent", "b", True),
        ("effect", "0", True),
    ]


@pytest.mark.parametrize("sees", [{}, {"c": BROKEN}])
def test_what_forbids_a_change_for_now_neither_fails_the_plan_nor_keeps_it_from_asking(
    sees: dict[str, Any], traveller: Any
) -> None:
    member = Member(sees=sees)
    member.plan().step()
    member.forbids = refusal("TooManyRequestsException")
    for _ in range(2):
        traveller.move_to(datetime.now(UTC) + timedelta(hours=1), tick=False)
        made = [one for one in member.happened if not one.startswith(("look", "took"))]
        with pytest.raises(ClientError):
            member.plan().step()
        assert [one for one in member.happened if not one.startswith(("look", "took"))] == made
        assert not [entry for entry in member.entries if entry["entry"].endswith("failure")]
    member.forbids = None
    ended, _ = member.followed(traveller)
    assert (ended.failure is not None) == bool(sees)


@pytest.mark.parametrize("value", [BROKEN, refusal("AccessDenied")])
def test_what_has_taken_is_not_asked_for_again_however_long_the_outcome_takes(value: Any, traveller: Any) -> None:
    member = Member()
    member.followed(traveller)
    traveller.move_to(datetime.now(UTC) + timedelta(hours=2), tick=False)
    member.sees = {"b": value, "c": value}
    assert member.plan().step() == Ended()
    member = Member(sees={"c": BROKEN})
    ended, _ = member.followed(traveller)
    traveller.move_to(datetime.now(UTC) + timedelta(hours=2), tick=False)
    member.sees = {"un_b": value, "un_c": value}
    assert member.plan().step() == ended


RESTORED = "what was there before is restored"
FOR_GOOD = (CHANGES[0], change("b", irreversible="for good"), CHANGES[2])


@pytest.mark.parametrize(
    ("member", "changes", "failure", "left", "standing"),
    [
        pytest.param(Member(sees={"c": BROKEN}), CHANGES, "c failed: State is broken", [], [], id="an effect failed"),
        pytest.param(
            Member(sees={"c": PENDING}), CHANGES, "c has not taken within 10 minutes", [], [], id="a time-out"
        ),
        pytest.param(
            Member(sees={"c": refusal("Throttling")}),
            CHANGES,
            "c has not taken within 10 minutes, as far as is known",
            [],
            [],
            id="nobody can ask whether it has taken",
        ),
        pytest.param(
            Member({"c": "Denied"}), CHANGES, "c: ec2.c was refused with Denied: because", [], [], id="a refused call"
        ),
        pytest.param(Member({"a": "Denied"}), CHANGES, "a: ec2.a was refused", [], [], id="nothing was changed"),
        pytest.param(
            Member({"un_b": "Denied"}, {"c": BROKEN}),
            CHANGES,
            "c failed",
            ["b: un-b: ec2.un_b was refused with Denied"],
            ["b"],
            id="a restore is refused and hinders no other",
        ),
        pytest.param(
            Member(sees={"c": BROKEN}), FOR_GOOD, "c failed", ["b: for good"], ["b"], id="nothing brings one back"
        ),
        pytest.param(
            Member(sees={"c": BROKEN, "un_c": BROKEN}),
            CHANGES,
            "c failed",
            ["c: un-c failed: State is broken"],
            [],
            id="a restore fails by its effect",
        ),
        pytest.param(
            Member(sees={"c": BROKEN, "un_c": PENDING}),
            CHANGES,
            "c failed",
            ["c: un-c has not taken within 10 minutes"],
            [],
            id="a restore takes too long",
        ),
        pytest.param(
            Member({"c": "Denied"}, killed=("c", "after")),
            CHANGES,
            "c: ec2.c was refused",
            [],
            [],
            id="killed between call and response, and then refused",
        ),
        pytest.param(
            Member(sees={"c": BROKEN}, killed=("un_c", "after")),
            CHANGES,
            "c failed",
            [],
            [],
            id="killed between a restore and its response",
        ),
        pytest.param(
            Member(sees={"c": BROKEN}, killed=("un_b", "before")), CHANGES, "c failed", [], [], id="killed in a restore"
        ),
    ],
)
def test_a_plan_that_fails_half_way_is_restored_last_first_and_says_what_is_not(
    member: Member, changes: tuple[Change, ...], failure: str, left: list[str], standing: list[str], traveller: Any
) -> None:
    ended, plan = member.followed(traveller, changes)
    assert ended.failure is not None
    assert ended.failure.startswith(failure)
    assert [one.startswith(said) for one, said in zip(ended.left, left, strict=True)] == [True] * len(left), ended.left
    assert member.standing == standing
    undone = [one for one in dict.fromkeys(member.made) if one.startswith("un_")]
    assert undone == sorted(undone, reverse=True), "the last change first"
    for earlier_one, later in pairwise(undone):
        if not any(f"un-{earlier_one.removeprefix('un_')} " in one for one in left):
            assert member.happened.index(f"took {earlier_one}") < member.happened.index(later), "each undo is awaited"
    said = plan.restored(ended)
    if left:
        assert all(one in said for one in ended.left)
    else:
        assert said == (f"; {RESTORED}" if plan.changed else "")
    assert plan.changed is bool(member.made)


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("operation", ["a", "b", "c"])
def test_a_plan_killed_around_a_call_makes_it_and_goes_on(operation: str, moment: str, traveller: Any) -> None:
    member = Member(killed=(operation, moment))
    ended, _ = member.followed(traveller)
    assert (ended, member.standing) == (Ended(), ["a", "b", "c"])


def test_what_was_done_already_by_others_is_not_restored(traveller: Any) -> None:
    changes = (change("a", slow=False, settled=("Exists",)), change("c"))
    member = Member({"a": "Exists"}, {"c": BROKEN})
    ended, _ = member.followed(traveller, changes)
    assert (ended.left, [one for one in member.made if one.startswith("un_")]) == ((), ["un_c"])


def test_a_call_whose_answer_was_lost_is_told_where_its_undo_needs_the_answer(traveller: Any) -> None:
    undo = Change("un-a", "ec2", "un_a", {"id": Ref("a", "Id")}, (Grant("ec2:A", ("*",)),), irreversible="an undo")
    changes = (change("a", slow=False, inverse=undo),)
    member = Member({"a": "Denied"}, killed=("a", "after"))
    ended, plan = member.followed(traveller, changes)
    assert ended.left == ("a: it is not known whether it took effect",)
    assert plan.changed


def test_an_undo_is_awaited_by_what_its_own_answer_names(traveller: Any) -> None:
    probe = Probe("ec2", "describe", {"of": Ref("un-a", "ResponseMetadata || 'un_a'")}, "State", (DONE,), (BROKEN,))
    undo = Change("un-a", "ec2", "un_a", {}, (Grant("ec2:A", ("*",)),), irreversible="an undo", effect=probe)
    member = Member(sees={"c": BROKEN})
    ended, _ = member.followed(traveller, (change("a", slow=False, inverse=undo), change("c")))
    assert (ended.left, member.made[-1]) == ((), "took un_a")


def test_a_probe_asks_for_times_before_the_moment_of_asking(traveller: Any) -> None:
    asked: list[Any] = []

    def read(**given: Any) -> dict[str, Any]:
        asked.append(given)
        return {"State": DONE}

    probe = Probe("cloudwatch", "read", {"from": Ago(300), "of": [{"to": Ago(0)}]}, "State", (DONE,))
    reader: Any = SimpleNamespace(client=lambda service: SimpleNamespace(read=read))
    Member().plan().run.probe(reader, probe)
    traveller.move_to(START + timedelta(hours=1), tick=False)
    Member().plan().run.probe(reader, probe)
    hour, before = timedelta(hours=1), timedelta(seconds=300)
    assert asked == [{"from": at - before, "of": [{"to": at}]} for at in (START, START + hour)]


def test_a_proof_that_fails_turns_the_plan_round(traveller: Any) -> None:
    member = Member()
    ended, plan = member.followed(traveller)
    assert ended.failure is None
    assert plan.fail("it did not help") == Wait(0)
    ended, _ = member.followed(traveller)
    assert (ended, member.standing) == (Ended("it did not help"), [])


def test_a_wait_ends_well_before_the_lock_of_the_resource(traveller: Any) -> None:
    slow = replace(effect("c"), interval=7200, timeout=14 * 24 * 3600)
    assert Member().plan((change("c", effect=slow),)).step() == Wait(600)
