"""Security groups as EC2 shows them: the group with its inbound rules, who uses it, and what its rules count as."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from lambdas.answers import absent
from lambdas.controls.model import Grant, Place, Resource
from lambdas.services.network_interfaces import described
from lambdas.services.security_group_rules import opens

if TYPE_CHECKING:
    from boto3 import Session

GRANTS = (
    Grant("ec2:DescribeSecurityGroups", ("*",)),
    Grant("ec2:DescribeSecurityGroupRules", ("*",)),
    Grant("ec2:DescribeNetworkInterfaces", ("*",)),
    Grant("ec2:DescribeManagedPrefixLists", ("*",)),
    # A list may be shared by another account, or be one of AWS's own.
    Grant("ec2:GetManagedPrefixListEntries", ("arn:{partition}:ec2:{region}:*:prefix-list/*",)),
)


def read(session: Session, resource: Resource, port: int) -> dict[str, Any] | None:
    """Read the group with its inbound rules and the entries of the prefix lists that may reach the port."""
    ec2 = session.client("ec2")
    group: Any = None
    with absent("InvalidGroup.NotFound", "InvalidGroupId.Malformed"):
        group = ec2.describe_security_groups(GroupIds=[resource.id])["SecurityGroups"][0]
    if group is None:
        return None
    pages = ec2.get_paginator("describe_security_group_rules").paginate(
        Filters=[{"Name": "group-id", "Values": [resource.id]}]
    )
    rules: list[Any] = [rule for page in pages for rule in page["SecurityGroupRules"] if not rule["IsEgress"]]
    reaching = [rule for rule in rules if opens(rule, port)]
    lists = sorted({rule["PrefixListId"] for rule in reaching if "PrefixListId" in rule})
    return {
        "GroupId": group["GroupId"],
        "GroupName": group["GroupName"],
        "OwnerId": group["OwnerId"],
        "Tags": group.get("Tags", []),
        "Rules": rules,
        "PrefixLists": {one: list(_entries(ec2, one)) for one in lists},
    }


def inspect(session: Session, resource: Resource, settings: Mapping[str, Any]) -> dict[str, Any]:
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
                weights[one["PrefixListId"]] = (one["AddressFamily"], one.get("MaxEntries") or 1)
    return {
        # In one order, for what people approve must not depend on that of an answer.
        "interfaces": sorted(map(described, answer["NetworkInterfaces"])),
        "more": bool(answer.get("NextToken")),
        "weights": weights,
    }


def groups(session: Session, place: Place) -> Iterator[str]:
    """List the ids of the account's groups of the Region; a shared one is judged at its owner's."""
    for page in session.client("ec2").get_paginator("describe_security_groups").paginate():
        for group in page["SecurityGroups"]:
            if group["OwnerId"] == place.account:
                yield group["GroupId"]


def _entries(ec2: Any, prefix_list: str) -> Iterator[str]:
    pages = ec2.get_paginator("get_managed_prefix_list_entries").paginate(PrefixListId=prefix_list)
    for page in pages:
        for entry in page["Entries"]:
            yield entry["Cidr"]
