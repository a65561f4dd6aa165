"""Macie's findings of sensitive data: listed, read, and sent to Security Hub where the account says so."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from botocore.exceptions import ClientError

from simulator.local import LocalOrganization
from simulator.services.macie import Macie
from tests.simulator.pipeline_world import HOME, MEMBER, organization

PERSONAL = "SensitiveData:S3Object/Personal"
PUBLISHED = {"publishClassificationFindings": True, "publishPolicyFindings": True}


@pytest.fixture
def opened() -> Iterator[LocalOrganization]:
    with organization() as one:
        one.session(MEMBER).client("securityhub").enable_security_hub(EnableDefaultStandards=False)
        client(one).enable_macie()
        yield one


def client(opened: LocalOrganization) -> Any:
    return opened.session(MEMBER).client("macie2")


def discover(opened: LocalOrganization, bucket: str, key: str = "people.csv") -> str:
    macie = opened.world.service(Macie)
    return opened.do(partial(macie.discover, MEMBER, HOME, bucket, key, PERSONAL))


def listed(opened: LocalOrganization, **criteria: Any) -> list[str]:
    return list(client(opened).list_findings(findingCriteria={"criterion": criteria})["findingIds"])


def sent(opened: LocalOrganization) -> list[dict[str, Any]]:
    opened.advance(timedelta(minutes=5))
    return list(opened.session(MEMBER).client("securityhub").get_findings()["Findings"])


def test_findings_are_listed_by_criteria_and_read_by_id(opened: LocalOrganization) -> None:
    first, second = discover(opened, "people"), discover(opened, "money")
    assert listed(opened) == [first, second]
    assert listed(opened, **{"resourcesAffected.s3Bucket.name": {"eq": ["people"]}}) == [first]
    assert listed(opened, archived={"eq": ["true"]}) == []
    assert listed(opened, category={"neq": ["POLICY"]}) == [first, second]
    (finding,) = client(opened).get_findings(findingIds=[first, "another"])["findings"]
    assert (finding["type"], finding["severity"]["description"]) == (PERSONAL, "High")
    assert finding["resourcesAffected"]["s3Object"]["path"] == "people/people.csv"
    pages = client(opened).get_paginator("list_findings").paginate(PaginationConfig={"PageSize": 1})
    assert [page["findingIds"] for page in pages] == [[first], [second]]
    with pytest.raises(ClientError, match="ValidationException"):
        client(opened).list_findings(nextToken="wrong")
    with pytest.raises(ClientError, match="gt is not simulated"):
        listed(opened, count={"gt": 1})


def test_sensitive_data_is_told_to_security_hub_where_the_account_says_so_alone(opened: LocalOrganization) -> None:
    discover(opened, "people")
    before = client(opened).get_findings_publication_configuration()["securityHubConfiguration"]
    assert before == {"publishClassificationFindings": False, "publishPolicyFindings": True}
    assert sent(opened) == []
    client(opened).put_findings_publication_configuration(securityHubConfiguration=PUBLISHED)
    discover(opened, "money")
    (finding,) = sent(opened)
    assert finding["ProductArn"] == f"arn:aws:securityhub:{HOME}::product/aws/macie"
    assert finding["Types"] == ["Sensitive Data Identifications/PII/SensitiveData:S3Object-Personal"]
    assert finding["Severity"]["Label"] == "HIGH"
    assert [(one["Type"], one["Id"]) for one in finding["Resources"]] == [
        ("AwsS3Bucket", "arn:aws:s3:::money"),
        ("AwsS3Object", "arn:aws:s3:::money/people.csv"),
    ]


def test_nothing_is_answered_where_macie_is_not_on(opened: LocalOrganization) -> None:
    client(opened).disable_macie()
    with pytest.raises(ClientError, match="Macie is not enabled"):
        listed(opened)
