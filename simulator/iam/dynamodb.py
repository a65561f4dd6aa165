"""DynamoDB's item operations: one call may need several actions, on several tables and keys.

Source: DynamoDB Developer Guide, "Using IAM with transactions", "IAM security policies with PartiQL
for DynamoDB" and "Using IAM policy conditions for fine-grained access control".
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from moto.backends import get_backend

from simulator.call import Call, ServiceError
from simulator.iam.lookups import is_arn
from simulator.iam.patterns import Context

TRANSACTION_ACTIONS = {
    "Get": "GetItem", "Put": "PutItem", "Update": "UpdateItem", "Delete": "DeleteItem",
    "ConditionCheck": "ConditionCheckItem",
}  # fmt: skip
PARTIQL_ACTIONS = {
    "SELECT": "PartiQLSelect", "INSERT": "PartiQLInsert", "UPDATE": "PartiQLUpdate", "DELETE": "PartiQLDelete",
}  # fmt: skip
# The words of a statement: texts in single quotes, names in double quotes, placeholders, the rest.
TOKEN = re.compile(r"'(?:[^']|'')*'|\"[^\"]*\"|\?|[\w-]+|[^\s\w]")
EQUALITY = re.compile(r"(#?[\w.-]+)\s*=\s*(:\w+)")


@dataclass(frozen=True, slots=True)
class ItemAccess:
    """One action on one table or index."""

    action: str
    resource: str
    context: Context


def item_accesses(call: Call) -> tuple[ItemAccess, ...] | None:
    """Return what an item operation needs; None for the operations that address a table as a whole."""
    find = _OPERATIONS.get(call.operation)
    return None if find is None else tuple(find(call))


def _transaction(call: Call) -> Iterator[ItemAccess]:
    for item in call.parameters["TransactItems"]:
        for kind, request in item.items():
            table = request["TableName"]
            keys = _leading(call, table, [request.get("Key") or request.get("Item") or {}])
            enclosing = {"dynamodb:EnclosingOperation": call.operation}
            yield ItemAccess(f"dynamodb:{TRANSACTION_ACTIONS[kind]}", _table_arn(call, table), {**keys, **enclosing})


def _batch(call: Call) -> Iterator[ItemAccess]:
    for table, request in call.parameters["RequestItems"].items():
        keys: Sequence[Mapping[str, Any]]
        if isinstance(request, Mapping):
            keys = request["Keys"]
        else:
            keys = [next(iter(write.values())) for write in request]
            keys = [write.get("Item") or write.get("Key") or {} for write in keys]
        yield ItemAccess(f"dynamodb:{call.operation}", _table_arn(call, table), _leading(call, table, keys))


def _single(call: Call) -> Iterator[ItemAccess]:
    table = call.parameters["TableName"]
    key = call.parameters.get("Key") or call.parameters.get("Item") or {}
    yield ItemAccess(f"dynamodb:{call.operation}", _table_arn(call, table), _leading(call, table, [key]))


def _query(call: Call) -> Iterator[ItemAccess]:
    table, index = call.parameters["TableName"], call.parameters.get("IndexName")
    values = [{name: value} for name, value in _equalities(call.parameters)]
    arn = _table_arn(call, table)
    keys = _leading(call, table, values, index)
    # A query of an index needs the index alone.
    yield ItemAccess(f"dynamodb:{call.operation}", f"{arn}/index/{index}" if index else arn, keys)


def _equalities(parameters: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    names = parameters.get("ExpressionAttributeNames") or {}
    values = parameters.get("ExpressionAttributeValues") or {}
    for name, value in EQUALITY.findall(parameters.get("KeyConditionExpression") or ""):
        yield names.get(name, name), values.get(value)
    for name, condition in (parameters.get("KeyConditions") or {}).items():
        if condition.get("ComparisonOperator") == "EQ":
            yield name, condition["AttributeValueList"][0]


def _statements(call: Call) -> Iterator[ItemAccess]:
    listed = call.parameters.get("Statements") or call.parameters.get("TransactStatements") or [call.parameters]
    enclosing = {} if call.operation == "ExecuteStatement" else {"dynamodb:EnclosingOperation": call.operation}
    for item in listed:
        access = _statement(call, item["Statement"], item.get("Parameters") or ())
        yield ItemAccess(access.action, access.resource, {**access.context, **enclosing})


def _statement(call: Call, text: str, parameters: Sequence[Mapping[str, Any]]) -> ItemAccess:
    tokens = TOKEN.findall(text)
    verb = tokens[0].upper() if tokens else ""
    if verb == "EXISTS":
        # EXISTS(SELECT ...) in a transaction is a condition check.
        verb, tokens = "SELECT", tokens[2:]
    if verb not in PARTIQL_ACTIONS:
        raise ServiceError("ValidationException", "Statement wasn't well formed, can't be processed: Unexpected term")
    words = [token.upper() for token in tokens]
    marker = {"SELECT": "FROM", "INSERT": "INTO", "UPDATE": "UPDATE", "DELETE": "FROM"}[verb]
    if marker not in words or words.index(marker) + 1 >= len(tokens):
        raise ServiceError("ValidationException", "Statement wasn't well formed, can't be processed: no table")
    place = words.index(marker) + 1
    table = tokens[place].strip('"')
    index = tokens[place + 2].strip('"') if tokens[place + 1 : place + 2] == ["."] else None
    arn = _table_arn(call, table)
    values = [{name: value} for name, value in _assignments(tokens, parameters)]
    return ItemAccess(
        f"dynamodb:{PARTIQL_ACTIONS[verb]}",
        f"{arn}/index/{index}" if index else arn,
        _leading(call, table, values, index),
    )


def _assignments(tokens: Sequence[str], parameters: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, Any]]:
    """Find `name = value` and `'name': value` in a statement, with placeholders filled in."""
    used = 0
    for number, word in enumerate(tokens):
        before = tokens[number - 2] if number > 1 and tokens[number - 1] in ("=", ":") else None
        value: Any = None
        if word == "?":
            value = parameters[used] if used < len(parameters) else None
            used += 1
        elif word.startswith("'"):
            value = {"S": word[1:-1].replace("''", "'")}
        if before is not None and value is not None:
            yield before.strip("\"'"), value


def _table_arn(call: Call, table: str) -> str:
    return table if is_arn(table) else f"arn:{call.partition}:dynamodb:{call.region}:{call.account}:table/{table}"


def _leading(call: Call, table: str, items: Sequence[Mapping[str, Any]], index: str | None = None) -> Context:
    """Return `dynamodb:LeadingKeys`, the partition keys that the call names, where they are known."""
    name = _hash_key(call, table, index)
    if name is None:
        return {}
    values = [next(iter(item[name].values())) for item in items if item.get(name)]
    return {"dynamodb:LeadingKeys": tuple(dict.fromkeys(str(value) for value in values))} if values else {}


def _hash_key(call: Call, table: str, index: str | None) -> str | None:
    parts = _table_arn(call, table).split(":", 5)
    known = get_backend("dynamodb")[parts[4]][parts[3]].tables.get(parts[5].removeprefix("table/"))
    if known is None:
        return None
    schema = known.schema
    for each in (*known.global_indexes, *known.indexes):
        if each.name == index:
            schema = each.schema
    return next((key["AttributeName"] for key in schema if key["KeyType"] == "HASH"), None)


_OPERATIONS = {
    "TransactGetItems": _transaction,
    "TransactWriteItems": _transaction,
    "BatchGetItem": _batch,
    "BatchWriteItem": _batch,
    "GetItem": _single,
    "PutItem": _single,
    "UpdateItem": _single,
    "DeleteItem": _single,
    "Query": _query,
    "Scan": _query,
    "ExecuteStatement": _statements,
    "BatchExecuteStatement": _statements,
    "ExecuteTransaction": _statements,
}
