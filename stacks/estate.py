"""The estate that the settings describe, for components."""

from __future__ import annotations

from components.estate import Estate
from stacks.settings import Settings


def estate_of(settings: Settings) -> Estate:
    """Take from the settings what every component is told."""
    return Estate(
        partition=settings.partition,
        organization=settings.organization_id,
        management=settings.management_account,
        hub=settings.hub_account,
        home_region=settings.home_region,
        regions=tuple(settings.regions),
        names=settings.names,
        tags={"palisade:prefix": settings.prefix, **settings.tags},
        log_retention_days=settings.log_retention_days,
    )
