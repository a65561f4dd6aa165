"""The endpoint for people: who is an approver, what is not done and why, and what is written when it is."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from typing import Any

import pytest
from botocore.exceptions import ClientError

from lambdas.remediation.approvals import REMEDIATE, UNDO
from lambdas.remediation.case import Approval, Case, Next
from lambdas.remediation.endpoint import Asked, Endpoint, RequestError, same_principal
from lambdas.remediation.lease_items import STOP_KEY
from tests.lambdas.remediation_requests import ACCOUNT, REGION, SSH, request

ROLE = "arn:aws:iam::200000000002:role/people/security-approvers"
ALICE, CAROL = (f"arn:aws:sts::200000000002:assumed-role/{one}" for one in ("security-approvers/alice", "dev/carol"))
ID = f"r-{'0' * 24}"
UNDO_ID = f"u-{'0' * 24}"
ABOUT = {
    "control": SSH.id,
    "resource": request().resource.arn,
    "environment": "production",
    "region": REGION,
    "account": ACCOUNT,
}
QUESTION = {"entry": "asked-1", **ABOUT}
INVERSE = {
    **{"name": "un-one", "service": "ec2", "operation": "un_one", "parameters": {}, "grants": [], "settled": []},
    **{"inverse": None, "irreversible": "it is an undo", "effect": None},
}
MADE: list[dict[str, Any]] = [
    {"entry": "0001-intent", "change": "one"},
    {"entry": "0002-response", "change": "one", "response": {}, "inverse": INVERSE, "irreversible": None},
    {"entry": "outcome", "outcome": "remediated", **ABOUT},
]


@dataclass
class World:
    """The tables and the queue of a hub, and an endpoint on them."""

    case_of: dict[str, Any] = field(default_factory=dict)
    ledger_of: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    stood: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    written: list[tuple[str, str, dict[str, Any]]] = field(default_factory=list)
    sent: list[dict[str, Any]] = field(default_factory=list)
    changed_meanwhile: bool = False

    def endpoint(self) -> Endpoint:
        me: Any = self
        environments = {"production": {"approvers": [ROLE]}, "staging": {"approvers": ["arn:aws:iam::1:user/bob"]}}
        return Endpoint(me, me, me, "queue", environments, "200000000002")

    def case(self, key: str) -> Case:
        return Case(key, **self.case_of)

    def stand(self, key: str, values: dict[str, Any], unless_changed: Case | None = None) -> None:
        if unless_changed is not None and self.changed_meanwhile:
            raise ClientError({"Error": {"Code": "ConditionalCheckFailedException"}}, "UpdateItem")
        self.stood.append((key, values))

    def entries(self, remediation: str) -> list[dict[str, Any]]:
        return self.ledger_of.get(remediation, [])

    def write(self, remediation: str, entry: str, account: str, body: dict[str, Any]) -> bool:
        self.written.append((remediation, entry, body))
        return True

    def send_message(self, *, QueueUrl: str, MessageBody: str) -> None:
        self.sent.append(json.loads(MessageBody))

    def asks(self, action: str, caller: str = ALICE, remediation: str = ID, digest: str = "") -> dict[str, Any]:
        return self.endpoint().answer(Asked(caller, action, remediation, "known", digest))

    def refused(self, *args: Any, **kwargs: Any) -> tuple[int, str]:
        with pytest.raises(RequestError) as error:
            self.asks(*args, **kwargs)
        assert (self.stood, self.sent) == ([], []), "nothing is changed by what is refused"
        return error.value.status, str(error.value)


def waiting(**more: Any) -> World:
    """A question that waits."""
    case: dict[str, Any] = {"approval": Approval.WAITING.value, "kind": REMEDIATE, "asked": ID, "question": 1}
    case |= {"digest": "d-1", "deadline": int(time.time()) + 24 * 3600}
    return World({**case, **more}, {ID: [QUESTION]})


@pytest.mark.parametrize(("action", "state"), [("approve", Approval.APPROVED), ("reject", Approval.REJECTED)])
def test_an_answer_stands_on_the_case_then_in_the_ledger_and_is_then_sent(action: str, state: Approval) -> None:
    world = waiting()
    assert world.asks(action) == {"remediation": ID, "state": state.value}
    ((key, values),) = world.stood
    assert (values["approval"], values["answered_by"], values["next"]) == (state.value, ALICE, Next.RUN.value)
    ((_, entry, body),) = world.written
    assert (entry, body["by"], body["digest"]) == (f"{state.value}-1", ALICE, "d-1")
    assert world.sent == [{"palisade": "answered", "case": key}]


@pytest.mark.parametrize(
    ("world", "asks", "status", "reason"),
    [
        pytest.param(World(), {}, 404, "the ledger has no", id="unknown"),
        pytest.param(World({}, {ID: MADE}), {}, 409, "asks for no approval", id="no question"),
        pytest.param(waiting(), {"caller": CAROL}, 403, "is no approver of environment production", id="no approver"),
        pytest.param(waiting(asked="r-other"), {}, 409, "does not wait for an answer any more", id="another waits"),
        pytest.param(
            waiting(approval=Approval.APPROVED.value, answered_by="bob"),
            {},
            409,
            "approved already, by bob",
            id="answered",
        ),
        pytest.param(waiting(deadline=int(time.time()) - 1), {}, 409, "the time to answer", id="too late"),
        pytest.param(waiting(requester=ALICE), {}, 403, "another approver is needed", id="one's own request"),
        pytest.param(waiting(), {"digest": "d-0"}, 409, "asks for another plan by now", id="another plan was seen"),
    ],
)
def test_what_is_not_approved_says_why(world: World, asks: Any, status: int, reason: str) -> None:
    said = world.refused("approve", **asks)
    assert said[0] == status
    assert reason in said[1]


def test_of_two_answers_at_once_one_counts() -> None:
    world = waiting()
    world.changed_meanwhile = True
    assert world.refused("approve") == (409, f"{ID} has just been answered, or has changed")
    assert world.written == [], "the ledger has the answer that counted, and no other"


def test_an_approver_undoes_at_once() -> None:
    world = World({"changed": ID}, {ID: MADE})
    assert world.asks("undo") == {"undo": UNDO_ID, "state": "begun"}
    ((_, values),) = world.stood
    assert (values["kind"], values["asked"], values["undone"], values["approval"]) == (UNDO, UNDO_ID, ID, "approved")
    assert world.written[0][:2] == (UNDO_ID, "approved-1")


def test_anybody_else_only_requests_an_undo() -> None:
    world = World({"changed": ID}, {ID: MADE})
    assert world.asks("undo", CAROL)["state"] == "requested: an approver decides"
    assert (world.stood, world.written) == ([], [])
    assert world.sent == [{"palisade": "undo", "remediation": ID, "requester": CAROL}]


UNDONE = [{"entry": "outcome", "outcome": "undone", **ABOUT}]
FAILED = [{"entry": "outcome", "outcome": "failed", **ABOUT}]


@pytest.mark.parametrize(
    ("world", "reason"),
    [
        pytest.param(World({}, {ID: MADE[:2]}), "has not ended", id="not ended"),
        pytest.param(World({}, {ID: MADE[2:]}), "has changed nothing", id="nothing changed"),
        pytest.param(World({}, {ID: MADE, UNDO_ID: UNDONE}), f"is undone already, by {UNDO_ID}", id="undone"),
        pytest.param(
            World({"changed": "r-later"}, {ID: MADE}), "r-later has changed the resource since", id="a later one"
        ),
    ],
)
def test_what_cannot_be_undone_says_why(world: World, reason: str) -> None:
    status, said = world.refused("undo")
    assert (status, reason in said) == (409, True), said


def test_an_undo_that_failed_can_be_asked_for_again() -> None:
    world = World({"changed": ID}, {ID: MADE, UNDO_ID: FAILED})
    assert world.asks("undo")["undo"] == f"{UNDO_ID}-2"
    assert world.written[0][:2] == (f"{UNDO_ID}-2", "approved-2")


def test_a_hold_is_lifted_by_an_approver_and_written_down() -> None:
    world = World({"hold": "on hold since alice undid it"}, {ID: MADE})
    assert world.refused("lift", CAROL)[0] == 403
    assert world.asks("lift") == {"lifted": "on hold since alice undid it"}
    assert world.stood[0][1]["hold"] is None
    assert world.written[0][2]["by"] == ALICE
    assert World({}, {ID: MADE}).refused("lift")[0] == 409


def test_any_approver_stops_and_only_one_of_every_environment_resumes() -> None:
    world = World()
    assert world.refused("stop", CAROL)[0] == 403
    assert world.asks("stop") == {"stopped": True}
    assert world.stood == [(STOP_KEY, {"by": ALICE, "why": "known", "stopped": 1})]
    status, said = World().refused("resume")
    assert (status, "environment staging" in said) == (403, True)


@pytest.mark.parametrize(
    ("caller", "approver", "same"),
    [
        pytest.param(ALICE, ROLE, True, id="a session of the role, whose path it does not show"),
        pytest.param(ALICE, ROLE.replace("people/", ""), True, id="a role without a path"),
        pytest.param(CAROL, ROLE, False, id="another role"),
        pytest.param(ALICE.replace("200000000002", "300000000001"), ROLE, False, id="a role of that name elsewhere"),
        pytest.param(ALICE.replace("aws", "aws-cn", 1), ROLE, False, id="another partition"),
        pytest.param(ROLE.replace("role/people/", "user/"), ROLE, False, id="a user of that name"),
        pytest.param(ROLE.replace(":role", ":user"), ROLE.replace(":role", ":user"), True, id="the user"),
        pytest.param("arn:aws:iam::200000000002:root", ROLE, False, id="the account's root"),
        pytest.param(f"{ALICE}/x", ROLE, True, id="a session name cannot leave its role"),
    ],
)
def test_an_approver_is_known_by_what_aws_reports(caller: str, approver: str, same: bool) -> None:
    assert same_principal(caller, approver) is same


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        pytest.param([], "the body is no JSON object", id="no object"),
        pytest.param({"action": "approve", "remediation": ID, "by": "me"}, "by: not known", id="an unknown field"),
        pytest.param({"action": "approve"}, "remediation '' is not the id of one", id="no id"),
        pytest.param({"action": "approve", "remediation": f"{ID}x"}, "is not the id of one", id="no such id"),
        pytest.param({"action": "stop", "reason": "x" * 501}, "reason is not a text of at most 500", id="too long"),
        pytest.param({"action": 1}, "action is not a text", id="no text"),
    ],
)
def test_a_body_is_read_strictly(body: Any, reason: str) -> None:
    with pytest.raises(RequestError, match=reason) as error:
        Asked.parse(ALICE, body)
    assert error.value.status == 400


@pytest.mark.parametrize("identifier", [ID, UNDO_ID, f"{UNDO_ID}-2"])
def test_remediations_and_undos_can_be_named(identifier: str) -> None:
    assert Asked.parse(ALICE, {"action": "approve", "remediation": identifier}).remediation == identifier


def test_an_action_that_is_none_names_those_that_are() -> None:
    assert World().refused("explode") == (
        400,
        "action 'explode' is not one of approve, lift, reject, resume, stop, undo",
    )
