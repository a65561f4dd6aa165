"""GuardDuty's findings over moto's detectors: listed, read, archived, and sent to Security Hub.

Nothing is detected here: sample findings come by CreateSampleFindings, as in AWS, and others by `detect`, which tests
and scenarios call in the place of GuardDuty's own sensors. Source: GuardDuty API Reference, ListFindings, GetFindings,
ArchiveFindings, CreateSampleFindings; GuardDuty User Guide, "Sample findings" and "Managing GuardDuty findings".
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from itertools import count
from typing import Any

from moto.backends import get_backend

from simulator.call import Call, ServiceError, not_simulated
from simulator.service import Service
from simulator.services.guardduty_types import TYPES, finding_format, sample_resource, subject
from simulator.services.paging import paged
from simulator.services.product_findings import identifier, send
from simulator.services.security_hub_store import moment_text
from simulator.world import partition_of

PATH = "aws/guardduty"
LARGEST_PAGE = 50
SAMPLE = "[SAMPLE] "
TESTS: Mapping[str, Callable[[Any, Any], bool]] = {
    "Equals": lambda value, given: value in given,
    "NotEquals": lambda value, given: value not in given,
    "GreaterThan": lambda value, given: float(value) > given,
    "GreaterThanOrEqual": lambda value, given: float(value) >= given,
    "LessThan": lambda value, given: float(value) < given,
    "LessThanOrEqual": lambda value, given: float(value) <= given,
}
# Retired names that are still taken.
TESTS = {
    **TESTS,
    "Eq": TESTS["Equals"],
    "Neq": TESTS["NotEquals"],
    "Gt": TESTS["GreaterThan"],
    "Gte": TESTS["GreaterThanOrEqual"],
    "Lt": TESTS["LessThan"],
    "Lte": TESTS["LessThanOrEqual"],
}


class GuardDuty(Service):
    """The findings of every detector, by the detector's id and their own."""

    name = "guardduty"

    def __init__(self, world: Any) -> None:
        super().__init__(world)
        self._findings: dict[str, dict[str, dict[str, Any]]] = {}

    def detect(
        self, account: str, region: str, kind: str, resource: Mapping[str, Any], severity: float | None = None
    ) -> str:
        """Find something, as GuardDuty's sensors do: anew, or once more. Returns the finding's id.

        `resource` is what the API shows as the finding's resource. Raises ServiceError where no detector is on.
        """
        detectors = _detectors(account, region)
        detector = next((one for one, made in detectors.items() if made.enabled), None)
        if detector is None:
            raise ServiceError("BadRequestException", f"GuardDuty is not on in {account} {region}")
        return self._found(account, region, detector, kind, resource, severity)

    def list_findings(self, call: Call) -> dict[str, Any]:
        """ListFindings: the ids that the criteria admit, archived ones too unless they exclude them."""
        held = self._held(call)
        criteria = (call.parameters.get("FindingCriteria") or {}).get("Criterion") or {}
        found = [one for one in held.values() if all(_meets(one, *criterion) for criterion in criteria.items())]
        order = call.parameters.get("SortCriteria") or {}
        if order:
            path, descending = order.get("AttributeName", "updatedAt"), order.get("OrderBy") == "DESC"
            found.sort(key=lambda one: str(_at(one, path)), reverse=descending)
        ids = [one["Id"] for one in found]
        return paged("FindingIds", ids, call.parameters, size=LARGEST_PAGE, largest=LARGEST_PAGE)

    def get_findings(self, call: Call) -> dict[str, Any]:
        """GetFindings: those of the ids that are there."""
        held = self._held(call)
        return {"Findings": [copy.deepcopy(held[one]) for one in call.parameters["FindingIds"] if one in held]}

    def archive_findings(self, call: Call) -> dict[str, Any]:
        """ArchiveFindings."""
        return self._archived(call, archived=True)

    def unarchive_findings(self, call: Call) -> dict[str, Any]:
        """UnarchiveFindings."""
        return self._archived(call, archived=False)

    def create_sample_findings(self, call: Call) -> dict[str, Any]:
        """CreateSampleFindings: of the given types, of all that are simulated where none is given."""
        self._held(call)
        kinds = call.parameters.get("FindingTypes") or list(TYPES)
        if strange := [one for one in kinds if one not in TYPES]:
            raise not_simulated(f"findings of type {', '.join(strange)}", several=True)
        for kind in kinds:
            detector = call.parameters["DetectorId"]
            self._found(call.account, call.region, detector, kind, sample_resource(TYPES[kind]), sample=True)
        return {}

    def _found(
        self,
        account: str,
        region: str,
        detector: str,
        kind: str,
        resource: Mapping[str, Any],
        severity: float | None = None,
        *,
        sample: bool = False,
    ) -> str:
        now, name = moment_text(self.world.agenda.now()), subject(resource)
        arn = f"arn:{partition_of(region)}:guardduty:{region}:{account}:detector/{detector}"
        title = (SAMPLE if sample else "") + TYPES[kind].title.format(name=name)
        held = self._findings.setdefault(detector, {})
        # What is found again after it was archived is a new finding.
        keys = (identifier(account, region, detector, kind, name, str(number)) for number in count())
        key = next(one for one in keys if one not in held or not held[one]["Service"]["Archived"])
        before = held.get(key)
        held[key] = {
            "SchemaVersion": "2.0",
            "AccountId": account,
            "Region": region,
            "Partition": partition_of(region),
            "Id": key,
            "Arn": f"{arn}/finding/{key}",
            "Type": kind,
            "Resource": copy.deepcopy(dict(resource)),
            "Service": {
                "ServiceName": "guardduty",
                "DetectorId": detector,
                "ResourceRole": "TARGET",
                "EventFirstSeen": before["Service"]["EventFirstSeen"] if before else now,
                "EventLastSeen": now,
                "Archived": False,
                "Count": before["Service"]["Count"] + 1 if before else 1,
                **({"AdditionalInfo": {"Value": '{"sample":true}', "Type": "default"}} if sample else {}),
            },
            "Severity": severity or TYPES[kind].severity,
            "Title": title,
            "Description": title,
            "CreatedAt": before["CreatedAt"] if before else now,
            "UpdatedAt": now,
        }
        self._send(held[key], arn)
        return key

    def _archived(self, call: Call, *, archived: bool) -> dict[str, Any]:
        held = self._held(call)
        for one in call.parameters["FindingIds"]:
            if one in held:
                held[one]["Service"]["Archived"] = archived
                held[one]["UpdatedAt"] = moment_text(self.world.agenda.now())
                self._send(held[one], held[one]["Arn"].partition("/finding/")[0])
        return {}

    def _send(self, finding: Mapping[str, Any], detector: str) -> None:
        send(self.world, finding["AccountId"], finding["Region"], PATH, finding_format(finding, detector))

    def _held(self, call: Call) -> dict[str, dict[str, Any]]:
        """The findings of the detector that a call names."""
        detector = call.parameters["DetectorId"]
        if detector not in _detectors(call.account, call.region):
            message = "The request is rejected because the input detectorId is not owned by the current account."
            raise ServiceError("BadRequestException", message, 400)
        return self._findings.setdefault(detector, {})


def _detectors(account: str, region: str) -> dict[str, Any]:
    detectors: dict[str, Any] = get_backend("guardduty")[account][region].detectors
    return detectors


def _at(finding: Mapping[str, Any], path: str) -> Any:
    """The value of an attribute that criteria name, such as `resource.accessKeyDetails.userName`."""
    value: Any = finding
    for name in path.split("."):
        value = (value or {}).get(name[:1].upper() + name[1:])
    return str(value).lower() if isinstance(value, bool) else value


def _meets(finding: Mapping[str, Any], path: str, conditions: Mapping[str, Any]) -> bool:
    strange = [one for one in conditions if one not in TESTS]
    if strange:
        raise not_simulated(f"the condition {', '.join(strange)}")
    value = _at(finding, path)
    return value is not None and all(TESTS[one](value, given) for one, given in conditions.items())
