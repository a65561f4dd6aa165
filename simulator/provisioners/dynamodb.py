"""DynamoDB: tables, items, and the data source that looks for a table."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from simulator.provisioners.model import Inputs, Made, Site, provisioner, tag_list


def _schema(inputs: Inputs) -> list[dict[str, str]]:
    schema = [{"AttributeName": inputs["hashKey"], "KeyType": "HASH"}]
    if inputs.get("rangeKey"):
        schema.append({"AttributeName": inputs["rangeKey"], "KeyType": "RANGE"})
    return schema


def _table(site: Site, inputs: Inputs) -> Made:
    client, name = site.client("dynamodb"), inputs["name"]
    parameters: dict[str, Any] = {
        "TableName": name,
        "KeySchema": _schema(inputs),
        "AttributeDefinitions": [
            {"AttributeName": one["name"], "AttributeType": one["type"]} for one in inputs["attributes"]
        ],
        "BillingMode": inputs["billingMode"],
        "DeletionProtectionEnabled": bool(inputs.get("deletionProtectionEnabled")),
    }
    if indexes := inputs.get("globalSecondaryIndexes"):
        parameters["GlobalSecondaryIndexes"] = [
            {
                "IndexName": one["name"],
                "KeySchema": _schema(one),
                "Projection": {"ProjectionType": one["projectionType"]},
            }
            for one in indexes
        ]
    encryption = inputs.get("serverSideEncryption") or {}
    if encryption.get("enabled"):
        parameters["SSESpecification"] = {
            "Enabled": True,
            "SSEType": "KMS",
            **({"KMSMasterKeyId": encryption["kmsKeyArn"]} if encryption.get("kmsKeyArn") else {}),
        }
    if tags := tag_list(inputs):
        parameters["Tags"] = tags
    arn = client.create_table(**parameters)["TableDescription"]["TableArn"]
    recovery = inputs.get("pointInTimeRecovery") or {}
    if recovery.get("enabled"):
        days = recovery.get("recoveryPeriodInDays")
        client.update_continuous_backups(
            TableName=name,
            PointInTimeRecoverySpecification={
                "PointInTimeRecoveryEnabled": True,
                **({"RecoveryPeriodInDays": int(days)} if days else {}),
            },
        )
    if expiry := inputs.get("ttl"):
        client.update_time_to_live(
            TableName=name,
            TimeToLiveSpecification={"AttributeName": expiry["attributeName"], "Enabled": bool(expiry["enabled"])},
        )
    return Made(name, {"arn": arn})


def _item(site: Site, inputs: Inputs) -> Made:
    item = json.loads(inputs["item"])
    names = [inputs["hashKey"], *([inputs["rangeKey"]] if inputs.get("rangeKey") else [])]
    # As the provider does: an item that is there belongs to somebody else.
    site.client("dynamodb").put_item(
        TableName=inputs["tableName"],
        Item=item,
        ConditionExpression="attribute_not_exists(#key)",
        ExpressionAttributeNames={"#key": inputs["hashKey"]},
    )
    return Made("|".join([inputs["tableName"], *(next(iter(item[name].values())) for name in names)]))


def get_table(site: Site, arguments: Inputs) -> Mapping[str, Any]:
    """`aws.dynamodb.get_table`; raises ClientError where the table is not there or may not be seen."""
    table = site.client("dynamodb").describe_table(TableName=arguments["name"])["Table"]
    return {"id": table["TableName"], "name": table["TableName"], "arn": table["TableArn"]}


PROVISIONERS = (
    provisioner(
        "aws:dynamodb/table:Table",
        "name hashKey rangeKey attributes billingMode ttl pointInTimeRecovery serverSideEncryption "
        "deletionProtectionEnabled globalSecondaryIndexes",
        _table,
    ),
    provisioner("aws:dynamodb/tableItem:TableItem", "tableName hashKey rangeKey item", _item),
)
INVOKES = {"aws:dynamodb/getTable:getTable": get_table}
