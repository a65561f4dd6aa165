"""Macie's findings of sensitive data as the service itself has them.

Source: Macie API Reference, ListFindings (criteria on `resourcesAffected.s3Bucket.name`, `category`, `archived`) and
GetFindings; Macie User Guide, "Types of findings".
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from lambdas.controls.model import Grant

if TYPE_CHECKING:
    from boto3 import Session

# GetFindings takes fifty ids. Macie's reads know no resource types (Service Authorization Reference).
PER_CALL = 50
GRANTS = (Grant("macie2:ListFindings", ("*",)), Grant("macie2:GetFindings", ("*",)))


def sensitive_data(session: Session, bucket: str) -> Iterator[str]:
    """Go through the types of the sensitive data findings in a bucket of the Region that nobody has archived."""
    client = session.client("macie2")
    criterion: Any = {
        "resourcesAffected.s3Bucket.name": {"eq": [bucket]},
        "category": {"eq": ["CLASSIFICATION"]},
        "archived": {"eq": ["false"]},
    }
    pages = client.get_paginator("list_findings").paginate(findingCriteria={"criterion": criterion})
    ids = [one for page in pages for one in page["findingIds"]]
    for start in range(0, len(ids), PER_CALL):
        for one in client.get_findings(findingIds=ids[start : start + PER_CALL])["findings"]:
            yield one["type"]
