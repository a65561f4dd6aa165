"""Whether a bucket is public, and the four settings that keep it from being so.

Source: Amazon S3 User Guide, "Blocking public access to your Amazon S3 storage" (the stricter of account and bucket
holds); GetBucketPolicyStatus, which tells of the policy alone; "Access control list overview", predefined groups.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from lambdas.answers import absent
from lambdas.controls.model import Grant, Resource

if TYPE_CHECKING:
    from boto3 import Session

BLOCKED = dict.fromkeys(("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), True)
EVERYBODY = ("global/AllUsers", "global/AuthenticatedUsers")
BUCKETS = ("arn:{partition}:s3:::*",)
READS = (
    "GetBucketAcl", "GetBucketPolicyStatus", "GetBucketPublicAccessBlock", "GetBucketTagging", "GetBucketWebsite",
)  # fmt: skip
GRANTS = (*(Grant(f"s3:{action}", BUCKETS) for action in READS), Grant("s3:GetAccountPublicAccessBlock", ("*",)))


def read(session: Session, resource: Resource) -> dict[str, Any] | None:
    """Read what makes a bucket public and what keeps it from that; None where it is gone."""
    s3 = session.client("s3")
    bucket: Any = {"Bucket": resource.id, "ExpectedBucketOwner": resource.account}
    with absent("NoSuchBucket"):
        grants = s3.get_bucket_acl(**bucket)["Grants"]
        everybody = [one["Permission"] for one in grants if one["Grantee"].get("URI", "").endswith(EVERYBODY)]
        return {
            "PublicAcl": sorted(everybody),
            "PublicPolicy": _policy_is_public(s3, bucket),
            "Block": _block(s3, bucket),
            "AccountBlock": _account_block(session, resource),
            "Website": _is_website(s3, bucket),
            "Tags": _tags(s3, bucket),
        }
    return None


def _policy_is_public(s3: Any, bucket: Any) -> bool:
    with absent("NoSuchBucketPolicy"):
        return bool(s3.get_bucket_policy_status(**bucket)["PolicyStatus"]["IsPublic"])
    return False


def _block(s3: Any, bucket: Any) -> dict[str, bool] | None:
    with absent("NoSuchPublicAccessBlockConfiguration"):
        return dict(s3.get_public_access_block(**bucket)["PublicAccessBlockConfiguration"])
    return None


def _account_block(session: Session, resource: Resource) -> dict[str, bool] | None:
    control: Any = session.client("s3control")
    with absent("NoSuchPublicAccessBlockConfiguration"):
        return dict(control.get_public_access_block(AccountId=resource.account)["PublicAccessBlockConfiguration"])
    return None


def _is_website(s3: Any, bucket: Any) -> bool:
    with absent("NoSuchWebsiteConfiguration"):
        s3.get_bucket_website(**bucket)
        return True
    return False


def _tags(s3: Any, bucket: Any) -> list[dict[str, str]]:
    with absent("NoSuchTagSet"):
        return list(s3.get_bucket_tagging(**bucket)["TagSet"])
    return []


def ways_in(settings: Mapping[str, Any]) -> list[str]:
    """By what anybody may enter the bucket; nothing where it is not public."""

    def blocked(name: str) -> bool:
        return any((settings[level] or {}).get(name) for level in ("Block", "AccountBlock"))

    ways = []
    if settings["PublicPolicy"] and not blocked("RestrictPublicBuckets"):
        ways.append("its policy")
    if settings["PublicAcl"] and not blocked("IgnorePublicAcls"):
        ways.append("its access control list")
    return ways
