"""What every function of the hub is made of: settings, ledger, guard and voice, made once per container."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import boto3
from botocore.config import Config

from lambdas.environment import Environment
from lambdas.names import Names
from lambdas.remediation.guard import Guard
from lambdas.remediation.record import Ledger, Objects
from lambdas.remediation.tell import Voice

# A message that was sent twice reaches two people's telephones; the service's own retries are enough.
RETRIES = Config(retries={"mode": "standard", "total_max_attempts": 5})


@dataclass(frozen=True, slots=True)
class Hub:
    """The hub as one of its functions sees it."""

    partition: str
    region: str
    account: str
    session: boto3.Session
    names: Names
    settings: Mapping[str, Any]
    guard: Guard
    ledger: Ledger

    @classmethod
    def of(cls, function_arn: str) -> Hub:
        """Read environment and settings of the function with this ARN."""
        _, partition, _, region, account, *_ = function_arn.split(":")
        environment = Environment.read()
        session = boto3.Session()
        settings = environment.settings(session)
        names = environment.names
        dynamodb = session.client("dynamodb", config=RETRIES)
        return cls(
            partition=partition,
            region=region,
            account=account,
            session=session,
            names=names,
            settings=settings,
            guard=Guard(dynamodb, names.state_table, settings["limits"]),
            ledger=Ledger(dynamodb, names.ledger_table, Objects.of(names, session, account, region)),
        )

    def client(self, service: str) -> Any:
        """Make a client of the hub's home Region."""
        clients: Any = self.session.client  # the stubs know literal names only
        return clients(service, config=RETRIES)

    def arn(self, service: str, resource: str) -> str:
        """The ARN of something of the hub in its home Region."""
        return f"arn:{self.partition}:{service}:{self.region}:{self.account}:{resource}"

    def voice(self) -> Voice:
        """Make what tells people."""
        topic = self.arn("sns", self.names.topic)
        return Voice(self.client("securityhub"), self.client("sns"), topic, self.settings["message_format"])
