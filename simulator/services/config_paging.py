"""Pages of AWS Config's lists."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from typing import TypeVar

from simulator.call import ServiceError

Entry = TypeVar("Entry")


def page(
    entries: Sequence[Entry], token: str | None, limit: int | None, default: int
) -> tuple[list[Entry], str | None]:
    """Cut one page; returns it with the token of the next, None after the last.

    A limit of 0 is the default. Raises ServiceError `InvalidNextTokenException` on a token that is not ours.
    """
    start = _start(token)
    end = start + (limit or default)
    following = base64.urlsafe_b64encode(str(end).encode()).decode() if end < len(entries) else None
    return list(entries[start:end]), following


def _start(token: str | None) -> int:
    if not token:
        return 0
    try:
        return int(base64.urlsafe_b64decode(token.encode()).decode())
    except (binascii.Error, ValueError) as error:
        raise ServiceError("InvalidNextTokenException", "The nextToken provided is invalid") from error
