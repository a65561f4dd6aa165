"""All provisioners, by the token of their type."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from simulator.provisioners import (
    cloudformation,
    cloudwatch,
    config,
    dynamodb,
    iam,
    kms,
    lambda_functions,
    messages,
    organizations,
    s3,
    security_hub,
)
from simulator.provisioners.model import Inputs, Made, Provisioner, Site, UnservedPropertyError

MODULES = (
    cloudformation, cloudwatch, config, dynamodb, iam, kms, lambda_functions, messages, organizations, s3, security_hub,
)  # fmt: skip
PROVISIONERS: Mapping[str, Provisioner] = {one.token: one for module in MODULES for one in module.PROVISIONERS}
INVOKES: Mapping[str, Callable[[Site, Inputs], Mapping[str, Any]]] = {**dynamodb.INVOKES, **organizations.INVOKES}


class UnservedTypeError(Exception):
    """A resource type or data source that has no provisioner."""


def create(token: str, site: Site, inputs: Inputs) -> Made:
    """Create a resource; raises UnservedTypeError or UnservedPropertyError for what would be ignored."""
    found = PROVISIONERS.get(token)
    if found is None:
        raise UnservedTypeError(f"no provisioner serves {token}")
    named = {name for name, value in inputs.items() if value is not None}
    if unserved := sorted(named - found.accepts):
        raise UnservedPropertyError(f"{token} is not served with {', '.join(unserved)}")
    return found.create(site, inputs)


def invoke(token: str, site: Site, arguments: Inputs) -> Mapping[str, Any]:
    """Answer a data source; raises UnservedTypeError for an unknown one."""
    if token not in INVOKES:
        raise UnservedTypeError(f"no provisioner serves {token}")
    return INVOKES[token](site, arguments)
