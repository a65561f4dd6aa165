"""Models of AWS managed rules, each from the rule's own documentation.

A model judges one configuration item under the rule's parameters. Rules without a model are
accepted and report in their evaluation status that they are not simulated.
Source: AWS Config developer guide, "List of AWS Config Managed Rules".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from simulator.services.config_items import Item

Model = Callable[[Item, Mapping[str, str]], tuple[str, str | None]]

COMPLIANT = "COMPLIANT"
NON_COMPLIANT = "NON_COMPLIANT"
NOT_APPLICABLE = "NOT_APPLICABLE"
ANYWHERE = frozenset({"0.0.0.0/0", "::/0"})
SSH = 22


def incoming_ssh_disabled(item: Item, parameters: Mapping[str, str]) -> tuple[str, str | None]:
    """restricted-ssh: non-compliant where inbound TCP 22 is open to 0.0.0.0/0 or ::/0.

    The documentation names no other source: prefix lists and unions of ranges pass.
    """
    for permission in item.snapshot.configuration["ipPermissions"]:
        ranges = [one["cidrIp"] for one in permission["ipv4Ranges"]]
        ranges += [one["cidrIpv6"] for one in permission["ipv6Ranges"]]
        if ANYWHERE.intersection(ranges) and _reaches_ssh(permission):
            return NON_COMPLIANT, None
    return COMPLIANT, None


def _reaches_ssh(permission: Mapping[str, Any]) -> bool:
    if permission["ipProtocol"] == "-1":
        return True
    return bool(permission["ipProtocol"] == "tcp" and permission["fromPort"] <= SSH <= permission["toPort"])


def s3_default_encryption_kms(item: Item, parameters: Mapping[str, str]) -> tuple[str, str | None]:
    """s3-default-encryption-kms: non-compliant unless buckets are encrypted by default with a KMS key.

    `kmsKeyArns` limits the keys; without it any KMS key passes, aws/s3 too.
    """
    if item.type != "AWS::S3::Bucket":
        return NOT_APPLICABLE, None
    encryption = item.snapshot.supplementary.get("ServerSideEncryptionConfiguration") or {"rules": []}
    allowed = {arn.strip() for arn in parameters.get("kmsKeyArns", "").split(",") if arn.strip()}
    for rule in encryption["rules"]:
        default = rule["applyServerSideEncryptionByDefault"]
        if default["sseAlgorithm"] in ("aws:kms", "aws:kms:dsse"):
            return (COMPLIANT if not allowed or default["kmsMasterKeyID"] in allowed else NON_COMPLIANT), None
    return NON_COMPLIANT, None


def required_tags(item: Item, parameters: Mapping[str, str]) -> tuple[str, str | None]:
    """required-tags: non-compliant where one of up to six tags is missing or has none of its listed values."""
    for number in range(1, 7):
        key = parameters.get(f"tag{number}Key")
        if not key:
            continue
        values = [value.strip() for value in parameters.get(f"tag{number}Value", "").split(",") if value.strip()]
        if key not in item.snapshot.tags or (values and item.snapshot.tags[key] not in values):
            return NON_COMPLIANT, None
    return COMPLIANT, None


MODELS: Mapping[str, Model] = {
    "INCOMING_SSH_DISABLED": incoming_ssh_disabled,
    "S3_DEFAULT_ENCRYPTION_KMS": s3_default_encryption_kms,
    "REQUIRED_TAGS": required_tags,
}
