"""A small world for tests of events and messages: simulated time, the front door, moto, and fakes of the neighbours."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, cast

from moto.backends import get_backend

from simulator.agenda import Agenda
from simulator.call import Call, Caller, ServiceError
from simulator.clock import SimulatedClock
from simulator.door import FrontDoor
from simulator.identity import Identities
from simulator.service import Service
from simulator.services.events import Events
from simulator.services.sns import Topics
from simulator.services.sqs import Queues
from simulator.world import Account, World

MEMBER = "111122223333"
HUB = "444455556666"
REGION = "eu-central-1"
OTHER_REGION = "us-east-1"
START = datetime(2026, 3, 2, 12, tzinfo=UTC)  # a Monday
BACKENDS = ("sqs", "sns", "logs", "kms")


@dataclass(slots=True)
class Ward:
    """Allows everything but what a test refuses, and keeps what it was asked."""

    asked: list[Call] = field(default_factory=list)
    refused: dict[str, ServiceError] = field(default_factory=dict)

    def authorize(self, call: Call) -> None:
        self.asked.append(call)
        error = self.refused.get(f"{call.service}:{call.operation}")
        if error is not None:
            raise error

    def deny(self, action: str) -> None:
        self.refused[action] = ServiceError("AccessDenied", f"not authorized to perform {action}", 403)


class Functions(Service):
    """Stands in for Lambda: keeps invocations, or refuses them."""

    name = "lambda"

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.invoked: list[tuple[str, Any, Caller]] = []
        self.failures: list[ServiceError] = []

    def invoke_async(self, function_arn: str, payload: bytes, caller: Caller) -> None:
        if self.failures:
            raise self.failures.pop(0)
        self.invoked.append((function_arn, json.loads(payload), caller))


class Roles(Service):
    """Stands in for STS: whoever asks becomes a session of the role."""

    name = "sts"

    def assume_role(self, call: Call) -> dict[str, Any]:
        return {"Credentials": {"AccessKeyId": call.parameters["RoleArn"]}}


class Sessions:
    """Stands in for the identities: the access key is the role's ARN."""

    def caller(self, access_key: str) -> Caller:
        account = access_key.split(":")[4]
        return Caller(access_key, account, "session", role=access_key, session_name="events", unique_id="AROA:events")


@dataclass(slots=True)
class Place:
    """The world with its services and an administrator's calls."""

    world: World
    ward: Ward
    events: Events
    queues: Queues
    topics: Topics
    functions: Functions

    def call(
        self,
        service: str,
        operation: str,
        parameters: Mapping[str, Any],
        *,
        account: str = MEMBER,
        region: str = REGION,
    ) -> dict[str, Any]:
        caller = Caller(f"arn:aws:iam::{account}:root", account, "root", unique_id=account)
        return self.world.call(caller, service, operation, parameters, region=region)

    def queue(self, name: str, *, account: str = MEMBER, region: str = REGION, **attributes: str) -> str:
        """Create a queue and return its ARN."""
        self.call("sqs", "CreateQueue", {"QueueName": name, "Attributes": attributes}, account=account, region=region)
        return f"arn:aws:sqs:{region}:{account}:{name}"

    def messages(self, queue_arn: str) -> list[dict[str, Any]]:
        """Receive up to ten messages of a queue, with all attributes."""
        _, _, _, region, account, name = queue_arn.split(":")
        asked = {
            "QueueUrl": f"https://sqs.{region}.amazonaws.com/{account}/{name}",
            "MaxNumberOfMessages": 10,
            "MessageAttributeNames": ["All"],
            "MessageSystemAttributeNames": ["All"],
        }
        received = self.call("sqs", "ReceiveMessage", asked, account=account, region=region)
        return cast("list[dict[str, Any]]", received.get("Messages", []))

    def bodies(self, queue_arn: str) -> list[Any]:
        """The parsed bodies of a queue's messages."""
        return [json.loads(message["Body"]) for message in self.messages(queue_arn)]


@contextmanager
def small_world() -> Iterator[Place]:
    clock = SimulatedClock(START)
    for name in BACKENDS:
        get_backend(name).reset()
    world = World(
        Agenda(clock),
        REGION,
        (REGION, OTHER_REGION),
        organization_id="o-abcdefghij",
        management="777788889999",
        accounts={MEMBER: Account(MEMBER, "member", "member"), HUB: Account(HUB, "hub", "hub")},
    )
    ward = Ward()
    place = Place(world, ward, Events(world), Queues(world), Topics(world), Functions(world))
    world.door = FrontDoor(world, cast("Identities", Sessions()), ward)
    services: tuple[Service, ...] = (place.events, place.queues, place.topics, place.functions, Roles(world))
    world.services = {service.name: service for service in services}
    try:
        yield place
    finally:
        clock.close()
