"""Amazon Inspector's findings of vulnerable packages: listed, closed when the package is fixed, sent to Security Hub.

Nothing is looked up: `find`, which tests and scenarios call in the place of Inspector's vulnerability database, says
which package of an instance has which vulnerability. Whether instances are scanned, moto knows (Enable).
Source: Amazon Inspector API Reference, ListFindings and Finding; Amazon Inspector User Guide, "Scanning Amazon EC2
instances", "Understanding findings" and "Integration with AWS Security Hub" (the example of a finding).
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from moto.backends import get_backend

from simulator.call import Call, ServiceError, not_simulated
from simulator.service import Service
from simulator.services.inspector_format import PATH, finding_format
from simulator.services.package_managers import compare, split
from simulator.services.product_findings import identifier, send
from simulator.world import partition_of

PAGE = 100
SCORES = {"CRITICAL": 9.8, "HIGH": 7.8, "MEDIUM": 5.5, "LOW": 3.1}
FIELDS = {
    "resourceId": lambda one: one["resources"][0]["id"],
    "findingType": lambda one: one["type"],
    "findingStatus": lambda one: one["status"],
    "fixAvailable": lambda one: one["fixAvailable"],
    "severity": lambda one: one["severity"],
    "exploitAvailable": lambda one: one["exploitAvailable"],
    "vulnerabilityId": lambda one: one["packageVulnerabilityDetails"]["vulnerabilityId"],
}
TESTS = {
    "EQUALS": lambda value, given: value == given,
    "NOT_EQUALS": lambda value, given: value != given,
    "PREFIX": lambda value, given: value.startswith(given),
}
MANAGED_BY_SYSTEM = "OS"
UNFIXED = "NotAvailable"


class Inspector(Service):
    """The findings of every account and Region, by their ARNs."""

    name = "inspector2"

    def __init__(self, world: Any) -> None:
        super().__init__(world)
        self._findings: dict[tuple[str, str], dict[str, dict[str, Any]]] = {}

    def scans(self, account: str, region: str) -> bool:
        """Whether Inspector scans the instances of an account in a Region."""
        status = get_backend("inspector2")[account][region].account_status.get(account)
        return status is not None and status.ec2 == "ENABLED"

    def find(
        self,
        account: str,
        region: str,
        instance: str,
        cve: str,
        package: Mapping[str, str],
        severity: str = "HIGH",
        *,
        exploited: bool = False,
    ) -> str:
        """Find a package vulnerable; returns the finding's ARN. Raises ServiceError where nothing is scanned.

        `package` has `name`, `version`, `fixed` (without it there is no fix yet), and `manager` where it is not of the
        operating system; empty where Inspector names none.
        """
        if not self.scans(account, region):
            raise ServiceError("AccessDeniedException", f"Inspector does not scan instances in {account} {region}")
        name = identifier(account, region, instance, cve, package["name"])
        arn = f"arn:{partition_of(region)}:inspector2:{region}:{account}:finding/{name}"
        held, now = self._findings.setdefault((account, region), {}), self.world.agenda.now()
        known = held.get(arn)
        held[arn] = {
            "awsAccountId": account,
            "description": f"A vulnerability of {package['name']}.",
            "exploitAvailable": "YES" if exploited else "NO",
            "findingArn": arn,
            "firstObservedAt": known["firstObservedAt"] if known else now,
            "fixAvailable": "YES" if package.get("fixed") else "NO",
            "inspectorScore": SCORES[severity],
            "lastObservedAt": now,
            "packageVulnerabilityDetails": {
                "vulnerabilityId": cve,
                "vulnerablePackages": [_package(package)],
                "source": "NVD",
                "sourceUrl": f"https://nvd.nist.gov/vuln/detail/{cve}",
                "referenceUrls": [f"https://nvd.nist.gov/vuln/detail/{cve}"],
                "relatedVulnerabilities": [],
                "cvss": [],
            },
            "remediation": {"recommendation": {"text": "None Provided"}},
            "resources": [
                {
                    "id": instance,
                    "type": "AWS_EC2_INSTANCE",
                    "partition": partition_of(region),
                    "region": region,
                    "details": {"awsEc2Instance": {}},
                }
            ],
            "severity": severity,
            "status": "ACTIVE",
            "title": f"{cve} - {package['name']}",
            "type": "PACKAGE_VULNERABILITY",
            "updatedAt": now,
        }
        self._send(account, region, held[arn])
        return arn

    def scan(self, account: str, region: str, instance: str, installed: Mapping[str, str]) -> None:
        """Look at an inventory: a finding is closed where its packages are fixed or gone."""
        for finding in self._findings.get((account, region), {}).values():
            if finding["resources"][0]["id"] != instance or finding["status"] != "ACTIVE":
                continue
            if all(_fixed(one, installed) for one in finding["packageVulnerabilityDetails"]["vulnerablePackages"]):
                finding["status"], finding["updatedAt"] = "CLOSED", self.world.agenda.now()
                self._send(account, region, finding)

    def list_findings(self, call: Call) -> dict[str, Any]:
        """ListFindings: those that every filter admits, a filter by any of its values."""
        criteria = call.parameters.get("filterCriteria") or {}
        if call.parameters.get("sortCriteria"):
            raise not_simulated("sortCriteria")
        found = [
            copy.deepcopy(one)
            for one in self._findings.get((call.account, call.region), {}).values()
            if all(_admits(one, *criterion) for criterion in criteria.items())
        ]
        start = int(call.parameters.get("nextToken") or 0)
        end = start + int(call.parameters.get("maxResults") or PAGE)
        return {"findings": found[start:end], **({"nextToken": str(end)} if end < len(found) else {})}

    def _send(self, account: str, region: str, finding: Mapping[str, Any]) -> None:
        send(self.world, account, region, PATH, finding_format(finding))


def _package(given: Mapping[str, str]) -> dict[str, Any]:
    epoch, upstream, release = split(given["version"])
    manager = given.get("manager", MANAGED_BY_SYSTEM)
    return {
        "name": given["name"],
        "version": upstream,
        "epoch": int(epoch),
        **({"release": release} if release else {}),
        "arch": "X86_64",
        **({"packageManager": manager} if manager else {}),
        "fixedInVersion": given.get("fixed", UNFIXED),
        **({"remediation": given["remediation"]} if "remediation" in given else {}),
        **({"filePath": given["path"]} if "path" in given else {}),
    }


def _fixed(package: Mapping[str, Any], installed: Mapping[str, str]) -> bool:
    """Whether a package is at its fix; what is inside applications an inventory of packages does not show."""
    if package.get("packageManager") != MANAGED_BY_SYSTEM:
        return False
    version = installed.get(package["name"])
    if version is None:
        return True
    return package["fixedInVersion"] != UNFIXED and compare(version, package["fixedInVersion"]) >= 0


def _admits(finding: Mapping[str, Any], name: str, filters: list[Mapping[str, Any]]) -> bool:
    if name == "vulnerablePackages":
        packages = finding["packageVulnerabilityDetails"]["vulnerablePackages"]
        if strange := {key for one in filters for key in one} - {"name"}:
            raise not_simulated(f"a filter of packages by {', '.join(strange)}")
        return any(_meets(package["name"], one["name"]) for package in packages for one in filters)
    if name not in FIELDS:
        raise not_simulated(f"the filter {name}")
    return any(_meets(FIELDS[name](finding), one) for one in filters)


def _meets(value: str, given: Mapping[str, str]) -> bool:
    return bool(TESTS[given["comparison"]](value, given["value"]))
