"""Actions, resources and principals of statements, by the pages of the IAM User Guide on each element."""

from typing import Any

import pytest

from simulator.call import Caller
from simulator.iam.conditions import PolicyError
from simulator.iam.decision import Policies
from simulator.iam.patterns import Value
from simulator.iam.policy import parse
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
    ask,
    deny,
    policy,
)

BUCKET = "arn:aws:s3:::data"
QUEUE = f"arn:aws:sqs:eu-west-1:{HUB}:findings"
OTHER_ROLE = f"arn:aws:iam::{HUB}:role/other"


@pytest.mark.parametrize(
    ("statement", "action", "expected"),
    [
        pytest.param(allow("s3:GetObject"), "s3:GetObject", True, id="the action itself"),
        pytest.param(allow("S3:getobject"), "s3:GetObject", True, id="actions do not mind case"),
        pytest.param(allow("s3:GetObject"), "s3:GetObjectAcl", False, id="an action is matched whole"),
        pytest.param(allow("s3:Get*"), "s3:GetObjectAcl", True, id="a star at the end"),
        pytest.param(allow("s3:*Object"), "s3:PutObject", True, id="a star at the start"),
        pytest.param(allow("s3:*Object"), "s3:PutObjectAcl", False, id="a star at the start matches the end"),
        pytest.param(allow("s3:G?tObject"), "s3:GetObject", True, id="a question mark in an action"),
        pytest.param(allow("s3:*"), "sqs:SendMessage", False, id="a star stays in its service"),
        pytest.param(allow("*"), "sqs:SendMessage", True, id="a single star is every action"),
        pytest.param(allow("*:*"), "sqs:SendMessage", True, id="every action of every service"),
        pytest.param(allow(["s3:Put*", "sqs:*"]), "sqs:SendMessage", True, id="one of several actions"),
        pytest.param(
            {"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}, "s3:GetObject", True,
            id="everything but IAM",
        ),
        pytest.param({"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}, "iam:CreateRole", False, id="not IAM"),
        pytest.param(
            {"Effect": "Allow", "NotAction": ["iam:*", "s3:*"], "Resource": "*"}, "s3:GetObject", False,
            id="not one of several",
        ),
    ],
)  # fmt: skip
def test_an_action_is_matched(statement: dict[str, Any], action: str, expected: bool) -> None:
    assert ask(Policies(identity=(policy(statement),)), action=action).allowed is expected


@pytest.mark.parametrize(
    ("element", "resource", "expected"),
    [
        pytest.param({"Resource": BUCKET}, BUCKET, True, id="the resource itself"),
        pytest.param({"Resource": BUCKET}, f"{BUCKET}/report", False, id="a bucket is not its objects"),
        pytest.param({"Resource": f"{BUCKET}/*"}, BUCKET, False, id="objects are not their bucket"),
        pytest.param({"Resource": f"{BUCKET}/*"}, f"{BUCKET}/2026/01/report", True, id="a star spans slashes"),
        pytest.param({"Resource": [f"{BUCKET}/a", f"{BUCKET}/b"]}, f"{BUCKET}/b", True, id="one of several resources"),
        pytest.param({"Resource": "*"}, QUEUE, True, id="every resource"),
        pytest.param({"Resource": f"arn:aws:sqs:*:{HUB}:findings"}, QUEUE, True, id="a star for the Region"),
        pytest.param({"Resource": "arn:aws:sqs:eu-*-1:*:findings"}, QUEUE, True, id="a star within a segment"),
        pytest.param({"Resource": "arn:aws:sqs:e*1:findings"}, QUEUE, False, id="a star within a segment stays there"),
        pytest.param({"Resource": "arn:aws:sqs:eu-west-?:*:find????"}, QUEUE, True, id="question marks"),
        pytest.param({"Resource": "arn:aws:sqs"}, QUEUE, True, id="an incomplete ARN is completed with stars"),
        pytest.param({"Resource": "arn:aws:sqs:eu-west-1"}, QUEUE, True, id="an ARN up to its Region is completed"),
        pytest.param({"Resource": "arn:aws:sns"}, QUEUE, False, id="an incomplete ARN of another service"),
        pytest.param({"Resource": "arn:aws:sqs:*"}, QUEUE, True, id="a star that ends a segment goes on"),
        pytest.param(
            {"Resource": "arn:aws:sqs:*:findings"}, QUEUE, False,
            id="five segments are completed behind, not within",
        ),
        pytest.param({"Resource": "arn:aws-cn:sqs:*:*:*"}, QUEUE, False, id="another partition"),
        pytest.param({"Resource": QUEUE.upper()}, QUEUE, False, id="resources mind case"),
        pytest.param({"NotResource": f"{BUCKET}/*"}, QUEUE, True, id="every resource but one kind"),
        pytest.param({"NotResource": f"{BUCKET}/*"}, f"{BUCKET}/x", False, id="not that kind"),
        pytest.param({"NotResource": [QUEUE, BUCKET]}, QUEUE, False, id="not one of several resources"),
        pytest.param(
            {"Resource": "arn:aws:logs:*:*:log-group:/a:*"}, f"arn:aws:logs:eu-west-1:{HUB}:log-group:/a:log-stream:s",
            True,
            id="colons in the last segment",
        ),
        pytest.param(
            {"Resource": "arn:aws:s3:::data/[abc]"}, "arn:aws:s3:::data/a", False,
            id="brackets are no wildcard",
        ),
    ],
)  # fmt: skip
def test_a_resource_is_matched(element: dict[str, Any], resource: str, expected: bool) -> None:
    statement = {"Effect": "Allow", "Action": "*", **element}
    assert ask(Policies(identity=(policy(statement),)), resource=resource).allowed is expected


@pytest.mark.parametrize(
    ("resource", "version", "context", "expected"),
    [
        pytest.param(
            "arn:aws:s3:::data/${aws:username}/*", "2012-10-17", {"aws:username": "ann"}, True,
            id="a user's own folder",
        ),
        pytest.param(
            "arn:aws:s3:::data/${aws:username}/*", "2012-10-17", {"aws:username": "bob"}, False,
            id="another user's folder",
        ),
        pytest.param("arn:aws:s3:::data/${aws:username}/*", "2012-10-17", {}, False, id="no user name, no match"),
        pytest.param(
            "arn:aws:s3:::data/${AWS:UserName}/*", "2012-10-17", {"aws:username": "ann"}, True,
            id="variables do not mind case",
        ),
        pytest.param(
            "arn:aws:s3:::data/${aws:PrincipalTag/dir, 'ann'}/*", "2012-10-17", {}, True,
            id="a variable's default",
        ),
        pytest.param(
            "arn:aws:s3:::data/${aws:username}/*", "2008-10-17", {"aws:username": "ann"}, False,
            id="the old version knows no variables",
        ),
        pytest.param(
            "arn:aws:s3:::data/${aws:username}/*", None, {"aws:username": "ann"}, False,
            id="no version is the old version",
        ),
        pytest.param(
            "arn:aws:s3:::data/${aws:username}/*", "2012-10-17", {"aws:username": "*"}, False,
            id="a star in a value is literal",
        ),
    ],
)  # fmt: skip
def test_variables_stand_in_resources(
    resource: str, version: str | None, context: dict[str, Value], expected: bool
) -> None:
    policies = Policies(identity=(policy(allow(resource=resource), version=version),))
    assert ask(policies, resource="arn:aws:s3:::data/ann/x", context=context).allowed is expected


@pytest.mark.parametrize(
    ("principal", "caller", "expected"),
    [
        pytest.param("*", SESSION_CALLER, True, id="everyone"),
        pytest.param("*", ANONYMOUS, True, id="everyone, and so the anonymous"),
        pytest.param("*", SERVICE_CALLER, True, id="everyone, and so services"),
        pytest.param({"AWS": "*"}, ANONYMOUS, True, id="every AWS principal is everyone"),
        pytest.param({"AWS": ROLE}, SESSION_CALLER, True, id="a role means its sessions"),
        pytest.param({"AWS": OTHER_ROLE}, SESSION_CALLER, False, id="another role"),
        pytest.param({"AWS": [OTHER_ROLE, ROLE]}, SESSION_CALLER, True, id="one of several roles"),
        pytest.param({"AWS": SESSION}, SESSION_CALLER, True, id="the session itself"),
        pytest.param(
            {"AWS": SESSION.replace("job-1", "job-2")}, SESSION_CALLER, False,
            id="another session of the role",
        ),
        pytest.param({"AWS": USER}, USER_CALLER, True, id="a user"),
        pytest.param({"AWS": "AIDAANN"}, USER_CALLER, True, id="a user by unique id"),
        pytest.param({"AWS": "AROAWORKER"}, SESSION_CALLER, True, id="a role by unique id"),
        pytest.param({"AWS": "AROAOTHER"}, SESSION_CALLER, False, id="the unique id of a role that is gone"),
        pytest.param({"AWS": f"arn:aws:iam::{HUB}:root"}, ROOT_CALLER, True, id="the account's root"),
        pytest.param({"AWS": HUB}, ROOT_CALLER, True, id="the account's root by account id"),
        pytest.param({"AWS": HUB}, SESSION_CALLER, False, id="the account alone grants its roles nothing"),
        pytest.param({"AWS": MEMBER}, ROOT_CALLER, False, id="another account"),
        pytest.param({"Service": "events.amazonaws.com"}, SERVICE_CALLER, True, id="a service"),
        pytest.param({"Service": "sns.amazonaws.com"}, SERVICE_CALLER, False, id="another service"),
        pytest.param(
            {"Service": ["sns.amazonaws.com", "events.amazonaws.com"]}, SERVICE_CALLER, True,
            id="one of two services",
        ),
        pytest.param({"AWS": HUB}, SERVICE_CALLER, False, id="an account is not the services that act for it"),
        pytest.param({"Service": "events.amazonaws.com"}, SESSION_CALLER, False, id="a service is no role"),
        pytest.param({"AWS": ROLE, "Service": "events.amazonaws.com"}, SERVICE_CALLER, True, id="a role and a service"),
        pytest.param(
            {"Federated": "arn:aws:iam::1:oidc-provider/p"}, Caller("arn:aws:iam::1:oidc-provider/p", HUB, "federated"),
            True,
            id="a federated provider",
        ),
        pytest.param(
            {"Federated": "arn:aws:iam::1:oidc-provider/p"}, SESSION_CALLER, False,
            id="a provider is no role",
        ),
        pytest.param({"CanonicalUser": "79a59d"}, SESSION_CALLER, False, id="a canonical user id is not the caller"),
        pytest.param({"AWS": ROLE}, ANONYMOUS, False, id="the anonymous is no role"),
    ],
)  # fmt: skip
def test_a_resource_policy_names_principals(principal: Any, caller: Caller, expected: bool) -> None:
    statement = {"Effect": "Allow", "Principal": principal, "Action": "*", "Resource": "*"}
    assert ask(Policies(resource=(policy(statement),)), caller=caller).allowed is expected


@pytest.mark.parametrize(
    ("names", "caller", "denied"),
    [
        pytest.param(
            [ROLE], SESSION_CALLER, True,
            id="the role alone is not spared: its session and account are not listed",
        ),
        pytest.param([ROLE, SESSION], SESSION_CALLER, True, id="the account is not listed"),
        pytest.param([HUB, ROLE], SESSION_CALLER, True, id="the session is not listed"),
        pytest.param([HUB, ROLE, SESSION], SESSION_CALLER, False, id="account, role and session are spared"),
        pytest.param([HUB, USER], USER_CALLER, False, id="account and user are spared"),
        pytest.param([USER], USER_CALLER, True, id="a user without its account is not spared"),
        pytest.param([HUB], ROOT_CALLER, False, id="the root is the account"),
        pytest.param([MEMBER], ROOT_CALLER, True, id="another account is spared"),
        pytest.param("*", SESSION_CALLER, False, id="everyone is spared"),
        pytest.param([ROLE], SERVICE_CALLER, True, id="a service is not spared by a role"),
    ],
)  # fmt: skip
def test_a_deny_spares_only_whom_not_principal_lists_whole(names: Any, caller: Caller, denied: bool) -> None:
    statement = {"Effect": "Deny", "NotPrincipal": {"AWS": names}, "Action": "*", "Resource": "*"}
    everyone = {"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}
    assert ask(Policies(resource=(policy(statement, everyone),)), caller=caller).explicit_deny is denied


def test_an_allow_with_not_principal_admits_all_others() -> None:
    statement = {"Effect": "Allow", "NotPrincipal": {"AWS": ROLE}, "Action": "*", "Resource": "*"}
    policies = Policies(resource=(policy(statement),))
    assert ask(policies, caller=USER_CALLER).allowed
    assert not ask(policies, caller=SESSION_CALLER).allowed


@pytest.mark.parametrize(
    ("principal", "caller", "expected"),
    [
        pytest.param({"AWS": HUB}, SESSION_CALLER, True, id="a denied account is everyone in it"),
        pytest.param(
            {"AWS": f"arn:aws:iam::{HUB}:root"}, USER_CALLER, True,
            id="a denied root is every user of the account",
        ),
        pytest.param({"AWS": ROLE}, SESSION_CALLER, True, id="a denied role is its sessions"),
        pytest.param({"AWS": SESSION}, SESSION_CALLER, True, id="a denied session"),
        pytest.param({"AWS": MEMBER}, SESSION_CALLER, False, id="another account is denied"),
        pytest.param({"Service": "events.amazonaws.com"}, SERVICE_CALLER, True, id="a denied service"),
    ],
)  # fmt: skip
def test_a_resource_policy_denies_principals(principal: Any, caller: Caller, expected: bool) -> None:
    statement = {"Effect": "Deny", "Principal": principal, "Action": "*", "Resource": "*"}
    policies = Policies(identity=(policy(allow()),), resource=(policy(statement),))
    assert ask(policies, caller=caller).explicit_deny is expected


@pytest.mark.parametrize(
    "statement",
    [
        pytest.param({"Effect": "allow", "Action": "*", "Resource": "*"}, id="effects mind case"),
        pytest.param({"Effect": "Allow", "Resource": "*"}, id="no action"),
        pytest.param({"Effect": "Allow", "Action": "*", "NotAction": "*", "Resource": "*"}, id="action and not-action"),
        pytest.param({"Effect": "Allow", "Action": "*", "Resources": "*"}, id="an element that does not exist"),
        pytest.param(
            {"Effect": "Allow", "Action": "*", "Principal": {"Aws": "*"}},
            id="a kind of principal that does not exist",
        ),
        pytest.param({"Effect": "Allow", "Action": "*", "Principal": "root"}, id="a principal that is no star"),
    ],
)  # fmt: skip
def test_a_malformed_statement_is_refused(statement: dict[str, Any]) -> None:
    with pytest.raises(PolicyError):
        policy(statement)


def test_a_statement_may_stand_alone_without_a_list() -> None:
    single = parse({"Version": "2012-10-17", "Statement": allow()})
    assert ask(Policies(identity=(single,))).allowed
    assert not ask(Policies(identity=(single, policy(deny("s3:*"))))).allowed
