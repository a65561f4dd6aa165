"""What the doctor makes of answers that the local organisation does not give."""

from __future__ import annotations

from typing import Any

import pytest

from lambdas.controls import catalog
from lambdas.services.ownership import managers_of
from operations import doctor_cost, doctor_organization, doctor_regions, doctor_roles, doctor_security_hub
from operations.doctor_model import Notes

ACCOUNT, HUB, OTHER = "300000000001", "200000000002", "300000000009"
BUCKET = "AWS::S3::Bucket"


@pytest.fixture
def notes() -> Notes:
    return Notes(ACCOUNT, "eu-west-1")


def levels(notes: Notes) -> list[str]:
    return [check.level.value for check in notes.checks]


def test_security_hub_policies_of_the_organization_block(notes: Notes) -> None:
    doctor_security_hub.judge_configuration(
        notes, {"OrganizationConfiguration": {"ConfigurationType": "CENTRAL", "Status": "DISABLED"}}
    )
    assert levels(notes) == ["blocks"]
    assert "SECURITYHUB_POLICY" in notes.checks[0].remedy


@pytest.mark.parametrize(
    ("configuration", "level"),
    [
        ({"ConfigurationType": "CENTRAL", "Status": "ENABLED"}, "ok"),
        ({"ConfigurationType": "LOCAL", "Status": "ENABLED"}, "ok"),
        ({"ConfigurationType": "CENTRAL", "Status": "FAILED", "StatusMessage": "why"}, "blocks"),
    ],
)
def test_central_configuration_is_judged_by_its_status(notes: Notes, configuration: Any, level: str) -> None:
    doctor_security_hub.judge_configuration(notes, {"OrganizationConfiguration": configuration})
    assert levels(notes) == [level]


def test_another_administrator_of_a_member_blocks_and_the_hub_does_not(notes: Notes) -> None:
    doctor_security_hub.judge_administrator(notes, OTHER, HUB)
    doctor_security_hub.judge_administrator(notes, HUB, HUB)
    doctor_security_hub.judge_administrator(notes, None, HUB)
    assert levels(notes) == ["blocks", "ok", "ok"]


def test_standards_that_central_configuration_would_disable_are_named(notes: Notes) -> None:
    kept, lost = "arn:aws:securityhub:eu-west-1::standards/a/v/1", "arn:aws:securityhub:eu-west-1::standards/b/v/1"
    doctor_security_hub.judge_standards(notes, [kept], {kept})
    assert notes.checks == []
    doctor_security_hub.judge_standards(notes, [kept, lost], {kept})
    assert notes.checks[0].told == "central configuration would disable standards/b/v/1"


def test_what_security_hub_alone_detects_needs_a_standard_that_has_it(notes: Notes) -> None:
    controls = [catalog()["SQS.1"], catalog()["EC2.13"]]
    doctor_security_hub.judge_detection(notes, ["fsbp"], controls)
    doctor_security_hub.judge_detection(notes, [], [catalog()["EC2.13"]])
    assert notes.checks == []
    doctor_security_hub.judge_detection(notes, ["cis-5.0.0"], controls)
    assert levels(notes) == ["warns"]
    assert notes.checks[0].told == "no standard of the settings checks SQS.1, which Security Hub alone detects"


def test_a_few_concurrent_executions_warn(notes: Notes) -> None:
    doctor_regions.judge_concurrency(notes, 10)
    doctor_regions.judge_concurrency(notes, 1000)
    assert levels(notes) == ["warns", "ok"]


def test_features_stack_sets_and_control_tower(notes: Notes) -> None:
    doctor_organization.features(notes, {"FeatureSet": "CONSOLIDATED_BILLING"})
    doctor_organization.stack_sets(notes, "DISABLED")
    doctor_organization.control_tower(notes, landing_zone=True, recorder="create")
    assert levels(notes) == ["blocks"] * 3
    notes.checks.clear()
    doctor_organization.features(notes, {"FeatureSet": "ALL"})
    doctor_organization.stack_sets(notes, "ENABLED")
    doctor_organization.control_tower(notes, landing_zone=True, recorder="existing")
    assert levels(notes) == ["ok"] * 3


def test_a_third_administrator_of_config_leaves_no_place_for_the_hub(notes: Notes) -> None:
    full = {"config.amazonaws.com": {"1" * 12, "3" * 12, "4" * 12}}
    doctor_organization.delegations(notes, full, HUB, ours=True)
    doctor_organization.delegations(notes, {"config.amazonaws.com": {"1" * 12, HUB}}, HUB, ours=True)
    doctor_organization.delegations(notes, {"config.amazonaws.com": {HUB}}, HUB, ours=False)
    assert levels(notes) == ["blocks", "warns", "ok"]
    assert "pulumi import" in notes.checks[1].remedy


@pytest.mark.parametrize(
    ("group", "recorded"),
    [
        ({"allSupported": True}, True),
        ({"allSupported": False, "resourceTypes": [BUCKET]}, True),
        ({"allSupported": False, "resourceTypes": []}, False),
        (
            {
                "recordingStrategy": {"useOnly": "EXCLUSION_BY_RESOURCE_TYPES"},
                "exclusionByResourceTypes": {"resourceTypes": [BUCKET]},
            },
            False,
        ),
        ({"recordingStrategy": {"useOnly": "EXCLUSION_BY_RESOURCE_TYPES"}, "exclusionByResourceTypes": {}}, True),
    ],
)
def test_a_recorders_scope_is_read_by_its_strategy(notes: Notes, group: Any, recorded: bool) -> None:
    recorder = {"name": "default", "recordingGroup": group}
    doctor_regions.judge_recorder(notes, recorder, {"recording": True}, [BUCKET], None)
    assert ("blocks" not in levels(notes)) is recorded


def test_global_types_are_recorded_only_where_that_is_asked_for(notes: Notes) -> None:
    recorder: dict[str, Any] = {"name": "default", "recordingGroup": {"allSupported": True}}
    doctor_regions.judge_recorder(notes, recorder, {"recording": True}, ["AWS::IAM::User"], None)
    assert notes.checks[1].told == "default leaves out AWS::IAM::User"
    notes.checks.clear()
    recorder["recordingGroup"]["includeGlobalResourceTypes"] = True
    doctor_regions.judge_recorder(notes, recorder, {"recording": True}, ["AWS::IAM::User"], None)
    assert "blocks" not in levels(notes)


def test_daily_recording_and_failing_deliveries_warn(notes: Notes) -> None:
    override = {"resourceTypes": [BUCKET], "recordingFrequency": "DAILY"}
    daily = {"recordingFrequency": "CONTINUOUS", "recordingModeOverrides": [override]}
    recorder = {"name": "default", "recordingGroup": {"allSupported": True}, "recordingMode": daily}
    status = {"recording": True, "lastStatus": "Failure", "lastErrorCode": "AccessDenied"}
    doctor_regions.judge_recorder(notes, recorder, status, [BUCKET, "AWS::EC2::SecurityGroup"], None)
    warned = {check.topic: check.told for check in notes.checks if check.level == "warns"}
    assert set(warned) == {"recorder", "recorder mode"}
    assert warned["recorder mode"].startswith(f"default records {BUCKET} once a day")


def test_a_recorder_of_control_tower_is_recognised(notes: Notes) -> None:
    recorder = {"name": "aws-controltower-BaselineConfigRecorder", "recordingGroup": {"allSupported": True}}
    doctor_regions.judge_recorder(notes, recorder, {"recording": True}, [], None)
    assert "Control Tower" in {check.topic for check in notes.checks}


def test_a_role_is_judged_by_whom_it_admits(notes: Notes) -> None:
    pipeline = f"arn:aws:iam::{HUB}:role/pipeline"
    trust = {"Statement": [{"Condition": {"ArnEquals": {"aws:PrincipalArn": pipeline}}}]}
    doctor_roles.judge(notes, "deployment", trust, (pipeline,), brought=True)
    doctor_roles.judge(notes, "deployment", trust, (), brought=False)
    doctor_roles.judge(notes, "deployment", trust, (f"{pipeline}-production",), brought=False)
    doctor_roles.judge(notes, "deployment", None, (), brought=False)
    assert levels(notes) == ["ok", "warns", "blocks", "blocks"]


def test_the_cost_says_when_resources_could_not_be_counted() -> None:
    told = doctor_cost.estimate(
        ACCOUNT,
        "eu-west-1",
        controls=catalog().values(),
        counts=None,
        recorder=True,
        standards=2,
        key=True,
    )
    assert told.dollars == 1.0
    assert any("EC2.13: the number of resources could not be read" in one for one in told.unknown)
    assert any("$0.003 each" in one for one in told.unknown)


@pytest.mark.parametrize(
    ("tags", "managers"),
    [
        ({"aws:cloudformation:stack-name": "web"}, ("CloudFormation (stack web)",)),
        (
            {"aws:cloudformation:stack-name": "StackSet-AWSControlTowerBP-BASELINE-CONFIG-1"},
            ("Control Tower (stack StackSet-AWSControlTowerBP-BASELINE-CONFIG-1)",),
        ),
        ({"ManagedBy": "Terraform"}, ("Terraform",)),
        ({"terraform": "true"}, ("Terraform",)),
        ({"terraform": "false"}, ()),
        ({"managed-by": "alice"}, ()),
        ({"kubernetes.io/cluster/blue": "shared"}, ()),
        ({"eks:eks-cluster-name": "blue"}, ("Kubernetes (EKS cluster blue)",)),
        ({"Owner": "team-pulumi"}, ()),
    ],
)
def test_managers_are_read_from_tags_that_tell_and_from_no_others(
    tags: dict[str, str], managers: tuple[str, ...]
) -> None:
    assert managers_of(tags) == managers
