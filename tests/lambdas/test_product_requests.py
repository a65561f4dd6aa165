"""Findings of other products become requests: the control by product, type and severity, the resource by its type."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from lambdas import findings
from lambdas.controls import catalog
from lambdas.controls.model import Control, Place, ProductFindings, Severity, non_compliant
from lambdas.findings import moment
from lambdas.remediation.request import InvalidRequestError, parse, subject
from tests.lambdas.remediation_requests import ACCOUNT, OTHER, PLACE, REGION, SSH

GROUP = "sg-0123456789abcdef0"
DETECTION = ProductFindings(
    "GuardDuty", "aws/guardduty", ("*EC2*",), (Severity.HIGH, Severity.CRITICAL), beside=("AwsS3Bucket",)
)
CONTROL = replace(SSH, id="Palisade.Test.1", detection=DETECTION)
KEYS = replace(
    CONTROL,
    id="Palisade.Test.2",
    asff_type="AwsIamAccessKey",
    arn="arn:{partition}:iam::{account}:{id}",
    detection=replace(DETECTION, types=("*IAMUser*",), identify=lambda named: named.get("Details", {}).get("name")),
)
BUCKET = {"Type": "AwsS3Bucket", "Id": "arn:aws:s3:::b", "Region": REGION}


@pytest.fixture(autouse=True)
def controls(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(catalog(), CONTROL.id, CONTROL)
    monkeypatch.setitem(catalog(), KEYS.id, KEYS)
    for control in [one for one in catalog().values() if isinstance(one.detection, ProductFindings)]:
        if control not in (CONTROL, KEYS):
            monkeypatch.delitem(catalog(), control.id)


def group(**changes: Any) -> dict[str, Any]:
    return {"Type": "AwsEc2SecurityGroup", "Id": SSH.resource(PLACE, GROUP).arn, "Region": REGION, **changes}


def finding(**changes: Any) -> dict[str, Any]:
    return {
        "Id": f"arn:aws:guardduty:{REGION}:{ACCOUNT}:detector/1/finding/2",
        "ProductArn": f"arn:aws:securityhub:{REGION}::product/aws/guardduty",
        "ProductName": "GuardDuty",
        "GeneratorId": f"arn:aws:guardduty:{REGION}:{ACCOUNT}:detector/1",
        "AwsAccountId": ACCOUNT,
        "Region": REGION,
        "UpdatedAt": "2026-01-01T00:00:00.000Z",
        "Types": ["TTPs/Command and Control/Backdoor:EC2-C&CActivity.B!DNS"],
        "Severity": {"Label": "HIGH"},
        "Resources": [group()],
        "RecordState": "ACTIVE",
        **changes,
    }


def test_product_type_and_severity_name_the_control_and_the_one_resource_of_its_type_is_meant() -> None:
    request = parse(finding(Resources=[BUCKET, group()]), "aws")
    assert (request.control.id, request.resource.id) == (CONTROL.id, GROUP)
    assert not request.ours
    assert not request.passes_by_itself, "it is closed at its own service"


def test_a_control_picks_its_resource_from_the_details_where_no_arn_tells() -> None:
    key = {"Type": "AwsIamAccessKey", "Id": "AWS::IAM::AccessKey:ASIA", "Details": {"name": "user/eve"}}
    types = ["TTPs/Credential Access/IAMUser-AnomalousBehavior"]
    assert parse(finding(Types=types, Resources=[key]), "aws").resource.arn == f"arn:aws:iam::{ACCOUNT}:user/eve"
    with pytest.raises(InvalidRequestError, match="does not tell which"):
        parse(finding(Types=types, Resources=[{**key, "Details": {}}]), "aws")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        pytest.param({"Types": ["TTPs/Discovery/Recon:S3-Probe"]}, "no control takes", id="another type"),
        pytest.param({"Types": None}, "Types is not", id="no types"),
        pytest.param({"Types": [1]}, "Types is not", id="malformed types"),
        pytest.param({"Severity": {"Label": "MEDIUM"}}, "no control takes", id="a severity that is not listed"),
        pytest.param({"Severity": None}, "no control takes", id="no severity"),
        pytest.param({"Types": ["TTPs/IAMUser-EC2"]}, "several controls take", id="two controls"),
        pytest.param(
            {"Resources": [BUCKET]}, "exactly one resource of type AwsEc2SecurityGroup", id="none of its type"
        ),
        pytest.param({"Resources": [group(), group()]}, "exactly one resource", id="two of its type"),
        pytest.param({"Resources": [group(), {"Type": "Other"}]}, "names Other, too", id="one that is not expected"),
        pytest.param({"Resources": None}, "exactly one resource", id="no resources"),
        pytest.param({"AwsAccountId": OTHER}, f"is of account {ACCOUNT}", id="another account's resource"),
        pytest.param({"Resources": [group(Region="us-east-1")]}, "but its resource of", id="another Region's resource"),
        pytest.param(
            {"ProductArn": "arn:aws:securityhub:us-east-1::product/aws/guardduty"}, "does not make", id="elsewhere"
        ),
        pytest.param(
            {"ProductArn": f"arn:aws-cn:securityhub:{REGION}::product/aws/guardduty"}, "does not make", id="partition"
        ),
        pytest.param(
            {"ProductArn": f"arn:aws:securityhub:{REGION}:{ACCOUNT}:product/{ACCOUNT}/default"},
            "SecurityControlId is missing",
            id="the account's own product that calls itself GuardDuty",
        ),
        pytest.param(
            {"ProductArn": f"arn:aws:securityhub:{REGION}::product/aws/macie"}, "is missing", id="another product"
        ),
        pytest.param({"RecordState": "ARCHIVED"}, "RecordState is ARCHIVED", id="archived"),
    ],
)
def test_what_does_not_fit_together_is_refused_with_its_reason(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidRequestError, match=said):
        parse(finding(**changes), "aws")


def imported(control: Control) -> dict[str, Any]:
    """A finding as the account itself imports it in our name."""
    resource = control.resource(Place("aws", ACCOUNT, REGION), GROUP)
    at = datetime.fromisoformat("2026-01-01T00:00:00+00:00")
    return {**findings.build(control, resource, non_compliant("x"), "d", None, at), "Region": REGION}


def test_nobody_imports_a_finding_of_such_a_control_in_our_name() -> None:
    assert parse(imported(SSH), "aws").ours
    with pytest.raises(InvalidRequestError, match="does not make findings of palisade/Palisade"):
        parse(imported(CONTROL), "aws")


def test_what_a_finding_is_about_is_told_whatever_its_state() -> None:
    control, resource = subject(finding(RecordState="ARCHIVED", Workflow={"Status": "SUPPRESSED"}), "aws")
    assert (control.id, resource.id) == (CONTROL.id, GROUP)


def test_every_state_of_a_finding_is_a_request_of_its_own_and_a_sibling_another_of_the_same_resource() -> None:
    one, again = parse(finding(), "aws"), parse(finding(), "aws")
    later = parse(finding(UpdatedAt=moment(datetime.now(UTC))), "aws")
    sibling = parse(finding(Id="another"), "aws")
    assert one.id == again.id
    assert len({one.id, later.id, sibling.id}) == 3
    assert one.resource == sibling.resource
