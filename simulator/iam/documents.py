"""What IAM refuses when a policy is written: principals that do not exist, documents that are too long.

Source: IAM User Guide, "AWS JSON policy elements: Principal" and "IAM and AWS STS quotas".
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from moto.backends import get_backend

from simulator.call import ServiceError
from simulator.iam.conditions import PolicyError
from simulator.iam.policy import parse
from simulator.iam.principals import ACCOUNT

if TYPE_CHECKING:
    from simulator.world import World

TRUST_POLICY_CHARACTERS = 2048
MANAGED_POLICY_CHARACTERS = 6144
# All inline policies of one entity together.
INLINE_POLICY_CHARACTERS = {"role": 10_240, "user": 2048, "group": 5120}
ENTITY = re.compile(
    r"arn:[\w-]+:(?:iam|sts)::(?P<account>\d{12}):(?P<kind>role|user|assumed-role|federated-user)/(?P<path>.+)"
)
SERVICE = re.compile(r"[a-z0-9.-]+\.(?:amazonaws\.com(?:\.cn)?|amazon\.com|aws\.internal)")


def size(document: str) -> int:
    """The length of a document as IAM counts it: without white space."""
    return len(re.sub(r"\s", "", document))


def check_syntax(document: str) -> None:
    """Refuse a document that IAM cannot read; raises ServiceError MalformedPolicyDocument."""
    try:
        parse(document)
    except PolicyError as error:
        raise ServiceError("MalformedPolicyDocument", str(error)) from error


def check_identity_syntax(document: str) -> None:
    """Refuse a document that cannot be a policy of an identity or session; raises MalformedPolicyDocument.

    Source: IAM User Guide, "Grammar of the IAM JSON policy language": such a policy names resources and no
    principals.
    """
    check_syntax(document)
    written = json.loads(document).get("Statement", [])
    for statement in written if isinstance(written, list) else [written]:
        if "Principal" in statement or "NotPrincipal" in statement:
            raise ServiceError("MalformedPolicyDocument", "Policy document should not specify a principal.")
        if ("Resource" in statement) == ("NotResource" in statement):
            raise ServiceError("MalformedPolicyDocument", "Policy statement must contain resources.")


def unknown_principals(document: Mapping[str, Any] | str, world: World) -> Iterator[tuple[str, str]]:
    """Yield kind and value of every principal in a policy that does not exist.

    Accounts outside this organisation are taken on trust: nothing is known of them here.
    """
    read = json.loads(document) if isinstance(document, str) else document
    statements = read.get("Statement", [])
    for statement in statements if isinstance(statements, list) else [statements]:
        for element in ("Principal", "NotPrincipal"):
            named = statement.get(element)
            if not isinstance(named, Mapping):
                continue
            for kind, values in named.items():
                for value in values if isinstance(values, list) else [values]:
                    if not _exists(kind, str(value), world):
                        yield kind, str(value)


def refuse_unknown_principals(document: Mapping[str, Any] | str, world: World) -> None:
    """Refuse a policy that names a principal that is not there; raises ServiceError MalformedPolicyDocument.

    IAM keeps the unique id of a principal rather than its ARN, so it has to find it first.
    """
    for kind, value in unknown_principals(document, world):
        raise ServiceError("MalformedPolicyDocument", f'Invalid principal in policy: "{kind}":"{value}"')


def _exists(kind: str, value: str, world: World) -> bool:
    if kind == "Service":
        return SERVICE.fullmatch(value) is not None
    if kind == "Federated":
        return _provider_exists(value, world)
    if kind != "AWS" or value == "*" or ACCOUNT.fullmatch(value):
        return True
    found = ENTITY.fullmatch(value)
    if found is None:
        return any(value in (entity.id for entity in _entities(account, world)) for account in world.known_accounts())
    if "*" in value or "?" in value:
        return False
    if found["account"] not in world.known_accounts():
        return True
    if found["kind"] == "assumed-role":
        name = found["path"].split("/")[0]
        return any(role.name == name for role in get_backend("iam")[found["account"]][world.partition].roles.values())
    if found["kind"] == "federated-user":
        return True
    return any(entity.arn == value for entity in _entities(found["account"], world))


def _entities(account: str, world: World) -> Iterator[Any]:
    backend = get_backend("iam")[account][world.partition]
    yield from backend.roles.values()
    yield from backend.users.values()


def _provider_exists(value: str, world: World) -> bool:
    parts = value.split(":")
    if len(parts) < 6 or parts[4] not in world.known_accounts():
        # The names of public providers, such as cognito-identity.amazonaws.com, always exist.
        return True
    backend = get_backend("iam")[parts[4]][world.partition]
    return value in backend.open_id_providers or value in backend.saml_providers
