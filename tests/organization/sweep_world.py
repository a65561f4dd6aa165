"""What tests of the sweep set up: policies that change, hours that are used up, faults; and what they read."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from lambdas.controls.model import Resource
from simulator.faults import Fault, Kind
from simulator.services.event_fanout import Mail
from simulator.services.sns import Topics
from tests.organization.loop_world import NAMES, NOTIFIED, SSH, TEAM
from tests.organization.people_world import People

HOUR = 3600
# A sweep comes every five minutes, and what it asks for is handled within the next.
SWEPT = timedelta(minutes=6)
EVERY_DAY = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def now(loop: People) -> datetime:
    """The time in the organisation."""
    return loop.organization.do(loop.organization.world.agenda.now)


def ended(loop: People, group: Resource) -> list[tuple[str, str, str]]:
    """When and how the remediations of a group ended, and why, the earliest first."""
    pages = loop.hub.client("dynamodb").get_paginator("scan").paginate(TableName=NAMES.ledger_table)
    bodies = [(item["at"]["S"], json.loads(item["body"]["S"])) for page in pages for item in page["Items"]]
    return sorted(
        (at, body["outcome"], body["reason"])
        for at, body in bodies
        if body.get("resource") == group.arn and "outcome" in body
    )


def outcomes(loop: People, group: Resource) -> list[str]:
    """How the remediations of a group ended, the earliest first."""
    return [outcome for _, outcome, _ in ended(loop, group)]


def status(loop: People, group: Resource) -> str:
    """The workflow status of a group's finding."""
    return str(loop.finding(group)["Workflow"]["Status"])


def mails(loop: People, outcome: str) -> list[Mail]:
    """The messages with this outcome, of whatever resource."""
    topics = loop.organization.world.service(Topics)
    mailbox = loop.organization.do(lambda: list(topics.mailbox))
    return [mail for mail in mailbox if mail.attributes.get("outcome") == outcome]


def set_by_hand(loop: People, group: Resource, workflow: str | None = None, note: str | None = None) -> None:
    """Write on a finding in the console."""
    written: dict[str, Any] = {"Workflow": {"Status": workflow}} if workflow else {}
    written |= {"Note": {"Text": note, "UpdatedBy": "carol"}} if note else {}
    identifiers: Any = [{name: loop.finding(group)[name] for name in ("Id", "ProductArn")}]
    loop.hub.client("securityhub").batch_update_findings(FindingIdentifiers=identifiers, **written)


def open_more(loop: People, group: Resource) -> None:
    """Change what fails already: AWS Config tells of no change, the member's schedule does."""
    rules: Any = [{"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "Ipv6Ranges": [{"CidrIpv6": "::/0"}]}]
    loop.member(group.account).client("ec2").authorize_security_group_ingress(GroupId=group.id, IpPermissions=rules)
    loop.rest()
    loop.invoke_detect(group.account, {"palisade": "reconcile"})


@contextmanager
def policy(loop: People, account: str = TEAM, **changes: Any) -> Iterator[None]:
    """Change the policy of an account for a while; the functions read policies anew after a minute."""
    dynamodb = loop.hub.client("dynamodb")
    key: Any = {"environment": {"S": "local"}, "account": {"S": account}}
    item = dynamodb.get_item(TableName=NAMES.policies_table, Key=key)["Item"]
    document = {**json.loads(item["document"]["S"]), **changes}
    dynamodb.put_item(TableName=NAMES.policies_table, Item={**item, "document": {"S": json.dumps(document)}})
    loop.organization.advance(timedelta(seconds=61))
    try:
        yield
    finally:
        loop.hub.client("dynamodb").put_item(TableName=NAMES.policies_table, Item=item)
        loop.organization.advance(timedelta(seconds=61))


@contextmanager
def unwritable(loop: People) -> Iterator[None]:
    """Deny the change to the writer, as a guardrail of the organisation would."""
    faults = loop.organization.faults
    writer = f"*:assumed-role/{NAMES.writer_role}/*"
    faults.add(Fault(Kind.DENY, "ec2", "RevokeSecurityGroupIngress", principal=writer))
    try:
        yield
    finally:
        faults.clear()


def window(opens: datetime) -> dict[str, Any]:
    """A window of an hour, every day."""
    closes = opens + timedelta(hours=1)
    return {"days": EVERY_DAY, "start": f"{opens:%H:%M}", "end": f"{closes:%H:%M}", "timezone": "UTC"}


@contextmanager
def used_up(loop: People, hours: int) -> Iterator[None]:
    """Use up what the control may change in the team's account, in this hour and the next ones."""
    hour = int(now(loop).timestamp()) // HOUR
    keys: Any = [{"key": {"S": f"changes#{SSH.id}#{TEAM}#{hour + number}"}} for number in range(hours)]
    for key in keys:
        loop.hub.client("dynamodb").put_item(TableName=NAMES.state_table, Item={**key, "changes": {"N": "1000"}})
    try:
        yield
    finally:
        for key in keys:
            loop.hub.client("dynamodb").delete_item(TableName=NAMES.state_table, Key=key)


def leave_untold(loop: People, group: Resource, outcome: str) -> None:
    """Leave a message to the digest."""
    texts = {
        "key": f"untold#{group.id}#{outcome}",
        "shard": "untold",
        "control": SSH.id,
        "outcome": outcome,
        "environment": "local",
        "account": NOTIFIED,
        "region": group.region,
        "resource": group.arn,
        "reason": "because",
    }
    item: Any = {name: {"S": value} for name, value in texts.items()}
    due = int(now(loop).timestamp())
    loop.hub.client("dynamodb").put_item(TableName=NAMES.state_table, Item={**item, "due": {"N": str(due)}})


def hasten(loop: People, group: Resource, then: str | None = None) -> None:
    """Make a case due at once, and the time to answer its question over; `then` is what the sweep is to do."""
    loop.hub.client("dynamodb").update_item(
        TableName=NAMES.state_table,
        Key={"key": {"S": f"case#{SSH.id}#{group.account}#{group.region}#{group.arn}"}},
        UpdateExpression="SET due = :now, deadline = :now, #next = :next",
        ExpressionAttributeNames={"#next": "next"},
        ExpressionAttributeValues={
            ":now": {"N": str(int(now(loop).timestamp()))},
            ":next": {"S": then or loop.case(group.arn)["next"]},
        },
    )


def close_breaker(loop: People) -> None:
    """Forget how often the control has failed in the team's account, as an hour would."""
    key: Any = {"key": {"S": f"failures#{SSH.id}#{TEAM}"}}
    loop.hub.client("dynamodb").delete_item(TableName=NAMES.state_table, Key=key)


def sweep(loop: People) -> bool:
    """Let the sweep come at once; returns whether it came to its end."""
    answer = loop.hub.client("lambda").invoke(FunctionName=NAMES.sweep_function, Payload=b"{}")
    return "FunctionError" not in answer


def swept(loop: People) -> None:
    """Wait for the next sweep, so that the one after it is as far away as it can be."""
    log = loop.organization.door.log
    start = len(log)
    while not any(f"/{NAMES.sweep_function}/" in entry.principal for entry in log[start:]):
        loop.organization.advance(timedelta(minutes=1))


def elapsed(loop: People, hours: float) -> None:
    """Let hours pass, and the next sweep."""
    loop.organization.advance(timedelta(hours=hours) + SWEPT)
