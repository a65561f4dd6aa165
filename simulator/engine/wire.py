"""Values of the provider protocol as Python has them: protobuf structs on one side, plain data on the other.

Source: Pulumi, sdk/proto/provider.proto. Numbers are doubles on the wire; an unknown value is a text.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from google.protobuf.struct_pb2 import Struct, Value

UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"


def read(struct: Struct) -> dict[str, Any]:
    """Read a struct; a property without a value is one that is not given."""
    plain = {name: _read(value) for name, value in struct.fields.items()}
    return {name: value for name, value in plain.items() if value is not None}


def _read(value: Value) -> Any:
    kind = value.WhichOneof("kind")
    if kind == "struct_value":
        return read(value.struct_value)
    if kind == "list_value":
        return [_read(one) for one in value.list_value.values]
    if kind == "number_value":
        number = value.number_value
        return int(number) if number.is_integer() else number
    if kind == "string_value":
        return value.string_value
    return value.bool_value if kind == "bool_value" else None


def write(values: Mapping[str, Any]) -> Struct:
    """Write properties; those without a value are left out."""
    struct = Struct()
    struct.update(_plain(values))
    return struct


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(one) for key, one in value.items() if one is not None}
    return [_plain(one) for one in value] if isinstance(value, (list, tuple)) else value


def unknown(value: Any) -> bool:
    """Whether anything in a value is not known yet."""
    if isinstance(value, Mapping):
        return any(unknown(one) for one in value.values())
    if isinstance(value, list):
        return any(unknown(one) for one in value)
    return bool(value == UNKNOWN)
