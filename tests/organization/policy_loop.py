"""Everything that the deployed program does, so that every statement of its policies is asked for once.

Detection by change, by schedule and by reconciling; remediation with each way that it can end; dead letters and
failure destinations; alarms; what people and time set going (`policy_people.py`).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from typing import Any

import boto3

from lambdas.controls import catalog
from lambdas.controls.model import Place, Resource
from lambdas.remediation.record import Ledger, Objects
from operations import scenario
from operations.local_estate import HUB
from simulator.services.sns import Topics
from tests.organization.policy_people import (
    SWEPT,
    People,
    approved,
    long_plan,
    requested,
    storm,
    taken_back,
    undone,
    warned,
)
from tests.organization.policy_world import (
    AWAY,
    EC2,
    HOME,
    PRODUCTION,
    S3,
    STAGING,
    TAKES_PART,
    Estate,
    document,
)

RECONCILE_EVERY = timedelta(hours=6, minutes=10)
APPROVED = (S3, "a disabled key", STAGING, HOME)
# (control, case, account, Region) of what is broken. Together these reach every action that their controls grant,
# in less time than all their cases would take.
CHOSEN = (
    (EC2, "tagged range around 22", PRODUCTION, HOME),
    (EC2, "prefix list that holds the world", PRODUCTION, AWAY),
    (S3, "SSE-S3, as S3 gives it", PRODUCTION, HOME),
    APPROVED,
)
ENDS = {case: "awaiting-approval" if case == APPROVED else "remediated" for case in CHOSEN}


def broken() -> Iterator[tuple[str, str, str, str]]:
    """What is broken: the chosen cases, and of a control that none is chosen of, every case."""
    yield from CHOSEN
    for identifier in TAKES_PART:
        if all(identifier != chosen[0] for chosen in CHOSEN):
            for case in scenario.cases(catalog()[identifier]):
                yield identifier, case.name, PRODUCTION, HOME


class Loop:
    """The deployed program at work in an organisation."""

    def __init__(self, estate: Estate) -> None:
        self.estate = estate
        self.organization, self.names = estate.organization, estate.names

    def run(self) -> dict[str, Any]:
        """Let everything happen; returns what came of it, by a name for each thing that was to happen."""
        came: dict[str, Any] = {}
        resources = {case: self.break_resource(*case) for case in broken()}
        guarded = self._guarded_bucket()
        self.organization.rest()
        for case, resource in resources.items():
            if case in ENDS:
                came[" ".join(case)] = self.outcome(resource)
        came["a bucket whose own policy refuses"] = self.outcome(guarded)
        group, other = (resources[case] for case in CHOSEN[:2])
        people = People(self.estate)
        came["an approved plan"] = approved(people, resources[APPROVED])
        taken_back(people, (resource for case, resource in resources.items() if case not in ENDS))
        came["an undo by an approver"] = undone(people, group)
        came["an undo that was requested by a custom action"] = requested(people, other)
        came["an exemption"] = warned(people)
        came["a storm"] = storm(people)
        came["a plan that takes time"] = long_plan(people)
        came["detection that fails"] = self._failing_detection()
        came["reconciling without permission to invoke"] = self._reconciling()
        came["a remediation that failed, hours later"] = people.outcomes(guarded)
        came["a sweep without permission to invoke"] = self._sweeping()
        came["findings that cannot be delivered"] = self._undelivered_finding()
        came["an alarm"] = self._alarm()
        came["a large entry"] = self._large_entry()
        came["a reconciliation that goes on"] = self._going_on()
        return came

    def break_resource(self, control: str, case: str, account: str, region: str) -> Resource:
        """Build the broken resource of a case by plain boto3."""
        found = catalog()[control]
        chosen = next(one for one in scenario.cases(found) if one.name == case)
        place = Place("aws", account, region)
        return found.resource(place, chosen.broken(self.estate.member(account, region), place))

    def outcome(self, resource: Resource) -> str | None:
        """How the ledger says that the last remediation of a resource ended; None where it knows of none."""
        pages = self.estate.hub.client("dynamodb").get_paginator("scan").paginate(TableName=self.names.ledger_table)
        bodies = [(item["at"]["S"], json.loads(item["body"]["S"])) for page in pages for item in page["Items"]]
        ended = [
            (at, body["outcome"]) for at, body in bodies if body.get("resource") == resource.arn and "outcome" in body
        ]
        return str(max(ended)[1]) if ended else None

    def _guarded_bucket(self) -> Resource:
        """A broken bucket whose own policy denies the change: the remediation fails and says so."""
        bucket = self.break_resource(S3, "SSE-S3, as S3 gives it", PRODUCTION, AWAY)
        refusal = {
            "Effect": "Deny",
            "Principal": "*",
            "Action": "s3:PutEncryptionConfiguration",
            "Resource": bucket.arn,
        }
        self.estate.member(PRODUCTION, AWAY).client("s3").put_bucket_policy(Bucket=bucket.id, Policy=document(refusal))
        return bucket

    def _failing_detection(self) -> str:
        """Send the detect function what it cannot know; the condition that stands in its dead letters."""
        member = self.estate.member(PRODUCTION)
        member.client("lambda").invoke(
            FunctionName=self.names.detect_function, InvocationType="Event", Payload=b'{"unknown": true}'
        )
        self.organization.rest()
        letter = self._letter(member, self.names.detect_dead_letters)
        return str(json.loads(letter["Body"])["requestContext"]["condition"])

    def _reconciling(self) -> str:
        """Let detection's schedule come where it may not invoke the function; the error in the dead letters."""
        member = partial(self.estate.member, STAGING)
        with self._uninvokable(member, self.names.detect_function, "reconcile", STAGING, self.names.reconcile_rule):
            self.organization.advance(RECONCILE_EVERY)
        letter = self._letter(member(), self.names.detect_dead_letters)
        return str(letter["MessageAttributes"]["ERROR_CODE"]["StringValue"])

    def _sweeping(self) -> str:
        """Let the sweep's schedule come where it may not invoke the function; the error in the dead letters."""
        sweep = self.names.sweep_function
        with self._uninvokable(lambda: self.estate.hub, sweep, "schedule", HUB, sweep):
            self.organization.advance(SWEPT)
        letter = self._letter(self.estate.hub, self.names.findings_dead_letters)
        return str(letter["MessageAttributes"]["ERROR_CODE"]["StringValue"])

    @contextmanager
    def _uninvokable(
        self, session: Callable[[], boto3.Session], function: str, statement: str, account: str, rule: str
    ) -> Iterator[None]:
        """Take a rule's permission to invoke a function away for a while."""
        session().client("lambda").remove_permission(FunctionName=function, StatementId=statement)
        yield
        self.organization.rest()
        session().client("lambda").add_permission(
            FunctionName=function,
            StatementId=statement,
            Action="lambda:InvokeFunction",
            Principal="events.amazonaws.com",
            SourceArn=f"arn:aws:events:{HOME}:{account}:rule/{rule}",
        )

    def _undelivered_finding(self) -> str:
        """Close the queue of findings while one comes; the error in the dead letters."""
        with self.changed_queue(self.names.findings_queue, lambda statement: None):
            self.break_resource(EC2, "SSH open to all of IPv4", STAGING, AWAY)
            self.organization.rest()
        letter = self._letter(self.estate.hub, self.names.findings_dead_letters)
        return str(letter["MessageAttributes"]["ERROR_CODE"]["StringValue"])

    def _large_entry(self) -> bool:
        """Write an entry that no item holds, with the central role; whether all who read the ledger have it whole."""
        names = self.names

        def ledger(role: str) -> Ledger:
            session = self.estate.function(HUB, role)
            return Ledger(session.client("dynamodb"), names.ledger_table, Objects.of(names, session, HUB, HOME))

        before = "x" * 600_000
        ledger(names.remediation_role).write("r-large", "outcome", PRODUCTION, {"before": before})
        readers = (names.remediation_role, names.approve_function, names.sweep_function)
        read = [one["before"] for role in readers for one in ledger(role).entries("r-large")]
        return read == [before] * len(readers)

    def _going_on(self) -> int:
        """Invoke detection with its own role, as a run does that goes on; the HTTP status of the answer."""
        client = self.estate.function(PRODUCTION, self.names.detect_role).client("lambda")
        event = json.dumps({"palisade": "reconcile", "from": {"run": 2}}).encode()
        answer = client.invoke(FunctionName=self.names.detect_function, InvocationType="Event", Payload=event)
        self.organization.rest()
        return int(answer["ResponseMetadata"]["HTTPStatusCode"])

    def _alarm(self) -> list[str]:
        """Raise an alarm; the subjects of the mails that came of it."""
        topics = self.organization.world.service(Topics)
        before = len(topics.mailbox)
        self.estate.hub.client("cloudwatch").set_alarm_state(
            AlarmName=f"{self.names.prefix}-dead-letters", StateValue="ALARM", StateReason="a message is there"
        )
        self.organization.rest()
        return [mail.subject for mail in topics.mailbox[before:]]

    @contextmanager
    def changed_queue(self, queue: str, change: Callable[[dict[str, Any]], dict[str, Any] | None]) -> Iterator[None]:
        """Change every statement of a hub's queue policy, or leave it out where `change` returns None, for a while."""
        client = self.estate.hub.client("sqs")
        url = client.get_queue_url(QueueName=queue)["QueueUrl"]
        written = client.get_queue_attributes(QueueUrl=url, AttributeNames=["Policy"])["Attributes"]["Policy"]
        kept = [new for one in json.loads(written)["Statement"] if (new := change(one)) is not None]
        client.set_queue_attributes(QueueUrl=url, Attributes={"Policy": document(*kept) if kept else ""})
        try:
            yield
        finally:
            self.estate.hub.client("sqs").set_queue_attributes(QueueUrl=url, Attributes={"Policy": written})

    def _letter(self, session: boto3.Session, queue: str) -> Mapping[str, Any]:
        """Take one message from a dead-letter queue."""
        client = session.client("sqs")
        url = client.get_queue_url(QueueName=queue)["QueueUrl"]
        messages = client.receive_message(QueueUrl=url, MessageAttributeNames=["All"]).get("Messages", [])
        assert messages, f"{queue} is empty"
        letter: Mapping[str, Any] = messages[0]
        return letter
