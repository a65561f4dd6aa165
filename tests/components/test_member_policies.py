"""What the roles of a member may do follows from the catalog, and from nothing beside it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from components.estate import Estate
from components.member_policies import Member, boundary_policy, detect_statements, reader_statements
from lambdas.controls import catalog
from lambdas.controls.model import Control, Grant, Mode, SecurityHubControl
from lambdas.names import Names

ACCOUNT = "111122223333"
CONTAINED, GROUP, QUEUE = (catalog()[one] for one in ("Palisade.GuardDuty.1", "EC2.13", "SQS.1"))


def estate(partition: str = "aws") -> Estate:
    return Estate(partition, "o-a", ACCOUNT, ACCOUNT, "eu-west-1", ("eu-west-1",), Names("palisade"))


def attaching(arn: Any, operator: str = "ArnLike") -> Control:
    conditions = {} if arn is None else {operator: {"iam:PolicyARN": arn}}
    grants = (Grant("iam:AttachRolePolicy", ("arn:{partition}:iam::{account}:role/*",), conditions),)
    return replace(GROUP, id="Palisade.Test.1", grants=grants)


def other_policies(controls: Sequence[Control], partition: str = "aws") -> dict[str, Any]:
    found = json.loads(boundary_policy(estate(partition), ACCOUNT, controls, "deployment"))["Statement"]
    (statement,) = [one for one in found if one["Sid"] == "OtherPolicies"]
    assert (statement["Effect"], statement["Resource"]) == ("Deny", ["*"])
    assert statement["Action"] == ["iam:AttachGroupPolicy", "iam:AttachRolePolicy", "iam:AttachUserPolicy"]
    return dict(statement.get("Condition", {}))


def test_the_boundary_admits_the_policies_that_controls_attach_and_no_other() -> None:
    assert other_policies([*catalog().values()], "aws-cn") == {
        "ArnNotEquals": {"iam:PolicyARN": ["arn:aws-cn:iam::aws:policy/AWSDenyAll"]}
    }
    both = other_policies([CONTAINED, GROUP, attaching("arn:*:iam::aws:policy/AWSCompromisedKeyQuarantineV3")])
    assert both["ArnNotEquals"]["iam:PolicyARN"] == [
        "arn:aws:iam::aws:policy/AWSCompromisedKeyQuarantineV3",
        "arn:aws:iam::aws:policy/AWSDenyAll",
    ]


@pytest.mark.parametrize("operator", ["ArnLike", "ArnEquals"])
@pytest.mark.parametrize("several", [False, True])
def test_a_grant_names_one_policy_or_several(operator: str, several: bool) -> None:
    names = [f"arn:*:iam::aws:policy/{name}" for name in ("AWSDenyAll", "AWSCompromisedKeyQuarantineV3")]
    found = other_policies([attaching(names if several else names[0], operator)])
    expected = ["arn:aws:iam::aws:policy/AWSCompromisedKeyQuarantineV3"] if several else []
    assert found["ArnNotEquals"]["iam:PolicyARN"] == [*expected, "arn:aws:iam::aws:policy/AWSDenyAll"]


def test_a_catalog_that_attaches_nothing_may_attach_nothing() -> None:
    assert other_policies([GROUP]) == {}


@pytest.mark.parametrize(
    ("arn", "operator"),
    [
        (None, "ArnLike"),
        ("*", "ArnLike"),
        ("arn:*:iam::aws:policy/*", "ArnLike"),
        ("arn:*:iam::aws:policy/AWSDenyAl?", "ArnLike"),
        ("arn:*:iam::aws:policy/AWSDenyAll", "ArnNotLike"),
        ([], "ArnEquals"),
        (["arn:*:iam::aws:policy/AWSDenyAll", "arn:*:iam::aws:policy/*"], "ArnEquals"),
    ],
)
def test_a_control_that_could_attach_a_policy_it_does_not_name_is_refused(arn: Any, operator: str) -> None:
    with pytest.raises(ValueError, match=r"Palisade\.Test\.1: its grant of iam:AttachRolePolicy names no single"):
        boundary_policy(estate(), ACCOUNT, [attaching(arn, operator)], "deployment")


def test_detection_reads_nothing_for_controls_that_others_judge() -> None:
    assert isinstance(QUEUE.detection, SecurityHubControl)
    modes = [(one, Mode.AUTOMATIC) for one in (GROUP, QUEUE, CONTAINED)]
    member = Member(ACCOUNT, modes)
    detect = {action for one in detect_statements(estate(), member) for action in one["Action"]}
    reader = {action for one in reader_statements(estate(), member) for action in one["Action"]}
    read = {grant.action for grant in (*QUEUE.read_grants, *CONTAINED.read_grants)}
    assert not read & detect
    assert read <= reader
    assert {grant.action for grant in GROUP.read_grants} <= detect
