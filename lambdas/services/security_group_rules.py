"""What inbound rules of security groups mean: whom they let in, on which ports, and as how many rules they count.

A control names the ports to be closed as spans, and gets the rules by which the whole internet reaches them: alone,
by a customer managed prefix list, or by halves that add up (`0.0.0.0/1` and `128.0.0.0/1`). Protocol -1 reaches
every port; a protocol of another number has no TCP or UDP ports to reach. Settings are those of
`security_group_reads.read`, rules those of DescribeSecurityGroupRules.
Source: Amazon VPC, "Security group rules" and "Amazon VPC quotas".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from ipaddress import ip_network
from typing import Any, NamedTuple

from lambdas.services import networks
from lambdas.services.networks import Network

Rule = Mapping[str, Any]

FAMILIES = (4, 6)
# The protocols that know ports; any other opens every port of its own, whatever range its rule shows.
NUMBERS = {"6": "tcp", "17": "udp", "1": "icmp", "58": "icmpv6", "-1": "all"}
SOURCES = ("CidrIpv4", "CidrIpv6", "PrefixListId")


class Span(NamedTuple):
    """Ports of one protocol, from the first to the last."""

    protocol: str
    first: int
    last: int


def tcp(*ports: int) -> tuple[Span, ...]:
    """Single ports of TCP."""
    return tuple(Span("tcp", port, port) for port in sorted(ports))


def named(spans: Sequence[Span]) -> str:
    """Name ports for people: "port 22", "ports 21, 22 and 3000-3010"; those of UDP say so."""
    shown = [
        f"{'' if protocol == 'tcp' else protocol.upper() + ' '}{first}{f'-{last}' if last > first else ''}"
        for protocol, first, last in spans
    ]
    alone = len(spans) == 1 and spans[0].first == spans[0].last
    return f"port{'' if alone else 's'} {' and '.join([', '.join(shown[:-1]), shown[-1]] if shown[1:] else shown)}"


def kind(rule: Rule) -> str:
    """The protocol by its name; the number of one that has no ports."""
    return NUMBERS.get(str(rule["IpProtocol"]), str(rule["IpProtocol"]))


def reaches(rule: Rule, span: Span) -> bool:
    """Whether a rule opens any port of a span."""
    if kind(rule) == "all":
        return True
    return kind(rule) == span.protocol and rule["FromPort"] <= span.last and span.first <= rule["ToPort"]


def opens(rule: Rule, span: Span) -> bool:
    """Whether a rule opens every port of a span."""
    return reaches(rule, span) and (
        kind(rule) == "all" or rule["FromPort"] <= span.first <= span.last <= rule["ToPort"]
    )


def source(rule: Rule) -> str:
    """What a rule admits: a CIDR or a prefix list; empty where it refers to a group."""
    return next((str(rule[key]) for key in SOURCES if key in rule), "")


def same(rule: Rule) -> tuple[Any, ...]:
    """What makes two rules duplicates, which EC2 does not take."""
    return (kind(rule), rule["FromPort"], rule["ToPort"], source(rule))


def admitted(settings: Mapping[str, Any], rule: Rule) -> list[Network]:
    """The networks that a rule lets in."""
    if "PrefixListId" in rule:
        return [ip_network(cidr) for cidr in settings["PrefixLists"][rule["PrefixListId"]]]
    return [ip_network(rule[key]) for key in ("CidrIpv4", "CidrIpv6") if key in rule]


def offending(
    settings: Mapping[str, Any], ports: Sequence[Span], allowed: Sequence[Network]
) -> dict[str, tuple[Span, ...]]:
    """The rules by which the whole internet reaches some of the ports, each with those, in the order of the rules.

    A rule that admits only private or allowed addresses is no part of the internet and stays.
    """
    found: dict[str, list[Span]] = {}
    for span in _undivided(settings["Rules"], ports):
        for one in _worldly(settings, span, allowed):
            found.setdefault(one, []).append(span)
    identifiers = [rule["SecurityGroupRuleId"] for rule in settings["Rules"]]
    return {one: joined(found[one]) for one in identifiers if one in found}


def joined(spans: Sequence[Span]) -> tuple[Span, ...]:
    """The same ports in as few spans as can be, in order."""
    found: list[Span] = []
    for span in sorted(set(spans)):
        if found and found[-1].protocol == span.protocol and span.first <= found[-1].last + 1:
            found[-1] = found[-1]._replace(last=max(found[-1].last, span.last))
        else:
            found.append(span)
    return tuple(found)


def beside(rule: Rule, spans: Sequence[Span]) -> list[dict[str, Any]]:
    """What a rule opens beside spans that lie within it, as rules of their own; one of all protocols cannot be cut."""
    if kind(rule) == "all":
        return []
    firsts = [rule["FromPort"], *(span.last + 1 for span in spans)]
    lasts = [*(span.first - 1 for span in spans), rule["ToPort"]]
    pairs = zip(firsts, lasts, strict=True)
    return [{**rule, "FromPort": first, "ToPort": last} for first, last in pairs if first <= last]


def fit(standing: Sequence[Rule], more: Sequence[Rule], quota: int, weights: Mapping[str, tuple[str, int]]) -> bool:
    """Whether a group has room for more rules; the quota counts IPv4 and IPv6 apart."""
    for family in FAMILIES:
        added = sum(_weight(rule, family, weights) for rule in more)
        if added and added + sum(_weight(rule, family, weights) for rule in standing) > quota:
            return False
    return True


def permission(rule: Rule) -> dict[str, Any]:
    """A rule as AuthorizeSecurityGroupIngress and RevokeSecurityGroupIngress take it."""
    described = {"Description": rule["Description"]} if rule.get("Description") else {}
    made: dict[str, Any] = {"IpProtocol": rule["IpProtocol"]}
    if kind(rule) != "all":
        made |= {"FromPort": rule["FromPort"], "ToPort": rule["ToPort"]}
    if "CidrIpv4" in rule:
        made["IpRanges"] = [{"CidrIp": rule["CidrIpv4"], **described}]
    elif "CidrIpv6" in rule:
        made["Ipv6Ranges"] = [{"CidrIpv6": rule["CidrIpv6"], **described}]
    else:
        made["PrefixListIds"] = [{"PrefixListId": rule["PrefixListId"], **described}]
    return made


def _undivided(rules: Sequence[Rule], ports: Sequence[Span]) -> Iterator[Span]:
    """Cut spans where a rule begins or ends, so that each rule opens all of a piece or nothing of it."""
    for span in ports:
        within = [rule for rule in rules if kind(rule) == span.protocol and reaches(rule, span)]
        edges = {edge for rule in within for edge in (rule["FromPort"], rule["ToPort"] + 1)}
        firsts = sorted({span.first, *(edge for edge in edges if span.first < edge <= span.last)})
        lasts = [*(first - 1 for first in firsts[1:]), span.last]
        for first, last in zip(firsts, lasts, strict=True):
            yield Span(span.protocol, first, last)


def _worldly(settings: Mapping[str, Any], span: Span, allowed: Sequence[Network]) -> set[str]:
    """The rules that add up to the world on a piece, set by set, until what is left does not."""
    admits = {one["SecurityGroupRuleId"]: admitted(settings, one) for one in settings["Rules"] if reaches(one, span)}
    harmless = {
        one for one, every in admits.items() if all(net in allowed or networks.is_private(net) for net in every)
    }
    guilty: set[str] = set()
    for version in FAMILIES:
        left = {one: [net for net in every if net.version == version] for one, every in admits.items()}
        while found := networks.cover(left) - harmless:
            guilty |= found
            left = {one: every for one, every in left.items() if one not in found}
    return guilty


def _weight(rule: Rule, family: int, weights: Mapping[str, tuple[str, int]]) -> int:
    """As how many rules of a family one counts: a group as one of both, a prefix list as its maximum of entries."""
    if "PrefixListId" in rule:
        counted, entries = weights.get(rule["PrefixListId"], (f"IPv{family}", 1))
        return int(entries) if counted == f"IPv{family}" else 0
    other = "CidrIpv6" if family == 4 else "CidrIpv4"
    return 0 if other in rule else 1
