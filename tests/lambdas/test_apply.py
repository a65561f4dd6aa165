"""Plans applied change by change: what is called, what is written when, and what is undone when one fails."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from botocore.exceptions import ClientError, ParamValidationError, ReadTimeoutError

from lambdas.controls.model import Change, Grant, Ref, Token
from lambdas.remediation.access import RoleError
from lambdas.remediation.apply import RefusedError, Run, UnresolvedError, WriterError
from lambdas.remediation.earlier import earlier
from lambdas.remediation.session_policy import PolicyTooLongError


@dataclass
class Cloud:
    """Sessions whose clients answer what a test says, and everything that happened, in order."""

    answers: Mapping[str, Any] = field(default_factory=dict)
    sessions: list[Any] = field(default_factory=list)
    happened: list[tuple[str, str]] = field(default_factory=list)
    entries: list[dict[str, Any]] = field(default_factory=list)
    closed_after: int | None = None

    def writer(self, policy: str) -> Any:
        if self.closed_after is not None and len(self.sessions) >= self.closed_after:
            raise RoleError("closed")
        self.sessions.append(json.loads(policy))
        return self

    def client(self, service: str) -> Any:
        return _Client(self, service)

    def journal(self, kind: str, body: dict[str, Any]) -> None:
        self.happened.append((kind, body["change"]))
        self.entries.append({"entry": f"{len(self.entries) + 1:04d}-{kind}", **json.loads(json.dumps(body))})

    def run(self, *before: dict[str, Any]) -> Run:
        return Run("r-1", writer=self.writer, journal=self.journal, earlier=earlier(before))

    @property
    def calls(self) -> list[str]:
        return [what for kind, what in self.happened if kind == "call"]


@dataclass
class _Client:
    cloud: Cloud
    service: str

    def __getattr__(self, operation: str) -> Any:
        def call(**parameters: Any) -> Any:
            named = f"{operation} {json.dumps(parameters, sort_keys=True)}"
            self.cloud.happened.append(("call", named))
            answer = self.cloud.answers.get(operation, {})
            if isinstance(answer, Exception):
                raise answer
            return {**answer, "ResponseMetadata": {"RequestId": f"request-of-{operation}"}}

        return call


def refusal(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "because"}}, "Operation")


def undo(operation: str, **parameters: Any) -> Change:
    grants = (Grant(f"ec2:{operation}", ("*",)),)
    return Change(f"undo-{operation}", "ec2", operation, parameters, grants, irreversible="it is an undo")


def change(operation: str, *, resource: str | Ref = "arn", **more: Any) -> Change:
    grants = (Grant(f"ec2:{operation}", (resource,)),)
    inverse = {} if "irreversible" in more else {"inverse": undo(f"un_{operation}", of=operation)}
    given: dict[str, Any] = {"parameters": {}, **inverse, **more}
    return Change(operation, "ec2", operation, grants=grants, **given)


MADE_ID = Ref("make", "Things[0].Id")


def test_every_call_stands_between_its_intent_and_its_response() -> None:
    cloud = Cloud()
    cloud.run().apply([change("one"), change("two")])
    assert cloud.happened == [
        ("intent", "one"),
        ("call", "one {}"),
        ("response", "one"),
        ("intent", "two"),
        ("call", "two {}"),
        ("response", "two"),
    ]
    assert cloud.entries[1]["request_id"] == "request-of-one"


def test_what_aws_names_is_taken_from_the_response_in_parameters_grants_and_undo() -> None:
    cloud = Cloud({"make": {"Things": [{"Id": "t-1"}]}})
    make = change("make", inverse=undo("drop", Id=MADE_ID))
    run = cloud.run()
    run.apply([make, change("use", resource=MADE_ID, parameters={"Ids": [MADE_ID], "deep": {"id": MADE_ID}})])
    assert cloud.calls[1] == 'use {"Ids": ["t-1"], "deep": {"id": "t-1"}}'
    assert [one["Statement"][0]["Resource"] for one in cloud.sessions] == [["arn"], ["t-1"]]
    assert cloud.entries[1]["inverse"]["parameters"] == {"Id": "t-1"}
    run.restore()
    assert cloud.calls[-1] == 'drop {"Id": "t-1"}'


def test_a_token_is_the_same_uuid_in_every_run_of_a_remediation_and_another_in_the_next() -> None:
    starts = change("start", parameters={"ClientToken": Token("start")})

    def token(remediation: str) -> str:
        cloud = Cloud()
        replace(cloud.run(), remediation=remediation).apply([starts])
        (call,) = cloud.calls
        return str(uuid.UUID(json.loads(call.partition(" ")[2])["ClientToken"]))

    assert token("r-1") == token("r-1") != token("r-2")


def test_changes_share_one_session_policy_of_exactly_their_grants() -> None:
    cloud = Cloud()
    cloud.run().apply([change("one"), change("two")])
    (policy,) = cloud.sessions
    assert policy["Statement"] == [{"Effect": "Allow", "Action": ["ec2:one", "ec2:two"], "Resource": ["arn"]}]


def test_a_settled_code_means_already_done_and_is_not_undone() -> None:
    cloud = Cloud({"one": refusal("Duplicate")})
    run = cloud.run()
    done = run.apply([change("one", settled=("Duplicate",)), change("two")])
    assert [one.settled for one in done] == ["Duplicate", None]
    assert cloud.entries[1]["settled"] == "Duplicate"
    assert run.restore() == []
    assert cloud.calls == ["one {}", "two {}", 'un_two {"of": "two"}']


def test_a_refused_call_ends_the_plan_and_what_was_done_is_undone_last_first() -> None:
    cloud = Cloud({"three": refusal("Forbidden")})
    run = cloud.run()
    with pytest.raises(RefusedError, match=r"three: ec2\.three was refused with Forbidden: because"):
        run.apply([change("one"), change("two"), change("three"), change("four")])
    assert cloud.entries[-1] == {"entry": "0006-response", "change": "three", "refused": "Forbidden"}
    assert run.restore() == []
    assert cloud.calls[3:] == ['un_two {"of": "two"}', 'un_one {"of": "one"}']


def test_what_cannot_be_undone_is_said_and_hinders_no_other_undo() -> None:
    cloud = Cloud({"un_two": refusal("Forbidden")})
    run = cloud.run()
    run.apply([change("one"), change("two"), change("three", irreversible="gone for good")])
    left = run.restore()
    assert [one.split(":")[0] for one in left] == ["three", "undo-un_two"]
    assert left[0] == "three: gone for good"
    assert cloud.calls[-1] == 'un_one {"of": "one"}'


@pytest.mark.parametrize("closed_after", [0, 1])
def test_a_writer_that_cannot_be_entered_ends_the_plan_wherever_that_is(closed_after: int) -> None:
    cloud = Cloud({"make": {"Things": [{"Id": "t"}]}}, closed_after=closed_after)
    run = cloud.run()
    with pytest.raises(WriterError, match="closed"):
        run.apply([change("make"), change("use", resource=MADE_ID)])
    assert run.changed is (closed_after == 1)
    assert run.restore() == (["closed"] if closed_after else [])


def test_a_session_policy_that_aws_does_not_take_ends_the_plan() -> None:
    def writer(policy: str) -> Any:
        raise refusal("PackedPolicyTooLarge")

    with pytest.raises(WriterError, match="PackedPolicyTooLarge"):
        Run("r-1", writer=writer, journal=lambda kind, body: None).apply([change("one")])


def test_nothing_is_called_when_one_change_is_too_much_for_any_session() -> None:
    cloud = Cloud()
    huge = Change("huge", "ec2", "huge", {}, tuple(Grant("ec2:a", (f"{n}{'x' * 600}",)) for n in range(4)))
    with pytest.raises(PolicyTooLongError):
        cloud.run().apply([change("one"), huge])
    assert cloud.happened == []


def test_parameters_that_no_api_takes_are_a_refusal() -> None:
    cloud = Cloud({"two": ParamValidationError(report="Unknown parameter")})
    run = cloud.run()
    with pytest.raises(RefusedError, match="ParamValidation"):
        run.apply([change("one"), change("two")])
    assert run.changed


def test_a_result_that_did_not_come_ends_the_plan_and_the_change_before_stays_known() -> None:
    cloud = Cloud({"make": {"Things": []}})
    run = cloud.run()
    with pytest.raises(UnresolvedError, match=r"make has brought no Things\[0\]\.Id"):
        run.apply([change("make", inverse=undo("drop", Id=MADE_ID)), change("use", parameters={"Id": MADE_ID})])
    assert cloud.entries[1]["inverse"] is None
    assert "brought no" in cloud.entries[1]["irreversible"]
    assert run.restore() == ["make has brought no Things[0].Id"]


def test_silence_is_no_refusal_and_leaves_an_open_intent() -> None:
    cloud = Cloud({"one": ReadTimeoutError(endpoint_url="https://ec2")})
    with pytest.raises(ReadTimeoutError):
        cloud.run().apply([change("one")])
    assert [kind for kind, _ in cloud.happened] == ["intent", "call"]
    known = earlier(cloud.entries)
    assert (list(known.inverses), known.changed) == (["one"], True), "its undo needs no answer of the call"


# What a killed run has left, as its journal tells.
def killed(*, answers: Mapping[str, Any] | None = None, after: int) -> list[dict[str, Any]]:
    """The journal of a run that made and used a thing, cut after some entries."""
    cloud = Cloud(answers or {"make": {"Things": [{"Id": "t-1"}]}})
    cloud.run().apply([change("make", inverse=undo("drop", Id=MADE_ID)), change("use")])
    return cloud.entries[:after]


@pytest.mark.parametrize(
    ("entries", "standing", "opened"),
    [
        pytest.param(0, [], (), id="nothing"),
        pytest.param(1, [], ("make",), id="an intent"),
        pytest.param(2, ["make"], (), id="a response"),
        pytest.param(3, ["make", "use"], (), id="an intent whose undo needs no answer"),
        pytest.param(4, ["make", "use"], (), id="all"),
    ],
)
def test_a_journal_tells_what_stands_and_what_is_not_known(
    entries: int, standing: list[str], opened: tuple[str, ...]
) -> None:
    known = earlier(killed(after=entries))
    assert (list(known.inverses), known.open, known.changed) == (standing, opened, entries > 0)


def test_results_of_a_killed_run_serve_the_next() -> None:
    cloud = Cloud({"make": refusal("Exists")})
    run = cloud.run(*killed(after=2))
    run.apply([change("make", settled=("Exists",)), change("use", parameters={"Id": MADE_ID})])
    assert cloud.calls[-1] == 'use {"Id": "t-1"}'


def test_what_a_killed_run_has_done_is_undone_with_what_this_one_has() -> None:
    cloud = Cloud({"three": refusal("Forbidden")})
    run = cloud.run(*killed(after=3))
    with pytest.raises(RefusedError):
        run.apply([change("two"), change("three")])
    assert run.restore() == []
    assert cloud.calls[2:] == ['un_two {"of": "two"}', 'un_use {"of": "use"}', 'drop {"Id": "t-1"}']
    assert cloud.sessions[-1]["Statement"] == [{"Effect": "Allow", "Action": ["ec2:drop"], "Resource": ["*"]}]


def test_what_was_undone_or_refused_before_is_not_undone_again() -> None:
    cloud = Cloud({"two": refusal("Forbidden")})
    run = cloud.run()
    with pytest.raises(RefusedError):
        run.apply([change("one"), change("two")])
    run.restore()
    again = earlier(cloud.entries)
    assert (dict(again.inverses), again.open, again.changed) == ({}, (), False)
