"""What the stack's own state holds before this run: the accounts that earlier runs deployed to.

The state, not the outputs: those of a failed run have the new accounts already, while resources of the old
ones still stand. Source: Pulumi, pkg/resource/deploy/builtins.go, `pulumi:pulumi:readStackResourceOutputs`
(`listResourceOutputs` of the Node.js SDK). It costs 2 s for a thousand resources, once a run.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any

import pulumi

READ_STATE = "pulumi:pulumi:readStackResourceOutputs"
# The component that every member has: made before and deleted after all that stands in its account.
MEMBER = "palisade:index:MemberIdentity"
NAME = "identity-"
# A backend of files has no state for a moment while the engine writes its first checkpoint of this run.
TRIES, PAUSE = 10, 0.3


class StateError(pulumi.RunError):
    """The state of the stack cannot be read: which accounts it would lose is not known, so nothing is done."""


def standing_accounts() -> frozenset[str]:
    """The members in this stack's state; none before its first run. Raises StateError."""
    return members(own_state(READ_STATE, "stackName"))


def own_state(function: str, argument: str) -> Any:
    """Ask the engine for the state of this very stack by one of its functions; raises StateError."""
    name = f"{pulumi.get_organization()}/{pulumi.get_project()}/{pulumi.get_stack()}"
    for tried in range(1, TRIES + 1):
        try:
            return pulumi.runtime.invoke(function, {argument: name}).value["outputs"]
        except Exception as error:
            if tried == TRIES:
                raise StateError(f"the state of {name} cannot be read: {error}") from error
            time.sleep(PAUSE)
    raise AssertionError("the last try returns or raises")


def members(urns: Iterable[str]) -> frozenset[str]:
    """The accounts of the members among resources, by their URNs."""
    named = (urn.split("::") for urn in urns)
    return frozenset(one[3].removeprefix(NAME) for one in named if one[2].split("$")[-1] == MEMBER)
