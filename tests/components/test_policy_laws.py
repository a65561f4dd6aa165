"""Laws over every policy of the program, in every partition."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from simulator.deployment import Deployment
from simulator.iam.service_data import action_of
from tests.components.program_policies import Policy, listed, policies
from tests.stacks.program import PARTITIONS, partitioned, run

# AWS makes the ids of recorders, describes them without naming one, and knows no delivery channel as a resource.
UNNAMED = {"Recorder"}
SOURCES = {"aws:sourceaccount", "aws:sourcearn", "aws:sourceorgid"}


@pytest.fixture(scope="module", params=list(PARTITIONS))
def deployment(request: pytest.FixtureRequest) -> Deployment:
    return run(partitioned(request.param))


@pytest.fixture(scope="module")
def partition(deployment: Deployment) -> str:
    return next(name for name, regions in PARTITIONS.items() if deployment.resources[0].region in regions)


def statements(deployment: Deployment, effect: str = "Allow") -> Iterator[tuple[Policy, dict[str, Any]]]:
    for policy in policies(deployment):
        for statement in policy.statements:
            if statement["Effect"] == effect:
                yield policy, statement


def where(policy: Policy, statement: dict[str, Any]) -> str:
    return f"{policy.kind} {policy.holder} {statement['Sid']}"


def test_every_statement_has_an_id_of_its_own_in_its_document(deployment: Deployment) -> None:
    for policy in policies(deployment):
        sids = [statement["Sid"] for statement in policy.statements]
        assert len(set(sids)) == len(sids), policy.holder
        assert all(sid.isalnum() for sid in sids), policy.holder


def test_nothing_is_allowed_by_a_wildcard_action(deployment: Deployment) -> None:
    assert [where(*one) for one in statements(deployment) if any("*" in a for a in listed(one[1]["Action"]))] == []


def test_every_allowed_action_is_one_that_iam_has(deployment: Deployment) -> None:
    for policy, statement in statements(deployment):
        for action in listed(statement["Action"]):
            found = action_of(*action.split(":"))
            assert found is not None, f"{where(policy, statement)}: IAM has no action {action}"
            assert found.name == action, "spelled as AWS publishes it"


def test_a_statement_names_resources_unless_its_actions_need_none(deployment: Deployment) -> None:
    for policy, statement in statements(deployment):
        # A key's policy means the key by `*`; a boundary grants nothing.
        if policy.kind in ("key", "trust") or statement["Sid"] in UNNAMED or policy.holder.endswith("boundary"):
            continue
        if "*" in listed(statement["Resource"]):
            for action in listed(statement["Action"]):
                found = action_of(*action.split(":"))
                assert found is not None
                assert not found.required, f"{where(policy, statement)}: {action} needs {', '.join(found.required)}"


def test_named_resources_are_of_a_type_that_the_action_takes(deployment: Deployment) -> None:
    for policy, statement in statements(deployment):
        resources = listed(statement.get("Resource", "*"))
        if policy.kind in ("key", "trust") or "*" in resources:
            continue
        services = {resource.split(":")[2] for resource in resources}
        for action in listed(statement["Action"]):
            found = action_of(*action.split(":"))
            assert found is not None
            assert services & {kind.template.split(":")[2] for kind in found.types}, (
                f"{where(policy, statement)}: {action}"
            )


def test_conditions_are_on_keys_that_each_action_knows(deployment: Deployment) -> None:
    for policy, statement in statements(deployment):
        keys = {key.lower().split("/")[0] for one in statement.get("Condition", {}).values() for key in one}
        for action in listed(statement["Action"]):
            found = action_of(*action.split(":"))
            assert found is not None
            known = {key.split("/")[0] for key in found.keys}
            assert {key for key in keys if not key.startswith("aws:")} <= known, f"{where(policy, statement)}: {action}"


def test_a_service_is_admitted_for_our_own_resources_alone(deployment: Deployment) -> None:
    admitted = []
    for policy, statement in statements(deployment):
        principal = statement.get("Principal")
        if not isinstance(principal, dict) or "Service" not in principal:
            continue
        keys = {key.lower() for one in statement.get("Condition", {}).values() for key in one}
        # Lambda sends no source with AssumeRole (Lambda Developer Guide, "Execution role").
        if policy.kind == "trust" and principal["Service"] == "lambda.amazonaws.com":
            continue
        assert keys & SOURCES, where(policy, statement)
        admitted.append(principal["Service"])
    assert {"events.amazonaws.com", "cloudwatch.amazonaws.com", "config.amazonaws.com"} <= set(admitted)


def test_services_invoke_functions_for_our_own_resources_alone(deployment: Deployment) -> None:
    permissions = [one for one in deployment.resources if one.token == "aws:lambda/permission:Permission"]
    assert permissions
    for one in permissions:
        ours = rf":{one.region}:{one.account}:(rule/)?palisade-"
        source = one.inputs.get("sourceArn") or ""
        assert one.inputs.get("sourceAccount") == one.account or re.search(ours, source)


def test_everybody_means_everybody_of_the_organization(deployment: Deployment) -> None:
    for policy, statement in statements(deployment):
        principal = statement.get("Principal")
        if principal in ("*", {"AWS": "*"}):
            keys = {key for one in statement["Condition"].values() for key in one}
            assert "aws:PrincipalOrgID" in keys, where(policy, statement)


def test_an_account_is_trusted_for_named_roles_of_the_organization_alone(deployment: Deployment) -> None:
    for policy, statement in statements(deployment):
        if policy.kind == "trust" and "AWS" in statement["Principal"]:
            assert set(statement["Condition"]["ArnEquals"]) == {"aws:PrincipalArn"}, where(policy, statement)
            assert set(statement["Condition"]["StringEquals"]) == {"aws:PrincipalOrgID"}, where(policy, statement)


def test_no_arn_is_of_another_partition(deployment: Deployment, partition: str) -> None:
    for one in deployment.resources:
        text = json.dumps(one.inputs, default=str)
        for other in PARTITIONS:
            assert other == partition or f"arn:{other}:" not in text, one.urn
    for policy in policies(deployment):
        assert partition == "aws" or "arn:aws:" not in policy.text, policy.holder


def test_endpoints_are_of_the_partition(deployment: Deployment, partition: str) -> None:
    suffix = {"aws-cn": "amazonaws.com.cn", "aws-iso": "c2s.ic.gov", "aws-iso-b": "sc2s.sgov.gov"}
    found = {
        value
        for _, statement in statements(deployment)
        for one in statement.get("Condition", {}).values()
        for key, values in one.items()
        if key == "kms:ViaService"
        for value in listed(values)
    }
    assert found
    if partition in suffix:
        assert all(value.endswith(f".{suffix[partition]}") for value in found)
