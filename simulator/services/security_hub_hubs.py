"""Security Hub in one account and Region: on or off, its settings, standards, controls and products.

What every other part of Security Hub asks first: is it enabled here? Under a central configuration
policy the account cannot change these settings itself.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from simulator.call import Call, ServiceError
from simulator.services.paging import paged
from simulator.world import World, partition_of

# path of the standard -> (name, enabled by default). Source: the user guide's list of standards.
STANDARDS = {
    "standards/aws-foundational-security-best-practices/v/1.0.0": (
        "AWS Foundational Security Best Practices v1.0.0",
        True,
    ),
    "standards/aws-resource-tagging-standard/v/1.0.0": ("AWS Resource Tagging Standard v1.0.0", False),
    "ruleset/cis-aws-foundations-benchmark/v/1.2.0": ("CIS AWS Foundations Benchmark v1.2.0", True),
    "standards/cis-aws-foundations-benchmark/v/1.4.0": ("CIS AWS Foundations Benchmark v1.4.0", False),
    "standards/cis-aws-foundations-benchmark/v/3.0.0": ("CIS AWS Foundations Benchmark v3.0.0", False),
    "standards/cis-aws-foundations-benchmark/v/5.0.0": ("CIS AWS Foundations Benchmark v5.0.0", False),
    "standards/nist-800-171/v/2.0.0": ("NIST Special Publication 800-171 Revision 2", False),
    "standards/nist-800-53/v/5.0.0": ("NIST Special Publication 800-53 Revision 5", False),
    "standards/pci-dss/v/3.2.1": ("PCI DSS v3.2.1", False),
    "standards/pci-dss/v/4.0.1": ("PCI DSS v4.0.1", False),
}
# Integrations of AWS services are on by themselves once both services are.
PRODUCTS = (
    "aws/access-analyzer",
    "aws/config",
    "aws/firewall-manager",
    "aws/guardduty",
    "aws/health",
    "aws/inspector",
    "aws/macie",
    "aws/ssm-patch-manager",
)


@dataclass(slots=True)
class Hub:
    """Security Hub in one account and Region."""

    arn: str
    account: str
    region: str
    subscribed_at: datetime
    auto_enable_controls: bool = True
    control_finding_generator: str = "SECURITY_CONTROL"
    standards: list[str] = field(default_factory=list)
    products: set[str] = field(default_factory=set)
    enabled_controls: frozenset[str] | None = None  # None: all but the disabled ones
    disabled_controls: frozenset[str] = frozenset()
    disassociated: dict[tuple[str, str], str] = field(default_factory=dict)  # (standard, control) -> reason


def unique(*parts: str) -> str:
    """Return an id in the form of a UUID that depends on nothing but its parts."""
    return str(uuid.UUID(bytes=hashlib.blake2b(":".join(parts).encode(), digest_size=16).digest()))


def invalid(message: str) -> ServiceError:
    """Return the error for input that Security Hub does not accept."""
    return ServiceError("InvalidInputException", message)


def no_access(message: str) -> ServiceError:
    """Return the error for an account that may not do this; Security Hub answers it with status 401."""
    return ServiceError("InvalidAccessException", message, 401)


def not_found(message: str) -> ServiceError:
    """Return the error for a resource that is not there."""
    return ServiceError("ResourceNotFoundException", message, 404)


def denied(message: str) -> ServiceError:
    """Return the error for an operation that the account's settings forbid."""
    return ServiceError("AccessDeniedException", message, 403)


class Hubs:
    """Where Security Hub is enabled, and the operations on that."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.hubs: dict[tuple[str, str], Hub] = {}
        self.tags: dict[str, dict[str, str]] = {}
        # Set by the parts that know: who is governed centrally, who administers others.
        self.governed: Callable[[str, str], bool] = lambda account, region: False
        self.administers: Callable[[str, str], bool] = lambda account, region: False
        self.disabled: list[Callable[[str, str], None]] = []
        self.standards_changed: Callable[[str, str], None] = lambda account, region: None

    def on(self, account: str, region: str) -> bool:
        """Whether Security Hub is enabled in an account and Region."""
        return (account, region) in self.hubs

    def require(self, call: Call) -> Hub:
        """Return the caller's hub in this Region; raises InvalidAccessException where there is none."""
        hub = self.hubs.get((call.account, call.region))
        if hub is None:
            raise no_access(f"Account {call.account} is not subscribed to AWS Security Hub")
        return hub

    def require_own(self, call: Call) -> Hub:
        """Return the caller's hub if the caller may change its settings itself."""
        hub = self.require(call)
        self._refuse_governed(call)
        return hub

    def enable(self, account: str, region: str, *, defaults: bool) -> Hub:
        """Enable Security Hub, with its default standards where wanted; an enabled hub stays as it is."""
        if (account, region) not in self.hubs:
            arn = f"arn:{partition_of(region)}:securityhub:{region}:{account}:hub/default"
            hub = Hub(arn, account, region, self.world.agenda.now(), products=set(PRODUCTS))
            if defaults:
                hub.standards = [path for path, (_, default) in STANDARDS.items() if default]
            self.hubs[account, region] = hub
            self.standards_changed(account, region)
        return self.hubs[account, region]

    def disable(self, account: str, region: str) -> None:
        """Disable Security Hub; findings stay until they expire, associations go."""
        hub = self.hubs.pop((account, region), None)
        if hub is not None:
            self.tags.pop(hub.arn, None)
            for told in self.disabled:
                told(account, region)

    def control_enabled(self, account: str, region: str, control: str) -> bool:
        """Whether a security control is enabled: some standard is, and the policy or account keeps it on."""
        hub = self.hubs.get((account, region))
        if hub is None or not hub.standards:
            return False
        return (
            control in hub.enabled_controls
            if hub.enabled_controls is not None
            else control not in hub.disabled_controls
        )

    def _refuse_governed(self, call: Call) -> None:
        if self.governed(call.account, call.region):
            raise denied(
                "This account is currently associated with a central configuration policy, "
                "so only the administrator can access this operation."
            )

    # Operations.
    def enable_security_hub(self, call: Call) -> dict[str, Any]:
        """EnableSecurityHub: with the default standards unless the caller opts out."""
        if self.on(call.account, call.region):
            raise ServiceError("ResourceConflictException", "Account is already subscribed to Security Hub", 409)
        self._refuse_governed(call)
        hub = self.enable(call.account, call.region, defaults=call.parameters.get("EnableDefaultStandards", True))
        hub.control_finding_generator = call.parameters.get("ControlFindingGenerator", "SECURITY_CONTROL")
        if call.parameters.get("Tags"):
            self.tags[hub.arn] = dict(call.parameters["Tags"])
        return {}

    def disable_security_hub(self, call: Call) -> dict[str, Any]:
        """DisableSecurityHub: refused for the administrator and for accounts under a central policy."""
        self.require_own(call)
        if self.administers(call.account, call.region):
            raise invalid("Cannot disable Security Hub on the Security Hub administrator")
        self.disable(call.account, call.region)
        return {}

    def describe_hub(self, call: Call) -> dict[str, Any]:
        """DescribeHub."""
        hub = self.require(call)
        if call.parameters.get("HubArn", hub.arn) != hub.arn:
            raise not_found(f"Hub {call.parameters['HubArn']} not found")
        return {
            "HubArn": hub.arn,
            "SubscribedAt": hub.subscribed_at.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z",
            "AutoEnableControls": hub.auto_enable_controls,
            "ControlFindingGenerator": hub.control_finding_generator,
        }

    def update_security_hub_configuration(self, call: Call) -> dict[str, Any]:
        """UpdateSecurityHubConfiguration."""
        hub = self.require_own(call)
        hub.auto_enable_controls = call.parameters.get("AutoEnableControls", hub.auto_enable_controls)
        hub.control_finding_generator = call.parameters.get("ControlFindingGenerator", hub.control_finding_generator)
        return {}

    def describe_standards(self, call: Call) -> dict[str, Any]:
        """DescribeStandards: those that AWS offers in this Region; the hub need not be enabled."""
        standards = [
            {
                "StandardsArn": standard_arn(path, call.region),
                "Name": name,
                "EnabledByDefault": default,
                "StandardsManagedBy": {"Company": "AWS", "Product": "Security Hub"},
            }
            for path, (name, default) in STANDARDS.items()
        ]
        return paged("Standards", standards, call.parameters)

    def get_enabled_standards(self, call: Call) -> dict[str, Any]:
        """GetEnabledStandards."""
        hub = self.require(call)
        wanted = call.parameters.get("StandardsSubscriptionArns")
        found = [_subscription(hub, path) for path in hub.standards]
        if wanted:
            found = [subscription for subscription in found if subscription["StandardsSubscriptionArn"] in wanted]
        return paged("StandardsSubscriptions", found, call.parameters)

    def batch_enable_standards(self, call: Call) -> dict[str, Any]:
        """BatchEnableStandards."""
        hub = self.require_own(call)
        paths = [
            standard_path(request["StandardsArn"], call.region)
            for request in call.parameters["StandardsSubscriptionRequests"]
        ]
        hub.standards.extend(path for path in dict.fromkeys(paths) if path not in hub.standards)
        self.standards_changed(call.account, call.region)
        return {"StandardsSubscriptions": [_subscription(hub, path) for path in paths]}

    def batch_disable_standards(self, call: Call) -> dict[str, Any]:
        """BatchDisableStandards."""
        hub = self.require_own(call)
        gone = []
        for arn in call.parameters["StandardsSubscriptionArns"]:
            path = next(
                (path for path in hub.standards if _subscription(hub, path)["StandardsSubscriptionArn"] == arn), None
            )
            if path is None:
                raise invalid(f"{arn} is not a subscription of this account and Region.")
            gone.append(_subscription(hub, path) | {"StandardsStatus": "DELETING"})
            hub.standards.remove(path)
        self.standards_changed(call.account, call.region)
        return {"StandardsSubscriptions": gone}

    def enable_import_findings_for_product(self, call: Call) -> dict[str, Any]:
        """EnableImportFindingsForProduct."""
        hub = self.require(call)
        product = product_of(call.parameters["ProductArn"], call.region)
        if product in hub.products:
            raise ServiceError("ResourceConflictException", f"{product} is already enabled for import", 409)
        hub.products.add(product)
        return {"ProductSubscriptionArn": _product_subscription(hub, product)}

    def disable_import_findings_for_product(self, call: Call) -> dict[str, Any]:
        """DisableImportFindingsForProduct, by the ARN of the subscription."""
        hub = self.require(call)
        arn = call.parameters["ProductSubscriptionArn"]
        product = next((product for product in hub.products if _product_subscription(hub, product) == arn), None)
        if product is None:
            raise not_found(f"{arn} is not a product subscription of this account and Region.")
        hub.products.remove(product)
        return {}

    def list_enabled_products_for_import(self, call: Call) -> dict[str, Any]:
        """ListEnabledProductsForImport."""
        hub = self.require(call)
        arns = [_product_subscription(hub, product) for product in sorted(hub.products)]
        return paged("ProductSubscriptions", arns, call.parameters)

    def tag_resource(self, call: Call) -> dict[str, Any]:
        """TagResource."""
        self._tags_of(call).update(call.parameters["Tags"])
        return {}

    def untag_resource(self, call: Call) -> dict[str, Any]:
        """UntagResource."""
        tags = self._tags_of(call)
        for key in call.parameters["TagKeys"]:
            tags.pop(key, None)
        return {}

    def list_tags_for_resource(self, call: Call) -> dict[str, Any]:
        """ListTagsForResource."""
        return {"Tags": dict(self._tags_of(call))}

    def _tags_of(self, call: Call) -> dict[str, str]:
        arn = call.parameters["ResourceArn"]
        self.require(call)
        if f":securityhub:{call.region}:{call.account}:" not in arn:
            raise not_found(f"{arn} not found")
        return self.tags.setdefault(arn, {})

    def set_controls(self, hub: Hub, standards: Iterable[str], controls: Mapping[str, Any]) -> None:
        """Give a hub the standards and controls of a configuration policy."""
        hub.standards = [standard_path(arn, hub.region) for arn in standards]
        enabled = controls.get("EnabledSecurityControlIdentifiers")
        hub.enabled_controls = frozenset(enabled) if enabled is not None else None
        hub.disabled_controls = frozenset(controls.get("DisabledSecurityControlIdentifiers", ()))
        self.standards_changed(hub.account, hub.region)


def standard_arn(path: str, region: str) -> str:
    """Return the ARN of a standard; CIS 1.2.0 alone is the same in every Region."""
    return f"arn:{partition_of(region)}:securityhub:{'' if path.startswith('ruleset') else region}::{path}"


def standard_path(arn: str, region: str) -> str:
    """Return the path in a standard's ARN, of whichever Region: policies name their home Region's ARNs."""
    path = arn.rpartition(":")[2]
    if path not in STANDARDS or not arn.startswith(f"arn:{partition_of(region)}:securityhub:"):
        raise invalid(f"{arn} is not the ARN of a standard.")
    return path


def product_of(arn: str, region: str) -> str:
    """Return company and product of a product ARN, such as `aws/config`."""
    start = f"arn:{partition_of(region)}:securityhub:{region}:"
    _, _, product = arn.partition(":product/")
    if not arn.startswith(start) or not product:
        raise invalid(f"{arn} is not a product ARN of this Region.")
    return product


def _subscription(hub: Hub, path: str) -> dict[str, Any]:
    start = hub.arn.rpartition(":")[0]
    return {
        "StandardsSubscriptionArn": f"{start}:subscription/{path.partition('/')[2]}",
        "StandardsArn": standard_arn(path, hub.region),
        "StandardsInput": {},
        "StandardsStatus": "READY",
        "StandardsControlsUpdatable": "READY_FOR_UPDATES",
    }


def _product_subscription(hub: Hub, product: str) -> str:
    return f"{hub.arn.rpartition(':')[0]}:product-subscription/{product}"
