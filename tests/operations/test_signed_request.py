"""Signed requests to function URLs: in process, by the loopback port, and what is not followed or sent."""

from __future__ import annotations

import gzip
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from boto3.session import Session
from botocore.exceptions import EndpointConnectionError, NoCredentialsError

from operations.signed_request import AddressError, send
from tests.simulator.pipeline_world import HOME, MEMBER, organization
from tests.simulator.port_world import endpoint
from tests.simulator.url_world import BOTH, address, entered, function, signed

SOMEWHERE = f"https://abc.lambda-url.{HOME}.on.aws/"


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_LAMBDA", "HTTP_PROXY", "http_proxy", "HTTPS_PROXY"):
        monkeypatch.delenv(name, raising=False)


def session() -> Session:
    return Session("AKIAEXAMPLE", "secret", region_name=HOME)


@contextmanager
def answering(status: int, body: bytes, **headers: str) -> Iterator[tuple[str, list[dict[str, str]]]]:
    """A server that answers every request alike; its address, and the headers of what came."""
    came: list[dict[str, str]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            came.append({**dict(self.headers.items()), "path": self.path})
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", came
    finally:
        server.shutdown()
        server.server_close()


def test_a_local_organisation_of_this_process_answers_who_may_call() -> None:
    with organization() as opened:
        url = address(function(opened))
        allowed = entered(opened, MEMBER, "approver", list(BOTH))
        assert send(allowed, url, HOME, {"answer": {"statusCode": 202, "body": '{"a": 1}'}}) == (202, {"a": 1})
        status, event = send(allowed, f"{url}path?b=2", HOME, {"n": 1})
        assert (status, event["body"], event["rawPath"], event["rawQueryString"]) == (200, '{"n": 1}', "/path", "b=2")
        refused = entered(opened, MEMBER, "stranger", "sts:*")
        status, said = send(refused, url, HOME, {})
        assert (status, said["Message"][:9]) == (403, "Forbidden")
        assert send(allowed, url, HOME, {"fail": True}) == (502, "Internal Server Error")


def test_another_process_reaches_a_served_organisation_by_its_endpoint() -> None:
    with endpoint() as place:
        url = address(function(place.behind.opened))
        held: Any = entered(place.behind.opened, MEMBER, "approver", list(BOTH)).get_credentials()
        keys = (held.access_key, held.secret_key, held.token)
        status, event = place.run(f"""
from operations.signed_request import send
answer = send(boto3.Session(*{keys!r}), "{url}path?b=2", {HOME!r}, {{"n": "\\u00fc"}})
""")
        assert (status, event["requestContext"]["domainName"]) == (200, url.split("/")[2])
        assert (event["rawPath"], event["queryStringParameters"]) == ("/path", {"b": "2"})
        assert json.loads(event["body"]) == {"n": "ü"}
        answer = {"statusCode": 200, "cookies": ["a=1", "b=2"]}
        request = signed(Session(*keys, region_name=HOME), url, json.dumps({"answer": answer}).encode())
        heard = place.ask("POST", "/", {**dict(request.headers.items()), "Host": url.split("/")[2]}, request.body)
        assert (heard.status, heard.cookies) == (200, ["a=1", "b=2"])
        zipped = signed(Session(*keys, region_name=HOME), url, gzip.compress(b"{}"), content_encoding="gzip")
        heard = place.ask("POST", "/", {**dict(zipped.headers.items()), "Host": url.split("/")[2]}, zipped.body)
        assert heard.status == 200  # the body is the signed one, not unpacked as an API's


def test_the_host_of_the_url_is_signed_and_sent_to_the_endpoint(monkeypatch: pytest.MonkeyPatch) -> None:
    with answering(200, b'{"a": 1}') as (server, came):
        monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
        monkeypatch.setenv("AWS_ENDPOINT_URL_LAMBDA", server)  # before the general one
        assert send(session(), f"{SOMEWHERE}x?y=1", HOME, {}) == (200, {"a": 1})
    (request,) = came
    assert (request["Host"], request["path"]) == (SOMEWHERE.split("/")[2], "/x?y=1")
    assert f"/{HOME}/lambda/aws4_request, SignedHeaders=content-type;host;x-amz-date" in request["Authorization"]


def test_redirects_are_not_followed(monkeypatch: pytest.MonkeyPatch) -> None:
    with answering(307, b"elsewhere", Location="/other") as (server, came):
        monkeypatch.setenv("AWS_ENDPOINT_URL", server)
        assert send(session(), SOMEWHERE, HOME, {}) == (307, "elsewhere")
    assert len(came) == 1


def test_an_endpoint_that_is_not_there_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    with pytest.raises(EndpointConnectionError):
        send(session(), SOMEWHERE, HOME, {})


@pytest.mark.parametrize("url", ["http://abc.on.aws/", "abc", "https://", "https://me@abc.on.aws/", ""])
def test_a_signed_request_goes_to_https_alone(url: str) -> None:
    with pytest.raises(AddressError, match="no HTTPS address"):
        send(session(), url, HOME, {})


def test_without_credentials_nothing_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    empty = Session(region_name=HOME)
    monkeypatch.setattr(empty, "get_credentials", lambda: None)
    with pytest.raises(NoCredentialsError):
        send(empty, SOMEWHERE, HOME, {})
