"""From a message of the loopback port to the request that the front door takes.

The front door sees AWS's own host names, whichever way a client came: by the endpoint, by the endpoint
as a proxy, or with a bucket or an account in the host name.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from urllib.parse import unquote, urlsplit

from botocore.exceptions import UnknownServiceError
from moto.core.request import Request, environ_key_for_header

from simulator.bodies import plain
from simulator.door_request import request_to
from simulator.moto_dispatch import MADE_UP_HOST, endpoint_prefix
from simulator.port_http import BadMessage, Message
from simulator.signing import ACCOUNT_PATH, first_service
from simulator.wire import CREDENTIAL

# Never resolved: clients reach it by the endpoint as their proxy alone, and nothing outside if they do not.
PROXIED_DOMAIN = "palisade.invalid"
AWS_HOST = re.compile(r"\.(?:amazonaws\.com(?:\.cn)?|api\.aws)$")
# A client has to send it as Host: the name in the address of the port leads to no function.
FUNCTION_HOST = re.compile(r"\.lambda-url\.[a-z0-9-]+\.on\.aws$", re.IGNORECASE)
LOOPBACK = re.compile(r"^(?P<prefix>(?:.*[.-])?)(?:127\.0\.0\.1|localhost|\[::1\])$")
FORM = "application/x-www-form-urlencoded"
PORT = re.compile(r":\d+$")
# Headers that say how a body is wrapped.
ENCODINGS = frozenset({"content-encoding", "x-amz-content-sha256", "x-amz-decoded-content-length"})
S3_LABEL = re.compile(r"\.s3(?:[.-][a-z0-9-]+)?\.$")


def request_of(message: Message, home_region: str) -> Request:
    """Make the door's request; raises ServiceError for a broken body and BadMessage for what is not for AWS."""
    proxied = "://" in message.target
    target = urlsplit(message.target if proxied else f"http://here{_path_only(message.target)}")
    given = target.netloc if proxied else message.headers.get("host", "")
    headers, body = _read(message, PORT.sub("", given))
    region, service = _scope(headers, target.query, body, home_region)
    host = _host(PORT.sub("", given), target.path, region, service)
    request = request_to(
        host,
        (message.method, target.path or "/", target.query),
        headers.items(),
        body,
        spelled={environ_key_for_header(name): name for name in message.spelled.values() if _is_metadata(name)},
    )
    if host == f"{_label(service)}.{region}.amazonaws.com" and not AWS_HOST.search(PORT.sub("", given)):
        request.environ[MADE_UP_HOST] = True
    return request


def _read(message: Message, host: str) -> tuple[dict[str, str], bytes]:
    """Headers and body as the service reads them: a function gets, and a signature covers, what was sent."""
    if not FUNCTION_HOST.search(host):
        return plain(message.headers, message.body)
    return {**message.headers, "content-length": str(len(message.body))}, message.body


def _path_only(target: str) -> str:
    if not target.startswith("/"):
        raise BadMessage(400, f"not a path: {target[:80]!r}")
    return target


def _is_metadata(name: str) -> bool:
    return name.lower().startswith("x-amz-meta-")


def _host(given: str, path: str, region: str, service: str) -> str:
    """AWS's host name for what a client addressed."""
    if AWS_HOST.search(given) or FUNCTION_HOST.search(given):
        return given
    account_host = given.removesuffix(f".s3-control.{PROXIED_DOMAIN}")
    if account_host != given:
        return f"{account_host}.s3-control.{region}.amazonaws.com"
    local = LOOPBACK.match(given)
    if local is None:
        raise BadMessage(502, f"{given[:80]!r} is no AWS host, and this port is no proxy for others")
    prefix = local["prefix"]
    if service == "s3" and path.startswith(ACCOUNT_PATH):
        return f"{prefix}s3-control.{region}.amazonaws.com"
    if service == "s3" and prefix:
        prefix = S3_LABEL.sub(".", prefix)
    return f"{prefix}{_label(service)}.{region}.amazonaws.com"


def _scope(headers: Mapping[str, str], query: str, body: bytes, home_region: str) -> tuple[str, str]:
    """Region and signing name; what is not signed is S3's, or STS's where it names an action."""
    found = CREDENTIAL.search(headers.get("authorization", ""))
    if found is None and "X-Amz-Credential=" in query:
        found = CREDENTIAL.search(unquote(query).replace("X-Amz-Credential=", "Credential="))
    if found is not None:
        return found["region"], found["service"]
    asks = "Action=" in query or (headers.get("content-type", "").startswith(FORM) and b"Action=" in body)
    return home_region, "sts" if asks else "s3"


@lru_cache(maxsize=1024)
def _label(signing_name: str) -> str:
    """The first label of the host names of a signing name's services; of an unknown one, itself."""
    if signing_name == "elasticloadbalancing":
        return signing_name
    try:
        return endpoint_prefix(first_service(signing_name))
    except UnknownServiceError:
        return signing_name
