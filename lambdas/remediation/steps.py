"""One step of a long plan: what the state machine invokes again and again until the remediation has its outcome."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from lambdas.remediation import written
from lambdas.remediation.approvals import UNDO
from lambdas.remediation.attempt import Attempt, said_of
from lambdas.remediation.lease_items import Lease
from lambdas.remediation.long_plans import PLAN, Ended, LongPlan, Wait
from lambdas.remediation.outcome import Outcome, Result
from lambdas.remediation.pipeline import Entries, Pipeline
from lambdas.remediation.policy import AccountPolicy
from lambdas.remediation.record import outcome_of
from lambdas.remediation.request import Request, parse, request_of
from lambdas.remediation.undo import Undo

# Somebody else holds the resource, or the emergency stop is on: look again after this time.
PAUSE = 60


class UnknownRemediationError(Exception):
    """A step was asked for of a remediation that was never handed over."""


class NoPolicyError(Exception):
    """The account of a long plan has no policy any more; its step is made again until somebody mends that."""


def advance(pipeline: Pipeline, remediation: str, execution: str) -> dict[str, Any]:
    """Make one step; returns {done, wait}: whether there is an outcome, and the seconds until the next step."""
    closing = pipeline.closing
    entries = closing.ledger.entries(remediation)
    begun = next((one for one in entries if one["entry"] == PLAN), None)
    if begun is None:
        raise UnknownRemediationError(f"{remediation} was never handed over to the state machine")
    if outcome_of(entries) is not None:
        return {"done": True, "wait": 0}
    undoing, partition = begun["kind"] == UNDO, pipeline.partition
    request = request_of(begun, remediation, partition) if undoing else parse(begun["request"], partition)
    lease = replace(
        Lease.of(request, execution, begun["lease"]["hour"], resumed=True), request=begun["lease"]["request"]
    )
    if not closing.guard.keep(lease):
        return {"done": False, "wait": PAUSE}
    run = pipeline.run_of(request, entries, {})
    reader = pipeline.access.reader(request.resource)
    changes = written.changes_of(begun["plan"])
    # Whether a change has taken is asked all the same; an account that is no longer ours is changed no further.
    plan = LongPlan(changes, entries, run, reader, lambda: _policy(pipeline, request))
    came = plan.step()
    if isinstance(came, Ended):
        waits = _ended(pipeline, request, lease, plan, came, begun, entries)
        if waits is None:
            return {"done": True, "wait": 0}
        came = waits
    return {"done": False, "wait": max(1, came.seconds)}


def _policy(pipeline: Pipeline, request: Request) -> AccountPolicy:
    """The policy of the account; raises NoPolicyError, or StrangerError where it has left the organization."""
    policy = pipeline.policies.of(request.resource.account)
    if policy is None:
        raise NoPolicyError(f"account {request.resource.account} has no policy")
    return policy


def _ended(
    pipeline: Pipeline,
    request: Request,
    lease: Lease,
    plan: LongPlan,
    ended: Ended,
    begun: Mapping[str, Any],
    entries: Entries,
) -> Wait | None:
    """Prove what the plan has brought and write the outcome; what did not take is restored first."""
    policy = _policy(pipeline, request)
    kept = ("before", "tags", "audience", "creator", "undoes", "by")
    details: dict[str, Any] = {name: begun[name] for name in kept if name in begun}
    lines = said_of(begun["plan"], begun)
    if ended.failure is not None:
        result = Result(Outcome.FAILED, ended.failure + plan.restored(ended), details, lines)
    elif begun["kind"] == UNDO:
        original = pipeline.closing.ledger.entries(begun["undoes"])
        result = Undo(request, plan.reader, plan.run, original, details).compared(lines)
    else:
        attempt = Attempt(request, policy, policy.mode(request.control), [], plan.reader, plan.run, entries, details)
        result = attempt.proved(lines, begun["plan"], restore=False)
        if result.outcome is Outcome.FAILED:
            return plan.fail(result.reason)
    result.applied = plan.changed
    pipeline.closing.conclude(request, policy, lease, result)
    return None
