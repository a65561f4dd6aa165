"""The contract of a provisioner: inputs as Pulumi's wire names them, API calls, an id and outputs.

One provisioner serves both ways of deploying: in process it only creates, for the engine's
stand-in provider it also reads, updates and deletes.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError

Inputs = Mapping[str, Any]

# Error codes that say that a resource, or that part of it, is not there.
GONE = frozenset(
    {
        "404", "AWS.SimpleQueueService.NonExistentQueue", "AccountNotRegisteredException", "NoSuchBucket",
        "NoSuchBucketPolicy", "NoSuchConfigRuleException", "NoSuchConfigurationRecorderException",
        "NoSuchDeliveryChannelException", "NoSuchEntity", "NoSuchKey", "NoSuchLifecycleConfiguration",
        "NoSuchPublicAccessBlockConfiguration", "NotFound", "NotFoundException", "QueueDoesNotExist",
        "ResourceNotFound", "ResourceNotFoundException", "ServerSideEncryptionConfigurationNotFoundError",
        "StackInstanceNotFoundException", "StackSetNotFoundException", "StateMachineDoesNotExist",
    }
)  # fmt: skip


class UnservedPropertyError(Exception):
    """A property that no call is known for: refused, for it would be ignored in silence."""


@dataclass(frozen=True, slots=True)
class Site:
    """Where a resource is made: an account entered by its provider, and a Region.

    `pause` lets seconds pass while something asynchronous comes about.
    """

    account: str
    region: str
    partition: str
    client: Callable[[str], Any]
    pause: Callable[[float], None] = time.sleep

    def wait(self, ready: Callable[[], bool], what: str, *, limit: int = 600, interval: int = 5) -> None:
        """Ask again every `interval` seconds until something asynchronous has happened, as providers do."""
        for _ in range(0, limit, interval):
            if ready():
                return
            self.pause(interval)
        raise TimeoutError(f"{what} did not come about within {limit} seconds")

    def arn(self, service: str, resource: str) -> str:
        """The ARN of a resource of this account and Region."""
        return f"arn:{self.partition}:{service}:{self.region}:{self.account}:{resource}"


@dataclass(frozen=True, slots=True)
class Made:
    """What was made: the provider's id, and the outputs that are not inputs."""

    id: str
    outputs: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Standing:
    """A resource as it stands: its id, and its properties as inputs would give them; outputs beside."""

    id: str
    inputs: Inputs
    outputs: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Known:
    """What the state holds of a resource: its id, its inputs and outputs; an import has no inputs."""

    id: str
    inputs: Inputs
    outputs: Inputs = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Edit:
    """A change of a resource: the inputs before and after, and the names of those that differ."""

    id: str
    old: Inputs
    new: Inputs
    changed: frozenset[str]

    def touches(self, names: str) -> bool:
        """Whether any of these inputs differs."""
        return not self.changed.isdisjoint(names.split())


Create = Callable[[Site, Inputs], Made]
Read = Callable[[Site, Known], Standing | None]
Update = Callable[[Site, Edit], Mapping[str, Any]]
Delete = Callable[[Site, Known], None]


@dataclass(frozen=True, slots=True)
class Provisioner:
    """One resource type: its inputs, and the calls that create, read, update and delete it.

    `updates` are inputs that `update` changes in place; `replaces` maps those that make the real
    provider replace the resource to the source that says so. `needs` are inputs that the SDK leaves
    optional and the real provider would fill in, which is not imitated. `defaults` are values that
    AWS takes where an input is missing; `computed` are inputs that AWS chooses where they are
    missing (Terraform: optional and computed). `documents` are JSON texts, equal by content; `sets` are
    lists without order (dotted paths reach into blocks). `unread` are inputs that no call tells.
    `shapes` maps inputs to the members of service models that bound them: `sqs.CreateQueue.QueueName`.
    """

    token: str
    create: Create
    read: Read
    update: Update
    delete: Delete
    updates: frozenset[str]
    replaces: Mapping[str, str]
    needs: tuple[str, ...] = ()
    defaults: Mapping[str, Any] = field(default_factory=dict)
    computed: frozenset[str] = frozenset()
    documents: frozenset[str] = frozenset()
    sets: frozenset[str] = frozenset()
    unread: frozenset[str] = frozenset()
    shapes: Mapping[str, str] = field(default_factory=dict)

    @property
    def accepts(self) -> frozenset[str]:
        """The inputs that are served."""
        return self.updates | frozenset(self.replaces)

    def filled(self, inputs: Inputs) -> dict[str, Any]:
        """The inputs with AWS's defaults where nothing is given."""
        return {**self.defaults, **{name: value for name, value in inputs.items() if value is not None}}


# Where the SDK's docstring says nothing, the real provider's source does: `ForceNew` of the property in its schema.
SOURCE = "terraform-provider-aws, internal/service/{}"
REGION = "Terraform AWS provider, guide Enhanced Region Support: changing the Region replaces the resource"


def provisioner(
    token: str,
    *,
    create: Create,
    read: Read,
    delete: Delete,
    update: Update | None = None,
    replaces: str = "",
    source: str = "",
    said: Mapping[str, str] | None = None,
    updates: str = "",
    regional: bool = True,
    needs: str = "",
    defaults: Mapping[str, Any] | None = None,
    computed: str = "",
    documents: str = "",
    sets: str = "",
    unread: str = "",
    shapes: Mapping[str, str] | None = None,
) -> Provisioner:
    """Describe a type; names are separated by blanks.

    `source` is the file of the real provider that marks `replaces`; `said` holds those whose own
    docstring says so, with its words. Regional types take `region`, which replaces.
    """
    replacing = {name: SOURCE.format(source) for name in replaces.split()} | dict(said or {})
    return Provisioner(
        token=token,
        create=create,
        read=read,
        update=update or no_update,
        delete=delete,
        updates=frozenset(updates.split()),
        replaces={**replacing, **({"region": REGION} if regional else {})},
        needs=tuple(needs.split()),
        defaults=dict(defaults or {}),
        computed=frozenset(computed.split()),
        documents=frozenset(documents.split()),
        sets=frozenset(sets.split()),
        unread=frozenset(unread.split()),
        shapes=dict(shapes or {}),
    )


def no_update(site: Site, edit: Edit) -> Mapping[str, Any]:
    """Serve a type whose every input forces replacement, or that only has inputs that no call takes."""
    return {}


def given(inputs: Inputs, **names: str) -> dict[str, Any]:
    """Rename inputs to parameters of a call; inputs that are not given are left out."""
    return {theirs: inputs[ours] for theirs, ours in names.items() if inputs.get(ours) is not None}


def tag_list(inputs: Inputs) -> list[dict[str, str]]:
    """The tags as most services want them."""
    return [{"Key": key, "Value": value} for key, value in sorted((inputs.get("tags") or {}).items())]


def tag_map(tags: Iterable[Mapping[str, str]], key: str = "Key", value: str = "Value") -> dict[str, str] | None:
    """The tags as an input gives them, from a service's list; None where there are none."""
    return {one[key]: one[value] for one in tags if not one[key].startswith("aws:")} or None


def retag(edit: Edit, put: Callable[[dict[str, str]], Any], drop: Callable[[list[str]], Any]) -> None:
    """Change tags: put those that are new or differ, drop those that are gone."""
    old, new = dict(edit.old.get("tags") or {}), dict(edit.new.get("tags") or {})
    if gone := sorted(set(old) - set(new)):
        drop(gone)
    if fresh := {key: value for key, value in sorted(new.items()) if old.get(key) != value}:
        put(fresh)


def as_list(tags: Mapping[str, str]) -> list[dict[str, str]]:
    """A map of tags as the list that most services take."""
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def upper(value: Any) -> Any:
    """Turn the keys of a nested input into AWS's: camelCase into CamelCase, throughout."""
    if isinstance(value, Mapping):
        return {key[:1].upper() + key[1:]: upper(one) for key, one in value.items()}
    return [upper(one) for one in value] if isinstance(value, list) else value


def lower(value: Any) -> Any:
    """Turn the keys of a service's answer into Pulumi's: CamelCase into camelCase, throughout."""
    if isinstance(value, Mapping):
        return {key[:1].lower() + key[1:]: lower(one) for key, one in value.items()}
    return [lower(one) for one in value] if isinstance(value, list) else value


def named(**values: Any) -> dict[str, Any]:
    """Inputs by name, without those that have no value."""
    return {name: value for name, value in values.items() if value is not None}


def text(document: Any) -> str:
    """Write a policy document as a text; boto3 returns some of them parsed."""
    return document if isinstance(document, str) else json.dumps(document)


def code(error: ClientError) -> str:
    """The error code of a refused call."""
    return str(error.response.get("Error", {}).get("Code", ""))


def unless_gone(call: Callable[..., Any], /, **parameters: Any) -> Any:
    """Make a call; None where what it is about is not there."""
    try:
        return call(**parameters)
    except ClientError as error:
        if code(error) in GONE:
            return None
        raise
