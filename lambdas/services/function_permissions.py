"""The statements of a Lambda function's policy: which let any bucket call, and the calls that add and remove one.

Source: AWS Lambda API Reference, AddPermission and RemovePermission; Lambda Developer Guide, "Using resource-based
policies" and "Control access to Lambda function URLs"; Security Hub Lambda.1: a statement that S3 calls by names the
bucket's account, for whoever makes a bucket of a deleted one's name calls it else.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lambdas.controls.model import Change, Grant, Resource
from lambdas.services.resource_policies import conditions, names_somebody

Statement = Mapping[str, Any]

S3 = "s3.amazonaws.com"
# What AddPermission writes as conditions: operator and key by its parameter. Others cannot be written again.
WRITTEN = {
    ("arnlike", "aws:sourcearn"): "SourceArn",
    ("stringequals", "aws:sourceaccount"): "SourceAccount",
    ("stringequals", "aws:principalorgid"): "PrincipalOrgID",
    ("stringequals", "lambda:eventsourcetoken"): "EventSourceToken",
    ("stringequals", "lambda:functionurlauthtype"): "FunctionUrlAuthType",
    ("bool", "lambda:invokedviafunctionurl"): "InvokedViaFunctionUrl",
}
BY_PRINCIPAL = {"StringEquals": {"lambda:Principal": ["*", S3]}}


def by_any_bucket(statement: Statement) -> bool:
    """Whether S3 may call by a statement for a bucket of any account: no condition names one."""
    if statement["Effect"] != "Allow" or statement["Principal"] != {"Service": S3}:
        return False
    return not any(each[1] == "aws:sourceaccount" and names_somebody(*each) for each in conditions(statement))


def bucket_of(statement: Statement) -> str | None:
    """The name of the bucket that a statement names; None where it names none, or many by a pattern."""
    arn = next((str(value) for _, key, value in conditions(statement) if key == "aws:sourcearn"), "")
    name = arn.rpartition(":")[2]
    return name if name and not {"*", "?"}.intersection(name) else None


def by_url(statement: Statement) -> bool:
    """Whether a statement is what lets callers of a function URL in."""
    return any(
        key in ("lambda:functionurlauthtype", "lambda:invokedviafunctionurl") for _, key, _ in conditions(statement)
    )


def parameters_of(statement: Statement) -> dict[str, Any] | None:
    """The parameters that make AddPermission write a statement again; None where it cannot."""
    principal = statement["Principal"]
    known = {"AWS": "*"}.items() if principal == "*" else principal.items()
    found: dict[str, Any] = {"StatementId": statement["Sid"], "Action": statement["Action"]}
    found["Principal"] = next(value for _, value in known)
    for operator, key, value in conditions(statement):
        parameter = WRITTEN.get((operator, key))
        if parameter is None or not isinstance(value, str):
            return None
        found[parameter] = True if parameter == "InvokedViaFunctionUrl" else value
    return found if all(isinstance(found[name], str) for name in ("Action", "Principal")) else None


def narrowed(statement: Statement, account: str) -> dict[str, Any]:
    """What writes a statement again under a name of its own, for an account's resources; empty where nothing can."""
    again = parameters_of(statement)
    if again is None:
        return {}
    return {**again, "StatementId": f"{again['StatementId']}-of-{account}"[-100:], "SourceAccount": account}


def added(resource: Resource, parameters: Mapping[str, Any], *, undo: bool = False) -> Change:
    """Add a statement; its undo removes it, and an undo itself has none."""
    identifier = parameters["StatementId"]
    return Change(
        name=f"allow-{identifier}",
        service="lambda",
        operation="add_permission",
        parameters={"FunctionName": resource.id, **parameters},
        grants=(Grant("lambda:AddPermission", (resource.arn,), BY_PRINCIPAL),),
        inverse=None if undo else removed(resource, identifier),
        irreversible="it is an undo" if undo else None,
        settled=("ResourceConflictException",),
    )


def removed(resource: Resource, identifier: str, statement: Statement | None = None) -> Change:
    """Remove a statement; the undo writes it again as it was, where AddPermission can. Without one it is an undo."""
    again = parameters_of(statement) if statement is not None else None
    why = "it is an undo" if statement is None else "Lambda's API cannot write the statement's conditions again"
    return Change(
        name=f"remove-{identifier}",
        service="lambda",
        operation="remove_permission",
        parameters={"FunctionName": resource.id, "StatementId": identifier},
        grants=(Grant("lambda:RemovePermission", (resource.arn,)),),
        inverse=added(resource, again, undo=True) if again is not None else None,
        irreversible=None if again is not None else why,
        settled=("ResourceNotFoundException",),
    )
