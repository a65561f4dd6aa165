"""Macie's findings of sensitive data over moto's sessions: listed, read, and sent to Security Hub.

Nothing is looked at here: `discover`, which tests and scenarios call in the place of a discovery job, says what was
found in which object. Policy findings are not simulated. Source: Macie API Reference, ListFindings, GetFindings and
PutFindingsPublicationConfiguration; Macie User Guide, "Types of findings" and "Evaluating findings with AWS Security
Hub": sensitive data findings are not sent unless the account says so.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from moto.backends import get_backend

from simulator.call import Call, ServiceError, not_simulated
from simulator.service import Service
from simulator.services.paging import Words, paged
from simulator.services.product_findings import identifier, send
from simulator.services.security_hub_store import moment_text
from simulator.world import partition_of

PATH = "aws/macie"
PAGE = 50
WORDS = Words("nextToken", "maxResults", "nextToken", "ValidationException")
# A finding type: as Security Hub names it, and what it says.
TYPES: Mapping[str, tuple[str, str]] = {
    "SensitiveData:S3Object/Credentials": ("Passwords/SensitiveData:S3Object-Credentials", "credentials data"),
    "SensitiveData:S3Object/Financial": ("Financial/SensitiveData:S3Object-Financial", "financial information"),
    "SensitiveData:S3Object/Multiple": ("PII/SensitiveData:S3Object-Multiple", "multiple types of sensitive data"),
    "SensitiveData:S3Object/Personal": ("PII/SensitiveData:S3Object-Personal", "personal information"),
}
SEVERITIES = {"Low": 1, "Medium": 2, "High": 3}
Place = tuple[str, str]


@dataclass(slots=True)
class Account:
    """What Macie keeps of one account and Region."""

    findings: dict[str, dict[str, Any]] = field(default_factory=dict)
    published: dict[str, bool] = field(
        default_factory=lambda: {"publishClassificationFindings": False, "publishPolicyFindings": True}
    )


class Macie(Service):
    """The findings of every account and Region; whether Macie is on, moto knows."""

    name = "macie2"

    def __init__(self, world: Any) -> None:
        super().__init__(world)
        self._accounts: dict[Place, Account] = {}

    def discover(self, account: str, region: str, bucket: str, key: str, kind: str, severity: str = "High") -> str:
        """Find sensitive data in an object, as a discovery job does; returns the finding's id."""
        held = self._account(account, region)
        name = identifier(account, region, bucket, key, kind)
        now, partition = self.world.agenda.now(), partition_of(region)
        known = held.findings.get(name)
        held.findings[name] = {
            "accountId": account,
            "archived": False,
            "category": "CLASSIFICATION",
            "count": 1,
            "createdAt": known["createdAt"] if known else now,
            "updatedAt": now,
            "description": f"The S3 object contains {TYPES[kind][1]}.",
            "id": name,
            "partition": partition,
            "region": region,
            "resourcesAffected": {
                "s3Bucket": {"arn": f"arn:{partition}:s3:::{bucket}", "name": bucket},
                "s3Object": {"bucketArn": f"arn:{partition}:s3:::{bucket}", "key": key, "path": f"{bucket}/{key}"},
            },
            "sample": False,
            "schemaVersion": "1.0",
            "severity": {"description": severity, "score": SEVERITIES[severity]},
            "title": f"The S3 object contains {TYPES[kind][1]}.",
            "type": kind,
        }
        if held.published["publishClassificationFindings"]:
            send(self.world, account, region, PATH, _finding_format(held.findings[name]))
        return name

    def list_findings(self, call: Call) -> dict[str, Any]:
        """ListFindings: the ids that the criteria admit."""
        held = self._account(call.account, call.region)
        criteria = (call.parameters.get("findingCriteria") or {}).get("criterion") or {}
        ids = [
            one["id"]
            for one in held.findings.values()
            if all(_meets(one, *criterion) for criterion in criteria.items())
        ]
        return paged("findingIds", ids, call.parameters, size=PAGE, largest=PAGE, words=WORDS)

    def get_findings(self, call: Call) -> dict[str, Any]:
        """GetFindings: those of the ids that are there."""
        held = self._account(call.account, call.region)
        asked = call.parameters["findingIds"]
        return {"findings": [copy.deepcopy(held.findings[one]) for one in asked if one in held.findings]}

    def get_findings_publication_configuration(self, call: Call) -> dict[str, Any]:
        """GetFindingsPublicationConfiguration."""
        return {"securityHubConfiguration": dict(self._account(call.account, call.region).published)}

    def put_findings_publication_configuration(self, call: Call) -> dict[str, Any]:
        """PutFindingsPublicationConfiguration: what is found from now on is sent accordingly."""
        held = self._account(call.account, call.region)
        held.published |= call.parameters.get("securityHubConfiguration") or {}
        return {}

    def _account(self, account: str, region: str) -> Account:
        session = get_backend("macie2")[account][region].macie_session
        if session is None:
            raise ServiceError("AccessDeniedException", "Macie is not enabled.", 403)
        return self._accounts.setdefault((account, region), Account())


def _meets(finding: Mapping[str, Any], path: str, conditions: Mapping[str, Any]) -> bool:
    value: Any = finding
    for name in path.split("."):
        value = (value or {}).get(name)
    text = str(value).lower() if isinstance(value, bool) else value
    strange = [one for one in conditions if one not in ("eq", "neq")]
    if strange:
        raise not_simulated(f"the condition {', '.join(strange)}")
    return text in conditions.get("eq", [text]) and text not in conditions.get("neq", [])


def _finding_format(finding: Mapping[str, Any]) -> dict[str, Any]:
    """A finding as the integration sends it to Security Hub: the bucket first, then the object."""
    affected, region = finding["resourcesAffected"], finding["region"]
    place = {"Partition": finding["partition"], "Region": region}
    named = f"{affected['s3Bucket']['arn']}/{affected['s3Object']['key']}"
    return {
        "SchemaVersion": "2018-10-08",
        "Id": finding["id"],
        "ProductArn": f"arn:{finding['partition']}:securityhub:{region}::product/{PATH}",
        "GeneratorId": PATH,
        "AwsAccountId": finding["accountId"],
        "Types": [f"Sensitive Data Identifications/{TYPES[finding['type']][0]}"],
        "CreatedAt": moment_text(finding["createdAt"]),
        "UpdatedAt": moment_text(finding["updatedAt"]),
        "Severity": {"Label": finding["severity"]["description"].upper()},
        "Title": finding["title"],
        "Description": finding["description"],
        "ProductFields": {"S3Object.Path": affected["s3Object"]["path"]},
        "Resources": [
            {"Type": "AwsS3Bucket", "Id": affected["s3Bucket"]["arn"], **place},
            {"Type": "AwsS3Object", "Id": named, **place},
        ],
    }
