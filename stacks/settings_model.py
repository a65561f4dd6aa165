"""The fields of a stack's settings: what each accepts, checked one by one so that all faults are told at once."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date
from functools import cache
from typing import Annotated, Any, Literal

from botocore.session import Session
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints
from pydantic.alias_generators import to_camel

from lambdas.controls.model import Mode
from lambdas.names import LONGEST_PREFIX
from stacks.standards import STANDARDS

PLACEHOLDER = "REPLACE"
# Source: CloudWatch Logs API Reference, PutRetentionPolicy.
RETENTION_DAYS = (
    1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653,
)  # fmt: skip


@cache
def known_regions() -> Mapping[str, str]:
    """Every Region that the SDK knows, with its partition."""
    session = Session()
    return {
        region: partition
        for partition in session.get_available_partitions()
        for region in session.get_available_regions("ec2", partition_name=partition)
    }


def _form(pattern: str, accepted: str) -> Callable[[Any], Any]:
    """Check a text against a form, and say in words what is accepted."""
    compiled = re.compile(pattern)

    def check(value: Any) -> Any:
        if isinstance(value, str) and value.startswith(PLACEHOLDER):
            raise ValueError(f"{value!r} is a placeholder; fill in {accepted}")
        if not isinstance(value, str) or not compiled.fullmatch(value):
            raise ValueError(f"{value!r} is not {accepted}")
        return value

    return check


def _region(value: Any) -> Any:
    if isinstance(value, str) and value.startswith(PLACEHOLDER):
        raise ValueError(f"{value!r} is a placeholder; fill in a Region such as eu-west-1")
    if value not in known_regions():
        raise ValueError(f"{value!r} is not a Region of AWS")
    return value


def _standard(value: Any) -> Any:
    if value not in STANDARDS:
        raise ValueError(f"{value!r} is not one of {', '.join(STANDARDS)}")
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
RoleName = Annotated[str, BeforeValidator(_form(r"[\w+=,.@-]{1,64}", "the name of an IAM role"))]
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
Region = Annotated[str, BeforeValidator(_region)]
StandardName = Annotated[str, BeforeValidator(_standard)]
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]
Layer = Literal["organization", "hub", "members"]
Retention = Annotated[int, AfterValidator(_retention)]


class Part(BaseModel):
    """A structured field; unknown keys are refused, spelling is camelCase in the configuration."""

    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel, str_strip_whitespace=True)


class EnvironmentPart(Part):
    """Which units and accounts an environment is, and whose pipeline deploys it (where it has its own)."""

    organizational_units: tuple[Unit, ...] = ()
    accounts: tuple[AccountId, ...] = ()
    pipeline_role: RoleArn | None = None


class TargetsPart(Part):
    """Which accounts a member stack deploys to, as deployment targets of StackSets."""

    organizational_units: tuple[Unit, ...] = ()
    accounts: tuple[AccountId, ...] = ()
    account_filter: Literal["none", "union", "intersection", "difference"] = "none"
    exclude_accounts: tuple[AccountId, ...] = ()
    exclude_regions: Mapping[AccountId, tuple[Region, ...]] = Field(default_factory=dict)


class ControlPart(Part):
    """Mode and parameters of one control. `lift_ceiling` names it as one that may exceed its ceiling."""

    mode: Mode | None = None
    parameters: Mapping[str, Any] = Field(default_factory=dict)
    lift_ceiling: bool = False


class OverridePart(Part):
    """Modes and parameters that differ for units or accounts."""

    organizational_units: tuple[Unit, ...] = ()
    accounts: tuple[AccountId, ...] = ()
    controls: Mapping[str, ControlPart]


class ExemptionPart(Part):
    """A resource that a control leaves alone for a time: who answers for it, why, and until when."""

    control: Text
    resource: Text | None = None
    tag: Tag | None = None
    reason: Text
    owner: Text
    expires: date


class LimitsPart(Part):
    """How much may change before people are asked."""

    changes_per_control_account_hour: Annotated[int, Field(ge=1, le=1000)] = 20
    changes_per_organization_hour: Annotated[int, Field(ge=1, le=10000)] = 200
    failures_before_break: Annotated[int, Field(ge=1, le=100)] = 3


# Every top-level key: its type, and its default; without one the key is required.
REQUIRED = object()
FIELDS: Mapping[str, tuple[Any, Any]] = {
    "layers": (tuple[Layer, ...], REQUIRED),
    "environment": (EnvironmentName, REQUIRED),
    "organization_id": (OrganizationId, REQUIRED),
    "management_account": (AccountId, REQUIRED),
    "hub_account": (AccountId, REQUIRED),
    "home_region": (Region, REQUIRED),
    "regions": (tuple[Region, ...], REQUIRED),
    "pipeline_role": (RoleArn, REQUIRED),
    "management_role": (RoleArn | None, None),
    "deployment_role": (RoleName, "palisade-deployment"),
    "environments": (Mapping[EnvironmentName, EnvironmentPart], {}),
    "targets": (TargetsPart, TargetsPart()),
    "recorder": (Literal["existing", "create"], "existing"),
    "standards": (tuple[StandardName, ...], ("fsbp",)),
    "default_mode": (Mode, Mode.NOTIFY),
    "controls": (Mapping[str, ControlPart], {}),
    "overrides": (tuple[OverridePart, ...], ()),
    "exemptions": (tuple[ExemptionPart, ...], ()),
    "notifications": (tuple[Email, ...], ()),
    "limits": (LimitsPart, LimitsPart()),
    "owner_tag": (Text, "Owner"),
    "prefix": (Prefix, "palisade"),
    "tags": (Mapping[str, str], {}),
    "log_retention_days": (Retention, 365),
}
