"""CloudWatch where moto does nothing or lies: alarms that publish to their topics, and metrics.

Source: CloudWatch User Guide, "Notifying users on alarm changes"; API reference, SetAlarmState. Alarms do not
evaluate their metrics: an alarm changes when somebody sets its state.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from moto.backends import get_backend

from simulator.call import Call, ServiceError, not_simulated
from simulator.service import Service
from simulator.services.cloudwatch_metrics import Metrics
from simulator.services.event_arn import Arn

if TYPE_CHECKING:
    from moto.cloudwatch.models import Alarm

    from simulator.world import World

PRINCIPAL = "cloudwatch.amazonaws.com"
STATES = ("OK", "ALARM", "INSUFFICIENT_DATA")


@dataclass(frozen=True, slots=True)
class FailedAction:
    """An action that an alarm could not take: CloudWatch notes it in the alarm's history and does not try again."""

    alarm: str
    action: str
    reason: str


class CloudWatch(Service):
    """Alarms that act, and metrics; everything else is moto's."""

    name = "cloudwatch"

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.failed: list[FailedAction] = []
        self._metrics = Metrics(world)

    def put_metric_data(self, call: Call) -> dict[str, Any]:
        """Take data points of callers' metrics."""
        return self._metrics.put(call)

    def get_metric_data(self, call: Call) -> dict[str, Any]:
        """Read many metrics."""
        return self._metrics.read(call)

    def get_metric_statistics(self, call: Call) -> dict[str, Any]:
        """Read one metric by several statistics."""
        return self._metrics.statistics(call)

    def list_metrics(self, call: Call) -> dict[str, Any]:
        """List the metrics that have had data points lately."""
        return self._metrics.named(call)

    def set_alarm_state(self, call: Call) -> dict[str, Any]:
        """Set an alarm's state; where that is a change, the alarm takes the actions of its new state."""
        parameters = call.parameters
        name, state = parameters["AlarmName"], parameters["StateValue"]
        if state not in STATES:
            raise ServiceError("ValidationError", f"Value {state!r} at 'stateValue' is not one of {', '.join(STATES)}")
        backend = get_backend("cloudwatch")[call.account][call.region]
        if name not in backend.alarms:
            raise ServiceError("ResourceNotFound", f"Alarm {name} does not exist", 404)
        alarm, before = backend.alarms[name], backend.alarms[name].state_value
        backend.set_alarm_state(name, parameters["StateReason"], parameters.get("StateReasonData"), state)
        if state != before and alarm.actions_enabled:
            self._act(call, alarm, before)
        return {}

    def _act(self, call: Call, alarm: Alarm, before: str) -> None:
        actions = {
            "OK": alarm.ok_actions, "ALARM": alarm.alarm_actions, "INSUFFICIENT_DATA": alarm.insufficient_data_actions,
        }  # fmt: skip
        arn = str(alarm.alarm_arn)
        caller = self.world.as_service(PRINCIPAL, account=call.account, arn=arn)
        for action in cast("list[str]", actions[alarm.state_value] or []):
            target = Arn.parse(action)
            if target.service != "sns":
                raise not_simulated(f"alarm action {action}")
            message = {
                "TopicArn": action,
                "Subject": f'{alarm.state_value}: "{alarm.name}" in {call.region}'[:100],
                "Message": self._message(call, alarm, before),
            }
            try:
                self.world.call(caller, "sns", "Publish", message, region=target.region, account=target.account)
            except ServiceError as error:
                self.failed.append(FailedAction(arn, action, str(error)))

    def _message(self, call: Call, alarm: Alarm, before: str) -> str:
        return json.dumps(
            {
                "AlarmName": alarm.name,
                "AlarmDescription": alarm.description,
                "AWSAccountId": call.account,
                "NewStateValue": alarm.state_value,
                "NewStateReason": call.parameters["StateReason"],
                "StateChangeTime": self.world.agenda.now().strftime("%Y-%m-%dT%H:%M:%S.000+0000"),
                "Region": call.region,
                "AlarmArn": alarm.alarm_arn,
                "OldStateValue": before,
            }
        )
