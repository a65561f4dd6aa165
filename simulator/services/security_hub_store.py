"""The findings: how they are merged, kept, changed and announced.

A finding is one of an account, Region, product and id. Providers import it again and again;
customers change nine fields of it; neither overwrites what belongs to the other. Source: the user
guide's pages on BatchImportFindings, BatchUpdateFindings, FindingProviderFields and workflow status.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, cast

from simulator.service import Emits
from simulator.services.security_hub_administration import Administration
from simulator.services.security_hub_format import severity, timestamp
from simulator.services.security_hub_hubs import Hubs
from simulator.services.security_hub_rules import Rules
from simulator.world import World

# What providers say and customers may override, field by field.
PROVIDED = ("Confidence", "Criticality", "RelatedFindings", "Severity", "Types")
# What belongs to customers once the finding exists.
OWNED = ("Note", "UserDefinedFields", "VerificationState", "Workflow")
KEPT = {"ACTIVE": timedelta(days=90), "ARCHIVED": timedelta(days=30)}
# Company and product of AWS services, as their findings name them.
NAMES = {
    "aws/access-analyzer": ("AWS", "IAM Access Analyzer"),
    "aws/config": ("AWS", "Config"),
    "aws/firewall-manager": ("AWS", "Firewall Manager"),
    "aws/guardduty": ("Amazon", "GuardDuty"),
    "aws/health": ("AWS", "Health"),
    "aws/inspector": ("Amazon", "Inspector"),
    "aws/macie": ("Amazon", "Macie"),
    "aws/securityhub": ("AWS", "Security Hub"),
    "aws/ssm-patch-manager": ("AWS", "Systems Manager Patch Manager"),
}
EVENT = "Security Hub Findings - Imported"
# The history leaves out the time stamps.
UNRECORDED = frozenset({"CreatedAt", "UpdatedAt", "ProcessedAt", "FirstObservedAt", "LastObservedAt"})


@dataclass(slots=True)
class Stored:
    """A finding as Security Hub keeps it. `overridden`: the provided fields that a customer has set."""

    content: dict[str, Any]
    changed: datetime
    overridden: set[str] = field(default_factory=set)
    history: list[dict[str, Any]] = field(default_factory=list)


class FindingStore:
    """Every finding of the organization."""

    def __init__(self, world: World, hubs: Hubs, administration: Administration, rules: Rules) -> None:
        self.world = world
        self.hubs = hubs
        self.administration = administration
        self.rules = rules
        self._findings: dict[tuple[str, str], dict[tuple[str, str], Stored]] = {}

    def get(self, account: str, region: str, product: str, identifier: str) -> Stored | None:
        """Return one finding, unless it has expired."""
        held = self._findings.get((account, region), {})
        stored = held.get((product, identifier))
        if stored is not None and self._expired(stored):
            del held[product, identifier]
            return None
        return stored

    def seen(self, account: str, region: str) -> Iterator[Stored]:
        """Go through the findings that an account sees in a Region, in a stable order."""
        for place in self.administration.seen_from(account, region):
            held = self._findings.get(place, {})
            for key in [key for key, stored in held.items() if self._expired(stored)]:
                del held[key]
            yield from held.values()

    def found(self, account: str, region: str, product: str, identifier: str) -> list[Stored]:
        """List the findings of an id that an account sees in a Region; members may have equal ids."""
        places = self.administration.seen_from(account, region)
        found = (self.get(*place, product, identifier) for place in places)
        return [stored for stored in found if stored is not None]

    def _expired(self, stored: Stored) -> bool:
        return self.world.agenda.now() - stored.changed > KEPT[stored.content["RecordState"]]

    def ingest(
        self, account: str, region: str, given: Mapping[str, Any], identity: str, *, closes: bool = False
    ) -> None:
        """Take a finding from its provider; an update that is not later than the finding is ignored.

        `closes`: a provider of AWS whose PASSED findings are resolved by themselves.
        """
        before = self.get(account, region, given["ProductArn"], given["Id"])
        if before is not None and _moment(given) <= _moment(before.content):
            return
        after = Stored(self._merged(account, region, given, before), self.world.agenda.now())
        if before is not None:
            after.overridden, after.history = set(before.overridden), before.history
        if closes and _compliance(after.content) == "PASSED" and _workflow(after.content) != "SUPPRESSED":
            after.content["Workflow"] = {"Status": "RESOLVED"}
        for change in self.rules.changes(account, region, after.content):
            self._set(after, change)
        self._record(before.content if before else None, after, "BATCH_IMPORT_FINDINGS", identity)
        self._findings.setdefault((account, region), {})[given["ProductArn"], given["Id"]] = after
        self._announce(after)

    def update(self, stored: Stored, change: Mapping[str, Any], identity: str) -> None:
        """Change a finding as a customer; UpdatedAt, the provider's, stays."""
        before = copy.deepcopy(stored.content)
        self._set(stored, change)
        stored.changed = self.world.agenda.now()
        stored.content["ProcessedAt"] = moment_text(stored.changed)
        self._record(before, stored, "BATCH_UPDATE_FINDINGS", identity)
        self._announce(stored)

    def _merged(self, account: str, region: str, given: Mapping[str, Any], before: Stored | None) -> dict[str, Any]:
        now = self.world.agenda.now()
        content = copy.deepcopy(dict(given))
        company, product = _provider(given)
        content.setdefault("RecordState", "ACTIVE")
        content |= {
            "Region": region,
            "CompanyName": company,
            "ProductName": product,
            "ProcessedAt": moment_text(now),
            "WorkflowState": "NEW",
        }
        known = self.world.accounts.get(account)
        if known is not None:
            content["AwsAccountName"] = known.name
        content["ProductFields"] = dict(given.get("ProductFields", {})) | {
            "aws/securityhub/FindingId": f"{given['ProductArn']}/{given['Id']}",
            "aws/securityhub/ProductName": product,
            "aws/securityhub/CompanyName": company,
        }
        self._own(content, before)
        _provide(content, before)
        return content

    def _own(self, content: dict[str, Any], before: Stored | None) -> None:
        if before is None:
            content.setdefault("Workflow", {"Status": "NEW"})
            if "Note" in content:
                content["Note"].setdefault("UpdatedAt", content["ProcessedAt"])
            return
        for name in OWNED:
            content.pop(name, None)
            if name in before.content:
                content[name] = copy.deepcopy(before.content[name])
        reopened = before.content["RecordState"] == "ARCHIVED" and content["RecordState"] == "ACTIVE"
        failed = _compliance(before.content) == "PASSED" and _compliance(content) in (
            "FAILED",
            "WARNING",
            "NOT_AVAILABLE",
        )
        if (reopened or failed) and _workflow(content) in ("NOTIFIED", "RESOLVED"):
            content["Workflow"] = {"Status": "NEW"}

    def _set(self, stored: Stored, change: Mapping[str, Any]) -> None:
        content = stored.content
        for name, value in change.items():
            if name == "Note":
                content["Note"] = dict(value) | {"UpdatedAt": moment_text(self.world.agenda.now())}
            elif name == "Workflow":
                content["Workflow"] = dict(content["Workflow"]) | value
            elif name == "Severity":
                kept = {key: content["Severity"][key] for key in ("Original", "Product") if key in content["Severity"]}
                content["Severity"] = kept | severity(value)
            elif name in (*PROVIDED, *OWNED):
                content[name] = copy.deepcopy(value)
            if name in PROVIDED:
                stored.overridden.add(name)

    def _record(self, before: Mapping[str, Any] | None, after: Stored, kind: str, identity: str) -> None:
        updates = [] if before is None else list(_differences(before, after.content))
        after.history.append(
            {
                "FindingIdentifier": {"Id": after.content["Id"], "ProductArn": after.content["ProductArn"]},
                "UpdateTime": self.world.agenda.now(),
                "FindingCreated": before is None,
                "UpdateSource": {"Type": kind, "Identity": identity},
                "Updates": updates,
            }
        )

    def _announce(self, stored: Stored) -> None:
        """Emit the finding wherever it is seen: own account, administrator, and both in the home Region.

        The envelope names the account whose bus it is on; whether AWS names the member instead on the
        administrator's bus is not documented. Consumers read `AwsAccountId` of the finding.
        """
        events = cast("Emits", self.world.services["events"])
        content = stored.content
        for account, region in self.administration.seen_in(content["AwsAccountId"], content["Region"]):
            events.emit(
                account,
                region,
                "aws.securityhub",
                EVENT,
                {"findings": [copy.deepcopy(content)]},
                resources=(f"{content['ProductArn']}/{content['Id']}",),
            )


def moment_text(moment: datetime) -> str:
    """Return a moment as findings carry it: milliseconds, UTC."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def _moment(finding: Mapping[str, Any]) -> datetime:
    moment = timestamp(finding["UpdatedAt"])
    if moment is None:
        raise ValueError(f"not a timestamp of a finding: {finding['UpdatedAt']}")
    return moment


def _compliance(content: Mapping[str, Any]) -> str | None:
    return cast("str | None", content.get("Compliance", {}).get("Status"))


def _workflow(content: Mapping[str, Any]) -> str:
    return str(content["Workflow"].get("Status", "NEW"))


def _provider(given: Mapping[str, Any]) -> tuple[str, str]:
    """Return company and product names as Security Hub shows them; custom integrations may set their own."""
    path = given["ProductArn"].partition(":product/")[2]
    if path.endswith("/default"):
        return given.get("CompanyName", "Personal"), given.get("ProductName", "Default")
    return NAMES[path]


def _provide(content: dict[str, Any], before: Stored | None) -> None:
    """Fill FindingProviderFields and its top-level copies, which a customer's values hide."""
    provided = dict(content.get("FindingProviderFields", {}))
    for name in PROVIDED:
        if name not in provided and name in content:
            provided[name] = content[name]
    provided["Severity"] = severity(provided.get("Severity", {}))
    for name in PROVIDED:
        if before is not None and name in before.overridden:
            content[name] = copy.deepcopy(before.content[name])
        elif name in provided:
            content[name] = copy.deepcopy(provided[name])
    shown = {key: value for key, value in provided["Severity"].items() if key in ("Label", "Original")}
    content["FindingProviderFields"] = provided | {"Severity": shown}


def _differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[dict[str, str]]:
    for name in _names(before, after):
        if name in UNRECORDED or before.get(name) == after.get(name):
            continue
        sides = {"OldValue": before.get(name), "NewValue": after.get(name)}
        shown = {side: _text(value) for side, value in sides.items() if value is not None}
        yield {"UpdatedField": name} | shown


def _names(*findings: Iterable[str]) -> list[str]:
    return sorted({name for finding in findings for name in finding})


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True)
