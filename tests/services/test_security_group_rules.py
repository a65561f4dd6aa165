"""Which rules let the whole internet reach the ports to be closed, and which the verdict names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from lambdas.controls.model import Verdict
from lambdas.services.security_group_closing import evaluate
from lambdas.services.security_group_rules import Span, named, offending, tcp
from tests.services.security_groups import OFFICE, parameters, rule, settings

SSH = tcp(22)
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


WEB = (Span("tcp", 0, 79), Span("tcp", 81, 65535), Span("udp", 0, 65535))


@pytest.mark.parametrize(
    ("ports", "shown", "found"),
    [
        pytest.param(tcp(22), [rule(1, "0.0.0.0/0", 3389, 3389)], {}, id="another port"),
        pytest.param(tcp(3389), [rule(1, "0.0.0.0/0", 3389, 3389)], {1: tcp(3389)}, id="its own port"),
        pytest.param(tcp(21, 23), [rule(1, "0.0.0.0/0", 20, 25)], {1: tcp(21, 23)}, id="each port of a range"),
        pytest.param(
            tcp(20, 21, 22), [rule(1, "0.0.0.0/0", 0, 80)], {1: (Span("tcp", 20, 22),)}, id="neighbours are one span"
        ),
        pytest.param(
            tcp(20, 21, 22, 23),
            [rule(1, "0.0.0.0/1", 20, 22), rule(2, "128.0.0.0/1", 22, 23)],
            {1: tcp(22), 2: tcp(22)},
            id="halves add up only where they meet",
        ),
        pytest.param(
            tcp(20, 23),
            [rule(1, "0.0.0.0/1", 20, 20), rule(2, "128.0.0.0/1", 23, 23)],
            {},
            id="halves that do not meet",
        ),
        pytest.param(WEB, [rule(1, "0.0.0.0/0", 80, 80)], {}, id="the one port that stays"),
        pytest.param(
            WEB,
            [rule(1, "0.0.0.0/0", 70, 90)],
            {1: (Span("tcp", 70, 79), Span("tcp", 81, 90))},
            id="all but the port that stays",
        ),
        pytest.param(
            WEB, [rule(1, "::/0", 53, 53, "udp")], {1: (Span("udp", 53, 53),)}, id="UDP where it is to be closed"
        ),
        pytest.param(tcp(22, 53), [rule(1, "::/0", -1, -1, "-1")], {1: tcp(22, 53)}, id="every protocol, every port"),
    ],
)
def test_the_ports_that_the_internet_reaches_are_found_rule_by_rule(
    ports: tuple[Span, ...], shown: list[Any], found: Mapping[int, tuple[Span, ...]]
) -> None:
    assert offending(settings(*shown), ports, []) == {f"sgr-{one}": spans for one, spans in found.items()}


@pytest.mark.parametrize(
    ("ports", "text"),
    [
        pytest.param(tcp(22), "port 22", id="one"),
        pytest.param(tcp(22, 3389), "ports 22 and 3389", id="two"),
        pytest.param((*tcp(20, 21), Span("udp", 53, 54)), "ports 20, 21 and UDP 53-54", id="several"),
        pytest.param((Span("tcp", 0, 79),), "ports 0-79", id="a range"),
    ],
)
def test_ports_are_named_for_people(ports: tuple[Span, ...], text: str) -> None:
    assert named(ports) == text


@pytest.mark.parametrize(
    ("ports", "first", "annotation"),
    [
        pytest.param(tcp(22), 22, "Port 22 is open to the whole internet by sgr-1 (::/0).", id="one"),
        pytest.param(tcp(22, 25), 20, "Ports 22 and 25 are open to the whole internet by sgr-1 (::/0).", id="several"),
    ],
)
def test_only_the_ports_that_are_open_are_named(ports: tuple[Span, ...], first: int, annotation: str) -> None:
    assert evaluate(settings(rule(1, "::/0", first, 25)), parameters(), (*ports, *tcp(3389))).annotation == annotation
