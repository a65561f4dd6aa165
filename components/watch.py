"""Alarms and the dashboard of the hub: the loop must not fail in silence."""

from __future__ import annotations

import json
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.estate import Estate
from components.hub_policies import steps_machine

MINUTES = 60


@dataclass(frozen=True, slots=True)
class Alarm:
    """One alarm on a metric of AWS: `period` in seconds, above `threshold` once."""

    name: str
    text: str
    namespace: str
    metric: str
    dimension: tuple[str, str]
    statistic: str
    threshold: float
    period: int = 5 * MINUTES


def alarms(estate: Estate, rules: int) -> tuple[Alarm, ...]:
    """The alarms of the hub, which has that many rules of findings; each names what to do in the runbook."""
    names = estate.names
    return (
        Alarm(
            "dead-letters",
            "Findings could not be handled. Runbook: Alarms.",
            "AWS/SQS",
            "ApproximateNumberOfMessagesVisible",
            ("QueueName", names.findings_dead_letters),
            "Maximum",
            0,
        ),
        Alarm(
            "backlog",
            "Findings wait for more than an hour. Runbook: Alarms.",
            "AWS/SQS",
            "ApproximateAgeOfOldestMessage",
            ("QueueName", names.findings_queue),
            "Maximum",
            60 * MINUTES,
        ),
        *(
            Alarm(
                name,
                f"The {what} function fails. Runbook: Alarms.",
                "AWS/Lambda",
                "Errors",
                ("FunctionName", function),
                "Sum",
                0,
            )
            for name, what, function in (
                ("errors", "remediate", names.remediate_function),
                ("errors-advance", "advance", names.advance_function),
                ("errors-approve", "approve", names.approve_function),
                ("errors-sweep", "sweep", names.sweep_function),
            )
        ),
        Alarm(
            "steps-failed",
            "The steps of a long plan came to a halt. Runbook: Alarms.",
            "AWS/States",
            "ExecutionsFailed",
            ("StateMachineArn", steps_machine(estate)),
            "Sum",
            0,
        ),
        *(
            Alarm(
                f"undelivered-{name}",
                "EventBridge could not deliver findings. Runbook: Alarms.",
                "AWS/Events",
                "InvocationsSentToDlq",
                ("RuleName", rule),
                "Sum",
                0,
            )
            for name, rule in (
                *((str(number), names.findings_rule(number)) for number in range(1, rules + 1)),
                ("actions", names.actions_rule),
                ("sweep", names.sweep_function),
            )
        ),
    )


def dashboard_body(estate: Estate, rules: int) -> str:
    """The dashboard: what was remediated, what waits, what fails."""
    home = estate.home_region
    names = estate.names
    outcomes = {
        "type": "metric",
        "width": 24,
        "height": 6,
        "properties": {
            "title": "Outcomes",
            "region": home,
            "stat": "Sum",
            "metrics": [
                [{"expression": "SEARCH('{Palisade,outcome,service} MetricName=\"Remediations\"', 'Sum', 300)"}]
            ],
        },
    }
    charts = [
        {
            "type": "metric",
            "width": 12,
            "height": 6,
            "properties": {
                "title": alarm.name,
                "region": home,
                "stat": alarm.statistic,
                "metrics": [[alarm.namespace, alarm.metric, *alarm.dimension]],
            },
        }
        for alarm in alarms(estate, rules)
    ]
    text = {"type": "text", "width": 24, "height": 2, "properties": {"markdown": f"# {names.prefix}"}}
    return json.dumps({"widgets": [text, outcomes, *charts]}, separators=(",", ":"))


class Watch(pulumi.ComponentResource):
    """Alarms to the topic, and one dashboard."""

    def __init__(
        self, name: str, estate: Estate, *, topic: pulumi.Input[str], rules: int, opts: pulumi.ResourceOptions
    ) -> None:
        super().__init__("palisade:index:Watch", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        for alarm in alarms(estate, rules):
            key, value = alarm.dimension
            aws.cloudwatch.MetricAlarm(
                f"{name}-{alarm.name}",
                name=f"{estate.names.prefix}-{alarm.name}",
                alarm_description=alarm.text,
                namespace=alarm.namespace,
                metric_name=alarm.metric,
                dimensions={key: value},
                statistic=alarm.statistic,
                comparison_operator="GreaterThanThreshold",
                threshold=alarm.threshold,
                period=alarm.period,
                evaluation_periods=1,
                treat_missing_data="notBreaching",
                alarm_actions=[topic],
                ok_actions=[topic],
                region=estate.home_region,
                tags=dict(estate.tags),
                opts=child,
            )
        aws.cloudwatch.Dashboard(
            f"{name}-dashboard",
            dashboard_name=estate.names.prefix,
            dashboard_body=dashboard_body(estate, rules),
            region=estate.home_region,
            opts=child,
        )
        self.register_outputs({})
