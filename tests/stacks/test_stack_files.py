"""The commented settings of each stack: refused until they are filled in, deployable when they are."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml

from lambdas.controls import catalog
from stacks.settings import load
from tests.stacks.program import (
    AWAY,
    HOME,
    HUB,
    MANAGEMENT,
    NESTED,
    ORGANIZATION,
    PLAIN,
    PRODUCTION,
    SANDBOX,
    STAGED,
    STAGING,
    STRAY,
    WORKLOADS,
    Cloud,
    refusal,
    role,
    run,
)

FOLDER = Path(__file__).resolve().parents[2] / "stacks"
FILLED = {
    "<organization id>": ORGANIZATION,
    "<management account id>": MANAGEMENT,
    "<hub account id>": HUB,
    "<home region>": HOME,
    "<another governed region>": AWAY,
    "<arn of the role that runs pulumi up>": role(HUB, "pipeline"),
    "<arn of the role made by stacks bootstrap json>": role(MANAGEMENT, "palisade-organization"),
    "<organizational unit of development>": SANDBOX,
    "<organizational unit of staging>": STAGING,
    "<organizational unit of production>": PRODUCTION,
    "<organizational unit of workloads>": WORKLOADS,
    "<e-mail address of operations>": "operations@example.com",
}
# The accounts that each stack deploys to in the tests' organization.
STACKS: dict[str, list[str] | None] = {
    "security": None,
    "development": [STRAY],
    "staging": [STAGED],
    "production": [NESTED],
    "small": [PLAIN, NESTED, STAGED],
}


def text(stack: str) -> str:
    return (FOLDER / f"Pulumi.{stack}.yaml").read_text(encoding="utf-8")


def settings(document: str) -> dict[str, Any]:
    config: dict[str, Any] = yaml.safe_load(document)["config"]
    return {key.removeprefix("palisade:"): value for key, value in config.items()}


def filled(stack: str) -> dict[str, Any]:
    document = text(stack)
    for placeholder, value in FILLED.items():
        document = document.replace(placeholder, value)
    return settings(document)


def placeholders(place: str, value: Any) -> Iterator[str]:
    """Where a value still holds a placeholder, as the message names places."""
    if isinstance(value, dict):
        for key, one in value.items():
            yield from placeholders(f"{place}.{key}" if place else key, one)
    elif isinstance(value, list):
        for number, one in enumerate(value):
            yield from placeholders(f"{place}[{number}]", one)
    elif isinstance(value, str) and "<" in value:
        yield place


def examples(document: str) -> Iterator[dict[str, Any]]:
    """The settings that a file shows as comments, each block by itself; the hub account of examples is the hub's."""
    for block in re.findall(r"(?:^  # .*\n)+", document.replace("222222222222", HUB), re.MULTILINE):
        yield settings("config:\n" + re.sub(r"^  # ", "  ", block, flags=re.MULTILINE))


def test_there_is_a_file_for_each_stack_and_one_for_the_local_organisation() -> None:
    assert {path.name.split(".")[1] for path in FOLDER.glob("Pulumi.*.yaml")} == {*STACKS, "local"}


@pytest.mark.parametrize("stack", STACKS)
def test_a_file_that_was_not_filled_in_is_refused_with_all_that_is_left(stack: str) -> None:
    cloud = Cloud()
    said = refusal(settings(text(stack)), cloud)
    left = list(placeholders("", settings(text(stack))))
    assert len(left) >= 6
    for place in left:
        assert re.search(rf"^  - {re.escape(place)}: .*is a placeholder; fill", said, re.MULTILINE), place
    assert f"have {len(left)} faults" in said, "nothing else is wrong with it"
    assert cloud.asked == []


@pytest.mark.parametrize("stack", STACKS)
def test_a_file_that_is_filled_in_is_deployed(stack: str) -> None:
    deployment = run(filled(stack))
    assert deployment.outputs.get("accounts") == STACKS[stack]
    assert deployment.resources
    assert deployment.warnings == []


@pytest.mark.parametrize("stack", STACKS)
def test_what_a_file_shows_as_comments_is_accepted(stack: str) -> None:
    shown = list(examples(text(stack)))
    for example in shown:
        environments = example.get("environments", filled(stack)["environments"])
        load({**filled(stack), **example, "environments": environments}, catalog(), date(2026, 6, 1))
    assert len(shown) >= (0 if stack == "small" else 3)


def test_the_environments_agree_with_what_the_hub_is_told() -> None:
    hub = filled("security")["environments"]
    for stack in ("development", "staging", "production"):
        own = filled(stack)
        assert own["environments"][stack] == hub[stack]
        assert own["environment"] == stack
        for key in (
            "organizationId",
            "managementAccount",
            "hubAccount",
            "homeRegion",
            "regions",
            "standards",
            "recorder",
        ):
            assert own[key] == filled("security")[key], key


def test_a_placeholder_inside_a_text_is_one_too() -> None:
    changed = {**filled("small"), "tags": {"team": "<your team>"}, "managementRole": "arn:aws:iam::<account>:role/a"}
    said = refusal(changed)
    assert "tags.team: '<your team>' is not a tag value" in said or "tags.team: '<your team>' is a placeholder" in said
    assert "managementRole: 'arn:aws:iam::<account>:role/a' is a placeholder; fill in the ARN of an IAM role" in said


def test_a_placeholder_where_any_text_is_accepted_is_refused_too() -> None:
    exemption = {
        "control": "EC2.13",
        "tag": "a=b",
        "reason": "<why>",
        "owner": "<who answers for it>",
        "expires": "2099-12-31",
    }
    said = refusal({**filled("small"), "ownerTag": "<tag>", "exemptions": [exemption]})
    for place in ("exemptions[0].reason", "exemptions[0].owner", "ownerTag"):
        assert re.search(rf"^  - {re.escape(place)}: '<.*>' is a placeholder; fill it in$", said, re.MULTILINE)
