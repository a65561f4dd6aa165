"""Callers without a signature: web identities, by the token that their provider issued.

Source: STS API Reference, "AssumeRoleWithWebIdentity"; IAM User Guide, "IAM and AWS STS condition context keys",
section "Available keys for AWS web identity federation", and "Pass session tags in AWS STS". The signature of a
token is not checked: there is nobody to ask for the provider's keys.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from simulator.call import Call, Caller, ServiceError, not_simulated
from simulator.iam.backends import backends
from simulator.iam.patterns import Context, Value

if TYPE_CHECKING:
    from simulator.world import World

OPERATION = "AssumeRoleWithWebIdentity"
TAGS, SOURCE_IDENTITY = "https://aws.amazon.com/tags", "https://aws.amazon.com/source_identity"


def unsigned_caller(call: Call, world: World) -> Caller:
    """Return who makes a call that needs no signature; raises ServiceError.

    What the token says of tags and source identity becomes a parameter of the call, as AssumeRole has them.
    """
    if (call.service, call.operation) != ("sts", OPERATION):
        raise not_simulated(f"{call.service}:{call.operation} without a signature")
    claims = claims_of(call.parameters["WebIdentityToken"])
    account = str(call.parameters["RoleArn"]).split(":")[4]
    arn = f"arn:{call.partition}:iam::{account}:oidc-provider/{_issuer(claims)}"
    provider = backends("iam")[account][world.partition].open_id_providers.get(arn)
    if provider is None:
        raise _invalid(f"No OpenIDConnect provider found in your account for https://{_issuer(claims)}")
    if not set(_listed(claims.get("aud"))) & set(provider.client_id_list):
        raise _invalid("Incorrect token audience")
    if float(claims.get("exp", 0)) <= world.agenda.now().timestamp():
        raise ServiceError("ExpiredTokenException", "Token expired: current date/time must be before the expiration")
    tags = claims.get(TAGS) or {}
    call.parameters["Tags"] = [
        {"Key": key, "Value": _listed(value)[0]} for key, value in (tags.get("principal_tags") or {}).items()
    ]
    call.parameters["TransitiveTagKeys"] = list(tags.get("transitive_tag_keys") or ())
    if claims.get(SOURCE_IDENTITY):
        call.parameters["SourceIdentity"] = str(claims[SOURCE_IDENTITY])
    return Caller(arn=arn, account=account, kind="federated", unique_id=str(claims.get("sub", "")))


def claims_of(token: str) -> Mapping[str, Any]:
    """Read the claims of a JSON web token; raises ServiceError InvalidIdentityToken where it is none."""
    parts = token.split(".")
    try:
        claims = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (IndexError, ValueError, binascii.Error) as error:
        raise _invalid("The ID Token provided is not a valid JWT.") from error
    if len(parts) != 3 or not isinstance(claims, dict) or "iss" not in claims or "sub" not in claims:
        raise _invalid("Missing a required claim")
    return claims


def claim_context(call: Call) -> Context:
    """The keys that a provider's claims have in conditions, under the provider's name."""
    claims = claims_of(call.parameters["WebIdentityToken"])
    issuer = _issuer(claims)
    context: dict[str, Value] = {
        "aws:FederatedProvider": call.caller.arn,
        f"{issuer}:sub": str(claims["sub"]),
        # One audience is one value; several are a set.
        f"{issuer}:aud": audience[0] if len(audience := _listed(claims.get("aud"))) == 1 else audience,
    }
    if claims.get("amr"):
        context[f"{issuer}:amr"] = _listed(claims["amr"])
    return context


def _issuer(claims: Mapping[str, Any]) -> str:
    return str(claims["iss"]).removeprefix("https://").rstrip("/")


def _listed(value: Any) -> tuple[str, ...]:
    values = value if isinstance(value, list) else [value]
    return tuple(str(item) for item in values if item is not None)


def _invalid(message: str) -> ServiceError:
    return ServiceError("InvalidIdentityToken", message)
