"""Requests and answers of SDK integrations: JSON of a workflow on one side, the service models on the other.

Source: Step Functions Developer Guide, "Learning to use AWS service SDK integrations in Step Functions".
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from botocore.model import ListShape, MapShape, Shape, StructureShape

from simulator.services.states_choice import moment
from simulator.services.states_resources import member_name


class UnknownMemberError(ValueError):
    """A parameter that the operation does not have."""


def request(value: Any, shape: Shape | None, *, renamed: bool) -> Any:
    """Write the parameters of a call as its model has them; raises UnknownMemberError.

    With `renamed` the workflow names members as SDK integrations do, else as the service does.
    """
    if isinstance(shape, StructureShape) and isinstance(value, Mapping):
        names = {(member_name(name) if renamed else name): name for name in shape.members}
        unknown = sorted(set(value) - set(names))
        if unknown:
            raise UnknownMemberError(f"The field '{unknown[0]}' is not supported by Step Functions")
        return {
            names[key]: request(one, shape.members[names[key]], renamed=renamed)
            for key, one in value.items()
            if one is not None
        }
    if isinstance(shape, ListShape) and isinstance(value, list):
        return [request(one, shape.member, renamed=renamed) for one in value]
    if isinstance(shape, MapShape) and isinstance(value, Mapping):
        return {key: request(one, shape.value, renamed=renamed) for key, one in value.items()}
    return _scalar(value, shape)


def _scalar(value: Any, shape: Shape | None) -> Any:
    kind = None if shape is None else shape.type_name
    if kind == "blob":
        return (value if isinstance(value, str) else json.dumps(value)).encode()
    if kind == "timestamp" and isinstance(value, str):
        return moment(value) or value
    if kind == "string" and isinstance(value, (dict, list)):
        return json.dumps(value)  # a message's body may be given as JSON
    return int(value) if kind in ("integer", "long") and isinstance(value, float) and value.is_integer() else value


def answer(value: Any, shape: Shape | None, *, renamed: bool) -> Any:
    """Write what a service answered as JSON of the workflow."""
    if isinstance(shape, StructureShape) and isinstance(value, Mapping):
        return {
            (member_name(name) if renamed else name): answer(one, shape.members.get(name), renamed=renamed)
            for name, one in value.items()
            if name in shape.members and one is not None
        }
    if isinstance(shape, ListShape) and isinstance(value, (list, tuple)):
        return [answer(one, shape.member, renamed=renamed) for one in value]
    if isinstance(shape, MapShape) and isinstance(value, Mapping):
        return {key: answer(one, shape.value, renamed=renamed) for key, one in value.items()}
    return plain(value)


def plain(value: Any) -> Any:
    """Write one value as JSON has it: moments as ISO 8601 in UTC, bytes as text, else base64."""
    if isinstance(value, datetime):
        return timestamp(value)
    if hasattr(value, "read"):
        value = value.read()
    if isinstance(value, (bytes, bytearray)):
        try:
            return bytes(value).decode()
        except UnicodeDecodeError:
            return base64.b64encode(value).decode()
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    return value


def timestamp(moment_: datetime) -> str:
    """Write a moment as the context object has it: ISO 8601 in UTC, milliseconds."""
    return moment_.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
