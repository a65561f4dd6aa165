"""The organization before the first up: features, trusted access, delegated administrators, the hub, Control Tower.

Source: Security Hub User Guide, "Integrating with AWS Organizations"; AWS Config Developer Guide, "Register a
delegated administrator" (three at most); CloudFormation User Guide, "Activate trusted access".
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from components.organization_access import CONFIG_PRINCIPALS, TRUSTED
from operations.account_access import FAILURES, said
from operations.doctor_model import Notes
from operations.stack_settings import Subject, management

SECURITY_HUB = "securityhub.amazonaws.com"
FIRST = "deploy the security stack first: its organization layer gives it"
CONFIG_ADMINISTRATORS = 3


def look(subject: Subject) -> Notes:
    """Look at the organization with the management role, or with the shell's own credentials."""
    settings, organization = subject.settings, subject.organization
    notes = Notes(settings.management_account)
    if organization is None:
        notes.blocks(
            "organization", f"no organization can be read: {subject.told}", "Palisade deploys to an organization"
        )
        return notes
    session = management(subject.access, settings)
    ours = "organization" in settings.layers
    organizations = session.client("organizations")
    with notes.reading("organization"):
        features(notes, organizations.describe_organization()["Organization"])
    _hub(notes, subject)
    with notes.reading("trusted access"):
        pages = organizations.get_paginator("list_aws_service_access_for_organization").paginate()
        enabled = {one["ServicePrincipal"] for page in pages for one in page["EnabledServicePrincipals"]}
        trusted_access(notes, enabled, ours=ours)
    with notes.reading("delegated administrators"):
        delegated = {
            principal: _administrators(organizations, principal) for principal in (SECURITY_HUB, *CONFIG_PRINCIPALS)
        }
        delegations(notes, delegated, settings.hub_account, ours=ours)
    if ours:
        with notes.reading("StackSets"):
            stack_sets(notes, session.client("cloudformation").describe_organizations_access().get("Status"))
        _management_role(notes, subject)
    with notes.reading("Control Tower"):
        zones = session.client("controltower").list_landing_zones()["landingZones"]
        control_tower(notes, landing_zone=bool(zones), recorder=settings.recorder)
    return notes


def features(notes: Notes, organization: Mapping[str, Any]) -> None:
    """All features, or there are neither delegated administrators nor policies."""
    if organization["FeatureSet"] == "ALL":
        notes.ok("organization", "all features are enabled")
    else:
        notes.blocks(
            "organization",
            f"the organization has the features {organization['FeatureSet']} alone",
            "enable all features: aws organizations enable-all-features; each account agrees",
        )


def trusted_access(notes: Notes, enabled: Collection[str], *, ours: bool) -> None:
    """What the organization layer enables; a stack without that layer needs it there."""
    for principal in TRUSTED:
        if principal in enabled:
            notes.ok("trusted access", f"{principal} has it")
        elif ours:
            notes.ok("trusted access", f"{principal} has none yet; the organization layer of this stack gives it")
        else:
            notes.blocks("trusted access", f"{principal} has none", FIRST)


def delegations(notes: Notes, delegated: Mapping[str, Collection[str]], hub: str, *, ours: bool) -> None:
    """Who administers which service: the hub, or nobody yet."""
    for principal, accounts in delegated.items():
        others = sorted(set(accounts) - {hub})
        topic = "delegated administrators"
        if not hub:
            named = ", ".join(others) or "nobody yet"
            notes.ok(topic, f"{principal}: {named} (no hub is named: look at a stack to compare)")
        elif principal == SECURITY_HUB and others:
            notes.blocks(
                topic,
                f"{principal}: {others[0]} administers it, and there is one administrator",
                f"make {others[0]} the hub (hubAccount), or remove it: aws securityhub "
                "disable-organization-admin-account",
            )
        elif hub in accounts and ours and principal != SECURITY_HUB:
            notes.warns(
                topic,
                f"{principal}: the hub is registered already, and AWS refuses to register it twice",
                "nothing where this stack did it; else pulumi import it (docs/deploy.md)",
            )
        elif hub in accounts:
            notes.ok(topic, f"{principal}: the hub")
        elif principal != SECURITY_HUB and len(others) >= CONFIG_ADMINISTRATORS:
            notes.blocks(topic, f"{principal}: {', '.join(others)} fill the three places", "deregister one of them")
        elif ours:
            notes.ok(topic, f"{principal}: the organization layer of this stack registers the hub")
        else:
            notes.blocks(topic, f"{principal}: the hub is not registered", FIRST)


def stack_sets(notes: Notes, status: str | None) -> None:
    """StackSets do not deploy to an organization before a person activates that."""
    if status == "ENABLED":
        notes.ok("StackSets", "activated for the organization")
    else:
        notes.blocks(
            "StackSets",
            f"not activated for the organization ({status})",
            "aws cloudformation activate-organizations-access in the management account, home Region",
        )


def control_tower(notes: Notes, *, landing_zone: bool, recorder: str) -> None:
    """Where Control Tower governs, recorders are its own: others make enrolment fail."""
    if landing_zone and recorder == "create":
        notes.blocks(
            "Control Tower",
            "a landing zone is there, and the settings say recorder: create",
            "set recorder: existing; Control Tower's recorders serve",
        )
    elif landing_zone:
        notes.ok("Control Tower", "a landing zone is there; its recorders serve. Deploy to enrolled accounts")
    else:
        notes.ok("Control Tower", "there is no landing zone in the home Region")


def _hub(notes: Notes, subject: Subject) -> None:
    hub, organization = subject.settings.hub_account, subject.organization
    if organization is None or not hub:
        return
    account = organization.accounts.get(hub)
    if account is None:
        remedy = "name a member account as hubAccount, or invite it"
        notes.blocks("hub", f"account {hub} is not in the organization", remedy)
    elif hub == organization.management:
        notes.blocks(
            "hub", "the management account cannot be a delegated administrator", "name a member account as hubAccount"
        )
    elif account.state != "ACTIVE":
        notes.blocks("hub", f"account {hub} is {account.state}", "name an active account as hubAccount")
    else:
        notes.ok("hub", f"account {hub} ({account.name}) is an active member")


def _management_role(notes: Notes, subject: Subject) -> None:
    role = subject.settings.management_role
    if role is None:
        return
    refused = subject.access.try_role(role)
    if refused is None:
        notes.ok("management role", f"{role} can be entered")
        return
    name = role.split(":role/")[-1]
    if subject.access.account == subject.settings.management_account:
        try:
            found = subject.access.own().session(subject.settings.home_region).client("iam").get_role(RoleName=name)
        except FAILURES as error:
            remedy = "deploy stacks/bootstrap.json there once by CloudFormation"
            notes.blocks("management role", f"{role}: {said(error)}", remedy)
        else:
            notes.warns(
                "management role",
                f"{found['Role']['Arn']} is there, and admits the pipeline, not {subject.access.arn}",
                "look again as the pipeline to be sure",
            )
        return
    notes.blocks(
        "management role",
        f"{role} cannot be entered by {subject.access.arn}: {refused}",
        "deploy stacks/bootstrap.json in the management account, with this pipeline as PipelineRoleArn",
    )


def _administrators(organizations: Any, principal: str) -> set[str]:
    pages = organizations.get_paginator("list_delegated_administrators").paginate(ServicePrincipal=principal)
    return {one["Id"] for page in pages for one in page["DelegatedAdministrators"]}
