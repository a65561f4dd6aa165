"""The table of IAM, sixth part: what the context keys of whole calls hold, and where they are missing.

Each row gives a caller one permission under a condition, and makes a call.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from moto.backends import get_backend
from moto.core.request import Request
from werkzeug.datastructures import Headers
from werkzeug.test import EnvironBuilder

from simulator.call import Caller, ServiceError
from tests.simulator.iam_table import BUS_KEYS, GLOBAL_KEYS, GRANTS, IAM_STS_KEYS, PASS_ROLE, PRINCIPAL, S3_KEYS
from tests.simulator.iam_world import HUB, MANAGEMENT, MEMBER, REGION, ROOT_CALLER, Organization, allow, document

Condition = dict[str, dict[str, Any]]
BUCKET = {"Bucket": "data", "Key": "k"}
READ = ("s3", "GetObject", BUCKET)
RED = [{"Key": "team", "Value": "red"}]
TAGGED_QUEUE = ("sqs", "CreateQueue", {"QueueName": "new", "tags": {"team": "red"}})
QUEUE = ("sqs", "PurgeQueue", {"QueueUrl": f"https://sqs.{REGION}.amazonaws.com/{HUB}/red"})
ENTRY = {"Source": "palisade", "DetailType": "outcome", "Detail": "{}"}
ROLE = f"arn:aws:iam::{HUB}:role/target"


def worker(organization: Organization, statement: dict[str, Any]) -> Caller:
    return organization.role("worker", statement)


def ann(organization: Organization, statement: dict[str, Any]) -> Caller:
    return organization.user("ann", statement)


def manager(organization: Organization, statement: dict[str, Any]) -> Caller:
    return organization.role("worker", statement, account=MANAGEMENT)


def issued(organization: Organization, statement: dict[str, Any]) -> Caller:
    """A session with temporary credentials as STS issues them."""
    return replace(organization.role("worker", statement), issued=organization.clock.moment)


def through(service: str) -> Callable[[Organization, dict[str, Any]], Caller]:
    """A caller whose request a service forwards."""
    return lambda organization, statement: replace(organization.role("worker", statement), via=service)


def tagged(organization: Organization, statement: dict[str, Any]) -> Caller:
    caller = organization.role("worker", statement)
    get_backend("iam")[HUB]["aws"].tag_role("worker", RED)
    return caller


@dataclass(frozen=True)
class Key:
    """A permission under a condition, and a call."""

    name: str
    source: str
    allowed: bool
    condition: Condition
    call: tuple[str, str, dict[str, Any]] = READ
    who: Callable[[Organization, dict[str, Any]], Caller] = worker
    url: str = ""
    headers: dict[str, str] = field(default_factory=dict)


def equals(key: str, value: Any) -> Condition:
    return {"StringEquals": {key: value}}


def absent(key: str) -> Condition:
    return {"Null": {key: "true"}}


PRINCIPALS = [
    Key("aws:PrincipalArn of a session is the role's", GLOBAL_KEYS, True,
        {"ArnEquals": {"aws:PrincipalArn": f"arn:aws:iam::{HUB}:role/worker"}}),
    Key("aws:PrincipalArn of a session is not the session's", GLOBAL_KEYS, False,
        {"ArnLike": {"aws:PrincipalArn": f"arn:aws:sts::{HUB}:assumed-role/*"}}),
    Key("aws:PrincipalArn of a user", GLOBAL_KEYS, True,
        {"ArnEquals": {"aws:PrincipalArn": f"arn:aws:iam::{HUB}:user/ann"}}, who=ann),
    Key("aws:PrincipalAccount", GLOBAL_KEYS, True, equals("aws:PrincipalAccount", HUB)),
    Key("aws:PrincipalOrgID", GLOBAL_KEYS, True, {"StringLike": {"aws:PrincipalOrgID": "o-*"}}),
    Key("aws:PrincipalOrgID of the management account", GLOBAL_KEYS, True,
        {"StringLike": {"aws:PrincipalOrgID": "o-*"}}, ("s3", "ListBuckets", {}), manager),
    Key("aws:PrincipalOrgPaths ends in a slash", GLOBAL_KEYS, True,
        {"ForAnyValue:StringLike": {"aws:PrincipalOrgPaths": "o-*/r-*/ou-*/"}}),
    Key("aws:PrincipalTag of the role's tags", GLOBAL_KEYS, True, equals("aws:PrincipalTag/team", "red"), who=tagged),
    Key("aws:PrincipalTag of a role without tags", GLOBAL_KEYS, True, absent("aws:PrincipalTag/team")),
    Key("aws:PrincipalType of a session", GLOBAL_KEYS, True, equals("aws:PrincipalType", "AssumedRole")),
    Key("aws:PrincipalType of a user", GLOBAL_KEYS, True, equals("aws:PrincipalType", "User"), who=ann),
    Key("aws:PrincipalIsAWSService of a session", GLOBAL_KEYS, True, {"Bool": {"aws:PrincipalIsAWSService": "false"}}),
    Key("aws:username of a user", GLOBAL_KEYS, True, equals("aws:username", "ann"), who=ann),
    Key("aws:username of a session", GLOBAL_KEYS, True, absent("aws:username")),
    Key("aws:userid of a session is the role's id and the session's name", GLOBAL_KEYS, True,
        {"StringLike": {"aws:userid": "AROA*:test"}}),
    Key("aws:TokenIssueTime of a session", GLOBAL_KEYS, True,
        {"DateEquals": {"aws:TokenIssueTime": "2026-01-05T09:00:00Z"}}, who=issued),
    Key("aws:TokenIssueTime of an access key", GLOBAL_KEYS, True, absent("aws:TokenIssueTime"), who=ann),
    Key("aws:MultiFactorAuthPresent of a key", GLOBAL_KEYS, True, absent("aws:MultiFactorAuthPresent"), who=ann),
    Key("aws:MultiFactorAuthPresent of a role", GLOBAL_KEYS, True, {"Bool": {"aws:MultiFactorAuthPresent": "false"}}),
]  # fmt: skip

REQUESTS = [
    Key("aws:CurrentTime", GLOBAL_KEYS, True, {"DateEquals": {"aws:CurrentTime": "2026-01-05T09:00:00Z"}}),
    Key("aws:EpochTime", GLOBAL_KEYS, True, {"NumericEquals": {"aws:EpochTime": "1767603600"}}),
    Key("aws:RequestedRegion", GLOBAL_KEYS, True, equals("aws:RequestedRegion", REGION)),
    Key("aws:RequestedRegion of a global service", GLOBAL_KEYS, True, equals("aws:RequestedRegion", "us-east-1"),
        ("iam", "ListRoles", {})),
    Key("s3:RequestObjectTag in a header", S3_KEYS, True, equals("s3:RequestObjectTag/team", "red"),
        ("s3", "PutObject", {**BUCKET, "Tagging": "team=red&a=b"})),
    Key("s3:if-none-match of a conditional write", S3_KEYS, True, equals("s3:if-none-match", "*"),
        ("s3", "PutObject", {**BUCKET, "IfNoneMatch": "*"})),
    Key("s3:if-none-match of any other write", S3_KEYS, False, {"Null": {"s3:if-none-match": "false"}},
        ("s3", "PutObject", BUCKET)),
    Key("s3:if-match of a conditional write", S3_KEYS, True, {"Null": {"s3:if-match": "false"}},
        ("s3", "PutObject", {**BUCKET, "IfMatch": "etag"})),
    Key("s3:if-none-match of a read, which is no condition", S3_KEYS, False, {"Null": {"s3:if-none-match": "false"}},
        ("s3", "GetObject", {**BUCKET, "IfNoneMatch": "etag"})),
    Key("s3:RequestObjectTagKeys in a body", S3_KEYS, False,
        {"ForAllValues:StringEquals": {"s3:RequestObjectTagKeys": ["team"]}},
        ("s3", "PutObjectTagging", {**BUCKET, "Tagging": {"TagSet": [{"Key": "a", "Value": "b"}]}})),
    Key("aws:SecureTransport", GLOBAL_KEYS, True, {"Bool": {"aws:SecureTransport": "true"}}),
    Key("aws:SecureTransport by plain HTTP", GLOBAL_KEYS, True, {"Bool": {"aws:SecureTransport": "false"}},
        url="http://data.s3.eu-west-1.amazonaws.com"),
    Key("aws:SourceIp of a direct request", GLOBAL_KEYS, True, {"IpAddress": {"aws:SourceIp": "127.0.0.0/8"}},
        url="https://data.s3.eu-west-1.amazonaws.com"),
    Key("aws:UserAgent", GLOBAL_KEYS, True, {"StringLike": {"aws:UserAgent": "Boto3/*"}},
        url="https://data.s3.eu-west-1.amazonaws.com", headers={"User-Agent": "Boto3/1.44"}),
    Key("aws:ViaAWSService of a direct request", GLOBAL_KEYS, True, {"Bool": {"aws:ViaAWSService": "false"}}),
    Key("aws:ViaAWSService by way of a service", GLOBAL_KEYS, True, {"Bool": {"aws:ViaAWSService": "true"}},
        who=through("cloudformation")),
    Key("aws:CalledVia of a direct request", GLOBAL_KEYS, True, absent("aws:CalledVia")),
    Key("aws:CalledVia by way of a service", GLOBAL_KEYS, True,
        {"ForAnyValue:StringEquals": {"aws:CalledVia": "cloudformation.amazonaws.com"}}, who=through("cloudformation")),
    Key("aws:CalledViaFirst and Last by way of a service", GLOBAL_KEYS, True,
        equals("aws:CalledViaFirst", "athena.amazonaws.com") | {
            "StringLike": {"aws:CalledViaLast": "athena.*"}}, who=through("athena")),
    Key("aws:SourceIp by way of a service", GLOBAL_KEYS, True, absent("aws:SourceIp"), who=through("cloudformation"),
        url="https://data.s3.eu-west-1.amazonaws.com"),
    Key("aws:SourceAccount is for services' own requests", GLOBAL_KEYS, True, absent("aws:SourceAccount")),
    Key("aws:RequestTag", GLOBAL_KEYS, True, equals("aws:RequestTag/team", "red"), TAGGED_QUEUE),
    Key("aws:RequestTag of another value", GLOBAL_KEYS, False, equals("aws:RequestTag/team", "blue"), TAGGED_QUEUE),
    Key("aws:TagKeys", GLOBAL_KEYS, True, {"ForAllValues:StringEquals": {"aws:TagKeys": ["team"]}}, TAGGED_QUEUE),
    Key("aws:TagKeys where tags are taken off", GLOBAL_KEYS, True,
        {"ForAnyValue:StringEquals": {"aws:TagKeys": ["team"]}},
        ("sqs", "UntagQueue", {**QUEUE[2], "TagKeys": ["team"]})),
    Key("aws:RequestTag of a call without tags", GLOBAL_KEYS, True, absent("aws:RequestTag/team")),
]  # fmt: skip

RESOURCES = [
    Key("aws:ResourceAccount", GLOBAL_KEYS, True, equals("aws:ResourceAccount", HUB)),
    Key("aws:ResourceOrgID", GLOBAL_KEYS, True, {"StringEquals": {"aws:ResourceOrgID": "${aws:PrincipalOrgID}"}}),
    Key("aws:ResourceOrgPaths", GLOBAL_KEYS, True,
        {"ForAnyValue:StringLike": {"aws:ResourceOrgPaths": "o-*/r-*/*"}}),
    Key("aws:ResourceTag of a queue", GLOBAL_KEYS, True, equals("aws:ResourceTag/team", "red"), QUEUE),
    Key("aws:ResourceTag of another value", GLOBAL_KEYS, False, equals("aws:ResourceTag/team", "blue"), QUEUE),
    Key("aws:ResourceTag and the principal's own", GLOBAL_KEYS, True,
        equals("aws:ResourceTag/team", "${aws:PrincipalTag/team}"), QUEUE, tagged),
    Key("aws:ResourceTag of a bucket", GLOBAL_KEYS, True, absent("aws:ResourceTag/team")),
    Key("aws:ResourceTag of a role that is assumed", IAM_STS_KEYS, True, equals("aws:ResourceTag/team", "red"),
        ("sts", "AssumeRole", {"RoleArn": ROLE, "RoleSessionName": "s"})),
    Key("iam:ResourceTag of a role", IAM_STS_KEYS, True, equals("iam:ResourceTag/team", "red"),
        ("iam", "DeleteRole", {"RoleName": "target"})),
    Key("iam:PermissionsBoundary", IAM_STS_KEYS, True, equals("iam:PermissionsBoundary", "arn:aws:iam::1:policy/edge"),
        ("iam", "PutRolePermissionsBoundary",
         {"RoleName": "target", "PermissionsBoundary": "arn:aws:iam::1:policy/edge"})),
    Key("iam:PolicyARN", IAM_STS_KEYS, False, {"ArnLike": {"iam:PolicyARN": "arn:aws:iam::aws:policy/ReadOnly*"}},
        ("iam", "AttachRolePolicy",
         {"RoleName": "target", "PolicyArn": "arn:aws:iam::aws:policy/AdministratorAccess"})),
    Key("sts:RoleSessionName", IAM_STS_KEYS, True, equals("sts:RoleSessionName", "s"),
        ("sts", "AssumeRole", {"RoleArn": ROLE, "RoleSessionName": "s"})),
    Key("iam:PassedToService", PASS_ROLE, True,
        {"StringEqualsIfExists": {"iam:PassedToService": "events.amazonaws.com"}},
        ("events", "PutTargets", {"Rule": "r", "Targets": [{"Id": "1", "Arn": "arn", "RoleArn": ROLE}]})),
    Key("iam:PassedToService of another service", PASS_ROLE, False,
        {"StringEqualsIfExists": {"iam:PassedToService": "lambda.amazonaws.com"}},
        ("events", "PutTargets", {"Rule": "r", "Targets": [{"Id": "1", "Arn": "arn", "RoleArn": ROLE}]})),
    Key("events:source of an entry", BUS_KEYS, True, equals("events:source", "palisade"),
        ("events", "PutEvents", {"Entries": [ENTRY]})),
    Key("events:source of each entry", BUS_KEYS, False, equals("events:source", "palisade"),
        ("events", "PutEvents", {"Entries": [ENTRY, {**ENTRY, "Source": "other"}]})),
    Key("events:detail-type of an entry", BUS_KEYS, True, equals("events:detail-type", "outcome"),
        ("events", "PutEvents", {"Entries": [ENTRY]})),
    Key("events:source of a rule", BUS_KEYS, False,
        {"ForAllValues:StringEquals": {"events:source": ["aws.ec2"]}},
        ("events", "PutRule", {"Name": "r", "EventPattern": '{"source": ["aws.ec2", "aws.s3"]}'})),
    Key("events:TargetArn of targets", BUS_KEYS, True,
        {"ForAllValues:ArnLike": {"events:TargetArn": f"arn:aws:sqs:*:{HUB}:*"}},
        ("events", "PutTargets", {"Rule": "r", "Targets": [{"Id": "1", "Arn": f"arn:aws:sqs:{REGION}:{HUB}:q"}]})),
]  # fmt: skip

ROWS = [*PRINCIPALS, *REQUESTS, *RESOURCES]


def world() -> Organization:
    """An organisation with a tagged queue, a role that trusts its account, and a bucket."""
    organization = Organization()
    organization.organize()
    get_backend("s3")[HUB]["aws"].create_bucket("data", REGION)
    get_backend("sqs")[HUB][REGION].create_queue("red", tags={"team": "red"})
    organization.role("target", trust=document(allow("sts:*", Principal={"AWS": HUB}) | {"Resource": "*"}))
    get_backend("iam")[HUB]["aws"].tag_role("target", RED)
    return organization


def outcome(organization: Organization, caller: Caller, row: Key) -> bool:
    service, operation, parameters = row.call
    call = organization.call(caller, service, operation, **parameters)
    if row.url:
        call.request = Request(EnvironBuilder("/k", base_url=row.url, headers=Headers(row.headers)).get_environ())
    try:
        organization.authorizer.authorize(call)
    except ServiceError:
        return False
    return True


@pytest.mark.parametrize("row", [pytest.param(row, id=row.name) for row in ROWS])
def test_a_context_key_holds_what_is_documented(row: Key) -> None:
    organization = world()
    caller = row.who(organization, allow(Condition=row.condition))
    assert outcome(organization, caller, row) is row.allowed


SERVICE_KEYS = [
    pytest.param({"Bool": {"aws:PrincipalIsAWSService": "true"}}, True, id="aws:PrincipalIsAWSService"),
    pytest.param(equals("aws:PrincipalServiceName", "sns.amazonaws.com"), True, id="aws:PrincipalServiceName"),
    pytest.param(
        {"ForAnyValue:StringEquals": {"aws:PrincipalServiceNamesList": "sns.amazonaws.com"}}, True,
        id="aws:PrincipalServiceNamesList",
    ),
    pytest.param({"ArnLike": {"aws:SourceArn": f"arn:aws:sns:*:{MEMBER}:*"}}, True, id="aws:SourceArn"),
    pytest.param({"ArnLike": {"aws:SourceArn": f"arn:aws:sns:*:{HUB}:*"}}, False, id="aws:SourceArn of another"),
    pytest.param(equals("aws:SourceAccount", MEMBER), True, id="aws:SourceAccount"),
    pytest.param({"StringEquals": {"aws:SourceOrgID": "${aws:ResourceOrgID}"}}, True, id="aws:SourceOrgID"),
    pytest.param(
        {"ForAnyValue:StringLike": {"aws:SourceOrgPaths": "o-*/r-*/ou-*/*"}}, True, id="aws:SourceOrgPaths"
    ),
    pytest.param(absent("aws:PrincipalOrgID"), True, id="no aws:PrincipalOrgID"),
    pytest.param(absent("aws:PrincipalArn"), True, id="no aws:PrincipalArn"),
]  # fmt: skip


@pytest.mark.parametrize(("condition", "allowed"), SERVICE_KEYS)
def test_a_service_brings_its_source_and_no_principal(condition: Condition, allowed: bool) -> None:
    # Source: GLOBAL_KEYS, PRINCIPAL.
    organization = world()
    statement = allow("sqs:*", Principal={"Service": "sns.amazonaws.com"}, Condition=condition)
    queue = get_backend("sqs")[HUB][REGION].queues["red"]
    queue.policy = json.dumps(document(statement))
    topic = f"arn:aws:sns:{REGION}:{MEMBER}:t"
    caller = organization.world.as_service("sns.amazonaws.com", account=MEMBER, arn=topic)
    row = Key("", PRINCIPAL, allowed, condition, ("sqs", "SendMessage", {**QUEUE[2], "MessageBody": "m"}))
    assert outcome(organization, caller, row) is allowed


@pytest.mark.parametrize(
    ("constraints", "pairs", "allowed"),
    [
        pytest.param({}, {"a": "1"}, True, id="no constraint"),
        pytest.param({"EncryptionContextSubset": {"a": "1"}}, {"a": "1", "b": "2"}, True, id="a subset"),
        pytest.param({"EncryptionContextSubset": {"a": "1"}}, {"b": "2"}, False, id="not a subset"),
        pytest.param({"EncryptionContextEquals": {"a": "1"}}, {"a": "1"}, True, id="the same pairs"),
        pytest.param({"EncryptionContextEquals": {"a": "1"}}, {"a": "1", "b": "2"}, False, id="a pair more"),
        pytest.param({"EncryptionContextEquals": {"a": "1"}}, {}, False, id="no pairs"),
    ],
)
def test_a_grants_constraint_binds_what_has_an_encryption_context(
    constraints: dict[str, Any], pairs: dict[str, str], allowed: bool
) -> None:
    organization = world()
    caller = organization.role("worker")
    backend = get_backend("kms")[HUB][REGION]
    policy = json.dumps(document(allow("kms:*", Principal={"AWS": MEMBER})))
    key = backend.create_key(policy, "ENCRYPT_DECRYPT", "SYMMETRIC_DEFAULT", "", [])
    key.add_grant("g", str(caller.role), ["Decrypt", "DescribeKey"], constraints, ROOT_CALLER.arn)
    decrypting = ("kms", "Decrypt", {"KeyId": key.arn, "CiphertextBlob": b"", "EncryptionContext": pairs})
    assert outcome(organization, caller, Key("", GRANTS, allowed, {}, decrypting)) is allowed
    # What has no encryption context is not constrained.
    assert outcome(organization, caller, Key("", GRANTS, True, {}, ("kms", "DescribeKey", {"KeyId": key.arn})))


@pytest.mark.parametrize(
    ("bucket_key", "arn"),
    [
        pytest.param(True, "arn:aws:s3:::data", id="the bucket under a bucket key"),
        pytest.param(False, "arn:aws:s3:::data/k", id="the object without one"),
    ],
)
def test_s3_names_what_it_encrypts_in_the_encryption_context(bucket_key: bool, arn: str) -> None:
    # Source: S3 User Guide, "Reducing the cost of SSE-KMS with Amazon S3 Bucket Keys".
    organization = world()
    policy = json.dumps(document(allow("kms:*", Principal={"AWS": HUB})))
    key = get_backend("kms")[HUB][REGION].create_key(policy, "ENCRYPT_DECRYPT", "SYMMETRIC_DEFAULT", "", [])
    default = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key.arn}
    bucket = get_backend("s3")[HUB]["aws"].buckets["data"]
    bucket.encryption = {
        "Rule": {"ApplyServerSideEncryptionByDefault": default, "BucketKeyEnabled": str(bucket_key).lower()}
    }
    under = allow("kms:GenerateDataKey", Condition=equals("kms:EncryptionContext:aws:s3:arn", arn))
    caller = organization.role("worker", allow("s3:*"), under)
    writing = ("s3", "PutObject", {**BUCKET, "Body": b""})
    assert outcome(organization, caller, Key("", S3_KEYS, True, {}, writing))
    asked = {**writing[2], "BucketKeyEnabled": not bucket_key}
    assert not outcome(organization, caller, Key("", S3_KEYS, False, {}, ("s3", "PutObject", asked)))
