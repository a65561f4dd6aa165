"""Which accounts a member stack deploys to, with the semantics of CloudFormation StackSets.

Source: CloudFormation User Guide, "Account level targets for service-managed StackSets"; Organizations
API Reference, Account `State`. Units count with everything below them; accounts that are not ACTIVE and the
management account are never targets.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

AccountFilter = Literal["none", "union", "intersection", "difference"]


class TargetsError(Exception):
    """The settings lead to targets that cannot be deployed to, with the remedy."""


@dataclass(frozen=True, slots=True)
class Account:
    """An account of the organization; `path` holds the ids from the root down to its unit."""

    id: str
    name: str
    state: str
    path: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Organization:
    """The organization as its API shows it."""

    management: str
    units: frozenset[str]
    accounts: Mapping[str, Account]


@dataclass(frozen=True, slots=True)
class Selection:
    """What the settings ask for."""

    organizational_units: Sequence[str] = ()
    accounts: Sequence[str] = ()
    account_filter: AccountFilter = "none"
    exclude_accounts: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Target:
    """An account to deploy to, with the ids from the root down to its unit."""

    account: str
    name: str
    path: tuple[str, ...] = field(default=())


def resolve(selection: Selection, organization: Organization) -> tuple[Target, ...]:
    """Find the target accounts, ordered by id; raises TargetsError for unknown names and for no target at all."""
    _check(selection, organization)
    in_units = {
        account.id
        for account in organization.accounts.values()
        if set(account.path) & set(selection.organizational_units)
    }
    named = set(selection.accounts)
    chosen = {
        "none": in_units if selection.organizational_units else named,
        "union": in_units | named,
        "intersection": in_units & named,
        "difference": in_units - named,
    }[selection.account_filter]
    chosen -= {*selection.exclude_accounts, organization.management}
    active = [one for one in sorted(chosen) if organization.accounts[one].state == "ACTIVE"]
    if not active:
        raise TargetsError(
            "targets: no active account is left to deploy to; name organizational units or accounts that hold "
            f"active members (of {len(chosen)} chosen accounts none is ACTIVE; the management account never counts)"
        )
    return tuple(Target(one, organization.accounts[one].name, organization.accounts[one].path) for one in active)


def _check(selection: Selection, organization: Organization) -> None:
    wrong = [
        *(f"organizational unit {unit}" for unit in selection.organizational_units if unit not in organization.units),
        *(
            f"account {account}"
            for account in (*selection.accounts, *selection.exclude_accounts)
            if account not in organization.accounts
        ),
    ]
    if wrong:
        raise TargetsError(
            f"targets: the organization has no {', no '.join(wrong)}; see `aws organizations list-roots`"
        )
