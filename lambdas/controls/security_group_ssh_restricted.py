"""Security groups do not allow SSH from anywhere.

Fails when ingress rules that reach port 22 together admit all of IPv4 or of IPv6: by `0.0.0.0/0` or
`::/0`, by a customer managed prefix list, or by halves that add up (`0.0.0.0/1` and `128.0.0.0/1`).
Protocol -1 reaches every port, and so does a protocol other than TCP, UDP, ICMP and ICMPv6. Egress,
references to groups and bounded ranges pass.
Source: Security Hub EC2.13; Amazon VPC, "Security group rules" and "Amazon VPC quotas". The managed rule
INCOMING_SSH_DISABLED promises neither prefix lists nor ranges that add up, so the rule is our own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from ipaddress import ip_network
from typing import TYPE_CHECKING, Any

from lambdas.answers import absent
from lambdas.controls import model
from lambdas.controls.model import Change, Evaluation, Grant, Place, Plan, Ref, Refusal, Resource
from lambdas.services import networks
from lambdas.services.networks import Network

if TYPE_CHECKING:
    from boto3 import Session

Rule = Mapping[str, Any]

PORT = 22
FAMILIES = (4, 6)
# The protocols that know ports; any other opens every port, whatever range its rule shows.
NUMBERS = {"6": "tcp", "17": "udp", "1": "icmp", "58": "icmpv6", "-1": "all"}
SOURCES = ("CidrIpv4", "CidrIpv6", "PrefixListId")
INSTEAD = "Allowed instead of the whole internet"
OCTET = r"(?:25[0-5]|2[0-4]\d|1?\d?\d)"
GROUP = r"[0-9a-fA-F]{1,4}"


def read(session: Session, resource: Resource, finding: Mapping[str, Any] | None = None) -> dict[str, Any] | None:
    """Read the group with its ingress rules and the entries of the prefix lists that may reach port 22."""
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
    lists = sorted({rule["PrefixListId"] for rule in rules if "PrefixListId" in rule and _reaches(rule)})
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
    offending = _offending(settings, parameters)
    if not offending:
        return model.compliant("No rules open port 22 to the whole internet.")
    named = ", ".join(f"{rule['SecurityGroupRuleId']} ({_source(rule)})" for rule in offending)
    return model.non_compliant(f"Port 22 is open to the whole internet by {named}"[:255] + ".")


def inspect(
    session: Session, resource: Resource, settings: Mapping[str, Any], parameters: Mapping[str, Any]
) -> dict[str, Any]:
    """Find who is cut off, for people, and how many rules each prefix list counts as, for the quota."""
    ec2 = session.client("ec2")
    answer = ec2.describe_network_interfaces(Filters=[{"Name": "group-id", "Values": [resource.id]}], MaxResults=50)
    lists = sorted({rule["PrefixListId"] for rule in settings["Rules"] if "PrefixListId" in rule})
    weights = {}
    if lists:
        # Asked for by a filter: a list that is no longer shared with the account is no error.
        pages = ec2.get_paginator("describe_managed_prefix_lists").paginate(
            Filters=[{"Name": "prefix-list-id", "Values": lists}]
        )
        for page in pages:
            for one in page["PrefixLists"]:
                # Lists of AWS show no MaxEntries.
                weights[one["PrefixListId"]] = [one["AddressFamily"], one.get("MaxEntries") or 1]
    return {
        "interfaces": [one["NetworkInterfaceId"] for one in answer["NetworkInterfaces"]],
        "more": bool(answer.get("NextToken")),
        "weights": weights,
    }


def discover(session: Session, place: Place) -> Iterator[Resource]:
    """List the account's groups of the Region; those that others share with it are judged at their owner's."""
    for page in session.client("ec2").get_paginator("describe_security_groups").paginate():
        for group in page["SecurityGroups"]:
            if group["OwnerId"] == place.account:
                yield CONTROL.resource(place, group["GroupId"])


def plan(
    resource: Resource, settings: Mapping[str, Any], parameters: Mapping[str, Any], facts: Mapping[str, Any]
) -> Plan | Refusal:
    """Revoke the offending rules; first authorise what else they opened, and who may come instead."""
    if settings["OwnerId"] != resource.account:
        return Refusal(f"the group belongs to account {settings['OwnerId']}, which shares its VPC")
    offending = _offending(settings, parameters)
    remainders = list(_remainders(settings, offending))
    instead = list(_instead(settings, offending, parameters))
    closes = [
        f"{rule['SecurityGroupRuleId']} opens every port (protocol {rule['IpProtocol']}) to {_source(rule)}"
        for rule in offending
        if _kind(rule) == "all"
    ]
    additions: list[Change] = []
    if _fit(settings, [*(piece for _, pieces in remainders for piece in pieces), *instead], parameters, facts):
        additions = [
            _authorize(resource, f"keep-{rule['SecurityGroupRuleId']}", pieces, rule.get("Tags", []))
            for rule, pieces in remainders
        ]
        additions += [_authorize(resource, "allow-instead", instead, [])] if instead else []
    else:
        closes += [
            f"{rule['SecurityGroupRuleId']} opens {_ports(pieces)} to {_source(rule)}" for rule, pieces in remainders
        ]
        closes += [f"{_source(rule)} is not allowed instead" for rule in instead]
        closes.append("the quota of rules is full")
    return Plan(
        changes=(*additions, *(_revoke(resource, rule) for rule in offending)),
        tell=(model.Audience.OWNER, model.Audience.OPERATIONS),
        leaves=tuple(_leaves(settings, offending)),
        ceiling=model.Ceiling(model.Mode.APPROVE, f"the plan closes more than port 22: {'; '.join(closes)}")
        if closes
        else None,
        message=f"Security group {resource.id} ({settings['GroupName']}) lets anyone reach port 22; {_uses(facts)}.",
    )


def _kind(rule: Rule) -> str:
    """The protocol by its name; SSH is TCP, so a protocol of another number opens nothing to it."""
    return NUMBERS.get(str(rule["IpProtocol"]), str(rule["IpProtocol"]))


def _reaches(rule: Rule) -> bool:
    kind = _kind(rule)
    return kind == "all" or (kind == "tcp" and rule["FromPort"] <= PORT <= rule["ToPort"])


def _source(rule: Rule) -> str:
    """What a rule admits: a CIDR or a prefix list; empty where it refers to a group."""
    return next((str(rule[key]) for key in SOURCES if key in rule), "")


def _allowed(parameters: Mapping[str, Any]) -> list[Network]:
    """The networks that may come instead, as EC2 keeps them: without host bits, each once."""
    return list(dict.fromkeys(ip_network(cidr, strict=False) for cidr in parameters["allowed_sources"] or ()))


def _admitted(settings: Mapping[str, Any], rule: Rule) -> list[Network]:
    if "PrefixListId" in rule:
        return [ip_network(cidr) for cidr in settings["PrefixLists"][rule["PrefixListId"]]]
    return [ip_network(rule[key]) for key in ("CidrIpv4", "CidrIpv6") if key in rule]


def _offending(settings: Mapping[str, Any], parameters: Mapping[str, Any]) -> list[Rule]:
    """The rules that add up to the world on port 22, set by set, until what is left does not.

    A rule that admits only private or allowed addresses is no part of the internet and stays.
    """
    allowed = _allowed(parameters)
    admitted = {rule["SecurityGroupRuleId"]: _admitted(settings, rule) for rule in settings["Rules"] if _reaches(rule)}
    harmless = {
        one for one, admits in admitted.items() if all(net in allowed or networks.is_private(net) for net in admits)
    }
    guilty: set[str] = set()
    for version in FAMILIES:
        left = {one: [net for net in admits if net.version == version] for one, admits in admitted.items()}
        while found := networks.cover(left) - harmless:
            guilty |= found
            left = {one: admits for one, admits in left.items() if one not in found}
    return [rule for rule in settings["Rules"] if rule["SecurityGroupRuleId"] in guilty]


def _pieces(rule: Rule) -> list[dict[str, Any]]:
    """What a rule opens beside port 22, as rules of their own."""
    if _kind(rule) != "tcp":
        return []
    beside = ((rule["FromPort"], PORT - 1), (PORT + 1, rule["ToPort"]))
    return [{**rule, "FromPort": first, "ToPort": last} for first, last in beside if first <= last]


def _same(rule: Rule) -> tuple[Any, ...]:
    """What makes two rules duplicates."""
    return (_kind(rule), rule["FromPort"], rule["ToPort"], _source(rule))


def _remainders(settings: Mapping[str, Any], offending: Iterable[Rule]) -> Iterator[tuple[Rule, list[dict[str, Any]]]]:
    """Every offending rule that leaves something to authorise; EC2 refuses a call with one duplicate in it whole."""
    standing = {_same(rule) for rule in settings["Rules"]}
    for rule in offending:
        missing = [piece for piece in _pieces(rule) if _same(piece) not in standing]
        standing.update(map(_same, missing))
        if missing:
            yield rule, missing


def _instead(
    settings: Mapping[str, Any], offending: Sequence[Rule], parameters: Mapping[str, Any]
) -> Iterator[dict[str, Any]]:
    """Port 22 for the allowed addresses of the families that were open: nobody else gains access."""
    open_families = {net.version for rule in offending for net in _admitted(settings, rule)}
    present = {_source(rule) for rule in settings["Rules"] if _reaches(rule)}
    for network in _allowed(parameters):
        if network.version in open_families and str(network) not in present:
            source = {f"CidrIpv{network.version}": str(network)}
            yield {"IpProtocol": "tcp", "FromPort": PORT, "ToPort": PORT, **source, "Description": INSTEAD}


def _fit(
    settings: Mapping[str, Any], wanted: Sequence[Rule], parameters: Mapping[str, Any], facts: Mapping[str, Any]
) -> bool:
    """Whether the quota has room for more rules; it counts IPv4 and IPv6 apart."""
    for family in FAMILIES:
        more = sum(_weight(rule, family, facts) for rule in wanted)
        used = sum(_weight(rule, family, facts) for rule in settings["Rules"])
        if more and used + more > parameters["rules_per_group"]:
            return False
    return True


def _weight(rule: Rule, family: int, facts: Mapping[str, Any]) -> int:
    """As how many rules of a family one counts: a group as one of both, a prefix list as its maximum of entries."""
    if "PrefixListId" in rule:
        counted, entries = facts.get("weights", {}).get(rule["PrefixListId"], (f"IPv{family}", 1))
        return int(entries) if counted == f"IPv{family}" else 0
    other = "CidrIpv6" if family == 4 else "CidrIpv4"
    return 0 if other in rule else 1


def _permission(rule: Rule) -> dict[str, Any]:
    described = {"Description": rule["Description"]} if rule.get("Description") else {}
    permission: dict[str, Any] = {"IpProtocol": rule["IpProtocol"]}
    if _kind(rule) != "all":
        permission |= {"FromPort": rule["FromPort"], "ToPort": rule["ToPort"]}
    if "CidrIpv4" in rule:
        permission["IpRanges"] = [{"CidrIp": rule["CidrIpv4"], **described}]
    elif "CidrIpv6" in rule:
        permission["Ipv6Ranges"] = [{"CidrIpv6": rule["CidrIpv6"], **described}]
    else:
        permission["PrefixListIds"] = [{"PrefixListId": rule["PrefixListId"], **described}]
    return permission


def _authorize(resource: Resource, name: str, rules: Iterable[Rule], tags: Iterable[Mapping[str, str]]) -> Change:
    parameters: dict[str, Any] = {"GroupId": resource.id, "IpPermissions": [_permission(rule) for rule in rules]}
    grants = [Grant("ec2:AuthorizeSecurityGroupIngress", (resource.arn,))]
    # Tags of AWS's own namespace cannot be given by anybody else.
    own = [tag for tag in tags if not tag["Key"].startswith("aws:")]
    if own:
        parameters["TagSpecifications"] = [{"ResourceType": "security-group-rule", "Tags": own}]
        made = f"arn:{resource.partition}:ec2:{resource.region}:{resource.account}:security-group-rule/*"
        # With tags the call is authorised on the rules too (Service Authorization Reference).
        created = {"StringEquals": {"ec2:CreateAction": "AuthorizeSecurityGroupIngress"}}
        grants = [
            Grant("ec2:AuthorizeSecurityGroupIngress", (resource.arn, made)),
            Grant("ec2:CreateTags", (made,), created),
        ]
    return Change(
        name=name,
        service="ec2",
        operation="authorize_security_group_ingress",
        parameters=parameters,
        grants=tuple(grants),
        settled=("InvalidPermission.Duplicate",),
        inverse=Change(
            name=f"undo-{name}",
            service="ec2",
            operation="revoke_security_group_ingress",
            parameters={
                "GroupId": resource.id,
                "SecurityGroupRuleIds": Ref(name, "SecurityGroupRules[].SecurityGroupRuleId"),
            },
            grants=(Grant("ec2:RevokeSecurityGroupIngress", (resource.arn,)),),
            settled=("InvalidSecurityGroupRuleId.NotFound",),
            irreversible="it is an undo",
        ),
    )


def _revoke(resource: Resource, rule: Rule) -> Change:
    name = f"revoke-{rule['SecurityGroupRuleId']}"
    restored = _authorize(resource, f"undo-{name}", [rule], rule.get("Tags", []))
    return Change(
        name=name,
        service="ec2",
        operation="revoke_security_group_ingress",
        parameters={"GroupId": resource.id, "SecurityGroupRuleIds": [rule["SecurityGroupRuleId"]]},
        grants=(Grant("ec2:RevokeSecurityGroupIngress", (resource.arn,)),),
        settled=("InvalidSecurityGroupRuleId.NotFound",),
        inverse=replace(restored, inverse=None, irreversible="it is an undo"),
    )


def _ports(pieces: Iterable[Rule]) -> str:
    return " and ".join(f"{one['FromPort']}-{one['ToPort']}" for one in pieces)


def _uses(facts: Mapping[str, Any]) -> str:
    interfaces = facts.get("interfaces", [])
    if not interfaces:
        return "no network interface uses it"
    number = f"{len(interfaces)}{' or more' if facts.get('more') else ''}"
    return f"network interfaces that use it: {number} ({', '.join(interfaces[:5])})"


def _leaves(settings: Mapping[str, Any], offending: Sequence[Rule]) -> Iterator[str]:
    kept = len(settings["Rules"]) - len(offending)
    if kept:
        yield f"Other ingress rules of the group stay as they are: {kept}."
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
            description="CIDRs that may reach port 22 instead of the whole internet, at widest IPv4 /8 and IPv6 /20",
            default=(),
            pattern=rf"(?:{OCTET}\.){{3}}{OCTET}/(?:[89]|[12]\d|3[0-2])"
            rf"|(?:(?:{GROUP}:){{7}}{GROUP}|(?:{GROUP}:){{1,7}}:|(?:{GROUP}:){{1,6}}:{GROUP})"
            r"/(?:[2-9]\d|1[01]\d|12[0-8])",
        ),
        "rules_per_group": model.Parameter(
            type="integer",
            description="the account's quota of inbound rules per security group (L-0EA8095F), where it was raised",
            default=60,
            minimum=1,
            maximum=1000,
            per_region=True,
        ),
    },
    read_grants=(
        Grant("ec2:DescribeSecurityGroups", ("*",)),
        Grant("ec2:DescribeSecurityGroupRules", ("*",)),
        Grant("ec2:DescribeNetworkInterfaces", ("*",)),
        Grant("ec2:DescribeManagedPrefixLists", ("*",)),
        # A list may be shared by another account, or be one of AWS's own.
        Grant("ec2:GetManagedPrefixListEntries", ("arn:{partition}:ec2:{region}:*:prefix-list/*",)),
    ),
    grants=(
        Grant(
            "ec2:AuthorizeSecurityGroupIngress",
            (
                "arn:{partition}:ec2:{region}:{account}:security-group/*",
                "arn:{partition}:ec2:{region}:{account}:security-group-rule/*",
            ),
        ),
        Grant("ec2:RevokeSecurityGroupIngress", ("arn:{partition}:ec2:{region}:{account}:security-group/*",)),
        Grant(
            "ec2:CreateTags",
            ("arn:{partition}:ec2:{region}:{account}:security-group-rule/*",),
            {"StringEquals": {"ec2:CreateAction": "AuthorizeSecurityGroupIngress"}},
        ),
    ),
    requirements=(
        "CIS AWS Foundations v1.2.0/4.1",
        "CIS AWS Foundations v3.0.0/5.2",
        "CIS AWS Foundations v3.0.0/5.3",
        "PCI DSS v4.0.1/1.3.1",
        "NIST.800-53.r5 AC-4",
        "NIST.800-53.r5 SC-7",
    ),
    impact="Who came to port 22 over the internet no longer can; tracked connections stay. Undo makes new rule ids.",
    remediation="Revoke the rules that admit the whole internet to port 22, or narrow them to known addresses.",
    ceiling=model.Ceiling(model.Mode.AUTOMATIC, "no ceiling"),
    read=read,
    evaluate=evaluate,
    plan=plan,
    inspect=inspect,
    discover=discover,
)
