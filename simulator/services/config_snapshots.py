"""What the recorder reads of a resource: one shape for all types, and moto's state where it is read from."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from simulator.iam.backends import backends

if TYPE_CHECKING:
    from simulator.world import World

NO_ZONE = "Not Applicable"


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One resource as it is now; two equal snapshots mean that nothing changed."""

    id: str
    arn: str
    configuration: Mapping[str, Any]
    name: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    relationships: tuple[Mapping[str, str], ...] = ()
    supplementary: Mapping[str, Any] = field(default_factory=dict)
    zone: str = NO_ZONE
    created: datetime | None = None


Take = Callable[["World", str, str], Iterable[Snapshot]]


@dataclass(frozen=True, slots=True)
class RecordedType:
    """A resource type: the service whose calls can change it, and how to read all resources of it.

    `take` gets the world, an account and a Region. A type that is `everywhere` is compared in every
    Region with a recorder, because the calls that change it name no Region. `global_type` marks the
    IAM types, which are recorded only on request and belong to no Region.
    """

    type: str
    service: str
    take: Take
    everywhere: bool = False
    global_type: bool = False


def existing(service: str, account: str, region: str) -> Any:
    """Return moto's state of a service in one place; None where nothing was ever addressed there."""
    # moto's own look-up makes what it is asked for.
    places = dict.get(backends(service), account)
    return None if places is None else dict.get(places, region)


def camel(value: Any) -> Any:
    """Spell an API description as configuration items do: `DBInstanceClass` becomes `dBInstanceClass`."""
    if isinstance(value, Mapping):
        return {name[:1].lower() + name[1:]: camel(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [camel(item) for item in value]
    return stamp(value) if isinstance(value, datetime) else value


def stamp(moment: datetime) -> str:
    """Write a time as configuration items and events do."""
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def tag_list(tags: Mapping[str, str]) -> list[dict[str, str]]:
    """Write tags as the configuration of a resource holds them."""
    return [{"key": key, "value": value} for key, value in tags.items()]
