"""State machines: what is kept of them, and what creation refuses.

Source: Step Functions API Reference, "CreateStateMachine", "UpdateStateMachine" and "DescribeStateMachine"; Step
Functions Developer Guide, "Step Functions service quotas" (names).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from simulator.call import ServiceError, not_simulated

NAME = re.compile(r"[^\s?*<>{}\[\]\"#%\\^|~`$&,;:/\x00-\x1f\x7f-\x9f]{1,80}")
ARN = re.compile(r"arn:[a-z-]+:states:[a-z0-9-]+:\d{12}:stateMachine:([^:/]+)(:[^:]+)?")
ROLE = re.compile(r"arn:[a-z-]+:iam::(\d{12}):role/.+")
LOGGING: Mapping[str, Any] = {"level": "OFF", "includeExecutionData": False}
TRACING: Mapping[str, Any] = {"enabled": False}
TAGS = 50


@dataclass(slots=True)
class StateMachine:
    """A state machine of an account and Region; `deleting` while its executions end."""

    account: str
    region: str
    name: str
    arn: str
    role: str
    definition: Mapping[str, Any]
    text: str
    created: datetime
    updated: datetime
    revision: str
    logging: Mapping[str, Any]
    tracing: Mapping[str, Any]
    tags: dict[str, str] = field(default_factory=dict)
    deleting: bool = False

    def response(self) -> dict[str, Any]:
        """Return the state machine as DescribeStateMachine shows it."""
        shown = {
            "stateMachineArn": self.arn,
            "name": self.name,
            "status": "DELETING" if self.deleting else "ACTIVE",
            "definition": self.text,
            "roleArn": self.role,
            "type": "STANDARD",
            "creationDate": self.created,
            "loggingConfiguration": dict(self.logging),
            "tracingConfiguration": dict(self.tracing),
        }
        # AWS shows a revision once there is a second one.
        return {**shown, "revisionId": self.revision} if self.revision else shown

    def listed(self) -> dict[str, Any]:
        """Return the state machine as ListStateMachines shows it."""
        return {"stateMachineArn": self.arn, "name": self.name, "type": "STANDARD", "creationDate": self.created}


def check_name(name: str) -> None:
    """Refuse a name of a state machine or an execution; raises ServiceError."""
    if not NAME.fullmatch(name):
        raise ServiceError("InvalidName", f"Invalid Name: '{name}'")


def machine_name(arn: str) -> str:
    """The name in a state machine's ARN; raises ServiceError for other ARNs, and for versions and aliases."""
    found = ARN.fullmatch(arn)
    if found is None:
        raise ServiceError("InvalidArn", f"Invalid Arn: '{arn}'")
    if found[2]:
        raise not_simulated("versions and aliases of state machines", several=True)
    return found[1]


def account_of(arn: str | None) -> str | None:
    """The account that an ARN names; None where it is no ARN."""
    parts = (arn or "").split(":")
    return parts[4] if len(parts) > 5 and parts[4] else None


def settings(parameters: Mapping[str, Any]) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """Take logging and tracing from a call; raises ServiceError InvalidLoggingConfiguration."""
    logging = {**LOGGING, **(parameters.get("loggingConfiguration") or {})}
    if logging["level"] != "OFF" and len(logging.get("destinations") or ()) != 1:
        raise ServiceError(
            "InvalidLoggingConfiguration",
            "Invalid Logging Configuration: Must specify exactly one Log Destination.",
        )
    return logging, {**TRACING, **(parameters.get("tracingConfiguration") or {})}


def refuse_beyond(parameters: Mapping[str, Any]) -> None:
    """Refuse what is not simulated; raises ServiceError NotImplemented."""
    if parameters.get("type") == "EXPRESS":
        raise not_simulated("state machines of type EXPRESS", several=True)
    if parameters.get("publish") or parameters.get("versionDescription"):
        raise not_simulated("versions and aliases of state machines", several=True)
    if (parameters.get("encryptionConfiguration") or {}).get("type") == "CUSTOMER_MANAGED_KMS_KEY":
        raise not_simulated("encryption of state machines by a customer managed key")


def tags_of(given: Any) -> dict[str, str]:
    """The tags of a call as a map."""
    return {tag["key"]: tag.get("value", "") for tag in given or ()}
