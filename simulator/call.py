"""What passes the front door: who calls, which operation, with which parameters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


class ServiceError(Exception):
    """An error as AWS would answer it: an error code, a message and an HTTP status."""

    def __init__(self, code: str, message: str, status: int = 400, fields: Mapping[str, Any] | None = None) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status
        self.fields = dict(fields or {})


def not_simulated(what: str, *, several: bool = False) -> ServiceError:
    """The error that names what the local organisation does not have."""
    verb = "are" if several else "is"
    return ServiceError("NotImplemented", f"{what} {verb} not simulated (docs/local-organisation.md)", 501)


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls: an account's root, a user, a role's session, a federated user's session, or an AWS service.

    `arn` is the principal as AWS reports it (a session ARN for roles), `role` the ARN of the role, or of the user
    that federated, whose session it is, `unique_id` the AROA/AIDA id with the session name. `session_policies`,
    `session_tags` and which of them are transitive come from AssumeRole. `issued` and `expires` are of temporary
    credentials. A service has `service` (its principal name) and no
    account; `source_account` and `source_arn` say for whom it calls.
    """

    arn: str
    account: str
    kind: str  # "root", "user", "session", "federated-user", "federated" (a provider), "service", "anonymous"
    role: str | None = None
    session_name: str | None = None
    unique_id: str = ""
    source_identity: str | None = None
    session_policies: tuple[Mapping[str, Any], ...] = ()
    session_tags: Mapping[str, str] = field(default_factory=dict)
    transitive_tags: frozenset[str] = frozenset()
    chained: bool = False
    issued: datetime | None = None
    expires: datetime | None = None
    service: str | None = None
    source_account: str | None = None
    source_arn: str | None = None
    source_org: str | None = None
    via: str | None = None  # the service that forwards the caller's request (kms:ViaService, aws:CalledVia)


@dataclass(slots=True)
class Call:
    """One API call. `account` owns what is addressed; it differs from the caller's where an ARN or URL says so."""

    service: str  # boto3's name of the service: "securityhub", "stepfunctions", "elbv2"
    operation: str  # as the service model names it: "BatchImportFindings"
    parameters: dict[str, Any]
    region: str
    partition: str
    account: str
    caller: Caller
    request: Any = None  # moto's Request; None for calls that are forwarded inside the simulator
    request_id: str = ""
