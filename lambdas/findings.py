"""Findings in the AWS Security Finding Format: what we import, and what we read back.

Source: AWS Security Hub, "Required top-level ASFF attributes" and BatchImportFindings.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from lambdas.controls.model import Control, Evaluation, Place, Resource, Verdict

PER_CALL = 100
GONE = "The resource no longer exists."
UNFOUND = "No control finds this any more."
LEFT = "Palisade no longer detects in this account and Region."
DIGEST = "palisade/parameters-digest"
STATUS = {Verdict.COMPLIANT: "PASSED", Verdict.NON_COMPLIANT: "FAILED"}


class ImportRefusedError(Exception):
    """Security Hub took the call but refused findings in it."""


def product_arn(place: Place | Resource) -> str:
    """The default product of an account and Region: the only one that its findings may name."""
    return f"arn:{place.partition}:securityhub:{place.region}:{place.account}:product/{place.account}/default"


def finding_id(control: Control, resource: Resource) -> str:
    """Return the id of the one finding of a control on a resource, for good."""
    text = "\n".join((control.id, resource.account, resource.region, resource.arn))
    return (
        f"palisade/{control.id}/{resource.account}/{resource.region}/{hashlib.sha256(text.encode()).hexdigest()[:32]}"
    )


def moment(value: datetime) -> str:
    """Write a time as Security Hub wants it."""
    return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def build(
    control: Control,
    resource: Resource,
    evaluation: Evaluation | None,
    digest: str,
    existing: Mapping[str, Any] | None,
    read_at: datetime,
) -> dict[str, Any]:
    """Build the finding of a verdict; without one (gone, NOT_APPLICABLE) the existing finding is archived.

    `UpdatedAt` is `read_at`, when the resource was read: of two runs that overlap, the one that read last
    prevails, for Security Hub silently ignores an import that is not later than the finding. Later than
    `existing` it always is. `CreatedAt` stays what it was.
    """
    updated = _later(read_at, existing)
    judged = evaluation is not None and evaluation.verdict in STATUS
    status = STATUS[evaluation.verdict] if evaluation and judged else _status(existing)
    annotation = evaluation.annotation if evaluation else GONE
    return {
        "SchemaVersion": "2018-10-08",
        "Id": finding_id(control, resource),
        "ProductArn": product_arn(resource),
        "GeneratorId": control.generator,
        "AwsAccountId": resource.account,
        "CreatedAt": existing["CreatedAt"] if existing else updated,
        "UpdatedAt": updated,
        "Title": f"{control.id} {control.title}"[:256],
        "Description": annotation[:1024],
        "FindingProviderFields": {
            "Severity": {"Label": control.severity.value if status == "FAILED" else "INFORMATIONAL"},
            "Types": ["Software and Configuration Checks/AWS Security Best Practices"],
        },
        "Remediation": {"Recommendation": {"Text": control.remediation[:512]}},
        "ProductFields": {"palisade/control": control.id, DIGEST: digest},
        "Resources": [
            {
                "Type": control.asff_type,
                "Id": resource.arn,
                "Partition": resource.partition,
                "Region": resource.region,
            }
        ],
        "Compliance": {"Status": status, "RelatedRequirements": list(control.requirements)[:32]},
        "RecordState": "ACTIVE" if judged else "ARCHIVED",
    }


def archived(finding: Mapping[str, Any], read_at: datetime, why: str = UNFOUND) -> dict[str, Any]:
    """Build the end of a finding that no control and resource of ours has by this id any more, and say why."""
    kept = ("SchemaVersion", "Id", "ProductArn", "GeneratorId", "AwsAccountId", "CreatedAt", "Title", "Resources")
    return {
        **{field: finding[field] for field in kept},
        "UpdatedAt": _later(read_at, finding),
        "Description": why,
        "FindingProviderFields": {
            "Severity": {"Label": "INFORMATIONAL"},
            "Types": ["Software and Configuration Checks/AWS Security Best Practices"],
        },
        "Compliance": {"Status": _status(finding)},
        "RecordState": "ARCHIVED",
    }


def _later(moment_read: datetime, existing: Mapping[str, Any] | None) -> str:
    if existing is not None:
        moment_read = max(moment_read, datetime.fromisoformat(existing["UpdatedAt"]) + timedelta(milliseconds=1))
    return moment(moment_read)


def says_the_same(finding: Mapping[str, Any], existing: Mapping[str, Any]) -> bool:
    """Whether an existing finding already says what a new one would; Security Hub adds product fields of its own."""
    return (
        all(finding[field] == existing.get(field) for field in ("RecordState", "Description"))
        and finding["Compliance"]["Status"] == _status(existing)
        and finding["ProductFields"].items() <= existing.get("ProductFields", {}).items()
    )


def existing(client: Any, control: Control, account: str, region: str, identifier: str | None = None) -> dict[str, Any]:
    """Fetch our findings of a control in an account and Region, by their ids; one only where an id is given."""
    filters: dict[str, Any] = {
        "GeneratorId": [{"Value": control.generator, "Comparison": "EQUALS"}],
        "AwsAccountId": [{"Value": account, "Comparison": "EQUALS"}],
        "Region": [{"Value": region, "Comparison": "EQUALS"}],
    }
    if identifier is not None:
        filters["Id"] = [{"Value": identifier, "Comparison": "EQUALS"}]
    pages = client.get_paginator("get_findings").paginate(Filters=filters, PaginationConfig={"PageSize": 100})
    return {finding["Id"]: finding for page in pages for finding in page["Findings"]}


def send(client: Any, findings: Sequence[Mapping[str, Any]]) -> None:
    """Import findings, as many a call as Security Hub takes; raises ImportRefusedError naming all that it refused."""
    refused: list[Mapping[str, Any]] = []
    for start in range(0, len(findings), PER_CALL):
        refused += client.batch_import_findings(Findings=findings[start : start + PER_CALL])["FailedFindings"]
    if refused:
        raise ImportRefusedError(_reasons(refused))


def _reasons(failed: Iterable[Mapping[str, Any]]) -> str:
    return "; ".join(f"{one['Id']}: {one['ErrorCode']} {one['ErrorMessage']}" for one in failed)


def _status(existing: Mapping[str, Any] | None) -> str:
    status: str = (existing or {}).get("Compliance", {}).get("Status", "NOT_AVAILABLE")
    return status
