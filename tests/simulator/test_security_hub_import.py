"""BatchImportFindings: who may import what, and what an import leaves alone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from simulator.call import ServiceError
from tests.simulator.security_hub_world import ALPHA, BETA, HOME, HUB, LINKED, Place, organisation, product


@pytest.fixture
def place() -> Iterator[Place]:
    with organisation() as made:
        made.ask("EnableSecurityHub", ALPHA)
        yield made


def test_a_new_finding_is_active_new_and_named_after_its_product_account_and_region(place: Place) -> None:
    assert place.bring() == {"FailedCount": 0, "SuccessCount": 1, "FailedFindings": []}
    finding = place.one(ALPHA)
    assert finding["RecordState"] == "ACTIVE"
    assert finding["Workflow"] == {"Status": "NEW"}
    assert (finding["ProductName"], finding["Region"], finding["AwsAccountName"]) == ("Default", HOME, "alpha")
    assert finding["Severity"] == {"Label": "HIGH", "Normalized": 70}
    assert finding["Types"] == ["Software and Configuration Checks"]


def test_a_custom_integration_may_name_its_company_and_product(place: Place) -> None:
    place.bring(CompanyName="Example", ProductName="Palisade")
    finding = place.one(ALPHA)
    assert (finding["CompanyName"], finding["ProductName"]) == ("Example", "Palisade")


def test_findings_of_an_account_without_security_hub_fail_inside_a_successful_response(place: Place) -> None:
    answer = place.bring(BETA)
    assert (answer["FailedCount"], answer["SuccessCount"]) == (1, 0)
    assert answer["FailedFindings"][0]["ErrorCode"] == "InvalidAccess"


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({"AwsAccountId": BETA}, id="a finding of another account"),
        pytest.param({"ProductArn": product(BETA, HOME)}, id="the product of another account"),
        pytest.param({"ProductArn": product(ALPHA, LINKED)}, id="the product of another Region"),
        pytest.param({"ProductArn": f"arn:aws:securityhub:{HOME}::product/aws/config"}, id="a product of AWS"),
    ],
)
def test_only_own_findings_of_the_own_default_product_are_accepted(place: Place, fields: dict[str, Any]) -> None:
    with pytest.raises(ServiceError) as refused:
        place.bring(ALPHA, HOME, **fields)
    assert refused.value.code == "AccessDeniedException"
    assert fields.get("ProductArn", product(ALPHA, HOME)) in refused.value.message


def test_the_delegated_administrator_cannot_import_for_a_member(place: Place) -> None:
    place.ask("EnableSecurityHub", HUB)
    draft = place.draft(ALPHA)
    for arn in (product(HUB, HOME), product(ALPHA, HOME)):
        with pytest.raises(ServiceError, match="AccessDeniedException"):
            place.ask("BatchImportFindings", HUB, Findings=[draft | {"ProductArn": arn}])


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        pytest.param({"UpdatedAt": "2026-03-01 12:00:00Z"}, "UpdatedAt", id="a space for the T"),
        pytest.param({"UpdatedAt": "2026-03-01T12:00:00"}, "UpdatedAt", id="no offset"),
        pytest.param({"CreatedAt": "2026-13-01T12:00:00Z"}, "CreatedAt", id="a thirteenth month"),
        pytest.param({"SchemaVersion": "2020-01-01"}, "SchemaVersion", id="another schema"),
        pytest.param({"Id": "x" * 513}, "Id", id="a long id"),
        pytest.param({"GeneratorId": "x" * 513}, "GeneratorId", id="a long generator id"),
        pytest.param({"Title": "x" * 257}, "Title", id="a long title"),
        pytest.param({"Description": "x" * 1025}, "Description", id="a long description"),
        pytest.param({"Resources": []}, "Resources", id="no resource"),
        pytest.param(
            {"Resources": [{"Type": "Other", "Id": str(n)} for n in range(33)]}, "Resources", id="33 resources"
        ),
        pytest.param({"Types": ["Mine/Own"]}, "Types", id="a type without a namespace"),
        pytest.param({"ProductFields": {str(n): "x" for n in range(51)}}, "ProductFields", id="51 product fields"),
        pytest.param({"ProductFields": {"k": "x" * 2049}}, "ProductFields", id="a long product field"),
        pytest.param(
            {"Resources": [{"Type": "Other", "Id": "r", "Details": {"Other": {"k": "x" * 245_760}}}]},
            "larger",
            id="more than 240 KB",
        ),
    ],
)
def test_a_malformed_finding_fails_alone_and_says_why(place: Place, fields: dict[str, Any], named: str) -> None:
    good = place.draft(Id="good")
    answer = place.ask("BatchImportFindings", ALPHA, Findings=[place.draft(ALPHA, HOME, **fields), good])
    assert (answer["FailedCount"], answer["SuccessCount"]) == (1, 1)
    assert answer["FailedFindings"][0]["ErrorCode"] == "InvalidInput"
    assert named in answer["FailedFindings"][0]["ErrorMessage"]
    assert [finding["Id"] for finding in place.found(ALPHA)] == ["good"]


@pytest.mark.parametrize(
    "moment",
    [
        pytest.param("2026-03-01T12:00:00Z", id="UTC"),
        pytest.param("2026-03-01T12:00:00.123456789Z", id="nanoseconds"),
        pytest.param("2026-03-01T13:00:00+01:00", id="an offset"),
        pytest.param("2026-03-01T13:00:00+0100", id="an offset without colon"),
    ],
)
def test_timestamps_with_an_offset_are_accepted(place: Place, moment: str) -> None:
    assert place.bring(UpdatedAt=moment)["SuccessCount"] == 1


@pytest.mark.parametrize("missing", ["Title", "UpdatedAt", "Resources", "GeneratorId"])
def test_a_finding_without_a_required_field_refuses_the_request(place: Place, missing: str) -> None:
    with pytest.raises(ServiceError, match="InvalidInputException"):
        place.bring(ALPHA, HOME, **{missing: None})


def test_a_request_holds_100_findings(place: Place) -> None:
    drafts = [place.draft(Id=str(number)) for number in range(101)]
    with pytest.raises(ServiceError, match="InvalidInputException"):
        place.ask("BatchImportFindings", ALPHA, Findings=drafts)
    assert place.ask("BatchImportFindings", ALPHA, Findings=drafts[:100])["SuccessCount"] == 100


@pytest.mark.parametrize("updated", ["2026-03-01T12:00:01Z", "2026-03-01T12:00:00Z"])
def test_an_update_that_is_not_later_is_silently_ignored(place: Place, updated: str) -> None:
    place.bring()
    emitted = len(place.bus.emitted)
    assert place.bring(Title="Another title", UpdatedAt=updated)["SuccessCount"] == 1
    assert place.one(ALPHA)["Title"] == "Security groups do not allow SSH from anywhere"
    assert len(place.bus.emitted) == emitted


def test_a_later_update_replaces_the_finding_and_keeps_what_customers_wrote(place: Place) -> None:
    place.bring()
    note = {"Text": "Working on it", "UpdatedBy": "alice"}
    place.set(
        ALPHA,
        Note=note,
        Workflow={"Status": "NOTIFIED"},
        VerificationState="TRUE_POSITIVE",
        UserDefinedFields={"ticket": "7"},
    )
    place.bring(
        Title="Another title",
        Workflow={"Status": "NEW"},
        VerificationState="UNKNOWN",
        UserDefinedFields={"ticket": "8"},
        Note={"Text": "Mine", "UpdatedBy": "provider", "UpdatedAt": place.now()},
    )
    finding = place.one(ALPHA)
    assert finding["Title"] == "Another title"
    assert finding["Workflow"] == {"Status": "NOTIFIED"}
    assert finding["VerificationState"] == "TRUE_POSITIVE"
    assert finding["UserDefinedFields"] == {"ticket": "7"}
    assert (finding["Note"]["Text"], finding["Note"]["UpdatedBy"]) == ("Working on it", "alice")


def test_the_provider_changes_severity_until_a_customer_does(place: Place) -> None:
    place.bring()
    place.bring(FindingProviderFields={"Severity": {"Label": "LOW"}})
    assert place.one(ALPHA)["Severity"]["Label"] == "LOW"
    place.set(ALPHA, Severity={"Label": "CRITICAL"})
    place.bring(FindingProviderFields={"Severity": {"Label": "MEDIUM", "Original": "5"}})
    finding = place.one(ALPHA)
    assert finding["Severity"]["Label"] == "CRITICAL"
    assert finding["FindingProviderFields"]["Severity"] == {"Label": "MEDIUM", "Original": "5"}


def test_top_level_values_of_a_provider_fill_its_fields(place: Place) -> None:
    place.bring(FindingProviderFields=None, Severity={"Normalized": 45}, Confidence=80)
    finding = place.one(ALPHA)
    assert finding["FindingProviderFields"]["Severity"] == {"Label": "MEDIUM"}
    assert finding["FindingProviderFields"]["Confidence"] == 80


@pytest.mark.parametrize(
    ("status", "before", "after", "expected"),
    [
        pytest.param("RESOLVED", {"Compliance": "PASSED"}, {"Compliance": "FAILED"}, "NEW", id="resolved fails again"),
        pytest.param("NOTIFIED", {"Compliance": "PASSED"}, {"Compliance": "WARNING"}, "NEW", id="notified warns"),
        pytest.param("RESOLVED", {"Compliance": "PASSED"}, {"Compliance": "NOT_AVAILABLE"}, "NEW", id="not available"),
        pytest.param(
            "SUPPRESSED", {"Compliance": "PASSED"}, {"Compliance": "FAILED"}, "SUPPRESSED", id="suppressed stays"
        ),
        pytest.param(
            "RESOLVED", {"Compliance": "FAILED"}, {"Compliance": "FAILED"}, "RESOLVED", id="resolved still fails"
        ),
        pytest.param("NOTIFIED", {"Compliance": "FAILED"}, {"Compliance": "PASSED"}, "NOTIFIED", id="notified passes"),
        pytest.param("RESOLVED", {"Record": "ARCHIVED"}, {"Record": "ACTIVE"}, "NEW", id="archived comes back"),
        pytest.param(
            "SUPPRESSED", {"Record": "ARCHIVED"}, {"Record": "ACTIVE"}, "SUPPRESSED", id="suppressed comes back"
        ),
    ],
)
def test_workflow_starts_again_when_a_finding_fails_or_comes_back(
    place: Place, status: str, before: dict[str, str], after: dict[str, str], expected: str
) -> None:
    for fields in (before, after):
        state = {"Status": fields.get("Compliance", "FAILED")}
        place.bring(Compliance=state, RecordState=fields.get("Record", "ACTIVE"))
        if fields is before:
            place.set(ALPHA, Workflow={"Status": status})
    assert place.one(ALPHA)["Workflow"]["Status"] == expected


def test_equal_ids_in_two_regions_are_two_findings(place: Place) -> None:
    place.ask("EnableSecurityHub", ALPHA, LINKED)
    place.bring()
    place.bring(ALPHA, LINKED, Title="The other")
    assert place.one(ALPHA)["Title"] != place.one(ALPHA, LINKED)["Title"]


@pytest.mark.parametrize(("state", "days"), [("ACTIVE", 90), ("ARCHIVED", 30)])
def test_findings_expire_after_their_last_update(place: Place, state: str, days: int) -> None:
    place.bring(RecordState=state)
    place.pass_time(days=days - 1)
    place.set(ALPHA, Confidence=50)
    place.pass_time(days=days - 1)
    assert len(place.found(ALPHA)) == 1
    place.pass_time(days=2)
    assert place.found(ALPHA) == []


def test_an_expired_finding_comes_back_as_a_new_one(place: Place) -> None:
    place.bring()
    place.set(ALPHA, Workflow={"Status": "RESOLVED"})
    place.pass_time(days=91)
    place.bring()
    assert place.one(ALPHA)["Workflow"] == {"Status": "NEW"}


def test_the_history_names_what_changed_and_who_changed_it(place: Place) -> None:
    place.bring()
    place.set(ALPHA, Workflow={"Status": "NOTIFIED"})
    identifier = {"Id": "finding-1", "ProductArn": product(ALPHA, HOME)}
    latest, first = place.ask("GetFindingHistory", ALPHA, FindingIdentifier=identifier)["Records"]
    assert first["FindingCreated"] is True
    assert first["UpdateSource"]["Type"] == "BATCH_IMPORT_FINDINGS"
    assert latest["UpdateSource"] == {"Type": "BATCH_UPDATE_FINDINGS", "Identity": f"arn:aws:iam::{ALPHA}:root"}
    assert latest["Updates"] == [
        {"UpdatedField": "Workflow", "OldValue": '{"Status": "NEW"}', "NewValue": '{"Status": "NOTIFIED"}'}
    ]
