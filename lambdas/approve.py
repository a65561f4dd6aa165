"""The approve function of the hub, behind a function URL with AWS_IAM: what people answer and ask for.

Source: Lambda Developer Guide, "Invoking Lambda function URLs", `requestContext.authorizer.iam`.
"""

from __future__ import annotations

import base64
import binascii
import json
from functools import cache
from typing import Any

from aws_lambda_powertools import Logger

from lambdas.remediation.endpoint import Asked, Endpoint, RequestError
from lambdas.remediation.hub import Hub

logger = Logger()


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answer one request; an error that is no answer goes back to Lambda, and the caller learns no more than that."""
    try:
        asked = Asked.parse(_caller(event), _body(event))
        said = _endpoint(context.invoked_function_arn).answer(asked)
    except RequestError as error:
        logger.warning("not done", extra={"status": error.status, "reason": str(error)})
        return _response(error.status, {"error": str(error)})
    logger.info("done", extra={"caller": asked.caller, "action": asked.action, "remediation": asked.remediation})
    return _response(200, said)


def _caller(event: dict[str, Any]) -> str:
    """Who calls, as AWS reports it; a request without a signature never gets here, and is refused all the same."""
    context = event.get("requestContext") or {}
    caller = ((context.get("authorizer") or {}).get("iam") or {}).get("userArn")
    if not isinstance(caller, str) or not caller:
        raise RequestError(403, "AWS reports no caller: the function URL must use AWS_IAM")
    return caller


def _body(event: dict[str, Any]) -> Any:
    text = event.get("body") or ""
    try:
        return json.loads(base64.b64decode(text) if event.get("isBase64Encoded") else text)
    except (ValueError, binascii.Error) as error:
        raise RequestError(400, "the body is no JSON") from error


def _response(status: int, said: dict[str, Any]) -> dict[str, Any]:
    return {"statusCode": status, "headers": {"content-type": "application/json"}, "body": json.dumps(said)}


@cache
def _endpoint(function_arn: str) -> Endpoint:
    hub = Hub.of(function_arn)
    sqs = hub.client("sqs")
    return Endpoint(
        guard=hub.guard,
        ledger=hub.ledger,
        sqs=sqs,
        queue=sqs.get_queue_url(QueueName=hub.names.findings_queue)["QueueUrl"],
        environments=hub.settings["environments"],
        hub=hub.account,
    )
