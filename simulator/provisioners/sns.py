"""SNS: topics, their policies, subscriptions."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError

from simulator.provisioners.model import (
    Edit,
    Inputs,
    Known,
    Made,
    Site,
    Standing,
    as_list,
    code,
    given,
    named,
    provisioner,
    retag,
    tag_list,
    tag_map,
)
from simulator.provisioners.sqs import attribute

TOPIC = {"KmsMasterKeyId": "kmsMasterKeyId", "DisplayName": "displayName"}
SUBSCRIPTION = {
    "RawMessageDelivery": "rawMessageDelivery",
    "FilterPolicy": "filterPolicy",
    "FilterPolicyScope": "filterPolicyScope",
    "RedrivePolicy": "redrivePolicy",
}


def _topic(site: Site, inputs: Inputs) -> Made:
    attributes = given(inputs, **TOPIC)
    tags = tag_list(inputs)
    arn = site.client("sns").create_topic(
        Name=inputs["name"], Attributes=attributes, **({"Tags": tags} if tags else {})
    )["TopicArn"]
    return Made(arn, {"arn": arn, "owner": site.account})


def _read_topic(site: Site, known: Known) -> Standing | None:
    client = site.client("sns")
    found = client.get_topic_attributes(TopicArn=known.id)["Attributes"]
    tags = tag_map(client.list_tags_for_resource(ResourceArn=known.id)["Tags"])
    inputs = {ours: found[theirs] for theirs, ours in TOPIC.items() if found.get(theirs)}
    outputs = {"arn": known.id, "owner": found["Owner"]}
    return Standing(known.id, named(name=known.id.split(":")[-1], tags=tags, **inputs), outputs)


def _update_topic(site: Site, edit: Edit) -> Mapping[str, Any]:
    client = site.client("sns")
    for theirs, ours in TOPIC.items():
        if ours in edit.changed:
            client.set_topic_attributes(TopicArn=edit.id, AttributeName=theirs, AttributeValue=edit.new.get(ours) or "")
    if "tags" in edit.changed:
        retag(
            edit,
            lambda tags: client.tag_resource(ResourceArn=edit.id, Tags=as_list(tags)),
            lambda keys: client.untag_resource(ResourceArn=edit.id, TagKeys=keys),
        )
    return {}


def _delete_topic(site: Site, known: Known) -> None:
    site.client("sns").delete_topic(TopicArn=known.id)


def _policy(site: Site, inputs: Inputs) -> Made:
    _set_policy(site, inputs["arn"], inputs["policy"])
    return Made(inputs["arn"], {"owner": site.account})


def _set_policy(site: Site, topic: str, policy: str) -> None:
    site.client("sns").set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=policy)


def _read_policy(site: Site, known: Known) -> Standing | None:
    found = site.client("sns").get_topic_attributes(TopicArn=known.id)["Attributes"]
    return Standing(known.id, {"arn": known.id, "policy": found["Policy"]}, {"owner": found["Owner"]})


def _update_policy(site: Site, edit: Edit) -> Mapping[str, Any]:
    _set_policy(site, edit.id, edit.new["policy"])
    return {}


def _delete_policy(site: Site, known: Known) -> None:
    """Put back the policy that a topic is born with: a topic has always one (Terraform: topic_policy.go)."""
    actions = (
        "GetTopicAttributes", "SetTopicAttributes", "AddPermission", "RemovePermission", "DeleteTopic",
        "Subscribe", "ListSubscriptionsByTopic", "Publish", "Receive",
    )  # fmt: skip
    statement = {
        "Sid": "__default_statement_ID",
        "Effect": "Allow",
        "Principal": {"AWS": "*"},
        "Action": [f"SNS:{action}" for action in actions],
        "Resource": known.id,
        "Condition": {"StringEquals": {"AWS:SourceOwner": site.account}},
    }
    born = {"Version": "2008-10-17", "Id": "__default_policy_ID", "Statement": [statement]}
    _set_policy(site, known.id, json.dumps(born))


def _subscription(site: Site, inputs: Inputs) -> Made:
    client = site.client("sns")
    attributes = {name: attribute(value) for name, value in given(inputs, **SUBSCRIPTION).items()}
    arn = client.subscribe(
        TopicArn=inputs["topic"],
        Protocol=inputs["protocol"],
        Endpoint=inputs["endpoint"],
        Attributes=attributes,
        ReturnSubscriptionArn=True,
    )["SubscriptionArn"]
    return Made(arn, _outputs(client.get_subscription_attributes(SubscriptionArn=arn)["Attributes"], arn))


def _outputs(found: Mapping[str, str], arn: str) -> dict[str, Any]:
    return {"arn": arn, "ownerId": found["Owner"], "pendingConfirmation": found["PendingConfirmation"] == "true"}


def _read_subscription(site: Site, known: Known) -> Standing | None:
    found = site.client("sns").get_subscription_attributes(SubscriptionArn=known.id)["Attributes"]
    inputs: dict[str, Any] = {ours: found[theirs] for theirs, ours in SUBSCRIPTION.items() if found.get(theirs)}
    if "rawMessageDelivery" in inputs:
        inputs["rawMessageDelivery"] = inputs["rawMessageDelivery"] == "true"
    placed = {"topic": found["TopicArn"], "protocol": found["Protocol"], "endpoint": found["Endpoint"]}
    return Standing(known.id, {**placed, **inputs}, _outputs(found, known.id))


def _update_subscription(site: Site, edit: Edit) -> Mapping[str, Any]:
    for theirs, ours in SUBSCRIPTION.items():
        if ours in edit.changed:
            value = edit.new.get(ours)
            site.client("sns").set_subscription_attributes(
                SubscriptionArn=edit.id,
                AttributeName=theirs,
                AttributeValue="{}" if value is None else attribute(value),
            )
    return {}


def _delete_subscription(site: Site, known: Known) -> None:
    """End a subscription. One that nobody has confirmed cannot be ended; it lapses by itself."""
    try:
        site.client("sns").unsubscribe(SubscriptionArn=known.id)
    except ClientError as error:
        if code(error) != "InvalidParameter" or "pending confirmation" not in str(error):
            raise


PROVISIONERS = (
    provisioner(
        "aws:sns/topic:Topic",
        create=_topic,
        read=_read_topic,
        update=_update_topic,
        delete=_delete_topic,
        replaces="name",
        source="sns/topic.go",
        updates="displayName kmsMasterKeyId tags",
        needs="name",
    ),
    provisioner(
        "aws:sns/topicPolicy:TopicPolicy",
        create=_policy,
        read=_read_policy,
        update=_update_policy,
        delete=_delete_policy,
        replaces="arn",
        source="sns/topic_policy.go",
        updates="policy",
        documents="policy",
    ),
    provisioner(
        "aws:sns/topicSubscription:TopicSubscription",
        create=_subscription,
        read=_read_subscription,
        update=_update_subscription,
        delete=_delete_subscription,
        replaces="topic protocol endpoint",
        source="sns/topic_subscription.go",
        updates="rawMessageDelivery filterPolicy filterPolicyScope redrivePolicy",
        defaults={"rawMessageDelivery": False},
        computed="filterPolicyScope",
        documents="filterPolicy redrivePolicy",
    ),
)
