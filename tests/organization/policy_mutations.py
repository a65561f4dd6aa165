"""The law itself: the loop's outcome with one statement less in a deployed policy."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

from operations.local_estate import HUB
from tests.organization.policy_loop import Loop
from tests.organization.policy_world import AWAY, EC2, PRODUCTION, Estate

CASE = "SSH open to all of IPv4"


def mutations(estate: Estate) -> dict[str, str | None]:
    """Break a group under each mutation; how the ledger says that its remediation ended."""
    loop = Loop(estate)
    tried: dict[str, Callable[[], AbstractContextManager[None]]] = {
        "no statement": nullcontext,
        "detect: ImportFindings": lambda: without(estate, PRODUCTION, "detect", "ImportFindings"),
        "detect: PutEvaluations": lambda: without(estate, PRODUCTION, "detect", "PutEvaluations"),
        "remediation: EnterMembers": lambda: without(estate, HUB, "remediation", "EnterMembers"),
        "writer: ec2:RevokeSecurityGroupIngress": lambda: without(
            estate, PRODUCTION, "writer", "ec2:RevokeSecurityGroupIngress"
        ),
        "queue of findings: Rules": lambda: loop.changed_queue(estate.names.findings_queue, lambda statement: None),
    }
    ended: dict[str, str | None] = {}
    for name, mutation in tried.items():
        with mutation():
            group = loop.break_resource(EC2, CASE, PRODUCTION, AWAY)
            estate.organization.rest()
        ended[name] = loop.outcome(group)
    return ended


@contextmanager
def without(estate: Estate, account: str, policy: str, statement: str) -> Iterator[None]:
    """Take statements, named by Sid or one of their actions, from a role's inline policy for a while."""
    role = f"{estate.names.prefix}-{policy}"

    def put(document: Any) -> None:
        session = estate.hub if account == HUB else estate.member(account)
        session.client("iam").put_role_policy(RoleName=role, PolicyName=policy, PolicyDocument=json.dumps(document))

    session = estate.hub if account == HUB else estate.member(account)
    written: Any = session.client("iam").get_role_policy(RoleName=role, PolicyName=policy)["PolicyDocument"]
    kept = [one for one in written["Statement"] if statement != one["Sid"] and statement not in one["Action"]]
    # Two controls may change by one action, under conditions of their own.
    assert len(kept) < len(written["Statement"])
    put({**written, "Statement": kept})
    try:
        yield
    finally:
        put(written)
