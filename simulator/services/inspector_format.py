"""Findings of Amazon Inspector in Security Hub's format.

Source: Amazon Inspector User Guide, "Amazon Inspector integration with AWS Security Hub" (the example of a finding);
Security Hub User Guide, "Optional top-level ASFF attributes", Vulnerabilities; "Integrations of AWS services":
`aws/inspector/ProductVersion` is 2.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from simulator.services.security_hub_store import moment_text

PATH = "aws/inspector"
NORMALIZED = {"CRITICAL": 90, "HIGH": 70, "MEDIUM": 40, "LOW": 1}
ADVICE = (
    "Remediation is available. Please refer to the Fixed version in the vulnerability details section above. For "
    "detailed remediation guidance for each of the affected packages, refer to the vulnerabilities section of the "
    "detailed finding JSON."
)
NO_ADVICE = "No remediation is available yet."


def finding_format(finding: Mapping[str, Any]) -> dict[str, Any]:
    """A finding as the integration sends it; one that is closed is archived."""
    (resource,) = finding["resources"]
    partition, region, account = resource["partition"], resource["region"], finding["awsAccountId"]
    details = finding["packageVulnerabilityDetails"]
    fixed = finding["fixAvailable"] != "NO"
    return {
        "SchemaVersion": "2018-10-08",
        "Id": finding["findingArn"],
        "ProductArn": f"arn:{partition}:securityhub:{region}::product/{PATH}",
        "GeneratorId": "AWSInspector",
        "AwsAccountId": account,
        "Types": ["Software and Configuration Checks/Vulnerabilities/CVE"],
        "FirstObservedAt": moment_text(finding["firstObservedAt"]),
        "LastObservedAt": moment_text(finding["lastObservedAt"]),
        "CreatedAt": moment_text(finding["firstObservedAt"]),
        "UpdatedAt": moment_text(finding["updatedAt"]),
        "Severity": {"Label": finding["severity"], "Normalized": NORMALIZED[finding["severity"]]},
        "Title": finding["title"],
        "Description": finding["description"],
        "Remediation": {"Recommendation": {"Text": ADVICE if fixed else NO_ADVICE}},
        "ProductFields": {
            "aws/inspector/FindingStatus": finding["status"],
            "aws/inspector/inspectorScore": str(finding["inspectorScore"]),
            "aws/inspector/ProductVersion": "2",
        },
        "Resources": [
            {
                "Type": "AwsEc2Instance",
                "Id": f"arn:{partition}:ec2:{region}:{account}:instance/{resource['id']}",
                "Partition": partition,
                "Region": region,
                "Details": {"AwsEc2Instance": {}},
            }
        ],
        "Vulnerabilities": [
            {
                "Id": details["vulnerabilityId"],
                "VulnerablePackages": [_package(one) for one in details["vulnerablePackages"]],
                "Vendor": {"Name": details["source"], "Url": details["sourceUrl"]},
                "ReferenceUrls": details["referenceUrls"],
                "FixAvailable": finding["fixAvailable"],
                "ExploitAvailable": finding["exploitAvailable"],
            }
        ],
        "RecordState": "ACTIVE" if finding["status"] == "ACTIVE" else "ARCHIVED",
    }


def _package(package: Mapping[str, Any]) -> dict[str, str]:
    names = {
        "Name": "name",
        "Version": "version",
        "Epoch": "epoch",
        "Release": "release",
        "Architecture": "arch",
        "PackageManager": "packageManager",
        "FilePath": "filePath",
        "FixedInVersion": "fixedInVersion",
        "Remediation": "remediation",
    }
    return {name: str(package[key]) for name, key in names.items() if key in package}
