"""One Region of an account before the first up: enabled, recorded, and with room for what comes.

Source: AWS Config API Reference, RecordingGroup, RecordingMode, DescribeConfigurationRecorderStatus; AWS Config and
Lambda quotas; Amazon EC2 DescribeRegions, opt-in status.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from lambdas.controls.model import Control, Scope
from operations.account_access import FAILURES
from operations.doctor_model import Notes
from operations.stack_settings import Subject

if TYPE_CHECKING:
    from boto3.session import Session

OPTED_IN = ("opt-in-not-required", "opted-in")
# Recorded everywhere or in one Region, and only where it is asked for by name or by this flag.
GLOBAL_TYPES = frozenset({"AWS::IAM::User", "AWS::IAM::Group", "AWS::IAM::Role", "AWS::IAM::Policy"})
CONTROL_TOWER = "aws-controltower-"
# AWS documents 1,000; older accounts may have less. Asked for where Service Quotas answers.
RULES_QUOTA = 1000
# New accounts begin with 10; every change of a resource that a custom rule judges is an invocation.
ENOUGH_CONCURRENCY = 100


def enabled(notes: Notes, session: Session, regions: Iterable[str]) -> list[str]:
    """Return the Regions that the account has enabled; where that cannot be read, all."""
    asked = list(regions)
    with notes.reading("Regions"):
        answer = session.client("ec2").describe_regions(AllRegions=True, RegionNames=asked)
        status = {one["RegionName"]: one["OptInStatus"] for one in answer["Regions"]}
        closed = [one for one in asked if status.get(one) not in OPTED_IN]
        for region in closed:
            notes.blocks(
                "Regions",
                f"{region} is {status.get(region, 'unknown to the account')}",
                f"aws account enable-region --region-name {region}, or leave it out (targets.excludeRegions)",
            )
        if not closed:
            notes.ok("Regions", "every governed Region is enabled")
        return [one for one in asked if one not in closed]
    return asked


def recorded_types(subject: Subject, region: str, controls: Iterable[Control]) -> list[str]:
    """The types that AWS Config must record in a Region for these controls; what is global in the home Region."""
    home = region == subject.settings.home_region
    return sorted(
        {
            kind
            for control in controls
            if (control.scope is Scope.REGIONAL or home) and (kind := control.recorded_type) is not None
        }
    )


def recording(notes: Notes, subject: Subject, session: Session, types: Sequence[str]) -> None:
    """Look at the recorder and its delivery channel."""
    config = session.client("config")
    with notes.reading("recorder"):
        recorders = config.describe_configuration_recorders()["ConfigurationRecorders"]
        statuses = config.describe_configuration_recorder_status()["ConfigurationRecordersStatus"]
        ours = subject.settings.prefix if subject.settings.recorder == "create" else None
        recorder = next(iter(recorders), None)
        judge_recorder(notes, recorder, next(iter(statuses), {}), types, ours)
        if recorder is not None:
            channels = config.describe_delivery_channels()["DeliveryChannels"]
            if channels:
                notes.ok("delivery channel", "there is one")
            else:
                notes.blocks(
                    "delivery channel", "there is none: nothing is recorded", "aws configservice put-delivery-channel"
                )


def judge_recorder(
    notes: Notes, recorder: Mapping[str, Any] | None, status: Mapping[str, Any], types: Sequence[str], ours: str | None
) -> None:
    """Judge a recorder by what the catalog needs; `ours` is the name of the one that the stack would make, if any."""
    if recorder is None:
        if ours:
            notes.ok("recorder", "there is none yet; this stack makes it")
        else:
            notes.blocks(
                "recorder",
                "there is none, and the settings say recorder: existing",
                "switch AWS Config on (Control Tower does at enrolment), or set recorder: create",
            )
        return
    name = recorder["name"]
    if ours and name != ours:
        notes.blocks(
            "recorder",
            f"{name} is there, an account has one in a Region, and the settings say recorder: create",
            "set recorder: existing",
        )
    if name.startswith(CONTROL_TOWER):
        notes.ok("Control Tower", "its recorder is at work; its settings are Control Tower's alone")
    if not status.get("recording"):
        notes.blocks("recorder", f"{name} is off", "aws configservice start-configuration-recorder")
    elif status.get("lastStatus") == "Failure":
        told = f"{name} fails: {status.get('lastErrorCode')} {status.get('lastErrorMessage', '')}".strip()
        notes.warns("recorder", told, "mend its role or its delivery channel")
    else:
        notes.ok("recorder", f"{name} is on")
    missing = [one for one in types if not _records(recorder.get("recordingGroup", {}), one)]
    if missing:
        remedy = "add them to the recorder's scope"
        notes.blocks("recorder scope", f"{name} leaves out {', '.join(missing)}", remedy)
    else:
        notes.ok("recorder scope", "every type that a control judges is recorded")
    daily = [one for one in types if one not in missing and _frequency(recorder, one) == "DAILY"]
    if daily:
        notes.warns(
            "recorder mode",
            f"{name} records {', '.join(daily)} once a day: detection lags as much",
            "record them continuously; it costs $0.003 for each change instead of $0.012 for each resource and day",
        )
    else:
        notes.ok("recorder mode", "continuous")


def quotas(notes: Notes, session: Session, existing: Collection[str] | None, wanted: Collection[str]) -> None:
    """Compare the number of Config rules and Lambda's concurrency with what AWS admits; None: the rules are unread."""
    if existing is not None:
        try:
            limit, source = _rules_quota(session)
        except FAILURES:
            limit, source = RULES_QUOTA, "AWS's default, for the quota could not be read"
        after = len({*existing, *wanted})
        told = f"{after} rules with ours, of {limit} ({source})"
        if after > limit:
            notes.blocks("quota of Config rules", told, "ask for more by Service Quotas, or switch controls off")
        else:
            notes.ok("quota of Config rules", told)
    with notes.reading("quota of Lambda"):
        free = session.client("lambda").get_account_settings()["AccountLimit"]["UnreservedConcurrentExecutions"]
        judge_concurrency(notes, free)


def judge_concurrency(notes: Notes, free: int) -> None:
    """A few concurrent executions throttle detection when many resources change at once."""
    if free < ENOUGH_CONCURRENCY:
        notes.warns(
            "quota of Lambda",
            f"{free} concurrent executions are not reserved by functions; detection may be throttled",
            "ask for more by Service Quotas (L-B99A9384)",
        )
    else:
        notes.ok("quota of Lambda", f"{free} concurrent executions are free")


def rules_of(notes: Notes, session: Session) -> dict[str, str] | None:
    """The account's Config rules in the Region, name to ARN, but those of services; None where they are unread."""
    with notes.reading("Config rules"):
        pages = session.client("config").get_paginator("describe_config_rules").paginate()
        return {
            one["ConfigRuleName"]: one["ConfigRuleArn"]
            for page in pages
            for one in page["ConfigRules"]
            # Rules of services are not counted in the quota.
            if not one.get("CreatedBy")
        }
    return None


def _rules_quota(session: Session) -> tuple[int, str]:
    pages = session.client("service-quotas").get_paginator("list_service_quotas").paginate(ServiceCode="config")
    for page in pages:
        for one in page["Quotas"]:
            name = one["QuotaName"].lower()
            if "config rules" in name and "organization" not in name:
                return int(one["Value"]), "Service Quotas"
    return RULES_QUOTA, "AWS's default"


def _records(group: Mapping[str, Any], kind: str) -> bool:
    strategy = group.get("recordingStrategy", {}).get("useOnly")
    if strategy == "EXCLUSION_BY_RESOURCE_TYPES":
        return kind not in group.get("exclusionByResourceTypes", {}).get("resourceTypes", ())
    if group.get("allSupported"):
        return kind not in GLOBAL_TYPES or bool(group.get("includeGlobalResourceTypes"))
    return kind in group.get("resourceTypes", ())


def _frequency(recorder: Mapping[str, Any], kind: str) -> str:
    mode = recorder.get("recordingMode", {})
    for override in mode.get("recordingModeOverrides", ()):
        if kind in override["resourceTypes"]:
            return str(override["recordingFrequency"])
    return str(mode.get("recordingFrequency", "CONTINUOUS"))
