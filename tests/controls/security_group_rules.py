"""Security groups as the control's `read` returns them, made up."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.controls.round_trip import MEMBER


def rule(number: int, source: str | None, first: int = 22, last: int = 22, protocol: str = "tcp", **more: Any) -> Any:
    """A rule as DescribeSecurityGroupRules shows it; without a source it refers to a group."""
    shown: dict[str, Any] = {
        "SecurityGroupRuleId": f"sgr-{number}",
        "IpProtocol": protocol,
        "FromPort": first,
        "ToPort": last,
        "Tags": [],
        **more,
    }
    if source is None:
        return {**shown, "ReferencedGroupInfo": {"GroupId": "sg-2"}}
    key = "PrefixListId" if source.startswith("pl-") else "CidrIpv6" if ":" in source else "CidrIpv4"
    return {**shown, key: source}


def settings(*shown: Any, lists: Mapping[str, list[str]] | None = None, owner: str = MEMBER) -> dict[str, Any]:
    return {
        "GroupId": "sg-1",
        "GroupName": "web",
        "OwnerId": owner,
        "Tags": [],
        "Rules": list(shown),
        "PrefixLists": dict(lists or {}),
    }
