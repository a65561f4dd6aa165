"""The world that the services share: clock, agenda, accounts, the front door."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar, cast

from botocore.session import get_session

from simulator.agenda import Agenda
from simulator.call import Caller

if TYPE_CHECKING:
    from simulator.door import FrontDoor
    from simulator.service import Service

ServiceType = TypeVar("ServiceType", bound="Service")

PARTITIONS = (
    ("us-gov-", "aws-us-gov"),
    ("cn-", "aws-cn"),
    ("us-isob-", "aws-iso-b"),
    ("us-isof-", "aws-iso-f"),
    ("us-iso-", "aws-iso"),
    ("eu-isoe-", "aws-iso-e"),
    ("eusc-", "aws-eusc"),
)


def partition_of(region: str) -> str:
    """Return the partition that a Region belongs to."""
    return next((partition for start, partition in PARTITIONS if region.startswith(start)), "aws")


@cache
def dns_suffix_of(region: str) -> str:
    """Return the domain of a Region's endpoints, as botocore's partitions have it."""
    resolver = get_session().get_component("endpoint_resolver")
    return str(resolver.get_partition_dns_suffix(partition_of(region)))


@dataclass(slots=True)
class Account:
    """One account of the organisation; `path` holds the ids from the root down to its organizational unit."""

    id: str
    name: str
    kind: str  # "management", "hub", "member", "standalone"
    path: tuple[str, ...] = ()
    state: str = "ACTIVE"  # "PENDING_CLOSURE", "CLOSED"
    email: str = ""


@dataclass(slots=True)
class World:
    """Everything that a service may reach. Only the owner thread touches it.

    `accounts` are the organization's; `standalone` are those that have not joined it, or have left it.
    """

    agenda: Agenda
    home_region: str
    regions: tuple[str, ...]
    organization_id: str = ""
    management: str = ""
    accounts: dict[str, Account] = field(default_factory=dict)
    standalone: dict[str, Account] = field(default_factory=dict)
    services: dict[str, Service] = field(default_factory=dict)
    door: FrontDoor = field(init=False)

    @property
    def partition(self) -> str:
        """The partition of this organisation."""
        return partition_of(self.home_region)

    def known_accounts(self) -> tuple[str, ...]:
        """The ids of all accounts, in the organization or not."""
        return (*self.accounts, *self.standalone)

    def is_closed(self, account: str) -> bool:
        """Whether an account was closed, so that nobody can use it."""
        known = self.accounts.get(account) or self.standalone.get(account)
        return known is not None and known.state == "CLOSED"

    def service(self, kind: type[ServiceType]) -> ServiceType:
        """Return the one service of this class."""
        return cast("ServiceType", self.services[kind.name])

    def call(
        self,
        caller: Caller,
        service: str,
        operation: str,
        parameters: Mapping[str, Any],
        *,
        region: str,
        account: str | None = None,
    ) -> dict[str, Any]:
        """Make an API call inside the simulator, by the front door like any other; raises ServiceError."""
        return self.door.forward(caller, service, operation, dict(parameters), region=region, account=account)

    def as_service(self, principal: str, *, account: str, arn: str | None = None) -> Caller:
        """Return an AWS service as caller, on behalf of one account's resource (`arn`)."""
        return Caller(
            arn=principal,
            account=account,
            kind="service",
            service=principal,
            source_account=account,
            source_arn=arn,
            source_org=self.organization_id or None,
        )
