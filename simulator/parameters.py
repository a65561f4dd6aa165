"""Validation of request parameters against the service models, as strict as the services themselves.

botocore's own validator checks types, required members and minima; the services also refuse what is
too long, too large, not in the enumeration or not of the pattern.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from functools import cache, lru_cache
from typing import Any

import regex
from botocore.model import ListShape, MapShape, Shape, StructureShape

from simulator.call import ServiceError

# Their validation errors have a code of their own; the others answer ValidationException.
ERROR_CODES = {
    "ec2": "InvalidParameterValue",
    "iam": "ValidationError",
    "sts": "ValidationError",
    "sns": "InvalidParameter",
    "sqs": "InvalidParameterValue",
    "s3": "InvalidArgument",
    "s3control": "InvalidRequest",
    "rds": "InvalidParameterValue",
    "elb": "ValidationError",
    "elbv2": "ValidationError",
    "cloudformation": "ValidationError",
    "cloudwatch": "ValidationError",
    "autoscaling": "ValidationError",
    "securityhub": "InvalidInputException",
    "organizations": "InvalidInputException",
    "lambda": "InvalidParameterValueException",
    "logs": "InvalidParameterException",
    "config": "ValidationException",
}

SHORT = 256  # characters of a value that is worth remembering
TYPES: dict[str, tuple[type, ...]] = {
    "structure": (dict,),
    "list": (list, tuple),
    "map": (dict,),
    "string": (str,),
    "character": (str,),
    "integer": (int,),
    "long": (int,),
    "float": (int, float),
    "double": (int, float),
    "boolean": (bool,),
    "timestamp": (datetime, str, int, float),
    "blob": (bytes, bytearray, str),
}


def validate(service: str, shape: Shape | None, parameters: dict[str, Any]) -> None:
    """Refuse parameters that the service's model does not accept; raises ServiceError naming each."""
    if shape is None:
        return
    faults = list(_faults(shape, parameters, ""))
    if faults:
        count = f"{len(faults)} validation error{'s' if len(faults) > 1 else ''} detected: "
        raise ServiceError(ERROR_CODES.get(service, "ValidationException"), count + "; ".join(faults[:5]))


# What Java's patterns say otherwise than Python's: characters beyond the basic plane, and by code in braces.
BEYOND = (r"\uD800\uDC00-\uDBFF\uDFFF", r"\U00010000-\U0010FFFF")
BRACES = regex.compile(r"\\x\{0*([0-9A-Fa-f]{2})\}")
# Patterns that are wrong in the models themselves (ds, dlm, rbin): nothing is checked by them.
UNREADABLE = frozenset(
    {
        r"^(\p{LD}|\p{Punct}| )+$",
        r"[\p{all}]*",
        r"^arn:\S+:rbin:[a-z\-0-9]{0,63}:[0-9]{12}:rule/[0-9a-zA-Z]{11}{0,1011}$",
    }
)


@cache
def _pattern(text: str) -> Any:
    """Compile a model's pattern; the `regex` package knows the Unicode classes that `re` does not."""
    return regex.compile("" if text in UNREADABLE else BRACES.sub(r"\\x\1", text.replace(*BEYOND)))


def _matches(text: str, value: str) -> bool:
    """Some patterns of names and ARNs take a millisecond, and calls name the same few again and again."""
    return _matched(text, value) if len(value) <= SHORT else _pattern(text).search(value) is not None


@lru_cache(maxsize=16_384)
def _matched(text: str, value: str) -> bool:
    return _pattern(text).search(value) is not None


def _faults(shape: Shape, given: object, path: str) -> Iterator[str]:
    value: Any = given
    accepted = TYPES.get(shape.type_name, (object,))
    wrong = not isinstance(given, accepted) or (isinstance(given, bool) and shape.type_name != "boolean")
    if wrong:
        if not getattr(shape, "is_document_type", False):
            yield f"Value at '{path}' has the wrong type {type(given).__name__}; {shape.type_name} is expected"
        return
    yield from _bounds(shape, value, path)
    if isinstance(shape, StructureShape):
        yield from _structure(shape, value, path)
    elif isinstance(shape, ListShape):
        for number, item in enumerate(value, 1):
            yield from _faults(shape.member, item, f"{path}.{number}.member")
    elif isinstance(shape, MapShape):
        for key, item in value.items():
            yield from _faults(shape.key, key, f"{path}.key")
            yield from _faults(shape.value, item, f"{path}.{key}")


def _structure(shape: StructureShape, value: dict[str, Any], path: str) -> Iterator[str]:
    start = f"{path}." if path else ""
    for name in shape.required_members:
        if value.get(name) is None:
            yield f"Value null at '{start}{_lower(name)}' failed to satisfy constraint: Member must not be null"
    for name, item in value.items():
        member = shape.members.get(name)
        if member is None:
            yield f"Unknown parameter '{start}{name}'"
        elif item is not None:
            yield from _faults(member, item, f"{start}{_lower(name)}")


def _bounds(shape: Shape, value: Any, path: str) -> Iterator[str]:
    metadata = shape.metadata
    size = value if isinstance(value, (int, float)) else len(value) if hasattr(value, "__len__") else None
    noun = "value" if isinstance(value, (int, float)) else "length"
    if size is not None and shape.type_name not in ("boolean", "timestamp", "structure"):
        if "min" in metadata and size < metadata["min"]:
            yield _failed(value, path, f"have {noun} greater than or equal to {metadata['min']}")
        if "max" in metadata and size > metadata["max"]:
            yield _failed(value, path, f"have {noun} less than or equal to {metadata['max']}")
    if isinstance(value, str):
        allowed = metadata.get("enum")
        if allowed and value not in allowed:
            yield _failed(value, path, f"satisfy enum value set: [{', '.join(allowed)}]")
        if "pattern" in metadata and not _matches(metadata["pattern"], value):
            yield _failed(value, path, f"satisfy regular expression pattern: {metadata['pattern']}")


def _failed(value: Any, path: str, constraint: str) -> str:
    """Say what a value fails; only then is it written out, for a body has many megabytes."""
    return f"Value '{str(value)[:120]}' at '{path}' failed to satisfy constraint: Member must {constraint}"


def _lower(name: str) -> str:
    return name[:1].lower() + name[1:]
