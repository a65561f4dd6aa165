"""DynamoDB of the local organisation: what has to differ from moto, which keeps the tables.

moto lets a PartiQL INSERT write over an existing item, knows little of PartiQL updates, and copies
whole tables for each transaction. Source: DynamoDB API Reference, "TransactWriteItems",
"ExecuteStatement", "ExecuteTransaction"; error reasons in "TransactionCanceledException".
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from moto.backends import get_backend
from moto.dynamodb.comparisons import get_filter_expression
from moto.dynamodb.models.table import Table

from simulator.call import Call, ServiceError, not_simulated
from simulator.service import Service
from simulator.services.event_arn import Arn
from simulator.services.partiql import Insert, translate

MOST_ITEMS = 100
READS = ("SELECT",)


class DynamoDb(Service):
    """Tables of moto, with transactions and PartiQL writes as DynamoDB does them."""

    name: ClassVar[str] = "dynamodb"

    def owner(self, call: Call) -> str:
        """The account in a table's ARN, else the caller's."""
        given = str(call.parameters.get("TableName") or call.parameters.get("ResourceArn") or "")
        return Arn.parse(given).account if given.startswith("arn:") else call.caller.account

    def after(self, call: Call, response: Mapping[str, Any]) -> None:
        """Encrypt a table otherwise when it is updated; moto takes no notice of it."""
        given = call.parameters.get("SSESpecification")
        if call.operation != "UpdateTable" or given is None:
            return
        table, written = self._table(call, call.parameters["TableName"]), dict(given)
        if written.get("Enabled") and "KMSMasterKeyId" not in written:
            written["KMSMasterKeyId"] = table._get_default_encryption_key(call.account, call.region)
        table.sse_specification = written

    def transact_write_items(self, call: Call) -> dict[str, Any]:
        """Do all of several writes, or none."""
        items = []
        for item in call.parameters["TransactItems"]:
            if len(item) != 1:
                raise _invalid("TransactItems can only contain one of Check, Put, Update or Delete")
            items.append(next(iter(item.items())))
        self._transact(call, items, {})
        return {}

    def execute_statement(self, call: Call) -> dict[str, Any]:
        """Insert or update one item by PartiQL; a SELECT is refused as not simulated."""
        statement = call.parameters["Statement"]
        kind, write = self._write(call, statement, call.parameters.get("Parameters") or ())
        try:
            self._transact(call, [(kind, write)], {0: "DuplicateItem"} if kind == "Put" else {})
        except ServiceError as error:
            reasons = error.fields.get("CancellationReasons")
            if not reasons:
                raise
            if kind == "Put":
                raise ServiceError(
                    "DuplicateItemException", "Duplicate primary key exists in table", fields={}
                ) from error
            raise ServiceError("ConditionalCheckFailedException", "The conditional request failed") from error
        return {"Items": []}

    def execute_transaction(self, call: Call) -> dict[str, Any]:
        """Do all of several PartiQL writes, or none."""
        items: list[tuple[str, dict[str, Any]]] = []
        duplicates: dict[int, str] = {}
        for number, statement in enumerate(call.parameters["TransactStatements"]):
            kind, write = self._write(call, statement["Statement"], statement.get("Parameters") or ())
            items.append((kind, write))
            if kind == "Put":
                duplicates[number] = "DuplicateItem"
        self._transact(call, items, duplicates)
        return {"Responses": [{} for _ in items]}

    def _write(self, call: Call, statement: str, parameters: Sequence[Mapping[str, Any]]) -> tuple[str, dict[str, Any]]:
        """Turn a PartiQL write into the item operation that it stands for."""
        if statement.strip().upper().startswith(READS):
            raise not_simulated("PartiQL SELECT")
        change = translate(statement, parameters, lambda table: _keys(self._table(call, table)))
        if isinstance(change, Insert):
            key = _keys(self._table(call, change.table))[0]
            return "Put", {
                "TableName": change.table,
                "Item": change.item,
                "ConditionExpression": "attribute_not_exists(#key)",
                "ExpressionAttributeNames": {"#key": key},
            }
        return "Update", {
            "TableName": change.table,
            "Key": change.key,
            "UpdateExpression": change.expression,
            "ConditionExpression": change.condition,
            "ExpressionAttributeNames": change.names,
            "ExpressionAttributeValues": change.values,
        }

    def _transact(self, call: Call, items: Sequence[tuple[str, Mapping[str, Any]]], codes: Mapping[int, str]) -> None:
        """Check every condition before anything is written; `codes` rename a failed condition by its place."""
        if len(items) > MOST_ITEMS:
            raise _invalid(f"Member must have length less than or equal to {MOST_ITEMS}")
        seen: set[str] = set()
        reasons: list[dict[str, Any]] = []
        for number, (_, write) in enumerate(items):
            table = self._table(call, write["TableName"])
            key = write.get("Key") or {name: write["Item"][name] for name in _keys(table) if name in write["Item"]}
            if set(key) != set(_keys(table)):
                raise _invalid("The provided key element does not match the schema")
            name = f"{table.name}|{sorted(key.items())}"
            if name in seen:
                raise _invalid("Transaction request cannot include multiple operations on one item")
            seen.add(name)
            reasons.append(self._reason(call, table, key, write, codes.get(number, "ConditionalCheckFailed")))
        if any(reason["Code"] != "None" for reason in reasons):
            listed = ", ".join(reason["Code"] for reason in reasons)
            raise ServiceError(
                "TransactionCanceledException",
                f"Transaction cancelled, please refer cancellation reasons for specific reasons [{listed}]",
                fields={"CancellationReasons": reasons},
            )
        for kind, write in items:
            self._apply(call, kind, write)

    def _reason(
        self, call: Call, table: Table, key: Mapping[str, Any], write: Mapping[str, Any], code: str
    ) -> dict[str, Any]:
        condition = write.get("ConditionExpression")
        if condition is None:
            return {"Code": "None"}
        current = self._backend(call).get_item(table.name, dict(key))
        names, values = write.get("ExpressionAttributeNames"), write.get("ExpressionAttributeValues")
        if get_filter_expression(condition, names, values).expr(current):
            return {"Code": "None"}
        reason: dict[str, Any] = {"Code": code, "Message": "The conditional request failed"}
        if current is not None and write.get("ReturnValuesOnConditionCheckFailure") == "ALL_OLD":
            reason["Item"] = copy.deepcopy(current.to_json()["Attributes"])
        return reason

    def _apply(self, call: Call, kind: str, write: Mapping[str, Any]) -> None:
        backend, table = self._backend(call), self._table(call, write["TableName"])
        names, values = write.get("ExpressionAttributeNames"), write.get("ExpressionAttributeValues")
        if kind == "Put":
            backend.put_item(table.name, dict(write["Item"]))
        elif kind == "Delete":
            backend.delete_item(table.name, dict(write["Key"]), None, None, None)
        elif kind == "Update":
            backend.update_item(
                table.name,
                dict(write["Key"]),
                update_expression=write["UpdateExpression"],
                expression_attribute_names=dict(names or {}),
                expression_attribute_values=dict(values or {}),
            )

    def _table(self, call: Call, name: str) -> Table:
        table = self._backend(call).tables.get(name.rsplit("/", 1)[-1])
        if table is None:
            raise ServiceError("ResourceNotFoundException", "Requested resource not found")
        return table

    @staticmethod
    def _backend(call: Call) -> Any:
        return get_backend("dynamodb")[call.account][call.region]


def _keys(table: Table) -> tuple[str, ...]:
    return tuple(name for name in (table.hash_key_attr, table.range_key_attr) if name)


def _invalid(message: str) -> ServiceError:
    return ServiceError("ValidationException", message)
