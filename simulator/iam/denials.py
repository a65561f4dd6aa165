"""Access denied, as each service says it.

Source: IAM User Guide, "Troubleshoot access denied error messages"; the error codes of the
services' API references.
"""

from __future__ import annotations

from functools import cache

from moto.core.utils import get_service_model

from simulator.call import Caller, ServiceError

# Services with a code or status of their own.
CODES = {
    "ec2": ("UnauthorizedOperation", 403),
    "s3": ("AccessDenied", 403),
    "s3control": ("AccessDenied", 403),
    "sns": ("AuthorizationError", 403),
    "sqs": ("AccessDenied", 403),
    "cloudwatch": ("AccessDenied", 403),
}
STATUSES = {"json": 400, "rest-json": 403, "rest-xml": 403}


@cache
def _answer(service: str) -> tuple[str, int]:
    known = CODES.get(service)
    if known is not None:
        return known
    protocol = str(get_service_model(service).metadata["protocol"])
    return ("AccessDenied", 403) if protocol in ("query", "ec2") else ("AccessDeniedException", STATUSES[protocol])


def denial(service: str, caller: Caller, action: str, resource: str, reason: str) -> ServiceError:
    """Return the error of a service that denies a call."""
    code, status = _answer(service)
    who = caller.service or caller.arn
    # Where an action has no resource-level permissions, AWS names no resource.
    on = "" if resource == "*" else f" on resource: {resource}"
    text = f"User: {who} is not authorized to perform: {action}{on} {reason}"
    if service == "ec2":
        text = f"You are not authorized to perform this operation. {text}"
    return ServiceError(code, text, status)


def key_denial(service: str, caller: Caller, action: str, key: str, reason: str) -> ServiceError:
    """Return the error of a service that may not use a KMS key on its caller's behalf."""
    codes = {
        "sns": ("KMSAccessDenied", 400),
        "sqs": ("KmsAccessDenied", 400),
    }
    code, status = codes.get(service) or _answer(service)
    who = caller.service or caller.arn
    text = f"User: {who} is not authorized to perform: {action} on resource: {key} {reason}"
    return ServiceError(code, text, status)
