"""One attempt: which outcome follows from what the live resource says, before a change and after it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError, ParamValidationError

from lambdas.controls.model import (
    READ_AT,
    Audience,
    Ceiling,
    Change,
    Evaluation,
    Grant,
    Mode,
    Plan,
    Probe,
    Refusal,
    Verdict,
)
from lambdas.remediation import describe
from lambdas.remediation.apply import Run
from lambdas.remediation.attempt import Approved, Attempt
from lambdas.remediation.earlier import earlier
from lambdas.remediation.outcome import Outcome, Result
from lambdas.remediation.policy import AccountPolicy, Exemption
from tests.lambdas.remediation_requests import ACCOUNT, SSH, request

GOOD, BAD, OUT = Verdict.COMPLIANT, Verdict.NON_COMPLIANT, Verdict.NOT_APPLICABLE
GRANTS = (Grant("ec2:A", ("*",)),)
UNDO = Change("undo-mend", "ec2", "unmend", {}, GRANTS, irreversible="it is an undo")
MEND = Change("mend", "ec2", "mend", {}, GRANTS, inverse=UNDO)
PLAN = Plan(changes=(MEND,), tell=(Audience.OWNER,), message="It is open.")
FINAL = "ec2:unmend"


def error(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "because"}}, "Operation")


@dataclass
class World:
    """A resource that says one thing after another, and what was done to it."""

    says: list[Any]
    plan: Plan | Refusal = PLAN
    answers: Mapping[str, Any] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=lambda: {"use": "bastion"})
    calls: list[str] = field(default_factory=list)
    entries: list[dict[str, Any]] = field(default_factory=list)

    def read(self, session: Any, resource: Any, finding: Any) -> Any:
        said = self.says.pop(0) if len(self.says) > 1 else self.says[0]
        if isinstance(said, Exception):
            raise said
        if isinstance(said, dict):  # fails as before, and is not quite the same
            return {"Verdict": BAD, "Tags": [], **said}
        tags = [{"Key": key, "Value": value} for key, value in self.tags.items()]
        return None if said is None else {"Verdict": said, "Tags": tags}

    def writer(self, policy: str) -> Any:
        def client(service: str) -> Any:
            return SimpleNamespace(**{name: self._operation(service, name) for name in ("mend", "unmend")})

        return SimpleNamespace(client=client)

    def _operation(self, service: str, name: str) -> Any:
        def call(**_: Any) -> dict[str, Any]:
            self.calls.append(f"{service}:{name}")
            if isinstance(self.answers.get(name), Exception):
                raise self.answers[name]
            return {"ResponseMetadata": {"RequestId": "r"}}

        return call

    def attempt(
        self,
        mode: Mode = Mode.AUTOMATIC,
        *,
        before: Any = (),
        exempt: bool = False,
        inspect: Any = None,
        approved: Approved | None = None,
        **of_policy: Any,
    ) -> Result:
        control = replace(
            SSH,
            read=self.read,
            evaluate=lambda settings, parameters: Evaluation(settings["Verdict"], f"It is {settings['Verdict']}."),
            plan=lambda resource, settings, parameters, facts: self.plan,
            inspect=inspect,
        )
        expires = datetime.now(UTC).date() + timedelta(days=1)
        exemptions = (Exemption("EC2.13", "a bastion", "ann", expires, tag="use=bastion"),) if exempt else ()
        policy = AccountPolicy("production", ACCOUNT, "Owner", {SSH.id: mode}, frozenset(), {}, exemptions, **of_policy)
        details: dict[str, Any] = {}
        run = Run("r-1", self.writer, lambda kind, body: self._note(kind, body, details), earlier(before))
        asked = replace(request(), control=control)
        session: Any = None
        return Attempt(asked, policy, mode, [], session, run, before, details, approved).make()

    def _note(self, kind: str, body: dict[str, Any], details: dict[str, Any]) -> None:
        plan = {} if self.entries else {"plan": details["plan"], "before": details["before"]}
        self.entries.append({"entry": f"{len(self.entries) + 1:04d}-{kind}", **body, **plan})


@pytest.fixture(autouse=True)
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    slept: list[float] = []
    monkeypatch.setattr("lambdas.remediation.verify.time.sleep", slept.append)
    return slept


def test_what_fails_is_changed_and_proved() -> None:
    world = World([BAD, GOOD])
    result = world.attempt()
    assert (result.outcome, result.reason, result.applied) == (Outcome.REMEDIATED, "It is COMPLIANT.", True)
    assert world.calls == ["ec2:mend"]
    assert result.details["before"]["Verdict"] is BAD


@pytest.mark.parametrize(
    ("said", "outcome"),
    [
        pytest.param(GOOD, Outcome.ALREADY_COMPLIANT, id="compliant"),
        pytest.param(OUT, Outcome.NOT_APPLICABLE, id="not judged is not compliant"),
        pytest.param(None, Outcome.GONE, id="gone"),
        pytest.param(error("AccessDenied"), Outcome.FAILED, id="denied"),
        pytest.param(error("UnauthorizedOperation"), Outcome.FAILED, id="denied by EC2"),
        pytest.param(ParamValidationError(report="no such name"), Outcome.INVALID, id="no possible id"),
    ],
)
def test_what_does_not_fail_is_not_changed(said: Any, outcome: Outcome) -> None:
    world = World([said])
    result = world.attempt()
    assert (result.outcome, result.applied, world.calls) == (outcome, False, [])


@pytest.mark.parametrize("raised", [error("Throttling"), KeyError("a defect of ours")])
def test_an_error_is_never_a_verdict(raised: Exception) -> None:
    with pytest.raises(type(raised)):
        World([raised]).attempt()


def test_an_exempted_resource_is_left_alone_with_who_answers_for_it() -> None:
    world = World([BAD])
    result = world.attempt(exempt=True)
    assert (result.outcome, world.calls) == (Outcome.EXEMPTED, [])
    assert result.reason.startswith("a bastion (ann, until ")


@pytest.mark.parametrize(
    ("mode", "plan", "outcome"),
    [
        pytest.param(Mode.NOTIFY, PLAN, Outcome.NOTIFIED, id="notify"),
        pytest.param(Mode.DRY_RUN, PLAN, Outcome.DRY_RUN, id="dry-run"),
        pytest.param(Mode.APPROVE, PLAN, Outcome.AWAITING_APPROVAL, id="approve"),
        pytest.param(
            Mode.AUTOMATIC,
            replace(PLAN, ceiling=Ceiling(Mode.APPROVE, "closes more")),
            Outcome.AWAITING_APPROVAL,
            id="the plan's ceiling",
        ),
        pytest.param(Mode.AUTOMATIC, Plan(tell=(Audience.OWNER,)), Outcome.NOTIFIED, id="nothing to change"),
        pytest.param(Mode.AUTOMATIC, Refusal("an AWS service owns it"), Outcome.REFUSED, id="refusal"),
        pytest.param(
            Mode.AUTOMATIC,
            replace(PLAN, changes=(replace(MEND, effect=Probe("ec2", "describe", {}, "State", ("done",))),)),
            Outcome.IN_PROGRESS,
            id="a change that lasts",
        ),
    ],
)
def test_what_may_not_be_applied_is_told_and_not_applied(mode: Mode, plan: Any, outcome: Outcome) -> None:
    world = World([BAD], plan)
    result = world.attempt(mode)
    assert (result.outcome, result.applied, world.calls) == (outcome, False, [])
    assert result.reason


def test_proof_is_waited_for(waits: list[float]) -> None:
    assert World([BAD, BAD, BAD, GOOD]).attempt().outcome is Outcome.REMEDIATED
    assert waits == [1, 2]


@pytest.mark.parametrize(
    ("then", "said"),
    [
        pytest.param(BAD, "the change did not take: It is NON_COMPLIANT.", id="still failing"),
        pytest.param(OUT, "does not judge the resource any more", id="not judged any more"),
    ],
)
def test_a_change_without_proof_is_undone_and_failed(then: Verdict, said: str) -> None:
    world = World([BAD, then])
    result = world.attempt()
    assert (result.outcome, result.applied) == (Outcome.FAILED, True)
    assert said in result.reason
    assert result.reason.endswith("; what was there before is restored")
    assert world.calls == ["ec2:mend", FINAL]


def test_a_plan_may_be_proved_by_taking_the_resource_out_of_what_is_judged() -> None:
    world = World([BAD, OUT], replace(PLAN, proves=OUT))
    result = world.attempt()
    assert (result.outcome, result.reason, world.calls) == (
        Outcome.REMEDIATED,
        "It is NOT_APPLICABLE.",
        ["ec2:mend"],
    )
    again = World([OUT], replace(PLAN, proves=OUT)).attempt(before=world.entries)
    assert again.outcome is Outcome.REMEDIATED, "a run that was killed before it wrote the outcome"
    assert World([BAD, BAD], replace(PLAN, proves=OUT)).attempt().outcome is Outcome.FAILED


def test_an_undo_that_is_refused_is_said() -> None:
    result = World([BAD, BAD], answers={"unmend": error("Forbidden")}).attempt()
    assert "; not restored: undo-mend: ec2.unmend was refused with Forbidden: because" in result.reason


def test_a_refused_change_is_a_failure_and_nothing_was_there_to_restore() -> None:
    result = World([BAD], answers={"mend": error("Forbidden")}).attempt()
    assert (result.outcome, result.applied) == (Outcome.FAILED, False)
    assert result.reason == "mend: ec2.mend was refused with Forbidden: because"


def test_a_resource_that_vanishes_under_the_change_is_gone_and_nothing_is_undone() -> None:
    world = World([BAD, None])
    assert world.attempt().outcome is Outcome.GONE
    assert world.calls == ["ec2:mend"]


REMOVAL = replace(PLAN, changes=(replace(MEND, inverse=None, irreversible="it is deleted"),), removes=True)


def test_a_plan_that_removes_the_resource_is_proved_when_it_is_gone() -> None:
    world = World([BAD, None], REMOVAL)
    result = world.attempt()
    assert (result.outcome, result.reason) == (Outcome.REMEDIATED, "the resource no longer exists, as planned")
    stays = World([BAD], REMOVAL).attempt()
    assert (stays.outcome, stays.applied) == (Outcome.FAILED, True)
    assert "the change did not take" in stays.reason


def test_a_removal_that_was_killed_is_remediated() -> None:
    world = World([BAD, None], REMOVAL)
    world.attempt()
    for entries in (1, 2):
        result = World([None]).attempt(before=world.entries[:entries])
        assert (result.outcome, result.applied) == (Outcome.REMEDIATED, True)
        assert result.details["before"]["Verdict"] is BAD


@pytest.mark.parametrize(("tags", "told"), [({"Owner": "ann"}, Audience.OWNER), ({}, Audience.OPERATIONS)])
def test_a_removal_that_was_killed_is_told_to_those_whom_the_tags_name_that_the_resource_had(
    tags: dict[str, str], told: Audience
) -> None:
    world = World([BAD, None], REMOVAL, tags=tags)
    whole = world.attempt()
    result = World([None]).attempt(before=world.entries)
    assert result.details["audience"] == whole.details["audience"] == (told.value,)
    assert result.details["tags"] == tags


def test_what_nobody_began_to_remove_is_only_gone() -> None:
    assert World([None]).attempt(before=killed(2)).outcome is Outcome.GONE


def test_what_is_approved_stays_approved_when_it_is_read_again_later() -> None:
    digests = [describe.digest(PLAN, {"Verdict": BAD, READ_AT: moment}) for moment in ("2026-01-05", "2026-01-09")]
    assert digests[0] == digests[1] != describe.digest(PLAN, {"Verdict": GOOD, READ_AT: "2026-01-05"})


def test_a_proof_that_cannot_be_read_is_an_error_and_no_success() -> None:
    with pytest.raises(ClientError, match="Throttling"):
        World([BAD, error("Throttling")]).attempt()


# After a run that was killed.
def killed(entries: int) -> list[dict[str, Any]]:
    world = World([BAD, GOOD])
    world.attempt()
    return world.entries[:entries]


@pytest.mark.parametrize("entries", [1, 2])
def test_what_a_killed_run_has_remediated_is_remediated_and_not_just_compliant(entries: int) -> None:
    result = World([GOOD]).attempt(before=killed(entries))
    assert (result.outcome, result.applied) == (Outcome.REMEDIATED, True)
    assert result.lines[0] == "It is open."
    assert result.details["before"]["Verdict"] is BAD


@pytest.mark.parametrize(
    ("said", "mode", "outcome"),
    [
        pytest.param(BAD, Mode.NOTIFY, Outcome.NOTIFIED, id="the mode was weakened meanwhile"),
        pytest.param(error("AccessDenied"), Mode.AUTOMATIC, Outcome.FAILED, id="reading is denied by now"),
    ],
)
def test_an_outcome_that_changes_nothing_says_what_a_killed_run_has_changed(
    said: Any, mode: Mode, outcome: Outcome
) -> None:
    result = World([said]).attempt(mode, before=killed(2))
    assert (result.outcome, result.applied) == (outcome, True)
    assert result.reason.startswith("an interrupted run of this remediation has changed the resource")


def test_what_a_killed_run_has_done_to_a_resource_that_is_not_judged_any_more_is_undone() -> None:
    world = World([OUT])
    assert world.attempt(before=killed(2)).outcome is Outcome.FAILED
    assert world.calls == [FINAL]


def test_planned_changes_that_were_not_needed_are_named() -> None:
    second = replace(MEND, name="mend-more")
    world = World([BAD, GOOD], replace(PLAN, changes=(MEND, second)))
    world.attempt()
    result = World([GOOD]).attempt(before=world.entries[:2])
    assert result.reason == "It is COMPLIANT. No longer needed: mend-more."


STACK = {"aws:cloudformation:stack-name": "web", "aws:cloudformation:logical-id": "Door"}


def test_what_code_manages_is_remediated_and_told_where_no_setting_says_otherwise() -> None:
    result = World([BAD, GOOD], tags=STACK).attempt()
    assert result.outcome is Outcome.REMEDIATED
    (said,) = [line for line in result.lines if line.startswith("Managed by")]
    assert "CloudFormation (stack web) (Door in the template)" in said


def test_what_code_manages_waits_for_approval_by_setting_and_nothing_else_does() -> None:
    managed = World([BAD], tags=STACK)
    result = managed.attempt(managed_by_code=Mode.APPROVE)
    assert (result.outcome, managed.calls) == (Outcome.AWAITING_APPROVAL, [])
    assert result.reason == "it is managed by CloudFormation (stack web)"
    assert World([BAD, GOOD]).attempt(managed_by_code=Mode.APPROVE).outcome is Outcome.REMEDIATED


def test_planned_changes_that_the_next_run_finds_no_longer_needed_are_named() -> None:
    plan = replace(PLAN, changes=(MEND, replace(MEND, name="mend-more"), replace(MEND, name="mend-rest")))
    world = World([BAD, GOOD], plan)
    world.attempt()
    rest = World([BAD, GOOD], replace(PLAN, changes=(replace(MEND, name="mend-rest"),)))
    result = rest.attempt(before=world.entries[:2])
    assert (result.outcome, result.reason) == (Outcome.REMEDIATED, "It is COMPLIANT. No longer needed: mend-more.")


def test_what_a_resumed_run_leaves_is_what_an_undo_compares_with() -> None:
    result = World([GOOD]).attempt(before=killed(2))
    assert result.details["after"]["Verdict"] is GOOD


def approval(plan: Plan, verdict: Any = BAD) -> Approved:
    settings = {"Verdict": verdict, "Tags": [{"Key": "use", "Value": "bastion"}]}
    return Approved(1, describe.digest(plan, settings), "alice")


def test_what_was_approved_and_killed_half_way_goes_on_without_another_question() -> None:
    plan = replace(PLAN, changes=(MEND, replace(MEND, name="mend-more")))
    world = World([BAD, GOOD], plan)
    world.attempt()
    rest = World([{"more": 1}, GOOD], replace(PLAN, changes=(replace(MEND, name="mend-more"),)))
    result = rest.attempt(Mode.APPROVE, before=world.entries[:2], approved=approval(plan))
    assert (result.outcome, rest.calls) == (Outcome.REMEDIATED, ["ec2:mend"])
    assert result.details["before"] == {"Verdict": BAD, "Tags": [{"Key": "use", "Value": "bastion"}]}


@pytest.mark.parametrize(
    ("name", "approved"),
    [
        pytest.param("mend-what-nobody-saw", approval(PLAN), id="a change that was not approved"),
        pytest.param("mend", Approved(1, "another", "alice"), id="the journal's plan is not the approved one"),
    ],
)
def test_what_is_no_part_of_what_was_approved_is_asked(name: str, approved: Approved) -> None:
    rest = World([{"more": 1}], replace(PLAN, changes=(replace(MEND, name=name),)))
    result = rest.attempt(Mode.APPROVE, before=killed(2), approved=approved)
    assert (result.outcome, rest.calls) == (Outcome.AWAITING_APPROVAL, [])
