"""GuardDuty's findings: found, listed by criteria, archived, and sent to Security Hub."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from botocore.exceptions import ClientError

from simulator.local import LocalOrganization
from simulator.services.guardduty import GuardDuty
from simulator.services.guardduty_types import TYPES
from tests.simulator.pipeline_world import HOME, MEMBER, organization

EXFILTRATION = "Exfiltration:IAMUser/AnomalousBehavior"
BACKDOOR = "Backdoor:EC2/C&CActivity.B!DNS"
KEY = {
    "ResourceType": "AccessKey",
    "AccessKeyDetails": {"AccessKeyId": "AKIA1", "PrincipalId": "AIDA1", "UserName": "eve", "UserType": "IAMUser"},
}
INSTANCE = {
    "ResourceType": "Instance",
    "InstanceDetails": {"InstanceId": "i-1", "InstanceType": "t3.micro", "ImageId": "ami-1"},
}


@pytest.fixture
def opened() -> Iterator[LocalOrganization]:
    with organization() as one:
        one.session(MEMBER).client("securityhub").enable_security_hub(EnableDefaultStandards=False)
        yield one


def client(opened: LocalOrganization) -> Any:
    return opened.session(MEMBER).client("guardduty")


def detector(opened: LocalOrganization) -> str:
    return str(client(opened).create_detector(Enable=True)["DetectorId"])


def detect(opened: LocalOrganization, kind: str, resource: dict[str, Any], severity: float | None = None) -> str:
    guardduty = opened.world.service(GuardDuty)
    return opened.do(partial(guardduty.detect, MEMBER, HOME, kind, resource, severity))


def listed(opened: LocalOrganization, on: str, **criteria: Any) -> list[str]:
    answer = client(opened).list_findings(DetectorId=on, FindingCriteria={"Criterion": criteria})
    return list(answer["FindingIds"])


def sent(opened: LocalOrganization) -> list[dict[str, Any]]:
    opened.advance(timedelta(minutes=5))
    return list(opened.session(MEMBER).client("securityhub").get_findings()["Findings"])


def test_a_finding_says_whose_key_it_is_about_and_is_listed_by_its_attributes(opened: LocalOrganization) -> None:
    on = detector(opened)
    key, instance = detect(opened, EXFILTRATION, KEY), detect(opened, BACKDOOR, INSTANCE, 5.0)
    (finding,) = client(opened).get_findings(DetectorId=on, FindingIds=[key])["Findings"]
    assert (finding["Type"], finding["Severity"], finding["Service"]["Count"]) == (EXFILTRATION, 8.0, 1)
    assert finding["Resource"]["AccessKeyDetails"]["UserName"] == "eve"
    assert listed(opened, on) == [key, instance]
    assert listed(opened, on, **{"resource.accessKeyDetails.userName": {"Equals": ["eve"]}}) == [key]
    assert listed(opened, on, **{"resource.accessKeyDetails.userName": {"Equals": ["bob"]}}) == []
    assert listed(opened, on, severity={"GreaterThanOrEqual": 7}) == [key]
    assert listed(opened, on, **{"resource.instanceDetails.instanceId": {"Eq": ["i-1"]}}) == [instance]


def test_the_same_again_is_the_same_finding_counted_once_more(opened: LocalOrganization) -> None:
    on = detector(opened)
    first = detect(opened, EXFILTRATION, KEY)
    opened.advance(timedelta(hours=1))
    assert detect(opened, EXFILTRATION, KEY) == first
    (finding,) = client(opened).get_findings(DetectorId=on, FindingIds=[first])["Findings"]
    assert finding["Service"]["Count"] == 2
    assert finding["UpdatedAt"] > finding["CreatedAt"]


def test_archived_findings_are_listed_unless_the_criteria_leave_them_out(opened: LocalOrganization) -> None:
    on = detector(opened)
    key = detect(opened, EXFILTRATION, KEY)
    opened.advance(timedelta(minutes=1))
    client(opened).archive_findings(DetectorId=on, FindingIds=[key])
    assert listed(opened, on) == [key]
    assert listed(opened, on, **{"service.archived": {"Equals": ["false"]}}) == []
    assert [one["RecordState"] for one in sent(opened)] == ["ARCHIVED"]
    assert detect(opened, EXFILTRATION, KEY) != key, "found again after that, it is a new finding"
    client(opened).unarchive_findings(DetectorId=on, FindingIds=[key])
    assert listed(opened, on, **{"service.archived": {"Equals": ["false"]}})[0] == key


def test_security_hub_gets_each_finding_in_its_own_format(opened: LocalOrganization) -> None:
    on = detector(opened)
    detect(opened, EXFILTRATION, KEY)
    detect(opened, BACKDOOR, INSTANCE)
    key, instance = sent(opened)
    assert key["ProductArn"] == f"arn:aws:securityhub:{HOME}::product/aws/guardduty"
    assert (key["CompanyName"], key["ProductName"]) == ("Amazon", "GuardDuty")
    assert key["GeneratorId"] == f"arn:aws:guardduty:{HOME}:{MEMBER}:detector/{on}"
    assert key["Types"] == ["TTPs/Exfiltration/IAMUser-AnomalousBehavior"]
    assert key["Severity"]["Label"] == "HIGH"
    assert (key["Workflow"]["Status"], key["RecordState"]) == ("NEW", "ACTIVE")
    assert "Compliance" not in key
    (named,) = key["Resources"]
    assert (named["Type"], named["Id"]) == ("AwsIamAccessKey", "AWS::IAM::AccessKey:AKIA1")
    assert named["Details"]["AwsIamAccessKey"] == {
        "PrincipalId": "AIDA1",
        "PrincipalName": "eve",
        "PrincipalType": "IAMUser",
    }
    assert instance["Resources"][0]["Id"] == f"arn:aws:ec2:{HOME}:{MEMBER}:instance/i-1"


def test_a_product_that_the_account_does_not_import_sends_nothing(opened: LocalOrganization) -> None:
    detector(opened)
    hub: Any = opened.session(MEMBER).client("securityhub")
    (subscription,) = [
        one for one in hub.list_enabled_products_for_import()["ProductSubscriptions"] if one.endswith("guardduty")
    ]
    hub.disable_import_findings_for_product(ProductSubscriptionArn=subscription)
    detect(opened, EXFILTRATION, KEY)
    assert sent(opened) == []


def test_sample_findings_are_marked_and_about_nothing_that_is_there(opened: LocalOrganization) -> None:
    on = detector(opened)
    client(opened).create_sample_findings(DetectorId=on)
    findings = client(opened).get_findings(DetectorId=on, FindingIds=listed(opened, on))["Findings"]
    assert {one["Type"] for one in findings} == set(TYPES)
    assert all(one["Title"].startswith("[SAMPLE] ") for one in findings)
    assert all("GeneratedFinding" in str(one) or "i-99999999" in str(one) for one in findings)
    with pytest.raises(ClientError, match="are not simulated"):
        client(opened).create_sample_findings(DetectorId=on, FindingTypes=["Stealth:S3/ServerAccessLoggingDisabled"])


def test_findings_come_in_pages_of_fifty_and_in_the_order_asked_for(opened: LocalOrganization) -> None:
    on = detector(opened)
    for number in range(51):
        detect(opened, EXFILTRATION, {**KEY, "AccessKeyDetails": {**KEY["AccessKeyDetails"], "UserName": f"u{number}"}})  # type: ignore[dict-item]
    whole = client(opened).get_paginator("list_findings").paginate(DetectorId=on)
    assert [len(page["FindingIds"]) for page in whole] == [50, 1]
    order: Any = {"AttributeName": "id", "OrderBy": "DESC"}
    first = client(opened).list_findings(DetectorId=on, SortCriteria=order, MaxResults=50)["FindingIds"]
    assert first == sorted(first, reverse=True)


def test_what_is_asked_wrongly_is_refused(opened: LocalOrganization) -> None:
    with pytest.raises(ClientError, match="not owned by the current account"):
        listed(opened, "another")
    on = detector(opened)
    detect(opened, EXFILTRATION, KEY)
    with pytest.raises(ClientError, match="Matches is not simulated"):
        listed(opened, on, type={"Matches": ["*"]})


def test_nothing_is_found_where_no_detector_is_on(opened: LocalOrganization) -> None:
    on = detector(opened)
    client(opened).update_detector(DetectorId=on, Enable=False)
    with pytest.raises(Exception, match="GuardDuty is not on"):
        detect(opened, EXFILTRATION, KEY)
