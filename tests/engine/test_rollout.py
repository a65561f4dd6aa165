"""Accounts that a stack can enter no more: refused with the remedy, then forgotten by `palisade rollout`."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import timedelta

import pytest
from typer.testing import CliRunner, Result

from operations import local_estate, rollout, stack_settings
from operations.cli import app
from operations.engine import EngineError, Stack
from operations.rollout import Pulumi
from tests.engine.estate import FIRST, REGION, SECOND, Estate

NAME = "members"


@dataclass(frozen=True, slots=True)
class Closed:
    """A member stack whose first account was closed after its deployment, and what its next up said."""

    estate: Estate
    stack: Stack
    said: str


@pytest.fixture(scope="module")
def closed(estate: Estate) -> Closed:
    estate.stack("security", "organization", "hub").up()
    stack = estate.stack(NAME, "members")
    stack.up()
    estate.client(local_estate.MANAGEMENT, "organizations").close_account(AccountId=FIRST)
    estate.organization.advance(timedelta(minutes=10))
    with pytest.raises(EngineError) as refused:
        stack.up()
    return Closed(estate, stack, str(refused.value))


@pytest.fixture(autouse=True)
def shell(closed: Closed, monkeypatch: pytest.MonkeyPatch) -> None:
    """A shell in the workspace, with the credentials of the hub's administrator."""
    estate = closed.estate
    workspace = estate.workspace
    program = workspace.environment["PATH"].split(":")[1] + "/pulumi"
    monkeypatch.setattr(Pulumi, "find", lambda: Pulumi(program, workspace.folder, workspace.environment))
    monkeypatch.setattr(stack_settings, "STACKS", workspace.folder / "stacks")
    credentials = estate.organization.session(local_estate.HUB, REGION).get_credentials()
    assert credentials is not None
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", credentials.access_key)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", credentials.secret_key)
    monkeypatch.setenv("AWS_SESSION_TOKEN", credentials.token or "")
    for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)


def typed(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["rollout", "--stack", NAME, *arguments])


def state(stack: Stack) -> str:
    return stack.run("stack", "export").output


def items(estate: Estate) -> set[str]:
    """The accounts that have a policy item."""
    found = estate.client(local_estate.HUB, "dynamodb").scan(TableName="palisade-policies")["Items"]
    return {one["account"]["S"] for one in found}


def test_the_up_after_a_closure_names_account_role_and_remedy(closed: Closed) -> None:
    assert f"{FIRST}: its state is CLOSED" in closed.said
    assert "role palisade-deployment" in closed.said
    assert f"palisade rollout --stack {NAME} --forget {FIRST}" in closed.said
    assert FIRST in items(closed.estate), "nothing was begun"


def test_an_active_account_is_not_forgotten_by_mistake(closed: Closed) -> None:
    before = state(closed.stack)
    refused = typed("--forget", SECOND)
    assert refused.exit_code == 2
    assert f"{SECOND} is ACTIVE" in refused.stderr
    assert "--even-if-active" in refused.stderr
    assert state(closed.stack) == before


def test_the_management_account_is_never_forgotten(closed: Closed) -> None:
    refused = typed("--forget", local_estate.MANAGEMENT, "--even-if-active")
    assert refused.exit_code == 2
    assert "is the management account" in refused.stderr


def test_a_forgotten_account_lets_the_next_up_through_which_touches_no_other(closed: Closed) -> None:
    estate, stack = closed.estate, closed.stack
    before = estate.standing(SECOND)
    told = typed("--forget", FIRST)
    assert told.exit_code == 0, told.stderr
    assert f"{FIRST}: forgotten by stack {NAME}" in told.stdout
    assert f"aws:lambda/function:Function detection-{FIRST}-{REGION}-function" in told.stdout
    names = {one["urn"].split("::")[3] for one in json.loads(state(stack))["deployment"]["resources"]}
    assert {one for one in names if FIRST in one} == {f"policy-{FIRST}"}

    again = typed("--forget", FIRST)
    assert (again.exit_code, again.stdout.count("nothing of it")) == (0, 1)

    after = stack.up()
    assert [(one.operation, one.name) for one in after.steps] == [("delete", f"policy-{FIRST}")]
    assert items(estate) == {SECOND}
    assert estate.standing(SECOND) == before
    assert stack.outputs()["accounts"] == [SECOND]
    assert stack.preview("--expect-no-changes").unchanged
    assert stack.refresh("--expect-no-changes").unchanged


def test_stacks_are_deployed_in_order_until_one_fails(closed: Closed) -> None:
    early = closed.estate.stack("early", "members", prefix="other")
    stacks = ("--stack", early.name, "--stack", NAME)
    stopped = CliRunner().invoke(app, ["rollout", *stacks])
    assert stopped.exit_code == 1
    assert f"not begun: {NAME}" in stopped.stdout
    tolerated = CliRunner().invoke(app, ["rollout", *stacks, "--failure-tolerance", "1", "--continue-on-error"])
    assert tolerated.exit_code == 1
    assert f"{NAME}: deployed" in tolerated.stdout


def test_forgetting_is_for_one_stack_at_a_time(closed: Closed) -> None:
    assert CliRunner().invoke(app, ["rollout", "--stack", NAME, "--stack", "other", "--forget", FIRST]).exit_code == 2


def test_an_unknown_stack_is_refused_by_pulumi_s_own_words(closed: Closed) -> None:
    with pytest.raises(rollout.RolloutError, match="no stack named 'nowhere' found"):
        Pulumi.find().export("nowhere")
