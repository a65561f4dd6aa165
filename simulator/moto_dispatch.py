"""The way into moto: its backends answer what no service of ours does."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from functools import cache
from typing import Any
from urllib.parse import urlsplit

import moto.core.responses
from moto.backends import get_backend
from moto.core import DEFAULT_ACCOUNT_ID
from moto.core.base_backend import BackendDict
from moto.core.exceptions import HTTPException
from moto.core.request import Request
from moto.core.utils import get_equivalent_url_in_aws_domain
from moto.moto_api._internal import mock_random

from simulator.call import Call, ServiceError
from simulator.wire import Answer

Handler = Callable[..., Any]
MADE_UP_HOST = "palisade.made_up_host"

# moto looks all members of a service's class up at every call, to find one; classes do not change.
moto.core.responses.method_names_from_class = cache(moto.core.responses.method_names_from_class)


@cache
def _routes(service: str) -> tuple[tuple[re.Pattern[str], Handler], ...]:
    """Return moto's URL patterns of a service with their handlers."""
    try:
        backends = get_backend(service)
    except (KeyError, ImportError, AttributeError) as error:
        raise ServiceError(
            "NotImplemented", f"{service} is not part of the local organisation (docs/local-organisation.md)", 501
        ) from error
    backend = backends["global"]
    if isinstance(backends, BackendDict):
        regional = backends[DEFAULT_ACCOUNT_ID]
        backend = regional["us-east-1"] if "us-east-1" in regional else regional["aws"]
    return tuple((re.compile(pattern), handler) for pattern, handler in backend.urls.items())


def answer(call: Call, request: Request, seed: str) -> Answer:
    """Let moto answer a request as the account that owns what it addresses.

    moto takes its ids from one random generator. It is seeded by what the call is, so that ids
    depend on account, Region and parameters and never on the order of calls.
    """
    request.environ["HTTP_X_MOTO_ACCOUNT_ID"] = call.account
    mock_random.seed(int.from_bytes(hashlib.blake2b(seed.encode(), digest_size=8).digest()))
    address = canonical_url(call, request)
    url, _ = get_equivalent_url_in_aws_domain(address)
    clean = f"{url.scheme}://{url.netloc}{url.path}"
    for pattern, handler in _routes(call.service):
        if pattern.match(clean):
            try:
                status, headers, body = handler(request, address, request.headers)
            except HTTPException as error:
                status, headers, body = error.code, dict(error.get_headers()), error.get_body()
            except (NotImplementedError, ModuleNotFoundError) as error:  # the latter: of an extra of moto
                raise ServiceError(
                    "NotImplemented", f"{call.service}:{call.operation} is not simulated: {error}", 501
                ) from error
            raw = body.encode() if isinstance(body, str) else bytes(body or b"")
            headers = {str(name): str(value) for name, value in dict(headers).items() if name.lower() != "status"}
            headers.setdefault("x-amzn-requestid", call.request_id)
            return Answer(int(status), headers, raw)
    raise ServiceError("NotImplemented", f"{call.service}:{call.operation} is not simulated: {clean}", 501)


def canonical_url(call: Call, request: Request) -> str:
    """Return the request's URL at AWS's own host, which clients of a loopback address do not name.

    The port makes up a host from the signature, whose name several services may share. moto takes the Region
    from the host, and GovCloud's of IAM (iam.us-gov) names none.
    """
    raw = str(request.raw_url)
    host, query = urlsplit(raw).netloc, raw.partition("?")[2]
    made_up = MADE_UP_HOST in request.environ or host.startswith(("127.0.0.1", "localhost", "[::1]"))
    if call.service == "iam" or made_up:
        path = f"{request.raw_path}?{query}" if query else request.raw_path
        return f"https://{endpoint_prefix(call.service)}.{call.region}.amazonaws.com{path}"
    return raw


@cache
def endpoint_prefix(service: str) -> str:
    """The first label of a service's host names."""
    from moto.core.utils import get_service_model

    return str(get_service_model(service).endpoint_prefix)
