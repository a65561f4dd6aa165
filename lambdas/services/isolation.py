"""Isolating an EC2 instance: two groups that are made when they are needed, and what is kept as evidence.

A connection that security groups track goes on when its rule goes. It becomes untracked where all traffic is allowed in
both directions, and then ends with the groups that allowed it. So every network interface gets the group that admits
everything and at once the one without rules, which is ready before. The first is the instance's own: the end of one
isolation must not take the rules from under another. The second is the VPC's.
Source: Amazon EC2 User Guide, "Security group connection tracking" and "Amazon EC2 managed instances"; AWS re:Post,
"How do I isolate an EC2 instance"; Systems Manager Automation runbook reference, AWSSupport-ContainEC2Instance; Amazon
EMR Management Guide, "Replacing unhealthy nodes".
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from lambdas.controls.model import Change, Grant, Probe, Ref, Resource
from lambdas.services import instance_reads, tag_keys

if TYPE_CHECKING:
    from boto3 import Session

OPEN, CLOSED = "palisade-all-access", "palisade-isolation"
GROUP_TAG, EVIDENCE_TAG = "palisade:incident-group", "palisade:evidence-of"
# Tag keys that begin so are AWS's own: nobody else sets or takes them.
RESERVED = "aws:"
EC2 = "arn:{partition}:ec2:{region}:{account}:"
GROUPS, INTERFACES, VPCS, INSTANCES, VOLUMES = (
    f"{EC2}{kind}/*" for kind in ("security-group", "network-interface", "vpc", "instance", "volume")
)
# Of no account in the Service Authorization Reference; the pattern holds in either form.
SNAPSHOTS = "arn:{partition}:ec2:{region}:*:snapshot/*"
OUR_GROUPS = {"StringEquals": {f"aws:ResourceTag/{GROUP_TAG}": "yes"}}
MARKING = tag_keys.only([EVIDENCE_TAG])
FIND, LOOK = Grant("ec2:DescribeSecurityGroups", ("*",)), Grant("ec2:DescribeSnapshots", ("*",))
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
IPV4: Mapping[str, Any] = {"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
IPV6: Mapping[str, Any] = {"IpProtocol": "-1", "Ipv6Ranges": [{"CidrIpv6": "::/0"}]}


def why_untouchable(settings: Mapping[str, Any]) -> str | None:
    """Why an instance must not be isolated by us, with what people do first; None where it may be.

    No tag exempts but AWS's own (`aws:`), which nobody else can set: an attacker would tag what GuardDuty reports.
    """
    operator = settings["Operator"]
    if operator.get("Managed"):
        return (
            f"{operator.get('Principal', 'a service')} manages the instance, and EC2 lets nobody else change its "
            "network interfaces: contain it by that service"
        )
    for first in _first(settings, reserved=True):
        return f"isolated, it would be replaced and terminated with the evidence: {first}"
    taken = [f"{name} ({one['Id']})" for name, one in sorted(settings["Groups"].items()) if not one["Ours"]]
    if taken:
        return (
            f"{settings['Vpc']} has {' and '.join(taken)}, the name of a security group of ours without our tag "
            f"{GROUP_TAG}=yes: delete it, after a copy under another name where it is used"
        )
    return None


def what_may_replace(settings: Mapping[str, Any]) -> str | None:
    """What a service may do to an isolated instance, and people therefore do first, as far as anybody's tags tell."""
    firsts = _first(settings, reserved=False)
    if not firsts:
        return None
    return (
        f"by its tags a service may replace the instance and terminate it with the evidence; first {'; '.join(firsts)}"
    )


def _first(settings: Mapping[str, Any], *, reserved: bool) -> list[str]:
    """What people do first, by the tags that AWS reserves to itself, or by those that anybody may set."""
    keys = [tag["Key"] for tag in settings["Tags"]]
    told = (
        first
        for start, first in instance_reads.REPLACED.items()
        if start.startswith(RESERVED) is reserved and any(key.startswith(start) for key in keys)
    )
    return list(dict.fromkeys(told))


def interface(given: Mapping[str, Any]) -> dict[str, Any]:
    """A network interface of an instance: its id, and the ids of its groups."""
    return {"Id": given["NetworkInterfaceId"], "Groups": sorted(one["GroupId"] for one in given["Groups"])}


def groups(session: Session, vpc: str, instance: str) -> dict[str, dict[str, Any]]:
    """The groups of an instance's isolation that are there, by name: the id of each, and the rules that it has.

    `Ours` is whether it has our tag, without which the writer may not change its rules: a name is anybody's to give.
    `Rules` is how many permissions there are, `More` are those that no new group has, by direction.
    """
    names = [open_group(instance), CLOSED]
    filters: Any = [{"Name": "vpc-id", "Values": [vpc]}, {"Name": "group-name", "Values": names}]
    found: Any = session.client("ec2").describe_security_groups(Filters=filters)["SecurityGroups"]
    return {
        one["GroupName"]: {
            "Id": one["GroupId"],
            "Ours": {"Key": GROUP_TAG, "Value": "yes"} in one.get("Tags", []),
            "Rules": len([*one["IpPermissions"], *one["IpPermissionsEgress"]]),
            "More": {
                "ingress": [_bare(each) for each in one["IpPermissions"]],
                "egress": [each for each in map(_others, one["IpPermissionsEgress"]) if each is not None],
            },
        }
        for one in found
    }


def _bare(permission: Mapping[str, Any]) -> dict[str, Any]:
    """A permission as it is revoked: without the kinds of sources that it has none of."""
    return {name: value for name, value in permission.items() if value != []}


def _others(permission: Mapping[str, Any]) -> dict[str, Any] | None:
    """What of an outbound permission is not the rule that a new group has; None where nothing is."""
    if permission["IpProtocol"] != "-1":
        return _bare(permission)
    ranges = [one for one in permission.get("IpRanges", ()) if one["CidrIp"] != "0.0.0.0/0"]
    wider = [one for one in permission.get("Ipv6Ranges", ()) if one["CidrIpv6"] != "::/0"]
    left = _bare({**permission, "IpRanges": ranges, "Ipv6Ranges": wider})
    return left if len(left) > 1 else None


def isolated(settings: Mapping[str, Any]) -> bool:
    """Whether every network interface has our group without rules and no other."""
    closed = settings["Groups"].get(CLOSED)
    if closed is None or not closed["Ours"] or closed["Rules"]:
        return False
    return all(one["Groups"] == [closed["Id"]] for one in settings["Interfaces"])


def open_group(instance: str) -> str:
    """The name of the group that admits everything to an instance for a moment."""
    return f"{OPEN}-{instance}"


def kept(session: Session, instance: str, since: datetime) -> list[str]:
    """The volumes of which a snapshot marked as the instance's evidence was begun since then, and has not failed."""
    marked: Any = [{"Name": f"tag:{EVIDENCE_TAG}", "Values": [instance]}]
    # Times of snapshots may be of whole seconds, those of findings are of less.
    second = since.replace(microsecond=0)
    answer = session.client("ec2").describe_snapshots(OwnerIds=["self"], Filters=marked)
    usable = (one for one in answer["Snapshots"] if one["State"] != "error" and one["StartTime"] >= second)
    return sorted({one["VolumeId"] for one in usable})


def changes(resource: Resource, settings: Mapping[str, Any], evidence: Collection[str]) -> Iterator[Change]:
    """Evidence first, where a volume is not of those `evidence` is kept of; then both groups; then each interface.

    What can fail before is done before any interface is opened, and the next call closes it. Where AWS refuses that
    call, a throttle too, the failed plan gives the interface its own groups back. What ends the run between the two (a
    function that is killed, an error without an answer, a hard stop) leaves the interface open until the step is made
    again: not while the emergency stop is on.
    """
    if set(settings["Volumes"]) - set(evidence):
        yield _snapshots(resource, settings["Volumes"])
    name = open_group(resource.id)
    yield from _group(resource, settings, name, "All traffic, for a moment: connections become untracked")
    yield from _group(resource, settings, CLOSED, "No traffic: instances under investigation")
    opened, closed = _named(settings, name), _named(settings, CLOSED)
    # A new group allows all that goes out, over IPv6 where its VPC has it.
    yield _rule(resource, "empty", "Revoke", "egress", closed, IPV4)
    yield _rule(resource, "empty-ipv6", "Revoke", "egress", closed, IPV6)
    for number, (direction, permission) in enumerate(foreign(settings), 1):
        yield _rule(resource, f"empty-{direction}-{number}", "Revoke", direction, closed, permission)
    yield _rule(resource, "open", "Authorize", "ingress", opened, IPV4)
    yield _rule(resource, "open-ipv6", "Authorize", "ingress", opened, IPV6)
    for one in settings["Interfaces"]:
        if isolated({**settings, "Interfaces": [one]}):
            continue
        yield _move(resource, f"open-{one['Id']}", one, opened)
        yield _move(resource, f"isolate-{one['Id']}", one, closed)
    yield _rule(resource, "close", "Revoke", "ingress", opened, IPV4)
    yield _rule(resource, "close-ipv6", "Revoke", "ingress", opened, IPV6)


def foreign(settings: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The rules, with their directions, that somebody has given the group that is to have none."""
    more = settings["Groups"].get(CLOSED, {}).get("More", {})
    yield from ((direction, permission) for direction in more for permission in more[direction])


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
            {"Filters": [{"Name": "snapshot-id", "Values": Ref(name, "Snapshots[].SnapshotId")}]},
            "Snapshots[].State | !contains(@, 'error') && length(@) >= `1`",
            (True,),
        ),
        # They stay as evidence; without the tag they are none of an isolation that comes after the undo.
        inverse=Change(
            name="unmark-snapshots",
            service="ec2",
            operation="delete_tags",
            parameters={"Resources": Ref(name, "Snapshots[].SnapshotId"), "Tags": tags},
            grants=(Grant("ec2:DeleteTags", (made,), MARKING),),
            irreversible="it is an undo",
        ),
    )


def _group(resource: Resource, settings: Mapping[str, Any], name: str, description: str) -> Iterator[Change]:
    """Make a group where the VPC has none of the name; found by its name, for the answer to the making may be lost."""
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
    resource: Resource, name: str, verb: str, direction: str, group: str | Ref, permission: Mapping[str, Any]
) -> Change:
    """Add or take a rule of these groups of ours; the undo leaves none, whichever it was."""

    def made(named: str, does: str, inverse: Change | None) -> Change:
        action = f"{does}SecurityGroup{direction.capitalize()}"
        done = "InvalidPermission.Duplicate" if does == "Authorize" else "InvalidPermission.NotFound"
        return Change(
            name=named,
            service="ec2",
            operation=f"{does.lower()}_security_group_{direction}",
            parameters={"GroupId": group, "IpPermissions": [permission]},
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
