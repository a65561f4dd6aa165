"""S3: objects."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from simulator.provisioners.comparison import ASSET, MARKER
from simulator.provisioners.model import Edit, Inputs, Known, Made, Site, Standing, given, named, provisioner

SETTINGS = {"ContentType": "contentType", "ServerSideEncryption": "serverSideEncryption", "SSEKMSKeyId": "kmsKeyId"}


def _body(inputs: Inputs) -> bytes:
    """The bytes of an object: given as text, or by the path of an asset (an object of the SDK, or as it is wired)."""
    source = inputs.get("source")
    if source is None:
        return str(inputs["content"]).encode()
    if isinstance(source, Mapping):
        if source.get(MARKER) != ASSET or not source.get("path"):
            raise ValueError("the source of an object must be a FileAsset")
        return Path(source["path"]).read_bytes()
    return Path(source.path).read_bytes()


def _outputs(site: Site, bucket: str, key: str, answer: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "arn": f"arn:{site.partition}:s3:::{bucket}/{key}",
        "etag": answer["ETag"].strip('"'),
        "versionId": answer.get("VersionId", ""),
    }


def _object(site: Site, inputs: Inputs) -> Made:
    bucket, key = inputs["bucket"], inputs["key"]
    answer = site.client("s3").put_object(Bucket=bucket, Key=key, Body=_body(inputs), **given(inputs, **SETTINGS))
    return Made(f"{bucket}/{key}", _outputs(site, bucket, key, answer))


def _read_object(site: Site, known: Known) -> Standing | None:
    bucket, _, key = known.id.partition("/")
    found = site.client("s3").head_object(Bucket=bucket, Key=key)
    inputs = named(bucket=bucket, key=key, **{ours: found.get(theirs) for theirs, ours in SETTINGS.items()})
    return Standing(known.id, inputs, _outputs(site, bucket, key, found))


def get_object(site: Site, arguments: Inputs) -> Mapping[str, Any]:
    """`aws.s3.get_object`; raises ClientError where the object is not there or may not be seen."""
    bucket, key = arguments["bucket"], arguments["key"]
    found = site.client("s3").head_object(Bucket=bucket, Key=key)
    return {"id": f"{bucket}/{key}", "bucket": bucket, "key": key, **_outputs(site, bucket, key, found)}


def _update_object(site: Site, edit: Edit) -> Mapping[str, Any]:
    return _object(site, edit.new).outputs


def _delete_object(site: Site, known: Known) -> None:
    """Delete an object with all its versions, as the real provider does where there are any."""
    client = site.client("s3")
    bucket, _, key = known.id.partition("/")
    if client.get_bucket_versioning(Bucket=bucket).get("Status") is None:
        client.delete_object(Bucket=bucket, Key=key)
        return
    for page in client.get_paginator("list_object_versions").paginate(Bucket=bucket, Prefix=key):
        for one in (*page.get("Versions", ()), *page.get("DeleteMarkers", ())):
            if one["Key"] == key:
                client.delete_object(Bucket=bucket, Key=key, VersionId=one["VersionId"])


PROVISIONERS = (
    provisioner(
        "aws:s3/bucketObjectv2:BucketObjectv2",
        create=_object,
        read=_read_object,
        update=_update_object,
        delete=_delete_object,
        replaces="bucket key",
        source="s3/object.go",
        updates="source content contentType serverSideEncryption kmsKeyId",
        needs="key",
        computed="contentType serverSideEncryption kmsKeyId",
        # The real provider does not read an object's bytes back.
        unread="source content",
        shapes={
            "bucket": "s3.PutObject.Bucket",
            "key": "s3.PutObject.Key",
            "serverSideEncryption": "s3.PutObject.ServerSideEncryption",
        },
    ),
)
INVOKES = {"aws:s3/getObject:getObject": get_object}
