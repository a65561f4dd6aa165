"""The encodings that SDKs put around request bodies."""

from __future__ import annotations

import base64
import gzip
import zlib

import pytest

from simulator.bodies import plain
from simulator.call import ServiceError

S3 = "AWS4-HMAC-SHA256 Credential=A/20260105/eu-west-1/s3/aws4_request, SignedHeaders=host, Signature=0"
OTHER = S3.replace("/s3/", "/monitoring/")
TRAILER = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"


def crc32(body: bytes) -> str:
    return base64.b64encode(zlib.crc32(body).to_bytes(4)).decode()


def framed(body: bytes, checksum: str) -> bytes:
    return b"%x\r\n%s\r\n0\r\nx-amz-checksum-crc32:%s\r\n\r\n" % (len(body), body, checksum.encode())


def test_chunks_with_a_trailing_checksum_become_the_body_and_a_header() -> None:
    given = {
        "content-encoding": "aws-chunked",
        "x-amz-content-sha256": TRAILER,
        "x-amz-trailer": "x-amz-checksum-crc32",
        "x-amz-decoded-content-length": "5",
    }
    headers, body = plain(given, framed(b"hello", crc32(b"hello")))
    assert body == b"hello"
    assert headers == {
        "x-amz-content-sha256": "UNSIGNED-PAYLOAD",
        "x-amz-checksum-crc32": crc32(b"hello"),
        "content-length": "5",
    }


def test_signed_chunks_are_read_by_their_sizes() -> None:
    text = b"5;chunk-signature=ab\r\nhello\r\n1;chunk-signature=cd\r\n!\r\n0;chunk-signature=ef\r\n\r\n"
    assert plain({"x-amz-content-sha256": "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"}, text)[1] == b"hello!"


def test_an_objects_own_encoding_stays_beside_the_chunks() -> None:
    given = {"content-encoding": "gzip,aws-chunked", "authorization": S3}
    headers, body = plain(given, framed(b"zipped", crc32(b"zipped")))
    assert (headers["content-encoding"], body) == ("gzip", b"zipped")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (framed(b"hello", crc32(b"other")), "BadDigest"),
        (framed(b"hello", crc32(b"hello"))[:6], "IncompleteBody"),
        (b"no chunks", "IncompleteBody"),
        (b"-1\r\n", "IncompleteBody"),
    ],
)
def test_a_broken_body_is_refused_as_s3_does(body: bytes, code: str) -> None:
    with pytest.raises(ServiceError) as refused:
        plain({"x-amz-content-sha256": TRAILER}, body)
    assert refused.value.code == code


def test_a_body_that_is_shorter_than_announced_is_refused() -> None:
    given = {"x-amz-content-sha256": TRAILER, "x-amz-decoded-content-length": "6"}
    with pytest.raises(ServiceError) as refused:
        plain(given, framed(b"hello", crc32(b"hello")))
    assert refused.value.code == "IncompleteBody"


def test_gzip_around_a_request_is_undone_but_a_gzipped_object_stays() -> None:
    zipped = gzip.compress(b"{}")
    given = {"content-encoding": "gzip", "content-length": str(len(zipped))}
    assert plain({**given, "authorization": OTHER}, zipped) == ({"authorization": OTHER, "content-length": "2"}, b"{}")
    assert plain({**given, "authorization": S3}, zipped) == ({**given, "authorization": S3}, zipped)


def test_what_says_that_it_is_gzip_and_is_not_is_refused() -> None:
    with pytest.raises(ServiceError) as refused:
        plain({"content-encoding": "gzip"}, b"plain")
    assert refused.value.code == "SerializationException"
