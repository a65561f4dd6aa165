"""Calls a function URL of auth type AWS_IAM with the shell's credentials.

The request is signed for `lambda` in the URL's Region and sent by botocore's own HTTP session: certificates are
verified, redirects are not followed. Source: Lambda Developer Guide, "Invoking Lambda function URLs"; AWS SDKs and
Tools Reference Guide, "Service-specific endpoints" and "Signature Version 4".

A local organisation is reached as by any AWS client. In the same process, handlers of the session's `before-send`
event answer instead of the network: it is emitted here as botocore's clients emit it. From another process the
endpoint of `AWS_ENDPOINT_URL_LAMBDA` or `AWS_ENDPOINT_URL` is connected to instead of the URL's own host, which
then stands in the Host header alone and is what the signature covers.
"""

from __future__ import annotations

import json
import os
from typing import Any
from urllib.parse import urlsplit

from boto3.session import Session
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSPreparedRequest, AWSRequest
from botocore.exceptions import NoCredentialsError
from botocore.hooks import first_non_none_response
from botocore.httpsession import URLLib3Session
from botocore.utils import get_environ_proxies

SERVICE = "lambda"
BEFORE_SEND = "before-send.lambda.InvokeFunctionUrl"
ENDPOINTS = ("AWS_ENDPOINT_URL_LAMBDA", "AWS_ENDPOINT_URL")
CONNECT_SECONDS, READ_SECONDS = 10, 60


class AddressError(ValueError):
    """An address that no signed request is sent to; says why."""


def send(session: Session, url: str, region: str, body: Any) -> tuple[int, Any]:
    """Post a body as JSON; return the status and the answer, parsed where it is JSON, else its text.

    Raises AddressError for a URL that is not HTTPS, and botocore's errors without credentials or without an answer.
    """
    parts = urlsplit(url)
    if parts.scheme != "https" or not parts.hostname or parts.username is not None:
        raise AddressError(f"{url!r} is no HTTPS address")
    request = _signed(session, url, parts.netloc, region, json.dumps(body).encode())
    answer: Any = first_non_none_response(session.events.emit(BEFORE_SEND, request=request))
    if answer is None:
        answer = _sent(request)
    try:
        return answer.status_code, json.loads(answer.content)
    except ValueError:
        return answer.status_code, answer.content.decode("utf-8", "replace")


def _signed(session: Session, url: str, host: str, region: str, body: bytes) -> AWSPreparedRequest:
    credentials = session.get_credentials()
    if credentials is None:
        raise NoCredentialsError
    headers = {"Content-Type": "application/json", "Host": host}
    request = AWSRequest(method="POST", url=url, data=body, headers=headers)
    SigV4Auth(credentials.get_frozen_credentials(), SERVICE, region).add_auth(request)
    return request.prepare()


def _sent(request: AWSPreparedRequest) -> Any:
    """Send a request over the network, to another endpoint where the environment names one."""
    endpoint = next((os.environ[name] for name in ENDPOINTS if os.environ.get(name)), None)
    if endpoint is not None:
        parts = urlsplit(request.url)
        path = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
        request.url = f"{endpoint.rstrip('/')}{path}"
    settings: dict[str, Any] = {
        "verify": os.environ.get("AWS_CA_BUNDLE") or True,
        "proxies": get_environ_proxies(request.url),
        "timeout": (CONNECT_SECONDS, READ_SECONDS),
    }
    session = URLLib3Session(**settings)
    try:
        return session.send(request)
    finally:
        session.close()
