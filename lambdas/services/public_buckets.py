"""Whether a bucket is public, and the four settings that keep it from being so.

Source: Amazon S3 User Guide, "Blocking public access to your Amazon S3 storage" (the stricter of account and bucket
holds) and "Access control list overview", predefined groups.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from lambdas.answers import absent
from lambdas.controls.model import Grant, Resource
from lambdas.services import buckets

if TYPE_CHECKING:
    from boto3 import Session

BLOCKED = dict.fromkeys(("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), True)
EVERYBODY = ("global/AllUsers", "global/AuthenticatedUsers")
READS = (
    "GetBucketAcl", "GetBucketPolicyStatus", "GetBucketPublicAccessBlock", "GetBucketTagging", "GetBucketWebsite",
)  # fmt: skip
GRANTS = (*(Grant(f"s3:{action}", buckets.ARNS) for action in READS), Grant("s3:GetAccountPublicAccessBlock", ("*",)))


def read(session: Session, resource: Resource) -> dict[str, Any] | None:
    """Read what makes a bucket public and what keeps it from that; None where it is gone."""
    s3 = session.client("s3")
    with absent("NoSuchBucket"):
        everybody = [
            one["Permission"] for one in buckets.acl(s3, resource) if one["Grantee"].get("URI", "").endswith(EVERYBODY)
        ]
        return {
            "PublicAcl": sorted(everybody),
            "PublicPolicy": buckets.policy_is_public(s3, resource),
            "Block": buckets.block(s3, resource),
            "AccountBlock": buckets.account_block(session, resource),
            "Website": buckets.serves_website(s3, resource),
            "Tags": buckets.tags(s3, resource),
        }
    return None


def blocks(settings: Mapping[str, Any], name: str) -> bool:
    """Whether one of the four settings is on, at the bucket or at its account."""
    return any((settings[level] or {}).get(name) for level in ("Block", "AccountBlock"))


def ways_in(settings: Mapping[str, Any]) -> list[str]:
    """By what anybody may enter the bucket; nothing where it is not public."""
    ways = []
    if settings["PublicPolicy"] and not blocks(settings, "RestrictPublicBuckets"):
        ways.append("its policy")
    if settings["PublicAcl"] and not blocks(settings, "IgnorePublicAcls"):
        ways.append("its access control list")
    return ways
