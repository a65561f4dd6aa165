"""People of the deployed organisation: approvers, others of the hub, and what they do by the endpoint."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import boto3

from operations.local_estate import HUB
from operations.signed_request import send
from tests.organization.loop_world import NAMES, NOTIFIED, REGION, SSH, TEAM, Loop, deployed
from tests.organization.policy_world import APPROVERS, assumed, caller_statements, people_role

OTHERS = "developers"
APPROVE = {SSH.id: {"mode": "approve"}}


@dataclass
class People(Loop):
    """The loop, with people who call its endpoint."""

    def person(self, name: str, role: str = APPROVERS) -> boto3.Session:
        """A session of a role of the hub, named as its person."""
        arn = f"arn:aws:iam::{HUB}:role/people/{role}"
        return assumed(self.hub, arn, REGION, RoleSessionName=name)

    def asks(self, person: boto3.Session, action: str, remediation: str = "", **more: str) -> tuple[int, Any]:
        """What the endpoint answers a person."""
        client = self.hub.client("lambda")
        url = client.get_function_url_config(FunctionName=NAMES.approve_function)["FunctionUrl"]
        return send(person, url, REGION, {"action": action, "remediation": remediation, **more})

    def case(self, arn: str) -> dict[str, Any]:
        """The case of EC2.13 on a resource."""
        (item,) = [one for one in self.state() if one["key"]["S"].startswith("case#") and arn in one["key"]["S"]]
        return {name: next(iter(value.values())) for name, value in item.items()}

    def named(self, arn: str, outcome: str) -> list[str]:
        """The ids of the remediations of a resource with an outcome, by their entries in the ledger."""
        return [
            key[0]
            for key, body in self.ledger().items()
            if (body.get("resource"), body.get("outcome")) == (arn, outcome)
        ]


@contextmanager
def peopled(**settings: Any) -> Iterator[People]:
    """Deploy with approvers in the environment; the team's account waits for approval, the other is only told."""
    approvers = [f"arn:aws:iam::{HUB}:role/people/{APPROVERS}"]
    environments = {name: {"approvers": approvers, "approvalDays": 1} for name in ("local", "other")}
    overrides = [
        {"accounts": [TEAM], "controls": APPROVE},
        {"accounts": [NOTIFIED], "controls": {SSH.id: {"mode": "notify"}}},
    ]
    with deployed(**{"environments": environments, "overrides": overrides, **settings}) as loop:
        iam = loop.hub.client("iam")
        function = f"arn:aws:lambda:{REGION}:{HUB}:function:{NAMES.approve_function}"
        for role in (APPROVERS, OTHERS):
            people_role(iam, role, *caller_statements(function))
        yield People(loop.organization)
