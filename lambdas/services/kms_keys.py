"""A customer managed key that settings name: how it is described, and why it may not be of use.

Source: AWS KMS Developer Guide, "Key states" and "Identifiers for KMS keys"; DescribeKey.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from lambdas.answers import absent
from lambdas.parameters import Parameter

if TYPE_CHECKING:
    from boto3 import Session

KEYS = ("arn:{partition}:kms:{region}:{account}:key/*",)
AWS_ALIAS = "alias/aws/"
DESCRIBED = ("Arn", "KeyManager", "KeyState", "KeySpec")
STATES = {"Disabled": "is disabled", "PendingDeletion": "is pending deletion"}
# The key that a control is to use, by Region.
PARAMETER = Parameter(
    type="string",
    description="the customer managed key of the Region: an alias, which each account has of its own, or the "
    "ARN of a key of one account; without it people are told and nothing is changed",
    pattern=r"alias/(?!aws/)[A-Za-z0-9/_-]{1,250}|arn:[a-z-]+:kms:[a-z0-9-]+:\d{12}:key/[A-Za-z0-9-]+",
    per_region=True,
)


def describe(session: Session, name: str, account: str, region: str) -> dict[str, Any]:
    """Describe a key; what its name gives away is not asked for. Of a key that is not there it is all that is known."""
    if by_aws(name) or belongs_elsewhere(name, account, region):
        return {"Name": name}
    with absent("NotFoundException", "InvalidArnException"):
        found: Any = session.client("kms").describe_key(KeyId=name)["KeyMetadata"]
        return {"Name": name, **{field: found[field] for field in DESCRIBED}}
    return {"Name": name}


def belongs_elsewhere(name: str, account: str, region: str) -> str | None:
    """Say where the key of an ARN belongs if not to this account and Region; other names are resolved in them."""
    parts = name.split(":")
    if parts[0] != "arn" or len(parts) < 6:
        return None
    if parts[4] != account:
        return f"belongs to account {parts[4]}"
    return f"lies in {parts[3]}" if parts[3] != region else None


def by_aws(name: str) -> bool:
    """Whether a name is an alias of AWS's own, such as alias/aws/s3; nobody else can make one."""
    return name.rsplit(":", 1)[-1].startswith(AWS_ALIAS)


def fault(key: Mapping[str, Any], account: str, region: str) -> str | None:
    """Say why a key is not a usable customer managed key of this account and Region, or None where it is."""
    elsewhere = belongs_elsewhere(key["Name"], account, region)
    if elsewhere:
        return elsewhere
    if by_aws(key["Name"]) or key.get("KeyManager") == "AWS":
        return "is managed by AWS"
    if "KeyState" not in key:
        return "does not exist"
    if key["KeyState"] != "Enabled":
        return STATES.get(key["KeyState"], f"cannot be used in its state {key['KeyState']}")
    # A key of this specification has no other usage than to encrypt and decrypt.
    if key["KeySpec"] != "SYMMETRIC_DEFAULT":
        return f"is not a symmetric encryption key but {key['KeySpec']}"
    return None
