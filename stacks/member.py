"""The member layer: detection and roles in every target account and Region, and its policy item in the hub."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

import pulumi
import pulumi_aws as aws

from components.account_policy import put_policy
from components.archive import Archive
from components.code_store import function_key, put_settings, settings_key, settings_text
from components.detection import Detection, Stamp
from components.estate import Estate
from components.member_identity import MemberIdentity
from components.member_policies import Member
from components.recorder import Recorder, RecorderRole
from stacks.accounts import fetch
from stacks.entries import Entry, reason, require_entered
from stacks.estate import estate_of
from stacks.lost import lost, refuse_lost
from stacks.providers import Layer, account_provider, inside
from stacks.settings import Settings
from stacks.targets import Target, resolve, same_organization


class HubMissingError(pulumi.RunError):
    """The hub is not deployed, or not as members need it: they come after it."""


def deploy(
    settings: Settings, archive: Archive, above: Layer | None, standing: Collection[str] = ()
) -> tuple[Target, ...]:
    """Deploy to every target account.

    `above` is the layer of the same stack that members stand on, `standing` are the accounts that the state holds.
    """
    estate = estate_of(settings)
    role = estate.role(estate.hub, estate.names.policy_role(settings.environment))
    roles, ready = (above.roles, above.ready) if above else ((), ())
    hub = account_provider(estate.hub, estate.home_region, role, name="hub-policies", after=roles)
    if above is None:
        require_entered([Entry(estate.hub, estate.home_region, role, hub)], _remedy(settings))
        _require_hub(settings, estate, archive, hub)
    organization = fetch(above.reader, "the layer above") if above else fetch(hub, role)
    same_organization(organization, id=settings.organization_id, management=settings.management_account)
    targets = resolve(settings.selection, organization)
    gone = lost(standing, targets, settings.selection, organization)
    refuse_lost(gone, len(standing), settings.confirm_lost_accounts, settings.deployment_role, pulumi.get_stack())
    entries = {one.account: _entry(settings, estate, one.account, roles) for one in targets}
    if above is None:
        require_entered(list(entries.values()), _remedy(settings))
    providers = {account: one.provider for account, one in entries.items()}
    stamping = _Stamping(settings, estate, archive, hub, providers, ready)
    for target in targets:
        stamping.member(target)
    return targets


@dataclass
class _Stamping:
    """What all members of a stack share, and the settings objects that some of them share."""

    settings: Settings
    estate: Estate
    archive: Archive
    hub: aws.Provider
    providers: Mapping[str, aws.Provider]
    ready: Sequence[pulumi.Resource]
    _stored: dict[tuple[str, str], pulumi.Resource] = field(default_factory=dict)

    def member(self, target: Target) -> None:
        """Deploy one account: its roles, its Regions, its policy item."""
        settings, estate, account = self.settings, self.estate, target.account
        options = inside(self.providers[account], *self.ready)
        controls = settings.catalog
        document = settings.policy_document(account, target.path)
        detect = settings.detect_settings(account, target.path)
        modes = [(controls[identifier], mode) for identifier, mode in settings.modes(account, target.path).items()]
        identity = MemberIdentity(
            f"identity-{account}",
            estate,
            Member(account, modes, document["parameters"]),
            catalog=list(controls.values()),
            deployment_role=settings.deployment_role,
            assessment_role=settings.assessment_role,
            opts=options,
        )
        text = settings_text(detect)
        stamp = Stamp(
            account=account,
            controls=[controls[name] for name, one in detect["controls"].items() if one["rule"] is not None],
            parameters=document["parameters"],
            settings=settings_key(text),
            archive=self.archive,
        )
        recorders = self._recorders(account, options) if settings.recorder == "create" else {}
        for region in settings.regions_of(account):
            after = [self._settings_object(region, text), *recorders.get(region, ())]
            Detection(f"detection-{account}-{region}", estate, region, stamp, identity, after=after, opts=options)
        # Last, and first to go: the hub acts in an account as long as its policy is there.
        put_policy(f"policy-{account}", estate, document, self._in_hub(*identity.ready))

    def _recorders(self, account: str, options: pulumi.ResourceOptions) -> dict[str, list[pulumi.Resource]]:
        role = RecorderRole(f"recorder-{account}", self.estate, account, opts=options)
        types = sorted({one for control in self.settings.catalog.values() if (one := control.recorded_type)})
        return {
            region: [Recorder(f"recorder-{account}-{region}", self.estate, region, role, types, opts=options).status]
            for region in self.settings.regions_of(account)
        }

    def _settings_object(self, region: str, text: str) -> pulumi.Resource:
        if (region, text) not in self._stored:
            digest = settings_key(text).removeprefix("settings/")[:12]
            name = f"settings-{region}-{digest}"
            self._stored[region, text] = put_settings(name, self.estate, region, text, self._in_hub())
        return self._stored[region, text]

    def _in_hub(self, *after: pulumi.Resource) -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions(provider=self.hub, depends_on=[*self.ready, *after])


def _entry(settings: Settings, estate: Estate, account: str, roles: Sequence[pulumi.CustomResource]) -> Entry:
    role = estate.role(account, settings.deployment_role)
    return Entry(account, estate.home_region, role, account_provider(account, estate.home_region, role, after=roles))


def _remedy(settings: Settings) -> str:
    """What makes the roles of an environment admit this run."""
    name = settings.environment
    return (
        f"run as the pipeline of {name}: environments.{name}.pipelineRole of the security stack, or its "
        f"pipelineRole; deploy the security stack first, with {name} among its environments: it brings these roles"
    )


def _require_hub(settings: Settings, estate: Estate, archive: Archive, hub: aws.Provider) -> None:
    """Refuse to stamp members without a hub that has what they name, and say what is missing."""
    options, table, key = pulumi.InvokeOptions(provider=hub), estate.names.policies_table, function_key(archive)
    missing = []
    try:
        aws.dynamodb.get_table(name=table, region=estate.home_region, opts=options)
    except Exception as error:
        missing.append(f"account {estate.hub}, {estate.home_region}: table {table} ({reason(error)})")
    for region in estate.regions if not missing else ():
        bucket = estate.code_bucket(region)
        try:
            aws.s3.get_object(bucket=bucket, key=key, region=region, opts=options)
        except Exception as error:
            missing.append(f"account {estate.hub}, {region}: this version's code, {bucket}/{key} ({reason(error)})")
    if missing:
        listed = "\n".join(f"  - {one}" for one in missing)
        raise HubMissingError(
            f"the hub has not what members need, or role {estate.names.policy_role(settings.environment)} may not see "
            f"it:\n{listed}\ndeploy the security stack first: this version of it, with {', '.join(estate.regions)} "
            f"among its regions and {settings.environment} among its environments"
        )
