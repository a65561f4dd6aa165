"""Amazon SQS of the local organisation: what has to differ from moto, which keeps the queues.

moto waits on the real clock for a long poll, keeps messages past their retention in the way of
others, and shows a message only after the instant at which its visibility timeout ends. Queue
policies are enforced by the front door. A poller subscribes and is woken when there is something
to receive, instead of asking again and again.
Source: SQS Developer Guide, "Visibility timeout", "Short and long polling", "Dead-letter queues".
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from moto.backends import get_backend
from moto.core.utils import unix_time_millis
from moto.moto_api._internal import mock_random
from moto.sqs.exceptions import QueueDoesNotExist
from moto.sqs.models import Message, Queue

from simulator.agenda import Due
from simulator.call import Call, ServiceError
from simulator.service import Service
from simulator.services.event_arn import Arn, account_in
from simulator.services.event_keys import require_enabled

if TYPE_CHECKING:
    from simulator.world import World

MOST_MESSAGES = 10  # of one ReceiveMessage
LONGEST_VISIBILITY = 43_200  # seconds
LONGEST_WAIT = 20  # seconds
TOLERANCE = 0.5  # milliseconds; moto computes instants in floating point
SYSTEM_ATTRIBUTES: Mapping[str, Callable[[Any], Any]] = {
    "SenderId": lambda message: message.sender_id,
    "SentTimestamp": lambda message: message.sent_timestamp,
    "ApproximateReceiveCount": lambda message: message.approximate_receive_count,
    "ApproximateFirstReceiveTimestamp": lambda message: message.approximate_first_receive_timestamp,
    "MessageDeduplicationId": lambda message: message.deduplication_id,
    "MessageGroupId": lambda message: message.group_id,
    "SequenceNumber": lambda message: message.sequence_number,
    "AWSTraceHeader": lambda message: message.system_attributes.get("AWSTraceHeader", {}).get("StringValue"),
    "DeadLetterQueueSourceArn": lambda message: getattr(message, "dead_letter_source", None),
}
KEY_ERROR = "KMS.{}Exception"
SENDS = ("SendMessage", "SendMessageBatch")
Wake = Callable[[], None]
QueueKey = tuple[str, str, str]


def _visible(message: Any) -> bool:
    """A message is visible from the instant at which its timeout ends; in moto only after it.

    moto asks of every message at every call, so one that was never received costs no look at the clock.
    """
    return not message.visible_at or bool(unix_time_millis() >= message.visible_at - TOLERANCE)


def _delayed(message: Any) -> bool:
    return bool(message.delayed_until) and bool(unix_time_millis() < message.delayed_until - TOLERANCE)


_set_attributes = Queue._set_attributes


def _set_only(queue: Queue, attributes: dict[str, Any], now: float | None = None) -> None:
    """Set what is given; moto takes the queue's policy away where another attribute is set."""
    kept = None if "Policy" in attributes else queue._policy_json
    _set_attributes(queue, attributes, now)
    if kept is not None:
        queue._policy_json = kept


Queue._set_attributes = _set_only
Message.visible = property(_visible)
Message.delayed = property(_delayed)


class Queues(Service):
    """SQS: moto's queues under simulated time."""

    name = "sqs"

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self._subscribers: dict[QueueKey, list[Wake]] = {}
        self._expiries: dict[str, Due] = {}  # by receipt handle

    def owner(self, call: Call) -> str:
        """The account in the queue's URL or ARN."""
        parameters = call.parameters
        if call.operation == "GetQueueUrl":
            return str(parameters.get("QueueOwnerAWSAccountId") or call.caller.account)
        url = parameters.get("QueueUrl")
        if isinstance(url, str):
            parts = urlsplit(url).path.strip("/").split("/")
            return parts[-2] if len(parts) > 1 else call.caller.account
        return account_in(parameters.get("SourceArn")) or call.caller.account

    def resource_policy(self, arn: str) -> Mapping[str, Any] | None:
        """The policy of a queue."""
        if arn == "*":  # actions without resources
            return None
        parsed = Arn.parse(arn)
        queue = get_backend("sqs")[parsed.account][parsed.region].queues.get(parsed.resource)
        return None if queue is None or queue.policy is None else dict(json.loads(queue.policy))

    def on_message(self, account: str, region: str, queue_name: str, callback: Wake) -> Callable[[], None]:
        """Wake a poller, by the agenda, whenever the queue has something to receive; returns what ends it.

        The callback is also woken where messages are there already. It may find nothing: somebody
        else may have received them.
        """
        key = (account, region, queue_name)
        wakes = self._subscribers.setdefault(key, [])
        wakes.append(callback)
        self._wake(key)
        return lambda: wakes.remove(callback) if callback in wakes else None

    def before(self, call: Call) -> None:
        """Check the queue's key, and forget messages that are older than the queue keeps them."""
        queue = self._queue(call)
        if queue is None:
            return
        if call.operation in SENDS:
            require_enabled(call, queue.kms_master_key_id, KEY_ERROR)
        oldest = unix_time_millis() - queue.message_retention_period * 1000
        queue._messages = [message for message in queue._messages if message.sent_timestamp > oldest]

    def after(self, call: Call, response: Mapping[str, Any]) -> None:
        """Wake the pollers of the queue that changed."""
        queue = self._queue(call)
        if queue is None:
            return
        if call.operation in SENDS:
            sent = [response.get("MessageId"), *(item["MessageId"] for item in response.get("Successful", ()))]
            self._sent(call, queue, {identifier for identifier in sent if identifier})
        elif call.operation in ("ChangeMessageVisibility", "ChangeMessageVisibilityBatch"):
            for entry in call.parameters.get("Entries") or [call.parameters]:
                self._expire(queue, entry["ReceiptHandle"], entry["VisibilityTimeout"])
        elif call.operation in ("DeleteMessage", "DeleteMessageBatch"):
            for entry in call.parameters.get("Entries") or [call.parameters]:
                self._forget(entry["ReceiptHandle"])

    def receive_message(self, call: Call) -> dict[str, Any]:
        """Receive messages. A long poll answers at once: nothing can arrive while the caller waits."""
        parameters = call.parameters
        queue = self._queue(call)
        if queue is None:
            raise ServiceError(
                "AWS.SimpleQueueService.NonExistentQueue", "The specified queue does not exist.", status=400
            )
        count = _within("MaxNumberOfMessages", parameters.get("MaxNumberOfMessages"), 1, MOST_MESSAGES, 1)
        timeout = parameters.get("VisibilityTimeout")
        timeout = _within("VisibilityTimeout", timeout, 0, LONGEST_VISIBILITY, queue.visibility_timeout)
        _within("WaitTimeSeconds", parameters.get("WaitTimeSeconds"), 0, LONGEST_WAIT, 0)
        require_enabled(call, queue.kms_master_key_id, KEY_ERROR)
        # moto takes receipt handles from its random generator; they follow from the call.
        mock_random.seed(int.from_bytes(hashlib.blake2b(call.request_id.encode(), digest_size=8).digest()))
        names = parameters.get("MessageAttributeNames") or []
        waiting = {message.id for message in queue._messages}
        messages = get_backend("sqs")[call.account][call.region].receive_message(queue.name, count, 0, timeout, names)
        for message in messages:
            self._expire(queue, message.receipt_handle, timeout)
        self._redriven(queue, waiting)
        asked = {*(parameters.get("AttributeNames") or ()), *(parameters.get("MessageSystemAttributeNames") or ())}
        return {"Messages": [_shown(message, asked) for message in messages]} if messages else {}

    def _queue(self, call: Call) -> Queue | None:
        url = call.parameters.get("QueueUrl")
        if not isinstance(url, str):
            return None
        try:
            return get_backend("sqs")[call.account][call.region].get_queue(url.rsplit("/", 1)[-1])
        except QueueDoesNotExist:
            return None  # moto answers for operations of its own

    def _sent(self, call: Call, queue: Queue, identifiers: set[str]) -> None:
        for message in queue._messages:
            if message.id in identifiers:
                message.sender_id = call.caller.unique_id or call.caller.account
                pause = max(0.0, message.delayed_until - unix_time_millis()) / 1000
                self._wake(_key(queue), pause)

    def _redriven(self, queue: Queue, before: set[str]) -> None:
        """Wake the pollers of the dead-letter queue that moto moved messages to."""
        target = queue.dead_letter_queue
        if target is None:
            return
        moved = before - {message.id for message in queue._messages}
        for message in target._messages:
            if message.id in moved:
                message.dead_letter_source = queue.queue_arn
                self._wake(_key(target))

    def _expire(self, queue: Queue, handle: str, seconds: int) -> None:
        """Wake the pollers when a received message becomes visible again."""
        self._forget(handle)
        due = self._wake(_key(queue), float(seconds))
        if due is not None:
            self._expiries[handle] = due

    def _forget(self, handle: str) -> None:
        due = self._expiries.pop(handle, None)
        if due is not None:
            due.cancelled = True

    def _wake(self, key: QueueKey, seconds: float = 0.0) -> Due | None:
        if not self._subscribers.get(key):
            return None
        return self.world.agenda.soon(lambda: self._poll(key), f"messages of queue {key[2]}", seconds=seconds)

    def _poll(self, key: QueueKey) -> None:
        account, region, name = key
        queue = get_backend("sqs")[account][region].queues.get(name)
        if queue is not None and queue.messages:
            for wake in list(self._subscribers.get(key, ())):
                wake()


def _key(queue: Queue) -> QueueKey:
    return queue.account_id, queue.region, queue.name


def _within(name: str, value: int | None, low: int, high: int, default: int) -> int:
    if value is None:
        return int(default)
    if not low <= value <= high:
        raise ServiceError(
            "InvalidParameterValue",
            f"Value {value} for parameter {name} is invalid. Reason: Must be between {low} and {high}, if provided.",
        )
    return value


def _shown(message: Any, asked: set[str]) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "MessageId": message.id,
        "ReceiptHandle": message.receipt_handle,
        "MD5OfBody": message.body_md5,
        "Body": message.body,
    }
    if message.message_attributes:
        shown["MessageAttributes"] = message.message_attributes
        shown["MD5OfMessageAttributes"] = message.attribute_md5
    values = {name: read(message) for name, read in SYSTEM_ATTRIBUTES.items() if "All" in asked or name in asked}
    attributes = {name: str(value) for name, value in values.items() if value is not None}
    return {**shown, "Attributes": attributes} if attributes else shown
