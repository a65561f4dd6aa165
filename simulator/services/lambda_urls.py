"""Function URLs of the local organisation: their configuration, and what a request to one makes of a function.

Source: Lambda Developer Guide, "Creating and managing Lambda function URLs", "Invoking Lambda function URLs".
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from simulator.call import Call, ServiceError, not_simulated
from simulator.services.lambda_invocations import Invocations
from simulator.services.lambda_state import Function, invalid
from simulator.services.lambda_url_payloads import PAYLOAD_BYTES, event_of, response_of

if TYPE_CHECKING:
    from simulator.world import World

DOMAIN = "on.aws"
# Where AWS's page on function URLs says that there are none.
WITHOUT = frozenset(
    {
        "ap-east-2", "ap-south-2", "ap-southeast-4", "ap-southeast-5", "ap-southeast-6", "ap-southeast-7", "ca-west-1",
        "eu-central-2", "eu-south-2", "il-central-1", "me-central-1",
    }
)  # fmt: skip
# Of the other partitions no page says which domain their function URLs would have.
PARTITIONS = ("aws", "aws-us-gov")


@dataclass(slots=True)
class FunctionUrl:
    """The URL of one function. `auth_type` is "AWS_IAM" or "NONE"."""

    id: str
    function: Function
    auth_type: str
    cors: dict[str, Any] | None
    created: datetime
    modified: datetime

    @property
    def host(self) -> str:
        """The host name that the function is called by."""
        return f"{self.id}.lambda-url.{self.function.region}.{DOMAIN}"

    def configuration(self) -> dict[str, Any]:
        """The configuration as the API shows it."""
        shown = {
            "FunctionUrl": f"https://{self.host}/",
            "FunctionArn": self.function.arn,
            "AuthType": self.auth_type,
            "CreationTime": _written(self.created),
            "LastModifiedTime": _written(self.modified),
            "InvokeMode": "BUFFERED",
        }
        return {**shown, "Cors": dict(self.cors)} if self.cors else shown


class Urls:
    """The function URLs of all accounts and Regions."""

    def __init__(self, world: World, invocations: Invocations) -> None:
        self.world = world
        self.invocations = invocations
        self._urls: dict[str, FunctionUrl] = {}
        self._made: Counter[str] = Counter()

    def create(self, call: Call, function: Function) -> dict[str, Any]:
        """Give a function its URL; one that is made anew has another address."""
        _check(call)
        if call.partition not in PARTITIONS:
            raise not_simulated(f"function URLs of partition {call.partition}", several=True)
        if call.region in WITHOUT:
            raise invalid(f"Function URLs are not supported in {call.region}")
        if self._of(function) is not None:
            raise ServiceError(
                "ResourceConflictException",
                f"Failed to create function url config for [functionArn = {function.arn}]. Error message:  "
                "FunctionUrlConfig exists for this Lambda function",
                409,
            )
        self._made[function.arn] += 1
        digest = hashlib.blake2b(f"{function.arn}#{self._made[function.arn]}".encode(), digest_size=20).digest()
        now = self.world.agenda.now()
        parameters = call.parameters
        made = FunctionUrl(
            base64.b32encode(digest).decode().lower(),
            function,
            parameters["AuthType"],
            dict(parameters["Cors"]) if parameters.get("Cors") else None,
            now,
            now,
        )
        self._urls[made.id] = made
        answer = made.configuration()
        del answer["LastModifiedTime"]  # no member of this one answer
        return answer

    def of(self, call: Call, function: Function) -> FunctionUrl:
        """The URL of a function; raises ServiceError where it has none."""
        _check(call)
        found = self._of(function)
        if found is None:
            raise ServiceError("ResourceNotFoundException", "The resource you requested does not exist.", 404)
        return found

    def update(self, call: Call, function: Function) -> dict[str, Any]:
        """Change what is given; CORS settings are replaced as a whole."""
        url, parameters = self.of(call, function), call.parameters
        url.auth_type = parameters.get("AuthType") or url.auth_type
        if parameters.get("Cors") is not None:
            url.cors = dict(parameters["Cors"])
        url.modified = self.world.agenda.now()
        return url.configuration()

    def delete(self, call: Call, function: Function) -> dict[str, Any]:
        """Take a function's URL away."""
        del self._urls[self.of(call, function).id]
        return {}

    def configurations(self, function: Function) -> list[dict[str, Any]]:
        """The URLs of a function: it has one at most, for it has no aliases."""
        found = self._of(function)
        return [] if found is None else [found.configuration()]

    def forget(self, function: Function) -> None:
        """A function that is deleted takes its URL along."""
        found = self._of(function)
        if found is not None:
            del self._urls[found.id]

    def find(self, identifier: str, region: str) -> FunctionUrl | None:
        """The URL of an id; None where the Region has none of it."""
        found = self._urls.get(identifier)
        return found if found is not None and found.function.region == region else None

    def invoke(self, call: Call) -> dict[str, Any]:
        """Run the function with the request as its event; return status, headers, cookies and body (bytes)."""
        url = self._urls[call.parameters["UrlId"]]
        if url.function.concurrency == 0:
            # Lambda Developer Guide, "Throttling function URLs": so URLs are deactivated.
            raise ServiceError("TooManyRequestsException", "Rate Exceeded.", 429)
        event = event_of(call, url.host, url.auth_type, self.world)
        size = len(json.dumps(event).encode())
        if size > PAYLOAD_BYTES:
            text = f"Request must be smaller than {PAYLOAD_BYTES} bytes for the InvokeFunction operation"
            raise ServiceError("RequestEntityTooLargeException", text, 413)
        return response_of(self.invocations.run(url.function, event, call.request_id))

    def _of(self, function: Function) -> FunctionUrl | None:
        return next((one for one in self._urls.values() if one.function is function), None)


def _check(call: Call) -> None:
    """Refuse aliases, which functions do not have here, and streams; raises ServiceError."""
    parameters = call.parameters
    if qualifier := parameters.get("Qualifier"):
        raise ServiceError("ResourceNotFoundException", f"Cannot find alias: {qualifier}", 404)
    if parameters.get("InvokeMode") == "RESPONSE_STREAM":
        raise not_simulated("function URLs that stream", several=True)


def _written(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%f") + "Z"
