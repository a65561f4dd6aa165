"""Which accounts a member stack deploys to, with the semantics of CloudFormation StackSets.

Source: CloudFormation User Guide, "Account level targets for service-managed StackSets"; Organizations
API Reference, Account `State`. Units count with everything below them; accounts that are not ACTIVE and the
management account are never targets. Beyond StackSets: a target must be of the stack's own environment, for
the hub ignores the policy of any other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from pulumi import RunError

AccountFilter = Literal["none", "union", "intersection", "difference"]


class TargetsError(RunError):
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

    id: str
    root: str
    management: str
    units: frozenset[str]
    accounts: Mapping[str, Account]


@dataclass(frozen=True, slots=True)
class Selection:
    """What the settings ask for.

    `environments` maps units and accounts to the environment that the settings give them; `named` are
    units and accounts that the settings name elsewhere, by the place where they do.
    """

    organizational_units: Sequence[str] = ()
    accounts: Sequence[str] = ()
    account_filter: AccountFilter = "none"
    exclude_accounts: Sequence[str] = ()
    environment: str = ""
    environments: Mapping[str, str] = field(default_factory=dict)
    named: Mapping[str, Sequence[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Target:
    """An account to deploy to, with the ids from the root down to its unit."""

    account: str
    name: str
    path: tuple[str, ...] = field(default=())


def environment_of(account: Account, environments: Mapping[str, str]) -> str | None:
    """The environment of an account: by its own name, else by the nearest unit above it; None where none is given."""
    return next((environments[one] for one in (account.id, *reversed(account.path)) if one in environments), None)


def same_organization(organization: Organization, *, id: str, management: str) -> None:
    """Refuse settings of another organization: roles that trust it would admit nobody, or strangers."""
    wrong = [
        f"{key}: the settings say {set_to}, and the organization of these credentials has {actual}"
        for key, set_to, actual in (
            ("organizationId", id, organization.id),
            ("managementAccount", management, organization.management),
        )
        if set_to != actual
    ]
    if wrong:
        raise TargetsError("\n".join(wrong))


def all_known(named: Mapping[str, Sequence[str]], organization: Organization) -> None:
    """Refuse units and accounts that the organization does not have, in one message that says where they are named."""
    wrong = [
        f"{place}: the organization has no {'account' if one.isdigit() else 'organizational unit'} {one}"
        for place, ids in named.items()
        for one in ids
        if one not in organization.units and one not in organization.accounts
    ]
    if wrong:
        raise TargetsError("\n".join([*wrong, "see `aws organizations list-accounts` and `list-roots`"]))


def resolve(selection: Selection, organization: Organization) -> tuple[Target, ...]:
    """Find the target accounts, ordered by id.

    Raises TargetsError for names that the organization does not have, for accounts of no or another
    environment, and where no account is left.
    """
    all_known(
        {
            "targets.organizationalUnits": selection.organizational_units,
            "targets.accounts": selection.accounts,
            "targets.excludeAccounts": selection.exclude_accounts,
            **selection.named,
        },
        organization,
    )
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
    active = [organization.accounts[one] for one in sorted(chosen) if organization.accounts[one].state == "ACTIVE"]
    if not active:
        raise TargetsError(
            "targets: no active account is left to deploy to; name organizational units or accounts that hold "
            f"active members (of {len(chosen)} chosen accounts none is ACTIVE; the management account never counts)"
        )
    _own_environment(selection, active)
    return tuple(Target(one.id, one.name, one.path) for one in active)


def _own_environment(selection: Selection, accounts: Sequence[Account]) -> None:
    foreign = [
        (account, found)
        for account in accounts
        if (found := environment_of(account, selection.environments)) != selection.environment
    ]
    if foreign:
        listed = "\n".join(
            f"  - {account.id} ({account.name}) is in {f'environment {found}' if found else 'no environment'}"
            for account, found in foreign
        )
        raise TargetsError(
            f"targets: accounts that are not in this stack's environment {selection.environment}, whose policy the "
            f"hub would ignore; add their unit to environments.{selection.environment}, or exclude them:\n{listed}"
        )
