"""Requests of clients of this process reach the door as moto's own way would make them."""

from __future__ import annotations

import pytest
from moto.core.request import Request

from simulator.door_request import request_of_client

FORM = ("Content-Type", "application/x-www-form-urlencoded")
CALLS = (
    ("POST", "https://iam.amazonaws.com/", (FORM, ("X-Amz-Date", b"20260105T090000Z")), b"Action=GetRole&RoleName=a"),
    ("GET", "https://b.s3.eu-west-1.amazonaws.com/a%2Fb%20%C3%A9//c?versionId=%2B1&tagging", (), None),
    ("GET", "https://sts.eu-west-1.amazonaws.com", (), b""),
    ("PUT", "http://s3.eu-west-1.amazonaws.com:8443/b/k", (("x-amz-meta-my_key", "é"), ("X-A", "1")), b"\x00\xff"),
    ("POST", "https://sqs.eu-west-1.amazonaws.com/", (("Transfer-Encoding", "chunked"),), '{"é": 1}'),
)


@pytest.mark.parametrize(("method", "url", "headers", "body"), CALLS)
def test_a_request_says_what_motos_own_way_would_make_of_it(
    method: str, url: str, headers: tuple[tuple[str, str | bytes], ...], body: bytes | str | None
) -> None:
    made = request_of_client(method, url, headers, body)
    other = Request.from_primitives(method, url, dict(headers), body)
    for told in ("method", "path", "query_string", "raw_path", "raw_url", "url", "host", "content_length", "data"):
        assert getattr(made, told) == getattr(other, told), told
    assert dict(made.args) == dict(other.args)
    assert dict(made.form) == dict(other.form)
    assert sorted(made.headers) == sorted(other.headers)


def test_a_header_that_is_sent_twice_has_both_values() -> None:
    made = request_of_client("GET", "https://s3.amazonaws.com/b", (("X-Amz-Tag", "a"), ("x-amz-tag", "b")), None)

    assert made.headers["x-amz-tag"] == "a, b"
