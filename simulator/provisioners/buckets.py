"""S3: buckets and their settings."""

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
    lower,
    named,
    provisioner,
    tag_list,
    tag_map,
    upper,
)

BLOCKS = {
    "BlockPublicAcls": "blockPublicAcls",
    "BlockPublicPolicy": "blockPublicPolicy",
    "IgnorePublicAcls": "ignorePublicAcls",
    "RestrictPublicBuckets": "restrictPublicBuckets",
}


def _bucket(site: Site, inputs: Inputs) -> Made:
    client, name = site.client("s3"), inputs["bucket"]
    # us-east-1 alone takes no location.
    location: Any = (
        {} if site.region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": site.region}}
    )
    client.create_bucket(Bucket=name, **location)
    if tags := tag_list(inputs):
        client.put_bucket_tagging(Bucket=name, Tagging={"TagSet": tags})
    return Made(name, _outputs(site, name))


def _outputs(site: Site, name: str) -> dict[str, Any]:
    return {"arn": f"arn:{site.partition}:s3:::{name}"}


def _read_bucket(site: Site, known: Known) -> Standing | None:
    client = site.client("s3")
    client.head_bucket(Bucket=known.id)
    try:
        tags = client.get_bucket_tagging(Bucket=known.id)["TagSet"]
    except ClientError as error:
        if code(error) != "NoSuchTagSet":
            raise
        tags = []
    return Standing(known.id, named(bucket=known.id, tags=tag_map(tags)), _outputs(site, known.id))


def _update_bucket(site: Site, edit: Edit) -> Mapping[str, Any]:
    client, tags = site.client("s3"), tag_list(edit.new)
    if tags:
        client.put_bucket_tagging(Bucket=edit.id, Tagging={"TagSet": tags})
    else:
        client.delete_bucket_tagging(Bucket=edit.id)
    return {}


def _delete_bucket(site: Site, known: Known) -> None:
    site.client("s3").delete_bucket(Bucket=known.id)


def _policy(site: Site, inputs: Inputs) -> Made:
    site.client("s3").put_bucket_policy(Bucket=inputs["bucket"], Policy=inputs["policy"])
    return Made(inputs["bucket"])


def _read_policy(site: Site, known: Known) -> Standing | None:
    policy = site.client("s3").get_bucket_policy(Bucket=known.id)["Policy"]
    return Standing(known.id, {"bucket": known.id, "policy": policy})


def _update_policy(site: Site, edit: Edit) -> Mapping[str, Any]:
    _policy(site, edit.new)
    return {}


def _delete_policy(site: Site, known: Known) -> None:
    site.client("s3").delete_bucket_policy(Bucket=known.id)


def _public_access(site: Site, inputs: Inputs) -> Made:
    site.client("s3").put_public_access_block(
        Bucket=inputs["bucket"],
        PublicAccessBlockConfiguration={theirs: bool(inputs.get(ours)) for theirs, ours in BLOCKS.items()},
    )
    return Made(inputs["bucket"])


def _read_public_access(site: Site, known: Known) -> Standing | None:
    found = site.client("s3").get_public_access_block(Bucket=known.id)["PublicAccessBlockConfiguration"]
    blocks = {ours: bool(found.get(theirs)) for theirs, ours in BLOCKS.items()}
    return Standing(known.id, {"bucket": known.id, **blocks})


def _update_public_access(site: Site, edit: Edit) -> Mapping[str, Any]:
    _public_access(site, edit.new)
    return {}


def _delete_public_access(site: Site, known: Known) -> None:
    site.client("s3").delete_public_access_block(Bucket=known.id)


def _set_versioning(site: Site, bucket: str, configuration: Mapping[str, Any]) -> None:
    site.client("s3").put_bucket_versioning(Bucket=bucket, VersioningConfiguration=upper(configuration))


def _versioning(site: Site, inputs: Inputs) -> Made:
    _set_versioning(site, inputs["bucket"], inputs["versioningConfiguration"])
    return Made(inputs["bucket"])


def _read_versioning(site: Site, known: Known) -> Standing | None:
    status = site.client("s3").get_bucket_versioning(Bucket=known.id).get("Status")
    if status is None:
        return None
    return Standing(known.id, {"bucket": known.id, "versioningConfiguration": {"status": status}})


def _update_versioning(site: Site, edit: Edit) -> Mapping[str, Any]:
    _versioning(site, edit.new)
    return {}


def _delete_versioning(site: Site, known: Known) -> None:
    """Suspend it: a bucket that was versioned once never is unversioned again (Terraform: bucket_versioning.go)."""
    if known.inputs["versioningConfiguration"].get("status") == "Enabled":
        _set_versioning(site, known.id, {"status": "Suspended"})


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


def _read_encryption(site: Site, known: Known) -> Standing | None:
    found = site.client("s3").get_bucket_encryption(Bucket=known.id)["ServerSideEncryptionConfiguration"]["Rules"]
    rules = []
    for rule in found:
        default = rule["ApplyServerSideEncryptionByDefault"]
        written = named(sseAlgorithm=default["SSEAlgorithm"], kmsMasterKeyId=default.get("KMSMasterKeyID"))
        rules.append(
            {"applyServerSideEncryptionByDefault": written, "bucketKeyEnabled": bool(rule.get("BucketKeyEnabled"))}
        )
    return Standing(known.id, {"bucket": known.id, "rules": rules})


def _update_encryption(site: Site, edit: Edit) -> Mapping[str, Any]:
    _encryption(site, edit.new)
    return {}


def _delete_encryption(site: Site, known: Known) -> None:
    site.client("s3").delete_bucket_encryption(Bucket=known.id)


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


def _read_lifecycle(site: Site, known: Known) -> Standing | None:
    rules = []
    for rule in site.client("s3").get_bucket_lifecycle_configuration(Bucket=known.id)["Rules"]:
        written = lower({key: value for key, value in rule.items() if key != "ID"})
        rules.append({"id": rule["ID"], **written})
    return Standing(known.id, {"bucket": known.id, "rules": rules})


def _update_lifecycle(site: Site, edit: Edit) -> Mapping[str, Any]:
    _lifecycle(site, edit.new)
    return {}


def _delete_lifecycle(site: Site, known: Known) -> None:
    site.client("s3").delete_bucket_lifecycle(Bucket=known.id)


BUCKET = {"bucket": "s3.CreateBucket.Bucket"}
PROVISIONERS = (
    provisioner(
        "aws:s3/bucket:Bucket",
        create=_bucket,
        read=_read_bucket,
        update=_update_bucket,
        delete=_delete_bucket,
        replaces="bucket",
        source="s3/bucket.go",
        updates="tags",
        needs="bucket",
        shapes=BUCKET,
    ),
    provisioner(
        "aws:s3/bucketPolicy:BucketPolicy",
        create=_policy,
        read=_read_policy,
        update=_update_policy,
        delete=_delete_policy,
        replaces="bucket",
        source="s3/bucket_policy.go",
        updates="policy",
        documents="policy",
        shapes=BUCKET,
    ),
    provisioner(
        "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock",
        create=_public_access,
        read=_read_public_access,
        update=_update_public_access,
        delete=_delete_public_access,
        replaces="bucket",
        source="s3/bucket_public_access_block.go",
        updates=" ".join(BLOCKS.values()),
        defaults=dict.fromkeys(BLOCKS.values(), False),
        shapes=BUCKET,
    ),
    provisioner(
        "aws:s3/bucketVersioning:BucketVersioning",
        create=_versioning,
        read=_read_versioning,
        update=_update_versioning,
        delete=_delete_versioning,
        replaces="bucket",
        source="s3/bucket_versioning.go",
        updates="versioningConfiguration",
        shapes={
            **BUCKET,
            "versioningConfiguration.status": "s3.PutBucketVersioning.VersioningConfiguration.Status",
        },
    ),
    provisioner(
        "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
        create=_encryption,
        read=_read_encryption,
        update=_update_encryption,
        delete=_delete_encryption,
        replaces="bucket",
        source="s3/bucket_server_side_encryption_configuration.go",
        updates="rules",
        sets="rules",
        shapes={
            **BUCKET,
            "rules.applyServerSideEncryptionByDefault.sseAlgorithm": "s3.PutBucketEncryption."
            "ServerSideEncryptionConfiguration.Rules.ApplyServerSideEncryptionByDefault.SSEAlgorithm",
        },
    ),
    provisioner(
        "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration",
        create=_lifecycle,
        read=_read_lifecycle,
        update=_update_lifecycle,
        delete=_delete_lifecycle,
        replaces="bucket",
        source="s3/bucket_lifecycle_configuration.go",
        updates="rules",
        needs="rules",
        shapes={
            **BUCKET,
            "rules.status": "s3.PutBucketLifecycleConfiguration.LifecycleConfiguration.Rules.Status",
        },
    ),
)
