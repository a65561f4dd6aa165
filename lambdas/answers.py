"""Errors of AWS that are answers: asked for by code, in the one place that knows."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from botocore.exceptions import ClientError


@contextmanager
def absent(*codes: str) -> Iterator[None]:
    """Let these error codes pass as "there is none"; every other error goes on."""
    try:
        yield
    except ClientError as error:
        if error.response["Error"]["Code"] not in codes:
            raise
