"""Evaluation results: what is stored, who is told, and what the queries say."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from simulator.call import ServiceError
from tests.simulator.config_world import ACCOUNT, OTHER, REGION, Place, small_world

GROUP = "AWS::EC2::SecurityGroup"


@pytest.fixture
def place() -> Iterator[Place]:
    """A place with one rule whose function has been asked once."""
    with small_world() as made:
        made.start_recorder()
        made.put_custom_rule(Scope={"ComplianceResourceTypes": [GROUP]})
        made.world.agenda.rest()
        yield made


def evaluation(compliance: str, resource: str, place: Place, **more: Any) -> dict[str, Any]:
    return {
        "ComplianceResourceType": GROUP,
        "ComplianceResourceId": resource,
        "ComplianceType": compliance,
        "OrderingTimestamp": place.world.agenda.now(),
        **more,
    }


def results(place: Place, **more: Any) -> list[dict[str, Any]]:
    answer = place.ask("GetComplianceDetailsByConfigRule", ConfigRuleName="rule", **more)
    return list(answer["EvaluationResults"])


def test_a_result_is_stored_with_its_times(place: Place) -> None:
    invoked = place.world.agenda.now()
    place.world.agenda.advance(timedelta(seconds=5))
    place.evaluate("NON_COMPLIANT")
    [result] = results(place)
    assert result["ComplianceType"] == "NON_COMPLIANT"
    assert result["Annotation"] == "because"
    assert result["ConfigRuleInvokedTime"] <= invoked < result["ResultRecordedTime"]
    assert results(place, ComplianceTypes=["COMPLIANT"]) == []


def test_the_compliance_event_has_exactly_the_shape_of_aws(place: Place) -> None:
    place.evaluate("COMPLIANT")
    place.world.agenda.rest()
    place.evaluate("NON_COMPLIANT", annotation="open")
    place.world.agenda.rest()
    (account, region, source, kind, first), (*_, second) = place.events.emitted
    assert (account, region, source, kind) == (ACCOUNT, REGION, "aws.config", "Config Rules Compliance Change")
    assert set(second) == {
        "resourceId", "awsRegion", "awsAccountId", "configRuleName", "configRuleARN", "resourceType",
        "newEvaluationResult", "oldEvaluationResult", "notificationCreationTime", "messageType", "recordVersion",
    }  # fmt: skip
    assert first["oldEvaluationResult"] is None
    assert second["messageType"] == "ComplianceChangeNotification"
    assert second["oldEvaluationResult"] == first["newEvaluationResult"]
    new = second["newEvaluationResult"]
    assert (new["complianceType"], new["annotation"]) == ("NON_COMPLIANT", "open")
    assert new["evaluationResultIdentifier"]["evaluationResultQualifier"] == {
        "configRuleName": "rule",
        "resourceType": GROUP,
        "resourceId": "sg-1",
    }


def test_events_tell_changes_only_and_security_hub_hears_of_every_evaluation(place: Place) -> None:
    for compliance in ("NOT_APPLICABLE", "COMPLIANT", "COMPLIANT", "NON_COMPLIANT", "NOT_APPLICABLE", "NOT_APPLICABLE"):
        place.evaluate(compliance)
        place.world.agenda.rest()
    told = [detail["newEvaluationResult"]["complianceType"] for *_, detail in place.events.emitted]
    assert told == ["COMPLIANT", "NON_COMPLIANT", "NOT_APPLICABLE"]
    assert len(place.hub.evaluations) == 6
    at, account, region, rule, _, kind, resource, compliance, annotation, recorded = place.hub.evaluations[3]
    assert (account, region, rule, kind, resource) == (ACCOUNT, REGION, "rule", GROUP, "sg-1")
    assert (compliance, annotation) == ("NON_COMPLIANT", "because")
    assert timedelta(0) < at - recorded <= timedelta(minutes=5)
    assert results(place) == []


def test_a_deleted_resource_loses_its_result(place: Place) -> None:
    group = place.security_group()
    place.world.agenda.rest()
    place.evaluate("NON_COMPLIANT", group)
    place.client("ec2").delete_security_group(GroupId=group)
    place.config.record("ec2", ACCOUNT, REGION)
    place.world.agenda.rest()
    assert results(place) == []
    told = [detail["newEvaluationResult"]["complianceType"] for *_, detail in place.events.emitted]
    assert told == ["NON_COMPLIANT", "NOT_APPLICABLE"]


def test_an_older_evaluation_does_not_replace_a_newer_one(place: Place) -> None:
    place.world.agenda.advance(timedelta(hours=1))
    place.evaluate("NON_COMPLIANT")
    old = place.world.agenda.now() - timedelta(minutes=1)
    token = place.functions.events[-1]["resultToken"]
    stale = evaluation("COMPLIANT", "sg-1", place, OrderingTimestamp=old)
    place.ask("PutEvaluations", ResultToken=token, Evaluations=[stale])
    assert [result["ComplianceType"] for result in results(place)] == ["NON_COMPLIANT"]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        pytest.param({"Annotation": "x" * 257}, "ValidationException", id="annotation of 257 characters"),
        pytest.param({"ComplianceType": "INSUFFICIENT_DATA"}, "InvalidParameterValueException", id="no verdict"),
        pytest.param({"OrderingTimestamp": None}, "ValidationException", id="no ordering timestamp"),
    ],
)
def test_wrong_evaluations_are_refused(place: Place, changes: dict[str, Any], code: str) -> None:
    token = place.functions.events[-1]["resultToken"]
    wrong = {**evaluation("COMPLIANT", "sg-1", place), **changes}
    with pytest.raises(ServiceError) as refused:
        place.ask("PutEvaluations", ResultToken=token, Evaluations=[wrong])
    assert refused.value.code == code


def test_a_call_takes_at_most_100_evaluations(place: Place) -> None:
    token = place.functions.events[-1]["resultToken"]
    many = [evaluation("COMPLIANT", f"sg-{number}", place) for number in range(101)]
    with pytest.raises(ServiceError, match="100"):
        place.ask("PutEvaluations", ResultToken=token, Evaluations=many)
    place.ask("PutEvaluations", ResultToken=token, Evaluations=many[:100])
    answer = place.ask("GetComplianceDetailsByConfigRule", ConfigRuleName="rule", Limit=60)
    rest = place.ask("GetComplianceDetailsByConfigRule", ConfigRuleName="rule", Limit=60, NextToken=answer["NextToken"])
    assert len(answer["EvaluationResults"]) + len(rest["EvaluationResults"]) == 100
    assert "NextToken" not in rest


def test_a_token_is_good_only_in_its_account_and_test_mode_needs_none(place: Place) -> None:
    token = place.functions.events[-1]["resultToken"]
    found = [evaluation("NON_COMPLIANT", "sg-1", place)]
    place.ask("PutEvaluations", ResultToken="any", Evaluations=found, TestMode=True)
    with pytest.raises(ServiceError, match="InvalidResultTokenException"):
        place.ask("PutEvaluations", ResultToken="any", Evaluations=found)
    place.account = OTHER
    with pytest.raises(ServiceError, match="InvalidResultTokenException"):
        place.ask("PutEvaluations", ResultToken=token, Evaluations=found)
    place.account = ACCOUNT
    assert results(place) == []
    place.ask("DeleteConfigRule", ConfigRuleName="rule")
    with pytest.raises(ServiceError, match="NoSuchConfigRuleException"):
        place.ask("PutEvaluations", ResultToken=token, Evaluations=found)


def test_events_are_lost_by_seed_and_share_and_the_results_stay() -> None:
    def run(seed: int, share: float) -> list[str]:
        with small_world() as place:
            place.start_recorder()
            place.put_custom_rule()
            place.world.agenda.rest()
            place.config.drop_events(seed, share)
            for number in range(40):
                place.evaluate("NON_COMPLIANT", f"sg-{number}")
            place.world.agenda.rest()
            assert len(results(place, Limit=100)) == 40
            return [detail["resourceId"] for *_, detail in place.events.emitted]

    kept = run(7, 0.5)
    assert run(7, 0.5) == kept
    assert run(8, 0.5) != kept
    assert math.isclose(len(kept), 20, abs_tol=10)
    assert run(7, 1.0) == []
    assert len(run(7, 0.0)) == 40


def test_compliance_is_summed_by_rule_resource_type_and_place(place: Place) -> None:
    place.put_custom_rule("second")
    place.evaluate("NON_COMPLIANT", "sg-1")
    place.evaluate("COMPLIANT", "sg-2")
    by_rule = place.ask("DescribeComplianceByConfigRule")["ComplianceByConfigRules"]
    assert [(one["ConfigRuleName"], one["Compliance"]["ComplianceType"]) for one in by_rule] == [
        ("rule", "NON_COMPLIANT"),
        ("second", "INSUFFICIENT_DATA"),
    ]
    assert by_rule[0]["Compliance"]["ComplianceContributorCount"] == {"CappedCount": 1, "CapExceeded": False}
    by_resource = place.ask("DescribeComplianceByResource", ResourceType=GROUP)["ComplianceByResources"]
    assert [(one["ResourceId"], one["Compliance"]["ComplianceType"]) for one in by_resource] == [
        ("sg-1", "NON_COMPLIANT"),
        ("sg-2", "COMPLIANT"),
    ]
    [one] = place.ask("GetComplianceDetailsByResource", ResourceType=GROUP, ResourceId="sg-2")["EvaluationResults"]
    assert one["ComplianceType"] == "COMPLIANT"
    rules = place.ask("GetComplianceSummaryByConfigRule")["ComplianceSummary"]
    assert (rules["CompliantResourceCount"]["CappedCount"], rules["NonCompliantResourceCount"]["CappedCount"]) == (0, 1)
    by_type = place.ask("GetComplianceSummaryByResourceType", ResourceTypes=[GROUP])
    [types] = by_type["ComplianceSummariesByResourceType"]
    assert types["ComplianceSummary"]["CompliantResourceCount"]["CappedCount"] == 1


def test_results_can_be_deleted(place: Place) -> None:
    place.evaluate("NON_COMPLIANT")
    place.ask("DeleteEvaluationResults", ConfigRuleName="rule")
    assert results(place) == []


def test_an_aggregator_sees_the_whole_organization(place: Place) -> None:
    place.evaluate("NON_COMPLIANT")
    place.account = OTHER
    source = {"RoleArn": f"arn:aws:iam::{OTHER}:role/aggregate", "AllAwsRegions": True}
    made = place.ask(
        "PutConfigurationAggregator", ConfigurationAggregatorName="all", OrganizationAggregationSource=source
    )["ConfigurationAggregator"]
    assert place.ask("DescribeConfigurationAggregators")["ConfigurationAggregators"] == [made]
    [summed] = place.ask("DescribeAggregateComplianceByConfigRules", ConfigurationAggregatorName="all")[
        "AggregateComplianceByConfigRules"
    ]
    assert (summed["AccountId"], summed["AwsRegion"], summed["ConfigRuleName"]) == (ACCOUNT, REGION, "rule")
    where = {"AccountId": ACCOUNT, "AwsRegion": REGION, "ConfigRuleName": "rule", "ConfigurationAggregatorName": "all"}
    [result] = place.ask("GetAggregateComplianceDetailsByConfigRule", **where)["AggregateEvaluationResults"]
    assert result["ComplianceType"] == "NON_COMPLIANT"
    other = {"Filters": {"ComplianceType": "COMPLIANT"}, "ConfigurationAggregatorName": "all"}
    assert place.ask("DescribeAggregateComplianceByConfigRules", **other)["AggregateComplianceByConfigRules"] == []
    place.ask("DeleteConfigurationAggregator", ConfigurationAggregatorName="all")
    with pytest.raises(ServiceError, match="NoSuchConfigurationAggregatorException"):
        place.ask("DescribeAggregateComplianceByConfigRules", ConfigurationAggregatorName="all")


def test_an_aggregator_has_one_kind_of_source(place: Place) -> None:
    with pytest.raises(ServiceError, match="InvalidParameterValueException"):
        place.ask("PutConfigurationAggregator", ConfigurationAggregatorName="all")
    source = {"AccountIds": [OTHER, ACCOUNT], "AwsRegions": [REGION]}
    place.ask("PutConfigurationAggregator", ConfigurationAggregatorName="two", AccountAggregationSources=[source])
    place.evaluate("COMPLIANT")
    answer = place.ask("DescribeAggregateComplianceByConfigRules", ConfigurationAggregatorName="two")
    assert [one["AccountId"] for one in answer["AggregateComplianceByConfigRules"]] == [ACCOUNT]
