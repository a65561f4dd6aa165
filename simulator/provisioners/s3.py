"""S3: buckets, their settings, objects."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from simulator.provisioners.model import Inputs, Made, Site, given, provisioner, tag_list, upper


def _bucket(site: Site, inputs: Inputs) -> Made:
    client, name = site.client("s3"), inputs["bucket"]
    # us-east-1 alone takes no location.
    location: Any = (
        {} if site.region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": site.region}}
    )
    client.create_bucket(Bucket=name, **location)
    if tags := tag_list(inputs):
        client.put_bucket_tagging(Bucket=name, Tagging={"TagSet": tags})
    return Made(name, {"arn": f"arn:{site.partition}:s3:::{name}"})


def _policy(site: Site, inputs: Inputs) -> Made:
    site.client("s3").put_bucket_policy(Bucket=inputs["bucket"], Policy=inputs["policy"])
    return Made(inputs["bucket"])


def _public_access(site: Site, inputs: Inputs) -> Made:
    blocks = {
        "BlockPublicAcls": "blockPublicAcls",
        "BlockPublicPolicy": "blockPublicPolicy",
        "IgnorePublicAcls": "ignorePublicAcls",
        "RestrictPublicBuckets": "restrictPublicBuckets",
    }
    site.client("s3").put_public_access_block(
        Bucket=inputs["bucket"],
        PublicAccessBlockConfiguration={theirs: bool(inputs.get(ours)) for theirs, ours in blocks.items()},
    )
    return Made(inputs["bucket"])


def _versioning(site: Site, inputs: Inputs) -> Made:
    site.client("s3").put_bucket_versioning(
        Bucket=inputs["bucket"], VersioningConfiguration=upper(inputs["versioningConfiguration"])
    )
    return Made(inputs["bucket"])


def _encryption(site: Site, inputs: Inputs) -> Made:
    rules = []
    for rule in inputs["rules"]:
        default = rule["applyServerSideEncryptionByDefault"]
        rules.append(
            {
                "ApplyServerSideEncryptionByDefault": given(
                    default, SSEAlgorithm="sseAlgorithm", KMSMasterKeyID="kmsMasterKeyId"
                ),
                **given(rule, BucketKeyEnabled="bucketKeyEnabled"),
            }
        )
    site.client("s3").put_bucket_encryption(Bucket=inputs["bucket"], ServerSideEncryptionConfiguration={"Rules": rules})
    return Made(inputs["bucket"])


def _lifecycle(site: Site, inputs: Inputs) -> Made:
    rules = []
    for rule in inputs["rules"]:
        written = upper(rule)
        written["ID"] = written.pop("Id")
        rules.append(written)
    site.client("s3").put_bucket_lifecycle_configuration(
        Bucket=inputs["bucket"], LifecycleConfiguration={"Rules": rules}
    )
    return Made(inputs["bucket"])


def _object(site: Site, inputs: Inputs) -> Made:
    source = inputs.get("source")
    body = Path(source.path).read_bytes() if source is not None else str(inputs["content"]).encode()
    optional = given(
        inputs,
        ContentType="contentType",
        ServerSideEncryption="serverSideEncryption",
        SSEKMSKeyId="kmsKeyId",
    )
    answer = site.client("s3").put_object(Bucket=inputs["bucket"], Key=inputs["key"], Body=body, **optional)
    arn = f"arn:{site.partition}:s3:::{inputs['bucket']}/{inputs['key']}"
    return Made(
        f"{inputs['bucket']}/{inputs['key']}",
        {"arn": arn, "etag": answer["ETag"].strip('"'), "versionId": answer.get("VersionId", "")},
    )


PROVISIONERS = (
    provisioner("aws:s3/bucket:Bucket", "bucket", _bucket),
    provisioner("aws:s3/bucketPolicy:BucketPolicy", "bucket policy", _policy),
    provisioner(
        "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock",
        "bucket blockPublicAcls blockPublicPolicy ignorePublicAcls restrictPublicBuckets",
        _public_access,
    ),
    provisioner("aws:s3/bucketVersioning:BucketVersioning", "bucket versioningConfiguration", _versioning),
    provisioner(
        "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
        "bucket rules",
        _encryption,
    ),
    provisioner(
        "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration",
        "bucket rules",
        _lifecycle,
    ),
    provisioner(
        "aws:s3/bucketObjectv2:BucketObjectv2",
        "bucket key source content contentType serverSideEncryption kmsKeyId",
        _object,
    ),
)
