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

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from lambdas.answers import absent
from lambdas.controls import model
from lambdas.controls.model import Change, Evaluation, Grant, Place, Plan, Probe, Ref, Refusal, Resource
from lambdas.services import bucket_encryption as encryption

if TYPE_CHECKING:
    from boto3 import Session

# What GetBucketLocation says of the two Regions that are older than it.
LOCATIONS = {None: "us-east-1", "EU": "eu-west-1"}
DESCRIBED = ("Arn", "KeyManager", "KeyState", "KeySpec")
BUCKETS = ("arn:{partition}:s3:::*",)
KEYS = ("arn:{partition}:kms:{region}:{account}:key/*",)
PASSED = {"StringEquals": {"iam:PassedToService": "batchoperations.s3.amazonaws.com"}}
# What UpdateObjectEncryption takes, as a job's filter names it and as people do. Under other KMS keys first: the
# other job's objects would be found by this one's filter.
JOBS = {"SSEKMS": "SSE-KMS", "SSES3": "SSE-S3"}
PEOPLE = (model.Audience.OWNER, model.Audience.OPERATIONS)


def read(session: Session, resource: Resource, finding: Mapping[str, Any] | None = None) -> dict[str, Any] | None:
    """Read the bucket's default encryption, the key that it names, its tags, and who may write logs to it."""
    s3 = session.client("s3")
    bucket: Any = {"Bucket": resource.id, "ExpectedBucketOwner": resource.account}
    with absent("NoSuchBucket"):
        settings = {
            "Bucket": resource.id,
            "Account": resource.account,
            "Region": resource.region,
            "Encryption": _encryption(s3, bucket),
            "Tags": _tags(s3, bucket),
            "Policy": _policy(s3, bucket),
            "LogDeliveryByAcl": _log_group_writes(s3, bucket),
        }
        named = encryption.default(settings).get("KMSMasterKeyID")
        settings["Key"] = _key(session, named, resource) if named else None
        return settings
    return None


def _encryption(s3: Any, bucket: Any) -> dict[str, Any]:
    with absent("ServerSideEncryptionConfigurationNotFoundError"):
        found: dict[str, Any] = s3.get_bucket_encryption(**bucket)["ServerSideEncryptionConfiguration"]
        return found
    # Only before 2023 could a bucket have none; S3 has applied SSE-S3 to such buckets since.
    return {"Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": encryption.SSE_S3}}]}


def _tags(s3: Any, bucket: Any) -> list[dict[str, str]]:
    with absent("NoSuchTagSet"):
        found: list[dict[str, str]] = s3.get_bucket_tagging(**bucket)["TagSet"]
        return found
    return []


def _policy(s3: Any, bucket: Any) -> dict[str, Any] | None:
    with absent("NoSuchBucketPolicy"):
        found: dict[str, Any] = json.loads(s3.get_bucket_policy(**bucket)["Policy"])
        return found
    return None


def _log_group_writes(s3: Any, bucket: Any) -> bool:
    """Whether S3's log delivery group may write by ACL, as targets of access logs were set up before 2022."""
    return any(
        grant["Grantee"].get("URI") == encryption.LOG_GROUP and grant["Permission"] in ("WRITE", "FULL_CONTROL")
        for grant in s3.get_bucket_acl(**bucket)["Grants"]
    )


def _key(session: Session, name: str, resource: Resource) -> dict[str, Any]:
    """Describe a key; what the name itself gives away is not asked for."""
    if encryption.by_aws(name) or encryption.belongs_elsewhere(name, resource.account, resource.region):
        return {"Name": name}
    with absent("NotFoundException", "InvalidArnException"):
        found: Any = session.client("kms").describe_key(KeyId=name)["KeyMetadata"]
        return {"Name": name, **{field: found[field] for field in DESCRIBED}}
    return {"Name": name}


def evaluate(settings: Mapping[str, Any], parameters: Mapping[str, Any]) -> Evaluation:
    """Judge the algorithm and the key of the default encryption."""
    logs = encryption.logs_received(settings)
    if logs:
        return model.not_applicable(f"The bucket receives {logs}, which AWS can deliver under SSE-S3 only.")
    described = f"New objects are encrypted by {encryption.in_use(settings)}"
    key = settings["Key"]
    by_kms = encryption.default(settings)["SSEAlgorithm"] in (encryption.SSE_KMS, encryption.DSSE_KMS)
    if by_kms and key is not None and encryption.key_fault(key, settings["Account"], settings["Region"]) is None:
        return model.compliant(described[:255] + ".")
    return model.non_compliant(described[:255] + ".")


def inspect(
    session: Session, resource: Resource, settings: Mapping[str, Any], parameters: Mapping[str, Any]
) -> dict[str, Any]:
    """Look at the key to use: its state, its policy, and what of the bucket would stop working under it."""
    if parameters["key"] is None:
        return {}
    s3 = session.client("s3")
    bucket: Any = {"Bucket": resource.id, "ExpectedBucketOwner": resource.account}
    location = s3.get_bucket_location(**bucket).get("LocationConstraint")
    facts: dict[str, Any] = {
        "Location": LOCATIONS.get(location, location),
        "Key": _key(session, parameters["key"], resource),
    }
    if encryption.key_fault(facts["Key"], resource.account, resource.region) is None:
        policy = session.client("kms").get_key_policy(KeyId=facts["Key"]["Arn"], PolicyName="default")["Policy"]
        facts["CutOff"] = encryption.cut_off(settings["Policy"], json.loads(policy), resource.account)
        facts["NotReplicated"] = _not_replicated(s3, bucket)
    return facts


def _not_replicated(s3: Any, bucket: Any) -> list[str]:
    """The replication rules that pass over objects under KMS keys."""
    with absent("ReplicationConfigurationNotFoundError"):
        return [
            rule["ID"]
            for rule in s3.get_bucket_replication(**bucket)["ReplicationConfiguration"]["Rules"]
            if rule["Status"] == "Enabled"
            and rule.get("SourceSelectionCriteria", {}).get("SseKmsEncryptedObjects", {}).get("Status") != "Enabled"
        ]
    return []


def discover(session: Session, place: Place) -> Iterator[Resource]:
    """List the account's general purpose buckets of the Region."""
    pages = session.client("s3").get_paginator("list_buckets").paginate(BucketRegion=place.region)
    for page in pages:
        for bucket in page["Buckets"]:
            yield CONTROL.resource(place, bucket["Name"])


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
    fault = encryption.key_fault(facts["Key"], resource.account, resource.region)
    if fault:
        return Refusal(f"the key {parameters['key']} {fault}: every later write to the bucket would fail")
    rule = _rule(settings, facts["Key"]["Arn"])
    put = replace(
        _put(resource, "encrypt-by-customer-key", rule),
        inverse=replace(
            _put(resource, "undo-encrypt-by-customer-key", settings["Encryption"]["Rules"][0]),
            irreversible="it is an undo",
        ),
    )
    hindrance = _no_job(resource, settings, parameters)
    jobs = [] if hindrance else [_job(resource, rule, parameters["reencrypt_role"], kind) for kind in JOBS]
    return Plan(
        changes=(put, *jobs),
        tell=PEOPLE,
        leaves=tuple(_leaves(hindrance)),
        ceiling=_ceiling(hindrance, facts),
        message=f"{now}. The key for new objects: {facts['Key']['Arn']}; {untouched}"
        f"{'' if hindrance else ' until S3 Batch Operations jobs have re-encrypted them'}.",
    )


def _rule(settings: Mapping[str, Any], key: str) -> dict[str, Any]:
    """Change algorithm and key of the rule as it was read; DSSE stays DSSE, blocked types stay blocked."""
    algorithm = encryption.default(settings)["SSEAlgorithm"]
    rule = {
        **settings["Encryption"]["Rules"][0],
        "ApplyServerSideEncryptionByDefault": {
            "SSEAlgorithm": encryption.SSE_KMS if algorithm == encryption.SSE_S3 else algorithm,
            "KMSMasterKeyID": key,
        },
    }
    if algorithm == encryption.SSE_S3:
        # SSE-S3 makes no use of a bucket key, so none was chosen. Without one, every object costs a call of KMS.
        rule["BucketKeyEnabled"] = True
    return rule


def _put(resource: Resource, name: str, rule: Mapping[str, Any]) -> Change:
    # S3 asks KMS nothing here, so the call needs no permission on the key.
    return Change(
        name=name,
        service="s3",
        operation="put_bucket_encryption",
        parameters={
            "Bucket": resource.id,
            "ExpectedBucketOwner": resource.account,
            "ServerSideEncryptionConfiguration": {"Rules": [dict(rule)]},
        },
        grants=(Grant("s3:PutEncryptionConfiguration", (resource.arn,)),),
    )


def _no_job(resource: Resource, settings: Mapping[str, Any], parameters: Mapping[str, Any]) -> str | None:
    """Say why the plan re-encrypts nothing that is there, or None where it does."""
    if not parameters["reencrypt"]:
        return "the parameter `reencrypt` is off"
    if encryption.default(settings)["SSEAlgorithm"] == encryption.DSSE_KMS:
        return "S3 cannot re-encrypt objects to DSSE-KMS in place"
    role = parameters["reencrypt_role"]
    if role is None or encryption.account_of(role) != resource.account:
        return f"the parameter `reencrypt_role` names no role of account {resource.account}"
    return None


def _job(resource: Resource, rule: Mapping[str, Any], role: str, kind: str) -> Change:
    """Re-encrypt in place, by a job over a list that S3 makes: no copies, dates and versions stay as they are.

    A job's filter takes one encryption; without a filter, objects that cannot be re-encrypted would fail the job.
    """
    key = rule["ApplyServerSideEncryptionByDefault"]["KMSMasterKeyID"]
    target = {"KMSKeyArn": key, "BucketKeyEnabled": rule.get("BucketKeyEnabled", False)}
    parameters = {
        "AccountId": resource.account,
        "ConfirmationRequired": False,
        "Operation": {"S3UpdateObjectEncryption": {"ObjectEncryption": {"SSEKMS": target}}},
        "ManifestGenerator": {
            "S3JobManifestGenerator": {
                "SourceBucket": resource.arn,
                "ExpectedBucketOwner": resource.account,
                "Filter": {"MatchAnyObjectEncryption": [{kind: {}}]},
                "EnableManifestOutput": False,
            }
        },
        # A report would be new objects in somebody's bucket; the job itself counts what failed.
        "Report": {"Enabled": False},
        "Priority": 10,
        "RoleArn": role,
        "Description": f"Re-encrypt {JOBS[kind]} objects of {resource.id} under {key}",
    }
    # The same for every run of this plan, so that S3 starts one job however often it is asked.
    token = hashlib.sha256(json.dumps(parameters, sort_keys=True).encode()).hexdigest()
    name = f"re-encrypt-{JOBS[kind].lower()}-objects"
    return Change(
        name=name,
        service="s3control",
        operation="create_job",
        parameters={**parameters, "ClientRequestToken": token},
        grants=(
            Grant("s3:CreateJob", ("*",)),
            Grant("iam:PassRole", (role,), PASSED),
        ),
        irreversible="S3 re-encrypts objects in place and cannot bring an object back to SSE-S3 or its former key",
        # Source: S3 User Guide, "Tracking job status and completion reports"; large buckets take days.
        effect=Probe(
            "s3control",
            "describe_job",
            {"AccountId": resource.account, "JobId": Ref(name, "JobId")},
            path="Job.Status",
            expected=("Complete",),
            failed=("Failed", "Cancelled", "Suspended"),
            interval=300,
            timeout=14 * 24 * 3600,
        ),
    )


def _leaves(hindrance: str | None) -> Iterator[str]:
    if hindrance:
        yield f"Existing objects are not re-encrypted: {hindrance}."
    else:
        yield (
            "Objects that are unencrypted, under SSE-C or DSSE-KMS, or locked in compliance mode are not re-encrypted, "
            "nor are those whose key can no longer be used."
        )
    yield (
        "Uploads that name their own encryption keep it. IAM policies of writers (kms:GenerateDataKey) and readers "
        "(kms:Decrypt) are neither checked nor changed, nor are conditions and denials of the bucket's and the key's "
        "policy weighed."
    )


def _ceiling(hindrance: str | None, facts: Mapping[str, Any]) -> model.Ceiling | None:
    """A person decides where somebody would be cut off, or where objects are re-encrypted for good."""
    reasons = [f"the key's policy does not admit {who}" for who in facts["CutOff"]]
    reasons += [f"replication rule {rule} passes over objects under KMS keys" for rule in facts["NotReplicated"]]
    if hindrance is None:
        reasons.append("re-encrypting existing objects cannot be undone")
    return model.Ceiling(model.Mode.APPROVE, "; ".join(reasons), firm=True) if reasons else None


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
    parameters={
        "key": model.Parameter(
            type="string",
            description="the customer managed key of the Region: an alias, which each account has of its own, or the "
            "ARN of a key of one account; without it people are told and nothing is changed",
            pattern=r"alias/(?!aws/)[A-Za-z0-9/_-]{1,250}|arn:[a-z-]+:kms:[a-z0-9-]+:\d{12}:key/[A-Za-z0-9-]+",
            per_region=True,
        ),
        "reencrypt": model.Parameter(
            type="boolean",
            description="re-encrypt existing objects in place by S3 Batch Operations, after approval: irreversible",
            default=False,
        ),
        "reencrypt_role": model.Parameter(
            type="string",
            description="the ARN of the account's role for that job: trusts batchoperations.s3.amazonaws.com, may list "
            "the bucket (s3:PutInventoryConfiguration), s3:UpdateObjectEncryption, and use the keys old and new",
            pattern=r"arn:[a-z-]+:iam::\d{12}:role/[\w+=,.@/-]+",
        ),
    },
    read_grants=(
        Grant("s3:GetEncryptionConfiguration", BUCKETS),
        Grant("s3:GetBucketTagging", BUCKETS),
        Grant("s3:GetBucketPolicy", BUCKETS),
        Grant("s3:GetBucketAcl", BUCKETS),
        Grant("s3:GetBucketLocation", BUCKETS),
        Grant("s3:GetReplicationConfiguration", BUCKETS),
        Grant("s3:ListAllMyBuckets", ("*",)),
        Grant("kms:DescribeKey", KEYS),
        Grant("kms:GetKeyPolicy", KEYS),
    ),
    probe_grants=(Grant("s3:DescribeJob", ("arn:{partition}:s3:{region}:{account}:job/*",)),),
    grants=(
        Grant("s3:PutEncryptionConfiguration", BUCKETS),
        # Nothing narrows the action: no resource type. The job does only what the role that is passed may do.
        Grant("s3:CreateJob", ("*",)),
        Grant("iam:PassRole", ("{parameter:reencrypt_role}",), PASSED),
    ),
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
