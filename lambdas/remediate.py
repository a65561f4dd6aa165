"""The remediate function of the hub: findings from the queue, in batches with partial failures.

A record ends as an outcome, or raises: it alone goes back to the queue, and at last to the
dead-letter queue. A refusal is an outcome; an unknown error never is.
"""

from __future__ import annotations

import json
import os
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.metrics import MetricUnit, single_metric

from lambdas.remediation.assembly import pipeline_of
from lambdas.remediation.outcome import Result
from lambdas.remediation.people import answered, ask_undo, requested, resume
from lambdas.remediation.pipeline import Pipeline

logger = Logger()
CUSTOM_ACTION = "Security Hub Findings - Custom Action"
# Ids of the hub's custom actions: at most 20 letters and digits.
ACTIONS = {"PalisadeRemediate": "remediate", "PalisadeUndo": "undo", "PalisadeExempt": "exempt"}
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
    pipeline = pipeline_of(context.invoked_function_arn)
    failures = []
    for record in event["Records"]:
        try:
            _message(pipeline, record, context)
        except Exception as error:
            logger.warning("the message comes again", extra={"sqs_message": record["messageId"], "error": repr(error)})
            failures.append({"itemIdentifier": record["messageId"]})
    return {"batchItemFailures": failures}


def _message(pipeline: Pipeline, record: dict[str, Any], context: Any) -> None:
    """Do what one message asks for; any error sends the whole message back."""
    body: Any = json.loads(record["body"])
    if not isinstance(body, dict):
        raise MalformedEventError(f"message {record['messageId']} is no object")
    if context.get_remaining_time_in_millis() < MARGIN_MILLISECONDS:
        raise OutOfTimeError(f"message {record['messageId']} comes again: the function's time is over")
    run = context.aws_request_id
    if "palisade" in body:
        _asked(pipeline, body, run)
        return
    detail = body.get("detail")
    findings = detail.get("findings") if isinstance(detail, dict) else None
    if not isinstance(findings, list) or not all(isinstance(finding, dict) for finding in findings):
        raise MalformedEventError(f"message {record['messageId']} holds no findings")
    action = _action(body)
    for finding in findings:
        try:
            result = pipeline.handle(finding, run) if action is None else requested(pipeline, action, finding, run)
        except Exception:
            # Without this line nobody could tell which finding it was, and why.
            logger.exception("not handled", extra=_named(finding))
            raise
        _count(result, _named(finding))


def _asked(pipeline: Pipeline, body: dict[str, Any], run: str) -> None:
    """Do what the endpoint or the sweep asks for: the authority stands on the case, not in the message."""
    what = body["palisade"]
    if what == "answered":
        _count(answered(pipeline, body["case"], run), {"case": body["case"]})
    elif what == "resume":
        resume(pipeline, body["remediation"])
    elif what == "undo":
        _count(ask_undo(pipeline, body["remediation"], body["requester"]), {"remediation": body["remediation"]})
    else:
        raise MalformedEventError(f"a message asks for {what!r}, which is none of answered, resume and undo")


def _action(body: dict[str, Any]) -> str | None:
    """Return what a custom action of ours asks for; None for the event of a finding."""
    if body.get("detail-type") != CUSTOM_ACTION:
        return None
    arns = body.get("resources") or [""]
    identifier = str(arns[0]).rpartition("/")[2]
    if identifier not in ACTIONS:
        raise MalformedEventError(f"the custom action {arns[0]} is none of ours")
    return ACTIONS[identifier]


def _count(result: Result | None, named: dict[str, Any]) -> None:
    if result is None:
        return
    logger.info("handled", extra={**named, "outcome": result.outcome.value, "reason": result.reason})
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
