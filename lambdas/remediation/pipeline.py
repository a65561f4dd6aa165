"""The pipeline: request > policy > guard > plan > apply > verify > record > tell.

The lease is taken before the resource is read, so that what is read holds until the change is made. Findings begin
it; answers of people and undo (`people.py`) and the steps of long plans (`steps.py`) go on with it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from lambdas.controls.model import Mode
from lambdas.remediation import approvals, reminders
from lambdas.remediation.access import Access, RoleError
from lambdas.remediation.apply import Run
from lambdas.remediation.attempt import Approved, Attempt
from lambdas.remediation.case import Next, key_of
from lambdas.remediation.closing import Closing, body_of
from lambdas.remediation.earlier import earlier
from lambdas.remediation.guard import AlreadyDoneError, BusyError, LimitedError, RepeatedError
from lambdas.remediation.lease_items import Lease
from lambdas.remediation.long_plans import PLAN, Executions
from lambdas.remediation.outcome import Outcome, Result
from lambdas.remediation.policy import AccountPolicy, Policies, StrangerError
from lambdas.remediation.record import Journal
from lambdas.remediation.request import InvalidRequestError, Request, parse
from lambdas.remediation.windows import closed_until, outside

if TYPE_CHECKING:
    from boto3 import Session

Entries = Sequence[Mapping[str, Any]]
Work = Callable[["Session", Run, Entries, dict[str, Any]], Result]


@dataclass
class Pipeline:
    """Handles the findings of one organisation. Its parts talk to the hub; `access` enters members."""

    partition: str
    policies: Policies
    access: Access
    closing: Closing
    executions: Executions

    def handle(self, finding: Mapping[str, Any], run: str) -> Result | None:
        """Take one finding to its outcome; None where an earlier delivery has done so.

        `run` tells this run from every other: what it locks stays locked to a second delivery.
        """
        try:
            request = parse(finding, self.partition)
            policy = self.policies.of(request.resource.account)
        except (InvalidRequestError, StrangerError) as error:
            return self.closing.reject(finding, str(error))
        if policy is None:
            return Result(Outcome.OFF, "the account has no policy in its environment")
        if policy.limit(request.control)[0] is Mode.OFF:
            return Result(Outcome.OFF, "the control is off in this account")
        return self.remediate(request, policy, run)

    def remediate(
        self,
        request: Request,
        policy: AccountPolicy,
        run: str,
        approved: Approved | None = None,
        entries: Entries | None = None,
    ) -> Result | None:
        """Go as far as policy and guards allow, or as people have approved; None where it was done before.

        `entries` are the remediation's in the ledger where they were read just now.
        """
        mode, reasons = policy.limit(request.control)
        acts = mode is Mode.AUTOMATIC or (approved is not None and mode is Mode.APPROVE)
        try:
            question = approved.question if approved is not None else 0
            if approved is not None:
                self._within_window(request, policy, entries)
            try:
                lease = self.closing.guard.acquire(request, run, automatic=acts, question=question)
            except RepeatedError as error:
                # A resource that was remediated again and again, or undone, needs a person.
                mode, reasons = Mode.APPROVE, [str(error)]
                lease = self.closing.guard.acquire(request, run, automatic=False)
        except AlreadyDoneError:
            return None
        except BusyError:
            if self.under_way(request):
                return None
            raise
        except LimitedError as error:
            return self.closing.limited(request, policy, error, Next.RUN if approved is not None else Next.AGAIN)

        def attempt(reader: Session, work: Run, entries: Entries, details: dict[str, Any]) -> Result:
            result = Attempt(request, policy, mode, reasons, reader, work, entries, details, approved).make()
            if result.outcome is Outcome.NOTIFIED:
                reminders.follow(result, self.closing.guard.case(key_of(request)))
            if result.outcome is Outcome.AWAITING_APPROVAL:
                case = self.closing.guard.case(key_of(request))
                asked = approved.question + 1 if approved is not None else 1
                days = self.policies.approval_days(policy.environment)
                approvals.ask(request, result, case, question=asked, days=days)
            return result

        return self.held(request, policy, lease, attempt, {}, entries)

    def _within_window(self, request: Request, policy: AccountPolicy, entries: Entries | None) -> None:
        """Raise LimitedError outside of the change windows; automatic changes are looked at when there is a plan.

        What a killed run has begun goes on: a resource that is changed by half must not wait for days.
        """
        opens = closed_until(policy.windows, datetime.now(UTC))
        if opens is None:
            return
        if not earlier(self.closing.ledger.entries(request.id) if entries is None else entries).changed:
            raise LimitedError(outside(opens), int(opens.timestamp()))

    def held(
        self,
        request: Request,
        policy: AccountPolicy,
        lease: Lease,
        work: Work,
        begun: Mapping[str, Any],
        read: Entries | None = None,
    ) -> Result | None:
        """Work under a lease; without an outcome it is abandoned, so that others need not wait for it.

        `begun` is what the steps of a long plan must know beside the plan and the request. `read` is what the ledger
        had of the remediation just before the lease: only a run that is resumed can have written more.
        """
        run: Run | None = None
        try:
            # An answer may be about what an earlier answer has begun.
            if lease.resumed or (lease.answers and read is None):
                read = self.closing.ledger.entries(request.id)
            entries = read or []
            if any(entry["entry"] == PLAN for entry in entries):
                self.start(request, lease, entries)
                return None
            details: dict[str, Any] = {name: begun[name] for name in ("undoes", "by") if name in begun}
            run = self.run_of(request, entries, details)
            try:
                result = work(self.access.reader(request.resource), run, entries, details)
            except RoleError as error:
                result = Result(Outcome.FAILED, str(error), details, applied=run.changed)
            if result.outcome is Outcome.IN_PROGRESS:
                self._hand_over(request, policy, lease, result, begun)
            else:
                self.closing.conclude(request, policy, lease, result)
        except Exception:
            self.closing.guard.abandon(lease, applied=lease.resumed if run is None else run.changed)
            raise
        return result

    def run_of(self, request: Request, entries: Entries, details: dict[str, Any]) -> Run:
        """The application of a plan that goes on after what the entries of earlier runs say."""
        return Run(
            remediation=request.id,
            writer=lambda document: self.access.writer(request.resource, request.id, document),
            journal=Journal.after(entries, self.closing.ledger, request.id, request.resource.account, details),
            earlier=earlier(entries),
        )

    def _hand_over(
        self, request: Request, policy: AccountPolicy, lease: Lease, result: Result, begun: Mapping[str, Any]
    ) -> None:
        """Let the state machine do it step by step: what it needs is in the ledger."""
        unnoted = self.closing.tell(request, policy, result)
        body = {
            **body_of(request, policy, result, unnoted),
            "kind": approvals.REMEDIATE,
            **begun,
            "plan": result.details["plan"],
            "request": dict(request.finding),
            "lease": {"request": lease.request, "hour": lease.hour},
        }
        self.closing.ledger.write(request.id, PLAN, request.resource.account, body)
        self.start(request, lease, [])

    def under_way(self, request: Request) -> bool:
        """Whether an execution makes the steps of this request: it holds the resource for as long as that takes."""
        entries = self.closing.ledger.entries(request.id)
        if not any(entry["entry"] == PLAN for entry in entries):
            return False
        # The execution of a run that was killed may not stand in the ledger yet.
        started = sum(entry["entry"].startswith("started-") for entry in entries)
        return any(self.executions.running(request.id, number) for number in {max(started, 1), started + 1})

    def start(self, request: Request, lease: Lease | None, entries: Entries) -> None:
        """Start the steps unless they are under way, and give them the lock of this run, where it has one."""
        number = sum(entry["entry"].startswith("started-") for entry in entries)
        if number and self.executions.running(request.id, number):
            if lease is not None:
                self.closing.guard.let_go(lease)
            return
        name = self.executions.start(request.id, number + 1)
        self.closing.ledger.write(request.id, f"started-{number + 1}", request.resource.account, {"execution": name})
        if lease is not None:
            self.closing.guard.hand_over(lease, name)
