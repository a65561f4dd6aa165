"""Assuming roles: the trust policy decides, with the caller's own permission beside it."""

from dataclasses import replace
from typing import Any

import pytest

from simulator.call import Caller, ServiceError
from tests.simulator.iam_world import HUB, MEMBER, OUTSIDER, Organization, allow, deny, document

READER = f"arn:aws:iam::{MEMBER}:role/reader"
ASSUME = ["sts:AssumeRole", "sts:SetSourceIdentity"]
REMEDIATION = f"arn:aws:iam::{HUB}:role/remediation"


@pytest.fixture
def organization() -> Organization:
    """An organisation whose hub has a role that may assume readers."""
    made = Organization()
    made.organize()
    return made


def trust(principal: Any, action: Any = ASSUME, **condition: dict[str, Any]) -> dict[str, Any]:
    statement = {"Sid": "Trust", "Effect": "Allow", "Principal": principal, "Action": action}
    return document({**statement, "Condition": condition} if condition else statement)


def reader(organization: Organization, trusted: dict[str, Any]) -> Caller:
    """Make the reader in the member account; returns a session of the hub's role that may assume it."""
    organization.role("reader", account=MEMBER, trust=trusted)
    return organization.role("remediation", allow(ASSUME, READER, Sid="Readers"))


def assume(organization: Organization, caller: Caller, **extra: Any) -> None:
    organization.authorize(
        caller, "sts", "AssumeRole", MEMBER, RoleArn=READER, RoleSessionName="palisade-reader", **extra
    )


def refusal(organization: Organization, caller: Caller, **extra: Any) -> str:
    with pytest.raises(ServiceError) as error:
        assume(organization, caller, **extra)
    assert error.value.code == "AccessDenied"
    return error.value.message


@pytest.mark.parametrize(
    ("condition", "allowed"),
    [
        pytest.param({}, True, id="no condition"),
        pytest.param({"StringEquals": {"aws:PrincipalArn": REMEDIATION}}, True, id="the role's ARN, not the session's"),
        pytest.param(
            {"StringEquals": {"aws:PrincipalArn": [f"arn:aws:iam::{HUB}:role/approve", REMEDIATION]}}, True,
            id="one of several roles",
        ),
        pytest.param(
            {"StringEquals": {"aws:PrincipalArn": f"arn:aws:iam::{HUB}:role/approve"}}, False, id="another role",
        ),
        pytest.param({"ArnLike": {"aws:PrincipalArn": f"arn:aws:iam::{HUB}:role/reme*"}}, True, id="roles of a name"),
        pytest.param({"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/other*"}}, False, id="roles of no name"),
        pytest.param({"ArnLike": {"aws:PrincipalArn": f"arn:aws:sts::{HUB}:assumed-role/*"}}, False, id="a session"),
        pytest.param(
            {"ForAnyValue:StringLike": {"aws:PrincipalOrgPaths": "o-*/r-*/ou-*"}}, True, id="a path below the root",
        ),
        pytest.param(
            {"ForAnyValue:StringLike": {"aws:PrincipalOrgPaths": "o-*/r-*/other/*"}}, False, id="another path",
        ),
        pytest.param(
            {"ForAnyValue:StringEquals": {"aws:TagKeys": "owner"}}, False, id="any value of a key that is missing",
        ),
        pytest.param({"StringLike": {"sts:RoleSessionName": "palisade-*"}}, True, id="the session's name"),
        pytest.param({"StringEquals": {"sts:ExternalId": "e"}}, False, id="an external id that is missing"),
    ],
)  # fmt: skip
def test_conditions_of_a_trust_policy_hold(
    organization: Organization, condition: dict[str, dict[str, Any]], allowed: bool
) -> None:
    caller = reader(organization, trust({"AWS": HUB}, **condition))
    if allowed:
        assume(organization, caller)
    else:
        assert refusal(organization, caller) == (
            f"User: {caller.arn} is not authorized to perform: sts:AssumeRole on resource: {READER} "
            "because no role trust policy allows the sts:AssumeRole action"
        )


def test_a_trust_policy_lets_in_the_organisation_alone(organization: Organization) -> None:
    known = organization.world.organization_id
    caller = reader(organization, trust("*", StringEquals={"aws:PrincipalOrgID": known}))
    assume(organization, caller)
    stranger = organization.role("remediation", allow(ASSUME, READER), account=OUTSIDER)
    assert "no role trust policy" in refusal(organization, stranger)


def test_the_caller_needs_its_own_permission_too(organization: Organization) -> None:
    reader(organization, trust({"AWS": HUB}))
    idle = organization.role("idle")
    assert refusal(organization, idle).endswith("because no identity-based policy allows the sts:AssumeRole action")


def test_in_one_account_a_trust_policy_that_names_the_role_is_enough(organization: Organization) -> None:
    caller = organization.role("remediation", account=MEMBER)
    organization.role("reader", account=MEMBER, trust=trust({"AWS": caller.role}))
    assume(organization, caller)


def test_an_explicit_deny_of_the_trust_policy_is_told(organization: Organization) -> None:
    trusted = trust({"AWS": HUB})
    trusted["Statement"].append({"Effect": "Deny", "Principal": "*", "Action": "sts:AssumeRole"})
    text = refusal(organization, reader(organization, trusted))
    assert text.endswith("with an explicit deny in the role trust policy")


def test_a_role_that_is_not_there_trusts_nobody(organization: Organization) -> None:
    caller = organization.role("remediation", allow(ASSUME, READER))
    assert "no role trust policy" in refusal(organization, caller)


def test_a_role_made_anew_is_not_the_one_that_was_deleted(organization: Organization) -> None:
    old = reader(organization, trust({"AWS": REMEDIATION}))
    deleting = organization.call(old, "iam", "DeleteRole", RoleName="remediation")
    organization.iam.before(deleting)
    organization.delete_role("remediation")
    organization.iam.after(deleting, {})
    new = organization.role("remediation", allow(ASSUME, READER))
    assert "no role trust policy" in refusal(organization, new)


@pytest.mark.parametrize(
    ("own", "trusted", "side"),
    [
        pytest.param(ASSUME, "sts:AssumeRole", "role trust policy", id="the trust policy does not let it be set"),
        pytest.param("sts:AssumeRole", ASSUME, "identity-based policy", id="the caller may not set it"),
    ],
)
def test_a_source_identity_needs_a_permission_on_each_side(
    organization: Organization, own: Any, trusted: Any, side: str
) -> None:
    organization.role("reader", account=MEMBER, trust=trust({"AWS": HUB}, trusted))
    caller = organization.role("remediation", allow(own, READER))
    assume(organization, caller)
    text = refusal(organization, caller, SourceIdentity="r1")
    assert text.endswith(f"because no {side} allows the sts:SetSourceIdentity action")
    # A session that has one takes it along, whether it asks to or not.
    assert "sts:SetSourceIdentity" in refusal(organization, replace(caller, source_identity="r1"))


def test_a_source_identity_can_be_demanded_by_the_trust_policy(organization: Organization) -> None:
    caller = reader(organization, trust({"AWS": HUB}, StringLike={"sts:SourceIdentity": "r-*"}))
    assume(organization, caller, SourceIdentity="r-1")
    assert "sts:AssumeRole" in refusal(organization, caller)
    assert "sts:AssumeRole" in refusal(organization, caller, SourceIdentity="x")


def test_policies_of_the_session_see_its_source_identity(organization: Organization) -> None:
    marked = {"StringEquals": {"aws:SourceIdentity": "r-1"}}
    caller = organization.role("writer", allow("s3:PutBucketVersioning", Condition=marked), account=MEMBER)
    organization.authorize(replace(caller, source_identity="r-1"), "s3", "PutBucketVersioning", Bucket="data")
    with pytest.raises(ServiceError, match="no identity-based policy"):
        organization.authorize(caller, "s3", "PutBucketVersioning", Bucket="data")


def test_the_statements_of_both_sides_are_counted(organization: Organization) -> None:
    caller = reader(organization, trust({"AWS": HUB}))
    assume(organization, caller, SourceIdentity="r1")
    counted = {
        (ref.holder, ref.policy, ref.statement): count
        for ref, count in organization.authorizer.sole.items()
        if ":organizations:" not in ref.holder
    }
    assert counted == {(READER, "trust policy", "Trust"): 2, (caller.role, "grants", "Readers"): 2}


def test_a_deny_of_the_caller_is_counted(organization: Organization) -> None:
    organization.role("reader", account=MEMBER, trust=trust({"AWS": HUB}))
    caller = organization.role("remediation", allow(ASSUME), deny("sts:*", READER, Sid="Never"))
    refusal(organization, caller)
    (ref,) = organization.authorizer.denied
    assert (ref.holder, ref.statement) == (caller.role, "Never")
