"""A small organisation for tests of Security Hub and Organizations: the real door, moto, a recording event bus."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, cast
from unittest.mock import patch

from moto import mock_aws
from moto.core.exceptions import ServiceException

from simulator.agenda import Agenda
from simulator.call import Call, Caller
from simulator.door import FrontDoor
from simulator.founding import OrganizationPlan, PlannedAccount, found
from simulator.service import Service
from simulator.services.organizations import Organizations
from simulator.services.security_hub import SecurityHub
from simulator.wire import Wire
from simulator.world import World

MANAGEMENT = "100000000001"
HUB = "100000000002"
ALPHA = "100000000003"
BETA = "100000000004"
HOME = "eu-west-1"
LINKED = "eu-central-1"
OTHER = "us-east-1"
START = datetime(2026, 3, 1, 12, tzinfo=UTC)
PLAN = OrganizationPlan(
    management=MANAGEMENT,
    hub=HUB,
    accounts=(
        PlannedAccount(HUB, "security", "hub", ("Security",)),
        PlannedAccount(ALPHA, "alpha", unit=("Workloads", "Production")),
        PlannedAccount(BETA, "beta", unit=("Workloads",)),
    ),
)
FSBP = f"arn:aws:securityhub:{HOME}::standards/aws-foundational-security-best-practices/v/1.0.0"


def wire_error(code: str, message: str) -> Any:
    """Make an error for moto's serializers, whose model they do not look up by the error's module."""
    error = ServiceException(code, message)
    error.__module__ = __name__
    return error


class StillClock:
    """A clock that only the agenda moves."""

    def __init__(self) -> None:
        self.moment = START

    def now(self) -> datetime:
        return self.moment

    def forward(self, moment: datetime) -> None:
        self.moment = max(self.moment, moment)


class Everyone:
    """Identities and authorizer in one: an access key is an account id, and all is allowed."""

    def caller(self, key: str) -> Caller:
        return Caller(f"arn:aws:iam::{key}:root", key, "root")

    def authorize(self, call: Call) -> None:
        return None


class Bus(Service):
    """EventBridge as services see it: keeps what they emit."""

    name = "events"

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.emitted: list[dict[str, Any]] = []

    def emit(
        self,
        account: str,
        region: str,
        source: str,
        detail_type: str,
        detail: Mapping[str, Any],
        resources: tuple[str, ...] = (),
    ) -> None:
        self.emitted.append(
            {
                "account": account,
                "region": region,
                "source": source,
                "detail-type": detail_type,
                "detail": copy.deepcopy(dict(detail)),
                "resources": resources,
            }
        )


@dataclass
class Place:
    """The organisation, and short ways to call it."""

    world: World

    @property
    def hub(self) -> SecurityHub:
        return self.world.service(SecurityHub)

    @property
    def bus(self) -> Bus:
        return self.world.service(Bus)

    def ask(self, operation: str, account: str = HUB, region: str = HOME, /, **parameters: Any) -> dict[str, Any]:
        """Call Security Hub over HTTP."""
        return self.call("securityhub", operation, account, region, parameters)

    def organizations(self, operation: str, account: str = MANAGEMENT, /, **parameters: Any) -> dict[str, Any]:
        """Call Organizations over HTTP."""
        return self.call("organizations", operation, account, "us-east-1", parameters)

    def call(
        self, service: str, operation: str, account: str, region: str, parameters: dict[str, Any]
    ) -> dict[str, Any]:
        wire = Wire.named(service, operation)
        request = wire.encode(parameters, region)
        scope = f"{account}/20260301/{region}/{service}/aws4_request"
        request.environ["HTTP_AUTHORIZATION"] = f"AWS4-HMAC-SHA256 Credential={scope}"
        return wire.decode(self.world.door.handle(request))

    def pass_time(self, **duration: float) -> None:
        self.world.agenda.advance(timedelta(**duration))

    def now(self) -> str:
        return self.world.agenda.now().strftime("%Y-%m-%dT%H:%M:%SZ")

    def unit(self, name: str) -> str:
        units = self.world.service(Organizations).backend().ou
        return str(next(unit.id for unit in units if unit.name == name))

    def found(self, account: str = HUB, region: str = HOME, /, **filters: Any) -> list[dict[str, Any]]:
        return list(self.ask("GetFindings", account, region, Filters=filters)["Findings"])

    def one(self, account: str = HUB, region: str = HOME, /, identifier: str = "finding-1") -> dict[str, Any]:
        (finding,) = self.found(account, region, Id=[{"Value": identifier, "Comparison": "EQUALS"}])
        return finding

    def bring(self, account: str = ALPHA, region: str = HOME, /, **fields: Any) -> dict[str, Any]:
        """Import one finding, later than any before."""
        self.pass_time(seconds=1)
        return self.ask("BatchImportFindings", account, region, Findings=[self.draft(account, region, **fields)])

    def draft(self, account: str = ALPHA, region: str = HOME, /, **fields: Any) -> dict[str, Any]:
        draft = {
            "SchemaVersion": "2018-10-08",
            "Id": "finding-1",
            "ProductArn": product(account, region),
            "GeneratorId": "palisade/EC2.13",
            "AwsAccountId": account,
            "CreatedAt": "2026-03-01T11:00:00Z",
            "UpdatedAt": self.now(),
            "Title": "Security groups do not allow SSH from anywhere",
            "Description": "Port 22 is open to the world.",
            "Resources": [{"Type": "AwsEc2SecurityGroup", "Id": f"arn:aws:ec2:{region}:{account}:security-group/sg-1"}],
            "Compliance": {"Status": "FAILED"},
            "FindingProviderFields": {"Severity": {"Label": "HIGH"}, "Types": ["Software and Configuration Checks"]},
        } | fields
        return {name: value for name, value in draft.items() if value is not None}

    def set(self, account: str = HUB, region: str = HOME, /, **change: Any) -> dict[str, Any]:
        """Update the finding that `bring` makes in ALPHA's home Region."""
        identifiers = [{"Id": "finding-1", "ProductArn": product(ALPHA, HOME)}]
        return self.ask("BatchUpdateFindings", account, region, **{"FindingIdentifiers": identifiers} | change)


def product(account: str, region: str) -> str:
    """The default product of an account and Region."""
    return f"arn:aws:securityhub:{region}:{account}:product/{account}/default"


@contextmanager
def organisation(*regions: str) -> Iterator[Place]:
    """Found the organisation, in other Regions where they are given; Security Hub is not enabled anywhere."""
    with mock_aws(), patch("simulator.wire._error_class", lambda: wire_error):
        known = regions or (HOME, LINKED, OTHER)
        world = World(Agenda(StillClock()), known[0], known)
        everyone = Everyone()
        world.door = FrontDoor(world, cast("Any", everyone), everyone)
        found(world, PLAN)
        world.services = {kind.name: kind(world) for kind in (Organizations, SecurityHub, Bus)}
        yield Place(world)


def administer(place: Place) -> None:
    """Make HUB the administrator at home, with LINKED linked and ALPHA and BETA as members in both."""
    for region in (HOME, LINKED):
        place.ask("EnableOrganizationAdminAccount", MANAGEMENT, region, AdminAccountId=HUB)
        members = [{"AccountId": account} for account in (ALPHA, BETA)]
        place.ask("CreateMembers", HUB, region, AccountDetails=members)
    place.ask("CreateFindingAggregator", RegionLinkingMode="SPECIFIED_REGIONS", Regions=[LINKED])


def centralise(place: Place) -> str:
    """Turn to central configuration; returns the id of a policy that enables FSBP without EC2.13."""
    place.ask("EnableOrganizationAdminAccount", MANAGEMENT, AdminAccountId=HUB)
    place.ask("CreateFindingAggregator", RegionLinkingMode="SPECIFIED_REGIONS", Regions=[LINKED])
    place.ask(
        "UpdateOrganizationConfiguration",
        AutoEnable=False,
        AutoEnableStandards="NONE",
        OrganizationConfiguration={"ConfigurationType": "CENTRAL"},
    )
    place.world.agenda.rest()
    return str(place.ask("CreateConfigurationPolicy", Name="baseline", ConfigurationPolicy=enabling())["Id"])


def enabling(**controls: list[str]) -> dict[str, Any]:
    """Content of a policy that enables Security Hub; by default all controls but EC2.13."""
    return {
        "SecurityHub": {
            "ServiceEnabled": True,
            "EnabledStandardIdentifiers": [FSBP],
            "SecurityControlsConfiguration": controls or {"DisabledSecurityControlIdentifiers": ["EC2.13"]},
        }
    }
