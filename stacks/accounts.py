"""Reads the organization's tree by the provider's data sources: management account or delegated administrator."""

from __future__ import annotations

import pulumi
import pulumi_aws as aws

from stacks.entries import reason
from stacks.targets import Account, Organization

PENDING = "UNKNOWN"


class UnreadableError(pulumi.RunError):
    """The organization cannot be read: by whom, AWS's reason, and what to do."""


def fetch(provider: aws.Provider, reader: str) -> Organization:
    """Return the organization: its roots, units at every depth, and accounts with their paths.

    Raises UnreadableError, which names the `reader`.
    """
    try:
        return _fetched(pulumi.InvokeOptions(provider=provider))
    except Exception as error:
        raise UnreadableError(
            f"the organization cannot be read by {reader}: {reason(error)}\ndeploy the security stack first: it makes "
            "the hub a delegated administrator; managementRole is the role of stacks/bootstrap.json as it is now"
        ) from error


def _fetched(options: pulumi.InvokeOptions) -> Organization:
    organization = aws.organizations.get_organization(opts=options)
    units: set[str] = set()
    accounts: dict[str, Account] = {}
    waiting: list[tuple[str, ...]] = [(root.id,) for root in organization.roots]
    while waiting:
        path = waiting.pop(0)
        units.add(path[-1])
        for child in aws.organizations.get_organizational_unit_child_accounts(
            parent_id=path[-1], opts=options
        ).accounts:
            accounts[child.id] = Account(child.id, child.name, child.state or PENDING, path)
        below = aws.organizations.get_organizational_units(parent_id=path[-1], opts=options).children
        waiting += [(*path, unit.id) for unit in below]
    return Organization(
        id=organization.id,
        root=organization.roots[0].id,
        management=organization.master_account_id,
        units=frozenset(units),
        accounts=accounts,
    )
