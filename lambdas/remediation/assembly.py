"""Puts the pipeline together in a function of the hub: settings, clients and the readers' sessions are made once."""

from __future__ import annotations

from functools import cache

import boto3
from botocore.config import Config

from lambdas.environment import Environment
from lambdas.remediation.access import Access
from lambdas.remediation.closing import Closing
from lambdas.remediation.guard import Guard
from lambdas.remediation.long_plans import Executions
from lambdas.remediation.pipeline import Pipeline
from lambdas.remediation.policy import Policies
from lambdas.remediation.record import Ledger, Objects
from lambdas.remediation.tell import Voice
from lambdas.sessions import KeptClients

# A message that was sent twice reaches two people's telephones; the service's own retries are enough.
RETRIES = Config(retries={"mode": "standard", "total_max_attempts": 5})


@cache
def pipeline_of(function_arn: str) -> Pipeline:
    """Return the pipeline of the hub that the function with this ARN is part of; kept per container."""
    _, partition, _, region, account, *_ = function_arn.split(":")
    environment = Environment.read()
    session = boto3.Session()
    settings = environment.settings(session)
    names = environment.names
    dynamodb = session.client("dynamodb", config=RETRIES)
    # Organizations has one endpoint per partition, which its client finds by the Region.
    return Pipeline(
        partition=partition,
        policies=Policies(
            dynamodb=dynamodb,
            organizations=session.client("organizations", config=RETRIES),
            table=names.policies_table,
            environments=settings["environments"],
        ),
        access=Access(names, session.client("sts", config=RETRIES)),
        closing=Closing(
            guard=Guard(dynamodb, names.state_table, settings["limits"]),
            ledger=Ledger(dynamodb, names.ledger_table, Objects.of(names, session, account, region)),
            voice=Voice(
                session.client("securityhub", config=RETRIES),
                session.client("sns", config=RETRIES),
                f"arn:{partition}:sns:{region}:{account}:{names.topic}",
                settings["message_format"],
            ),
        ),
        # Few remediations take long: their client is made when the first one does.
        executions=Executions(
            KeptClients(), f"arn:{partition}:states:{region}:{account}:stateMachine:{names.advance_machine}"
        ),
    )
