"""What inbound rules of security groups mean: whom they let in, on which port, and as how many rules they count.

A control names the TCP port to be closed, and gets the rules by which the whole internet reaches it: alone, by a
customer managed prefix list, or by halves that add up (`0.0.0.0/1` and `128.0.0.0/1`). Protocol -1 reaches every
port; a protocol of another number has no TCP ports to reach. Settings are those of `security_group_reads.read`,
rules those of DescribeSecurityGroupRules.
Source: Amazon VPC, "Security group rules" and "Amazon VPC quotas".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from ipaddress import ip_network
from typing import Any

from lambdas.services import networks
from lambdas.services.networks import Network

Rule = Mapping[str, Any]

FAMILIES = (4, 6)
NUMBERS = {"6": "tcp", "-1": "all"}
SOURCES = ("CidrIpv4", "CidrIpv6", "PrefixListId")


def kind(rule: Rule) -> str:
    """`tcp` or `all`; what EC2 shows of a protocol that reaches no TCP port."""
    return NUMBERS.get(str(rule["IpProtocol"]), str(rule["IpProtocol"]))


def opens(rule: Rule, port: int) -> bool:
    """Whether a rule opens a port of TCP."""
    return kind(rule) == "all" or (kind(rule) == "tcp" and rule["FromPort"] <= port <= rule["ToPort"])


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


def offending(settings: Mapping[str, Any], port: int, allowed: Sequence[Network]) -> list[Rule]:
    """The rules by which the whole internet reaches the port, set by set, until what is left does not.

    A rule that admits only private or allowed addresses is no part of the internet and stays.
    """
    admits = {one["SecurityGroupRuleId"]: admitted(settings, one) for one in settings["Rules"] if opens(one, port)}
    harmless = {
        one for one, every in admits.items() if all(net in allowed or networks.is_private(net) for net in every)
    }
    guilty: set[str] = set()
    for version in FAMILIES:
        left = {one: [net for net in every if net.version == version] for one, every in admits.items()}
        while found := networks.cover(left) - harmless:
            guilty |= found
            left = {one: every for one, every in left.items() if one not in found}
    return [rule for rule in settings["Rules"] if rule["SecurityGroupRuleId"] in guilty]


def beside(rule: Rule, port: int) -> list[dict[str, Any]]:
    """What a rule opens beside a port that it opens, as rules of their own; one of all protocols cannot be cut."""
    if kind(rule) == "all":
        return []
    pairs = ((rule["FromPort"], port - 1), (port + 1, rule["ToPort"]))
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


def _weight(rule: Rule, family: int, weights: Mapping[str, tuple[str, int]]) -> int:
    """As how many rules of a family one counts: a group as one of both, a prefix list as its maximum of entries."""
    if "PrefixListId" in rule:
        counted, entries = weights.get(rule["PrefixListId"], (f"IPv{family}", 1))
        return int(entries) if counted == f"IPv{family}" else 0
    other = "CidrIpv6" if family == 4 else "CidrIpv4"
    return 0 if other in rule else 1
