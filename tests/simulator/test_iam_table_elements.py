"""The table of IAM, third part: actions, resources, principals and variables of statements."""

from typing import Any

import pytest

from simulator.call import Caller
from tests.simulator.iam_table import (
    ACTION,
    NOT_ACTION,
    NOT_PRINCIPAL,
    NOT_RESOURCE,
    PRINCIPAL,
    RESOURCE,
    VARIABLES,
    VERSION,
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
    SESSION_CALLER,
    USER,
    USER_CALLER,
    allow,
    deny,
)

BUCKET = "arn:aws:s3:::amzn-s3-demo-bucket"
QUEUE = f"arn:aws:sqs:us-east-2:{HUB}:ann-queue"
PROVIDER = f"arn:aws:iam::{HUB}:oidc-provider/token.actions.githubusercontent.com"
SAML = f"arn:aws:iam::{HUB}:saml-provider/corporate"
ANN: dict[str, Any] = {"aws:username": "ann"}


def on(name: str, source: str, allowed: bool, resource: Any, arn: str, **more: Any) -> Row:
    return Row(name, source, allowed, [allow("*", resource)], on=arn, **more)


def beside(name: str, source: str, allowed: bool, resources: Any, arn: str) -> Row:
    return Row(name, source, allowed, [{"Effect": "Allow", "Action": "*", "NotResource": resources}], on=arn)


def does(name: str, source: str, allowed: bool, action: Any, asked: str, element: str = "Action") -> Row:
    return Row(name, source, allowed, [{"Effect": "Allow", element: action, "Resource": "*"}], action=asked)


ACTIONS = [
    does("one action", ACTION, True, "sqs:SendMessage", "sqs:SendMessage"),
    does("one of several", ACTION, True, ["sqs:SendMessage", "sns:Publish"], "sns:Publish"),
    does("every action of a service", ACTION, True, "s3:*", "s3:PutBucketPolicy"),
    does("names without regard to case", ACTION, True, "IAM:ListAccessKeys", "iam:ListAccessKeys"),
    does("a star within the name", ACTION, True, "iam:*AccessKey*", "iam:UpdateAccessKey"),
    does("a star within the name, another action", ACTION, False, "iam:*AccessKey*", "iam:CreateUser"),
    does("another service's action", ACTION, False, "iam:*", "sts:AssumeRole"),
    does("every action", ACTION, True, "*", "sts:AssumeRole"),
    does("everything but deleting, the example", NOT_ACTION, True, "s3:DeleteBucket", "s3:PutObject", "NotAction"),
    does("and deleting is not allowed", NOT_ACTION, False, "s3:DeleteBucket", "s3:DeleteBucket", "NotAction"),
    does("everything but IAM, another service", NOT_ACTION, True, "iam:*", "ec2:RunInstances", "NotAction"),
    does("everything but IAM, IAM itself", NOT_ACTION, False, "iam:*", "iam:CreateUser", "NotAction"),
    Row("a deny of all but some denies the rest", NOT_ACTION, False,
        [allow(), {"Effect": "Deny", "NotAction": "iam:*", "Resource": "*"}], action="s3:GetObject"),
    Row("a deny of all but some allows nothing by itself", NOT_ACTION, False,
        [{"Effect": "Deny", "NotAction": "s3:*", "Resource": "*"}], action="s3:GetObject"),
]  # fmt: skip

RESOURCES = [
    on("a queue by its ARN", RESOURCE, True, QUEUE, QUEUE),
    on("another queue", RESOURCE, False, QUEUE, f"{QUEUE}-2"),
    on("every object of a bucket", RESOURCE, True, f"{BUCKET}/*", f"{BUCKET}/a/b/c"),
    on("objects are not the bucket", RESOURCE, False, f"{BUCKET}/*", BUCKET),
    on("the bucket is not its objects", RESOURCE, False, BUCKET, f"{BUCKET}/a"),
    on("a star in the middle of a path", RESOURCE, True, f"{BUCKET}/*/test/*", f"{BUCKET}/1/test/object.jpg"),
    on("a star in the middle, more than one level", RESOURCE, True, f"{BUCKET}/*/test/*", f"{BUCKET}/1/2/test/3/o"),
    on("a star in the middle, nothing before it", RESOURCE, False, f"{BUCKET}/*/test/*", f"{BUCKET}/test/o"),
    on("a question mark for each character", RESOURCE, True, f"{BUCKET}/??", f"{BUCKET}/ab"),
    on("a question mark too few", RESOURCE, False, f"{BUCKET}/??", f"{BUCKET}/abc"),
    on("several resources", RESOURCE, True, [f"{BUCKET}/x", QUEUE], QUEUE),
    on("a star in the Region", RESOURCE, True, f"arn:aws:sqs:*:{HUB}:ann-queue", QUEUE),
    on("a star does not span the segments", RESOURCE, False, "arn:aws:sqs:*:ann-queue", QUEUE),
    on("another partition", RESOURCE, False, QUEUE.replace("arn:aws:", "arn:aws-cn:"), QUEUE),
    beside("all but one bucket: another", NOT_RESOURCE, True, [BUCKET, f"{BUCKET}/*"], QUEUE),
    beside("all but one bucket: the bucket", NOT_RESOURCE, False, [BUCKET, f"{BUCKET}/*"], BUCKET),
    beside("all but one bucket: its objects", NOT_RESOURCE, False, [BUCKET, f"{BUCKET}/*"], f"{BUCKET}/a"),
    Row("a deny of all but one bucket: another", NOT_RESOURCE, False,
        [allow(), {"Effect": "Deny", "Action": "s3:*", "NotResource": [BUCKET, f"{BUCKET}/*"]}], on=f"{BUCKET}-2/a"),
    Row("a deny of all but one bucket: its objects", NOT_RESOURCE, True,
        [allow(), {"Effect": "Deny", "Action": "s3:*", "NotResource": [BUCKET, f"{BUCKET}/*"]}], on=f"{BUCKET}/a"),
]  # fmt: skip

IN_RESOURCES = [
    on("the user's own folder", VARIABLES, True, f"{BUCKET}/${{aws:username}}/*", f"{BUCKET}/ann/x", context=ANN),
    on("another user's folder", VARIABLES, False, f"{BUCKET}/${{aws:username}}/*", f"{BUCKET}/bob/x", context=ANN),
    on("a role's session has no user name", VARIABLES, False, f"{BUCKET}/${{aws:username}}/*", f"{BUCKET}//x"),
    on("the queue example", VARIABLES, True, "arn:aws:sqs:us-east-2:*:${aws:username}-queue", QUEUE, context=ANN),
    on("a tag of the principal", VARIABLES, True, f"{BUCKET}/${{aws:PrincipalTag/department}}", f"{BUCKET}/hr",
       context={"aws:PrincipalTag/department": "hr"}),
    on("a default of a tag of the principal", VARIABLES, True,
       f"{BUCKET}/${{aws:PrincipalTag/team, 'company-wide'}}/*", f"{BUCKET}/company-wide/x"),
    on("a star in a value is no wildcard", VARIABLES, False, f"{BUCKET}/${{aws:username}}/*", f"{BUCKET}/bob/x",
       context={"aws:username": "*"}),
    on("none before the fifth colon", VARIABLES, False, "arn:aws:sqs:us-east-2:${aws:PrincipalAccount}:*", QUEUE,
       context={"aws:PrincipalAccount": HUB}),
    on("the old version knows no variables", VERSION, False, f"{BUCKET}/${{aws:username}}/*", f"{BUCKET}/ann/x",
       context=ANN, version="2008-10-17"),
    on("no version is the old version", VERSION, False, f"{BUCKET}/${{aws:username}}/*", f"{BUCKET}/ann/x",
       context=ANN, version=None),
    on("the old version takes a variable as text", VERSION, True, f"{BUCKET}/${{aws:username}}/*",
       f"{BUCKET}/${{aws:username}}/x", context=ANN, version="2008-10-17"),
    Row("a deny whose variable has no value denies nothing", VARIABLES, True,
        [allow(), deny("*", f"{BUCKET}/${{aws:username}}/*")], on=f"{BUCKET}/ann/x"),
]  # fmt: skip

PRINCIPALS = [
    Row("either of two accounts", PRINCIPAL, True, [allow()], [to({"AWS": ["123456789012", HUB]})], account=MEMBER),
    Row("a role by ARN", PRINCIPAL, True, [], [to({"AWS": ROLE})]),
    Row("a role by ARN does not name another", PRINCIPAL, False, [], [to({"AWS": f"{ROLE}-2"})]),
    Row("no wildcards for a part of a name", PRINCIPAL, False, [], [to({"AWS": f"arn:aws:iam::{HUB}:role/*"})]),
    Row("a session by ARN", PRINCIPAL, True, [], [to({"AWS": SESSION})]),
    Row("no wildcards for all sessions", PRINCIPAL, False, [],
        [to({"AWS": f"arn:aws:sts::{HUB}:assumed-role/worker/*"})]),
    Row("a user by ARN", PRINCIPAL, True, [], [to({"AWS": USER})], caller=USER_CALLER),
    Row("a user's name minds case", PRINCIPAL, False, [], [to({"AWS": USER.replace("ann", "Ann")})],
        caller=USER_CALLER),
    Row("a user by unique id", PRINCIPAL, True, [], [to({"AWS": "AIDAANN"})], caller=USER_CALLER),
    Row("the id of a role that was made anew", PRINCIPAL, False, [], [to({"AWS": "AROAFORMER"})]),
    Row("a service", PRINCIPAL, True, [], [to({"Service": "events.amazonaws.com"})], caller=SERVICE_CALLER),
    Row("a service among several", PRINCIPAL, True, [],
        [to({"Service": ["ecs.amazonaws.com", "events.amazonaws.com"]})], caller=SERVICE_CALLER),
    Row("a web identity provider", PRINCIPAL, True, [], [to({"Federated": PROVIDER})],
        caller=Caller(PROVIDER, HUB, "federated")),
    Row("a SAML provider", PRINCIPAL, True, [], [to({"Federated": SAML})], caller=Caller(SAML, HUB, "federated")),
    Row("a public provider", PRINCIPAL, True, [], [to({"Federated": "cognito-identity.amazonaws.com"})],
        caller=Caller("cognito-identity.amazonaws.com", HUB, "federated")),
    Row("another provider", PRINCIPAL, False, [], [to({"Federated": SAML})],
        caller=Caller(PROVIDER, HUB, "federated")),
    Row("a star is everyone, the anonymous too", PRINCIPAL, True, [], [to("*")], caller=ANONYMOUS),
    Row("a star under AWS is everyone too", PRINCIPAL, True, [], [to({"AWS": "*"})], caller=ANONYMOUS),
    Row("a star in a deny is everyone", PRINCIPAL, False, [allow()], [to("*", effect="Deny")]),
    Row("a denied account is all its principals", PRINCIPAL, False, [allow()], [to({"AWS": HUB}, effect="Deny")]),
    Row("a denied role is its sessions", PRINCIPAL, False, [allow()], [to({"AWS": ROLE}, effect="Deny")]),
    Row("a denied session is no other session", PRINCIPAL, True, [allow()],
        [to({"AWS": f"{SESSION}-2"}, effect="Deny")]),
]  # fmt: skip


def spared(name: str, allowed: bool, principals: Any, caller: Caller) -> Row:
    """A deny of everyone but some, beside an allow of everyone."""
    denied = {"Effect": "Deny", "NotPrincipal": {"AWS": principals}, "Action": "*", "Resource": "*"}
    return Row(name, NOT_PRINCIPAL, allowed, [], [to("*"), denied], caller=caller)


NOT_PRINCIPALS = [
    spared("a deny spares user and account that are listed", True, [USER, HUB], USER_CALLER),
    spared("a user whose account is not listed is denied", False, [USER], USER_CALLER),
    spared("an account that is listed does not spare its users", False, [HUB], USER_CALLER),
    spared("a deny spares session, role and account that are listed", True, [SESSION, ROLE, HUB], SESSION_CALLER),
    spared("a role without its session is denied", False, [ROLE, HUB], SESSION_CALLER),
    spared("the root is spared by its account", True, [HUB], ROOT_CALLER),
    spared("services that are not listed are denied", False, [HUB], SERVICE_CALLER),
    Row("an allow of everyone but one admits the anonymous", NOT_PRINCIPAL, True, [],
        [{"Effect": "Allow", "NotPrincipal": {"AWS": USER}, "Action": "*", "Resource": "*"}], caller=ANONYMOUS),
]  # fmt: skip

ROWS = [*ACTIONS, *RESOURCES, *IN_RESOURCES, *PRINCIPALS, *NOT_PRINCIPALS]


@pytest.mark.parametrize("row", params(ROWS))
def test_a_statement_applies_as_documented(row: Row) -> None:
    assert row.decide().allowed is row.allowed
