"""A small organisation for the tests of IAM: a management account, a hub, a member and an outsider."""

import json
from datetime import UTC, datetime
from typing import Any

from moto.backends import get_backend
from moto.core.base_backend import BackendDict

from simulator.agenda import Agenda
from simulator.call import Call, Caller
from simulator.iam.actions import Authorization, authorizations
from simulator.iam.authorizer import Authorizer
from simulator.iam.decision import Decision, Policies, decide
from simulator.iam.patterns import Value
from simulator.iam.policy import Policy, Request, parse
from simulator.identity import Identities
from simulator.services.iam import Iam
from simulator.services.sts import Sts
from simulator.world import Account, World

MANAGEMENT, HUB, MEMBER, OUTSIDER = "100000000001", "200000000002", "300000000003", "400000000004"
REGION = "eu-west-1"
START = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
ROLE = f"arn:aws:iam::{HUB}:role/worker"
SESSION = f"arn:aws:sts::{HUB}:assumed-role/worker/job-1"
USER = f"arn:aws:iam::{HUB}:user/ann"
# What the policies of single decisions hang on.
HOLDER = f"arn:aws:iam::{HUB}:role/holder"

ROOT_CALLER = Caller(f"arn:aws:iam::{HUB}:root", HUB, "root", unique_id=HUB)
SESSION_CALLER = Caller(SESSION, HUB, "session", role=ROLE, session_name="job-1", unique_id="AROAWORKER:job-1")
USER_CALLER = Caller(USER, HUB, "user", unique_id="AIDAANN")
SERVICE_CALLER = Caller(
    "events.amazonaws.com", HUB, "service", service="events.amazonaws.com", source_account=HUB, source_arn="arn:rule"
)
ANONYMOUS = Caller("anonymous", "", "anonymous")


class StillClock:
    """A clock that moves when it is told to."""

    def __init__(self) -> None:
        self.moment = START

    def now(self) -> datetime:
        return self.moment

    def forward(self, moment: datetime) -> None:
        self.moment = max(self.moment, moment)


def document(*statements: dict[str, Any], version: str | None = "2012-10-17") -> dict[str, Any]:
    return {**({"Version": version} if version else {}), "Statement": list(statements)}


def allow(action: Any = "*", resource: Any = "*", **elements: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **elements}


def deny(action: Any = "*", resource: Any = "*", **elements: Any) -> dict[str, Any]:
    return {"Effect": "Deny", "Action": action, "Resource": resource, **elements}


def policy(*statements: dict[str, Any], name: str = "test", version: str | None = "2012-10-17") -> Policy:
    return parse(document(*statements, version=version), HOLDER, name)


def ask(
    policies: Policies,
    *,
    caller: Caller = SESSION_CALLER,
    action: str = "s3:GetObject",
    resource: str = "arn:aws:s3:::data/report",
    account: str = HUB,
    context: dict[str, Value] | None = None,
) -> Decision:
    return decide(Request(caller, action, resource, account, context or {}), policies)


def needed(
    organization: "Organization", service: str, operation: str, caller: Caller = SESSION_CALLER, **parameters: Any
) -> list[Authorization]:
    return authorizations(organization.call(caller, service, operation, **parameters), organization.world)


class Organization:
    """The world of one test, over moto's backends."""

    def __init__(self) -> None:
        BackendDict.reset()
        self.clock = StillClock()
        members = ((MANAGEMENT, "management"), (HUB, "hub"), (MEMBER, "member"))
        accounts = {name: Account(name, kind, kind) for name, kind in members}
        self.world = World(Agenda(self.clock), REGION, (REGION,), "o-palisade", MANAGEMENT, accounts)
        self.identities = Identities(self.world)
        self.sts = Sts(self.world, self.identities)
        self.iam = Iam(self.world)
        self.world.services |= {"sts": self.sts, "iam": self.iam}
        self.authorizer = Authorizer(self.world, self.identities)

    def organize(self) -> Any:
        """Found the organisation in moto, each account in its own place below the root; returns moto's backend."""
        backend = get_backend("organizations")[MANAGEMENT]["aws"]
        backend.create_organization(REGION, FeatureSet="ALL")
        self.world.organization_id = backend.org.id
        root = backend.ou[0].id
        for kind in ("SERVICE_CONTROL_POLICY", "RESOURCE_CONTROL_POLICY"):
            backend.enable_policy_type(RootId=root, PolicyType=kind)
        unit = backend.create_organizational_unit(ParentId=root, Name="workloads")["OrganizationalUnit"]["Id"]
        self.world.accounts[MANAGEMENT].path = (root,)
        for name in (HUB, MEMBER):
            backend.create_account(AccountName=name, Email=f"{name}@example.com")
            backend.accounts[-1].id = name
            backend.move_account(AccountId=name, SourceParentId=root, DestinationParentId=unit)
            self.world.accounts[name].path = (root, unit)
        return backend

    def role(
        self, name: str, *statements: dict[str, Any], account: str = HUB, trust: Any = None, path: str = "/",
        boundary: str | None = None, seconds: str = "3600",
    ) -> Caller:  # fmt: skip
        """Make a role with one inline policy; returns a session of it."""
        backend = get_backend("iam")[account]["aws"]
        trusted = trust or document(
            {"Effect": "Allow", "Principal": {"AWS": account}, "Action": ["sts:AssumeRole", "sts:SetSourceIdentity"]}
        )
        role = backend.create_role(name, json.dumps(trusted), path, boundary, "", [], seconds)
        if statements:
            backend.put_role_policy(name, "grants", json.dumps(document(*statements)))
        return Caller(
            arn=f"arn:aws:sts::{account}:assumed-role/{name}/test",
            account=account,
            kind="session",
            role=role.arn,
            session_name="test",
            unique_id=f"{role.id}:test",
        )

    def grant(self, role: str, *statements: dict[str, Any], account: str = HUB) -> None:
        """Give a role one more inline policy."""
        get_backend("iam")[account]["aws"].put_role_policy(role, "more", json.dumps(document(*statements)))

    def user(self, name: str, *statements: dict[str, Any], account: str = HUB) -> Caller:
        """Make a user with one inline policy."""
        backend = get_backend("iam")[account]["aws"]
        user = backend.create_user(REGION, name)
        backend.put_user_policy(name, "grants", json.dumps(document(*statements)))
        return Caller(user.arn, account, "user", unique_id=user.id)

    def delete_role(self, name: str, account: str = HUB) -> None:
        """Delete a role with its inline policy, as IAM's service would have moto do it."""
        backend = get_backend("iam")[account]["aws"]
        for policy in list(backend.get_role(name).policies):
            backend.delete_role_policy(name, policy)
        backend.delete_role(name)

    def call(self, caller: Caller, service: str, operation: str, account: str | None = None, **parameters: Any) -> Call:
        return Call(service, operation, parameters, REGION, "aws", account or caller.account, caller)

    def authorize(
        self, caller: Caller, service: str, operation: str, account: str | None = None, **parameters: Any
    ) -> Call:
        call = self.call(caller, service, operation, account, **parameters)
        self.authorizer.authorize(call)
        return call
