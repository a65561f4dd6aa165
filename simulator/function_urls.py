"""Requests to function URLs at the front door: whose they are by their signature, and how they are answered.

A function URL has a host name of its own, `<id>.lambda-url.<region>.on.aws`. Unlike other requests, one to a function
URL is let in by a signature that is checked. Source: Lambda Developer Guide, "Control access to Lambda function URLs"
and "Invoking Lambda function URLs".
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from moto.core.request import Request

from simulator.call import Call, Caller, ServiceError
from simulator.iam.denials import credential_error
from simulator.services.lambda_functions import LambdaFunctions
from simulator.signature import Signature
from simulator.wire import Answer
from simulator.world import partition_of

if TYPE_CHECKING:
    from simulator.identity import Identities
    from simulator.world import World

HOST = re.compile(r"(?P<id>[a-z0-9]{1,63})\.lambda-url\.(?P<region>[a-z0-9-]+)\.on\.aws")
OPERATION = "InvokeFunctionUrl"  # of IAM alone: no API has an operation of this name
GUIDE = "https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html"
FORBIDDEN = f"Forbidden. For troubleshooting Function URL authorization issues, see: {GUIDE}"
MISMATCH = (
    "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key "
    "and signing method. Consult the service documentation for details."
)
NOBODY = Caller("anonymous", "", "anonymous")


@dataclass(frozen=True, slots=True)
class UrlWire:
    """How an invocation by URL and its errors are written; there is no service model of them."""

    def write(self, result: Mapping[str, Any], request_id: str) -> Answer:
        """Write what came of an invocation."""
        headers = {**result["headers"], "x-amzn-RequestId": request_id}
        return Answer(result["statusCode"], headers, result["body"], result["cookies"])

    def write_error(self, error: ServiceError, request_id: str) -> Answer:
        """Write why there was none: denials in one word that tells nothing of policies."""
        body: dict[str, str | None] = {"message": error.message}
        if error.status == 403 and error.code == "AccessDeniedException":
            body = {"Message": FORBIDDEN} if error.message else {"Message": None}
        headers = {
            "content-type": "application/json",
            "x-amzn-RequestId": request_id,
            "x-amzn-ErrorType": error.code,
        }
        return Answer(error.status, headers, json.dumps(body, separators=(",", ":")).encode())


class FunctionUrls:
    """Tells requests to function URLs from others, and who makes them."""

    def __init__(self, world: World, identities: Identities) -> None:
        self.world = world
        self.identities = identities
        self.wire = UrlWire()

    def call(self, request: Request) -> Call | None:
        """The call that a request to a function URL is, by nobody yet; None for any other request."""
        found = HOST.fullmatch(request.host.partition(":")[0].lower())
        if found is None:
            return None
        region = found["region"]
        parameters: dict[str, Any] = {
            "UrlId": found["id"],
            "Method": request.method,
            "Path": request.raw_path,
            "Query": request.query_string.decode("latin-1"),
            "Body": request.get_data(),
        }
        return Call("lambda", OPERATION, parameters, region, partition_of(region), "", NOBODY, request)

    def identify(self, call: Call) -> None:
        """Find the function and who calls it; raises ServiceError."""
        url = self.world.service(LambdaFunctions).urls.find(call.parameters["UrlId"], call.region)
        if url is None:
            raise ServiceError("AccessDeniedException", "", 403)
        call.account = url.function.account
        call.parameters |= {"FunctionName": url.function.arn, "FunctionUrlAuthType": url.auth_type}
        if url.auth_type == "NONE":
            return
        signature = Signature.of(call.request)
        if signature is None:
            raise ServiceError("AccessDeniedException", FORBIDDEN, 403)
        call.parameters["AccessKey"] = signature.key
        call.caller = self._signer(signature, call)

    def _signer(self, signature: Signature, call: Call) -> Caller:
        if signature.service != call.service:
            raise _unsigned(f"Credential should be scoped to correct service: '{call.service}'.")
        if signature.region != call.region:
            raise _unsigned("Credential should be scoped to a valid region.")
        try:
            caller = self.identities.caller(signature.key)
            if caller.issued is not None:
                self.identities.check_token(signature.key, call.request.headers.get("X-Amz-Security-Token"))
        except ServiceError as error:
            raise credential_error(call.service, error) from error
        if not signature.proves(call.request, self.identities.secret(signature.key)):
            raise _unsigned(MISMATCH)
        return caller


def _unsigned(why: str) -> ServiceError:
    return ServiceError("InvalidSignatureException", why, 403)
