"""Pages of lists, as AWS gives them: an opaque token that belongs to one request and no other."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from simulator.call import ServiceError

Item = TypeVar("Item")
PAGING = frozenset({"NextToken", "MaxResults"})


def page(
    items: Sequence[Item], parameters: Mapping[str, Any], *, size: int, largest: int
) -> tuple[list[Item], str | None]:
    """Return the page that the parameters ask for and the token of the next one, if there is one.

    `size` is the page without MaxResults. Raises InvalidInputException for a token of another request.
    """
    start = _read(parameters.get("NextToken"), parameters)
    end = start + min(parameters.get("MaxResults") or size, largest)
    return list(items[start:end]), _token(end, parameters) if end < len(items) else None


def paged(
    name: str, items: Sequence[Any], parameters: Mapping[str, Any], *, size: int = 100, largest: int = 100
) -> dict[str, Any]:
    """Return a response that holds one page under `name`; NextToken only where there is more."""
    shown, token = page(items, parameters, size=size, largest=largest)
    return {name: shown} if token is None else {name: shown, "NextToken": token}


def _token(start: int, parameters: Mapping[str, Any]) -> str:
    return base64.urlsafe_b64encode(f"{start}:{_digest(parameters)}".encode()).decode()


def _read(token: str | None, parameters: Mapping[str, Any]) -> int:
    if not token:
        return 0
    try:
        start, _, digest = base64.urlsafe_b64decode(token.encode()).decode().partition(":")
        offset = int(start)
    except (binascii.Error, ValueError) as error:
        raise ServiceError("InvalidInputException", "The NextToken is not valid.") from error
    if digest != _digest(parameters):
        raise ServiceError("InvalidInputException", "The NextToken belongs to a request with other parameters.")
    return offset


def _digest(parameters: Mapping[str, Any]) -> str:
    rest = {name: value for name, value in parameters.items() if name not in PAGING}
    return hashlib.blake2b(json.dumps(rest, sort_keys=True, default=str).encode(), digest_size=8).hexdigest()
