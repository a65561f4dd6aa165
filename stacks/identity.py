"""What a deployment is known by: settings that no later `up` of its stack may change.

Prefix, hub and home Region name or place everything that bears data. The engine refuses to replace what is
protected, but one that runs without a preview has changed other things by then.
"""

from __future__ import annotations

from collections.abc import Mapping

import pulumi

from stacks.settings import Settings
from stacks.standing import own_state

OUTPUT = "deployment"


class IdentityError(pulumi.RunError):
    """The settings are those of another deployment than the one that this stack holds."""


def keep(settings: Settings) -> None:
    """Refuse settings of another deployment, and put the identity into the stack's outputs for the next run."""
    now = {
        "prefix": settings.prefix,
        "hubAccount": settings.hub_account,
        "homeRegion": settings.home_region,
        "organizationId": settings.organization_id,
    }
    unchanged(_before(), now)
    pulumi.export(OUTPUT, now)


def unchanged(before: Mapping[str, str], now: Mapping[str, str]) -> None:
    """Raise IdentityError, naming every setting that differs."""
    if changed := [name for name in now if before.get(name, now[name]) != now[name]]:
        listed = "\n".join(f"  - {name}: deployed as {before[name]}, the settings say {now[name]}" for name in changed)
        raise IdentityError(
            f"another {' and '.join(changed)} would be another deployment beside this one, without its ledger:\n"
            f"{listed}\nset them back; to move, take this stack down (docs/deploy.md) and deploy a new one"
        )


def _before() -> Mapping[str, str]:
    """The identity that the last finished `up` of this stack exported; empty before the first."""
    found: Mapping[str, str] = own_state("pulumi:pulumi:readStackOutputs", "name").get(OUTPUT) or {}
    return found
