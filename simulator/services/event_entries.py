"""What PutEvents and TestEventPattern accept. Source: EventBridge API Reference, "PutEvents"."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from simulator.call import ServiceError

ENTRIES = 10
SIZE = 1_048_576  # bytes of all entries of a call
REQUIRED = ("Source", "DetailType", "Detail")
EVENT_FIELDS = ("id", "account", "source", "time", "region", "resources", "detail-type")
TIME_SIZE = 14  # bytes that a given time counts, by the User Guide


def refuse_whole(entries: Sequence[Mapping[str, Any]]) -> None:
    """Refuse a call that PutEvents refuses as a whole; raises ServiceError ValidationException."""
    if not 1 <= len(entries) <= ENTRIES:
        raise ServiceError("ValidationException", f"A call has from 1 to {ENTRIES} entries.")
    if not any(all(entry.get(name) for name in REQUIRED) for entry in entries):
        missing = next(name for name in REQUIRED if not entries[0].get(name))
        raise ServiceError(
            "ValidationException", f"Parameter {missing} is not valid. Reason: {missing} is a required argument."
        )
    if sum(_size(entry) for entry in entries) > SIZE:
        raise ServiceError("ValidationException", "Total size of the entries in the request is over the limit.")


def _size(entry: Mapping[str, Any]) -> int:
    texts = [entry.get("Source"), entry.get("DetailType"), entry.get("Detail"), *(entry.get("Resources") or ())]
    return sum(len(text.encode()) for text in texts if text) + (TIME_SIZE if entry.get("Time") else 0)


def fault_of(entry: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the error that one entry gets, or None where it is accepted."""
    for name in REQUIRED:
        if not entry.get(name):
            return _fault("InvalidArgument", f"Parameter {name} is not valid. Reason: {name} is a required argument.")
    if entry["Source"].lower().startswith("aws."):
        return _fault("NotAuthorizedForSourceException", "Not authorized for the source.")
    try:
        detail = json.loads(entry["Detail"])
    except json.JSONDecodeError:
        return _fault("MalformedDetail", "Detail is malformed.")
    return None if isinstance(detail, dict) else _fault("MalformedDetail", "Detail is malformed.")


def _fault(code: str, message: str) -> dict[str, Any]:
    return {"ErrorCode": code, "ErrorMessage": message}


def event_of(text: str) -> dict[str, Any]:
    """Read the event of TestEventPattern, which must have an envelope; raises ServiceError ValidationException."""
    try:
        event = json.loads(text)
    except json.JSONDecodeError as error:
        raise ServiceError("ValidationException", f"Parameter Event is not valid. Reason: {error}") from error
    missing = [name for name in EVENT_FIELDS if name not in event] if isinstance(event, dict) else list(EVENT_FIELDS)
    if missing:
        raise ServiceError(
            "ValidationException", f"Parameter Event is not valid. Reason: {', '.join(missing)} must be specified."
        )
    return dict(event)
