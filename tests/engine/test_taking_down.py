"""Taking it down by the real engine: members first, the security stack after them, and what stays."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import pytest

from operations.engine import EngineError, Stack
from tests.engine.estate import FIRST, REGION, SECOND, Estate
from tests.engine.versions import edit, own_copy

pytestmark = pytest.mark.xdist_group("engine")
MEMBERS = (FIRST, SECOND)
FOREIGN_GENERATORS = ("own/scanner", "palisades/EC2.13")


@dataclass(frozen=True, slots=True)
class Scene:
    """Both stacks over an organisation whose teams have findings, ours and others'."""

    estate: Estate
    security: Stack
    members: Stack
    before: Mapping[str, Mapping[str, list[str]]]


@pytest.fixture(scope="module")
def scene(estate: Estate) -> Scene:
    security = estate.stack("security", "organization", "hub")
    security.up()
    before = {account: estate.standing(account) for account in MEMBERS}
    members = estate.stack("members", "members")
    members.up()
    for account in MEMBERS:
        estate.open_group(account, "open")
        foreign(estate, account)
    return Scene(estate, security, members, before)


def foreign(estate: Estate, account: str) -> None:
    """Findings of the team's own, in the same default product, and one whose generator is nearly ours."""
    (ours, *_) = [one for one in estate.findings(account) if one["GeneratorId"] == "palisade/EC2.13"]
    fields = ("SchemaVersion", "ProductArn", "AwsAccountId", "CreatedAt", "UpdatedAt", "Title", "Description",
              "Resources", "FindingProviderFields", "Compliance")  # fmt: skip
    kept = {name: ours[name] for name in fields}
    imported = [{**kept, "Id": one, "GeneratorId": one, "RecordState": "ACTIVE"} for one in FOREIGN_GENERATORS]
    answer = estate.client(account, "securityhub").batch_import_findings(Findings=imported)
    assert answer["FailedCount"] == 0, answer


def states(estate: Estate, account: str) -> dict[str, set[str]]:
    """The record states of an account's findings, by whose they are."""
    found: dict[str, set[str]] = {}
    for one in estate.findings(account):
        ours = one["GeneratorId"].startswith("palisade/")
        found.setdefault("ours" if ours else one["GeneratorId"], set()).add(one["RecordState"])
    return {whose: found[whose] for whose in ("ours", *FOREIGN_GENERATORS)}


OTHERS = {one: {"ACTIVE"} for one in FOREIGN_GENERATORS}
DETECTED, LEFT = {"ours": {"ACTIVE"}, **OTHERS}, {"ours": {"ARCHIVED"}, **OTHERS}


def test_a_new_version_and_a_replaced_function_archive_nothing(scene: Scene) -> None:
    estate = scene.estate
    own_copy(estate.workspace)
    edit(estate.workspace, "lambdas/detect.py", "logger = Logger()", "logger = Logger()  # newer")
    scene.security.up()
    updated = scene.members.up()
    assert Counter((one.operation, one.token) for one in updated.steps) == {
        ("update", "aws:lambda/function:Function"): 2
    }
    edit(estate.workspace, "components/function.py", "depends_on=[logs, *after])",
         "depends_on=[logs, *after], replace_on_changes=['memorySize'], delete_before_replace=True)")  # fmt: skip
    edit(estate.workspace, "components/detection.py", "memory=256", "memory=512")
    replaced = scene.members.up()
    assert [one.operation for one in replaced.steps if one.token == "aws:lambda/function:Function"].count(
        "replace"
    ) == 2
    assert not [one for one in replaced.steps if one.token == "aws:lambda/invocation:Invocation"]
    assert {account: states(estate, account) for account in MEMBERS} == dict.fromkeys(MEMBERS, DETECTED)


def test_an_account_that_is_excluded_has_its_own_findings_archived_and_the_others_go_on(scene: Scene) -> None:
    estate = scene.estate
    config = estate.config("members")
    scene.members.configure({**config, "targets": {**config["targets"], "excludeAccounts": [SECOND]}})
    scene.members.up()
    assert {account: states(estate, account) for account in MEMBERS} == {FIRST: DETECTED, SECOND: LEFT}
    assert estate.standing(SECOND) == scene.before[SECOND]
    scene.members.configure(config)
    scene.members.up()
    estate.open_group(SECOND, "again")
    assert "ACTIVE" in states(estate, SECOND)["ours"], "a new member detects again"


def test_findings_that_cannot_be_archived_fail_the_destroy_by_name_and_the_next_one_goes_on(scene: Scene) -> None:
    estate = scene.estate
    iam = estate.client(FIRST, "iam")
    denied = {"Effect": "Deny", "Action": "securityhub:BatchImportFindings", "Resource": "*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [denied]})
    iam.put_role_policy(RoleName="palisade-detect", PolicyName="of-a-test", PolicyDocument=policy)
    with pytest.raises(EngineError) as failed:
        scene.members.destroy()
    said = str(failed.value)
    assert [part for part in (FIRST, REGION, "palisade-detect", "BatchImportFindings") if part not in said] == []
    standing = estate.standing(FIRST)
    assert standing["functions"] == ["palisade-detect"]
    assert standing["events"] == [], "nothing imports findings any more"
    iam.delete_role_policy(RoleName="palisade-detect", PolicyName="of-a-test")

    scene.members.destroy()
    assert {account: states(estate, account) for account in MEMBERS} == dict.fromkeys(MEMBERS, LEFT)
    assert {account: estate.standing(account) for account in MEMBERS} == scene.before
