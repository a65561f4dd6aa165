"""The request that the front door takes, made of its parts at once: moto's own way goes by a test client's.

Source of the names: PEP 3333, and moto's `Request`, which adds how headers were spelled.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping
from urllib.parse import unquote_to_bytes, urlsplit

from moto.core.request import (
    PRESERVED_HEADER_NAMES_ENVIRON_KEY,
    Request,
    environ_key_for_header,
    should_preserve_original_header_name,
)

NOT_FOR_SERVICES = "transfer-encoding"  # the body is whole


def request_to(
    host: str,
    target: tuple[str, str, str],
    headers: Iterable[tuple[str, str]],
    body: bytes,
    *,
    scheme: str = "https",
    spelled: Mapping[str, str] | None = None,
) -> Request:
    """Make a request to a host; `target` is its method, its path as it is on the wire, and its query.

    `spelled` has the spelling of headers that are told by it, by their name in the environment.
    """
    method, path, query = target
    raw = f"{path}?{query}" if query else path
    environ: dict[str, object] = {
        "REQUEST_METHOD": method,
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(path).decode("latin-1"),
        "QUERY_STRING": query,
        "RAW_URI": raw,
        "REQUEST_URI": raw,
        "SERVER_NAME": host,
        "SERVER_PORT": "443",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "wsgi.url_scheme": scheme,
        "wsgi.input": io.BytesIO(body),
        PRESERVED_HEADER_NAMES_ENVIRON_KEY: spelled or {},
    }
    for name, value in headers:
        if name.lower() != NOT_FOR_SERVICES:
            key = environ_key_for_header(name)
            environ[key] = f"{environ[key]}, {value}" if key in environ else value
    environ["HTTP_HOST"] = host
    environ["CONTENT_LENGTH"] = str(len(body))
    return Request(environ)


def request_of_client(
    method: str, url: str, headers: Iterable[tuple[str, str | bytes]], body: bytes | str | None
) -> Request:
    """Make the request that a client of this process would send."""
    address = urlsplit(url)
    texts = [(name, value.decode() if isinstance(value, bytes) else value) for name, value in headers]
    return request_to(
        address.netloc,
        (method, address.path or "/", address.query),
        texts,
        body.encode() if isinstance(body, str) else bytes(body or b""),
        scheme=address.scheme,
        spelled={environ_key_for_header(name): name for name, _ in texts if should_preserve_original_header_name(name)},
    )
