"""What the SDK says about a type: its inputs, their kinds, which are required, and its outputs.

Source: the classes of `pulumi_aws`. Bounds and patterns come from the service models, by the
provisioner's table.
"""

from __future__ import annotations

import collections.abc
import importlib
import inspect
import sys
import typing
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import pulumi
import pulumi_aws  # noqa: F401 - registers the modules of its types
from botocore.loaders import Loader
from botocore.model import ListShape, MapShape, ServiceModel, Shape
from pulumi import _types
from pulumi.runtime import rpc

from simulator.call import ServiceError
from simulator.engine.wire import UNKNOWN, unknown
from simulator.parameters import validate
from simulator.provisioners.comparison import ASSET, MARKER
from simulator.provisioners.model import Inputs, Provisioner

SCALARS: Mapping[type, str] = {str: "a string", bool: "a boolean", int: "an integer", float: "a number"}
PLUMBING = (collections.abc.Awaitable, pulumi.Output)


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with an input: its name on the wire, and the reason for people."""

    property: str
    reason: str


@dataclass(frozen=True, slots=True)
class Block:
    """The members of a resource's inputs or of a nested block: kinds by wire name, and which are required."""

    kinds: Mapping[str, Any]
    required: frozenset[str]


@dataclass(frozen=True, slots=True)
class Schema:
    """One resource type of the SDK."""

    inputs: Block
    outputs: frozenset[str]


class UnknownTypeError(Exception):
    """A resource type that the SDK does not have."""


@cache
def schema(token: str) -> Schema:
    """Look a type up in the SDK; raises UnknownTypeError."""
    modules = rpc._RESOURCE_MODULES.get(":".join(token.split(":")[:2]), [])
    named: Any = next((one for one in modules if token in getattr(one, "mod_info", {}).get("classes", {})), None)
    if named is None:
        raise UnknownTypeError(f"pulumi_aws has no resource type {token}")
    resource = getattr(importlib.import_module(named.mod_info["fqn"]), named.mod_info["classes"][token])
    module, name = sys.modules[resource.__module__], resource.__name__
    # Where a nested block has the plain name, the SDK calls the inputs of the resource InitArgs.
    arguments = getattr(module, f"{name}InitArgs", None) or getattr(module, f"{name}Args")
    return Schema(_block(arguments), frozenset(_types.resource_py_to_pulumi_names(resource).values()))


@cache
def _block(arguments: type) -> Block:
    names = _types.input_type_py_to_pulumi_names(arguments)
    parameters = list(inspect.signature(arguments).parameters.values())
    required = {names[one.name] for one in parameters if one.default is inspect.Parameter.empty}
    return Block(_types.input_type_types(arguments), frozenset(required))


def faults(provisioner: Provisioner, inputs: Inputs) -> Iterator[Fault]:
    """Find inputs that the SDK does not know, that are missing, of the wrong kind, or out of a service's bounds."""
    found = schema(provisioner.token)
    before = list(_members(found.inputs, inputs, ""))
    yield from before
    known = {name for name in inputs if name in found.inputs.kinds}
    for name in sorted(known - provisioner.accepts):
        yield Fault(name, "is not served by the local organisation: it would be ignored in silence")
    for name in provisioner.needs:
        if name not in inputs:
            yield Fault(name, "is missing; the provider would choose it, which the local organisation does not imitate")
    if not before:
        yield from _bounds(provisioner, inputs)


def _members(block: Block, given: Inputs, path: str) -> Iterator[Fault]:
    for name in sorted(block.required - set(given)):
        yield Fault(path + name, "is required but missing")
    for name, value in given.items():
        if name not in block.kinds:
            yield Fault(path + name, "is not known to the SDK")
        else:
            yield from _kind(block.kinds[name], value, path + name)


def _kind(kind: Any, value: Any, path: str) -> Iterator[Fault]:
    """Compare a value with its type hint."""
    if value == UNKNOWN or kind is Any:
        return
    origin = typing.get_origin(kind)
    if origin is typing.Union:
        options = [
            one for one in typing.get_args(kind) if one is not type(None) and typing.get_origin(one) not in PLUMBING
        ]
        options = [one for one in options if one not in PLUMBING]
        answers = [list(_kind(one, value, path)) for one in options]
        if all(answers):
            yield from answers[0]
    elif origin in (list, collections.abc.Sequence):
        if not isinstance(value, list):
            yield Fault(path, f"must be a list, not {value!r}")
            return
        for number, item in enumerate(value):
            yield from _kind(typing.get_args(kind)[0], item, f"{path}[{number}]")
    elif origin in (dict, collections.abc.Mapping):
        if not isinstance(value, Mapping):
            yield Fault(path, f"must be a map, not {value!r}")
            return
        for key, item in value.items():
            yield from _kind(typing.get_args(kind)[1], item, f"{path}.{key}")
    elif isinstance(kind, type):
        yield from _plain_kind(kind, value, path)


def _plain_kind(kind: type, value: Any, path: str) -> Iterator[Fault]:
    if _types.is_input_type(kind):
        if isinstance(value, Mapping):
            yield from _members(_block(kind), value, f"{path}.")
        else:
            yield Fault(path, f"must be a block, not {value!r}")
    elif issubclass(kind, (pulumi.Asset, pulumi.Archive)):
        if not (isinstance(value, Mapping) and value.get(MARKER) == ASSET):
            yield Fault(path, f"must be an asset, not {value!r}")
    elif kind in SCALARS:
        accepted = (int, float) if kind is float else kind
        if not isinstance(value, accepted) or (isinstance(value, bool) and kind is not bool):
            yield Fault(path, f"must be {SCALARS[kind]}, not {value!r}")


def _bounds(provisioner: Provisioner, inputs: Inputs) -> Iterator[Fault]:
    """Hold inputs to the members of service models that they become."""
    for path, place in provisioner.shapes.items():
        service, shape = _shape(place)
        for value in _values(inputs, path.split(".")):
            if unknown(value):
                continue
            try:
                validate(service, shape, value)
            except ServiceError as error:
                yield Fault(path, error.message.replace(" at ''", ""))


def _values(value: Any, path: list[str]) -> Iterator[Any]:
    """The values at a path; lists on the way are gone through."""
    if isinstance(value, list):
        for one in value:
            yield from _values(one, path)
    elif not path:
        yield value
    elif isinstance(value, Mapping) and path[0] in value:
        yield from _values(value[path[0]], path[1:])


@cache
def _model(service: str) -> ServiceModel:
    return ServiceModel(Loader().load_service_model(service, "service-2"), service)


@cache
def _shape(place: str) -> tuple[str, Shape]:
    """Find a member of an operation's input: `sqs.CreateQueue.QueueName`."""
    service, operation, *path = place.split(".")
    shape: Any = _model(service).operation_model(operation).input_shape
    for name in path:
        while isinstance(shape, ListShape):
            shape = shape.member
        while isinstance(shape, MapShape):
            shape = shape.value
        shape = shape.members[name]
    return service, shape
