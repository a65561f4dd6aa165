"""Which IAM actions, tables, indexes and leading keys DynamoDB's item operations need."""

from typing import Any

import pytest
from moto.backends import get_backend

from tests.simulator.iam_world import HUB, MEMBER, REGION, Organization, needed

HERE = f"{REGION}:{HUB}"
TABLE = f"arn:aws:dynamodb:{HERE}:table/ledger"
KEYS = [{"AttributeName": "remediation", "KeyType": "HASH"}, {"AttributeName": "entry", "KeyType": "RANGE"}]
INDEX = {
    "IndexName": "by-account",
    "KeySchema": [{"AttributeName": "account", "KeyType": "HASH"}],
    "Projection": {"ProjectionType": "ALL"},
}


@pytest.fixture
def organization() -> Organization:
    return Organization()


@pytest.mark.parametrize(
    ("operation", "parameters", "expected"),
    [
        pytest.param(
            "GetItem", {"TableName": "ledger", "Key": {"remediation": {"S": "r1"}}},
            [("dynamodb:GetItem", TABLE)],
            id="an item of a table",
        ),
        pytest.param(
            "GetItem", {"TableName": f"arn:aws:dynamodb:{REGION}:{MEMBER}:table/t", "Key": {}},
            [("dynamodb:GetItem", f"arn:aws:dynamodb:{REGION}:{MEMBER}:table/t")],
            id="an item of another account's table",
        ),
        pytest.param(
            "Query", {"TableName": "ledger", "IndexName": "by-account"},
            [("dynamodb:Query", f"{TABLE}/index/by-account")],
            id="querying an index needs the index",
        ),
        pytest.param(
            "BatchGetItem", {"RequestItems": {"ledger": {"Keys": []}, "state": {"Keys": []}}},
            [("dynamodb:BatchGetItem", TABLE), ("dynamodb:BatchGetItem", f"arn:aws:dynamodb:{HERE}:table/state")],
            id="a batch over two tables",
        ),
        pytest.param(
            "TransactWriteItems",
            {
                "TransactItems": [
                    {"Put": {"TableName": "ledger", "Item": {}}}, {"ConditionCheck": {"TableName": "state", "Key": {}}},
                ],
            },
            [("dynamodb:PutItem", TABLE), ("dynamodb:ConditionCheckItem", f"arn:aws:dynamodb:{HERE}:table/state")],
            id="a transaction needs its items' actions",
        ),
        pytest.param(
            "ExecuteStatement",
            {"Statement": 'INSERT INTO "ledger" VALUE {\'remediation\': ?}', "Parameters": [{"S": "r"}]},
            [("dynamodb:PartiQLInsert", TABLE)],
            id="an inserting statement",
        ),
        pytest.param(
            "ExecuteStatement", {"Statement": 'SELECT * FROM "ledger"."by-account" WHERE account = ?'},
            [("dynamodb:PartiQLSelect", f"{TABLE}/index/by-account")],
            id="a statement that selects from an index",
        ),
        pytest.param(
            "ExecuteTransaction",
            {
                "TransactStatements": [
                    {"Statement": "update ledger set a = 1 where remediation = 'x'"},
                    {"Statement": "DELETE FROM ledger WHERE remediation='x'"},
                ],
            },
            [("dynamodb:PartiQLUpdate", TABLE), ("dynamodb:PartiQLDelete", TABLE)],
            id="a transaction of statements",
        ),
        pytest.param(
            "DescribeTable", {"TableName": "ledger"}, [("dynamodb:DescribeTable", TABLE)],
            id="a table as a whole",
        ),
    ],
)  # fmt: skip
def test_an_item_operation_needs(
    organization: Organization, operation: str, parameters: dict[str, Any], expected: list[tuple[str, str]]
) -> None:
    asked = needed(organization, "dynamodb", operation, **parameters)
    assert [(item.action, arn) for item in asked for arn in item.resources] == expected


@pytest.mark.parametrize(
    ("operation", "parameters", "keys"),
    [
        pytest.param(
            "GetItem", {"TableName": "ledger", "Key": {"remediation": {"S": "r1"}, "entry": {"S": "e"}}}, ("r1",),
            id="the key of an item",
        ),
        pytest.param(
            "PutItem", {"TableName": "ledger", "Item": {"remediation": {"S": "r1"}}}, ("r1",),
            id="the key in a new item",
        ),
        pytest.param(
            "Query",
            {
                "TableName": "ledger", "KeyConditionExpression": "#r = :r AND entry > :e",
                "ExpressionAttributeNames": {"#r": "remediation"},
                "ExpressionAttributeValues": {":r": {"S": "r2"}, ":e": {"S": "0"}},
            },
            ("r2",),
            id="the key of a query",
        ),
        pytest.param(
            "Query",
            {
                "TableName": "ledger", "IndexName": "by-account", "KeyConditionExpression": "account = :a",
                "ExpressionAttributeValues": {":a": {"S": "1"}},
            },
            ("1",),
            id="the key of an index",
        ),
        pytest.param(
            "BatchGetItem",
            {"RequestItems": {"ledger": {"Keys": [{"remediation": {"S": "a"}}, {"remediation": {"S": "b"}}]}}},
            ("a", "b"),
            id="the keys of a batch",
        ),
        pytest.param(
            "ExecuteStatement",
            {
                "Statement": "INSERT INTO ledger VALUE {'entry': ?, 'remediation': ?}",
                "Parameters": [{"S": "e"}, {"S": "r3"}],
            },
            ("r3",),
            id="a placeholder in a statement",
        ),
        pytest.param(
            "ExecuteStatement",
            {"Statement": "UPDATE ledger SET a = ? WHERE \"remediation\" = 'r4'", "Parameters": [{"N": "1"}]}, ("r4",),
            id="a text in a statement",
        ),
        pytest.param("Scan", {"TableName": "ledger"}, None, id="a scan has no leading keys"),
    ],
)  # fmt: skip
def test_item_operations_tell_their_leading_keys(
    organization: Organization, operation: str, parameters: dict[str, Any], keys: tuple[str, ...] | None
) -> None:
    get_backend("dynamodb")[HUB][REGION].create_table(
        "ledger",
        schema=KEYS,
        attr=[{"AttributeName": name, "AttributeType": "S"} for name in ("remediation", "entry", "account")],
        global_indexes=[INDEX],
        indexes=None,
        billing_mode="PAY_PER_REQUEST",
        throughput=None,
        streams=None,
        sse_specification=None,
        tags=[],
        deletion_protection_enabled=False,
        warm_throughput=None,
    )
    (asked,) = needed(organization, "dynamodb", operation, **parameters)
    assert asked.context.get("dynamodb:LeadingKeys") == keys
