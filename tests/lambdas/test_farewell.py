"""The end of detection in an account and Region: its own findings are archived, or it is an error."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from lambdas import detect, findings
from lambdas.controls.model import Evaluation, Verdict
from lambdas.detect import UnknownEventError
from lambdas.detection import farewell
from lambdas.detection.farewell import NotArchivedError
from tests.lambdas.detection_world import FUNCTION
from tests.lambdas.remediation_requests import PLACE, SSH

FAILED = Evaluation(Verdict.NON_COMPLIANT, "open")


@dataclass
class SecurityHub:
    """An account's active findings, in pages that shift as findings leave the list."""

    active: dict[str, dict[str, Any]] = field(default_factory=dict)
    refused: frozenset[str] = frozenset()
    batches: list[int] = field(default_factory=list)
    archived: dict[str, dict[str, Any]] = field(default_factory=dict)
    asked: list[Mapping[str, Any]] = field(default_factory=list)
    failure: str | None = None
    late: int = 0

    def get_paginator(self, operation: str) -> Any:
        assert operation == "get_findings"
        return SimpleNamespace(paginate=self._pages)

    def _pages(self, *, Filters: Mapping[str, Any], PaginationConfig: Mapping[str, int]) -> Iterator[dict[str, Any]]:
        self.asked.append(Filters)
        if self.failure:
            raise ClientError({"Error": {"Code": self.failure, "Message": "m"}}, "GetFindings")
        offset, size = 0, PaginationConfig["PageSize"]
        # What was archived a moment ago may still be listed: `late` is how many times.
        listed = {**self.active, **(self.archived if self.late > 0 else {})}
        self.late -= 1
        while page := list(listed.values())[offset : offset + size]:
            yield {"Findings": page}
            offset += size
            listed = {name: one for name, one in listed.items() if name in self.active or self.late >= 0}

    def batch_import_findings(self, *, Findings: list[dict[str, Any]]) -> dict[str, Any]:
        self.batches.append(len(Findings))
        failed = []
        for one in Findings:
            if one["Id"] in self.refused:
                failed.append({"Id": one["Id"], "ErrorCode": "InvalidInput", "ErrorMessage": "m"})
            elif self.active.pop(one["Id"], None):
                self.archived[one["Id"]] = one
        return {"FailedFindings": failed}


def hub(number: int, **changes: Any) -> SecurityHub:
    now = datetime.now(UTC)
    built = [findings.build(SSH, SSH.resource(PLACE, f"sg-{one}"), FAILED, "a", None, now) for one in range(number)]
    return SecurityHub({one["Id"]: one for one in built}, **changes)


def archive(security_hub: SecurityHub, *remaining: int) -> int:
    left = iter(remaining)
    return farewell.archive(security_hub, PLACE, lambda: next(left, 300_000))


def test_all_active_findings_of_ours_are_archived_by_hundreds_though_pages_shift() -> None:
    security_hub = hub(350)
    assert archive(security_hub) == 350
    assert (security_hub.active, max(security_hub.batches)) == ({}, 100)
    assert {one["RecordState"] for one in security_hub.archived.values()} == {"ARCHIVED"}
    assert {one["Description"] for one in security_hub.archived.values()} == {findings.LEFT}


def test_only_our_findings_in_the_account_s_own_default_product_are_asked_for() -> None:
    security_hub = hub(1)
    archive(security_hub)
    product = f"arn:aws:securityhub:{PLACE.region}:{PLACE.account}:product/{PLACE.account}/default"
    assert security_hub.asked[0] == {
        "ProductArn": [{"Value": product, "Comparison": "EQUALS"}],
        "GeneratorId": [{"Value": "palisade/", "Comparison": "PREFIX"}],
        "AwsAccountId": [{"Value": PLACE.account, "Comparison": "EQUALS"}],
        "Region": [{"Value": PLACE.region, "Comparison": "EQUALS"}],
        "RecordState": [{"Value": "ACTIVE", "Comparison": "EQUALS"}],
    }


def test_a_list_that_is_behind_the_imports_does_not_hold_it_up() -> None:
    security_hub = hub(3, late=2)
    assert archive(security_hub) == 3
    assert sum(security_hub.batches) == 3


def test_what_is_refused_is_an_error_after_all_others_are_archived() -> None:
    security_hub = hub(150)
    security_hub.refused = frozenset([next(iter(security_hub.active))])
    with pytest.raises(NotArchivedError, match=f"{PLACE.account}, {PLACE.region}.*InvalidInput") as raised:
        archive(security_hub)
    assert next(iter(security_hub.refused)) in str(raised.value)
    assert set(security_hub.active) == security_hub.refused


def test_what_the_time_does_not_reach_is_an_error_and_the_next_time_goes_on_from_there() -> None:
    security_hub = hub(350)
    with pytest.raises(NotArchivedError, match=r"with 100 findings .* destroy again"):
        archive(security_hub, 300_000, 29_999)
    assert len(security_hub.archived) == 100
    assert archive(security_hub) == 250


def test_where_security_hub_is_off_there_is_nothing_to_archive_and_other_errors_are_no_answer() -> None:
    assert archive(hub(1, failure="InvalidAccessException")) == 0
    with pytest.raises(ClientError, match="AccessDenied"):
        archive(hub(1, failure="AccessDeniedException"))


def told(action: str) -> dict[str, Any]:
    event = {"palisade": "lifecycle", "tf": {"action": action, "prev_input": None}}
    context = SimpleNamespace(invoked_function_arn=FUNCTION, get_remaining_time_in_millis=lambda: 300_000)
    return detect.handler(event, context)


@pytest.mark.parametrize("action", ["create", "update"])
def test_a_deployment_is_answered_at_once_without_settings_or_calls(action: str) -> None:
    assert told(action) == {"archived": 0}


def test_the_end_archives_without_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    security_hub = hub(2)
    monkeypatch.setattr(detect, "KeptClients", lambda: SimpleNamespace(client=lambda service: security_hub))
    assert told("delete") == {"archived": 2}
    assert security_hub.active == {}


def test_another_action_is_refused() -> None:
    with pytest.raises(UnknownEventError, match="read"):
        told("read")
