"""In-process clients enter the front door here: a botocore hook before a request would be sent.

It is registered once, with the handlers that every botocore session made afterwards gets, and lets
requests pass while no organisation is open.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from functools import cache
from inspect import CO_VARKEYWORDS
from typing import Any

import botocore.hooks
import botocore.loaders
import botocore.session
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.client import ClientCreator
from botocore.compat import HTTPHeaders, accepts_kwargs
from botocore.exceptions import ReadTimeoutError
from botocore.handlers import BUILTIN_HANDLERS
from botocore.hooks import EVENT_ALIASES, EventAliaser
from botocore.loaders import Loader, create_loader
from botocore.model import ServiceModel
from moto.core.request import Request

from simulator.door_request import request_of_client
from simulator.faults import NoAnswer
from simulator.wire import Answer

_doors: list[Callable[[Request], Answer]] = []


class _Body(io.BytesIO):
    """The raw body that botocore streams from."""

    def stream(self, **_: Any) -> Any:
        while chunk := self.read(65536):
            yield chunk


def enter(request: AWSPreparedRequest, **_: Any) -> AWSResponse | None:
    """Answer a request of an in-process client, or let it pass where no organisation is open."""
    if not _doors:
        return None
    body: Any = request.body
    if hasattr(body, "read"):
        body = body.read()
    try:
        answer = _doors[-1](request_of_client(request.method, request.url, request.headers.items(), body))
    except NoAnswer as silence:
        raise ReadTimeoutError(endpoint_url=request.url) from silence
    headers = HTTPHeaders()
    for name, value in answer.headers.items():
        headers[name] = value
    if answer.cookies:
        headers["set-cookie"] = ", ".join(answer.cookies)  # as botocore's own HTTP session shows several
    return AWSResponse(request.url, answer.status, headers, _Body(answer.body))


def open_door(handle: Callable[[Request], Answer]) -> None:
    """Send the requests of in-process clients to a door, until it is closed."""
    _doors.append(handle)


def close_door(handle: Callable[[Request], Answer]) -> None:
    """Stop sending requests to a door."""
    _doors.remove(handle)


@cache
def _shared_loader(search_path: str | None = None) -> Loader:
    """One loader of service models for every session of the process.

    Each function of each account and Region has a session of its own; the models they parse are equal
    and never changed, and EC2's alone takes some 50 MB.
    """
    return create_loader(search_path)


# By both names: botocore's sessions know one, a function that hands its sessions a loader the other.
botocore.loaders.create_loader = botocore.session.create_loader = _shared_loader


def _create_methods(creator: ClientCreator, service_model: ServiceModel) -> dict[str, Any]:
    """Make the methods of a service's clients once: functions start cold every hour, and EC2 alone has 700."""
    key = (service_model.service_name, service_model.api_version)
    if key not in _methods:
        _methods[key] = _made_methods(creator, service_model)
    return dict(_methods[key])  # handlers of a session add to it


_methods: dict[tuple[str, str], dict[str, Any]] = {}
_creator: Any = ClientCreator
_made_methods = _creator._create_methods
_creator._create_methods = _create_methods


def _accepts_keywords(function: Any) -> bool:
    """Whether a handler takes any keyword; botocore asks `inspect`, for each of a session's 140 handlers."""
    code = getattr(function, "__code__", None)
    return bool(_inspected(function)) if code is None else bool(code.co_flags & CO_VARKEYWORDS)


_inspected = accepts_kwargs
_hooks: Any = botocore.hooks
_hooks.accepts_kwargs = _accepts_keywords


def _aliased(aliaser: Any, event: str) -> str:
    """Give an event its service's present name once in a process: each session has the same names to look up."""
    if aliaser._event_aliases is not EVENT_ALIASES:
        return str(_found_alias(aliaser, event))
    if event not in _aliases:
        _aliases[event] = _found_alias(aliaser, event)
    return _aliases[event]


_aliases: dict[str, str] = {}
_aliaser: Any = EventAliaser
_found_alias = _aliaser._alias_event_name
_aliaser._alias_event_name = _aliased

BUILTIN_HANDLERS.append(("before-send", enter))
