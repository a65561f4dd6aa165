"""Amazon SNS of the local organisation: subscriptions and publishing; moto keeps the topics.

moto delivers to queues of the topic's own account only, at once, without their policies, and
confirms every subscription by itself. Source: SNS Developer Guide and API Reference.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from moto.backends import get_backend
from moto.sns.exceptions import SNSException
from moto.sns.models import SNSBackend, Subscription, Topic

from simulator.call import Call, ServiceError, not_simulated
from simulator.service import Service
from simulator.services.event_arn import Arn, account_in
from simulator.services.event_fanout import FanOut, Mail, Sent, Subscriber, Undelivered
from simulator.services.event_keys import require_enabled
from simulator.services.event_message import BODY_SCOPE, Published, accepts, check_filter, check_message, invalid
from simulator.services.paging import Words, paged

if TYPE_CHECKING:
    from simulator.world import World

PROTOCOLS = ("sqs", "lambda", "email", "email-json", "http", "https", "sms")
CONFIRMED_BY_PEOPLE = ("email", "email-json", "http", "https")
ATTRIBUTES = ("DeliveryPolicy", "FilterPolicy", "FilterPolicyScope", "RawMessageDelivery", "RedrivePolicy")
PENDING = "PendingConfirmation"
BATCH = 10


@dataclass(frozen=True, slots=True)
class Confirmation:
    """The request to confirm a subscription that went to its endpoint."""

    endpoint: str
    protocol: str
    topic_arn: str
    token: str
    time: datetime


class Topics(Service):
    """SNS: topics of moto, fan-out by the agenda."""

    name = "sns"

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self._fan_out = FanOut(world)
        self.confirmations: list[Confirmation] = []

    @property
    def mailbox(self) -> list[Mail]:
        """The e-mails that confirmed subscribers got, in order."""
        return self._fan_out.mailbox

    @property
    def sent(self) -> list[Sent]:
        """Text messages and HTTP(S) requests, in order."""
        return self._fan_out.sent

    @property
    def undelivered(self) -> list[Undelivered]:
        """Messages that reached neither their endpoint nor a dead-letter queue."""
        return self._fan_out.undelivered

    def owner(self, call: Call) -> str:
        """The account of the topic that the call names."""
        names = ("TopicArn", "TargetArn", "SubscriptionArn", "ResourceArn")
        found = (account_in(call.parameters.get(name)) for name in names)
        return next((account for account in found if account), call.caller.account)

    def resource_policy(self, arn: str) -> Mapping[str, Any] | None:
        """The policy of a topic."""
        if arn == "*":  # actions without resources
            return None
        parsed = Arn.parse(arn)
        topic = get_backend("sns")[parsed.account][parsed.region].topics.get(arn)
        return None if topic is None else dict(json.loads(topic.policy))

    def confirm(self, topic_arn: str, endpoint: str) -> str:
        """Confirm an endpoint's subscription, as its owner does by the link in the mail; returns its ARN."""
        subscription = next((found for found in self._subscriptions(topic_arn) if found.endpoint == endpoint), None)
        if subscription is None:
            raise ServiceError("NotFound", f"{endpoint} has no subscription to {topic_arn}", 404)
        self._set_confirmed(subscription, confirmed=True)
        return str(subscription.arn)

    def after(self, call: Call, response: Mapping[str, Any]) -> None:
        """Keep the topic's counts of subscriptions."""
        if call.operation == "Unsubscribe":
            topic = self._backend(call).topics.get(call.parameters["SubscriptionArn"].rsplit(":", 1)[0])
            if topic is not None:
                topic.subscriptions_deleted += 1
                self._count(topic)

    def subscribe(self, call: Call) -> dict[str, Any]:
        """Subscribe an endpoint. Mail and web endpoints, and queues of others, wait for confirmation."""
        parameters = call.parameters
        topic = self._topic(call, parameters["TopicArn"])
        protocol, endpoint = parameters["Protocol"], parameters.get("Endpoint") or ""
        attributes = dict(parameters.get("Attributes") or {})
        _check_endpoint(protocol, endpoint)
        _check_attributes(attributes)
        known = next(
            (
                found
                for found in self._subscriptions(topic.arn)
                if found.endpoint == endpoint and found.protocol == protocol
            ),
            None,
        )
        if known is not None:
            if any(_kept(known, name) != value for name, value in attributes.items()):
                raise invalid("Attributes Reason: Subscription already exists with different attributes")
            return self._subscribed(known, parameters)
        subscription = self._new(call, topic, protocol, endpoint)
        subscription.attributes |= attributes
        foreign = protocol in ("sqs", "lambda") and Arn.parse(endpoint).account != call.caller.account
        self._set_confirmed(subscription, confirmed=protocol not in CONFIRMED_BY_PEOPLE and not foreign)
        if not subscription.confirmed:
            now = self.world.agenda.now()
            self.confirmations.append(Confirmation(endpoint, protocol, topic.arn, _token(subscription), now))
        return self._subscribed(subscription, parameters)

    def confirm_subscription(self, call: Call) -> dict[str, Any]:
        """Confirm a subscription by the token that its endpoint got."""
        self._topic(call, call.parameters["TopicArn"])
        for subscription in self._subscriptions(call.parameters["TopicArn"]):
            if _token(subscription) == call.parameters["Token"]:
                self._set_confirmed(subscription, confirmed=True)
                return {"SubscriptionArn": subscription.arn}
        raise invalid("Token")

    def set_subscription_attributes(self, call: Call) -> dict[str, Any]:
        """Set one attribute of a subscription; an empty filter or redrive policy removes it."""
        arn, name = call.parameters["SubscriptionArn"], call.parameters["AttributeName"]
        value = call.parameters.get("AttributeValue") or ""
        subscription = self._backend(call).subscriptions.get(arn)
        if subscription is None:
            raise ServiceError("NotFound", "Subscription does not exist", 404)
        if not value and name in ("FilterPolicy", "RedrivePolicy"):
            subscription.attributes.pop(name, None)
            return {}
        kept = {key: text for key in ATTRIBUTES if (text := _kept(subscription, key)) is not None}
        _check_attributes({**kept, name: value})
        subscription.attributes[name] = value
        return {}

    def list_subscriptions(self, call: Call) -> dict[str, Any]:
        """List the subscriptions that an account owns in a Region, to topics of any account."""
        found = [
            subscription
            for account in sorted({call.account, *self.world.known_accounts()})
            for subscription in get_backend("sns")[account][call.region].subscriptions.values()
            if subscription.owner == call.account
        ]
        return _listed(found, call)

    def list_subscriptions_by_topic(self, call: Call) -> dict[str, Any]:
        """List a topic's subscriptions."""
        topic = self._topic(call, call.parameters["TopicArn"])
        return _listed(self._subscriptions(topic.arn), call)

    def publish(self, call: Call) -> dict[str, Any]:
        """Publish a message to a topic or, as text message, to a phone number."""
        parameters = call.parameters
        check_message(parameters)
        number = parameters.get("PhoneNumber")
        if number is not None:
            self.sent.append(Sent("sms", number, None, parameters["Message"], self.world.agenda.now()))
            return {"MessageId": _message_id(call, "")}
        topic = self._topic(call, parameters.get("TopicArn") or parameters.get("TargetArn"))
        return {"MessageId": self._publish(call, topic, parameters, "")}

    def publish_batch(self, call: Call) -> dict[str, Any]:
        """Publish up to ten messages; those that are refused are reported."""
        topic, entries = self._topic(call, call.parameters["TopicArn"]), call.parameters["PublishBatchRequestEntries"]
        identifiers = [entry["Id"] for entry in entries]
        if not entries:
            raise ServiceError("EmptyBatchRequest", "The batch request doesn't contain any entries.")
        if len(entries) > BATCH:
            raise ServiceError(
                "TooManyEntriesInBatchRequest", "The batch request contains more entries than permissible."
            )
        if len(set(identifiers)) < len(identifiers):
            raise ServiceError("BatchEntryIdsNotDistinct", "Two or more batch entries in the request have the same Id.")
        successful, failed = [], []
        for entry in entries:
            try:
                check_message(entry)
                message = self._publish(call, topic, entry, entry["Id"])
                successful.append({"Id": entry["Id"], "MessageId": message})
            except ServiceError as error:
                failed.append(
                    {"Id": entry["Id"], "Code": error.code, "Message": error.message, "SenderFault": error.status < 500}
                )
        return {"Successful": successful, "Failed": failed}

    def _publish(self, call: Call, topic: Topic, given: Mapping[str, Any], batch_id: str) -> str:
        group, deduplication = given.get("MessageGroupId"), given.get("MessageDeduplicationId")
        fifo = topic.arn.endswith(".fifo")
        if fifo and not group:
            raise invalid("The MessageGroupId parameter is required for FIFO topics")
        if deduplication and not fifo:
            raise invalid("MessageDeduplicationId Reason: it is not valid for this topic type")
        if fifo and not deduplication:
            if str(topic.content_based_deduplication).lower() != "true":
                raise invalid("The topic should have ContentBasedDeduplication enabled or a MessageDeduplicationId")
            deduplication = hashlib.sha256(given["Message"].encode()).hexdigest()
        require_enabled(call, topic.kms_master_key_id, "KMS{}")
        published = Published(
            _message_id(call, batch_id),
            topic.arn,
            given["Message"],
            given.get("Subject"),
            given.get("MessageStructure"),
            given.get("MessageAttributes") or {},
            self.world.agenda.now(),
            group,
            deduplication,
        )
        for subscription in sorted(self._subscriptions(topic.arn), key=lambda found: str(found.arn)):
            scope = subscription.attributes.get("FilterPolicyScope") or ""
            if subscription.confirmed and accepts(subscription.attributes.get("FilterPolicy"), scope, published):
                self._fan_out.send(_subscriber(subscription), published)
        return published.id

    def _backend(self, call: Call) -> SNSBackend:
        return get_backend("sns")[call.account][call.region]

    def _topic(self, call: Call, arn: str | None) -> Topic:
        if arn is None:
            raise invalid("TopicArn or TargetArn Reason: no value for required parameter")
        topic = self._backend(call).topics.get(arn)
        if topic is None:
            raise ServiceError("NotFound", "Topic does not exist", 404)
        return topic

    def _subscriptions(self, topic_arn: str) -> list[Subscription]:
        parsed = Arn.parse(topic_arn)
        subscriptions = get_backend("sns")[parsed.account][parsed.region].subscriptions.values()
        return [subscription for subscription in subscriptions if subscription.topic_arn == topic_arn]

    def _new(self, call: Call, topic: Topic, protocol: str, endpoint: str) -> Subscription:
        """Let moto subscribe; the subscription's id follows from topic and endpoint."""
        backend = self._backend(call)
        try:
            subscription = backend.subscribe(topic.arn, endpoint, protocol)
        except SNSException as error:
            raise ServiceError("InvalidParameter", str(error.message)) from error
        del backend.subscriptions[subscription.arn]
        digest = hashlib.blake2b(f"{topic.arn}|{protocol}|{endpoint}".encode(), digest_size=16).hexdigest()
        subscription.arn = f"{topic.arn}:{digest[:8]}-{digest[8:12]}-{digest[12:16]}-{digest[16:20]}-{digest[20:]}"
        subscription.owner = call.caller.account or call.account
        subscription.attributes |= {
            "SubscriptionArn": subscription.arn,
            "Owner": subscription.owner,
            "RawMessageDelivery": "false",
        }
        backend.subscriptions[subscription.arn] = subscription
        return subscription

    def _set_confirmed(self, subscription: Subscription, *, confirmed: bool) -> None:
        subscription.confirmed = confirmed
        subscription.attributes[PENDING] = "false" if confirmed else "true"
        subscription.attributes["ConfirmationWasAuthenticated"] = "false"
        self._count(subscription.topic)

    def _count(self, topic: Topic) -> None:
        found = self._subscriptions(topic.arn)
        topic.subscriptions_confimed = sum(subscription.confirmed for subscription in found)
        topic.subscriptions_pending = len(found) - topic.subscriptions_confimed

    def _subscribed(self, subscription: Subscription, parameters: Mapping[str, Any]) -> dict[str, Any]:
        shown = subscription.confirmed or parameters.get("ReturnSubscriptionArn")
        return {"SubscriptionArn": subscription.arn if shown else "pending confirmation"}


def _subscriber(subscription: Subscription) -> Subscriber:
    redrive = subscription.attributes.get("RedrivePolicy")
    return Subscriber(
        subscription.arn,
        subscription.protocol,
        subscription.endpoint,
        subscription.attributes.get("RawMessageDelivery") == "true",
        json.loads(redrive)["deadLetterTargetArn"] if redrive else None,
    )


def _kept(subscription: Subscription, name: str) -> str | None:
    value = subscription.attributes.get(name)
    return None if value is None else str(value)


def _listed(subscriptions: list[Subscription], call: Call) -> dict[str, Any]:
    shown = [
        {
            "SubscriptionArn": subscription.arn if subscription.confirmed else PENDING,
            "Owner": subscription.owner,
            "Protocol": subscription.protocol,
            "Endpoint": subscription.endpoint,
            "TopicArn": subscription.topic_arn,
        }
        for subscription in sorted(subscriptions, key=lambda found: str(found.arn))
    ]
    return paged("Subscriptions", shown, call.parameters, words=Words(refused="InvalidParameter"))


def _token(subscription: Subscription) -> str:
    return hashlib.blake2b(f"confirm {subscription.arn}".encode(), digest_size=32).hexdigest()


def _message_id(call: Call, batch_id: str) -> str:
    digest = hashlib.blake2b(f"{call.request_id}|{batch_id}".encode(), digest_size=16).hexdigest()
    return f"{digest[:8]}-{digest[8:12]}-{digest[12:16]}-{digest[16:20]}-{digest[20:]}"


def _check_endpoint(protocol: str, endpoint: str) -> None:
    if protocol in ("application", "firehose"):
        raise not_simulated(f"{protocol} subscriptions", several=True)
    if protocol not in PROTOCOLS:
        raise invalid("Protocol")
    fits = {
        "sqs": ":sqs:" in endpoint and endpoint.count(":") == 5,
        "lambda": ":lambda:" in endpoint and endpoint.count(":") >= 6,
        "email": "@" in endpoint,
        "email-json": "@" in endpoint,
        "http": endpoint.startswith("http://"),
        "https": endpoint.startswith("https://"),
    }
    if not fits.get(protocol, bool(endpoint)):
        raise invalid(f"Endpoint Reason: {endpoint!r} is no {protocol} endpoint")


def _check_attributes(attributes: Mapping[str, str]) -> None:
    """Refuse subscription attributes as SNS does; raises ServiceError InvalidParameter."""
    unknown = sorted(set(attributes) - set(ATTRIBUTES))
    if unknown:
        raise invalid(f"AttributeName: {unknown[0]}")
    scope = attributes.get("FilterPolicyScope") or "MessageAttributes"
    if scope not in ("MessageAttributes", BODY_SCOPE):
        raise invalid("FilterPolicyScope: Invalid value. Please use either MessageBody or MessageAttributes")
    if attributes.get("RawMessageDelivery", "false") not in ("true", "false"):
        raise invalid("RawMessageDelivery: it is true or false")
    if attributes.get("FilterPolicy"):
        check_filter(attributes["FilterPolicy"], scope)
    if attributes.get("RedrivePolicy"):
        try:
            target = Arn.parse(json.loads(attributes["RedrivePolicy"])["deadLetterTargetArn"])
        except (json.JSONDecodeError, KeyError, TypeError, ServiceError) as error:
            raise invalid("RedrivePolicy: deadLetterTargetArn must be the ARN of a queue") from error
        if target.service != "sqs":
            raise invalid("RedrivePolicy: deadLetterTargetArn must be the ARN of a queue")
