"""Principals of resource policies: whom a statement names, and how directly.

Source: IAM User Guide, "AWS JSON policy elements: Principal" and "NotPrincipal".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from simulator.call import Caller
from simulator.iam.conditions import PolicyError

ACCOUNT = re.compile(r"(?:\d{12}|arn:[\w-]+:iam::(?P<account>\d{12}):root)")
KINDS = frozenset({"AWS", "Service", "Federated", "CanonicalUser"})


class Grant(IntEnum):
    """How a statement names the caller; what it grants reaches further the more direct it is."""

    NONE = 0
    ACCOUNT = 1  # names the caller's account, which delegates by its own identity policies
    ROLE = 2  # names the role of a session: boundary and session policies still narrow it
    DIRECT = 3  # names the caller itself, or everyone


@dataclass(frozen=True, slots=True)
class Principals:
    """The Principal or NotPrincipal element of a statement."""

    everyone: bool
    accounts: frozenset[str]
    names: frozenset[str]  # ARNs and unique ids of users, roles and sessions
    services: frozenset[str]
    federated: frozenset[str]
    negated: bool = False

    def grant(self, caller: Caller, *, allow: bool) -> Grant:
        """How the element names a caller, in a statement that allows or denies."""
        if not self.negated:
            return self._named(caller)
        if allow:
            return Grant.DIRECT if self._named(caller) is Grant.NONE else Grant.NONE
        # A deny spares only who is listed with account, role and session: each is a principal.
        return Grant.NONE if self._all_named(caller) else Grant.DIRECT

    def _named(self, caller: Caller) -> Grant:
        if self.everyone:
            return Grant.DIRECT
        if caller.kind == "service":
            return Grant.DIRECT if caller.service in self.services else Grant.NONE
        if caller.kind == "federated":
            return Grant.DIRECT if caller.arn in self.federated else Grant.NONE
        if caller.kind == "anonymous":
            return Grant.NONE
        if caller.arn in self.names:
            return Grant.DIRECT
        identifier, _, session = caller.unique_id.partition(":")
        if caller.kind != "root" and identifier and identifier in self.names:
            return Grant.ROLE if session else Grant.DIRECT
        if caller.role is not None and caller.role in self.names:
            return Grant.ROLE
        if caller.account in self.accounts:
            return Grant.DIRECT if caller.kind == "root" else Grant.ACCOUNT
        return Grant.NONE

    def _all_named(self, caller: Caller) -> bool:
        if self.everyone:
            return True
        if caller.kind in ("service", "federated", "anonymous"):
            return self._named(caller) is not Grant.NONE
        if caller.account not in self.accounts:
            return False
        if caller.kind == "root":
            return True
        return caller.arn in self.names and (caller.role is None or caller.role in self.names)


def parse_principals(element: Any, *, negated: bool) -> Principals:
    """Read a Principal or NotPrincipal element; raises PolicyError where it is malformed."""
    if element == "*":
        element = {"AWS": "*"}
    if not isinstance(element, Mapping) or not set(element) <= KINDS:
        raise PolicyError("Invalid principal in policy.")
    listed = {kind: _listed(values) for kind, values in element.items()}
    accounts, names, everyone = set(), set(), False
    for value in listed.get("AWS", ()):
        found = ACCOUNT.fullmatch(value)
        if value == "*":
            everyone = True
        elif found is not None:
            accounts.add(found["account"] or value)
        else:
            names.add(value)
    return Principals(
        everyone=everyone,
        accounts=frozenset(accounts),
        names=frozenset(names),
        services=frozenset(listed.get("Service", ())),
        federated=frozenset(listed.get("Federated", ())),
        negated=negated,
    )


def _listed(values: Any) -> tuple[str, ...]:
    return tuple(str(value) for value in values) if isinstance(values, (list, tuple)) else (str(values),)
