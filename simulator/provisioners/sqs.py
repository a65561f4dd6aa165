"""SQS: queues and their policies."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from simulator.provisioners.model import Edit, Inputs, Known, Made, Site, Standing, given, named, provisioner, retag

ATTRIBUTES = {
    "RedrivePolicy": "redrivePolicy",
    "RedriveAllowPolicy": "redriveAllowPolicy",
    "VisibilityTimeout": "visibilityTimeoutSeconds",
    "MessageRetentionPeriod": "messageRetentionSeconds",
    "SqsManagedSseEnabled": "sqsManagedSseEnabled",
    "KmsMasterKeyId": "kmsMasterKeyId",
}
NUMBERS = ("visibilityTimeoutSeconds", "messageRetentionSeconds")


def attribute(value: Any) -> str:
    """Write an attribute of a queue or topic: they are strings."""
    if isinstance(value, bool):
        return str(value).lower()
    return str(int(value)) if isinstance(value, float) else str(value)


def _queue(site: Site, inputs: Inputs) -> Made:
    client = site.client("sqs")
    attributes = {name: attribute(value) for name, value in given(inputs, **ATTRIBUTES).items()}
    tags = dict(inputs.get("tags") or {})
    url = client.create_queue(QueueName=inputs["name"], Attributes=attributes, **({"tags": tags} if tags else {}))
    return Made(url["QueueUrl"], {"url": url["QueueUrl"], "arn": site.arn("sqs", inputs["name"])})


def _read_queue(site: Site, known: Known) -> Standing | None:
    client = site.client("sqs")
    found = client.get_queue_attributes(QueueUrl=known.id, AttributeNames=["All"])["Attributes"]
    inputs: dict[str, Any] = {
        ours: _value(ours, found[theirs]) for theirs, ours in ATTRIBUTES.items() if found.get(theirs)
    }
    tags = client.list_queue_tags(QueueUrl=known.id).get("Tags")
    arn = found["QueueArn"]
    return Standing(known.id, named(name=arn.split(":")[-1], tags=tags, **inputs), {"url": known.id, "arn": arn})


def _value(name: str, text: str) -> Any:
    if name in NUMBERS:
        return int(text)
    return text == "true" if name == "sqsManagedSseEnabled" else text


def _update_queue(site: Site, edit: Edit) -> Mapping[str, Any]:
    client = site.client("sqs")
    attributes = {
        theirs: "" if edit.new.get(ours) is None else attribute(edit.new[ours])
        for theirs, ours in ATTRIBUTES.items()
        if ours in edit.changed
    }
    if attributes:
        client.set_queue_attributes(QueueUrl=edit.id, Attributes=attributes)
    if "tags" in edit.changed:
        retag(
            edit,
            lambda tags: client.tag_queue(QueueUrl=edit.id, Tags=tags),
            lambda keys: client.untag_queue(QueueUrl=edit.id, TagKeys=keys),
        )
    return {}


def _delete_queue(site: Site, known: Known) -> None:
    site.client("sqs").delete_queue(QueueUrl=known.id)


def _policy(site: Site, inputs: Inputs) -> Made:
    site.client("sqs").set_queue_attributes(QueueUrl=inputs["queueUrl"], Attributes={"Policy": inputs["policy"]})
    return Made(inputs["queueUrl"])


def _read_policy(site: Site, known: Known) -> Standing | None:
    answer = site.client("sqs").get_queue_attributes(QueueUrl=known.id, AttributeNames=["Policy"])
    policy = answer.get("Attributes", {}).get("Policy")
    return Standing(known.id, {"queueUrl": known.id, "policy": policy}) if policy else None


def _update_policy(site: Site, edit: Edit) -> Mapping[str, Any]:
    _policy(site, edit.new)
    return {}


def _delete_policy(site: Site, known: Known) -> None:
    site.client("sqs").set_queue_attributes(QueueUrl=known.id, Attributes={"Policy": ""})


PROVISIONERS = (
    provisioner(
        "aws:sqs/queue:Queue",
        create=_queue,
        read=_read_queue,
        update=_update_queue,
        delete=_delete_queue,
        replaces="name",
        source="sqs/queue.go",
        updates="redrivePolicy redriveAllowPolicy visibilityTimeoutSeconds messageRetentionSeconds "
        "sqsManagedSseEnabled kmsMasterKeyId tags",
        needs="name",
        defaults={"visibilityTimeoutSeconds": 30, "messageRetentionSeconds": 345600},
        computed="sqsManagedSseEnabled redriveAllowPolicy",
        documents="redrivePolicy redriveAllowPolicy",
        shapes={"name": "sqs.CreateQueue.QueueName"},
    ),
    provisioner(
        "aws:sqs/queuePolicy:QueuePolicy",
        create=_policy,
        read=_read_policy,
        update=_update_policy,
        delete=_delete_policy,
        replaces="queueUrl",
        source="sqs/queue_policy.go",
        updates="policy",
        documents="policy",
    ),
)
