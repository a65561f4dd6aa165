"""EventBridge and CloudWatch, which Pulumi holds in one module: rules, targets, log groups, alarms, dashboards."""

from __future__ import annotations

from typing import Any

from simulator.provisioners.model import Inputs, Made, Site, given, provisioner, tag_list, upper


def _rule(site: Site, inputs: Inputs) -> Made:
    optional = given(
        inputs,
        EventPattern="eventPattern",
        ScheduleExpression="scheduleExpression",
        Description="description",
        State="state",
        EventBusName="eventBusName",
    )
    if tags := tag_list(inputs):
        optional["Tags"] = tags
    arn = site.client("events").put_rule(Name=inputs["name"], **optional)["RuleArn"]
    return Made(inputs["name"], {"arn": arn})


def _target(site: Site, inputs: Inputs) -> Made:
    target: dict[str, Any] = {
        "Id": inputs["targetId"],
        "Arn": inputs["arn"],
        **given(inputs, Input="input", RoleArn="roleArn"),
    }
    if letters := inputs.get("deadLetterConfig"):
        target["DeadLetterConfig"] = {"Arn": letters["arn"]}
    if retries := inputs.get("retryPolicy"):
        target["RetryPolicy"] = {key: int(value) for key, value in upper(retries).items()}
    answer = site.client("events").put_targets(Rule=inputs["rule"], Targets=[target])
    if answer["FailedEntryCount"]:
        failed = answer["FailedEntries"][0]
        raise ValueError(f"target {failed['TargetId']}: {failed['ErrorCode']} {failed['ErrorMessage']}")
    return Made(f"{inputs['rule']}-{inputs['targetId']}")


def _log_group(site: Site, inputs: Inputs) -> Made:
    client, name = site.client("logs"), inputs["name"]
    tags = dict(inputs.get("tags") or {})
    client.create_log_group(logGroupName=name, **({"tags": tags} if tags else {}))
    if inputs.get("retentionInDays"):
        client.put_retention_policy(logGroupName=name, retentionInDays=int(inputs["retentionInDays"]))
    groups = client.describe_log_groups(logGroupNamePrefix=name)["logGroups"]
    arn = next(group["arn"] for group in groups if group["logGroupName"] == name)
    return Made(name, {"arn": arn.removesuffix(":*")})


def _alarm(site: Site, inputs: Inputs) -> Made:
    optional: dict[str, Any] = given(
        inputs,
        AlarmDescription="alarmDescription",
        TreatMissingData="treatMissingData",
        AlarmActions="alarmActions",
        OKActions="okActions",
    )
    if tags := tag_list(inputs):
        optional["Tags"] = tags
    site.client("cloudwatch").put_metric_alarm(
        AlarmName=inputs["name"],
        Namespace=inputs["namespace"],
        MetricName=inputs["metricName"],
        Dimensions=[{"Name": name, "Value": value} for name, value in inputs["dimensions"].items()],
        Statistic=inputs["statistic"],
        ComparisonOperator=inputs["comparisonOperator"],
        Threshold=float(inputs["threshold"]),
        Period=int(inputs["period"]),
        EvaluationPeriods=int(inputs["evaluationPeriods"]),
        **optional,
    )
    arn = f"arn:{site.partition}:cloudwatch:{site.region}:{site.account}:alarm:{inputs['name']}"
    return Made(inputs["name"], {"arn": arn})


def _dashboard(site: Site, inputs: Inputs) -> Made:
    site.client("cloudwatch").put_dashboard(
        DashboardName=inputs["dashboardName"], DashboardBody=inputs["dashboardBody"]
    )
    arn = f"arn:{site.partition}:cloudwatch::{site.account}:dashboard/{inputs['dashboardName']}"
    return Made(inputs["dashboardName"], {"dashboardArn": arn})


PROVISIONERS = (
    provisioner(
        "aws:cloudwatch/eventRule:EventRule",
        "name description eventPattern scheduleExpression state eventBusName",
        _rule,
    ),
    provisioner(
        "aws:cloudwatch/eventTarget:EventTarget",
        "rule targetId arn input roleArn deadLetterConfig retryPolicy",
        _target,
    ),
    provisioner("aws:cloudwatch/logGroup:LogGroup", "name retentionInDays", _log_group),
    provisioner(
        "aws:cloudwatch/metricAlarm:MetricAlarm",
        "name alarmDescription namespace metricName dimensions statistic comparisonOperator threshold period "
        "evaluationPeriods treatMissingData alarmActions okActions",
        _alarm,
    ),
    provisioner("aws:cloudwatch/dashboard:Dashboard", "dashboardName dashboardBody", _dashboard),
)
