"""A small world for tests of AWS Config: a clock of its own, moto, and fakes of the neighbours."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any

import boto3
from botocore import xform_name
from moto import mock_aws

from simulator.agenda import Agenda
from simulator.call import Call, Caller, ServiceError
from simulator.parameters import validate
from simulator.service import Service
from simulator.services.config_service import ConfigService
from simulator.wire import Wire
from simulator.world import Account, World

# moto reads it when its EC2 is first imported: thousands of default images would cost seconds.
os.environ.setdefault("MOTO_EC2_LOAD_DEFAULT_AMIS", "false")
ACCOUNT = "111122223333"
OTHER = "444455556666"
REGION = "eu-central-1"
FUNCTION = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:detect"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/recorder"


class StillClock:
    """A clock that only the agenda moves."""

    def __init__(self) -> None:
        self.moment = datetime(2026, 3, 1, 12, tzinfo=UTC)

    def now(self) -> datetime:
        return self.moment

    def forward(self, moment: datetime) -> None:
        self.moment = max(moment, self.moment)


class FakeDoor:
    """Validates like the front door, and asks moto where there is no service."""

    recorder = None

    def __init__(self, world: World) -> None:
        self.world = world
        self.admitted = {FUNCTION}

    def authorize(self, call: Call) -> None:
        if call.parameters["FunctionName"] not in self.admitted:
            raise ServiceError("AccessDeniedException", "no permission", 403)

    def forward(
        self,
        caller: Caller,
        service: str,
        operation: str,
        parameters: dict[str, Any],
        *,
        region: str,
        account: str | None = None,
    ) -> dict[str, Any]:
        call = Call(service, operation, parameters, region, "aws", account or caller.account, caller)
        own = self.world.services.get(service)
        method = own.operation(operation) if own is not None else None
        if method is not None:
            validate(service, Wire.named(service, operation).model.input_shape, parameters)
            return method(call)
        client = client_of(service, call.account, region)
        answer: dict[str, Any] = getattr(client, xform_name(operation))(**parameters)
        answer.pop("ResponseMetadata", None)
        return answer


class FakeLambda(Service):
    name = "lambda"

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.events: list[dict[str, Any]] = []
        self.callers: list[Caller] = []
        self.broken = False
        self.functions: list[dict[str, Any]] = []

    def invoke_async(self, function_arn: str, payload: bytes, caller: Caller) -> None:
        if self.broken:
            raise ServiceError("ResourceNotFoundException", "Function not found", 404)
        self.events.append(json.loads(payload))
        self.callers.append(caller)

    def list_functions(self, call: Call) -> dict[str, Any]:
        return {"Functions": self.functions}

    def list_tags(self, call: Call) -> dict[str, Any]:
        return {"Tags": {}}

    def messages(self) -> list[dict[str, Any]]:
        return [json.loads(event["invokingEvent"]) for event in self.events]


class FakeEvents(Service):
    name = "events"

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.emitted: list[tuple[str, str, str, str, dict[str, Any]]] = []

    def emit(
        self,
        account: str,
        region: str,
        source: str,
        detail_type: str,
        detail: dict[str, Any],
        resources: Iterable[str] = (),
    ) -> None:
        self.emitted.append((account, region, source, detail_type, detail))


class FakeHub(Service):
    name = "securityhub"

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.evaluations: list[tuple[Any, ...]] = []

    def config_evaluation(self, *parts: Any) -> None:
        self.evaluations.append((self.world.agenda.now(), *parts))

    def config_item(self, item: Any) -> None:
        """No security control is enabled."""


@dataclass
class Place:
    """One account and Region of the small world, with short hands for what tests do there."""

    world: World
    config: ConfigService
    functions: FakeLambda
    events: FakeEvents
    hub: FakeHub
    account: str = ACCOUNT
    region: str = REGION

    def client(self, service: str) -> Any:
        return client_of(service, self.account, self.region)

    def ask(self, operation: str, **parameters: Any) -> dict[str, Any]:
        caller = Caller(f"arn:aws:iam::{self.account}:root", self.account, "root")
        return self.world.call(caller, "config", operation, parameters, region=self.region)

    def start_recorder(self, **group: Any) -> None:
        bucket = f"config-{self.account}"
        client_of("s3", self.account, "us-east-1").create_bucket(Bucket=bucket)
        recorder: dict[str, Any] = {"name": "default", "roleARN": ROLE}
        if group:
            recorder["recordingGroup"] = group
        self.ask("PutConfigurationRecorder", ConfigurationRecorder=recorder)
        self.ask("PutDeliveryChannel", DeliveryChannel={"name": "default", "s3BucketName": bucket})
        self.ask("StartConfigurationRecorder", ConfigurationRecorderName="default")

    def put_custom_rule(self, name: str = "rule", *messages: str, **rule: Any) -> None:
        details = [{"EventSource": "aws.config", "MessageType": message} for message in messages]
        source = {
            "Owner": "CUSTOM_LAMBDA",
            "SourceIdentifier": FUNCTION,
            "SourceDetails": details or [CHANGED, OVERSIZED],
        }
        self.ask("PutConfigRule", ConfigRule={"ConfigRuleName": name, "Source": source, **rule})

    def put_managed_rule(self, identifier: str, **rule: Any) -> None:
        source = {"Owner": "AWS", "SourceIdentifier": identifier}
        self.ask("PutConfigRule", ConfigRule={"ConfigRuleName": "managed", "Source": source, **rule})

    def evaluate(self, compliance: str, resource: str = "sg-1", *, annotation: str = "because") -> None:
        event = self.functions.events[-1]
        self.ask(
            "PutEvaluations",
            ResultToken=event["resultToken"],
            Evaluations=[
                {
                    "ComplianceResourceType": "AWS::EC2::SecurityGroup",
                    "ComplianceResourceId": resource,
                    "ComplianceType": compliance,
                    "Annotation": annotation,
                    "OrderingTimestamp": self.world.agenda.now(),
                }
            ],
        )

    def security_group(self, name: str = "web") -> str:
        vpc = self.client("ec2").describe_vpcs()["Vpcs"][0]["VpcId"]
        made = self.client("ec2").create_security_group(GroupName=name, Description=name, VpcId=vpc)
        self.config.record("ec2", self.account, self.region)
        return str(made["GroupId"])

    def open_ssh(self, group: str, cidr: str = "0.0.0.0/0", protocol: str = "tcp") -> None:
        permission: dict[str, Any] = {"IpProtocol": protocol, "FromPort": 22, "ToPort": 22}
        permission |= {"Ipv6Ranges": [{"CidrIpv6": cidr}]} if ":" in cidr else {"IpRanges": [{"CidrIp": cidr}]}
        self.client("ec2").authorize_security_group_ingress(GroupId=group, IpPermissions=[permission])
        self.config.record("ec2", self.account, self.region)


CHANGED = {"EventSource": "aws.config", "MessageType": "ConfigurationItemChangeNotification"}
OVERSIZED = {"EventSource": "aws.config", "MessageType": "OversizedConfigurationItemChangeNotification"}


@cache
def client_of(service: str, account: str, region: str) -> Any:
    """Make a plain boto3 client whose calls moto takes for those of an account."""
    make: Any = boto3.client
    client = make(service, region_name=region, aws_access_key_id="k", aws_secret_access_key="s")

    def as_account(params: dict[str, Any], **_: Any) -> None:
        params["headers"]["x-moto-account-id"] = account

    client.meta.events.register("before-call", as_account)
    return client


@contextmanager
def small_world() -> Iterator[Place]:
    """Set the small world up on moto, with one account's place in it."""
    with mock_aws():
        world = World(Agenda(StillClock()), REGION, (REGION, "eu-west-1"), organization_id="o-abcdefghij")
        world.accounts = {one: Account(one, one, "member") for one in (ACCOUNT, OTHER)}
        world.door = FakeDoor(world)  # type: ignore[assignment]
        config, functions, events, hub = ConfigService(world), FakeLambda(world), FakeEvents(world), FakeHub(world)
        world.services = {one.name: one for one in (config, functions, events, hub)}
        yield Place(world, config, functions, events, hub)
