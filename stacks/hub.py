"""The hub layer: the delegated administrator's account, home Region, and a code bucket in each governed Region."""

from __future__ import annotations

import pulumi

from components.archive import Archive
from components.central_security_hub import CentralSecurityHub
from components.code_store import CodeStore, put_settings, settings_key, settings_text
from components.hub_functions import CustomActions, Endpoint, Steps, SweepSchedule
from components.hub_storage import HubKey, HubTables, LedgerBucket
from components.notifications import Notifications
from components.policy_writers import PolicyWriters
from components.recorder import Deliveries
from components.remediation import CentralRole, RemediationRoad
from components.watch import Watch
from stacks.entries import Entry, require_entered
from stacks.estate import estate_of
from stacks.providers import Layer, account_provider, inside
from stacks.settings import Settings
from stacks.standards import standard_arn

# Source: Lambda Developer Guide, "Creating and managing Lambda function URLs", on Regions.
FUNCTION_URLS = ("aws", "aws-us-gov")


def deploy(settings: Settings, archive: Archive, organization: Layer | None) -> Layer:
    """Deploy the hub; `organization` is that layer where the same stack deploys it too."""
    estate = estate_of(settings)
    role = estate.role(estate.hub, settings.deployment_role)
    roles, ready = (organization.roles, organization.ready) if organization else ((), ())
    provider = account_provider(estate.hub, estate.home_region, role, name="hub", after=roles)
    if organization is None:
        require_entered(
            [Entry(estate.hub, estate.home_region, role, provider)],
            f"deploy the organization layer first: its StackSet {settings.deployment_role} brings the role, which "
            f"admits the pipelineRole of that stack alone: run as {settings.pipeline_role}",
        )
    options = inside(provider, *ready)
    standards = [standard_arn(name, estate.partition, estate.home_region) for name in settings.standards]
    security_hub = CentralSecurityHub(
        "security-hub", estate, standards=standards, targets=_targets(settings), opts=options
    )
    records = settings.recorder == "create"
    keys = {
        region: HubKey(f"key-{region}", estate, region, recorder=records, opts=options) for region in estate.regions
    }
    if records:
        Deliveries("deliveries", estate, key=keys[estate.home_region].arn, opts=options)
    readers = (settings.deployment_role, estate.names.detect_role)
    stores = {
        region: CodeStore(
            f"code-{region}", estate, region, archive=archive, key=keys[region].arn, readers=readers, opts=options
        )
        for region in estate.regions
    }
    tables = HubTables("tables", estate, key=keys[estate.home_region].arn, opts=options)
    entries = LedgerBucket("ledger", estate, key=keys[estate.home_region].arn, opts=options)
    topic = Notifications(
        "notifications",
        estate,
        key=keys[estate.home_region].arn,
        addresses=settings.notifications,
        opts=options,
    )
    text = settings_text(settings.remediate_settings())
    stored = put_settings(
        "remediate-settings",
        estate,
        estate.home_region,
        text,
        pulumi.ResourceOptions(provider=provider, depends_on=[stores[estate.home_region].code]),
    )
    key, ready = settings_key(text), [stored, tables.policies, tables.state, tables.ledger, *entries.ready]
    central = CentralRole("remediation-role", estate, opts=options)
    road = RemediationRoad(
        "remediation",
        estate,
        catalog=settings.catalog.values(),
        role=central,
        archive=archive,
        settings=key,
        after=ready,
        opts=options,
    )
    Steps(
        "steps", estate, role=central.arn, archive=archive, settings=key, after=[central.policy, *ready], opts=options
    )
    if estate.partition in FUNCTION_URLS:
        pulumi.export(
            "endpoint",
            Endpoint("endpoint", estate, archive=archive, settings=key, after=ready, opts=options).url.function_url,
        )
    letters = road.dead_letters.arn
    SweepSchedule("sweep", estate, dead_letters=letters, archive=archive, settings=key, after=ready, opts=options)
    CustomActions(
        "actions",
        estate,
        queue=road.queue.arn,
        dead_letters=letters,
        after=[security_hub.central],
        opts=options,
    )
    Watch("watch", estate, topic=topic.arn, rules=road.rules, opts=options)
    pipelines = {name: one.pipeline_role or settings.pipeline_role for name, one in settings.environments.items()}
    writers = PolicyWriters("policy-writers", estate, pipelines=pipelines, opts=options)
    return Layer(
        organization.reader if organization else provider,
        roles=[*roles, *writers.policies],
        ready=[tables.policies, *writers.policies, *(store.code for store in stores.values())],
    )


def _targets(settings: Settings) -> list[str]:
    """Where Security Hub is configured centrally: every environment's units and accounts, and the hub itself."""
    named = [
        target
        for environment in settings.environments.values()
        for target in (*environment.organizational_units, *environment.accounts)
    ]
    return list(dict.fromkeys([*named, settings.hub_account]))
