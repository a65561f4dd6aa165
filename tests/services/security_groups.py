"""Security groups as `security_group_reads.read` returns them, made up."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lambdas.controls.model import Resource

OWNER, REGION = "111122223333", "eu-west-1"
ARN = f"arn:aws:ec2:{REGION}:{OWNER}:security-group/sg-1"
GROUP = Resource("aws", OWNER, REGION, "AWS::EC2::SecurityGroup", "sg-1", ARN)
OFFICE = "203.0.113.0/24"


def parameters(**given: Any) -> dict[str, Any]:
    """The parameters of a control that closes a port, in one Region."""
    return {"allowed_sources": (), "rules_per_group": 60, **given}


def rule(number: int, source: str | None, first: int = 22, last: int = 22, protocol: str = "tcp", **more: Any) -> Any:
    """A rule as DescribeSecurityGroupRules shows it; without a source it refers to another group."""
    shown: dict[str, Any] = {
        "SecurityGroupRuleId": f"sgr-{number}",
        "IpProtocol": protocol,
        "FromPort": first,
        "ToPort": last,
        "Tags": [],
        **more,
    }
    if source is None or source.startswith("sg-"):
        return {**shown, "ReferencedGroupInfo": {"GroupId": source or "sg-2"}}
    key = "PrefixListId" if source.startswith("pl-") else "CidrIpv6" if ":" in source else "CidrIpv4"
    return {**shown, key: source}


def settings(
    *shown: Any, lists: Mapping[str, list[str]] | None = None, owner: str = OWNER, name: str = "web"
) -> dict[str, Any]:
    return {
        "GroupId": "sg-1",
        "GroupName": name,
        "OwnerId": owner,
        "Tags": [],
        "Rules": list(shown),
        "PrefixLists": dict(lists or {}),
    }
