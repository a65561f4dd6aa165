"""Checks a stack's configuration whole, and tells every fault in one message."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

from pydantic import TypeAdapter, ValidationError
from pydantic.alias_generators import to_camel

from lambdas.controls.model import Control, Mode
from stacks.settings_model import FIELDS, PLACEHOLDER, REQUIRED, ControlPart, known_regions


class SettingsError(Exception):
    """Settings that cannot be deployed; the message names every bad field, what is wrong and what is accepted."""


def check(config: Mapping[str, Any], catalog: Mapping[str, Control]) -> dict[str, Any]:
    """Return the fields by their names in the program; raises SettingsError with all faults."""
    faults: list[str] = []
    fields: dict[str, Any] = {}
    keys = {to_camel(name): name for name in FIELDS}
    for key in config:
        if key not in keys:
            faults.append(f"{key}: unknown key{_near(key, keys)}; accepted are {', '.join(sorted(keys))}")
    for key, name in keys.items():
        kind, default = FIELDS[name]
        if config.get(key) is None:
            if default is REQUIRED:
                faults.append(f"{key}: is missing")
            else:
                fields[name] = default
            continue
        try:
            fields[name] = TypeAdapter(kind).validate_python(config[key])
        except ValidationError as error:
            faults.extend(_told(key, error))
    faults.extend(_together(fields, catalog))
    if faults:
        listed = "\n".join(f"  - {fault}" for fault in faults)
        raise SettingsError(f"the settings of this stack have {len(faults)} faults:\n{listed}")
    return fields


def expired(fields: Mapping[str, Any], today: date) -> tuple[str, ...]:
    """Warn of exemptions that have expired: they are written, and exempt nothing."""
    return tuple(
        f"exemptions[{number}]: expired on {one.expires}; {one.control} judges "
        f"{one.resource or one.tag} again ({one.owner}: {one.reason})"
        for number, one in enumerate(fields["exemptions"])
        if one.expires < today
    )


def _told(key: str, error: ValidationError) -> Iterator[str]:
    for fault in error.errors():
        place = key
        for part in fault["loc"]:
            if isinstance(part, int):
                place += f"[{part}]"
            elif part not in ("[key]", "union"):
                place += f".{part}"
        if fault["type"] == "extra_forbidden":
            yield f"{place}: unknown key"
        elif fault["type"] == "missing":
            yield f"{place}: is missing"
        elif isinstance(fault["input"], str) and fault["input"].startswith(PLACEHOLDER):
            yield f"{place}: {fault['input']!r} is a placeholder; fill it in"
        elif fault["type"] == "value_error":
            yield f"{place}: {fault['msg'].removeprefix('Value error, ')}"
        else:
            yield f"{place}: {fault['input']!r}: {fault['msg']}"


def _together(fields: Mapping[str, Any], catalog: Mapping[str, Control]) -> Iterator[str]:
    """What single fields cannot tell."""
    yield from _accounts(fields)
    yield from _regions(fields)
    yield from _environments(fields)
    for control, part in (fields.get("controls") or {}).items():
        yield from _control(f"controls.{control}", control, part, catalog, fields, part)
    own = fields.get("controls") or {}
    for number, override in enumerate(fields.get("overrides") or ()):
        if not override.organizational_units and not override.accounts:
            yield f"overrides[{number}]: names neither organizationalUnits nor accounts"
        for control, part in override.controls.items():
            place = f"overrides[{number}].controls.{control}"
            yield from _control(place, control, part, catalog, fields, own.get(control))
    yield from _default_mode(fields, catalog)
    yield from _exemptions(fields, catalog)


def _accounts(fields: Mapping[str, Any]) -> Iterator[str]:
    layers = fields.get("layers")
    if layers is not None and not layers:
        yield "layers: is empty; accepted are organization, hub, members"
    hub, management = fields.get("hub_account"), fields.get("management_account")
    if hub and hub == management:
        yield f"hubAccount: {hub} is the management account, which AWS lets be no delegated administrator"
    role = fields.get("management_role")
    if role and management and role.split(":")[4] != management:
        yield f"managementRole: {role} is not of the management account {management}"
    targets = fields.get("targets")
    if layers and "members" in layers and targets and not targets.organizational_units and not targets.accounts:
        yield "targets: name organizationalUnits or accounts to deploy to; zero targets are refused"
    if targets and targets.account_filter != "none" and not (targets.organizational_units and targets.accounts):
        yield f"targets.accountFilter: {targets.account_filter} needs organizationalUnits and accounts"
    if targets and targets.account_filter == "none" and targets.organizational_units and targets.accounts:
        yield "targets.accountFilter: with organizationalUnits and accounts it is union, intersection or difference"


def _regions(fields: Mapping[str, Any]) -> Iterator[str]:
    home, regions = fields.get("home_region"), fields.get("regions")
    if home and regions is not None and home not in regions:
        yield f"regions: does not contain the home Region {home}"
    if regions and len(set(regions)) < len(regions):
        yield "regions: names a Region twice"
    partitions = {known_regions()[region] for region in (*(regions or ()), *([home] if home else ()))}
    if len(partitions) > 1:
        yield f"regions: spans the partitions {', '.join(sorted(partitions))}; an organization is in one"
    if len(partitions) == 1:
        (partition,) = partitions
        for name in ("pipeline_role", "management_role"):
            role = fields.get(name)
            if role and role.split(":")[1] != partition:
                yield f"{to_camel(name)}: {role} is not of the partition {partition}"


def _environments(fields: Mapping[str, Any]) -> Iterator[str]:
    environments, own = fields.get("environments"), fields.get("environment")
    if environments is None:
        return
    layers = fields.get("layers") or ()
    if not environments and ({"hub", "organization"} & set(layers)):
        yield "environments: is empty; the hub maps organizational units and accounts to environments"
    if environments and "members" in layers and own and own not in environments:
        yield f"environments: does not name this stack's environment {own!r}"
    seen: dict[str, str] = {}
    for name, part in environments.items():
        for one in (*part.organizational_units, *part.accounts):
            if one in seen:
                yield f"environments.{name}: {one} is in {seen[one]} already; a unit or account is in one environment"
            seen[one] = name


def _control(
    place: str,
    identifier: str,
    part: ControlPart,
    catalog: Mapping[str, Control],
    fields: Mapping[str, Any],
    lifting: ControlPart | None,
) -> Iterator[str]:
    control = catalog.get(identifier)
    if control is None:
        yield f"{place}: the catalog has no control {identifier}{_near(identifier, catalog)}"
        return
    ceiling = control.ceiling
    lifted = part.lift_ceiling or (lifting is not None and lifting.lift_ceiling)
    if part.lift_ceiling and ceiling.firm:
        yield f"{place}.liftCeiling: the ceiling {ceiling.mode.value} is firm ({ceiling.reason})"
    if part.mode and part.mode.strength > ceiling.mode.strength and not (lifted and not ceiling.firm):
        remedy = "" if ceiling.firm else "; set liftCeiling: true to exceed it"
        yield f"{place}.mode: {part.mode.value} is above the ceiling {ceiling.mode.value} ({ceiling.reason}){remedy}"
    for name, value in part.parameters.items():
        parameter = control.parameters.get(name)
        if parameter is None:
            accepted = ", ".join(control.parameters) or "none"
            yield f"{place}.parameters.{name}: unknown parameter{_near(name, control.parameters)}; accepted: {accepted}"
        elif not parameter.per_region:
            if fault := parameter.fault(value):
                yield f"{place}.parameters.{name}: {fault}"
        elif not isinstance(value, Mapping):
            yield f"{place}.parameters.{name}: is a mapping from Regions to values"
        else:
            for region, one in value.items():
                if region not in (fields.get("regions") or (region,)):
                    yield f"{place}.parameters.{name}.{region}: is not a governed Region"
                elif fault := parameter.fault(one):
                    yield f"{place}.parameters.{name}.{region}: {fault}"


def _default_mode(fields: Mapping[str, Any], catalog: Mapping[str, Control]) -> Iterator[str]:
    mode: Mode | None = fields.get("default_mode")
    if mode is not None and mode.strength > Mode.DRY_RUN.strength:
        yield (f"defaultMode: {mode.value} would act for controls that nobody named; accepted are off, notify, dry-run")


def _exemptions(fields: Mapping[str, Any], catalog: Mapping[str, Control]) -> Iterator[str]:
    for number, one in enumerate(fields.get("exemptions") or ()):
        place = f"exemptions[{number}]"
        if one.control != "*" and one.control not in catalog:
            yield f"{place}.control: the catalog has no control {one.control}{_near(one.control, catalog)}"
        if (one.resource is None) == (one.tag is None):
            yield f"{place}: names either resource (a pattern on the ARN) or tag (key=value)"
        if one.resource is not None and set(one.resource) <= set("*?"):
            yield f"{place}.resource: {one.resource!r} exempts everything; switch the control off instead"


def _near(word: str, known: Mapping[str, Any]) -> str:
    close = difflib.get_close_matches(word, list(known), n=1)
    return f" (did you mean {close[0]}?)" if close else ""
