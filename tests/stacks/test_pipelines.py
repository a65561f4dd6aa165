"""The examples of docs/pipelines: one workflow per environment, credentials by OIDC alone, promotion in order.

What the roles may do is tried in tests/engine/test_environment_stacks.py: the engine deploys by them, and each action
of each statement is needed.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "pipelines"
STACKS = FOLDER.parents[1] / "stacks"
ORDER = ("security", "development", "staging", "production")
EACH = pytest.mark.parametrize("name", ORDER)
# What the texts may leave to be filled in.
PLACEHOLDERS = {
    "<pipeline account id>", "<hub account id>", "<management account id>", "<organization id>", "<home region>",
    "<state bucket>", "<arn of the state key>", "<environment>", "<github organization>", "<repository>",
}  # fmt: skip


def workflow(name: str) -> dict[Any, Any]:
    # YAML 1.1 reads the key `on` as true.
    document: dict[Any, Any] = yaml.safe_load((FOLDER / f"{name}.yaml").read_text(encoding="utf-8"))
    return {"on" if key is True else key: value for key, value in document.items()}


def steps(name: str) -> list[tuple[str, dict[str, Any]]]:
    """The steps with their jobs."""
    return [(job, step) for job, part in workflow(name)["jobs"].items() for step in part.get("steps", ())]


def test_there_is_a_workflow_for_each_stack_of_an_environment_and_one_that_chains_them() -> None:
    assert {path.stem for path in FOLDER.glob("*.yaml")} == {*ORDER, "promotion"}
    assert all((STACKS / f"Pulumi.{name}.yaml").is_file() for name in ORDER)


@EACH
def test_a_workflow_previews_then_deploys_its_own_stack_without_asking_anybody(name: str) -> None:
    # One account that fails does not keep the others from being deployed.
    going_on = " --continue-on-error" if name != "security" else ""
    commands = [(job, step["run"]) for job, step in steps(name) if step.get("run", "").startswith("pulumi")]
    assert commands == [
        ("preview", f"pulumi preview --stack {name} --diff --non-interactive"),
        ("up", f"pulumi up --stack {name} --yes --skip-preview --non-interactive{going_on}"),
    ]
    jobs = workflow(name)["jobs"]
    assert jobs["up"]["needs"] == "preview"
    assert {job: part["environment"] for job, part in jobs.items()} == {"preview": f"{name}-preview", "up": name}


@EACH
def test_no_two_runs_of_an_environment_overlap_and_none_is_cut_off(name: str) -> None:
    assert workflow(name)["concurrency"] == {"group": f"palisade-{name}", "cancel-in-progress": False}


@EACH
def test_credentials_come_by_oidc_alone_and_only_to_the_environment_s_jobs(name: str) -> None:
    text = (FOLDER / f"{name}.yaml").read_text(encoding="utf-8")
    assert not re.search(r"secrets\.|access-key|ACCESS_KEY|PASSPHRASE|ACCESS_TOKEN", text)
    assert workflow(name)["permissions"] == {"contents": "read"}
    for part in workflow(name)["jobs"].values():
        assert part["permissions"] == {"id-token": "write", "contents": "read"}
    entered = [step["with"] for _, step in steps(name) if "configure-aws-credentials" in step.get("uses", "")]
    role = f"arn:aws:iam::<pipeline account id>:role/palisade-pipeline-{name}"
    assert entered == [{"role-to-assume": role, "aws-region": "<home region>"}] * 2


@pytest.mark.parametrize("name", [*ORDER, "promotion"])
def test_actions_are_pinned_by_their_major_version(name: str) -> None:
    used = [step["uses"] for _, step in steps(name) if "uses" in step]
    assert used
    assert [one for one in used if not re.fullmatch(r"[\w-]+/[\w-]+@v\d+", one)] == []


def test_a_commit_goes_through_the_environments_in_order_and_a_pull_request_through_none() -> None:
    jobs = workflow("promotion")["jobs"]
    assert list(jobs) == ["test", *ORDER]
    for before, name in zip(jobs, ORDER, strict=False):
        assert jobs[name]["needs"] == before
        assert jobs[name]["uses"] == f"./.github/workflows/palisade-{name}.yaml"
    assert jobs["security"]["if"] == "github.event_name == 'push'"
    assert workflow("promotion")["on"]["push"] == {"branches": ["main"]}
    assert "permissions" not in jobs["test"]
    assert all("workflow_call" in workflow(name)["on"] for name in ORDER)


def test_the_roles_documents_name_nothing_wider_than_they_need() -> None:
    for kind in ("security", "member"):
        document = json.loads((FOLDER / f"permissions-{kind}.json").read_text(encoding="utf-8"))
        for one in document["Statement"]:
            assert one["Effect"] == "Allow"
            assert "*" not in str(one["Action"])
            assert one["Resource"] != "*"


def test_whoever_trusts_github_names_audience_and_environment() -> None:
    (statement,) = json.loads((FOLDER / "trust-policy.json").read_text(encoding="utf-8"))["Statement"]
    (operator,) = statement["Condition"]
    assert operator == "StringEquals", "a pattern would admit what nobody thought of"
    claims = {key.rpartition(":")[2]: value for key, value in statement["Condition"][operator].items()}
    assert claims["aud"] == "sts.amazonaws.com"
    assert all(":environment:<environment>" in one for one in claims["sub"])


def test_what_is_to_be_filled_in_is_named_in_one_way() -> None:
    for path in FOLDER.iterdir():
        assert set(re.findall(r"<[^>]+>", path.read_text(encoding="utf-8"))) <= PLACEHOLDERS, path.name
