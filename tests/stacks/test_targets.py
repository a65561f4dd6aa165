"""Targets: the accounts of a member stack, by the semantics of CloudFormation StackSets."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest

from stacks.targets import Account, Selection, TargetsError, environment_of, resolve, same_organization
from tests.stacks.program import (
    ACCOUNTS,
    AWAY,
    HOME,
    HUB,
    MANAGEMENT,
    NESTED,
    ORGANIZATION,
    PLAIN,
    PRODUCTION,
    ROOT,
    SANDBOX,
    SECURITY,
    STAGED,
    STAGING,
    STRAY,
    SUSPENDED,
    WORKLOADS,
    Cloud,
    members,
    of_type,
    organization,
    refusal,
    run,
)

EVERYWHERE = {ROOT: "production"}


def chosen(environments: dict[str, str] | None = None, **selection: Any) -> list[str]:
    asked = Selection(environment="production", environments=environments or EVERYWHERE, **selection)
    return [target.account for target in resolve(asked, organization())]


def refused(environments: dict[str, str] | None = None, **selection: Any) -> str:
    with pytest.raises(TargetsError) as error:
        chosen(environments, **selection)
    return str(error.value)


def test_a_unit_counts_with_the_units_below_it() -> None:
    assert chosen(organizational_units=[WORKLOADS]) == [PLAIN, NESTED, STAGED]
    assert chosen(organizational_units=[PRODUCTION]) == [NESTED]


def test_the_root_is_every_active_account_but_the_management_account() -> None:
    assert chosen(organizational_units=[ROOT]) == [HUB, PLAIN, NESTED, STAGED, STRAY]


@pytest.mark.parametrize(
    ("account_filter", "expected"),
    [
        ("union", [PLAIN, NESTED, STAGED, STRAY]),
        ("intersection", [NESTED]),
        ("difference", [PLAIN, STAGED]),
    ],
)
def test_units_and_accounts_together_follow_the_filter(account_filter: Any, expected: list[str]) -> None:
    asked = {"organizational_units": [WORKLOADS], "accounts": [NESTED, STRAY], "account_filter": account_filter}
    assert chosen(**asked) == expected


def test_excluded_accounts_are_no_targets() -> None:
    assert chosen(organizational_units=[WORKLOADS], exclude_accounts=[PLAIN]) == [NESTED, STAGED]


@pytest.mark.parametrize("state", ["PENDING_ACTIVATION", "SUSPENDED", "PENDING_CLOSURE", "CLOSED", "UNKNOWN"])
def test_only_active_accounts_are_targets(state: str) -> None:
    accounts = tuple(replace(one, state=state) if one.id == NESTED else one for one in ACCOUNTS)
    selection = Selection([WORKLOADS], environment="production", environments=EVERYWHERE)
    assert [one.account for one in resolve(selection, organization(accounts))] == [PLAIN, STAGED]


def test_suspended_accounts_are_known_by_state_not_by_status() -> None:
    # The organization of these tests says Status ACTIVE of every account.
    assert run(members()).outputs["accounts"] == [PLAIN, NESTED, STAGED]


def test_the_management_account_is_never_a_target_even_by_name() -> None:
    assert "no active account is left" in refused(accounts=[MANAGEMENT])


def test_zero_targets_are_refused() -> None:
    assert "targets: no active account is left to deploy to" in refused(accounts=[SUSPENDED])
    said = refused(organizational_units=[PRODUCTION], exclude_accounts=[NESTED])
    assert "(of 1 chosen accounts none is ACTIVE" in said


def test_what_the_organization_does_not_have_is_refused_with_the_place_that_names_it() -> None:
    said = refused(
        organizational_units=["ou-abcd-elsewhere"],
        accounts=["999999999999"],
        exclude_accounts=["888888888888"],
        named={"overrides[0]": ["777777777777", PLAIN]},
    )
    assert "targets.organizationalUnits: the organization has no organizational unit ou-abcd-elsewhere" in said
    assert "targets.accounts: the organization has no account 999999999999" in said
    assert "targets.excludeAccounts: the organization has no account 888888888888" in said
    assert "overrides[0]: the organization has no account 777777777777" in said
    assert PLAIN not in said


def test_accounts_of_no_environment_or_of_another_are_refused_by_name() -> None:
    environments = {PRODUCTION: "production", STAGING: "staging"}
    said = refused(environments, organizational_units=[ROOT], exclude_accounts=[HUB])
    assert f"{PLAIN} (team) is in no environment" in said
    assert f"{STAGED} (staged) is in environment staging" in said
    assert f"{STRAY} (stray) is in no environment" in said
    assert NESTED not in said


def test_an_account_is_of_the_environment_that_names_it_else_of_the_nearest_unit() -> None:
    nested = Account(NESTED, "nested", "ACTIVE", (ROOT, WORKLOADS, PRODUCTION))
    assert environment_of(nested, {ROOT: "a", WORKLOADS: "b"}) == "b"
    assert environment_of(nested, {ROOT: "a", WORKLOADS: "b", PRODUCTION: "c"}) == "c"
    assert environment_of(nested, {PRODUCTION: "c", NESTED: "d"}) == "d"
    assert environment_of(nested, {SANDBOX: "e", SECURITY: "f"}) is None


def test_settings_of_another_organization_are_refused() -> None:
    with pytest.raises(TargetsError) as error:
        same_organization(organization(), id="o-zzzzzzzzzz", management=HUB)
    assert (
        f"organizationId: the settings say o-zzzzzzzzzz, and the organization of these credentials has {ORGANIZATION}"
    )
    assert f"managementAccount: the settings say {HUB}" in str(error.value)


def test_the_program_refuses_credentials_of_another_organization() -> None:
    said = refusal(members(), Cloud(id="o-other00000"))
    assert f"organizationId: the settings say {ORGANIZATION}" in said
    assert "has o-other00000" in said


def test_a_member_stack_governs_excluded_regions_of_an_account_no_more() -> None:
    targets = {"organizationalUnits": [WORKLOADS], "excludeRegions": {NESTED: ["eu-central-1"]}}
    functions = of_type(run(members(targets=targets)), "lambda/function:Function")
    placed = {(one.account, one.region) for one in functions}
    assert (NESTED, "eu-central-1") not in placed
    assert {(NESTED, "eu-west-1"), (PLAIN, "eu-central-1"), (STAGED, "eu-central-1")} <= placed


def test_a_member_stack_that_finds_no_hub_names_account_region_and_what_comes_first() -> None:
    cloud = Cloud(hub=False)
    said = refusal(members(), cloud)
    assert f"  - account {HUB}, {HOME}: table palisade-policies (" in said
    assert "ResourceNotFoundException" in said
    assert "role palisade-policies-production may not see it" in said
    assert "deploy the security stack first: this version of it" in said
    assert "production among its environments" in said
    assert cloud.asked == ["getCallerIdentity", "getTable"], "nothing is asked of an organization that is not governed"


def test_a_member_stack_that_the_hub_has_no_code_for_names_each_region() -> None:
    cloud = Cloud(code=(HOME,))
    said = refusal(members(), cloud)
    assert re.search(
        rf"  - account {HUB}, {AWAY}: this version's code, palisade-code-{HUB}-{AWAY}/functions/\w+.zip", said
    )
    assert f"{HUB}, {HOME}:" not in said
    assert f"with {HOME}, {AWAY} among its regions" in said
    assert cloud.asked == ["getCallerIdentity", "getTable", "getObject", "getObject"]
