"""Access denied, as each service says it.

Source: IAM User Guide, "Troubleshoot access denied error messages"; the error codes of the
services' API references.
"""

from __future__ import annotations

from functools import cache

from moto.core.utils import get_service_model

from simulator.call import Call, Caller, ServiceError

# Services with a code or status of their own.
CODES = {
    "ec2": ("UnauthorizedOperation", 403),
    "s3": ("AccessDenied", 403),
    "s3control": ("AccessDenied", 403),
    "sns": ("AuthorizationError", 403),
    "sqs": ("AccessDenied", 403),
    "cloudwatch": ("AccessDenied", 403),
}
# What temporary credentials of a user or root may call of STS.
TOKEN_OPERATIONS = frozenset({"GetCallerIdentity", "GetSessionToken"})
STATUSES = {"json": 400, "rest-json": 403, "rest-xml": 403}


@cache
def _answer(service: str) -> tuple[str, int]:
    known = CODES.get(service)
    if known is not None:
        return known
    protocol = str(get_service_model(service).metadata["protocol"])
    return ("AccessDenied", 403) if protocol in ("query", "ec2") else ("AccessDeniedException", STATUSES[protocol])


def credential_error(service: str, error: ServiceError) -> ServiceError:
    """Say as a service does that an access key is not known or that its session has ended.

    Source: "Common errors" of the services' API references; EC2 API Reference, "Error codes"; S3 API
    Reference, "Error responses".
    """
    expired = error.code == "ExpiredToken"
    if service == "ec2":
        if expired:
            return ServiceError("RequestExpired", "Request has expired.", 400)
        return ServiceError("AuthFailure", "AWS was not able to validate the provided access credentials", 401)
    if service in ("s3", "s3control"):
        if expired:
            return ServiceError("ExpiredToken", "The provided token has expired.", 400)
        text = "The AWS Access Key Id you provided does not exist in our records."
        return ServiceError("InvalidAccessKeyId", text, 403)
    code, status = _answer(service)
    if code == "AccessDeniedException":
        return ServiceError(
            "ExpiredTokenException" if expired else "UnrecognizedClientException", error.message, status
        )
    return error


def refuse_token(call: Call) -> None:
    """Refuse what temporary credentials of users and roots are not good for; raises ServiceError.

    Source: IAM User Guide, "Compare AWS STS credentials". Without multi-factor authentication, which is not
    simulated, they call no operation of IAM.
    """
    caller = call.caller
    if caller.issued is None or caller.kind == "session":
        return
    good = TOKEN_OPERATIONS if caller.kind == "federated-user" else TOKEN_OPERATIONS | {"AssumeRole"}
    if call.service == "iam" or (call.service == "sts" and call.operation not in good):
        raise ServiceError("InvalidClientTokenId", "The security token included in the request is invalid", 403)


def denial(service: str, caller: Caller, action: str, resource: str, reason: str) -> ServiceError:
    """Return the error of a service that denies a call."""
    code, status = _answer(service)
    if caller.kind == "federated":
        return ServiceError(code, f"Not authorized to perform {action}", status)
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
