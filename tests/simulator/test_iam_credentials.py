"""Access keys and temporary credentials at the front door: unknown, expired, and good for too little."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from moto.core.request import Request
from werkzeug.test import EnvironBuilder

from simulator.call import ServiceError
from simulator.founding import OrganizationPlan, PlannedAccount
from simulator.identity import REMEMBERED
from simulator.local import LocalOrganization
from tests.simulator.iam_world import HUB, START, Organization, allow, deny, document

MANAGEMENT, MEMBER = "100000000001", "300000000003"
HOME = "eu-west-1"
PLAN = OrganizationPlan(MANAGEMENT, HUB, (PlannedAccount(HUB, "hub", kind="hub"), PlannedAccount(MEMBER, "member")))
Client = Any

CALLS: dict[str, Callable[[Client], Any]] = {
    "ec2": lambda client: client.describe_instances(),
    "s3": lambda client: client.list_buckets(),
    "iam": lambda client: client.list_roles(),
    "sts": lambda client: client.get_caller_identity(),
    "dynamodb": lambda client: client.list_tables(),
    "lambda": lambda client: client.list_functions(),
}


@pytest.fixture(scope="module")
def opened() -> Iterator[LocalOrganization]:
    with LocalOrganization(PLAN, home_region=HOME, regions=(HOME,)) as one:
        yield one


@pytest.fixture(scope="module")
def expired(opened: LocalOrganization) -> boto3.Session:
    """A session whose quarter of an hour is over."""
    sts: Client = opened.session(MANAGEMENT).client("sts")
    role = f"arn:aws:iam::{MEMBER}:role/OrganizationAccountAccessRole"
    made = sts.assume_role(RoleArn=role, RoleSessionName="short", DurationSeconds=900)["Credentials"]
    opened.advance(timedelta(seconds=901))
    return boto3.Session(made["AccessKeyId"], made["SecretAccessKey"], made["SessionToken"], region_name=HOME)


def refusal(session: boto3.Session, service: str) -> tuple[str, int]:
    client: Client = session.client(service)  # type: ignore[call-overload]
    with pytest.raises(ClientError) as error:
        CALLS[service](client)
    answer = error.value.response
    return answer["Error"]["Code"], answer["ResponseMetadata"]["HTTPStatusCode"]


@pytest.mark.parametrize(
    ("service", "code", "status"),
    [
        pytest.param("ec2", "AuthFailure", 401, id="EC2"),
        pytest.param("s3", "InvalidAccessKeyId", 403, id="S3"),
        pytest.param("iam", "InvalidClientTokenId", 403, id="a query service"),
        pytest.param("dynamodb", "UnrecognizedClientException", 400, id="a JSON service"),
        pytest.param("lambda", "UnrecognizedClientException", 403, id="a REST service"),
    ],
)
def test_each_service_says_in_its_own_words_that_a_key_is_unknown(
    opened: LocalOrganization, service: str, code: str, status: int
) -> None:
    stranger = boto3.Session("AKIAIOSFODNN7EXAMPLE", "secret", region_name=HOME)
    assert refusal(stranger, service) == (code, status)


@pytest.mark.parametrize(
    ("service", "code", "status"),
    [
        pytest.param("ec2", "RequestExpired", 400, id="EC2"),
        pytest.param("s3", "ExpiredToken", 400, id="S3"),
        pytest.param("sts", "ExpiredToken", 403, id="a query service"),
        pytest.param("dynamodb", "ExpiredTokenException", 400, id="a JSON service"),
        pytest.param("lambda", "ExpiredTokenException", 403, id="a REST service"),
    ],
)
def test_each_service_says_in_its_own_words_that_a_session_is_over(
    expired: boto3.Session, service: str, code: str, status: int
) -> None:
    assert refusal(expired, service) == (code, status)


@pytest.mark.parametrize(
    "given",
    [pytest.param(None, id="without its token"), pytest.param("IQoJb3JpZ2luX2VjEXAMPLE", id="with another's")],
)
def test_temporary_credentials_are_good_with_their_token_alone(opened: LocalOrganization, given: str | None) -> None:
    sts: Client = opened.session(MANAGEMENT).client("sts")
    role = f"arn:aws:iam::{MEMBER}:role/OrganizationAccountAccessRole"
    made = sts.assume_role(RoleArn=role, RoleSessionName="token")["Credentials"]
    session = boto3.Session(made["AccessKeyId"], made["SecretAccessKey"], given, region_name=HOME)
    assert refusal(session, "iam") == ("InvalidClientTokenId", 403)


def test_a_presigned_url_carries_its_token(opened: LocalOrganization) -> None:
    client: Client = opened.session(MEMBER).client("s3", config=Config(signature_version="s3v4"))
    client.create_bucket(Bucket="presigned", CreateBucketConfiguration={"LocationConstraint": HOME})
    client.put_object(Bucket="presigned", Key="k", Body=b"b")
    url = client.generate_presigned_url("get_object", Params={"Bucket": "presigned", "Key": "k"})
    parts = urlsplit(url)
    request = Request(
        EnvironBuilder(parts.path, f"{parts.scheme}://{parts.netloc}", query_string=parts.query).get_environ()
    )
    assert opened.do(lambda: opened.door.handle(request)).status == 200


def test_sessions_that_ended_long_ago_are_forgotten() -> None:
    organization = Organization()
    caller = organization.role("worker")
    first = organization.identities.issue(caller, START + timedelta(hours=1))
    organization.clock.forward(START + timedelta(hours=2))
    with pytest.raises(ServiceError, match="ExpiredToken"):
        organization.identities.caller(first.access_key_id)
    organization.clock.forward(START + timedelta(hours=2) + REMEMBERED)
    organization.identities.issue(caller, organization.clock.moment + timedelta(hours=1))
    with pytest.raises(ServiceError, match="InvalidClientTokenId"):
        organization.identities.caller(first.access_key_id)


def test_only_the_last_refusals_are_kept_where_so_many_are_asked_for() -> None:
    organization = Organization()
    caller = organization.role("worker")
    organization.authorizer.keep_last(2)
    for name in ("a", "b", "c"):
        with pytest.raises(ServiceError):
            organization.authorize(caller, "s3", "GetObject", Bucket=name, Key="k")
    assert [item.resource for item in organization.authorizer.refusals] == ["arn:aws:s3:::b/k", "arn:aws:s3:::c/k"]


@pytest.mark.parametrize(
    "statement",
    [
        pytest.param(allow(Principal="*"), id="a principal"),
        pytest.param({"Effect": "Allow", "Action": "s3:*"}, id="no resource"),
        pytest.param({**deny(), "NotResource": "*"}, id="resource and not-resource"),
    ],
)
def test_a_session_policy_is_written_like_an_identitys(statement: dict[str, Any]) -> None:
    organization = Organization()
    trust = document({"Effect": "Allow", "Principal": {"AWS": HUB}, "Action": "sts:AssumeRole"})
    target = organization.role("target", trust=trust)
    caller = organization.role("worker", allow("sts:*"))
    call = organization.authorize(
        caller, "sts", "AssumeRole", RoleArn=target.role, RoleSessionName="s", Policy=json.dumps(document(statement))
    )
    with pytest.raises(ServiceError, match="MalformedPolicyDocument"):
        organization.sts.assume_role(call)
