"""The loopback port: AWS clients of other processes enter the front door here.

One thread speaks HTTP with all connections; requests go to the owner thread and their answers come
back, so that idle connections cost nothing and no client waits for another's network.
"""

from __future__ import annotations

import asyncio
import errno
import json
import logging
import socket
import threading
import uuid
from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import replace
from email.utils import format_datetime
from typing import Protocol

from moto.core.request import Request

from simulator.agenda import Clock
from simulator.call import ServiceError
from simulator.faults import NoAnswer
from simulator.owner import OrganizationClosed
from simulator.port_http import CONTINUE, BadMessage, Message, Reader, response
from simulator.port_requests import ENCODINGS, LOOPBACK, PORT, request_of
from simulator.wire import Answer, Wire, scope_of

HOST = "127.0.0.1"
CONTROL = "/_palisade/"  # no bucket's name begins with an underscore, so that no AWS client comes here
IDLE_SECONDS = 60.0
SWEEP_SECONDS = 10.0
PIPELINED = 16  # requests of one connection that wait for the one before them
log = logging.getLogger(__name__)


class PortTaken(Exception):
    """Something else listens on the port already."""


class ControlError(Exception):
    """A control request that cannot be done, with the reason for people and the HTTP status."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


class Organization(Protocol):
    """Whom the port serves."""

    home_region: str
    clock: Clock

    def answer(self, request: Request) -> Future[Answer]:
        """Hand a request to the front door without waiting for its answer."""
        ...

    def control(self, name: str, given: Mapping[str, object]) -> Mapping[str, object]:
        """Do what is no AWS call (the path below CONTROL, what was posted); raises ControlError. Any thread."""
        ...


class Port:
    """A listener on 127.0.0.1. Until an organisation is opened it answers that there is none yet."""

    def __init__(self, number: int) -> None:
        """Take the port, 0 for any; raises PortTaken."""
        self._socket = _listener(number)
        self.number: int = self._socket.getsockname()[1]
        self.organization: Organization | None = None
        self.loop = asyncio.new_event_loop()
        self.connections: set[_Connection] = set()
        self._up = threading.Event()
        self._thread = threading.Thread(target=self._serve, name="port", daemon=True)
        self._thread.start()
        self._up.wait()

    @property
    def endpoint(self) -> str:
        """The URL of the endpoint."""
        return f"http://{HOST}:{self.number}"

    def open(self, organization: Organization) -> None:
        """Answer from now on what clients ask of an organisation."""
        self.organization = organization

    def close(self) -> None:
        """Give the port back and end all connections."""
        self.organization = None
        if self._thread.is_alive():
            self.loop.call_soon_threadsafe(self.loop.stop)
            self._thread.join()

    def _serve(self) -> None:
        asyncio.set_event_loop(self.loop)
        server = self.loop.run_until_complete(
            self.loop.create_server(lambda: _Connection(self), sock=self._socket, backlog=512)
        )
        self._sweep()
        self._up.set()
        try:
            self.loop.run_forever()
        finally:
            server.close()
            self.loop.run_until_complete(asyncio.sleep(0))  # what was accepted just now becomes a connection
            for connection in list(self.connections):
                connection.end()
            self.loop.run_until_complete(asyncio.sleep(0))  # transports close on the loop's next turn
            self.loop.close()

    def _sweep(self) -> None:
        for connection in list(self.connections):
            connection.end_if_idle()
        self.loop.call_later(SWEEP_SECONDS, self._sweep)

    def take(self, message: Message, reply: Callable[[Answer], None]) -> None:
        """Have a message answered; runs on the port's thread, as `reply` does."""
        organization = self.organization
        if message.method == "CONNECT":
            raise BadMessage(501, "this port speaks plain HTTP alone; set AWS_ENDPOINT_URL, not HTTPS_PROXY")
        if message.target.startswith(CONTROL):
            self._control(organization, message, reply)
            return
        if organization is None:
            raise BadMessage(503, "the local organisation is not ready")
        try:
            request = request_of(message, organization.home_region)
        except ServiceError as error:
            answer = _refused(message, organization.home_region, error)
            self.loop.call_soon(reply, answer)
            return
        try:
            future = organization.answer(request)
        except OrganizationClosed as error:
            raise BadMessage(503, str(error)) from error
        future.add_done_callback(lambda done: self._hand(lambda: self._answered(done, message, organization, reply)))

    def _answered(
        self, done: Future[Answer], message: Message, organization: Organization, reply: Callable[[Answer], None]
    ) -> None:
        """Pass an answer on; a client that a fault leaves without one waits until it gives up."""
        if not isinstance(done.exception(), NoAnswer):
            reply(_result(done, message, organization))

    def _control(self, organization: Organization | None, message: Message, reply: Callable[[Answer], None]) -> None:
        if not LOOPBACK.fullmatch(PORT.sub("", message.headers.get("host", ""))):
            raise BadMessage(403, "control requests are taken by the endpoint's own address alone")
        if message.body and message.headers.get("content-type") != "application/json":
            raise BadMessage(415, "control requests take application/json alone, which no web page may send here")
        if organization is None:
            self.loop.call_soon(reply, _json(503, {"error": "the local organisation is not ready"}))
            return

        def work() -> Answer:
            try:
                given = json.loads(message.body or b"{}")
            except ValueError as error:
                return _json(400, {"error": f"not JSON: {error}"})
            name = message.target.removeprefix(CONTROL)
            try:
                return _json(200, organization.control(name, given if isinstance(given, dict) else {}))
            except ControlError as error:
                return _json(error.status, {"error": str(error)})
            except Exception as error:  # something that was due failed: whoever asked must not wait for ever
                log.exception("control request %s failed", name)
                return _json(500, {"error": f"{type(error).__name__}: {error}"})

        future = self.loop.run_in_executor(None, work)
        future.add_done_callback(lambda done: reply(done.result()))

    def _hand(self, work: Callable[[], None]) -> None:
        """Do something on the port's thread; where that has ended, nobody waits for it any more."""
        if not self.loop.is_closed():
            self.loop.call_soon_threadsafe(work)


class _Connection(asyncio.Protocol):
    """One client connection: its messages are answered one after the other."""

    def __init__(self, port: Port) -> None:
        self._port = port
        self._reader = Reader()
        self._waiting: deque[Message] = deque()
        self._answering: Message | None = None
        self._last = 0.0
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - a TCP server's
        self._transport = transport
        self._last = self._port.loop.time()
        self._port.connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        self._port.connections.discard(self)

    def data_received(self, data: bytes) -> None:
        self._last = self._port.loop.time()
        try:
            self._waiting.extend(self._reader.feed(data))
        except BadMessage as error:
            self._write(_said(error), head=False, keep_alive=False)
            return
        if self._reader.wants_continue and self._transport is not None:
            self._reader.wants_continue = False
            self._transport.write(CONTINUE)
        if len(self._waiting) > PIPELINED and self._transport is not None:
            self._transport.pause_reading()
        self._next()

    def end(self) -> None:
        """Close the connection."""
        if self._transport is not None:
            self._transport.close()

    def end_if_idle(self) -> None:
        """Close a connection that has sent nothing for a while and waits for nothing."""
        if self._answering is None and self._port.loop.time() - self._last > IDLE_SECONDS:
            self.end()

    def _next(self) -> None:
        while self._answering is None and self._waiting and self._transport is not None:
            message = self._answering = self._waiting.popleft()
            try:
                self._port.take(message, self._reply)
            except BadMessage as error:
                self._finish(_said(error))

    def _reply(self, answer: Answer) -> None:
        self._finish(answer)
        self._next()

    def _finish(self, answer: Answer) -> None:
        message, self._answering = self._answering, None
        if message is None:
            return
        self._last = self._port.loop.time()
        self._write(answer, head=message.method == "HEAD", keep_alive=message.keep_alive)
        if self._transport is not None and not self._transport.is_reading() and len(self._waiting) <= PIPELINED:
            self._transport.resume_reading()

    def _write(self, answer: Answer, *, head: bool, keep_alive: bool) -> None:
        if self._transport is None:  # the client has gone
            return
        headers = dict(answer.headers)
        organization = self._port.organization
        if organization is not None:
            headers["date"] = format_datetime(organization.clock.now(), usegmt=True)
        self._transport.write(
            response(answer.status, headers, answer.body, head=head, keep_alive=keep_alive, cookies=answer.cookies)
        )
        if not keep_alive:
            self._transport.close()


def _listener(number: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    # A port of connections that have just ended may be taken again; one that somebody listens on may not.
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, number))
        listener.listen(512)
    except OSError as error:
        listener.close()
        if error.errno in (errno.EADDRINUSE, errno.EACCES):
            raise PortTaken(f"port {number} of {HOST} cannot be taken: {error.strerror}") from error
        raise
    return listener


def _result(done: Future[Answer], message: Message, organization: Organization) -> Answer:
    """What came of a request; a failure of ours is an error to the client and a traceback to whoever serves."""
    error = done.exception()
    if error is None:
        return done.result()
    log.error("%s %s failed", message.method, message.target, exc_info=error)
    reason = ServiceError("InternalFailure", f"{type(error).__name__}: {error}", 500)
    return _refused(message, organization.home_region, reason)


def _refused(message: Message, home_region: str, error: ServiceError) -> Answer:
    """Write an error in the protocol of the service that was asked, without reading the body again."""
    headers = {name: value for name, value in message.headers.items() if name not in ENCODINGS}
    request = request_of(replace(message, headers=headers, body=b""), home_region)
    return Wire.refusing(scope_of(request, home_region).service, request).write_error(error, str(uuid.uuid4()))


def _said(error: BadMessage) -> Answer:
    return Answer(error.status, {"content-type": "text/plain; charset=utf-8"}, f"palisade: {error}\n".encode())


def _json(status: int, value: Mapping[str, object]) -> Answer:
    return Answer(status, {"content-type": "application/json"}, json.dumps(value).encode() + b"\n")
