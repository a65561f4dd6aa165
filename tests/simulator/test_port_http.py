"""HTTP as the loopback port reads and writes it."""

from __future__ import annotations

import pytest

from simulator.port_http import BadMessage, Message, Reader, response

HEAD = b"PUT /bucket/key HTTP/1.1\r\nHost: here\r\n"


def read(*parts: bytes) -> list[Message]:
    reader = Reader()
    return [message for part in parts for message in reader.feed(part)]


def test_a_message_is_the_same_however_its_bytes_are_cut() -> None:
    text = HEAD + b"Content-Length: 5\r\nX-Amz-Meta-my_key: v\r\n\r\nhello"
    whole = read(text)
    assert read(*(text[number : number + 1] for number in range(len(text)))) == whole
    assert (whole[0].method, whole[0].target, whole[0].body) == ("PUT", "/bucket/key", b"hello")
    assert whole[0].spelled == {"x-amz-meta-my_key": "X-Amz-Meta-my_key"}


def test_messages_of_one_connection_follow_each_other() -> None:
    first, second = read(b"GET /a HTTP/1.1\r\n\r\nGET /b HTTP/1.1\r\nConnection: close\r\n\r\n")
    assert (first.target, first.keep_alive) == ("/a", True)
    assert (second.target, second.keep_alive) == ("/b", False)


def test_http_1_0_closes_unless_it_asks_to_stay() -> None:
    assert not read(b"GET / HTTP/1.0\r\n\r\n")[0].keep_alive
    assert read(b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")[0].keep_alive


def test_a_chunked_body_is_put_together_with_its_trailers_left_out() -> None:
    text = HEAD + b"Transfer-Encoding: chunked\r\n\r\n5;x=1\r\nhello\r\n6\r\n world\r\n0\r\nX-Trailer: 1\r\n\r\n"
    assert [one.body for one in read(text)] == [b"hello world"]
    assert [one.body for one in read(*(text[number : number + 3] for number in range(0, len(text), 3)))] == [
        b"hello world"
    ]


def test_a_client_that_waits_for_the_word_to_go_on_is_told_once() -> None:
    reader = Reader()
    assert list(reader.feed(HEAD + b"Expect: 100-continue\r\nContent-Length: 2\r\n\r\n")) == []
    assert reader.wants_continue
    assert [one.body for one in reader.feed(b"ok")] == [b"ok"]
    assert not reader.wants_continue


@pytest.mark.parametrize(
    ("text", "status"),
    [
        (b"hello\r\n\r\n", 400),
        (b"GET / HTTP/2.0\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nno colon\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n", 501),
        (b"GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 400),
        (b"GET / HTTP/1.1\r\nX: " + b"a" * 70_000, 431),
    ],
)
def test_what_is_not_http_is_refused(text: bytes, status: int) -> None:
    with pytest.raises(BadMessage) as refused:
        read(text)
    assert refused.value.status == status


def test_head_is_answered_with_the_length_of_the_body_that_it_leaves_out() -> None:
    text = response(200, {"Content-Length": "7", "etag": "x"}, b"", head=True, keep_alive=True)
    assert text.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"content-length: 7\r\n" in text
    assert text.endswith(b"\r\n\r\n")


def test_an_answer_without_content_has_neither_length_nor_body() -> None:
    assert b"content-length" not in response(204, {}, b"", head=False, keep_alive=True)


def test_a_header_cannot_end_the_headers() -> None:
    text = response(200, {"x": "a\r\nSet-Cookie: b"}, b"", head=False, keep_alive=True)
    assert b"\r\nSet-Cookie" not in text
