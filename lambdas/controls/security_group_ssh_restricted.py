"""Security groups do not allow SSH from anywhere.

Fails when ingress rules that reach port 22 together admit all of IPv4 or of IPv6: by `0.0.0.0/0` or
`::/0`, by a customer managed prefix list, or by halves that add up (`0.0.0.0/1` and `128.0.0.0/1`).
Protocol -1 reaches every port, and so does a protocol other than TCP, UDP, ICMP and ICMPv6. Egress,
references to groups and bounded ranges pass.
Source: Security Hub EC2.13, CIS AWS Foundations 5.2/5.3; Amazon EC2, "Security group rules". The managed
rule INCOMING_SSH_DISABLED promises neither prefix lists nor ranges that add up, so the rule is our own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from ipaddress import ip_network
from typing import TYPE_CHECKING, Any

from lambdas import networks
from lambdas.answers import absent
from lambdas.controls import model
from lambdas.controls.model import Change, Evaluation, Grant, Place, Plan, Ref, Refusal, Resource

if TYPE_CHECKING:
    from boto3 import Session

PORT = 22
RULES_PER_DIRECTION = 60
BOUNDED = {
    "tcp": "tcp",
    "6": "tcp",
    "udp": "udp",
    "17": "udp",
    "icmp": "icmp",
    "1": "icmp",
    "icmpv6": "icmpv6",
    "58": "icmpv6",
}
SOURCES = ("CidrIpv4", "CidrIpv6", "PrefixListId")
INSTEAD = "Allowed instead of the whole internet"


def read(session: Session, resource: Resource, finding: Mapping[str, Any] | None = None) -> dict[str, Any] | None:
    """Read the group with its ingress rules and the entries of the prefix lists that they name."""
    ec2 = session.client("ec2")
    group: Any = None
    with absent("InvalidGroup.NotFound", "InvalidGroupId.Malformed"):
        group = ec2.describe_security_groups(GroupIds=[resource.id])["SecurityGroups"][0]
    if group is None:
        return None
    pages = ec2.get_paginator("describe_security_group_rules").paginate(
        Filters=[{"Name": "group-id", "Values": [resource.id]}]
    )
    rules = [rule for page in pages for rule in page["SecurityGroupRules"] if not rule["IsEgress"]]
    lists = sorted({rule["PrefixListId"] for rule in rules if "PrefixListId" in rule})
    return {
        "GroupId": group["GroupId"],
        "GroupName": group["GroupName"],
        "OwnerId": group["OwnerId"],
        "Tags": group.get("Tags", []),
        "Rules": rules,
        "PrefixLists": {one: list(_entries(ec2, one)) for one in lists},
    }


def _entries(ec2: Any, prefix_list: str) -> Iterator[str]:
    pages = ec2.get_paginator("get_managed_prefix_list_entries").paginate(PrefixListId=prefix_list)
    for page in pages:
        for entry in page["Entries"]:
            yield entry["Cidr"]


def evaluate(settings: Mapping[str, Any], parameters: Mapping[str, Any]) -> Evaluation:
    """Judge what the ingress rules admit to port 22, all together."""
    offending = _offending(settings)
    if not offending:
        return model.compliant("No rules open port 22 to the whole internet.")
    named = ", ".join(f"{rule['SecurityGroupRuleId']} ({_source(rule)})" for rule in offending)
    return model.non_compliant(f"Port 22 is open to the whole internet by {named}"[:255] + ".")


def plan(
    resource: Resource, settings: Mapping[str, Any], parameters: Mapping[str, Any], facts: Mapping[str, Any]
) -> Plan | Refusal:
    """Revoke the offending rules; first authorise what else they opened, and who may come instead."""
    if settings["OwnerId"] != resource.account:
        return Refusal(f"the group belongs to account {settings['OwnerId']}, which shares its VPC")
    offending = _offending(settings)
    additions = [*_remainders(resource, settings, offending), *_instead(resource, settings, parameters)]
    used = sum(_weight(settings, rule) for rule in settings["Rules"])
    wanted = sum(
        len(permission.get(kind, ()))
        for one in additions
        for permission in one.parameters["IpPermissions"]
        for kind in ("IpRanges", "Ipv6Ranges", "PrefixListIds")
    )
    closes = [_closes(rule) for rule in offending if _kind(rule) != "tcp"]
    if used + wanted > RULES_PER_DIRECTION:
        closes += [_closes(rule) for rule in offending if _kind(rule) == "tcp" and _pieces(rule)]
        additions = []
    interfaces = facts.get("interfaces", [])
    uses = (
        f"{len(interfaces)}{' or more' if facts.get('more') else ''} network interfaces use it"
        if interfaces
        else "no network interface uses it"
    )
    return Plan(
        changes=(*additions, *(_revoke(resource, rule) for rule in offending)),
        tell=(model.Audience.OWNER, model.Audience.OPERATIONS),
        leaves=tuple(_kept(settings, offending)),
        ceiling=model.Ceiling(model.Mode.APPROVE, f"the plan closes more than port 22: {'; '.join(closes)}")
        if closes
        else None,
        message=f"Security group {resource.id} ({settings['GroupName']}) lets anyone reach port 22; {uses}"
        + (f" ({', '.join(interfaces[:5])})" if interfaces else "")
        + ".",
    )


def inspect(
    session: Session, resource: Resource, settings: Mapping[str, Any], parameters: Mapping[str, Any]
) -> dict[str, Any]:
    """Find the network interfaces that use the group: people want to know what they cut off."""
    answer = session.client("ec2").describe_network_interfaces(
        Filters=[{"Name": "group-id", "Values": [resource.id]}], MaxResults=50
    )
    return {
        "interfaces": [one["NetworkInterfaceId"] for one in answer["NetworkInterfaces"]],
        "more": bool(answer.get("NextToken")),
    }


def discover(session: Session, place: Place) -> Iterator[Resource]:
    """List the groups of the Region."""
    for page in session.client("ec2").get_paginator("describe_security_groups").paginate():
        for group in page["SecurityGroups"]:
            yield CONTROL.resource(place, group["GroupId"])


def _kind(rule: Mapping[str, Any]) -> str:
    """The protocol's name; every port is open where it is none of the four that know ports."""
    return BOUNDED.get(rule["IpProtocol"], "all")


def _reaches(rule: Mapping[str, Any]) -> bool:
    kind = _kind(rule)
    return kind == "all" or (kind == "tcp" and rule["FromPort"] <= PORT <= rule["ToPort"])


def _admitted(settings: Mapping[str, Any], rule: Mapping[str, Any]) -> list[str]:
    named = [rule[key] for key in ("CidrIpv4", "CidrIpv6") if key in rule]
    return named or list(settings["PrefixLists"].get(rule.get("PrefixListId"), ()))


def _offending(settings: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The fewest and widest rules that admit the world to port 22, of each address family."""
    reaching = [rule for rule in settings["Rules"] if _reaches(rule)]
    offending: list[Mapping[str, Any]] = []
    for version in (4, 6):
        admitted = {
            rule["SecurityGroupRuleId"]: networks.of_version(_admitted(settings, rule), version) for rule in reaching
        }
        whole = [one for one, admits in admitted.items() if networks.is_world(admits)]
        guilty = whole or networks.cover(admitted)
        offending += [rule for rule in reaching if rule["SecurityGroupRuleId"] in guilty and rule not in offending]
    return offending


def _pieces(rule: Mapping[str, Any]) -> list[tuple[int, int]]:
    """The port ranges of a rule beside port 22."""
    if _kind(rule) != "tcp":
        return []
    beside = ((rule["FromPort"], PORT - 1), (PORT + 1, rule["ToPort"]))
    return [(first, last) for first, last in beside if first <= last]


def _source(rule: Mapping[str, Any]) -> str:
    return next(str(rule[key]) for key in SOURCES if key in rule)


def _weight(settings: Mapping[str, Any], rule: Mapping[str, Any]) -> int:
    """A rule on a prefix list counts as many rules as the list has entries."""
    return max(1, len(settings["PrefixLists"].get(rule.get("PrefixListId"), ())))


def _permission(rule: Mapping[str, Any], ports: tuple[int, int] | None) -> dict[str, Any]:
    described = {"Description": rule["Description"]} if rule.get("Description") else {}
    permission: dict[str, Any] = {"IpProtocol": rule["IpProtocol"]}
    if ports is not None:
        permission |= {"FromPort": ports[0], "ToPort": ports[1]}
    if "CidrIpv4" in rule:
        permission["IpRanges"] = [{"CidrIp": rule["CidrIpv4"], **described}]
    elif "CidrIpv6" in rule:
        permission["Ipv6Ranges"] = [{"CidrIpv6": rule["CidrIpv6"], **described}]
    else:
        permission["PrefixListIds"] = [{"PrefixListId": rule["PrefixListId"], **described}]
    return permission


def _remainders(
    resource: Resource, settings: Mapping[str, Any], offending: Sequence[Mapping[str, Any]]
) -> Iterator[Change]:
    for rule in offending:
        missing = [_permission(rule, ports) for ports in _pieces(rule) if not _present(settings, rule, ports)]
        if missing:
            yield _authorize(resource, f"keep-{rule['SecurityGroupRuleId']}", missing, rule.get("Tags", []))


def _instead(resource: Resource, settings: Mapping[str, Any], parameters: Mapping[str, Any]) -> Iterator[Change]:
    """Authorise port 22 for the addresses that the parameter allows instead of the world."""
    present = {_source(rule) for rule in settings["Rules"] if _reaches(rule) and any(key in rule for key in SOURCES)}
    missing = []
    for cidr in parameters["allowed_sources"] or ():
        version = ip_network(cidr).version
        rule = {"IpProtocol": "tcp", f"CidrIpv{version}": cidr, "Description": INSTEAD}
        if cidr not in present:
            missing.append(_permission(rule, (PORT, PORT)))
    if missing:
        yield _authorize(resource, "allow-instead", missing, [])


def _present(settings: Mapping[str, Any], rule: Mapping[str, Any], ports: tuple[int, int]) -> bool:
    wanted = (_kind(rule), *ports, _source(rule))
    return any(
        (_kind(one), one["FromPort"], one["ToPort"], _source(one)) == wanted
        for one in settings["Rules"]
        if any(key in one for key in SOURCES)
    )


def _group(resource: Resource) -> tuple[str, ...]:
    return (resource.arn,)


def _grants(resource: Resource, action: str, tags: Iterable[Any]) -> tuple[Grant, ...]:
    grants = [Grant(f"ec2:{action}", _group(resource))]
    if tags:
        arn = f"arn:{resource.partition}:ec2:{resource.region}:{resource.account}:security-group-rule/*"
        grants.append(Grant("ec2:CreateTags", (arn,), {"StringEquals": {"ec2:CreateAction": action}}))
    return tuple(grants)


def _authorize(resource: Resource, name: str, permissions: list[dict[str, Any]], tags: list[Any]) -> Change:
    parameters: dict[str, Any] = {"GroupId": resource.id, "IpPermissions": permissions}
    if tags:
        parameters["TagSpecifications"] = [{"ResourceType": "security-group-rule", "Tags": tags}]
    return Change(
        name=name,
        service="ec2",
        operation="authorize_security_group_ingress",
        parameters=parameters,
        grants=_grants(resource, "AuthorizeSecurityGroupIngress", tags),
        settled=("InvalidPermission.Duplicate",),
        inverse=Change(
            name=f"undo-{name}",
            service="ec2",
            operation="revoke_security_group_ingress",
            parameters={
                "GroupId": resource.id,
                "SecurityGroupRuleIds": Ref(name, "SecurityGroupRules[].SecurityGroupRuleId"),
            },
            grants=_grants(resource, "RevokeSecurityGroupIngress", ()),
            settled=("InvalidSecurityGroupRuleId.NotFound",),
            irreversible="it is an undo",
        ),
    )


def _revoke(resource: Resource, rule: Mapping[str, Any]) -> Change:
    ports = (rule["FromPort"], rule["ToPort"]) if _kind(rule) == "tcp" else None
    name = f"revoke-{rule['SecurityGroupRuleId']}"
    restored = _authorize(resource, f"undo-{name}", [_permission(rule, ports)], rule.get("Tags", []))
    restored = replace(restored, inverse=None, irreversible="it is an undo")
    return Change(
        name=name,
        service="ec2",
        operation="revoke_security_group_ingress",
        parameters={"GroupId": resource.id, "SecurityGroupRuleIds": [rule["SecurityGroupRuleId"]]},
        grants=_grants(resource, "RevokeSecurityGroupIngress", ()),
        settled=("InvalidSecurityGroupRuleId.NotFound",),
        inverse=restored,
    )


def _closes(rule: Mapping[str, Any]) -> str:
    """Say what revoking a rule closes beside port 22."""
    if _kind(rule) == "all":
        return f"{rule['SecurityGroupRuleId']} opens every port (protocol {rule['IpProtocol']}) to {_source(rule)}"
    ports = f"{rule['FromPort']}-{rule['ToPort']}"
    return (
        f"{rule['SecurityGroupRuleId']} opens {ports} to {_source(rule)}, and no rule is left in the quota for the rest"
    )


def _kept(settings: Mapping[str, Any], offending: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    kept = len(settings["Rules"]) - len(offending)
    if kept:
        yield f"{kept} other ingress rules of the group stay as they are."
    for one in sorted({rule["PrefixListId"] for rule in offending if "PrefixListId" in rule}):
        yield f"Prefix list {one} is not edited: other groups and accounts may use it."


CONTROL = model.Control(
    id="EC2.13",
    slug="security-group-ssh-restricted",
    title="Security groups do not allow SSH from anywhere",
    severity=model.Severity.HIGH,
    resource_type="AWS::EC2::SecurityGroup",
    asff_type="AwsEc2SecurityGroup",
    arn="arn:{partition}:ec2:{region}:{account}:security-group/{id}",
    scope=model.Scope.REGIONAL,
    # A prefix list changes without the group: the schedule sees it.
    detection=model.CustomRule(on_change=True, schedule=model.Frequency.SIX_HOURS),
    parameters={
        "allowed_sources": model.Parameter(
            type="strings",
            description="CIDRs that may reach port 22 instead of the whole internet",
            default=(),
            pattern=r"[0-9.]+/(?:[89]|[12]\d|3[0-2])|[0-9a-fA-F:]+/(?:[2-9]\d|1[01]\d|12[0-8])",
        )
    },
    read_grants=(
        Grant("ec2:DescribeSecurityGroups", ("*",)),
        Grant("ec2:DescribeSecurityGroupRules", ("*",)),
        Grant("ec2:DescribeNetworkInterfaces", ("*",)),
        Grant("ec2:GetManagedPrefixListEntries", ("arn:{partition}:ec2:{region}:*:prefix-list/*",)),
    ),
    grants=(
        Grant("ec2:AuthorizeSecurityGroupIngress", ("arn:{partition}:ec2:{region}:{account}:security-group/*",)),
        Grant("ec2:RevokeSecurityGroupIngress", ("arn:{partition}:ec2:{region}:{account}:security-group/*",)),
        Grant(
            "ec2:CreateTags",
            ("arn:{partition}:ec2:{region}:{account}:security-group-rule/*",),
            {"StringEquals": {"ec2:CreateAction": "AuthorizeSecurityGroupIngress"}},
        ),
    ),
    requirements=("CIS AWS Foundations 5.2", "CIS AWS Foundations 5.3", "PCI DSS v3.2.1/1.2.1", "NIST.800-53.r5 AC-4"),
    impact="Whoever reached port 22 over the internet no longer does; open connections stay. Undo makes rules with new ids.",
    remediation="Revoke the rules that admit the whole internet to port 22, or narrow their sources to known addresses.",
    ceiling=model.Ceiling(model.Mode.AUTOMATIC, "no ceiling"),
    read=read,
    evaluate=evaluate,
    plan=plan,
    inspect=inspect,
    discover=discover,
)
