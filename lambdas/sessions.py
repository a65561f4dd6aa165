"""Sessions that make a client once: controls ask for theirs at every read, and making EC2's costs 20 ms and 1 MB."""

from __future__ import annotations

from functools import cache
from typing import Any

from boto3 import Session
from botocore.loaders import Loader, create_loader


class KeptClients(Session):
    """A session that returns the same client for the same service; one with options of its own is made anew."""

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        self._kept: dict[str, Any] = {}

    def client(self, service_name: Any, *args: Any, **options: Any) -> Any:
        """Return the client of a service."""
        if args or options:
            return super().client(service_name, *args, **options)
        if service_name not in self._kept:
            self._kept[service_name] = super().client(service_name)
        return self._kept[service_name]


@cache
def loader() -> Loader:
    """Service models, read once: a session of its own would parse EC2's again for every remediation."""
    return create_loader()
