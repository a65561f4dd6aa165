"""Reads the organization's tree by the provider's data sources: management account or delegated administrator."""

from __future__ import annotations

import pulumi
import pulumi_aws as aws

from stacks.targets import Account, Organization

PENDING = "UNKNOWN"


def fetch(options: pulumi.InvokeOptions) -> Organization:
    """Return the organization: its roots, units at every depth, and accounts with their paths."""
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
