"""HTTP on one side, parsed calls on the other: which service and operation a request is, and its answer."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any
from urllib.parse import urlencode, urlsplit

from botocore.awsrequest import prepare_request_dict
from botocore.compat import HTTPHeaders
from botocore.exceptions import UnknownServiceError
from botocore.parsers import create_parser
from botocore.serialize import create_serializer
from moto.core.parse import PROTOCOL_PARSERS
from moto.core.request import Request, determine_request_protocol
from moto.core.routing import get_service_router
from moto.core.serialize import get_serializer_class
from moto.core.utils import get_service_model
from werkzeug.exceptions import NotFound

from simulator.call import ServiceError
from simulator.door_request import request_of_client
from simulator.signing import service_named

FORMS = ("", "application/x-www-form-urlencoded")
CREDENTIAL = re.compile(r"Credential=(?P<key>[^/]+)/(?P<date>\d{8})/(?P<region>[^/]+)/(?P<service>[^/]+)/aws4_request")
# Signature version 2 names neither Region nor service; S3 alone still takes it.
OLD_HEADER = re.compile(r"^AWS (?P<key>[^:]+):")


@dataclass(frozen=True, slots=True)
class Scope:
    """What a signature says: access key, Region and service. No key: an anonymous request."""

    access_key: str | None
    region: str
    service: str


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer; `cookies` are set by a header each."""

    status: int
    headers: dict[str, str]
    body: bytes
    cookies: tuple[str, ...] = ()


def scope_of(request: Request, home_region: str) -> Scope:
    """Read the credential scope of a request, from the header or from a presigned URL."""
    authorization = request.headers.get("Authorization", "")
    found = CREDENTIAL.search(authorization)
    if found is None:
        old = OLD_HEADER.match(authorization)
        key = old["key"] if old else request.args.get("AWSAccessKeyId")
        if key and "Action" not in request.args:
            return Scope(key, home_region, "s3")
        presigned = request.args.get("X-Amz-Credential")
        found = CREDENTIAL.search(f"Credential={presigned}") if presigned else None
    if found is None:
        host = urlsplit(request.url).netloc
        if request.args.get("Action") or request.form.get("Action"):
            return Scope(None, home_region, "sts")
        return Scope(None, home_region, "s3" if "s3" in host or "." not in host else host.split(".")[0])
    return Scope(found["key"], found["region"], found["service"])


def service_of(scope: Scope, request: Request) -> str:
    """Find boto3's name of the service that a request is for."""
    return service_named(scope.service, request)


def target_of(request: Request) -> str:
    """Say what a request asks for, where no operation of a model fits it."""
    target = request.headers.get("X-Amz-Target") or request.values.get("Action") or request.path
    return f"{request.method} {target}"


@dataclass(frozen=True, slots=True)
class Wire:
    """The models of one operation: how to read its request and write its answer."""

    service: str
    model: Any
    protocol: str

    @classmethod
    def of(cls, service: str, request: Request) -> tuple[Wire, dict[str, Any]]:
        """Find a request's operation and parse its parameters."""
        try:
            model, labels = get_service_router(service).match(request)
        except UnknownServiceError as error:
            raise ServiceError("NotImplemented", f"no AWS API is called {service!r}", 501) from error
        except (NotFound, NotImplementedError) as error:
            raise ServiceError(
                "UnknownOperationException", f"{service} has no operation for {target_of(request)}", 404
            ) from error
        protocol = determine_request_protocol(model.service_model, request.content_type)
        parser = PROTOCOL_PARSERS[protocol](model)
        parameters = parser.parse(
            {
                "method": request.method,
                "values": request.values,
                "headers": request.headers,
                "body": request.data,
                "url_path": request.path,
                "url_params": labels,
            }
        )
        # moto reads a list that the query string does not have as an empty one.
        for name in [name for name, value in parameters.items() if value == []]:
            if model.input_shape.members[name].serialization.get("location") == "querystring":
                del parameters[name]
        return cls(service, model, protocol), parameters

    @classmethod
    def refusing(cls, service: str, request: Request) -> Wire:
        """Return models to write an error by, where the request is of no operation that is known."""
        try:
            model = get_service_model(service)
        except UnknownServiceError:
            model = get_service_model("sts" if request.content_type in FORMS else "dynamodb")
        try:
            protocol = determine_request_protocol(model, request.content_type)
        except NotImplementedError:
            protocol = str(model.protocol)
        protocol = protocol if protocol in PROTOCOL_PARSERS else "json"
        return cls(model.service_name, model.operation_model(model.operation_names[0]), protocol)

    @classmethod
    def named(cls, service: str, operation: str) -> Wire:
        """Return the models of an operation by its name."""
        model = get_service_model(service)
        return cls(service, model.operation_model(operation), str(model.protocol))

    def write(self, result: Mapping[str, Any], request_id: str) -> Answer:
        """Serialise a response."""
        serialized = get_serializer_class(self.service, self.protocol)(operation_model=self.model).serialize(result)
        shape = self.model.output_shape
        for name, member in shape.members.items() if shape is not None else ():
            # moto's serialisers leave the status of the response out, and every client reads 200 in its place.
            if member.serialization.get("location") == "statusCode" and name in result:
                serialized["status_code"] = result[name]
        return _answer(serialized, request_id)

    def write_error(self, error: ServiceError, request_id: str) -> Answer:
        """Serialise an error, in the protocol of the service."""
        serialized = get_serializer_class(self.service, self.protocol)(operation_model=self.model).serialize(
            _wire_error(error)
        )
        serialized["status_code"] = error.status
        return _answer(serialized, request_id)

    def encode(self, parameters: dict[str, Any], region: str) -> Request:
        """Make the HTTP request of a call that starts inside the simulator."""
        serializer = create_serializer(self.protocol, include_validation=False)
        request_dict = serializer.serialize_to_request(parameters, self.model)
        prefix = self.model.service_model.endpoint_prefix
        host_prefix = (request_dict.get("host_prefix") or "").format(**parameters)
        prepare_request_dict(request_dict, endpoint_url=f"https://{host_prefix}{prefix}.{region}.amazonaws.com")
        headers = {name: value for name, value in request_dict["headers"].items() if value is not None}
        # moto takes an unsigned request for an anonymous one; who calls is the door's business.
        scope = f"INTERNAL/20000101/{region}/{self.model.service_model.signing_name}/aws4_request"
        headers["Authorization"] = f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0"
        body = request_dict["body"]
        if isinstance(body, dict):
            body = urlencode(body)
        elif hasattr(body, "read"):
            body = body.read()
        return request_of_client(request_dict["method"], request_dict["url"], headers.items(), body)

    def decode(self, answer: Answer) -> dict[str, Any]:
        """Read the response of such a call; raises ServiceError where it is an error."""
        parser = create_parser(self.protocol)
        body: Any = answer.body
        if self.model.has_streaming_output:
            parsed = parser.parse(
                {"headers": _lowered(answer), "body": b"", "status_code": 200}, self.model.output_shape
            )
            if answer.status < 300:
                name = self.model.output_shape.serialization["payload"]
                parsed[name] = body
                return dict(parsed)
        parsed = parser.parse(
            {"headers": _lowered(answer), "body": body, "status_code": answer.status}, self.model.output_shape
        )
        if answer.status >= 300:
            failure = parsed.get("Error", {})
            raise ServiceError(failure.get("Code", str(answer.status)), failure.get("Message", ""), answer.status)
        parsed.pop("ResponseMetadata", None)
        return dict(parsed)


def _lowered(answer: Answer) -> Any:
    headers = HTTPHeaders()
    for name, value in answer.headers.items():
        headers[name] = value
    return headers


def _answer(serialized: Mapping[str, Any], request_id: str) -> Answer:
    body = serialized["body"]
    raw = body.encode() if isinstance(body, str) else bytes(body or b"")
    headers = {str(name): str(value) for name, value in serialized["headers"].items()}
    headers.setdefault("x-amzn-requestid", request_id)
    headers.setdefault("x-amz-request-id", request_id)
    raw = re.sub(rb"(?<=<RequestId>)[^<]*(?=</RequestId>)", request_id.encode(), raw)
    return Answer(int(serialized["status_code"]), headers, raw)


@cache
def _error_class() -> Any:
    from moto.core.exceptions import ServiceException

    # Of a module of ours: moto looks for a service named after the package of its own exceptions.
    return type("WireError", (ServiceException,), {"__module__": __name__})


def _wire_error(error: ServiceError) -> Any:
    """Moto's serializers take moto's exceptions; extra modelled fields are attributes of theirs."""
    wired = _error_class()(error.code, error.message)
    for name, value in error.fields.items():
        setattr(wired, name, value)
    return wired
