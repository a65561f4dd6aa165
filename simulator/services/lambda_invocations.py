"""Invocations: the role's session, warm containers, logs, asynchronous retries and destinations.

Source: Lambda Developer Guide, "How Lambda handles errors and retries with asynchronous invocation"
and "Capturing records of Lambda asynchronous invocations".
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from simulator.call import Caller, ServiceError
from simulator.lambda_runner import Context, Outcome, Runner
from simulator.services.event_arn import Arn, queue_url
from simulator.services.lambda_state import Function, invalid

if TYPE_CHECKING:
    from simulator.identity import Identities
    from simulator.world import World

PRINCIPAL = "lambda.amazonaws.com"
PAUSES = (60.0, 120.0)  # seconds before the first and the second retry
START = 0.05  # seconds until an asynchronous event is taken from Lambda's own queue
OLDEST_EVENT = 21_600  # seconds
# A container is replaced well before its credentials end, as Lambda does.
MARGIN = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Event:
    """One asynchronous event on its way to a function."""

    payload: Any
    request_id: str
    accepted: datetime
    attempt: int = 1


class Invocations:
    """Runs functions with the credentials of their roles."""

    def __init__(self, world: World, identities: Identities) -> None:
        self.world = world
        self.identities = identities
        self.runner = Runner(world.agenda)

    def session(self, function: Function) -> Mapping[str, Any]:
        """Assume the function's role as Lambda does; raises ServiceError where the role does not let it."""
        role = function.settings["Role"]
        service = self.world.as_service(PRINCIPAL, account=function.account, arn=function.arn)
        parameters = {"RoleArn": role, "RoleSessionName": function.name}
        try:
            answer = self.world.call(
                service, "sts", "AssumeRole", parameters, region=function.region, account=role.split(":")[4]
            )
        except ServiceError as error:
            if error.code != "AccessDenied":
                raise
            raise invalid("The role defined for the function cannot be assumed by Lambda.") from error
        credentials: Mapping[str, Any] = answer["Credentials"]
        return credentials

    def caller(self, function: Function) -> Caller:
        """The function's role in session, for calls that Lambda makes with its permissions."""
        self._warm(function)
        assert function.container is not None  # noqa: S101 - made by the line above
        return self.identities.caller(function.container.environment["AWS_ACCESS_KEY_ID"])

    def run(self, function: Function, payload: Any, request_id: str) -> Outcome:
        """Run a function once, and write what it printed to its log group."""
        self._warm(function)
        container = function.container
        assert container is not None  # noqa: S101 - made by the line above
        now = self.world.agenda.now()
        function.invocations += 1
        if function.stream is None:
            function.stream = f"{now:%Y/%m/%d}/[$LATEST]{request_id.replace('-', '')[:32]}"
        configuration = function.configuration()
        group = (configuration.get("LoggingConfig") or {}).get("LogGroup") or f"/aws/lambda/{function.name}"
        context = Context(
            function_name=function.name,
            invoked_function_arn=function.arn,
            memory_limit_in_mb=str(configuration["MemorySize"]),
            aws_request_id=request_id,
            log_group_name=group,
            log_stream_name=function.stream,
            _agenda=self.world.agenda,
            _deadline=now + timedelta(seconds=configuration["Timeout"]),
        )
        outcome = self.runner.run(container, configuration["Handler"], payload, context)
        self._log(function, group, outcome.lines)
        return outcome

    def accept(self, function: Function, payload: Any, request_id: str) -> None:
        """Queue an asynchronous event; the caller has its answer before the function runs."""
        event = Event(payload, request_id, self.world.agenda.now())
        self._soon(function, event, START)

    def _soon(self, function: Function, event: Event, seconds: float) -> None:
        self.world.agenda.soon(lambda: self._attempt(function, event), f"function {function.name}", seconds=seconds)

    def _attempt(self, function: Function, event: Event) -> None:
        settings = function.asynchronous or {}
        outcome = self.run(function, event.payload, event.request_id)
        destinations = settings.get("DestinationConfig") or {}
        if not outcome.failed:
            self._send(function, event, outcome, destinations.get("OnSuccess"), "Success")
            return
        retries = settings.get("MaximumRetryAttempts")
        allowed = len(PAUSES) if retries is None else int(retries)
        oldest = int(settings.get("MaximumEventAgeInSeconds") or OLDEST_EVENT)
        if event.attempt <= allowed:
            pause = PAUSES[event.attempt - 1]
            age = (self.world.agenda.now() - event.accepted).total_seconds() + pause
            if age <= oldest:
                again = Event(event.payload, event.request_id, event.accepted, event.attempt + 1)
                self._soon(function, again, pause)
                return
            self._send(function, event, outcome, destinations.get("OnFailure"), "EventAgeExceeded")
            return
        self._send(function, event, outcome, destinations.get("OnFailure"), "RetriesExhausted")
        target = (function.settings.get("DeadLetterConfig") or {}).get("TargetArn")
        if target:
            self._deliver(function, target, json.dumps(event.payload))

    def _send(
        self, function: Function, event: Event, outcome: Outcome, destination: Mapping[str, Any] | None, condition: str
    ) -> None:
        if not destination or not destination.get("Destination"):
            return
        response: dict[str, Any] = {"statusCode": 200, "executedVersion": "$LATEST"}
        if outcome.failed:
            response["functionError"] = "Unhandled"
        record = {
            "version": "1.0",
            "timestamp": self.world.agenda.now().strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z",
            "requestContext": {
                "requestId": event.request_id,
                "functionArn": f"{function.arn}:$LATEST",
                "condition": condition,
                "approximateInvokeCount": event.attempt,
            },
            "requestPayload": event.payload,
            "responseContext": response,
            "responsePayload": outcome.payload,
        }
        self._deliver(function, destination["Destination"], json.dumps(record))

    def _deliver(self, function: Function, target: str, body: str) -> None:
        """Send a record with the function's own permissions; without them it is lost, as in Lambda."""
        arn = Arn.parse(target)
        caller = self.caller(function)
        requests: dict[str, tuple[str, dict[str, Any]]] = {
            "sqs": ("SendMessage", {"QueueUrl": queue_url(arn), "MessageBody": body}),
            "sns": ("Publish", {"TopicArn": target, "Message": body}),
            "lambda": (
                "Invoke",
                {"FunctionName": target, "InvocationType": "Event", "Payload": body.encode()},
            ),
        }
        operation, parameters = requests[arn.service]
        try:
            self.world.call(caller, arn.service, operation, parameters, region=arn.region, account=arn.account)
        except ServiceError as error:
            self._log(function, f"/aws/lambda/{function.name}", (f"destination {target}: {error}",))

    def _warm(self, function: Function) -> None:
        """Start a container where there is none, or its credentials end soon."""
        container = function.container
        if container is not None and container.expires - self.world.agenda.now() > MARGIN:
            return
        credentials = self.identities.credentials(self.session(function))
        function.container = self.runner.start(
            function.code.content,
            function.digest,
            function.settings["Handler"],
            function.variables,
            credentials,
            function.arn,
        )
        function.stream, function.logged = None, False

    def _log(self, function: Function, group: str, lines: tuple[str, ...]) -> None:
        """Write lines to CloudWatch Logs with the function's permissions; without them there are no logs."""
        if not lines or function.stream is None:
            return
        caller, now = self.caller(function), int(self.world.agenda.now().timestamp() * 1000)
        names = {"logGroupName": group, "logStreamName": function.stream}
        events = [{"timestamp": now, "message": line} for line in lines]
        place = {"region": function.region, "account": function.account}
        try:
            if not function.logged:
                self.world.call(caller, "logs", "CreateLogStream", names, **place)
                function.logged = True
            self.world.call(caller, "logs", "PutLogEvents", {**names, "logEvents": events}, **place)
        except ServiceError:
            return
