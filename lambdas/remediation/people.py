"""What people set going: answers to questions, undo, and requests that Security Hub's custom actions bring.

An answer is believed because it stands on the case, where only the endpoint writes it: the message says no more than
where to look. Source: Security Hub User Guide, "Custom actions"; such an event names nobody.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from lambdas.remediation import approvals, describe, undo, written
from lambdas.remediation.approvals import UNDO
from lambdas.remediation.attempt import Approved
from lambdas.remediation.case import Approval, Case, Next, key_of
from lambdas.remediation.closing import body_of
from lambdas.remediation.earlier import earlier
from lambdas.remediation.guard import AlreadyDoneError, BusyError, LimitedError
from lambdas.remediation.long_plans import PLAN
from lambdas.remediation.outcome import Outcome, Result
from lambdas.remediation.pipeline import Entries, Pipeline
from lambdas.remediation.policy import AccountPolicy
from lambdas.remediation.record import Ledger, outcome_of
from lambdas.remediation.request import InvalidRequestError, Request, parse, request_of
from lambdas.remediation.undo import NotUndoableError, Undo, undo_id


class UnknownQuestionError(Exception):
    """An answer stands on a case whose question the ledger does not have."""


def answered(pipeline: Pipeline, key: str, run: str) -> Result | None:
    """Do what people have answered on a case; None where there is no answer, or it was done before."""
    case = pipeline.closing.guard.case(key)
    if case.approval in (None, Approval.WAITING) or case.asked is None:
        return None
    if case.kind == UNDO:
        return _undo(pipeline, case, run)
    entries = pipeline.closing.ledger.entries(case.asked)
    asked = next((one for one in entries if one["entry"] == f"asked-{case.question}"), None)
    if asked is None:
        raise UnknownQuestionError(f"{key} has an answer, and {case.asked} no question {case.question}")
    _written_down(pipeline, case, entries, asked)
    request = parse(asked["request"], pipeline.partition)
    policy = pipeline.policies.of(request.resource.account)
    if policy is None:
        return Result(Outcome.OFF, "the account has no policy in its environment")
    if case.approval != Approval.APPROVED:
        return pipeline.closing.declined(request, policy, case)
    approved = Approved(case.question, case.digest or "", case.answered_by or "")
    return pipeline.remediate(request, policy, run, approved, entries)


def ask_undo(pipeline: Pipeline, remediation: str, requester: str) -> Result | None:
    """Ask people whether a remediation is to be undone; raises NotUndoableError where nothing could be."""
    ledger = pipeline.closing.ledger
    entries = ledger.entries(remediation)
    ended = outcome_of(entries)
    if ended is None:
        raise NotUndoableError(f"{remediation} is no remediation that has ended")
    changes = undo.plan_of(entries)
    identifier, number = next_undo(ledger, remediation)
    request = request_of(ended, identifier, pipeline.partition)
    policy = pipeline.policies.of(request.resource.account)
    if policy is None:
        return Result(Outcome.OFF, "the account has no policy in its environment")
    said = tuple(describe.recorded(written.plan_of_changes(changes)))
    asked = {"digest": undo.digest(changes)}
    result = Result(Outcome.AWAITING_APPROVAL, f"undo of {remediation} was requested", asked, said)
    case = pipeline.closing.guard.case(key_of(request))
    days = pipeline.policies.approval_days(policy.environment)
    approvals.ask(request, result, case, question=number, days=days, kind=UNDO, requester=requester)
    result.standing["undone"] = remediation
    if result.outcome is not Outcome.AWAITING_APPROVAL or result.quiet:
        return result
    pipeline.closing.tell(request, policy, result)
    body = {**body_of(request, policy, result, None), **approvals.body_of(request, result), "undoes": remediation}
    ledger.write(identifier, f"asked-{number}", request.resource.account, body)
    pipeline.closing.guard.stand(case.key, {**result.standing, "next": Next.EXPIRE.value, "due": result.due})
    return result


def resume(pipeline: Pipeline, remediation: str) -> None:
    """Start the steps of a long plan again where no execution makes them any more."""
    entries = pipeline.closing.ledger.entries(remediation)
    begun = next((one for one in entries if one["entry"] == PLAN), None)
    if begun is None or outcome_of(entries) is not None:
        return
    undoing, partition = begun["kind"] == UNDO, pipeline.partition
    request = request_of(begun, remediation, partition) if undoing else parse(begun["request"], partition)
    pipeline.start(request, None, entries)


def requested(pipeline: Pipeline, action: str, finding: Mapping[str, Any], run: str) -> Result | None:
    """Do what a custom action asks for: it only requests, for it names nobody."""
    if action == "remediate":
        return pipeline.handle(finding, run)
    try:
        request = parse(_regardless(finding), pipeline.partition)
    except InvalidRequestError as error:
        return pipeline.closing.reject(finding, str(error))
    case = pipeline.closing.guard.case(key_of(request))
    if action == "undo":
        if case.changed is None:
            return pipeline.closing.reject(finding, "nothing of ours has changed this resource: there is no undo")
        try:
            return ask_undo(pipeline, case.changed, "")
        except NotUndoableError as error:
            return pipeline.closing.reject(finding, str(error))
    policy = pipeline.policies.of(request.resource.account)
    if policy is None:
        return Result(Outcome.OFF, "the account has no policy in its environment")
    result = Result(
        Outcome.EXEMPTION_REQUESTED,
        f"add it to the exemptions of environment {policy.environment}, with reason, owner and expiry, and deploy",
    )
    pipeline.closing.tell(request, policy, result)
    return result


def _regardless(finding: Mapping[str, Any]) -> dict[str, Any]:
    """Return a finding that may be asked about though it passes or is set aside."""
    compliance = finding.get("Compliance")
    known = {name: value for name, value in compliance.items() if name != "Status"} if compliance else {}
    return {**finding, "Workflow": {}, "Compliance": known}


def next_undo(ledger: Ledger, remediation: str) -> tuple[str, int]:
    """Return the id and number of the next undo of a remediation; raises NotUndoableError where it is undone."""
    number = 1
    while entries := ledger.entries(undo_id(remediation, number)):
        ended = outcome_of(entries)
        if ended is not None and ended["outcome"] == Outcome.UNDONE:
            raise NotUndoableError(f"{remediation} is undone already, by {undo_id(remediation, number)}")
        if ended is None:
            break
        number += 1
    return undo_id(remediation, number), number


def _written_down(pipeline: Pipeline, case: Case, entries: Entries, about: Mapping[str, Any]) -> None:
    """Write the answer into the ledger where the endpoint was killed before it could: on the case it stands."""
    entry = f"{case.approval}-{case.question}"
    if case.approval == Approval.EXPIRED or any(one["entry"] == entry for one in entries):
        return
    body = approvals.answer(about, case.answered_by or "", case.answer or "", case.digest)
    pipeline.closing.ledger.write(case.asked or "", entry, about["account"], body)


def _undo(pipeline: Pipeline, case: Case, run: str) -> Result | None:
    if case.undone is None or case.asked is None:
        raise UnknownQuestionError(f"{case.key} does not say what is to be undone")
    ledger = pipeline.closing.ledger
    entries = ledger.entries(case.undone)
    ended = outcome_of(entries)
    if ended is None:
        raise UnknownQuestionError(f"the ledger has no outcome of {case.undone}")
    request = request_of(ended, case.asked, pipeline.partition)
    own = ledger.entries(case.asked)
    _written_down(pipeline, case, own, ended)
    policy = pipeline.policies.of(request.resource.account)
    if policy is None:
        return Result(Outcome.OFF, "the account has no policy in its environment")
    if case.approval != Approval.APPROVED:
        return pipeline.closing.declined(request, policy, case)
    undone, by = case.undone, case.answered_by or ""
    return _taken_back(pipeline, request, policy, case, entries, own, undone, by, run)


def _taken_back(
    pipeline: Pipeline,
    request: Request,
    policy: AccountPolicy,
    case: Case,
    entries: Sequence[Mapping[str, Any]],
    own: Entries,
    undone: str,
    by: str,
    run: str,
) -> Result | None:
    try:
        lease = pipeline.closing.guard.acquire(request, run, automatic=False, question=case.question)
    except AlreadyDoneError:
        return None
    except BusyError:
        if pipeline.under_way(request):
            return None
        raise
    except LimitedError as error:
        return pipeline.closing.limited(request, policy, error, Next.RUN)

    tries = (pipeline.closing.ledger.entries(undo_id(undone, number)) for number in range(1, case.question))
    tried = any(earlier(one).changed for one in tries)

    def work(reader: Any, run: Any, _: Any, details: dict[str, Any]) -> Result:
        if case.changed not in (None, undone):
            return Result(Outcome.REFUSED, f"{case.changed} has changed the resource since: undo that first", details)
        return Undo(request, reader, run, entries, details, tried).make()

    return pipeline.held(request, policy, lease, work, {"kind": UNDO, "undoes": undone, "by": by}, own)
