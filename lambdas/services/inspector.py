"""What Amazon Inspector finds vulnerable on an EC2 instance, package by package, as the service itself has it.

Source: Amazon Inspector API Reference, ListFindings (FilterCriteria), Finding, PackageVulnerabilityDetails,
VulnerablePackage (`packageManager`: OS, or the manager of an application's language); Amazon Inspector User Guide,
"Scanning Amazon EC2 instances" (an instance is scanned again when its inventory changes, which is collected every 30
minutes) and "Understanding findings".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from lambdas.controls.model import Grant
from lambdas.services.package_versions import newest

if TYPE_CHECKING:
    from boto3 import Session

# Inspector's reads know no resource types (Service Authorization Reference).
GRANTS = (Grant("inspector2:ListFindings", ("*",)),)
SEVERITIES = ("HIGH", "CRITICAL")
OPERATING_SYSTEM = "OS"
UNFIXED = "NotAvailable"
# A kernel runs until a restart, whatever is installed beside it; so do its modules. The packages that bring it, such as
# linux-aws or linux-generic, bring another one, and what is made for one kernel, such as linux-tools-5.15.0-1, has the
# fix under another name. Source: Debian Kernel Handbook, "Overview of linux packages"; dnf.conf(5), installonlypkgs.
KERNEL = re.compile(r"kernel.*|linux(-.*)?")
# Replaced in place, and of the next start of whatever uses them.
NO_RESTART = re.compile(r"kernel[0-9.]*-(headers|tools|tools-libs|doc)|linux-(libc-dev|base|doc|perf|cpupower)")


def criteria(instance: str) -> dict[str, Any]:
    """The filter of the open findings about an instance that a newer package closes."""

    def equal(*values: str) -> list[dict[str, str]]:
        return [{"comparison": "EQUALS", "value": value} for value in values]

    return {
        "resourceId": equal(instance),
        "findingType": equal("PACKAGE_VULNERABILITY"),
        "findingStatus": equal("ACTIVE"),
        "fixAvailable": equal("YES", "PARTIAL"),
        "severity": equal(*SEVERITIES),
    }


def packages(session: Session, instance: str) -> list[dict[str, Any]]:
    """The packages of an instance that have a fix, one entry each, the worst first.

    An entry says `Name`, `Version` (installed), `Manager` (empty where Inspector names none), `Fixed` (the version that
    has all fixes), `Severity`, `Cve` (one of the worst), `Exploited` (one with a known exploit), `Command` (Inspector's
    own advice), and when the last of its findings was observed for the first time (`First`) and the last time (`Last`).
    It counts nothing: the next finding about a package that is named already makes no other entry.
    """
    pages = session.client("inspector2").get_paginator("list_findings").paginate(filterCriteria=criteria(instance))
    found: dict[tuple[str, str, str], list[dict[str, Any]]] = {}
    for finding in (one for page in pages for one in page["findings"]):
        for one in _vulnerable(finding):
            found.setdefault((one["Name"], one["Manager"], one["Version"]), []).append(one)
    merged = [_merged(same) for same in found.values()]
    return sorted(merged, key=lambda one: (-SEVERITIES.index(one["Severity"]), one["Name"], one["Version"]))


def _vulnerable(finding: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The packages that one finding names and that have a fix."""
    details = finding["packageVulnerabilityDetails"]
    for package in details.get("vulnerablePackages", ()):
        fixed = package.get("fixedInVersion", UNFIXED)
        if fixed == UNFIXED:
            continue
        version = package["version"] + (f"-{package['release']}" if package.get("release") else "")
        yield {
            "Name": package["name"],
            "Version": f"{package['epoch']}:{version}" if package.get("epoch") else version,
            "Manager": package.get("packageManager", ""),
            "Fixed": fixed,
            "Severity": finding["severity"],
            "Cve": details["vulnerabilityId"],
            "Exploited": finding.get("exploitAvailable") == "YES",
            "Command": package.get("remediation", ""),
            "First": finding["firstObservedAt"],
            "Last": finding["lastObservedAt"],
        }


def _merged(same: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """One entry for the findings about one package: the worst of them, and the newest of the fixed versions."""
    worst = min(same, key=lambda one: (-SEVERITIES.index(one["Severity"]), one["Cve"]))
    return {
        **worst,
        "Fixed": newest(one["Fixed"] for one in same),
        "Exploited": any(one["Exploited"] for one in same),
        "First": max(one["First"] for one in same),
        "Last": max(one["Last"] for one in same),
    }


def installable(package: Mapping[str, Any]) -> bool:
    """Whether installing the package is enough: neither inside an application, nor a kernel, which wants a restart."""
    name = str(package["Name"])
    kernel = KERNEL.fullmatch(name) and not NO_RESTART.fullmatch(name)
    return package["Manager"] == OPERATING_SYSTEM and not kernel


def advised(found: Iterable[Mapping[str, Any]], most: int = 10) -> str:
    """The commands that people run, as Inspector advises them, each once."""
    given = dict.fromkeys(one["Command"] or f"update {one['Name']} to {one['Fixed']}" for one in found)
    return "; ".join(list(given)[:most])


def listed(found: Iterable[Mapping[str, Any]], most: int) -> str:
    """Packages for people, as `CVE-2022-1 in openssl 1.0 (fixed in 1.1)`; how many more, after the first few."""
    said = [f"{one['Cve']} in {one['Name']} {one['Version']} (fixed in {one['Fixed']})" for one in found]
    return ", ".join(said[:most]) + (f" and {len(said) - most} more" if len(said) > most else "")
