"""The contract of a provisioner: inputs as Pulumi's wire names them, API calls, an id and outputs."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

Inputs = Mapping[str, Any]


class UnservedPropertyError(Exception):
    """A property that no call is known for: refused, for it would be ignored in silence."""


@dataclass(frozen=True, slots=True)
class Site:
    """Where a resource is made: an account entered by its provider, and a Region.

    `pause` lets seconds pass while something asynchronous comes about.
    """

    account: str
    region: str
    partition: str
    client: Callable[[str], Any]
    pause: Callable[[float], None] = time.sleep

    def wait(self, ready: Callable[[], bool], what: str, *, limit: int = 600, interval: int = 5) -> None:
        """Ask again every `interval` seconds until something asynchronous has happened, as providers do."""
        for _ in range(0, limit, interval):
            if ready():
                return
            self.pause(interval)
        raise TimeoutError(f"{what} did not come about within {limit} seconds")


@dataclass(frozen=True, slots=True)
class Made:
    """What was made: the provider's id, and the outputs that are not inputs."""

    id: str
    outputs: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Provisioner:
    """One resource type: which inputs it serves, and how it is created."""

    token: str
    accepts: frozenset[str]
    create: Callable[[Site, Inputs], Made]


def provisioner(token: str, accepts: str, create: Callable[[Site, Inputs], Made]) -> Provisioner:
    """Describe a type; `accepts` lists input names, to which `region` and `tags` are added."""
    return Provisioner(token, frozenset((*accepts.split(), "region", "tags")), create)


def given(inputs: Inputs, **names: str) -> dict[str, Any]:
    """Rename inputs to parameters of a call; inputs that are not given are left out."""
    return {theirs: inputs[ours] for theirs, ours in names.items() if inputs.get(ours) is not None}


def tag_list(inputs: Inputs) -> list[dict[str, str]]:
    """The tags as most services want them."""
    return [{"Key": key, "Value": value} for key, value in sorted((inputs.get("tags") or {}).items())]


def upper(value: Any) -> Any:
    """Turn the keys of a nested input into AWS's: camelCase into CamelCase, throughout."""
    if isinstance(value, Mapping):
        return {key[:1].upper() + key[1:]: upper(one) for key, one in value.items()}
    return [upper(one) for one in value] if isinstance(value, list) else value
