"""Runs a function's own archive, with the role's credentials and environment, in simulated time.

Each function has the modules and loggers of its code to itself, kept while it is warm; third-party
modules are shared with the process where the archive holds the same bytes, and refused where it does
not. What happens to other threads meanwhile is nothing: they print and sleep as before.
Source: Lambda Developer Guide, "Understanding the Lambda execution environment lifecycle" and "Building
Lambda functions with Python".
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import io
import json
import logging
import os
import sys
import tempfile
import threading
import time
import traceback
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import boto3

from simulator import lambda_process
from simulator.agenda import Agenda
from simulator.identity import Credentials


class ArchiveError(Exception):
    """An archive that cannot run here, and why."""


class _RuntimeRefusal(Exception):
    """A handler that the runtime cannot run, or whose answer it cannot write; `kind` is the error type."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


class _TimedOut(BaseException):
    """The function has used up its time; not an Exception, for no handler may catch it."""


class Killed(BaseException):
    """The function's process is ended from outside while it makes a call; not an Exception, as above."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an invocation returned: a payload, whether it is an error, and the lines that were printed."""

    payload: Any
    failed: bool
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Context:
    """The context object that a handler receives."""

    function_name: str
    invoked_function_arn: str
    memory_limit_in_mb: str
    aws_request_id: str
    log_group_name: str
    log_stream_name: str
    _agenda: Agenda
    _deadline: datetime
    function_version: str = "$LATEST"

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until the function's time-out."""
        return max(0, int((self._deadline - self._agenda.now()).total_seconds() * 1000))


@dataclass(frozen=True, slots=True)
class Unpacked:
    """An archive's files that this process does not have, and the top-level names of their modules."""

    folder: Path
    roots: frozenset[str]


@dataclass(slots=True)
class Container:
    """A warm function: its modules, its loggers, its environment, and the session of its role."""

    code: Unpacked
    environment: Mapping[str, str]
    expires: datetime
    modules: dict[str, ModuleType] = field(default_factory=dict)
    loggers: logging.Manager | None = None
    session: Any = None

    def discard(self) -> None:
        """Forget what the function remembers: Lambda starts a new process after a time-out or an exit."""
        self.modules, self.loggers, self.session = {}, None, None


class _Output(io.TextIOBase):
    """An output stream of whichever function runs; loggers keep hold of it beyond one invocation."""

    def __init__(self, lines: list[str]) -> None:
        self.lines = lines
        self.thread: int | None = None
        self.outer: Any = None

    def write(self, text: str) -> int:
        if threading.get_ident() != self.thread:
            return int(self.outer.write(text))
        self.lines.append(text)
        return len(text)

    def flush(self) -> None:
        if threading.get_ident() != self.thread:
            self.outer.flush()

    @contextlib.contextmanager
    def instead_of(self, name: str) -> Iterator[None]:
        """Take the place of a stream of `sys` for this thread."""
        before = getattr(sys, name)
        if before is not self:  # else one function runs inside a call of another
            self.thread, self.outer = threading.get_ident(), before
        setattr(sys, name, self)
        try:
            yield
        finally:
            setattr(sys, name, before)


class Runner:
    """Runs functions on the owner thread, one at a time or one inside another's call."""

    def __init__(self, agenda: Agenda) -> None:
        self._agenda = agenda
        self._folder = tempfile.TemporaryDirectory(prefix="palisade-functions-")
        self._unpacked: dict[str, Unpacked] = {}
        self._lines: list[str] = []
        self._output, self._errors = _Output(self._lines), _Output(self._lines)
        self._running = 0

    @property
    def running(self) -> bool:
        """Whether a function runs now."""
        return self._running > 0

    def close(self) -> None:
        """Remove what was unpacked."""
        self._folder.cleanup()

    def start(
        self,
        archive: bytes,
        digest: str,
        handler: str,
        variables: Mapping[str, str],
        credentials: Credentials,
        arn: str,
    ) -> Container:
        """Make a container: the archive unpacked, the environment as Lambda sets it."""
        _, _, _, region, _, _, name = arn.split(":", 6)
        code = self._unpack(archive, digest)
        environment = {
            **variables,
            "AWS_REGION": region,
            "AWS_DEFAULT_REGION": region,
            "AWS_LAMBDA_FUNCTION_NAME": name,
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
            "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
            "AWS_EXECUTION_ENV": "AWS_Lambda_python3.13",
            "AWS_ACCESS_KEY_ID": credentials.access_key_id,
            "AWS_SECRET_ACCESS_KEY": credentials.secret_access_key,
            "AWS_SESSION_TOKEN": credentials.session_token or "",
            # The files of whoever runs the simulator say nothing to a function.
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "LAMBDA_TASK_ROOT": str(code.folder),
            "_HANDLER": handler,
        }
        expires = credentials.expiration or self._agenda.now() + timedelta(hours=1)
        return Container(code, environment, expires)

    def run(self, container: Container, handler: str, event: Any, context: Context) -> Outcome:
        """Run the handler with an event; an exception of its own is an answer, as in Lambda."""
        start, limit = len(self._lines), (context._deadline - self._agenda.now()).total_seconds()
        failed, ended = True, False
        with self._inside(container, context):
            try:
                payload = _answer(_entry(handler)(json.loads(json.dumps(event)), context))
                failed = False
            except (_TimedOut, Killed, SystemExit) as end:
                ended = True
                payload = _ending(end, context.aws_request_id, limit)
            except Exception as error:
                payload = _error(error, context.aws_request_id)
                self._lines.append(f"[ERROR] {payload['errorType']}: {payload['errorMessage']}\n")
                self._lines.extend(payload.get("stackTrace", ()))
        if not ended and self._agenda.now() > context._deadline:
            failed, ended = True, True
            payload = _ending(_TimedOut(), context.aws_request_id, limit)
        if ended:
            container.discard()
            self._lines.append(f"{payload['errorMessage']}\n")
        lines = "".join(self._lines[start:]).splitlines()
        del self._lines[start:]
        return Outcome(payload, failed, tuple(line for line in lines if line.strip()))

    def _unpack(self, archive: bytes, digest: str) -> Unpacked:
        """Unpack what belongs to the function; third-party modules must be those of this process."""
        if digest in self._unpacked:
            return self._unpacked[digest]
        folder, roots = Path(self._folder.name) / digest, set()
        with zipfile.ZipFile(io.BytesIO(archive)) as opened:
            for name in opened.namelist():
                known = _installed(name)
                if known is None:
                    opened.extract(name, folder)
                    roots.add(name.partition("/")[0].removesuffix(".py"))
                elif known.read_bytes() != opened.read(name):
                    raise ArchiveError(
                        f"{name} of the archive differs from this environment's; build the archive from the lock file"
                    )
        self._unpacked[digest] = Unpacked(folder, frozenset(roots))
        return self._unpacked[digest]

    @contextlib.contextmanager
    def _inside(self, container: Container, context: Context) -> Iterator[None]:
        """Give the function its modules, loggers, environment, default session, output and clock, for one run."""
        with contextlib.ExitStack() as stack:
            stack.enter_context(lambda_process.environment(container.environment))
            stack.enter_context(lambda_process.modules(container))
            stack.enter_context(lambda_process.loggers(container, self._output))
            stack.enter_context(self._output.instead_of("stdout"))
            stack.enter_context(self._errors.instead_of("stderr"))
            stack.enter_context(self._sleeping(context))
            stack.enter_context(lambda_process.chance(context.aws_request_id))
            before, boto3.DEFAULT_SESSION = boto3.DEFAULT_SESSION, container.session
            self._running += 1
            try:
                yield
            finally:
                self._running -= 1
                container.session, boto3.DEFAULT_SESSION = boto3.DEFAULT_SESSION, before

    @contextlib.contextmanager
    def _sleeping(self, context: Context) -> Iterator[None]:
        """Let the function sleep in simulated time; other threads sleep as before."""
        outer, thread = time.sleep, threading.get_ident()

        def sleep(seconds: float, /) -> None:
            if threading.get_ident() != thread:
                outer(seconds)
                return
            left = context.get_remaining_time_in_millis() / 1000
            self._agenda.clock.forward(self._agenda.now() + timedelta(seconds=min(seconds, left)))
            if seconds >= left:
                raise _TimedOut

        setattr(time, "sleep", sleep)  # noqa: B010 - typeshed's own signature differs by version
        try:
            yield
        finally:
            time.sleep = outer


def _entry(handler: str) -> Callable[[Any, Context], Any]:
    """Find the handler; raises _RuntimeRefusal naming what is missing, as the runtime does."""
    module, _, name = handler.rpartition(".")
    if not module:
        raise _RuntimeRefusal("Runtime.MalformedHandlerName", f"Bad handler '{handler}': not enough values to unpack")
    try:
        found = importlib.import_module(module)
    except ImportError as error:
        raise _RuntimeRefusal("Runtime.ImportModuleError", f"Unable to import module '{module}': {error}") from error
    if not hasattr(found, name):
        raise _RuntimeRefusal("Runtime.HandlerNotFound", f"Handler '{name}' missing on module '{module}'")
    entry: Callable[[Any, Context], Any] = getattr(found, name)
    return entry


def _answer(value: Any) -> Any:
    """What the caller reads: the handler's answer by way of JSON."""
    try:
        return json.loads(json.dumps(value))
    except TypeError as error:
        raise _RuntimeRefusal("Runtime.MarshalError", f"Unable to marshal response: {error}") from error


def _error(error: Exception, request: str) -> dict[str, Any]:
    if isinstance(error, _RuntimeRefusal):
        return {"errorMessage": str(error), "errorType": error.kind, "requestId": request, "stackTrace": []}
    return {
        "errorMessage": str(error),
        "errorType": type(error).__name__,
        "requestId": request,
        "stackTrace": traceback.format_tb(error.__traceback__),
    }


def _ending(end: BaseException, request: str, limit: float) -> dict[str, Any]:
    """What is left of a function whose process has ended: by the clock, from outside, or by itself."""
    if isinstance(end, Killed):
        text = f"RequestId: {request} Error: Runtime exited with error: signal: killed"
        return {"errorType": "Runtime.ExitError", "errorMessage": text}
    if isinstance(end, SystemExit):
        why = f"Runtime exited with error: exit status {end.code}" if end.code else "Runtime exited without a reason"
        return {"errorType": "Runtime.ExitError", "errorMessage": f"RequestId: {request} Error: {why}"}
    text = f"RequestId: {request} Error: Task timed out after {limit:.2f} seconds"
    return {"errorType": "Sandbox.Timedout", "errorMessage": text}


def _installed(name: str) -> Path | None:
    """Where this process has a third-party file of an archive; None for the function's own."""
    top, _, rest = name.partition("/")
    spec = importlib.util.find_spec(top.removesuffix(".py")) if top not in ("lambdas", "") else None
    if spec is None or spec.origin is None or "site-packages" not in spec.origin:
        return None
    base = Path(spec.origin).parent
    path = base / rest if rest else Path(spec.origin)
    return path if path.exists() else None
