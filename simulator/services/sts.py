"""AWS STS: sessions of roles, with everything that AWS refuses.

Source: STS API Reference, "AssumeRole", "GetFederationToken" and "GetSessionToken"; IAM User Guide, "Role
chaining", "Session policies", "Pass session tags in AWS STS" and "Monitor and control actions taken with
assumed roles".
"""

from __future__ import annotations

import json
import math
import zlib
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar

from simulator.call import Call, Caller, ServiceError
from simulator.iam.documents import check_identity_syntax
from simulator.iam.gathering import Gathering, managed_document
from simulator.iam.web_identity import claims_of
from simulator.service import Service

if TYPE_CHECKING:
    from simulator.identity import Credentials, Identities
    from simulator.world import World

DEFAULT_DURATION = 3600
# A session that assumes a role gets one hour at most, whatever the role allows.
CHAINED_DURATION = 3600
# GetSessionToken and GetFederationToken.
DEFAULT_TOKEN_DURATION, LONGEST_TOKEN_DURATION, ROOT_TOKEN_DURATION = 43_200, 129_600, 3600
SESSION_POLICY_CHARACTERS = 2048
# AWS does not publish how it packs policies and tags; a deflated text against the same 2,048 is our
# estimate of PackedPolicySize, in percent.
PACKED_BYTES = 2048


class Sts(Service):
    """Issues the credentials that identities know."""

    name: ClassVar[str] = "sts"
    whole: ClassVar[bool] = True  # moto issues credentials for whatever it is told

    def __init__(self, world: World, identities: Identities) -> None:
        super().__init__(world)
        self.identities = identities
        self._gathering = Gathering(world)

    def owner(self, call: Call) -> str:
        """Return the account of the role that is assumed; the caller's own for everything else."""
        parts = str(call.parameters.get("RoleArn", "")).split(":")
        return parts[4] if len(parts) > 5 and parts[4] else call.caller.account

    def assume_role(self, call: Call) -> dict[str, Any]:
        """Issue a session of a role. The authoriser has asked the trust policy and the caller's own."""
        caller = call.caller
        if caller.kind == "root":
            raise ServiceError("AccessDenied", "Roles may not be assumed by root accounts.", 403)
        role = self._role(call)
        if role is None:
            # AWS does not tell whether a role or its account exists: the trust policy of none allows nobody.
            raise ServiceError(
                "AccessDenied",
                f"User: {caller.arn} is not authorized to perform: sts:AssumeRole on resource: "
                f"{call.parameters['RoleArn']}",
                403,
            )
        return self._assumed(call, role)

    def assume_role_with_web_identity(self, call: Call) -> dict[str, Any]:
        """Issue a session of a role to a web identity; the trust policy has let its provider in."""
        claims = claims_of(call.parameters["WebIdentityToken"])
        role = self._role(call)
        if role is None:
            raise ServiceError("AccessDenied", f"Not authorized to perform sts:{call.operation}", 403)
        audience = claims["aud"]
        return {
            **self._assumed(call, role),
            "SubjectFromWebIdentityToken": claims["sub"],
            "Provider": call.caller.arn,
            "Audience": audience[0] if isinstance(audience, list) else audience,
        }

    def _role(self, call: Call) -> Any | None:
        """Find the role that is asked for; nobody enters a closed account."""
        closed = self.world.is_closed(call.account)
        return None if closed else self._gathering.role_by_arn(call.parameters["RoleArn"])

    def get_access_key_info(self, call: Call) -> dict[str, Any]:
        """Say whose an access key is."""
        return {"Account": self.identities.caller(call.parameters["AccessKeyId"]).account}

    def _assumed(self, call: Call, role: Any) -> dict[str, Any]:
        """Issue the session and answer as both ways of assuming a role do."""
        caller, parameters = call.caller, call.parameters
        duration = self._duration(call, int(role.max_session_duration or DEFAULT_DURATION))
        policies, characters = self._session_policies(call, role.account_id)
        tags, transitive = self._tags(call)
        packed = _packed_size(characters, tags)
        session = Caller(
            arn=f"arn:{call.partition}:sts::{role.account_id}:assumed-role/{role.name}/{parameters['RoleSessionName']}",
            account=role.account_id,
            kind="session",
            role=role.arn,
            session_name=parameters["RoleSessionName"],
            unique_id=f"{role.id}:{parameters['RoleSessionName']}",
            source_identity=_source_identity(call),
            session_policies=policies,
            session_tags=tags,
            transitive_tags=transitive,
            chained=caller.kind == "session",
        )
        credentials = self.identities.issue(session, self.world.agenda.now() + timedelta(seconds=duration))
        response: dict[str, Any] = {
            "Credentials": _written(credentials),
            "AssumedRoleUser": {"AssumedRoleId": session.unique_id, "Arn": session.arn},
        }
        if packed:
            response["PackedPolicySize"] = packed
        if session.source_identity:
            response["SourceIdentity"] = session.source_identity
        return response

    def get_caller_identity(self, call: Call) -> dict[str, Any]:
        """Say who calls; it needs no permission."""
        caller = call.caller
        return {"UserId": caller.unique_id or caller.account, "Account": caller.account, "Arn": caller.arn}

    def get_federation_token(self, call: Call) -> dict[str, Any]:
        """Issue a federated user's session: what its user and its session policies both allow, and no more."""
        caller, parameters = call.caller, call.parameters
        if caller.kind not in ("user", "root") or caller.issued is not None:
            raise ServiceError("AccessDenied", "Cannot call GetFederationToken with session credentials", 403)
        policies, characters = self._session_policies(call, caller.account)
        tags, _ = self._tags(call)
        packed = _packed_size(characters, tags)
        session = Caller(
            arn=f"arn:{call.partition}:sts::{caller.account}:federated-user/{parameters['Name']}",
            account=caller.account,
            kind="federated-user",
            role=None if caller.kind == "root" else caller.arn,
            session_name=parameters["Name"],
            unique_id=f"{caller.account}:{parameters['Name']}",
            session_policies=policies,
            session_tags=tags,
        )
        credentials = self.identities.issue(session, self._token_end(call))
        return {
            "Credentials": _written(credentials),
            "FederatedUser": {"FederatedUserId": session.unique_id, "Arn": session.arn},
            "PackedPolicySize": packed,
        }

    def get_session_token(self, call: Call) -> dict[str, Any]:
        """Issue temporary credentials of a user or root; sessions cannot ask for them."""
        if call.caller.kind not in ("user", "root") or call.caller.issued is not None:
            raise ServiceError("AccessDenied", "Cannot call GetSessionToken with session credentials", 403)
        return {"Credentials": _written(self.identities.issue(call.caller, self._token_end(call)))}

    def _token_end(self, call: Call) -> datetime:
        """When temporary credentials of a user or root end: a root's last an hour at most."""
        longest = ROOT_TOKEN_DURATION if call.caller.kind == "root" else LONGEST_TOKEN_DURATION
        seconds = min(int(call.parameters.get("DurationSeconds") or DEFAULT_TOKEN_DURATION), longest)
        return self.world.agenda.now() + timedelta(seconds=seconds)

    def _duration(self, call: Call, longest: int) -> int:
        asked = int(call.parameters.get("DurationSeconds") or DEFAULT_DURATION)
        if call.caller.kind == "session" and asked > CHAINED_DURATION:
            raise ServiceError(
                "ValidationError",
                "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining",
            )
        if asked > longest:
            raise ServiceError(
                "ValidationError", "The requested DurationSeconds exceeds the MaxSessionDuration set for this role."
            )
        return asked

    def _session_policies(self, call: Call, account: str) -> tuple[tuple[Mapping[str, Any], ...], str]:
        """Read the session policies; also returns what counts for their limit: inline text and managed ARNs."""
        inline = call.parameters.get("Policy") or ""
        if any(not (" " <= char <= "\u00ff" or char in "\t\n\r") for char in inline):
            raise ServiceError("MalformedPolicyDocument", "The policy contains invalid characters.")
        arns = [str(item["arn"]) for item in call.parameters.get("PolicyArns") or ()]
        if len(arns) > 10:
            raise ServiceError("ValidationError", "Cannot specify more than 10 managed session policies")
        characters = "".join((inline, *arns))
        if len(characters) > SESSION_POLICY_CHARACTERS:
            # The service model sets no maximum here, so that this is not a validation error.
            raise ServiceError(
                "PackedPolicyTooLarge",
                f"Session policies of {len(characters)} characters exceed the maximum of {SESSION_POLICY_CHARACTERS}",
            )
        texts = [inline] if inline else []
        for arn in arns:
            document = managed_document(arn, self.world) if arn.split(":")[4] in (account, "aws") else None
            if document is None:
                raise ServiceError("NoSuchEntity", f"Policy {arn} does not exist or is not attachable.", 404)
            texts.append(document)
        documents = []
        for text in texts:
            check_identity_syntax(text)
            documents.append(json.loads(text))
        return tuple(documents), characters

    def _tags(self, call: Call) -> tuple[dict[str, str], frozenset[str]]:
        """Return the session's tags, the transitive ones of the caller's session with them, and which pass on."""
        given = {tag["Key"]: tag["Value"] for tag in call.parameters.get("Tags") or ()}
        reserved = sorted(key for key in given if key.lower().startswith("aws:"))
        if reserved:
            raise ServiceError("InvalidParameterValue", f"The tag key {reserved[0]} begins with the reserved aws:")
        if len({key.lower() for key in given}) != len(call.parameters.get("Tags") or ()):
            raise ServiceError(
                "InvalidParameterValue", "Duplicate tag keys found. Please note that keys are not case sensitive."
            )
        caller = call.caller
        inherited = caller.transitive_tags
        held = {key.lower() for key in inherited}
        clashing = sorted(key for key in given if key.lower() in held)
        if clashing:
            raise ServiceError(
                "InvalidParameterValue",
                f"One of the specified transitive tag keys can't be set because it conflicts with a transitive tag key "
                f"from the calling session: {clashing[0]}",
            )
        marked = frozenset(call.parameters.get("TransitiveTagKeys") or ())
        if not marked <= set(given):
            raise ServiceError(
                "InvalidParameterValue", "The specified transitive tag key must be included in the requested tags."
            )
        passed = {key: value for key, value in caller.session_tags.items() if key in inherited}
        return {**passed, **given}, inherited | marked


def _source_identity(call: Call) -> str | None:
    """The source identity, which persists over chained sessions and can never be changed."""
    asked: str | None = call.parameters.get("SourceIdentity")
    known = call.caller.source_identity
    if known and asked and asked != known:
        raise ServiceError(
            "AccessDenied",
            f"User: {call.caller.arn} is not authorized to perform: sts:SetSourceIdentity on resource: "
            f"{call.parameters['RoleArn']} because the source identity of the session is already set",
            403,
        )
    return known or asked


def _packed_size(characters: str, tags: Mapping[str, str]) -> int:
    text = characters + "".join(f"{key}{value}" for key, value in tags.items())
    if not text:
        return 0
    percent = math.ceil(len(zlib.compress(text.encode("latin-1", "replace"), 9)) * 100 / PACKED_BYTES)
    if percent > 100:
        raise ServiceError(
            "PackedPolicyTooLarge",
            f"Serialized token too large for session: packed policy consumes {percent}% of the allowed size",
        )
    return percent


def _written(credentials: Credentials) -> dict[str, Any]:
    return {
        "AccessKeyId": credentials.access_key_id,
        "SecretAccessKey": credentials.secret_access_key,
        "SessionToken": credentials.session_token,
        "Expiration": credentials.expiration,
    }
