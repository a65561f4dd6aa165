"""Inspector's findings of vulnerable packages: listed, sent to Security Hub, closed when the package is fixed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from botocore.exceptions import ClientError

from simulator.call import ServiceError
from simulator.local import LocalOrganization
from simulator.services.inspector import Inspector
from simulator.services.ssm import SystemsManager
from simulator.services.ssm_hosts import Host
from tests.simulator.pipeline_world import HOME, MEMBER, organization

OPENSSL = {"name": "openssl", "version": "1:1.0.2k-24.amzn2.0.3", "fixed": "1:1.0.2k-24.amzn2.0.6"}
LODASH = {"name": "lodash", "version": "4.17.11", "fixed": "4.17.21", "manager": "NPM", "path": "srv/package.json"}


@pytest.fixture
def opened() -> Iterator[LocalOrganization]:
    with organization() as one:
        one.session(MEMBER).client("securityhub").enable_security_hub(EnableDefaultStandards=False)
        yield one


def client(opened: LocalOrganization, service: str = "inspector2") -> Any:
    session: Any = opened.session(MEMBER)
    return session.client(service)


def instance(opened: LocalOrganization, **installed: str) -> str:
    """An instance that Inspector scans and Systems Manager manages."""
    client(opened).enable(accountIds=[MEMBER], resourceTypes=["EC2"])
    made = client(opened, "ec2").run_instances(ImageId="ami-12345678", MinCount=1, MaxCount=1)["Instances"][0]
    host = Host("Linux", "Amazon Linux", "yum", dict(installed))
    manager = opened.world.service(SystemsManager)
    opened.do(partial(manager.manage, MEMBER, HOME, made["InstanceId"], host))
    return str(made["InstanceId"])


def find(opened: LocalOrganization, name: str, package: dict[str, str], severity: str = "HIGH", **more: Any) -> str:
    inspector = opened.world.service(Inspector)
    number = len(listed(opened))
    return opened.do(partial(inspector.find, MEMBER, HOME, name, f"CVE-2022-{number}", package, severity, **more))


def listed(opened: LocalOrganization, **criteria: Any) -> list[str]:
    pages = client(opened).get_paginator("list_findings").paginate(filterCriteria=criteria)
    return [one["findingArn"] for page in pages for one in page["findings"]]


def equal(*values: str) -> list[dict[str, str]]:
    return [{"comparison": "EQUALS", "value": value} for value in values]


def sent(opened: LocalOrganization) -> list[dict[str, Any]]:
    opened.advance(timedelta(minutes=5))
    return list(client(opened, "securityhub").get_findings()["Findings"])


def test_findings_are_listed_by_every_filter_and_any_of_its_values_in_pages(opened: LocalOrganization) -> None:
    name, other = instance(opened), instance(opened)
    first = find(opened, name, OPENSSL)
    second = find(opened, name, LODASH, "CRITICAL", exploited=True)
    third = find(opened, other, {**OPENSSL, "fixed": ""}, "LOW")
    assert listed(opened) == [first, second, third]
    assert listed(opened, resourceId=equal(name)) == [first, second]
    assert listed(opened, resourceId=equal(name), severity=equal("CRITICAL", "LOW")) == [second]
    assert listed(opened, fixAvailable=equal("NO")) == [third]
    assert listed(opened, exploitAvailable=equal("YES")) == [second]
    assert listed(opened, findingStatus=equal("CLOSED")) == []
    assert listed(opened, vulnerabilityId=[{"comparison": "PREFIX", "value": "CVE-2022-"}]) == [first, second, third]
    by_name = [{"name": {"comparison": "EQUALS", "value": "openssl"}}]
    assert listed(opened, vulnerablePackages=by_name) == [first, third]
    pages = client(opened).get_paginator("list_findings").paginate(PaginationConfig={"PageSize": 2})
    assert [len(page["findings"]) for page in pages] == [2, 1]
    finding = client(opened).list_findings(filterCriteria={"severity": equal("CRITICAL")})["findings"][0]
    (package,) = finding["packageVulnerabilityDetails"]["vulnerablePackages"]
    assert (package["packageManager"], package["filePath"]) == ("NPM", "srv/package.json")
    for criteria in ({"awsAccountId": equal(MEMBER)}, {"vulnerablePackages": [{"version": by_name[0]["name"]}]}):
        with pytest.raises(ClientError, match="not simulated"):
            listed(opened, **criteria)
    with pytest.raises(ClientError, match="not simulated"):
        client(opened).list_findings(sortCriteria={"field": "SEVERITY", "sortOrder": "DESC"})


def test_security_hub_gets_each_finding_in_the_documented_format(opened: LocalOrganization) -> None:
    name = instance(opened)
    arn = find(opened, name, {**OPENSSL, "remediation": "yum update openssl"}, "CRITICAL")
    (finding,) = sent(opened)
    assert (finding["Id"], finding["GeneratorId"]) == (arn, "AWSInspector")
    assert finding["ProductArn"] == f"arn:aws:securityhub:{HOME}::product/aws/inspector"
    assert finding["ProductName"] == "Inspector"
    assert finding["Types"] == ["Software and Configuration Checks/Vulnerabilities/CVE"]
    assert finding["Severity"]["Label"] == "CRITICAL"
    assert finding["ProductFields"]["aws/inspector/ProductVersion"] == "2"
    assert [(one["Type"], one["Id"]) for one in finding["Resources"]] == [
        ("AwsEc2Instance", f"arn:aws:ec2:{HOME}:{MEMBER}:instance/{name}")
    ]
    (vulnerability,) = finding["Vulnerabilities"]
    assert vulnerability["FixAvailable"] == "YES"
    assert vulnerability["VulnerablePackages"] == [
        {
            "Name": "openssl",
            "Version": "1.0.2k",
            "Epoch": "1",
            "Release": "24.amzn2.0.3",
            "Architecture": "X86_64",
            "PackageManager": "OS",
            "FixedInVersion": "1:1.0.2k-24.amzn2.0.6",
            "Remediation": "yum update openssl",
        }
    ]


def test_a_finding_is_closed_and_archived_once_an_inventory_shows_the_package_fixed_or_gone(
    opened: LocalOrganization,
) -> None:
    name = instance(opened, openssl=OPENSSL["version"], curl="7.79.1-2.amzn2")
    fixed = find(opened, name, OPENSSL)
    gone = find(opened, name, {"name": "wget", "version": "1.14-18"})
    find(opened, name, {"name": "curl", "version": "7.79.1-2.amzn2", "fixed": "0:7.79.1-4.amzn2"})
    find(opened, name, LODASH)
    opened.advance(timedelta(minutes=31))
    assert listed(opened, findingStatus=equal("CLOSED")) == [gone]
    opened.world.service(SystemsManager).host(MEMBER, HOME, name).packages["openssl"] = OPENSSL["fixed"]
    opened.advance(timedelta(minutes=31))
    assert listed(opened, findingStatus=equal("CLOSED")) == [fixed, gone]
    records = {one["Id"]: one["RecordState"] for one in sent(opened)}
    assert [records[one] for one in (fixed, gone)] == ["ARCHIVED", "ARCHIVED"]
    assert sorted(records.values()) == ["ACTIVE", "ACTIVE", "ARCHIVED", "ARCHIVED"]


def test_an_instance_that_is_stopped_keeps_its_findings(opened: LocalOrganization) -> None:
    name = instance(opened, openssl=OPENSSL["fixed"])
    arn = find(opened, name, OPENSSL)
    client(opened, "ec2").stop_instances(InstanceIds=[name])
    opened.advance(timedelta(hours=2))
    assert listed(opened, findingStatus=equal("ACTIVE")) == [arn]


def test_nothing_is_found_where_instances_are_not_scanned(opened: LocalOrganization) -> None:
    with pytest.raises(ServiceError, match="does not scan"):
        find(opened, "i-1", OPENSSL)
    assert listed(opened) == []
