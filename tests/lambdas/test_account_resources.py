"""What an account has once: named as Security Hub names it, and one thing whatever Region tells of it."""

from __future__ import annotations

from typing import Any

import pytest

from lambdas.controls import catalog
from lambdas.controls.model import Place
from lambdas.remediation.case import key_of
from lambdas.remediation.lease_items import Lease
from lambdas.remediation.request import InvalidRequestError, parse
from tests.lambdas.remediation_requests import ACCOUNT, OTHER, REGION, finding

EBS, PASSWORDS = catalog()["EC2.7"], catalog()["IAM.7"]


def of_security_hub(control: Any, identifier: str, region: str = REGION) -> dict[str, Any]:
    """Security Hub's own finding of a control."""
    return finding(
        ACCOUNT,
        control=control,
        Id=f"arn:aws:securityhub:{region}:{ACCOUNT}:security-control/{control.id}/finding/1",
        GeneratorId=f"security-control/{control.id}",
        ProductArn=f"arn:aws:securityhub:{region}::product/aws/securityhub",
        Compliance={"Status": "FAILED", "SecurityControlId": control.id},
        Resources=[{"Type": control.asff_type, "Id": identifier, "Partition": "aws", "Region": region}],
        Region=region,
    )


def test_security_hub_s_finding_on_an_account_and_ours_are_about_one_resource() -> None:
    ours = parse(finding(ACCOUNT, control=EBS), "aws")
    theirs = parse(of_security_hub(EBS, f"AWS::::Account:{ACCOUNT}"), "aws")
    assert theirs.resource == ours.resource == EBS.resource(Place("aws", ACCOUNT, REGION), ACCOUNT)
    assert key_of(theirs) == key_of(ours)


@pytest.mark.parametrize("identifier", [f"AWS::::Account:{OTHER}", f"arn:aws:iam::{ACCOUNT}:root"])
def test_a_finding_on_another_account_or_under_another_name_is_refused(identifier: str) -> None:
    with pytest.raises(InvalidRequestError):
        parse(of_security_hub(EBS, identifier), "aws")


def test_what_is_global_is_one_case_and_one_lock_whatever_region_tells_of_it() -> None:
    first, second = (
        parse(of_security_hub(PASSWORDS, f"AWS::::Account:{ACCOUNT}", region), "aws")
        for region in (REGION, "us-east-1")
    )
    assert first.id != second.id
    assert key_of(first) == key_of(second)
    assert Lease.of(first, "run", None).lock == Lease.of(second, "run", None).lock


def test_what_is_regional_is_another_one_in_every_region() -> None:
    first, second = (
        parse(of_security_hub(EBS, f"AWS::::Account:{ACCOUNT}", region), "aws") for region in (REGION, "us-east-1")
    )
    assert key_of(first) != key_of(second)
    assert Lease.of(first, "run", None).lock != Lease.of(second, "run", None).lock
