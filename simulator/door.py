"""The one front door: every API call, HTTP request in, response out, whoever makes it.

In this order: who is calling, are the parameters valid, is it allowed, is it within the rates, does a
fault strike; then our own service where moto has none or is wrong, else moto; then AWS Config's recorder
compares state. Parameters come before permissions, for the resources of a call are read from them.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Mapping, MutableSequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

from moto.core.request import Request

from simulator import moto_dispatch
from simulator.call import Call, Caller, ServiceError, not_simulated
from simulator.call_numbers import CallNumbers
from simulator.iam.denials import credential_error
from simulator.iam.resources import UnmappedOperationError
from simulator.iam.web_identity import unsigned_caller
from simulator.parameters import validate
from simulator.wire import Answer, Scope, Wire, scope_of, service_of, target_of
from simulator.world import partition_of

if TYPE_CHECKING:
    from simulator.identity import Identities
    from simulator.world import World

log = logging.getLogger(__name__)
SESSION_HEADER = "X-Amz-Security-Token"  # a presigned URL has it in its query
READS = ("Get", "List", "Describe", "BatchGet", "Head", "Query", "Scan", "Lookup", "Select", "Test", "Check", "Search")
# Messages of queues change no configuration.
MESSAGES = ("SendMessage", "ReceiveMessage", "DeleteMessage", "ChangeMessageVisibility", "PurgeQueue")
# An invocation changes no configuration by itself; what the function calls is recorded in its own right.
NOT_RECORDED = (*READS, *MESSAGES, "Invoke")
# Data-plane writes that change no configuration: nothing for the recorder to compare.
DATA = frozenset(
    {
        "dynamodb", "sts", "logs", "securityhub", "config", "events", "cloudwatch", "organizations", "sns",
    }
)  # fmt: skip


class Authorizes(Protocol):
    """What decides whether a call is allowed."""

    def authorize(self, call: Call) -> None:
        """Raise ServiceError where the call is denied."""
        ...


class Spends(Protocol):
    """What decides whether a call is within the rates."""

    def spend(self, call: Call) -> None:
        """Raise ServiceError where the caller asks too often."""
        ...


class Strikes(Protocol):
    """The faults that were injected; false where there are none."""

    def __bool__(self) -> bool: ...

    def before(self, call: Call) -> Any:
        """Raise what a client gets instead of the effect; return the fault that strikes after it, or None."""
        ...

    def strike(self, fault: Any, call: Call) -> None:
        """Raise what a client gets instead of the answer."""
        ...


class Writes(Protocol):
    """How the result of a call and its error are written."""

    def write(self, result: Mapping[str, Any], request_id: str) -> Answer:
        """Serialise a response."""
        ...

    def write_error(self, error: ServiceError, request_id: str) -> Answer:
        """Serialise an error."""
        ...


class KnowsUrls(Protocol):
    """What tells requests to function URLs from others."""

    @property
    def wire(self) -> Writes:
        """How invocations by URL are written."""
        ...

    def call(self, request: Request) -> Call | None:
        """The call that a request to a function URL is, by nobody yet; None for any other request."""
        ...

    def identify(self, call: Call) -> None:
        """Find the function and who calls it; raises ServiceError."""
        ...


class Remembers(Protocol):
    """What keeps the history of calls."""

    def keeps(self, call: Call) -> bool:
        """Whether the history has calls of this kind."""
        ...

    def record(self, call: Call, response: Mapping[str, Any]) -> None:
        """Keep a call that was answered."""
        ...


class Records(Protocol):
    """What keeps the configuration history."""

    def record(self, service: str, account: str, region: str) -> None:
        """Compare the state of a service's resources with what was recorded last."""
        ...


@dataclass(frozen=True, slots=True)
class Entry:
    """One call as the door saw it: the log that reports and tests count from."""

    at: datetime
    service: str
    operation: str
    account: str
    region: str
    principal: str
    source_identity: str | None
    error: str | None
    mutating: bool
    request_id: str
    via: str | None  # the service that forwards what it was asked for, as RDS asks KMS for grants

    @property
    def called(self) -> str:
        """Service and operation, as "dynamodb:Query"."""
        return f"{self.service}:{self.operation}"


class FrontDoor:
    """Takes requests, answers them, and keeps a log of both."""

    def __init__(self, world: World, identities: Identities, authorizer: Authorizes) -> None:
        self.world = world
        self.identities = identities
        self.authorizer = authorizer
        self.urls: KnowsUrls | None = None
        self.recorder: Records | None = None
        self.trail: Remembers | None = None
        self.rates: Spends | None = None
        self.faults: Strikes | None = None
        self.log: MutableSequence[Entry] = []
        self.watchers: list[Callable[[Call, Mapping[str, Any]], None]] = []
        self._numbers = CallNumbers()

    def keep_last(self, entries: int) -> None:
        """Keep only the last entries of the log, for an organisation that lives on and on."""
        self.log = deque(self.log, maxlen=entries)

    def handle(self, request: Request) -> Answer:
        """Answer one HTTP request."""
        request.get_data()  # first: whatever is taken for a form would use the body up
        if self.urls is not None and (visit := self.urls.call(request)) is not None:
            return self._by_url(visit, self.urls)
        scope = scope_of(request, self.world.home_region)
        service = scope.service
        try:
            service = service_of(scope, request)
            wire, parameters = Wire.of(service, request)
        except ServiceError as error:
            return self._refuse(service, scope, request, error)
        call = Call(
            service=service,
            operation=wire.model.name,
            parameters=parameters,
            region=scope.region,
            partition=partition_of(scope.region),
            account="",
            caller=Caller("anonymous", "", "anonymous"),
            request=request,
        )
        self._number(call)
        try:
            # AssumeRoleWithWebIdentity and its like carry no signature.
            unsigned = scope.access_key is None and wire.model.auth_type == "none"
            if not unsigned:
                call.caller = self._caller(scope.access_key, service, request)
            validate(service, wire.model.input_shape, parameters)
            if unsigned:
                call.caller = unsigned_caller(call, self.world)
            return self._admit(call, lambda: self._serve(call, wire))
        except ServiceError as error:
            self._note(call, error.code)
            return wire.write_error(error, call.request_id)

    def _by_url(self, call: Call, urls: KnowsUrls) -> Answer:
        """Answer a request to a function URL; there is no service model of it, all else is as with any call."""
        self._number(call)
        try:
            urls.identify(call)
            return self._admit(call, lambda: urls.wire.write(self._own(call), call.request_id))
        except ServiceError as error:
            self._note(call, error.code)
            return urls.wire.write_error(error, call.request_id)

    def forward(
        self,
        caller: Caller,
        service: str,
        operation: str,
        parameters: dict[str, Any],
        *,
        region: str,
        account: str | None = None,
        client: bool = False,
    ) -> dict[str, Any]:
        """Make a call that starts inside the simulator; raises ServiceError.

        Faults strike it where it is a `client`'s: whoever had it made has to cope with them.
        """
        wire = Wire.named(service, operation)
        call = Call(service, operation, parameters, region, partition_of(region), account or "", caller)
        self._number(call)
        try:
            self.authorize(call)
            return self._forwarded(call, wire, client=client)
        except ServiceError as error:
            self._note(call, error.code)
            raise

    def _forwarded(self, call: Call, wire: Wire, *, client: bool) -> dict[str, Any]:
        own = self.world.services.get(call.service)
        fault = self.faults.before(call) if client and self.faults else None
        if own is not None and own.operation(call.operation) is not None:
            answered = self._own(call)
        else:
            call.request = wire.encode(call.parameters, call.region)
            answered = wire.decode(self._serve(call, wire))
        if fault is not None and self.faults is not None:
            self.faults.strike(fault, call)
        return answered

    def authorize(self, call: Call) -> None:
        """Resolve who owns what a call addresses and refuse it where IAM does."""
        own = self.world.services.get(call.service)
        if not call.account:
            call.account = own.owner(call) if own is not None else call.caller.account
        try:
            self.authorizer.authorize(call)
        except UnmappedOperationError as gap:
            raise ServiceError("NotImplemented", f"{gap} (docs/local-organisation.md)", 501) from gap

    def _refuse(self, service: str, scope: Scope, request: Request, error: ServiceError) -> Answer:
        """Answer what is no operation that we know, in words that name it."""
        nobody = Caller("anonymous", "", "anonymous")
        call = Call(service, target_of(request), {}, scope.region, partition_of(scope.region), "", nobody)
        self._number(call)
        self._note(call, error.code)
        return Wire.refusing(service, request).write_error(error, call.request_id)

    def _caller(self, access_key: str | None, service: str, request: Request) -> Caller:
        if access_key is None:
            raise ServiceError("MissingAuthenticationToken", "Request is missing Authentication Token", 403)
        try:
            caller = self.identities.caller(access_key)
            if caller.issued is not None:
                token = request.headers.get(SESSION_HEADER) or request.args.get(SESSION_HEADER)
                self.identities.check_token(access_key, token)
        except ServiceError as error:
            raise credential_error(service, error) from error
        return caller

    def _admit(self, call: Call, serve: Callable[[], Answer]) -> Answer:
        """Serve a call that is allowed and within the rates, or let a fault take the place of effect or answer."""
        self.authorize(call)
        if self.rates is not None:
            self.rates.spend(call)
        if not self.faults:
            return serve()
        fault = self.faults.before(call)
        answer = serve()
        if fault is not None:
            self.faults.strike(fault, call)
        return answer

    def _serve(self, call: Call, wire: Wire) -> Answer:
        own = self.world.services.get(call.service)
        if own is not None and own.operation(call.operation) is not None:
            return wire.write(self._own(call), call.request_id)
        if own is not None and own.whole:
            raise not_simulated(f"{call.service}:{call.operation}")
        before = getattr(own, "before", None)
        if before is not None:
            before(call)
        answer = _of_moto(call)
        if answer.status >= 300:
            self._note(call, _code(wire, answer))
            return answer
        response: Mapping[str, Any] = {}
        if (own is not None or self._is_watched(call)) and not wire.model.has_streaming_output:
            response = wire.decode(answer)
        if own is not None:
            own.after(call, response)
        self._watch(call, response)
        self._note(call, None)
        self._record(call)
        return answer

    def _own(self, call: Call) -> dict[str, Any]:
        own = self.world.services[call.service]
        before = getattr(own, "before", None)
        if before is not None:
            before(call)
        operation = own.operation(call.operation)
        assert operation is not None  # noqa: S101 - asked by both callers
        response = operation(call)
        self._watch(call, response)
        self._note(call, None)
        self._record(call)
        return response

    def _is_watched(self, call: Call) -> bool:
        """Whether somebody looks at the answer; reads are not decoded for a history that does not have them."""
        return bool(self.watchers) or (self.trail is not None and self.trail.keeps(call))

    def _watch(self, call: Call, response: Mapping[str, Any]) -> None:
        if self.trail is not None:
            self.trail.record(call, response)
        for watcher in self.watchers:
            watcher(call, response)

    def _number(self, call: Call) -> None:
        """Give the call an id that depends on what it is and on how often it was made, not on other calls."""
        call.request_id = self._numbers.identify(call.service, call.operation, call.region, call.parameters)

    def _record(self, call: Call) -> None:
        if self.recorder is not None and call.service not in DATA and not call.operation.startswith(NOT_RECORDED):
            self.recorder.record(call.service, call.account, call.region)

    def _note(self, call: Call, error: str | None) -> None:
        self.log.append(
            Entry(
                at=self.world.agenda.now(),
                service=call.service,
                operation=call.operation,
                account=call.account,
                region=call.region,
                principal=call.caller.arn,
                source_identity=call.caller.source_identity,
                error=error,
                mutating=not call.operation.startswith(READS),
                request_id=call.request_id,
                via=call.caller.via,
            )
        )


def _of_moto(call: Call) -> Answer:
    """Let moto answer; where it fails on what it was given, say so in an error that names the operation."""
    try:
        return moto_dispatch.answer(call, call.request, call.request_id)
    except ServiceError:
        raise
    except Exception as error:
        log.info("moto failed at %s:%s", call.service, call.operation, exc_info=error)
        why = f"{type(error).__name__}: {error}"
        raise ServiceError(
            "NotImplemented", f"{call.service}:{call.operation} is not simulated for these parameters ({why})", 501
        ) from error


def _code(wire: Wire, answer: Answer) -> str:
    try:
        wire.decode(answer)
    except ServiceError as error:
        return error.code
    return str(answer.status)
