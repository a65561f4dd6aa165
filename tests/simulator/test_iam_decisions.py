"""The evaluation logic: which kinds of policies must allow, for whom, and what the answer says.

The cases follow the IAM User Guide's "Policy evaluation logic" and its pages on each kind of policy.
"""

from dataclasses import dataclass, field
from typing import Any

import pytest

from simulator.call import Caller
from simulator.iam.decision import Policies
from simulator.iam.policy import Policy
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

GET, OTHER = allow("s3:GetObject"), allow("s3:PutObject")
NO_GET = deny("s3:GetObject")
BY_ARN = {"ArnEquals": {"aws:PrincipalArn": ROLE}}


def to(principal: Any, effect: str = "Allow", **elements: Any) -> dict[str, Any]:
    return {"Effect": effect, "Principal": principal, "Action": "s3:GetObject", "Resource": "*", **elements}


@dataclass
class Case:
    """The policies of one case; statements only, for the eyes."""

    identity: list[dict[str, Any]] = field(default_factory=list)
    resource: list[dict[str, Any]] = field(default_factory=list)
    boundary: list[dict[str, Any]] | None = None
    session: list[list[dict[str, Any]]] | None = None
    scps: list[list[dict[str, Any]]] = field(default_factory=list)
    rcps: list[list[dict[str, Any]]] = field(default_factory=list)
    decisive: bool = False
    caller: Caller = SESSION_CALLER
    account: str = HUB

    def policies(self) -> Policies:
        return Policies(
            identity=(policy(*self.identity),),
            resource=(policy(*self.resource),) if self.resource else (),
            boundary=None if self.boundary is None else policy(*self.boundary),
            session=None if self.session is None else tuple(policy(*item) for item in self.session),
            service_control=_levels(self.scps),
            resource_control=_levels(self.rcps),
            decisive=self.decisive,
            unrestricted=self.caller.kind == "root",
        )


def _levels(levels: list[list[dict[str, Any]]]) -> tuple[tuple[Policy, ...], ...]:
    return tuple((policy(*level),) for level in levels)


ALLOWED = [
    pytest.param(Case([GET]), id="an identity policy allows"),
    pytest.param(Case([OTHER, GET]), id="one of two statements allows"),
    pytest.param(Case([GET, deny("s3:PutObject")]), id="a deny of something else"),
    pytest.param(Case([], [to({"AWS": ROLE})]), id="a resource policy names the role, same account"),
    pytest.param(Case([], [to({"AWS": SESSION})]), id="a resource policy names the session, same account"),
    pytest.param(
        Case([], [to({"AWS": USER})], caller=USER_CALLER),
        id="a resource policy names the user, same account",
    ),
    pytest.param(Case([], [to("*")]), id="a resource policy names everyone, same account"),
    pytest.param(Case([GET], [to({"AWS": HUB})]), id="resource policy names the account, identity allows"),
    pytest.param(Case([GET], [to({"AWS": MEMBER})]), id="resource policy names others, identity allows"),
    pytest.param(Case([GET], boundary=[GET]), id="identity and boundary allow"),
    pytest.param(Case([allow()], boundary=[GET]), id="the boundary is narrower than the identity policy"),
    pytest.param(Case([GET], session=[[GET]]), id="identity and session policy allow"),
    pytest.param(Case([GET], session=[[OTHER], [GET]]), id="one of two session policies allows"),
    pytest.param(Case([GET], boundary=[GET], session=[[GET]]), id="identity, boundary and session policy allow"),
    pytest.param(Case([], [to({"AWS": SESSION})], boundary=[OTHER]), id="a grant to the session passes the boundary"),
    pytest.param(
        Case([], [to({"AWS": SESSION})], session=[[OTHER]]),
        id="a grant to the session passes the session policy",
    ),
    pytest.param(
        Case([], [to("*", Condition=BY_ARN)], boundary=[OTHER]),
        id="a grant to everyone of that principal ARN passes the boundary",
    ),
    pytest.param(Case([], [to("*", Condition=BY_ARN)], session=[[OTHER]]), id="and passes the session policy"),
    pytest.param(
        Case([], [to({"AWS": USER})], boundary=[OTHER], caller=USER_CALLER),
        id="a grant to the user passes the boundary",
    ),
    pytest.param(Case([], [to({"AWS": ROLE})], boundary=[GET]), id="a grant to the role within the boundary"),
    pytest.param(Case([], [to({"AWS": ROLE})], session=[[GET]]), id="a grant to the role within the session policy"),
    pytest.param(
        Case([GET], [to({"AWS": HUB})], account=MEMBER),
        id="both sides of two accounts: the account is named",
    ),
    pytest.param(Case([GET], [to({"AWS": ROLE})], account=MEMBER), id="both sides of two accounts: the role is named"),
    pytest.param(
        Case([GET], [to({"AWS": SESSION})], account=MEMBER),
        id="both sides of two accounts: the session is named",
    ),
    pytest.param(Case([GET], [to("*")], account=MEMBER), id="both sides of two accounts: everyone is named"),
    pytest.param(
        Case([GET], [to({"AWS": HUB})], account=MEMBER, boundary=[GET], session=[[GET]]),
        id="across accounts within boundary and session policy",
    ),
    pytest.param(Case(caller=ROOT_CALLER), id="the root needs no policy"),
    pytest.param(
        Case([], [to({"AWS": HUB})], caller=ROOT_CALLER, account=MEMBER),
        id="the root of another account that is named",
    ),
    pytest.param(
        Case([], [to({"Service": "events.amazonaws.com"})], caller=SERVICE_CALLER),
        id="a service by the resource policy",
    ),
    pytest.param(
        Case([], [to({"Service": "events.amazonaws.com"})], caller=SERVICE_CALLER, account=MEMBER),
        id="a service on another account's resource",
    ),
    pytest.param(Case([], [to("*")], caller=ANONYMOUS), id="the anonymous where everyone is named"),
    pytest.param(Case([GET], scps=[[allow()], [allow()]]), id="every level of service control policies allows"),
    pytest.param(Case([GET], scps=[[allow()], [GET]]), id="a level allows just that"),
    pytest.param(Case([GET], scps=[[allow(), deny("iam:*")]]), id="a service control policy denies something else"),
    pytest.param(Case([GET], rcps=[[to("*", Action="*")]]), id="a resource control policy allows"),
    pytest.param(
        Case([GET], [to({"AWS": HUB})], decisive=True),
        id="the key policy delegates to the account, identity allows",
    ),
    pytest.param(Case([], [to({"AWS": ROLE})], decisive=True), id="the key policy names the role"),
    pytest.param(Case([], [to({"AWS": HUB})], decisive=True, caller=ROOT_CALLER), id="the key policy names the root"),
    pytest.param(
        Case([GET], [to({"AWS": HUB})], decisive=True, account=MEMBER),
        id="another account's key, both sides",
    ),
    pytest.param(
        Case([], [to({"Service": "events.amazonaws.com"})], decisive=True, caller=SERVICE_CALLER),
        id="the key policy names the service",
    ),
    pytest.param(Case([allow(Condition={"StringEquals": {"aws:PrincipalArn": ROLE}})]), id="a condition holds"),
]  # fmt: skip

DENIED = [
    pytest.param(Case(), "identity-based policy", id="nothing allows"),
    pytest.param(Case([OTHER]), "identity-based policy", id="something else is allowed"),
    pytest.param(
        Case([], [to({"AWS": HUB})]), "identity-based policy",
        id="the account is named, but its identity policies are silent",
    ),
    pytest.param(
        Case([], [to({"AWS": HUB})], caller=USER_CALLER), "identity-based policy",
        id="a user of an account that is named",
    ),
    pytest.param(Case([GET], boundary=[OTHER]), "permissions boundary", id="the boundary is silent"),
    pytest.param(Case([GET], boundary=[]), "permissions boundary", id="an empty boundary"),
    pytest.param(Case([], boundary=[GET]), "identity-based policy", id="a boundary grants nothing"),
    pytest.param(Case([GET], session=[[OTHER]]), "session policy", id="the session policy is silent"),
    pytest.param(Case([], session=[[GET]]), "identity-based policy", id="a session policy grants nothing"),
    pytest.param(
        Case([GET], boundary=[OTHER], session=[[GET]]), "permissions boundary",
        id="session policy allows, boundary is silent",
    ),
    pytest.param(
        Case([], [to({"AWS": ROLE})], boundary=[OTHER]), "permissions boundary",
        id="a grant to the role stays in the boundary",
    ),
    pytest.param(
        Case([], [to({"AWS": ROLE})], session=[[OTHER]]), "session policy",
        id="a grant to the role stays in the session policy",
    ),
    pytest.param(
        Case([GET], [to({"AWS": HUB})], boundary=[OTHER]), "permissions boundary",
        id="a grant to the account stays in the boundary",
    ),
    pytest.param(
        Case([GET], account=MEMBER), "resource-based policy",
        id="another account's resource without a policy",
    ),
    pytest.param(
        Case([GET], [to({"AWS": MEMBER})], account=MEMBER), "resource-based policy",
        id="another account's resource names its own",
    ),
    pytest.param(
        Case([], [to({"AWS": HUB})], account=MEMBER), "identity-based policy",
        id="another account delegates, identity is silent",
    ),
    pytest.param(
        Case([], [to({"AWS": ROLE})], account=MEMBER), "identity-based policy",
        id="another account names the role, identity is silent",
    ),
    pytest.param(
        Case([], [to({"AWS": SESSION})], account=MEMBER), "identity-based policy",
        id="another account names the session, identity is silent",
    ),
    pytest.param(
        Case([], [to("*")], account=MEMBER), "identity-based policy",
        id="another account names everyone, identity is silent",
    ),
    pytest.param(Case(account=MEMBER), "identity-based policy", id="neither side of two accounts"),
    pytest.param(
        Case([GET], [to({"AWS": SESSION})], account=MEMBER, boundary=[OTHER]), "permissions boundary",
        id="across accounts even the session stays in its boundary",
    ),
    pytest.param(
        Case([GET], [to({"AWS": SESSION})], account=MEMBER, session=[[OTHER]]), "session policy",
        id="across accounts even the session stays in its session policy",
    ),
    pytest.param(
        Case(caller=ROOT_CALLER, account=MEMBER), "resource-based policy",
        id="the root on another account's resource",
    ),
    pytest.param(Case(caller=SERVICE_CALLER), "resource-based policy", id="a service without a resource policy"),
    pytest.param(
        Case([], [to({"Service": "sns.amazonaws.com"})], caller=SERVICE_CALLER), "resource-based policy",
        id="another service is named",
    ),
    pytest.param(
        Case([], [to({"AWS": HUB})], caller=ANONYMOUS), "resource-based policy",
        id="the anonymous where an account is named",
    ),
    pytest.param(
        Case([GET], scps=[[allow()], [OTHER]]), "service control policy",
        id="one level of service control policies is silent",
    ),
    pytest.param(Case([GET], scps=[[OTHER], [allow()]]), "service control policy", id="the root level is silent"),
    pytest.param(
        Case(scps=[[OTHER]], caller=ROOT_CALLER), "service control policy",
        id="a member's root under a service control policy",
    ),
    pytest.param(
        Case([], [to({"AWS": SESSION})], scps=[[OTHER]]), "service control policy",
        id="a grant to the session does not pass a service control policy",
    ),
    pytest.param(
        Case([GET], rcps=[[to("*", Action="s3:PutObject")]]), "resource control policy",
        id="a resource control policy is silent",
    ),
    pytest.param(Case([GET], decisive=True), "resource-based policy", id="the key policy is silent"),
    pytest.param(
        Case([GET], [to({"AWS": MEMBER})], decisive=True), "resource-based policy",
        id="the key policy names others",
    ),
    pytest.param(
        Case([], [to({"AWS": HUB})], decisive=True), "identity-based policy",
        id="the key policy delegates, identity is silent",
    ),
    pytest.param(Case(decisive=True, caller=ROOT_CALLER), "resource-based policy", id="the root without a key policy"),
    pytest.param(
        Case([], [to({"AWS": ROLE})], decisive=True, account=MEMBER), "identity-based policy",
        id="another account's key, identity is silent",
    ),
    pytest.param(
        Case([GET], decisive=True, account=MEMBER), "resource-based policy",
        id="another account's key that names nobody",
    ),
    pytest.param(
        Case([allow(Condition={"StringEquals": {"aws:PrincipalArn": USER}})]), "identity-based policy",
        id="a condition fails",
    ),
]  # fmt: skip

EXPLICITLY_DENIED = [
    pytest.param(Case([GET, NO_GET]), "identity-based policy", id="the identity policy itself"),
    pytest.param(Case([GET], [to({"AWS": ROLE}, "Deny")]), "resource-based policy", id="the resource policy"),
    pytest.param(
        Case([GET], [to("*", "Deny"), to({"AWS": SESSION})]), "resource-based policy",
        id="a deny beside a grant to the session",
    ),
    pytest.param(Case([GET], boundary=[allow(), NO_GET]), "permissions boundary", id="the boundary"),
    pytest.param(
        Case([], [to({"AWS": SESSION})], boundary=[NO_GET]), "permissions boundary",
        id="a grant to the session does not pass the boundary's deny",
    ),
    pytest.param(Case([GET], session=[[allow()], [NO_GET]]), "session policy", id="one of two session policies"),
    pytest.param(
        Case([], [to({"AWS": SESSION})], session=[[NO_GET]]), "session policy",
        id="a grant to the session does not pass the session's deny",
    ),
    pytest.param(
        Case([], [to({"AWS": ROLE})], [GET, NO_GET]), "permissions boundary",
        id="the boundary denies what the resource grants",
    ),
    pytest.param(
        Case([GET], scps=[[allow()], [allow(), NO_GET]]), "service control policy",
        id="a service control policy of one level",
    ),
    pytest.param(
        Case(scps=[[allow(), NO_GET]], caller=ROOT_CALLER), "service control policy",
        id="a member's root by service control policy",
    ),
    pytest.param(
        Case([GET], rcps=[[to("*", Action="*"), to("*", "Deny")]]), "resource control policy",
        id="a resource control policy",
    ),
    pytest.param(
        Case([], [to("*", "Deny")], caller=ROOT_CALLER), "resource-based policy",
        id="the root by the resource policy",
    ),
    pytest.param(
        Case([GET], [to({"AWS": HUB}), to({"AWS": ROLE}, "Deny")], decisive=True), "resource-based policy",
        id="the key policy denies the role",
    ),
    pytest.param(
        Case([GET, deny("s3:*", Condition={"Null": {"aws:TokenIssueTime": "true"}})]), "identity-based policy",
        id="a conditional deny that holds",
    ),
]  # fmt: skip

CONTEXT = {"aws:PrincipalArn": ROLE}


@pytest.mark.parametrize("case", ALLOWED)
def test_a_request_is_allowed(case: Case) -> None:
    decision = ask(case.policies(), caller=case.caller, account=case.account, context={**CONTEXT})
    assert (decision.allowed, decision.reason, decision.explicit_deny) == (True, "", False)


@pytest.mark.parametrize(("case", "silent"), DENIED)
def test_a_request_is_denied_where_a_policy_is_silent(case: Case, silent: str) -> None:
    decision = ask(case.policies(), caller=case.caller, account=case.account, context={**CONTEXT})
    assert not decision.allowed
    assert not decision.explicit_deny
    assert decision.reason == f"because no {silent} allows the s3:GetObject action"


@pytest.mark.parametrize(("case", "denying"), EXPLICITLY_DENIED)
def test_an_explicit_deny_wins(case: Case, denying: str) -> None:
    decision = ask(case.policies(), caller=case.caller, account=case.account, context={**CONTEXT})
    assert not decision.allowed
    assert decision.explicit_deny
    assert decision.reason.startswith("with an explicit deny in a")
    assert decision.reason.endswith(denying)
