"""Pages of lists, as AWS gives them: an opaque token that belongs to one request and no other."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

from simulator.call import ServiceError

Item = TypeVar("Item")


class Words(NamedTuple):
    """What a service calls the token that it is given, the size of a page, and the token that it gives."""

    given: str = "NextToken"
    size: str = "MaxResults"
    following: str = "NextToken"
    # The error of a token that is not of this request.
    refused: str = "InvalidInputException"


USUAL = Words()


def page(
    items: Sequence[Item], parameters: Mapping[str, Any], *, size: int, largest: int, words: Words = USUAL
) -> tuple[list[Item], str | None]:
    """Return the page that the parameters ask for and the token of the next one, if there is one.

    `size` is the page where none is asked for. Raises the service's error for a token of another request.
    """
    digest = _digest(parameters, words)
    start = _read(parameters.get(words.given), digest, words)
    end = start + min(parameters.get(words.size) or size, largest)
    return list(items[start:end]), _token(end, digest) if end < len(items) else None


def paged(
    name: str,
    items: Sequence[Any],
    parameters: Mapping[str, Any],
    *,
    size: int = 100,
    largest: int = 100,
    words: Words = USUAL,
) -> dict[str, Any]:
    """Return a response that holds one page under `name`; a token only where there is more."""
    shown, token = page(items, parameters, size=size, largest=largest, words=words)
    return {name: shown} if token is None else {name: shown, words.following: token}


def _token(start: int, digest: str) -> str:
    return base64.urlsafe_b64encode(f"{start}:{digest}".encode()).decode()


def _read(token: str | None, wanted: str, words: Words) -> int:
    if not token:
        return 0
    try:
        start, _, digest = base64.urlsafe_b64decode(token.encode()).decode().partition(":")
        offset = int(start)
    except (binascii.Error, ValueError) as error:
        raise ServiceError(words.refused, f"The {words.given} is not valid.") from error
    if digest != wanted:
        raise ServiceError(words.refused, f"The {words.given} belongs to a request with other parameters.")
    return offset


def _digest(parameters: Mapping[str, Any], words: Words) -> str:
    rest = {name: value for name, value in parameters.items() if name not in (words.given, words.size)}
    return hashlib.blake2b(json.dumps(rest, sort_keys=True, default=str).encode(), digest_size=8).hexdigest()
