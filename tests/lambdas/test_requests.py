"""A finding becomes a request only where everything about it fits together."""

from __future__ import annotations

import copy
from datetime import UTC, datetime
from typing import Any

import pytest

from lambdas import findings
from lambdas.controls import catalog
from lambdas.controls.model import Place, non_compliant
from lambdas.remediation.request import InvalidRequestError, parse

ACCOUNT, OTHER = "222222222222", "333333333333"
PLACE = Place("aws", ACCOUNT, "eu-west-1")
CONTROL = catalog()["EC2.13"]
RESOURCE = CONTROL.resource(PLACE, "sg-0123456789abcdef0")


def finding(**changes: Any) -> dict[str, Any]:
    built = findings.build(CONTROL, RESOURCE, non_compliant("open"), "d", None, datetime(2026, 1, 1, tzinfo=UTC))
    return {**built, "Region": PLACE.region, **changes}


def test_our_own_finding_names_control_and_resource() -> None:
    request = parse(finding(), "aws")
    assert (request.control.id, request.resource) == ("EC2.13", RESOURCE)
    assert request.ours


def test_a_finding_of_security_hub_is_read_by_its_control_id() -> None:
    theirs = finding(
        GeneratorId="security-control/EC2.13",
        ProductArn="arn:aws:securityhub:eu-west-1::product/aws/securityhub",
        Compliance={"Status": "FAILED", "SecurityControlId": "EC2.13"},
    )
    assert not parse(theirs, "aws").ours


def test_every_delivery_of_one_state_is_the_same_remediation_and_a_later_state_another() -> None:
    first = parse(finding(), "aws").id
    assert parse(copy.deepcopy(finding()), "aws").id == first
    assert parse(finding(UpdatedAt="2026-01-02T00:00:00.000Z"), "aws").id != first


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        pytest.param({"AwsAccountId": OTHER}, f"is of account {ACCOUNT}, but the finding of {OTHER}", id="account"),
        pytest.param({"AwsAccountId": "22"}, "'22' is not an account id", id="account id"),
        pytest.param({"AwsAccountId": None}, "AwsAccountId is missing", id="no account"),
        pytest.param({"Region": "us-east-1"}, "but its resource of 'eu-west-1'", id="region"),
        pytest.param({"Region": None}, "Region is missing", id="no region"),
        pytest.param({"GeneratorId": "palisade/EC2.999"}, "has no control 'EC2.999'", id="unknown control"),
        pytest.param({"GeneratorId": "someone/else", "Compliance": {}}, "SecurityControlId is missing", id="stranger"),
        pytest.param({"Resources": []}, "exactly one resource", id="no resource"),
        pytest.param({"Resources": [{"Id": "x"}, {"Id": "y"}]}, "exactly one resource", id="two resources"),
        pytest.param({"Resources": ["x"]}, "exactly one resource", id="malformed resource"),
        pytest.param(
            {"Resources": [{"Id": "arn:aws:s3:::b"}]}, "is no ARN of AWS::EC2::SecurityGroup", id="other type"
        ),
        pytest.param(
            {"Resources": [{"Id": RESOURCE.arn.replace("arn:aws:", "arn:aws-cn:")}]},
            "is of partition aws-cn, but the finding of aws",
            id="other partition",
        ),
        pytest.param(
            {"ProductArn": "arn:aws:securityhub:eu-west-1::product/aws/guardduty"},
            "does not make findings",
            id="product",
        ),
        pytest.param(
            {"ProductArn": findings.product_arn(RESOURCE).replace(ACCOUNT, OTHER)},
            "does not make findings",
            id="product of another account",
        ),
        pytest.param({"UpdatedAt": ""}, "UpdatedAt is missing", id="no time"),
        pytest.param({"Id": "palisade/EC2.13/made-up"}, "is not that of a finding of EC2.13", id="another id"),
        pytest.param({"Id": None}, "Id is missing", id="no id"),
        pytest.param({"Compliance": {"Status": "PASSED"}}, "Compliance.Status is PASSED", id="passed"),
        pytest.param({"Workflow": {"Status": "SUPPRESSED"}}, "Workflow.Status is SUPPRESSED", id="suppressed"),
        pytest.param({"RecordState": "ARCHIVED"}, "RecordState is ARCHIVED", id="archived"),
        pytest.param({"Compliance": ["FAILED"]}, "Compliance is not an object", id="malformed compliance"),
        pytest.param({"Workflow": "NEW"}, "Workflow is not an object", id="malformed workflow"),
        pytest.param({"AwsAccountId": chr(0xFF12) * 12}, "is not an account id", id="digits of another alphabet"),
    ],
)
def test_what_does_not_fit_is_refused_and_said(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidRequestError, match=r".*") as refused:
        parse(finding(**changes), "aws")
    assert said in str(refused.value)
