"""Policy documents, parsed once per text."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from simulator.call import Caller
from simulator.iam.conditions import Condition, PolicyError, parse_conditions
from simulator.iam.patterns import ARN_SEGMENTS, Context, Keys, Text, match_resource, parse_text
from simulator.iam.principals import Principals, parse_principals

# Versions that know policy variables; IAM's default, where a document names none, is 2008-10-17.
CURRENT_VERSION = "2012-10-17"
ELEMENTS = frozenset(
    {"Sid", "Effect", "Action", "NotAction", "Resource", "NotResource", "Principal", "NotPrincipal", "Condition"}
)


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked for: one action on one resource by one caller.

    `resource` is "*" for actions without resource-level permissions. `account` owns the resource.
    The keys of `context` are compared without regard to case.
    """

    caller: Caller
    action: str
    resource: str
    account: str
    context: Context

    def __post_init__(self) -> None:
        if not isinstance(self.context, Keys):
            object.__setattr__(self, "context", Keys(self.context))


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement of a policy."""

    name: str
    allow: bool
    actions: re.Pattern[str]
    not_action: bool
    resources: tuple[Text, ...] | None  # None: the resource that the policy hangs on
    not_resource: bool
    principals: Principals | None
    conditions: tuple[Condition, ...]

    def applies(self, request: Request) -> bool:
        """Whether action, resource and conditions fit; the principal is asked for separately."""
        return (
            (self.actions.fullmatch(request.action) is not None) != self.not_action
            and self._covers(request)
            and all(condition.holds(request.context) for condition in self.conditions)
        )

    def _covers(self, request: Request) -> bool:
        if self.resources is None:
            return True
        for text in self.resources:
            resolved = text.resolve(request.context)
            if resolved is not None and match_resource(resolved, request.resource):
                return not self.not_resource
        return self.not_resource


@dataclass(frozen=True, slots=True)
class Policy:
    """A policy document, with what it hangs on (an ARN) and the name that it has there."""

    holder: str
    name: str
    statements: tuple[Statement, ...]


def parse(document: Mapping[str, Any] | str, holder: str = "", name: str = "") -> Policy:
    """Read a policy document; raises PolicyError where it is malformed."""
    text = document if isinstance(document, str) else json.dumps(document, sort_keys=True)
    return _policy(text, holder, name)


@lru_cache(maxsize=16384)
def _policy(text: str, holder: str, name: str) -> Policy:
    return Policy(holder, name, _statements(text))


def statements_in(document: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the statements of a document with the names that refer to them: the Sid, or the place (`#0`)."""
    written = document.get("Statement", [])
    for number, item in enumerate(written if isinstance(written, list) else [written]):
        yield str(item.get("Sid") or f"#{number}"), item


@lru_cache(maxsize=16384)
def _statements(text: str) -> tuple[Statement, ...]:
    try:
        document = json.loads(text)
    except ValueError as error:
        raise PolicyError("The policy is not in the valid JSON format.") from error
    if not isinstance(document, dict):
        raise PolicyError("Syntax errors in policy.")
    variables = document.get("Version") == CURRENT_VERSION
    return tuple(_statement(item, name, variables) for name, item in statements_in(document))


def _statement(item: Mapping[str, Any], name: str, variables: bool) -> Statement:
    unknown = set(item) - ELEMENTS
    if unknown or item.get("Effect") not in ("Allow", "Deny"):
        raise PolicyError(f"Syntax errors in policy: statement {name} has {sorted(unknown) or 'no valid Effect'}.")
    if ("Action" in item) == ("NotAction" in item):
        raise PolicyError("Policy statement must contain actions.")
    not_action, not_resource, not_principal = ("NotAction" in item, "NotResource" in item, "NotPrincipal" in item)
    resources = item.get("NotResource" if not_resource else "Resource")
    principals = item.get("NotPrincipal" if not_principal else "Principal")
    return Statement(
        name=name,
        allow=item["Effect"] == "Allow",
        actions=_actions(_listed(item["NotAction" if not_action else "Action"])),
        not_action=not_action,
        resources=None
        if resources is None
        else tuple(
            parse_text(text, variables=variables, wildcards=True, colons=ARN_SEGMENTS - 1)
            for text in _listed(resources)
        ),
        not_resource=not_resource,
        principals=None if principals is None else parse_principals(principals, negated=not_principal),
        conditions=parse_conditions(item.get("Condition") or {}, variables=variables),
    )


def _listed(values: Any) -> tuple[str, ...]:
    return tuple(values) if isinstance(values, (list, tuple)) else (str(values),)


def _actions(patterns: tuple[str, ...]) -> re.Pattern[str]:
    written = (re.escape(text).replace(r"\*", ".*").replace(r"\?", ".") for text in patterns)
    return re.compile("|".join(written), re.IGNORECASE)
