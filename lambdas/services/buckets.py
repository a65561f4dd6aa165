"""What several controls ask of S3 about buckets.

Source: Amazon S3 API Reference, ListBuckets and GetBucketPolicyStatus, which tells of the policy alone; Amazon S3 User
Guide, "Blocking public access to your Amazon S3 storage".
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from lambdas.answers import absent
from lambdas.controls.model import Place, Resource

if TYPE_CHECKING:
    from boto3 import Session

ARNS = ("arn:{partition}:s3:::*",)
NO_POLICY, UNSET = "NoSuchBucketPolicy", "NoSuchPublicAccessBlockConfiguration"


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


def tags(s3: Any, resource: Resource) -> list[dict[str, str]]:
    """The tags of a bucket, for its owner is named by one."""
    with absent("NoSuchTagSet"):
        return list(s3.get_bucket_tagging(**named(resource))["TagSet"])
    return []


def policy(s3: Any, resource: Resource) -> dict[str, Any] | None:
    """The policy of a bucket; None where it has none."""
    with absent(NO_POLICY):
        return dict(json.loads(s3.get_bucket_policy(**named(resource))["Policy"]))
    return None


def policy_is_public(s3: Any, resource: Resource) -> bool:
    """Whether the policy of a bucket is public: S3 says it, which weighs conditions by rules of its own."""
    with absent(NO_POLICY):
        return bool(s3.get_bucket_policy_status(**named(resource))["PolicyStatus"]["IsPublic"])
    return False


def acl(s3: Any, resource: Resource) -> list[dict[str, Any]]:
    """What the access control list of a bucket grants."""
    return list(s3.get_bucket_acl(**named(resource))["Grants"])


def serves_website(s3: Any, resource: Resource) -> bool:
    """Whether a bucket has a website endpoint, which speaks plain HTTP, to everybody."""
    with absent("NoSuchWebsiteConfiguration"):
        s3.get_bucket_website(**named(resource))
        return True
    return False


def block(s3: Any, resource: Resource) -> dict[str, bool] | None:
    """What a bucket blocks of public access; None where nothing is set."""
    with absent(UNSET):
        return dict(s3.get_public_access_block(**named(resource))["PublicAccessBlockConfiguration"])
    return None


def account_block(session: Session, resource: Resource) -> dict[str, bool] | None:
    """What a bucket's account blocks of public access; None where nothing is set."""
    control: Any = session.client("s3control")
    with absent(UNSET):
        return dict(control.get_public_access_block(AccountId=resource.account)["PublicAccessBlockConfiguration"])
    return None
