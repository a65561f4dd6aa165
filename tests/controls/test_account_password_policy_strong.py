"""IAM.7: the password policy, which the call replaces whole."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from boto3 import Session

from lambdas.answers import absent
from lambdas.controls.account_password_policy_strong import CONTROL, evaluate
from lambdas.controls.model import Mode, Place, Plan, Refusal, Verdict
from tests.controls.cases import Case
from tests.controls.round_trip import MEMBER, PLACE, apply_plan, judged, member_account, planned, undo

ACCOUNT = CONTROL.resource(PLACE, MEMBER)
CLASSES = ("RequireUppercaseCharacters", "RequireLowercaseCharacters", "RequireNumbers", "RequireSymbols")
WEAK: dict[str, Any] = {
    **dict.fromkeys(CLASSES, False),
    "RequireNumbers": True,
    "MinimumPasswordLength": 20,
    "AllowUsersToChangePassword": True,
    "HardExpiry": True,
    "PasswordReusePrevention": 5,
    "MaxPasswordAge": 30,
}


def without(session: Session, place: Place) -> str:
    with absent("NoSuchEntity"):
        session.client("iam").delete_account_password_policy()
    return place.account


def weak(session: Session, place: Place) -> str:
    session.client("iam").update_account_password_policy(**WEAK)
    return place.account


def state(session: Session, place: Place, account: str) -> object:
    settings = CONTROL.read(session, CONTROL.resource(place, account), None)
    assert settings is not None
    return settings["PasswordPolicy"]


CASES = (Case("no policy", {}, without, None, state), Case("a weak policy", {}, weak, None, state, thorough=True))


@pytest.fixture(scope="module")
def member() -> Iterator[Session]:
    with member_account() as session:
        yield session


def judge(parameters: Any = None, **changes: Any) -> Verdict:
    policy = {**dict.fromkeys(CLASSES, True), "MinimumPasswordLength": 8, **changes}
    return evaluate({"PasswordPolicy": policy}, CONTROL.resolve(parameters or {}, PLACE.region)).verdict


def test_every_class_and_the_length_count() -> None:
    assert judge() is Verdict.COMPLIANT
    assert judge(MinimumPasswordLength=128) is Verdict.COMPLIANT
    weaker: list[dict[str, Any]] = [{"MinimumPasswordLength": 7}, *({one: False} for one in CLASSES)]
    for changes in weaker:
        assert judge(**changes) is Verdict.NON_COMPLIANT


def test_former_passwords_count_where_a_parameter_asks_for_them() -> None:
    assert judge({"reuse_prevention": 24}) is Verdict.NON_COMPLIANT
    assert judge({"reuse_prevention": 24}, PasswordReusePrevention=24) is Verdict.COMPLIANT


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_an_account_becomes_compliant_and_the_undo_brings_back_what_was(member: Session, case: Case) -> None:
    case.broken(member, PLACE)
    before = state(member, PLACE, MEMBER)
    applied = apply_plan(member, planned(member, CONTROL, ACCOUNT))
    assert judged(member, CONTROL, ACCOUNT).verdict is Verdict.COMPLIANT
    undo(member, applied)
    assert state(member, PLACE, MEMBER) == before


def test_what_is_stronger_or_not_asked_for_stays(member: Session) -> None:
    weak(member, PLACE)
    apply_plan(member, planned(member, CONTROL, ACCOUNT))
    after: Any = state(member, PLACE, MEMBER)
    kept = ("MinimumPasswordLength", "AllowUsersToChangePassword", "HardExpiry", "PasswordReusePrevention")
    assert {name: after[name] for name in (*kept, "MaxPasswordAge")} == {
        name: WEAK[name] for name in (*kept, "MaxPasswordAge")
    }


def test_a_first_policy_sets_neither_expiry_nor_an_age(member: Session) -> None:
    without(member, PLACE)
    plan = planned(member, CONTROL, ACCOUNT)
    assert isinstance(plan, Plan)
    assert plan.ceiling is None
    assert plan.changes[0].parameters["HardExpiry"] is False
    assert "MaxPasswordAge" not in plan.changes[0].parameters


def test_an_age_that_is_asked_for_waits_for_approval_and_locks_nobody_out(member: Session) -> None:
    given = {"maximum_age": 90}
    without(member, PLACE)
    plan = planned(member, CONTROL, ACCOUNT, given)
    assert isinstance(plan, Plan)
    assert plan.ceiling is not None
    assert plan.ceiling.mode is Mode.APPROVE
    applied = apply_plan(member, plan)
    assert judged(member, CONTROL, ACCOUNT, given).verdict is Verdict.COMPLIANT
    undo(member, applied)
    member.client("iam").update_account_password_policy(HardExpiry=True)
    refusal = planned(member, CONTROL, ACCOUNT, given)
    assert isinstance(refusal, Refusal)
    assert "locked out" in refusal.reason
