"""Function code and settings objects: one bucket of the hub in each governed Region, one upload each."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any

import pulumi
import pulumi_aws as aws

from components.archive import Archive
from components.estate import Estate
from components.hub_policies import members_read_code
from components.private_bucket import PrivateBucket


def function_key(archive: Archive) -> str:
    """Where the archive lies: its own hash is its name, so members need not read the hub's state."""
    return f"functions/{archive.digest}.zip"


def settings_text(document: Mapping[str, Any]) -> str:
    """Write a settings object so that equal settings have equal bytes."""
    return json.dumps(document, sort_keys=True, separators=(",", ":"))


def settings_key(text: str) -> str:
    """Where a settings object lies: the hash that the function checks."""
    return f"settings/{sha256(text.encode()).hexdigest()}.json"


def put_settings(
    name: str, estate: Estate, region: str, text: str, opts: pulumi.ResourceOptions
) -> aws.s3.BucketObjectv2:
    """Store a settings object in a Region's code bucket.

    An old object stays when its successor is there: functions that were not updated yet still read it.
    """
    return aws.s3.BucketObjectv2(
        name,
        bucket=estate.code_bucket(region),
        key=settings_key(text),
        content=text,
        content_type="application/json",
        region=region,
        opts=pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(retain_on_delete=True)),
    )


class CodeStore(pulumi.ComponentResource):
    """The code bucket of one Region with the archive in it: private, encrypted with the hub's key, versioned."""

    def __init__(
        self,
        name: str,
        estate: Estate,
        region: str,
        *,
        archive: Archive,
        key: pulumi.Input[str],
        readers: Sequence[str],
        opts: pulumi.ResourceOptions,
    ) -> None:
        super().__init__("palisade:index:CodeStore", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        private = PrivateBucket(
            name,
            estate,
            region,
            bucket=estate.code_bucket(region),
            key=key,
            statements=[members_read_code(estate, region, readers)],
            opts=child,
        )
        self.code = aws.s3.BucketObjectv2(
            name,
            bucket=private.bucket.id,
            key=function_key(archive),
            source=pulumi.FileAsset(str(archive.path)),
            content_type="application/zip",
            region=region,
            # Members that were not updated yet, and a rollback, need the former archive.
            opts=pulumi.ResourceOptions(parent=self, depends_on=private.ready, retain_on_delete=True),
        )
        self.register_outputs({})
