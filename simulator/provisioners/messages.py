"""SQS and SNS: queues, topics, their policies, subscriptions."""

from __future__ import annotations

from typing import Any

from simulator.provisioners.model import Inputs, Made, Site, given, provisioner, tag_list

QUEUE = {
    "RedrivePolicy": "redrivePolicy",
    "RedriveAllowPolicy": "redriveAllowPolicy",
    "VisibilityTimeout": "visibilityTimeoutSeconds",
    "MessageRetentionPeriod": "messageRetentionSeconds",
    "SqsManagedSseEnabled": "sqsManagedSseEnabled",
    "KmsMasterKeyId": "kmsMasterKeyId",
}
SUBSCRIPTION = {
    "RawMessageDelivery": "rawMessageDelivery",
    "FilterPolicy": "filterPolicy",
    "FilterPolicyScope": "filterPolicyScope",
    "RedrivePolicy": "redrivePolicy",
}


def _attribute(value: Any) -> str:
    """Queue and topic attributes are strings."""
    if isinstance(value, bool):
        return str(value).lower()
    return str(int(value)) if isinstance(value, float) else str(value)


def _queue(site: Site, inputs: Inputs) -> Made:
    client = site.client("sqs")
    attributes = {name: _attribute(value) for name, value in given(inputs, **QUEUE).items()}
    tags = dict(inputs.get("tags") or {})
    url = client.create_queue(QueueName=inputs["name"], Attributes=attributes, **({"tags": tags} if tags else {}))
    arn = f"arn:{site.partition}:sqs:{site.region}:{site.account}:{inputs['name']}"
    return Made(url["QueueUrl"], {"url": url["QueueUrl"], "arn": arn})


def _queue_policy(site: Site, inputs: Inputs) -> Made:
    site.client("sqs").set_queue_attributes(QueueUrl=inputs["queueUrl"], Attributes={"Policy": inputs["policy"]})
    return Made(inputs["queueUrl"])


def _topic(site: Site, inputs: Inputs) -> Made:
    attributes = given(inputs, KmsMasterKeyId="kmsMasterKeyId", DisplayName="displayName")
    tags = tag_list(inputs)
    arn = site.client("sns").create_topic(
        Name=inputs["name"], Attributes=attributes, **({"Tags": tags} if tags else {})
    )["TopicArn"]
    return Made(arn, {"arn": arn, "owner": site.account})


def _topic_policy(site: Site, inputs: Inputs) -> Made:
    site.client("sns").set_topic_attributes(
        TopicArn=inputs["arn"], AttributeName="Policy", AttributeValue=inputs["policy"]
    )
    return Made(inputs["arn"], {"owner": site.account})


def _subscription(site: Site, inputs: Inputs) -> Made:
    client = site.client("sns")
    attributes = {name: _attribute(value) for name, value in given(inputs, **SUBSCRIPTION).items()}
    arn = client.subscribe(
        TopicArn=inputs["topic"],
        Protocol=inputs["protocol"],
        Endpoint=inputs["endpoint"],
        Attributes=attributes,
        ReturnSubscriptionArn=True,
    )["SubscriptionArn"]
    found = client.get_subscription_attributes(SubscriptionArn=arn)["Attributes"]
    pending = found["PendingConfirmation"] == "true"
    return Made(arn, {"arn": arn, "ownerId": found["Owner"], "pendingConfirmation": pending})


PROVISIONERS = (
    provisioner(
        "aws:sqs/queue:Queue",
        "name redrivePolicy redriveAllowPolicy visibilityTimeoutSeconds messageRetentionSeconds sqsManagedSseEnabled "
        "kmsMasterKeyId",
        _queue,
    ),
    provisioner("aws:sqs/queuePolicy:QueuePolicy", "queueUrl policy", _queue_policy),
    provisioner("aws:sns/topic:Topic", "name displayName kmsMasterKeyId", _topic),
    provisioner("aws:sns/topicPolicy:TopicPolicy", "arn policy", _topic_policy),
    provisioner(
        "aws:sns/topicSubscription:TopicSubscription",
        "topic protocol endpoint rawMessageDelivery filterPolicy filterPolicyScope redrivePolicy",
        _subscription,
    ),
)
