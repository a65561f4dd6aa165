"""Checks a stack's configuration whole, and tells every fault in one message."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from fnmatch import fnmatchcase
from typing import Any, get_args, get_origin

from pulumi import RunError
from pydantic import TypeAdapter, ValidationError
from pydantic.alias_generators import to_camel, to_snake

from lambdas.controls.model import ACCOUNT_NAME, Control, Mode
from stacks.settings_model import KEYS, ControlPart, Part, is_placeholder, known_regions

# What pydantic says of these in words of Python, in words of YAML.
EXPECTED = {
    "tuple_type": "is not a list; accepted is a list",
    "mapping_type": "is not a mapping; accepted is a mapping",
    "model_type": "is not a mapping; accepted is a mapping",
    "string_type": "is not a text; put it in quotes",
}


class SettingsError(RunError):
    """Settings that cannot be deployed; the message names every bad field, what is wrong and what is accepted."""


def check(config: Mapping[str, Any], catalog: Mapping[str, Control]) -> dict[str, Any]:
    """Return the fields by their names in the program; raises SettingsError with all faults."""
    faults: list[str] = []
    fields: dict[str, Any] = {}
    names = {to_camel(name): name for name in KEYS}
    layers = config.get("layers")
    layers = {one for one in layers if isinstance(one, str)} if isinstance(layers, list) else set()
    for key in config:
        if key not in names:
            faults.append(f"{key}: unknown key{_near(key, names)}; accepted are {', '.join(sorted(names))}")
    for key, name in names.items():
        known = KEYS[name]
        if config.get(key) is None:
            if known.required(layers):
                faults.append(f"{key}: is missing; accepted: {known.accepted}")
            else:
                fields[name] = known.default
            continue
        told: list[str] = []
        try:
            fields[name] = TypeAdapter(known.kind).validate_python(config[key])
        except ValidationError as error:
            told = list(_told(key, name, error))
        faults.extend(told)
        faults.extend(_left_in(key, config[key], told))
    faults.extend(_together(fields, catalog))
    if faults:
        number = "a fault" if len(faults) == 1 else f"{len(faults)} faults"
        listed = "\n".join(f"  - {fault}" for fault in faults)
        raise SettingsError(f"the settings of this stack have {number}:\n{listed}")
    return fields


def expired(fields: Mapping[str, Any], today: date) -> tuple[str, ...]:
    """Warn of exemptions that have expired: they are written, and exempt nothing."""
    return tuple(
        f"exemptions[{number}]: expired on {one.expires} and exempts {one.resource or one.tag} from {one.control} no "
        f"longer ({one.owner}: {one.reason}); a finding that it suppressed stays so until the resource changes"
        for number, one in enumerate(fields["exemptions"])
        if one.expires < today
    )


def _told(key: str, name: str, error: ValidationError) -> Iterator[str]:
    for fault in error.errors():
        place = key
        for part in fault["loc"]:
            if isinstance(part, int):
                place += f"[{part}]"
            elif part != "[key]":
                place += f".{part}"
        if fault["type"] == "extra_forbidden":
            accepted = {to_camel(field): field for field in _part(KEYS[name].kind, fault["loc"][:-1]).model_fields}
            near = _near(str(fault["loc"][-1]), accepted)
            yield f"{place}: unknown key{near}; accepted are {', '.join(sorted(accepted))}"
        elif fault["type"] == "missing":
            fields = _part(KEYS[name].kind, fault["loc"][:-1]).model_fields
            yield f"{place}: is missing; accepted: {fields[to_snake(str(fault['loc'][-1]))].description}"
        elif fault["type"] == "value_error":
            yield f"{place}: {fault['msg'].removeprefix('Value error, ')}"
        else:
            yield f"{place}: {fault['input']!r}: {EXPECTED.get(fault['type'], fault['msg'])}"


def _part(kind: Any, loc: Sequence[int | str]) -> type[Part]:
    """The model that a place in a key's value has; pydantic's errors name the place alone."""
    for step in loc:
        if isinstance(kind, type) and issubclass(kind, Part):
            kind = kind.model_fields[to_snake(str(step))].annotation
        else:
            kind = get_args(kind)[1 if issubclass(get_origin(kind) or object, Mapping) else 0]
    found: type[Part] = kind
    return found


def _left_in(place: str, value: Any, told: Sequence[str]) -> Iterator[str]:
    """Placeholders where any text is accepted, which no type refuses."""
    if isinstance(value, Mapping):
        for key, one in value.items():
            if is_placeholder(key) and not any(fault.startswith(f"{place}.{key}") for fault in told):
                yield f"{place}.{key}: is a placeholder; fill it in"
            yield from _left_in(f"{place}.{key}", one, told)
    elif isinstance(value, list | tuple):
        for number, one in enumerate(value):
            yield from _left_in(f"{place}[{number}]", one, told)
    elif is_placeholder(value) and not any(fault.startswith(f"{place}:") for fault in told):
        yield f"{place}: {value!r} is a placeholder; fill it in"


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
    if layers and {"organization", "members"} <= set(layers) and "hub" not in layers:
        yield "layers: members without hub stand in a stack of their own; accepted are all three, or members alone"
    hub, management = fields.get("hub_account"), fields.get("management_account")
    if hub and hub == management:
        yield f"hubAccount: {hub} is the management account, which AWS lets be no delegated administrator"
    role, pipeline = fields.get("management_role"), fields.get("pipeline_role")
    if role and management and role.split(":")[4] != management:
        yield f"managementRole: {role} is not of the management account {management}"
    unnamed = "management_role" in fields and not role
    if layers and "organization" in layers and unnamed and pipeline and pipeline.split(":")[4] != management:
        yield f"managementRole: is missing, and the pipeline's role {pipeline} is not of the management account"
    yield from _targets(fields)


def _targets(fields: Mapping[str, Any]) -> Iterator[str]:
    layers, targets = fields.get("layers"), fields.get("targets")
    if not targets or not layers or "members" not in layers:
        return
    both = targets.organizational_units and targets.accounts
    if not targets.organizational_units and not targets.accounts:
        yield "targets: name organizationalUnits or accounts to deploy to; zero targets are refused"
    if targets.account_filter != "none" and not both:
        yield f"targets.accountFilter: {targets.account_filter} needs organizationalUnits and accounts"
    if targets.account_filter == "none" and both:
        yield "targets.accountFilter: with organizationalUnits and accounts it is union, intersection or difference"
    if fields.get("management_account") in targets.accounts:
        yield f"targets.accounts: {fields['management_account']} is the management account, which is never a target"
    home, regions = fields.get("home_region"), fields.get("regions")
    for account, excluded in targets.exclude_regions.items():
        place = f"targets.excludeRegions.{account}"
        if regions and (foreign := [one for one in excluded if one not in regions]):
            yield f"{place}: {', '.join(foreign)} is not governed; accepted are {', '.join(regions)}"
        if home in excluded:
            yield f"{place}: {home} is the home Region, where what is global is judged; use excludeAccounts instead"


def _regions(fields: Mapping[str, Any]) -> Iterator[str]:
    home, regions = fields.get("home_region"), fields.get("regions")
    if home and regions is not None and home not in regions:
        yield f"regions: does not contain the home Region {home}"
    partitions = {known_regions()[region] for region in (*(regions or ()), *([home] if home else ()))}
    if len(partitions) > 1:
        yield f"regions: spans the partitions {', '.join(sorted(partitions))}; an organization is in one"
    if len(partitions) == 1:
        (partition,) = partitions
        roles = {to_camel(name): fields.get(name) for name in ("pipeline_role", "management_role")}
        for name, part in (fields.get("environments") or {}).items():
            roles[f"environments.{name}.pipelineRole"] = part.pipeline_role
            roles |= {f"environments.{name}.approvers[{number}]": one for number, one in enumerate(part.approvers)}
        for place, role in roles.items():
            if role and role.split(":")[1] != partition:
                yield f"{place}: {role} is not of the partition {partition} of the Regions"


def _environments(fields: Mapping[str, Any]) -> Iterator[str]:
    environments, own = fields.get("environments"), fields.get("environment")
    if not environments:
        return
    if "members" in (fields.get("layers") or ()) and own and own not in environments:
        yield f"environments: does not name this stack's environment {own!r}; named are {', '.join(environments)}"
    seen: dict[str, str] = {}
    for name, part in environments.items():
        if not part.organizational_units and not part.accounts:
            yield f"environments.{name}: names neither organizationalUnits nor accounts"
        for one in (*part.organizational_units, *part.accounts):
            if one in seen:
                yield f"environments.{name}: {one} is in {seen[one]} already; a unit or account is in one environment"
            seen[one] = name
        yield from _approvers(f"environments.{name}.approvers", part.approvers, fields.get("hub_account"))


def _approvers(place: str, approvers: Sequence[str], hub: str | None) -> Iterator[str]:
    """Refuse whoever could never answer: the endpoint has no policy of its own that admits another account."""
    for number, one in enumerate(approvers):
        if hub and one.split(":")[4] != hub:
            yield f"{place}[{number}]: {one} is not of the hub account {hub}, which alone reaches the endpoint"


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
        accepted = ", ".join(sorted(catalog))
        yield f"{place}: the catalog has no control {identifier}{_near(identifier, catalog)}; accepted: {accepted}"
        return
    ceiling = control.ceiling
    lifted = part.lift_ceiling or (lifting is not None and lifting.lift_ceiling)
    if part.lift_ceiling and ceiling.firm:
        yield f"{place}.liftCeiling: the ceiling {ceiling.mode.value} is firm ({ceiling.reason})"
    if part.mode and part.mode.strength > ceiling.mode.strength and not (lifted and not ceiling.firm):
        remedy = "" if ceiling.firm else "; set liftCeiling: true to exceed it"
        yield f"{place}.mode: {part.mode.value} is above the ceiling {ceiling.mode.value} ({ceiling.reason}){remedy}"
    yield from _parameters(place, control, part.parameters, fields)
    given = {**(lifting.parameters if lifting is not None else {}), **part.parameters}
    if control.conflict and part.parameters and not any(_parameters(place, control, given, fields)):
        conflicts = (control.conflict(control.resolve(given, region)) for region in fields.get("regions") or ("",))
        yield from dict.fromkeys(f"{place}.parameters.{conflict}" for conflict in conflicts if conflict)


def _parameters(place: str, control: Control, given: Mapping[str, Any], fields: Mapping[str, Any]) -> Iterator[str]:
    """What is wrong with parameters one by one."""
    for name, value in given.items():
        parameter = control.parameters.get(name)
        if parameter is None:
            accepted = ", ".join(control.parameters) or "none"
            yield f"{place}.parameters.{name}: unknown parameter{_near(name, control.parameters)}; accepted: {accepted}"
        elif not parameter.per_region:
            if fault := parameter.fault(value):
                yield f"{place}.parameters.{name}: {fault}"
        elif not isinstance(value, Mapping):
            yield f"{place}.parameters.{name}: {value!r} is not a mapping from Regions to values, which is accepted"
        else:
            for region, one in value.items():
                governed = fields.get("regions") or (region,)
                if region not in governed:
                    yield (
                        f"{place}.parameters.{name}.{region}: is not a governed Region; accepted: {', '.join(governed)}"
                    )
                elif fault := parameter.fault(one):
                    yield f"{place}.parameters.{name}.{region}: {fault}"


def _default_mode(fields: Mapping[str, Any], catalog: Mapping[str, Control]) -> Iterator[str]:
    mode: Mode | None = fields.get("default_mode")
    if mode is not None and mode.strength > Mode.DRY_RUN.strength:
        yield (f"defaultMode: {mode.value} would act for controls that nobody named; accepted are off, notify, dry-run")


def _exemptions(fields: Mapping[str, Any], catalog: Mapping[str, Control]) -> Iterator[str]:
    home = fields.get("home_region")
    for number, one in enumerate(fields.get("exemptions") or ()):
        place = f"exemptions[{number}]"
        if one.control != "*" and one.control not in catalog:
            accepted = ", ".join((*sorted(catalog), "*"))
            yield f"{place}.control: the catalog has no control {one.control}; accepted: {accepted}"
        if (one.resource is None) == (one.tag is None):
            yield f"{place}: names either resource (a pattern on the ARN) or tag (key=value)"
        if one.resource is not None and (fault := _pattern_fault(one.resource, known_regions().get(home or "", "aws"))):
            yield f"{place}.resource: {one.resource!r} {fault}"


def _pattern_fault(pattern: str, partition: str) -> str | None:
    """What is wrong with a pattern on ARNs: one that meets nothing, or everything, is a mistake."""
    fields = pattern.split(":")
    if not set(pattern.removeprefix("arn:").removeprefix(partition)) - set("*?:"):
        return "exempts everything; switch the control off instead"
    # Accounts are no ARN's; `account` is what their one name begins with.
    account = ACCOUNT_NAME.partition("{")[0]
    if "*" in fields[0] or pattern.startswith(account):
        return None
    if fields[0] != "arn" or ("*" not in pattern and len(fields) < 6):
        return "meets no ARN; accepted is an ARN in which * and ? stand for anything"
    if len(fields) > 1 and not fnmatchcase(partition, fields[1]):
        return f"meets no ARN of the partition {partition}"
    return None


def _near(word: str, known: Mapping[str, Any]) -> str:
    close = difflib.get_close_matches(word, list(known), n=1)
    return f" (did you mean {close[0]}?)" if close else ""
