"""GetFindings: filters, sorting and pages."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from simulator.call import ServiceError
from tests.simulator.security_hub_world import ALPHA, HOME, Place, organisation

NAMES = (
    "Id",
    "Title",
    "Region",
    "Type",
    "GeneratorId",
    "ProductArn",
    "ProductName",
    "CompanyName",
    "ResourceId",
    "ResourceType",
    "RecordState",
)
EQUALS, PREFIX, NOT, NOT_PREFIX = "EQUALS", "PREFIX", "NOT_EQUALS", "PREFIX_NOT_EQUALS"


@pytest.fixture(scope="module")
def place() -> Iterator[Place]:
    """Three findings: `bucket` and `group` fail, `old` passes and is archived."""
    with organisation() as made:
        made.ask("EnableSecurityHub", ALPHA)
        made.bring(
            Id="old",
            UpdatedAt="2026-02-01T00:00:00Z",
            RecordState="ARCHIVED",
            Compliance={"Status": "PASSED"},
            FindingProviderFields={"Severity": {"Label": "LOW"}},
            Confidence=10,
        )
        made.bring(
            Id="group",
            Confidence=90,
            ProductFields={"palisade/parameters-digest": "abc"},
            Sample=True,
            Network={"Direction": "IN", "SourceIpV4": "10.1.2.3"},
            Resources=[
                {"Type": "AwsEc2SecurityGroup", "Id": "sg-1", "Tags": {"Team": "blue"}, "Region": HOME},
                {"Type": "AwsEc2NetworkInterface", "Id": "eni-1"},
            ],
        )
        made.bring(
            Id="bucket",
            Title="Buckets use a customer managed key",
            GeneratorId="palisade/Palisade.S3.1",
            FindingProviderFields={"Severity": {"Label": "CRITICAL"}, "Types": ["TTPs/Impact/Loss"]},
            Resources=[{"Type": "AwsS3Bucket", "Id": "arn:aws:s3:::one", "Tags": {"Team": "red"}}],
            Compliance={"Status": "FAILED", "SecurityControlId": "S3.17"},
        )
        yield made


def text(*conditions: tuple[str, str]) -> list[dict[str, str]]:
    return [{"Comparison": comparison, "Value": value} for comparison, value in conditions]


def pairs(*conditions: tuple[str, str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Comparison": comparison, "Value": value} for key, comparison, value in conditions]


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        pytest.param({}, {"bucket", "group", "old"}, id="no filter"),
        pytest.param({"Id": text((EQUALS, "group"))}, {"group"}, id="equals"),
        pytest.param({"Id": text((EQUALS, "Group"))}, set(), id="equals minds the case"),
        pytest.param({"Id": text((EQUALS, "group"), (EQUALS, "old"))}, {"group", "old"}, id="equals joins by OR"),
        pytest.param({"GeneratorId": text((PREFIX, "palisade/P"))}, {"bucket"}, id="prefix"),
        pytest.param({"Id": text((NOT, "group"), (NOT, "old"))}, {"bucket"}, id="not equals joins by AND"),
        pytest.param({"GeneratorId": text((NOT_PREFIX, "palisade/P"))}, {"group", "old"}, id="not that prefix"),
        pytest.param(
            {"ResourceType": text((PREFIX, "Aws"), (NOT, "AwsS3Bucket"))},
            {"group", "old"},
            id="prefix, then not equals",
        ),
        pytest.param({"ResourceId": text((EQUALS, "eni-1"))}, {"group"}, id="any resource"),
        pytest.param({"ResourceId": text((NOT, "eni-1"))}, {"bucket", "old"}, id="no resource"),
        pytest.param(
            {"ComplianceSecurityControlId": text((NOT, "S3.17"))}, {"group", "old"}, id="missing is not equal"
        ),
        pytest.param({"Type": text((PREFIX, "TTPs"))}, {"bucket"}, id="a list of texts"),
        pytest.param({"SeverityLabel": text((EQUALS, "CRITICAL"))}, {"bucket"}, id="severity"),
        pytest.param(
            {"RecordState": text((EQUALS, "ACTIVE")), "ComplianceStatus": text((EQUALS, "FAILED"))},
            {"bucket", "group"},
            id="attributes join by AND",
        ),
        pytest.param({"WorkflowStatus": text((EQUALS, "NEW"))}, {"bucket", "group", "old"}, id="workflow"),
        pytest.param({"Region": text((EQUALS, HOME))}, {"bucket", "group", "old"}, id="region"),
        pytest.param({"ResourceTags": pairs(("Team", EQUALS, "blue"))}, {"group"}, id="tag"),
        pytest.param({"ResourceTags": pairs(("Team", NOT, "blue"))}, {"bucket", "old"}, id="not that tag"),
        pytest.param(
            {"ProductFields": pairs(("palisade/parameters-digest", EQUALS, "abc"))}, {"group"}, id="product field"
        ),
        pytest.param({"Confidence": [{"Gte": 10.0, "Lt": 90.0}]}, {"old"}, id="number in a range"),
        pytest.param({"Confidence": [{"Eq": 10.0}, {"Gt": 50.0}]}, {"group", "old"}, id="numbers join by OR"),
        pytest.param({"SeverityNormalized": [{"Gte": 70.0}]}, {"bucket", "group"}, id="severity as a number"),
        pytest.param(
            {"UpdatedAt": [{"Start": "2026-02-15T00:00:00Z", "End": "2026-04-01T00:00:00Z"}]},
            {"bucket", "group"},
            id="dates between",
        ),
        pytest.param(
            {"UpdatedAt": [{"DateRange": {"Value": 7, "Unit": "DAYS"}}]}, {"bucket", "group"}, id="the last week"
        ),
        pytest.param(
            {"UpdatedAt": [{"DateRange": {"Value": 7, "Unit": "DAYS", "Comparison": "OLDER_THAN"}}]},
            {"old"},
            id="older than a week",
        ),
        pytest.param({"Keyword": [{"Value": "customer managed"}]}, {"bucket"}, id="keyword"),
        pytest.param({"Sample": [{"Value": True}]}, {"group"}, id="samples"),
        pytest.param({"Sample": [{"Value": False}]}, {"bucket", "old"}, id="no samples"),
        pytest.param({"NetworkSourceIpV4": [{"Cidr": "10.0.0.0/8"}]}, {"group"}, id="address"),
        pytest.param({"NetworkSourceIpV4": [{"Cidr": "11.0.0.0/8"}]}, set(), id="another address"),
    ],
)
def test_filters_select(place: Place, filters: dict[str, Any], expected: set[str]) -> None:
    assert {finding["Id"] for finding in place.found(ALPHA, HOME, **filters)} == expected


@pytest.mark.parametrize(
    "filters",
    [
        pytest.param({"Id": text((EQUALS, "a"), (NOT, "b"))}, id="equals and not equals"),
        pytest.param({"Id": text((EQUALS, "a"), (NOT_PREFIX, "b"))}, id="equals and not prefix"),
        pytest.param({"Title": text(("CONTAINS", "a"))}, id="contains is for automation rules"),
        pytest.param({"Title": text(("NOT_CONTAINS", "a"))}, id="not contains too"),
        pytest.param({"Title": text(("CONTAINS_WORD", "a"))}, id="contains word is for V2"),
        pytest.param({"ResourceTags": pairs(("k", EQUALS, "a"), ("k", NOT, "b"))}, id="map with both"),
        pytest.param({"UpdatedAt": [{"Start": "yesterday"}]}, id="no timestamp"),
        pytest.param({"Id": text(*((EQUALS, str(number)) for number in range(21)))}, id="21 values"),
        pytest.param(
            {name: text((EQUALS, "a")) for name in NAMES},
            id="11 attributes",
        ),
    ],
)
def test_filters_that_aws_refuses_are_refused(place: Place, filters: dict[str, Any]) -> None:
    with pytest.raises(ServiceError, match="InvalidInputException"):
        place.found(ALPHA, HOME, **filters)


@pytest.mark.parametrize(
    ("criteria", "expected"),
    [
        pytest.param([{"Field": "UpdatedAt", "SortOrder": "asc"}], ["old", "group", "bucket"], id="oldest first"),
        pytest.param([{"Field": "UpdatedAt", "SortOrder": "desc"}], ["bucket", "group", "old"], id="latest first"),
        pytest.param([{"Field": "SeverityNormalized", "SortOrder": "desc"}], ["bucket", "group", "old"], id="a number"),
        pytest.param(
            [{"Field": "Confidence", "SortOrder": "desc"}], ["group", "old", "bucket"], id="missing comes last"
        ),
        pytest.param(
            [{"Field": "RecordState", "SortOrder": "asc"}, {"Field": "Id", "SortOrder": "desc"}],
            ["group", "bucket", "old"],
            id="two fields",
        ),
    ],
)
def test_findings_are_sorted(place: Place, criteria: list[dict[str, str]], expected: list[str]) -> None:
    findings = place.ask("GetFindings", ALPHA, SortCriteria=criteria)["Findings"]
    assert [finding["Id"] for finding in findings] == expected


def test_pages_follow_each_other_and_a_token_belongs_to_its_request(place: Place) -> None:
    first = place.ask("GetFindings", ALPHA, MaxResults=2)
    rest = place.ask("GetFindings", ALPHA, MaxResults=2, NextToken=first["NextToken"])
    assert len(first["Findings"]) == 2
    assert len(rest["Findings"]) == 1
    assert "NextToken" not in rest
    with pytest.raises(ServiceError, match="InvalidInputException"):
        place.ask("GetFindings", ALPHA, NextToken=first["NextToken"], Filters={"Id": text((EQUALS, "old"))})
