"""Payload format 2.0 of function URLs: an HTTP request as a function's event, its answer as an HTTP response.

Source: Lambda Developer Guide, "Invoking Lambda function URLs", request and response payload format; "Lambda quotas".
What the page lets Lambda leave out instead of null is left out: the fields that function URLs do not use.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from simulator.call import Call, Caller
from simulator.lambda_runner import Outcome

if TYPE_CHECKING:
    from simulator.world import World

PAYLOAD_BYTES = 6_291_456  # of a request and of a response
LOOPBACK = "127.0.0.1"
TEXTS = ("text", "json", "xml", "javascript")  # kinds of content that are not taken for binary
# Read by Lambda, told to the function in fields of their own or not at all.
HIDDEN = frozenset({"authorization", "cookie", "content-length", "connection", "expect"})
FAILED: dict[str, Any] = {
    "statusCode": 502,
    "headers": {"content-type": "application/json"},
    "cookies": (),
    "body": b"Internal Server Error",
}


def event_of(call: Call, host: str, auth_type: str, world: World) -> dict[str, Any]:
    """Write a request as the function's event; its signature is not part of it."""
    request, now = call.request, world.agenda.now()
    query, path = request.query_string.decode("latin-1"), request.raw_path
    given = {name.lower(): value for name, value in request.headers.items()}
    headers = {name: value for name, value in given.items() if name not in HIDDEN}
    trace = hashlib.blake2b(call.request_id.encode(), digest_size=12).hexdigest()
    headers |= {
        "host": host,
        "x-amzn-trace-id": f"Root=1-{int(now.timestamp()):08x}-{trace}",
        "x-forwarded-for": LOOPBACK,
        "x-forwarded-port": "443",
        "x-forwarded-proto": "https",
    }
    identifier = host.partition(".")[0]
    context: dict[str, Any] = {
        "accountId": call.account,
        "apiId": identifier,
        "domainName": host,
        "domainPrefix": identifier,
        "http": {
            "method": request.method,
            "path": path,
            "protocol": "HTTP/1.1",
            "sourceIp": LOOPBACK,
            "userAgent": given.get("user-agent", ""),
        },
        "requestId": call.request_id,
        "routeKey": "$default",
        "stage": "$default",
        "time": now.strftime("%d/%b/%Y:%H:%M:%S +0000"),
        "timeEpoch": int(now.timestamp() * 1000),
    }
    if auth_type == "AWS_IAM":
        context["authorizer"] = {"iam": _identity(call.caller, call.parameters["AccessKey"], world)}
    event: dict[str, Any] = {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": query,
        "headers": headers,
        "requestContext": context,
        "isBase64Encoded": False,
    }
    if cookies := [one.strip() for one in given.get("cookie", "").split(";") if one.strip()]:
        event["cookies"] = cookies
    if query:
        event["queryStringParameters"] = _parameters(query)
    if body := request.get_data():
        event |= _body(body, given.get("content-type", ""))
    return event


def _identity(caller: Caller, access_key: str, world: World) -> dict[str, Any]:
    return {
        "accessKey": access_key,
        "accountId": caller.account,
        "callerId": caller.unique_id or caller.account,
        "cognitoIdentity": None,
        "principalOrgId": world.organization_id if caller.account in world.accounts else None,
        "userArn": caller.arn,
        "userId": caller.unique_id or caller.account,
    }


def _parameters(query: str) -> dict[str, str]:
    """The parameters of a query by name; values of one name are joined by commas."""
    found: dict[str, str] = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        found[name] = f"{found[name]},{value}" if name in found else value
    return found


def _body(body: bytes, kind: str) -> dict[str, Any]:
    if any(text in kind for text in TEXTS):
        try:
            return {"body": body.decode()}
        except UnicodeDecodeError:  # no text, whatever it is called: sent as any binary
            pass
    return {"body": base64.b64encode(body).decode(), "isBase64Encoded": True}


def response_of(outcome: Outcome) -> dict[str, Any]:
    """Read a function's answer as an HTTP response: status, headers, cookies, body (bytes)."""
    answer = outcome.payload
    if outcome.failed or len(json.dumps(answer).encode()) > PAYLOAD_BYTES:
        return FAILED
    if not isinstance(answer, dict) or "statusCode" not in answer:
        return {**FAILED, "statusCode": 200, "body": json.dumps(answer).encode()}
    status, headers, cookies = answer["statusCode"], answer.get("headers") or {}, answer.get("cookies") or []
    body = _written(answer.get("body"), encoded=bool(answer.get("isBase64Encoded")))
    if body is None or not _is_status(status) or not _are_headers(headers) or not _are_texts(cookies):
        return FAILED
    named = {"content-type": "application/json", **{str(name).lower(): _said(one) for name, one in headers.items()}}
    return {"statusCode": int(status), "headers": named, "cookies": tuple(cookies), "body": body}


def _is_status(value: Any) -> bool:
    try:
        return not isinstance(value, bool) and 100 <= int(value) <= 599
    except (TypeError, ValueError):
        return False


def _are_headers(value: Any) -> bool:
    return isinstance(value, dict) and all(isinstance(one, (str, int, float)) for one in value.values())


def _are_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(one, str) for one in value)


def _said(value: str | float) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _written(body: Any, *, encoded: bool) -> bytes | None:
    """The body's bytes; None where it is not what it says."""
    if body is None:
        return b""
    if not isinstance(body, str):
        return json.dumps(body).encode()
    if not encoded:
        return body.encode()
    try:
        return base64.b64decode(body, validate=True)
    except binascii.Error:
        return None
