"""Secrets never get into the ledger: what is written there, and told, is redacted first.

A value is a secret where the service's own model marks the member `sensitive`, or where a member has one of a few
reviewed names: models miss some, and what a control has read follows no one shape. What needs a redacted value
cannot be made from the ledger any more, and is never made from it by mistake: `holds` says so.
Source: Smithy, "sensitive trait"; botocore keeps it in the metadata of a shape.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from botocore import xform_name
from botocore.exceptions import UnknownServiceError
from botocore.model import ListShape, MapShape, ServiceModel, Shape, StructureShape

from lambdas.remediation.written import REF
from lambdas.sessions import loader

NOT_RECORDED = "(not recorded)"
UNRECORDED_UNDO = "its undo needs a secret, which the ledger does not record"
# Names as they are left when case, dashes and underscores are taken away. Tokens of pages and of clients are none.
SECRET = re.compile(
    r".*(password|passphrase|privatekey|secretkey|secretaccesskey|clientsecret|secretstring|secretbinary|presharedkey)"
    r"|(auth|session|access|refresh|id|bearer|security)token|apikey|plaintext|keymaterial"
    r"|userdata|environmentvariables"
)
# A secret only where it holds something: `environment` is the name of many plain texts too.
SECRET_INSIDE = re.compile(r"environment")
# Marked as sensitive by Amazon S3, and needed to restore a bucket's encryption: they name a key and open nothing. And
# what a Systems Manager command is given, for some document may take a secret: a parameter so named is one by its name.
NO_SECRETS = frozenset({"SSEKMSKeyId", "NonEmptyKmsKeyArnString", "Parameters"})


def by_name(value: Any) -> Any:
    """Redact what has the name of a secret, wherever in a document it stands."""
    if isinstance(value, Mapping):
        return {name: NOT_RECORDED if _named(name, item) else by_name(item) for name, item in value.items()}
    return [by_name(item) for item in value] if isinstance(value, (list, tuple)) else value


def parameters(service: str, operation: str, given: Any) -> Any:
    """Redact the parameters of a call; `operation` is the client's method."""
    return by_name(_shaped(given, _shape(service, operation, "input_shape")))


def response(service: str, operation: str, given: Any) -> Any:
    """Redact what a call has answered."""
    return by_name(_shaped(given, _shape(service, operation, "output_shape")))


def plan(document: Mapping[str, Any]) -> dict[str, Any]:
    """Redact a written plan."""
    return {**document, "changes": [change(one) for one in document["changes"]]}


def change(document: Mapping[str, Any]) -> dict[str, Any]:
    """Redact a written change; one whose undo needs what is not recorded cannot be undone from the ledger."""
    redacted = _call(document)
    inverse = document["inverse"]
    if inverse is not None:
        redacted["inverse"] = change(inverse)
        if holds(redacted["inverse"]["parameters"]):
            redacted |= {"inverse": None, "irreversible": UNRECORDED_UNDO}
    if document["effect"] is not None:
        redacted["effect"] = _call(document["effect"])
    return redacted


def holds(value: Any) -> bool:
    """Whether something in a document is not recorded."""
    if isinstance(value, Mapping):
        return any(holds(item) for item in value.values())
    return any(holds(item) for item in value) if isinstance(value, (list, tuple)) else value == NOT_RECORDED


def out_of(text: str, given: Any, shown: Any) -> str:
    """Take the secrets of a call out of what a service or its model says of it; `shown` are its redacted parameters."""
    for secret in sorted(_secrets(given, shown), key=len, reverse=True):
        text = text.replace(secret, NOT_RECORDED)
    return text


def _secrets(given: Any, shown: Any) -> Iterator[str]:
    """Find the texts of which `shown` has none."""
    if shown == NOT_RECORDED and isinstance(given, (str, bytes)):
        yield from {str(given), repr(given)} - {"", "''"}
    elif isinstance(given, Mapping):
        for name, item in given.items():
            yield from _secrets(item, shown[name] if isinstance(shown, Mapping) else shown)
    elif isinstance(given, (list, tuple)):
        for number, item in enumerate(given):
            yield from _secrets(item, shown[number] if isinstance(shown, list) else shown)


def _call(document: Mapping[str, Any]) -> dict[str, Any]:
    given = parameters(document["service"], document["operation"], document["parameters"])
    return {**document, "parameters": given}


def _named(name: Any, value: Any) -> bool:
    """A switch beside a password (`ManageMasterUserPassword`) and what an earlier change brings are no secrets."""
    if value is None or isinstance(value, (bool, int, float)) or _is_ref(value):
        return False
    plain = re.sub(r"[-_]", "", str(name)).lower()
    inside = isinstance(value, (Mapping, list, tuple)) and SECRET_INSIDE.fullmatch(plain)
    return bool(inside or SECRET.fullmatch(plain))


def _is_ref(value: Any) -> bool:
    return isinstance(value, Mapping) and set(value) == {REF}


def _shaped(value: Any, shape: Shape | None) -> Any:
    if shape is None or value is None or _is_ref(value):
        return value
    if shape.metadata.get("sensitive") and shape.name not in NO_SECRETS:
        return NOT_RECORDED
    if isinstance(shape, StructureShape) and isinstance(value, Mapping):
        return {name: _shaped(item, shape.members.get(name)) for name, item in value.items()}
    if isinstance(shape, MapShape) and isinstance(value, Mapping):
        return {name: _shaped(item, shape.value) for name, item in value.items()}
    if isinstance(shape, ListShape) and isinstance(value, (list, tuple)):
        return [_shaped(item, shape.member) for item in value]
    return value


@cache
def _model(service: str) -> tuple[ServiceModel, Mapping[str, str]] | None:
    """The model of a service with its operations by the client's methods."""
    try:
        model = ServiceModel(loader().load_service_model(service, "service-2"), service)
    except UnknownServiceError:
        return None
    return model, {xform_name(name): name for name in model.operation_names}


def _shape(service: str, operation: str, which: str) -> Shape | None:
    """The shape that a call takes or answers; a call that no model knows is refused before it is made."""
    known = _model(service)
    if known is None or operation not in known[1]:
        return None
    shape: Shape | None = getattr(known[0].operation_model(known[1][operation]), which)
    return shape
