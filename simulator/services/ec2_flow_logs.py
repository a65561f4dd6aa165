"""CreateFlowLogs as AWS answers it: failures of single resources in an answer that is no error, once per client token.

Source: EC2 API Reference, CreateFlowLogs (`Unsuccessful`, `ClientToken`).
"""

from __future__ import annotations

from typing import Any

from moto.backends import get_backend
from moto.ec2.exceptions import FlowLogAlreadyExists

from simulator.call import Call, ServiceError

Answer = dict[str, Any]


class FlowLogs:
    """What moto lacks of flow logs; it keeps the logs themselves."""

    def __init__(self) -> None:
        self._answers: dict[tuple[str, str, str], tuple[Any, Answer]] = {}

    def create(self, call: Call) -> Answer:
        """Create a log for each resource; the same token with the same parameters answers as before."""
        token = call.parameters.get("ClientToken") or ""
        key = (call.account, call.region, token)
        asked = {name: value for name, value in call.parameters.items() if name != "DryRun"}
        if token and key in self._answers:
            before, answer = self._answers[key]
            if before != asked:
                raise ServiceError("IdempotentParameterMismatch", "The client token was used with other parameters")
            return answer
        answer = {"ClientToken": token, "FlowLogIds": [], "Unsuccessful": []}
        for resource in asked["ResourceIds"]:
            self._one(call, resource, answer)
        if token:
            self._answers[key] = (asked, answer)
        return answer

    def _one(self, call: Call, resource: str, answer: Answer) -> None:
        given, state = call.parameters, get_backend("ec2")[call.account][call.region]
        try:
            made, refused = state.create_flow_logs(
                resource_type=given["ResourceType"],
                resource_ids=[resource],
                traffic_type=given.get("TrafficType"),
                deliver_logs_permission_arn=given.get("DeliverLogsPermissionArn"),
                log_destination_type=given.get("LogDestinationType"),
                log_destination=given.get("LogDestination"),
                log_group_name=given.get("LogGroupName"),
                log_format=given.get("LogFormat"),
                max_aggregation_interval=given.get("MaxAggregationInterval"),
            )
        except FlowLogAlreadyExists:
            made, refused = [], [(resource, "FlowLogAlreadyExists", "There is an existing Flow Log with the same "
                                  "configuration and log destination.")]  # fmt: skip
        tags = {
            tag["Key"]: tag["Value"]
            for one in given.get("TagSpecifications") or ()
            if one.get("ResourceType") == "vpc-flow-log"
            for tag in one["Tags"]
        }
        for log in made:
            log.add_tags(tags)
            answer["FlowLogIds"].append(log.id)
        for identifier, code, message in refused:
            answer["Unsuccessful"].append({"ResourceId": identifier, "Error": {"Code": code, "Message": message}})
