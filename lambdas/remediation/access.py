"""Sessions in member accounts: the reader, kept for an hour, and the writer, one per plan.

Regional STS endpoints, for tokens of the global one do not work in opt-in Regions. Role chaining
limits every session to one hour.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from boto3 import Session
from botocore.exceptions import ClientError
from botocore.session import Session as CoreSession

from lambdas.controls.model import Resource
from lambdas.names import Names
from lambdas.sessions import KeptClients, loader

HOUR = 3600
# A session that is about to end must not begin a plan.
MARGIN = 600


class RoleError(Exception):
    """A role of a member account cannot be assumed: the member is not deployed, or a guardrail forbids it."""


@dataclass
class Access:
    """Assumes the roles of member accounts."""

    names: Names
    sts: Any
    _credentials: dict[str, tuple[float, Mapping[str, str]]] = field(default_factory=dict)
    _readers: dict[tuple[str, str], tuple[float, Session]] = field(default_factory=dict)

    def reader(self, resource: Resource) -> Session:
        """Return a session that may read in the account and Region of a resource; one role call an account and hour."""
        until, credentials = self._credentials.get(resource.account, (0.0, {}))
        if until - time.time() < MARGIN:
            until = time.time() + HOUR
            credentials = self._assume(resource, self.names.reader_role, f"{self.names.prefix}-reader", {})
            self._credentials[resource.account] = (until, credentials)
        known_until, session = self._readers.get((resource.account, resource.region), (0.0, None))
        if session is None or known_until != until:
            session = _session(credentials, resource.region)
            self._readers[resource.account, resource.region] = (until, session)
        return session

    def writer(self, resource: Resource, remediation: str, policy: str) -> Session:
        """Return a session that may do exactly what `policy` says; the remediation's id is in its name and identity."""
        extra = {"Policy": policy, "SourceIdentity": remediation}
        name = f"{self.names.prefix}-{remediation}"
        return _session(self._assume(resource, self.names.writer_role, name, extra), resource.region)

    def _assume(self, resource: Resource, role: str, name: str, extra: Mapping[str, Any]) -> Mapping[str, str]:
        arn = f"arn:{resource.partition}:iam::{resource.account}:role/{role}"
        try:
            answer = self.sts.assume_role(RoleArn=arn, RoleSessionName=name, DurationSeconds=HOUR, **extra)
        except ClientError as error:
            if error.response["Error"]["Code"] != "AccessDenied":
                raise
            raise RoleError(
                f"{arn} cannot be assumed; deploy the member stack of account {resource.account}, "
                "or see which guardrail of the organization denies it"
            ) from error
        credentials: Mapping[str, str] = answer["Credentials"]
        return credentials


def _session(credentials: Mapping[str, str], region: str) -> Session:
    core = CoreSession()
    core.register_component("data_loader", loader())
    return KeptClients(
        aws_access_key_id=credentials["AccessKeyId"],
        aws_secret_access_key=credentials["SecretAccessKey"],
        aws_session_token=credentials["SessionToken"],
        region_name=region,
        botocore_session=core,
    )
