"""The table of IAM, fourth part: service control and resource control policies along the tree of the organisation.

The rows attach policies in moto's organization, root to account, and make whole calls.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from moto.backends import get_backend

from simulator.call import Caller, ServiceError
from tests.simulator.iam_table import DEPUTY, RCP, RCP_EVALUATION, SCP, SCP_EVALUATION, Statements
from tests.simulator.iam_world import (
    HUB,
    MANAGEMENT,
    MEMBER,
    OUTSIDER,
    REGION,
    ROOT_CALLER,
    Organization,
    allow,
    deny,
    document,
)

FULL, NONE = "full", "none"
SERVICE, RESOURCE = "SERVICE_CONTROL_POLICY", "RESOURCE_CONTROL_POLICY"
DEFAULTS = {SERVICE: "p-FullAWSAccess", RESOURCE: "p-RCPFullAWSAccess"}
GET, LIST = allow("s3:GetObject"), allow("s3:ListBucket")
Level = Statements | str
Who = Callable[[Organization], Caller]


def guard(action: Any, **condition: dict[str, Any]) -> dict[str, Any]:
    """A statement of a resource control policy."""
    return deny(action, Principal="*", **({"Condition": condition} if condition else {}))


def worker(organization: Organization) -> Caller:
    return organization.role("worker", allow("*"))


def reader(organization: Organization) -> Caller:
    return organization.role("reader", GET)


def root(organization: Organization) -> Caller:
    return ROOT_CALLER


def manager(organization: Organization) -> Caller:
    return organization.role("worker", allow("*"), account=MANAGEMENT)


def delegate(organization: Organization) -> Caller:
    """A session of an account that administers a service for the organisation."""
    backend = get_backend("organizations")[MANAGEMENT]["aws"]
    backend.enable_aws_service_access(ServicePrincipal="ssm.amazonaws.com")
    backend.register_delegated_administrator(AccountId=HUB, ServicePrincipal="ssm.amazonaws.com")
    return worker(organization)


def linked(organization: Organization) -> Caller:
    """A session of a service-linked role."""
    return organization.role("AWSServiceRoleForX", allow("*"), path="/aws-service-role/x.amazonaws.com/")


def outsider(organization: Organization) -> Caller:
    return organization.role("stranger", allow("*"), account=OUTSIDER)


def neighbour(organization: Organization) -> Caller:
    return organization.role("worker", allow("*"), account=MEMBER)


def logging(account: str) -> Who:
    return lambda organization: organization.world.as_service("logging.s3.amazonaws.com", account=account)


@dataclass(frozen=True)
class Guarded:
    """A call under the organisation's policies; each level has AWS's own full access or just what is named."""

    name: str
    source: str
    allowed: bool
    who: Who = worker
    root: Level = FULL
    unit: Level = FULL
    account: Level = FULL
    kind: str = SERVICE
    call: tuple[str, str, dict[str, Any]] = ("s3", "GetObject", {"Bucket": "data", "Key": "k"})
    enabled: bool = True
    bucket_policy: Statements = field(default_factory=list)
    owner: str = HUB
    denied_by: str = "control policy"


def asked(row: Guarded) -> str:
    """Make the row's world and call; returns the refusal, or nothing."""
    organization = Organization()
    backend = organization.organize()
    bucket = get_backend("s3")[row.owner]["aws"].create_bucket("data", REGION)
    if row.bucket_policy:
        bucket.policy = json.dumps(document(*row.bucket_policy)).encode()
    caller = row.who(organization)
    place = HUB if row.kind == SERVICE else row.owner
    path = organization.world.accounts[place].path
    targets = (path[0], path[-1] if len(path) > 1 else None, place)
    for target, level in zip(targets, (row.root, row.unit, row.account), strict=True):
        attach(backend, row.kind, target, level)
    if not row.enabled:
        backend.disable_policy_type(RootId=path[0], PolicyType=row.kind)
    service, operation, parameters = row.call
    try:
        organization.authorize(caller, service, operation, **parameters)
    except ServiceError as error:
        return error.message
    return ""


def attach(backend: Any, kind: str, target: str | None, level: Level) -> None:
    if level == FULL or target is None:
        return
    # Resource control policies stand beside the one that allows everything; it cannot be detached.
    if kind == SERVICE:
        backend.detach_policy(PolicyId=DEFAULTS[kind], TargetId=target)
    if isinstance(level, str):
        return
    content = json.dumps(document(*level))
    made = backend.create_policy(Name=f"{kind}-{target}", Description="", Type=kind, Tags=[], Content=content)
    backend.attach_policy(PolicyId=made["Policy"]["PolicySummary"]["Id"], TargetId=target)


SERVICE_CONTROL = [
    Guarded("full access at every level", SCP_EVALUATION, True),
    Guarded("the root's policy leaves the action out", SCP_EVALUATION, False, root=[LIST]),
    Guarded("the unit's policy leaves the action out", SCP_EVALUATION, False, unit=[LIST]),
    Guarded("the account's policy leaves the action out", SCP_EVALUATION, False, account=[LIST]),
    Guarded("every level allows just the action", SCP_EVALUATION, True, root=[GET], unit=[GET], account=[GET]),
    Guarded("a level without any policy allows nothing", SCP_EVALUATION, False, unit=NONE),
    Guarded("the root denies", SCP_EVALUATION, False, root=[allow(), deny("s3:*")]),
    Guarded("the unit denies", SCP_EVALUATION, False, unit=[allow(), deny("s3:GetObject")]),
    Guarded("the account denies", SCP_EVALUATION, False, account=[allow(), deny("s3:Get*")]),
    Guarded("an allow below does not undo a deny above", SCP_EVALUATION, False, root=[allow(), deny("s3:*")],
            account=[allow(), GET]),
    Guarded("a deny of something else", SCP_EVALUATION, True, root=[allow(), deny("iam:*")]),
    Guarded("a policy does not grant: the identity is silent", SCP, False, reader,
            call=("s3", "PutObject", {"Bucket": "data", "Key": "k"}), denied_by="identity-based policy"),
    Guarded("a member's root is restricted", SCP, False, root, root=[allow(), deny("s3:*")]),
    Guarded("a member's root within the policies", SCP, True, root),
    Guarded("the management account is not restricted", SCP, True, manager, root=[allow(), deny("s3:*")],
            owner=MANAGEMENT),
    Guarded("a delegated administrator is restricted", SCP, False, delegate, root=[allow(), deny("s3:*")]),
    Guarded("a service-linked role is not restricted", SCP, True, linked, root=[allow(), deny("*")]),
    Guarded("a type that is not enabled has no effect", SCP, True, root=[allow(), deny("s3:*")], enabled=False),
    Guarded("another organisation's principal is not restricted, however the account is", SCP, True, outsider,
            root=[allow(), deny("s3:*")], bucket_policy=[allow(Principal={"AWS": OUTSIDER})]),
    Guarded("a resource that names the role does not pass them", SCP, False, reader, root=[allow(), deny("s3:*")],
            bucket_policy=[allow(Principal={"AWS": f"arn:aws:iam::{HUB}:role/reader"})]),
    Guarded("all Regions but one are denied: this one", SCP, True, root=[allow(), {
        "Effect": "Deny", "NotAction": "iam:*", "Resource": "*",
        "Condition": {"StringNotEquals": {"aws:RequestedRegion": [REGION]}}}]),
    Guarded("all Regions but one are denied: another", SCP, False, root=[allow(), {
        "Effect": "Deny", "NotAction": "iam:*", "Resource": "*",
        "Condition": {"StringNotEquals": {"aws:RequestedRegion": ["us-east-1"]}}}]),
    Guarded("all but an exempt role are denied: the role", SCP, True, root=[allow(), deny("s3:*", Condition={
        "ArnNotLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/worker"}})]),
    Guarded("all but an exempt role are denied: another", SCP, False, reader, root=[allow(), deny("s3:*", Condition={
        "ArnNotLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/worker"}})]),
    Guarded("leaving the organisation is denied", SCP, False, root=[allow(), deny("organizations:LeaveOrganization")],
            call=("organizations", "LeaveOrganization", {})),
    Guarded("assuming a role elsewhere is denied by the caller's account", SCP, False,
            root=[allow(), deny("sts:AssumeRole")],
            call=("sts", "AssumeRole", {"RoleArn": f"arn:aws:iam::{MEMBER}:role/r", "RoleSessionName": "s"})),
]  # fmt: skip

OPEN = [allow(Principal="*")]
OUTSIDE = {"StringNotEqualsIfExists": {"aws:PrincipalOrgID": "${aws:ResourceOrgID}"}}
BUT_SERVICES = {**OUTSIDE, "BoolIfExists": {"aws:PrincipalIsAWSService": "false"}}
BUT_OWN_SERVICES = {
    "StringNotEqualsIfExists": {"aws:SourceOrgID": "${aws:ResourceOrgID}"},
    "Null": {"aws:SourceAccount": "false"},
    "Bool": {"aws:PrincipalIsAWSService": "true"},
}


def _rcp(name: str, source: str, allowed: bool, who: Who, *statements: dict[str, Any], **more: Any) -> Guarded:
    return Guarded(name, source, allowed, who, root=list(statements), kind=RESOURCE, bucket_policy=OPEN, **more)


RESOURCE_CONTROL = [
    _rcp("the account's own role is restricted", RCP, False, worker, guard("s3:*")),
    _rcp("the account's own root is restricted", RCP, False, root, guard("s3:*")),
    _rcp("a principal of another account is restricted", RCP, False, neighbour, guard("s3:*")),
    _rcp("a principal outside the organisation is restricted", RCP, False, outsider, guard("s3:*")),
    _rcp("a service is restricted", RCP, False, logging(HUB), guard("s3:*")),
    _rcp("a service-linked role is not restricted by the resource's", RCP, True, linked, guard("s3:*")),
    _rcp("resources of the management account are not restricted", RCP, True, manager, guard("s3:*"),
         owner=MANAGEMENT),
    _rcp("a deny of another action", RCP_EVALUATION, True, worker, guard("s3:PutObject")),
    replace(_rcp("a deny at the unit", RCP_EVALUATION, False, worker), root=FULL, unit=[guard("s3:*")]),
    replace(_rcp("a deny at the account", RCP_EVALUATION, False, worker), root=FULL, account=[guard("s3:*")]),
    _rcp("the type is not enabled", RCP, True, worker, guard("s3:*"), enabled=False),
    _rcp("a service that they do not apply to", RCP, True, worker, guard("s3:*"),
         call=("ec2", "DescribeInstances", {})),
    _rcp("only the organisation: a neighbour", RCP, True, neighbour, guard("s3:*", **BUT_SERVICES)),
    _rcp("only the organisation: a stranger", RCP, False, outsider, guard("s3:*", **BUT_SERVICES)),
    _rcp("only the organisation and services: a service", RCP, True, logging(HUB), guard("s3:*", **BUT_SERVICES)),
    _rcp("only the organisation, services not spared: a service", RCP, False, logging(HUB), guard("s3:*", **OUTSIDE)),
    _rcp("services on the organisation's behalf", DEPUTY, True, logging(MEMBER), guard("s3:*", **BUT_OWN_SERVICES)),
    _rcp("services on a stranger's behalf", DEPUTY, False, logging(OUTSIDER), guard("s3:*", **BUT_OWN_SERVICES)),
    _rcp("only by encrypted transport", RCP, True, worker,
         guard("s3:*", Bool={"aws:SecureTransport": "false"})),
    _rcp("roles are resources of STS: a stranger", RCP, False, outsider, guard("sts:AssumeRole", **OUTSIDE),
         call=("sts", "AssumeRole", {"RoleArn": f"arn:aws:iam::{HUB}:role/open", "RoleSessionName": "s"})),
]  # fmt: skip


def check(row: Guarded) -> None:
    refusal = asked(row)
    assert (refusal == "") is row.allowed, refusal
    assert row.allowed or row.denied_by in refusal


@pytest.mark.parametrize("row", [pytest.param(row, id=row.name) for row in SERVICE_CONTROL])
def test_service_control_policies_restrict_as_documented(row: Guarded) -> None:
    check(row)


@pytest.mark.parametrize("row", [pytest.param(row, id=row.name) for row in RESOURCE_CONTROL])
def test_resource_control_policies_restrict_as_documented(row: Guarded) -> None:
    check(row)


@pytest.mark.parametrize(
    ("action", "allowed"),
    [pytest.param("RetireGrant", True, id="retiring a grant"), pytest.param("RevokeGrant", False, id="revoking one")],
)
def test_retiring_grants_is_beyond_resource_control_policies(action: str, allowed: bool) -> None:
    # Source: KMS Developer Guide, "Resource control policies in AWS KMS".
    organization = Organization()
    attach(organization.organize(), RESOURCE, HUB, [guard("kms:*")])
    policy = json.dumps(document(allow("kms:*", Principal={"AWS": HUB})))
    key = get_backend("kms")[HUB][REGION].create_key(policy, "ENCRYPT_DECRYPT", "SYMMETRIC_DEFAULT", "", [])
    caller = worker(organization)
    if allowed:
        organization.authorize(caller, "kms", action, KeyId=key.arn, GrantId="g")
    else:
        with pytest.raises(ServiceError, match="explicit deny in a resource control policy"):
            organization.authorize(caller, "kms", action, KeyId=key.arn, GrantId="g")


ROWS = [*SERVICE_CONTROL, *RESOURCE_CONTROL]
