"""What only the management account can give: trusted access, delegated administrators, the deployment role."""

from __future__ import annotations

from collections.abc import Sequence

import pulumi
import pulumi_aws as aws

from components.deployment_template import deployment_template
from components.estate import Estate

CONFIG_PRINCIPALS = ("config.amazonaws.com", "config-multiaccountsetup.amazonaws.com")
TRUSTED = ("securityhub.amazonaws.com", *CONFIG_PRINCIPALS, "member.org.stacksets.cloudformation.amazonaws.com")


class OrganizationAccess(pulumi.ComponentResource):
    """Makes the hub the delegated administrator and puts the deployment role into every account of the units.

    Belongs into the management account. The StackSet deploys to accounts that join the units
    later, and removes the role from accounts that leave. It never reaches the management account.
    """

    def __init__(
        self,
        name: str,
        estate: Estate,
        *,
        deployment_role: str,
        pipeline_role: str,
        organizational_units: Sequence[str],
        recorder: bool,
        opts: pulumi.ResourceOptions,
    ) -> None:
        super().__init__("palisade:index:OrganizationAccess", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        trusted = {
            principal: aws.organizations.AwsServiceAccess(
                f"{name}-{principal.removesuffix('.amazonaws.com')}", service_principal=principal, opts=child
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
        roles = aws.cloudformation.StackSet(
            f"{name}-deployment-role",
            name=deployment_role,
            description="The role by which the Palisade pipeline deploys.",
            permission_model="SERVICE_MANAGED",
            auto_deployment={"enabled": True, "retain_stacks_on_account_removal": False},
            capabilities=["CAPABILITY_NAMED_IAM"],
            managed_execution={"active": True},
            template_body=deployment_template(estate, deployment_role, pipeline_role, recorder=recorder),
            region=estate.home_region,
            tags=dict(estate.tags),
            opts=pulumi.ResourceOptions(
                parent=self,
                depends_on=[trusted["member.org.stacksets.cloudformation.amazonaws.com"]],
                # The service reports the administration role that it made itself.
                ignore_changes=["administrationRoleArn"],
            ),
        )
        self.instances = aws.cloudformation.StackInstances(
            f"{name}-deployment-role",
            stack_set_name=roles.name,
            deployment_targets={"organizational_unit_ids": list(organizational_units)},
            # IAM is global: one Region is enough, and two would collide on the role's name.
            regions=[estate.home_region],
            operation_preferences={"failure_tolerance_percentage": 0, "max_concurrent_percentage": 100},
            retain_stacks=False,
            region=estate.home_region,
            opts=child,
        )
        self.register_outputs({})
