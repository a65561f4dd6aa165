"""The policy item of one account: what its environment allows there, in the hub's table."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pulumi
import pulumi_aws as aws

from components.estate import Estate
from lambdas.schemas import POLICY_ITEM


def put_policy(
    name: str, estate: Estate, document: Mapping[str, Any], opts: pulumi.ResourceOptions
) -> aws.dynamodb.TableItem:
    """Write an account's policy item; without it, the hub does nothing in the account."""
    item = {
        "environment": {"S": document["environment"]},
        "account": {"S": document["account"]},
        "schema": {"N": str(POLICY_ITEM)},
        "document": {"S": json.dumps(document, sort_keys=True, separators=(",", ":"))},
    }
    return aws.dynamodb.TableItem(
        name,
        table_name=estate.names.policies_table,
        hash_key="environment",
        range_key="account",
        item=json.dumps(item, sort_keys=True),
        region=estate.home_region,
        opts=opts,
    )
