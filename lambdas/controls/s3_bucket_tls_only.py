"""The policy of a bucket denies requests that do not come by TLS.

A policy is written whole and nothing guards it against another writer: it is read, gets one statement, and is written
back; the statement is never added twice, for then the bucket is compliant. The undo writes what was read, or deletes
the policy where there was none.
Source: Security Hub S3.5; Amazon S3 User Guide, "Security best practices for Amazon S3" and "Blocking public access";
PutBucketPolicy. The managed rule S3_BUCKET_SSL_REQUESTS_ONLY says nothing of statements that deny less, on objects
alone or under other conditions, so the rule is our own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from lambdas.answers import absent
from lambdas.controls import model
from lambdas.controls.model import Change, Evaluation, Grant, Place, Plan, Refusal, Resource
from lambdas.services import buckets, public_buckets, resource_policies

if TYPE_CHECKING:
    from boto3 import Session


def read(session: Session, resource: Resource, finding: Mapping[str, Any] | None = None) -> dict[str, Any] | None:
    """Read the bucket's policy, None where it has none; None at all where the bucket is gone."""
    s3 = session.client("s3")
    with absent("NoSuchBucket"):
        return {"Arn": resource.arn, "Tags": buckets.tags(s3, resource), "Policy": buckets.policy(s3, resource)}
    return None


def evaluate(settings: Mapping[str, Any], parameters: Mapping[str, Any]) -> Evaluation:
    """Judge the statements of the policy."""
    if resource_policies.denies_plain_http(settings["Policy"], settings["Arn"]):
        return model.compliant("The policy denies requests without TLS.")
    if settings["Policy"] is None:
        return model.non_compliant("The bucket has no policy, so that nothing denies requests without TLS.")
    return model.non_compliant("The policy does not deny everybody requests without TLS on the bucket and its objects.")


def inspect(
    session: Session, resource: Resource, settings: Mapping[str, Any], parameters: Mapping[str, Any]
) -> dict[str, Any]:
    """Find whether the bucket serves a website, and whether S3 calls the policy public and refuses to write such."""
    s3 = session.client("s3")
    return {
        "Website": buckets.serves_website(s3, resource),
        "PublicPolicy": buckets.policy_is_public(s3, resource),
        "Block": buckets.block(s3, resource),
        "AccountBlock": buckets.account_block(session, resource),
    }


def discover(session: Session, place: Place) -> Iterator[Resource]:
    """List the account's general purpose buckets of the Region."""
    for name in buckets.listed(session, place):
        yield CONTROL.resource(place, name)


def plan(
    resource: Resource, settings: Mapping[str, Any], parameters: Mapping[str, Any], facts: Mapping[str, Any]
) -> Plan | Refusal:
    """Add the one statement."""
    before = settings["Policy"]
    if facts["PublicPolicy"] and public_buckets.blocks(facts, "BlockPublicPolicy"):
        return Refusal("the policy is public and BlockPublicPolicy is on: S3 refuses every policy that is")
    text = resource_policies.text(resource_policies.without_plain_http(before, resource.arn))
    if len(text.encode()) > resource_policies.BUCKET_POLICY_BYTES:
        return Refusal("the policy leaves no room for a further statement: it may have 20 KB")
    return Plan(
        changes=(_put(resource, "deny-requests-without-tls", text, _inverse(resource, before)),),
        tell=(model.Audience.OWNER, model.Audience.OPERATIONS),
        leaves=("All other statements of the policy stay as they are.",),
        ceiling=model.Ceiling(model.Mode.APPROVE, "the bucket serves a website, whose endpoint speaks plain HTTP only")
        if facts["Website"]
        else None,
        message=f"Bucket {resource.id} answers requests that do not come by TLS.",
    )


def _inverse(resource: Resource, before: Mapping[str, Any] | None) -> Change:
    if before is not None:
        return _put(resource, "restore-policy", resource_policies.text(before))
    return Change(
        name="delete-policy",
        service="s3",
        operation="delete_bucket_policy",
        parameters=buckets.named(resource),
        grants=(Grant("s3:DeleteBucketPolicy", (resource.arn,)),),
        irreversible="it is an undo",
    )


def _put(resource: Resource, name: str, text: str, inverse: Change | None = None) -> Change:
    return Change(
        name=name,
        service="s3",
        operation="put_bucket_policy",
        parameters={**buckets.named(resource), "Policy": text},
        grants=(Grant("s3:PutBucketPolicy", (resource.arn,)),),
        inverse=inverse,
        irreversible=None if inverse else "it is an undo",
    )


CONTROL = model.Control(
    id="S3.5",
    slug="s3-bucket-tls-only",
    title="S3 buckets deny requests that do not use TLS",
    severity=model.Severity.MEDIUM,
    resource_type="AWS::S3::Bucket",
    asff_type="AwsS3Bucket",
    arn="arn:{partition}:s3:::{id}",
    scope=model.Scope.REGIONAL,
    detection=model.CustomRule(on_change=True),
    parameters={},
    read_grants=(
        Grant("s3:GetBucketPolicy", buckets.ARNS),
        Grant("s3:GetBucketPolicyStatus", buckets.ARNS),
        Grant("s3:GetBucketTagging", buckets.ARNS),
        Grant("s3:GetBucketWebsite", buckets.ARNS),
        Grant("s3:GetBucketPublicAccessBlock", buckets.ARNS),
        Grant("s3:GetAccountPublicAccessBlock", ("*",)),
        Grant("s3:ListAllMyBuckets", ("*",)),
    ),
    grants=(Grant("s3:PutBucketPolicy", buckets.ARNS), Grant("s3:DeleteBucketPolicy", buckets.ARNS)),
    requirements=(
        "FSBP S3.5",
        "CIS AWS Foundations v3.0.0/2.1.1",
        "CIS AWS Foundations v5.0.0/2.1.1",
        "PCI DSS v4.0.1/4.2.1",
        "NIST.800-53.r5 SC-8",
        "NIST.800-53.r5 SC-8(1)",
        "NIST.800-53.r5 SC-23",
    ),
    impact="Clients that still use plain HTTP are refused; a website endpoint speaks nothing else. Everybody is "
    "denied, the account's administrators too.",
    remediation="Add a statement to the bucket's policy that denies requests without TLS.",
    ceiling=model.Ceiling(model.Mode.APPROVE, "clients that still use plain HTTP are cut off"),
    read=read,
    evaluate=evaluate,
    plan=plan,
    inspect=inspect,
    discover=discover,
)
