"""A member stack over time, by the real engine: accounts and Regions come and go, each with what is its own alone."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from operations import local_estate
from operations.engine import Engine, EngineError, Result, Stack
from tests.engine.estate import FIRST, REGION, SECOND, Estate, opened

AWAY = "eu-central-1"
HUB = local_estate.HUB
# One Region, and no parameter of another.
PLAIN: dict[str, Any] = {
    "regions": [REGION],
    "controls": {
        "EC2.13": {"mode": "automatic"},
        "Palisade.S3.1": {"mode": "approve", "parameters": {"key": {REGION: local_estate.DATA_KEY}}},
    },
}


class Organized:
    """An organisation of two Regions with a hub and a member stack, and its units by name."""

    def __init__(self, estate: Estate) -> None:
        self.estate = estate
        self.client = estate.client(local_estate.MANAGEMENT, "organizations")
        self.root = self.client.list_roots()["Roots"][0]["Id"]
        self.units = dict(self._units(self.root))
        self.security = estate.stack("security", "organization", "hub", **PLAIN)
        self.security.up()
        self.members = estate.stack("members", "members", **PLAIN)
        self.members.up()

    def _units(self, parent: str) -> Iterator[tuple[str, str]]:
        for one in self.client.list_organizational_units_for_parent(ParentId=parent)["OrganizationalUnits"]:
            yield one["Name"], one["Id"]
            yield from self._units(one["Id"])

    def unit(self, name: str, parent: str) -> str:
        """Make a unit."""
        self.units[name] = self.client.create_organizational_unit(ParentId=parent, Name=name)["OrganizationalUnit"][
            "Id"
        ]
        return self.units[name]

    def move(self, account: str, unit: str) -> None:
        """Move an account into a unit."""
        parent = self.client.list_parents(ChildId=account)["Parents"][0]["Id"]
        self.client.move_account(AccountId=account, SourceParentId=parent, DestinationParentId=unit)

    def join(self, name: str) -> str:
        """Create an account in the unit of workloads, as a platform team does, with a recorder in it."""
        created = self.client.create_account(Email=f"{name}@example.com", AccountName=name)
        account: str = created["CreateAccountStatus"]["AccountId"]
        self.move(account, self.units["Workloads"])
        for region in self.estate.organization.world.regions:
            local_estate.recorder(self.estate.organization, account, region)
            local_estate.data_key(self.estate.organization, account, region)
        return account

    def configure(self, **changes: Any) -> None:
        """Set what differs from the first deployment in both stacks."""
        changes = {**PLAIN, **changes}
        self.security.configure(self.estate.config("organization", "hub", **changes))
        self.members.configure(self.estate.config("members", **changes))


@pytest.fixture(scope="module")
def organized(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Organized]:
    with opened(engine, tmp_path_factory.mktemp("growth"), regions=(REGION, AWAY)) as estate:
        yield Organized(estate)


@pytest.fixture(autouse=True)
def level(organized: Organized) -> Iterator[None]:
    """Give the next test the members of the first deployment."""
    yield
    organized.configure()
    organized.members.up()


def operations(result: Result) -> set[str]:
    return {one.operation for one in result.steps}


def places(result: Result, *known: str) -> set[str]:
    """Whose the resources are that steps concern: the account or Region that their names hold."""
    return {next((one for one in known if one in step.name), step.name) for step in result.steps}


def state(stack: Stack) -> Mapping[str, str]:
    """The physical ids by URN."""
    resources = json.loads(stack.run("stack", "export").output)["deployment"]["resources"]
    return {one["urn"]: one["id"] for one in resources if one.get("id")}


def test_an_account_that_joins_a_unit_gets_its_own_resources_and_leaves_with_them(organized: Organized) -> None:
    before = state(organized.members)
    account = organized.join("newcomer")
    joined = organized.members.up()
    assert operations(joined) == {"create"}
    assert places(joined, account) == {account}
    assert organized.estate.standing(account)["functions"] == ["palisade-detect"]
    assert before.items() <= state(organized.members).items()
    assert organized.members.preview("--expect-no-changes").unchanged

    organized.configure(targets={**organized.estate.config()["targets"], "excludeAccounts": [account]})
    left = organized.members.up()
    assert operations(left) == {"delete"}
    assert places(left, account) == {account}
    assert organized.estate.standing(account)["functions"] == []
    assert state(organized.members) == before
    organized.move(account, organized.root)


def test_an_account_that_moves_within_its_environment_keeps_all_and_gets_the_unit_s_overrides(
    organized: Organized,
) -> None:
    override = {"organizationalUnits": [organized.units["Staging"]], "controls": {"EC2.13": {"mode": "notify"}}}
    home = organized.client.list_parents(ChildId=FIRST)["Parents"][0]["Id"]
    organized.configure(overrides=[override])
    organized.members.up()
    before = state(organized.members)
    organized.move(FIRST, organized.units["Staging"])
    moved = organized.members.up()
    assert sorted((one.operation, one.name) for one in moved.steps) == [
        ("update", f"identity-{FIRST}-writer"),
        ("update", f"policy-{FIRST}"),
    ]
    assert state(organized.members) == before
    organized.move(FIRST, home)


def test_an_account_that_moves_to_another_environment_keeps_its_history_in_the_hub(organized: Organized) -> None:
    estate = organized.estate
    other = organized.unit("Other", organized.root)
    own = estate.config()["environments"]
    environments = {**own, "other": {"organizationalUnits": [other]}}
    organized.configure(environments=environments)
    organized.security.up()
    history = History(estate, FIRST)
    home = organized.client.list_parents(ChildId=FIRST)["Parents"][0]["Id"]
    organized.move(FIRST, other)

    old = organized.members.up()
    assert operations(old) == {"delete"}
    assert places(old, FIRST) == {FIRST}
    changes = {**PLAIN, "environments": environments, "environment": "other"}
    new = estate.stack("other", "members", **changes, targets={"organizationalUnits": [other]})
    made = new.up()
    assert operations(made) == {"create"}
    assert history() == history.first
    items = estate.client(HUB, "dynamodb").scan(TableName="palisade-policies")["Items"]
    assert {(one["account"]["S"], one["environment"]["S"]) for one in items} == {(FIRST, "other"), (SECOND, "local")}

    new.destroy()
    organized.move(FIRST, home)
    organized.configure()
    organized.security.up()


class History:
    """What the hub holds of an account, written before a move and read again after it: ledger, state, findings."""

    def __init__(self, estate: Estate, account: str) -> None:
        self._estate, self._account = estate, account
        tables = estate.client(HUB, "dynamodb")
        for table in ("palisade-ledger", "palisade-state"):
            keys = tables.describe_table(TableName=table)["Table"]["KeySchema"]
            item = {one["AttributeName"]: {"S": f"{account}-{one['KeyType']}"} for one in keys}
            tables.put_item(TableName=table, Item={**item, "account": {"S": account}})
        now = datetime.now(UTC).isoformat()
        estate.client(account, "securityhub").batch_import_findings(Findings=[finding(account, now)])
        self.first = self()

    def __call__(self) -> dict[str, Any]:
        tables, hub = self._estate.client(HUB, "dynamodb"), self._estate.client(HUB, "securityhub")
        filters = {"AwsAccountId": [{"Value": self._account, "Comparison": "EQUALS"}]}
        found = hub.get_findings(Filters=filters)["Findings"]
        return {
            # Archived by the stack that the account leaves, and active again once the other one detects.
            "findings": sorted((one["Id"], one["Workflow"]["Status"]) for one in found),
            **{table: tables.scan(TableName=table)["Items"] for table in ("palisade-ledger", "palisade-state")},
        }


def finding(account: str, now: str) -> dict[str, Any]:
    return {
        "SchemaVersion": "2018-10-08",
        "Id": f"palisade/{account}/sg",
        "ProductArn": f"arn:aws:securityhub:{REGION}:{account}:product/{account}/default",
        "GeneratorId": "palisade/EC2.13",
        "AwsAccountId": account,
        "Types": ["Software and Configuration Checks"],
        "CreatedAt": now,
        "UpdatedAt": now,
        "Severity": {"Label": "HIGH"},
        "Title": "EC2.13",
        "Description": "open",
        "Resources": [{"Type": "AwsEc2SecurityGroup", "Id": f"arn:aws:ec2:{REGION}:{account}:security-group/sg-1"}],
        "Compliance": {"Status": "FAILED"},
        "Workflow": {"Status": "NEW"},
        "RecordState": "ACTIVE",
    }


def test_several_accounts_lost_at_once_are_refused_until_they_are_named(organized: Organized) -> None:
    estate, members = organized.estate, organized.members
    third = organized.join("third")
    organized.configure()
    members.up()
    before = state(members)
    left = {"accounts": [third]}
    organized.configure(targets=left)
    for run in (members.preview, members.up):
        said = refused(run)
        assert "2 of 3 accounts" in said
        assert f'confirmLostAccounts: ["{FIRST}", "{SECOND}"]' in said
    assert state(members) == before

    organized.configure(targets=left, confirmLostAccounts=[FIRST, SECOND])
    gone = members.up()
    assert operations(gone) == {"delete"}
    assert places(gone, FIRST, SECOND) == {FIRST, SECOND}
    organized.configure(targets={**estate.config()["targets"], "excludeAccounts": [third]})
    members.up()


def test_a_run_that_failed_halfway_does_not_make_the_guard_forget(organized: Organized) -> None:
    estate, members = organized.estate, organized.members
    third = organized.join("fourth")
    organized.configure(targets={"accounts": [FIRST, SECOND, third]})
    members.up()
    organized.configure(targets={"accounts": [third]}, confirmLostAccounts=[FIRST, SECOND])
    iam = estate.client(FIRST, "iam")
    name = "palisade-deployment"
    iam.put_role_policy(RoleName=name, PolicyName="stop", PolicyDocument=json.dumps(DENY))
    with pytest.raises(EngineError):
        members.up("--continue-on-error")
    iam.delete_role_policy(RoleName=name, PolicyName="stop")
    organized.configure(targets={"accounts": [SECOND]})
    assert f"{FIRST}: the targets do not name it any more" in refused(members.up), "the outputs do not name it any more"
    organized.configure(targets={"accounts": [SECOND]}, confirmLostAccounts=[FIRST, third])
    members.up()


def test_a_region_more_adds_its_own_and_an_excluded_one_takes_its_own_away(organized: Organized) -> None:
    estate, members = organized.estate, organized.members
    before = state(members)
    regions = [REGION, AWAY]
    members.configure(estate.config("members", **{**PLAIN, "regions": regions}))
    with pytest.raises(EngineError, match="deploy the security stack first"):
        members.up()
    organized.configure(regions=regions)
    organized.security.up()
    more = members.up()
    made = [one for one in more.steps if one.operation == "create"]
    assert places(Result(0, "", tuple(made)), AWAY) == {AWAY}
    assert "replace" not in operations(more)
    assert before.items() <= state(members).items()
    # What every Region is written into: the roles' policies, and nothing else.
    changed = {one.token for one in more.steps if one.operation == "update"}
    assert changed <= {"aws:iam/rolePolicy:RolePolicy", "aws:iam/policy:Policy"}

    targets = {**estate.config()["targets"], "excludeRegions": {FIRST: [AWAY]}}
    organized.configure(regions=regions, targets=targets)
    less = members.up()
    assert operations(less) == {"delete"}
    assert places(less, f"detection-{FIRST}-{AWAY}") == {f"detection-{FIRST}-{AWAY}"}

    # The hub's part of a Region stays until somebody means it: its bucket and its key are protected.
    organized.configure()
    fewer = members.up()
    assert operations(fewer) <= {"update", "delete"}
    assert places(Result(0, "", tuple(one for one in fewer.steps if one.operation == "delete")), AWAY) == {AWAY}
    with pytest.raises(EngineError, match="it is protected"):
        organized.security.up()
    kept = (f"kms/key:Key::key-{AWAY}", f"s3/bucket:Bucket::code-{AWAY}")
    for urn in [one for one in state(organized.security) if one.endswith(kept)]:
        organized.security.run("state", "unprotect", urn, "--yes")
    assert operations(organized.security.up()) <= {"delete"}
    assert state(members) == before


DENY = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Deny", "Action": ["sqs:Delete*", "lambda:Delete*"], "Resource": "*"}],
}


def refused(run: Callable[[], object]) -> str:
    with pytest.raises(EngineError) as error:
        run()
    return str(error.value)
