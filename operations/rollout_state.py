"""Takes an account out of a stack's exported state, where its resources can be reached no more.

A pure function on what `pulumi stack export` writes. Source: Pulumi, sdk/go/common/apitype, `UntypedDeployment` and
`ResourceV3`; a dependency on a resource that is not there makes a state that no engine loads.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from stacks.providers import provider_name

PROVIDER = "pulumi:providers:aws"
STACK = "pulumi:pulumi:Stack"
OUTPUT = "accounts"
# What of a resource names others by URN, beside its properties' dependencies.
LISTS = ("dependencies", "replaceWith")


@dataclass(frozen=True, slots=True)
class Forgotten:
    """A state without an account, and the URNs of what went, in the state's order."""

    document: dict[str, Any]
    urns: tuple[str, ...]


def forget(document: Mapping[str, Any], account: str) -> Forgotten:
    """Take out the account's provider, all that it manages, and the components that hold nothing else.

    What lives in the hub stays, the account's policy item for one: the next `up` deletes it by the hub's provider.
    Other resources lose their dependencies on what went, and nothing else. The document itself is not changed.
    """
    deployment = document["deployment"]
    resources = deployment.get("resources") or []
    gone = _gone(resources, account)
    if not gone:
        return Forgotten(dict(document), ())
    kept = [_without(one, gone, account) for one in resources if one["urn"] not in gone]
    pending = [one for one in deployment.get("pending_operations") or [] if one["resource"]["urn"] not in gone]
    changed = {**deployment, "resources": kept}
    if "pending_operations" in deployment:
        changed["pending_operations"] = pending
    urns = tuple(dict.fromkeys(one["urn"] for one in resources if one["urn"] in gone))
    return Forgotten({**document, "deployment": changed}, urns)


def _gone(resources: list[Mapping[str, Any]], account: str) -> frozenset[str]:
    name = provider_name(account)
    providers = {one["urn"] for one in resources if one["type"] == PROVIDER and one["urn"].split("::")[3] == name}
    gone = providers | {one["urn"] for one in resources if one.get("provider", "").rpartition("::")[0] in providers}
    children: dict[str, set[str]] = {}
    for one in resources:
        if parent := one.get("parent"):
            children.setdefault(parent, set()).add(one["urn"])
    # Children follow their parents in a state, so one way back goes through components of components too.
    for one in reversed(resources):
        held = children.get(one["urn"])
        if held and held <= gone and not one.get("custom") and one["type"] != STACK:
            gone.add(one["urn"])
    return frozenset(gone)


def _without(resource: Mapping[str, Any], gone: frozenset[str], account: str) -> dict[str, Any]:
    """A resource that stays, without what it names of what went."""
    kept = dict(resource)
    for key in LISTS:
        if key in kept:
            kept[key] = [urn for urn in kept[key] or [] if urn not in gone]
    if "propertyDependencies" in kept:
        kept["propertyDependencies"] = {
            name: [urn for urn in urns or [] if urn not in gone]
            for name, urns in (kept["propertyDependencies"] or {}).items()
        }
    if kept.get("deletedWith") in gone:
        del kept["deletedWith"]
    if kept["type"] == STACK and OUTPUT in (outputs := kept.get("outputs") or {}):
        kept["outputs"] = {**outputs, OUTPUT: [one for one in outputs[OUTPUT] if one != account]}
    return kept
