"""A log group of CloudWatch Logs that a remediation makes first, because something else needs it.

Source: CloudWatch Logs API Reference, CreateLogGroup, DescribeLogGroups; Service Authorization Reference, "Actions,
resources, and condition keys for Amazon CloudWatch Logs": the resource of a call may end with the streams of the group.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lambdas.controls.model import Change, Grant, Resource

if TYPE_CHECKING:
    from boto3 import Session

FIND = Grant("logs:DescribeLogGroups", ("*",))


def exists(session: Session, name: str) -> bool:
    """Whether a log group of this name is there."""
    found = session.client("logs").describe_log_groups(logGroupNamePrefix=name)["logGroups"]
    return any(one["logGroupName"] == name for one in found)


def created(resource: Resource, name: str) -> Change:
    """Make the log group in the resource's account and Region.

    No role of ours may delete log groups (the permissions boundary denies it), and an undo of what writes into the
    group must not fail for that: the inverse only looks for the group. It leaves it, and makes none where people have
    deleted it since.
    """
    arn = f"arn:{resource.partition}:logs:{resource.region}:{resource.account}:log-group:{name}"
    return Change(
        name="create-log-group",
        service="logs",
        operation="create_log_group",
        parameters={"logGroupName": name},
        grants=(Grant("logs:CreateLogGroup", (arn, f"{arn}:*")),),
        settled=("ResourceAlreadyExistsException",),
        inverse=Change(
            name="leave-log-group",
            service="logs",
            operation="describe_log_groups",
            parameters={"logGroupNamePrefix": name},
            grants=(FIND,),
            irreversible="it is an undo",
        ),
    )
