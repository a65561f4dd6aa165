"""KMS: keys and aliases."""

from __future__ import annotations

from typing import Any

from simulator.provisioners.model import Inputs, Made, Site, given, provisioner


def _key(site: Site, inputs: Inputs) -> Made:
    client = site.client("kms")
    optional: dict[str, Any] = given(inputs, Policy="policy", Description="description", MultiRegion="multiRegion")
    tags = [{"TagKey": key, "TagValue": value} for key, value in sorted((inputs.get("tags") or {}).items())]
    key = client.create_key(**optional, **({"Tags": tags} if tags else {}))["KeyMetadata"]
    if inputs.get("enableKeyRotation"):
        period = inputs.get("rotationPeriodInDays")
        client.enable_key_rotation(KeyId=key["KeyId"], **({"RotationPeriodInDays": int(period)} if period else {}))
    # deletionWindowInDays counts when the key is deleted.
    return Made(key["KeyId"], {"arn": key["Arn"], "keyId": key["KeyId"]})


def _alias(site: Site, inputs: Inputs) -> Made:
    client = site.client("kms")
    client.create_alias(AliasName=inputs["name"], TargetKeyId=inputs["targetKeyId"])
    arn = f"arn:{site.partition}:kms:{site.region}:{site.account}:{inputs['name']}"
    target = client.describe_key(KeyId=inputs["targetKeyId"])["KeyMetadata"]["Arn"]
    return Made(inputs["name"], {"arn": arn, "targetKeyArn": target})


PROVISIONERS = (
    provisioner(
        "aws:kms/key:Key",
        "policy description enableKeyRotation rotationPeriodInDays deletionWindowInDays multiRegion",
        _key,
    ),
    provisioner("aws:kms/alias:Alias", "name targetKeyId", _alias),
)
