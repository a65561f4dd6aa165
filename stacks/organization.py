"""The organization layer: what only the management account can give, once per organization."""

from __future__ import annotations

from components.organization_access import OrganizationAccess
from stacks.estate import estate_of
from stacks.providers import Layer, account_provider, inside
from stacks.settings import Settings


def deploy(settings: Settings) -> Layer:
    """Deploy into the management account; the deployment role goes to every unit of every environment."""
    management = account_provider(settings.management_account, settings.home_region, settings.management_role)
    units = [unit for environment in settings.environments.values() for unit in environment.organizational_units]
    access = OrganizationAccess(
        "organization",
        estate_of(settings),
        deployment_role=settings.deployment_role,
        pipeline_role=settings.pipeline_role,
        organizational_units=units,
        recorder=settings.recorder == "create",
        opts=inside(management),
    )
    return Layer(management, roles=[access.instances], ready=[access.instances, access.administrator])
