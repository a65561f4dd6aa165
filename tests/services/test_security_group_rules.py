"""Which rules let the whole internet reach the port to be closed, and which the verdict names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from lambdas.controls.model import Verdict
from lambdas.services.security_group_closing import evaluate
from tests.services.security_groups import OFFICE, parameters, rule, settings

SSH = 22
HALVES = [rule(1, "0.0.0.0/1"), rule(2, "128.0.0.0/1")]
AROUND_TEN = [
    rule(number, cidr)
    for number, cidr in enumerate(
        ("0.0.0.0/5", "8.0.0.0/7", "11.0.0.0/8", "12.0.0.0/6", "16.0.0.0/4", "32.0.0.0/3", "64.0.0.0/2", "128.0.0.0/1")
    )
]


@pytest.mark.parametrize(
    ("shown", "lists", "given", "guilty"),
    [
        pytest.param([], {}, {}, [], id="no rules"),
        pytest.param([rule(1, "0.0.0.0/0")], {}, {}, [1], id="all of IPv4"),
        pytest.param([rule(1, "::/0")], {}, {}, [1], id="all of IPv6"),
        pytest.param([rule(1, "0.0.0.0/0"), rule(2, "::/0"), rule(3, "10.0.0.0/8")], {}, {}, [1, 2], id="both"),
        pytest.param([rule(1, "0.0.0.0/0", 22, 1024)], {}, {}, [1], id="22 begins the range"),
        pytest.param([rule(1, "0.0.0.0/0", 0, 22)], {}, {}, [1], id="22 ends the range"),
        pytest.param([rule(1, "0.0.0.0/0", 0, 65535)], {}, {}, [1], id="22 lies in the range"),
        pytest.param([rule(1, "0.0.0.0/0", 0, 21), rule(2, "0.0.0.0/0", 23, 80)], {}, {}, [], id="ranges beside 22"),
        pytest.param([rule(1, "0.0.0.0/0", protocol="6")], {}, {}, [1], id="TCP by its number"),
        pytest.param([rule(1, "0.0.0.0/0", -1, -1, "-1")], {}, {}, [1], id="every protocol"),
        pytest.param([rule(1, "0.0.0.0/0", -1, -1, "50")], {}, {}, [], id="IPsec, which has no ports"),
        pytest.param([rule(1, "0.0.0.0/0", protocol="udp")], {}, {}, [], id="UDP"),
        pytest.param([rule(1, "0.0.0.0/0", protocol="17")], {}, {}, [], id="UDP by its number"),
        pytest.param([rule(1, "0.0.0.0/0", -1, -1, "icmp")], {}, {}, [], id="ICMP"),
        pytest.param([rule(1, "::/0", -1, -1, "58")], {}, {}, [], id="ICMPv6 by its number"),
        pytest.param([rule(1, "10.0.0.0/8"), rule(2, OFFICE)], {}, {}, [], id="bounded addresses"),
        pytest.param([rule(1, "0.0.0.0/1")], {}, {}, [], id="half of the internet alone"),
        pytest.param(HALVES, {}, {}, [1, 2], id="halves that add up"),
        pytest.param([rule(1, "::/1"), rule(2, "8000::/1")], {}, {}, [1, 2], id="halves of IPv6"),
        pytest.param([rule(1, "0.0.0.0/1"), rule(2, "8000::/1")], {}, {}, [], id="halves of two families"),
        pytest.param(
            [rule(1, "0.0.0.0/1", 0, 22), rule(2, "128.0.0.0/1", -1, -1, "-1")],
            {},
            {},
            [1, 2],
            id="ports differ",
        ),
        pytest.param([rule(1, "0.0.0.0/1"), rule(2, "128.0.0.0/1", 80, 80)], {}, {}, [], id="a half on another port"),
        pytest.param([*HALVES, rule(3, "0.0.0.0/0")], {}, {}, [1, 2, 3], id="halves under a whole"),
        pytest.param([*HALVES, rule(3, OFFICE), rule(4, "8.8.8.0/24")], {}, {}, [1, 2], id="narrow rules stay"),
        pytest.param([rule(1, "pl-1")], {"pl-1": ["0.0.0.0/0"]}, {}, [1], id="prefix list with the world"),
        pytest.param([rule(1, "pl-1")], {"pl-1": ["::/0"]}, {}, [1], id="prefix list with the world of IPv6"),
        pytest.param([rule(1, "pl-1")], {"pl-1": ["0.0.0.0/1", "128.0.0.0/1"]}, {}, [1], id="prefix list of halves"),
        pytest.param(
            [rule(1, "pl-1"), rule(2, "128.0.0.0/1")],
            {"pl-1": ["0.0.0.0/1"]},
            {},
            [1, 2],
            id="a list and a rule",
        ),
        pytest.param([rule(1, "pl-1")], {"pl-1": ["10.0.0.0/8"]}, {}, [], id="bounded prefix list"),
        pytest.param([rule(1, "pl-1")], {"pl-1": []}, {}, [], id="empty prefix list"),
        pytest.param([rule(1, "pl-1", 443, 443)], {}, {}, [], id="prefix list on another port is not even read"),
        pytest.param([rule(1, None), rule(2, None, -1, -1, "-1")], {}, {}, [], id="references to groups"),
        pytest.param(
            [*AROUND_TEN, rule(8, "10.0.0.0/8")], {}, {}, list(range(8)), id="private addresses are no part of it"
        ),
        pytest.param(
            [*AROUND_TEN, rule(8, "10.0.0.0/8")],
            {},
            {"allowed_sources": ["11.0.0.0/8"]},
            [0, 1, 3, 4, 5, 6, 7],
            id="what is allowed stays",
        ),
    ],
)
def test_verdict_and_the_rules_that_it_names(
    shown: list[Any], lists: Mapping[str, list[str]], given: Mapping[str, Any], guilty: list[int]
) -> None:
    evaluation = evaluate(settings(*shown, lists=dict(lists)), parameters(**given), SSH)
    assert evaluation.verdict is (Verdict.NON_COMPLIANT if guilty else Verdict.COMPLIANT)
    named = [number for number in range(10) if f"sgr-{number} " in evaluation.annotation]
    assert named == guilty


def test_annotation_fits_the_limit_of_config_however_many_rules_there_are() -> None:
    many = [rule(number, "0.0.0.0/0", 22 - number, 22) for number in range(22)]
    assert len(evaluate(settings(*many), parameters(), SSH).annotation) == 256


@pytest.mark.parametrize(
    ("first", "last", "verdict"),
    [(3389, 3389, Verdict.NON_COMPLIANT), (3000, 4000, Verdict.NON_COMPLIANT), (22, 22, Verdict.COMPLIANT)],
)
def test_the_port_of_the_control_is_judged_and_no_other(first: int, last: int, verdict: Verdict) -> None:
    evaluation = evaluate(settings(rule(1, "::/0", first, last)), parameters(), 3389)
    assert evaluation.verdict is verdict
    assert "ort 3389 " in evaluation.annotation
