"""The founding of the local organisation: its accounts, units and the ids that they have for ever."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

from moto.backends import get_backend
from moto.core import DEFAULT_ACCOUNT_ID
from moto.moto_api._internal import mock_random
from moto.organizations import utils as moto_ids

from simulator.services.organizations import ACCESS_ROLE, give_access
from simulator.world import Account, World

ACCOUNT = re.compile(r"^\d{12}$")


@dataclass(frozen=True, slots=True)
class PlannedAccount:
    """An account to create: `unit` holds the names of its units from the root down.

    `kind` is hub, member or standalone: an account that exists outside the organization, to be invited.
    """

    id: str
    name: str
    kind: str = "member"
    unit: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class OrganizationPlan:
    """An organisation to found. The hub stands among the accounts; the management account does not."""

    management: str
    hub: str
    accounts: tuple[PlannedAccount, ...]
    management_name: str = "management"

    def __post_init__(self) -> None:
        ids = [self.management, *(account.id for account in self.accounts)]
        for account in ids:
            if not ACCOUNT.match(account):
                raise ValueError(f"account {account!r}: an account id has 12 digits")
            if account == DEFAULT_ACCOUNT_ID:
                raise ValueError(f"account {account} is where calls without known credentials would end; take another")
            if ids.count(account) > 1:
                raise ValueError(f"account {account} is planned more than once")
        for planned in self.accounts:
            if planned.kind == "standalone" and planned.unit:
                raise ValueError(f"account {planned.id}: a standalone account has no unit")
        if [account.id for account in self.accounts if account.kind == "hub"] != [self.hub]:
            raise ValueError(f"exactly the account {self.hub!r} must be planned as hub")


def found(world: World, plan: OrganizationPlan) -> None:
    """Create the organisation in moto's management account and enter its accounts in the world.

    Every id depends on the plan alone. Created accounts have the role OrganizationAccountAccessRole,
    the management account and standalone ones have none.
    """
    partition = world.partition
    backend = get_backend("organizations")[plan.management][partition]
    with _ids(plan.management, plan.management):
        # moto makes the access role in the management account too; Organizations does not.
        organization = backend.create_organization(region=world.home_region, FeatureSet="ALL")["Organization"]
    get_backend("iam")[plan.management]["global"].delete_role(ACCESS_ROLE)
    backend.accounts[0].name = plan.management_name
    root = backend.list_roots()["Roots"][0]["Id"]
    world.organization_id, world.management = organization["Id"], plan.management
    world.accounts[plan.management] = Account(plan.management, plan.management_name, "management", (root,))
    units: dict[tuple[str, ...], str] = {(): root}
    for planned in plan.accounts:
        email = f"aws-{planned.id}@example.com"
        if planned.kind == "standalone":
            world.standalone[planned.id] = Account(planned.id, planned.name, planned.kind, email=email)
            continue
        path = tuple(_unit(backend, units, planned.unit[:depth]) for depth in range(len(planned.unit) + 1))
        with _ids(planned.id, planned.id):
            backend.create_account(AccountName=planned.name, Email=email)
        if path[-1] != root:
            backend.move_account(AccountId=planned.id, SourceParentId=root, DestinationParentId=path[-1])
        give_access(planned.id, plan.management, partition)
        world.accounts[planned.id] = Account(planned.id, planned.name, planned.kind, path, email=email)


def _unit(backend: Any, units: dict[tuple[str, ...], str], names: tuple[str, ...]) -> str:
    if names not in units:
        with _ids("/".join((backend.org.id, *names))):
            unit = backend.create_organizational_unit(Name=names[-1], ParentId=units[names[:-1]])
        units[names] = unit["OrganizationalUnit"]["Id"]
    return units[names]


@contextmanager
def _ids(seed: str, account: str | None = None) -> Iterator[None]:
    """Let moto take its ids from a seed, and a new account the id that was planned."""
    mock_random.seed(int.from_bytes(hashlib.blake2b(seed.encode(), digest_size=8).digest()))
    if account is None:
        yield
        return
    with patch.object(moto_ids, "make_random_account_id", lambda: account):
        yield
