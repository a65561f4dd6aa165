"""A team's runbook as a change: one execution however often it is asked for, and its grants."""

from __future__ import annotations

from lambdas.controls.model import Change, Resource, Token
from lambdas.services.automations import started

INSTANCE = Resource(
    "aws-cn",
    "111122223333",
    "cn-north-1",
    "AWS::EC2::Instance",
    "i-1",
    "arn:aws-cn:ec2:cn-north-1:111122223333:instance/i-1",
)
ROLE = "arn:aws-cn:iam::111122223333:role/runbooks"


def run(resource: Resource = INSTANCE, document: str = "Palisade-Mend") -> Change:
    return started(resource, "run", document, ROLE, {"InstanceId": resource.id}, irreversible="it is done")


def test_an_execution_has_a_token_of_its_own_in_a_remediation() -> None:
    assert run().parameters["ClientToken"] == Token("run")


def test_the_execution_is_followed_by_the_id_that_the_start_has_brought() -> None:
    effect = run().effect
    assert effect is not None
    assert effect.parameters["AutomationExecutionId"].change == "run"
    assert "Success" in effect.expected
    assert not set(effect.expected) & set(effect.failed)


def test_the_grants_name_the_one_document_in_its_partition_and_pass_the_one_role() -> None:
    start, passing = run().grants
    assert all(str(arn).startswith("arn:aws-cn:ssm:cn-north-1:111122223333:") for arn in start.resources)
    assert [str(arn).rpartition(":automation-definition/")[2] for arn in start.resources[:1]] == ["Palisade-Mend:*"]
    assert (passing.action, passing.resources) == ("iam:PassRole", (ROLE,))
