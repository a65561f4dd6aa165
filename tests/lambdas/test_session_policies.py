"""Session policies hold exactly what a plan's changes need, within IAM's 2,048 characters."""

from __future__ import annotations

import json

import pytest

from lambdas.controls.model import Change, Grant, Ref
from lambdas.remediation.session_policy import LIMIT, PolicyTooLongError, document, groups


def change(name: str, *grants: Grant) -> Change:
    return Change(name, "ec2", "describe_vpcs", {}, grants, irreversible="a test")


def grant(size: int, number: int = 0) -> Grant:
    return Grant("ec2:CreateTags", (f"arn:aws:ec2:eu-west-1:222222222222:instance/{number}{'x' * size}",))


def test_grants_on_the_same_resources_share_a_statement() -> None:
    both = document([Grant("ec2:A", ("r",)), Grant("ec2:B", ("r",)), Grant("ec2:A", ("r",))])
    assert json.loads(both)["Statement"] == [{"Effect": "Allow", "Action": ["ec2:A", "ec2:B"], "Resource": ["r"]}]


def test_conditions_are_kept_apart() -> None:
    condition = {"StringEquals": {"ec2:CreateAction": "AuthorizeSecurityGroupIngress"}}
    statements = json.loads(document([Grant("ec2:A", ("r",)), Grant("ec2:B", ("r",), condition)]))["Statement"]
    assert [one.get("Condition") for one in statements] == [None, condition]


def test_small_changes_share_one_session() -> None:
    changes = [change(str(number), grant(10, number)) for number in range(5)]
    assert [len(group.changes) for group in groups(changes)] == [5]


def test_a_session_ends_where_its_policy_would_grow_past_the_limit() -> None:
    changes = [change(str(number), grant(600, number)) for number in range(6)]
    divided = groups(changes)
    assert [one.name for group in divided for one in group.changes] == [str(number) for number in range(6)]
    assert len(divided) > 1
    for group in divided:
        assert len(document([one for made in group.changes for one in made.grants])) <= LIMIT


def test_a_grant_on_an_earlier_result_starts_a_session_of_its_own() -> None:
    later = change("later", Grant("ec2:CreateTags", (Ref("first", "Id"),)))
    assert [len(group.changes) for group in groups([change("first", grant(1)), later])] == [1, 1]


def test_a_change_that_no_session_policy_can_hold_is_refused() -> None:
    with pytest.raises(PolicyTooLongError, match="needs a session policy of more than 2048 characters"):
        groups([change("huge", *(grant(400, number) for number in range(9)))])
