"""Configuration items of RDS instances, load balancers, IAM roles and Lambda functions.

Their calls are rare, so that most are read through the front door, as AWS Config itself does.
Source of the shapes: the resource schemas of AWS Config.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from simulator.services.config_snapshots import RecordedType, Snapshot, camel, existing
from simulator.world import partition_of

if TYPE_CHECKING:
    from simulator.world import World


def _ask(world: World, account: str, region: str, service: str, operation: str, **parameters: Any) -> dict[str, Any]:
    caller = world.as_service("config.amazonaws.com", account=account)
    return world.call(caller, service, operation, parameters, region=region, account=account)


def db_instances(world: World, account: str, region: str) -> Iterator[Snapshot]:
    """RDS instances; the resource id is the immutable DbiResourceId, the name the identifier."""
    marker: dict[str, str] = {}
    while True:
        page = _ask(world, account, region, "rds", "DescribeDBInstances", **marker)
        for found in page["DBInstances"]:
            yield Snapshot(
                id=found["DbiResourceId"],
                name=found["DBInstanceIdentifier"],
                arn=found["DBInstanceArn"],
                tags={tag["Key"]: tag["Value"] for tag in found.get("TagList", ())},
                zone=found.get("AvailabilityZone", "Not Applicable"),
                created=found.get("InstanceCreateTime"),
                configuration=camel(found),
            )
        if not page.get("Marker"):
            return
        marker = {"Marker": page["Marker"]}


def load_balancers(world: World, account: str, region: str) -> Iterator[Snapshot]:
    """Application, network and gateway load balancers, with their attributes."""
    if existing("elbv2", account, region) is None:
        return
    for found in _ask(world, account, region, "elbv2", "DescribeLoadBalancers")["LoadBalancers"]:
        arn = found["LoadBalancerArn"]
        attributes = _ask(world, account, region, "elbv2", "DescribeLoadBalancerAttributes", LoadBalancerArn=arn)
        described = _ask(world, account, region, "elbv2", "DescribeTags", ResourceArns=[arn])["TagDescriptions"]
        yield Snapshot(
            id=arn,
            name=found["LoadBalancerName"],
            arn=arn,
            tags={tag["Key"]: tag["Value"] for tag in (described[0]["Tags"] if described else ())},
            zone=",".join(sorted(zone["ZoneName"] for zone in found.get("AvailabilityZones", ()))) or "Not Applicable",
            created=found.get("CreatedTime"),
            configuration=camel(found),
            supplementary={"LoadBalancerAttributes": camel(attributes["Attributes"])},
        )


def classic_load_balancers(world: World, account: str, region: str) -> Iterator[Snapshot]:
    """Classic load balancers, by their names, with their attributes."""
    if existing("elb", account, region) is None:
        return
    page: dict[str, Any] = {}
    while page.get("NextMarker") or not page:
        marker = {"Marker": page["NextMarker"]} if page else {}
        page = _ask(world, account, region, "elb", "DescribeLoadBalancers", **marker)
        for found in page.get("LoadBalancerDescriptions", ()):
            name = found["LoadBalancerName"]
            attributes = _ask(world, account, region, "elb", "DescribeLoadBalancerAttributes", LoadBalancerName=name)
            described = _ask(world, account, region, "elb", "DescribeTags", LoadBalancerNames=[name])["TagDescriptions"]
            yield Snapshot(
                id=name,
                name=name,
                arn=f"arn:{partition_of(region)}:elasticloadbalancing:{region}:{account}:loadbalancer/{name}",
                tags={tag["Key"]: tag["Value"] for tag in (described[0]["Tags"] if described else ())},
                zone="Multiple Availability Zones",
                created=found.get("CreatedTime"),
                configuration=camel(found),
                supplementary={"LoadBalancerAttributes": camel(attributes["LoadBalancerAttributes"])},
            )


def functions(world: World, account: str, region: str) -> Iterator[Snapshot]:
    """Lambda functions."""
    marker: dict[str, str] = {}
    while True:
        page = _ask(world, account, region, "lambda", "ListFunctions", **marker)
        for found in page.get("Functions", ()):
            tags = _ask(world, account, region, "lambda", "ListTags", Resource=found["FunctionArn"]).get("Tags")
            # Environment variables may hold secrets: items leave them out, as AWS does.
            described = {name: value for name, value in found.items() if name != "Environment"}
            yield Snapshot(
                id=found["FunctionName"],
                name=found["FunctionName"],
                arn=found["FunctionArn"],
                tags=dict(tags or {}),
                configuration=camel(described),
            )
        if not page.get("NextMarker"):
            return
        marker = {"Marker": page["NextMarker"]}


def roles(world: World, account: str, region: str) -> Iterator[Snapshot]:
    """IAM roles; documents are URL-encoded in items."""
    state = existing("iam", account, partition_of(region))
    for role in list(state.roles.values()) if state else []:
        created = role.create_date.replace(tzinfo=UTC)
        yield Snapshot(
            id=role.id,
            name=role.name,
            arn=role.arn,
            tags={key: tag["Value"] if isinstance(tag, dict) else tag for key, tag in (role.tags or {}).items()},
            created=created,
            configuration=_role(role, created),
        )


def _role(role: Any, created: datetime) -> dict[str, Any]:
    boundary = role.permissions_boundary_arn
    trust = role.assume_role_policy_document
    found = {
        "Path": role.path,
        "RoleName": role.name,
        "RoleId": role.id,
        "Arn": role.arn,
        "CreateDate": created,
        "AssumeRolePolicyDocument": quote(trust if isinstance(trust, str) else json.dumps(trust), safe=""),
        "RolePolicyList": [
            {"PolicyName": name, "PolicyDocument": quote(document, safe="")}
            for name, document in sorted(role.policies.items())
        ],
        "AttachedManagedPolicies": [
            {"PolicyName": policy.name, "PolicyArn": arn} for arn, policy in sorted(role.managed_policies.items())
        ],
        "PermissionsBoundary": (
            {"PermissionsBoundaryType": "Policy", "PermissionsBoundaryArn": boundary} if boundary else None
        ),
    }
    return dict(camel(found))


TYPES = (
    RecordedType("AWS::RDS::DBInstance", "rds", db_instances),
    RecordedType("AWS::ElasticLoadBalancingV2::LoadBalancer", "elbv2", load_balancers),
    RecordedType("AWS::ElasticLoadBalancing::LoadBalancer", "elb", classic_load_balancers),
    RecordedType("AWS::Lambda::Function", "lambda", functions),
    RecordedType("AWS::IAM::Role", "iam", roles, everywhere=True, global_type=True),
)
