"""How each service says that it is asked too often.

SDKs retry by code and status, so both must be the service's own. Source: the error shapes of the service
models; "Common errors" of the API references; EC2 API Reference, "Error codes"; S3 API Reference, "Error
responses"; botocore's retry definitions (_retry.json).
"""

from __future__ import annotations

from functools import cache

from moto.core.utils import get_service_model

from simulator.call import ServiceError

CODES = {
    "dynamodb": ("ThrottlingException", 400),
    "ec2": ("RequestLimitExceeded", 503),
    "kms": ("ThrottlingException", 400),
    "lambda": ("TooManyRequestsException", 429),
    "organizations": ("TooManyRequestsException", 400),
    "resourcegroupstaggingapi": ("ThrottledException", 400),
    "s3": ("SlowDown", 503),
    "s3control": ("SlowDown", 503),
    "securityhub": ("TooManyRequestsException", 429),
    "sns": ("Throttled", 429),
    "sqs": ("RequestThrottled", 403),
}
# By protocol, where a service has no words of its own.
PROTOCOLS = {
    "ec2": ("RequestLimitExceeded", 503),
    "query": ("Throttling", 400),
    "rest-xml": ("Throttling", 400),
    "rest-json": ("ThrottlingException", 429),
}
TEXTS = {
    "ec2": "Request limit exceeded.",
    "kms": "You have exceeded the rate at which you may call KMS. Reduce the frequency of your calls.",
    "s3": "Please reduce your request rate.",
    "s3control": "Please reduce your request rate.",
    "securityhub": "Too Many Requests",
}


def throttled(service: str) -> ServiceError:
    """Return the error of a service that is asked too often."""
    code, status = _code(service)
    return ServiceError(code, TEXTS.get(service, "Rate exceeded"), status)


@cache
def _code(service: str) -> tuple[str, int]:
    protocol = str(get_service_model(service).metadata["protocol"])
    return CODES.get(service) or PROTOCOLS.get(protocol, ("ThrottlingException", 400))
