"""The default encryption of buckets uses a customer managed key (SSE-KMS or DSSE-KMS).

Fails on SSE-S3, on the AWS managed key aws/s3 however it is named, and on a key that is missing,
disabled, pending deletion, of another account or of another Region: S3 takes any name for a key, and
every later write under it fails. Targets of server access logs and of application load balancer logs are
not judged, for AWS delivers these under SSE-S3 only.
Source: Security Hub S3.17 and Amazon S3 User Guide, "Configuring default encryption"; PutBucketEncryption;
S3 Batch Operations, "Update object encryption". The managed rule S3_DEFAULT_ENCRYPTION_KMS passes aws/s3
and keys that cannot be used, so the rule is our own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from lambdas.controls import model
from lambdas.controls.model import Evaluation, Place, Plan, Refusal, Resource
from lambdas.services import bucket_encryption as encryption
from lambdas.services import bucket_encryption_changes as changes
from lambdas.services import bucket_reads as reads
from lambdas.services import buckets, kms_keys

if TYPE_CHECKING:
    from boto3 import Session

PEOPLE = (model.Audience.OWNER, model.Audience.OPERATIONS)
UNCHECKED = (
    "Uploads that name their own encryption keep it. IAM policies of writers (kms:GenerateDataKey) and readers "
    "(kms:Decrypt) are neither checked nor changed, nor are conditions and denials of the bucket's and the key's "
    "policy weighed."
)


def read(session: Session, resource: Resource, finding: Mapping[str, Any] | None = None) -> dict[str, Any] | None:
    """Read the bucket's default encryption, the key that it names, its tags, and who may write logs to it."""
    return reads.read(session, resource)


def evaluate(settings: Mapping[str, Any], parameters: Mapping[str, Any]) -> Evaluation:
    """Judge the algorithm and the key of the default encryption."""
    logs = encryption.logs_received(settings)
    if logs:
        return model.not_applicable(f"The bucket receives {logs}, which AWS can deliver under SSE-S3 only.")
    described = f"New objects are encrypted by {encryption.in_use(settings)}"[:255] + "."
    return (model.compliant if encryption.by_customer_key(settings) else model.non_compliant)(described)


def inspect(
    session: Session, resource: Resource, settings: Mapping[str, Any], parameters: Mapping[str, Any]
) -> dict[str, Any]:
    """Look at the key to use: its state, its policy, and what of the bucket would stop working under it."""
    return {} if parameters["key"] is None else reads.inspect(session, resource, settings, parameters["key"])


def discover(session: Session, place: Place) -> Iterator[Resource]:
    """List the account's general purpose buckets of the Region."""
    return (CONTROL.resource(place, name) for name in buckets.listed(session, place))


def plan(
    resource: Resource, settings: Mapping[str, Any], parameters: Mapping[str, Any], facts: Mapping[str, Any]
) -> Plan | Refusal:
    """Set the key of the Region as the default; re-encrypt what is there only where that is asked for."""
    now = f"Bucket {resource.id} encrypts new objects by {encryption.in_use(settings)}"
    untouched = "existing objects stay encrypted as they are"
    if parameters["key"] is None:
        return Plan(
            tell=PEOPLE,
            leaves=("The default encryption stays as it is: no key is set for this Region.",),
            message=f"{now}; set the parameter `key` of {resource.region}, or a key on the bucket. Nothing was "
            f"changed: {untouched}.",
        )
    if facts["Location"] != resource.region:
        return Refusal(f"the bucket lies in {facts['Location']}, not in {resource.region}")
    if encryption.default(settings)["SSEAlgorithm"] not in encryption.NAMES:
        return Refusal(f"{encryption.in_use(settings)} is set by the service that the bucket belongs to")
    fault = kms_keys.fault(facts["Key"], resource.account, resource.region)
    if fault:
        return Refusal(f"the key {parameters['key']} {fault}: every later write to the bucket would fail")
    rule = changes.by_key(settings, facts["Key"]["Arn"])
    put = changes.set_default(resource, "encrypt-by-customer-key", rule, settings["Encryption"]["Rules"][0])
    hindrance = changes.no_job(resource, settings, parameters)
    jobs = [] if hindrance else changes.jobs(resource, rule, parameters["reencrypt_role"])
    return Plan(
        changes=(put, *jobs),
        tell=PEOPLE,
        leaves=(changes.objects_left(hindrance), UNCHECKED),
        ceiling=_ceiling(hindrance, facts),
        message=f"{now}. The key for new objects: {facts['Key']['Arn']}; {untouched}"
        f"{'' if hindrance else ' until S3 Batch Operations jobs have re-encrypted them'}.",
    )


def _ceiling(hindrance: str | None, facts: Mapping[str, Any]) -> model.Ceiling | None:
    """A person decides where somebody would be cut off, or where objects are re-encrypted for good."""
    reasons = [f"the key's policy does not admit {who}" for who in facts["CutOff"]]
    reasons += [f"replication rule {rule} passes over objects under KMS keys" for rule in facts["NotReplicated"]]
    if hindrance is None:
        reasons.append("re-encrypting existing objects cannot be undone")
    return model.Ceiling(model.Mode.APPROVE, "; ".join(reasons)) if reasons else None


CONTROL = model.Control(
    id="Palisade.S3.1",
    slug="s3-bucket-customer-key-encrypted",
    title="The default encryption of S3 buckets uses a customer managed key",
    severity=model.Severity.MEDIUM,
    resource_type="AWS::S3::Bucket",
    asff_type="AwsS3Bucket",
    arn="arn:{partition}:s3:::{id}",
    scope=model.Scope.REGIONAL,
    # A key is disabled or deleted without the bucket: the schedule sees it.
    detection=model.CustomRule(on_change=True, schedule=model.Frequency.DAILY),
    parameters={"key": kms_keys.PARAMETER, **changes.REENCRYPTION},
    read_grants=reads.GRANTS,
    probe_grants=changes.PROBE_GRANTS,
    grants=changes.GRANTS,
    requirements=(
        "Security Hub S3.17 (stricter: aws/s3 does not pass)",
        "PCI DSS v4.0.1/3.5.1",
        "NIST.800-53.r5 SC-12(2)",
        "NIST.800-53.r5 SC-13",
        "NIST.800-53.r5 SC-28",
        "NIST.800-53.r5 SC-28(1)",
    ),
    impact="Writers need kms:GenerateDataKey on the key and readers kms:Decrypt, or they fail with new objects; "
    "replication passes over KMS objects unless told otherwise; KMS bills its calls. After an undo, objects written "
    "meanwhile stay under the key. Existing objects are re-encrypted only by the parameter `reencrypt`, for good.",
    remediation="Set the account's customer managed key of the Region as the bucket's default encryption.",
    ceiling=model.Ceiling(model.Mode.APPROVE, "who writes to or reads the bucket without access to the key is cut off"),
    read=read,
    evaluate=evaluate,
    plan=plan,
    inspect=inspect,
    discover=discover,
)
