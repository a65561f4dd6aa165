"""The table of IAM, first part: which policies must allow, within an account and across accounts."""

from typing import Any

import pytest

from simulator.call import Caller
from tests.simulator.iam_table import (
    BASICS,
    BOUNDARIES,
    CROSS_ACCOUNT,
    EVALUATION,
    INTERPLAY,
    KEY_POLICIES,
    PRINCIPAL,
    SESSION_POLICIES,
    Row,
    params,
    to,
)
from tests.simulator.iam_world import (
    ANONYMOUS,
    HUB,
    MEMBER,
    ROLE,
    ROOT_CALLER,
    SERVICE_CALLER,
    SESSION,
    USER,
    USER_CALLER,
    allow,
    deny,
)

GET, OTHER, NEVER = allow("s3:GetObject"), allow("s3:PutObject"), deny("s3:GetObject")
BY_ROLE: dict[str, Any] = {"Condition": {"ArnEquals": {"aws:PrincipalArn": ROLE}}}
AS_ROLE: dict[str, Any] = {"aws:PrincipalArn": ROLE}
FEDERATED = f"arn:aws:sts::{HUB}:federated-user/bob"
FEDERATED_USER = Caller(FEDERATED, HUB, "federated-user", role=USER, unique_id=f"{HUB}:bob")
KEY: dict[str, Any] = {"action": "kms:Decrypt", "on": f"arn:aws:kms:eu-west-1:{HUB}:key/1", "decisive": True}
DECRYPT = allow("kms:Decrypt")


def key_to(principal: Any, **elements: Any) -> dict[str, Any]:
    return to(principal, "kms:*", **elements)


SAME_ACCOUNT = [
    Row("no policy is an implicit deny", EVALUATION, False),
    Row("the account's root has full access", EVALUATION, True, caller=ROOT_CALLER),
    Row("an identity policy alone allows", BASICS, True, [GET]),
    Row("a resource policy alone allows", BASICS, True, [], [to({"AWS": ROLE})]),
    Row("permissions of both kinds add up", BASICS, True, [OTHER], [to({"AWS": ROLE})]),
    Row("a deny in the identity policy overrides the resource's allow", BASICS, False, [NEVER], [to({"AWS": ROLE})]),
    Row("a deny in the resource policy overrides the identity's allow", BASICS, False, [GET], [to("*", effect="Deny")]),
    Row("a deny overrides however many allows", INTERPLAY, False, [GET, allow("*"), allow("s3:*"), NEVER], [to("*")]),
    Row("a deny of another action is none of this one", INTERPLAY, True, [GET, deny("s3:PutObject")]),
    Row("a deny of another resource is none of this one", INTERPLAY, True, [GET, deny("*", "arn:aws:s3:::data/x")]),
    Row("an implicit deny yields to any allow", INTERPLAY, True, [OTHER, GET]),
    Row("a deny binds the root in a resource policy", EVALUATION, False, [], [to("*", effect="Deny")],
        caller=ROOT_CALLER),
    Row("the account as principal delegates, and the identity must allow", PRINCIPAL, False, [], [to({"AWS": HUB})]),
    Row("the account as principal and the identity's allow", PRINCIPAL, True, [GET], [to({"AWS": HUB})]),
    Row("the root ARN means the account, not the root alone", PRINCIPAL, True, [GET],
        [to({"AWS": f"arn:aws:iam::{HUB}:root"})]),
    Row("a service has no identity policy", EVALUATION, False, caller=SERVICE_CALLER),
    Row("a service by the resource policy", EVALUATION, True, [], [to({"Service": "events.amazonaws.com"})],
        caller=SERVICE_CALLER),
    Row("the anonymous by the resource policy", PRINCIPAL, True, [], [to("*")], caller=ANONYMOUS),
    Row("the anonymous where a principal is named", PRINCIPAL, False, [], [to({"AWS": HUB})], caller=ANONYMOUS),
]  # fmt: skip

BOUNDED = [
    Row("both identity policy and boundary allow", BOUNDARIES, True, [GET], boundary=[GET]),
    Row("a boundary alone grants nothing", BOUNDARIES, False, [], boundary=[GET]),
    Row("what the boundary leaves out is denied", BOUNDARIES, False, [GET], boundary=[OTHER]),
    Row("an empty boundary leaves everything out", BOUNDARIES, False, [GET], boundary=[]),
    Row("an explicit deny in the boundary", BOUNDARIES, False, [GET], boundary=[allow(), NEVER]),
    Row("a role named by a resource stays in its boundary", EVALUATION, False, [], [to({"AWS": ROLE})], [OTHER]),
    Row("a role named by a resource, within its boundary", EVALUATION, True, [], [to({"AWS": ROLE})], [GET]),
    Row("a session named by a resource passes the boundary", EVALUATION, True, [], [to({"AWS": SESSION})], [OTHER]),
    Row("a session named by a resource and the boundary's deny", EVALUATION, False, [], [to({"AWS": SESSION})],
        [NEVER]),
    Row("a user named by a resource passes the boundary", EVALUATION, True, [], [to({"AWS": USER})], [OTHER],
        caller=USER_CALLER),
    Row("a user named by a resource and the boundary's deny", EVALUATION, False, [], [to({"AWS": USER})], [NEVER],
        caller=USER_CALLER),
    Row("the account named by a resource keeps the boundary", EVALUATION, False, [GET], [to({"AWS": HUB})], [OTHER]),
    Row("everyone under aws:PrincipalArn passes the boundary", PRINCIPAL, True, [], [to("*", **BY_ROLE)], [OTHER],
        context=AS_ROLE),
    Row("everyone under aws:PrincipalArn and the boundary's deny", PRINCIPAL, False, [], [to("*", **BY_ROLE)],
        [NEVER], context=AS_ROLE),
    Row("boundary, service control policy and identity all allow", BOUNDARIES, True, [GET], boundary=[GET],
        scps=[[allow()]]),
    Row("boundary and identity allow, service control policy is silent", BOUNDARIES, False, [GET], boundary=[GET],
        scps=[[OTHER]]),
    Row("boundary, session policy and identity all allow", BOUNDARIES, True, [GET], boundary=[GET], session=[[GET]]),
    Row("the boundary is silent under a session policy", BOUNDARIES, False, [GET], boundary=[OTHER], session=[[GET]]),
]  # fmt: skip

SESSIONS = [
    Row("identity policy and session policy both allow", SESSION_POLICIES, True, [allow("s3:*")], session=[[GET]]),
    Row("a session policy grants nothing", SESSION_POLICIES, False, [], session=[[GET]]),
    Row("what the session policy leaves out is denied", SESSION_POLICIES, False, [GET], session=[[OTHER]]),
    Row("an explicit deny in a session policy", SESSION_POLICIES, False, [GET], session=[[allow(), NEVER]]),
    Row("an inline and a managed session policy add up", SESSION_POLICIES, True, [GET], session=[[OTHER], [GET]]),
    Row("the role's grant is limited by the session policy", SESSION_POLICIES, False, [], [to({"AWS": ROLE})],
        session=[[OTHER]]),
    Row("the role's grant within the session policy", SESSION_POLICIES, True, [], [to({"AWS": ROLE})],
        session=[[GET]]),
    Row("the session's grant adds to the session policy", SESSION_POLICIES, True, [], [to({"AWS": SESSION})],
        session=[[OTHER]]),
    Row("the session's grant and the session policy's deny", SESSION_POLICIES, False, [], [to({"AWS": SESSION})],
        session=[[NEVER]]),
    Row("everyone under aws:PrincipalArn passes the session policy", PRINCIPAL, True, [], [to("*", **BY_ROLE)],
        session=[[OTHER]], context=AS_ROLE),
    Row("a federated user has what user and session policy allow", SESSION_POLICIES, True, [GET], session=[[GET]],
        caller=FEDERATED_USER),
    Row("a federated user without session policy has nothing", SESSION_POLICIES, False, [GET], session=[],
        caller=FEDERATED_USER),
    Row("a resource grants the federated user itself", EVALUATION, True, [], [to({"AWS": FEDERATED})], session=[],
        caller=FEDERATED_USER),
    Row("a resource's grant to the user who federated stays in the session policy", EVALUATION, False, [],
        [to({"AWS": USER})], session=[[OTHER]], caller=FEDERATED_USER),
    Row("a resource's grant to the user who federated, in the session policy", EVALUATION, True, [],
        [to({"AWS": USER})], session=[[GET]], caller=FEDERATED_USER),
]  # fmt: skip

ACROSS = [
    Row("the identity policy alone", CROSS_ACCOUNT, False, [GET], account=MEMBER),
    Row("the resource policy alone", CROSS_ACCOUNT, False, [], [to({"AWS": ROLE})], account=MEMBER),
    Row("both, the role named", CROSS_ACCOUNT, True, [GET], [to({"AWS": ROLE})], account=MEMBER),
    Row("both, the account named", CROSS_ACCOUNT, True, [GET], [to({"AWS": HUB})], account=MEMBER),
    Row("both, the session named", CROSS_ACCOUNT, True, [GET], [to({"AWS": SESSION})], account=MEMBER),
    Row("both, a user named", CROSS_ACCOUNT, True, [GET], [to({"AWS": USER})], account=MEMBER, caller=USER_CALLER),
    Row("the resource names another account", CROSS_ACCOUNT, False, [GET], [to({"AWS": MEMBER})], account=MEMBER),
    Row("a deny on the trusting side", CROSS_ACCOUNT, False, [GET], [to({"AWS": HUB}), to("*", effect="Deny")],
        account=MEMBER),
    Row("a deny on the trusted side", CROSS_ACCOUNT, False, [GET, NEVER], [to({"AWS": HUB})], account=MEMBER),
    Row("the session named does not pass the boundary", CROSS_ACCOUNT, False, [GET], [to({"AWS": SESSION})],
        [OTHER], account=MEMBER),
    Row("the session named does not pass the session policy", CROSS_ACCOUNT, False, [GET], [to({"AWS": SESSION})],
        session=[[OTHER]], account=MEMBER),
    Row("everyone named and the identity silent", CROSS_ACCOUNT, False, [], [to("*")], account=MEMBER),
    Row("the root of another account that is named", CROSS_ACCOUNT, True, [], [to({"AWS": HUB})],
        caller=ROOT_CALLER, account=MEMBER),
    Row("the root of another account that is not", CROSS_ACCOUNT, False, caller=ROOT_CALLER, account=MEMBER),
    Row("service control policies of the caller's account are asked", CROSS_ACCOUNT, False, [GET],
        [to({"AWS": HUB})], account=MEMBER, scps=[[OTHER]]),
    Row("resource control policies of the resource's account are asked", CROSS_ACCOUNT, False, [GET],
        [to({"AWS": HUB})], account=MEMBER, rcps=[[to("*", "*"), to("*", effect="Deny")]]),
]  # fmt: skip

KEYS = [
    Row("a key policy that is silent refuses the identity's allow", KEY_POLICIES, False, [DECRYPT], **KEY),
    Row("a key policy that delegates to the account", KEY_POLICIES, True, [DECRYPT], [key_to({"AWS": HUB})], **KEY),
    Row("a key policy that delegates, identity silent", KEY_POLICIES, False, [], [key_to({"AWS": HUB})], **KEY),
    Row("a key policy that names the role alone", KEY_POLICIES, True, [], [key_to({"AWS": ROLE})], **KEY),
    Row("not even the root passes a silent key policy", KEY_POLICIES, False, [], [key_to({"AWS": MEMBER})],
        caller=ROOT_CALLER, **KEY),
    Row("a key policy's deny of a delegate", KEY_POLICIES, False, [DECRYPT],
        [key_to({"AWS": HUB}), key_to({"AWS": ROLE}, effect="Deny")], **KEY),
    Row("another account's key: both sides", KEY_POLICIES, True, [DECRYPT], [key_to({"AWS": HUB})],
        account=MEMBER, **KEY),
    Row("another account's key: the key policy alone", KEY_POLICIES, False, [], [key_to({"AWS": ROLE})],
        account=MEMBER, **KEY),
    Row("another account's key: the identity alone", KEY_POLICIES, False, [DECRYPT], account=MEMBER, **KEY),
]  # fmt: skip

ROWS = [*SAME_ACCOUNT, *BOUNDED, *SESSIONS, *ACROSS, *KEYS]


@pytest.mark.parametrize("row", params(ROWS))
def test_policies_together_decide_as_documented(row: Row) -> None:
    decision = row.decide()
    assert decision.allowed is row.allowed, decision.reason
