"""Event source mappings: batches of an SQS queue into a function, with partial failures.

Source: Lambda Developer Guide, "Using Lambda with Amazon SQS" and "Handling errors for an SQS event source".
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from simulator.call import Call, ServiceError
from simulator.services.event_arn import Arn, queue_url
from simulator.services.lambda_invocations import Invocations
from simulator.services.lambda_state import Function, invalid
from simulator.services.sqs import Queues

if TYPE_CHECKING:
    from simulator.world import World

PER_RECEIVE = 10
ATTRIBUTES = ("ApproximateReceiveCount", "SentTimestamp", "SenderId", "ApproximateFirstReceiveTimestamp")
UNSUPPORTED = ("FilterCriteria", "SelfManagedEventSource", "AmazonManagedKafkaEventSourceConfig", "DestinationConfig")
KEPT = ("BatchSize", "MaximumBatchingWindowInSeconds", "FunctionResponseTypes", "ScalingConfig")


@dataclass(slots=True)
class SourceMapping:
    """One mapping from a queue to a function."""

    id: str
    arn: str
    source: Arn
    function: Function
    settings: dict[str, Any]
    modified: datetime
    enabled: bool
    tags: dict[str, str] = field(default_factory=dict)
    stop: Callable[[], None] | None = None
    result: str = "No records processed"

    def response(self) -> dict[str, Any]:
        """Return the mapping as the API shows it."""
        return {
            "UUID": self.id,
            "EventSourceMappingArn": self.arn,
            "EventSourceArn": str(self.source),
            "FunctionArn": self.function.arn,
            "State": "Enabled" if self.enabled else "Disabled",
            "StateTransitionReason": "USER_INITIATED",
            "LastModified": self.modified,
            "LastProcessingResult": self.result,
            "BatchSize": 10,
            "MaximumBatchingWindowInSeconds": 0,
            **self.settings,
        }


class Sources:
    """The event source mappings of all accounts."""

    def __init__(self, world: World, invocations: Invocations) -> None:
        self.world = world
        self.invocations = invocations
        self.mappings: dict[str, SourceMapping] = {}

    def create(self, call: Call, function: Function) -> dict[str, Any]:
        """Map a queue to a function; raises ServiceError where one is there or the role may not receive."""
        parameters = call.parameters
        source = Arn.parse(parameters["EventSourceArn"])
        if source.service != "sqs":
            raise invalid(f"event sources of {source.service} are not simulated (docs/local-organisation.md)")
        unsupported = [name for name in UNSUPPORTED if parameters.get(name)]
        if unsupported:
            raise invalid(f"{', '.join(unsupported)}: not simulated (docs/local-organisation.md)")
        known = [one for one in self.mappings.values() if one.source == source and one.function is function]
        if known:
            raise ServiceError(
                "ResourceConflictException", f"An event source mapping exists already: {known[0].id}", 409
            )
        self._check_timeout(function, source)
        digest = hashlib.sha256(f"{function.arn}|{source}".encode()).hexdigest()
        identifier = f"{digest[:8]}-{digest[8:12]}-{digest[12:16]}-{digest[16:20]}-{digest[20:32]}"
        mapping = SourceMapping(
            identifier,
            f"arn:{call.partition}:lambda:{function.region}:{function.account}:event-source-mapping:{identifier}",
            source,
            function,
            {key: parameters[key] for key in KEPT if parameters.get(key) is not None},
            self.world.agenda.now(),
            parameters.get("Enabled", True) is not False,
            dict(parameters.get("Tags") or {}),
        )
        self.mappings[identifier] = mapping
        if mapping.enabled:
            self._listen(mapping)
        return mapping.response()

    def find(self, identifier: str) -> SourceMapping:
        """Return a mapping; raises ServiceError where there is none."""
        mapping = self.mappings.get(identifier)
        if mapping is None:
            raise ServiceError("ResourceNotFoundException", "The resource you requested does not exist.", 404)
        return mapping

    def update(self, call: Call) -> dict[str, Any]:
        """Change a mapping, or switch it on or off."""
        mapping = self.find(call.parameters["UUID"])
        mapping.settings |= {key: call.parameters[key] for key in KEPT if call.parameters.get(key) is not None}
        enabled = call.parameters.get("Enabled")
        if enabled is not None and enabled != mapping.enabled:
            mapping.enabled = enabled
            if enabled:
                self._listen(mapping)
            elif mapping.stop is not None:
                mapping.stop()
        mapping.modified = self.world.agenda.now()
        return mapping.response()

    def delete(self, identifier: str) -> dict[str, Any]:
        """End a mapping: it takes no message from then on."""
        mapping = self.find(identifier)
        if mapping.stop is not None:
            mapping.stop()
        del self.mappings[identifier]
        return {**mapping.response(), "State": "Deleting"}

    def forget(self, function: Function) -> None:
        """End the mappings of a function that is deleted."""
        for mapping in [one for one in self.mappings.values() if one.function is function]:
            self.delete(mapping.id)

    def _listen(self, mapping: SourceMapping) -> None:
        source = mapping.source
        queues = self.world.service(Queues)
        mapping.stop = queues.on_message(source.account, source.region, source.resource, lambda: self._poll(mapping))

    def _check_timeout(self, function: Function, source: Arn) -> None:
        """Refuse a queue that shows a message again while the function still works on it."""
        parameters = {"QueueUrl": queue_url(source), "AttributeNames": ["VisibilityTimeout"]}
        answer = self._ask(function, source, "GetQueueAttributes", parameters)
        visibility = int(answer["Attributes"]["VisibilityTimeout"])
        timeout = function.configuration()["Timeout"]
        if visibility < timeout:
            raise invalid(
                f"Queue visibility timeout: {visibility} seconds is less than Function timeout: {timeout} seconds"
            )

    def _ask(self, function: Function, source: Arn, operation: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        caller = self.invocations.caller(function)
        return self.world.call(caller, "sqs", operation, parameters, region=source.region, account=source.account)

    def _poll(self, mapping: SourceMapping) -> None:
        """Take batches until the queue has nothing to show."""
        while mapping.enabled and mapping.id in self.mappings:
            try:
                messages = self._receive(mapping)
            except ServiceError as error:
                mapping.result = f"PROBLEM: {error}"
                return
            if not messages:
                return
            self._invoke(mapping, messages)

    def _receive(self, mapping: SourceMapping) -> list[dict[str, Any]]:
        wanted = int(mapping.settings.get("BatchSize") or 10)
        messages: list[dict[str, Any]] = []
        while len(messages) < wanted:
            parameters = {
                "QueueUrl": queue_url(mapping.source),
                "MaxNumberOfMessages": min(PER_RECEIVE, wanted - len(messages)),
                "AttributeNames": ["All"],
                "MessageAttributeNames": ["All"],
            }
            received = self._ask(mapping.function, mapping.source, "ReceiveMessage", parameters).get("Messages") or []
            messages += received
            if not received:
                break
        return messages

    def _invoke(self, mapping: SourceMapping, messages: list[dict[str, Any]]) -> None:
        event = {"Records": [_record(message, mapping.source) for message in messages]}
        seed = "|".join(f"{one['MessageId']}{one['ReceiptHandle']}" for one in messages)
        digest = hashlib.sha256(seed.encode()).hexdigest()
        request_id = f"{digest[:8]}-{digest[8:12]}-{digest[12:16]}-{digest[16:20]}-{digest[20:32]}"
        outcome = self.invocations.run(mapping.function, event, request_id)
        mapping.result = "PROBLEM: Function call failed" if outcome.failed else "OK"
        if outcome.failed:
            return  # the messages come again when their visibility timeout ends
        failed = _failures(outcome.payload, mapping, {one["MessageId"] for one in messages})
        done = [one for one in messages if one["MessageId"] not in failed]
        for start in range(0, len(done), PER_RECEIVE):
            entries = [
                {"Id": str(number), "ReceiptHandle": one["ReceiptHandle"]}
                for number, one in enumerate(done[start : start + PER_RECEIVE])
            ]
            parameters = {"QueueUrl": queue_url(mapping.source), "Entries": entries}
            self._ask(mapping.function, mapping.source, "DeleteMessageBatch", parameters)


def _failures(payload: Any, mapping: SourceMapping, batch: set[str]) -> set[str]:
    """The messages that the function gives back; an answer that names others fails the whole batch."""
    if "ReportBatchItemFailures" not in (mapping.settings.get("FunctionResponseTypes") or ()):
        return set()
    failures = (payload or {}).get("batchItemFailures") or []
    named = {failure.get("itemIdentifier") for failure in failures}
    return {str(name) for name in named} if named <= batch else batch


def _record(message: Mapping[str, Any], source: Arn) -> dict[str, Any]:
    attributes = message.get("Attributes") or {}
    return {
        "messageId": message["MessageId"],
        "receiptHandle": message["ReceiptHandle"],
        "body": message["Body"],
        "attributes": {name: attributes[name] for name in ATTRIBUTES if name in attributes},
        "messageAttributes": {
            name: {
                "stringValue": value.get("StringValue"),
                "dataType": value["DataType"],
                "stringListValues": [],
                "binaryListValues": [],
            }
            for name, value in (message.get("MessageAttributes") or {}).items()
        },
        "md5OfBody": message["MD5OfBody"],
        "eventSource": "aws:sqs",
        "eventSourceARN": str(source),
        "awsRegion": source.region,
    }


def event_payload(payload: Any) -> Any:
    """Read an invocation's payload, which is JSON; an empty one is an empty object."""
    text = payload.read() if hasattr(payload, "read") else payload
    if isinstance(text, (bytes, bytearray)):
        text = text.decode()
    if not text:
        return {}
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise ServiceError(
            "InvalidRequestContentException", f"Could not parse request body into json: {error}"
        ) from error
