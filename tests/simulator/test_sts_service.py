"""Sessions of roles: what STS issues, what it refuses, and how long it lasts."""

import hashlib
import json
from datetime import timedelta
from typing import Any

import pytest

from simulator.call import Caller, ServiceError
from tests.simulator.iam_world import HUB, MEMBER, ROOT_CALLER, START, Organization, allow, deny, document

READER = f"arn:aws:iam::{MEMBER}:role/reader"
HOUR = 3600


@pytest.fixture
def organization() -> Organization:
    made = Organization()
    made.role("reader", allow("s3:*"), account=MEMBER, seconds="43200", trust=document(trusting(HUB)))
    return made


def trusting(account: str) -> dict[str, Any]:
    actions = ["sts:AssumeRole", "sts:SetSourceIdentity", "sts:TagSession"]
    return {"Effect": "Allow", "Principal": {"AWS": account}, "Action": actions}


@pytest.fixture
def caller(organization: Organization) -> Caller:
    """A session of the hub that may assume what trusts the hub."""
    return organization.role("remediation", allow("sts:*"))


@pytest.fixture
def user(organization: Organization) -> Caller:
    """A user of the hub, whose sessions are not chained."""
    return organization.user("ann", allow("sts:*"))


def assume(organization: Organization, caller: Caller, role: str = READER, **extra: Any) -> dict[str, Any]:
    """Assume a role as through the front door: first IAM, then STS."""
    call = organization.authorize(
        caller, "sts", "AssumeRole", role.split(":")[4], RoleArn=role, RoleSessionName="palisade", **extra
    )
    return organization.sts.assume_role(call)


def session(organization: Organization, answer: dict[str, Any]) -> Caller:
    return organization.identities.caller(answer["Credentials"]["AccessKeyId"])


def refusal(organization: Organization, caller: Caller, **extra: Any) -> ServiceError:
    with pytest.raises(ServiceError) as error:
        assume(organization, caller, **extra)
    return error.value


def test_a_role_that_trusts_the_caller_is_assumed(organization: Organization, caller: Caller) -> None:
    answer = assume(organization, caller)
    known = session(organization, answer)
    assert answer["AssumedRoleUser"]["Arn"] == f"arn:aws:sts::{MEMBER}:assumed-role/reader/palisade"
    assert answer["Credentials"]["Expiration"] == START + timedelta(hours=1)
    assert (known.role, known.account, known.session_name) == (READER, MEMBER, "palisade")
    assert known.unique_id == answer["AssumedRoleUser"]["AssumedRoleId"]


def test_a_role_that_trusts_others_is_not(organization: Organization, caller: Caller) -> None:
    role = organization.role("private", account=MEMBER, trust=document(trusting(MEMBER))).role
    assert role is not None
    assert refusal(organization, caller, role=role).code == "AccessDenied"


def test_a_role_that_is_not_there_answers_like_one_that_trusts_nobody(
    organization: Organization, caller: Caller
) -> None:
    missing, private = f"{READER}-missing", f"{READER}-private"
    organization.role("reader-private", account=MEMBER, trust=document(trusting(MEMBER)))
    texts = [refusal(organization, caller, role=role).message.replace(role, "ROLE") for role in (missing, private)]
    assert texts[0] == texts[1]


def test_a_root_assumes_no_roles(organization: Organization) -> None:
    assert refusal(organization, ROOT_CALLER).message == "Roles may not be assumed by root accounts."


def test_sessions_of_one_name_get_credentials_of_their_own(organization: Organization, caller: Caller) -> None:
    first, second = assume(organization, caller), assume(organization, caller)
    assert first["Credentials"]["AccessKeyId"] != second["Credentials"]["AccessKeyId"]


def test_credentials_expire(organization: Organization, caller: Caller) -> None:
    answer = assume(organization, caller, DurationSeconds=900)
    organization.clock.forward(START + timedelta(seconds=899))
    assert session(organization, answer).role == READER
    organization.clock.forward(START + timedelta(seconds=900))
    with pytest.raises(ServiceError, match="ExpiredToken"):
        session(organization, answer)


def test_an_access_key_that_nobody_holds_is_refused(organization: Organization) -> None:
    with pytest.raises(ServiceError, match="InvalidClientTokenId"):
        organization.identities.caller("ASIAUNKNOWN")


def test_chained_sessions_last_one_hour_at_most(organization: Organization, caller: Caller, user: Caller) -> None:
    error = refusal(organization, caller, DurationSeconds=HOUR + 1)
    assert error.code == "ValidationError"
    assert "1 hour session limit for roles assumed by role chaining" in error.message
    assert not session(organization, assume(organization, user, DurationSeconds=12 * HOUR)).chained
    assert session(organization, assume(organization, caller, DurationSeconds=HOUR)).chained


def test_no_session_outlasts_what_its_role_allows(organization: Organization, user: Caller) -> None:
    error = refusal(organization, user, DurationSeconds=12 * HOUR + 1)
    assert "exceeds the MaxSessionDuration" in error.message


def test_a_session_policy_goes_with_the_session(organization: Organization, caller: Caller) -> None:
    narrow = json.dumps(document(allow("s3:GetBucketVersioning"), deny("s3:Delete*")))
    known = session(organization, assume(organization, caller, Policy=narrow))
    organization.authorize(known, "s3", "GetBucketVersioning", Bucket="data")
    with pytest.raises(ServiceError, match="no session policy allows the s3:PutBucketVersioning action"):
        organization.authorize(known, "s3", "PutBucketVersioning", Bucket="data")


def test_a_managed_policy_narrows_a_session_however_long_it_is(organization: Organization, caller: Caller) -> None:
    arns = [{"arn": "arn:aws:iam::aws:policy/ReadOnlyAccess"}]
    known = session(organization, assume(organization, caller, PolicyArns=arns))
    organization.authorize(known, "s3", "GetBucketVersioning", Bucket="data")
    with pytest.raises(ServiceError, match="no session policy"):
        organization.authorize(known, "s3", "PutBucketVersioning", Bucket="data")


def session_policy(characters: int, filler: str = "a") -> str:
    text = json.dumps(document(allow("s3:GetObject", "arn:aws:s3:::")))
    return text.replace("s3:::", "s3:::" + filler * (characters - len(text)))


def test_session_policies_have_at_most_2048_characters(organization: Organization, caller: Caller) -> None:
    assert assume(organization, caller, Policy=session_policy(2048))["PackedPolicySize"] <= 100
    assert refusal(organization, caller, Policy=session_policy(2049)).code == "PackedPolicyTooLarge"


def test_tags_are_packed_with_the_policy(organization: Organization, caller: Caller) -> None:
    # What does not repeat itself cannot be packed well.
    values = [hashlib.sha512(bytes([number])).hexdigest() for number in range(50)]
    tags = [{"Key": f"t{number}", "Value": value} for number, value in enumerate(values)]
    error = refusal(organization, caller, Policy=session_policy(1000), Tags=tags)
    assert error.code == "PackedPolicyTooLarge"


@pytest.mark.parametrize(
    ("extra", "code"),
    [
        pytest.param({"Policy": "{"}, "MalformedPolicyDocument", id="no JSON"),
        pytest.param({"Policy": '{"Statement": [{"Effect": "Maybe"}]}'}, "MalformedPolicyDocument", id="no effect"),
        pytest.param({"Policy": "{\u2713}"}, "MalformedPolicyDocument", id="characters beyond Latin 1"),
        pytest.param({"PolicyArns": [{"arn": f"arn:aws:iam::{MEMBER}:policy/no"}]}, "NoSuchEntity", id="no such"),
        pytest.param({"PolicyArns": [{"arn": f"arn:aws:iam::{HUB}:policy/p"}]}, "NoSuchEntity", id="the caller's own"),
        pytest.param(
            {"Tags": [{"Key": "a", "Value": "1"}, {"Key": "A", "Value": "2"}]}, "InvalidParameterValue",
            id="tags that differ by case alone",
        ),
    ],
)  # fmt: skip
def test_sts_refuses(organization: Organization, caller: Caller, extra: dict[str, Any], code: str) -> None:
    assert refusal(organization, caller, **extra).code == code


def test_a_source_identity_stays_with_chained_sessions(organization: Organization, caller: Caller) -> None:
    known = session(organization, assume(organization, caller, SourceIdentity="r-1"))
    organization.role("next", account=MEMBER, trust=document(trusting(MEMBER)))
    organization.grant("reader", allow("sts:*"), account=MEMBER)
    following = f"arn:aws:iam::{MEMBER}:role/next"
    assert assume(organization, known, role=following)["SourceIdentity"] == "r-1"
    error = refusal(organization, known, role=following, SourceIdentity="r-2")
    assert (error.code, "sts:SetSourceIdentity" in error.message) == ("AccessDenied", True)


def test_transitive_tags_pass_on_and_others_do_not(organization: Organization, caller: Caller) -> None:
    tags = [{"Key": "team", "Value": "a"}, {"Key": "job", "Value": "b"}]
    known = session(organization, assume(organization, caller, Tags=tags, TransitiveTagKeys=["team"]))
    organization.role("next", account=MEMBER, trust=document(trusting(MEMBER)))
    organization.grant("reader", allow("sts:*"), account=MEMBER)
    following = f"arn:aws:iam::{MEMBER}:role/next"
    assert session(organization, assume(organization, known, role=following)).session_tags == {"team": "a"}
    again = [{"Key": "team", "Value": "z"}]
    assert refusal(organization, known, role=following, Tags=again).code == "InvalidParameterValue"


def test_who_one_is_needs_no_permission_and_no_deny_stops_it(organization: Organization) -> None:
    caller = organization.role("denied", deny("*"))
    call = organization.authorize(caller, "sts", "GetCallerIdentity")
    assert organization.sts.get_caller_identity(call) == {
        "UserId": caller.unique_id,
        "Account": HUB,
        "Arn": caller.arn,
    }
    assert not organization.authorizer.refusals


def test_a_session_token_is_for_users_and_roots(organization: Organization, caller: Caller, user: Caller) -> None:
    answer = organization.sts.get_session_token(organization.authorize(user, "sts", "GetSessionToken"))
    assert session(organization, answer).arn == user.arn
    with pytest.raises(ServiceError, match="Cannot call GetSessionToken with session credentials"):
        organization.sts.get_session_token(organization.authorize(caller, "sts", "GetSessionToken"))
