"""Security controls: which are enabled where, and the findings of the enabled ones.

A control is checked by a service-linked rule of AWS Config, so that its findings follow what the recorder
sees. They are consolidated: one finding per control and resource, whatever standards it is in. Source:
Security Hub User Guide, "Generating and updating control findings", "Enabling controls in standards",
"Consolidated control findings".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from simulator.call import Call
from simulator.services.config_items import Item
from simulator.services.config_managed import NOT_APPLICABLE
from simulator.services.paging import paged
from simulator.services.security_hub_checks import CHECKS, RULES, Check
from simulator.services.security_hub_hubs import Hub, Hubs, invalid, standard_arn, standard_path, unique
from simulator.services.security_hub_store import FindingStore, moment_text
from simulator.world import World, partition_of

if TYPE_CHECKING:
    from simulator.services.config_service import ConfigService

FIRST_SECONDS = 1_800  # "within two hours" of enabling a standard
CHANGE_SECONDS = 60
ARCHIVED_AFTER = timedelta(days=3)  # "in 3-5 days" where the resource or the control is gone
STATUSES = {"COMPLIANT": "PASSED", "NON_COMPLIANT": "FAILED"}
IDENTITY = "securityhub.amazonaws.com"
AsffType = Callable[[str], str]


class Controls:
    """The security controls of every account and Region, and what they find."""

    def __init__(self, world: World, hubs: Hubs, store: FindingStore, asff_type: AsffType) -> None:
        self.world = world
        self.hubs = hubs
        self.store = store
        self._asff_type = asff_type
        hubs.standards_changed = self._begin

    # Findings.
    def changed(self, item: Item) -> None:
        """AWS Config has recorded a resource: check it by the controls of its type that are enabled there."""
        for check in CHECKS.values():
            if check.resource_type == item.type and self._standards(item.account, item.region, check):
                if item.deleted:
                    self._later(check, item, ARCHIVED_AFTER.total_seconds(), background=True)
                else:
                    self._later(check, item, CHANGE_SECONDS, background=False)

    def _begin(self, account: str, region: str) -> None:
        """Standards or controls of a place have changed: check everything, and archive what is no longer checked."""
        config: ConfigService | None = self.world.services.get("config")  # type: ignore[assignment]
        if config is None:
            return
        for check in CHECKS.values():
            on = bool(self._standards(account, region, check))
            for item in list(config.items.last(account, region)):
                if item.type == check.resource_type:
                    seconds = FIRST_SECONDS if on else ARCHIVED_AFTER.total_seconds()
                    self._later(check, item, seconds, background=not on)

    def _later(self, check: Check, item: Item, seconds: float, *, background: bool) -> None:
        if background and self._known(check, item) is None:
            return
        self.world.agenda.soon(
            lambda: self._check(check, item),
            f"security control {check.control} in {item.account}",
            seconds=seconds,
            background=background,
        )

    def _check(self, check: Check, item: Item) -> None:
        """Judge a resource as it was last recorded, or archive its finding where nothing is checked any more."""
        config: ConfigService = self.world.services["config"]  # type: ignore[assignment]
        latest = config.items.newest(item.account, item.region, item.type, item.snapshot.id) or item
        standards = self._standards(item.account, item.region, check)
        before = self._known(check, item)
        if latest.deleted or not standards:
            if before is not None and before["RecordState"] == "ACTIVE":
                self._ingest(item, before | {"RecordState": "ARCHIVED"})
            return
        verdict, _ = RULES[check.identifier](latest, check.parameters)
        if verdict == NOT_APPLICABLE:
            return
        hub = self.hubs.hubs[item.account, item.region]
        self._ingest(item, self._finding(hub, check, latest, standards, STATUSES[verdict], before))

    def _ingest(self, item: Item, finding: Mapping[str, Any]) -> None:
        now = moment_text(self.world.agenda.now())
        self.store.ingest(item.account, item.region, dict(finding) | {"UpdatedAt": now}, IDENTITY, closes=True)

    def _known(self, check: Check, item: Item) -> dict[str, Any] | None:
        product, identifier = self._names(check, item)
        stored = self.store.get(item.account, item.region, product, identifier)
        return None if stored is None else stored.content

    @staticmethod
    def _names(check: Check, item: Item) -> tuple[str, str]:
        start = f"arn:{partition_of(item.region)}:securityhub:{item.region}"
        digest = unique(item.account, item.region, check.control, item.snapshot.id)
        identifier = f"{start}:{item.account}:security-control/{check.control}/finding/{digest}"
        return f"{start}::product/aws/securityhub", identifier

    def _finding(
        self,
        hub: Hub,
        check: Check,
        item: Item,
        standards: tuple[str, ...],
        status: str,
        before: Mapping[str, Any] | None,
    ) -> dict[str, Any]:
        product, identifier = self._names(check, item)
        now = moment_text(self.world.agenda.now())
        severity = check.severity if status == "FAILED" else "INFORMATIONAL"
        suffix = unique(hub.arn, check.control).partition("-")[0]
        return {
            "SchemaVersion": "2018-10-08",
            "Id": identifier,
            "ProductArn": product,
            "GeneratorId": f"security-control/{check.control}",
            "AwsAccountId": item.account,
            "Types": ["Software and Configuration Checks/Industry and Regulatory Standards"],
            "FirstObservedAt": before["FirstObservedAt"] if before else now,
            "LastObservedAt": now,
            "CreatedAt": before["CreatedAt"] if before else now,
            "Severity": {"Label": severity, "Original": severity},
            "Title": check.title,
            "Description": check.description,
            "Remediation": {
                "Recommendation": {
                    "Text": "For information on how to correct this issue, consult the AWS Security Hub controls "
                    "documentation.",
                    "Url": check.help,
                }
            },
            "ProductFields": {
                "RelatedAWSResources:0/name": f"securityhub-{check.rule}-{suffix}",
                "RelatedAWSResources:0/type": "AWS::Config::ConfigRule",
                "Resources:0/Id": item.snapshot.arn,
            },
            "Resources": [
                {
                    "Type": self._asff_type(item.type),
                    "Id": item.snapshot.arn,
                    "Partition": partition_of(item.region),
                    "Region": item.region,
                }
            ],
            "Compliance": {
                "Status": status,
                "RelatedRequirements": [one for path in standards for one in check.standards[path]],
                "SecurityControlId": check.control,
                "AssociatedStandards": [{"StandardsId": path} for path in standards],
            },
            "RecordState": "ACTIVE",
        }

    def _standards(self, account: str, region: str, check: Check) -> tuple[str, ...]:
        """The enabled standards of a place in which a control is enabled."""
        hub = self.hubs.hubs.get((account, region))
        if hub is None or not self.hubs.control_enabled(account, region, check.control):
            return ()
        return tuple(
            path for path in hub.standards if path in check.standards and (path, check.control) not in hub.disassociated
        )

    # Operations.
    def list_security_control_definitions(self, call: Call) -> dict[str, Any]:
        """ListSecurityControlDefinitions: the controls whose checks are simulated."""
        arn = call.parameters.get("StandardsArn")
        path = standard_path(arn, call.region) if arn else None
        shown = [_definition(check) for check in CHECKS.values() if path is None or path in check.standards]
        return paged("SecurityControlDefinitions", shown, call.parameters)

    def get_security_control_definition(self, call: Call) -> dict[str, Any]:
        """GetSecurityControlDefinition."""
        return {"SecurityControlDefinition": _definition(_check_of(call.parameters["SecurityControlId"]))}

    def batch_get_security_controls(self, call: Call) -> dict[str, Any]:
        """BatchGetSecurityControls: ENABLED where some enabled standard has the control enabled."""
        self.hubs.require(call)
        found: list[dict[str, Any]] = []
        missing: list[dict[str, str]] = []
        for given in call.parameters["SecurityControlIds"]:
            check = CHECKS.get(given.rpartition("/")[2])
            if check is None:
                missing.append({"SecurityControlId": given, "ErrorCode": "NOT_FOUND"})
                continue
            enabled = bool(self._standards(call.account, call.region, check))
            found.append(
                {
                    "SecurityControlId": check.control,
                    "SecurityControlArn": _control_arn(call, check),
                    "Title": check.title,
                    "Description": check.description,
                    "RemediationUrl": check.help,
                    "SeverityRating": check.severity,
                    "SecurityControlStatus": "ENABLED" if enabled else "DISABLED",
                    "UpdateStatus": "READY",
                    "Parameters": {},
                }
            )
        return {"SecurityControls": found, "UnprocessedIds": missing}

    def list_standards_control_associations(self, call: Call) -> dict[str, Any]:
        """ListStandardsControlAssociations: the enabled standards that have the control."""
        hub = self.hubs.require(call)
        check = _check_of(call.parameters["SecurityControlId"])
        shown = [self._association(call, hub, check, path) for path in hub.standards if path in check.standards]
        return paged("StandardsControlAssociationSummaries", shown, call.parameters)

    def batch_get_standards_control_associations(self, call: Call) -> dict[str, Any]:
        """BatchGetStandardsControlAssociations."""
        hub = self.hubs.require(call)
        found, missing = [], []
        for given in call.parameters["StandardsControlAssociationIds"]:
            named = self._named(hub, given)
            if named is None:
                missing.append({"StandardsControlAssociationId": given, "ErrorCode": "NOT_FOUND"})
            else:
                found.append(self._association(call, hub, *named))
        return {"StandardsControlAssociationDetails": found, "UnprocessedAssociations": missing}

    def batch_update_standards_control_associations(self, call: Call) -> dict[str, Any]:
        """BatchUpdateStandardsControlAssociations: enable or disable controls in enabled standards."""
        hub = self.hubs.require_own(call)
        missing = []
        for given in call.parameters["StandardsControlAssociationUpdates"]:
            named = self._named(hub, given)
            if named is None:
                missing.append({"StandardsControlAssociationUpdate": given, "ErrorCode": "NOT_FOUND"})
            elif given["AssociationStatus"] == "DISABLED" and not given.get("UpdatedReason"):
                missing.append({"StandardsControlAssociationUpdate": given, "ErrorCode": "INVALID_INPUT"})
            elif given["AssociationStatus"] == "DISABLED":
                hub.disassociated[named[1], named[0].control] = given["UpdatedReason"]
            else:
                hub.disassociated.pop((named[1], named[0].control), None)
        self._begin(call.account, call.region)
        return {"UnprocessedAssociationUpdates": missing}

    @staticmethod
    def _named(hub: Hub, given: Mapping[str, str]) -> tuple[Check, str] | None:
        check = CHECKS.get(given["SecurityControlId"].rpartition("/")[2])
        path = standard_path(given["StandardsArn"], hub.region)
        return (check, path) if check is not None and path in check.standards and path in hub.standards else None

    @staticmethod
    def _association(call: Call, hub: Hub, check: Check, path: str) -> dict[str, Any]:
        reason = hub.disassociated.get((path, check.control))
        return {
            "StandardsArn": standard_arn(path, call.region),
            "SecurityControlId": check.control,
            "SecurityControlArn": _control_arn(call, check),
            "AssociationStatus": "ENABLED" if reason is None else "DISABLED",
            "RelatedRequirements": list(check.standards[path]),
            "StandardsControlTitle": check.title,
            "StandardsControlDescription": check.description,
            **({} if reason is None else {"UpdatedReason": reason}),
        }


def _definition(check: Check) -> dict[str, Any]:
    return {
        "SecurityControlId": check.control,
        "Title": check.title,
        "Description": check.description,
        "RemediationUrl": check.help,
        "SeverityRating": check.severity,
        "CurrentRegionAvailability": "AVAILABLE",
        "CustomizableProperties": [],
    }


def _check_of(identifier: str) -> Check:
    check = CHECKS.get(identifier.rpartition("/")[2])
    if check is None:
        raise invalid(f"{identifier} is not a security control whose check is simulated (docs/local-organisation.md)")
    return check


def _control_arn(call: Call, check: Check) -> str:
    return f"arn:{partition_of(call.region)}:securityhub:{call.region}:{call.account}:security-control/{check.control}"
