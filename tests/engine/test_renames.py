"""Renames by the real engine: nothing that bears data is replaced."""

from __future__ import annotations

from collections import Counter

import pytest

from operations.engine import EngineError, Stack
from tests.engine.estate import Estate
from tests.engine.versions import edit, own_copy

OBJECT = "aws:s3/bucketObjectv2:BucketObjectv2"
SSH = "lambdas/controls/security_group_ssh_restricted.py"


@pytest.fixture(scope="module")
def security(estate: Estate) -> Stack:
    stack = estate.stack("security", "organization", "hub")
    stack.up()
    return stack


@pytest.mark.parametrize("command", ["preview", "up"])
def test_a_changed_prefix_is_refused_before_anything_is_changed(estate: Estate, security: Stack, command: str) -> None:
    security.configure(estate.config("organization", "hub", prefix="other"))

    def run() -> None:
        with pytest.raises(EngineError, match="prefix: deployed as palisade, the settings say other"):
            getattr(security, command)()

    try:
        assert estate.changing_calls(run) == []
    finally:
        security.configure(estate.config("organization", "hub"))


def test_the_engine_s_protection_holds_a_renamed_table_and_bucket_too(estate: Estate, security: Stack) -> None:
    # What guards a stack whose last up never finished, for that has no outputs to compare with.
    own_copy(estate.workspace)
    edit(estate.workspace, "__main__.py", "identity.keep(settings)\n", "")
    security.configure(estate.config("organization", "hub", prefix="other"))
    try:
        with pytest.raises(EngineError) as failed:
            security.preview()
    finally:
        security.configure(estate.config("organization", "hub"))
        edit(estate.workspace, "__main__.py", "settings = read(catalog())\n",
             "settings = read(catalog())\nidentity.keep(settings)\n")  # fmt: skip
    held = [one for one in failed.value.result.diagnostics if "protection" in one]
    assert sorted(one.split(" ")[0].split("::")[-1] for one in held) == [
        "code-eu-west-1", "ledger", "tables-ledger", "tables-policies", "tables-state",
    ]  # fmt: skip


def test_a_renamed_control_replaces_its_rule_and_changes_what_names_it(estate: Estate, security: Stack) -> None:
    stack = estate.stack("members", "members")
    stack.up()
    edit(estate.workspace, SSH, 'slug="security-group-ssh-restricted"', 'slug="no-ssh-from-anywhere"')
    edit(estate.workspace, SSH, 'id="EC2.13"', 'id="EC2.14"')
    hub, members = (
        renamed(estate, one, *layers) for one, layers in ((security, ("organization", "hub")), (stack, ("members",)))
    )
    changed = {"aws:cloudwatch/eventRule:EventRule", "aws:lambda/function:Function"}
    assert {token for operation, token in hub if operation == "update"} == changed
    assert {token for operation, token in hub if operation != "update"} == {OBJECT}
    assert members == {
        ("update", "aws:dynamodb/tableItem:TableItem"): 2,
        ("update", "aws:lambda/function:Function"): 2,
        ("create", "aws:cfg/rule:Rule"): 2,
        ("delete", "aws:cfg/rule:Rule"): 2,
        ("create", OBJECT): 1,
        ("delete", OBJECT): 1,
    }


def renamed(estate: Estate, stack: Stack, *layers: str) -> Counter[tuple[str, str]]:
    """Deploy with the control's new id in the settings; return what changed."""
    config = estate.config(*layers)
    controls = {"EC2.14" if name == "EC2.13" else name: found for name, found in config["controls"].items()}
    stack.configure({**config, "controls": controls})
    return Counter((one.operation, one.token) for one in stack.up().steps)
