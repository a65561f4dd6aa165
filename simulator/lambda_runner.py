"""Runs a function's own archive, with the role's credentials and environment, in simulated time.

Each function has the modules of its code to itself, kept while it is warm; third-party modules are
shared with the process where the archive holds the same bytes, and refused where it does not.
Source: Lambda Developer Guide, "Understanding the Lambda execution environment lifecycle".
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import io
import json
import os
import sys
import tempfile
import time
import traceback
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import boto3

from simulator.agenda import Agenda
from simulator.identity import Credentials

# Variables of the process that must not reach a function: they belong to whoever runs the simulator.
OWN_VARIABLES = ("AWS_", "PALISADE_", "POWERTOOLS_")


class ArchiveError(Exception):
    """An archive that cannot run here, and why."""


class _TimedOut(BaseException):
    """The function has used up its time; not an Exception, for no handler may catch it."""


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


@dataclass(slots=True)
class Container:
    """A warm function: its modules, its environment, and the session of its role."""

    folder: Path
    root: str
    environment: Mapping[str, str]
    expires: datetime
    modules: dict[str, ModuleType] = field(default_factory=dict)
    session: Any = None


class _Output(io.TextIOBase):
    """Standard output of whichever function runs; loggers keep hold of it beyond one invocation."""

    def __init__(self) -> None:
        self.text: list[str] = []

    def write(self, text: str) -> int:
        self.text.append(text)
        return len(text)


class Runner:
    """Runs functions on the owner thread, one at a time or one inside another's call."""

    def __init__(self, agenda: Agenda) -> None:
        self._agenda = agenda
        self._folder = tempfile.TemporaryDirectory(prefix="palisade-functions-")
        self._unpacked: dict[str, Path] = {}
        self._output = _Output()

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
            "_HANDLER": handler,
        }
        expires = credentials.expiration or self._agenda.now() + timedelta(hours=1)
        return Container(self._unpack(archive, digest), handler.split(".")[0], environment, expires)

    def run(self, container: Container, handler: str, event: Any, context: Context) -> Outcome:
        """Run the handler with an event; an exception of its own is an answer, as in Lambda."""
        start = len(self._output.text)
        failed = True
        with self._inside(container, context):
            try:
                module, _, function = handler.rpartition(".")
                payload = getattr(importlib.import_module(module), function)(event, context)
                payload, failed = json.loads(json.dumps(payload)), False
            except _TimedOut:
                payload = {
                    "errorType": "Sandbox.Timedout",
                    "errorMessage": f"RequestId: {context.aws_request_id} Error: Task timed out",
                }
            except Exception as error:
                payload = {
                    "errorMessage": str(error),
                    "errorType": type(error).__name__,
                    "requestId": context.aws_request_id,
                    "stackTrace": traceback.format_tb(error.__traceback__),
                }
                self._output.write(f"[ERROR] {payload['errorType']}: {payload['errorMessage']}\n")
                self._output.write("".join(payload["stackTrace"]))
        lines = "".join(self._output.text[start:]).splitlines()
        del self._output.text[start:]
        return Outcome(payload, failed, tuple(line for line in lines if line.strip()))

    def _unpack(self, archive: bytes, digest: str) -> Path:
        """Unpack what belongs to the function; third-party modules must be those of this process."""
        if digest in self._unpacked:
            return self._unpacked[digest]
        folder = Path(self._folder.name) / digest
        with zipfile.ZipFile(io.BytesIO(archive)) as opened:
            for name in opened.namelist():
                known = _installed(name)
                if known is None:
                    opened.extract(name, folder)
                elif known.read_bytes() != opened.read(name):
                    raise ArchiveError(
                        f"{name} of the archive differs from this environment's; build the archive from the lock file"
                    )
        self._unpacked[digest] = folder
        return folder

    @contextlib.contextmanager
    def _inside(self, container: Container, context: Context) -> Iterator[None]:
        """Give the function its modules, environment, default session, output and clock; take them back after."""
        outer = {name: module for name, module in sys.modules.items() if _belongs(name, container.root)}
        before, sleep, output, session = dict(os.environ), time.sleep, sys.stdout, boto3.DEFAULT_SESSION
        for name in outer:
            del sys.modules[name]
        sys.modules.update(container.modules)
        sys.path.insert(0, str(container.folder))
        for name in before:
            if name.startswith(OWN_VARIABLES):
                del os.environ[name]
        os.environ.update(container.environment)
        boto3.DEFAULT_SESSION = container.session
        sys.stdout = self._output
        time.sleep = self._sleeper(context)
        try:
            yield
        finally:
            time.sleep, sys.stdout = sleep, output
            container.session, boto3.DEFAULT_SESSION = boto3.DEFAULT_SESSION, session
            for name in list(os.environ):
                if name not in before:
                    del os.environ[name]
            os.environ.update(before)
            sys.path.remove(str(container.folder))
            own = {name: module for name, module in sys.modules.items() if _belongs(name, container.root)}
            for name in own:
                del sys.modules[name]
            container.modules = own
            sys.modules.update(outer)

    def _sleeper(self, context: Context) -> Any:
        def sleep(seconds: float) -> None:
            left = context.get_remaining_time_in_millis() / 1000
            self._agenda.clock.forward(self._agenda.now() + timedelta(seconds=min(seconds, left)))
            if seconds >= left:
                raise _TimedOut

        return sleep


def _belongs(name: str, root: str) -> bool:
    return name == root or name.startswith(f"{root}.")


def _installed(name: str) -> Path | None:
    """Where this process has a third-party file of an archive; None for the function's own."""
    top, _, rest = name.partition("/")
    spec = importlib.util.find_spec(top.removesuffix(".py")) if top not in ("lambdas", "") else None
    if spec is None or spec.origin is None or "site-packages" not in spec.origin:
        return None
    base = Path(spec.origin).parent
    path = base / rest if rest else Path(spec.origin)
    return path if path.exists() else None
