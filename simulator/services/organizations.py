"""AWS Organizations: moto, mended.

moto keeps the organization in the management account and answers that account alone. Delegated
administrators may read it too, other members may only describe the organization itself. Source:
the Organizations API reference, which names for every operation who may call it; user guide, "Monitor
the state of your AWS accounts", "Closing a member account in your organization", "Considerations before
removing an account from an organization".
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol, runtime_checkable

from botocore import xform_name
from moto.backends import get_backend
from moto.organizations.models import FakeDelegatedAdministrator, FakeServiceAccess, organizations_backends
from moto.organizations.utils import DEFAULT_RCP_POLICY_ID, DEFAULT_SCP_POLICY_ID

from simulator.call import Call, ServiceError, not_simulated
from simulator.service import Operation, Service
from simulator.services import organization_policies
from simulator.services.organizations_handshakes import Handshakes
from simulator.services.organizations_invited import InvitedAccount
from simulator.services.paging import paged
from simulator.world import Account, World

ACCESS_ROLE = "OrganizationAccountAccessRole"
PAGE = 20
# What the account that was invited calls, in the organization or not.
INVITED = frozenset({"AcceptHandshake", "DeclineHandshake", "DescribeHandshake", "ListHandshakesForAccount"})
# Any account of the organization may call these; reading the rest is for delegated administrators.
OPEN = frozenset({"DescribeOrganization", "DescribeEffectivePolicy", "LeaveOrganization", *INVITED})
# AWS takes "a few minutes" to close an account; it goes from the organization after the post-closure period.
CLOSING = timedelta(minutes=3)
POST_CLOSURE = timedelta(days=90)
# An account that Organizations created may be made standalone after four days.
WAITING_PERIOD = timedelta(days=4)
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
        self._handshakes = Handshakes(world, lambda: self.email(world.management), self._admit)
        self._created: dict[str, datetime] = {}

    def operation(self, name: str) -> Operation | None:
        """Find the method that answers an operation, here or among the invitations."""
        found: Operation | None = getattr(self._handshakes, xform_name(name), None)
        return found or super().operation(name)

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
        if caller in self.world.standalone:
            _refuse_outside(call)
        elif caller in self.world.accounts and caller != self.world.management:
            reads = self._reads_for_delegate(call)
            if not reads and call.operation not in OPEN:
                raise ServiceError("AccessDeniedException", "You don't have permissions to access this resource.")
            if reads and (call.operation not in OPEN or call.operation == "DescribeHandshake"):
                call.account = self.world.management
        if call.operation == "CreateOrganizationalUnit":
            self._refuse_duplicate(call)
        if call.operation == "DeleteOrganizationalUnit":
            self._refuse_filled(call)
        if call.operation == "MoveAccount":
            self._refuse_wrong_source(call)
        if call.operation == "ListParents":
            self._refuse_unknown_child(call)
        if call.operation == "RegisterDelegatedAdministrator":
            self._refuse_closed(call)
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

    def _refuse_closed(self, call: Call) -> None:
        if self.world.is_closed(call.parameters["AccountId"]):
            raise _constraint(
                "CANNOT_REGISTER_SUSPENDED_ACCOUNT_AS_DELEGATED_ADMINISTRATOR",
                "You cannot register a suspended account as a delegated administrator.",
            )

    # Accounts that close and leave.
    def close_account(self, call: Call) -> dict[str, Any]:
        """CloseAccount: usable while it is under way, then closed to everybody, and gone after 90 days."""
        account = self._member(call)
        if account.id == self.world.management:
            raise _constraint("CANNOT_CLOSE_MANAGEMENT_ACCOUNT", "You attempted to close the management account.")
        if account.state == "PENDING_CLOSURE":
            raise ServiceError("ConflictException", "The account is being closed already.")
        if account.state == "CLOSED":
            raise ServiceError(
                "AccountAlreadyClosedException", "You attempted to close an account that is already closed."
            )
        self._enter(account, "PENDING_CLOSURE", "PENDING_CLOSURE")
        self.world.agenda.at(self.world.agenda.now() + CLOSING, lambda: self._close(account), "closing an account")
        return {}

    def _close(self, account: Account) -> None:
        if account.id in self.world.accounts:
            # The older field Status says SUSPENDED, where State tells the owner's wish from AWS's.
            self._enter(account, "CLOSED", "SUSPENDED")
            self._tell(account.id, "closed")
        account.state = "CLOSED"
        end = self.world.agenda.now() + POST_CLOSURE
        self.world.agenda.at(end, lambda: self._clean(account), "the end of a closed account", background=True)

    def _enter(self, account: Account, state: str, status: str) -> None:
        known = self.backend().get_account_by_id(account.id)
        account.state, known.state, known.status = state, state, status

    def _clean(self, account: Account) -> None:
        if account.id in self.world.accounts:
            self._leave(account)

    def remove_account_from_organization(self, call: Call) -> dict[str, Any]:
        """RemoveAccountFromOrganization: the account is standalone from now on."""
        self._part(self._member(call))
        return {}

    def leave_organization(self, call: Call) -> dict[str, Any]:
        """LeaveOrganization, by the account itself."""
        self._part(self.world.accounts[call.caller.account])
        return {}

    def _member(self, call: Call) -> Account:
        account = self.world.accounts.get(call.parameters["AccountId"])
        if account is None:
            raise ServiceError("AccountNotFoundException", "You specified an account that doesn't exist.")
        return account

    def _part(self, account: Account) -> None:
        if account.id == self.world.management:
            raise ServiceError(
                "MasterCannotLeaveOrganizationException",
                "You can't remove a management account from an organization.",
            )
        if account.id in self.delegated_administrators():
            raise _constraint(
                "CANNOT_REMOVE_DELEGATED_ADMINISTRATOR_FROM_ORG",
                "You attempted to remove an account that is registered as a delegated administrator.",
            )
        if self.world.agenda.now() < self._created.get(account.id, datetime.min.replace(tzinfo=UTC)) + WAITING_PERIOD:
            raise _constraint(
                "WAIT_PERIOD_ACTIVE", "You must wait until at least four days after the account was created."
            )
        self._leave(account)

    def _leave(self, account: Account) -> None:
        """Take an account out of the organization; it stays what it is, with all that it holds."""
        backend = self.backend()
        backend.admins = [one for one in backend.admins if one.account.id != account.id]
        backend.remove_account_from_organization(AccountId=account.id)
        del self.world.accounts[account.id]
        account.kind, account.path = "standalone", ()
        self.world.standalone[account.id] = account
        self._tell(account.id, "left")

    def list_accounts(self, call: Call) -> dict[str, Any]:
        """ListAccounts, 20 a page; moto pages by the time of joining, which a stopped clock makes ambiguous."""
        accounts = sorted(self.backend().accounts, key=lambda account: (account.create_time, account.id))
        return self._page("Accounts", accounts, call)

    def list_create_account_status(self, call: Call) -> dict[str, Any]:
        """ListCreateAccountStatus: of accounts that were created; moto lists every account."""
        statuses = [one.create_account_status["CreateAccountStatus"] for one in self.backend().accounts]
        made = self._created  # the founding asked for none of its accounts
        states = call.parameters.get("States") or ("SUCCEEDED",)
        shown = [one for one in statuses if one["AccountId"] in made and one["State"] in states]
        return paged("CreateAccountStatuses", shown, call.parameters, size=PAGE, largest=PAGE)

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
        return paged(name, [self._shown(one) for one in accounts], call.parameters, size=PAGE, largest=PAGE)

    def _shown(self, account: Any) -> dict[str, Any]:
        path = "/".join((self.world.organization_id, *self.path(account.id), account.id))
        # moto shows seconds; our own answers carry datetimes
        joined = account.create_time.replace(tzinfo=UTC)
        return {**account.describe(), "JoinedTimestamp": joined, "Paths": [f"{path}/"]}

    def describe_account(self, call: Call) -> dict[str, Any]:
        """DescribeAccount, as ListAccounts shows it."""
        return {"Account": self._shown(self.backend().get_account_by_id(self._member(call).id))}

    def after(self, call: Call, response: Mapping[str, Any]) -> None:
        """Follow what changed the organization."""
        if call.operation == "CreateAccount":
            self._joined(response["CreateAccountStatus"]["AccountId"], call)
        elif call.operation == "MoveAccount":
            account = self.world.accounts[call.parameters["AccountId"]]
            account.path = self.path(account.id)
            self._tell(account.id, "moved")
        elif call.operation == "DeregisterDelegatedAdministrator":
            self._tell(call.parameters["AccountId"], "deregistered")
        organization_policies.follow(call, self.backend())

    def _joined(self, account: str, call: Call) -> None:
        role = call.parameters.get("RoleName", ACCESS_ROLE)
        give_access(account, self.world.management, self.world.partition, role)
        name, email = call.parameters["AccountName"], call.parameters["Email"]
        self.world.accounts[account] = Account(account, name, "member", self.path(account), email=email)
        self._created[account] = self.world.agenda.now()
        self._tell(account, "joined")

    def _admit(self, identifier: str, tags: Mapping[str, str]) -> None:
        """Take an invited account in, below the root."""
        backend = self.backend()
        account = self.world.standalone.pop(identifier)
        backend.accounts.append(InvitedAccount(backend.org, account, self.world.agenda.now(), tags))
        for policy in (DEFAULT_SCP_POLICY_ID, DEFAULT_RCP_POLICY_ID):
            backend.attach_policy(PolicyId=policy, TargetId=identifier)
        organizations_backends.master_accounts[identifier] = (self.world.management, self.world.partition)
        account.kind, account.path = "member", self.path(identifier)
        self.world.accounts[identifier] = account
        self._created.pop(identifier, None)  # the waiting period is not for invited accounts
        self._tell(identifier, "joined")

    def _tell(self, account: str, change: str) -> None:
        for service in self.world.services.values():
            if isinstance(service, FollowsOrganization):
                service.organization_changed(account, change)


def _refuse_outside(call: Call) -> None:
    """Refuse what an account outside the organization cannot call."""
    if call.operation == "CreateOrganization":
        raise not_simulated("a second organization")
    if call.operation not in INVITED:
        raise ServiceError("AWSOrganizationsNotInUseException", "Your account isn't a member of an organization.")


def _constraint(reason: str, message: str) -> ServiceError:
    return ServiceError("ConstraintViolationException", message, fields={"Reason": reason})


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
