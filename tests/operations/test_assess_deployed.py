"""`palisade assess` by the readers that the program deploys."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from operations import stack_settings
from operations.local_estate import HUB
from simulator.local import LocalOrganization
from tests.operations.assess_world import OTHER, TEAM, Assessed, document, of
from tests.organization.loop_world import REGION, deployed


def test_the_deployed_readers_admit_the_named_role_of_people_and_are_enough(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def as_written(usual: dict[str, Any]) -> dict[str, Any]:
        return {control: part for control, part in usual.items() if part["mode"] != "off"}

    with deployed(assessmentRole="auditor", controls=as_written) as loop:
        assessed = Assessed(loop.organization, tmp_path)
        auditor(loop.organization, monkeypatch)
        monkeypatch.setattr(stack_settings, "STACKS", tmp_path)
        assessed.write(targets={"accounts": [TEAM, OTHER]}, assessmentRole="auditor")
        arn = assessed.group_in(TEAM, REGION, "found", broken=True, tags={})
        before = len(loop.organization.door.log)
        done = assessed.run("--stack", "here", "--json")
        calls = list(loop.organization.door.log)[before:]
    assert done.exit_code == 0, done.output
    assert of([json.loads(line) for line in done.stdout.splitlines()], arn)["outcome"] == "would change"
    roles = {one.principal.split("/")[1] for one in calls if one.account == TEAM and one.service != "sts"}
    assert roles == {"palisade-reader"}


def auditor(organization: LocalOrganization, monkeypatch: pytest.MonkeyPatch) -> None:
    """Give the shell the credentials of a role of the hub that may read the organization and enter the readers."""
    iam, partition = organization.session(HUB).client("iam"), organization.world.partition
    trust = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{HUB}:root"}, "Action": "sts:AssumeRole"}
    grants: list[dict[str, Any]] = [
        {"Effect": "Allow", "Action": ["organizations:Describe*", "organizations:List*"], "Resource": "*"},
        {
            "Effect": "Allow",
            "Action": "sts:AssumeRole",
            "Resource": f"arn:{partition}:iam::*:role/palisade-reader",
        },
    ]
    iam.create_role(RoleName="auditor", AssumeRolePolicyDocument=document(trust))
    iam.put_role_policy(RoleName="auditor", PolicyName="assess", PolicyDocument=document(*grants))
    held = (
        organization.session(HUB)
        .client("sts")
        .assume_role(RoleArn=f"arn:{partition}:iam::{HUB}:role/auditor", RoleSessionName="auditor")["Credentials"]
    )
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", held["AccessKeyId"])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", held["SecretAccessKey"])
    monkeypatch.setenv("AWS_SESSION_TOKEN", held["SessionToken"])
