"""SQS queues are encrypted at rest, by SQS's own keys or by a KMS key.

Security Hub alone detects it: AWS Config has no managed rule, and a finding of its own control is all that is needed.
SSE-SQS is free and asks nothing of key policies; it spreads within a minute. Messages that are in the queue are not
encrypted by it, and neither is what is sent while it spreads.
Source: Security Hub SQS.1; Amazon SQS Developer Guide, "Configuring server-side encryption for a queue using
SQS-managed encryption keys": anonymous requests to such a queue are rejected; SetQueueAttributes.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from lambdas.answers import absent
from lambdas.controls import model
from lambdas.controls.model import Change, Evaluation, Grant, Place, Plan, Refusal, Resource
from lambdas.services import resource_policies

if TYPE_CHECKING:
    from boto3 import Session

QUEUES = ("arn:{partition}:sqs:{region}:{account}:*",)
GONE = ("AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist")
ATTRIBUTES: Any = ("SqsManagedSseEnabled", "KmsMasterKeyId", "Policy")


def read(session: Session, resource: Resource, finding: Mapping[str, Any] | None = None) -> dict[str, Any] | None:
    """Read what encrypts the queue, and its policy; None where the queue is gone."""
    sqs = session.client("sqs")
    with absent(*GONE):
        url = sqs.get_queue_url(QueueName=resource.id, QueueOwnerAWSAccountId=resource.account)["QueueUrl"]
        answer: Any = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=ATTRIBUTES)
        found = answer.get("Attributes", {})
        return {
            "QueueUrl": url,
            "Tags": dict(sqs.list_queue_tags(QueueUrl=url).get("Tags", {})),
            "SqsManagedSseEnabled": found.get("SqsManagedSseEnabled") == "true",
            "KmsMasterKeyId": found.get("KmsMasterKeyId"),
            "Policy": json.loads(found["Policy"]) if found.get("Policy") else None,
        }
    return None


def evaluate(settings: Mapping[str, Any], parameters: Mapping[str, Any]) -> Evaluation:
    """Judge what encrypts."""
    if settings["KmsMasterKeyId"]:
        return model.compliant(f"The queue is encrypted by the KMS key {settings['KmsMasterKeyId']}"[:255] + ".")
    if settings["SqsManagedSseEnabled"]:
        return model.compliant("The queue is encrypted by keys of SQS.")
    return model.non_compliant("The queue is not encrypted at rest.")


def discover(session: Session, place: Place) -> Iterator[Resource]:
    """List the account's queues of the Region."""
    for page in session.client("sqs").get_paginator("list_queues").paginate():
        for url in page.get("QueueUrls", ()):
            yield CONTROL.resource(place, url.rpartition("/")[2])


def plan(
    resource: Resource, settings: Mapping[str, Any], parameters: Mapping[str, Any], facts: Mapping[str, Any]
) -> Plan | Refusal:
    """Switch SQS's own encryption on; a person decides where anonymous requests may be what a queue is for."""
    anonymous = resource_policies.open_to_all(settings["Policy"])
    return Plan(
        changes=(_switch(resource, settings, True, _switch(resource, settings, False)),),
        tell=(model.Audience.OWNER,),
        leaves=("Messages that are in the queue already stay unencrypted until they are taken.",),
        ceiling=model.Ceiling(model.Mode.APPROVE, "the policy admits anonymous requests, which are rejected then")
        if anonymous
        else None,
        message=f"Queue {resource.id} keeps its messages unencrypted; keys of SQS encrypt them for free.",
    )


def _switch(resource: Resource, settings: Mapping[str, Any], on: bool, inverse: Change | None = None) -> Change:
    return Change(
        name="encrypt-queue" if on else "stop-encrypting-queue",
        service="sqs",
        operation="set_queue_attributes",
        parameters={"QueueUrl": settings["QueueUrl"], "Attributes": {"SqsManagedSseEnabled": str(on).lower()}},
        grants=(Grant("sqs:SetQueueAttributes", (resource.arn,)),),
        inverse=inverse,
        irreversible=None if inverse else "it is an undo",
    )


CONTROL = model.Control(
    id="SQS.1",
    slug="sqs-queue-encrypted",
    title="SQS queues are encrypted at rest",
    severity=model.Severity.MEDIUM,
    resource_type="AWS::SQS::Queue",
    asff_type="AwsSqsQueue",
    arn="arn:{partition}:sqs:{region}:{account}:{id}",
    scope=model.Scope.REGIONAL,
    detection=model.SecurityHubControl(),
    parameters={},
    read_grants=(
        Grant("sqs:GetQueueUrl", QUEUES),
        Grant("sqs:GetQueueAttributes", QUEUES),
        Grant("sqs:ListQueueTags", QUEUES),
        Grant("sqs:ListQueues", ("*",)),
    ),
    grants=(Grant("sqs:SetQueueAttributes", QUEUES),),
    requirements=(
        "FSBP SQS.1",
        "NIST.800-53.r5 CA-9(1)",
        "NIST.800-53.r5 CM-3(6)",
        "NIST.800-53.r5 SC-13",
        "NIST.800-53.r5 SC-28",
        "NIST.800-53.r5 SC-28(1)",
        "NIST.800-53.r5 SC-7(10)",
        "NIST.800-53.r5 SI-7(6)",
    ),
    impact="Anonymous requests to the queue are rejected; nothing else changes for producers and consumers.",
    remediation="Enable encryption by keys of SQS (SSE-SQS) on the queue.",
    ceiling=model.Ceiling(model.Mode.AUTOMATIC, "no ceiling"),
    read=read,
    evaluate=evaluate,
    plan=plan,
    discover=discover,
)
