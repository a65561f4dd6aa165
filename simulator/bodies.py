"""Request bodies as the services read them: without the encodings that SDKs put around them.

Source: Amazon S3 API Reference, "Signature Calculations for the Authorization Header: Transferring
Payload in Multiple Chunks" (aws-chunked, signed or with trailing checksums); Smithy, "requestCompression"
(gzip).
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import re
import zlib
from collections.abc import Callable, Mapping

from simulator.call import ServiceError

SIZE = re.compile(rb"([0-9A-Fa-f]{1,16})(?:;[^\r\n]*)?\r\n")
CHUNKED = "aws-chunked"
# S3 keeps an object's own Content-Encoding: there, gzip is the object's and not the request's.
KEEPS_GZIP = ("/s3/aws4_request", "/s3express/aws4_request")


def _crc32(body: bytes) -> bytes:
    return zlib.crc32(body).to_bytes(4)


# CRC32C and CRC64NVME are not in Python's library; a body that names them is taken as it came.
CHECKSUMS: Mapping[str, Callable[[bytes], bytes]] = {
    "x-amz-checksum-crc32": _crc32,
    "x-amz-checksum-sha1": lambda body: hashlib.sha1(body, usedforsecurity=False).digest(),
    "x-amz-checksum-sha256": lambda body: hashlib.sha256(body).digest(),
}


def plain(headers: Mapping[str, str], body: bytes) -> tuple[dict[str, str], bytes]:
    """Return headers and body without aws-chunked and gzip; names of headers are in lower case.

    Raises ServiceError where the body is broken off or does not have its trailing checksum.
    """
    changed = dict(headers)
    encodings = [one.strip() for one in headers.get("content-encoding", "").split(",") if one.strip()]
    if CHUNKED in encodings or headers.get("x-amz-content-sha256", "").startswith("STREAMING-"):
        encodings = [one for one in encodings if one != CHUNKED]
        body, trailers = _unchunked(body)
        _check(body, headers, trailers)
        changed |= trailers | {"x-amz-content-sha256": "UNSIGNED-PAYLOAD"}
        for name in ("x-amz-decoded-content-length", "x-amz-trailer"):
            changed.pop(name, None)
    if encodings == ["gzip"] and not any(one in headers.get("authorization", "") for one in KEEPS_GZIP):
        encodings, body = [], _unzipped(body)
    if encodings:
        changed["content-encoding"] = ",".join(encodings)
    else:
        changed.pop("content-encoding", None)
    if body or "content-length" in changed:
        changed["content-length"] = str(len(body))
    return changed, body


def _unchunked(body: bytes) -> tuple[bytes, dict[str, str]]:
    """Put the chunks together; returns the trailing headers too."""
    parts: list[bytes] = []
    position = 0
    while True:
        written = SIZE.match(body, position)
        size, start = (int(written[1], 16), written.end()) if written else (0, 0)
        if written is None or start + size > len(body):
            raise ServiceError("IncompleteBody", "The request body terminated unexpectedly")
        if size == 0:
            return b"".join(parts), _trailers(body[start:])
        parts.append(body[start : start + size])
        position = start + size + 2


def _trailers(text: bytes) -> dict[str, str]:
    lines = [line.partition(":") for line in text.decode("latin-1").split("\r\n") if ":" in line]
    return {name.strip().lower(): value.strip() for name, _, value in lines if not name.startswith("x-amz-trailer-")}


def _check(body: bytes, headers: Mapping[str, str], trailers: Mapping[str, str]) -> None:
    length = headers.get("x-amz-decoded-content-length")
    if length is not None and length != str(len(body)):
        raise ServiceError("IncompleteBody", "You did not provide the number of bytes specified by the HTTP header")
    for name, value in trailers.items():
        if name in CHECKSUMS and base64.b64encode(CHECKSUMS[name](body)).decode() != value:
            algorithm = name.removeprefix("x-amz-checksum-").upper()
            raise ServiceError("BadDigest", f"The {algorithm} you specified did not match the calculated checksum.")


def _unzipped(body: bytes) -> bytes:
    try:
        return gzip.decompress(body)
    except (OSError, EOFError, zlib.error) as error:
        raise ServiceError("SerializationException", f"The body is not gzip as its header says: {error}") from error
