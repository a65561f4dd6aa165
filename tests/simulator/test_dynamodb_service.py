"""DynamoDB where moto lies: PartiQL writes and transactions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from simulator.call import ServiceError
from simulator.services.dynamodb import DynamoDb
from tests.simulator.correction_world import Desk, desk

INSERT = "INSERT INTO \"ledger\" VALUE {'id': ?, 'step': ?, 'what': ?}"
UPDATE = 'UPDATE "ledger" SET "what" = ? WHERE "id" = ? AND "step" = ?'


@pytest.fixture
def table() -> Iterator[Desk]:
    with desk(DynamoDb) as one:
        one.ask(
            "CreateTable",
            TableName="ledger",
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[
                {"AttributeName": "id", "AttributeType": "S"},
                {"AttributeName": "step", "AttributeType": "N"},
            ],
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}, {"AttributeName": "step", "KeyType": "RANGE"}],
        )
        yield one


def insert(table: Desk, what: str, step: int = 1) -> Any:
    return table.ask("ExecuteStatement", Statement=INSERT, Parameters=[{"S": "a"}, {"N": str(step)}, {"S": what}])


def kept(table: Desk, step: int = 1) -> str | None:
    item = table.ask("GetItem", TableName="ledger", Key=key(step)).get("Item")
    return None if item is None else str(item["what"]["S"])


def key(step: int) -> dict[str, Any]:
    return {"id": {"S": "a"}, "step": {"N": str(step)}}


def put(step: int, what: str, **more: Any) -> dict[str, Any]:
    return {"Put": {"TableName": "ledger", "Item": {**key(step), "what": {"S": what}}, **more}}


def code_of(call: Any) -> ServiceError:
    with pytest.raises(ServiceError) as refused:
        call()
    return refused.value


def test_an_insert_on_an_existing_key_is_refused_and_changes_nothing(table: Desk) -> None:
    insert(table, "first")
    assert code_of(lambda: insert(table, "second")).code == "DuplicateItemException"
    assert kept(table) == "first"
    insert(table, "another step", step=2)
    assert kept(table, 2) == "another step"


def test_moto_still_writes_over_an_existing_item() -> None:
    with desk("dynamodb") as moto:
        moto.ask(
            "CreateTable",
            TableName="ledger",
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        )
        for what in ("first", "second"):
            statement = f"INSERT INTO \"ledger\" VALUE {{'id': 'a', 'what': '{what}'}}"
            moto.ask("ExecuteStatement", Statement=statement)
        item = moto.ask("GetItem", TableName="ledger", Key={"id": {"S": "a"}})["Item"]
        assert item["what"] == {"S": "second"}


def test_an_update_changes_an_item_under_its_condition_and_makes_none(table: Desk) -> None:
    def update(statement: str, *values: str) -> Any:
        parameters = [{"S": values[0]}, {"S": "a"}, {"N": "1"}, *({"S": one} for one in values[1:])]
        return table.ask("ExecuteStatement", Statement=statement, Parameters=parameters)

    assert code_of(lambda: update(UPDATE, "too early")).code == "ConditionalCheckFailedException"
    assert kept(table) is None
    insert(table, "first")
    update(UPDATE, "second")
    assert kept(table) == "second"
    condition = f'{UPDATE} AND "what" = ?'
    assert code_of(lambda: update(condition, "third", "first")).code == "ConditionalCheckFailedException"
    update(condition, "third", "second")
    assert kept(table) == "third"


def test_a_transaction_writes_all_or_nothing_and_says_why(table: Desk) -> None:
    insert(table, "first")
    absent = {"ConditionExpression": "attribute_not_exists(id)", "ReturnValuesOnConditionCheckFailure": "ALL_OLD"}
    refused = code_of(lambda: table.ask("TransactWriteItems", TransactItems=[put(2, "new"), put(1, "again", **absent)]))
    assert refused.code == "TransactionCanceledException"
    assert [reason["Code"] for reason in refused.fields["CancellationReasons"]] == ["None", "ConditionalCheckFailed"]
    assert refused.fields["CancellationReasons"][1]["Item"]["what"] == {"S": "first"}
    assert kept(table, 2) is None
    change = {
        "Update": {
            "TableName": "ledger",
            "Key": key(1),
            "UpdateExpression": "SET what = :w",
            "ExpressionAttributeValues": {":w": {"S": "changed"}},
        }
    }
    table.ask("TransactWriteItems", TransactItems=[put(2, "new", **absent), change])
    assert (kept(table, 1), kept(table, 2)) == ("changed", "new")
    table.ask("TransactWriteItems", TransactItems=[{"Delete": {"TableName": "ledger", "Key": key(2)}}])
    assert kept(table, 2) is None


def test_a_transaction_names_each_item_once(table: Desk) -> None:
    twice = [put(1, "one"), put(1, "other")]
    assert (
        "multiple operations on one item"
        in code_of(lambda: table.ask("TransactWriteItems", TransactItems=twice)).message
    )
    whole_key = {"Delete": {"TableName": "ledger", "Key": {"id": {"S": "a"}}}}
    assert (
        "does not match the schema"
        in code_of(lambda: table.ask("TransactWriteItems", TransactItems=[whole_key])).message
    )
    elsewhere = {"Delete": {"TableName": "no-table", "Key": key(1)}}
    assert (
        code_of(lambda: table.ask("TransactWriteItems", TransactItems=[elsewhere])).code == "ResourceNotFoundException"
    )


def test_a_transaction_of_statements_is_one_too(table: Desk) -> None:
    def statements(*steps: int) -> Any:
        wanted = [{"Statement": INSERT, "Parameters": [{"S": "a"}, {"N": str(step)}, {"S": "new"}]} for step in steps]
        return table.ask("ExecuteTransaction", TransactStatements=wanted)

    statements(1, 2)
    refused = code_of(lambda: statements(3, 2))
    assert [reason["Code"] for reason in refused.fields["CancellationReasons"]] == ["None", "DuplicateItem"]
    assert kept(table, 3) is None


@pytest.mark.parametrize(
    ("statement", "code"),
    [
        ('SELECT * FROM "ledger"', "NotImplemented"),
        ('DELETE FROM "ledger" WHERE "id" = \'a\'', "ValidationException"),
        ("INSERT \"ledger\" VALUE {'id': 'a'}", "ValidationException"),
        ("INSERT INTO \"ledger\" VALUE {'id': 'a'}", "ValidationException"),
        ("INSERT INTO \"ledger\" VALUE {'id': ?}", "ValidationException"),
        ("INSERT INTO \"no-table\" VALUE {'id': 'a'}", "ResourceNotFoundException"),
        ('UPDATE "ledger" SET "what" = \'x\' WHERE "id" = \'a\'', "ValidationException"),
    ],
)
def test_statements_that_are_malformed_or_not_simulated_are_refused(table: Desk, statement: str, code: str) -> None:
    assert code_of(lambda: table.ask("ExecuteStatement", Statement=statement)).code == code
