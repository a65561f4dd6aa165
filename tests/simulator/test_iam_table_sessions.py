"""The table of IAM, fifth part: assuming roles, chains of roles, session tags, source identities, their end."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest
from moto.backends import get_backend

from simulator.call import Caller, ServiceError
from tests.simulator.iam_table import (
    ASSUME_ROLE,
    CHAINING,
    DEPUTY,
    EXTERNAL_ID,
    PRINCIPAL,
    SESSION_TAGS,
    SOURCE_IDENTITY,
    Statements,
)
from tests.simulator.iam_world import HUB, MEMBER, ROOT_CALLER, START, Organization, allow, deny, document

TARGET = f"arn:aws:iam::{MEMBER}:role/target"
ALL = ["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"]
TEAM = [{"Key": "team", "Value": "red"}]
HOUR = 3600
Who = Callable[[Organization], Caller]


def trusting(principal: Any = None, action: Any = ALL, effect: Any = "Allow", **condition: Any) -> dict[str, Any]:
    """A statement of the target's trust policy; it trusts the hub where nobody else is named."""
    statement = {"Effect": effect, "Principal": principal or {"AWS": HUB}, "Action": action}
    return {**statement, "Condition": condition} if condition else statement


def user(organization: Organization) -> Caller:
    return organization.user("ann", allow("sts:*"))


def plain_user(organization: Organization) -> Caller:
    return organization.user("ann", allow("sts:AssumeRole"))


def powerless_user(organization: Organization) -> Caller:
    return organization.user("ann", allow("s3:*"))


def session(organization: Organization) -> Caller:
    return organization.role("worker", allow("sts:*"))


def plain_session(organization: Organization) -> Caller:
    return organization.role("worker", allow("sts:AssumeRole"))


def own_account(organization: Organization) -> Caller:
    """A role of the target's own account without any permissions."""
    return organization.role("worker", account=MEMBER)


def tagged_session(organization: Organization) -> Caller:
    return replace(
        session(organization), session_tags={"team": "blue", "job": "x"}, transitive_tags=frozenset({"team"})
    )


def known_session(organization: Organization) -> Caller:
    return replace(session(organization), source_identity="ann")


def service(principal: str, account: str = HUB) -> Who:
    return lambda organization: organization.world.as_service(principal, account=account)


@dataclass(frozen=True)
class Assumption:
    """One AssumeRole; `refusal` is a part of the error, empty where it succeeds."""

    name: str
    source: str
    who: Who
    trust: Statements
    refusal: str = ""
    asked: dict[str, Any] = field(default_factory=dict)
    seconds: int = 12 * HOUR


TRUST, IDENTITY = "no role trust policy allows", "no identity-based policy allows"
LAMBDA = {"Service": "lambda.amazonaws.com"}
ROWS = [
    # Who may assume, and by whose leave.
    Assumption("another account's role: both sides allow", ASSUME_ROLE, user, [trusting()]),
    Assumption("another account's role: the trust policy alone", ASSUME_ROLE, powerless_user, [trusting()], IDENTITY),
    Assumption("another account's role: the identity alone", ASSUME_ROLE, user, [trusting({"AWS": MEMBER})], TRUST),
    Assumption("the own account's role that names the caller", ASSUME_ROLE, own_account,
               [trusting({"AWS": f"arn:aws:iam::{MEMBER}:role/worker"})]),
    Assumption("the own account's role that names the account", ASSUME_ROLE, own_account,
               [trusting({"AWS": MEMBER})], IDENTITY),
    Assumption("a root assumes no role", ASSUME_ROLE, lambda organization: ROOT_CALLER, [trusting()],
               "may not be assumed by root accounts"),
    Assumption("a deny of the trust policy", ASSUME_ROLE, user, [trusting(), trusting("*", effect="Deny")],
               "explicit deny in the role trust policy"),
    Assumption("a service that is trusted", PRINCIPAL, service("lambda.amazonaws.com"), [trusting(LAMBDA)]),
    Assumption("a service that is not", PRINCIPAL, service("ec2.amazonaws.com"), [trusting(LAMBDA)], TRUST),
    Assumption("a service on the account's behalf", DEPUTY, service("lambda.amazonaws.com", MEMBER),
               [trusting(LAMBDA, StringEquals={"aws:SourceAccount": MEMBER})]),
    Assumption("a service on another's behalf", DEPUTY, service("lambda.amazonaws.com"),
               [trusting(LAMBDA, StringEquals={"aws:SourceAccount": MEMBER})], TRUST),
    Assumption("the external id of the third party", EXTERNAL_ID, user,
               [trusting(StringEquals={"sts:ExternalId": "12345"})], asked={"ExternalId": "12345"}),
    Assumption("another external id", EXTERNAL_ID, user, [trusting(StringEquals={"sts:ExternalId": "12345"})], TRUST,
               {"ExternalId": "12346"}),
    Assumption("no external id", EXTERNAL_ID, user, [trusting(StringEquals={"sts:ExternalId": "12345"})], TRUST),
    Assumption("a session name that the trust policy demands", ASSUME_ROLE, user,
               [trusting(StringLike={"sts:RoleSessionName": "${aws:username}"})], asked={"RoleSessionName": "ann"}),
    Assumption("another session name", ASSUME_ROLE, user,
               [trusting(StringLike={"sts:RoleSessionName": "${aws:username}"})], TRUST),
    # How long.
    Assumption("a user's session as long as the role allows", ASSUME_ROLE, user, [trusting()],
               asked={"DurationSeconds": 12 * HOUR}),
    Assumption("longer than the role allows", ASSUME_ROLE, user, [trusting()], "MaxSessionDuration",
               {"DurationSeconds": 2 * HOUR}, seconds=HOUR),
    Assumption("a chained session of an hour", CHAINING, session, [trusting()], asked={"DurationSeconds": HOUR}),
    Assumption("a chained session of more than an hour", CHAINING, session, [trusting()],
               "1 hour session limit for roles assumed by role chaining", {"DurationSeconds": HOUR + 1}),
    # Session tags.
    Assumption("tags where both sides allow them", SESSION_TAGS, user, [trusting()], asked={"Tags": TEAM}),
    Assumption("tags that the trust policy does not allow", SESSION_TAGS, user, [trusting(action="sts:AssumeRole")],
               f"{TRUST} the sts:TagSession", {"Tags": TEAM}),
    Assumption("tags that the identity does not allow", SESSION_TAGS, plain_user, [trusting()],
               f"{IDENTITY} the sts:TagSession", {"Tags": TEAM}),
    Assumption("a tag's value that the trust policy demands", SESSION_TAGS, user,
               [trusting(StringEquals={"aws:RequestTag/team": ["red", "blue"]})], asked={"Tags": TEAM}),
    Assumption("another value", SESSION_TAGS, user, [trusting(StringEquals={"aws:RequestTag/team": "blue"})], TRUST,
               {"Tags": TEAM}),
    Assumption("a tag that the trust policy demands and that is missing", SESSION_TAGS, user,
               [trusting(StringLike={"aws:RequestTag/team": "*"})], TRUST),
    Assumption("only tags of a list", SESSION_TAGS, user,
               [trusting(**{"ForAllValues:StringEquals": {"aws:TagKeys": ["team"]}})], asked={"Tags": TEAM}),
    Assumption("a tag beside the list", SESSION_TAGS, user,
               [trusting(**{"ForAllValues:StringEquals": {"aws:TagKeys": ["job"]}})], TRUST, {"Tags": TEAM}),
    Assumption("transitive tags of a list", SESSION_TAGS, user,
               [trusting(**{"ForAllValues:StringEquals": {"sts:TransitiveTagKeys": ["team"]}})],
               asked={"Tags": TEAM, "TransitiveTagKeys": ["team"]}),
    Assumption("a transitive tag beside the list", SESSION_TAGS, user,
               [trusting(**{"ForAllValues:StringEquals": {"sts:TransitiveTagKeys": ["job"]}})], TRUST,
               {"Tags": TEAM, "TransitiveTagKeys": ["team"]}),
    Assumption("a transitive tag that is not passed", SESSION_TAGS, user, [trusting()], "must be included",
               {"Tags": TEAM, "TransitiveTagKeys": ["job"]}),
    Assumption("the same key in two cases", SESSION_TAGS, user, [trusting()], "not case sensitive",
               {"Tags": [*TEAM, {"Key": "Team", "Value": "x"}]}),
    Assumption("a key that is AWS's own", SESSION_TAGS, user, [trusting()], "reserved",
               {"Tags": [{"Key": "aws:team", "Value": "x"}]}),
    Assumption("inherited transitive tags pass on", SESSION_TAGS, tagged_session, [trusting()]),
    Assumption("inherited transitive tags need leave to tag", SESSION_TAGS, tagged_session,
               [trusting(action="sts:AssumeRole")], f"{TRUST} the sts:TagSession"),
    Assumption("an inherited transitive tag cannot be set again", SESSION_TAGS, tagged_session, [trusting()],
               "conflicts with a transitive tag", {"Tags": [{"Key": "Team", "Value": "z"}]}),
    Assumption("tags of the caller's own session in the trust policy", SESSION_TAGS, tagged_session,
               [trusting(StringEquals={"aws:PrincipalTag/job": "x"})]),
    # Source identity.
    Assumption("a source identity where both sides allow it", SOURCE_IDENTITY, user, [trusting()],
               asked={"SourceIdentity": "ann"}),
    Assumption("a source identity that the trust policy does not allow", SOURCE_IDENTITY, user,
               [trusting(action="sts:AssumeRole")], f"{TRUST} the sts:SetSourceIdentity", {"SourceIdentity": "ann"}),
    Assumption("a source identity that the identity does not allow", SOURCE_IDENTITY, plain_session, [trusting()],
               f"{IDENTITY} the sts:SetSourceIdentity", {"SourceIdentity": "ann"}),
    Assumption("a source identity that is demanded and missing", SOURCE_IDENTITY, user,
               [trusting(StringLike={"sts:SourceIdentity": "a*"})], TRUST),
    Assumption("a source identity that is demanded", SOURCE_IDENTITY, user,
               [trusting(StringLike={"sts:SourceIdentity": "a*"})], asked={"SourceIdentity": "ann"}),
    Assumption("a source identity cannot be changed down the chain", SOURCE_IDENTITY, known_session, [trusting()],
               "already set", {"SourceIdentity": "bob"}),
    Assumption("a source identity goes down the chain by itself", SOURCE_IDENTITY, known_session,
               [trusting(StringEquals={"sts:SourceIdentity": "ann"})]),
    Assumption("a source identity of the caller's session in the trust policy", SOURCE_IDENTITY, known_session,
               [trusting(StringEquals={"aws:SourceIdentity": "ann"})]),
    Assumption("down the chain it needs leave all the same", SOURCE_IDENTITY, known_session,
               [trusting(action="sts:AssumeRole")], f"{TRUST} the sts:SetSourceIdentity"),
]  # fmt: skip


def assume(organization: Organization, caller: Caller, **asked: Any) -> Caller:
    """Assume the target as through the front door; returns its session."""
    parameters = {"RoleArn": TARGET, "RoleSessionName": "table", **asked}
    call = organization.authorize(caller, "sts", "AssumeRole", MEMBER, **parameters)
    answer = organization.sts.assume_role(call)
    return organization.identities.caller(answer["Credentials"]["AccessKeyId"])


@pytest.mark.parametrize("row", [pytest.param(row, id=row.name) for row in ROWS])
def test_a_role_is_assumed_as_documented(row: Assumption) -> None:
    organization = Organization()
    organization.role("target", account=MEMBER, trust=document(*row.trust), seconds=str(row.seconds))
    caller = row.who(organization)
    if not row.refusal:
        assert assume(organization, caller, **row.asked).role == TARGET
        return
    with pytest.raises(ServiceError) as error:
        assume(organization, caller, **row.asked)
    assert row.refusal in error.value.message


def test_the_chain_of_three_roles_carries_the_tags_of_the_example() -> None:
    # Source: IAM User Guide, "Pass session tags in AWS STS", "Chaining roles with session tags".
    organization = Organization()
    organization.role("target", allow("sts:*"), account=MEMBER, trust=document(trusting(), trusting({"AWS": MEMBER})))
    get_backend("iam")[MEMBER]["aws"].tag_role("target", [{"Key": "sun", "Value": "2"}, {"Key": "star", "Value": "3"}])
    tags = [{"Key": "Star", "Value": "1"}, {"Key": "Heart", "Value": "1"}]
    first = assume(organization, user(organization), Tags=tags, TransitiveTagKeys=["Star", "Heart"])
    second = assume(organization, first)
    third = assume(organization, second)
    assert third.session_tags == {"Star": "1", "Heart": "1"}
    assert third.transitive_tags == {"Star", "Heart"}
    # The session's Star goes before the role's star; the role's other tag counts too.
    wanted = {f"aws:PrincipalTag/{key}": value for key, value in (("star", "1"), ("heart", "1"), ("sun", "2"))}
    organization.grant("target", allow("s3:GetObject", Condition={"StringEquals": wanted}), account=MEMBER)
    organization.authorize(third, "s3", "GetObject", Bucket="data", Key="k")


def test_sessions_from_before_a_revocation_are_denied() -> None:
    # Source: IAM User Guide, "Revoke IAM role temporary security credentials".
    organization = Organization()
    organization.role("target", allow("s3:*"), account=MEMBER, trust=document(trusting()))
    caller = user(organization)
    early = assume(organization, caller)
    organization.clock.forward(START + timedelta(minutes=5))
    older = {"DateLessThan": {"aws:TokenIssueTime": "2026-01-05T09:05:00Z"}}
    organization.grant("target", deny(Condition=older), account=MEMBER)
    late = assume(organization, caller)
    organization.authorize(late, "s3", "GetObject", Bucket="data", Key="k")
    with pytest.raises(ServiceError, match="explicit deny in an identity-based policy"):
        organization.authorize(early, "s3", "GetObject", Bucket="data", Key="k")


def test_a_federated_user_may_what_user_and_session_policy_both_allow() -> None:
    # Source: STS API Reference, "GetFederationToken".
    organization = Organization()
    caller = organization.user("ann", allow(["s3:*", "sts:GetFederationToken"]))
    asked = {"Name": "bob", "Policy": '{"Statement": [{"Effect": "Allow", "Action": "s3:Get*", "Resource": "*"}]}'}
    call = organization.authorize(caller, "sts", "GetFederationToken", **asked)
    answer = organization.sts.get_federation_token(call)
    federated = organization.identities.caller(answer["Credentials"]["AccessKeyId"])
    assert answer["FederatedUser"] == {
        "FederatedUserId": f"{HUB}:bob",
        "Arn": f"arn:aws:sts::{HUB}:federated-user/bob",
    }
    organization.authorize(federated, "s3", "GetObject", Bucket="data", Key="k")
    with pytest.raises(ServiceError, match="no session policy"):
        organization.authorize(federated, "s3", "PutObject", Bucket="data", Key="k")


@pytest.mark.parametrize(
    ("operation", "service", "asked"),
    [
        pytest.param("GetFederationToken", "sts", {"Name": "bob"}, id="a federation token"),
        pytest.param("AssumeRole", "sts", {"RoleArn": TARGET, "RoleSessionName": "s"}, id="a role"),
        pytest.param("ListUsers", "iam", {}, id="IAM"),
    ],
)
def test_a_federated_user_may_not_ask_for(operation: str, service: str, asked: dict[str, Any]) -> None:
    # Source: IAM User Guide, "Compare AWS STS credentials".
    organization = Organization()
    caller = organization.user("ann", allow())
    call = organization.authorize(caller, "sts", "GetFederationToken", Name="bob")
    answer = organization.sts.get_federation_token(call)
    federated = organization.identities.caller(answer["Credentials"]["AccessKeyId"])
    with pytest.raises(ServiceError, match="InvalidClientTokenId"):
        organization.authorize(federated, service, operation, **asked)
