"""Accounts that a member stack loses: what is refused, in which words, and what confirms it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from simulator.deployment import Deployment, DeploymentError, register
from stacks.lost import Lost, LostAccountsError, refuse_lost
from tests.stacks.program import (
    ACCOUNTS,
    NESTED,
    PLAIN,
    SANDBOX,
    STAGED,
    Cloud,
    members,
    run,
    texts,
)


def again(previous: Deployment, cloud: Cloud | None = None, **changes: Any) -> Deployment:
    """Run the program with what an earlier run left in the state."""
    return register("test", texts(members(**changes)), (cloud or Cloud()).answers(), previous=previous)


def refused(previous: Deployment, cloud: Cloud | None = None, **changes: Any) -> str:
    with pytest.raises(DeploymentError) as error:
        again(previous, cloud, **changes)
    return str(error.value)


@pytest.fixture(scope="module")
def deployed() -> Deployment:
    return run(members())


def test_the_same_accounts_again_are_no_loss(deployed: Deployment) -> None:
    assert again(deployed).warnings == []


def test_one_account_may_go_without_a_word(deployed: Deployment) -> None:
    after = again(deployed, targets={"accounts": [PLAIN, STAGED]})
    assert after.outputs["accounts"] == [PLAIN, STAGED]


def test_several_accounts_at_once_are_refused_each_with_its_reason_and_the_setting_that_confirms(
    deployed: Deployment,
) -> None:
    moved = tuple(replace(one, path=(one.path[0], SANDBOX)) if one.id == NESTED else one for one in ACCOUNTS)
    said = refused(
        deployed,
        Cloud(accounts=moved),
        targets={"organizationalUnits": [members()["targets"]["organizationalUnits"][0]], "excludeAccounts": [STAGED]},
    )
    assert "2 of 3 accounts" in said
    assert f"{NESTED}: it stands in {SANDBOX}, which the targets do not reach" in said
    assert f"{STAGED}: targets.excludeAccounts names it" in said
    assert f'confirmLostAccounts: ["{NESTED}", "{STAGED}"]' in said


def test_an_account_that_is_not_confirmed_keeps_all_from_going(deployed: Deployment) -> None:
    said = refused(deployed, targets={"accounts": [PLAIN]}, confirmLostAccounts=[NESTED])
    assert f"{STAGED}: the targets do not name it any more" in said


def test_confirmed_by_name_they_go(deployed: Deployment) -> None:
    after = again(deployed, targets={"accounts": [PLAIN]}, confirmLostAccounts=[NESTED, STAGED])
    assert after.outputs["accounts"] == [PLAIN]
    assert after.warnings == []


def test_a_confirmation_that_confirms_nothing_is_told(deployed: Deployment) -> None:
    (warning,) = again(deployed, confirmLostAccounts=[NESTED]).warnings
    assert "confirmLostAccounts" in warning
    assert NESTED in warning


@pytest.mark.parametrize("state", ["SUSPENDED", "CLOSED"])
def test_an_account_that_nobody_can_enter_is_refused_with_its_role_and_the_remedy(
    deployed: Deployment, state: str
) -> None:
    shut = tuple(replace(one, state=state) if one.id == NESTED else one for one in ACCOUNTS)
    said = refused(deployed, Cloud(accounts=shut))
    assert f"{NESTED}: its state is {state}" in said
    assert "role palisade-deployment" in said
    assert f"palisade rollout --stack test --forget {NESTED}" in said


def test_accounts_that_are_closed_and_that_moved_at_once_are_told_together_each_with_its_remedy(
    deployed: Deployment,
) -> None:
    closed = tuple(replace(one, state="CLOSED") if one.id == NESTED else one for one in ACCOUNTS)
    said = refused(deployed, Cloud(accounts=closed), targets={"accounts": [PLAIN]})
    assert f"{NESTED}: its state is CLOSED" in said
    assert f'confirmLostAccounts: ["{STAGED}"]' in said
    assert f"--forget {NESTED}`" in said


def test_an_account_that_left_the_organization_is_refused_with_the_remedy(deployed: Deployment) -> None:
    said = refused(deployed, Cloud(accounts=tuple(one for one in ACCOUNTS if one.id != NESTED)))
    assert f"{NESTED}: it left the organization" in said
    assert f"--forget {NESTED}" in said


def test_an_account_that_is_closing_goes_with_a_warning(deployed: Deployment) -> None:
    closing = tuple(replace(one, state="PENDING_CLOSURE") if one.id == NESTED else one for one in ACCOUNTS)
    (warning,) = again(deployed, Cloud(accounts=closing)).warnings
    assert f"account {NESTED} is closing" in warning
    assert f"--forget {NESTED}" in warning


@pytest.mark.parametrize(("gone", "standing", "many"), [(1, 1, False), (2, 19, True), (2, 20, False), (3, 29, True)])
def test_many_is_more_than_one_and_more_than_a_tenth(gone: int, standing: int, many: bool) -> None:
    accounts = [Lost(f"{number:012}", "gone") for number in range(gone)]
    if many:
        with pytest.raises(LostAccountsError):
            refuse_lost(accounts, standing, (), "role", "stack")
    else:
        refuse_lost(accounts, standing, (), "role", "stack")
