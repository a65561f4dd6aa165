"""The operations on findings: import, update, get, history.

Failures of single findings come back inside a successful response. Source: the API reference.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from simulator.call import Call
from simulator.services import security_hub_filters as filters
from simulator.services.paging import paged
from simulator.services.security_hub_format import (
    COUNTS,
    LARGEST_FINDING,
    PAIRS,
    faults,
    note_faults,
    size,
    type_faults,
)
from simulator.services.security_hub_hubs import Hubs, denied, invalid, no_access
from simulator.services.security_hub_store import OWNED, PROVIDED, FindingStore
from simulator.world import World, partition_of

MOST_FINDINGS = 100
LARGEST_CALL = 6 * 1024 * 1024
UPDATABLE = (*PROVIDED, *OWNED)


class Findings:
    """BatchImportFindings, BatchUpdateFindings, GetFindings and GetFindingHistory."""

    def __init__(self, world: World, hubs: Hubs, store: FindingStore) -> None:
        self.world = world
        self.hubs = hubs
        self.store = store

    def batch_import_findings(self, call: Call) -> dict[str, Any]:
        """BatchImportFindings, with the default product of the caller's account and Region only.

        The findings must be the caller's own; anything else is refused as a whole with
        AccessDeniedException on the product ARN, also for the delegated administrator.
        """
        findings = call.parameters["Findings"]
        _count(findings, "findings")
        if sum(size(finding) for finding in findings) > LARGEST_CALL:
            raise invalid("The request is larger than 6 MB.")
        own = f"arn:{partition_of(call.region)}:securityhub:{call.region}:{call.account}:product/{call.account}/default"
        for finding in findings:
            if finding["ProductArn"] != own or finding["AwsAccountId"] != call.account:
                raise denied(
                    f"User: {call.caller.arn} is not authorized to perform: securityhub:BatchImportFindings "
                    f"on resource: {finding['ProductArn']}"
                )
        failed = []
        for finding in findings:
            failure = self._failure(call, finding)
            if failure is None:
                self.store.ingest(call.account, call.region, finding, call.caller.arn)
            else:
                failed.append({"Id": finding["Id"], "ErrorCode": failure[0], "ErrorMessage": failure[1]})
        return {
            "FailedCount": len(failed),
            "SuccessCount": len(findings) - len(failed),
            "FailedFindings": failed,
        }

    def _failure(self, call: Call, finding: Mapping[str, Any]) -> tuple[str, str] | None:
        if not self.hubs.on(call.account, call.region):
            return "InvalidAccess", f"Account {call.account} is not subscribed to AWS Security Hub"
        wrong = faults(finding)
        if wrong:
            return "InvalidInput", f"Finding does not adhere to Amazon Finding Format. {'; '.join(wrong)}"
        return None

    def batch_update_findings(self, call: Call) -> dict[str, Any]:
        """BatchUpdateFindings: one set of values for findings that the caller sees in this Region.

        AWS may take minutes; here the change is made at once.
        """
        self.hubs.require(call)
        identifiers = call.parameters["FindingIdentifiers"]
        _count(identifiers, "finding identifiers")
        change = {name: call.parameters[name] for name in UPDATABLE if name in call.parameters}
        wrong = _change_faults(change)
        if wrong:
            raise invalid("; ".join(wrong))
        done, failed = [], []
        for identifier in identifiers:
            failure = self._update(call, identifier, identifiers, change)
            if failure is None:
                done.append(identifier)
            else:
                failed.append({"FindingIdentifier": identifier, "ErrorCode": failure[0], "ErrorMessage": failure[1]})
        return {"ProcessedFindings": done, "UnprocessedFindings": failed}

    def _update(
        self, call: Call, identifier: Mapping[str, str], all_of_them: list[Any], change: Mapping[str, Any]
    ) -> tuple[str, str] | None:
        if all_of_them.count(identifier) > 1:
            return "DuplicatedFindingIdentifier", "The request includes the finding more than once."
        found = self.store.found(call.account, call.region, identifier["ProductArn"], identifier["Id"])
        if not found:
            return "FindingNotFound", "Finding Not Found"
        if any(size(stored.content) + size(change) > LARGEST_FINDING for stored in found):
            return "FindingSizeExceeded", "The finding would be larger than 240 KB."
        for stored in found:
            self.store.update(stored, change, call.caller.arn)
        return None

    def get_findings(self, call: Call) -> dict[str, Any]:
        """GetFindings: in the home Region those of linked Regions too, for an administrator its members'."""
        self.hubs.require(call)
        criteria = call.parameters.get("Filters") or {}
        filters.check(criteria)
        now = self.world.agenda.now()
        seen = (stored.content for stored in self.store.seen(call.account, call.region))
        matching = [content for content in seen if filters.matches(content, criteria, now)]
        shown = filters.ordered(matching, call.parameters.get("SortCriteria") or ())
        # A caller inside the simulator must not hold what is kept here.
        return copy.deepcopy(paged("Findings", shown, call.parameters))

    def get_finding_history(self, call: Call) -> dict[str, Any]:
        """GetFindingHistory: the changes to one finding, the latest first; time stamps are left out."""
        self.hubs.require(call)
        identifier = call.parameters["FindingIdentifier"]
        found = self.store.found(call.account, call.region, identifier["ProductArn"], identifier["Id"])
        if not found:
            raise no_access(f"Finding {identifier['Id']} is not one that account {call.account} sees")
        start, end = call.parameters.get("StartTime"), call.parameters.get("EndTime")
        records = [
            record
            for record in reversed(found[0].history)
            if (start is None or record["UpdateTime"] >= start) and (end is None or record["UpdateTime"] <= end)
        ]
        return paged("Records", records, call.parameters)


def _count(items: list[Any], what: str) -> None:
    if not 1 <= len(items) <= MOST_FINDINGS:
        raise invalid(f"A request has 1 to {MOST_FINDINGS} {what}, not {len(items)}.")


def _change_faults(change: Mapping[str, Any]) -> list[str]:
    wrong = [*note_faults(change.get("Note", {})), *type_faults(change.get("Types", []))]
    for name in ("Types", "RelatedFindings", "UserDefinedFields"):
        if len(change.get(name, ())) > COUNTS[name]:
            wrong.append(f"{name} has more than {COUNTS[name]} items")
    key_length, value_length = PAIRS["UserDefinedFields"]
    for key, value in change.get("UserDefinedFields", {}).items():
        if len(key) > key_length or len(value) > value_length:
            wrong.append(f"UserDefinedFields: keys have up to {key_length} characters, values {value_length}")
    return wrong
