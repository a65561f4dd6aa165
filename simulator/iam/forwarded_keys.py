"""KMS keys that services use on their caller's behalf.

Source: SQS Developer Guide, "Key management"; SNS Developer Guide, "Managing encryption keys"; DynamoDB
Developer Guide, "Encryption at rest: how it works" (authorizing use of the key); S3 User Guide, "Using
server-side encryption with AWS KMS keys"; Lambda Developer Guide, "Deploying .zip file archives" (Lambda
reads the code's object with the permissions of who deploys it).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from moto.backends import get_backend

from simulator.call import Call
from simulator.iam.gathering import bucket_of
from simulator.iam.lookups import is_arn, key_arn
from simulator.iam.patterns import Context

if TYPE_CHECKING:
    from simulator.world import World

SENDING = ("kms:GenerateDataKey", "kms:Decrypt")
READING = ("kms:Decrypt",)
REWRAPPING = ("kms:Encrypt", "kms:Decrypt", "kms:GenerateDataKey", "kms:ReEncryptFrom", "kms:ReEncryptTo")
TABLE_ITEMS = frozenset(
    {
        "GetItem", "PutItem", "UpdateItem", "DeleteItem", "Query", "Scan", "BatchGetItem", "BatchWriteItem",
        "TransactGetItems", "TransactWriteItems", "ExecuteStatement", "BatchExecuteStatement", "ExecuteTransaction",
    }
)  # fmt: skip
# (service, operation) -> the actions that the service needs on the resource's key
USES: Mapping[tuple[str, str], tuple[str, ...]] = {
    ("sqs", "SendMessage"): SENDING,
    ("sqs", "SendMessageBatch"): SENDING,
    ("sqs", "ReceiveMessage"): READING,
    ("sns", "Publish"): SENDING,
    ("sns", "PublishBatch"): SENDING,
    ("s3", "PutObject"): ("kms:GenerateDataKey",),
    ("s3", "CopyObject"): ("kms:GenerateDataKey",),
    # Parts are read again to put them together.
    ("s3", "CreateMultipartUpload"): SENDING,
    ("s3", "GetObject"): READING,
    ("s3", "HeadObject"): READING,
    # API reference, UpdateObjectEncryption. Asked for on the new key; the former one is S3's to unwrap by.
    ("s3", "UpdateObjectEncryption"): REWRAPPING,
    # The object that the code is read from.
    ("lambda", "CreateFunction"): READING,
    ("lambda", "UpdateFunctionCode"): READING,
    # From then on DynamoDB itself works by the grant.
    ("dynamodb", "CreateTable"): ("kms:DescribeKey", "kms:CreateGrant"),
    **{("dynamodb", operation): READING for operation in TABLE_ITEMS},
}


@dataclass(frozen=True, slots=True)
class KeyUse:
    """Actions that a service needs on a key for a call; `managed` keys are AWS's own, of the service.

    `service` holds the resource: it is S3 that decrypts the code of a function, not Lambda.
    """

    key: str
    actions: tuple[str, ...]
    managed: bool
    context: Context
    service: str


def key_uses(call: Call, resources: tuple[str, ...], world: World) -> Iterator[KeyUse]:
    """Yield the keys that a call makes its service use."""
    actions = USES.get((call.service, call.operation))
    if actions is None:
        return
    seen = set()
    for resource in resources:
        service = resource.split(":")[2]
        find = _KEYS.get(service)
        named = None if find is None else find(call, resource, world)
        if not named or (resource, named) in seen:
            continue
        seen.add((resource, named))
        owner, region = _place(call, resource, world)
        key = key_arn(replace_place(call, region), named, owner)
        yield KeyUse(key, actions, "alias/aws/" in named, _encryption_context(call, resource, world), service)


def replace_place(call: Call, region: str) -> Call:
    """Return a call as of another Region, where its resource stands."""
    return call if region == call.region else replace(call, region=region)


def _place(call: Call, resource: str, world: World) -> tuple[str, str]:
    _, _, service, region, account, _ = resource.split(":", 5)
    if service == "s3":
        bucket = bucket_of(resource, world.partition)
        return (bucket.account_id, bucket.region_name) if bucket is not None else (call.account, call.region)
    return account, region


def _encryption_context(call: Call, resource: str, world: World) -> Context:
    service = resource.split(":")[2]
    if service == "s3" and _under_bucket_key(call, resource, world):
        # S3 User Guide, "Reducing the cost of SSE-KMS with Amazon S3 Bucket Keys": the bucket stands for its objects.
        resource = resource.split("/", 1)[0]
    name = {"sqs": "aws:sqs:arn", "sns": "aws:sns:topicArn", "s3": "aws:s3:arn"}.get(service)
    if name is None:
        _, _, _, _, account, table = resource.split(":", 5)
        table = table.removeprefix("table/").split("/")[0]
        return {
            "kms:EncryptionContext:aws:dynamodb:tableName": table,
            "kms:EncryptionContext:aws:dynamodb:subscriberId": account,
            "kms:EncryptionContextKeys": ("aws:dynamodb:tableName", "aws:dynamodb:subscriberId"),
        }
    return {f"kms:EncryptionContext:{name}": resource, "kms:EncryptionContextKeys": (name,)}


def _queue_key(call: Call, arn: str, world: World) -> str | None:
    _, _, _, region, account, name = arn.split(":", 5)
    queue = get_backend("sqs")[account][region].queues.get(name)
    return None if queue is None else queue.kms_master_key_id or None


def _topic_key(call: Call, arn: str, world: World) -> str | None:
    _, _, _, region, account, _ = arn.split(":", 5)
    topic = get_backend("sns")[account][region].topics.get(arn)
    return None if topic is None else topic.kms_master_key_id or None


def _table_key(call: Call, arn: str, world: World) -> str | None:
    _, _, _, region, account, name = arn.split(":", 5)
    table = get_backend("dynamodb")[account][region].tables.get(name.removeprefix("table/").split("/")[0])
    specification = call.parameters.get("SSESpecification") if table is None else table.sse_specification
    if not specification or not specification.get("Enabled"):
        return None
    return str(specification.get("KMSMasterKeyId") or "alias/aws/dynamodb")


def _object_key(call: Call, arn: str, world: World) -> str | None:
    """The key of an object: of the stored one where it is read, by request or bucket default where it is written."""
    bucket = bucket_of(arn, world.partition)
    if bucket is None or "/" not in arn.split(":", 5)[5]:
        return None
    if call.operation == "UpdateObjectEncryption":
        return str(call.parameters["ObjectEncryption"]["SSEKMS"]["KMSKeyArn"])
    if USES[call.service, call.operation] == READING:
        stored = bucket.keys.get(arn.split(":", 5)[5].split("/", 1)[1])
        kind, key = getattr(stored, "encryption", None), getattr(stored, "kms_key_id", None)
    else:
        default = _default_encryption(bucket)
        kind = call.parameters.get("ServerSideEncryption") or default.get("SSEAlgorithm")
        key = call.parameters.get("SSEKMSKeyId") or default.get("KMSMasterKeyID")
    if kind not in ("aws:kms", "aws:kms:dsse"):
        return None
    return str(key) if key else "alias/aws/s3"


def _under_bucket_key(call: Call, arn: str, world: World) -> bool:
    """Whether an object is, or will be, encrypted under a key of its bucket."""
    bucket = bucket_of(arn, world.partition)
    if bucket is None:
        return False
    if USES[call.service, call.operation] == READING:
        stored = bucket.keys.get(arn.split(":", 5)[5].partition("/")[2])
        return str(getattr(stored, "bucket_key_enabled", None)).lower() == "true"
    asked = call.parameters.get("BucketKeyEnabled")
    return str(_default_rule(bucket).get("BucketKeyEnabled") if asked is None else asked).lower() == "true"


def _default_rule(bucket: Any) -> Mapping[str, Any]:
    rules = (bucket.encryption or {}).get("Rule") or {}
    rule: Mapping[str, Any] = rules[0] if isinstance(rules, list) else rules
    return rule


def _default_encryption(bucket: Any) -> Mapping[str, Any]:
    default: Mapping[str, Any] = _default_rule(bucket).get("ApplyServerSideEncryptionByDefault") or {}
    return default


def in_account(key: str, account: str) -> bool:
    """Whether a key's ARN is of an account."""
    return is_arn(key) and key.split(":")[4] == account


_KEYS = {"sqs": _queue_key, "sns": _topic_key, "dynamodb": _table_key, "s3": _object_key}
