"""Which statements a decision names, and which of them alone made it."""

from typing import Any

import pytest

from simulator.call import Caller
from simulator.iam.decision import Policies, StatementRef
from simulator.iam.policy import Policy
from tests.simulator.iam_world import (
    HOLDER,
    HUB,
    MEMBER,
    ROLE,
    SERVICE_CALLER,
    SESSION,
    SESSION_CALLER,
    allow,
    ask,
    deny,
    policy,
)

READ, WIDE, NEVER = allow("s3:GetObject", Sid="Read"), allow("s3:Get*", Sid="Wide"), deny("s3:*", Sid="Never")


def to(principal: Any, sid: str, effect: str = "Allow") -> dict[str, Any]:
    return {"Sid": sid, "Effect": effect, "Principal": principal, "Action": "s3:*", "Resource": "*"}


def identity(*statements: dict[str, Any]) -> Policy:
    return policy(*statements, name="identity")


def resource(*statements: dict[str, Any]) -> Policy:
    return policy(*statements, name="resource")


def test_a_decision_names_the_statements_that_allowed() -> None:
    first, second = policy(READ, allow("s3:PutObject"), name="a"), policy(allow("s3:PutObject"), WIDE, name="b")
    decision = ask(Policies(identity=(first, second), boundary=policy(allow(), name="c")))
    assert decision.statements == (
        StatementRef(HOLDER, "a", "Read"),
        StatementRef(HOLDER, "b", "Wide"),
        StatementRef(HOLDER, "c", "#0"),
    )


def test_a_denial_names_the_statements_that_denied() -> None:
    decision = ask(Policies(identity=(identity(READ, NEVER),)))
    assert decision.statements == (StatementRef(HOLDER, "identity", "Never"),)


@pytest.mark.parametrize(
    ("policies", "account", "caller", "expected"),
    [
        pytest.param(Policies((identity(READ),)), HUB, SESSION_CALLER, ["Read"], id="the identity statement alone"),
        pytest.param(Policies((identity(READ, WIDE),)), HUB, SESSION_CALLER, [], id="either of two of them"),
        pytest.param(
            Policies((identity(READ),), boundary=policy(allow(Sid="Edge"))), HUB, SESSION_CALLER, ["Read", "Edge"],
            id="the boundary's statement alone",
        ),
        pytest.param(
            Policies((identity(READ, WIDE),), session=(policy(allow(Sid="Now")),)), HUB, SESSION_CALLER, ["Now"],
            id="the session policy's statement alone",
        ),
        pytest.param(
            Policies((identity(READ),), session=(policy(READ, name="a"), policy(READ, name="b"))), HUB,
            SESSION_CALLER, ["Read"],
            id="either of two session policies",
        ),
        pytest.param(
            Policies(resource=(resource(to({"AWS": ROLE}, "Ours")),)), HUB, SESSION_CALLER, ["Ours"],
            id="the resource's statement alone",
        ),
        pytest.param(
            Policies((identity(READ),), resource=(resource(to({"AWS": ROLE}, "Ours")),)), HUB, SESSION_CALLER, [],
            id="in one account either side is enough",
        ),
        pytest.param(
            Policies((identity(READ),), resource=(resource(to({"AWS": ROLE}, "Ours")),)), MEMBER, SESSION_CALLER,
            ["Ours", "Read"],
            id="across accounts each side is needed",
        ),
        pytest.param(
            Policies(
                (identity(READ),), resource=(resource(to({"AWS": ROLE}, "Role"), to({"AWS": HUB}, "Account")),),
                decisive=True,
            ),
            HUB, SESSION_CALLER, [],
            id="the role is named, and the account with an identity policy",
        ),
        pytest.param(
            Policies(resource=(resource(to({"AWS": ROLE}, "Role"), to({"AWS": HUB}, "Account")),), decisive=True),
            HUB, SESSION_CALLER, ["Role"],
            id="what names the account does not replace what names the role",
        ),
        pytest.param(
            Policies(
                (identity(READ),), boundary=policy(allow("s3:Put*")), resource=(resource(to({"AWS": SESSION}, "Mine")),)
            ),
            HUB, SESSION_CALLER, ["Mine"],
            id="what names the session passes a boundary that the identity statement does not",
        ),
        pytest.param(
            Policies(resource=(resource(to({"Service": "events.amazonaws.com"}, "Events")),)), HUB, SERVICE_CALLER,
            ["Events"],
            id="the statement for a service",
        ),
        pytest.param(
            Policies((identity(READ),), service_control=((policy(allow(Sid="Full")),),)), HUB, SESSION_CALLER,
            ["Full", "Read"],
            id="the service control policy's statement alone",
        ),
        pytest.param(
            Policies((policy(READ, name="one"),), boundary=policy(READ, name="one")), HUB, SESSION_CALLER, ["Read"],
            id="one managed policy as identity policy and boundary counts once",
        ),
    ],
)  # fmt: skip
def test_a_statement_is_sole_where_the_call_would_be_denied_without_it(
    policies: Policies, account: str, caller: Caller, expected: list[str]
) -> None:
    decision = ask(policies, account=account, caller=caller)
    assert decision.allowed
    assert [ref.statement for ref in decision.sole] == expected


@pytest.mark.parametrize(
    ("policies", "expected"),
    [
        pytest.param(Policies((identity(READ, NEVER),)), ["Never"], id="the deny alone"),
        pytest.param(Policies((identity(READ, NEVER, deny(Sid="Nor")),)), [], id="either of two denies"),
        pytest.param(Policies((identity(NEVER),)), [], id="nothing would allow without the deny"),
        pytest.param(
            Policies((identity(READ),), resource=(resource(to("*", "Nobody", "Deny")),)), ["Nobody"],
            id="the resource's deny",
        ),
        pytest.param(
            Policies((identity(READ, NEVER),), resource=(resource(to("*", "Nobody", "Deny")),)), [],
            id="a deny in each of two policies",
        ),
        pytest.param(
            Policies((identity(READ),), boundary=policy(allow("s3:Put*"), NEVER)), [],
            id="the boundary would be silent without its deny",
        ),
        pytest.param(Policies((identity(allow("s3:Put*")),)), [], id="a silent policy has no deny to name"),
    ],
)  # fmt: skip
def test_a_deny_is_sole_where_the_call_would_be_allowed_without_it(policies: Policies, expected: list[str]) -> None:
    decision = ask(policies)
    assert not decision.allowed
    assert [ref.statement for ref in decision.sole] == expected
