"""The remediate function of the hub: findings from the queue, in batches with partial failures.

A record ends as an outcome, or raises: it alone goes back to the queue, and at last to the
dead-letter queue. A refusal is an outcome; an unknown error never is.
"""

from __future__ import annotations

import json
import os
from functools import cache
from typing import Any

import boto3
from aws_lambda_powertools import Logger
from aws_lambda_powertools.metrics import MetricUnit, single_metric
from botocore.config import Config

from lambdas.environment import Environment
from lambdas.remediation.access import Access
from lambdas.remediation.guard import Guard
from lambdas.remediation.pipeline import Pipeline
from lambdas.remediation.policy import Policies
from lambdas.remediation.record import Ledger
from lambdas.remediation.tell import Voice

logger = Logger()
# A message that was sent twice reaches two people's telephones; the service's own retries are enough.
RETRIES = Config(retries={"mode": "standard", "total_max_attempts": 5})


# What one remediation may last; what cannot end in this time is not begun.
MARGIN_MILLISECONDS = 60_000


class MalformedEventError(Exception):
    """A message of the queue is not an event of Security Hub."""


class OutOfTimeError(Exception):
    """The function ends too soon to begin with another message; it comes again."""


def handler(event: dict[str, Any], context: Any) -> Any:
    """Remediate what a batch of messages asks for; return the messages that are to come again.

    A batch that failed whole is returned message by message too: then only what is broken ends in the queue.
    Powertools' BatchProcessor does the same, and brings the event classes of all services along: a third of
    what a cold start costs beside boto3 (benchmarks/cold_start.py).
    """
    pipeline = _pipeline(context.invoked_function_arn)
    failures = []
    for record in event["Records"]:
        try:
            _message(pipeline, record, context)
        except Exception as error:
            logger.warning("the message comes again", extra={"sqs_message": record["messageId"], "error": repr(error)})
            failures.append({"itemIdentifier": record["messageId"]})
    return {"batchItemFailures": failures}


def _message(pipeline: Pipeline, record: dict[str, Any], context: Any) -> None:
    """Remediate the findings of one message; any error sends the whole message back."""
    body: Any = json.loads(record["body"])
    detail = body.get("detail") if isinstance(body, dict) else None
    findings = detail.get("findings") if isinstance(detail, dict) else None
    if not isinstance(findings, list) or not all(isinstance(finding, dict) for finding in findings):
        raise MalformedEventError(f"message {record['messageId']} holds no findings")
    if context.get_remaining_time_in_millis() < MARGIN_MILLISECONDS:
        raise OutOfTimeError(f"message {record['messageId']} comes again: the function's time is over")
    for finding in findings:
        try:
            _one(pipeline, finding, context.aws_request_id)
        except Exception:
            # Without this line nobody could tell which finding it was, and why.
            logger.exception("not handled", extra=_named(finding))
            raise


def _one(pipeline: Pipeline, finding: dict[str, Any], run: str) -> None:
    result = pipeline.handle(finding, run)
    if result is None:
        return
    logger.info("handled", extra={**_named(finding), "outcome": result.outcome.value, "reason": result.reason})
    # The dashboard searches for exactly this name and these dimensions.
    with single_metric(name="Remediations", unit=MetricUnit.Count, value=1) as metric:
        metric.add_dimension(name="outcome", value=result.outcome.value)
        metric.add_dimension(name="service", value=os.environ["POWERTOOLS_SERVICE_NAME"])


def _named(finding: dict[str, Any]) -> dict[str, Any]:
    """What a log line says of a finding: enough to find it again."""
    return {
        "control": str(finding.get("GeneratorId", "")).removeprefix("palisade/"),
        "account": finding.get("AwsAccountId"),
        "region": finding.get("Region"),
        "finding": finding.get("Id"),
    }


@cache
def _pipeline(function_arn: str) -> Pipeline:
    """Keep one pipeline per container: settings, clients and the readers' sessions are made once."""
    _, partition, _, region, account, *_ = function_arn.split(":")
    environment = Environment.read()
    session = boto3.Session()
    settings = environment.settings(session)
    names = environment.names
    dynamodb = session.client("dynamodb", config=RETRIES)
    # Organizations has one endpoint per partition, which its client finds by the Region.
    return Pipeline(
        partition=partition,
        policies=Policies(
            dynamodb=dynamodb,
            organizations=session.client("organizations", config=RETRIES),
            table=names.policies_table,
            environments=settings["environments"],
        ),
        guard=Guard(dynamodb, names.state_table, settings["limits"]),
        access=Access(names, session.client("sts", config=RETRIES)),
        ledger=Ledger(dynamodb, names.ledger_table),
        voice=Voice(
            session.client("securityhub", config=RETRIES),
            session.client("sns", config=RETRIES),
            f"arn:{partition}:sns:{region}:{account}:{names.topic}",
        ),
    )
