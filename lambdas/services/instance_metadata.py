"""The metadata service of an EC2 instance: its options, who still asks by version 1, and the change of the tokens.

Source: Amazon EC2 API Reference, ModifyInstanceMetadataOptions (what is not named stays as it is) and
InstanceMetadataOptionsResponse (`State`); Amazon EC2 User Guide, "Transition to using Instance Metadata Service Version
2" (metric MetadataNoToken).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from lambdas.answers import absent
from lambdas.controls.model import Change, Grant, Probe, Resource

if TYPE_CHECKING:
    from boto3 import Session

OPTIONS = ("HttpTokens", "HttpEndpoint", "HttpPutResponseHopLimit")
WINDOW = timedelta(days=14)


def instances(session: Session) -> Iterator[str]:
    """The ids of the Region's instances."""
    for page in session.client("ec2").get_paginator("describe_instances").paginate():
        for group in page["Reservations"]:
            yield from (instance["InstanceId"] for instance in group["Instances"])


def read(session: Session, identifier: str) -> dict[str, Any] | None:
    """State, operator, tags and metadata options of an instance; None where it is gone."""
    with absent("InvalidInstanceID.NotFound", "InvalidInstanceID.Malformed"):
        answer = session.client("ec2").describe_instances(InstanceIds=[identifier])
        for instance in (one for group in answer["Reservations"] for one in group["Instances"]):
            options = instance.get("MetadataOptions", {})
            return {
                "State": instance["State"]["Name"],
                "Operator": instance.get("Operator", {}),
                "Tags": instance.get("Tags", []),
                "MetadataOptions": {name: options.get(name) for name in OPTIONS},
            }
    return None


def requests_without_token(session: Session, identifier: str) -> int:
    """How often software on an instance has asked by version 1 in the last two weeks."""
    now = datetime.now(UTC)
    points = session.client("cloudwatch").get_metric_statistics(
        Namespace="AWS/EC2",
        MetricName="MetadataNoToken",
        Dimensions=[{"Name": "InstanceId", "Value": identifier}],
        StartTime=now - WINDOW,
        EndTime=now,
        Period=24 * 3600,
        Statistics=["Sum"],
    )["Datapoints"]
    return int(sum(point["Sum"] for point in points))


def with_tokens(resource: Resource, tokens: str) -> Change:
    """Make tokens `required` or `optional`; nothing else of the options changes."""
    return Change(
        name=f"make-tokens-{tokens}",
        service="ec2",
        operation="modify_instance_metadata_options",
        parameters={"InstanceId": resource.id, "HttpTokens": tokens},
        grants=(Grant("ec2:ModifyInstanceMetadataOptions", (resource.arn,)),),
        irreversible="it is an undo",
        effect=Probe(
            "ec2",
            "describe_instances",
            {"InstanceIds": [resource.id]},
            path="Reservations[0].Instances[0].MetadataOptions.State",
            expected=("applied",),
        ),
    )
