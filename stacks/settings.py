"""The settings of a stack: Pulumi's configuration, checked whole before the first resource.

From here they go to two places: the settings object of each detect function, and the policy item of
each account (`lambdas/remediation/policy.py` reads it).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

import pulumi
from pulumi.runtime.config import CONFIG as RUNTIME_CONFIG
from pulumi.runtime.config import get_config_env

from lambdas.controls.model import Control, ManagedRule, Mode
from lambdas.names import Names
from lambdas.schemas import SETTINGS_OBJECT
from stacks.settings_check import SettingsError, check, expired
from stacks.settings_model import (
    ControlPart,
    EnvironmentPart,
    ExemptionPart,
    LimitsPart,
    OverridePart,
    TargetsPart,
    WindowPart,
    known_regions,
)
from stacks.standards import checked_by
from stacks.targets import Selection

PROJECT = "palisade"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The checked settings of one stack."""

    layers: tuple[str, ...]
    environment: str
    organization_id: str
    management_account: str
    hub_account: str
    home_region: str
    regions: tuple[str, ...]
    pipeline_role: str
    management_role: str | None
    deployment_role: str
    assessment_role: str | None
    environments: Mapping[str, EnvironmentPart]
    targets: TargetsPart
    confirm_lost_accounts: tuple[str, ...]
    recorder: str
    standards: tuple[str, ...]
    default_mode: Mode
    controls: Mapping[str, ControlPart]
    overrides: tuple[OverridePart, ...]
    exemptions: tuple[ExemptionPart, ...]
    windows: tuple[WindowPart, ...]
    managed_by_code: str
    notifications: tuple[str, ...]
    limits: LimitsPart
    owner_tag: str
    message_format: str
    prefix: str
    tags: Mapping[str, str]
    log_retention_days: int
    catalog: Mapping[str, Control]
    warnings: tuple[str, ...] = ()

    @property
    def partition(self) -> str:
        """The partition of the home Region."""
        return known_regions()[self.home_region]

    @property
    def names(self) -> Names:
        """The names that follow from the prefix."""
        return Names(self.prefix)

    @property
    def selection(self) -> Selection:
        """Which accounts the settings ask for."""
        return Selection(
            organizational_units=self.targets.organizational_units,
            accounts=self.targets.accounts,
            account_filter=self.targets.account_filter,
            exclude_accounts=self.targets.exclude_accounts,
            environment=self.environment,
            environments={
                one: name
                for name, part in self.environments.items()
                for one in (*part.organizational_units, *part.accounts)
            },
            named={"targets.excludeRegions": tuple(self.targets.exclude_regions), **self.named},
        )

    @property
    def named(self) -> dict[str, tuple[str, ...]]:
        """The units and accounts that overrides and environments name, by the place that names them."""
        named: dict[str, tuple[str, ...]] = {}
        for number, one in enumerate(self.overrides):
            named[f"overrides[{number}]"] = (*one.organizational_units, *one.accounts)
        for name, part in self.environments.items():
            named[f"environments.{name}"] = (*part.organizational_units, *part.accounts)
        return named

    def regions_of(self, account: str) -> tuple[str, ...]:
        """The governed Regions of an account."""
        excluded = self.targets.exclude_regions.get(account, ())
        return tuple(region for region in self.regions if region not in excluded)

    def modes(self, account: str, path: Sequence[str]) -> dict[str, Mode]:
        """The mode of every control in an account whose units, from the root down, are `path`."""
        modes = dict.fromkeys(self.catalog, self.default_mode)
        for parts in self._layers_of(account, path):
            modes.update({control: part.mode for control, part in parts.items() if part.mode is not None})
        return modes

    def parameters(self, account: str, path: Sequence[str]) -> dict[str, dict[str, Any]]:
        """The parameters that are set in an account, by control."""
        found: dict[str, dict[str, Any]] = {}
        for parts in self._layers_of(account, path):
            for control, part in parts.items():
                found[control] = {**found.get(control, {}), **part.parameters}
        return {control: values for control, values in found.items() if values}

    def policy_document(self, account: str, path: Sequence[str]) -> dict[str, Any]:
        """The document of the account's policy item."""
        return {
            "account": account,
            "environment": self.environment,
            "owner_tag": self.owner_tag,
            "modes": {control: mode.value for control, mode in sorted(self.modes(account, path).items())},
            "lifted": sorted(self._lifted(account, path)),
            "parameters": self.parameters(account, path),
            "exemptions": [one.model_dump(mode="json") for one in self.exemptions],
            "windows": [one.model_dump(mode="json") for one in self.windows],
            "managed_by_code": self.managed_by_code,
        }

    def detect_settings(self, account: str, path: Sequence[str]) -> dict[str, Any]:
        """The settings object of the account's detect functions; equal for accounts with equal settings."""
        modes, parameters = self.modes(account, path), self.parameters(account, path)
        return {
            "schema": SETTINGS_OBJECT,
            "environment": self.environment,
            "controls": {
                identifier: {
                    "parameters": parameters.get(identifier, {}),
                    "rule": self.names.config_rule(control.slug) if self._has_rule(control) else None,
                }
                for identifier, control in sorted(self.catalog.items())
                if modes[identifier] is not Mode.OFF and control.by_rule
            },
        }

    def remediate_settings(self) -> dict[str, Any]:
        """The settings object of the hub's functions."""
        return {
            "schema": SETTINGS_OBJECT,
            "organization": self.organization_id,
            "management": self.management_account,
            "hub": self.hub_account,
            "home_region": self.home_region,
            "regions": list(self.regions),
            "environments": {
                name: {
                    "organizational_units": list(part.organizational_units),
                    "accounts": list(part.accounts),
                    "approvers": list(part.approvers),
                    "approval_days": part.approval_days,
                }
                for name, part in sorted(self.environments.items())
            },
            "limits": self.limits.model_dump(),
            "owner_tag": self.owner_tag,
            "message_format": self.message_format,
        }

    def _has_rule(self, control: Control) -> bool:
        """A managed rule is not stamped where an enabled standard checks the control; custom rules see more."""
        return control.by_rule and not (
            isinstance(control.detection, ManagedRule) and checked_by(control, self.standards)
        )

    def _lifted(self, account: str, path: Sequence[str]) -> set[str]:
        return {
            control for parts in self._layers_of(account, path) for control, part in parts.items() if part.lift_ceiling
        }

    def _layers_of(self, account: str, path: Sequence[str]) -> list[Mapping[str, ControlPart]]:
        """What is set for an account, from the weakest to the strongest: all, its units from the root down, itself."""
        layers: list[Mapping[str, ControlPart]] = [self.controls]
        for unit in path:
            layers += [one.controls for one in self.overrides if unit in one.organizational_units]
        layers += [one.controls for one in self.overrides if account in one.accounts]
        return layers


def load(config: Mapping[str, Any], catalog: Mapping[str, Control], today: date) -> Settings:
    """Check a configuration and return the settings; raises SettingsError with every fault in one message."""
    fields = check(config, catalog)
    return Settings(**fields, catalog=catalog, warnings=expired(fields, today))


def read(catalog: Mapping[str, Control]) -> Settings:
    """Read this stack's configuration and warn of what is set in vain; raises SettingsError."""
    configured = _configured()
    if not configured:
        raise SettingsError(
            f"stack {pulumi.get_stack()} has no settings: fill in stacks/Pulumi.{pulumi.get_stack()}.yaml"
        )
    settings = load(configured, catalog, datetime.now(UTC).date())
    for warning in settings.warnings:
        pulumi.log.warn(warning)
    return settings


def _configured() -> dict[str, Any]:
    """Return the configuration of this project, unknown keys with it; structured values arrive as JSON."""
    texts: dict[str, Any] = {**get_config_env(), **RUNTIME_CONFIG.get()}
    config: dict[str, Any] = {}
    for key, value in texts.items():
        project, _, name = key.partition(":")
        if project == PROJECT:
            config[name] = _value(value)
    return config


def _value(text: Any) -> Any:
    """Read a value: Pulumi hands structured ones over as JSON, and scalars as they stand in the file."""
    if not isinstance(text, str) or not text.startswith(("{", "[")):
        return text
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text


__all__ = ["Settings", "SettingsError", "load", "read"]
