"""A local organisation with a pipeline's role and a deployment role per account, for tests of deployments."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from simulator.founding import OrganizationPlan, PlannedAccount
from simulator.local import LocalOrganization
from simulator.provisioners import registry
from simulator.provisioners.model import Made, Site

MANAGEMENT = "100000000001"
HUB = "200000000002"
MEMBER = "300000000003"
NESTED = "300000000004"
HOME = "eu-west-1"
AWAY = "eu-central-1"
PIPELINE = "pipeline"
DEPLOYMENT = "deployment"
PLAN = OrganizationPlan(
    management=MANAGEMENT,
    hub=HUB,
    accounts=(
        PlannedAccount(HUB, "security", kind="hub", unit=("Security",)),
        PlannedAccount(MEMBER, "team", unit=("Workloads",)),
        PlannedAccount(NESTED, "nested", unit=("Workloads", "Production")),
    ),
)


@contextmanager
def organization() -> Iterator[LocalOrganization]:
    """Open an organisation whose pipeline, a role of the hub, may enter the members and make topics."""
    with LocalOrganization(PLAN, home_region=HOME, regions=(HOME, AWAY)) as opened:
        role(opened, HUB, PIPELINE, trusted=f"arn:aws:iam::{HUB}:root", allowed=["sts:AssumeRole", "sns:*"])
        role(opened, MEMBER, DEPLOYMENT, trusted=pipeline()[1], allowed="*")
        yield opened


def pipeline() -> tuple[str, str]:
    """The account and role that deploy."""
    return HUB, f"arn:aws:iam::{HUB}:role/{PIPELINE}"


def role(opened: LocalOrganization, account: str, name: str, *, trusted: str, allowed: str | list[str]) -> None:
    """Make a role that one principal may enter."""
    client = opened.session(account).client("iam")
    trust = {"Effect": "Allow", "Principal": {"AWS": trusted}, "Action": "sts:AssumeRole"}
    grant = {"Effect": "Allow", "Action": allowed, "Resource": "*"}
    client.create_role(RoleName=name, AssumeRolePolicyDocument=document(trust))
    client.put_role_policy(RoleName=name, PolicyName="all", PolicyDocument=document(grant))


def document(*statements: Mapping[str, Any]) -> str:
    """Write a policy."""
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def site(opened: LocalOrganization, account: str, region: str = HOME) -> Site:
    """Stand in an account as its administrator."""
    session: Any = opened.session(account, region)
    return Site(account, region, opened.world.partition, lambda service: session.client(service, region_name=region))


def make(place: Site, token: str, /, **inputs: Any) -> Made:
    """Create a resource as the deployment does."""
    return registry.create(token, place, inputs)
