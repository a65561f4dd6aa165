"""HTTP/1.1 as the loopback port speaks it: bytes in, messages out; no sockets here.

Source: RFC 9112 (message syntax), RFC 9110 section 10.1.1 (Expect).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus

HEAD_BYTES = 65_536
LINE_BYTES = 4_096  # of a chunk's size or a trailer
SIZE = re.compile(rb"([0-9A-Fa-f]{1,16})[ \t]*(?:;|$)")
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class BadMessage(Exception):
    """What came is not HTTP that this port understands; `status` is the answer's."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


@dataclass(frozen=True, slots=True)
class Message:
    """One request. `headers` have names in lower case; `spelled` has those whose spelling matters (S3's metadata)."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes
    keep_alive: bool
    spelled: Mapping[str, str]


class Reader:
    """Puts the messages of one connection together."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._head: Message | None = None
        self._length: int | None = None  # None: chunked
        self._chunks: list[bytes] = []
        self._in_trailer = False
        self.wants_continue = False

    @property
    def between_messages(self) -> bool:
        """Whether nothing of a next message has come."""
        return self._head is None and not self._buffer

    def feed(self, data: bytes) -> Iterator[Message]:
        """Take bytes and yield the messages that are whole; raises BadMessage."""
        self._buffer += data
        while True:
            if self._head is None and not self._start():
                return
            body = self._chunked() if self._length is None else self._sized(self._length)
            if body is None:
                return
            head, self._head, self.wants_continue = self._head, None, False
            assert head is not None  # noqa: S101 - set by _start
            yield Message(head.method, head.target, head.headers, body, head.keep_alive, head.spelled)

    def _start(self) -> bool:
        while self._buffer.startswith(b"\r\n"):  # a line between messages is tolerated
            del self._buffer[:2]
        end = self._buffer.find(b"\r\n\r\n", 0, HEAD_BYTES)
        if end < 0:
            if len(self._buffer) >= HEAD_BYTES:
                raise BadMessage(431, "the request's headers are longer than 64 KB")
            return False
        lines = self._buffer[:end].decode("latin-1").split("\r\n")
        del self._buffer[: end + 4]
        self._head = _head(lines)
        headers = self._head.headers
        self._length = _length(headers)
        self._chunks, self._in_trailer = [], False
        # What has come already needs no invitation.
        self.wants_continue = headers.get("expect", "").lower() == "100-continue" and not self._buffer
        return True

    def _sized(self, length: int) -> bytes | None:
        if len(self._buffer) < length:
            return None
        body = bytes(self._buffer) if len(self._buffer) == length else bytes(self._buffer[:length])
        del self._buffer[:length]
        return body

    def _chunked(self) -> bytes | None:
        while not self._in_trailer:
            end = self._buffer.find(b"\r\n", 0, LINE_BYTES)
            if end < 0:
                self._bounded()
                return None
            written = SIZE.match(self._buffer[:end])
            if written is None:
                raise BadMessage(400, "a chunk of the body has no size")
            size = int(written[1], 16)
            if size == 0:
                del self._buffer[: end + 2]
                self._in_trailer = True
                break
            if len(self._buffer) < end + size + 4:
                return None
            self._chunks.append(bytes(self._buffer[end + 2 : end + 2 + size]))
            del self._buffer[: end + size + 4]
        while True:
            end = self._buffer.find(b"\r\n", 0, LINE_BYTES)
            if end < 0:
                self._bounded()
                return None
            del self._buffer[: end + 2]
            if end == 0:
                return b"".join(self._chunks)

    def _bounded(self) -> None:
        if len(self._buffer) >= LINE_BYTES:
            raise BadMessage(400, "a line of the chunked body is too long")


def _head(lines: list[str]) -> Message:
    parts = lines[0].split(" ")
    if len(parts) != 3 or not parts[2].startswith("HTTP/1."):
        raise BadMessage(400, f"not an HTTP/1.1 request: {lines[0][:80]!r}")
    method, target, version = parts
    headers: dict[str, str] = {}
    spelled: dict[str, str] = {}
    for line in lines[1:]:
        name, colon, value = line.partition(":")
        if not colon or not name or name != name.strip():
            raise BadMessage(400, f"not a header: {line[:80]!r}")
        lower = name.lower()
        value = value.strip()
        headers[lower] = f"{headers[lower]},{value}" if lower in headers else value
        if "_" in name:
            spelled[lower] = name
    connection = headers.get("connection", "").lower()
    keep_alive = "close" not in connection if version == "HTTP/1.1" else "keep-alive" in connection
    return Message(method, target, headers, b"", keep_alive, spelled)


def _length(headers: Mapping[str, str]) -> int | None:
    """The body's length; None for a chunked one."""
    encoding = headers.get("transfer-encoding")
    if encoding is not None:
        if encoding.lower() != "chunked":
            raise BadMessage(501, f"transfer encoding {encoding!r} is not understood")
        return None
    text = headers.get("content-length", "0")
    if not text.isascii() or not text.isdigit():
        raise BadMessage(400, f"content length {text!r} is not a number")
    return int(text)


def response(
    status: int,
    headers: Mapping[str, str],
    body: bytes,
    *,
    head: bool,
    keep_alive: bool,
    cookies: tuple[str, ...] = (),
) -> bytes:
    """Write an answer; to HEAD without its body, but with the length that the answer to GET would have."""
    try:
        phrase = HTTPStatus(status).phrase
    except ValueError:
        phrase = "Unknown"
    lines = [f"HTTP/1.1 {status} {phrase}"]
    bodiless = status in (204, 304) or status < 200
    length = None if bodiless else str(len(body))
    for name, value in (*headers.items(), *(("set-cookie", cookie) for cookie in cookies)):
        lower = name.lower()
        if lower == "content-length" and head and not bodiless:
            length = value
        if lower in ("content-length", "connection", "transfer-encoding"):
            continue
        lines.append(f"{name}: {value}".replace("\r", " ").replace("\n", " "))
    if length is not None:
        lines.append(f"content-length: {length}")
    if not keep_alive:
        lines.append("connection: close")
    start = ("\r\n".join(lines) + "\r\n\r\n").encode("utf-8")
    return start if head or bodiless else start + body
