"""What the account's environment allows: its policy item, and which environment an account is in.

An item counts only from the environment that the hub's own settings give the account: a deployer
of one environment cannot write another's, and an item that it invents is never read.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from fnmatch import fnmatchcase
from typing import Any

from botocore.exceptions import ClientError

from lambdas.controls.model import Ceiling, Control, Mode, Plan, Resource
from lambdas.remediation.windows import Window
from lambdas.schemas import POLICY_ITEM, readable, told

FRESH_SECONDS = 60
# How long people have to answer where the settings say nothing.
OPEN_DAYS = 7


# What Organizations says of an account that is not a member.
STRANGER = "ChildNotFoundException"


class PolicyError(Exception):
    """A policy item that this version cannot read, or that is not about its own account."""


class StrangerError(Exception):
    """The account is not in this organization."""


@dataclass(frozen=True, slots=True)
class Exemption:
    """A resource that a control leaves alone for a time, with who answers for it."""

    control: str
    reason: str
    owner: str
    expires: date
    resource: str | None = None
    tag: str | None = None

    def covers(self, control: Control, resource: Resource, tags: Mapping[str, str], today: date) -> bool:
        """Whether the exemption is in force and meets this control and resource."""
        if self.expires < today or self.control not in ("*", control.id):
            return False
        if self.resource is not None and not fnmatchcase(resource.arn, self.resource):
            return False
        if self.tag is not None:
            key, _, value = self.tag.partition("=")
            return tags.get(key) == value
        return self.resource is not None

    @property
    def said(self) -> str:
        """How the ledger gives it as a reason."""
        return f"{self.reason} ({self.owner}, until {self.expires})"


@dataclass(frozen=True, slots=True)
class AccountPolicy:
    """The policy of one account."""

    environment: str
    account: str
    owner_tag: str
    modes: Mapping[str, Mode]
    lifted: frozenset[str]
    parameters: Mapping[str, Mapping[str, Any]]
    exemptions: tuple[Exemption, ...]
    windows: tuple[Window, ...] = ()
    managed_by_code: Mode = Mode.AUTOMATIC

    @classmethod
    def parse(cls, item: Mapping[str, Any]) -> AccountPolicy:
        """Read a policy item; raises PolicyError where its schema is another."""
        if item["schema"]["N"] not in map(str, readable(POLICY_ITEM)):
            raise PolicyError(
                f"the policy item has schema {item['schema']['N']}; this version reads {told(POLICY_ITEM)}"
            )
        document = json.loads(item["document"]["S"])
        return cls(
            environment=document["environment"],
            account=document["account"],
            owner_tag=document["owner_tag"],
            modes={control: Mode(mode) for control, mode in document["modes"].items()},
            lifted=frozenset(document["lifted"]),
            parameters=document["parameters"],
            exemptions=tuple(
                Exemption(**{**one, "expires": date.fromisoformat(one["expires"])}) for one in document["exemptions"]
            ),
            windows=tuple(Window.parse(one) for one in document.get("windows", ())),
            managed_by_code=Mode(document.get("managed_by_code", Mode.AUTOMATIC)),
        )

    def mode(self, control: Control) -> Mode:
        """The mode of a control in this account; where nothing is set, people are told."""
        return self.modes.get(control.id, Mode.NOTIFY)

    def limit(self, control: Control, plan: Plan | None = None, managers: Sequence[str] = ()) -> tuple[Mode, list[str]]:
        """Return the weakest of mode, ceilings and what code manages, and the reasons that lowered it."""
        mode = self.mode(control)
        reasons = []
        ceilings: list[Ceiling] = [plan.ceiling] if plan is not None and plan.ceiling else []
        if control.ceiling.firm or control.id not in self.lifted:
            ceilings.insert(0, control.ceiling)
        for ceiling in ceilings:
            if ceiling.mode.strength < mode.strength:
                mode = ceiling.mode
                reasons.append(ceiling.reason)
        if managers and mode is Mode.AUTOMATIC and self.managed_by_code.strength < mode.strength:
            mode = self.managed_by_code
            reasons.append(f"it is managed by {', '.join(managers)}")
        return mode, reasons

    def exemption(self, control: Control, resource: Resource, tags: Mapping[str, str]) -> Exemption | None:
        """Return the exemption that covers a resource, if any; expired ones no longer exempt."""
        today = datetime.now(UTC).date()
        return next((one for one in self.exemptions if one.covers(control, resource, tags, today)), None)


def stored(dynamodb: Any, table: str, environment: str, account: str) -> AccountPolicy | None:
    """Read an account's policy as an environment's deployment wrote it, or None; PolicyError where it is wrong."""
    key = {"environment": {"S": environment}, "account": {"S": account}}
    item = dynamodb.get_item(TableName=table, Key=key, ConsistentRead=True).get("Item")
    policy = AccountPolicy.parse(item) if item else None
    if policy is not None and (policy.environment, policy.account) != (environment, account):
        raise PolicyError(f"the policy item of {account} in {environment} is about another account")
    return policy


@dataclass
class Policies:
    """The policies of all accounts, each kept for a minute."""

    dynamodb: Any
    organizations: Any
    table: str
    environments: Mapping[str, Mapping[str, Any]]
    _known: dict[str, tuple[float, AccountPolicy | None]] = field(default_factory=dict)
    _environment: dict[str, tuple[float, str | None]] = field(default_factory=dict)

    def of(self, account: str) -> AccountPolicy | None:
        """Return an account's policy, or None where it has none: then nothing is done."""
        fetched, policy = self._known.get(account, (0.0, None))
        if time.time() - fetched < FRESH_SECONDS:
            return policy
        environment = self._environment_of(account)
        policy = None if environment is None else stored(self.dynamodb, self.table, environment, account)
        self._known[account] = (time.time(), policy)
        return policy

    def approval_days(self, environment: str) -> int:
        """How many days people of an environment have to answer."""
        days: int = self.environments.get(environment, {}).get("approval_days", OPEN_DAYS)
        return days

    def _environment_of(self, account: str) -> str | None:
        """Find the environment of an account: named itself, else by the nearest organizational unit above it."""
        fetched, environment = self._environment.get(account, (0.0, None))
        if time.time() - fetched < FRESH_SECONDS:
            return environment
        environment = next(
            (name for name, targets in self.environments.items() if account in targets.get("accounts", ())), None
        )
        child = account
        while environment is None:
            parent = self._parent(child)
            child = parent["Id"]
            environment = next(
                (
                    name
                    for name, targets in self.environments.items()
                    if child in targets.get("organizational_units", ())
                ),
                None,
            )
            if parent["Type"] == "ROOT":
                break
        self._environment[account] = (time.time(), environment)
        return environment

    def _parent(self, child: str) -> Mapping[str, Any]:
        try:
            parents: list[Mapping[str, Any]] = self.organizations.list_parents(ChildId=child)["Parents"]
        except ClientError as error:
            if error.response["Error"]["Code"] != STRANGER:
                raise
            raise StrangerError(f"{child} is not in this organization") from error
        return parents[0]
