"""DynamoDB: tables, items, and the data source that looks for a table."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from simulator.provisioners.model import (
    Edit,
    Inputs,
    Known,
    Made,
    Site,
    Standing,
    as_list,
    named,
    provisioner,
    retag,
    tag_list,
    tag_map,
)


def _schema(inputs: Inputs) -> list[dict[str, str]]:
    schema = [{"AttributeName": inputs["hashKey"], "KeyType": "HASH"}]
    if inputs.get("rangeKey"):
        schema.append({"AttributeName": inputs["rangeKey"], "KeyType": "RANGE"})
    return schema


def _keys(schema: list[dict[str, str]]) -> dict[str, str]:
    """The inputs that a key schema is written from."""
    names = {"HASH": "hashKey", "RANGE": "rangeKey"}
    return {names[one["KeyType"]]: one["AttributeName"] for one in schema}


def _attributes(inputs: Inputs) -> list[dict[str, str]]:
    return [{"AttributeName": one["name"], "AttributeType": one["type"]} for one in inputs["attributes"]]


def _index(index: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "IndexName": index["name"],
        "KeySchema": _schema(index),
        "Projection": {"ProjectionType": index["projectionType"]},
    }


def _encryption(inputs: Inputs) -> dict[str, Any] | None:
    encryption = inputs.get("serverSideEncryption") or {}
    if not encryption.get("enabled"):
        return None
    key = encryption.get("kmsKeyArn")
    return {"Enabled": True, "SSEType": "KMS", **({"KMSMasterKeyId": key} if key else {})}


def _set_recovery(site: Site, name: str, recovery: Mapping[str, Any]) -> None:
    days = recovery.get("recoveryPeriodInDays")
    site.client("dynamodb").update_continuous_backups(
        TableName=name,
        PointInTimeRecoverySpecification={
            "PointInTimeRecoveryEnabled": bool(recovery.get("enabled")),
            **({"RecoveryPeriodInDays": int(days)} if days and recovery.get("enabled") else {}),
        },
    )


def _set_expiry(site: Site, name: str, attribute: str, enabled: bool) -> None:
    site.client("dynamodb").update_time_to_live(
        TableName=name, TimeToLiveSpecification={"AttributeName": attribute, "Enabled": enabled}
    )


def _table(site: Site, inputs: Inputs) -> Made:
    client, name = site.client("dynamodb"), inputs["name"]
    parameters: dict[str, Any] = {
        "TableName": name,
        "KeySchema": _schema(inputs),
        "AttributeDefinitions": _attributes(inputs),
        "BillingMode": inputs["billingMode"],
        "DeletionProtectionEnabled": bool(inputs.get("deletionProtectionEnabled")),
    }
    if indexes := inputs.get("globalSecondaryIndexes"):
        parameters["GlobalSecondaryIndexes"] = [_index(one) for one in indexes]
    if encryption := _encryption(inputs):
        parameters["SSESpecification"] = encryption
    if tags := tag_list(inputs):
        parameters["Tags"] = tags
    arn = client.create_table(**parameters)["TableDescription"]["TableArn"]
    _wait(site, name)
    if (inputs.get("pointInTimeRecovery") or {}).get("enabled"):
        _set_recovery(site, name, inputs["pointInTimeRecovery"])
    if expiry := inputs.get("ttl"):
        _set_expiry(site, name, expiry["attributeName"], bool(expiry["enabled"]))
    return Made(name, {"arn": arn})


def _describe(site: Site, name: str) -> dict[str, Any]:
    table: dict[str, Any] = site.client("dynamodb").describe_table(TableName=name)["Table"]
    return table


def _wait(site: Site, name: str) -> None:
    def settled() -> bool:
        table = _describe(site, name)
        indexes = table.get("GlobalSecondaryIndexes") or ()
        return all(one.get("TableStatus", one.get("IndexStatus")) == "ACTIVE" for one in (table, *indexes))

    site.wait(settled, f"table {name}")


def _read_table(site: Site, known: Known) -> Standing | None:
    client, table = site.client("dynamodb"), _describe(site, known.id)
    backups = client.describe_continuous_backups(TableName=known.id)["ContinuousBackupsDescription"]
    recovery = backups["PointInTimeRecoveryDescription"]
    expiry = client.describe_time_to_live(TableName=known.id)["TimeToLiveDescription"]
    encryption = table.get("SSEDescription") or {}
    encrypted = encryption.get("Status") == "ENABLED"
    # A key that the program does not name is DynamoDB's own choice (Terraform: optional and computed).
    named_key = not known.inputs or "kmsKeyArn" in (known.inputs.get("serverSideEncryption") or {})
    key = encryption.get("KMSMasterKeyArn") if named_key else None
    expires = expiry.get("TimeToLiveStatus") == "ENABLED"
    recovers = recovery["PointInTimeRecoveryStatus"] == "ENABLED"
    indexes = [
        {
            "name": one["IndexName"],
            **_keys(one["KeySchema"]),
            "projectionType": one["Projection"]["ProjectionType"],
        }
        for one in table.get("GlobalSecondaryIndexes") or ()
    ]
    inputs = named(
        name=known.id,
        **_keys(table["KeySchema"]),
        attributes=[
            {"name": one["AttributeName"], "type": one["AttributeType"]} for one in table["AttributeDefinitions"]
        ],
        billingMode=(table.get("BillingModeSummary") or {}).get("BillingMode", "PROVISIONED"),
        deletionProtectionEnabled=bool(table.get("DeletionProtectionEnabled")),
        globalSecondaryIndexes=indexes or None,
        serverSideEncryption=named(enabled=True, kmsKeyArn=key) if encrypted else None,
        pointInTimeRecovery=named(enabled=True, recoveryPeriodInDays=recovery.get("RecoveryPeriodInDays"))
        if recovers
        else None,
        ttl={"attributeName": expiry["AttributeName"], "enabled": True} if expires else None,
        tags=tag_map(client.list_tags_of_resource(ResourceArn=table["TableArn"])["Tags"]),
    )
    return Standing(known.id, inputs, {"arn": table["TableArn"]})


def _update_table(site: Site, edit: Edit) -> Mapping[str, Any]:
    client, name = site.client("dynamodb"), edit.id
    settings: dict[str, Any] = {}
    if "deletionProtectionEnabled" in edit.changed:
        settings["DeletionProtectionEnabled"] = bool(edit.new.get("deletionProtectionEnabled"))
    if "billingMode" in edit.changed:
        settings["BillingMode"] = edit.new["billingMode"]
    if "serverSideEncryption" in edit.changed:
        settings["SSESpecification"] = _encryption(edit.new) or {"Enabled": False}
    if settings:
        client.update_table(TableName=name, **settings)
        _wait(site, name)
    if edit.touches("globalSecondaryIndexes attributes"):
        _update_indexes(site, edit)
    if "pointInTimeRecovery" in edit.changed:
        _set_recovery(site, name, edit.new.get("pointInTimeRecovery") or {})
    if "ttl" in edit.changed:
        _update_expiry(site, edit)
    if "tags" in edit.changed:
        arn = _describe(site, name)["TableArn"]
        retag(
            edit,
            lambda tags: client.tag_resource(ResourceArn=arn, Tags=as_list(tags)),
            lambda keys: client.untag_resource(ResourceArn=arn, TagKeys=keys),
        )
    return {}


def _update_indexes(site: Site, edit: Edit) -> None:
    """Drop indexes that are gone or differ, then make new ones: one per call, as DynamoDB wants it."""
    old, new = (
        {one["name"]: one for one in inputs.get("globalSecondaryIndexes") or ()} for inputs in (edit.old, edit.new)
    )
    drops = [{"Delete": {"IndexName": name}} for name, one in old.items() if new.get(name) != one]
    makes = [{"Create": _index(one)} for name, one in new.items() if old.get(name) != one]
    for change in (*drops, *makes):
        site.client("dynamodb").update_table(
            TableName=edit.id, AttributeDefinitions=_attributes(edit.new), GlobalSecondaryIndexUpdates=[change]
        )
        _wait(site, edit.id)


def _update_expiry(site: Site, edit: Edit) -> None:
    old, new = edit.old.get("ttl") or {}, edit.new.get("ttl") or {}
    if new.get("enabled"):
        _set_expiry(site, edit.id, new["attributeName"], enabled=True)
    elif old.get("enabled"):
        _set_expiry(site, edit.id, old["attributeName"], enabled=False)


def _delete_table(site: Site, known: Known) -> None:
    site.client("dynamodb").delete_table(TableName=known.id)


def _key_names(inputs: Inputs) -> list[str]:
    return [inputs["hashKey"], *([inputs["rangeKey"]] if inputs.get("rangeKey") else [])]


def _item_id(inputs: Inputs) -> str:
    item = json.loads(inputs["item"])
    return "|".join([inputs["tableName"], *(next(iter(item[name].values())) for name in _key_names(inputs))])


def _item(site: Site, inputs: Inputs) -> Made:
    # As the provider does: an item that is there belongs to somebody else.
    site.client("dynamodb").put_item(
        TableName=inputs["tableName"],
        Item=json.loads(inputs["item"]),
        ConditionExpression="attribute_not_exists(#key)",
        ExpressionAttributeNames={"#key": inputs["hashKey"]},
    )
    return Made(_item_id(inputs))


def _key(inputs: Inputs) -> dict[str, Any]:
    item = json.loads(inputs["item"])
    return {name: item[name] for name in _key_names(inputs)}


def _read_item(site: Site, known: Known) -> Standing | None:
    if not known.inputs:
        raise NotImplementedError("items of a table cannot be imported: the real provider has no import for them")
    answer = site.client("dynamodb").get_item(
        TableName=known.inputs["tableName"], Key=_key(known.inputs), ConsistentRead=True
    )
    if "Item" not in answer:
        return None
    return Standing(known.id, {**known.inputs, "item": json.dumps(answer["Item"], sort_keys=True)})


def _update_item(site: Site, edit: Edit) -> Mapping[str, Any]:
    """Change attributes by UpdateItem as the real provider does; where the key changes, the old item goes."""
    old, new = json.loads(edit.old["item"]), json.loads(edit.new["item"])
    key, before = _key(edit.new), _key(edit.old)
    updates: dict[str, Any] = {
        name: {"Action": "PUT", "Value": value}
        for name, value in new.items()
        if name not in key and (key != before or old.get(name) != value)
    }
    if key == before:
        updates |= {name: {"Action": "DELETE"} for name in old if name not in new}
    client, table = site.client("dynamodb"), edit.new["tableName"]
    client.update_item(TableName=table, Key=key, AttributeUpdates=updates)
    if key != before:
        client.delete_item(TableName=table, Key=before)
    return {}


def _delete_item(site: Site, known: Known) -> None:
    site.client("dynamodb").delete_item(TableName=known.inputs["tableName"], Key=_key(known.inputs))


def get_table(site: Site, arguments: Inputs) -> Mapping[str, Any]:
    """`aws.dynamodb.get_table`; raises ClientError where the table is not there or may not be seen."""
    table = _describe(site, arguments["name"])
    return {"id": table["TableName"], "name": table["TableName"], "arn": table["TableArn"]}


PROVISIONERS = (
    provisioner(
        "aws:dynamodb/table:Table",
        create=_table,
        read=_read_table,
        update=_update_table,
        delete=_delete_table,
        replaces="name hashKey rangeKey",
        source="dynamodb/table.go",
        updates="attributes billingMode ttl pointInTimeRecovery serverSideEncryption deletionProtectionEnabled "
        "globalSecondaryIndexes tags",
        needs="name hashKey attributes billingMode",
        defaults={"deletionProtectionEnabled": False},
        computed="serverSideEncryption pointInTimeRecovery",
        sets="attributes globalSecondaryIndexes",
        shapes={
            "name": "dynamodb.CreateTable.TableName",
            "hashKey": "dynamodb.CreateTable.KeySchema.AttributeName",
            "rangeKey": "dynamodb.CreateTable.KeySchema.AttributeName",
            "billingMode": "dynamodb.CreateTable.BillingMode",
        },
    ),
    provisioner(
        "aws:dynamodb/tableItem:TableItem",
        create=_item,
        read=_read_item,
        update=_update_item,
        delete=_delete_item,
        replaces="tableName hashKey rangeKey",
        source="dynamodb/table_item.go",
        updates="item",
        documents="item",
        shapes={"tableName": "dynamodb.PutItem.TableName"},
    ),
)
INVOKES = {"aws:dynamodb/getTable:getTable": get_table}
