"""The fields of a stack's settings: what each accepts, checked one by one so that all faults are told at once."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Annotated, Any, Literal

from botocore.loaders import create_loader
from botocore.regions import EndpointResolver
from dateutil.zoneinfo import get_zonefile_instance
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints
from pydantic.alias_generators import to_camel

from lambdas.controls.model import Mode
from lambdas.names import LONGEST_PREFIX
from stacks.standards import STANDARDS

# What the commented files of stacks/ hold until somebody fills it in, such as <organization id>.
PLACEHOLDER = re.compile(r"<[a-z][a-z0-9 -]*>")
# Source: CloudWatch Logs API Reference, PutRetentionPolicy.
RETENTION_DAYS = (
    1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653,
)  # fmt: skip


@cache
def known_regions() -> Mapping[str, str]:
    """Every Region that the SDK knows, with its partition; read without a session, which wants the shell's profile."""
    endpoints = EndpointResolver(create_loader().load_data("endpoints"))
    return {
        region: partition
        for partition in endpoints.get_available_partitions()
        for region in endpoints.get_available_endpoints("ec2", partition_name=partition)
    }


def _form(pattern: str, accepted: str) -> Callable[[Any], Any]:
    """Check a text against a form, and say in words what is accepted."""
    compiled = re.compile(pattern)

    def check(value: Any) -> Any:
        if is_placeholder(value):
            raise ValueError(f"{value!r} is a placeholder; fill in {accepted}")
        if not isinstance(value, str) or not compiled.fullmatch(value):
            raise ValueError(f"{value!r} is not {accepted}")
        return value

    return check


def is_placeholder(value: Any) -> bool:
    """Whether a value still holds what somebody was to replace."""
    return isinstance(value, str) and PLACEHOLDER.search(value) is not None


def _region(value: Any) -> Any:
    if is_placeholder(value):
        raise ValueError(f"{value!r} is a placeholder; fill in a Region such as eu-west-1")
    if not isinstance(value, str) or value not in known_regions():
        close = difflib.get_close_matches(str(value), list(known_regions()), n=1)
        near = f" (did you mean {close[0]}?)" if close else ""
        raise ValueError(f"{value!r} is not a Region of AWS{near}; accepted are codes such as eu-west-1")
    return value


def _expiry(value: Any) -> date:
    """Take a day as text alone: a number would be read as seconds since 1970."""
    if not isinstance(value, str) or not re.fullmatch(r"\d{4}-\d{2}-\d{2}", value):
        raise ValueError(f"{value!r} is not a day as YYYY-MM-DD, in quotes")
    try:
        return date.fromisoformat(value)
    except ValueError:
        raise ValueError(f"{value!r} is no day of the calendar; accepted is YYYY-MM-DD") from None


def _mode(value: Any) -> Any:
    """YAML 1.1 reads a bare off as false."""
    return Mode.OFF.value if value is False else value


def _unlike(values: tuple[Any, ...]) -> tuple[Any, ...]:
    repeated = sorted({str(value) for value in values if values.count(value) > 1})
    if repeated:
        raise ValueError(f"names {', '.join(repeated)} more than once; once is accepted")
    return values


def _standard(value: Any) -> Any:
    if not isinstance(value, str) or value not in STANDARDS:
        raise ValueError(f"{value!r} is not one of {', '.join(STANDARDS)}")
    return value


def _time_zone(value: Any) -> Any:
    """Take the zones that the functions know: python-dateutil carries them, and so does the archive."""
    zones = get_zonefile_instance().zones
    if not isinstance(value, str) or value not in zones:
        close = difflib.get_close_matches(str(value), list(zones), n=1)
        near = f" (did you mean {close[0]}?)" if close else ""
        raise ValueError(f"{value!r} is not a time zone{near}; accepted are names such as Europe/Berlin")
    return value


def _retention(value: int) -> int:
    if value not in RETENTION_DAYS:
        raise ValueError(f"{value} is not one of {', '.join(map(str, RETENTION_DAYS))}")
    return value


AccountId = Annotated[str, BeforeValidator(_form(r"\d{12}", "an account id of 12 digits, in quotes"))]
OrganizationId = Annotated[str, BeforeValidator(_form(r"o-[a-z0-9]{10,32}", "an organization id such as o-a1b2c3d4e5"))]
Unit = Annotated[
    str,
    BeforeValidator(
        _form(
            r"ou-[a-z0-9]{4,32}-[a-z0-9]{8,32}|r-[a-z0-9]{4,32}",
            "the id of an organizational unit or root (ou-... or r-...)",
        )
    ),
]
RoleArn = Annotated[
    str,
    BeforeValidator(_form(r"arn:aws[a-z-]*:iam::\d{12}:role/[\w+=,.@/-]{1,128}", "the ARN of an IAM role")),
]
# A role of somebody else's making, IAM Identity Center's for one, may have a path.
RoleInAccount = Annotated[
    str,
    BeforeValidator(_form(r"(?!/)[\w+=,.@/-]{1,576}", "the name of a role, with its path where it has one: no ARN")),
]
# The StackSet has the role's name, and CloudFormation's names are the narrower ones.
RoleName = Annotated[
    str,
    BeforeValidator(
        _form(
            r"[a-zA-Z][a-zA-Z0-9-]{0,63}", "a name of letters, digits and dashes that begins with a letter, at most 64"
        )
    ),
]
EnvironmentName = Annotated[
    str,
    BeforeValidator(_form(r"[a-z][a-z0-9-]{0,23}", "a name of lower case letters, digits and dashes, at most 24")),
]
Prefix = Annotated[
    str,
    BeforeValidator(
        _form(
            rf"[a-z][a-z0-9-]{{0,{LONGEST_PREFIX - 2}}}[a-z0-9]",
            f"lower case letters, digits and dashes, at most {LONGEST_PREFIX}",
        )
    ),
]
Email = Annotated[str, BeforeValidator(_form(r"[^@\s]+@[^@\s]+\.[^@\s]+", "an e-mail address"))]
Tag = Annotated[str, BeforeValidator(_form(r"[^=]+=.*", "a tag as key=value"))]
# Source: Tag naming limits of AWS; `aws:` is reserved, `palisade:` is ours.
TagKey = Annotated[
    str,
    BeforeValidator(
        _form(
            r"(?!(?i:aws|palisade):)[\w .:/=+@-]{1,128}",
            "a tag key of at most 128 letters, digits, blanks and _.:/=+-@ that begins with neither aws: nor palisade:",
        )
    ),
]
TagValue = Annotated[
    str,
    BeforeValidator(_form(r"[\w .:/=+@-]{0,256}", "a tag value of at most 256 letters, digits, blanks and _.:/=+-@")),
]
# No ARN holds brackets, which a pattern would read as a set of characters.
Pattern = Annotated[
    str,
    BeforeValidator(_form(r"[^\[\]\s]*", "an ARN in which * and ? stand for anything, such as arn:aws:s3:::logs-*")),
]
Region = Annotated[str, BeforeValidator(_region)]
StandardName = Annotated[str, BeforeValidator(_standard)]
Principal = Annotated[
    str,
    BeforeValidator(
        _form(
            r"arn:aws[a-z-]*:iam::\d{12}:(role|user)/[\w+=,.@/-]{1,576}",
            "the ARN of an IAM role or user: no session, no root",
        )
    ),
]
Principals = Annotated[tuple[Principal, ...], AfterValidator(_unlike)]
TimeOfDay = Annotated[str, BeforeValidator(_form(r"([01]\d|2[0-3]):[0-5]\d", "a time as HH:MM in quotes"))]
TimeZone = Annotated[str, BeforeValidator(_time_zone)]
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]
Layer = Literal["organization", "hub", "members"]
Retention = Annotated[int, AfterValidator(_retention)]
Expiry = Annotated[date, BeforeValidator(_expiry)]
ModeName = Annotated[Mode, BeforeValidator(_mode)]
Units = Annotated[tuple[Unit, ...], AfterValidator(_unlike)]
Accounts = Annotated[tuple[AccountId, ...], AfterValidator(_unlike)]
Regions = Annotated[tuple[Region, ...], AfterValidator(_unlike)]


class Part(BaseModel):
    """A structured field; unknown keys are refused, spelling is camelCase in the configuration."""

    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel, str_strip_whitespace=True)


class EnvironmentPart(Part):
    """Which units and accounts an environment is, whose pipeline deploys it (where it has its own), who approves."""

    organizational_units: Units = ()
    accounts: Accounts = ()
    pipeline_role: RoleArn | None = None
    approvers: Principals = ()
    approval_days: Annotated[int, Field(ge=1, le=60)] = 7


class TargetsPart(Part):
    """Which accounts a member stack deploys to, as deployment targets of StackSets."""

    organizational_units: Units = ()
    accounts: Accounts = ()
    account_filter: Literal["none", "union", "intersection", "difference"] = "none"
    exclude_accounts: Accounts = ()
    exclude_regions: Mapping[AccountId, Regions] = Field(default_factory=dict)


class ControlPart(Part):
    """Mode and parameters of one control. `lift_ceiling` names it as one that may exceed its ceiling."""

    mode: ModeName | None = None
    parameters: Mapping[str, Any] = Field(default_factory=dict)
    lift_ceiling: bool = False


class OverridePart(Part):
    """Modes and parameters that differ for units or accounts."""

    organizational_units: Units = ()
    accounts: Accounts = ()
    controls: Mapping[str, ControlPart] = Field(description="a mapping from controls to mode and parameters")


class ExemptionPart(Part):
    """A resource that a control leaves alone for a time: who answers for it, why, and until when."""

    control: Text = Field(description="the id of a control, or * for all")
    resource: Pattern | None = None
    tag: Tag | None = None
    reason: Text = Field(description="why, in a sentence")
    owner: Text = Field(description="who answers for it, such as an e-mail address")
    expires: Expiry = Field(description="the last day on which it holds, as YYYY-MM-DD in quotes")


class WindowPart(Part):
    """When changes may be made: days of the week, and times of the day in a time zone; it may end on the next day."""

    days: Annotated[tuple[Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"], ...], Field(min_length=1)] = Field(
        description="days such as [mon, tue]"
    )
    start: TimeOfDay = Field(description="when it opens, as HH:MM in quotes")
    end: TimeOfDay = Field(description="when it closes, as HH:MM in quotes")
    timezone: TimeZone = Field(description="a time zone such as Europe/Berlin")


class LimitsPart(Part):
    """How much may change before people are asked."""

    changes_per_control_account_hour: Annotated[int, Field(ge=1, le=1000)] = 20
    # Below the organisation's, so that one account does not use up what all may change.
    changes_per_account_hour: Annotated[int, Field(ge=1, le=10000)] = 60
    changes_per_organization_hour: Annotated[int, Field(ge=1, le=10000)] = 200
    failures_before_break: Annotated[int, Field(ge=1, le=100)] = 3


REQUIRED = object()
ALL_LAYERS = ("organization", "hub", "members")


@dataclass(frozen=True, slots=True)
class Key:
    """One top-level key: its type, its default, what is accepted in words, and which layers cannot do without it."""

    kind: Any
    accepted: str
    default: Any = REQUIRED
    layers: tuple[str, ...] = ALL_LAYERS

    def required(self, layers: Collection[str]) -> bool:
        """Whether a stack of these layers must name it."""
        return self.default is REQUIRED or not set(self.layers).isdisjoint(layers)


ADMINISTRATION = ("organization", "hub")
KEYS: Mapping[str, Key] = {
    "layers": Key(Annotated[tuple[Layer, ...], AfterValidator(_unlike)], "a list of organization, hub, members"),
    "environment": Key(EnvironmentName, "the name of this stack's environment", "", ("members",)),
    "organization_id": Key(OrganizationId, "an organization id such as o-a1b2c3d4e5"),
    "management_account": Key(AccountId, "an account id of 12 digits, in quotes"),
    "hub_account": Key(AccountId, "an account id of 12 digits, in quotes"),
    "home_region": Key(Region, "a Region such as eu-west-1"),
    "regions": Key(Regions, "a list of Regions, the home Region among them"),
    "pipeline_role": Key(RoleArn, "the ARN of the role that runs pulumi up", "", ADMINISTRATION),
    "management_role": Key(RoleArn | None, "the ARN of a role of the management account", None, ()),
    "assessment_role": Key(RoleInAccount | None, "the name of a role of the hub account", None, ()),
    "deployment_role": Key(RoleName, "the name of a role", "palisade-deployment", ()),
    "environments": Key(
        Mapping[EnvironmentName, EnvironmentPart],
        "a mapping from environments to their organizationalUnits and accounts",
        {},
        ALL_LAYERS,
    ),
    "targets": Key(TargetsPart, "organizationalUnits or accounts to deploy to", TargetsPart(), ("members",)),
    "confirm_lost_accounts": Key(Accounts, "a list of account ids of 12 digits, in quotes", (), ()),
    "recorder": Key(Literal["existing", "create"], "existing or create", "existing", ()),
    "standards": Key(
        Annotated[tuple[StandardName, ...], AfterValidator(_unlike)], "a list of standards", ("fsbp",), ()
    ),
    "default_mode": Key(ModeName, "off, notify or dry-run", Mode.NOTIFY, ()),
    "controls": Key(Mapping[str, ControlPart], "a mapping from controls to mode and parameters", {}, ()),
    "overrides": Key(tuple[OverridePart, ...], "a list of units or accounts with their controls", (), ()),
    "exemptions": Key(tuple[ExemptionPart, ...], "a list of exemptions", (), ()),
    "windows": Key(tuple[WindowPart, ...], "a list of change windows", (), ()),
    "managed_by_code": Key(Literal["automatic", "approve"], "automatic or approve", "automatic", ()),
    "notifications": Key(Annotated[tuple[Email, ...], AfterValidator(_unlike)], "a list of e-mail addresses", (), ()),
    "message_format": Key(Literal["text", "chat"], "text or chat", "text", ()),
    "limits": Key(LimitsPart, "a mapping of limits", LimitsPart(), ()),
    "owner_tag": Key(Text, "the key of a tag", "Owner", ()),
    "prefix": Key(Prefix, "a short name", "palisade", ()),
    "tags": Key(Mapping[TagKey, TagValue], "a mapping from tag keys to values", {}, ()),
    "log_retention_days": Key(Retention, "a number of days", 365, ()),
}
