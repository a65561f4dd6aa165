"""Tags of the resource that a request addresses, for `aws:ResourceTag` and the keys of single services like it.

Source: IAM User Guide, "AWS global condition context keys"; the condition keys of each service in the Service
Authorization Reference. A bucket's own tags count only where its attribute-based access control is switched on
(S3 User Guide, "Using tags with S3 general purpose buckets"), which new buckets have not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from moto.s3.models import FakeKey

from simulator.iam.backends import backends
from simulator.iam.patterns import Value

if TYPE_CHECKING:
    from simulator.world import World

Tags = Mapping[str, str]
# What ARNs call a service, where boto3 calls it otherwise.
SERVICES: Mapping[str, str] = {"states": "stepfunctions"}


@runtime_checkable
class TagsResources(Protocol):
    """A service of ours that knows the tags of its resources."""

    def resource_tags(self, arn: str) -> Tags:
        """Return the tags of a resource; none where it does not exist."""
        ...


def tag_context(arn: str, world: World) -> dict[str, Value]:
    """Return the context keys that show the tags of a resource."""
    tags = tags_of(arn, world)
    if not tags:
        return {}
    starts = _STARTS.get(arn.split(":")[2], ("aws:ResourceTag",))
    return {f"{start}/{key}": value for start in starts for key, value in tags.items()}


def tags_of(arn: str, world: World) -> Tags:
    """Return the tags of a resource; none where it does not exist, is not tagged or cannot be."""
    parts = arn.split(":", 5)
    if len(parts) != 6 or "*" in arn:
        return {}
    own = world.services.get(SERVICES.get(parts[2], parts[2]))
    if isinstance(own, TagsResources):
        return own.resource_tags(arn)
    read = _READERS.get(parts[2])
    return {} if read is None else read(world, arn, parts[4], parts[3], parts[5])


def _ec2(world: World, arn: str, account: str, region: str, name: str) -> Tags:
    # moto's own mapping would make an entry for every id that is asked for.
    found: Tags = backends("ec2")[account][region].tags.get(name.split("/")[-1], {})
    return found


def _iam(world: World, arn: str, account: str, region: str, name: str) -> Tags:
    backend = backends("iam")[account][world.partition]
    kind = name.split("/", 1)[0]
    entities: Iterable[Any] = {
        "role": backend.roles.values(),
        "user": backend.users.values(),
        "policy": backend.managed_policies.values(),
    }.get(kind, ())
    entity = next((entity for entity in entities if entity.arn == arn), None)
    return _pairs(getattr(entity, "tags", None))


def _queue(world: World, arn: str, account: str, region: str, name: str) -> Tags:
    queue = backends("sqs")[account][region].queues.get(name)
    return {} if queue is None else queue.tags or {}


def _topic(world: World, arn: str, account: str, region: str, name: str) -> Tags:
    topic = backends("sns")[account][region].topics.get(arn)
    return {} if topic is None else topic._tags or {}


def _key(world: World, arn: str, account: str, region: str, name: str) -> Tags:
    tagger = backends("kms")[account][region].tagger
    found: Tags = tagger.get_tag_dict_for_resource(name.removeprefix("key/"))
    return found


def _table(world: World, arn: str, account: str, region: str, name: str) -> Tags:
    table = backends("dynamodb")[account][region].tables.get(name.removeprefix("table/").split("/")[0])
    return {} if table is None else _pairs(table.tags)


def _log_group(world: World, arn: str, account: str, region: str, name: str) -> Tags:
    group = arn.split(":log-stream:")[0].removesuffix(":*")
    found: Tags = backends("logs")[account][region].tagger.get_tag_dict_for_resource(group)
    return found


def _secret(world: World, arn: str, account: str, region: str, name: str) -> Tags:
    secrets = backends("secretsmanager")[account][region].secrets.values()
    secret = next((secret for secret in secrets if secret.arn == arn), None)
    return {} if secret is None else _pairs(secret.tags)


def _object(world: World, arn: str, account: str, region: str, name: str) -> Tags:
    bucket, _, key = name.partition("/")
    owner = backends("s3").bucket_accounts.get(bucket)
    if not key or owner is None:
        return {}
    backend = backends("s3")[owner[1]][world.partition]
    stored = backend.buckets[bucket].keys.get(key)
    # A delete marker is there and has neither ARN nor tags.
    found: Tags = backend.tagger.get_tag_dict_for_resource(stored.arn) if isinstance(stored, FakeKey) else {}
    return found


def _organization(world: World, arn: str, account: str, region: str, name: str) -> Tags:
    backend = backends("organizations")[world.management][world.partition]
    identifier = name.split("/")[-1]
    nodes = (*backend.accounts, *backend.ou, *backend.policies)
    found: Tags = next((node.tags for node in nodes if node.id == identifier), {})
    return found


def _pairs(tags: Any) -> Tags:
    listed = tags.values() if isinstance(tags, Mapping) else tags or ()
    return {tag["Key"]: tag["Value"] for tag in listed}


_READERS: Mapping[str, Callable[[World, str, str, str, str], Tags]] = {
    "dynamodb": _table,
    "ec2": _ec2,
    "iam": _iam,
    "kms": _key,
    "logs": _log_group,
    "organizations": _organization,
    "s3": _object,
    "secretsmanager": _secret,
    "sns": _topic,
    "sqs": _queue,
}
# Where other keys than `aws:ResourceTag` show the tags, or beside it.
_STARTS: Mapping[str, tuple[str, ...]] = {
    "ec2": ("aws:ResourceTag", "ec2:ResourceTag"),
    "iam": ("aws:ResourceTag", "iam:ResourceTag"),
    "s3": ("s3:ExistingObjectTag",),
    "secretsmanager": ("aws:ResourceTag", "secretsmanager:ResourceTag"),
}
