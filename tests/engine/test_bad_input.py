"""Bad input by the real engine: one message with place, reason and remedy, no traceback, nothing changed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from operations import local_estate
from operations.engine import EngineError, Stack
from tests.engine.estate import FIRST, REGION, SECOND, Estate

HUB, MANAGEMENT = local_estate.HUB, local_estate.MANAGEMENT


@pytest.fixture(scope="module")
def stack(estate: Estate) -> Stack:
    estate.stack("security", "organization", "hub").up()
    return estate.stack("members", "members")


def refusal(estate: Estate, stack: Stack, *layers: str, command: str = "preview", **changes: Any) -> str:
    """Run with changed settings, which must be refused before anything is made, and return what the engine prints."""
    stack.configure({key: one for key, one in estate.config(*layers, **changes).items() if one is not None})
    failed: list[EngineError] = []

    def run() -> None:
        with pytest.raises(EngineError) as error:
            getattr(stack, command)()
        failed.append(error.value)

    assert estate.changing_calls(run) == []
    said = failed[0].result.output
    assert failed[0].result.code not in (0, None)
    assert "Traceback" not in said
    assert 'File "' not in said
    messages = [line for line in said.partition("Diagnostics:")[2].splitlines() if line.startswith("    error: ")]
    # The second is Pulumi's own, of every program that ends with an error.
    assert [one for one in messages if "program exited with non-zero exit code" not in one] == messages[:1]
    return said


@contextmanager
def closed(estate: Estate, *accounts: str) -> Iterator[None]:
    """Take the deployment role's trust away for a time."""
    kept = {}
    for account in accounts:
        iam = estate.client(account, "iam")
        trust = iam.get_role(RoleName="palisade-deployment")["Role"]["AssumeRolePolicyDocument"]
        denied = {**trust, "Statement": [{**one, "Effect": "Deny"} for one in trust["Statement"]]}
        iam.update_assume_role_policy(RoleName="palisade-deployment", PolicyDocument=json.dumps(denied))
        kept[account] = json.dumps(trust)
    yield
    for account, trust in kept.items():
        estate.client(account, "iam").update_assume_role_policy(RoleName="palisade-deployment", PolicyDocument=trust)


def test_a_stack_that_nobody_made_is_named(estate: Estate, stack: Stack) -> None:
    with pytest.raises(EngineError, match="no stack named 'typo' found"):
        Stack(stack.workspace, "typo").preview()


def test_a_stack_without_a_file_of_settings_is_told_which_file_to_fill_in(estate: Estate) -> None:
    with pytest.raises(EngineError) as failed:
        estate.workspace.stack("typo", {}).preview()
    said = failed.value.result.output
    assert "stack typo has no settings: fill in stacks/Pulumi.typo.yaml" in said
    assert "Traceback" not in said


def test_missing_and_wrong_settings_are_listed_with_what_is_accepted(estate: Estate, stack: Stack) -> None:
    said = refusal(estate, stack, "members", regions=None, hubAccount="hub", logRetentionDays=31)
    assert "the settings of this stack have 3 faults:" in said
    for field in ("  - regions: is missing; accepted: ", "  - hubAccount: 'hub' is not", "  - logRetentionDays: 31"):
        assert field in said


@pytest.mark.parametrize("command", ["preview", "up"])
def test_every_account_that_cannot_be_entered_is_listed_with_its_role_and_the_remedy(
    estate: Estate, stack: Stack, command: str
) -> None:
    with closed(estate, FIRST, SECOND):
        said = refusal(estate, stack, "members", command=command)
    for account in (FIRST, SECOND):
        role = f"arn:aws:iam::{account}:role/palisade-deployment"
        assert f"  - account {account}, {REGION}, by role {role}: " in said
    assert "explicit deny in the role trust policy" in said
    assert "run as the pipeline of local: environments.local.pipelineRole of the security stack" in said


def test_a_role_that_does_not_stand_in_an_account_is_named(estate: Estate, stack: Stack) -> None:
    said = refusal(estate, stack, "members", deploymentRole="elsewhere")
    assert f"  - account {FIRST}, {REGION}, by role arn:aws:iam::{FIRST}:role/elsewhere: " in said


def test_a_management_role_that_does_not_admit_the_run_is_named(estate: Estate, stack: Stack) -> None:
    role = f"arn:aws:iam::{MANAGEMENT}:role/nobody"
    said = refusal(estate, stack, "organization", managementRole=role)
    assert f"  - account {MANAGEMENT}, {REGION}, by role {role}: " in said
    assert "managementRole is the role that stacks/bootstrap.json makes" in said


def test_a_run_outside_the_management_account_without_a_management_role_is_told_where_it_is(
    estate: Estate, stack: Stack
) -> None:
    pipeline = f"arn:aws:iam::{MANAGEMENT}:role/pipeline"
    said = refusal(estate, stack, "organization", managementRole=None, pipelineRole=pipeline)
    assert f"  - account {MANAGEMENT}, {REGION}, by the credentials of this run: " in said
    assert f"its credentials are of {HUB}" in said
    assert f"run as {pipeline}" in said


@pytest.mark.parametrize("layer", ["organization", "members"])
def test_settings_of_another_organization_are_refused(estate: Estate, layer: str) -> None:
    actual = estate.organization.world.organization_id
    told = f"organizationId: the settings say o-abcdefghij, and the organization of these credentials has {actual}"
    # A stack that has run before is refused by what it was deployed with (test_renames.py).
    stack = estate.stack(f"foreign-{layer}", layer)
    assert told in refusal(estate, stack, layer, organizationId="o-abcdefghij")


def test_an_organization_that_may_not_be_read_is_told_with_the_reader(estate: Estate, stack: Stack) -> None:
    iam, name = estate.client(HUB, "iam"), "palisade-policies-local"
    policy = iam.get_role_policy(RoleName=name, PolicyName="organization")["PolicyDocument"]
    iam.delete_role_policy(RoleName=name, PolicyName="organization")
    try:
        said = refusal(estate, stack, "members")
    finally:
        iam.put_role_policy(RoleName=name, PolicyName="organization", PolicyDocument=json.dumps(policy))
    assert f"the organization cannot be read by arn:aws:iam::{HUB}:role/{name}: " in said
    assert "organizations:DescribeOrganization" in said
    assert "deploy the security stack first" in said


def test_units_and_accounts_that_are_not_the_environment_s_are_named(estate: Estate, stack: Stack) -> None:
    said = refusal(estate, stack, "members", targets={"organizationalUnits": ["ou-abcd-12345678"]})
    assert "targets.organizationalUnits: the organization has no organizational unit ou-abcd-12345678" in said
    said = refusal(estate, stack, "members", targets={"accounts": [HUB]}, environments={"local": {"accounts": [FIRST]}})
    assert f"  - {HUB} (security) is in no environment" in said
