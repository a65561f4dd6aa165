"""SSM Automation: documents interpreted step by step, by the roles that they name."""

from __future__ import annotations

import itertools
import json
import uuid
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from simulator.local import LocalOrganization
from tests.simulator.pipeline_world import HOME, MEMBER, document, organization

NAME = "Team-Runbook"
# What a test makes has a name of its own: they share an organisation.
NUMBERS = itertools.count()
ASSUMED = "{{ AutomationAssumeRole }}"
GROUP = {"Service": "ec2", "Api": "DescribeSecurityGroups", "GroupIds": ["{{ Group }}"]}
NAMED = "$.SecurityGroups[0].GroupName"


@pytest.fixture(scope="module")
def opened() -> Iterator[LocalOrganization]:
    with organization() as one:
        one.rates.suspend()
        yield one


def client(opened: LocalOrganization, service: str = "ssm") -> Any:
    session: Any = opened.session(MEMBER)
    return session.client(service)


def step(name: str, action: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "action": f"aws:{action}", **more}


def runbook(opened: LocalOrganization, *steps: dict[str, Any], **more: Any) -> None:
    """Put a document in the place of the one before."""
    with suppress(ClientError):
        client(opened).delete_document(Name=NAME)
    content = {
        "schemaVersion": "0.3",
        "parameters": {
            "Group": {"type": "String", "default": ""},
            "Name": {"type": "String", "default": "named", "allowedPattern": "^[a-z]+$"},
            "AutomationAssumeRole": {"type": "AWS::IAM::Role::Arn", "default": ""},
        },
        "mainSteps": list(steps),
        **more,
    }
    client(opened).create_document(Name=NAME, Content=json.dumps(content), DocumentType="Automation")


def start(opened: LocalOrganization, name: str = NAME, token: str | None = None, **parameters: str) -> str:
    given: Any = {"Parameters": {key: [value] for key, value in parameters.items()}} if parameters else {}
    more = {"ClientToken": token} if token else {}
    return str(client(opened).start_automation_execution(DocumentName=name, **given, **more)["AutomationExecutionId"])


def shown(opened: LocalOrganization, identifier: str) -> dict[str, Any]:
    answer = client(opened).get_automation_execution(AutomationExecutionId=identifier)
    return dict(answer["AutomationExecution"])


def ran(opened: LocalOrganization, **parameters: str) -> dict[str, Any]:
    identifier = start(opened, **parameters)
    opened.rest()
    return shown(opened, identifier)


def steps(execution: dict[str, Any]) -> list[tuple[str, str]]:
    return [(one["StepName"], one["StepStatus"]) for one in execution["StepExecutions"]]


def group(opened: LocalOrganization, name: str = "web") -> str:
    vpc = client(opened, "ec2").create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    return str(client(opened, "ec2").create_security_group(GroupName=name, Description=name, VpcId=vpc)["GroupId"])


def role(opened: LocalOrganization, *allowed: str) -> str:
    iam, name = client(opened, "iam"), f"runbooks-{next(NUMBERS)}"
    trust = {"Effect": "Allow", "Principal": {"Service": "ssm.amazonaws.com"}, "Action": "sts:AssumeRole"}
    made = iam.create_role(RoleName=name, AssumeRolePolicyDocument=document(trust))
    grant = {"Effect": "Allow", "Action": list(allowed), "Resource": "*"}
    iam.put_role_policy(RoleName=name, PolicyName="work", PolicyDocument=document(grant))
    return str(made["Role"]["Arn"])


LOOK = step("look", "executeAwsApi", inputs=GROUP, outputs=[{"Name": "Found", "Selector": NAMED, "Type": "String"}])
TAG = step(
    "tag",
    "executeAwsApi",
    inputs={
        "Service": "ec2",
        "Api": "create_tags",
        "Resources": ["{{ Group }}"],
        "Tags": [{"Key": "from", "Value": "{{ look.Found }} in {{ global:REGION }}"}],
    },
)


def test_steps_run_one_after_the_other_with_what_earlier_ones_have_brought(opened: LocalOrganization) -> None:
    runbook(opened, LOOK, TAG, outputs=["look.Found"])
    made = group(opened)
    execution = ran(opened, Group=made)
    assert (execution["AutomationExecutionStatus"], execution["Outputs"]) == ("Success", {"look.Found": ["web"]})
    assert steps(execution) == [("look", "Success"), ("tag", "Success")]
    (found,) = client(opened, "ec2").describe_security_groups(GroupIds=[made])["SecurityGroups"]
    assert found["Tags"] == [{"Key": "from", "Value": f"web in {HOME}"}]
    listed = client(opened).describe_automation_step_executions(
        AutomationExecutionId=execution["AutomationExecutionId"]
    )
    assert [one["StepName"] for one in listed["StepExecutions"]] == ["look", "tag"]


WAIT = {**GROUP, "PropertySelector": "$.SecurityGroups[0].Tags[0].Value", "DesiredValues": ["ready"]}


def test_a_wait_lasts_until_the_property_is_as_desired(opened: LocalOrganization) -> None:
    runbook(opened, step("wait", "waitForAwsResourceProperty", inputs=WAIT))
    made = group(opened)
    identifier = start(opened, Group=made)
    opened.advance(timedelta(minutes=1))
    assert shown(opened, identifier)["AutomationExecutionStatus"] == "InProgress"
    client(opened, "ec2").create_tags(Resources=[made], Tags=[{"Key": "state", "Value": "ready"}])
    opened.advance(timedelta(seconds=20))
    assert shown(opened, identifier)["AutomationExecutionStatus"] == "Success"


def test_a_wait_that_lasts_too_long_times_out(opened: LocalOrganization) -> None:
    runbook(opened, step("wait", "waitForAwsResourceProperty", inputs=WAIT, timeoutSeconds=60))
    execution = ran(opened, Group=group(opened))
    assert execution["AutomationExecutionStatus"] == "TimedOut"
    assert "is still None" in execution["FailureMessage"]


def test_an_assertion_that_does_not_hold_fails_the_execution(opened: LocalOrganization) -> None:
    inputs = {**GROUP, "PropertySelector": NAMED, "DesiredValues": ["db"]}
    runbook(opened, step("assert", "assertAwsResourceProperty", inputs=inputs), LOOK)
    execution = ran(opened, Group=group(opened))
    assert steps(execution) == [("assert", "Failed")]
    assert execution["FailureMessage"].endswith(f"{NAMED} is web")
    assert steps(ran(opened, Group=group(opened, "db"))) == [("assert", "Success"), ("look", "Success")]


@pytest.mark.parametrize(
    ("choice", "taken"),
    [
        ({"Variable": "{{ Name }}", "StringEquals": "named"}, "yes"),
        ({"Variable": "{{ Name }}", "StartsWith": "other"}, "no"),
        ({"Not": {"Variable": "{{ Name }}", "Contains": "xyz"}}, "yes"),
        ({"And": [{"Variable": "{{ Name }}", "EndsWith": "d"}, {"Variable": "1", "NumericGreater": 2}]}, "no"),
        ({"Or": [{"Variable": "{{ Name }}", "EndsWith": "d"}, {"Variable": "1", "NumericGreater": 2}]}, "yes"),
    ],
    ids=str,
)
def test_a_branch_chooses_the_step_that_follows(opened: LocalOrganization, choice: dict[str, Any], taken: str) -> None:
    inputs = {"Choices": [{**choice, "NextStep": "yes"}], "Default": "no"}
    ends = [step(name, "sleep", inputs={"Duration": "PT1S"}, isEnd=True) for name in ("no", "yes")]
    runbook(opened, step("choose", "branch", inputs=inputs), *ends)
    assert [name for name, _ in steps(ran(opened))] == ["choose", taken]


def test_a_sleep_takes_its_time(opened: LocalOrganization) -> None:
    runbook(opened, step("sleep", "sleep", inputs={"Duration": "PT2H3S"}))
    execution = ran(opened)
    (slept,) = execution["StepExecutions"]
    assert slept["ExecutionEndTime"] - slept["ExecutionStartTime"] == timedelta(hours=2, seconds=3)


GONE = {**GROUP, "GroupIds": ["sg-00000000000000000"]}


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({}, ("Failed", ["fail"])),
        ({"onFailure": "Continue"}, ("Failed", ["fail", "next"])),
        ({"onFailure": "Continue", "isCritical": False}, ("Success", ["fail", "next"])),
        ({"onFailure": "step:last", "isCritical": "false"}, ("Success", ["fail", "last"])),
    ],
    ids=str,
)
def test_a_failure_ends_the_execution_goes_on_or_leads_elsewhere(
    opened: LocalOrganization, more: dict[str, Any], expected: tuple[str, list[str]]
) -> None:
    rest = [step(name, "sleep", inputs={"Duration": "PT1S"}, isEnd=True) for name in ("next", "last")]
    runbook(opened, step("fail", "executeAwsApi", inputs=GONE, **more), *rest)
    execution = ran(opened)
    assert (execution["AutomationExecutionStatus"], [name for name, _ in steps(execution)]) == expected


def test_a_step_is_tried_as_often_as_it_says(opened: LocalOrganization) -> None:
    runbook(opened, step("fail", "executeAwsApi", inputs=GONE, maxAttempts=3))
    before = len(opened.door.log)
    ran(opened)
    asked = {one.at for one in opened.door.log[before:] if one.operation == "DescribeSecurityGroups"}
    assert len(asked) == 3


def test_calls_are_made_by_the_role_of_the_document(opened: LocalOrganization) -> None:
    runbook(opened, LOOK, assumeRole=ASSUMED)
    arn = role(opened, "ec2:DescribeSecurityGroups")
    before = len(opened.door.log)
    assert ran(opened, Group=group(opened), AutomationAssumeRole=arn)["AutomationExecutionStatus"] == "Success"
    (call,) = [one for one in opened.door.log[before:] if one.operation == "DescribeSecurityGroups"]
    assert ":assumed-role/runbooks-" in call.principal
    assert "/Automation-" in call.principal


def test_a_role_that_may_not_fails_the_step_with_the_reason(opened: LocalOrganization) -> None:
    runbook(opened, LOOK, assumeRole=ASSUMED)
    execution = ran(opened, Group=group(opened), AutomationAssumeRole=role(opened, "ec2:DescribeVpcs"))
    assert execution["AutomationExecutionStatus"] == "Failed"
    assert "UnauthorizedOperation" in execution["FailureMessage"]


def test_a_client_token_starts_one_execution(opened: LocalOrganization) -> None:
    runbook(opened, LOOK)
    made, token = group(opened), str(uuid.uuid4())
    assert start(opened, token=token, Group=made) == start(opened, token=token, Group=made)
    with pytest.raises(ClientError, match="IdempotentParameterMismatch"):
        start(opened, token=token, Group="sg-2")
    with pytest.raises(ClientError, match="ValidationException"):
        start(opened, token="x" * 36, Group=made)
    assert start(opened, Group=made) != start(opened, Group=made)


@pytest.mark.parametrize(("given", "told"), [({"Nmae": "x"}, "has no parameter Nmae"), ({"Name": "X"}, "the form")])
def test_parameters_are_checked_before_anything_runs(
    opened: LocalOrganization, given: dict[str, str], told: str
) -> None:
    runbook(opened, LOOK)
    with pytest.raises(ClientError, match=told):
        start(opened, **given)


def test_an_execution_is_stopped_before_its_next_step(opened: LocalOrganization) -> None:
    runbook(opened, step("sleep", "sleep", inputs={"Duration": "PT1H"}), LOOK)
    identifier = start(opened, Group=group(opened))
    opened.advance(timedelta(minutes=1))
    client(opened).stop_automation_execution(AutomationExecutionId=identifier)
    opened.rest()
    execution = shown(opened, identifier)
    assert execution["AutomationExecutionStatus"] == "Cancelled"
    assert [name for name, _ in steps(execution)] == ["sleep"]
    with pytest.raises(ClientError, match="InvalidAutomationStatusUpdateException"):
        client(opened).stop_automation_execution(AutomationExecutionId=identifier)


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("AWS-StopEC2Instance", "owned by AWS; such documents are not available in the local organisation"),
        ("AWSConfigRemediation-DeleteEgress", "owned by AWS"),
        ("Nobody-s", "There is no document Nobody-s"),
    ],
)
def test_documents_of_aws_and_unknown_ones_are_refused(opened: LocalOrganization, name: str, told: str) -> None:
    with pytest.raises(ClientError, match=told):
        start(opened, name)


@pytest.mark.parametrize(
    "refused",
    [
        step("script", "executeScript", inputs={"Runtime": "python3.11"}),
        step("ask", "approve", inputs={"Approvers": ["arn:aws:iam::111122223333:role/people"]}),
    ],
    ids=lambda one: one["name"],
)
def test_what_is_not_simulated_is_refused_by_name(opened: LocalOrganization, refused: dict[str, Any]) -> None:
    runbook(opened, LOOK, refused)
    with pytest.raises(ClientError, match=f"the action {refused['action']} of step {refused['name']} is not simulated"):
        start(opened)
    with pytest.raises(ClientError, match="Targets is not simulated"):
        client(opened).start_automation_execution(DocumentName=NAME, Targets=[{"Key": "tag:a", "Values": ["b"]}])


def test_a_document_that_leads_nowhere_is_refused(opened: LocalOrganization) -> None:
    runbook(opened, {**LOOK, "nextStep": "nowhere"})
    with pytest.raises(ClientError, match="leads to no step nowhere"):
        start(opened)
