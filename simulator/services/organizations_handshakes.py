"""Invitations into the organization: handshakes between its management account and an account outside.

Source: Organizations API Reference, "InviteAccountToOrganization", "AcceptHandshake", "DeclineHandshake",
"CancelHandshake", "DescribeHandshake", "ListHandshakesForAccount", "ListHandshakesForOrganization";
Organizations User Guide, "Managing account invitations with AWS Organizations": an invitation is open for
15 days, and what has ended is shown for 30 days more.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from simulator.call import Call, ServiceError
from simulator.services.paging import paged
from simulator.world import World

OPEN_FOR = timedelta(days=15)
SHOWN_FOR = timedelta(days=30)
PAGE = 20
REQUESTED, ACCEPTED, DECLINED, CANCELED, EXPIRED = "REQUESTED", "ACCEPTED", "DECLINED", "CANCELED", "EXPIRED"

Join = Callable[[str, Mapping[str, str]], None]


@dataclass(slots=True)
class Handshake:
    """One invitation; `account` is None where nobody has the e-mail address that was invited."""

    id: str
    party: Mapping[str, str]  # Id and Type of the target, as it was named
    account: str | None
    requested: datetime
    notes: str
    tags: Mapping[str, str]
    answer: str = REQUESTED
    answered: datetime | None = None

    @property
    def expires(self) -> datetime:
        """When it can no longer be answered."""
        return self.requested + OPEN_FOR

    def state(self, now: datetime) -> str:
        """Return its state at a moment."""
        return EXPIRED if self.answer == REQUESTED and now >= self.expires else self.answer

    def shown(self, now: datetime) -> bool:
        """Whether it is shown still."""
        return now < (self.answered or self.expires) + SHOWN_FOR


class Handshakes:
    """The invitations of one organization. `join` takes an account in, with the tags of its invitation."""

    def __init__(self, world: World, master_email: Callable[[], str], join: Join) -> None:
        self._world = world
        self._master_email = master_email
        self._join = join
        self._all: list[Handshake] = []

    def invite_account_to_organization(self, call: Call) -> dict[str, Any]:
        """Invite an account by its id, or by the e-mail address that it may have."""
        party = {"Id": call.parameters["Target"]["Id"], "Type": call.parameters["Target"]["Type"]}
        account = self._invited(party)
        now = self._world.agenda.now()
        for known in self._all:
            same = known.account == account if account is not None else known.party == party
            if same and known.state(now) == REQUESTED:
                raise ServiceError(
                    "DuplicateHandshakeException", "A handshake with the same action and target already exists."
                )
        tags = {tag["Key"]: tag["Value"] for tag in call.parameters.get("Tags") or ()}
        seed = f"{self._world.organization_id}|{party['Id']}|{len(self._all)}"
        identifier = f"h-{hashlib.blake2b(seed.encode(), digest_size=5).hexdigest()}"
        made = Handshake(identifier, party, account, now, call.parameters.get("Notes") or "", tags)
        self._all.append(made)
        return self._answer(made)

    def accept_handshake(self, call: Call) -> dict[str, Any]:
        """Join the organization, in its root; the account that was invited does so itself."""
        found = self._received(call)
        self._require_open(found, ACCEPTED)
        if call.caller.account in self._world.accounts:
            raise _member()
        self._end(found, ACCEPTED)
        self._join(call.caller.account, found.tags)
        return self._answer(found)

    def decline_handshake(self, call: Call) -> dict[str, Any]:
        """Turn an invitation down; the account that was invited does so itself."""
        found = self._received(call)
        self._require_open(found, DECLINED)
        self._end(found, DECLINED)
        return self._answer(found)

    def cancel_handshake(self, call: Call) -> dict[str, Any]:
        """Take an invitation back; only the management account gets here."""
        found = self._find(call)
        self._require_open(found, CANCELED)
        self._end(found, CANCELED)
        return self._answer(found)

    def describe_handshake(self, call: Call) -> dict[str, Any]:
        """Show an invitation to either side: whoever reads the organization, or the account that was invited."""
        found = self._find(call)
        # Management account and delegated administrators were let through as the management account.
        if call.account != self._world.management and call.caller.account != found.account:
            raise _unknown()
        return self._answer(found)

    def list_handshakes_for_organization(self, call: Call) -> dict[str, Any]:
        """List the invitations that were sent."""
        return self._listed(self._all, call)

    def list_handshakes_for_account(self, call: Call) -> dict[str, Any]:
        """List the invitations that the caller's account received."""
        return self._listed((one for one in self._all if one.account == call.caller.account), call)

    def _invited(self, party: Mapping[str, str]) -> str | None:
        kind, name = party["Type"], party["Id"]
        if kind not in ("ACCOUNT", "EMAIL"):
            raise ServiceError(
                "InvalidInputException",
                "You specified the wrong type of entity (account, organization, or email) as a party.",
                fields={"Reason": "INVALID_PARTY_TYPE_TARGET"},
            )
        members, others = self._world.accounts.values(), self._world.standalone.values()
        if any(name == (one.id if kind == "ACCOUNT" else one.email) for one in members):
            raise _member()
        fitting = (one.id for one in others if name == (one.id if kind == "ACCOUNT" else one.email))
        account = next(fitting, None)
        if kind == "ACCOUNT" and (account is None or self._world.is_closed(account)):
            raise ServiceError(
                "InvalidInputException",
                "You provided a value that doesn't match an account that can be invited.",
                fields={"Reason": "INVALID_PATTERN_TARGET_ID"},
            )
        return account

    def _find(self, call: Call) -> Handshake:
        now = self._world.agenda.now()
        for known in self._all:
            if known.id == call.parameters["HandshakeId"] and known.shown(now):
                return known
        raise _unknown()

    def _received(self, call: Call) -> Handshake:
        found = self._find(call)
        if call.caller.account == self._world.management:
            raise ServiceError("AccessDeniedException", "You don't have permissions to access this resource.")
        if call.caller.account != found.account:
            raise _unknown()
        return found

    def _require_open(self, found: Handshake, wanted: str) -> None:
        state = found.state(self._world.agenda.now())
        if state == wanted:
            raise ServiceError(
                "HandshakeAlreadyInStateException", "The specified handshake is already in the requested state."
            )
        if state != REQUESTED:
            raise ServiceError(
                "InvalidHandshakeTransitionException",
                f"You can't perform the operation on the handshake in its current state: {state}.",
            )

    def _end(self, found: Handshake, answer: str) -> None:
        found.answer, found.answered = answer, self._world.agenda.now()

    def _listed(self, handshakes: Iterable[Handshake], call: Call) -> dict[str, Any]:
        wanted = call.parameters.get("Filter") or {}
        now = self._world.agenda.now()
        # Invitations are the only handshakes that are simulated, and they have no parent.
        fits = wanted.get("ActionType") in (None, "INVITE") and not wanted.get("ParentHandshakeId")
        shown = [self._shown(one) for one in handshakes if fits and one.shown(now)]
        return paged("Handshakes", shown, call.parameters, size=PAGE, largest=PAGE)

    def _answer(self, found: Handshake) -> dict[str, Any]:
        return {"Handshake": self._shown(found)}

    def _shown(self, found: Handshake) -> dict[str, Any]:
        world = self._world
        organization = world.organization_id
        sender = [
            {"Type": "MASTER_EMAIL", "Value": self._master_email()},
            {"Type": "MASTER_NAME", "Value": world.accounts[world.management].name},
            {"Type": "ORGANIZATION_FEATURE_SET", "Value": "ALL"},
        ]
        resources: list[dict[str, Any]] = [
            {"Type": "ORGANIZATION", "Value": organization, "Resources": sender},
            {"Type": found.party["Type"], "Value": found.party["Id"]},
        ]
        if found.notes:
            resources.append({"Type": "NOTES", "Value": found.notes})
        base = f"arn:{world.partition}:organizations::{world.management}:handshake"
        return {
            "Id": found.id,
            "Arn": f"{base}/{organization}/invite/{found.id}",
            "Parties": [{"Id": organization, "Type": "ORGANIZATION"}, dict(found.party)],
            "State": found.state(world.agenda.now()),
            "RequestedTimestamp": found.requested,
            "ExpirationTimestamp": found.expires,
            "Action": "INVITE",
            "Resources": resources,
        }


def _unknown() -> ServiceError:
    return ServiceError(
        "HandshakeNotFoundException", "We can't find a handshake with the HandshakeId that you specified."
    )


def _member() -> ServiceError:
    return ServiceError(
        "HandshakeConstraintViolationException",
        "The invited account is already a member of an organization.",
        fields={"Reason": "ALREADY_IN_AN_ORGANIZATION"},
    )
