"""Calls that must be refused: to the endpoint by whom it is not for, and by the hub's new roles beyond their tasks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import boto3
from botocore.exceptions import ClientError

from operations.local_estate import HUB
from operations.signed_request import send
from tests.organization.policy_world import (
    HOME,
    PRODUCTION,
    WITHOUT_FUNCTION,
    WITHOUT_URL,
    Estate,
    assumed,
    session_of,
)

Attack = Callable[[], object]
KINDS = ("lock", "request", "changes", "failures", "untold", "case")


def called(session: boto3.Session, url: str) -> None:
    """Call the endpoint; raises ClientError where Lambda refuses, before any function of ours has run."""
    status, said = send(session, url, HOME, {"action": "stop"})
    if status == 403 and "error" not in said:
        raise ClientError({"Error": {"Code": "403", "Message": str(said)}}, "InvokeFunctionUrl")


def people_attacks(estate: Estate) -> dict[str, Attack]:
    """Everything of this kind."""
    return {**_callers(estate), **_endpoint(estate), **_sweep(estate), **_central(estate), **_steps(estate)}


def _callers(estate: Estate) -> dict[str, Attack]:
    url, names, member = estate.endpoint, estate.names, estate.member(PRODUCTION)
    function = f"arn:aws:lambda:{HOME}:{HUB}:function:{names.approve_function}"
    return {
        "a person without lambda:InvokeFunctionUrl calls the endpoint": lambda: called(estate.person(WITHOUT_URL), url),
        "a person without lambda:InvokeFunction calls the endpoint": lambda: called(
            estate.person(WITHOUT_FUNCTION), url
        ),
        "a member's administrator calls the endpoint": lambda: called(member, url),
        "a member's administrator invokes the endpoint's function": lambda: member.client("lambda").invoke(
            FunctionName=function, Payload=b"{}"
        ),
        "a person invokes the endpoint's function past the URL": lambda: (
            estate.person(WITHOUT_URL).client("lambda").invoke(FunctionName=function, Payload=b"{}")
        ),
    }


def _endpoint(estate: Estate) -> dict[str, Attack]:
    """The endpoint's role: it answers cases and sets the stop, and does nothing itself."""
    names, session = estate.names, estate.function(HUB, estate.names.approve_function)
    dynamodb, state = session.client("dynamodb"), names.state_table
    return {
        **_members(estate, session, "the endpoint"),
        **{
            f"the endpoint writes {kind} items": lambda kind=kind: dynamodb.update_item(  # type: ignore[misc]
                TableName=state, Key={"key": {"S": f"{kind}#1"}}
            )
            for kind in KINDS
            if kind != "case"
        },
        "the endpoint reads locks": lambda: dynamodb.get_item(TableName=state, Key={"key": {"S": "lock#1"}}),
        "the endpoint replaces a case": lambda: dynamodb.put_item(TableName=state, Item={"key": {"S": "case#1"}}),
        "the endpoint deletes a case": lambda: dynamodb.delete_item(TableName=state, Key={"key": {"S": "case#1"}}),
        "the endpoint scans the state": lambda: dynamodb.scan(TableName=state),
        "the endpoint inserts into the state": lambda: _inserted(dynamodb, state, "untold#1"),
        "the endpoint updates a finding": lambda: _updated(session, "RESOLVED"),
        "the endpoint tells people": lambda: session.client("sns").publish(
            TopicArn=f"arn:aws:sns:{HOME}:{HUB}:{names.topic}", Message="hello"
        ),
        "the endpoint takes findings": lambda: session.client("sqs").receive_message(QueueUrl=_queue(estate)),
    }


def _sweep(estate: Estate) -> dict[str, Attack]:
    """The sweep's role: it asks again and tells, and neither answers, stops nor changes anything."""
    names, session = estate.names, estate.function(HUB, estate.names.sweep_function)
    dynamodb, state = session.client("dynamodb"), names.state_table

    def deleted(key: str) -> object:
        return dynamodb.batch_write_item(RequestItems={state: [{"DeleteRequest": {"Key": {"key": {"S": key}}}}]})

    return {
        # It reads policies, to see which exemptions are no more.
        **{
            name: one
            for name, one in _members(estate, session, "the sweep").items()
            if "reads an account's" not in name
        },
        "the sweep writes the emergency stop": lambda: dynamodb.update_item(
            TableName=state, Key={"key": {"S": "stop"}}
        ),
        "the sweep deletes the emergency stop": lambda: deleted("stop"),
        **{
            f"the sweep writes {kind} items": lambda kind=kind: dynamodb.update_item(  # type: ignore[misc]
                TableName=state, Key={"key": {"S": f"{kind}#1"}}
            )
            for kind in KINDS
            if kind != "case"
        },
        "the sweep deletes a case": lambda: deleted("case#1"),
        "the sweep deletes a lock": lambda: deleted("lock#1"),
        "the sweep reads the whole state": lambda: dynamodb.scan(TableName=state),
        "the sweep writes into the ledger": lambda: _recorded(dynamodb, names.ledger_table),
        **{
            f"the sweep sets a finding to {status}": lambda status=status: _updated(session, status)  # type: ignore[misc]
            for status in ("SUPPRESSED", "RESOLVED", "NOTIFIED")
        },
        "the sweep starts steps": lambda: _started(session, names.advance_machine),
    }


def _central(estate: Estate) -> dict[str, Attack]:
    """The central role: neither the stop nor the digest's items are its own to change."""
    names, session = estate.names, estate.function(HUB, estate.names.remediation_role)
    dynamodb, state = session.client("dynamodb"), names.state_table
    return {
        "the central role writes the emergency stop": lambda: dynamodb.update_item(
            TableName=state, Key={"key": {"S": "stop"}}
        ),
        "the central role inserts the emergency stop": lambda: _inserted(dynamodb, state, "stop"),
        "the central role ends the emergency stop": lambda: dynamodb.execute_statement(
            Statement=f'UPDATE "{state}" REMOVE "stopped" WHERE "key" = ?', Parameters=[{"S": "stop"}]
        ),
        "the central role inserts a case": lambda: _inserted(dynamodb, state, "case#1"),
        "the central role changes what is untold": lambda: dynamodb.update_item(
            TableName=state, Key={"key": {"S": "untold#1"}}
        ),
        "the central role reads the whole state": lambda: dynamodb.scan(TableName=state),
        "the central role starts another state machine": lambda: _started(session, "another"),
        "the central role stops an execution": lambda: session.client("stepfunctions").stop_execution(
            executionArn=f"arn:aws:states:{HOME}:{HUB}:execution:{names.advance_machine}:r-1-1"
        ),
    }


def _steps(estate: Estate) -> dict[str, Attack]:
    """The role of the state machine, and who else may want it or send by another's rule."""
    names, organization = estate.names, estate.organization
    role = f"{names.advance_machine}-machine"

    def entered(service: str, account: str, name: str) -> Any:
        caller = organization.world.as_service(service, account=account)
        parameters = {"RoleArn": f"arn:aws:iam::{HUB}:role/{name}", "RoleSessionName": "attack"}
        return organization.do(
            lambda: organization.world.call(caller, "sts", "AssumeRole", parameters, region=HOME, account=HUB)
        )

    def machine() -> boto3.Session:
        return session_of(entered("states.amazonaws.com", HUB, role)["Credentials"], HOME)

    def sent(rule: str) -> object:
        arn = f"arn:aws:events:{HOME}:{HUB}:rule/{rule}"
        caller = organization.world.as_service("events.amazonaws.com", account=HUB, arn=arn)
        message = {"QueueUrl": _queue(estate), "MessageBody": "{}"}
        return organization.do(
            lambda: organization.world.call(caller, "sqs", "SendMessage", message, region=HOME, account=HUB)
        )

    return {
        "Step Functions of a member enters the machine's role": lambda: entered(
            "states.amazonaws.com", PRODUCTION, role
        ),
        "Lambda enters the machine's role": lambda: entered("lambda.amazonaws.com", HUB, role),
        "Step Functions enters the central role": lambda: entered("states.amazonaws.com", HUB, names.remediation_role),
        "the hub's administrator enters the machine's role": lambda: assumed(
            estate.hub, f"arn:aws:iam::{HUB}:role/{role}"
        ),
        "the hub's administrator enters the endpoint's role": lambda: assumed(
            estate.hub, f"arn:aws:iam::{HUB}:role/{names.approve_function}"
        ),
        "the machine invokes the endpoint's function": lambda: (
            machine().client("lambda").invoke(FunctionName=names.approve_function, Payload=b"{}")
        ),
        "the machine reads the ledger": lambda: machine().client("dynamodb").scan(TableName=names.ledger_table),
        "the sweep's rule sends a finding": lambda: sent(names.sweep_function),
        "another rule of the hub sends a finding": lambda: sent("another"),
    }


def _members(estate: Estate, session: boto3.Session, who: str) -> dict[str, Attack]:
    """Roles of members, and tables that are another's."""
    names = estate.names
    roles = (names.reader_role, names.writer_role, "palisade-deployment")
    return {
        **{
            f"{who} enters {role}": lambda role=role: assumed(session, f"arn:aws:iam::{PRODUCTION}:role/{role}")  # type: ignore[misc]
            for role in roles
        },
        f"{who} reads an account's policy": lambda: session.client("dynamodb").get_item(
            TableName=names.policies_table, Key={"environment": {"S": "production"}, "account": {"S": PRODUCTION}}
        ),
        f"{who} writes an account's policy": lambda: session.client("dynamodb").put_item(
            TableName=names.policies_table,
            Item={"environment": {"S": "production"}, "account": {"S": PRODUCTION}, "document": {"S": "{}"}},
        ),
        f"{who} changes the ledger": lambda: session.client("dynamodb").update_item(
            TableName=names.ledger_table, Key={"remediation": {"S": "r-1"}, "entry": {"S": "outcome"}}
        ),
    }


def _inserted(dynamodb: Any, table: str, key: str) -> object:
    return dynamodb.execute_statement(Statement=f"INSERT INTO \"{table}\" VALUE {{'key': ?}}", Parameters=[{"S": key}])


def _recorded(dynamodb: Any, table: str) -> object:
    return dynamodb.execute_statement(
        Statement=f"INSERT INTO \"{table}\" VALUE {{'remediation': ?, 'entry': ?}}",
        Parameters=[{"S": "r-1"}, {"S": "outcome"}],
    )


def _updated(session: boto3.Session, status: Any) -> object:
    product = f"arn:aws:securityhub:{HOME}:{PRODUCTION}:product/{PRODUCTION}/default"
    return session.client("securityhub").batch_update_findings(
        FindingIdentifiers=[{"Id": "x", "ProductArn": product}], Workflow={"Status": status}
    )


def _started(session: boto3.Session, machine: str) -> object:
    arn = f"arn:aws:states:{HOME}:{HUB}:stateMachine:{machine}"
    return session.client("stepfunctions").start_execution(stateMachineArn=arn, input="{}")


def _queue(estate: Estate) -> str:
    return f"https://sqs.{HOME}.amazonaws.com/{HUB}/{estate.names.findings_queue}"
