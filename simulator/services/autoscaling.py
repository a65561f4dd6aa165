"""Amazon EC2 Auto Scaling over moto: what a group launches is told of as AWS tells of it.

moto launches inside of the call that asks for it. AWS launches as the group's service-linked role: CloudTrail has a
RunInstances of its session, invoked by the service, and AWS Config records the instances.
Source: Amazon EC2 Auto Scaling User Guide, "Service-linked roles" and "Log API calls with AWS CloudTrail".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from moto.backends import get_backend

from simulator.call import Call, Caller
from simulator.service import Service
from simulator.services.cloudtrail import CloudTrail

PRINCIPAL = "autoscaling.amazonaws.com"
ROLE = "AWSServiceRoleForAutoScaling"
SESSION = "AutoScaling"


class AutoScaling(Service):
    """Groups are moto's; their launches have an author."""

    name: ClassVar[str] = "autoscaling"

    def __init__(self, world: Any) -> None:
        super().__init__(world)
        self._launched: set[str] = set()

    def after(self, call: Call, response: Mapping[str, Any]) -> None:
        """Tell of the instances that groups have launched within this call."""
        if call.operation.startswith("Describe"):
            return
        groups = get_backend("autoscaling")[call.account][call.region].autoscaling_groups.values()
        news = [
            state.instance
            for group in groups
            for state in group.instance_states
            if state.instance.id not in self._launched
        ]
        self._launched.update(instance.id for instance in news)
        # Instances that somebody has attached were launched by others.
        launched = [instance for instance in news if call.operation != "AttachInstances"]
        if not launched:
            return
        described = [
            {"InstanceId": one.id, "ImageId": one.image_id, "SubnetId": one.subnet_id or ""} for one in launched
        ]
        caller = self._role(call)
        trail = self.world.service(CloudTrail)
        trail.happened(caller, "ec2", "RunInstances", {"Instances": described}, region=call.region)
        recorder = self.world.door.recorder
        if recorder is not None:
            recorder.record("ec2", call.account, call.region)

    def _role(self, call: Call) -> Caller:
        path = f"role/aws-service-role/{PRINCIPAL}/{ROLE}"
        return Caller(
            arn=f"arn:{call.partition}:sts::{call.account}:assumed-role/{ROLE}/{SESSION}",
            account=call.account,
            kind="session",
            role=f"arn:{call.partition}:iam::{call.account}:{path}",
            session_name=SESSION,
            unique_id=f"AROAAUTOSCALING000000:{SESSION}",
            via=PRINCIPAL,
        )
