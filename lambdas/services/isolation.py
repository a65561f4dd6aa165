"""Isolating an EC2 instance: two groups of its VPC that are made when they are needed, and what is kept as evidence.

A connection that security groups track goes on when its rule goes. It becomes untracked where all traffic is allowed in
both directions, and then ends with the groups that allowed it. So every network interface gets the group that admits
everything for a moment, and then the one without rules.
Source: Amazon EC2 User Guide, "Security group connection tracking"; AWS re:Post, "How do I isolate an EC2 instance";
Systems Manager Automation runbook reference, AWSSupport-ContainEC2Instance.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from lambdas.controls.model import Change, Grant, Probe, Ref, Resource

OPEN, CLOSED = "palisade-all-access", "palisade-isolation"
GROUP_TAG, EVIDENCE_TAG = "palisade:incident-group", "palisade:evidence-of"
EC2 = "arn:{partition}:ec2:{region}:{account}:"
GROUPS, INTERFACES, VPCS, INSTANCES, VOLUMES = (
    f"{EC2}{kind}/*" for kind in ("security-group", "network-interface", "vpc", "instance", "volume")
)
# Of no account in the Service Authorization Reference; the pattern holds in either form.
SNAPSHOTS = "arn:{partition}:ec2:{region}:*:snapshot/*"
OUR_GROUPS = {"StringEquals": {f"aws:ResourceTag/{GROUP_TAG}": "yes"}}
MARKING = {"ForAllValues:StringEquals": {"aws:TagKeys": [EVIDENCE_TAG]}}
FIND = Grant("ec2:DescribeSecurityGroups", ("*",))
GRANTS = (
    Grant("ec2:CreateSnapshots", (INSTANCES, VOLUMES, SNAPSHOTS)),
    Grant("ec2:CreateTags", (SNAPSHOTS,), {"StringEquals": {"ec2:CreateAction": "CreateSnapshots"}}),
    Grant("ec2:DeleteTags", (SNAPSHOTS,), MARKING),
    Grant("ec2:CreateSecurityGroup", (GROUPS, VPCS)),
    Grant("ec2:CreateTags", (GROUPS,), {"StringEquals": {"ec2:CreateAction": "CreateSecurityGroup"}}),
    FIND,
    *(
        Grant(f"ec2:{action}", (GROUPS,), OUR_GROUPS)
        for action in (
            "AuthorizeSecurityGroupIngress", "RevokeSecurityGroupIngress", "RevokeSecurityGroupEgress",
            "DeleteSecurityGroup",
        )
    ),
    Grant("ec2:ModifyNetworkInterfaceAttribute", (GROUPS, INTERFACES)),
)  # fmt: skip
IPV4, IPV6 = {"IpRanges": [{"CidrIp": "0.0.0.0/0"}]}, {"Ipv6Ranges": [{"CidrIpv6": "::/0"}]}


def isolated(settings: Mapping[str, Any]) -> bool:
    """Whether every network interface has the group without rules and no other."""
    closed = settings["Groups"].get(CLOSED)
    if closed is None or closed["Rules"]:
        return False
    return all(one["Groups"] == [closed["Id"]] for one in settings["Interfaces"])


def changes(resource: Resource, settings: Mapping[str, Any]) -> Iterator[Change]:
    """Evidence first, then the group that admits everything, then the one that admits nothing."""
    if not settings["Snapshots"]:
        yield _snapshots(resource, settings["Volumes"])
    yield from _group(resource, settings, OPEN, "All traffic, for a moment: connections become untracked")
    opened = _named(settings, OPEN)
    yield _rule(resource, "open", "Authorize", "ingress", opened, IPV4)
    yield _rule(resource, "open-ipv6", "Authorize", "ingress", opened, IPV6)
    for one in settings["Interfaces"]:
        yield _move(resource, f"open-{one['Id']}", one, opened)
    yield from _group(resource, settings, CLOSED, "No traffic: instances under investigation")
    closed = _named(settings, CLOSED)
    # A new group allows all that goes out, over IPv6 where its VPC has it.
    yield _rule(resource, "empty", "Revoke", "egress", closed, IPV4)
    yield _rule(resource, "empty-ipv6", "Revoke", "egress", closed, IPV6)
    for one in settings["Interfaces"]:
        yield _move(resource, f"isolate-{one['Id']}", one, closed)
    yield _rule(resource, "close", "Revoke", "ingress", opened, IPV4)
    yield _rule(resource, "close-ipv6", "Revoke", "ingress", opened, IPV6)


def _arn(resource: Resource, kind: str, identifier: str) -> str:
    return f"arn:{resource.partition}:ec2:{resource.region}:{resource.account}:{kind}/{identifier}"


def _filled(resource: Resource, pattern: str) -> str:
    return pattern.format(partition=resource.partition, region=resource.region, account=resource.account)


def _snapshots(resource: Resource, volumes: Sequence[str]) -> Change:
    made, name = _filled(resource, SNAPSHOTS), "take-snapshots"
    tags = [{"Key": EVIDENCE_TAG, "Value": resource.id}]
    return Change(
        name=name,
        service="ec2",
        operation="create_snapshots",
        parameters={
            "InstanceSpecification": {"InstanceId": resource.id},
            "Description": f"Evidence: {resource.id} before its isolation",
            "TagSpecifications": [{"ResourceType": "snapshot", "Tags": tags}],
        },
        grants=(
            Grant("ec2:CreateSnapshots", (resource.arn, *(_arn(resource, "volume", one) for one in volumes), made)),
            Grant("ec2:CreateTags", (made,), {"StringEquals": {"ec2:CreateAction": "CreateSnapshots"}}),
        ),
        # What they hold is fixed once they are pending; to wait for their end would leave the attacker hours.
        effect=Probe(
            "ec2",
            "describe_snapshots",
            {"Filters": [{"Name": f"tag:{EVIDENCE_TAG}", "Values": [resource.id]}]},
            "Snapshots[].State | !contains(@, 'error') && length(@) >= `1`",
            (True,),
        ),
        inverse=Change(
            name="unmark-snapshots",
            service="ec2",
            operation="delete_tags",
            parameters={"Resources": Ref(name, "Snapshots[].SnapshotId"), "Tags": [{"Key": EVIDENCE_TAG}]},
            grants=(Grant("ec2:DeleteTags", (made,), MARKING),),
            irreversible="it is an undo",
        ),
    )


def _group(resource: Resource, settings: Mapping[str, Any], name: str, description: str) -> Iterator[Change]:
    """Make a group where the VPC has none; found by its name, for the answer to the making may be lost."""
    if name in settings["Groups"]:
        return
    groups = _filled(resource, GROUPS)
    tags = [{"Key": GROUP_TAG, "Value": "yes"}]
    yield Change(
        name=f"create-{name}",
        service="ec2",
        operation="create_security_group",
        parameters={
            "GroupName": name,
            "Description": description,
            "VpcId": settings["Vpc"],
            "TagSpecifications": [{"ResourceType": "security-group", "Tags": tags}],
        },
        grants=(
            Grant("ec2:CreateSecurityGroup", (groups, _arn(resource, "vpc", settings["Vpc"]))),
            Grant("ec2:CreateTags", (groups,), {"StringEquals": {"ec2:CreateAction": "CreateSecurityGroup"}}),
        ),
        settled=("InvalidGroup.Duplicate",),
        inverse=_delete(resource, f"delete-{name}", Ref(f"create-{name}", "GroupId")),
    )
    filters = [{"Name": "vpc-id", "Values": [settings["Vpc"]]}, {"Name": "group-name", "Values": [name]}]
    yield Change(
        name=f"find-{name}",
        service="ec2",
        operation="describe_security_groups",
        parameters={"Filters": filters},
        grants=(FIND,),
        inverse=_delete(resource, f"delete-found-{name}", Ref(f"find-{name}", "SecurityGroups[0].GroupId")),
    )


def _delete(resource: Resource, name: str, group: Ref) -> Change:
    return Change(
        name=name,
        service="ec2",
        operation="delete_security_group",
        parameters={"GroupId": group},
        grants=(Grant("ec2:DeleteSecurityGroup", (_filled(resource, GROUPS),), OUR_GROUPS),),
        # Another instance may be isolated by it.
        settled=("DependencyViolation", "InvalidGroup.NotFound"),
        irreversible="it is an undo",
    )


def _named(settings: Mapping[str, Any], name: str) -> str | Ref:
    known = settings["Groups"].get(name)
    return str(known["Id"]) if known else Ref(f"find-{name}", "SecurityGroups[0].GroupId")


def _rule(
    resource: Resource, name: str, verb: str, direction: str, group: str | Ref, source: Mapping[str, Any]
) -> Change:
    """Add or take a rule for all traffic of these groups of ours; the undo leaves none, whichever it was."""

    def made(named: str, does: str, inverse: Change | None) -> Change:
        action = f"{does}SecurityGroup{direction.capitalize()}"
        done = "InvalidPermission.Duplicate" if does == "Authorize" else "InvalidPermission.NotFound"
        return Change(
            name=named,
            service="ec2",
            operation=f"{does.lower()}_security_group_{direction}",
            parameters={"GroupId": group, "IpPermissions": [{"IpProtocol": "-1", **source}]},
            grants=(Grant(f"ec2:{action}", (_filled(resource, GROUPS),), OUR_GROUPS),),
            # An undo that begins anew may have deleted the group before.
            settled=(done,) if inverse else (done, "InvalidGroup.NotFound"),
            inverse=inverse,
            irreversible=None if inverse else "it is an undo",
        )

    return made(name, verb, made(f"undo-{name}", "Revoke", None))


def _move(resource: Resource, name: str, interface: Mapping[str, Any], group: str | Ref) -> Change:
    """Give an interface one group; the undo gives it back those that it had."""

    def made(named: str, groups: Sequence[str | Ref], arns: Sequence[str], inverse: Change | None) -> Change:
        return Change(
            name=named,
            service="ec2",
            operation="modify_network_interface_attribute",
            parameters={"NetworkInterfaceId": interface["Id"], "Groups": list(groups)},
            grants=(
                Grant(
                    "ec2:ModifyNetworkInterfaceAttribute",
                    (_arn(resource, "network-interface", interface["Id"]), *arns),
                ),
            ),
            inverse=inverse,
            irreversible=None if inverse else "it is an undo",
        )

    before = [_arn(resource, "security-group", one) for one in interface["Groups"]]
    undo = made(f"undo-{name}", interface["Groups"], before, None)
    return made(name, [group], [_filled(resource, GROUPS)], undo)
