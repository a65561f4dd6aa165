"""All provisioners, by the token of their type."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from botocore.exceptions import ClientError

from simulator.provisioners import (
    alarms,
    buckets,
    cloudformation,
    config,
    dynamodb,
    events,
    iam,
    kms,
    lambda_functions,
    lambda_invocations,
    lambda_links,
    lambda_urls,
    objects,
    organizations,
    security_hub,
    security_hub_policies,
    sns,
    sqs,
    stepfunctions,
    sts,
)
from simulator.provisioners.comparison import refreshed
from simulator.provisioners.model import (
    GONE,
    Edit,
    Inputs,
    Known,
    Made,
    Provisioner,
    Site,
    Standing,
    UnservedPropertyError,
    code,
)

MODULES = (
    alarms, buckets, cloudformation, config, dynamodb, events, iam, kms, lambda_functions, lambda_invocations,
    lambda_links, lambda_urls, objects, organizations, security_hub, security_hub_policies, sns, sqs, stepfunctions,
)  # fmt: skip
PROVISIONERS: Mapping[str, Provisioner] = {one.token: one for module in MODULES for one in module.PROVISIONERS}
INVOKES: Mapping[str, Callable[[Site, Inputs], Mapping[str, Any]]] = {
    **dynamodb.INVOKES, **objects.INVOKES, **organizations.INVOKES, **sts.INVOKES,
}  # fmt: skip


class UnservedTypeError(Exception):
    """A resource type or data source that has no provisioner."""


def find(token: str) -> Provisioner:
    """Return the provisioner of a type; raises UnservedTypeError."""
    found = PROVISIONERS.get(token)
    if found is None:
        raise UnservedTypeError(f"no provisioner serves {token}")
    return found


def create(token: str, site: Site, inputs: Inputs) -> Made:
    """Create a resource; raises UnservedTypeError or UnservedPropertyError for what would be ignored."""
    found = find(token)
    given = {name for name, value in inputs.items() if value is not None}
    if unserved := sorted(given - found.accepts):
        raise UnservedPropertyError(f"{token} is not served with {', '.join(unserved)}")
    if missing := [name for name in found.needs if inputs.get(name) is None]:
        raise UnservedPropertyError(f"{token} is not served without {', '.join(missing)}")
    return found.create(site, found.filled(inputs))


def read(token: str, site: Site, known: Known) -> Standing | None:
    """Read a resource as it stands, its inputs written as the state writes them where they mean the same."""
    found = find(token)
    try:
        standing = found.read(site, known)
    except ClientError as error:
        if code(error) in GONE:
            return None
        raise
    return None if standing is None else Standing(standing.id, refreshed(found, known, standing), standing.outputs)


def update(token: str, site: Site, edit: Edit) -> Mapping[str, Any]:
    """Change a resource in place; returns the outputs that changed with it."""
    found = find(token)
    if fixed := sorted(edit.changed - found.updates):
        raise UnservedPropertyError(f"{token} is not updated in {', '.join(fixed)}")
    return found.update(site, Edit(edit.id, found.filled(edit.old), found.filled(edit.new), edit.changed))


def delete(token: str, site: Site, known: Known) -> None:
    """Delete a resource; one that is gone already is as it should be."""
    found = find(token)
    try:
        found.delete(site, Known(known.id, found.filled(known.inputs)))
    except ClientError as error:
        if code(error) not in GONE:
            raise


def invoke(token: str, site: Site, arguments: Inputs) -> Mapping[str, Any]:
    """Answer a data source; raises UnservedTypeError for an unknown one."""
    if token not in INVOKES:
        raise UnservedTypeError(f"no provisioner serves {token}")
    return INVOKES[token](site, arguments)
