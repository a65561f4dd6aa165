"""Intrinsic functions of payload templates: `States.Format('…{}', $.name)` and its like.

Source: Amazon States Language, "Intrinsic Functions" and "Appendix B"; Step Functions Developer Guide, "Intrinsics for
JSONPath states".
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from random import Random
from typing import Any
from uuid import UUID

from simulator.services.states_path import PathError, parse

CALL = re.compile(r"\s*(States\.\w+)\s*\(")
TEXT = re.compile(r"\s*'((?:[^'\\]|\\.)*)'")
NUMBER = re.compile(r"\s*(-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null)(?=\s*[,)])")
PATH = re.compile(r"\s*(\$(?:\[\?\(.*?\)\]|\[[^\]]*\]|[^,)\s\[])*)")
NESTING = 10
LONGEST = 10_000  # characters of what is encoded, decoded and hashed
ITEMS = 1000  # of a range
ALGORITHMS = {"MD5": "md5", "SHA-1": "sha1", "SHA-256": "sha256", "SHA-384": "sha384", "SHA-512": "sha512"}
Lookup = Callable[[str], Any]


class IntrinsicError(ValueError):
    """A function that cannot be read, or not be applied to its arguments."""


@dataclass(frozen=True, slots=True)
class Literal:
    """A string as it is written, escapes included; or a number, boolean or null."""

    value: Any

    def plain(self) -> Any:
        """The value without escapes."""
        return re.sub(r"\\(.)", r"\1", self.value) if isinstance(self.value, str) else self.value


@dataclass(frozen=True, slots=True)
class Path:
    """A path as argument."""

    text: str


@dataclass(frozen=True, slots=True)
class Function:
    """A function with its arguments."""

    name: str
    arguments: tuple[Literal | Path | Function, ...]


def evaluate(text: str, lookup: Lookup, chance: Random) -> Any:
    """Return what a function answers; raises IntrinsicError, and PathError for what a path does not find."""
    return _apply(read(text), lookup, chance)


@lru_cache(maxsize=1024)
def read(text: str) -> Function:
    """Read a function; raises IntrinsicError."""
    found, end = _function(text, 0, 1)
    if text[end:].strip():
        raise IntrinsicError(f"{text!r} does not end with its function")
    return found


def _function(text: str, at: int, depth: int) -> tuple[Function, int]:
    head = CALL.match(text, at)
    if head is None or depth > NESTING:
        why = "nests more than ten functions" if head else "is no intrinsic function"
        raise IntrinsicError(f"{text!r} {why}")
    name, at = head[1], head.end()
    if name not in FUNCTIONS:
        raise IntrinsicError(f"there is no function {name}")
    arguments: list[Literal | Path | Function] = []
    if not text[at:].lstrip().startswith(")"):
        while True:
            argument, at = _argument(text, at, depth)
            arguments.append(argument)
            rest = text[at:].lstrip()
            if not rest.startswith(","):
                break
            at = len(text) - len(rest) + 1
    rest = text[at:].lstrip()
    if not rest.startswith(")"):
        raise IntrinsicError(f"{text!r} lacks a closing bracket")
    least, most, _ = FUNCTIONS[name]
    if not least <= len(arguments) <= most:
        raise IntrinsicError(f"{name} does not take {len(arguments)} arguments")
    return Function(name, tuple(arguments)), len(text) - len(rest) + 1


def _argument(text: str, at: int, depth: int) -> tuple[Literal | Path | Function, int]:
    if found := TEXT.match(text, at):
        return Literal(found[1]), found.end()
    if found := NUMBER.match(text, at):
        return Literal(json.loads(found[1])), found.end()
    if CALL.match(text, at):
        return _function(text, at, depth + 1)
    if found := PATH.match(text, at):
        try:
            parse(found[1].removeprefix("$") if found[1].startswith("$$") else found[1])
        except PathError as error:
            raise IntrinsicError(str(error)) from error
        return Path(found[1]), found.end()
    raise IntrinsicError(f"the argument {text[at:]!r} cannot be read")


def _apply(function: Function, lookup: Lookup, chance: Random) -> Any:
    values = [_value(argument, lookup, chance) for argument in function.arguments]
    if function.name == "States.Format" and isinstance(function.arguments[0], Literal):
        values[0] = function.arguments[0].value  # its escapes say which brackets are no places
    _, _, answer = FUNCTIONS[function.name]
    try:
        if function.name in CHANCE:
            return answer(chance, *values)
        return answer(*values)
    except (TypeError, ValueError, LookupError, binascii.Error) as error:
        raise IntrinsicError(f"{function.name}: {error}") from error


def _value(argument: Literal | Path | Function, lookup: Lookup, chance: Random) -> Any:
    if isinstance(argument, Literal):
        return argument.plain()
    return lookup(argument.text) if isinstance(argument, Path) else _apply(argument, lookup, chance)


def _typed(value: Any, kind: type, what: str) -> Any:
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        raise TypeError(f"{value!r} is no {what}")
    return value


def _list(value: Any) -> list[Any]:
    return list(_typed(value, list, "array"))


def _integer(value: Any) -> int:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return int(_typed(value, int, "integer"))


def _text(value: Any) -> str:
    return str(_typed(value, str, "string"))


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else _json(value)
    if len(text) > LONGEST:
        raise ValueError(f"more than {LONGEST} characters")
    return text


def _json(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def _format(template: Any, *values: Any) -> str:
    parts = re.split(r"(\\.|\{\})", _text(template))
    written, left = [], list(values)
    for part in parts:
        if part == "{}":
            if not left:
                raise ValueError("there are more places than values")
            value = left.pop(0)
            written.append(value if isinstance(value, str) else _json(value))
        elif part[:1] == "\\":
            written.append(part[1:])
        elif "{" in part or "}" in part:
            raise ValueError("a bracket that is no place needs a backslash")
        else:
            written.append(part)
    if left:
        raise ValueError("there are more values than places")
    return "".join(written)


def _partition(array: Any, size: Any) -> list[list[Any]]:
    items, length = _list(array), _integer(size)
    if length < 1:
        raise ValueError("parts have at least one item")
    return [items[start : start + length] for start in range(0, len(items), length)]


def _range(first: Any, last: Any, step: Any) -> list[int]:
    start, end, by = _integer(first), _integer(last), _integer(step)
    if by == 0:
        raise ValueError("the step must not be zero")
    found = list(range(start, end + (1 if by > 0 else -1), by))
    if len(found) > ITEMS:
        raise ValueError(f"more than {ITEMS} items")
    return found


def _item(array: Any, index: Any) -> Any:
    items, number = _list(array), _integer(index)
    if not 0 <= number < len(items):
        raise LookupError(f"there is no item {number}")
    return items[number]


def _unique(array: Any) -> list[Any]:
    found: dict[str, Any] = {}
    for item in _list(array):
        found.setdefault(_json(item), item)
    return list(found.values())


def _decoded(value: Any) -> str:
    return base64.b64decode(_short(_text(value)), validate=True).decode()


def _hash(value: Any, algorithm: Any) -> str:
    if algorithm not in ALGORITHMS:
        raise ValueError(f"{algorithm!r} is no algorithm; there are {', '.join(ALGORITHMS)}")
    return hashlib.new(ALGORITHMS[algorithm], _short(value).encode(), usedforsecurity=False).hexdigest()


def _merge(one: Any, other: Any, deep: Any) -> dict[str, Any]:
    if deep is not False:
        raise ValueError("only shallow merging is supported: the third argument must be false")
    return {**_typed(one, dict, "object"), **_typed(other, dict, "object")}


def _random(chance: Random, start: Any, end: Any, seed: Any = None) -> int:
    source = chance if seed is None else Random(_integer(seed))  # noqa: S311 - the function's own contract
    return source.randrange(_integer(start), _integer(end))


def _uuid(chance: Random) -> str:
    return str(UUID(int=chance.getrandbits(128), version=4))


def _split(text: Any, delimiters: Any) -> list[str]:
    marks = re.escape(_text(delimiters))
    return [part for part in re.split(f"[{marks}]", _text(text)) if part]


MANY = 1_000_000
FUNCTIONS: dict[str, tuple[int, int, Callable[..., Any]]] = {
    "States.Format": (1, MANY, _format),
    "States.StringToJson": (1, 1, lambda text: json.loads(_text(text))),
    "States.JsonToString": (1, 1, _json),
    "States.Array": (0, MANY, lambda *items: list(items)),
    "States.ArrayPartition": (2, 2, _partition),
    "States.ArrayContains": (2, 2, lambda array, item: _json(item) in map(_json, _list(array))),
    "States.ArrayRange": (3, 3, _range),
    "States.ArrayGetItem": (2, 2, _item),
    "States.ArrayLength": (1, 1, lambda array: len(_list(array))),
    "States.ArrayUnique": (1, 1, _unique),
    "States.Base64Encode": (1, 1, lambda text: base64.b64encode(_short(_text(text)).encode()).decode()),
    "States.Base64Decode": (1, 1, _decoded),
    "States.Hash": (2, 2, _hash),
    "States.JsonMerge": (3, 3, _merge),
    "States.MathRandom": (2, 3, _random),
    "States.MathAdd": (2, 2, lambda one, other: _integer(one) + _integer(other)),
    "States.StringSplit": (2, 2, _split),
    "States.UUID": (0, 0, _uuid),
}
CHANCE = frozenset({"States.MathRandom", "States.UUID"})
