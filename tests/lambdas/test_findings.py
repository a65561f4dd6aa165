"""Our findings: one per control and resource for good, always later than before, archived when nothing is left."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from lambdas import findings
from lambdas.controls import catalog
from lambdas.controls.model import Evaluation, Place, Verdict, compliant, non_compliant, not_applicable
from tests.lambdas.remediation_requests import OTHER, PLACE, SSH

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
GROUP = SSH.resource(PLACE, "sg-1")


def build(evaluation: Evaluation | None, existing: Any = None, at: datetime = NOW) -> dict[str, Any]:
    return findings.build(SSH, GROUP, evaluation, "digest", existing, at)


def test_the_id_is_a_function_of_control_account_region_and_resource() -> None:
    others = [
        (catalog()["Palisade.S3.1"], GROUP),
        (SSH, SSH.resource(PLACE, "sg-2")),
        (SSH, SSH.resource(Place("aws", OTHER, PLACE.region), "sg-1")),
        (SSH, SSH.resource(Place("aws", PLACE.account, "us-east-1"), "sg-1")),
    ]
    ids = {findings.finding_id(control, resource) for control, resource in [(SSH, GROUP), *others]}
    assert len(ids) == 5
    assert build(non_compliant("a"))["Id"] == build(compliant("b"), at=NOW + timedelta(days=9))["Id"]


@pytest.mark.parametrize(
    ("known", "updated"),
    [
        pytest.param("2026-03-01T11:00:00.000Z", "2026-03-01T12:00:00.000Z", id="earlier"),
        pytest.param("2026-03-01T12:00:00.000Z", "2026-03-01T12:00:00.001Z", id="the same moment"),
        pytest.param("2026-03-01T12:00:00Z", "2026-03-01T12:00:00.001Z", id="the same moment in another form"),
        pytest.param("2026-03-01T13:30:00+02:00", "2026-03-01T12:00:00.000Z", id="earlier, by another clock"),
        pytest.param("2027-01-01T00:00:00.000Z", "2027-01-01T00:00:00.001Z", id="in the future"),
    ],
)
def test_an_update_is_always_later_than_what_is_there(known: str, updated: str) -> None:
    existing = {**build(compliant("a")), "UpdatedAt": known, "CreatedAt": "2026-01-01T00:00:00.000Z"}
    built = build(non_compliant("b"), existing)
    assert (built["CreatedAt"], built["UpdatedAt"]) == ("2026-01-01T00:00:00.000Z", updated)


@pytest.mark.parametrize(
    ("evaluation", "status", "state", "severity"),
    [
        (non_compliant("open"), "FAILED", "ACTIVE", "HIGH"),
        (compliant("closed"), "PASSED", "ACTIVE", "INFORMATIONAL"),
        (not_applicable("not judged"), "FAILED", "ARCHIVED", "HIGH"),
        (None, "FAILED", "ARCHIVED", "HIGH"),
    ],
)
def test_a_verdict_becomes_a_status_and_what_is_none_archives_the_finding_as_it_was(
    evaluation: Evaluation | None, status: str, state: str, severity: str
) -> None:
    built = build(evaluation, build(non_compliant("open")))
    shown = built["FindingProviderFields"]["Severity"]["Label"]
    assert (built["Compliance"]["Status"], built["RecordState"], shown) == (status, state, severity)


def test_texts_fit_into_what_security_hub_takes() -> None:
    built = build(Evaluation(Verdict.NON_COMPLIANT, "x" * 5000))
    assert len(built["Description"]) == 1024
    assert len(built["Title"]) <= 256


def test_security_hub_s_own_product_fields_make_no_difference() -> None:
    kept = build(non_compliant("open"))
    kept["ProductFields"] |= {"aws/securityhub/FindingId": "f", "aws/securityhub/ProductName": "Default"}
    assert findings.says_the_same(build(non_compliant("open")), kept)


@pytest.mark.parametrize(
    "changed",
    [
        pytest.param({"Description": "other"}, id="annotation"),
        pytest.param({"RecordState": "ARCHIVED"}, id="archived"),
        pytest.param({"Compliance": {"Status": "PASSED"}}, id="status"),
        pytest.param({"ProductFields": {"palisade/control": "EC2.13", findings.DIGEST: "d"}}, id="parameters"),
        pytest.param({"ProductFields": {}}, id="no parameters known"),
    ],
)
def test_anything_that_people_would_see_is_news(changed: dict[str, Any]) -> None:
    assert not findings.says_the_same(build(non_compliant("open")), {**build(non_compliant("open")), **changed})


class Hub:
    """Security Hub that refuses findings by their id, and takes at most 100 a call."""

    def __init__(self, *refused: str) -> None:
        self.refused, self.calls = refused, list[list[str]]()

    def batch_import_findings(self, *, Findings: list[dict[str, Any]]) -> dict[str, Any]:
        assert 1 <= len(Findings) <= 100
        self.calls.append([one["Id"] for one in Findings])
        failed = [
            {"Id": one["Id"], "ErrorCode": "InvalidInput", "ErrorMessage": "m"}
            for one in Findings
            if one["Id"] in self.refused
        ]
        return {"FailedCount": len(failed), "SuccessCount": 0, "FailedFindings": failed}


def test_findings_are_sent_by_hundreds_and_a_refused_one_hinders_no_other_batch() -> None:
    hub = Hub("3", "203")
    with pytest.raises(findings.ImportRefusedError, match="3: InvalidInput m; 203: InvalidInput m"):
        findings.send(hub, [{"Id": str(number)} for number in range(250)])
    assert [len(call) for call in hub.calls] == [100, 100, 50]


def test_nothing_to_send_is_no_call() -> None:
    hub = Hub()
    findings.send(hub, [])
    assert hub.calls == []
