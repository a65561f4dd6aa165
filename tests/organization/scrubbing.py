"""Settings without what AWS assigns: ids and times, so that two runs can be compared."""

from __future__ import annotations

import json
import re
from typing import Any

from lambdas.controls.model import Control
from lambdas.remediation.differences import differences
from tests.controls.cases import assigned_anew

# Ids of the services, those of roles and keys, and a load balancer's, which its DNS name has behind its name.
IDS = re.compile(
    r"\b(sg|sgr|vpc|pl|lt|fl|eni|snap|vol|i|subnet)-[0-9a-f]+|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
    r"|\b(lb-[0-9a-f]+|id)(-[0-9a-f]{10,16}\b)?|\bAROA[A-Z0-9]+|\b[a-z0-9]{20}\b"
    # Databases, their secrets, and the days at which they were made.
    r"|\bdb-[0-9A-Z]{26}|rds!db-[0-9A-Za-z-]+|-20\d{6}\b"
)
# Each resource of a test is made at a time of its own.
TIMES = re.compile(r"\b20\d\d-\d\d-\d\dT[\d:.]+(Z|\+00:00)?")


def scrubbed(value: Any, resource: str) -> Any:
    """Settings without the ids and times that AWS gives, in an order of their own."""
    if isinstance(value, dict):
        return {scrubbed(key, resource): scrubbed(one, resource) for key, one in value.items()}
    if isinstance(value, list):
        return sorted((scrubbed(one, resource) for one in value), key=lambda one: json.dumps(one, sort_keys=True))
    return TIMES.sub("time", IDS.sub("id", value.replace(resource, "id"))) if isinstance(value, str) else value


def differing(control: Control, before: object, after: object) -> list[str]:
    """The fields that differ after an undo, but for those that the service assigns anew."""
    named = assigned_anew(control)
    found = [one.name for one in differences(before, after)]
    return [one for one in found if one.rpartition(".")[2] not in named]
