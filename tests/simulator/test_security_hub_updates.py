"""BatchUpdateFindings, the events of every change, and who sees what in which Region."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from simulator.call import ServiceError
from tests.simulator.security_hub_world import (
    ALPHA,
    BETA,
    HOME,
    HUB,
    LINKED,
    OTHER,
    Place,
    administer,
    organisation,
    product,
)


@pytest.fixture
def place() -> Iterator[Place]:
    with organisation() as made:
        administer(made)
        yield made


def buses(place: Place) -> list[tuple[str, str]]:
    return [(event["account"], event["region"]) for event in place.bus.emitted]


def seen(place: Place, account: str, region: str) -> set[tuple[str, str]]:
    return {(finding["AwsAccountId"], finding["Region"]) for finding in place.found(account, region)}


def test_the_administrator_sees_members_at_home_with_linked_regions_and_in_a_linked_region_that_one(
    place: Place,
) -> None:
    for account in (HUB, ALPHA, BETA):
        place.bring(account, HOME)
        place.bring(account, LINKED)
    everyone = {HUB, ALPHA, BETA}
    assert seen(place, HUB, HOME) == {(account, region) for account in everyone for region in (HOME, LINKED)}
    assert seen(place, HUB, LINKED) == {(account, LINKED) for account in everyone}


def test_a_member_sees_its_own_findings_only(place: Place) -> None:
    for account in (ALPHA, BETA):
        place.bring(account, HOME)
        place.bring(account, LINKED)
    assert seen(place, ALPHA, HOME) == {(ALPHA, HOME), (ALPHA, LINKED)}
    assert seen(place, ALPHA, LINKED) == {(ALPHA, LINKED)}


def test_a_region_that_is_not_linked_stays_out_of_the_home_region(place: Place) -> None:
    place.ask("EnableSecurityHub", ALPHA, OTHER)
    place.bring(ALPHA, OTHER)
    assert seen(place, HUB, HOME) == set()


def test_a_disassociated_member_leaves_the_administrators_view(place: Place) -> None:
    place.bring(ALPHA)
    place.ask("DisassociateMembers", AccountIds=[ALPHA])
    assert seen(place, HUB, HOME) == set()
    assert seen(place, ALPHA, HOME) == {(ALPHA, HOME)}
    members = place.ask("ListMembers", OnlyAssociated=False)["Members"]
    assert {member["AccountId"]: member["MemberStatus"] for member in members} == {ALPHA: "Removed", BETA: "Enabled"}


def test_a_finding_is_announced_to_its_account_and_to_the_administrator(place: Place) -> None:
    place.bring(ALPHA, HOME)
    assert buses(place) == [(ALPHA, HOME), (HUB, HOME)]
    (event, _) = place.bus.emitted
    assert (event["source"], event["detail-type"]) == ("aws.securityhub", "Security Hub Findings - Imported")
    assert event["resources"] == (f"{product(ALPHA, HOME)}/finding-1",)
    assert [finding["Id"] for finding in event["detail"]["findings"]] == ["finding-1"]


def test_a_finding_of_a_linked_region_is_announced_in_the_home_region_too(place: Place) -> None:
    place.bring(ALPHA, LINKED)
    assert buses(place) == [(ALPHA, LINKED), (HUB, LINKED), (ALPHA, HOME), (HUB, HOME)]
    assert {event["detail"]["findings"][0]["Region"] for event in place.bus.emitted} == {LINKED}


def test_a_standalone_account_hears_of_its_own_findings(place: Place) -> None:
    place.ask("EnableSecurityHub", ALPHA, OTHER)
    place.bring(ALPHA, OTHER)
    assert buses(place) == [(ALPHA, OTHER)]


def test_every_update_is_announced_with_the_finding_as_it_is_then(place: Place) -> None:
    place.bring()
    place.bus.emitted.clear()
    place.set(Workflow={"Status": "NOTIFIED"}, Note={"Text": "Seen", "UpdatedBy": "palisade"})
    assert buses(place) == [(ALPHA, HOME), (HUB, HOME)]
    finding = place.bus.emitted[0]["detail"]["findings"][0]
    assert finding["Workflow"] == {"Status": "NOTIFIED"}
    assert finding["Note"]["Text"] == "Seen"


def test_an_update_sets_nine_fields_and_leaves_updated_at(place: Place) -> None:
    place.bring()
    before = place.one()
    change: dict[str, Any] = {
        "Confidence": 70,
        "Criticality": 30,
        "Note": {"Text": "Seen", "UpdatedBy": "palisade"},
        "RelatedFindings": [{"Id": "other", "ProductArn": product(ALPHA, HOME)}],
        "Severity": {"Label": "LOW"},
        "Types": ["Effects/Data Exposure"],
        "UserDefinedFields": {"ticket": "7"},
        "VerificationState": "TRUE_POSITIVE",
        "Workflow": {"Status": "SUPPRESSED"},
    }
    identifier = {"Id": "finding-1", "ProductArn": product(ALPHA, HOME)}
    assert place.set(**change) == {"ProcessedFindings": [identifier], "UnprocessedFindings": []}
    after = place.one()
    assert after["UpdatedAt"] == before["UpdatedAt"]
    assert after["Note"] == {"Text": "Seen", "UpdatedBy": "palisade", "UpdatedAt": "2026-03-01T12:00:01.000Z"}
    assert after["Severity"] == {"Label": "LOW", "Normalized": 1}
    for name in ("Confidence", "Criticality", "RelatedFindings", "Types", "UserDefinedFields", "VerificationState"):
        assert after[name] == change[name]
    assert after["FindingProviderFields"] == before["FindingProviderFields"]


@pytest.mark.parametrize(
    ("caller", "region"),
    [
        pytest.param(HUB, HOME, id="the administrator at home"),
        pytest.param(HUB, LINKED, id="the administrator in the linked Region"),
        pytest.param(ALPHA, LINKED, id="the member in the linked Region"),
        pytest.param(ALPHA, HOME, id="the member at home"),
    ],
)
def test_updates_replicate_between_home_and_linked_region(place: Place, caller: str, region: str) -> None:
    place.bring(ALPHA, LINKED)
    identifiers = [{"Id": "finding-1", "ProductArn": product(ALPHA, LINKED)}]
    place.set(caller, region, FindingIdentifiers=identifiers, Workflow={"Status": "RESOLVED"})
    for viewer, where in ((HUB, HOME), (HUB, LINKED), (ALPHA, HOME), (ALPHA, LINKED)):
        assert place.one(viewer, where)["Workflow"] == {"Status": "RESOLVED"}


def test_a_member_cannot_update_the_finding_of_another(place: Place) -> None:
    place.bring()
    answer = place.set(BETA, Workflow={"Status": "SUPPRESSED"})
    assert answer["ProcessedFindings"] == []
    assert answer["UnprocessedFindings"][0]["ErrorCode"] == "FindingNotFound"
    assert place.one()["Workflow"] == {"Status": "NEW"}


def test_a_finding_that_is_named_twice_is_not_updated(place: Place) -> None:
    place.bring()
    identifier = {"Id": "finding-1", "ProductArn": product(ALPHA, HOME)}
    answer = place.set(FindingIdentifiers=[identifier, identifier], Confidence=1)
    assert {failure["ErrorCode"] for failure in answer["UnprocessedFindings"]} == {"DuplicatedFindingIdentifier"}


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"Note": {"Text": "x" * 513, "UpdatedBy": "a"}}, id="a long note"),
        pytest.param({"UserDefinedFields": {str(n): "x" for n in range(51)}}, id="51 fields"),
        pytest.param({"UserDefinedFields": {"k": "x" * 1025}}, id="a long field"),
        pytest.param({"Types": ["Mine"]}, id="an unknown namespace"),
        pytest.param({"Confidence": 101}, id="more than sure"),
        pytest.param({"Workflow": {"Status": "DONE"}}, id="an unknown status"),
        pytest.param(
            {"FindingIdentifiers": [{"Id": str(n), "ProductArn": product(ALPHA, HOME)} for n in range(101)]},
            id="101 findings",
        ),
    ],
)
def test_an_update_that_aws_refuses_is_refused(place: Place, change: dict[str, Any]) -> None:
    place.bring()
    with pytest.raises(ServiceError, match="InvalidInputException"):
        place.set(**change)


@pytest.mark.parametrize(
    ("operation", "parameters"),
    [
        pytest.param("GetFindings", {}, id="get findings"),
        pytest.param("BatchUpdateFindings", {"FindingIdentifiers": [{"Id": "a", "ProductArn": "b"}]}, id="update"),
        pytest.param("DescribeHub", {}, id="describe hub"),
        pytest.param("GetEnabledStandards", {}, id="standards"),
        pytest.param("CreateFindingAggregator", {"RegionLinkingMode": "ALL_REGIONS"}, id="aggregator"),
    ],
)
def test_nothing_works_where_security_hub_is_not_enabled(
    place: Place, operation: str, parameters: dict[str, Any]
) -> None:
    with pytest.raises(ServiceError) as refused:
        place.ask(operation, ALPHA, OTHER, **parameters)
    assert (refused.value.code, refused.value.status) == ("InvalidAccessException", 401)
    assert "not subscribed to AWS Security Hub" in refused.value.message


def test_an_operation_that_is_not_simulated_says_so(place: Place) -> None:
    with pytest.raises(ServiceError, match="securityhub:GetInsights is not simulated"):
        place.ask("GetInsights")
