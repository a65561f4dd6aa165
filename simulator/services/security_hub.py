"""Security Hub (CSPM) of the local organisation, in place of moto's.

moto's ignores filters, overwrites the customer's fields, lets the administrator see nothing and
emits no events. Findings come from imports, from AWS Config, and from the security controls of enabled
standards whose checks are simulated. Security Hub V2, insights and members by invitation are not simulated.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from typing import Any

from botocore import xform_name
from moto.core.utils import get_service_model

from simulator.service import Operation, Service
from simulator.services.config_items import Item
from simulator.services.security_hub_actions import ActionTargets
from simulator.services.security_hub_administration import Administration
from simulator.services.security_hub_configuration import Configuration
from simulator.services.security_hub_controls import Controls
from simulator.services.security_hub_findings import Findings
from simulator.services.security_hub_hubs import Hubs
from simulator.services.security_hub_members import Members
from simulator.services.security_hub_policies import Policies
from simulator.services.security_hub_rules import Rules
from simulator.services.security_hub_store import FindingStore, moment_text
from simulator.world import World, partition_of

# "Usually within 5 minutes", says the user guide. Simulated seconds.
CONFIG_SECONDS = 60
ACCOUNT = "AwsAccount"  # has no details, so that the service model does not name it
COMPLIANCE = {"COMPLIANT": "PASSED", "NON_COMPLIANT": "FAILED"}


class SecurityHub(Service):
    """Security Hub in every account and Region; its parts answer the operations."""

    name = "securityhub"
    whole = True

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.hubs = Hubs(world)
        self.administration = Administration(world, self.hubs)
        self.configuration = Configuration(world, self.hubs, self.administration)
        self.rules = Rules(world, self.hubs, self.administration)
        self.store = FindingStore(world, self.hubs, self.administration, self.rules)
        self.actions = ActionTargets(self.hubs, self.store)
        self.controls = Controls(world, self.hubs, self.store, _asff_type)
        self.parts = (
            self.hubs,
            self.administration,
            Members(world, self.hubs, self.administration),
            self.configuration,
            Policies(world, self.hubs, self.administration, self.configuration),
            self.rules,
            self.actions,
            self.controls,
            Findings(world, self.hubs, self.store),
        )

    def operation(self, name: str) -> Operation | None:
        """Find the part that answers an operation."""
        method = xform_name(name)
        return next((getattr(part, method) for part in self.parts if hasattr(part, method)), None)

    def organization_changed(self, account: str, change: str) -> None:
        """Follow the organization: accounts that came, moved or went, and deregistered administrators."""
        if change == "deregistered":
            self.administration.deregistered()
        elif change == "left":
            self.administration.left(account)
        else:
            self.configuration.organization_changed(account, change)

    def config_item(self, item: Item) -> None:
        """Take a configuration item from AWS Config: security controls check what was recorded."""
        self.controls.changed(item)

    def config_evaluation(
        self,
        account: str,
        region: str,
        rule_name: str,
        rule_arn: str,
        resource_type: str,
        resource_id: str,
        compliance: str,
        annotation: str | None,
        recorded_at: datetime,
        *,
        resource_arn: str | None = None,
    ) -> None:
        """Take an evaluation from AWS Config: its integration turns every change of compliance into a finding.

        `compliance` is Config's verdict. The integration does not carry the annotation. A finding
        names its resource by ARN; without `resource_arn` it has the id, which AWS never does for
        resources that have an ARN.
        """
        if compliance == "INSUFFICIENT_DATA":
            return
        status = COMPLIANCE.get(compliance, "NOT_AVAILABLE")
        product = f"arn:{partition_of(region)}:securityhub:{region}::product/aws/config"
        digest = hashlib.sha1(f"{resource_type}:{resource_id}".encode(), usedforsecurity=False).hexdigest()
        finding = {
            "SchemaVersion": "2018-10-08",
            "Id": f"{rule_arn}/finding/{digest}",
            "ProductArn": product,
            "GeneratorId": rule_arn,
            "AwsAccountId": account,
            "Types": ["Software and Configuration Checks"],
            "UpdatedAt": moment_text(recorded_at),
            "Severity": {"Label": "MEDIUM"},
            "Title": rule_name,
            "Description": f"This finding is created for a resource compliance change for config rule: {rule_name}",
            "ProductFields": {
                "aws/config/ConfigRuleArn": rule_arn,
                "aws/config/ConfigRuleName": rule_name,
                "aws/config/ConfigComplianceType": compliance,
            },
            "Resources": [
                {
                    "Type": _asff_type(resource_type),
                    "Id": resource_arn or resource_id,
                    "Partition": partition_of(region),
                    "Region": region,
                }
            ],
            "Compliance": {"Status": status},
        }
        self.world.agenda.soon(
            lambda: self._from_config(account, region, finding), "finding of AWS Config", seconds=CONFIG_SECONDS
        )

    def take(self, account: str, region: str, path: str, finding: Mapping[str, Any]) -> None:
        """Take a finding of an integrated product of AWS's, where the account imports them."""
        hub = self.hubs.hubs.get((account, region))
        if hub is not None and path in hub.products:
            self.store.ingest(account, region, finding, f"{path.removeprefix('aws/')}.amazonaws.com")

    def _from_config(self, account: str, region: str, finding: dict[str, Any]) -> None:
        hub = self.hubs.hubs.get((account, region))
        if hub is None or "aws/config" not in hub.products:
            return
        before = self.store.get(account, region, finding["ProductArn"], finding["Id"])
        # A finding is updated only when compliance changes; nothing begins with NOT_APPLICABLE.
        if before is None and finding["Compliance"]["Status"] == "NOT_AVAILABLE":
            return
        if before is not None and before.content["Compliance"] == finding["Compliance"]:
            return
        created = before.content["CreatedAt"] if before else finding["UpdatedAt"]
        self.store.ingest(account, region, finding | {"CreatedAt": created}, "config.amazonaws.com", closes=True)


@cache
def _asff_types() -> dict[str, str]:
    """Return the resource types of the finding format by their names in lower case."""
    members = get_service_model("securityhub").shape_for("ResourceDetails").members
    return {name.lower(): name for name in members}


def _asff_type(resource_type: str) -> str:
    """Return the finding format's name of a Config resource type, such as AwsEc2SecurityGroup."""
    name = resource_type.replace("::", "").lower()
    return ACCOUNT if name == ACCOUNT.lower() else _asff_types().get(name, "Other")
