"""AWS CloudTrail's event history: what was really done by calls, as LookupEvents tells it, some minutes later.

Source: CloudTrail API Reference, LookupEvents; CloudTrail User Guide, "Working with CloudTrail event history",
"Logging data events" and "Global service events". Trails are moto's.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING, Any, ClassVar

from simulator.call import Call, Caller, ServiceError, not_simulated
from simulator.door import READS
from simulator.service import Service
from simulator.services.cloudtrail_events import Event

if TYPE_CHECKING:
    from simulator.world import World

# "An event is delivered within an average of about 5 minutes"; the longest that AWS names for the history is this.
DELAY = timedelta(minutes=15)
HISTORY = timedelta(days=90)
PAGE = 50
KEPT = 1_000  # events per account and Region
# Calls on what a service holds for its users are data events, which the history does not have: all but these.
DATA_SERVICES = frozenset({"dynamodb", "sqs"})
MANAGED = ("CreateTable", "UpdateTable", "DeleteTable", "CreateQueue", "DeleteQueue", "SetQueue", "Tag", "Untag")
# Data events of others, and what is as good as a read: of both there are very many.
PASSED_OVER = {
    "s3": ("PutObject", "DeleteObject", "CopyObject", "UploadPart", "CompleteMultipartUpload", "CreateMultipartUpload"),
    "lambda": ("Invoke",),
    "sns": ("Publish",),
    "logs": ("PutLogEvents",),
    "cloudwatch": ("PutMetricData",),
    "sts": ("Assume",),
    "kms": ("Decrypt", "Encrypt", "GenerateDataKey", "ReEncrypt"),
}
# The history has these without their parameters: findings by the hundred, code, and values that are secrets.
UNKEPT = frozenset(
    {
        "BatchImportFindings", "BatchUpdateFindings", "PutEvaluations", "CreateFunction", "UpdateFunctionCode",
        "PublishLayerVersion", "PutParameter",
    }
)  # fmt: skip
GLOBAL = frozenset({"iam", "organizations", "cloudfront", "route53"})
HOMES = {"aws": "us-east-1", "aws-cn": "cn-north-1", "aws-us-gov": "us-gov-west-1"}
Matches = Callable[[Event, str], bool]
BY: Mapping[str, Matches] = {
    "EventId": lambda event, value: event.id == value,
    "EventName": lambda event, value: event.operation == value,
    "ReadOnly": lambda event, value: value == "false",
    "Username": lambda event, value: event.user == value,
    "ResourceType": lambda event, value: any(kind == value for kind, _ in event.resources),
    "ResourceName": lambda event, value: any(name == value for _, name in event.resources),
    "EventSource": lambda event, value: event.source == value,
    # Which key signed a call is not kept.
    "AccessKeyId": lambda event, value: False,
}


class CloudTrail(Service):
    """The event history of every account and Region."""

    name: ClassVar[str] = "cloudtrail"

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self._events: defaultdict[tuple[str, str], deque[Event]] = defaultdict(lambda: deque(maxlen=KEPT))
        self._number = 0

    def keeps(self, call: Call) -> bool:
        """Whether a call is a management event that changes something."""
        return not call.operation.startswith(READS) and not _is_passed_over(call.service, call.operation)

    def record(self, call: Call, response: Mapping[str, Any]) -> None:
        """Keep a call that has changed something. This is on every call's way: nothing is written out here."""
        if not self.keeps(call):
            return
        region = HOMES.get(call.partition, call.region) if call.service in GLOBAL else call.region
        self._number += 1
        event = Event.of(self._number, self.world.agenda.now(), call, response, region)
        if call.operation in UNKEPT:
            event.parameters = None
        self._events[event.account, region].append(event)

    def happened(
        self, caller: Caller, service: str, operation: str, response: Mapping[str, Any], *, region: str
    ) -> None:
        """Keep what moto did for a service inside of one call, as the call that AWS's service makes for it."""
        self._number += 1
        call = Call(service, operation, {}, region, self.world.partition, caller.account, caller)
        call.request_id = f"{operation}-{self._number:08d}"
        self._events[caller.account, region].append(
            Event.of(self._number, self.world.agenda.now(), call, response, region)
        )

    def lookup_events(self, call: Call) -> dict[str, Any]:
        """List events of the last 90 days, the newest first, by at most one attribute and a time range."""
        parameters = call.parameters
        attributes = parameters.get("LookupAttributes") or []
        if len(attributes) > 1:
            raise ServiceError(
                "InvalidLookupAttributesException", "You can specify only one lookup attribute per request."
            )
        if parameters.get("EventCategory"):
            raise not_simulated("Insights events", several=True)
        size = parameters.get("MaxResults") or PAGE
        last = _last(parameters.get("NextToken"))
        wanted = list(islice(self._found(call, attributes[0] if attributes else None, last), size + 1))
        answer: dict[str, Any] = {"Events": [event.shown() for event in wanted[:size]]}
        return {**answer, "NextToken": f"before-{wanted[size - 1].number}"} if len(wanted) > size else answer

    def _found(self, call: Call, attribute: Mapping[str, str] | None, last: int | None) -> Iterator[Event]:
        now = self.world.agenda.now()
        start, end = (_utc(call.parameters.get(name)) for name in ("StartTime", "EndTime"))
        if start is not None and end is not None and start > end:
            raise ServiceError("InvalidTimeRangeException", "The start time must not be after the end time.")
        oldest = max(start, now - HISTORY) if start is not None else now - HISTORY
        newest = min(end, now - DELAY) if end is not None else now - DELAY
        for event in reversed(self._events.get((call.account, call.region), ())):
            if event.at < oldest:
                return
            if event.at > newest or (last is not None and event.number >= last):
                continue
            if attribute is None or BY[attribute["AttributeKey"]](event, attribute["AttributeValue"]):
                yield event


def _is_passed_over(service: str, operation: str) -> bool:
    if service in DATA_SERVICES:
        return not operation.startswith(MANAGED)
    return service in PASSED_OVER and operation.startswith(PASSED_OVER[service])


def _utc(moment: datetime | None) -> datetime | None:
    """A time of the request, which is read without its zone."""
    return None if moment is None else moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment


def _last(token: str | None) -> int | None:
    if not token:
        return None
    number = token.removeprefix("before-")
    if number == token or not number.isdecimal():
        raise ServiceError("InvalidNextTokenException", "The token is not valid.")
    return int(number)
