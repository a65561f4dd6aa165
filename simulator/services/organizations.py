"""AWS Organizations: moto, mended.

moto keeps the organization in the management account and answers that account alone. Delegated
administrators may read it too, other members may only describe the organization itself. Source:
the Organizations API reference, which names for every operation who may call it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC
from typing import Any, Protocol, runtime_checkable

from moto.backends import get_backend
from moto.organizations.models import FakeDelegatedAdministrator, FakeServiceAccess

from simulator.call import Call, ServiceError
from simulator.service import Service
from simulator.services import organization_policies
from simulator.services.paging import paged
from simulator.world import Account, World

ACCESS_ROLE = "OrganizationAccountAccessRole"
PAGE = 20
# Any account of the organization may call these; reading the rest is for delegated administrators.
OPEN = frozenset({"DescribeOrganization", "DescribeEffectivePolicy", "LeaveOrganization", "ListHandshakesForAccount"})
# Service principals that Organizations accepts and moto does not know (user guide, "Services that
# work with Organizations").
DELEGATES = (
    "account.amazonaws.com",
    "auditmanager.amazonaws.com",
    "backup.amazonaws.com",
    "cloudtrail.amazonaws.com",
    "config.amazonaws.com",
    "detective.amazonaws.com",
    "fms.amazonaws.com",
    "health.amazonaws.com",
    "iam.amazonaws.com",
    "inspector2.amazonaws.com",
    "member.org.stacksets.cloudformation.amazonaws.com",
    "securityhub.amazonaws.com",
    "securitylake.amazonaws.com",
    "sso.amazonaws.com",
)
TRUSTED = ("iam.amazonaws.com", "malware-protection.guardduty.amazonaws.com")


@runtime_checkable
class FollowsOrganization(Protocol):
    """A service that has to know when the organization changes."""

    def organization_changed(self, account: str, change: str) -> None:
        """Follow a change of one account: `joined`, `moved`, `closed`, `left` or `deregistered`."""
        ...


class Organizations(Service):
    """What moto lacks of Organizations."""

    name = "organizations"

    def __init__(self, world: World) -> None:
        super().__init__(world)
        for known, missing in (
            (FakeDelegatedAdministrator.SUPPORTED_SERVICES, DELEGATES),
            (FakeServiceAccess.TRUSTED_SERVICES, TRUSTED),
        ):
            known.extend(principal for principal in missing if principal not in known)

    # What other services ask.
    def backend(self) -> Any:
        """Return moto's organization of the management account."""
        return get_backend("organizations")[self.world.management][self.world.partition]

    def delegated_administrators(self, principal: str | None = None) -> tuple[str, ...]:
        """List the delegated administrators, of one service or of any."""
        return tuple(
            admin.account.id for admin in self.backend().admins if principal is None or principal in admin.services
        )

    def units(self) -> dict[str, str]:
        """Return root and organizational units, parents first: id -> ROOT or ORGANIZATIONAL_UNIT."""
        return {unit.id: unit.type for unit in self.backend().ou}

    def email(self, account: str) -> str:
        """Return the e-mail address of an account."""
        return str(self.backend().get_account_by_id(account).email)

    def path(self, account: str) -> tuple[str, ...]:
        """Return the ids from the root down to the unit that holds an account."""
        backend = self.backend()
        parents = {unit.id: unit.parent_id for unit in backend.ou}
        place: str | None = backend.get_account_by_id(account).parent_id
        path: list[str] = []
        while place:
            path.insert(0, place)
            place = parents[place]
        return tuple(path)

    # The way to moto.
    def before(self, call: Call) -> None:
        """Refuse what Organizations refuses and moto lets pass; read for delegated administrators.

        They act in their own account, so the call is authorized there. moto then answers as for the
        management account, which alone holds the organization.
        """
        caller = call.caller.account
        if caller in self.world.accounts and caller != self.world.management and call.operation not in OPEN:
            if not self._reads_for_delegate(call):
                raise ServiceError("AccessDeniedException", "You don't have permissions to access this resource.")
            call.account = self.world.management
        if call.operation == "CreateOrganizationalUnit":
            self._refuse_duplicate(call)
        if call.operation == "DeleteOrganizationalUnit":
            self._refuse_filled(call)
        if call.operation == "MoveAccount":
            self._refuse_wrong_source(call)
        if call.operation == "ListParents":
            self._refuse_unknown_child(call)
        if call.operation == "CloseAccount" and call.parameters["AccountId"] == self.world.management:
            raise ServiceError("ConstraintViolationException", "The management account cannot be closed this way.")
        organization_policies.refuse(call, self.backend())

    def _reads_for_delegate(self, call: Call) -> bool:
        reads = call.operation.startswith(("Describe", "List"))
        return reads and call.caller.account in self.delegated_administrators()

    def _refuse_duplicate(self, call: Call) -> None:
        parent, name = call.parameters["ParentId"], call.parameters["Name"]
        if any(unit.parent_id == parent and unit.name == name for unit in self.backend().ou):
            raise ServiceError(
                "DuplicateOrganizationalUnitException", "An OU with the same name already exists in this parent."
            )

    def _refuse_filled(self, call: Call) -> None:
        unit = call.parameters["OrganizationalUnitId"]
        backend = self.backend()
        if any(child.parent_id == unit for child in (*backend.ou, *backend.accounts)):
            raise ServiceError("OrganizationalUnitNotEmptyException", "The OU still holds accounts or other OUs.")

    def _refuse_unknown_child(self, call: Call) -> None:
        child, backend = call.parameters["ChildId"], self.backend()
        if all(one.id != child for one in (*backend.ou, *backend.accounts)):
            raise ServiceError(
                "ChildNotFoundException", "You specified an OU or account that is not in this organization."
            )

    def _refuse_wrong_source(self, call: Call) -> None:
        account = self.world.accounts.get(call.parameters["AccountId"])
        if account is None:
            raise ServiceError("AccountNotFoundException", "You specified an account that doesn't exist.")
        if account.path[-1] != call.parameters["SourceParentId"]:
            raise ServiceError(
                "SourceParentNotFoundException",
                "We can't find a source root or OU with the ParentId that you specified.",
            )
        if call.parameters["DestinationParentId"] == call.parameters["SourceParentId"]:
            raise ServiceError("DuplicateAccountException", "That account is already present in the destination.")

    def list_accounts(self, call: Call) -> dict[str, Any]:
        """ListAccounts, 20 a page; moto pages by the time of joining, which a stopped clock makes ambiguous."""
        accounts = sorted(self.backend().accounts, key=lambda account: (account.create_time, account.id))
        return self._page("Accounts", accounts, call)

    def list_accounts_for_parent(self, call: Call) -> dict[str, Any]:
        """ListAccountsForParent, 20 a page."""
        parent = self._parent(call)
        accounts = [account for account in self.backend().accounts if account.parent_id == parent]
        return self._page("Accounts", sorted(accounts, key=lambda account: str(account.id)), call)

    def list_children(self, call: Call) -> dict[str, Any]:
        """ListChildren, 20 a page; moto gives all at once."""
        parent, kind = self._parent(call), call.parameters["ChildType"]
        held = self.backend().accounts if kind == "ACCOUNT" else self.backend().ou
        children = [{"Id": child.id, "Type": kind} for child in held if child.parent_id == parent]
        return paged("Children", children, call.parameters, size=PAGE, largest=PAGE)

    def _parent(self, call: Call) -> str:
        parent = str(call.parameters["ParentId"])
        if parent not in self.units():
            raise ServiceError("ParentNotFoundException", "You specified parent that doesn't exist.")
        return parent

    def _page(self, name: str, accounts: list[Any], call: Call) -> dict[str, Any]:
        shown = [
            # moto shows seconds; our own answers carry datetimes
            account.describe() | {"JoinedTimestamp": account.create_time.replace(tzinfo=UTC)}
            for account in accounts
        ]
        return paged(name, shown, call.parameters, size=PAGE, largest=PAGE)

    def after(self, call: Call, response: Mapping[str, Any]) -> None:
        """Follow what changed the organization."""
        if call.operation == "CreateAccount":
            self._joined(response["CreateAccountStatus"]["AccountId"], call)
        elif call.operation == "MoveAccount":
            account = self.world.accounts[call.parameters["AccountId"]]
            account.path = self.path(account.id)
            self._tell(account.id, "moved")
        elif call.operation == "CloseAccount":
            self.world.accounts[call.parameters["AccountId"]].state = "SUSPENDED"
            self._tell(call.parameters["AccountId"], "closed")
        elif call.operation == "RemoveAccountFromOrganization":
            del self.world.accounts[call.parameters["AccountId"]]
            self._tell(call.parameters["AccountId"], "left")
        elif call.operation == "DeregisterDelegatedAdministrator":
            self._tell(call.parameters["AccountId"], "deregistered")
        organization_policies.follow(call, self.backend())

    def _joined(self, account: str, call: Call) -> None:
        role = call.parameters.get("RoleName", ACCESS_ROLE)
        give_access(account, self.world.management, self.world.partition, role)
        name = call.parameters["AccountName"]
        self.world.accounts[account] = Account(account, name, "member", self.path(account))
        self._tell(account, "joined")

    def _tell(self, account: str, change: str) -> None:
        for service in self.world.services.values():
            if isinstance(service, FollowsOrganization):
                service.organization_changed(account, change)


def give_access(account: str, management: str, partition: str, role: str = ACCESS_ROLE) -> None:
    """Let the management account into an account that Organizations created, as administrator.

    moto makes the role without a policy and trusts the partition `aws` in every partition.
    """
    created = get_backend("iam")[account]["global"]
    if any(known.name == role for known in created.get_roles()):
        created.delete_role(role)
    trust = {
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:{partition}:iam::{management}:root"},
        "Action": "sts:AssumeRole",
    }
    iam = get_backend("iam")[account][partition]
    iam.create_role(
        role_name=role,
        assume_role_policy_document=_document(trust),
        path="/",
        permissions_boundary=None,
        description="",
        tags=[],
        max_session_duration="3600",
    )
    iam.put_role_policy(role, "AdministratorAccess", _document({"Effect": "Allow", "Action": "*", "Resource": "*"}))


def _document(statement: Mapping[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})
