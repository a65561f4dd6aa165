"""Environments with pipelines of their own, as docs/pipelines has them: who deploys where, and promotion."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from operations.engine import Engine, EngineError, Stack
from tests.engine.pipelines import (
    BUCKET,
    DEVELOPED,
    HOME,
    HUB,
    POLICY,
    PRODUCED,
    REPOSITORY,
    UNITS,
    Pipelines,
    actions_of,
    opened,
    permissions,
    role,
    role_name,
)

WRITERS = {name: f"arn:aws:iam::{HUB}:role/palisade-policies-{name}" for name in UNITS}
DEPLOYMENT = f"arn:aws:iam::{PRODUCED}:role/palisade-deployment"


@pytest.fixture(scope="module")
def pipelines(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pipelines]:
    with opened(engine, tmp_path_factory.mktemp("pipelines")) as one:
        one.stacks["security"].up()
        for name in ("development", "production"):
            one.stacks[name].up()
        yield one


def refused(stack: Stack) -> str:
    with pytest.raises(EngineError) as failed:
        stack.preview()
    assert "Traceback" not in failed.value.result.output
    return failed.value.result.output


def items(pipelines: Pipelines) -> set[tuple[str, str]]:
    table: Any = pipelines.organization.session(HUB).client("dynamodb")
    found = table.scan(TableName="palisade-policies")["Items"]
    return {(one["environment"]["S"], one["account"]["S"]) for one in found}


def entered(pipelines: Pipelines, name: str, arn: str) -> dict[str, str]:
    sts: Any = pipelines.session(name).client("sts")
    made: dict[str, str] = sts.assume_role(RoleArn=arn, RoleSessionName="person")["Credentials"]
    return made


def test_each_environment_has_its_own_accounts_and_items(pipelines: Pipelines) -> None:
    assert items(pipelines) == {("development", DEVELOPED), ("production", PRODUCED)}
    for name in ("development", "production"):
        assert pipelines.stacks[name].outputs()["accounts"] == [UNITS[name]]


def test_a_pipeline_s_permissions_are_enough_and_each_of_them_is_needed(pipelines: Pipelines) -> None:
    authorizer = pipelines.organization.authorizer
    for name in ("security", "development", "production"):
        needed = {
            ref.statement: actions
            for ref, actions in authorizer.needed.items()
            if (ref.holder, ref.policy) == (role(name), POLICY)
        }
        assert needed == actions_of(permissions(name, pipelines.organization)), name
    assert [one for one in authorizer.refusals if "/palisade-pipeline" in one.principal] == []


@pytest.mark.parametrize(
    "claims",
    [
        pytest.param({"sub": f"repo:{REPOSITORY}:environment:development"}, id="another environment"),
        pytest.param({"sub": f"repo:{REPOSITORY}:ref:refs/heads/main"}, id="a job without an environment"),
        pytest.param({"sub": f"repo:{REPOSITORY}:pull_request"}, id="a pull request"),
        pytest.param({"sub": "repo:example/other:environment:production"}, id="another repository"),
    ],
)
def test_a_pipeline_s_role_admits_its_own_environment_of_its_own_repository_alone(
    pipelines: Pipelines, claims: dict[str, str]
) -> None:
    with pytest.raises(ClientError, match="AccessDenied"):
        pipelines.assume("production", **claims)
    assert pipelines.assume("production", sub=f"repo:{REPOSITORY}:environment:production-preview").token


def test_another_pipeline_cannot_even_read_an_environment_s_state(pipelines: Pipelines) -> None:
    said = refused(Stack(pipelines.workspaces["development"], "production"))
    assert "StatusCode: 403" in said
    state: Any = pipelines.session("development").client("s3")
    key = ".pulumi/stacks/palisade/production.json"
    with pytest.raises(ClientError, match="not authorized to perform: s3:GetObject"):
        state.get_object(Bucket=BUCKET, Key=key)
    with pytest.raises(ClientError, match="not authorized to perform: s3:PutObject"):
        state.put_object(Bucket=BUCKET, Key=key, Body=b"{}")
    with pytest.raises(ClientError, match="not authorized to perform: s3:DeleteObject"):
        state.delete_object(Bucket=BUCKET, Key=key)


def test_production_s_settings_with_development_s_credentials_are_denied_by_iam(pipelines: Pipelines) -> None:
    stack = pipelines.stacks["development"]
    stack.configure(pipelines.config("production"))
    try:
        said = refused(stack)
    finally:
        stack.configure(pipelines.config("development"))
    assert f"  - account {HUB}, {HOME}, by role {WRITERS['production']}: " in said
    assert f"assumed-role/{role_name('development')}/github is not authorized to perform: sts:AssumeRole" in said
    assert "run as the pipeline of production: environments.production.pipelineRole of the security stack" in said


def test_development_s_settings_that_claim_production_s_account_are_denied_by_iam(pipelines: Pipelines) -> None:
    stack = pipelines.stacks["development"]
    claimed = {"environments": {"development": {"accounts": [PRODUCED]}}, "targets": {"accounts": [PRODUCED]}}
    stack.configure(pipelines.config("development", **claimed))
    try:
        said = refused(stack)
    finally:
        stack.configure(pipelines.config("development"))
    assert f"  - account {PRODUCED}, {HOME}, by role {DEPLOYMENT}: " in said
    assert "is not authorized to perform: sts:AssumeRole" in said


@pytest.mark.parametrize("arn", [WRITERS["production"], DEPLOYMENT, f"arn:aws:iam::{HUB}:role/palisade-deployment"])
def test_no_role_of_production_or_of_the_hub_admits_development_s_pipeline(pipelines: Pipelines, arn: str) -> None:
    with pytest.raises(ClientError, match="AccessDenied"):
        entered(pipelines, "development", arn)
    # Not only for want of permission: with every permission the roles' own trust keeps it out.
    iam: Any = pipelines.organization.session(HUB).client("iam")
    everything = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
    iam.put_role_policy(
        RoleName=role_name("development"), PolicyName="everything", PolicyDocument=json.dumps(everything)
    )
    try:
        with pytest.raises(ClientError, match="no role trust policy allows the sts:AssumeRole action"):
            entered(pipelines, "development", arn)
    finally:
        iam.delete_role_policy(RoleName=role_name("development"), PolicyName="everything")


def test_development_s_writer_cannot_write_production_s_items(pipelines: Pipelines) -> None:
    made = entered(pipelines, "development", WRITERS["development"])
    session = boto3.Session(made["AccessKeyId"], made["SecretAccessKey"], made["SessionToken"], region_name=HOME)
    table: Any = session.client("dynamodb")
    key = {"environment": {"S": "development"}, "account": {"S": "999999999999"}}
    table.put_item(TableName="palisade-policies", Item=key)
    table.delete_item(TableName="palisade-policies", Key=key)
    foreign = {"environment": {"S": "production"}, "account": {"S": PRODUCED}}
    with pytest.raises(ClientError, match="AccessDenied"):
        table.put_item(TableName="palisade-policies", Item=foreign)
    with pytest.raises(ClientError, match="AccessDenied"):
        table.delete_item(TableName="palisade-policies", Key=foreign)
    assert ("production", PRODUCED) in items(pipelines)


def test_members_of_a_version_that_the_hub_has_not_yet_are_refused(pipelines: Pipelines) -> None:
    s3: Any = pipelines.organization.session(HUB).client("s3")
    bucket = f"palisade-code-{HUB}-{HOME}"
    (code,) = [one["Key"] for one in s3.list_objects_v2(Bucket=bucket, Prefix="functions/")["Contents"]]
    kept = s3.get_object(Bucket=bucket, Key=code)
    body = kept["Body"].read()
    s3.delete_object(Bucket=bucket, Key=code, VersionId=kept["VersionId"])
    try:
        said = refused(pipelines.stacks["development"])
    finally:
        s3.put_object(Bucket=bucket, Key=code, Body=body, ContentType=kept["ContentType"])
    assert f"account {HUB}, {HOME}: this version's code, {bucket}/{code}" in said
    assert f"deploy the security stack first: this version of it, with {HOME} among its regions" in said


def test_a_promotion_in_development_leaves_production_and_the_backlog_alone(pipelines: Pipelines) -> None:
    backlog = open_group(pipelines, "backlog")
    assert until(pipelines, lambda: workflow(pipelines, backlog) == "NOTIFIED")
    stack = pipelines.stacks["development"]
    stack.configure(pipelines.config("development", controls={"EC2.13": {"mode": "automatic"}}))
    promoted = stack.up()
    assert Counter((one.operation, one.token) for one in promoted.steps) == {
        # The writer and its boundary: on notify there is none.
        ("create", "aws:iam/policy:Policy"): 1,
        ("create", "aws:iam/role:Role"): 1,
        ("create", "aws:iam/rolePolicy:RolePolicy"): 1,
        ("update", "aws:dynamodb/tableItem:TableItem"): 1,
    }
    assert all(DEVELOPED in one.name for one in promoted.steps)
    assert pipelines.stacks["production"].preview("--expect-no-changes").unchanged
    assert pipelines.stacks["security"].preview("--expect-no-changes").unchanged

    fresh = open_group(pipelines, "fresh")
    assert until(pipelines, lambda: workflow(pipelines, fresh) == "RESOLVED")
    assert rules(pipelines, fresh) == []
    pipelines.organization.advance(timedelta(days=2))
    assert rules(pipelines, backlog) != []
    assert workflow(pipelines, backlog) == "NOTIFIED"


def ec2(pipelines: Pipelines) -> Any:
    return pipelines.organization.session(DEVELOPED).client("ec2")


def open_group(pipelines: Pipelines, name: str) -> str:
    client = ec2(pipelines)
    group: str = client.create_security_group(GroupName=name, Description="x")["GroupId"]
    client.authorize_security_group_ingress(GroupId=group, IpProtocol="tcp", FromPort=22, ToPort=22, CidrIp="0.0.0.0/0")
    return group


def rules(pipelines: Pipelines, group: str) -> list[Any]:
    found: list[Any] = ec2(pipelines).describe_security_groups(GroupIds=[group])["SecurityGroups"][0]["IpPermissions"]
    return found


def workflow(pipelines: Pipelines, group: str) -> str:
    hub: Any = pipelines.organization.session(HUB).client("securityhub")
    arn = f"arn:aws:ec2:{HOME}:{DEVELOPED}:security-group/{group}"
    found = hub.get_findings(Filters={"ResourceId": [{"Value": arn, "Comparison": "EQUALS"}]})["Findings"]
    return next((one["Workflow"]["Status"] for one in found if one["GeneratorId"] == "palisade/EC2.13"), "")


def until(pipelines: Pipelines, reached: Callable[[], bool]) -> bool:
    """Let an hour pass, a minute at a time."""
    for _ in range(60):
        if reached():
            return True
        pipelines.organization.advance(timedelta(minutes=1))
    return False
