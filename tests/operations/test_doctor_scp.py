"""Service control policies read as text: what denies, under which condition, and what is not in the way."""

from __future__ import annotations

from typing import Any

import pytest

from operations.doctor_scp import Caller, Denial, Need, Policy, denials, not_allowed, statements_of

ACCOUNT = "300000000001"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/palisade-deployment"
CALLER = Caller(ACCOUNT, "o-a1b2c3d4e5", "aws", ("eu-west-1", "eu-central-1"), {"deployment": ROLE})
FUNCTION = f"arn:aws:lambda:*:{ACCOUNT}:function:palisade-*"
NEEDS = (
    Need("deployment", "lambda:CreateFunction", (FUNCTION,)),
    Need("deployment", "iam:CreateRole", (f"arn:aws:iam::{ACCOUNT}:role/palisade-*",)),
    Need("deployment", "config:DescribeConfigRules", ("*",)),
)


def found(*needs: Need, **statement: Any) -> list[Denial]:
    deny = {"Sid": "Guard", "Effect": "Deny", "Resource": "*", **statement}
    return list(denials([Policy("guardrail", "ou-1", (deny,))], needs or NEEDS, CALLER))


def actions(**statement: Any) -> set[str]:
    return {action for denial in found(**statement) if not denial.under for action in denial.actions}


def test_a_denial_names_policy_target_statement_role_and_actions() -> None:
    (denial,) = found(Action="lambda:*")
    assert denial == Denial(
        "guardrail", "ou-1", "Guard", "deployment", ("lambda:CreateFunction",), ("eu-west-1", "eu-central-1")
    )


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ({"Action": "LAMBDA:createfunction"}, {"lambda:CreateFunction"}),
        ({"Action": ["ec2:*", "iam:Create?ole"]}, {"iam:CreateRole"}),
        ({"Action": "s3:*"}, set()),
        ({"NotAction": ["lambda:*", "config:*"]}, {"iam:CreateRole"}),
        ({"Action": "*", "Resource": "arn:aws:s3:::*"}, {"config:DescribeConfigRules"}),
        ({"Action": "lambda:*", "Resource": "arn:*:lambda:*:*:function:palisade-detect"}, {"lambda:CreateFunction"}),
        ({"Action": "lambda:*", "Resource": "arn:*:lambda:*:*:function:web-*"}, set()),
        ({"Action": "iam:*", "Resource": "arn:aws:iam::${aws:PrincipalAccount}:role/pali*"}, {"iam:CreateRole"}),
        ({"Action": "iam:*", "Resource": "arn:aws:iam::*:role/aws-controltower-*"}, set()),
    ],
)
def test_actions_and_resources_meet_as_patterns(statement: dict[str, Any], expected: set[str]) -> None:
    assert actions(**statement) == expected


def test_resources_that_are_spared_are_not_denied() -> None:
    spared = {"Action": "lambda:*", "NotResource": f"arn:aws:lambda:*:{ACCOUNT}:function:palisade-*"}
    statement = {key: value for key, value in spared.items() if key != "Resource"}
    policy = Policy("guardrail", "ou-1", ({"Sid": "Guard", "Effect": "Deny", **statement},))
    assert list(denials([policy], NEEDS, CALLER)) == []
    other = Need("deployment", "lambda:CreateFunction", (f"arn:aws:lambda:*:{ACCOUNT}:function:web",))
    assert [one.actions for one in denials([policy], [other], CALLER)] == [("lambda:CreateFunction",)]


def test_a_region_denial_spares_governed_regions_and_meets_the_others() -> None:
    def denied(*regions: str) -> dict[str, tuple[str, ...]]:
        condition = {"StringNotEquals": {"aws:RequestedRegion": list(regions)}}
        told = found(NotAction=["iam:*", "config:*"], Condition=condition)
        return {action: denial.regions for denial in told for action in denial.actions}

    assert denied("eu-west-1", "eu-central-1") == {}
    assert denied("eu-west-1") == {"lambda:CreateFunction": ("eu-central-1",)}


def test_iam_is_called_in_the_region_of_its_endpoint() -> None:
    condition = {"StringNotEquals": {"aws:RequestedRegion": ["eu-west-1", "eu-central-1"]}}
    assert actions(Action="*", Condition=condition) == {"iam:CreateRole"}


@pytest.mark.parametrize(
    ("condition", "denied"),
    [
        ({"ArnNotLike": {"aws:PrincipalArn": ["arn:aws:iam::*:role/palisade-*"]}}, False),
        ({"ArnNotLikeIfExists": {"aws:principalarn": "arn:aws:iam::*:role/admin"}}, True),
        ({"StringLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/palisade-*"}}, True),
        ({"StringNotEquals": {"aws:PrincipalOrgID": "o-a1b2c3d4e5"}}, False),
        ({"StringEquals": {"aws:PrincipalAccount": ACCOUNT}}, True),
        ({"StringEqualsIgnoreCase": {"aws:RequestedRegion": "EU-WEST-1"}}, True),
        ({"StringEquals": {"aws:RequestedRegion": "eu-*"}}, False),
        ({"Bool": {"aws:PrincipalIsAWSService": "true"}}, False),
        ({"Bool": {"aws:ViaAWSService": "false"}}, True),
    ],
)
def test_conditions_on_what_is_known_are_decided(condition: dict[str, Any], denied: bool) -> None:
    assert bool(found(Action="lambda:*", Condition=condition)) is denied
    assert bool(actions(Action="lambda:*", Condition=condition)) is denied


@pytest.mark.parametrize(
    ("condition", "key"),
    [
        ({"StringNotEquals": {"aws:PrincipalTag/team": "platform"}}, "aws:PrincipalTag/team"),
        ({"Null": {"aws:RequestTag/owner": "true"}}, "aws:RequestTag/owner"),
        ({"ForAnyValue:StringLike": {"aws:PrincipalArn": "*"}}, "aws:PrincipalArn"),
        ({"DateGreaterThan": {"aws:CurrentTime": "2026-01-01T00:00:00Z"}}, "aws:CurrentTime"),
    ],
)
def test_conditions_on_what_nobody_knows_are_told_with_their_keys(condition: dict[str, Any], key: str) -> None:
    (denial,) = found(Action="lambda:*", Condition=condition)
    assert denial.under == (key,)


def test_one_condition_that_cannot_hold_takes_a_denial_away_whatever_the_others_are() -> None:
    condition = {"StringEquals": {"aws:RequestedRegion": "us-east-1", "aws:PrincipalTag/team": "a"}}
    assert found(Action="lambda:*", Condition=condition) == []


def test_a_level_that_allows_nothing_needed_is_named() -> None:
    full = Policy(
        "FullAWSAccess", "r-1", statements_of('{"Statement": {"Effect":"Allow","Action":"*","Resource":"*"}}')
    )
    few = Policy("few", "ou-1", ({"Effect": "Allow", "Action": ["lambda:*", "config:*"], "Resource": "*"},))
    more = Policy("more", "ou-1", ({"Effect": "Allow", "NotAction": "s3:*", "Resource": "*"},))
    assert list(not_allowed([("r-1", [full]), ("ou-1", [few])], NEEDS)) == [("ou-1", ["iam:CreateRole"])]
    assert list(not_allowed([("r-1", [full]), ("ou-1", [few, more])], NEEDS)) == []
