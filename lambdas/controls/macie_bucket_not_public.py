"""Buckets in which Macie finds sensitive data are not public.

All four settings of Block Public Access are set on the bucket; its policy and access control list stay as they are.
Under a public policy other accounts are then kept out altogether, those that it names as well; a public list loses what
it gives to everybody alone. Macie tells Security Hub of sensitive data only where the account says so:
`aws macie2 put-findings-publication-configuration --security-hub-configuration publishClassificationFindings=true`.
Source: Macie User Guide, "Types of findings" and "Evaluating findings with AWS Security Hub"; Amazon S3 User Guide,
"Blocking public access to your Amazon S3 storage"; PutPublicAccessBlock.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from lambdas.controls import model
from lambdas.controls.model import Change, Evaluation, Grant, Plan, Refusal, Resource
from lambdas.services import buckets, macie, public_buckets

if TYPE_CHECKING:
    from boto3 import Session

WEBSITE = "the bucket serves a website, which would be gone"
PUBLIC_POLICY = (
    "somebody wrote a policy that admits everybody, and may mean it: while that is blocked, no other account gets in, "
    "not even one that it names"
)


def read(session: Session, resource: Resource, finding: Mapping[str, Any] | None = None) -> dict[str, Any] | None:
    """Read what makes the bucket public, and the types of what Macie finds in it; None where it is gone."""
    settings = public_buckets.read(session, resource)
    if settings is None:
        return None
    return {**settings, "Findings": sorted(set(macie.sensitive_data(session, resource.id)))}


def evaluate(settings: Mapping[str, Any], parameters: Mapping[str, Any]) -> Evaluation:
    """Judge whether anybody may have what Macie has found."""
    if not settings["Findings"]:
        return model.compliant("Macie has no open finding of sensitive data in it.")
    ways = public_buckets.ways_in(settings)
    if not ways:
        return model.compliant("It holds sensitive data, and is not public.")
    found = f"Macie finds {', '.join(settings['Findings'])}, and anybody enters by {' and '.join(ways)}"
    return model.non_compliant(found[:255] + ".")


def plan(
    resource: Resource, settings: Mapping[str, Any], parameters: Mapping[str, Any], facts: Mapping[str, Any]
) -> Plan | Refusal:
    """Block public access; undo gives back the settings that were there, or none."""
    ways = " and ".join(public_buckets.ways_in(settings))
    reasons = [WEBSITE] if settings["Website"] else []
    reasons += [PUBLIC_POLICY] if settings["PublicPolicy"] else []
    return Plan(
        changes=(_block(resource, settings["Block"]),),
        tell=(model.Audience.OWNER, model.Audience.OPERATIONS),
        leaves=(
            "The bucket's policy and access control list stay. While the policy is public, only principals of this "
            "account and AWS services enter by it; of the list, what it gives to everybody is without effect.",
            "Objects that were copied are out: S3 server access logs or data events of CloudTrail tell by whom.",
            "Macie's findings stay open: people archive them when the data is where it belongs.",
        ),
        ceiling=model.Ceiling(model.Mode.APPROVE, "; ".join(reasons)) if reasons else None,
        message=f"Macie finds {', '.join(settings['Findings'])} in bucket {resource.id}, and anybody enters by {ways}. "
        f"Blocking public access keeps {_kept_out(settings)} out; undo gives the former settings back.",
    )


def _kept_out(settings: Mapping[str, Any]) -> str:
    """Whom the settings keep out: S3 cuts a public policy off from all other accounts, a list from everybody alone."""
    if settings["PublicPolicy"]:
        return "everybody and all other accounts, also those that the policy names,"
    return "whom the access control list admits as everybody"


def _block(resource: Resource, before: Mapping[str, bool] | None) -> Change:
    # Deleting the settings is the same permission (Service Authorization Reference, Amazon S3).
    grants = (Grant("s3:PutBucketPublicAccessBlock", (resource.arn,)),)
    former = {"PublicAccessBlockConfiguration": dict(before)} if before is not None else {}
    return Change(
        name="block-public-access",
        service="s3",
        operation="put_public_access_block",
        parameters={**buckets.named(resource), "PublicAccessBlockConfiguration": public_buckets.BLOCKED},
        grants=grants,
        inverse=Change(
            name="former-public-access",
            service="s3",
            operation="put_public_access_block" if former else "delete_public_access_block",
            parameters={**buckets.named(resource), **former},
            grants=grants,
            irreversible="it is an undo",
        ),
    )


CONTROL = model.Control(
    id="Palisade.Macie.1",
    slug="macie-bucket-not-public",
    title="S3 buckets in which Macie finds sensitive data are not public",
    severity=model.Severity.CRITICAL,
    resource_type="AWS::S3::Bucket",
    asff_type="AwsS3Bucket",
    arn="arn:{partition}:s3:::{id}",
    scope=model.Scope.REGIONAL,
    detection=model.ProductFindings(
        product="Macie",
        path="aws/macie",
        types=("Sensitive Data Identifications/*SensitiveData:S3Object-*",),
        severities=(model.Severity.MEDIUM, model.Severity.HIGH),
        beside=("AwsS3Object",),
    ),
    parameters={},
    read_grants=(*macie.GRANTS, *public_buckets.GRANTS),
    grants=(Grant("s3:PutBucketPublicAccessBlock", buckets.ARNS),),
    requirements=("NIST.800-53.r5 AC-3", "NIST.800-53.r5 AC-21", "PCI DSS v4.0.1/1.4.4"),
    impact="Who reads the bucket as everybody no longer can. Under a public policy no other account can either, also "
    "one that the policy names. A website or a public policy is asked about first.",
    remediation="Block public access to the bucket.",
    ceiling=model.Ceiling(model.Mode.AUTOMATIC, "no ceiling"),
    read=read,
    evaluate=evaluate,
    plan=plan,
)
