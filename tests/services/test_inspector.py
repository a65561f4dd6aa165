"""What Inspector reports of an instance, package by package."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from boto3 import Session

from lambdas.services import inspector
from tests.controls.product_findings import inspector_finds
from tests.controls.round_trip import PLACE, member_account

OPENSSL = {"name": "openssl", "version": "1:1.0.2k-24", "fixed": "1:1.0.2k-25"}


@pytest.fixture(scope="module")
def member() -> Iterator[Session]:
    with member_account() as session:
        yield session


def test_an_instance_of_which_nothing_is_known_has_no_vulnerable_package(member: Session) -> None:
    assert inspector.packages(member, "i-1") == []


def test_many_findings_about_one_package_are_one_entry_with_the_newest_fix_and_the_worst_finding(
    member: Session,
) -> None:
    for number in range(120):
        inspector_finds(member, PLACE, "i-2", f"CVE-2022-{number:04}", OPENSSL)
    inspector_finds(member, PLACE, "i-2", "CVE-2023-0001", {**OPENSSL, "fixed": "1:1.0.2k-27"}, "CRITICAL")
    inspector_finds(member, PLACE, "i-2", "CVE-2023-0002", {**OPENSSL, "fixed": "1:1.0.2k-26"})
    inspector_finds(member, PLACE, "i-2", "CVE-2023-0003", {**OPENSSL, "fixed": "1:1.0.2k-99"}, "MEDIUM")
    inspector_finds(member, PLACE, "i-2", "CVE-2023-0004", {"name": "curl", "version": "7-1"}, "CRITICAL")
    inspector_finds(member, PLACE, "i-3", "CVE-2023-0005", {"name": "curl", "version": "7-1", "fixed": "7-2"})
    (found,) = inspector.packages(member, "i-2")
    assert found["First"] <= found["Last"]
    assert {key: value for key, value in found.items() if key not in ("First", "Last")} == {
        "Name": "openssl",
        "Version": "1:1.0.2k-24",
        "Manager": "OS",
        "Fixed": "1:1.0.2k-27",
        "Severity": "CRITICAL",
        "Cve": "CVE-2023-0001",
        "Exploited": False,
        "Command": "",
    }


def test_what_people_run_is_said_once_each_up_to_a_number() -> None:
    found = [{"Command": "yum update curl"}, {"Command": "", "Name": "lodash", "Fixed": "4"}]
    assert inspector.advised([*found, *found]) == "yum update curl; update lodash to 4"
    assert inspector.advised(found, 1) == "yum update curl"


def test_a_package_of_which_no_manager_is_known_is_not_taken_for_one_of_the_system(member: Session) -> None:
    inspector_finds(member, PLACE, "i-4", "CVE-2023-0006", {**OPENSSL, "manager": ""})
    (found,) = inspector.packages(member, "i-4")
    assert found["Manager"] == ""
    assert not inspector.installable(found)


def test_packages_are_said_up_to_a_number_and_then_counted() -> None:
    found = [
        {"Cve": f"CVE-{one}", "Name": "a", "Version": "1", "Fixed": "2", "Manager": "OS", "Severity": "HIGH"}
        for one in range(3)
    ]
    assert inspector.listed(found, 1) == "CVE-0 in a 1 (fixed in 2) and 2 more"
    assert inspector.listed(found[:1], 1) == "CVE-0 in a 1 (fixed in 2)"


@pytest.mark.parametrize(
    ("name", "manager", "installable"),
    [
        ("openssl", "OS", True),
        ("openssl", "", False),
        ("kernel", "OS", False),
        ("kernel-core", "OS", False),
        ("kernel-devel", "OS", False),
        ("kernel6.12", "OS", False),
        ("kernel-headers", "OS", True),
        ("kernel6.12-tools", "OS", True),
        ("perf", "OS", True),
        ("bpftool", "OS", True),
        ("linux", "OS", False),
        ("linux-aws", "OS", False),
        ("linux-image-5.4.0-1", "OS", False),
        ("linux-tools-5.4.0-1", "OS", False),
        ("linux-libc-dev", "OS", True),
        ("linuxptp", "OS", True),
        ("lodash", "NPM", False),
    ],
)
def test_what_is_inside_applications_and_kernels_no_installation_mends(
    name: str, manager: str, *, installable: bool
) -> None:
    assert inspector.installable({"Name": name, "Manager": manager}) is installable
