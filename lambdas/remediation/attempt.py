"""One attempt at a remediation under its lease: read, evaluate, plan, apply, prove. It writes nothing to the hub."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError, ParamValidationError

from lambdas.controls.model import Evaluation, Mode, Plan, Refusal, Verdict
from lambdas.remediation import describe, redaction, verify, written
from lambdas.remediation.apply import STOPS, Run
from lambdas.remediation.audience import addressed
from lambdas.remediation.case import Next
from lambdas.remediation.outcome import Outcome, Result
from lambdas.remediation.policy import AccountPolicy, Exemption
from lambdas.remediation.request import Request
from lambdas.remediation.session_policy import PolicyTooLongError
from lambdas.remediation.windows import closed_until, outside
from lambdas.services.ownership import managers_of, place_in_code

if TYPE_CHECKING:
    from boto3 import Session

DENIED = frozenset({"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"})
NOT_RUN = {Mode.DRY_RUN: Outcome.DRY_RUN, Mode.APPROVE: Outcome.AWAITING_APPROVAL}
# What a line of a message holds of a call; the ledger and the question at the command line have the whole.
LONGEST = 2000
# People are warned of the end of an exemption this long before.
WARNING_DAYS = 7
REMOVED = "the resource no longer exists, as planned"
INTERRUPTED = "an interrupted run of this remediation has changed the resource, as its journal says"


@dataclass(frozen=True, slots=True)
class Approved:
    """What people have approved: the number of the question, the digest of the plan, and who did."""

    question: int
    digest: str
    by: str


@dataclass
class Attempt:
    """What one attempt works with. `entries` are the ledger's of earlier runs; `details` go into the outcome."""

    request: Request
    policy: AccountPolicy
    mode: Mode
    reasons: list[str]
    session: Session
    run: Run
    entries: Sequence[Mapping[str, Any]]
    details: dict[str, Any]
    approved: Approved | None = None

    def make(self) -> Result:
        """Take the resource to an outcome; an error that is none goes on, and the finding comes again."""
        result = self._judged()
        if result.outcome not in (Outcome.REMEDIATED, Outcome.FAILED, Outcome.GONE):
            result.reason = self._interrupted(result.reason)
        result.applied = self.run.changed
        return result

    @cached_property
    def _parameters(self) -> Mapping[str, Any]:
        control = self.request.control
        return control.resolve(self.policy.parameters.get(control.id, {}), self.request.resource.region)

    def _judged(self) -> Result:
        control, resource = self.request.control, self.request.resource
        try:
            settings = control.read(self.session, resource, self.request.finding)
            if settings is None:
                return self._gone()
            self.details["tags"] = tags_of(settings)
            exemption = self.policy.exemption(control, resource, self.details["tags"])
            if exemption is not None:
                return self._exempted(exemption)
            evaluation = control.evaluate(settings, self._parameters)
            if evaluation.verdict is not Verdict.NON_COMPLIANT:
                return self._nothing_to_do(evaluation, settings)
            facts = control.inspect(self.session, resource, settings, self._parameters) if control.inspect else {}
        except ParamValidationError as error:
            # The id comes from a finding: no resource can have it.
            return self._result(Outcome.INVALID, f"the resource cannot be asked for: {error}")
        except ClientError as error:
            # No verdict can be had, here or by trying again: a guardrail or the resource's own policy denies it.
            if error.response["Error"]["Code"] not in DENIED:
                raise
            reason = f"the resource cannot be read: {error.response['Error']['Message']}"
            return self._result(Outcome.FAILED, self._interrupted(reason))
        begun = self._begun()
        self.details |= {"before": begun["before"] if begun else settings, "verdict": evaluation.annotation}
        plan = control.plan(resource, settings, self._parameters, facts)
        if isinstance(plan, Refusal):
            return self._result(Outcome.REFUSED, plan.reason)
        return self._planned(plan, settings, evaluation)

    def _planned(self, plan: Plan, settings: Mapping[str, Any], evaluation: Evaluation) -> Result:
        """Go as far with a plan as the weakest mode allows."""
        mode, reasons = self.mode, self.reasons
        managers = managers_of(self.details["tags"])
        lowered, lowering = self.policy.limit(self.request.control, plan, managers)
        if lowered.strength < mode.strength:
            mode, reasons = lowered, lowering
        document = redaction.plan(written.plan(plan))
        self.details |= {
            "plan": document,
            "digest": describe.digest(plan, settings),
            **addressed(document, self.details["tags"], self.policy.owner_tag),
            **({"managers": managers, "code": place_in_code(self.details["tags"])} if managers else {}),
        }
        said = said_of(document, self.details)
        if not plan.changes or mode in (Mode.NOTIFY, Mode.OFF):
            return self._result(Outcome.NOTIFIED, plan.message or evaluation.annotation, said)
        if mode is Mode.APPROVE and self.approved is not None:
            if self.approved.digest == self.details["digest"] or self._goes_on(document):
                mode = Mode.AUTOMATIC
            else:
                reasons = ["the resource or the plan is not what was approved"]
        if mode in NOT_RUN:
            reason = "; ".join(reasons) or f"the mode of this control is {mode.value}"
            return self._result(NOT_RUN[mode], reason, said)
        return self._run(plan, said)

    def _gone(self) -> Result:
        """There is no resource: it never was or vanished, or an interrupted run has removed it as planned."""
        begun = self._begun()
        if begun is None or not written.removes(begun["plan"]):
            return self._result(Outcome.GONE, "the resource no longer exists")
        self.details |= {"before": begun["before"], "plan": begun["plan"], "tags": tags_of(begun["before"])}
        self.details |= addressed(begun["plan"], self.details["tags"], self.policy.owner_tag)
        return self._result(Outcome.REMEDIATED, REMOVED, said_of(begun["plan"], self.details))

    def _begun(self) -> Mapping[str, Any] | None:
        """The entry in which a run that was interrupted wrote its plan and what was before; None where none was."""
        if not self.run.earlier.changed:
            return None
        return next((one for one in self.entries if "plan" in one and "before" in one), None)

    def _goes_on(self, document: Mapping[str, Any]) -> bool:
        """Whether a run of what people approved was interrupted, and what is left to do is a part of that."""
        begun = self._begun()
        if begun is None or self.approved is None:
            return False
        approved = describe.digest_of(begun["plan"], begun["before"]) == self.approved.digest
        left = json.loads(json.dumps(document["changes"], default=str))
        return approved and all(change in begun["plan"]["changes"] for change in left)

    def _run(self, plan: Plan, said: tuple[str, ...]) -> Result:
        opens = closed_until(self.policy.windows, datetime.now(UTC))
        if opens is not None and not self.run.changed:
            return limited_until(opens, self.details, said)
        if any(change.effect for change in plan.changes):
            if any(redaction.holds(change["parameters"]) for change in self.details["plan"]["changes"]):
                # Its steps would be made from the ledger.
                reason = "its changes take time and need a secret, which the ledger does not record"
                return self._result(Outcome.REFUSED, reason, said)
            return self._result(Outcome.IN_PROGRESS, "its changes take time; the outcome follows", said)
        try:
            self.run.apply(plan.changes)
        except PolicyTooLongError as error:
            return self._result(Outcome.REFUSED, str(error), said)
        except STOPS as error:
            return self._failed(str(error), said)
        return self.proved(said, self.details["plan"])

    def proved(self, said: tuple[str, ...], document: Mapping[str, Any], *, restore: bool = True) -> Result:
        """Read and evaluate again after the last change of a written plan.

        What did not take is restored here, or by the caller.
        """
        proof = verify.prove(self.session, self.request, self._parameters)
        if proof is None:
            removed = written.removes(document)
            outcome = Outcome.REMEDIATED if removed else Outcome.GONE
            return self._result(outcome, REMOVED if removed else "the resource vanished while it was remediated", said)
        if proof.evaluation.verdict not in (Verdict.COMPLIANT, written.proves(document)):
            failing = proof.evaluation.verdict is Verdict.NON_COMPLIANT
            what = "the change did not take" if failing else "the control does not judge the resource any more"
            reason = f"{what}: {proof.evaluation.annotation}"
            return self._failed(reason, said) if restore else self._result(Outcome.FAILED, reason, said)
        self.details["after"] = proof.settings
        return self._result(Outcome.REMEDIATED, proof.evaluation.annotation + self._spared(), said)

    def _exempted(self, exemption: Exemption) -> Result:
        """Leave it alone; the sweep warns a week before the end, and asks again after it."""
        result = self._result(Outcome.EXEMPTED, exemption.said)
        end = datetime.combine(exemption.expires, datetime.min.time(), UTC) + timedelta(days=1)
        warning = end - timedelta(days=WARNING_DAYS)
        early = warning > datetime.now(UTC)
        result.next, result.due = (Next.WARN, int(warning.timestamp())) if early else (Next.AGAIN, int(end.timestamp()))
        return result

    def _nothing_to_do(self, evaluation: Evaluation, settings: Mapping[str, Any]) -> Result:
        """The resource does not fail: it never did, or an interrupted run has remediated it."""
        begun = self._begun()
        if begun is None:
            same = evaluation.verdict is Verdict.COMPLIANT
            return self._result(Outcome.ALREADY_COMPLIANT if same else Outcome.NOT_APPLICABLE, evaluation.annotation)
        self.details |= {"before": begun["before"], "plan": begun["plan"]}
        self.details |= addressed(begun["plan"], self.details["tags"], self.policy.owner_tag)
        said = said_of(begun["plan"], self.details)
        if evaluation.verdict in (Verdict.COMPLIANT, written.proves(begun["plan"])):
            self.details["after"] = settings
            return self._result(Outcome.REMEDIATED, evaluation.annotation + self._spared(), said)
        return self._failed(f"the control does not judge the resource any more: {evaluation.annotation}", said)

    def _spared(self) -> str:
        """Name what a killed run has planned and nobody has made: part of a plan may be enough."""
        begun = self._begun()
        if begun is None:
            return ""
        earlier = self.run.earlier
        made = {*earlier.inverses, *earlier.open, *earlier.settled, *(done.change.name for done in self.run.applied)}
        spared = [change["name"] for change in begun["plan"]["changes"] if change["name"] not in made]
        return f" No longer needed: {', '.join(spared)}." if spared else ""

    def _failed(self, reason: str, said: tuple[str, ...]) -> Result:
        """Restore what was there before, as far as it can be, and say so."""
        if self.run.changed:
            left = self.run.restore()
            reason += f"; not restored: {'; '.join(left)}" if left else "; what was there before is restored"
        return self._result(Outcome.FAILED, reason, said)

    def _interrupted(self, reason: str) -> str:
        """Say beside an outcome that changes nothing what an earlier run has changed."""
        return f"{INTERRUPTED}; {reason}" if self.run.earlier.changed else reason

    def _result(self, outcome: Outcome, reason: str, said: tuple[str, ...] = ()) -> Result:
        return Result(outcome, reason, self.details, said)


def said_of(document: Mapping[str, Any], details: Mapping[str, Any]) -> tuple[str, ...]:
    """A plan as its message says it, and who manages the resource."""
    calls = map(_brief, describe.recorded(document))
    lines = [*(document[name] for name in ("message", "note") if document.get(name)), *calls]
    if managers := details.get("managers"):
        place = f" ({details['code']})" if details.get("code") else ""
        lines.append(f"Managed by: {', '.join(managers)}{place}. Change it there too, or it comes back.")
    elif "tags" in details:
        lines.append("Managed by: nobody that its tags name.")
    return tuple(lines)


def _brief(line: str) -> str:
    """Shorten a line that nobody reads in a mail, such as a call with a whole script."""
    if len(line) <= LONGEST:
        return line
    return f"{line[: LONGEST // 4]} … {line[-LONGEST // 4 :]} ({len(line)} characters, whole in the ledger)"


def limited_until(opens: datetime, details: dict[str, Any], said: tuple[str, ...]) -> Result:
    """The outcome outside of all change windows."""
    return Result(Outcome.LIMITED, outside(opens), details, said, next=Next.AGAIN, due=int(opens.timestamp()))


def tags_of(settings: Mapping[str, Any]) -> dict[str, str]:
    """The resource's tags as its control has read them, as a list of keys and values or as a mapping."""
    tags = settings.get("Tags") or {}
    return dict(tags) if isinstance(tags, Mapping) else {tag["Key"]: tag["Value"] for tag in tags}
