"""Names of DB instances and snapshots: their rules, their ARNs, and pages of lists.

Source: RDS API reference, CreateDBInstance, CreateDBSnapshot (constraints of identifiers), DescribeDBInstances
(MaxRecords and Marker).
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping, Sequence
from typing import Any

from simulator.call import Call, ServiceError

NAME = re.compile(r"[a-zA-Z](?:-?[a-zA-Z0-9])*")
LONGEST_INSTANCE, LONGEST_SNAPSHOT = 63, 255
PAGE = range(20, 101)


def invalid(message: str) -> ServiceError:
    """The error of a value that cannot be."""
    return ServiceError("InvalidParameterValue", message)


def combination(message: str) -> ServiceError:
    """The error of values that do not go together."""
    return ServiceError("InvalidParameterCombination", message)


def instance_name(name: str, parameter: str = "DBInstanceIdentifier") -> str:
    """Check the name of a new instance and return it as RDS stores it, in lower case."""
    return _checked(name, parameter, LONGEST_INSTANCE)


def snapshot_name(name: str, parameter: str = "DBSnapshotIdentifier") -> str:
    """Check the name of a new snapshot and return it in lower case."""
    return _checked(name, parameter, LONGEST_SNAPSHOT)


def _checked(name: str, parameter: str, longest: int) -> str:
    if len(name) > longest or not NAME.fullmatch(name):
        raise invalid(
            f"The parameter {parameter} is not a valid identifier. Identifiers must begin with a letter; must contain "
            "only ASCII letters, digits, and hyphens; and must not end with a hyphen or contain two consecutive "
            f"hyphens; at most {longest} characters."
        )
    return name.lower()


def arn(partition: str, region: str, account: str, kind: str, name: str) -> str:
    """The ARN of a resource of RDS: kind is `db`, `snapshot`, `subgrp` and so on."""
    return f"arn:{partition}:rds:{region}:{account}:{kind}:{name}"


def bare(name: str, kind: str) -> str:
    """The name that an ARN or a name says, in lower case."""
    parts = name.split(":", 6)
    is_arn = len(parts) == 7 and parts[0] == "arn" and parts[5] == kind
    return (parts[6] if is_arn else name).lower()


def resource_id(seed: str) -> str:
    """An id that stays with an instance whatever it is called: `db-` with 26 letters and digits."""
    digest = hashlib.blake2b(seed.encode(), digest_size=20).digest()
    return f"db-{base64.b32encode(digest).decode()[:26]}"


def chosen(seed: str, number: int) -> int:
    """A number below `number` that looks random and is the same for the same seed."""
    return int.from_bytes(hashlib.blake2b(seed.encode(), digest_size=8).digest()) % number


def paged(call: Call, name: str, entries: Sequence[Mapping[str, Any]], key: str) -> dict[str, Any]:
    """One page of a list that is sorted by `key`; the marker is the last entry of the page before, encoded."""
    size = call.parameters.get("MaxRecords") or PAGE[-1]
    if size not in PAGE:
        raise invalid(f"Invalid value {size} for MaxRecords. Must be between {PAGE[0]} and {PAGE[-1]}")
    marker = call.parameters.get("Marker")
    if marker:
        try:
            last = base64.urlsafe_b64decode(marker.encode()).decode()
        except ValueError as error:
            raise invalid("The marker is invalid") from error
        entries = [one for one in entries if str(one[key]) > last]
    page = list(entries[:size])
    answer: dict[str, Any] = {name: page}
    if len(entries) > size:
        answer["Marker"] = base64.urlsafe_b64encode(str(page[-1][key]).encode()).decode()
    return answer


def filters(call: Call, known: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """The filters of a call by name; raises InvalidParameterValue for one that the operation does not know."""
    found = {one["Name"]: tuple(one.get("Values") or ()) for one in call.parameters.get("Filters") or ()}
    unknown = sorted(set(found) - set(known))
    if unknown:
        raise invalid(f"Unrecognized filter name: {unknown[0]}")
    return found
