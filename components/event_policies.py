"""Resource policies that admit EventBridge, on behalf of named rules only."""

from __future__ import annotations

from components.documents import allow, document
from components.estate import Estate


def queue_policy(estate: Estate, account: str, region: str, queue: str, *rules: str) -> str:
    """Let EventBridge send into a queue for these rules (names or patterns) of the queue's own account and Region.

    Source: EventBridge User Guide, "Using dead-letter queues"; the source conditions keep other
    accounts' rules out.
    """
    sources = [estate.arn("events", f"rule/{rule}", region=region, account=account) for rule in rules]
    return document(
        allow(
            "Rules",
            ["sqs:SendMessage"],
            estate.arn("sqs", queue, region=region, account=account),
            {"ArnLike": {"aws:SourceArn": sources}, "StringEquals": {"aws:SourceAccount": account}},
            {"Service": "events.amazonaws.com"},
        )
    )
