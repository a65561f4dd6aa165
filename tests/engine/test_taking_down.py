"""Taking it down by the real engine: members first, the security stack after them, and what stays."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

import pytest

from components.organization_access import TRUSTED
from operations.engine import EngineError, Stack
from operations.local_estate import CONFIG_BUCKET, HUB, MANAGEMENT
from tests.engine.estate import FIRST, REGION, SECOND, Estate
from tests.engine.versions import edit, own_copy

MEMBERS = (FIRST, SECOND)
BUCKET, TABLE = "aws:s3/bucket:Bucket", "aws:dynamodb/table:Table"
CODE = f"palisade-code-{HUB}-{REGION}"
# The first is the recorders' own.
LEDGER = f"palisade-ledger-{HUB}-{REGION}"
BUCKETS = [CONFIG_BUCKET, CODE, LEDGER]
TABLES = ["palisade-ledger", "palisade-policies", "palisade-state"]
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
    edit(estate.workspace, "components/detection.py", "memory=512", "memory=768")
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


def stack_sets(estate: Estate) -> list[str]:
    """The StackSet of the deployment role, where there is one."""
    client = estate.client(MANAGEMENT, "cloudformation")
    try:
        return [client.describe_stack_set(StackSetName="palisade-deployment")["StackSet"]["Status"]]
    except client.exceptions.StackSetNotFoundException:
        return []


def hub_standing(estate: Estate) -> dict[str, list[str]]:
    """What stands in the hub and for the organization, by kind, without what every account has."""
    client = partial(estate.client, HUB)
    keys = [client("kms").describe_key(KeyId=one["KeyId"])["KeyMetadata"] for one in client("kms").list_keys()["Keys"]]
    organizations = estate.client(MANAGEMENT, "organizations")
    services = organizations.list_aws_service_access_for_organization()["EnabledServicePrincipals"]
    delegated = (
        organizations.list_delegated_administrators()["DelegatedAdministrators"]
        and (organizations.list_delegated_services_for_account(AccountId=HUB)["DelegatedServices"])
    )
    aggregators = client("securityhub").list_finding_aggregators()["FindingAggregators"]
    return {
        **estate.standing(HUB),
        "buckets": sorted(one["Name"] for one in client("s3").list_buckets()["Buckets"]),
        "tables": sorted(client("dynamodb").list_tables()["TableNames"]),
        "keys": sorted(one["KeyState"] for one in keys if one["Description"].startswith("Palisade")),
        "aliases": sorted(one["AliasName"] for one in client("kms").list_aliases()["Aliases"]),
        "topics": [one["TopicArn"] for one in client("sns").list_topics()["Topics"]],
        "alarms": [one["AlarmName"] for one in client("cloudwatch").describe_alarms()["MetricAlarms"]],
        "dashboards": [one["DashboardName"] for one in client("cloudwatch").list_dashboards()["DashboardEntries"]],
        "sources": [one["UUID"] for one in client("lambda").list_event_source_mappings()["EventSourceMappings"]],
        "aggregators": [one["FindingAggregatorArn"] for one in aggregators],
        "trusted": sorted(one["ServicePrincipal"] for one in services),
        "delegated": sorted(one["ServicePrincipal"] for one in delegated),
        "stack sets": stack_sets(estate),
    }


def test_a_destroy_is_refused_while_tables_keys_and_buckets_are_protected(scene: Scene) -> None:
    refused: list[EngineError] = []

    def destroy() -> None:
        with pytest.raises(EngineError) as failed:
            scene.security.destroy("--skip-preview=false")
        refused.append(failed.value)

    assert scene.estate.changing_calls(destroy) == []
    said = str(refused[0])
    assert [urn for urn in protected(scene.security) if f"pulumi state unprotect '{urn}'" not in said] == [
        urn for urn in protected(scene.security) if urn.endswith("::key-eu-west-1")
    ], "the key is not reached, for the tables stand on it"


def protected(stack: Stack) -> list[str]:
    """The resources that the state protects."""
    state = json.loads(stack.run("stack", "export").output)["deployment"]["resources"]
    return [one["urn"] for one in state if one.get("protect")]


def test_what_is_protected_stays_alone_and_the_next_up_goes_on_with_it(scene: Scene) -> None:
    scene.security.destroy("--exclude-protected")
    standing = hub_standing(scene.estate)
    assert (standing["tables"], standing["keys"], standing["buckets"]) == (TABLES, ["Enabled"], BUCKETS)
    assert (standing["functions"], standing["queues"], standing["events"], standing["topics"]) == ([], [], [], [])
    # What is protected was made through the deployment role, which therefore stays with its StackSet.
    assert standing["stack sets"] == ["ACTIVE"]
    again = scene.security.up()
    assert {one.operation for one in again.steps} == {"create"}
    assert not {one.token for one in again.steps} & {TABLE, "aws:kms/key:Key", BUCKET}
    assert scene.security.refresh("--expect-no-changes").unchanged


def test_after_everything_is_unprotected_by_name_this_stays(scene: Scene) -> None:
    estate = scene.estate
    for urn in protected(scene.security):
        scene.security.run("state", "unprotect", urn, "--yes")
    for table in TABLES:
        estate.client(HUB, "dynamodb").update_table(TableName=table, DeletionProtectionEnabled=False)
    scene.security.destroy("--skip-preview=false")
    standing = {kind: found for kind, found in hub_standing(estate).items() if found}
    assert standing == {
        # The last is CloudFormation's own; the two before are the organisation's people's.
        "roles": ["OrganizationAccountAccessRole", "palisade-pipeline", "security-approvers", standing["roles"][-1]],
        "buckets": BUCKETS,
        "keys": ["PendingDeletion"],
        "aliases": standing["aliases"],
        "trusted": sorted(TRUSTED),
        "delegated": ["securityhub.amazonaws.com"],
    }
    assert standing["roles"][-1].startswith("stacksets-exec-")
    assert all(one.startswith("alias/aws/") for one in standing["aliases"])
    s3 = estate.client(HUB, "s3")
    assert s3.get_bucket_versioning(Bucket=CODE)["Status"] == "Enabled"
    assert all(s3.get_public_access_block(Bucket=CODE)["PublicAccessBlockConfiguration"].values())
    assert {one["Key"].split("/")[0] for one in s3.list_objects_v2(Bucket=CODE)["Contents"]} == {
        "functions",
        "settings",
    }
    state = json.loads(scene.security.run("stack", "export").output)["deployment"]
    assert not state.get("resources")
    for account in MEMBERS:
        left = {kind: found for kind, found in estate.standing(account).items() if found}
        assert set(left) == {"roles"}
        assert [one for one in left["roles"] if "palisade" in one] == []
        assert estate.client(account, "securityhub").describe_hub()["HubArn"], "Security Hub stays on"


def test_the_next_up_names_the_buckets_that_stayed_and_goes_on_after_their_import(scene: Scene) -> None:
    stack = scene.security
    resources = f"urn:pulumi:{stack.name}::palisade::"
    stayed = {f"code-{REGION}": ("CodeStore", CODE), "ledger": ("LedgerBucket", LEDGER)}
    # A failed create ends the run: which of the two comes first, or whether both do, is the engine's affair.
    while stayed:
        with pytest.raises(EngineError, match="BucketAlreadyOwnedByYou") as failed:
            stack.up()
        named = [name for name in stayed if f"::{name}" in str(failed.value)]
        assert named, f"the message names neither of {list(stayed)}: {failed.value}"
        for name in named:
            store, bucket = stayed.pop(name)
            stack.run(
                "import", BUCKET, name, f"{bucket}@{REGION}", "--yes", "--skip-preview", "--generate-code=false",
                "--parent", f"store={resources}palisade:index:{store}$palisade:index:PrivateBucket::{name}",
                "--provider", f"hub={resources}pulumi:providers:aws::hub",
            )  # fmt: skip
    finished = stack.up()
    assert {one.operation for one in finished.steps if one.token != "pulumi:pulumi:Stack"} == {"create"}
    assert stack.refresh("--expect-no-changes").unchanged
    assert hub_standing(scene.estate)["buckets"] == BUCKETS
