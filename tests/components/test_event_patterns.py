"""The hub's event patterns: generated from the catalog, split to fit, matching what must be remediated and no more."""

from __future__ import annotations

import json
from typing import Any

import pytest

from components.event_patterns import finding_patterns
from lambdas.controls import catalog
from lambdas.controls.model import ProductFindings
from simulator.services.event_pattern import EventPattern
from tests.components.synthetic import controls, findings


def event(**finding: Any) -> dict[str, Any]:
    """An event as Security Hub sends it: one finding in a list."""
    whole = {
        "ProductName": "Default",
        "GeneratorId": "palisade/EC2.13",
        "Types": ["Software and Configuration Checks"],
        "Severity": {"Label": "HIGH"},
        "Compliance": {"Status": "FAILED"},
        "Workflow": {"Status": "NEW"},
        "RecordState": "ACTIVE",
        **finding,
    }
    return {
        "source": "aws.securityhub",
        "detail-type": "Security Hub Findings - Imported",
        "account": "200000000002",
        "region": "eu-west-1",
        "detail": {"findings": [{key: value for key, value in whole.items() if value is not None}]},
    }


def standard(control: str, **finding: Any) -> dict[str, Any]:
    compliance = {"Status": "FAILED", "SecurityControlId": control}
    return event(
        ProductName="Security Hub", GeneratorId=f"security-control/{control}", Compliance=compliance, **finding
    )


def guard_duty(**finding: Any) -> dict[str, Any]:
    return event(
        **{
            "ProductName": "GuardDuty",
            "ProductArn": "arn:aws:securityhub:eu-west-1::product/aws/guardduty",
            "GeneratorId": "arn:aws:guardduty:eu-west-1:300000000003:detector/1",
            "Types": ["TTPs/Initial Access/UnauthorizedAccess:EC2-SSHBruteForce"],
            "Compliance": None,
            **finding,
        }
    )


def matched(patterns: list[str], sent: dict[str, Any]) -> bool:
    return any(EventPattern.parse(pattern).matches(sent) for pattern in patterns)


OURS = finding_patterns(catalog().values())
RULES = [one for one in catalog().values() if not isinstance(one.detection, ProductFindings)]
WITH_PRODUCTS = finding_patterns([*RULES, *findings(1)])


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        pytest.param(event(), True, id="our finding, failed and new"),
        pytest.param(event(GeneratorId="palisade/Palisade.S3.1"), True, id="of a control that is ours alone"),
        pytest.param(standard("EC2.13"), True, id="Security Hub's own finding of the control"),
        pytest.param(event(Compliance={"Status": "PASSED"}), False, id="passed"),
        pytest.param(event(Compliance={"Status": "NOT_AVAILABLE"}), False, id="not applicable"),
        pytest.param(event(Workflow={"Status": "NOTIFIED"}), False, id="people were told"),
        pytest.param(event(Workflow={"Status": "SUPPRESSED"}), False, id="suppressed"),
        pytest.param(event(Workflow={"Status": "RESOLVED"}), False, id="resolved: our own update fires the rule again"),
        pytest.param(event(RecordState="ARCHIVED"), False, id="archived"),
        pytest.param(event(GeneratorId="palisade/EC2.99"), False, id="a control that is not in the catalog"),
        pytest.param(standard("EC2.99"), False, id="a control of Security Hub that is not in the catalog"),
        pytest.param(standard("Palisade.S3.1"), False, id="Security Hub has no such control"),
        pytest.param({**event(), "source": "custom"}, False, id="a look-alike from another source"),
        pytest.param(
            event(ProductName="Config", GeneratorId="arn:aws:config:eu-west-1:1:config-rule/r"),
            False,
            id="Config's copy",
        ),
        pytest.param(
            guard_duty(ProductArn="arn:aws:securityhub:eu-west-1::product/aws/health"),
            False,
            id="a product that no control asks for",
        ),
    ],
)
def test_the_hub_takes_what_the_catalog_remediates(sent: dict[str, Any], expected: bool) -> None:
    assert matched(OURS, sent) is expected


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        pytest.param(guard_duty(), True, id="product, type and severity: no compliance"),
        pytest.param(guard_duty(Severity={"Label": "CRITICAL"}), True, id="another listed severity"),
        pytest.param(guard_duty(Severity={"Label": "LOW"}), False, id="a severity that is not listed"),
        pytest.param(guard_duty(Types=["TTPs/Discovery/Recon:EC2-PortProbe"]), False, id="another type"),
        pytest.param(
            guard_duty(ProductArn="arn:aws:securityhub:eu-west-1::product/aws/inspector"), False, id="another product"
        ),
        pytest.param(
            guard_duty(ProductArn="arn:aws:securityhub:eu-west-1:3:product/3/default"),
            False,
            id="the account's own product that calls itself GuardDuty",
        ),
        pytest.param(guard_duty(Workflow={"Status": "NOTIFIED"}), False, id="people were told"),
        pytest.param(event(), True, id="our own findings beside it"),
    ],
)
def test_findings_of_other_products_are_taken_by_product_type_and_severity(
    sent: dict[str, Any], expected: bool
) -> None:
    assert matched(WITH_PRODUCTS, sent) is expected


def test_a_long_catalog_is_split_below_the_limit_and_each_control_is_in_one_pattern() -> None:
    long = controls(150)
    patterns = finding_patterns(long)
    assert len(patterns) > 2
    assert max(len(pattern) for pattern in patterns) <= 2048
    found = [json.loads(pattern)["detail"]["findings"] for pattern in patterns]
    generators = [one for finding in found for one in finding.get("GeneratorId", ())]
    ids = [one for finding in found for one in finding["Compliance"].get("SecurityControlId", ())]
    assert sorted(generators) == sorted(control.generator for control in long)
    assert sorted(ids) == sorted(control.id for control in long)
    for control in (long[0], long[-1]):
        assert matched(patterns, event(GeneratorId=control.generator))


def test_the_catalog_s_order_does_not_move_controls_between_patterns() -> None:
    long = controls(150)
    assert finding_patterns(long) == finding_patterns(reversed(long))
