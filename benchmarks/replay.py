"""Declares recorded resources one after the other by the plain classes of pulumi_aws: types and inputs are the same."""

from __future__ import annotations

import importlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pulumi

PROVIDER = "pulumi:providers:aws"
ASSET = "palisade:asset"
# Top-level packages of pulumi_aws that are not named as in their tokens: reserved words of Python.
PACKAGES = {"lambda": "lambda_"}
WORD = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


@dataclass(frozen=True, slots=True)
class Recorded:
    """One registration of the real program, as its monitor received it."""

    token: str
    name: str
    inputs: Mapping[str, Any]
    provider: str


_recorded: list[Recorded] = []


def load(path: Path) -> Sequence[int]:
    """Read a recording, before the clock starts; returns the recorded program's thresholds of the collector."""
    document = json.loads(path.read_text(encoding="utf-8"))
    _recorded.extend(Recorded(**one) for one in document["resources"])
    return tuple(document["collector"])


def write(path: Path, recorded: Sequence[Recorded], collector: Sequence[int]) -> None:
    """Write a recording."""
    documents = [
        {"token": one.token, "name": one.name, "inputs": one.inputs, "provider": one.provider} for one in recorded
    ]
    path.write_text(json.dumps({"collector": collector, "resources": documents}, default=_asset), encoding="utf-8")


def declare() -> None:
    """Declare everything, flat."""
    providers: dict[str, pulumi.ProviderResource] = {}
    for one in _recorded:
        if one.token == PROVIDER:
            providers[one.name] = _provider(one)
            continue
        arguments = {_snake(key): _restored(value) for key, value in one.inputs.items()}
        _class(one.token)(one.name, **arguments, opts=pulumi.ResourceOptions(provider=providers[one.provider]))


def _provider(one: Recorded) -> pulumi.ProviderResource:
    aws = importlib.import_module("pulumi_aws")
    roles = json.loads(one.inputs.get("assumeRoles") or "[]")
    provider: pulumi.ProviderResource = aws.Provider(
        one.name,
        region=one.inputs["region"],
        allowed_account_ids=json.loads(one.inputs["allowedAccountIds"]),
        assume_roles=[
            aws.ProviderAssumeRoleArgs(role_arn=role["roleArn"], session_name=role["sessionName"]) for role in roles
        ]
        or None,
    )
    return provider


@cache
def _class(token: str) -> Any:
    """The class of a type: `aws:sqs/queue:Queue` is pulumi_aws.sqs.Queue."""
    _, module, name = token.split(":")
    package = module.partition("/")[0]
    return getattr(importlib.import_module(f"pulumi_aws.{PACKAGES.get(package, package)}"), name)


@cache
def _snake(key: str) -> str:
    return WORD.sub("_", key).lower()


def _restored(value: Any) -> Any:
    if isinstance(value, dict):
        return pulumi.FileAsset(value[ASSET]) if ASSET in value else {k: _restored(v) for k, v in value.items()}
    return [_restored(one) for one in value] if isinstance(value, list) else value


def _asset(value: Any) -> Any:
    if isinstance(value, pulumi.FileAsset):
        return {ASSET: value.path}
    raise TypeError(f"{type(value).__name__} cannot be recorded")
