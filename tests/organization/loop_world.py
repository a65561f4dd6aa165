"""The program deployed into a small organisation, for tests of the whole loop.

One Region. One team on `automatic`, one on `notify`, and one account of another environment, to which this stack does
not deploy.
"""

from __future__ import annotations

import itertools
import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import boto3

from lambdas import findings
from lambdas.controls import catalog
from lambdas.controls.model import Place, Resource
from lambdas.names import Names
from operations import local_estate
from operations.local_estate import HUB
from simulator.deployment import deploy
from simulator.local import LocalOrganization
from simulator.services.event_fanout import Mail
from simulator.services.events import Events
from simulator.services.lambda_functions import LambdaFunctions
from simulator.services.lambda_state import Function
from simulator.services.sns import Topics
from simulator.wire import Wire, scope_of, service_of

REGION = "eu-central-1"
TEAM, NOTIFIED, FOREIGN = "300000000001", "300000000002", "300000000003"
MAIL = "operations@example.com"
NAMES = Names("palisade")
SSH, S3 = catalog()["EC2.13"], catalog()["Palisade.S3.1"]
PLACE = Place("aws", TEAM, REGION)
WORLD_OPEN: Any = [{"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]


@dataclass
class Delivered:
    """Everything that was delivered while it was recorded: what can be delivered again."""

    events: list[Callable[[], None]] = field(default_factory=list)
    invocations: list[tuple[Function, Any, str]] = field(default_factory=list)


@dataclass
class Loop:
    """The deployed organisation, and what its people see of it."""

    organization: LocalOrganization

    @property
    def hub(self) -> boto3.Session:
        return self.organization.session(HUB, REGION)

    def member(self, account: str = TEAM) -> boto3.Session:
        return self.organization.session(account, REGION)

    def ledger(self) -> dict[tuple[str, str], dict[str, Any]]:
        """The bodies of all entries, by remediation and entry."""
        pages = self.hub.client("dynamodb").get_paginator("scan").paginate(TableName=NAMES.ledger_table)
        return {
            (item["remediation"]["S"], item["entry"]["S"]): json.loads(item["body"]["S"])
            for page in pages
            for item in page["Items"]
        }

    def state(self) -> list[dict[str, Any]]:
        """The items of the state table."""
        return list(self.hub.client("dynamodb").scan(TableName=NAMES.state_table)["Items"])

    def outcomes(self, resource: Resource) -> list[dict[str, Any]]:
        return [body for body in self.ledger().values() if body.get("resource") == resource.arn]

    def ledger_of(self, remediation: str, session: boto3.Session | None = None) -> dict[str, dict[str, Any]]:
        """The entries of one remediation, in order."""
        answer = (
            (session or self.hub)
            .client("dynamodb")
            .query(
                TableName=NAMES.ledger_table,
                KeyConditionExpression="remediation = :id",
                ExpressionAttributeValues={":id": {"S": remediation}},
            )
        )
        return {item["entry"]["S"]: json.loads(item["body"]["S"]) for item in answer["Items"]}

    def finding(self, resource: Resource, control: Any = SSH, session: boto3.Session | None = None) -> dict[str, Any]:
        """Our one finding of a resource, as the hub sees it."""
        wanted: Any = {"Id": [{"Value": findings.finding_id(control, resource), "Comparison": "EQUALS"}]}
        (found,) = (session or self.hub).client("securityhub").get_findings(Filters=wanted)["Findings"]
        return dict(found)

    def mails(self, resource: Resource) -> list[Mail]:
        """The messages about a resource that people received."""
        topics = self.organization.world.service(Topics)
        mailbox = self.organization.do(lambda: list(topics.mailbox))
        return [mail for mail in mailbox if resource.arn in mail.message]

    def send(self, body: Any) -> None:
        """Put a message on the queue of findings as the hub's administrator."""
        sqs = self.hub.client("sqs")
        url = sqs.get_queue_url(QueueName=NAMES.findings_queue)["QueueUrl"]
        sqs.send_message(QueueUrl=url, MessageBody=body if isinstance(body, str) else json.dumps(body))

    def waiting(self, queue: str) -> list[str]:
        """The messages of a queue, without taking them."""
        sqs = self.hub.client("sqs")
        url = sqs.get_queue_url(QueueName=queue)["QueueUrl"]
        received = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=0)
        return [one["Body"] for one in received.get("Messages", [])]

    def rest(self) -> None:
        self.organization.rest()

    def invoke_detect(self, account: str, event: Mapping[str, Any]) -> dict[str, Any]:
        """Invoke a member's detect function as its schedule does, and return its answer."""
        client = self.member(account).client("lambda")
        answer = client.invoke(FunctionName=NAMES.detect_function, Payload=json.dumps(event).encode())
        payload: dict[str, Any] = json.loads(answer["Payload"].read())
        return {**payload, "failed": "FunctionError" in answer}

    @contextmanager
    def recorded(self) -> Iterator[Delivered]:
        """Record every delivery of EventBridge, AWS Config, and SQS to its target."""
        delivered = Delivered()
        delivery = self.organization.world.service(Events).delivery
        invocations = self.organization.world.service(LambdaFunctions).invocations
        send, run = delivery.send, invocations.run

        def sent(rule: Any, target: Any, event: Any, *, forwarded: bool) -> None:
            delivered.events.append(partial(send, rule, target, event, forwarded=forwarded))
            send(rule, target, event, forwarded=forwarded)

        def ran(function: Function, payload: Any, request_id: str) -> Any:
            delivered.invocations.append((function, payload, request_id))
            return run(function, payload, request_id)

        delivery.send, invocations.run = sent, ran  # type: ignore[method-assign]
        try:
            yield delivered
        finally:
            del delivery.send, invocations.run

    def deliver_again(self, delivered: Delivered) -> list[str]:
        """Deliver everything a second time; return what invocations failed with."""

        def again() -> None:
            for event in delivered.events:
                event()

        self.organization.do(again)
        failed = self.run_again(delivered)
        self.rest()
        return failed

    def run_again(self, delivered: Delivered, function: str | None = None) -> list[str]:
        """Run what was invoked, or one function of it, a second time and at once; return what it failed with."""
        invocations = self.organization.world.service(LambdaFunctions).invocations

        def again() -> list[str]:
            outcomes = [
                invocations.run(one, payload, f"{request_id}-again")
                for one, payload, request_id in delivered.invocations
                if function in (None, one.name)
            ]
            return [str(outcome.payload) for outcome in outcomes if outcome.failed]

        return self.organization.do(again)


@contextmanager
def killed_at(
    organization: LocalOrganization, service: str, operation: str, *, after: bool = False
) -> Iterator[list[str]]:
    """Kill the remediate function at its first call of an operation: before AWS does it, or after it was done."""

    def strikes(called: tuple[str, str], number: int) -> bool:
        return called == (service, operation)

    with interrupted(organization, strikes, after=after) as struck:
        yield struck


@contextmanager
def interrupted(
    organization: LocalOrganization,
    strikes: Callable[[tuple[str, str], int], bool],
    *,
    after: bool,
    function: str = NAMES.remediate_function,
) -> Iterator[list[str]]:
    """End a function at the first call that `strikes` chooses by operation and number.

    SystemExit is no Exception: no handler of the program sees it, as none sees the end of its process.
    """
    door, struck, calls = organization.door, list[str](), itertools.count()
    handle = door.handle

    def handled(request: Any) -> Any:
        if os.environ.get("AWS_LAMBDA_FUNCTION_NAME") != function or struck:
            return handle(request)
        service = service_of(scope_of(request, REGION), request)
        operation = Wire.of(service, request)[0].model.name
        mine = strikes((service, operation), next(calls))
        answer = handle(request) if after or not mine else None
        if mine:
            struck.append(f"{service}:{operation}")
            raise SystemExit("killed")
        return answer

    door.handle = handled  # type: ignore[method-assign]
    try:
        yield struck
    finally:
        del door.handle


@contextmanager
def deployed(**settings: Any) -> Iterator[Loop]:
    """Open the organisation, deploy the program into it, and let it come to rest.

    Environments add to its own; a setting that is a function makes its value of the usual one.
    """
    plan = local_estate.plan_of(3)
    with LocalOrganization(plan, home_region=REGION, regions=(REGION,)) as organization:
        local_estate.prepare(organization)
        config = _config(organization)
        settings = {key: value(config[key]) if callable(value) else value for key, value in settings.items()}
        more: dict[str, Any] = settings.pop("environments", {})
        known = config["environments"]
        environments = known | {name: {**known.get(name, {}), **part} for name, part in more.items()}
        config |= {**settings, "environments": environments}
        texts = {key: value if isinstance(value, str) else json.dumps(value) for key, value in config.items()}
        deploy(organization, "local", texts, (HUB, local_estate.pipeline_role(organization)))
        organization.rest()
        topic = f"arn:aws:sns:{REGION}:{HUB}:{NAMES.topic}"
        organization.do(partial(organization.world.service(Topics).confirm, topic, MAIL))
        yield Loop(organization)


def _config(organization: LocalOrganization) -> dict[str, Any]:
    config = local_estate.stack_config(organization)
    notify = {control: {"mode": "notify"} for control in config["controls"]}
    # What the local stack does not name is off: a group needs a VPC, which has findings of its own.
    off = {control: {"mode": "off"} for control in catalog()}
    exemption = {"control": SSH.id, "reason": "a bastion", "owner": "team"}
    return {
        **config,
        "environments": {**config["environments"], "other": {"accounts": [FOREIGN]}},
        "controls": {**off, **config["controls"]},
        "targets": {"accounts": [TEAM, NOTIFIED]},
        "overrides": [{"accounts": [NOTIFIED], "controls": notify}],
        "exemptions": [
            {**exemption, "tag": "access=bastion", "expires": "2026-12-31"},
            {**exemption, "tag": "access=expired", "expires": "2025-12-31"},
        ],
        "limits": {
            "changesPerControlAccountHour": 1000,
            "changesPerAccountHour": 1000,
            "changesPerOrganizationHour": 1000,
        },
    }


def open_group(session: boto3.Session, permissions: Any = WORLD_OPEN, **tags: str) -> Resource:
    """Make a security group that anybody reaches by SSH."""
    ec2 = session.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    account = session.client("sts").get_caller_identity()["Account"]
    specification: Any = [
        {"ResourceType": "security-group", "Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}
    ]
    more = {"TagSpecifications": specification} if tags else {}
    group = ec2.create_security_group(GroupName="web", Description="web", VpcId=vpc, **more)["GroupId"]
    if permissions:
        ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=permissions)
    return SSH.resource(Place("aws", account, REGION), group)


def ingress(session: boto3.Session, group: Resource) -> list[tuple[Any, ...]]:
    """The inbound rules of a group, without their ids."""
    filters: Any = [{"Name": "group-id", "Values": [group.id]}]
    rules = session.client("ec2").describe_security_group_rules(Filters=filters)["SecurityGroupRules"]
    return sorted(
        (rule["IpProtocol"], rule["FromPort"], rule["ToPort"], rule.get("CidrIpv4") or rule.get("CidrIpv6"))
        for rule in rules
        if not rule["IsEgress"]
    )
