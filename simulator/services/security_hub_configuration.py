"""How the organization is configured: locally or centrally, and what central policies bring about.

Policies take effect in the home Region and in every linked Region, never in a part of them. A
target takes its own association, else that of its closest parent; without any it is self-managed.
Source: the user guide's chapters on central configuration.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from simulator.call import Call, ServiceError
from simulator.services.security_hub_administration import Administration
from simulator.services.security_hub_hubs import Hubs, invalid
from simulator.world import World

# AWS promises a day and usually takes minutes. Simulated seconds.
CENTRAL_SECONDS = 60


@dataclass(slots=True)
class Policy:
    """A configuration policy."""

    arn: str
    id: str
    name: str
    description: str | None
    content: dict[str, Any]
    created: datetime
    updated: datetime

    @property
    def settings(self) -> Mapping[str, Any]:
        """What the policy says about Security Hub."""
        settings: Mapping[str, Any] = self.content["SecurityHub"]
        return settings


@dataclass(slots=True)
class Association:
    """What is associated with one target: a policy's id, or self-managed behavior."""

    policy: str
    updated: datetime
    status: str = "PENDING"
    message: str | None = None


@dataclass(slots=True)
class Settings:
    """How one administrator configures the organization. `automatic`: Region -> enable new accounts, standards."""

    kind: str = "LOCAL"
    status: str = "ENABLED"
    automatic: dict[str, tuple[bool, str]] = field(default_factory=dict)
    policies: dict[str, Policy] = field(default_factory=dict)
    associations: dict[str, Association] = field(default_factory=dict)

    @property
    def central(self) -> bool:
        """Whether central configuration is in force."""
        return self.kind == "CENTRAL" and self.status == "ENABLED"


class Configuration:
    """Local and central configuration of the organization."""

    def __init__(self, world: World, hubs: Hubs, administration: Administration) -> None:
        self.world = world
        self.hubs = hubs
        self.administration = administration
        self.settings: dict[str, Settings] = {}  # by administrator
        hubs.governed = self.governs
        administration.central = lambda account: self.settings.get(account, Settings()).kind == "CENTRAL"
        administration.relinked = self._relinked

    # What the other parts ask.
    def governs(self, account: str, region: str) -> bool:
        """Whether a central configuration policy decides over an account in a Region."""
        return any(
            settings.central and self.effective(administrator, account)[0] and region in self.regions(administrator)
            for administrator, settings in self.settings.items()
        )

    def regions(self, administrator: str) -> tuple[str, ...]:
        """List the home Region and the linked Regions of an administrator."""
        aggregator = self.administration.aggregators[administrator]
        return (aggregator.region, *self.administration.linked_regions(aggregator))

    def effective(self, administrator: str, target: str) -> tuple[Policy | None, str | None]:
        """Return the policy that holds for a target, and the target that it was associated with.

        A target without a policy: self-managed by association; neither: self-managed by default.
        """
        settings = self.settings[administrator]
        for place in reversed(self.path(target)):
            association = settings.associations.get(place)
            if association is not None:
                return settings.policies.get(association.policy), place
        return None, None

    def path(self, target: str) -> tuple[str, ...]:
        """Return the ids from the root down to an account, unit or root, itself included."""
        account = self.world.accounts.get(target)
        if account is not None:
            return (*account.path, account.id)
        for known in self.world.accounts.values():
            if target in known.path:
                return known.path[: known.path.index(target) + 1]
        return (target,)

    def organization_changed(self, account: str, change: str) -> None:
        """Follow an account of the organization that joined, moved or was closed."""
        for administrator, settings in self.settings.items():
            if settings.central:
                self.apply(administrator)
            elif change == "joined":
                for region, (enable, standards) in settings.automatic.items():
                    if enable:
                        self.hubs.enable(account, region, defaults=standards == "DEFAULT")
                        self.administration.join(administrator, account, region)

    def apply(self, administrator: str) -> None:
        """Bring every active account of the organization to what its policy says, in all linked Regions."""
        for region in self.regions(administrator):
            self.administration.administrators.setdefault(region, administrator)
        for account in sorted(self.world.accounts):
            if self.world.accounts[account].state == "ACTIVE":
                policy, _ = self.effective(administrator, account)
                for region in self.regions(administrator):
                    self._apply(administrator, account, region, policy)

    def _apply(self, administrator: str, account: str, region: str, policy: Policy | None) -> None:
        management = account == self.world.management
        if policy is not None and policy.settings.get("ServiceEnabled"):
            # Security Hub is never enabled for the management account; it has to do that itself.
            if management and not self.hubs.on(account, region):
                return
            hub = self.hubs.enable(account, region, defaults=False)
            self.hubs.set_controls(
                hub,
                policy.settings.get("EnabledStandardIdentifiers", ()),
                policy.settings.get("SecurityControlsConfiguration", {}),
            )
        elif policy is not None and account != administrator:
            self.hubs.disable(account, region)
        # With central configuration every account of the organization is a member, self-managed ones too.
        if self.hubs.on(account, region):
            self.administration.join(administrator, account, region)

    # Operations.
    def describe_organization_configuration(self, call: Call) -> dict[str, Any]:
        """DescribeOrganizationConfiguration."""
        self.administration.require_administrator(call)
        settings = self.settings.get(call.account, Settings())
        # Before anybody sets it, new accounts are not enabled, and would get the default standards.
        enable, standards = settings.automatic.get(call.region, (False, "DEFAULT"))
        if settings.kind == "CENTRAL":
            enable, standards = False, "NONE"
        return {
            "AutoEnable": enable,
            "MemberAccountLimitReached": False,
            "AutoEnableStandards": standards,
            "OrganizationConfiguration": {"ConfigurationType": settings.kind, "Status": settings.status},
        }

    def update_organization_configuration(self, call: Call) -> dict[str, Any]:
        """UpdateOrganizationConfiguration: central needs a finding aggregator, and comes about in time."""
        self.administration.require_administrator(call)
        settings = self.settings.setdefault(call.account, Settings())
        if settings.status == "PENDING":
            raise ServiceError("ResourceConflictException", "The organization configuration is being changed.", 409)
        kind = call.parameters.get("OrganizationConfiguration", {}).get("ConfigurationType", settings.kind)
        enable = call.parameters["AutoEnable"]
        standards = call.parameters.get("AutoEnableStandards", "NONE" if kind == "CENTRAL" else "DEFAULT")
        if "CENTRAL" in (kind, settings.kind):
            self._require_home(call)
        if kind == "LOCAL":
            # Policies and associations end with central configuration; accounts keep their settings.
            self.settings[call.account] = Settings(automatic=settings.automatic | {call.region: (enable, standards)})
            return {}
        if enable or standards != "NONE":
            raise invalid("Auto Enable and AutoEnableStandards can not be enabled for Central Configuration")
        if settings.kind != "CENTRAL":
            settings.kind, settings.status, settings.automatic = "CENTRAL", "PENDING", {}
            self.world.agenda.soon(
                lambda: self._begin(call.account, settings), "central configuration", seconds=CENTRAL_SECONDS
            )
        return {}

    def _require_home(self, call: Call) -> None:
        aggregator = self.administration.aggregators.get(call.account)
        if aggregator is None:
            raise invalid("Central configuration needs a finding aggregator; create one in the home Region first.")
        if aggregator.region != call.region:
            raise invalid(f"Central configuration is changed in the home Region {aggregator.region} only.")

    def _begin(self, administrator: str, settings: Settings) -> None:
        if self.settings.get(administrator) is not settings:
            return
        settings.status = "ENABLED"
        self.apply(administrator)

    def _relinked(self, administrator: str) -> None:
        if self.settings.get(administrator, Settings()).central:
            self.apply(administrator)
