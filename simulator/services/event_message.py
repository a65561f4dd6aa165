"""A message published to a topic: what SNS accepts, filters and hands to each protocol.

Source: SNS API Reference, "Publish"; SNS Developer Guide, "Message attributes", "Subscription
filter policies", "Parsing message formats".
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from simulator.call import ServiceError
from simulator.services.event_pattern import EventPattern

SIZE = 262_144  # bytes of message and attributes together
SUBJECT = re.compile(r"[!-~][ -~]{0,99}")
NAME = re.compile(r"(?!\.)(?!.*\.\.)[A-Za-z0-9_.-]{1,256}(?<!\.)")
FILTER_KEYS = 5
FILTER_COMBINATIONS = 150
BODY_SCOPE = "MessageBody"


@dataclass(frozen=True, slots=True)
class Published:
    """One message of a topic, as it is delivered to every subscription."""

    id: str
    topic_arn: str
    message: str
    subject: str | None
    structure: str | None
    attributes: Mapping[str, Mapping[str, Any]]
    at: datetime
    group: str | None = None
    deduplication: str | None = None

    def text_for(self, protocol: str) -> str:
        """The text for a protocol; a structured message may hold one for each."""
        if self.structure != "json":
            return self.message
        texts = json.loads(self.message)
        return str(texts.get(protocol, texts["default"]))

    def filtered(self) -> dict[str, Any]:
        """The attributes as filter policies see them: text, numbers, lists; binary values are not seen."""
        return {name: value for name, given in self.attributes.items() for value in _filter_values(given)}

    def notification(self, protocol: str, subscription_arn: str) -> dict[str, Any]:
        """The document that endpoints get; its signature is a digest and verifies nothing."""
        partition, region = self.topic_arn.split(":")[1], self.topic_arn.split(":")[3]
        signature = hashlib.blake2b(f"{self.id}{self.topic_arn}".encode(), digest_size=64).digest()
        host = f"https://sns.{region}.amazonaws.com"
        document: dict[str, Any] = {
            "Type": "Notification",
            "MessageId": self.id,
            "TopicArn": self.topic_arn,
            "Subject": self.subject,
            "Message": self.text_for(protocol),
            "Timestamp": iso_milliseconds(self.at),
            "SignatureVersion": "1",
            "Signature": base64.b64encode(signature).decode(),
            "SigningCertURL": f"{host}/SimpleNotificationService-{partition}.pem",
            "UnsubscribeURL": f"{host}/?Action=Unsubscribe&SubscriptionArn={subscription_arn}",
            "MessageAttributes": {
                name: {"Type": given["DataType"], "Value": _wire_value(given)}
                for name, given in self.attributes.items()
            },
        }
        return document


def _filter_values(given: Mapping[str, Any]) -> list[Any]:
    """At most one value: none for binary attributes."""
    kind = given["DataType"]
    if kind.startswith("Binary"):
        return []
    if kind == "Number":
        return [float(given["StringValue"])]
    return [json.loads(given["StringValue"])] if kind == "String.Array" else [given["StringValue"]]


def _wire_value(given: Mapping[str, Any]) -> str:
    if given["DataType"].startswith("Binary"):
        return base64.b64encode(given["BinaryValue"]).decode()
    return str(given["StringValue"])


def iso_milliseconds(moment: datetime) -> str:
    """Write a moment as SNS does: ISO 8601 in UTC with milliseconds."""
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"


def check_message(parameters: Mapping[str, Any]) -> None:
    """Refuse what Publish refuses; raises ServiceError InvalidParameter."""
    message, subject = parameters.get("Message"), parameters.get("Subject")
    if not message:
        raise invalid("Empty message")
    if subject is not None and not SUBJECT.fullmatch(subject):
        raise invalid("Subject")
    structure = parameters.get("MessageStructure")
    if structure is not None:
        _check_structure(structure, message)
    attributes = parameters.get("MessageAttributes") or {}
    for name, given in attributes.items():
        _check_attribute(name, given)
    size = len(message.encode()) + sum(
        len(name.encode()) + len(given["DataType"].encode()) + len(_wire_value(given).encode())
        for name, given in attributes.items()
    )
    if size > SIZE:
        raise invalid("Message too long")


def _check_structure(structure: str, message: str) -> None:
    if structure != "json":
        raise invalid("MessageStructure")
    try:
        texts = json.loads(message)
    except json.JSONDecodeError as error:
        raise invalid("Message Structure - JSON message body failed to parse") from error
    if not isinstance(texts, dict) or "default" not in texts:
        raise invalid("Message Structure - No default entry in JSON message body")


def _check_attribute(name: str, given: Mapping[str, Any]) -> None:
    kind = given.get("DataType") or ""
    value = given.get("BinaryValue" if kind.startswith("Binary") else "StringValue")
    fault = f"The message attribute '{name}'"
    if not NAME.fullmatch(name):
        raise invalid(f"{fault} has an invalid name", "ParameterValueInvalid")
    if kind.split(".")[0] not in ("String", "Number", "Binary"):
        kinds = "the set of supported type prefixes is Binary, Number, and String."
        raise invalid(f"{fault} has an invalid message attribute type, {kinds}", "ParameterValueInvalid")
    if not value:
        raise invalid(
            f"{fault} must contain non-empty message attribute value for message attribute type '{kind}'.",
            "ParameterValueInvalid",
        )
    try:
        if kind == "Number":
            float(value)
        elif kind == "String.Array" and not isinstance(json.loads(value), list):
            raise invalid(f"{fault} is no array", "ParameterValueInvalid")
    except ValueError as error:
        raise invalid(f"Could not cast message attribute '{name}' value to {kind}.", "ParameterValueInvalid") from error


def invalid(reason: str, code: str = "InvalidParameter") -> ServiceError:
    """Return SNS's error for a parameter."""
    return ServiceError(code, f"Invalid parameter: {reason}")


def check_filter(text: str, scope: str) -> None:
    """Refuse a filter policy as SNS does; raises ServiceError InvalidParameter."""
    try:
        policy = json.loads(text)
        pattern = EventPattern.parse(policy) if policy else None
    except json.JSONDecodeError as error:
        raise invalid("FilterPolicy: failed to parse JSON.") from error
    except ServiceError as error:
        raise invalid(f"FilterPolicy: {error.message.partition('Reason: ')[2]}") from error
    if pattern is None:
        return
    if len(policy) > FILTER_KEYS:
        raise invalid(f"FilterPolicy: Filter policy can not have more than {FILTER_KEYS} keys")
    if scope != BODY_SCOPE and any(isinstance(value, dict) for value in policy.values()):
        raise invalid("Filter policy scope MessageAttributes does not support nested filter policy")
    if _combinations(policy, 1) > FILTER_COMBINATIONS:
        raise invalid("FilterPolicy: Filter policy is too complex")


def _combinations(policy: Mapping[str, Any], depth: int) -> int:
    total = 1
    for key, value in policy.items():
        if isinstance(value, dict):
            total *= _combinations(value, depth + 1)
        elif key == "$or":
            total *= sum(_combinations(alternative, depth) for alternative in value)
        else:
            total *= len(value) * depth
    return total


def accepts(policy: str | None, scope: str, published: Published) -> bool:
    """Whether a subscription's filter policy lets a message through."""
    document = json.loads(policy) if policy else None
    if not document:
        return True
    if scope != BODY_SCOPE:
        return EventPattern.parse(document).matches(published.filtered())
    try:
        body = json.loads(published.message)
    except json.JSONDecodeError:
        return False  # a filter on the body lets no other text through
    return isinstance(body, dict) and EventPattern.parse(document).matches(body)
