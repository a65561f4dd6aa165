"""What the stand-in takes of the arguments of `aws.Provider`; everything else is refused."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from simulator.engine.schema import Fault
from simulator.engine.wire import unknown

ACCOUNT = re.compile(r"^\d{12}$")
ROLE = re.compile(r"^arn:[a-z-]+:iam::\d{12}:role/[\w+=,.@/-]+$")
SERVED = frozenset({"region", "allowedAccountIds", "assumeRoles"})
ASSUMED = frozenset({"roleArn", "sessionName"})
# The SDK sends them by itself; they choose checks and retries that have no counterpart here.
WITHOUT_EFFECT = frozenset({"version", "skipCredentialsValidation", "skipRegionValidation", "maxRetries", "retryMode"})


def configuration_faults(arguments: Mapping[str, Any]) -> Iterator[Fault]:
    """Find what is wrong with a provider's arguments; nested ones are JSON texts, as the SDK sends them."""
    for name in sorted(set(arguments) - SERVED - WITHOUT_EFFECT):
        yield Fault(name, "is not served by the local organisation: it would be ignored in silence")
    if "region" not in arguments:
        yield Fault("region", "is missing; the provider would take it from the shell")
    yield from _accounts(arguments.get("allowedAccountIds"))
    yield from _roles(arguments.get("assumeRoles"))


def _accounts(given: Any) -> Iterator[Fault]:
    for account in _parsed(given):
        if not unknown(account) and not ACCOUNT.match(str(account)):
            yield Fault("allowedAccountIds", f"{account!r} is not an account id of 12 digits")


def _roles(given: Any) -> Iterator[Fault]:
    for role in _parsed(given):
        if not isinstance(role, Mapping):
            continue
        # pulumi/pulumi-aws#5271: plain dictionaries arrive with the names of Python.
        if strange := sorted(set(role) - ASSUMED):
            yield Fault("assumeRoles", f"{', '.join(strange)} is not served; nested arguments must be typed")
        arn = role.get("roleArn")
        if arn is None:
            yield Fault("assumeRoles", "IAM Role ARN not set")
        elif not unknown(arn) and not ROLE.match(str(arn)):
            yield Fault("assumeRoles", f"{arn!r} is not the ARN of a role")


def _parsed(given: Any) -> list[Any]:
    """The members of a list argument; one that holds an unknown value is unknown as a whole."""
    if given is None or unknown(given):
        return []
    found = json.loads(given) if isinstance(given, str) else given
    return found if isinstance(found, list) else [found]
