"""Closing a port of a security group: the least change, in its order, and when people must approve it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from lambdas.controls.model import Mode, Plan, Refusal
from lambdas.services import security_group_closing as closing
from tests.services.security_groups import GROUP, OFFICE, parameters, rule, settings

SSH = 22


def plan(
    *shown: Any,
    given: Mapping[str, Any] | None = None,
    facts: Mapping[str, Any] | None = None,
    port: int = SSH,
    **more: Any,
) -> Plan:
    made = closing.plan(GROUP, settings(*shown, **more), parameters(**given or {}), facts or {}, port)
    assert isinstance(made, Plan)
    return made


def added(made: Plan) -> list[tuple[Any, ...]]:
    """What a plan authorises: ports and source."""
    return [
        (one.get("FromPort"), one.get("ToPort"), *(next(iter(entry.values())) for entry in entries))
        for change in made.changes
        if change.operation == "authorize_security_group_ingress"
        for one in change.parameters["IpPermissions"]
        for key, entries in one.items()
        if isinstance(entries, list)
    ]


def revoked(made: Plan) -> list[str]:
    return [one for change in made.changes for one in change.parameters.get("SecurityGroupRuleIds", [])]


@pytest.mark.parametrize(
    ("shown", "given", "authorised", "gone"),
    [
        pytest.param([rule(1, "0.0.0.0/0")], {}, [], ["sgr-1"], id="port 22 alone"),
        pytest.param([rule(1, "0.0.0.0/0"), rule(2, "::/0")], {}, [], ["sgr-1", "sgr-2"], id="both families"),
        pytest.param([rule(1, "0.0.0.0/0", 22, 80)], {}, [(23, 80, "0.0.0.0/0")], ["sgr-1"], id="range above 22"),
        pytest.param([rule(1, "::/0", 0, 22)], {}, [(0, 21, "::/0")], ["sgr-1"], id="range below 22"),
        pytest.param(
            [rule(1, "0.0.0.0/0", 0, 65535)],
            {},
            [(0, 21, "0.0.0.0/0"), (23, 65535, "0.0.0.0/0")],
            ["sgr-1"],
            id="range around 22",
        ),
        pytest.param(
            [rule(1, "0.0.0.0/0", 20, 25), rule(2, "0.0.0.0/0", 23, 25)],
            {},
            [(20, 21, "0.0.0.0/0")],
            ["sgr-1"],
            id="a remainder that stands already",
        ),
        pytest.param(
            [rule(1, "0.0.0.0/0", 20, 25), rule(2, "0.0.0.0/0", 19, 25)],
            {},
            [(20, 21, "0.0.0.0/0"), (23, 25, "0.0.0.0/0"), (19, 21, "0.0.0.0/0")],
            ["sgr-1", "sgr-2"],
            id="ranges that share a remainder",
        ),
        pytest.param(
            [rule(1, "0.0.0.0/0")], {"allowed_sources": [OFFICE]}, [(22, 22, OFFICE)], ["sgr-1"], id="office instead"
        ),
        pytest.param(
            [rule(1, "0.0.0.0/0")],
            {"allowed_sources": ["203.0.113.9/24", OFFICE]},
            [(22, 22, OFFICE)],
            ["sgr-1"],
            id="one network under two names",
        ),
        pytest.param(
            [rule(1, "0.0.0.0/0"), rule(2, OFFICE, 0, 1024)],
            {"allowed_sources": [OFFICE]},
            [],
            ["sgr-1"],
            id="the office may come already",
        ),
        pytest.param(
            [rule(1, "::/0")], {"allowed_sources": [OFFICE]}, [], ["sgr-1"], id="IPv4 was never open, so it stays shut"
        ),
    ],
)
def test_plan(shown: list[Any], given: Mapping[str, Any], authorised: list[Any], gone: list[str]) -> None:
    made = plan(*shown, given=given)
    assert added(made) == authorised
    assert revoked(made) == gone
    operations = [change.operation for change in made.changes]
    assert operations == sorted(operations), "everything is authorised before the first rule is revoked"
    assert made.ceiling is None


@pytest.mark.parametrize("protocol", ["-1"])
def test_a_rule_that_opens_every_port_is_for_people_to_approve(protocol: str) -> None:
    made = plan(rule(1, "0.0.0.0/0", -1, -1, protocol), rule(2, "::/0"))
    assert made.ceiling is not None
    assert made.ceiling.mode is Mode.APPROVE
    assert "sgr-1 opens every port" in made.ceiling.reason
    assert "sgr-2" not in made.ceiling.reason
    assert revoked(made) == ["sgr-1", "sgr-2"]


def test_a_plan_closes_the_port_of_its_control_and_no_other() -> None:
    made = plan(rule(1, "0.0.0.0/0", 3380, 3390), rule(2, "0.0.0.0/0"), port=3389)
    assert [one[:2] for one in added(made)] == [(3380, 3388), (3390, 3390)]
    assert revoked(made) == ["sgr-1"]
    assert "reach port 3389;" in made.message


def others(number: int, source: str = "10.0.{}.0/24") -> list[Any]:
    return [rule(100 + one, source.format(one), 443, 443) for one in range(number)]


@pytest.mark.parametrize(
    ("shown", "given", "facts", "closed"),
    [
        pytest.param(others(58), {}, {}, ["sgr-1 opens 20-21 and 23-25 to 0.0.0.0/0"], id="one rule too many"),
        pytest.param(others(57), {}, {}, [], id="just room enough"),
        pytest.param(others(58, "2001:db8:{}::/48"), {}, {}, [], id="IPv6 counts apart"),
        pytest.param([rule(2, None, 443, 443)] * 58, {}, {}, ["sgr-1"], id="references to groups count"),
        pytest.param(
            [rule(2, "pl-1", 443, 443)], {}, {"weights": {"pl-1": ["IPv4", 58]}}, ["sgr-1"], id="a list counts whole"
        ),
        pytest.param(
            [rule(2, "pl-1", 443, 443)], {}, {"weights": {"pl-1": ["IPv6", 58]}}, [], id="a list of the other family"
        ),
        pytest.param(others(100), {"rules_per_group": 200}, {}, [], id="the quota was raised"),
        pytest.param(
            others(59),
            {"allowed_sources": [OFFICE]},
            {},
            ["sgr-1 opens", f"{OFFICE} is not allowed instead"],
            id="nobody instead",
        ),
    ],
)
def test_a_full_quota_is_for_people_and_names_what_closes(
    shown: list[Any], given: Mapping[str, Any], facts: Mapping[str, Any], closed: list[str]
) -> None:
    made = plan(rule(1, "0.0.0.0/0", 20, 25), *shown, given=given, facts=facts)
    assert revoked(made) == ["sgr-1"]
    assert bool(added(made)) is not bool(closed)
    reason = made.ceiling.reason if made.ceiling else ""
    assert (made.ceiling is not None) is bool(closed)
    assert all(one in reason for one in closed)


def test_a_group_of_another_account_is_refused() -> None:
    foreign = settings(rule(1, "0.0.0.0/0"), owner="999999999999")
    refused = closing.plan(GROUP, foreign, parameters(), {}, SSH)
    assert isinstance(refused, Refusal)
    assert "999999999999" in refused.reason


def test_tags_of_aws_are_left_out_and_own_ones_need_their_permissions() -> None:
    tags = [{"Key": "aws:cloudformation:stack-name", "Value": "web"}, {"Key": "team", "Value": "platform"}]
    first = plan(rule(1, "0.0.0.0/0", 22, 23, Tags=tags)).changes[0]
    assert first.parameters["TagSpecifications"][0]["Tags"] == tags[1:]
    made = GROUP.arn.replace("security-group/sg-1", "security-group-rule/*")
    assert {grant.action: grant.resources for grant in first.grants} == {
        "ec2:AuthorizeSecurityGroupIngress": (GROUP.arn, made),
        "ec2:CreateTags": (made,),
    }


def test_what_is_authorised_is_taken_back_by_its_properties_for_its_ids_may_never_be_known() -> None:
    first = plan(rule(1, "0.0.0.0/0", 20, 25, Description="tools")).changes[0]
    assert first.inverse is not None
    span = {"IpProtocol": "tcp", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
    assert first.inverse.parameters == {
        "GroupId": "sg-1",
        "IpPermissions": [{**span, "FromPort": 20, "ToPort": 21}, {**span, "FromPort": 23, "ToPort": 25}],
    }
    assert first.inverse.settled == ("InvalidPermission.NotFound",)


@pytest.mark.parametrize(
    ("cidr", "accepted"),
    [
        pytest.param("203.0.113.0/24", True, id="IPv4"),
        pytest.param("198.51.100.7/32", True, id="one address"),
        pytest.param("2001:db8::/32", True, id="IPv6"),
        pytest.param("2001:db8::1/128", True, id="one IPv6 address"),
        pytest.param("2001:db8:0:1:2:3:4:5/128", True, id="IPv6 in full"),
        pytest.param("0.0.0.0/0", False, id="the world"),
        pytest.param("0.0.0.0/1", False, id="half of the world"),
        pytest.param("::/0", False, id="the world of IPv6"),
        pytest.param("300.0.0.0/8", False, id="no address"),
        pytest.param("10.0.0/8", False, id="three numbers"),
        pytest.param(":::/20", False, id="no IPv6 address"),
        pytest.param("203.0.113.0", False, id="no length"),
    ],
)
def test_addresses_that_may_come_instead(cidr: str, accepted: bool) -> None:
    assert (closing.parameters_for(SSH)["allowed_sources"].fault([cidr]) is None) is accepted


USED = {"interfaces": ["eni-1 (instance i-1)", "eni-2 (classic load balancer web)"], "more": False}
IDLE: dict[str, Any] = {"interfaces": [], "more": False}


@pytest.mark.parametrize(
    ("facts", "uses"),
    [
        pytest.param(IDLE, "no network interface uses it", id="attached to nothing"),
        pytest.param(
            USED,
            "network interfaces that use it: eni-1 (instance i-1), eni-2 (classic load balancer web)",
            id="in use",
        ),
        pytest.param(
            {"interfaces": [f"eni-{one} (lambda)" for one in range(50)], "more": True},
            "eni-4 (lambda) and at least 46 more",
            id="in use everywhere",
        ),
    ],
)
def test_people_read_who_is_cut_off(facts: Mapping[str, Any], uses: str) -> None:
    message = plan(rule(1, "::/0"), facts=facts).message
    assert message.startswith("Security group sg-1 (web) lets anyone reach port 22; ")
    assert message.endswith(f"{uses}.")


@pytest.mark.parametrize(
    ("more", "name", "facts", "left"),
    [
        pytest.param([], "web", USED, [], id="nothing else"),
        pytest.param([], "web", IDLE, ["is not deleted, though nothing uses it"], id="attached to nothing"),
        pytest.param([], "default", IDLE, ["is the default group of its VPC"], id="a default group in use by nobody"),
        pytest.param(
            [rule(2, "sg-1", -1, -1, "-1")],
            "default",
            USED,
            ["stay as they are: 1", "give them: the group itself", "is the default group of its VPC"],
            id="a default group, whose members talk to each other",
        ),
        pytest.param(
            [rule(2, "sg-9"), rule(3, "sg-8", 443, 443), rule(4, "sg-9", 80, 80)],
            "web",
            USED,
            ["stay as they are: 3", "give them: sg-8, sg-9"],
            id="other groups may come",
        ),
    ],
)
def test_a_plan_tells_what_it_leaves_alone(
    more: list[Any], name: str, facts: Mapping[str, Any], left: list[str]
) -> None:
    made = plan(rule(1, "0.0.0.0/0"), *more, facts=facts, name=name)
    assert revoked(made) == ["sgr-1"]
    assert [one for one, said in zip(left, made.leaves, strict=True) if one not in said] == []
