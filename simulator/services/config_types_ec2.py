"""Configuration items of EC2: security groups, customer-managed prefix lists, instances and volumes.

Read from moto's state and not through the API: they are compared after every EC2 call.
Source of the shapes: the resource schemas of AWS Config (AWS::EC2::*).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from moto.backends import get_backend

from simulator.services.config_snapshots import RecordedType, Snapshot, existing, stamp, tag_list
from simulator.world import partition_of

if TYPE_CHECKING:
    from simulator.world import World


def security_groups(world: World, account: str, region: str) -> Iterator[Snapshot]:
    """Security groups, the default group of every VPC among them: it exists before any call."""
    state = get_backend("ec2")[account][region]
    for groups in state.groups.values():
        for group in groups.values():
            tags = dict(state.tags.get(group.id, {}))
            yield Snapshot(
                id=group.id,
                name=group.name,
                arn=f"arn:{partition_of(region)}:ec2:{region}:{account}:security-group/{group.id}",
                tags=tags,
                relationships=_of_vpc(group.vpc_id),
                configuration={
                    "description": group.description,
                    "groupName": group.name,
                    "groupId": group.id,
                    "ownerId": group.owner_id,
                    "vpcId": group.vpc_id,
                    "ipPermissions": _permissions(group.ingress_rules),
                    "ipPermissionsEgress": _permissions(group.egress_rules),
                    "tags": tag_list(tags),
                },
            )


def _permissions(rules: Iterable[Any]) -> list[dict[str, Any]]:
    """Group rules by protocol and ports, as DescribeSecurityGroups does."""
    grouped: dict[tuple[Any, ...], dict[str, Any]] = {}
    for rule in rules:
        key = (rule.ip_protocol, rule.from_port, rule.to_port)
        permission = grouped.get(key)
        if permission is None:
            permission = grouped[key] = {
                "ipProtocol": rule.ip_protocol,
                "ipv6Ranges": [],
                "prefixListIds": [],
                "userIdGroupPairs": [],
                "ipv4Ranges": [],
                "ipRanges": [],
            }
            if rule.from_port is not None:
                permission |= {"fromPort": rule.from_port, "toPort": rule.to_port}
        _add_source(permission, rule)
    return list(grouped.values())


def _add_source(permission: dict[str, Any], rule: Any) -> None:
    text = rule.ip_range.get("Description")
    described = {"description": text} if text else {}
    if rule.cidr_ipv4:
        permission["ipv4Ranges"].append({"cidrIp": rule.cidr_ipv4, **described})
        permission["ipRanges"].append(rule.cidr_ipv4)
    if rule.cidr_ipv6:
        permission["ipv6Ranges"].append({"cidrIpv6": rule.cidr_ipv6, **described})
    if rule.prefix_list_id:
        text = getattr(rule, "prefix_list_description", None)
        permission["prefixListIds"].append(
            {"prefixListId": rule.prefix_list_id, **({"description": text} if text else {})}
        )
    if rule.source_group:
        group = rule.source_group
        pair = {"groupId": group.get("GroupId"), "userId": group.get("UserId")}
        if group.get("Description"):
            pair["description"] = group["Description"]
        permission["userIdGroupPairs"].append(pair)


def prefix_lists(world: World, account: str, region: str) -> Iterator[Snapshot]:
    """Prefix lists of the account; those of AWS are nobody's resources."""
    state = existing("ec2", account, region)
    for prefix_list in list(state.managed_prefix_lists.values()) if state else []:
        if prefix_list.owner_id != account or prefix_list.state == "delete-complete":
            continue
        entries = prefix_list.entries.get(prefix_list.version) or []
        yield Snapshot(
            id=prefix_list.id,
            name=prefix_list.prefix_list_name,
            arn=prefix_list.prefix_list_arn,
            tags=dict(state.tags.get(prefix_list.id, {})),
            configuration={
                "PrefixListId": prefix_list.id,
                "PrefixListName": prefix_list.prefix_list_name,
                "AddressFamily": prefix_list.address_family,
                "MaxEntries": int(prefix_list.max_entries),
                "Version": prefix_list.version,
                "OwnerId": prefix_list.owner_id,
                "Arn": prefix_list.prefix_list_arn,
                "Entries": [dict(entry) for entry in entries],
            },
        )


def instances(world: World, account: str, region: str) -> Iterator[Snapshot]:
    """Instances; a terminated one is gone."""
    state = existing("ec2", account, region)
    for reservation in state.reservations.values() if state else ():
        for instance in reservation.instances:
            if instance.state == "terminated":
                continue
            tags = dict(state.tags.get(instance.id, {}))
            yield Snapshot(
                id=instance.id,
                arn=f"arn:{partition_of(region)}:ec2:{region}:{account}:instance/{instance.id}",
                tags=tags,
                zone=instance.placement.availability_zone,
                created=_utc(instance.launch_time),
                relationships=(
                    *_of_vpc(instance.vpc_id),
                    *(_related("AWS::EC2::SecurityGroup", group.id) for group in instance.security_groups or ()),
                ),
                configuration=_instance(instance, tags),
            )


def _instance(instance: Any, tags: dict[str, str]) -> dict[str, Any]:
    metadata = instance.metadata_options
    profile = instance.iam_instance_profile
    return {
        "instanceId": instance.id,
        "instanceType": instance.instance_type,
        "imageId": instance.image_id,
        "launchTime": stamp(_utc(instance.launch_time)),
        "state": {"name": instance.state, "code": instance.state_code},
        "subnetId": instance.subnet_id,
        "vpcId": instance.vpc_id,
        "keyName": instance.key_name,
        "ebsOptimized": bool(instance.ebs_optimized),
        "monitoring": {"state": instance.monitoring_state},
        "iamInstanceProfile": {"arn": profile["Arn"]} if isinstance(profile, dict) and "Arn" in profile else None,
        "metadataOptions": {
            "httpTokens": metadata.http_tokens,
            "httpEndpoint": metadata.http_endpoint,
            "httpPutResponseHopLimit": metadata.http_put_response_hop_limit,
        },
        "securityGroups": [{"groupId": group.id, "groupName": group.name} for group in instance.security_groups or ()],
        "tags": tag_list(tags),
    }


def volumes(world: World, account: str, region: str) -> Iterator[Snapshot]:
    """EBS volumes."""
    state = existing("ec2", account, region)
    for volume in list(state.volumes.values()) if state else []:
        tags = dict(state.tags.get(volume.id, {}))
        attachment = volume.attachment
        yield Snapshot(
            id=volume.id,
            arn=f"arn:{partition_of(region)}:ec2:{region}:{account}:volume/{volume.id}",
            tags=tags,
            zone=volume.zone.name,
            created=_utc(volume.create_time),
            relationships=(_related("AWS::EC2::Instance", attachment.instance.id),) if attachment else (),
            configuration={
                "volumeId": volume.id,
                "volumeType": volume.volume_type,
                "size": int(volume.size),
                "availabilityZone": volume.zone.name,
                "encrypted": bool(volume.encrypted),
                "kmsKeyId": volume.kms_key_id,
                "snapshotId": volume.snapshot_id,
                "state": volume.status,
                "attachments": (
                    [{"instanceId": attachment.instance.id, "device": attachment.device, "state": attachment.status}]
                    if attachment
                    else []
                ),
                "tags": tag_list(tags),
            },
        )


def _of_vpc(vpc: str | None) -> tuple[dict[str, str], ...]:
    return ({"resourceId": vpc, "resourceType": "AWS::EC2::VPC", "name": "Is contained in Vpc"},) if vpc else ()


def _related(resource_type: str, identifier: str) -> dict[str, str]:
    name = resource_type.rpartition("::")[2]
    return {"resourceId": identifier, "resourceType": resource_type, "name": f"Is associated with {name}"}


def _utc(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def vpcs(world: World, account: str, region: str) -> Iterator[Snapshot]:
    """VPCs, the default one among them. Flow logs are resources of their own and no part of the item."""
    for vpc in list(get_backend("ec2")[account][region].vpcs.values()):
        tags = dict(get_backend("ec2")[account][region].tags.get(vpc.id, {}))
        yield Snapshot(
            id=vpc.id,
            arn=f"arn:{partition_of(region)}:ec2:{region}:{account}:vpc/{vpc.id}",
            tags=tags,
            configuration={
                "cidrBlock": vpc.cidr_block,
                "isDefault": bool(vpc.is_default),
                "ownerId": account,
                "state": vpc.state,
                "vpcId": vpc.id,
                "tags": tag_list(tags),
            },
        )


TYPES = (
    RecordedType("AWS::EC2::SecurityGroup", "ec2", security_groups),
    RecordedType("AWS::EC2::PrefixList", "ec2", prefix_lists),
    RecordedType("AWS::EC2::Instance", "ec2", instances),
    RecordedType("AWS::EC2::Volume", "ec2", volumes),
    RecordedType("AWS::EC2::VPC", "ec2", vpcs),
)
