"""Puts the pipeline together in a function of the hub: settings, clients and the readers' sessions are made once."""

from __future__ import annotations

from functools import cache

from lambdas.remediation.access import Access
from lambdas.remediation.closing import Closing
from lambdas.remediation.hub import Hub
from lambdas.remediation.long_plans import Executions
from lambdas.remediation.pipeline import Pipeline
from lambdas.remediation.policy import Policies
from lambdas.sessions import KeptClients


@cache
def pipeline_of(function_arn: str) -> Pipeline:
    """Return the pipeline of the hub that the function with this ARN is part of; kept per container."""
    hub = Hub.of(function_arn)
    # Organizations has one endpoint per partition, which its client finds by the Region.
    return Pipeline(
        partition=hub.partition,
        policies=Policies(
            dynamodb=hub.guard.dynamodb,
            organizations=hub.client("organizations"),
            table=hub.names.policies_table,
            environments=hub.settings["environments"],
        ),
        access=Access(hub.names, hub.client("sts")),
        closing=Closing(guard=hub.guard, ledger=hub.ledger, voice=hub.voice()),
        # Few remediations take long: their client is made when the first one does.
        executions=Executions(KeptClients(), hub.arn("states", f"stateMachine:{hub.names.advance_machine}")),
    )
