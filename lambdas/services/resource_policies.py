"""What the statements of resource policies say, and how a statement is added: pure decisions.

Source: IAM User Guide, "IAM JSON policy elements reference"; Amazon S3 User Guide, "Bucket policies" (at most 20 KB);
Security Hub S3.5.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any

Policy = Mapping[str, Any]

VERSION = "2012-10-17"
BUCKET_POLICY_BYTES = 20 * 1024
# Condition keys that name who may call: the principal or its organization, or what a service acts for. Requests of
# nobody in particular carry none of them, wherever they come from.
BY_ARN = frozenset({"aws:sourcearn", "aws:principalarn"})
NARROWING = BY_ARN | {"aws:sourceaccount", "aws:principalorgid", "aws:principalaccount"}
# Operators that match nothing where a request lacks the key; negated ones and those with IfExists match then.
NAMING = frozenset({"stringequals", "stringequalsignorecase", "stringlike", "arnequals", "arnlike"})
# Wildcards, and what begins a variable: the caller's own account, say, which is anybody's.
WILD = re.compile(r"[*?]|\$\{")


def statements(policy: Policy | None) -> list[Mapping[str, Any]]:
    """The statements of a policy, which may stand there alone without a list."""
    return listed((policy or {}).get("Statement"))


def listed(value: Any) -> list[Any]:
    """The values of an element of a policy, of which one may stand there without a list."""
    return value if isinstance(value, list) else [] if value is None else [value]


def conditions(statement: Mapping[str, Any]) -> Iterator[tuple[str, str, Any]]:
    """Operator, key and value of every condition; the first two in lower case."""
    for operator, keys in statement.get("Condition", {}).items():
        for key, value in keys.items():
            yield operator.lower(), key.lower(), value


def denies_plain_http(policy: Policy | None, bucket: str) -> bool:
    """Whether a bucket's policy denies everybody every request that does not come by TLS, on bucket and objects.

    `bucket` is the ARN. A statement that another condition narrows denies less. A lowest TLS version denies nothing
    here: a plain request has none.
    """
    denied = [pattern for statement in statements(policy) for pattern in _plain_http_denied(statement)]
    return all(any(fnmatchcase(arn, pattern) for pattern in denied) for arn in (bucket, f"{bucket}/*"))


def _plain_http_denied(statement: Mapping[str, Any]) -> Iterator[str]:
    """The resources on which a statement denies all plain requests; none where it denies fewer."""
    everything = {"*", "s3:*"}.intersection(listed(statement.get("Action")))
    if statement["Effect"] == "Deny" and everything and _everybody(statement) and _is_plain(statement):
        yield from listed(statement.get("Resource"))


def _is_plain(statement: Mapping[str, Any]) -> bool:
    conditions = statement.get("Condition", {})
    if len(conditions) != 1:
        return False
    ((operator, keys),) = conditions.items()
    if operator not in ("Bool", "BoolIfExists") or len(keys) != 1:
        return False
    ((key, value),) = keys.items()
    return key.lower() == "aws:securetransport" and [str(one).lower() for one in listed(value)] == ["false"]


def open_to_all(policy: Policy | None) -> bool:
    """Whether some statement of a policy is public."""
    return any(is_public(statement) for statement in statements(policy))


def is_public(statement: Mapping[str, Any]) -> bool:
    """Whether a statement allows something to everybody, and no condition names whom: anonymous requests pass, too."""
    return statement["Effect"] == "Allow" and _everybody(statement) and not _names_callers(statement)


def _names_callers(statement: Mapping[str, Any]) -> bool:
    """Whether a condition names who may call."""
    return any(names_somebody(*condition) for condition in conditions(statement))


def names_somebody(operator: str, key: str, value: Any) -> bool:
    """Whether a condition, as `conditions` yields it, holds for named accounts, organizations or buckets alone."""
    bare = operator.removeprefix("foranyvalue:")
    if bare not in NAMING or key not in NARROWING:
        return False
    each = [str(one) for one in listed(value)]
    return all(_names_account(one, bare) if key in BY_ARN else _literal(one) for one in each)


def _names_account(arn: str, operator: str) -> bool:
    """Whether a pattern of ARNs names an account, or in S3's, which have none, a bucket."""
    parts = arn.split(":", 5)
    if len(parts) < 6:
        return False
    # To operators of strings a colon is a character like others: a wildcard before the account takes what it likes.
    if operator.startswith("string") and WILD.search(":".join(parts[:4])):
        return False
    service, account, (bucket, object_of, _) = parts[2], parts[4], parts[5].partition("/")
    # Access points have an account, and a slash.
    names_bucket = service == "s3" and _literal(bucket) and (not account or (account == "*" and not object_of))
    return _literal(account) or names_bucket


def _literal(text: str) -> bool:
    """Whether a text stands for itself: it has no wildcard and no variable of policies."""
    return bool(text) and not WILD.search(text)


def without_plain_http(policy: Policy | None, bucket: str) -> dict[str, Any]:
    """The bucket's policy with a statement that denies plain requests; everything else stays."""
    taken = {statement.get("Sid") for statement in statements(policy)}
    names = (f"DenyPlainHttp{number or ''}" for number in range(len(taken) + 1))
    statement = {
        "Sid": next(name for name in names if name not in taken),
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": [bucket, f"{bucket}/*"],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    return {"Version": VERSION, **(policy or {}), "Statement": [*statements(policy), statement]}


def text(policy: Policy) -> str:
    """A policy as it is sent: without blanks, for its size counts."""
    return json.dumps(policy, separators=(",", ":"), ensure_ascii=False)


def _everybody(statement: Mapping[str, Any]) -> bool:
    principal = statement.get("Principal")
    return principal == "*" or (isinstance(principal, Mapping) and "*" in listed(principal.get("AWS")))
