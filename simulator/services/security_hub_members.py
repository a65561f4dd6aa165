"""Member accounts of the Security Hub administrator.

Accounts of the organization become members without an invitation. Members by invitation are not
simulated.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from simulator.call import Call
from simulator.services.organizations import Organizations
from simulator.services.paging import paged
from simulator.services.security_hub_administration import Administration, Member
from simulator.services.security_hub_hubs import Hubs, invalid
from simulator.world import World


class Members:
    """The operations on members, per Region."""

    def __init__(self, world: World, hubs: Hubs, administration: Administration) -> None:
        self.world = world
        self.hubs = hubs
        self.administration = administration

    def create_members(self, call: Call) -> dict[str, Any]:
        """CreateMembers: enables Security Hub with its default standards in accounts that have none.

        It cannot do so in the management account, which must enable Security Hub itself.
        """
        self.administration.require_administrator(call)
        unprocessed = []
        for account in (details["AccountId"] for details in call.parameters["AccountDetails"]):
            reason = self._refusal(account, call)
            if reason is None:
                self.hubs.enable(account, call.region, defaults=True)
                self.administration.join(call.account, account, call.region)
            else:
                unprocessed.append({"AccountId": account, "ProcessingResult": reason})
        return {"UnprocessedAccounts": unprocessed}

    def _refusal(self, account: str, call: Call) -> str | None:
        known = self.world.accounts.get(account)
        if account == call.account:
            return "The administrator cannot be its own member."
        if known is None:
            return "The account is not in the organization; members by invitation are not simulated."
        if known.state != "ACTIVE":
            return f"The account is {known.state}."
        if account == self.world.management and not self.hubs.on(account, call.region):
            return "The management account must enable Security Hub before it can become a member."
        return None

    def list_members(self, call: Call) -> dict[str, Any]:
        """ListMembers: the enabled ones unless OnlyAssociated is false."""
        self.hubs.require(call)
        members = self.administration.members.get((call.account, call.region), {}).values()
        shown = [
            member
            for member in members
            if member.status == "Enabled" or not call.parameters.get("OnlyAssociated", True)
        ]
        return paged("Members", self._shown(call.account, shown), call.parameters, size=50, largest=50)

    def get_members(self, call: Call) -> dict[str, Any]:
        """GetMembers, by account."""
        self.hubs.require(call)
        members = self.administration.members.get((call.account, call.region), {})
        asked = call.parameters["AccountIds"]
        return {
            "Members": self._shown(call.account, (members[account] for account in asked if account in members)),
            "UnprocessedAccounts": [
                {"AccountId": account, "ProcessingResult": "The account is not a member."}
                for account in asked
                if account not in members
            ],
        }

    def disassociate_members(self, call: Call) -> dict[str, Any]:
        """DisassociateMembers: their findings leave the administrator's view."""
        self.administration.require_administrator(call)
        for account in call.parameters["AccountIds"]:
            member = self.administration.members.get((call.account, call.region), {}).get(account)
            if member is None:
                raise invalid(f"{account} is not a member account.")
            member.status, member.updated = "Removed", self.world.agenda.now()
        return {}

    def delete_members(self, call: Call) -> dict[str, Any]:
        """DeleteMembers: refused for accounts of the organization, which can only be disassociated."""
        self.administration.require_administrator(call)
        reason = "An account of the organization cannot be deleted; disassociate it."
        return {
            "UnprocessedAccounts": [
                {"AccountId": account, "ProcessingResult": reason} for account in call.parameters["AccountIds"]
            ]
        }

    def get_administrator_account(self, call: Call) -> dict[str, Any]:
        """GetAdministratorAccount, of a member in this Region."""
        self.hubs.require(call)
        administrator = self.administration.administrator_of(call.account, call.region)
        if administrator is None:
            return {}
        member = self.administration.members[administrator, call.region][call.account]
        return {
            "Administrator": {
                "AccountId": administrator,
                "InvitedAt": member.since,
                "MemberStatus": member.status,
            }
        }

    def _shown(self, administrator: str, members: Iterable[Member]) -> list[dict[str, Any]]:
        organization = self.world.service(Organizations)
        return [
            {
                "AccountId": member.account,
                "Email": organization.email(member.account),
                "MasterId": administrator,
                "AdministratorId": administrator,
                "MemberStatus": member.status,
                "InvitedAt": member.since,
                "UpdatedAt": member.updated,
            }
            for member in members
        ]
