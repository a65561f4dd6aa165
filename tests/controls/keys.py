"""The key of a team's data, which controls are told to use."""

from __future__ import annotations

from boto3 import Session
from botocore.exceptions import ClientError

ALIAS = "alias/data"


def data_key(session: Session) -> str:
    """The ARN of the team's key behind `ALIAS`, made where the account has none yet."""
    kms = session.client("kms")
    try:
        return str(kms.describe_key(KeyId=ALIAS)["KeyMetadata"]["Arn"])
    except ClientError as error:
        if error.response["Error"]["Code"] != "NotFoundException":
            raise
    key = kms.create_key(Description="Data of this team")["KeyMetadata"]
    kms.create_alias(AliasName=ALIAS, TargetKeyId=key["KeyId"])
    return str(key["Arn"])
