"""Which StackSet brings the deployment role into which account, and whose pipeline that role admits.

An environment with a pipeline of its own has a StackSet of its own, so that no other environment's
pipeline can deploy there. The hub belongs to the pipeline of the security stack, whatever its unit.
Source: CloudFormation User Guide, "Account level targets for service-managed StackSets". Parameter
overrides would not do: accounts that join a unit later get the StackSet's own values.
"""

from __future__ import annotations

from components.organization_access import DeploymentRole
from stacks.settings import Settings
from stacks.targets import Organization, TargetsError, environment_of


def deployment_sets(settings: Settings, organization: Organization) -> tuple[DeploymentRole, ...]:
    """Divide the organization's accounts among the StackSets.

    Raises TargetsError where a unit lies below one whose environment has another pipeline: both
    StackSets would bring the role of the same name into accounts that join.
    """
    environments = settings.selection.environments
    own = {name for name, part in settings.environments.items() if part.pipeline_role}
    wanted: dict[str, set[str]] = {"": set(), **{name: set() for name in own}}
    for account in organization.accounts.values():
        environment = environment_of(account, environments)
        if account.id == settings.hub_account:
            wanted[""].add(account.id)
        elif environment is not None and account.id != organization.management:
            wanted[environment if environment in own else ""].add(account.id)
    _nested(settings, organization, own)
    sets = []
    for name in ("", *sorted(own)):
        units = tuple(
            unit
            for environment, part in settings.environments.items()
            if (environment if environment in own else "") == name
            for unit in part.organizational_units
        )
        reached = {one.id for one in organization.accounts.values() if set(one.path) & set(units)}
        sets.append(
            DeploymentRole(
                stack_set="-".join(filter(None, (settings.deployment_role, name))),
                pipeline_role=settings.environments[name].pipeline_role or "" if name else settings.pipeline_role,
                organizational_units=units,
                leave_out=tuple(sorted(reached - wanted[name] - {organization.management})),
                root=organization.root,
                accounts=tuple(sorted(wanted[name] - reached)),
            )
        )
    return tuple(sets)


def _nested(settings: Settings, organization: Organization, own: set[str]) -> None:
    of = {
        unit: environment if environment in own else ""
        for environment, part in settings.environments.items()
        for unit in part.organizational_units
    }
    paths = {account.path for account in organization.accounts.values()}
    wrong = sorted(
        {
            f"environments: {below} lies below {above}, and their environments have pipelines of their own"
            for path in paths
            for depth, above in enumerate(path)
            for below in path[depth + 1 :]
            if above in of and below in of and of[above] != of[below]
        }
    )
    if wrong:
        raise TargetsError("\n".join([*wrong, "name the units beside it one by one instead of the unit above"]))
