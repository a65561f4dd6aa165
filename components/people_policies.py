"""The policies of the hub's functions that serve people: the endpoint, the sweep, and the state machine's role."""

from __future__ import annotations

from collections.abc import Sequence

from components.documents import Statement, allow, deny, document, leading_keys
from components.estate import Estate
from components.hub_policies import read_large_entries
from components.member_policies import log_statement, settings_statements


def _key(estate: Estate, actions: Sequence[str], *services: str) -> Statement:
    """The use of the hub's key by way of services: items need its decryption alone, messages a data key too.

    Source: DynamoDB Developer Guide, "DynamoDB encryption at rest usage notes"; SNS Developer Guide, "Key management".
    """
    home = estate.home_region
    return allow(
        "UseKey",
        actions,
        estate.arn("kms", "key/*", region=home, account=estate.hub),
        {"StringEquals": {"kms:ViaService": [estate.endpoint(service, home) for service in services]}},
    )


def endpoint_policy(estate: Estate) -> str:
    """What the endpoint may do: read ledger and cases, write answers and the emergency stop, and set them going."""
    names, home = estate.names, estate.home_region
    return document(
        *settings_statements(estate, (home,)),
        allow("ReadCases", ["dynamodb:GetItem"], estate.hub_table(names.state_table), leading_keys("case#*")),
        allow(
            "WriteAnswers", ["dynamodb:UpdateItem"], estate.hub_table(names.state_table), leading_keys("case#*", "stop")
        ),
        # Append-only, as everywhere.
        allow("AppendLedger", ["dynamodb:PartiQLInsert", "dynamodb:Query"], estate.hub_table(names.ledger_table)),
        read_large_entries(estate),
        allow("SetGoing", ["sqs:GetQueueUrl", "sqs:SendMessage"], estate.hub_queue(names.findings_queue)),
        _key(estate, ["kms:Decrypt"], "dynamodb"),
        log_statement(estate, estate.hub, (home,), names.approve_function),
    )


def sweep_policy(estate: Estate) -> str:
    """What the sweep may do: find what is due, ask for findings again, tell people."""
    names, home, hub = estate.names, estate.home_region, estate.hub
    state = estate.hub_table(names.state_table)
    security_hub = estate.arn("securityhub", "hub/default", region=home, account=hub)
    return document(
        *settings_statements(estate, (home,)),
        allow("FindDue", ["dynamodb:Query"], f"{state}/index/by-due"),
        allow("ReadCases", ["dynamodb:GetItem"], state, leading_keys("case#*", "stop")),
        allow("MoveCases", ["dynamodb:UpdateItem"], state, leading_keys("case#*")),
        allow("ForgetTold", ["dynamodb:BatchWriteItem"], state, leading_keys("untold#*")),
        allow("ReadPolicies", ["dynamodb:GetItem"], estate.hub_table(names.policies_table)),
        allow("ReadLedger", ["dynamodb:Query"], estate.hub_table(names.ledger_table)),
        read_large_entries(estate),
        allow("SetGoing", ["sqs:GetQueueUrl", "sqs:SendMessage"], estate.hub_queue(names.findings_queue)),
        allow("ReadFindings", ["securityhub:GetFindings"], security_hub),
        allow("AskAgain", ["securityhub:BatchUpdateFindings"], security_hub),
        # Source: AWS Security Hub User Guide, "Configuring access to BatchUpdateFindings", which documents denials.
        deny(
            "SetNothingAside",
            ["securityhub:BatchUpdateFindings"],
            security_hub,
            {
                "StringEquals": {
                    "securityhub:ASFFSyntaxPath/Workflow.Status": ["NOTIFIED", "RESOLVED", "SUPPRESSED"],
                }
            },
        ),
        allow("Tell", ["sns:Publish"], estate.topic),
        _key(estate, ["kms:Decrypt", "kms:GenerateDataKey"], "dynamodb", "sns"),
        log_statement(estate, hub, (home,), names.sweep_function),
    )


def steps_policy(estate: Estate) -> str:
    """What the state machine may do: invoke the function that makes a step."""
    function = estate.arn(
        "lambda", f"function:{estate.names.advance_function}", region=estate.home_region, account=estate.hub
    )
    return document(allow("MakeSteps", ["lambda:InvokeFunction"], function))
