"""AWS Config: rules, and a recorder with its channel and status."""

from __future__ import annotations

from typing import Any

from simulator.provisioners.model import Inputs, Made, Site, given, provisioner, tag_list


def _rule(site: Site, inputs: Inputs) -> Made:
    client, source = site.client("config"), inputs["source"]
    rule: dict[str, Any] = {
        "ConfigRuleName": inputs["name"],
        "Source": {
            "Owner": source["owner"],
            **given(source, SourceIdentifier="sourceIdentifier"),
            **(
                {
                    "SourceDetails": [
                        given(
                            one,
                            EventSource="eventSource",
                            MessageType="messageType",
                            MaximumExecutionFrequency="maximumExecutionFrequency",
                        )
                        for one in source["sourceDetails"]
                    ]
                }
                if source.get("sourceDetails")
                else {}
            ),
        },
        **given(
            inputs,
            Description="description",
            InputParameters="inputParameters",
            MaximumExecutionFrequency="maximumExecutionFrequency",
        ),
    }
    if scope := inputs.get("scope"):
        rule["Scope"] = given(scope, ComplianceResourceTypes="complianceResourceTypes")
    tags = tag_list(inputs)
    client.put_config_rule(ConfigRule=rule, **({"Tags": tags} if tags else {}))
    made = client.describe_config_rules(ConfigRuleNames=[inputs["name"]])["ConfigRules"][0]
    return Made(inputs["name"], {"arn": made["ConfigRuleArn"], "ruleId": made["ConfigRuleId"]})


def _recorder(site: Site, inputs: Inputs) -> Made:
    group = inputs.get("recordingGroup") or {}
    recorder: dict[str, Any] = {
        "name": inputs["name"],
        "roleARN": inputs["roleArn"],
        "recordingGroup": given(
            group,
            allSupported="allSupported",
            resourceTypes="resourceTypes",
        ),
    }
    if strategies := group.get("recordingStrategies"):
        recorder["recordingGroup"]["recordingStrategy"] = {"useOnly": strategies[0]["useOnly"]}
    if mode := inputs.get("recordingMode"):
        recorder["recordingMode"] = {"recordingFrequency": mode["recordingFrequency"]}
    site.client("config").put_configuration_recorder(ConfigurationRecorder=recorder)
    return Made(inputs["name"])


def _channel(site: Site, inputs: Inputs) -> Made:
    channel = {"name": inputs["name"], "s3BucketName": inputs["s3BucketName"]}
    site.client("config").put_delivery_channel(DeliveryChannel=channel)
    return Made(inputs["name"])


def _status(site: Site, inputs: Inputs) -> Made:
    client = site.client("config")
    act = client.start_configuration_recorder if inputs["isEnabled"] else client.stop_configuration_recorder
    act(ConfigurationRecorderName=inputs["name"])
    return Made(inputs["name"])


PROVISIONERS = (
    provisioner(
        "aws:cfg/rule:Rule",
        "name description source scope inputParameters maximumExecutionFrequency",
        _rule,
    ),
    provisioner("aws:cfg/recorder:Recorder", "name roleArn recordingGroup recordingMode", _recorder),
    provisioner("aws:cfg/deliveryChannel:DeliveryChannel", "name s3BucketName", _channel),
    provisioner("aws:cfg/recorderStatus:RecorderStatus", "name isEnabled", _status),
)
