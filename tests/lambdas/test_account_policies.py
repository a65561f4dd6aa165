"""What an account's policy allows, and which environment's policy counts."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

import pytest
from botocore.exceptions import ClientError

from lambdas.controls import catalog
from lambdas.controls.model import Audience, Ceiling, Mode, Place, Plan
from lambdas.remediation.policy import AccountPolicy, Policies, PolicyError, StrangerError

ACCOUNT = "222222222222"
SSH, S3 = catalog()["EC2.13"], catalog()["Palisade.S3.1"]
GROUP = SSH.resource(Place("aws", ACCOUNT, "eu-west-1"), "sg-0123456789abcdef0")
TODAY = datetime.now(UTC).date()


def item(**changes: Any) -> dict[str, Any]:
    document = {
        "environment": "production",
        "account": ACCOUNT,
        "owner_tag": "owner",
        "modes": {},
        "lifted": [],
        "parameters": {},
        "exemptions": [],
        **changes,
    }
    return {"schema": {"N": "1"}, "document": {"S": json.dumps(document)}}


def exemption(**changes: Any) -> dict[str, Any]:
    expires = (TODAY + timedelta(days=3)).isoformat()
    return {
        "control": "EC2.13",
        "resource": "*sg-0123*",
        "tag": None,
        "reason": "r",
        "owner": "o",
        "expires": expires,
    } | changes


def test_where_nothing_is_set_people_are_told() -> None:
    assert AccountPolicy.parse(item()).limit(SSH)[0] is Mode.NOTIFY


def test_the_control_s_ceiling_holds_until_it_is_lifted_by_name() -> None:
    held = AccountPolicy.parse(item(modes={S3.id: "automatic"}))
    lifted = AccountPolicy.parse(item(modes={S3.id: "automatic"}, lifted=[S3.id]))
    assert held.limit(S3)[0] is S3.ceiling.mode is Mode.APPROVE
    assert lifted.limit(S3)[0] is Mode.AUTOMATIC


def test_the_plan_s_ceiling_holds_even_where_the_control_s_is_lifted() -> None:
    plan = Plan(tell=(Audience.OWNER,), ceiling=Ceiling(Mode.APPROVE, "closes every port"))
    policy = AccountPolicy.parse(item(modes={"EC2.13": "automatic"}, lifted=["EC2.13"]))
    assert policy.limit(SSH, plan) == (Mode.APPROVE, ["closes every port"])


def test_a_ceiling_never_strengthens_a_mode() -> None:
    plan = Plan(tell=(Audience.OWNER,), ceiling=Ceiling(Mode.APPROVE, "r"))
    assert AccountPolicy.parse(item(modes={"EC2.13": "notify"})).limit(SSH, plan) == (Mode.NOTIFY, [])


@pytest.mark.parametrize(
    ("changes", "tags", "exempt"),
    [
        pytest.param({}, {}, True, id="pattern on the ARN"),
        pytest.param({"resource": "*sg-9*"}, {}, False, id="other resource"),
        pytest.param({"control": "*"}, {}, True, id="every control"),
        pytest.param({"control": "S3.1"}, {}, False, id="other control"),
        pytest.param({"expires": TODAY.isoformat()}, {}, True, id="expires today"),
        pytest.param({"expires": (TODAY - timedelta(days=1)).isoformat()}, {}, False, id="expired yesterday"),
        pytest.param({"resource": None, "tag": "use=bastion"}, {"use": "bastion"}, True, id="tag"),
        pytest.param({"resource": None, "tag": "use=bastion"}, {"use": "other"}, False, id="other value of the tag"),
        pytest.param({"resource": None, "tag": "use=bastion"}, {}, False, id="untagged"),
        pytest.param({"tag": "use=bastion"}, {}, False, id="pattern and tag must both meet"),
        pytest.param({"resource": None, "tag": None}, {}, False, id="neither pattern nor tag exempts nothing"),
    ],
)
def test_exemptions(changes: dict[str, Any], tags: dict[str, str], exempt: bool) -> None:
    policy = AccountPolicy.parse(item(exemptions=[exemption(**changes)]))
    assert (policy.exemption(SSH, GROUP, tags) is not None) is exempt


def test_an_item_of_another_schema_is_an_error_and_not_a_policy() -> None:
    with pytest.raises(PolicyError, match="schema 2"):
        AccountPolicy.parse({**item(), "schema": {"N": "2"}})


class Tables:
    """A table that holds an item for each environment and account, and counts the reads."""

    def __init__(self, *environments: str) -> None:
        self.environments, self.reads = environments, 0

    def get_item(self, *, Key: dict[str, Any], **_: Any) -> dict[str, Any]:
        self.reads += 1
        environment = Key["environment"]["S"]
        return {"Item": item(environment=environment)} if environment in self.environments else {}


class Tree:
    """Organizations' answer for account 222222222222 in ou-team in ou-production in the root."""

    parents: ClassVar = {ACCOUNT: "ou-team", "ou-team": "ou-production", "ou-production": "r-root"}

    def list_parents(self, *, ChildId: str) -> dict[str, Any]:
        if ChildId not in self.parents:
            code = "ChildNotFoundException" if ChildId.isdigit() else "ServiceException"
            raise ClientError({"Error": {"Code": code, "Message": "m"}}, "ListParents")
        parent = self.parents[ChildId]
        return {"Parents": [{"Id": parent, "Type": "ROOT" if parent == "r-root" else "ORGANIZATIONAL_UNIT"}]}


@pytest.mark.parametrize(
    ("environments", "found"),
    [
        pytest.param({"production": {"organizational_units": ["ou-production"]}}, "production", id="unit above"),
        pytest.param(
            {"production": {"organizational_units": ["ou-production"]}, "team": {"organizational_units": ["ou-team"]}},
            "team",
            id="nearest unit",
        ),
        pytest.param(
            {"production": {"organizational_units": ["ou-production"]}, "pilot": {"accounts": [ACCOUNT]}},
            "pilot",
            id="account by name",
        ),
        pytest.param({"everything": {"organizational_units": ["r-root"]}}, "everything", id="root"),
        pytest.param({"development": {"organizational_units": ["ou-other"]}}, None, id="none"),
    ],
)
def test_only_the_item_of_the_environment_that_the_hub_gives_the_account_counts(
    environments: dict[str, Any], found: str | None
) -> None:
    table = Tables("production", "team", "pilot", "everything", "development")
    policy = Policies(table, Tree(), "policies", environments).of(ACCOUNT)
    assert (policy.environment if policy else None) == found


def test_a_policy_is_kept_for_a_minute() -> None:
    table = Tables("production")
    policies = Policies(table, Tree(), "policies", {"production": {"accounts": [ACCOUNT]}})
    assert policies.of(ACCOUNT) is policies.of(ACCOUNT)
    assert table.reads == 1


MODES = [mode for mode in Mode if mode is not Mode.OFF]


@pytest.mark.parametrize("mode", list(Mode))
@pytest.mark.parametrize("control", MODES)
@pytest.mark.parametrize("planned", [None, *MODES])
def test_the_weakest_of_mode_and_ceilings_applies_whatever_their_order(
    mode: Mode, control: Mode, planned: Mode | None
) -> None:
    bounded = replace(SSH, ceiling=Ceiling(control, "the control's"))
    plan = Plan(tell=(Audience.OWNER,), ceiling=Ceiling(planned, "the plan's") if planned else None)
    found, reasons = AccountPolicy.parse(item(modes={SSH.id: mode.value})).limit(bounded, plan)
    order = ["off", "notify", "dry-run", "approve", "automatic"]
    named = [one.value for one in (mode, control, planned) if one is not None]
    assert found.value == min(named, key=order.index)
    assert bool(reasons) is (found is not mode)


def test_a_firm_ceiling_holds_even_where_it_is_lifted_by_name() -> None:
    firm = replace(SSH, ceiling=Ceiling(Mode.NOTIFY, "destructive", firm=True))
    policy = AccountPolicy.parse(item(modes={SSH.id: "automatic"}, lifted=[SSH.id]))
    assert policy.limit(firm) == (Mode.NOTIFY, ["destructive"])


def test_an_account_without_an_item_has_no_policy() -> None:
    table = Tables("staging")
    assert Policies(table, Tree(), "policies", {"production": {"accounts": [ACCOUNT]}}).of(ACCOUNT) is None


def test_an_account_outside_the_organization_is_a_stranger_and_not_one_without_a_policy() -> None:
    policies = Policies(Tables(), Tree(), "policies", {"production": {"organizational_units": ["ou-production"]}})
    with pytest.raises(StrangerError, match="999999999999 is not in this organization"):
        policies.of("999999999999")


def test_an_error_of_organizations_is_no_answer() -> None:
    policies = Policies(Tables(), Tree(), "policies", {"production": {"organizational_units": ["ou-production"]}})
    with pytest.raises(ClientError, match="ServiceException"):
        policies.of("unreachable")


def test_an_item_that_is_about_another_account_is_an_error_and_not_a_policy() -> None:
    class Mixed(Tables):
        def get_item(self, **_: Any) -> dict[str, Any]:
            return {"Item": item(account="333333333333")}

    policies = Policies(Mixed(), Tree(), "policies", {"production": {"accounts": [ACCOUNT]}})
    with pytest.raises(PolicyError, match="is about another account"):
        policies.of(ACCOUNT)


def test_a_change_of_policy_counts_within_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    table, clock = Tables("production"), [1000.0]
    monkeypatch.setattr("lambdas.remediation.policy.time.time", lambda: clock[0])
    policies = Policies(table, Tree(), "policies", {"production": {"accounts": [ACCOUNT]}})
    policies.of(ACCOUNT)
    table.environments = ()
    clock[0] += 59
    assert policies.of(ACCOUNT) is not None
    clock[0] += 1
    assert policies.of(ACCOUNT) is None
