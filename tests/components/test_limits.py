"""Limits of AWS, with the longest names, and with a catalog as long as it may become."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator

import pytest

from components.documents import INLINE_LIMIT, MANAGED_LIMIT, allow, divided
from lambdas.controls import catalog as our_catalog
from lambdas.controls.model import Control
from lambdas.names import LONGEST_PREFIX
from simulator.deployment import Deployment
from tests.components.program_policies import Policy, policies
from tests.components.synthetic import controls, findings
from tests.stacks.program import HUB, MANAGEMENT, everything, of_type, role, run

# Source: IAM and AWS STS quotas; Amazon SQS quotas; Amazon SNS, S3 and KMS developer guides, "Policy size".
LIMITS = {
    "trust": 2048, "inline": INLINE_LIMIT, "managed": MANAGED_LIMIT, "queue": 8192, "topic": 30720, "bucket": 20480,
    "key": 32768,
}  # fmt: skip
# The longest names of Regions, four of one partition.
REGIONS = ["ap-northeast-1", "ap-southeast-1", "ap-southeast-2", "ap-northeast-2"]
ENVIRONMENT = "e" * 24
LONG = {
    "prefix": "p" * LONGEST_PREFIX,
    "deploymentRole": "d" * 64,
    "organizationId": "o-a1b2c3d4e5",
    "homeRegion": REGIONS[0],
    "regions": REGIONS,
    "pipelineRole": role(HUB, "r" * 64),
    "managementRole": role(MANAGEMENT, "r" * 64),
    "environment": ENVIRONMENT,
    "environments": {ENVIRONMENT: {"organizationalUnits": ["ou-abcd-workloads", "ou-abcd-security1"]}},
    "recorder": "create",
}


def deployed(catalog: list[Control] | None, monkeypatch: pytest.MonkeyPatch) -> Deployment:
    """The program with everything as long as it may be, and with another catalog where one is given."""
    known = our_catalog() if catalog is None else {control.id: control for control in catalog}
    monkeypatch.setattr("lambdas.controls.catalog", lambda: known)
    modes = {identifier: {"mode": "approve"} for identifier in known}
    return run(everything(**LONG, controls=modes))


@pytest.fixture(scope="module", params=["our catalog", "a hundred controls"])
def longest(request: pytest.FixtureRequest) -> Iterator[Deployment]:
    with pytest.MonkeyPatch.context() as monkeypatch:
        yield deployed(None if request.param == "our catalog" else [*controls(95), *findings(5)], monkeypatch)


def size(policy: Policy) -> int:
    """What counts: everything but white space (our documents have none)."""
    return len(policy.text)


def test_every_policy_fits_its_limit(longest: Deployment) -> None:
    too_long = {one.holder: size(one) for one in policies(longest) if size(one) > LIMITS[one.kind]}
    assert too_long == {}


def test_the_inline_policies_of_a_role_fit_together(longest: Deployment) -> None:
    together: dict[str, int] = defaultdict(int)
    for one in policies(longest):
        if one.kind == "inline":
            together[one.holder] += size(one)
    assert {holder: length for holder, length in together.items() if length > INLINE_LIMIT} == {}


def test_a_role_has_at_most_ten_managed_policies(longest: Deployment) -> None:
    attached: dict[tuple[str, str], int] = defaultdict(int)
    for one in of_type(longest, "iam/rolePolicyAttachment:RolePolicyAttachment"):
        attached[one.account, one.inputs["role"]] += 1
    assert max(attached.values()) <= 10
    (stack_set,) = of_type(longest, "cloudformation/stackSet:StackSet")
    resources = json.loads(stack_set.inputs["templateBody"])["Resources"]
    assert sum(one["Type"] == "AWS::IAM::ManagedPolicy" for one in resources.values()) <= 10
    # CloudFormation quotas: a template body of 51,200 bytes.
    assert len(stack_set.inputs["templateBody"].encode()) <= 51200


def may_attach(deployment: Deployment) -> bool:
    """Whether the deployment role may attach policies of ours."""
    (stack_set,) = of_type(deployment, "cloudformation/stackSet:StackSet")
    return "AttachOwnPolicies" in stack_set.inputs["templateBody"]


def test_the_pipeline_may_attach_policies_where_a_catalog_needs_more_than_one(longest: Deployment) -> None:
    attached = {
        one.inputs["policyArn"] for one in of_type(longest, "iam/rolePolicyAttachment:RolePolicyAttachment")
        if not one.inputs["policyArn"].startswith("arn:aws:iam::aws:")
    }  # fmt: skip
    assert may_attach(longest) or not attached


def test_the_pipeline_may_not_attach_policies_where_one_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not may_attach(deployed([our_catalog()["EC2.13"]], monkeypatch))
    assert may_attach(deployed(controls(95), monkeypatch))


def test_event_patterns_and_function_environments_fit(longest: Deployment) -> None:
    rules = of_type(longest, "cloudwatch/eventRule:EventRule")
    assert max(len(one.inputs.get("eventPattern") or "") for one in rules) <= 2048
    for one in of_type(longest, "lambda/function:Function"):
        variables = one.inputs["environment"]["variables"]
        assert sum(len(key) + len(value) for key, value in variables.items()) < 4096


def test_names_fit(longest: Deployment) -> None:
    limits = {
        "iam/role:Role": 64, "iam/policy:Policy": 128, "sqs/queue:Queue": 80, "lambda/function:Function": 64,
        "cloudwatch/eventRule:EventRule": 64, "cfg/rule:Rule": 128, "s3/bucket:Bucket": 63, "sns/topic:Topic": 256,
        "cloudformation/stackSet:StackSet": 128, "cloudwatch/metricAlarm:MetricAlarm": 255,
    }  # fmt: skip
    for token, limit in limits.items():
        for one in of_type(longest, token):
            assert len(one.inputs.get("name") or one.inputs["bucket"]) <= limit, one.urn


def test_statements_are_divided_in_order_without_losing_one() -> None:
    statements = [allow(f"S{number}", ["s3:GetObject"], f"arn:aws:s3:::{'b' * 200}{number}") for number in range(60)]
    parts = divided(statements, INLINE_LIMIT, MANAGED_LIMIT)
    assert [one for part in parts for one in part] == statements
    assert len(parts) == 3


def test_a_statement_that_is_too_long_is_divided_by_what_it_lists() -> None:
    resources = [f"arn:aws:s3:::{'b' * 100}{number:03}" for number in range(150)]
    parts = divided([allow("All", ["s3:GetObject", "s3:PutObject"], resources)], MANAGED_LIMIT, MANAGED_LIMIT)
    assert sorted(one for part in parts for statement in part for one in statement["Resource"]) == resources
    sids = [statement["Sid"] for part in parts for statement in part]
    assert len(set(sids)) == len(sids)
    with pytest.raises(ValueError, match="too long for any policy"):
        divided([allow("One", ["s3:GetObject"], "arn:aws:s3:::" + "b" * 7000)], MANAGED_LIMIT, MANAGED_LIMIT)


def test_the_boundary_names_every_action_while_they_fit(longest: Deployment) -> None:
    boundary = next(one for one in policies(longest) if one.holder.endswith("-boundary"))
    actions = boundary.statements[0]["Action"]
    assert "iam:*" not in actions
    assert len([action for action in actions if action.endswith("*")]) < 20
