"""Texts of policies: wildcards, ARN segments and policy variables.

Source: IAM User Guide, "IAM JSON policy elements: Resource", "Condition operators" and "Policy
variables and tags".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

Value = str | tuple[str, ...]
Context = Mapping[str, Value]

# Wildcards become private characters, so that the value of a variable is never taken for one.
ANY = "\ue000"
ONE = "\ue001"
VARIABLE = re.compile(r"\$\{\s*([^},]*?)\s*(?:,\s*'([^']*)'\s*)?\}")
LITERALS = {"*": "*", "?": "?", "$": "$"}
ARN_SEGMENTS = 6


class Keys(Mapping[str, Value]):
    """A request's context: keys without regard to case, put together when a policy first asks for one.

    Later sources go before earlier ones. Most policies ask for nothing, and the context takes longer
    than the rest of a decision.
    """

    def __init__(self, *sources: Context | Callable[[], Context]) -> None:
        self._sources = sources
        self._values: dict[str, Value] | None = None

    @property
    def values_by_key(self) -> dict[str, Value]:
        """The context, read once."""
        if self._values is None:
            self._values = {}
            for source in self._sources:
                if isinstance(source, Keys):
                    self._values |= source.values_by_key
                else:
                    found = source() if callable(source) else source
                    self._values |= {key.lower(): value for key, value in found.items()}
        return self._values

    def __getitem__(self, key: str) -> Value:
        return self.values_by_key[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self.values_by_key)

    def __len__(self) -> int:
        return len(self.values_by_key)


@dataclass(frozen=True, slots=True)
class Variable:
    """A `${key}` in a policy, with its default where it has one."""

    key: str
    default: str | None

    def value(self, context: Context) -> str | None:
        """Return the request's value; None where there is none, and for keys of many values."""
        found = context.get(self.key)
        return found if isinstance(found, str) else self.default


@dataclass(frozen=True, slots=True)
class Text:
    """A text of a policy, in which wildcards and variables may stand."""

    parts: tuple[str | Variable, ...]

    def resolve(self, context: Context) -> str | None:
        """Fill in the variables; None where one has neither value nor default, which matches nothing."""
        if len(self.parts) == 1 and isinstance(self.parts[0], str):
            return self.parts[0]
        resolved = [part if isinstance(part, str) else part.value(context) for part in self.parts]
        if None in resolved:
            return None
        return "".join(part for part in resolved if part is not None)


@lru_cache(maxsize=65536)
def parse_text(text: str, *, variables: bool, wildcards: bool, colons: int = 0) -> Text:
    """Read a text; variables are known from policy version 2012-10-17 on, in older ones they are plain text.

    Before so many colons a variable is plain text too: in a resource's ARN, only its last part may have any.
    """
    if not variables:
        return Text((_plain(text, wildcards),))
    parts: list[str | Variable] = []
    end = passed = 0
    for found in VARIABLE.finditer(text):
        passed += text.count(":", end, found.start())
        if passed < colons:
            continue
        parts.append(_plain(text[end : found.start()], wildcards))
        key = found[1]
        parts.append(LITERALS[key] if key in LITERALS else Variable(key.lower(), found[2]))
        end = found.end()
    parts.append(_plain(text[end:], wildcards))
    merged: list[str | Variable] = []
    for part in parts:
        if isinstance(part, str) and merged and isinstance(merged[-1], str):
            merged[-1] += part
        else:
            merged.append(part)
    if len(merged) > 1:
        merged = [part for part in merged if part != ""]
    return Text(tuple(merged))


def _plain(text: str, wildcards: bool) -> str:
    return text.replace("*", ANY).replace("?", ONE) if wildcards else text


@lru_cache(maxsize=65536)
def _compiled(resolved: str) -> re.Pattern[str]:
    return re.compile("".join(_expression(char, ".*") for char in resolved), re.DOTALL)


def _expression(char: str, anything: str, one: str = ".") -> str:
    if char == ANY:
        return anything
    return one if char == ONE else re.escape(char)


def match_text(resolved: str, value: str) -> bool:
    """Match a whole value against a resolved text; a star spans everything."""
    if ANY not in resolved and ONE not in resolved:
        return resolved == value
    return resolved == ANY or _compiled(resolved).fullmatch(value) is not None


@lru_cache(maxsize=65536)
def _resource_expression(resolved: str) -> re.Pattern[str]:
    segments = resolved.split(":", ARN_SEGMENTS - 1)
    segments += [ANY] * (ARN_SEGMENTS - len(segments))
    written = []
    for number, segment in enumerate(segments):
        inside = number < ARN_SEGMENTS - 1
        parts = [_expression(char, "[^:]*" if inside else ".*", "[^:]" if inside else ".") for char in segment]
        if inside and segment.endswith(ANY):
            parts[-1] = ".*"
        written.append("".join(parts))
    return re.compile(":".join(written), re.DOTALL)


def match_resource(resolved: str, arn: str) -> bool:
    """Match an ARN against a Resource element.

    Wildcards stay within their segment, except a star that ends one, which may run on past the
    colon. An ARN of fewer than six segments is completed with stars. Source: IAM User Guide, "IAM
    JSON policy elements: Resource".
    """
    if resolved == ANY:
        return True
    if ANY not in resolved and ONE not in resolved and resolved.count(":") >= ARN_SEGMENTS - 1:
        return resolved == arn
    return _resource_expression(resolved).fullmatch(arn) is not None


def match_arn(resolved: str, arn: str) -> bool:
    """Match an ARN condition: each of the six segments by itself, whether the operator says Equals or Like."""
    if resolved == ANY:
        return True
    wanted = resolved.split(":", ARN_SEGMENTS - 1)
    given = arn.split(":", ARN_SEGMENTS - 1)
    if len(wanted) != ARN_SEGMENTS or len(given) != ARN_SEGMENTS:
        return False
    return all(match_text(pattern, segment) for pattern, segment in zip(wanted, given, strict=True))
