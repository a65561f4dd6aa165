"""What Lambda keeps: functions, their permissions, event source mappings, and how they read as JSON."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from simulator.call import Call, ServiceError
from simulator.lambda_runner import Container

# Source: Lambda quotas; "Lambda function states"; CreateFunction of the API Reference.
ENVIRONMENT_BYTES = 4096
LONGEST_TIMEOUT = 900
NAME = re.compile(r"^[a-zA-Z0-9-_]{1,64}$")
FUNCTION_ARN = re.compile(
    r"^(?:arn:[a-z-]+:lambda:(?P<region>[a-z0-9-]+):)?(?:(?P<account>\d{12}):)?(?:function:)?"
    r"(?P<name>[a-zA-Z0-9-_]+)(?::(?P<qualifier>[a-zA-Z0-9$_-]+))?$"
)
DEFAULTS: dict[str, Any] = {"Timeout": 3, "MemorySize": 128, "Description": "", "Architectures": ["x86_64"]}
KEPT = (
    "Runtime", "Role", "Handler", "Description", "Timeout", "MemorySize", "Architectures", "Environment",
    "LoggingConfig", "DeadLetterConfig", "KMSKeyArn", "TracingConfig", "EphemeralStorage", "Layers", "VpcConfig",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Code:
    """An archive, hashed once: functions of many accounts and Regions run the same bytes."""

    content: bytes
    sha256: bytes

    @classmethod
    def of(cls, content: bytes) -> Code:
        """Hash an archive."""
        return cls(content, hashlib.sha256(content).digest())


@dataclass(slots=True)
class Function:
    """One function. `settings` are its configuration as given."""

    account: str
    region: str
    arn: str
    name: str
    code: Code
    settings: dict[str, Any]
    modified: datetime
    tags: dict[str, str] = field(default_factory=dict)
    statements: list[dict[str, Any]] = field(default_factory=list)
    asynchronous: dict[str, Any] | None = None
    concurrency: int | None = None
    container: Container | None = None
    stream: str | None = None
    logged: bool = False
    invocations: int = 0

    @property
    def digest(self) -> str:
        """The SHA-256 of the code, as a file name can hold it."""
        return self.code.sha256.hex()

    @property
    def variables(self) -> dict[str, str]:
        """The environment variables as given."""
        return dict((self.settings.get("Environment") or {}).get("Variables") or {})

    def configuration(self) -> dict[str, Any]:
        """Return the function's configuration as the API shows it."""
        settings = {**DEFAULTS, **{key: value for key, value in self.settings.items() if value is not None}}
        return {
            **settings,
            "FunctionName": self.name,
            "FunctionArn": self.arn,
            "CodeSize": len(self.code.content),
            "CodeSha256": base64.b64encode(self.code.sha256).decode(),
            "LastModified": self.modified.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "+0000",
            "Version": "$LATEST",
            "PackageType": "Zip",
            "State": "Active",
            "LastUpdateStatus": "Successful",
            "RevisionId": hashlib.sha256(f"{self.arn}{self.modified}{self.digest}".encode()).hexdigest()[:32],
        }


def function_name(call: Call) -> str:
    """The name in a call's FunctionName, which may be an ARN; raises ServiceError for anything else."""
    given = str(call.parameters.get("FunctionName", ""))
    match = FUNCTION_ARN.match(given)
    if match is None:
        raise invalid(f"{given!r} is not a function name")
    if match["region"] not in (None, call.region):
        raise ServiceError("ResourceNotFoundException", f"Functions from '{match['region']}' are not reachable", 404)
    return match["name"]


def function_account(call: Call) -> str:
    """The account that a call's FunctionName or tag ARN names, else the caller's."""
    given = str(call.parameters.get("FunctionName") or call.parameters.get("Resource") or "")
    match = re.match(r"^(?:arn:[a-z-]+:lambda:[a-z0-9-]+:)?(\d{12}):", given)
    return match[1] if match else call.caller.account


def checked_settings(parameters: dict[str, Any]) -> dict[str, Any]:
    """Take a function's settings from a call; raises ServiceError for what Lambda refuses."""
    settings = {key: parameters[key] for key in KEPT if parameters.get(key) is not None}
    timeout = settings.get("Timeout", 3)
    if not 1 <= timeout <= LONGEST_TIMEOUT:
        raise invalid(f"Timeout {timeout} is not between 1 and {LONGEST_TIMEOUT}")
    variables = (settings.get("Environment") or {}).get("Variables") or {}
    reserved = sorted(name for name in variables if name.startswith("AWS_"))
    if reserved:
        raise invalid(f"Lambda was unable to configure your environment variables: {', '.join(reserved)} are reserved")
    size = sum(len(name.encode()) + len(value.encode()) for name, value in variables.items())
    if size > ENVIRONMENT_BYTES:
        raise invalid(
            f"Lambda was unable to configure your environment variables because the environment variables you have "
            f"provided exceeded the 4KB limit: {size} bytes"
        )
    return settings


def invalid(message: str) -> ServiceError:
    """What Lambda answers to a parameter that it does not take."""
    return ServiceError("InvalidParameterValueException", message)


def not_found(arn: str) -> ServiceError:
    """What Lambda answers where a function is not there."""
    return ServiceError("ResourceNotFoundException", f"Function not found: {arn}", 404)


def permission_statement(parameters: dict[str, Any], arn: str, partition: str) -> dict[str, Any]:
    """Write the statement that AddPermission adds. Source: Lambda Developer Guide, "Resource-based policies"."""
    principal = str(parameters["Principal"])
    conditions: dict[str, dict[str, str]] = {}
    if parameters.get("SourceArn"):
        conditions["ArnLike"] = {"AWS:SourceArn": parameters["SourceArn"]}
    action, by_url = str(parameters["Action"]), parameters.get("InvokedViaFunctionUrl")
    if parameters.get("FunctionUrlAuthType") and action != "lambda:InvokeFunctionUrl":
        raise invalid("FunctionUrlAuthType is only supported for lambda:InvokeFunctionUrl action")
    if by_url is not None and action != "lambda:InvokeFunction":
        raise invalid("InvokedViaFunctionUrl is only supported for lambda:InvokeFunction action")
    if by_url:
        conditions["Bool"] = {"lambda:InvokedViaFunctionUrl": "true"}
    equals = {
        "AWS:SourceAccount": parameters.get("SourceAccount"),
        "aws:PrincipalOrgID": parameters.get("PrincipalOrgID"),
        "lambda:FunctionUrlAuthType": parameters.get("FunctionUrlAuthType"),
    }
    if given := {key: value for key, value in equals.items() if value}:
        conditions["StringEquals"] = given
    named: Any = {"Service": principal} if "." in principal and not principal.startswith("arn:") else {"AWS": principal}
    if re.fullmatch(r"\d{12}", principal):
        named = {"AWS": f"arn:{partition}:iam::{principal}:root"}
    statement = {
        "Sid": parameters["StatementId"],
        "Effect": "Allow",
        "Principal": "*" if principal == "*" else named,
        "Action": action,
        "Resource": arn,
    }
    return {**statement, "Condition": conditions} if conditions else statement
