"""moto's backends, found once: moto imports the service's module anew at every question."""

from __future__ import annotations

from functools import cache
from typing import Any

from moto.backends import get_backend


@cache
def backends(service: str) -> Any:
    """Return the backends of a service, by account and then Region; a reset empties them and keeps the object."""
    return get_backend(service)
