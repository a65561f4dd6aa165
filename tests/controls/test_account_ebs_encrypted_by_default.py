"""EC2.7: EBS encryption by default, a setting of the account in each Region."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from boto3 import Session

from lambdas.controls.account_ebs_encrypted_by_default import AWS_KEY, CONTROL
from lambdas.controls.model import Place, Plan, Refusal, Verdict
from tests.controls.cases import Case
from tests.controls.round_trip import MEMBER, PLACE, apply_plan, judged, member_account, planned, undo

ACCOUNT = CONTROL.resource(PLACE, MEMBER)


def switched_off(session: Session, place: Place) -> str:
    session.client("ec2").disable_ebs_encryption_by_default()
    return place.account


def state(session: Session, place: Place, account: str) -> object:
    return session.client("ec2").get_ebs_encryption_by_default()["EbsEncryptionByDefault"]


CASES = (Case("off", {}, switched_off, None, state),)


@pytest.fixture
def member() -> Iterator[Session]:
    with member_account() as session:
        yield session


def test_an_account_becomes_compliant_and_the_undo_switches_it_off(member: Session) -> None:
    assert switched_off(member, PLACE) == ACCOUNT.id
    assert judged(member, CONTROL, ACCOUNT).verdict is Verdict.NON_COMPLIANT
    applied = apply_plan(member, planned(member, CONTROL, ACCOUNT))
    assert judged(member, CONTROL, ACCOUNT).verdict is Verdict.COMPLIANT
    undo(member, applied)
    assert state(member, PLACE, MEMBER) is False


def test_the_region_s_account_is_the_one_resource(member: Session) -> None:
    assert CONTROL.discover is not None
    assert list(CONTROL.discover(member, PLACE)) == [ACCOUNT]


def test_people_hear_what_the_key_means(member: Session) -> None:
    plan = planned(member, CONTROL, ACCOUNT)
    assert isinstance(plan, Plan)
    assert "cannot be shared" in " ".join(plan.leaves)
    key = member.client("kms").create_key()["KeyMetadata"]["Arn"]
    member.client("ec2").modify_ebs_default_kms_key_id(KmsKeyId=key)
    chosen = planned(member, CONTROL, ACCOUNT)
    assert isinstance(chosen, Plan)
    assert key in chosen.message
    assert "cannot be shared" not in " ".join(chosen.leaves)


def test_a_key_that_cannot_be_used_is_a_reason_to_refuse(member: Session) -> None:
    kms = member.client("kms")
    key = kms.create_key()["KeyMetadata"]["Arn"]
    member.client("ec2").modify_ebs_default_kms_key_id(KmsKeyId=key)
    kms.disable_key(KeyId=key)
    refusal = planned(member, CONTROL, ACCOUNT)
    assert isinstance(refusal, Refusal)
    assert "is Disabled: every new volume would fail" in refusal.reason


def test_the_state_of_aws_s_own_key_and_of_another_account_s_is_not_asked_for(member: Session) -> None:
    foreign = f"arn:aws:kms:{PLACE.region}:999999999999:key/11111111-2222-3333-4444-555555555555"
    assert CONTROL.inspect is not None
    for key in (AWS_KEY, foreign):
        assert CONTROL.inspect(member, ACCOUNT, {"KmsKeyId": key}, {}) == {"KeyState": None}
