"""What only the management account can give: trusted access, delegated administrators, the deployment role."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.deployment_template import deployment_template
from components.estate import Estate

Targets = aws.cloudformation.StackInstancesDeploymentTargetsArgs
CONFIG_PRINCIPALS = ("config.amazonaws.com", "config-multiaccountsetup.amazonaws.com")
TRUSTED = ("securityhub.amazonaws.com", *CONFIG_PRINCIPALS, "member.org.stacksets.cloudformation.amazonaws.com")


@dataclass(frozen=True, slots=True)
class DeploymentRole:
    """A StackSet that brings the deployment role: whom the role admits, and which accounts get it.

    Those of the units and of units below them, but for `leave_out`; and `accounts`, which stand
    elsewhere below `root`.
    """

    stack_set: str
    pipeline_role: str
    organizational_units: Sequence[str]
    leave_out: Sequence[str]
    root: str
    accounts: Sequence[str]

    def targets(self) -> Iterator[tuple[str, Targets]]:
        """The deployment targets, each with a name. UNION is not for creation, so there may be two."""
        if self.organizational_units:
            left_out = list(self.leave_out)
            yield (
                "units",
                Targets(
                    organizational_unit_ids=list(self.organizational_units),
                    account_filter_type="DIFFERENCE" if left_out else None,
                    accounts=left_out or None,
                ),
            )
        if self.accounts:
            accounts = list(self.accounts)
            yield (
                "accounts",
                Targets(organizational_unit_ids=[self.root], account_filter_type="INTERSECTION", accounts=accounts),
            )


class OrganizationAccess(pulumi.ComponentResource):
    """Makes the hub the delegated administrator and puts the deployment role into every account of the units.

    Belongs into the management account. The StackSets deploy to accounts that join the units
    later, and remove the role from accounts that leave. They never reach the management account.
    """

    def __init__(
        self,
        name: str,
        estate: Estate,
        *,
        deployment_role: str,
        roles: Sequence[DeploymentRole],
        recorder: bool,
        attaching: bool = False,
        opts: pulumi.ResourceOptions,
    ) -> None:
        super().__init__("palisade:index:OrganizationAccess", name, None, opts)
        self._name, self._estate = name, estate
        trusted = {
            principal: aws.organizations.AwsServiceAccess(
                f"{name}-{principal.removesuffix('.amazonaws.com')}",
                service_principal=principal,
                # Others of the organization rely on it, Control Tower for one: it outlives this stack.
                opts=pulumi.ResourceOptions(parent=self, retain_on_delete=True),
            )
            for principal in TRUSTED
        }
        for principal in CONFIG_PRINCIPALS:
            aws.organizations.DelegatedAdministrator(
                f"{name}-{principal.removesuffix('.amazonaws.com')}",
                account_id=estate.hub,
                service_principal=principal,
                opts=pulumi.ResourceOptions(parent=self, depends_on=[trusted[principal]]),
            )
        # Designated in the home Region; under central configuration the linked Regions follow.
        self.administrator = aws.securityhub.OrganizationAdminAccount(
            f"{name}-security-hub",
            admin_account_id=estate.hub,
            region=estate.home_region,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[trusted["securityhub.amazonaws.com"]]),
        )
        self.instances = [
            instances
            for role in roles
            for instances in self._role(
                role,
                deployment_template(
                    estate, deployment_role, role.pipeline_role, recorder=recorder, attaching=attaching
                ),
                trusted["member.org.stacksets.cloudformation.amazonaws.com"],
            )
        ]
        self.register_outputs({})

    def _role(
        self, role: DeploymentRole, template: str, trusted: pulumi.Resource
    ) -> Iterator[aws.cloudformation.StackInstances]:
        home = self._estate.home_region
        stack_set = aws.cloudformation.StackSet(
            f"{self._name}-{role.stack_set}",
            name=role.stack_set,
            description="The role by which the Palisade pipeline deploys.",
            permission_model="SERVICE_MANAGED",
            auto_deployment={"enabled": True, "retain_stacks_on_account_removal": False},
            capabilities=["CAPABILITY_NAMED_IAM"],
            managed_execution={"active": True},
            template_body=template,
            region=home,
            tags=dict(self._estate.tags),
            opts=pulumi.ResourceOptions(
                parent=self,
                depends_on=[trusted],
                # The service reports the administration role that it made itself.
                ignore_changes=["administrationRoleArn"],
            ),
        )
        for kind, targets in role.targets():
            yield aws.cloudformation.StackInstances(
                f"{self._name}-{role.stack_set}-{kind}",
                stack_set_name=stack_set.name,
                deployment_targets=targets,
                # IAM is global: one Region is enough, and two would collide on the role's name.
                regions=[home],
                operation_preferences={"failure_tolerance_percentage": 0, "max_concurrent_percentage": 100},
                retain_stacks=False,
                region=home,
                opts=pulumi.ResourceOptions(parent=self),
            )
