"""EC2 instances as controls read them, and the tags of the Auto Scaling group that one belongs to.

Source: EC2 API Reference, DescribeInstances (Instance, OperatorResponse); EC2 Auto Scaling, DescribeTags.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from lambdas.answers import absent
from lambdas.services import ownership

if TYPE_CHECKING:
    from boto3 import Session

ENDED = ("shutting-down", "terminated")
NODE = "cordon its node and take it out of its node group"
# What the keys of tags begin with by which a service replaces an instance that it loses, and what people do first.
REPLACED = {
    ownership.AUTO_SCALING: "put it into standby in its Auto Scaling group",
    ownership.CLUSTER: NODE,
    "eks:": NODE,
    "aws:eks:": NODE,
    "aws:elasticmapreduce:": "turn the replacement of unhealthy nodes off in its EMR cluster",
    "AmazonECSManaged": "drain its container instance and take it out of its cluster",
    ownership.BEANSTALK: "take it out of its Elastic Beanstalk environment",
}


def described(session: Session, instance: str) -> dict[str, Any] | None:
    """Read an instance: `Id`, `State`, `Operator`, `Tags`, and `Attached`; None where it is gone.

    `Attached` is the ISO time at which the primary network interface came, with the first launch: it never leaves.
    """
    with absent("InvalidInstanceID.NotFound", "InvalidInstanceID.Malformed"):
        answer = session.client("ec2").describe_instances(InstanceIds=[instance])
        found: Any = answer["Reservations"][0]["Instances"][0]
        attachments = [one["Attachment"] for one in found.get("NetworkInterfaces", ())]
        primary = [one["AttachTime"].isoformat() for one in attachments if one["DeviceIndex"] == 0]
        return {
            "Id": found["InstanceId"],
            "State": found["State"]["Name"],
            "Operator": found.get("Operator", {}),
            "Tags": {tag["Key"]: tag["Value"] for tag in found.get("Tags", ())},
            "Attached": primary[0] if primary else None,
        }
    return None


def identifiers(session: Session) -> Iterator[str]:
    """The ids of the instances that have not ended."""
    for page in session.client("ec2").get_paginator("describe_instances").paginate():
        for reservation in page["Reservations"]:
            yield from (one["InstanceId"] for one in reservation["Instances"] if one["State"]["Name"] not in ENDED)


def tags_of_group(session: Session, tags: Mapping[str, str]) -> dict[str, str]:
    """The tags of the Auto Scaling group that an instance with these tags is of; none where it is of none."""
    if ownership.AUTO_SCALING not in tags:
        return {}
    filters: Any = [{"Name": "auto-scaling-group", "Values": [tags[ownership.AUTO_SCALING]]}]
    pages = session.client("autoscaling").get_paginator("describe_tags").paginate(Filters=filters)
    return {tag["Key"]: tag["Value"] for page in pages for tag in page["Tags"]}
