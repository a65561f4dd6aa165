"""Who administers whom, and which Regions are linked.

The delegated administrator is designated per Region by the management account; members belong to
it per Region; one finding aggregator links Regions to the home Region. Source: the user guide's
chapters on Organizations and on cross-Region aggregation, and the API reference.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from simulator.call import Call, ServiceError, not_simulated
from simulator.services.organizations import Organizations
from simulator.services.paging import paged
from simulator.services.security_hub_hubs import Hubs, denied, invalid, no_access, not_found, unique
from simulator.world import World, partition_of

PRINCIPAL = "securityhub.amazonaws.com"
MODES = ("ALL_REGIONS", "ALL_REGIONS_EXCEPT_SPECIFIED", "SPECIFIED_REGIONS", "NO_REGIONS")


@dataclass(slots=True)
class Aggregator:
    """The finding aggregator of one account: its Region is the home Region."""

    arn: str
    region: str
    mode: str
    regions: list[str] = field(default_factory=list)

    def response(self) -> dict[str, Any]:
        """Return the aggregator as the API shows it."""
        shown = {
            "FindingAggregatorArn": self.arn,
            "FindingAggregationRegion": self.region,
            "RegionLinkingMode": self.mode,
        }
        return shown | ({"Regions": list(self.regions)} if self.regions else {})


@dataclass(slots=True)
class Member:
    """A member account of an administrator in one Region."""

    account: str
    status: str
    since: datetime
    updated: datetime


class Administration:
    """Delegated administrators, members and finding aggregators."""

    def __init__(self, world: World, hubs: Hubs) -> None:
        self.world = world
        self.hubs = hubs
        self.administrators: dict[str, str] = {}  # Region -> account
        self.aggregators: dict[str, Aggregator] = {}  # account -> its one aggregator
        self.members: dict[tuple[str, str], dict[str, Member]] = {}  # (administrator, Region) -> members
        # Set by the part that knows: whether an administrator configures the organization centrally,
        # and what follows when it links other Regions.
        self.central: Callable[[str], bool] = lambda account: False
        self.relinked: Callable[[str], None] = lambda account: None
        hubs.administers = lambda account, region: self.administrators.get(region) == account
        hubs.disabled.append(self._forget)

    # What the other parts ask.
    def administrator_of(self, account: str, region: str) -> str | None:
        """Return the administrator whose enabled member an account is in a Region."""
        for administrator, where in self.members:
            if where == region and account in self.enabled_members(administrator, where):
                return administrator
        return None

    def enabled_members(self, administrator: str, region: str) -> list[str]:
        """List the enabled members of an administrator in a Region."""
        members = self.members.get((administrator, region), {})
        return [account for account, member in members.items() if member.status == "Enabled"]

    def aggregator_of(self, account: str) -> Aggregator | None:
        """Return the aggregator that holds for an account: a member inherits its administrator's."""
        for administrator, region in self.members:
            if account in self.enabled_members(administrator, region):
                return self.aggregators.get(administrator)
        return self.aggregators.get(account)

    def linked_regions(self, aggregator: Aggregator) -> tuple[str, ...]:
        """List the Regions whose findings an aggregator brings to the home Region."""
        others = tuple(region for region in self.world.regions if region != aggregator.region)
        if aggregator.mode == "ALL_REGIONS":
            return others
        if aggregator.mode == "ALL_REGIONS_EXCEPT_SPECIFIED":
            return tuple(region for region in others if region not in aggregator.regions)
        return tuple(region for region in others if region in aggregator.regions)

    def seen_from(self, account: str, region: str) -> list[tuple[str, str]]:
        """List the accounts and Regions whose findings an account sees in a Region.

        In the home Region linked Regions are included, for administrators and for their members,
        who see their own findings only.
        """
        regions = [region]
        aggregator = self.aggregator_of(account)
        if aggregator is not None and aggregator.region == region:
            regions += self.linked_regions(aggregator)
        return [(owner, where) for where in regions for owner in (account, *self.enabled_members(account, where))]

    def seen_in(self, account: str, region: str) -> list[tuple[str, str]]:
        """List the accounts and Regions where a finding of an account and Region is seen, its own first."""
        viewers = [account]
        administrator = self.administrator_of(account, region)
        if administrator is not None:
            viewers.append(administrator)
        places = [(viewer, region) for viewer in viewers]
        aggregator = self.aggregator_of(account)
        if aggregator is not None and region in self.linked_regions(aggregator):
            places += [(viewer, aggregator.region) for viewer in viewers]
        return [place for place in places if self.hubs.on(*place)]

    def join(self, administrator: str, account: str, region: str) -> None:
        """Make an account of the organization a member; it needs no invitation."""
        if account != administrator and account not in self.enabled_members(administrator, region):
            now = self.world.agenda.now()
            self.members.setdefault((administrator, region), {})[account] = Member(account, "Enabled", now, now)

    def require_administrator(self, call: Call) -> None:
        """Refuse an account that does not administer the organization in this Region."""
        self.hubs.require(call)
        if self.administrators.get(call.region) != call.account:
            raise no_access(f"Account {call.account} is not an administrator for this organization")

    def deregistered(self) -> None:
        """Forget administrators that Organizations no longer has: that removes them in every Region."""
        registered = self.world.service(Organizations).delegated_administrators(PRINCIPAL)
        for region, account in list(self.administrators.items()):
            if account not in registered:
                self._dismiss(region)

    def left(self, account: str) -> None:
        """Forget a member that left the organization."""
        for members in self.members.values():
            members.pop(account, None)

    def _dismiss(self, region: str) -> None:
        account = self.administrators.pop(region)
        self.members.pop((account, region), None)

    def _forget(self, account: str, region: str) -> None:
        for (_, where), members in self.members.items():
            if where == region:
                members.pop(account, None)

    # Designation, by the management account.
    def enable_organization_admin_account(self, call: Call) -> dict[str, Any]:
        """EnableOrganizationAdminAccount: designates in this Region and registers in Organizations.

        Security Hub is enabled in the designated account in this Region (user guide, "Integrating
        Security Hub with Organizations").
        """
        self._require_management(call)
        account = call.parameters["AdminAccountId"]
        if account not in self.world.accounts or account == self.world.management:
            raise invalid(f"{account} is not a member account of the organization.")
        others = set(self.administrators.values()) - {account}
        if others:
            raise invalid(f"The organization already has the Security Hub administrator {', '.join(sorted(others))}.")
        self._register(call, account)
        self.administrators[call.region] = account
        self.hubs.enable(account, call.region, defaults=True)
        return {"AdminAccountId": account, "Feature": "SecurityHub"}

    def _register(self, call: Call, account: str) -> None:
        # Security Hub calls Organizations on behalf of the caller, who needs the permissions.
        forwarded = replace(call.caller, via=PRINCIPAL)
        parameters = {"ServicePrincipal": PRINCIPAL}
        self.world.call(forwarded, "organizations", "EnableAWSServiceAccess", parameters, region=call.region)
        try:
            self.world.call(
                forwarded,
                "organizations",
                "RegisterDelegatedAdministrator",
                parameters | {"AccountId": account},
                region=call.region,
            )
        except ServiceError as error:
            if error.code != "AccountAlreadyRegisteredException":
                raise

    def disable_organization_admin_account(self, call: Call) -> dict[str, Any]:
        """DisableOrganizationAdminAccount: in this Region; the registration in Organizations stays."""
        self._require_management(call)
        account = call.parameters["AdminAccountId"]
        if self.administrators.get(call.region) != account:
            raise invalid(f"{account} is not the Security Hub administrator in {call.region}.")
        if self.central(account):
            raise denied("The administrator of an organization that uses central configuration cannot be removed here.")
        self._dismiss(call.region)
        return {}

    def list_organization_admin_accounts(self, call: Call) -> dict[str, Any]:
        """ListOrganizationAdminAccounts, in this Region."""
        self._require_management(call)
        account = self.administrators.get(call.region)
        accounts = [] if account is None else [{"AccountId": account, "Status": "ENABLED"}]
        return paged("AdminAccounts", accounts, call.parameters, size=10, largest=10) | {"Feature": "SecurityHub"}

    def _require_management(self, call: Call) -> None:
        if call.account != self.world.management:
            raise no_access(f"Account {call.account} is not the management account of an organization")
        if call.parameters.get("Feature", "SecurityHub") != "SecurityHub":
            raise not_simulated("Security Hub V2")

    # Finding aggregators.
    def create_finding_aggregator(self, call: Call) -> dict[str, Any]:
        """CreateFindingAggregator: one per account; this Region becomes the home Region."""
        self.hubs.require(call)
        if self._is_member(call.account):
            # Code, message and status as nozaq/terraform-aws-secure-baseline#254 shows them.
            raise ServiceError(
                "InvalidInputException", "A finding aggregator cannot be created by a member account.", 401
            )
        if call.account in self.aggregators:
            raise invalid(f"A finding aggregator already exists: {self.aggregators[call.account].arn}")
        mode, regions = self._linking(call)
        partition = partition_of(call.region)
        arn = f"arn:{partition}:securityhub:{call.region}:{call.account}:finding-aggregator/" + unique(
            "finding-aggregator", call.account, call.region
        )
        self.aggregators[call.account] = Aggregator(arn, call.region, mode, regions)
        return self.aggregators[call.account].response()

    def get_finding_aggregator(self, call: Call) -> dict[str, Any]:
        """GetFindingAggregator, from any Region."""
        return self._aggregator(call).response()

    def list_finding_aggregators(self, call: Call) -> dict[str, Any]:
        """ListFindingAggregators, from any Region."""
        self.hubs.require(call)
        aggregator = self.aggregator_of(call.account)
        found = [] if aggregator is None else [{"FindingAggregatorArn": aggregator.arn}]
        return paged("FindingAggregators", found, call.parameters)

    def update_finding_aggregator(self, call: Call) -> dict[str, Any]:
        """UpdateFindingAggregator, from the home Region only."""
        aggregator = self._aggregator(call, home=True)
        aggregator.mode, aggregator.regions = self._linking(call)
        self.relinked(call.account)
        return aggregator.response()

    def delete_finding_aggregator(self, call: Call) -> dict[str, Any]:
        """DeleteFindingAggregator, from the home Region, once central configuration has ended."""
        self._aggregator(call, home=True)
        if self.central(call.account):
            raise invalid("Change the organization to local configuration before you delete the finding aggregator.")
        del self.aggregators[call.account]
        return {}

    def _aggregator(self, call: Call, *, home: bool = False) -> Aggregator:
        self.hubs.require(call)
        aggregator = self.aggregators.get(call.account) if home else self.aggregator_of(call.account)
        if aggregator is None or aggregator.arn != call.parameters["FindingAggregatorArn"]:
            raise not_found(f"{call.parameters['FindingAggregatorArn']} not found")
        if home and aggregator.region != call.region:
            raise invalid(f"The finding aggregator can be changed in its home Region {aggregator.region} only.")
        return aggregator

    def _is_member(self, account: str) -> bool:
        return any(account in self.enabled_members(*key) for key in self.members)

    def _linking(self, call: Call) -> tuple[str, list[str]]:
        mode, regions = call.parameters["RegionLinkingMode"], list(call.parameters.get("Regions") or ())
        if mode not in MODES:
            raise invalid(f"RegionLinkingMode {mode!r} is none of {', '.join(MODES)}.")
        if mode == "NO_REGIONS" and regions:
            raise invalid("Regions must be left out when RegionLinkingMode is NO_REGIONS.")
        if mode in ("SPECIFIED_REGIONS", "ALL_REGIONS_EXCEPT_SPECIFIED") and not regions:
            raise invalid(f"Regions must be given when RegionLinkingMode is {mode}.")
        return mode, [] if mode == "ALL_REGIONS" else regions
