"""What several controls ask of S3 about buckets.

Source: Amazon S3 API Reference, ListBuckets; Amazon S3 User Guide, "Blocking public access to your Amazon S3 storage".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from lambdas.answers import absent
from lambdas.controls.model import Place, Resource

if TYPE_CHECKING:
    from boto3 import Session

UNSET = "NoSuchPublicAccessBlockConfiguration"


def named(resource: Resource) -> Any:
    """A bucket as calls name it: of its account and no other."""
    return {"Bucket": resource.id, "ExpectedBucketOwner": resource.account}


def listed(session: Session, place: Place) -> Iterator[str]:
    """The account's general purpose buckets of the Region, by name."""
    for page in session.client("s3").get_paginator("list_buckets").paginate(BucketRegion=place.region):
        for bucket in page["Buckets"]:
            yield bucket["Name"]


def every(session: Session) -> Iterator[str]:
    """The account's general purpose buckets of all Regions, by name."""
    for page in session.client("s3").get_paginator("list_buckets").paginate():
        for bucket in page["Buckets"]:
            yield bucket["Name"]


def tags(session: Session, resource: Resource) -> list[dict[str, str]]:
    """The tags of a bucket, for its owner is named by one."""
    with absent("NoSuchTagSet"):
        found: Any = session.client("s3").get_bucket_tagging(**named(resource))["TagSet"]
        return list(found)
    return []


def refuses_public_policies(session: Session, resource: Resource) -> bool:
    """Whether S3 refuses to write a policy that is public, by the bucket's block or by the account's."""
    with absent(UNSET):
        if _refuses(session.client("s3").get_public_access_block(**named(resource))):
            return True
    with absent(UNSET):
        return _refuses(session.client("s3control").get_public_access_block(AccountId=resource.account))
    return False


def _refuses(answer: Mapping[str, Any]) -> bool:
    return bool(answer["PublicAccessBlockConfiguration"].get("BlockPublicPolicy"))
