"""The sweep function of the hub, on a schedule: takes up what is due, and tells what was left untold."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from typing import Any

import boto3
from aws_lambda_powertools import Logger

from lambdas.environment import Environment
from lambdas.remediation.assembly import RETRIES
from lambdas.remediation.guard import Guard
from lambdas.remediation.record import Ledger, Objects
from lambdas.remediation.sweep import Sweep
from lambdas.remediation.tell import Voice

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
    _, partition, _, region, account, *_ = function_arn.split(":")
    environment = Environment.read()
    session = boto3.Session()
    settings = environment.settings(session)
    names = environment.names
    dynamodb = session.client("dynamodb", config=RETRIES)
    sqs = session.client("sqs", config=RETRIES)
    return Sweep(
        guard=Guard(dynamodb, names.state_table, settings["limits"]),
        ledger=Ledger(dynamodb, names.ledger_table, Objects.of(names, session, account, region)),
        voice=Voice(
            session.client("securityhub", config=RETRIES),
            session.client("sns", config=RETRIES),
            f"arn:{partition}:sns:{region}:{account}:{names.topic}",
            settings["message_format"],
        ),
        sqs=sqs,
        queue=sqs.get_queue_url(QueueName=names.findings_queue)["QueueUrl"],
        left=lambda: 0,
    )
