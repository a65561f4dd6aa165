"""KMS: keys and aliases."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError

from simulator.provisioners.model import (
    Edit,
    Inputs,
    Known,
    Made,
    Site,
    Standing,
    code,
    given,
    named,
    provisioner,
    retag,
    tag_map,
)


def _key(site: Site, inputs: Inputs) -> Made:
    client = site.client("kms")
    optional: dict[str, Any] = given(inputs, Policy="policy", Description="description", MultiRegion="multiRegion")
    tags = [{"TagKey": key, "TagValue": value} for key, value in sorted((inputs.get("tags") or {}).items())]
    key = client.create_key(**optional, **({"Tags": tags} if tags else {}))["KeyMetadata"]
    if inputs.get("enableKeyRotation"):
        _rotate(site, key["KeyId"], inputs)
    return Made(key["KeyId"], {"arn": key["Arn"], "keyId": key["KeyId"]})


def _rotate(site: Site, key: str, inputs: Inputs) -> None:
    period = inputs.get("rotationPeriodInDays")
    site.client("kms").enable_key_rotation(KeyId=key, **({"RotationPeriodInDays": int(period)} if period else {}))


def _read_key(site: Site, known: Known) -> Standing | None:
    client = site.client("kms")
    key = client.describe_key(KeyId=known.id)["KeyMetadata"]
    if key["KeyState"] == "PendingDeletion":
        return None
    rotation = client.get_key_rotation_status(KeyId=known.id)
    rotates = bool(rotation["KeyRotationEnabled"])
    inputs = named(
        policy=client.get_key_policy(KeyId=known.id, PolicyName="default")["Policy"],
        description=key.get("Description") or None,
        enableKeyRotation=rotates,
        rotationPeriodInDays=rotation.get("RotationPeriodInDays") if rotates else None,
        multiRegion=bool(key.get("MultiRegion")),
        tags=tag_map(client.list_resource_tags(KeyId=known.id)["Tags"], "TagKey", "TagValue"),
    )
    return Standing(key["KeyId"], inputs, {"arn": key["Arn"], "keyId": key["KeyId"]})


def _update_key(site: Site, edit: Edit) -> Mapping[str, Any]:
    client = site.client("kms")
    if edit.touches("enableKeyRotation rotationPeriodInDays"):
        if edit.new.get("enableKeyRotation"):
            _rotate(site, edit.id, edit.new)
        else:
            client.disable_key_rotation(KeyId=edit.id)
    if "description" in edit.changed:
        client.update_key_description(KeyId=edit.id, Description=edit.new.get("description") or "")
    if "policy" in edit.changed:
        client.put_key_policy(KeyId=edit.id, PolicyName="default", Policy=edit.new["policy"])
    if "tags" in edit.changed:
        retag(
            edit,
            lambda tags: client.tag_resource(
                KeyId=edit.id, Tags=[{"TagKey": key, "TagValue": value} for key, value in tags.items()]
            ),
            lambda keys: client.untag_resource(KeyId=edit.id, TagKeys=keys),
        )
    return {}


def _delete_key(site: Site, known: Known) -> None:
    """Schedule the deletion of a key; one that is about to be deleted already is left to it."""
    days = int(known.inputs["deletionWindowInDays"])
    try:
        site.client("kms").schedule_key_deletion(KeyId=known.id, PendingWindowInDays=days)
    except ClientError as error:
        if code(error) != "KMSInvalidStateException" or "pending deletion" not in str(error):
            raise


def _alias(site: Site, inputs: Inputs) -> Made:
    client = site.client("kms")
    client.create_alias(AliasName=inputs["name"], TargetKeyId=inputs["targetKeyId"])
    target = client.describe_key(KeyId=inputs["targetKeyId"])["KeyMetadata"]["Arn"]
    return Made(inputs["name"], {"arn": site.arn("kms", inputs["name"]), "targetKeyArn": target})


def _read_alias(site: Site, known: Known) -> Standing | None:
    client = site.client("kms")
    pages = client.get_paginator("list_aliases").paginate()
    listed = (one for page in pages for one in page["Aliases"])
    found = next((one for one in listed if one["AliasName"] == known.id), None)
    if found is None:
        return None
    key = found["TargetKeyId"]
    given_key = str(known.inputs.get("targetKeyId", ""))
    inputs = {"name": known.id, "targetKeyId": given_key if given_key.split("/")[-1] == key else key}
    target = client.describe_key(KeyId=key)["KeyMetadata"]["Arn"]
    return Standing(known.id, inputs, {"arn": found["AliasArn"], "targetKeyArn": target})


def _update_alias(site: Site, edit: Edit) -> Mapping[str, Any]:
    client = site.client("kms")
    client.update_alias(AliasName=edit.id, TargetKeyId=edit.new["targetKeyId"])
    return {"targetKeyArn": client.describe_key(KeyId=edit.new["targetKeyId"])["KeyMetadata"]["Arn"]}


def _delete_alias(site: Site, known: Known) -> None:
    site.client("kms").delete_alias(AliasName=known.id)


PROVISIONERS = (
    provisioner(
        "aws:kms/key:Key",
        create=_key,
        read=_read_key,
        update=_update_key,
        delete=_delete_key,
        replaces="multiRegion",
        source="kms/key.go",
        # The window counts when the key is deleted: no call tells or changes it.
        updates="policy description enableKeyRotation rotationPeriodInDays deletionWindowInDays tags",
        defaults={"enableKeyRotation": False, "multiRegion": False, "deletionWindowInDays": 30},
        computed="policy description multiRegion rotationPeriodInDays",
        documents="policy",
        unread="deletionWindowInDays",
        shapes={
            "policy": "kms.CreateKey.Policy",
            "description": "kms.CreateKey.Description",
            "rotationPeriodInDays": "kms.EnableKeyRotation.RotationPeriodInDays",
            "deletionWindowInDays": "kms.ScheduleKeyDeletion.PendingWindowInDays",
        },
    ),
    provisioner(
        "aws:kms/alias:Alias",
        create=_alias,
        read=_read_alias,
        update=_update_alias,
        delete=_delete_alias,
        replaces="name",
        source="kms/alias.go",
        updates="targetKeyId",
        needs="name",
        shapes={"name": "kms.CreateAlias.AliasName", "targetKeyId": "kms.CreateAlias.TargetKeyId"},
    ),
)
