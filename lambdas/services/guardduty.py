"""GuardDuty's findings as the service itself has them: what a finding that Security Hub brings is confirmed by.

Source: GuardDuty API Reference, ListFindings ("service.archived" leaves out what people have archived) and
GetFindings; GuardDuty User Guide, "Severity levels of GuardDuty findings": high from 7.0.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from lambdas.controls.model import Grant

if TYPE_CHECKING:
    from boto3 import Session

HIGH = 7
# GetFindings takes fifty ids.
PER_CALL = 50
# GuardDuty's reads know no resource types (Service Authorization Reference).
GRANTS = (
    Grant("guardduty:ListDetectors", ("*",)),
    Grant("guardduty:ListFindings", ("*",)),
    Grant("guardduty:GetFindings", ("*",)),
)


def findings(session: Session, attribute: str, value: str, affected: str) -> Iterator[Mapping[str, Any]]:
    """Go through the findings of high severity that nobody has archived, about one resource of the Region.

    `attribute` and `value` are the criterion that names the resource; `affected` is the resource type in the names of
    their types, such as `IAMUser`. Where GuardDuty is not on there are none.
    """
    client = session.client("guardduty")
    criteria: Any = {
        "Criterion": {
            attribute: {"Equals": [value]},
            "service.archived": {"Equals": ["false"]},
            "severity": {"GreaterThanOrEqual": HIGH},
        }
    }
    for page in client.get_paginator("list_detectors").paginate():
        for detector in page["DetectorIds"]:
            listed = client.get_paginator("list_findings").paginate(DetectorId=detector, FindingCriteria=criteria)
            ids = [one for found in listed for one in found["FindingIds"]]
            for start in range(0, len(ids), PER_CALL):
                answer = client.get_findings(DetectorId=detector, FindingIds=ids[start : start + PER_CALL])
                yield from (one for one in answer["Findings"] if f":{affected}/" in one["Type"])
