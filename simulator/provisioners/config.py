"""AWS Config: rules, and a recorder with its channel and status."""

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
    given,
    named,
    provisioner,
    retag,
    tag_list,
    tag_map,
)

DETAIL = {
    "EventSource": "eventSource",
    "MessageType": "messageType",
    "MaximumExecutionFrequency": "maximumExecutionFrequency",
}
RULE = {
    "Description": "description",
    "InputParameters": "inputParameters",
    "MaximumExecutionFrequency": "maximumExecutionFrequency",
}


def _put_rule(site: Site, inputs: Inputs, **optional: Any) -> None:
    source = inputs["source"]
    written: dict[str, Any] = {"Owner": source["owner"], **given(source, SourceIdentifier="sourceIdentifier")}
    if details := source.get("sourceDetails"):
        written["SourceDetails"] = [given(one, **DETAIL) for one in details]
    rule = {"ConfigRuleName": inputs["name"], "Source": written, **given(inputs, **RULE)}
    if scope := inputs.get("scope"):
        rule["Scope"] = given(scope, ComplianceResourceTypes="complianceResourceTypes")
    site.client("config").put_config_rule(ConfigRule=rule, **optional)


def _find_rule(site: Site, name: str) -> Mapping[str, Any]:
    found: Mapping[str, Any] = site.client("config").describe_config_rules(ConfigRuleNames=[name])["ConfigRules"][0]
    return found


def _rule(site: Site, inputs: Inputs) -> Made:
    tags = tag_list(inputs)
    _put_rule(site, inputs, **({"Tags": tags} if tags else {}))
    made = _find_rule(site, inputs["name"])
    return Made(inputs["name"], {"arn": made["ConfigRuleArn"], "ruleId": made["ConfigRuleId"]})


def _read_rule(site: Site, known: Known) -> Standing | None:
    found = _find_rule(site, known.id)
    source = found["Source"]
    details = [{ours: one[theirs] for theirs, ours in DETAIL.items() if theirs in one}
               for one in source.get("SourceDetails") or ()]  # fmt: skip
    types = (found.get("Scope") or {}).get("ComplianceResourceTypes")
    tags = site.client("config").list_tags_for_resource(ResourceArn=found["ConfigRuleArn"])["Tags"]
    inputs = named(
        name=known.id,
        source=named(
            owner=source["Owner"], sourceIdentifier=source.get("SourceIdentifier"), sourceDetails=details or None
        ),
        scope={"complianceResourceTypes": types} if types else None,
        tags=tag_map(tags),
        **{ours: found.get(theirs) for theirs, ours in RULE.items()},
    )
    return Standing(known.id, inputs, {"arn": found["ConfigRuleArn"], "ruleId": found["ConfigRuleId"]})


def _update_rule(site: Site, edit: Edit) -> Mapping[str, Any]:
    client = site.client("config")
    if edit.changed - {"tags"}:
        _put_rule(site, edit.new)
    if "tags" in edit.changed:
        arn = _find_rule(site, edit.id)["ConfigRuleArn"]
        retag(
            edit,
            lambda tags: client.tag_resource(ResourceArn=arn, Tags=as_list(tags)),
            lambda keys: client.untag_resource(ResourceArn=arn, TagKeys=keys),
        )
    return {}


def _delete_rule(site: Site, known: Known) -> None:
    site.client("config").delete_config_rule(ConfigRuleName=known.id)


def _put_recorder(site: Site, inputs: Inputs) -> None:
    group = inputs.get("recordingGroup") or {}
    recorder: dict[str, Any] = {
        "name": inputs["name"],
        "roleARN": inputs["roleArn"],
        "recordingGroup": given(group, allSupported="allSupported", resourceTypes="resourceTypes"),
    }
    if strategies := group.get("recordingStrategies"):
        recorder["recordingGroup"]["recordingStrategy"] = {"useOnly": strategies[0]["useOnly"]}
    if mode := inputs.get("recordingMode"):
        recorder["recordingMode"] = {"recordingFrequency": mode["recordingFrequency"]}
    site.client("config").put_configuration_recorder(ConfigurationRecorder=recorder)


def _recorder(site: Site, inputs: Inputs) -> Made:
    _put_recorder(site, inputs)
    return Made(inputs["name"])


def _read_recorder(site: Site, known: Known) -> Standing | None:
    client = site.client("config")
    found = client.describe_configuration_recorders(ConfigurationRecorderNames=[known.id])["ConfigurationRecorders"][0]
    group = found.get("recordingGroup") or {}
    strategy = (group.get("recordingStrategy") or {}).get("useOnly")
    follows = "ALL_SUPPORTED_RESOURCE_TYPES" if group.get("allSupported") else "INCLUSION_BY_RESOURCE_TYPES"
    said = (known.inputs.get("recordingGroup") or {}).get("recordingStrategies")
    frequency = (found.get("recordingMode") or {}).get("recordingFrequency")
    inputs = named(
        name=known.id,
        roleArn=found["roleARN"],
        recordingGroup=named(
            allSupported=group.get("allSupported"),
            resourceTypes=group.get("resourceTypes") or None,
            recordingStrategies=[{"useOnly": strategy}] if strategy and (said or strategy != follows) else None,
        ),
        recordingMode={"recordingFrequency": frequency} if frequency else None,
    )
    return Standing(known.id, inputs)


def _update_recorder(site: Site, edit: Edit) -> Mapping[str, Any]:
    _put_recorder(site, edit.new)
    return {}


def _delete_recorder(site: Site, known: Known) -> None:
    site.client("config").delete_configuration_recorder(ConfigurationRecorderName=known.id)


def _put_channel(site: Site, inputs: Inputs) -> None:
    channel = {"name": inputs["name"], "s3BucketName": inputs["s3BucketName"]}
    site.client("config").put_delivery_channel(DeliveryChannel=channel)


def _channel(site: Site, inputs: Inputs) -> Made:
    _put_channel(site, inputs)
    return Made(inputs["name"])


def _read_channel(site: Site, known: Known) -> Standing | None:
    found = site.client("config").describe_delivery_channels(DeliveryChannelNames=[known.id])["DeliveryChannels"][0]
    return Standing(known.id, {"name": known.id, "s3BucketName": found["s3BucketName"]})


def _update_channel(site: Site, edit: Edit) -> Mapping[str, Any]:
    _put_channel(site, edit.new)
    return {}


def _delete_channel(site: Site, known: Known) -> None:
    site.client("config").delete_delivery_channel(DeliveryChannelName=known.id)


def _set_status(site: Site, name: str, enabled: bool) -> None:
    client = site.client("config")
    act = client.start_configuration_recorder if enabled else client.stop_configuration_recorder
    act(ConfigurationRecorderName=name)


def _status(site: Site, inputs: Inputs) -> Made:
    _set_status(site, inputs["name"], inputs["isEnabled"])
    return Made(inputs["name"])


def _read_status(site: Site, known: Known) -> Standing | None:
    client = site.client("config")
    listed = client.describe_configuration_recorder_status(ConfigurationRecorderNames=[known.id])
    status = listed["ConfigurationRecordersStatus"][0]
    return Standing(known.id, {"name": known.id, "isEnabled": status["recording"]})


def _update_status(site: Site, edit: Edit) -> Mapping[str, Any]:
    _set_status(site, edit.id, edit.new["isEnabled"])
    return {}


def _delete_status(site: Site, known: Known) -> None:
    _set_status(site, known.id, enabled=False)


RECREATES = {"name": "Changing it recreates the resource."}
PROVISIONERS = (
    provisioner(
        "aws:cfg/rule:Rule",
        create=_rule,
        read=_read_rule,
        update=_update_rule,
        delete=_delete_rule,
        replaces="name",
        source="configservice/config_rule.go",
        updates="description source scope inputParameters maximumExecutionFrequency tags",
        needs="name",
        documents="inputParameters",
        sets="source.sourceDetails scope.complianceResourceTypes",
        shapes={
            "name": "config.PutConfigRule.ConfigRule.ConfigRuleName",
            "description": "config.PutConfigRule.ConfigRule.Description",
            "inputParameters": "config.PutConfigRule.ConfigRule.InputParameters",
            "maximumExecutionFrequency": "config.PutConfigRule.ConfigRule.MaximumExecutionFrequency",
            "source.owner": "config.PutConfigRule.ConfigRule.Source.Owner",
            "source.sourceIdentifier": "config.PutConfigRule.ConfigRule.Source.SourceIdentifier",
        },
    ),
    provisioner(
        "aws:cfg/recorder:Recorder",
        create=_recorder,
        read=_read_recorder,
        update=_update_recorder,
        delete=_delete_recorder,
        said=RECREATES,
        updates="roleArn recordingGroup recordingMode",
        needs="name",
        computed="recordingGroup recordingMode",
        sets="recordingGroup.resourceTypes",
        shapes={"name": "config.PutConfigurationRecorder.ConfigurationRecorder.name"},
    ),
    provisioner(
        "aws:cfg/deliveryChannel:DeliveryChannel",
        create=_channel,
        read=_read_channel,
        update=_update_channel,
        delete=_delete_channel,
        said=RECREATES,
        updates="s3BucketName",
        needs="name",
        shapes={"name": "config.PutDeliveryChannel.DeliveryChannel.name"},
    ),
    provisioner(
        "aws:cfg/recorderStatus:RecorderStatus",
        create=_status,
        read=_read_status,
        update=_update_status,
        delete=_delete_status,
        replaces="name",
        source="configservice/configuration_recorder_status.go",
        updates="isEnabled",
        needs="name",
    ),
)
