"""Closing a port of a security group to the whole internet: the verdict, and the least change, in its order.

A rule may open other ports, carry a description and tags, and be one of 60. So what else an offending rule opens is
authorised first, then who may come instead, and only then are offending rules revoked, each by its own id.
Nothing else of the group is touched: rules for members of groups keep workloads talking, and no group is deleted, be
it a default group, attached to nothing, or named by rules of others.
Source: EC2 API, AuthorizeSecurityGroupIngress and RevokeSecurityGroupIngress; Amazon VPC, "Security group rules".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from ipaddress import ip_network
from typing import Any

from lambdas.controls import model
from lambdas.controls.model import Change, Evaluation, Grant, Plan, Refusal, Resource
from lambdas.services import network_interfaces
from lambdas.services import security_group_rules as rules
from lambdas.services.networks import Network
from lambdas.services.security_group_rules import Rule

INSTEAD = "Allowed instead of the whole internet"
# EC2 gives this name to the group that comes and goes with a VPC, and to no other.
DEFAULT = "default"
OCTET = r"(?:25[0-5]|2[0-4]\d|1?\d?\d)"
GROUP = r"[0-9a-fA-F]{1,4}"
GROUPS = "arn:{partition}:ec2:{region}:{account}:security-group/*"
RULES = "arn:{partition}:ec2:{region}:{account}:security-group-rule/*"
# With tags the call is authorised on the rules too (Service Authorization Reference).
CREATED = {"StringEquals": {"ec2:CreateAction": "AuthorizeSecurityGroupIngress"}}

GRANTS = (
    Grant("ec2:AuthorizeSecurityGroupIngress", (GROUPS, RULES)),
    Grant("ec2:RevokeSecurityGroupIngress", (GROUPS,)),
    Grant("ec2:CreateTags", (RULES,), CREATED),
)


def parameters_for(port: int) -> dict[str, model.Parameter]:
    """The parameters of a control that closes a port."""
    return {
        "allowed_sources": model.Parameter(
            type="strings",
            description=f"CIDRs that may reach port {port} instead of the whole internet, at widest IPv4 /8 and "
            "IPv6 /20",
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
    }


def evaluate(settings: Mapping[str, Any], parameters: Mapping[str, Any], port: int) -> Evaluation:
    """Judge what the inbound rules admit to the port, all together."""
    found = rules.offending(settings, port, _allowed(parameters))
    if not found:
        return model.compliant(f"No rules open port {port} to the whole internet.")
    by = ", ".join(f"{rule['SecurityGroupRuleId']} ({rules.source(rule)})" for rule in found)
    return model.non_compliant(f"Port {port} is open to the whole internet by {by}"[:255] + ".")


def plan(
    resource: Resource,
    settings: Mapping[str, Any],
    parameters: Mapping[str, Any],
    facts: Mapping[str, Any],
    port: int,
) -> Plan | Refusal:
    """Revoke the offending rules; first authorise what else they opened, and who may come instead."""
    if settings["OwnerId"] != resource.account:
        return Refusal(f"the group belongs to account {settings['OwnerId']}, which shares its VPC")
    allowed = _allowed(parameters)
    offending = rules.offending(settings, port, allowed)
    remainders = list(_remainders(settings, offending, port))
    instead = list(_instead(settings, offending, port, allowed))
    closes = [
        f"{rule['SecurityGroupRuleId']} opens every port (protocol {rule['IpProtocol']}) to {rules.source(rule)}"
        for rule in offending
        if rules.kind(rule) == "all"
    ]
    additions: list[Change] = []
    wanted = [*(piece for _, pieces in remainders for piece in pieces), *instead]
    if rules.fit(settings["Rules"], wanted, parameters["rules_per_group"], facts.get("weights", {})):
        additions = [
            _authorize(resource, f"keep-{rule['SecurityGroupRuleId']}", pieces, rule.get("Tags", []))
            for rule, pieces in remainders
        ]
        additions += [_authorize(resource, "allow-instead", instead, [])] if instead else []
    else:
        closes += [
            f"{rule['SecurityGroupRuleId']} opens {_ranges(pieces)} to {rules.source(rule)}"
            for rule, pieces in remainders
        ]
        closes += [f"{rules.source(rule)} is not allowed instead" for rule in instead]
        closes.append("the quota of rules is full")
    return Plan(
        changes=(*additions, *(_revoke(resource, rule) for rule in offending)),
        tell=(model.Audience.OWNER, model.Audience.OPERATIONS),
        leaves=tuple(_leaves(settings, offending, facts)),
        ceiling=model.Ceiling(model.Mode.APPROVE, f"the plan closes more than port {port}: {'; '.join(closes)}")
        if closes
        else None,
        message=f"Security group {resource.id} ({settings['GroupName']}) lets anyone reach port {port}; "
        f"{_uses(facts)}.",
    )


def _allowed(parameters: Mapping[str, Any]) -> list[Network]:
    """The networks that may come instead, as EC2 keeps them: without host bits, each once."""
    return list(dict.fromkeys(ip_network(cidr, strict=False) for cidr in parameters["allowed_sources"] or ()))


def _remainders(
    settings: Mapping[str, Any], offending: Iterable[Rule], port: int
) -> Iterator[tuple[Rule, list[dict[str, Any]]]]:
    """Every offending rule that leaves something to authorise; EC2 refuses a call with one duplicate in it whole."""
    standing = {rules.same(rule) for rule in settings["Rules"]}
    for rule in offending:
        pieces = rules.beside(rule, port)
        missing = [piece for piece in pieces if rules.same(piece) not in standing]
        standing.update(map(rules.same, missing))
        if missing:
            yield rule, missing


def _instead(
    settings: Mapping[str, Any], offending: Sequence[Rule], port: int, allowed: Sequence[Network]
) -> Iterator[dict[str, Any]]:
    """The port for the allowed addresses of the families that were open: nobody else gains access."""
    opened = {net.version for rule in offending for net in rules.admitted(settings, rule)}
    for network in allowed:
        theirs = [rule for rule in settings["Rules"] if rules.source(rule) == str(network)]
        if network.version in opened and not any(rules.opens(rule, port) for rule in theirs):
            ports = {"IpProtocol": "tcp", "FromPort": port, "ToPort": port}
            yield {**ports, f"CidrIpv{network.version}": str(network), "Description": INSTEAD}


def _authorize(resource: Resource, name: str, wanted: Sequence[Rule], tags: Iterable[Mapping[str, str]]) -> Change:
    parameters: dict[str, Any] = {"GroupId": resource.id, "IpPermissions": [rules.permission(rule) for rule in wanted]}
    bare = [rules.permission({**rule, "Description": None}) for rule in wanted]
    grants = [Grant("ec2:AuthorizeSecurityGroupIngress", (resource.arn,))]
    # Tags of AWS's own namespace cannot be given by anybody else.
    own = [tag for tag in tags if not tag["Key"].startswith("aws:")]
    if own:
        parameters["TagSpecifications"] = [{"ResourceType": "security-group-rule", "Tags": own}]
        made = RULES.format(partition=resource.partition, region=resource.region, account=resource.account)
        grants = [
            Grant("ec2:AuthorizeSecurityGroupIngress", (resource.arn, made)),
            Grant("ec2:CreateTags", (made,), CREATED),
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
            # By properties: a rule's id is in the answer alone, and a run may be killed before that is written down.
            parameters={"GroupId": resource.id, "IpPermissions": bare},
            grants=(Grant("ec2:RevokeSecurityGroupIngress", (resource.arn,)),),
            settled=("InvalidPermission.NotFound",),
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


def _ranges(pieces: Iterable[Rule]) -> str:
    return " and ".join(f"{one['FromPort']}-{one['ToPort']}" for one in pieces)


def _uses(facts: Mapping[str, Any]) -> str:
    interfaces = facts.get("interfaces", [])
    if not interfaces:
        return "no network interface uses it"
    return f"network interfaces that use it: {network_interfaces.told(interfaces, more=facts['more'])}"


def _leaves(settings: Mapping[str, Any], offending: Sequence[Rule], facts: Mapping[str, Any]) -> Iterator[str]:
    kept = len(settings["Rules"]) - len(offending)
    if kept:
        yield f"Other ingress rules of the group stay as they are: {kept}."
    groups = {rule["ReferencedGroupInfo"]["GroupId"] for rule in settings["Rules"] if "ReferencedGroupInfo" in rule}
    if groups:
        named = sorted("the group itself" if one == settings["GroupId"] else one for one in groups)
        yield f"Members of groups keep the access that rules give them: {', '.join(named)}."
    if settings["GroupName"] == DEFAULT:
        yield "It is the default group of its VPC, which launches get that name none."
    elif not facts.get("interfaces"):
        yield "The group is not deleted, though nothing uses it: launches and rules of other groups may name it."
    for one in sorted({rule["PrefixListId"] for rule in offending if "PrefixListId" in rule}):
        yield f"Prefix list {one} is not edited: other groups and accounts may use it."
