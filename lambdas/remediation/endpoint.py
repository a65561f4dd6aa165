"""What people may do through the endpoint: answer questions, undo, lift holds, stop and resume everything.

Who calls is what AWS reports of the signature, never what the body says. Approvers are roles or users by ARN, set per
environment; a session of a role counts as the role, whatever its path, and as a person by its session name.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ClientError

from lambdas.remediation import approvals, undo
from lambdas.remediation.approvals import NO_QUESTION, UNDO
from lambdas.remediation.case import AGAIN_SECONDS, Approval, Case, Next, case_key
from lambdas.remediation.guard import Guard
from lambdas.remediation.lease_items import STOP_KEY
from lambdas.remediation.people import next_undo
from lambdas.remediation.record import Ledger, outcome_of
from lambdas.remediation.undo import NotUndoableError

REASON = 500
# Under this id the ledger keeps what concerns no single remediation.
OPERATIONS = "operations"


class RequestError(Exception):
    """A request that is not done, with its HTTP status and the reason for people."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


@dataclass(frozen=True, slots=True)
class Asked:
    """What the endpoint was asked for, and by whom (the ARN that AWS reports)."""

    caller: str
    action: str
    remediation: str
    reason: str
    digest: str

    @classmethod
    def parse(cls, caller: str, body: Any) -> Asked:
        """Read a request strictly; raises RequestError naming the field."""
        if not isinstance(body, Mapping):
            raise RequestError(400, "the body is no JSON object")
        known = {"action", "remediation", "reason", "digest"}
        if unknown := sorted(set(body) - known):
            raise RequestError(
                400, f"{', '.join(map(str, unknown))}: not known; accepted are {', '.join(sorted(known))}"
            )
        texts = {}
        for name in sorted(known):
            value = body.get(name, "")
            if not isinstance(value, str) or len(value) > REASON:
                raise RequestError(400, f"{name} is not a text of at most {REASON} characters")
            texts[name] = value
        if texts["action"] in NAMING and not re.fullmatch(r"[ru]-[0-9a-f]{24}(-\d+)?", texts["remediation"]):
            raise RequestError(400, f"remediation {texts['remediation']!r} is not the id of one, such as r-0123...")
        return cls(caller, **texts)


@dataclass
class Endpoint:
    """Does what authorised people ask for, and writes down who did."""

    guard: Guard
    ledger: Ledger
    sqs: Any
    queue: str
    environments: Mapping[str, Mapping[str, Any]]
    hub: str

    def answer(self, asked: Asked) -> dict[str, Any]:
        """Do it; returns what is told to the caller. Raises RequestError where it is not done."""
        action = ACTIONS.get(asked.action)
        if action is None:
            raise RequestError(400, f"action {asked.action!r} is not one of {', '.join(sorted(ACTIONS))}")
        said: dict[str, Any] = action(self, asked)
        return said

    def approve(self, asked: Asked) -> dict[str, Any]:
        """Approve the question that waits."""
        return self._answered(asked, Approval.APPROVED)

    def reject(self, asked: Asked) -> dict[str, Any]:
        """Reject it."""
        return self._answered(asked, Approval.REJECTED)

    def undo(self, asked: Asked) -> dict[str, Any]:
        """Undo a remediation: at once by an approver, else as a question to the approvers."""
        entries = self._entries(asked.remediation)
        ended = outcome_of(entries)
        try:
            if ended is None:
                raise RequestError(409, f"{asked.remediation} has not ended")
            changes = undo.plan_of(entries)
            identifier, number = next_undo(self.ledger, asked.remediation)
        except NotUndoableError as error:
            raise RequestError(409, str(error)) from error
        if not self._may(asked.caller, ended["environment"]):
            self._send({"palisade": "undo", "remediation": asked.remediation, "requester": asked.caller})
            return {"undo": identifier, "state": "requested: an approver decides"}
        case = self._case(ended)
        if case.changed not in (None, asked.remediation):
            raise RequestError(409, f"{case.changed} has changed the resource since: undo that first")
        self._write(
            asked,
            case,
            {
                **NO_QUESTION,
                "approval": Approval.APPROVED.value,
                "kind": UNDO,
                "asked": identifier,
                "question": number,
                "digest": undo.digest(changes),
                "answered_by": asked.caller,
                "answer": asked.reason or None,
                "undone": asked.remediation,
            },
            identifier,
            f"approved-{number}",
            ended,
        )
        return {"undo": identifier, "state": "begun"}

    def lift(self, asked: Asked) -> dict[str, Any]:
        """Lift the hold that an undo has placed on its resource."""
        entries = self._entries(asked.remediation)
        ended = next((one for one in entries if "control" in one), None)
        if ended is None:
            raise RequestError(409, f"{asked.remediation} has no outcome yet")
        self._authorise(asked, ended["environment"])
        case = self._case(ended)
        if case.hold is None:
            raise RequestError(409, f"{ended['control']} is not on hold on {ended['resource']}")
        self._record(asked, ended["account"], f"lifted: {case.hold} ({case.key})")
        self.guard.stand(case.key, {"outcome": case.outcome or "", "hold": None})
        return {"lifted": case.hold}

    def stop(self, asked: Asked) -> dict[str, Any]:
        """Stop every remediation that has not begun; any environment's approver may."""
        if not any(self._may(asked.caller, name) for name in self.environments):
            raise RequestError(403, f"{asked.caller} is no approver of any environment")
        self._record(asked, self.hub, "stopped")
        self.guard.stand(STOP_KEY, {"by": asked.caller, "why": asked.reason or "no reason given", "stopped": 1})
        return {"stopped": True}

    def resume(self, asked: Asked) -> dict[str, Any]:
        """End the emergency stop: it concerns every environment, and so does the right to.

        An environment that names no approvers has nobody to ask, and must not keep the others stopped for good.
        """
        asking = [name for name in self.environments if self.approvers(name)]
        if not asking:
            raise RequestError(403, f"{asked.caller} is no approver of any environment")
        for name in asking:
            self._authorise(asked, name)
        self._record(asked, self.hub, "resumed")
        self.guard.stand(STOP_KEY, {"resumed_by": asked.caller, "stopped": None})
        return {"stopped": False}

    def _answered(self, asked: Asked, approval: Approval) -> dict[str, Any]:
        entries = self._entries(asked.remediation)
        question = next((one for one in reversed(entries) if one["entry"].startswith("asked-")), None)
        if question is None:
            raise RequestError(409, f"{asked.remediation} asks for no approval")
        self._authorise(asked, question["environment"])
        case = self._case(question)
        if case.asked != asked.remediation or case.approval is None:
            raise RequestError(409, f"{asked.remediation} does not wait for an answer any more")
        if case.approval != Approval.WAITING:
            raise RequestError(409, f"{asked.remediation} is {case.approval} already, by {case.answered_by or 'time'}")
        if case.deadline is None or case.deadline <= int(time.time()):
            raise RequestError(
                409, f"the time to answer {asked.remediation} is over; it is asked again when it changes"
            )
        if case.requester == asked.caller:
            raise RequestError(403, "who requested it does not approve it: another approver is needed")
        if asked.digest and asked.digest != case.digest:
            raise RequestError(409, f"{asked.remediation} asks for another plan by now: look at it again")
        said = {"approval": approval.value, "answered_by": asked.caller, "answer": asked.reason or None}
        self._write(asked, case, said, asked.remediation, f"{approval.value}-{case.question}", question)
        return {"remediation": asked.remediation, "state": approval.value}

    def _write(
        self,
        asked: Asked,
        case: Case,
        values: Mapping[str, str | int | None],
        remediation: str,
        entry: str,
        about: Mapping[str, Any],
    ) -> None:
        """Write an answer on the case and into the ledger, and set it going; the sweep mends what is lost between."""
        digest = values.get("digest", case.digest)
        body = approvals.answer(about, asked.caller, asked.reason, None if digest is None else str(digest))
        due = int(time.time()) + AGAIN_SECONDS
        try:
            self.guard.stand(case.key, {**values, "next": Next.RUN.value, "due": due}, unless_changed=case)
        except ClientError as error:
            if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
                raise
            raise RequestError(409, f"{asked.remediation} has just been answered, or has changed") from error
        self.ledger.write(remediation, entry, about["account"], body)
        self._send({"palisade": "answered", "case": case.key})

    def _record(self, asked: Asked, account: str, what: str) -> None:
        now = datetime.now(UTC).isoformat(timespec="microseconds")
        self.ledger.write(
            OPERATIONS, f"{now}-{asked.action}", account, {"by": asked.caller, "reason": asked.reason, "what": what}
        )

    def _entries(self, remediation: str) -> list[dict[str, Any]]:
        entries = self.ledger.entries(remediation)
        if not entries:
            raise RequestError(404, f"the ledger has no {remediation}")
        return entries

    def _case(self, entry: Mapping[str, Any]) -> Case:
        return self.guard.case(case_key(entry["control"], entry["account"], entry["region"], entry["resource"]))

    def _send(self, message: Mapping[str, str]) -> None:
        self.sqs.send_message(QueueUrl=self.queue, MessageBody=json.dumps(message))

    def _authorise(self, asked: Asked, environment: str) -> None:
        if not self._may(asked.caller, environment):
            raise RequestError(403, f"{asked.caller} is no approver of environment {environment}")

    def _may(self, caller: str, environment: str) -> bool:
        return any(same_principal(caller, one) for one in self.approvers(environment))

    def approvers(self, environment: str) -> Sequence[str]:
        """Who may answer in an environment."""
        approvers: Sequence[str] = self.environments.get(environment, {}).get("approvers", ())
        return approvers


def same_principal(caller: str, approver: str) -> bool:
    """Whether a caller's ARN is the approver's, or a session of the approver's role.

    Source: IAM User Guide, "IAM identifiers": the ARN of a session has no path, and names of roles are unique in
    their account.
    """
    session = re.fullmatch(r"arn:([a-z-]+):sts::(\d{12}):assumed-role/([^/]+)/.+", caller)
    role = re.fullmatch(r"arn:([a-z-]+):iam::(\d{12}):role/(?:.+/)?([^/]+)", approver)
    return caller == approver or (session is not None and role is not None and session.groups() == role.groups())


ACTIONS = {
    "approve": Endpoint.approve,
    "reject": Endpoint.reject,
    "undo": Endpoint.undo,
    "lift": Endpoint.lift,
    "stop": Endpoint.stop,
    "resume": Endpoint.resume,
}
NAMING = frozenset({"approve", "reject", "undo", "lift"})
