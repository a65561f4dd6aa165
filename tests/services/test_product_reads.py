"""What GuardDuty and Macie have open about one resource, however much they have found."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from boto3 import Session

from lambdas.services import guardduty, macie
from tests.controls.product_findings import access_key, guardduty_finds, instance, macie_finds, macie_on
from tests.controls.round_trip import PLACE, member_account

EXFILTRATION = "Exfiltration:IAMUser/AnomalousBehavior"
USER, INSTANCE = "resource.accessKeyDetails.userName", "resource.instanceDetails.instanceId"


@pytest.fixture(scope="module")
def member() -> Iterator[Session]:
    with member_account() as session:
        yield session


def test_where_guardduty_is_not_on_it_has_found_nothing(member: Session) -> None:
    assert list(guardduty.findings(member, USER, "eve", "IAMUser")) == []


def test_findings_of_the_resource_and_of_its_kind_are_read_whatever_else_there_is(member: Session) -> None:
    guardduty_finds(member, PLACE, EXFILTRATION, access_key("AIDA1", "eve", "IAMUser"))
    guardduty_finds(member, PLACE, "Impact:IAMUser/AnomalousBehavior", access_key("AIDA1", "eve", "IAMUser"))
    guardduty_finds(member, PLACE, "CredentialAccess:IAMUser/AnomalousBehavior", access_key("AIDA1", "eve", "IAMUser"))
    guardduty_finds(member, PLACE, EXFILTRATION, access_key("AIDA2", "bob", "IAMUser"))
    guardduty_finds(member, PLACE, "Backdoor:EC2/C&CActivity.B!DNS", instance("i-1"))
    found = guardduty.findings(member, USER, "eve", "IAMUser")
    assert [one["Type"] for one in found] == [EXFILTRATION, "Impact:IAMUser/AnomalousBehavior"], "high ones alone"
    assert list(guardduty.findings(member, USER, "eve", "S3")) == []
    assert len(list(guardduty.findings(member, INSTANCE, "i-1", "EC2"))) == 1


def test_a_bucket_s_sensitive_data_is_read_by_its_types(member: Session) -> None:
    macie_on(member)
    assert list(macie.sensitive_data(member, "people")) == []
    for kind in ("Personal", "Financial"):
        macie_finds(member, PLACE, "people", f"SensitiveData:S3Object/{kind}")
    macie_finds(member, PLACE, "money", "SensitiveData:S3Object/Credentials")
    found = sorted(macie.sensitive_data(member, "people"))
    assert found == ["SensitiveData:S3Object/Financial", "SensitiveData:S3Object/Personal"]
