"""The organization layer: what only the management account can give, once per organization."""

from __future__ import annotations

from components.member_policies import outgrows
from components.organization_access import OrganizationAccess
from stacks.accounts import fetch
from stacks.deployment_sets import deployment_sets
from stacks.entries import Entry, require_entered
from stacks.estate import estate_of
from stacks.providers import Layer, account_provider, inside
from stacks.settings import Settings
from stacks.targets import all_known, same_organization


def deploy(settings: Settings) -> Layer:
    """Deploy into the management account; the deployment role goes to every account of every environment."""
    management = account_provider(settings.management_account, settings.home_region, settings.management_role)
    role = settings.management_role
    require_entered(
        [Entry(settings.management_account, settings.home_region, role, management)],
        "managementRole is the role that stacks/bootstrap.json makes in the management account, and it admits the "
        f"pipelineRole of this stack alone: run as {settings.pipeline_role}",
    )
    organization = fetch(management, role or f"the credentials of this run in account {settings.management_account}")
    same_organization(organization, id=settings.organization_id, management=settings.management_account)
    all_known({**settings.named, "hubAccount": (settings.hub_account,)}, organization)
    estate = estate_of(settings)
    access = OrganizationAccess(
        "organization",
        estate,
        deployment_role=settings.deployment_role,
        roles=deployment_sets(settings, organization),
        recorder=settings.recorder == "create",
        attaching=outgrows(estate, settings.catalog.values()),
        opts=inside(management),
    )
    return Layer(management, roles=access.instances, ready=[*access.instances, access.administrator])
