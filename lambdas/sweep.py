"""The sweep function of the hub, on a schedule: takes up what is due, and tells what was left untold."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from typing import Any

from aws_lambda_powertools import Logger

from lambdas.remediation.hub import Hub
from lambdas.remediation.sweep import Sweep

logger = Logger()
# The first run of each hour looks thoroughly: that reads every finding that is set aside.
PERIOD_MINUTES = 5


def handler(event: dict[str, Any], context: Any) -> dict[str, int]:
    """Sweep once; what is left when the time ends is due at the next run."""
    sweep = _sweep(context.invoked_function_arn)
    sweep.left = context.get_remaining_time_in_millis
    done = sweep.run(thoroughly=datetime.now(UTC).minute < PERIOD_MINUTES)
    logger.info("swept", extra={"done": dict(done)})
    return dict(done)


@cache
def _sweep(function_arn: str) -> Sweep:
    hub = Hub.of(function_arn)
    sqs = hub.client("sqs")
    return Sweep(
        guard=hub.guard,
        ledger=hub.ledger,
        voice=hub.voice(),
        sqs=sqs,
        queue=sqs.get_queue_url(QueueName=hub.names.findings_queue)["QueueUrl"],
        policies=hub.names.policies_table,
        left=lambda: 0,
    )
