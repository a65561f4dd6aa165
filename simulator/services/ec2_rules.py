"""Rules of security groups: permissions taken apart, one rule per source, as EC2 keeps them.

Source: EC2 user guide, "Security group rules"; API reference, IpPermission and SecurityGroupRule.
"""

from __future__ import annotations

import hashlib
import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from moto.ec2.models.security_groups import SecurityGroupRule

from simulator.call import Call, ServiceError
from simulator.world import partition_of

MAXIMUM_RULES = 60  # quota "inbound or outbound rules per security group"
PROTOCOLS = {"6": "tcp", "17": "udp", "1": "icmp", "58": "icmpv6", "all": "-1"}
WITH_PORTS = frozenset({"tcp", "udp", "icmp", "icmpv6"})


@dataclass(frozen=True, slots=True)
class Source:
    """One rule to be: protocol and ports, and the one peer."""

    protocol: str
    from_port: int | None
    to_port: int | None
    kind: str  # "CidrIp", "CidrIpv6", "PrefixListId" or "GroupId"
    peer: str
    owner: str = ""
    description: str | None = None

    @property
    def key(self) -> tuple[Any, ...]:
        """What makes two rules the same; descriptions do not count."""
        return (self.protocol, self.from_port, self.to_port, self.kind, self.peer)

    @property
    def text(self) -> str:
        """The rule as EC2's errors spell it."""
        if self.protocol == "-1":
            return "ALL"
        return f"{self.protocol.upper()}, from port: {self.from_port}, to port: {self.to_port}"

    @property
    def permission(self) -> dict[str, Any]:
        """The rule as a permission of its own."""
        lists = {
            "CidrIp": "IpRanges",
            "CidrIpv6": "Ipv6Ranges",
            "PrefixListId": "PrefixListIds",
            "GroupId": "UserIdGroupPairs",
        }
        ports = {} if self.from_port is None else {"FromPort": self.from_port, "ToPort": self.to_port}
        return {"IpProtocol": self.protocol, **ports, lists[self.kind]: [{self.kind: self.peer}]}


def sources(call: Call, state: Any) -> list[Source]:
    """Take the permissions of a call apart; raises ServiceError on what EC2 refuses."""
    given = call.parameters
    permissions = list(given.get("IpPermissions") or ())
    if not permissions and (given.get("IpProtocol") or given.get("SourceSecurityGroupName")):
        single: dict[str, Any] = {name: given.get(name) for name in ("FromPort", "ToPort")}
        single["IpProtocol"] = given.get("IpProtocol") or "-1"
        if given.get("CidrIp"):
            single["IpRanges"] = [{"CidrIp": given["CidrIp"]}]
        if given.get("SourceSecurityGroupName"):
            single["UserIdGroupPairs"] = [{"GroupName": given["SourceSecurityGroupName"]}]
        permissions = [single]
    return [source for permission in permissions for source in _taken_apart(permission, call, state)]


def _taken_apart(permission: dict[str, Any], call: Call, state: Any) -> list[Source]:
    spelled = str(permission.get("IpProtocol", "")).lower()
    protocol = PROTOCOLS.get(spelled, spelled)
    first, last = permission.get("FromPort"), permission.get("ToPort")
    if protocol not in WITH_PORTS:
        first = last = None  # any other protocol opens all ports, whatever range it shows
    elif first is None or last is None:
        raise ServiceError(
            "InvalidParameterValue", f"Invalid value 'Must specify both from and to ports with {spelled}'"
        )
    elif protocol in ("tcp", "udp") and not 0 <= first <= last <= 65535:
        raise ServiceError("InvalidParameterValue", f"Invalid value for portRange: {first}-{last}")
    found = []
    for kind, peer, entry in _peers(permission, state):
        owner = entry.get("UserId") or call.account
        found.append(Source(protocol, first, last, kind, peer, owner, entry.get("Description")))
    return found


def _peers(permission: dict[str, Any], state: Any) -> list[tuple[str, str, dict[str, Any]]]:
    found = [("CidrIp", _canonical(one["CidrIp"], 4), one) for one in permission.get("IpRanges") or ()]
    found += [("CidrIpv6", _canonical(one["CidrIpv6"], 6), one) for one in permission.get("Ipv6Ranges") or ()]
    for one in permission.get("PrefixListIds") or ():
        if one["PrefixListId"] not in state.managed_prefix_lists:
            raise ServiceError(
                "InvalidPrefixListId.NotFound", f"The prefix list '{one['PrefixListId']}' does not exist"
            )
        found.append(("PrefixListId", one["PrefixListId"], one))
    for one in permission.get("UserIdGroupPairs") or ():
        wanted = one.get("GroupId") or one.get("GroupName")
        group = state.get_security_group_by_name_or_id(wanted)
        foreign = one.get("UserId") not in (None, state.account_id)
        if group is None and not foreign:
            raise ServiceError("InvalidGroup.NotFound", f"The security group '{wanted}' does not exist")
        found.append(("GroupId", wanted if group is None else group.id, one))
    return found


def _canonical(cidr: str, version: int) -> str:
    """Write a range as EC2 keeps it: host bits cleared, IPv6 shortened."""
    try:
        network = ipaddress.ip_network(cidr, strict=False)
    except ValueError as error:
        raise ServiceError("InvalidParameterValue", f"CIDR block {cidr} is malformed") from error
    if network.version != version or "/" not in cidr:
        raise ServiceError("InvalidParameterValue", f"CIDR block {cidr} is malformed")
    return str(network)


def same(rule: Any, source: Source) -> bool:
    """Whether a rule that stands is the one that a source describes."""
    ports = (rule.from_port, rule.to_port) if rule.ip_protocol in WITH_PORTS else (None, None)
    return (rule.ip_protocol, *ports, *_peer(rule)) == source.key


def over_quota(state: Any, rules: Iterable[Any], wanted: Iterable[Source]) -> bool:
    """Whether a direction would have too many rules; IPv4 and IPv6 have a quota each.

    A referenced group counts in both, a prefix list as the number of its entries at most.
    """
    peers = [*(_peer(rule) for rule in rules), *((source.kind, source.peer) for source in wanted)]
    return any(sum(_weight(state, kind, peer, family) for kind, peer in peers) > MAXIMUM_RULES for family in (4, 6))


def _weight(state: Any, kind: str, peer: str, family: int) -> int:
    if kind == "PrefixListId":
        prefix_list = state.managed_prefix_lists[peer]
        return int(prefix_list.max_entries or 1) if prefix_list.address_family == f"IPv{family}" else 0
    return int({"CidrIp": 4, "CidrIpv6": 6}.get(kind, family) == family)


def _peer(rule: Any) -> tuple[str, str]:
    if rule.cidr_ipv4:
        return "CidrIp", rule.cidr_ipv4
    if rule.cidr_ipv6:
        return "CidrIpv6", rule.cidr_ipv6
    if rule.prefix_list_id:
        return "PrefixListId", rule.prefix_list_id
    return "GroupId", rule.source_group.get("GroupId", "")


def make_rule(state: Any, group: Any, source: Source, tags: dict[str, str], *, egress: bool) -> Any:
    """Make moto's object of a rule, with an id that says which rule it is and how often it was made."""
    described = {"Description": source.description} if source.description else {}
    cidr = {source.kind: source.peer, **described} if source.kind.startswith("Cidr") else None
    pair = {"GroupId": source.peer, "UserId": source.owner, "OwnerId": source.owner, **described}
    rule = SecurityGroupRule(
        state,
        source.protocol,
        group.id,
        # moto wants ports of every protocol but -1, so that the unusual ones get theirs below
        str(source.from_port or 0),
        str(source.to_port or 0),
        cidr,
        pair if source.kind == "GroupId" else None,
        {"PrefixListId": source.peer} if source.kind == "PrefixListId" else None,
        is_egress=egress,
    )
    rule.from_port, rule.to_port = source.from_port, source.to_port
    rule.prefix_list_description = source.description if source.kind == "PrefixListId" else None
    made = group.__dict__.setdefault("rules_made", {})
    key = (egress, *source.key)
    made[key] = made.get(key, 0) + 1
    digest = hashlib.blake2b(f"{state.account_id}/{group.id}/{key}/{made[key]}".encode(), digest_size=9).hexdigest()
    rule.id = f"sgr-{digest[:17]}"
    rule.add_tags(tags)
    return rule


def shown(state: Any, group: Any, rule: Any) -> dict[str, Any]:
    """Describe a rule as DescribeSecurityGroupRules does; `state` gives the tags."""
    region = group.ec2_backend.region_name
    found: dict[str, Any] = {
        "SecurityGroupRuleId": rule.id,
        "GroupId": group.id,
        "GroupOwnerId": group.owner_id,
        "IsEgress": rule.is_egress,
        "IpProtocol": rule.ip_protocol,
        "FromPort": -1 if rule.from_port is None else rule.from_port,
        "ToPort": -1 if rule.to_port is None else rule.to_port,
        "SecurityGroupRuleArn": (
            f"arn:{partition_of(region)}:ec2:{region}:{group.owner_id}:security-group-rule/{rule.id}"
        ),
        "Tags": [
            {"Key": key, "Value": value}
            for key, value in (state.tags.get(rule.id, {}) if state is not None else {}).items()
        ],
    }
    description = (
        rule.ip_range.get("Description")
        or rule.source_group.get("Description")
        or getattr(rule, "prefix_list_description", None)
    )
    if description:
        found["Description"] = description
    kind, peer = _peer(rule)
    if kind == "GroupId":
        found["ReferencedGroupInfo"] = {"GroupId": peer, "UserId": rule.source_group.get("UserId", group.owner_id)}
    else:
        found[{"CidrIp": "CidrIpv4"}.get(kind, kind)] = peer
    return found
