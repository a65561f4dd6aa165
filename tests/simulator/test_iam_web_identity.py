"""Web identities: roles that trust a provider are assumed with its token, without a signature."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError

from simulator.founding import OrganizationPlan, PlannedAccount
from simulator.local import LocalOrganization
from tests.simulator.iam_world import HUB, START, document

MANAGEMENT, MEMBER = "100000000001", "300000000003"
HOME = "eu-west-1"
PLAN = OrganizationPlan(MANAGEMENT, HUB, (PlannedAccount(HUB, "hub", kind="hub"), PlannedAccount(MEMBER, "member")))
ISSUER = "token.actions.githubusercontent.com"
PROVIDER = f"arn:aws:iam::{MEMBER}:oidc-provider/{ISSUER}"
ROLE = f"arn:aws:iam::{MEMBER}:role/deploy"
SUBJECT = "repo:example/infrastructure:ref:refs/heads/main"
CLAIMS: dict[str, Any] = {
    "iss": f"https://{ISSUER}", "sub": SUBJECT, "aud": "sts.amazonaws.com", "exp": START.timestamp() + 900,
}  # fmt: skip
TAGS = {"principal_tags": {"team": ["red"]}, "transitive_tag_keys": ["team"]}
Client = Any


@pytest.fixture(scope="module")
def opened() -> Iterator[LocalOrganization]:
    with LocalOrganization(PLAN, home_region=HOME, regions=(HOME,)) as one:
        iam: Client = one.session(MEMBER).client("iam")
        iam.create_open_id_connect_provider(
            Url=f"https://{ISSUER}", ClientIDList=["sts.amazonaws.com"], ThumbprintList=["0" * 40]
        )
        condition = {"StringEquals": {f"{ISSUER}:sub": SUBJECT, f"{ISSUER}:aud": "sts.amazonaws.com"}}
        trust = {"Effect": "Allow", "Principal": {"Federated": PROVIDER}, "Condition": condition}
        action = ["sts:AssumeRoleWithWebIdentity", "sts:TagSession"]
        for name, allowed in (("deploy", action), ("plain", action[:1])):
            written = json.dumps(document({**trust, "Action": allowed}))
            iam.create_role(RoleName=name, AssumeRolePolicyDocument=written)
        yield one


def token(**claims: Any) -> str:
    """A token of the provider; nothing here checks its signature."""
    parts = ({"alg": "RS256", "typ": "JWT"}, {**CLAIMS, **claims})
    written = [base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts]
    return ".".join((*written, "signature"))


def assume(given: str, role: str = ROLE) -> dict[str, Any]:
    client: Client = boto3.client("sts", region_name=HOME, config=Config(signature_version=UNSIGNED))
    answer: dict[str, Any] = client.assume_role_with_web_identity(
        RoleArn=role, RoleSessionName="run-1", WebIdentityToken=given
    )
    return answer


def test_a_trusted_web_identity_gets_a_session(opened: LocalOrganization) -> None:
    answer = assume(token())
    assert answer["SubjectFromWebIdentityToken"] == SUBJECT
    assert (answer["Provider"], answer["Audience"]) == (PROVIDER, "sts.amazonaws.com")
    made = answer["Credentials"]
    session = boto3.Session(made["AccessKeyId"], made["SecretAccessKey"], made["SessionToken"], region_name=HOME)
    who = session.client("sts").get_caller_identity()
    assert who["Arn"] == f"arn:aws:sts::{MEMBER}:assumed-role/deploy/run-1"


@pytest.mark.parametrize(
    ("given", "role", "code"),
    [
        pytest.param(token(sub="repo:example/other:ref:refs/heads/main"), ROLE, "AccessDenied", id="another subject"),
        pytest.param(token(), f"{ROLE}-missing", "AccessDenied", id="a role that is not there"),
        pytest.param(token(iss="https://example.com"), ROLE, "InvalidIdentityToken", id="a provider that is not there"),
        pytest.param(token(aud="other"), ROLE, "InvalidIdentityToken", id="an audience that the provider has not"),
        pytest.param(token(exp=START.timestamp()), ROLE, "ExpiredTokenException", id="an expired token"),
        pytest.param("no.token.", ROLE, "InvalidIdentityToken", id="no token"),
        pytest.param(
            token(**{"https://aws.amazon.com/tags": TAGS}), f"arn:aws:iam::{MEMBER}:role/plain", "AccessDenied",
            id="tags that the trust policy does not allow",
        ),
    ],
)  # fmt: skip
def test_a_web_identity_is_refused(opened: LocalOrganization, given: str, role: str, code: str) -> None:
    with pytest.raises(ClientError) as error:
        assume(given, role)
    assert error.value.response["Error"]["Code"] == code


def test_the_token_s_tags_become_the_session_s(opened: LocalOrganization) -> None:
    made = assume(token(**{"https://aws.amazon.com/tags": TAGS}))["Credentials"]
    caller = opened.do(lambda: opened.identities.caller(made["AccessKeyId"]))
    assert (caller.session_tags, caller.transitive_tags, caller.chained) == (
        {"team": "red"},
        frozenset({"team"}),
        False,
    )


def test_other_calls_without_a_signature_are_named_as_not_simulated(opened: LocalOrganization) -> None:
    client: Client = boto3.client("sts", region_name=HOME, config=Config(signature_version=UNSIGNED))
    with pytest.raises(ClientError, match="sts:AssumeRoleWithSAML without a signature is not simulated"):
        client.assume_role_with_saml(
            RoleArn=ROLE, PrincipalArn=f"arn:aws:iam::{MEMBER}:saml-provider/p", SAMLAssertion="assertion"
        )


def test_what_sts_has_beside_is_named_as_not_simulated(opened: LocalOrganization) -> None:
    client: Client = opened.session(MANAGEMENT).client("sts")
    with pytest.raises(ClientError, match="sts:DecodeAuthorizationMessage is not simulated"):
        client.decode_authorization_message(EncodedMessage="m")


def test_an_access_key_tells_its_account(opened: LocalOrganization) -> None:
    made = assume(token())["Credentials"]
    client: Client = opened.session(MANAGEMENT).client("sts")
    assert client.get_access_key_info(AccessKeyId=made["AccessKeyId"])["Account"] == MEMBER
