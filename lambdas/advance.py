"""The advance function of the hub: one step of a long plan, invoked by the state machine until it is done."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools import Logger

from lambdas.remediation.assembly import pipeline_of
from lambdas.remediation.steps import advance

logger = Logger()


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Make one step of the remediation that the event names; an error goes back, and the step is made again."""
    answer = advance(pipeline_of(context.invoked_function_arn), event["remediation"], event["execution"])
    logger.info("advanced", extra={"remediation": event["remediation"], **answer})
    return answer
