"""Who answers which operation: we, moto, or nobody. Read from the services themselves."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from botocore.loaders import create_loader
from moto.backends import list_of_moto_modules
from moto.core.utils import get_service_model

from simulator.agenda import Agenda
from simulator.assembly import build_services
from simulator.clock import OffsetClock
from simulator.identity import Identities
from simulator.world import World

REGION = "us-east-1"


@dataclass(frozen=True, slots=True)
class Answered:
    """One service of ours: the operations that we answer, and whether moto answers the others."""

    service: str
    operations: tuple[str, ...]
    whole: bool


def services_of_ours() -> Iterator[Answered]:
    """Every service of ours with the operations that it answers itself, by name."""
    world = World(Agenda(OffsetClock()), REGION, (REGION,))
    services = build_services(world, Identities(world))
    for name, service in sorted(services.items()):
        known = get_service_model(name).operation_names
        ours = tuple(operation for operation in known if service.operation(operation) is not None)
        yield Answered(name, ours, service.whole)


def services_of_moto() -> tuple[str, ...]:
    """The services that moto answers for us, by boto3's names: unchecked, save for who may call and with what."""
    ours = {answered.service for answered in services_of_ours()}
    theirs = set(list_of_moto_modules())
    known = create_loader().list_available_services("service-2")
    return tuple(sorted(name for name in known if name.replace("-", "") in theirs and name not in ours))
