"""What a flow log covers, and the change that makes one.

Source: EC2 API Reference, CreateFlowLogs, DeleteFlowLogs and FlowLog; Amazon VPC User Guide, "Publish flow logs to
CloudWatch Logs".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from lambdas.controls.model import Change, Grant, Ref, Resource, Token

if TYPE_CHECKING:
    from boto3 import Session

READ = ("FlowLogId", "TrafficType", "FlowLogStatus", "DeliverLogsStatus")
PASSED = {"StringEquals": {"iam:PassedToService": "vpc-flow-logs.amazonaws.com"}}


def of(session: Session, identifier: str) -> list[dict[str, Any]]:
    """The flow logs of a VPC itself; those of its subnets and interfaces are others."""
    filters: Any = [{"Name": "resource-id", "Values": [identifier]}]
    pages = session.client("ec2").get_paginator("describe_flow_logs").paginate(Filters=filters)
    return [{name: log.get(name) for name in READ} for page in pages for log in page["FlowLogs"]]


def of_rejected(logs: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The logs that see rejected traffic, whether they deliver or not."""
    return [one for one in logs if one["TrafficType"] in ("REJECT", "ALL")]


def delivers(log: Mapping[str, Any]) -> bool:
    """Whether a log is on and nothing is known to keep it from delivering."""
    return bool(log["FlowLogStatus"] == "ACTIVE" and log["DeliverLogsStatus"] != "FAILED")


def created(resource: Resource, *, traffic: str, group: str, role: str) -> Change:
    """Make a flow log of a VPC to a log group; where EC2 names it among `Unsuccessful`, nothing is made."""
    own = f"arn:{resource.partition}:ec2:{resource.region}:{resource.account}:vpc-flow-log/*"
    asked = {
        "ResourceType": "VPC",
        "ResourceIds": [resource.id],
        "TrafficType": traffic,
        "LogDestinationType": "cloud-watch-logs",
        "LogGroupName": group,
        "DeliverLogsPermissionArn": role,
    }
    delete = Change(
        name="delete-flow-log",
        service="ec2",
        operation="delete_flow_logs",
        parameters={"FlowLogIds": [Ref("create-flow-log", "FlowLogIds[0]")]},
        grants=(Grant("ec2:DeleteFlowLogs", (own,)),),
        irreversible="it is an undo",
        settled=("InvalidFlowLogId.NotFound",),
    )
    return Change(
        name="create-flow-log",
        service="ec2",
        operation="create_flow_logs",
        parameters={**asked, "ClientToken": Token("create-flow-log")},
        grants=(Grant("ec2:CreateFlowLogs", (resource.arn, own)), Grant("iam:PassRole", (role,), PASSED)),
        inverse=delete,
    )
