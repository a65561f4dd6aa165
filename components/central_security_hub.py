"""Security Hub of the organization: aggregation into the home Region, central configuration, one rule per Region."""

from __future__ import annotations

from collections.abc import Sequence

import pulumi
import pulumi_aws as aws

from components.estate import Estate


class CentralSecurityHub(pulumi.ComponentResource):
    """Configures Security Hub from the delegated administrator's home Region.

    Order by AWS: aggregator, CENTRAL, policy, associations (Security Hub User Guide, "Enabling
    central configuration"). `targets` are units and accounts; the policy reaches the home Region
    and every linked one.
    """

    def __init__(
        self,
        name: str,
        estate: Estate,
        *,
        standards: Sequence[str],
        targets: Sequence[str],
        opts: pulumi.ResourceOptions,
    ) -> None:
        super().__init__("palisade:index:CentralSecurityHub", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        home = estate.home_region
        linked = [region for region in estate.regions if region != home]
        aggregator = aws.securityhub.FindingAggregator(
            f"{name}-aggregator",
            linking_mode="SPECIFIED_REGIONS" if linked else "NO_REGIONS",
            specified_regions=linked or None,
            region=home,
            opts=child,
        )
        central = aws.securityhub.OrganizationConfiguration(
            f"{name}-central",
            auto_enable=False,
            auto_enable_standards="NONE",
            organization_configuration={"configuration_type": "CENTRAL"},
            region=home,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[aggregator]),
        )
        policy = aws.securityhub.ConfigurationPolicy(
            f"{name}-policy",
            name=estate.names.prefix,
            description="Security Hub as Palisade needs it: enabled, with the standards of the settings.",
            configuration_policy={
                "service_enabled": True,
                "enabled_standard_arns": list(standards),
                # Naming disabled controls keeps all others enabled, future ones included.
                "security_controls_configuration": {"disabled_control_identifiers": []},
            },
            region=home,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[central]),
        )
        associations = [
            aws.securityhub.ConfigurationPolicyAssociation(
                f"{name}-{target}", policy_id=policy.id, target_id=target, region=home, opts=child
            )
            for target in targets
        ]
        # What lies in Security Hub of the home Region stands on this.
        self.central = central
        for region in estate.regions:
            self._suppress_copies(name, estate, region, associations)
        self.register_outputs({})

    def _suppress_copies(
        self, name: str, estate: Estate, region: str, after: Sequence[aws.securityhub.ConfigurationPolicyAssociation]
    ) -> None:
        """AWS Config sends each evaluation of our rules to Security Hub once more: nobody needs both."""
        aws.securityhub.AutomationRule(
            f"{name}-copies-{region}",
            rule_name=f"{estate.names.prefix}-config-copies",
            rule_order=1,
            description="The finding of the control says the same, and is what Palisade keeps up to date.",
            is_terminal=False,
            criteria={
                "product_names": [{"comparison": "EQUALS", "value": "Config"}],
                "titles": [{"comparison": "PREFIX", "value": f"{estate.names.prefix}-"}],
                "workflow_statuses": [{"comparison": "EQUALS", "value": "NEW"}],
            },
            actions=[
                {
                    "type": "FINDING_FIELDS_UPDATE",
                    "finding_fields_update": {
                        "workflow": {"status": "SUPPRESSED"},
                        "note": {"text": "Copy of a Palisade finding.", "updated_by": estate.names.prefix},
                    },
                }
            ],
            region=region,
            tags=dict(estate.tags),
            opts=pulumi.ResourceOptions(parent=self, depends_on=list(after)),
        )
