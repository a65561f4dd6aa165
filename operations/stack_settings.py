"""A stack's settings and accounts outside the engine: what `pulumi up -s NAME` would read, by plain boto3."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from lambdas.controls import catalog
from operations.account_access import FAILURES, Access, AccessError, open_access, said
from stacks.settings import PROJECT, Settings, SettingsError, load
from stacks.settings_model import known_regions
from stacks.targets import Account, Organization, Target, TargetsError, resolve, same_organization

STACKS = Path(__file__).resolve().parent.parent / "stacks"
PENDING = "UNKNOWN"
# Organizations' words for an account that is in no organization.
NONE = "AWSOrganizationsNotInUseException"
NO_STACK = "explicit"


class StackError(Exception):
    """The stack or the places that were named cannot be looked at; the message is for people."""


@dataclass(frozen=True, slots=True)
class Subject:
    """What is looked at: the settings, the accounts and Regions, and who looks.

    `stack` is None where accounts and Regions were named instead: then nothing is known of modes and parameters, and
    defaults apply. `organization` is None for accounts that are in none, and `told` says why where it is not readable.
    """

    settings: Settings
    targets: tuple[Target, ...]
    regions: tuple[str, ...]
    access: Access
    stack: str | None
    organization: Organization | None
    told: str | None = None

    def regions_of(self, account: str) -> tuple[str, ...]:
        """The Regions of an account that are looked at."""
        return tuple(one for one in self.settings.regions_of(account) if one in self.regions)


def subject_of(stack: str | None, accounts: Sequence[str], regions: Sequence[str], purpose: str) -> Subject:
    """What a command's options name: a stack, narrowed or not, or places without one. Raises StackError."""
    if stack is None:
        return named_places(accounts, regions, purpose)
    return named_stack(stack, accounts, regions, purpose)


def named_stack(stack: str, accounts: Sequence[str], regions: Sequence[str], purpose: str) -> Subject:
    """Read a stack and find its accounts; `accounts` and `regions` narrow them. Raises StackError."""
    settings = read_stack(stack)
    chosen = tuple(regions) or settings.regions
    if foreign := [one for one in chosen if one not in settings.regions]:
        raise StackError(
            f"--regions: stack {stack} does not govern {', '.join(foreign)}; it governs " + _list(settings)
        )
    access = _access(settings.home_region, purpose)
    try:
        organization = read_organization(_organizations(access, settings))
        same_organization(organization, id=settings.organization_id, management=settings.management_account)
        targets = _targets(settings, organization)
    except FAILURES as error:
        raise StackError(
            f"the organization cannot be read by {access.arn}: {said(error)}; use credentials of the management "
            "account, of its managementRole's pipeline, or of the delegated administrator"
        ) from error
    except TargetsError as error:
        raise StackError(f"stack {stack}: {error}") from error
    if strange := [one for one in accounts if one not in {target.account for target in targets}]:
        raise StackError(f"--accounts: stack {stack} does not deploy to {', '.join(strange)}")
    targets = tuple(one for one in targets if not accounts or one.account in accounts)
    return Subject(settings, targets, chosen, access, stack, organization)


def named_places(accounts: Sequence[str], regions: Sequence[str], purpose: str) -> Subject:
    """Look at accounts and Regions without a stack, the home Region first. Raises StackError."""
    if not accounts or not regions:
        raise StackError("name a stack by --stack, or accounts and Regions by --accounts and --regions")
    for one in accounts:
        if not re.fullmatch(r"\d{12}", one):
            raise StackError(f"--accounts: {one!r} is not an account id of 12 digits")
    for one in regions:
        if one not in known_regions():
            raise StackError(f"--regions: {one!r} is not a Region of AWS; accepted are codes such as eu-west-1")
    if len({known_regions()[one] for one in regions}) > 1:
        raise StackError(f"--regions: {', '.join(regions)} span partitions, which no organization does")
    access = _access(regions[0], purpose)
    organization, told = _maybe(access)
    known = organization.accounts if organization else {}
    if organization and (strange := [one for one in accounts if one not in known]):
        raise StackError(f"--accounts: the organization {organization.id} has no account {', '.join(strange)}")
    targets = tuple(
        Target(one, known[one].name if one in known else "", known[one].path if one in known else ())
        for one in dict.fromkeys(accounts)
    )
    settings = _defaults(access, organization, [one.account for one in targets], list(dict.fromkeys(regions)))
    return Subject(settings, targets, settings.regions, access, None, organization, told)


def read_stack(stack: str) -> Settings:
    """Read and check `Pulumi.<stack>.yaml`; raises StackError."""
    path = STACKS / f"Pulumi.{stack}.yaml"
    if not re.fullmatch(r"[A-Za-z0-9._-]+", stack) or not path.is_file():
        there = sorted(one.name.removeprefix("Pulumi.").removesuffix(".yaml") for one in STACKS.glob("Pulumi.*.yaml"))
        raise StackError(f"--stack: there is no stack {stack!r} in {STACKS.name}/; there are {', '.join(there)}")
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise StackError(f"{path.name} cannot be read: {' '.join(str(error).split())}") from error
    config = document.get("config") if isinstance(document, Mapping) else None
    if not isinstance(config, Mapping):
        raise StackError(f"{path.name} has no mapping `config`, which holds the settings")
    own: dict[str, Any] = {}
    for key, value in config.items():
        project, _, name = str(key).partition(":")
        if project == PROJECT:
            if isinstance(value, Mapping) and set(value) == {"secure"}:
                raise StackError(f"{path.name}: {key} is a secret, which only the engine can read")
            own[name] = value
    try:
        return load(own, catalog(), datetime.now(UTC).date())
    except SettingsError as error:
        raise StackError(f"{path.name}: {error}") from error


def read_organization(organizations: Any) -> Organization:
    """Read the organization's tree; raises what the client raises."""
    described = organizations.describe_organization()["Organization"]
    roots = _pages(organizations, "list_roots", "Roots")
    units: set[str] = set()
    accounts: dict[str, Account] = {}
    waiting: list[tuple[str, ...]] = [(root["Id"],) for root in roots]
    while waiting:
        path = waiting.pop(0)
        units.add(path[-1])
        for one in _pages(organizations, "list_accounts_for_parent", "Accounts", ParentId=path[-1]):
            accounts[one["Id"]] = Account(one["Id"], one["Name"], one.get("State", PENDING), path)
        below = _pages(organizations, "list_organizational_units_for_parent", "OrganizationalUnits", ParentId=path[-1])
        waiting += [(*path, unit["Id"]) for unit in below]
    return Organization(
        described["Id"], roots[0]["Id"], described["MasterAccountId"], frozenset(units), dict(sorted(accounts.items()))
    )


def management(access: Access, settings: Settings) -> Any:
    """A session that reads the organization: by the management role where there is one that admits us."""
    if settings.management_role and access.account != settings.management_account:
        try:
            return access.enter_arn(settings.management_role).session(settings.home_region)
        except AccessError:
            # A delegated administrator reads the tree by itself.
            return access.own().session(settings.home_region)
    return access.own().session(settings.home_region)


def _organizations(access: Access, settings: Settings) -> Any:
    return management(access, settings).client("organizations")


def _targets(settings: Settings, organization: Organization) -> tuple[Target, ...]:
    """The accounts of a member stack; for one without members, all that its environments name, and the hub."""
    if "members" in settings.layers:
        return resolve(settings.selection, organization)
    named = {*settings.selection.environments, settings.hub_account}
    chosen = [
        one
        for one in organization.accounts.values()
        if one.state == "ACTIVE" and one.id != organization.management and named & {one.id, *one.path}
    ]
    return tuple(Target(one.id, one.name, one.path) for one in chosen)


def _access(region: str, purpose: str) -> Access:
    try:
        return open_access(region, known_regions()[region], purpose)
    except AccessError as error:
        raise StackError(str(error)) from error


def _maybe(access: Access) -> tuple[Organization | None, str | None]:
    """The organization where there is one that may be read, else the reason."""
    try:
        return read_organization(access.own().session(access.region).client("organizations")), None
    except FAILURES as error:
        return None, said(error)


def _defaults(access: Access, organization: Organization | None, accounts: list[str], regions: list[str]) -> Settings:
    """Settings with every default, for accounts that no stack names; what is not known is empty in them."""
    unknown = next(one for one in ("0" * 12, "9" * 12) if one not in accounts)
    stand_in = f"arn:{access.partition}:iam::{unknown}:role/unknown"
    settings = load(
        {
            "layers": ["organization", "hub", "members"],
            "environment": NO_STACK,
            "organizationId": organization.id if organization else "o-" + "0" * 10,
            "managementAccount": unknown,
            "hubAccount": accounts[0],
            "homeRegion": regions[0],
            "regions": regions,
            "pipelineRole": stand_in,
            "environments": {NO_STACK: {"accounts": accounts}},
            "targets": {"accounts": accounts},
        },
        catalog(),
        datetime.now(UTC).date(),
    )
    return replace(
        settings,
        organization_id=organization.id if organization else "",
        management_account=organization.management if organization else "",
        hub_account="",
        pipeline_role="",
    )


def _list(settings: Settings) -> str:
    return ", ".join(settings.regions)


def _pages(client: Any, operation: str, key: str, **parameters: Any) -> list[Any]:
    return [one for page in client.get_paginator(operation).paginate(**parameters) for one in page[key]]
