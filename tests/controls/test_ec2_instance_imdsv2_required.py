"""EC2.8: IMDSv2 is required, by the one call or by the team's own runbook."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from boto3 import Session
from botocore.exceptions import ClientError

from lambdas.answers import absent
from lambdas.controls.ec2_instance_imdsv2_required import CONTROL, evaluate
from lambdas.controls.model import Mode, Place, Plan, Refusal, Verdict
from lambdas.remediation import describe, written
from lambdas.remediation.attempt import said_of
from simulator.local import LocalOrganization
from tests.controls.cases import Case
from tests.controls.round_trip import MEMBER, PLACE, apply_plan, judged, member_organization, planned, undo

RUNBOOK = "Palisade-RequireImdsv2"
GIVEN = {"runbook": RUNBOOK, "runbook_role": f"arn:aws:iam::{MEMBER}:role/runbooks"}
ON = {"HttpTokens": "optional", "HttpEndpoint": "enabled", "HttpPutResponseHopLimit": 2}
OPTIONS = {"Service": "ec2", "InstanceId": "{{ InstanceId }}"}
CONTENT = {
    "schemaVersion": "0.3",
    "assumeRole": "{{ AutomationAssumeRole }}",
    "parameters": {"InstanceId": {"type": "String"}, "AutomationAssumeRole": {"type": "AWS::IAM::Role::Arn"}},
    "mainSteps": [
        {
            "name": "require",
            "action": "aws:executeAwsApi",
            "inputs": {**OPTIONS, "Api": "ModifyInstanceMetadataOptions", "HttpTokens": "required"},
        },
        {
            "name": "applied",
            "action": "aws:waitForAwsResourceProperty",
            "inputs": {
                "Service": "ec2",
                "Api": "DescribeInstances",
                "InstanceIds": ["{{ InstanceId }}"],
                "PropertySelector": "$.Reservations[0].Instances[0].MetadataOptions.State",
                "DesiredValues": ["applied"],
            },
        },
    ],
}


def instance(session: Session, place: Place, **more: Any) -> str:
    options: Any = {"HttpTokens": "optional", "HttpPutResponseHopLimit": 2}
    given: Any = {"ImageId": "ami-12345678", "MetadataOptions": options, **more}
    return str(session.client("ec2").run_instances(MinCount=1, MaxCount=1, **given)["Instances"][0]["InstanceId"])


def required(session: Session, place: Place) -> str:
    return instance(session, place, MetadataOptions={"HttpTokens": "required"})


def with_runbook(session: Session, place: Place) -> str:
    """An instance in an account that has the runbook and its role."""
    iam = session.client("iam")
    trust = {"Effect": "Allow", "Principal": {"Service": "ssm.amazonaws.com"}, "Action": "sts:AssumeRole"}
    work = {"Effect": "Allow", "Action": "ec2:*Instance*", "Resource": "*"}
    with absent("EntityAlreadyExists"):
        iam.create_role(RoleName="runbooks", AssumeRolePolicyDocument=document(trust))
        iam.put_role_policy(RoleName="runbooks", PolicyName="work", PolicyDocument=document(work))
    with absent("DocumentAlreadyExists"):
        session.client("ssm").create_document(Name=RUNBOOK, Content=json.dumps(CONTENT), DocumentType="Automation")
    return instance(session, place)


def document(statement: Mapping[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def state(session: Session, place: Place, identifier: str) -> object:
    return CONTROL.read(session, CONTROL.resource(place, identifier), None)


CASES = (
    Case("by the team's runbook", GIVEN, with_runbook, required, state, thorough=True),
    Case("by the one call", {}, instance, required, state),
)


@pytest.fixture(scope="module")
def organization() -> Iterator[LocalOrganization]:
    with member_organization() as opened:
        yield opened


@pytest.fixture
def member(organization: LocalOrganization) -> Session:
    return organization.session(MEMBER, PLACE.region)


@pytest.mark.parametrize(
    ("state", "changes", "verdict"),
    [
        ("running", {}, Verdict.NON_COMPLIANT),
        ("stopped", {}, Verdict.NON_COMPLIANT),
        ("running", {"HttpTokens": "required"}, Verdict.COMPLIANT),
        ("running", {"HttpEndpoint": "disabled"}, Verdict.COMPLIANT),
        ("terminated", {}, Verdict.NOT_APPLICABLE),
    ],
)
def test_tokens_and_the_service_itself_count(state: str, changes: dict[str, Any], verdict: Verdict) -> None:
    assert evaluate({"State": state, "Operator": {}, "MetadataOptions": {**ON, **changes}}, {}).verdict is verdict


@pytest.mark.parametrize("operator", [{"Managed": True, "Principal": "eks.amazonaws.com"}, {"Managed": True}])
def test_an_instance_that_a_service_manages_is_not_judged(operator: dict[str, Any]) -> None:
    evaluation = evaluate({"State": "running", "Operator": operator, "MetadataOptions": ON}, {})
    assert evaluation.verdict is Verdict.NOT_APPLICABLE
    assert evaluation.annotation.endswith("manages the instance.")
    own = {"State": "running", "Operator": {"Managed": False}, "MetadataOptions": ON}
    assert evaluate(own, {}).verdict is Verdict.NON_COMPLIANT


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_an_instance_becomes_compliant_and_the_undo_brings_back_what_was(
    organization: LocalOrganization, member: Session, case: Case
) -> None:
    resource = CONTROL.resource(PLACE, case.broken(member, PLACE))
    before = state(member, PLACE, resource.id)
    applied = apply_plan(member, planned(member, CONTROL, resource, case.parameters))
    organization.rest()
    assert judged(member, CONTROL, resource).verdict is Verdict.COMPLIANT
    undo(member, applied)
    assert state(member, PLACE, resource.id) == before


def test_a_runbook_is_started_once_and_works_by_its_role(organization: LocalOrganization, member: Session) -> None:
    resource = CONTROL.resource(PLACE, with_runbook(member, PLACE))
    plan = planned(member, CONTROL, resource, GIVEN)
    first, second = (apply_plan(member, plan).responses["run-runbook"]["AutomationExecutionId"] for _ in range(2))
    assert first == second
    organization.rest()
    changes = [one for one in organization.door.log if one.operation == "ModifyInstanceMetadataOptions"]
    assert ":assumed-role/runbooks/" in changes[-1].principal


def test_an_instance_whose_software_asks_by_version_1_waits_for_a_person(member: Session) -> None:
    resource = CONTROL.resource(PLACE, instance(member, PLACE))
    point: Any = {
        "MetricName": "MetadataNoToken",
        "Dimensions": [{"Name": "InstanceId", "Value": resource.id}],
        "Timestamp": datetime.now(UTC) - timedelta(hours=1),
        "Value": 7,
    }
    member.client("cloudwatch").put_metric_data(Namespace="AWS/EC2", MetricData=[point])
    plan = planned(member, CONTROL, resource)
    assert isinstance(plan, Plan)
    assert plan.ceiling is not None
    assert plan.ceiling.mode is Mode.APPROVE
    assert plan.message.endswith("in the last two weeks it was asked by it.")
    assert "Requests of version 1 in the last two weeks: 7." in said_of(written.plan(plan), {})


def test_how_often_it_was_asked_is_told_and_no_part_of_what_is_approved() -> None:
    parameters, resource = CONTROL.resolve({}, ""), CONTROL.resource(PLACE, "i-1")

    def asked(requests: int) -> str:
        made = CONTROL.plan(resource, {"Tags": []}, parameters, {"Requests": requests})
        assert isinstance(made, Plan)
        return describe.digest(made, {})

    assert asked(7) == asked(8)
    # Whether it was asked at all decides whether the ceiling may be lifted.
    assert asked(7) != asked(0)


def test_an_instance_of_an_auto_scaling_group_is_left_to_its_launch_template(member: Session) -> None:
    settings = {"Tags": [{"Key": "aws:autoscaling:groupName", "Value": "web"}]}
    refusal = CONTROL.plan(CONTROL.resource(PLACE, "i-1"), settings, CONTROL.resolve({}, ""), {"Requests": 0})
    assert isinstance(refusal, Refusal)
    assert "launch template" in refusal.reason


@pytest.mark.parametrize("role", [None, "arn:aws:iam::999999999999:role/runbooks"])
def test_a_runbook_without_a_role_of_the_account_is_not_started(role: str | None) -> None:
    parameters = CONTROL.resolve({**GIVEN, "runbook_role": role}, "")
    refusal = CONTROL.plan(CONTROL.resource(PLACE, "i-1"), {"Tags": []}, parameters, {"Requests": 0})
    assert isinstance(refusal, Refusal)


def test_a_runbook_of_another_name_than_the_settings_admit_is_refused_there() -> None:
    fault = CONTROL.parameters["runbook"].fault
    assert fault(RUNBOOK) is None
    assert fault("AWS-RunShellScript") is not None


def test_an_instance_that_is_gone_is_no_error(member: Session) -> None:
    assert state(member, PLACE, "i-0123456789abcdef0") is None
    with pytest.raises(ClientError):
        member.client("ec2").describe_instances(InstanceIds=["i-0123456789abcdef0"])
