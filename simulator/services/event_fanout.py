"""Fan-out of a topic's messages to its subscriptions, with retries and dead-letter queues.

Source: SNS Developer Guide, "Message delivery retries" (queues and functions: 3 times at once, twice
after a second, 10 times with backoff to 20 seconds, then every 20 seconds for 23 days) and "Dead-letter queues".
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, cast

from simulator.call import Caller, ServiceError
from simulator.services.event_arn import Arn, queue_url
from simulator.services.event_delivery import InvokesFunctions
from simulator.services.event_failure import failure_of
from simulator.services.event_message import Published

if TYPE_CHECKING:
    from simulator.world import World

PRINCIPAL = "sns.amazonaws.com"
LATENCY = 0.1  # seconds from Publish to the first attempt
ATTEMPTS = 100_015
NO_SUBJECT = "AWS Notification Message"


@dataclass(frozen=True, slots=True)
class Mail:
    """An e-mail that a subscriber got."""

    address: str
    topic_arn: str
    subject: str
    message: str
    attributes: Mapping[str, str]
    time: datetime


@dataclass(frozen=True, slots=True)
class Sent:
    """What went to an endpoint outside AWS: a text message, or a request to an HTTP(S) endpoint."""

    protocol: str
    endpoint: str
    topic_arn: str | None
    body: str
    time: datetime


@dataclass(frozen=True, slots=True)
class Undelivered:
    """A message that reached neither its endpoint nor a dead-letter queue."""

    subscription_arn: str
    message_id: str
    code: str
    message: str
    time: datetime


@dataclass(frozen=True, slots=True)
class Subscriber:
    """A subscription at the moment of publishing."""

    arn: str
    protocol: str
    endpoint: str
    raw: bool
    dead_letters: str | None


class FanOut:
    """Takes published messages to subscribers, by the agenda."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.mailbox: list[Mail] = []
        self.sent: list[Sent] = []
        self.undelivered: list[Undelivered] = []

    def send(self, subscriber: Subscriber, published: Published) -> None:
        """Deliver a message to one subscriber soon."""
        self._later(subscriber, published, 1, LATENCY)

    def _later(self, subscriber: Subscriber, published: Published, number: int, seconds: float) -> None:
        label = f"message of {published.topic_arn} to {subscriber.endpoint}"
        self.world.agenda.soon(lambda: self._try(subscriber, published, number), label, seconds=seconds)

    def _try(self, subscriber: Subscriber, published: Published, number: int) -> None:
        try:
            self._deliver(subscriber, published)
        except ServiceError as error:
            failure = failure_of(error)
            if failure.retried and number < ATTEMPTS:
                self._later(subscriber, published, number + 1, _pause(number))
            elif subscriber.dead_letters is None:
                self._lose(subscriber, published, failure.code, failure.message)
            else:
                self._bury(subscriber, published, subscriber.dead_letters)

    def _deliver(self, subscriber: Subscriber, published: Published) -> None:
        now = self.world.agenda.now()
        if subscriber.protocol == "sqs":
            self._queue(Arn.parse(subscriber.endpoint), subscriber, published)
        elif subscriber.protocol == "lambda":
            functions = cast("InvokesFunctions", self.world.services["lambda"])
            functions.invoke_async(
                subscriber.endpoint, json.dumps(_record(subscriber, published)).encode(), self._caller(published)
            )
        elif subscriber.protocol in ("email", "email-json"):
            attributes = {name: str(given.get("StringValue", "")) for name, given in published.attributes.items()}
            subject = published.subject or NO_SUBJECT
            body = published.text_for("email") if subscriber.protocol == "email" else _body(subscriber, published)
            self.mailbox.append(Mail(subscriber.endpoint, published.topic_arn, subject, body, attributes, now))
        else:
            body = published.text_for("sms") if subscriber.protocol == "sms" else _body(subscriber, published)
            self.sent.append(Sent(subscriber.protocol, subscriber.endpoint, published.topic_arn, body, now))

    def _queue(self, arn: Arn, subscriber: Subscriber, published: Published) -> None:
        message: dict[str, Any] = {"QueueUrl": queue_url(arn), "MessageBody": _body(subscriber, published)}
        if subscriber.raw and published.attributes:
            message["MessageAttributes"] = {name: dict(given) for name, given in published.attributes.items()}
        if published.group is not None:
            message["MessageGroupId"] = published.group
        if published.deduplication is not None and arn.resource.endswith(".fifo"):
            message["MessageDeduplicationId"] = published.deduplication
        self.world.call(self._caller(published), "sqs", "SendMessage", message, region=arn.region, account=arn.account)

    def _bury(self, subscriber: Subscriber, published: Published, dead_letters: str) -> None:
        try:
            self._queue(Arn.parse(dead_letters), subscriber, published)
        except ServiceError as error:
            failure = failure_of(error)
            self._lose(subscriber, published, failure.code, f"dead-letter queue: {failure.message}")

    def _lose(self, subscriber: Subscriber, published: Published, code: str, message: str) -> None:
        self.undelivered.append(Undelivered(subscriber.arn, published.id, code, message, self.world.agenda.now()))

    def _caller(self, published: Published) -> Caller:
        account = Arn.parse(published.topic_arn).account
        return self.world.as_service(PRINCIPAL, account=account, arn=published.topic_arn)


def _pause(number: int) -> float:
    """Seconds before the next attempt after attempt `number`."""
    if number <= 3:
        return 0.0
    return 1.0 if number <= 5 else min(2.0 ** (number - 6), 20.0)


def _body(subscriber: Subscriber, published: Published) -> str:
    if subscriber.raw:
        return published.text_for(subscriber.protocol)
    document = published.notification(subscriber.protocol, subscriber.arn)
    return json.dumps({name: value for name, value in document.items() if value not in (None, {})}, indent=2)


def _record(subscriber: Subscriber, published: Published) -> dict[str, Any]:
    """The event of a subscribed function, which spells the URLs in its own way."""
    document = published.notification("lambda", subscriber.arn)
    document["SigningCertUrl"] = document.pop("SigningCertURL")
    document["UnsubscribeUrl"] = document.pop("UnsubscribeURL")
    record = {
        "EventSource": "aws:sns",
        "EventVersion": "1.0",
        "EventSubscriptionArn": subscriber.arn,
        "Sns": document,
    }
    return {"Records": [record]}
