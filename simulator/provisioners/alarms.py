"""CloudWatch: log groups, alarms, dashboards."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from simulator.provisioners.model import (
    Edit,
    Inputs,
    Known,
    Made,
    Site,
    Standing,
    as_list,
    named,
    provisioner,
    retag,
    tag_list,
    tag_map,
)

ALARM = {
    "alarmDescription": "AlarmDescription",
    "namespace": "Namespace",
    "metricName": "MetricName",
    "statistic": "Statistic",
    "comparisonOperator": "ComparisonOperator",
    "threshold": "Threshold",
    "period": "Period",
    "evaluationPeriods": "EvaluationPeriods",
    "treatMissingData": "TreatMissingData",
    "alarmActions": "AlarmActions",
    "okActions": "OKActions",
}


def _log_group(site: Site, inputs: Inputs) -> Made:
    client, name = site.client("logs"), inputs["name"]
    tags = dict(inputs.get("tags") or {})
    client.create_log_group(logGroupName=name, **({"tags": tags} if tags else {}))
    if inputs.get("retentionInDays"):
        client.put_retention_policy(logGroupName=name, retentionInDays=int(inputs["retentionInDays"]))
    found = _find_log_group(site, name)
    if found is None:
        raise LookupError(f"log group {name} is not there after it was created")
    return Made(name, {"arn": found["arn"].removesuffix(":*")})


def _find_log_group(site: Site, name: str) -> Mapping[str, Any] | None:
    groups = site.client("logs").describe_log_groups(logGroupNamePrefix=name)["logGroups"]
    return next((group for group in groups if group["logGroupName"] == name), None)


def _read_log_group(site: Site, known: Known) -> Standing | None:
    found = _find_log_group(site, known.id)
    if found is None:
        return None
    arn = found["arn"].removesuffix(":*")
    tags = site.client("logs").list_tags_for_resource(resourceArn=arn)["tags"]
    inputs = named(name=known.id, retentionInDays=found.get("retentionInDays"), tags=tags or None)
    return Standing(known.id, inputs, {"arn": arn})


def _update_log_group(site: Site, edit: Edit) -> Mapping[str, Any]:
    client = site.client("logs")
    if "retentionInDays" in edit.changed:
        if days := edit.new.get("retentionInDays"):
            client.put_retention_policy(logGroupName=edit.id, retentionInDays=int(days))
        else:
            client.delete_retention_policy(logGroupName=edit.id)
    if "tags" in edit.changed:
        arn = site.arn("logs", f"log-group:{edit.id}")
        retag(
            edit,
            lambda tags: client.tag_resource(resourceArn=arn, tags=tags),
            lambda keys: client.untag_resource(resourceArn=arn, tagKeys=keys),
        )
    return {}


def _delete_log_group(site: Site, known: Known) -> None:
    site.client("logs").delete_log_group(logGroupName=known.id)


def _put_alarm(site: Site, inputs: Inputs, **optional: Any) -> None:
    parameters = {theirs: inputs[ours] for ours, theirs in ALARM.items() if inputs.get(ours) is not None}
    for number in ("Period", "EvaluationPeriods"):
        parameters[number] = int(parameters[number])
    parameters["Threshold"] = float(parameters["Threshold"])
    site.client("cloudwatch").put_metric_alarm(
        AlarmName=inputs["name"],
        Dimensions=[{"Name": name, "Value": value} for name, value in (inputs.get("dimensions") or {}).items()],
        **parameters,
        **optional,
    )


def _alarm(site: Site, inputs: Inputs) -> Made:
    tags = tag_list(inputs)
    _put_alarm(site, inputs, **({"Tags": tags} if tags else {}))
    return Made(inputs["name"], {"arn": site.arn("cloudwatch", f"alarm:{inputs['name']}")})


def _read_alarm(site: Site, known: Known) -> Standing | None:
    client = site.client("cloudwatch")
    listed = client.describe_alarms(AlarmNames=[known.id])["MetricAlarms"]
    if not listed:
        return None
    found = listed[0]
    inputs = {ours: found[theirs] for ours, theirs in ALARM.items() if found.get(theirs) not in (None, [], "")}
    tags = tag_map(client.list_tags_for_resource(ResourceARN=found["AlarmArn"])["Tags"])
    dimensions = {one["Name"]: one["Value"] for one in found.get("Dimensions") or ()} or None
    return Standing(
        known.id, named(name=known.id, dimensions=dimensions, tags=tags, **inputs), {"arn": found["AlarmArn"]}
    )


def _update_alarm(site: Site, edit: Edit) -> Mapping[str, Any]:
    client = site.client("cloudwatch")
    if edit.changed - {"tags"}:
        _put_alarm(site, edit.new)
    if "tags" in edit.changed:
        arn = site.arn("cloudwatch", f"alarm:{edit.id}")
        retag(
            edit,
            lambda tags: client.tag_resource(ResourceARN=arn, Tags=as_list(tags)),
            lambda keys: client.untag_resource(ResourceARN=arn, TagKeys=keys),
        )
    return {}


def _delete_alarm(site: Site, known: Known) -> None:
    site.client("cloudwatch").delete_alarms(AlarmNames=[known.id])


def _put_dashboard(site: Site, inputs: Inputs) -> None:
    site.client("cloudwatch").put_dashboard(
        DashboardName=inputs["dashboardName"], DashboardBody=inputs["dashboardBody"]
    )


def _dashboard(site: Site, inputs: Inputs) -> Made:
    _put_dashboard(site, inputs)
    arn = f"arn:{site.partition}:cloudwatch::{site.account}:dashboard/{inputs['dashboardName']}"
    return Made(inputs["dashboardName"], {"dashboardArn": arn})


def _read_dashboard(site: Site, known: Known) -> Standing | None:
    found = site.client("cloudwatch").get_dashboard(DashboardName=known.id)
    return Standing(
        known.id,
        {"dashboardName": known.id, "dashboardBody": found["DashboardBody"]},
        {"dashboardArn": found["DashboardArn"]},
    )


def _update_dashboard(site: Site, edit: Edit) -> Mapping[str, Any]:
    _put_dashboard(site, edit.new)
    return {}


def _delete_dashboard(site: Site, known: Known) -> None:
    site.client("cloudwatch").delete_dashboards(DashboardNames=[known.id])


PROVISIONERS = (
    provisioner(
        "aws:cloudwatch/logGroup:LogGroup",
        create=_log_group,
        read=_read_log_group,
        update=_update_log_group,
        delete=_delete_log_group,
        replaces="name",
        source="logs/group.go",
        updates="retentionInDays tags",
        needs="name",
        defaults={"retentionInDays": 0},
        shapes={"name": "logs.CreateLogGroup.logGroupName"},
    ),
    provisioner(
        "aws:cloudwatch/metricAlarm:MetricAlarm",
        create=_alarm,
        read=_read_alarm,
        update=_update_alarm,
        delete=_delete_alarm,
        replaces="name",
        source="cloudwatch/metric_alarm.go",
        updates="alarmDescription namespace metricName dimensions statistic comparisonOperator threshold period "
        "evaluationPeriods treatMissingData alarmActions okActions tags",
        needs="name namespace metricName statistic threshold period evaluationPeriods",
        defaults={"treatMissingData": "missing"},
        sets="alarmActions okActions",
        shapes={
            ours: f"cloudwatch.PutMetricAlarm.{theirs}"
            for ours, theirs in {**ALARM, "name": "AlarmName"}.items()
            if not theirs.endswith("Actions") and theirs != "Threshold"
        },
    ),
    provisioner(
        "aws:cloudwatch/dashboard:Dashboard",
        create=_dashboard,
        read=_read_dashboard,
        update=_update_dashboard,
        delete=_delete_dashboard,
        replaces="dashboardName",
        source="cloudwatch/dashboard.go",
        updates="dashboardBody",
        documents="dashboardBody",
        shapes={"dashboardName": "cloudwatch.PutDashboard.DashboardName"},
    ),
)
