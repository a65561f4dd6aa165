"""Automation rules, custom actions, standards, products, tags, and the findings of AWS Config."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from simulator.call import ServiceError
from tests.simulator.security_hub_world import (
    ALPHA,
    BETA,
    FSBP,
    HOME,
    HUB,
    LINKED,
    OTHER,
    Place,
    administer,
    organisation,
)

RULE = f"arn:aws:config:{HOME}:{ALPHA}:config-rule/config-rule-abc"


@pytest.fixture
def place() -> Iterator[Place]:
    with organisation() as made:
        administer(made)
        yield made


def create(place: Place, account: str = HUB, region: str = HOME, /, **fields: Any) -> str:
    update = fields.pop("update", {"Workflow": {"Status": "SUPPRESSED"}})
    rule = {
        "RuleName": "rule",
        "RuleOrder": 10,
        "Description": "A rule of the test",
        "Criteria": {"GeneratorId": [{"Value": "palisade/", "Comparison": "PREFIX"}]},
        "Actions": [{"Type": "FINDING_FIELDS_UPDATE", "FindingFieldsUpdate": update}],
    } | fields
    return str(place.ask("CreateAutomationRule", account, region, **rule)["RuleArn"])


def evaluate(place: Place, compliance: str, *, resource: str = "sg-1") -> None:
    place.hub.config_evaluation(
        ALPHA,
        HOME,
        "palisade-ssh",
        RULE,
        "AWS::EC2::SecurityGroup",
        resource,
        compliance,
        None,
        place.world.agenda.now(),
        resource_arn=f"arn:aws:ec2:{HOME}:{ALPHA}:security-group/{resource}",
    )
    place.pass_time(minutes=5)


def test_a_rule_changes_new_and_updated_findings_before_they_are_announced(place: Place) -> None:
    create(place)
    place.bring()
    assert place.one()["Workflow"] == {"Status": "SUPPRESSED"}
    assert {event["detail"]["findings"][0]["Workflow"]["Status"] for event in place.bus.emitted} == {"SUPPRESSED"}
    place.set(Workflow={"Status": "NEW"})
    assert place.one()["Workflow"] == {"Status": "NEW"}
    place.bring()
    assert place.one()["Workflow"] == {"Status": "SUPPRESSED"}


def test_a_rule_applies_in_its_region_only(place: Place) -> None:
    create(place)
    place.bring(ALPHA, HOME)
    place.bring(ALPHA, LINKED)
    statuses = {finding["Region"]: finding["Workflow"]["Status"] for finding in place.found()}
    assert statuses == {HOME: "SUPPRESSED", LINKED: "NEW"}


def test_a_rule_leaves_findings_that_do_not_match(place: Place) -> None:
    create(place, Criteria={"AwsAccountId": [{"Value": BETA, "Comparison": "EQUALS"}]})
    place.bring()
    assert place.one()["Workflow"] == {"Status": "NEW"}


def test_criteria_may_look_for_a_part_of_a_text(place: Place) -> None:
    create(place, Criteria={"Title": [{"Value": "SSH", "Comparison": "CONTAINS"}]})
    place.bring()
    assert place.one()["Workflow"] == {"Status": "SUPPRESSED"}


@pytest.mark.parametrize(
    ("terminal", "expected"),
    [pytest.param(False, "CRITICAL", id="the last one wins"), pytest.param(True, "LOW", id="a terminal one ends it")],
)
def test_rules_apply_in_order(place: Place, terminal: bool, expected: str) -> None:
    create(place, RuleName="late", RuleOrder=20, update={"Severity": {"Label": "CRITICAL"}})
    create(place, RuleName="early", RuleOrder=5, IsTerminal=terminal, update={"Severity": {"Label": "LOW"}})
    place.bring()
    assert place.one()["Severity"]["Label"] == expected


def test_of_rules_with_equal_order_the_one_edited_last_applies_last(place: Place) -> None:
    first = create(place, RuleName="first", update={"Severity": {"Label": "LOW"}})
    create(place, RuleName="second", update={"Severity": {"Label": "CRITICAL"}})
    place.pass_time(seconds=1)
    place.ask("BatchUpdateAutomationRules", UpdateAutomationRulesRequestItems=[{"RuleArn": first, "RuleOrder": 10}])
    place.bring()
    assert place.one()["Severity"]["Label"] == "LOW"


def test_a_rule_can_be_disabled_and_deleted(place: Place) -> None:
    arn = create(place)
    items = [{"RuleArn": arn, "RuleStatus": "DISABLED"}]
    answer = place.ask("BatchUpdateAutomationRules", UpdateAutomationRulesRequestItems=items)
    assert answer == {"ProcessedAutomationRules": [arn], "UnprocessedAutomationRules": []}
    place.bring()
    assert place.one()["Workflow"] == {"Status": "NEW"}
    (rule,) = place.ask("BatchGetAutomationRules", AutomationRulesArns=[arn])["Rules"]
    assert (rule["RuleStatus"], rule["IsTerminal"], rule["RuleOrder"]) == ("DISABLED", False, 10)
    (listed,) = place.ask("ListAutomationRules")["AutomationRulesMetadata"]
    assert "Criteria" not in listed
    place.ask("BatchDeleteAutomationRules", AutomationRulesArns=[arn])
    missing = place.ask("BatchGetAutomationRules", AutomationRulesArns=[arn])["UnprocessedAutomationRules"]
    assert [one["RuleArn"] for one in missing] == [arn]


def test_rules_are_the_administrators(place: Place) -> None:
    with pytest.raises(ServiceError, match="AccessDeniedException"):
        create(place, ALPHA)
    place.ask("EnableSecurityHub", ALPHA, OTHER)
    create(place, ALPHA, OTHER)


def test_custom_actions_are_kept_and_emit_nothing(place: Place) -> None:
    given = {"Id": "Remediate", "Name": "Remediate", "Description": "Asks for a remediation"}
    arn = place.ask("CreateActionTarget", **given)["ActionTargetArn"]
    assert arn == f"arn:aws:securityhub:{HOME}:{HUB}:action/custom/Remediate"
    with pytest.raises(ServiceError, match="ResourceConflictException"):
        place.ask("CreateActionTarget", **given)
    place.ask("UpdateActionTarget", ActionTargetArn=arn, Name="Again")
    (target,) = place.ask("DescribeActionTargets")["ActionTargets"]
    assert target["Name"] == "Again"
    place.ask("DeleteActionTarget", ActionTargetArn=arn)
    assert place.ask("DescribeActionTargets")["ActionTargets"] == []
    assert place.bus.emitted == []


@pytest.mark.parametrize("change", [{"Id": "with-dash"}, {"Id": "x" * 21}, {"Name": "x" * 21}])
def test_custom_actions_have_short_names(place: Place, change: dict[str, str]) -> None:
    with pytest.raises(ServiceError, match="InvalidInputException"):
        place.ask("CreateActionTarget", **({"Id": "a", "Name": "a", "Description": "a"} | change))


def test_the_default_standards_can_be_declined_and_standards_enabled_one_by_one(place: Place) -> None:
    place.ask("EnableSecurityHub", ALPHA, OTHER, EnableDefaultStandards=False)
    assert place.ask("GetEnabledStandards", ALPHA, OTHER)["StandardsSubscriptions"] == []
    offered = {standard["StandardsArn"] for standard in place.ask("DescribeStandards", ALPHA, OTHER)["Standards"]}
    arn = FSBP.replace(HOME, OTHER)
    assert arn in offered
    requests = [{"StandardsArn": arn}]
    (made,) = place.ask("BatchEnableStandards", ALPHA, OTHER, StandardsSubscriptionRequests=requests)[
        "StandardsSubscriptions"
    ]
    start = f"arn:aws:securityhub:{OTHER}:{ALPHA}:subscription"
    assert made["StandardsSubscriptionArn"] == f"{start}/aws-foundational-security-best-practices/v/1.0.0"
    place.ask("BatchDisableStandards", ALPHA, OTHER, StandardsSubscriptionArns=[made["StandardsSubscriptionArn"]])
    assert place.ask("GetEnabledStandards", ALPHA, OTHER)["StandardsSubscriptions"] == []


def test_tags_stay_with_their_resource(place: Place) -> None:
    place.ask("EnableSecurityHub", ALPHA, OTHER, Tags={"team": "security"})
    arn = place.ask("DescribeHub", ALPHA, OTHER)["HubArn"]
    place.ask("TagResource", ALPHA, OTHER, ResourceArn=arn, Tags={"stage": "test"})
    place.ask("UntagResource", ALPHA, OTHER, ResourceArn=arn, TagKeys=["team"])
    assert place.ask("ListTagsForResource", ALPHA, OTHER, ResourceArn=arn)["Tags"] == {"stage": "test"}


# The findings of AWS Config.
def test_an_evaluation_of_config_becomes_a_finding_of_its_product(place: Place) -> None:
    evaluate(place, "NON_COMPLIANT")
    (finding,) = place.found()
    assert finding["ProductArn"] == f"arn:aws:securityhub:{HOME}::product/aws/config"
    assert finding["Id"].startswith(f"{RULE}/finding/")
    assert (finding["GeneratorId"], finding["Title"], finding["ProductName"]) == (RULE, "palisade-ssh", "Config")
    assert (finding["Severity"]["Label"], finding["Compliance"]) == ("MEDIUM", {"Status": "FAILED"})
    assert finding["Workflow"] == {"Status": "NEW"}
    assert finding["Resources"][0]["Type"] == "AwsEc2SecurityGroup"
    assert finding["Resources"][0]["Id"].endswith("security-group/sg-1")


def test_a_config_finding_is_resolved_by_itself_and_opens_again(place: Place) -> None:
    states = []
    for compliance in ("NON_COMPLIANT", "COMPLIANT", "NON_COMPLIANT"):
        evaluate(place, compliance)
        (finding,) = place.found()
        states.append((finding["Compliance"]["Status"], finding["Workflow"]["Status"]))
    assert states == [("FAILED", "NEW"), ("PASSED", "RESOLVED"), ("FAILED", "NEW")]


def test_a_config_finding_is_updated_only_when_compliance_changes(place: Place) -> None:
    evaluate(place, "NON_COMPLIANT")
    before = place.found()
    evaluate(place, "NON_COMPLIANT")
    assert place.found() == before
    assert len(place.bus.emitted) == 2


def test_a_suppressed_config_finding_stays_suppressed(place: Place) -> None:
    criteria = {"ProductName": [{"Value": "Config", "Comparison": "EQUALS"}]}
    create(place, Criteria=criteria)
    for compliance in ("NON_COMPLIANT", "COMPLIANT", "NON_COMPLIANT"):
        evaluate(place, compliance)
    (finding,) = place.found()
    assert finding["Workflow"] == {"Status": "SUPPRESSED"}


def test_config_findings_end_with_the_subscription_of_their_product(place: Place) -> None:
    arn = f"arn:aws:securityhub:{HOME}:{ALPHA}:product-subscription/aws/config"
    assert arn in place.ask("ListEnabledProductsForImport", ALPHA)["ProductSubscriptions"]
    place.ask("DisableImportFindingsForProduct", ALPHA, ProductSubscriptionArn=arn)
    evaluate(place, "NON_COMPLIANT")
    assert place.found() == []
    product = f"arn:aws:securityhub:{HOME}::product/aws/config"
    assert place.ask("EnableImportFindingsForProduct", ALPHA, ProductArn=product)["ProductSubscriptionArn"] == arn
    evaluate(place, "NON_COMPLIANT")
    assert len(place.found()) == 1


def test_nothing_becomes_a_finding_where_security_hub_is_off_or_a_resource_does_not_apply(place: Place) -> None:
    evaluate(place, "NOT_APPLICABLE")
    place.ask("DisableSecurityHub", ALPHA)
    evaluate(place, "NON_COMPLIANT")
    assert place.found() == []
