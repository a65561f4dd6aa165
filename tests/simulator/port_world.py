"""A small organisation behind a loopback port, and clients of other processes, for tests of the port."""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from moto.core.request import Request

from simulator.local import LocalOrganization
from simulator.port import ControlError, Port
from simulator.wire import Answer
from tests.simulator.pipeline_world import AWAY, HOME, MANAGEMENT, PLAN


class Behind:
    """The organisation as the port wants it."""

    def __init__(self, opened: LocalOrganization) -> None:
        self.opened = opened
        self.home_region = HOME
        self.clock = opened.world.agenda.clock
        self.asked: list[tuple[str, dict[str, object]]] = []

    def answer(self, request: Request) -> Future[Answer]:
        return self.opened.answer(request)

    def control(self, name: str, given: Mapping[str, object]) -> Mapping[str, object]:
        if name == "refused":
            raise ControlError(400, "refused")
        if name == "failed":
            raise LookupError("failed")
        self.asked.append((name, dict(given)))
        return {"name": name}


@dataclass(frozen=True)
class Heard:
    """An HTTP answer as a client heard it."""

    status: int
    headers: dict[str, str]
    body: bytes
    cookies: list[str]


@dataclass(frozen=True)
class Endpoint:
    """The port, and the administrator who calls by it."""

    port: Port
    behind: Behind
    key: str
    secret: str

    def signed(self, service: str, region: str = HOME) -> dict[str, str]:
        """A header that says who calls; the simulation takes the key's word."""
        scope = f"{self.key}/20260105/{region}/{service}/aws4_request"
        return {"Authorization": f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0"}

    def ask(self, method: str, target: str, headers: Mapping[str, str], body: Any = None, **more: Any) -> Heard:
        """Make a request of one's own making."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port.number, timeout=30)
        try:
            connection.request(method, target, body, dict(headers), **more)
            answer = connection.getresponse()
            headers = {name.lower(): value for name, value in answer.getheaders()}
            return Heard(answer.status, headers, answer.read(), answer.headers.get_all("set-cookie", []))
        finally:
            connection.close()

    def variables(self) -> dict[str, str]:
        """The environment of a client in another process."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        return {
            **kept,
            "AWS_ENDPOINT_URL": self.port.endpoint,
            "AWS_ENDPOINT_URL_S3_CONTROL": "http://s3-control.palisade.invalid",
            "AWS_ACCESS_KEY_ID": self.key,
            "AWS_SECRET_ACCESS_KEY": self.secret,
            "AWS_DEFAULT_REGION": HOME,
            "HTTP_PROXY": self.port.endpoint,
            "http_proxy": self.port.endpoint,
            "NO_PROXY": "127.0.0.1,localhost",
            "no_proxy": "127.0.0.1,localhost",
            **dict.fromkeys(("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"), os.devnull),
        }

    def run(self, script: str) -> Any:
        """Run plain boto3 in another process; what it assigns to `answer` comes back by JSON."""
        code = f"import boto3, io, json, sys\nanswer = None\n{script}\nprint(json.dumps(answer, default=str))"
        done = subprocess.run(  # noqa: S603 - a script of the test
            [sys.executable, "-c", code], env=self.variables(), capture_output=True, text=True, timeout=120, check=False
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)


@contextmanager
def endpoint() -> Iterator[Endpoint]:
    """Open an organisation on the real clock behind a port of its own."""
    with LocalOrganization(PLAN, home_region=HOME, regions=(HOME, AWAY), real_time=True) as opened:
        port = Port(0)
        try:
            behind = Behind(opened)
            port.open(behind)
            held = opened.administrator()
            assert opened.world.management == MANAGEMENT
            yield Endpoint(port, behind, held.access_key_id, held.secret_access_key)
        finally:
            port.close()
