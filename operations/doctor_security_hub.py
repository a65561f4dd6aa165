"""Security Hub before the first up: what is there already, and who governs it.

Source: Security Hub User Guide, "Central configuration" and "Cross-Region aggregation" (one aggregator, in one home
Region); API Reference, OrganizationConfiguration: status DISABLED means that Security Hub policies of Organizations
govern, and that central configuration does nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from lambdas.answers import absent
from lambdas.controls.model import Control, SecurityHubControl
from operations.doctor_model import Notes
from operations.stack_settings import Subject
from stacks.standards import checked_by, standard_arn

if TYPE_CHECKING:
    from boto3.session import Session

# What Security Hub says where it is off, and where the account is not the administrator.
OFF = ("InvalidAccessException", "ResourceNotFoundException")
TOPIC = "Security Hub"
POLICIES = "Security Hub policy of the organization"


def look_at_region(notes: Notes, subject: Subject, session: Session) -> None:
    """Look at Security Hub in one Region of an account: off, or on and to be adopted."""
    client, settings = session.client("securityhub"), subject.settings
    with notes.reading(TOPIC):
        enabled = _enabled(client)
        if enabled is None:
            judge_off(notes, central="hub" in settings.layers)
            return
        administrator = None
        with absent(*OFF):
            administrator = client.get_administrator_account().get("Administrator", {}).get("AccountId")
        judge_administrator(notes, administrator, settings.hub_account)
        wanted = {standard_arn(name, settings.partition, notes.region) for name in settings.standards}
        judge_standards(notes, enabled, wanted)


def look_at_hub(notes: Notes, subject: Subject, session: Session) -> None:
    """Look at the hub's aggregator and organization configuration; `session` stands in the home Region."""
    client, settings = session.client("securityhub"), subject.settings
    with notes.reading("finding aggregator"):
        arns: list[str] = []
        with absent(*OFF):
            pages = client.get_paginator("list_finding_aggregators").paginate()
            arns = [one["FindingAggregatorArn"] for page in pages for one in page["FindingAggregators"]]
        # Only the home Region of central configuration answers for its policies.
        at_home = any(arn.split(":")[3] == settings.home_region for arn in arns)
        ours = at_home and _ours(client, settings.prefix)
        judge_aggregators(notes, arns, settings.home_region, ours=ours)
    with notes.reading(POLICIES):
        configuration: Mapping[str, Any] | None = None
        with absent(*OFF):
            configuration = client.describe_organization_configuration()
        judge_configuration(notes, configuration)


def judge_off(notes: Notes, *, central: bool) -> None:
    """Security Hub is off: the hub's central configuration switches it on."""
    by = "this stack's hub layer" if central else "the security stack"
    notes.ok(TOPIC, f"off; {by} enables it by central configuration")


def judge_administrator(notes: Notes, administrator: str | None, hub: str) -> None:
    """Another administrator, by invitation for one, keeps the account's findings from the hub."""
    if administrator and hub and administrator not in (hub, notes.account):
        notes.blocks(
            TOPIC,
            f"on, and administered by account {administrator}",
            "aws securityhub disassociate-from-administrator-account, or make that account the hub",
        )
    else:
        notes.ok(TOPIC, "on already; central configuration takes it over")


def judge_standards(notes: Notes, enabled: Sequence[str], wanted: Collection[str]) -> None:
    """Central configuration enables the settings' standards and disables all others."""
    lost = sorted(one.rpartition(":")[2].removeprefix(":") for one in enabled if one not in wanted)
    if lost:
        notes.warns(
            "standards",
            f"central configuration would disable {', '.join(lost)}",
            "add them to standards where they are wanted",
        )


def judge_detection(notes: Notes, standards: Collection[str], controls: Sequence[Control]) -> None:
    """What Security Hub alone detects is found only where a standard is on that has the control."""
    alone = [one for one in controls if isinstance(one.detection, SecurityHubControl)]
    missed = [one.id for one in alone if not checked_by(one, standards)]
    if missed:
        notes.warns(
            "detection",
            f"no standard of the settings checks {', '.join(missed)}, which Security Hub alone detects",
            "add a standard that the control's page names to standards",
        )


def judge_aggregators(notes: Notes, arns: Sequence[str], home: str, *, ours: bool) -> None:
    """There is one aggregator; its Region is the home Region."""
    regions = sorted({arn.split(":")[3] for arn in arns})
    elsewhere = [region for region in regions if region != home]
    if elsewhere:
        notes.blocks(
            "finding aggregator",
            f"findings are aggregated in {', '.join(elsewhere)}, and the home Region is {home}",
            f"set homeRegion: {elsewhere[0]}, or delete that aggregator",
        )
    elif regions and not ours:
        notes.warns(
            "finding aggregator",
            "there is one in the home Region, and no configuration policy of ours is seen",
            "pulumi import aws:securityhub/findingAggregator:FindingAggregator before the first up",
        )
    else:
        notes.ok("finding aggregator", "in the home Region" if regions else "there is none yet; the hub layer makes it")


def judge_configuration(notes: Notes, configuration: Mapping[str, Any] | None) -> None:
    """Who configures Security Hub in the organization; None where the hub is not its administrator yet."""
    central = (configuration or {}).get("OrganizationConfiguration", {})
    if configuration is None:
        notes.ok(POLICIES, "the hub administers nothing yet")
    elif central.get("Status") == "DISABLED":
        notes.blocks(
            POLICIES,
            "central configuration is DISABLED: Security Hub policies of AWS Organizations govern",
            "detach them (aws organizations list-policies --filter SECURITYHUB_POLICY), or enable Security Hub and "
            "the standards by them and leave the hub layer out",
        )
    elif central.get("Status") == "FAILED":
        notes.blocks(
            POLICIES,
            f"central configuration FAILED: {central.get('StatusMessage', 'no reason is given')}",
            "configure it again in the console of the hub's home Region",
        )
    elif central.get("ConfigurationType") == "CENTRAL":
        notes.ok(POLICIES, "central configuration is on")
    else:
        notes.ok(POLICIES, "local configuration; the hub layer makes it central")


def _enabled(client: Any) -> list[str] | None:
    """The ARNs of enabled standards; None where Security Hub is off."""
    with absent(*OFF):
        client.describe_hub()
        pages = client.get_paginator("get_enabled_standards").paginate()
        return [one["StandardsArn"] for page in pages for one in page["StandardsSubscriptions"]]
    return None


def _ours(client: Any, prefix: str) -> bool:
    """Whether this deployment has configured Security Hub before: its policy is there.

    Under local configuration the policies are denied to everybody, and there are none.
    """
    with absent(*OFF, "AccessDeniedException"):
        pages = client.get_paginator("list_configuration_policies").paginate()
        return any(one["Name"] == prefix for page in pages for one in page["ConfigurationPolicySummaries"])
    return False
