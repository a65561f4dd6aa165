"""Names that a stack will use and that somebody else's resources have: creation would fail in the middle.

What Palisade made carries the tag `palisade:prefix`; what bears one of its names without it is a stranger's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from lambdas.answers import absent
from lambdas.names import Names
from operations.doctor_model import Notes

if TYPE_CHECKING:
    from boto3.session import Session

TAG = "palisade:prefix"
TOPIC = "names"
GONE = (
    "NoSuchEntity",
    "ResourceNotFoundException",
    "ResourceNotFound",
    "AWS.SimpleQueueService.NonExistentQueue",
    "QueueDoesNotExist",
    "NotFound",
    "NotFoundException",
    "NoSuchBucket",
    "NoSuchConfigRuleException",
    "404",
)
# S3's answer for a bucket of another account: names of buckets are the partition's.
FOREIGN_BUCKET = ("403", "AccessDenied")
Tags = Mapping[str, str]
Named = tuple[str, Callable[[], Tags]]


def look(notes: Notes, names: Iterator[Named], prefix: str) -> None:
    """Look whether each name is free or ours."""
    ours = taken = 0
    for what, tags_of in names:
        with notes.reading(TOPIC), absent(*GONE):
            tags = tags_of()
            if tags.get(TAG) == prefix:
                ours += 1
            else:
                taken += 1
                other = f"of another deployment ({TAG}: {tags[TAG]})" if TAG in tags else f"without the tag {TAG}"
                notes.blocks(
                    TOPIC,
                    f"{what} is there {other}",
                    "remove it, adopt it by pulumi import, or choose another prefix",
                )
    if not taken and not any(check.topic == TOPIC for check in notes.checks):
        notes.ok(TOPIC, f"{ours} are ours already, the others are free" if ours else "all are free")


def roles_of_member(session: Session, names: Names, account: str, partition: str) -> Iterator[Named]:
    """What a member has once."""
    iam = session.client("iam")
    for role in dict.fromkeys((names.detect_role, names.reader_role, names.writer_role)):
        yield f"role {role}", lambda role=role: _role(iam, role)  # type: ignore[misc]
    policy = f"arn:{partition}:iam::{account}:policy/{names.boundary}"
    yield f"policy {names.boundary}", lambda: _pairs(iam.list_policy_tags(PolicyArn=policy)["Tags"])


def roles_of_hub(session: Session, names: Names, environments: Sequence[str]) -> Iterator[Named]:
    """What the hub has once."""
    iam = session.client("iam")
    for role in (names.remediation_role, *(names.policy_role(one) for one in environments)):
        yield f"role {role}", lambda role=role: _role(iam, role)  # type: ignore[misc]


def of_member(session: Session, names: Names, rules: Mapping[str, str], wanted: Sequence[str]) -> Iterator[Named]:
    """What a member has in a Region; `rules` are its Config rules with their ARNs, `wanted` the names of ours."""
    yield f"function {names.detect_function}", lambda: _function(session, names.detect_function)
    yield f"queue {names.detect_dead_letters}", lambda: _queue(session, names.detect_dead_letters)
    yield f"rule {names.compliance_rule}", lambda: _rule(session, names.compliance_rule)
    yield f"rule {names.reconcile_rule}", lambda: _rule(session, names.reconcile_rule)
    config = session.client("config")
    for name in wanted:
        if name in rules:
            yield (
                f"Config rule {name}",
                lambda name=name: _pairs(config.list_tags_for_resource(ResourceArn=rules[name])["Tags"]),  # type: ignore[misc]
            )


def of_hub(session: Session, names: Names, partition: str, account: str, region: str) -> Iterator[Named]:
    """What the hub has in its home Region."""
    yield f"function {names.remediate_function}", lambda: _function(session, names.remediate_function)
    for queue in (names.findings_queue, names.findings_dead_letters):
        yield f"queue {queue}", lambda queue=queue: _queue(session, queue)  # type: ignore[misc]
    for table in (names.policies_table, names.state_table, names.ledger_table):
        arn = f"arn:{partition}:dynamodb:{region}:{account}:table/{table}"
        yield f"table {table}", lambda table=table, arn=arn: _table(session, table, arn)  # type: ignore[misc]
    topic = f"arn:{partition}:sns:{region}:{account}:{names.topic}"
    sns = session.client("sns")
    yield f"topic {names.topic}", lambda: _pairs(sns.list_tags_for_resource(ResourceArn=topic)["Tags"])


def of_hub_region(session: Session, names: Names, account: str, region: str) -> Iterator[Named]:
    """What the hub has in each Region."""
    bucket = names.code_bucket(account, region)
    yield f"bucket {bucket}", lambda: _bucket(session, bucket, account)
    yield names.key_alias, lambda: _alias(session, names.key_alias)


def _role(iam: Any, role: str) -> Tags:
    return _pairs(iam.list_role_tags(RoleName=role)["Tags"])


def _function(session: Session, name: str) -> Tags:
    found = session.client("lambda").get_function(FunctionName=name)
    return dict(found.get("Tags", {}))


def _queue(session: Session, name: str) -> Tags:
    sqs = session.client("sqs")
    return dict(sqs.list_queue_tags(QueueUrl=sqs.get_queue_url(QueueName=name)["QueueUrl"]).get("Tags", {}))


def _rule(session: Session, name: str) -> Tags:
    events = session.client("events")
    return _pairs(events.list_tags_for_resource(ResourceARN=events.describe_rule(Name=name)["Arn"])["Tags"])


def _table(session: Session, name: str, arn: str) -> Tags:
    dynamodb = session.client("dynamodb")
    dynamodb.describe_table(TableName=name)
    return _pairs(dynamodb.list_tags_of_resource(ResourceArn=arn)["Tags"])


def _bucket(session: Session, bucket: str, account: str) -> Tags:
    s3 = session.client("s3")
    try:
        s3.head_bucket(Bucket=bucket, ExpectedBucketOwner=account)
    except ClientError as error:
        if error.response["Error"]["Code"] not in FOREIGN_BUCKET:
            raise
        return {}
    with absent("NoSuchTagSet"):
        return _pairs(s3.get_bucket_tagging(Bucket=bucket)["TagSet"])
    return {}


def _alias(session: Session, alias: str) -> Tags:
    kms = session.client("kms")
    key = kms.describe_key(KeyId=alias)["KeyMetadata"]["KeyId"]
    return {one["TagKey"]: one["TagValue"] for one in kms.list_resource_tags(KeyId=key)["Tags"]}


def _pairs(tags: Sequence[Mapping[str, str]]) -> Tags:
    return {one["Key"]: one["Value"] for one in tags}
