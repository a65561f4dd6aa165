"""The contract of the catalog: what one control consists of, as data and pure functions.

A control file defines `CONTROL`, a frozen `Control`. Pulumi, the documentation and the remediation
pipeline read it without calling anything. Only `read`, `inspect` and `discover` ask AWS; `evaluate`
and `plan` are pure and never alter their arguments.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from lambdas.parameters import Parameter as Parameter
from lambdas.references import Ago as Ago
from lambdas.references import Ref as Ref
from lambdas.references import Token as Token

if TYPE_CHECKING:
    from boto3 import Session

Json = Any
Settings = Mapping[str, Json]
Parameters = Mapping[str, Json]
Facts = Mapping[str, Json]
# What the `GeneratorId` of our own findings begins with.
GENERATORS = "palisade/"
# The setting that says when a resource was read, where its verdict depends on the time: never what people approve or
# an undo compares.
READ_AT = "ReadAt"
# AWS Config's type of a whole account, and Security Hub's name for one, which has no ARN: its findings on accounts
# and ours are about the same resource. AWS Config records no such type.
ACCOUNT = "AWS::::Account"
ACCOUNT_NAME = "AWS::::Account:{account}"


class Verdict(StrEnum):
    """AWS Config's compliance types, spelled as PutEvaluations wants them."""

    COMPLIANT = "COMPLIANT"
    NON_COMPLIANT = "NON_COMPLIANT"
    NOT_APPLICABLE = "NOT_APPLICABLE"


class Severity(StrEnum):
    """The severity labels of the AWS Security Finding Format."""

    INFORMATIONAL = "INFORMATIONAL"
    LOW = "LOW"
    MEDIUM = "MEDIUM"
    HIGH = "HIGH"
    CRITICAL = "CRITICAL"


class Mode(StrEnum):
    """How far a remediation may go, from the weakest to the strongest."""

    OFF = "off"
    NOTIFY = "notify"
    DRY_RUN = "dry-run"
    APPROVE = "approve"
    AUTOMATIC = "automatic"

    @property
    def strength(self) -> int:
        """Position in the order of strength; 0 does nothing."""
        return list(Mode).index(self)

    @property
    def acts(self) -> bool:
        """Whether a remediation in this mode can ever change a resource: such accounts get a writer role."""
        return self in (Mode.APPROVE, Mode.AUTOMATIC)

    @staticmethod
    def weakest(*modes: Mode | None) -> Mode:
        """Return the weakest of the given modes; None sets no limit."""
        return min((mode for mode in modes if mode is not None), key=lambda mode: mode.strength)


class Scope(StrEnum):
    """Whether the resource is judged in each Region or once per account."""

    REGIONAL = "regional"
    GLOBAL = "global"


class Frequency(StrEnum):
    """The periods that AWS Config offers for scheduled evaluation."""

    ONE_HOUR = "One_Hour"
    THREE_HOURS = "Three_Hours"
    SIX_HOURS = "Six_Hours"
    TWELVE_HOURS = "Twelve_Hours"
    DAILY = "TwentyFour_Hours"


class Audience(StrEnum):
    """Who is told of an outcome."""

    CREATOR = "creator"
    OWNER = "owner"
    OPERATIONS = "operations"


@dataclass(frozen=True, slots=True)
class Place:
    """One Region of one account."""

    partition: str
    account: str
    region: str


@dataclass(frozen=True, slots=True)
class Resource:
    """One resource: where it is, its AWS Config type, its id as Config names it (see `named_by_arn`), and its ARN."""

    partition: str
    account: str
    region: str
    type: str
    id: str
    arn: str

    @property
    def place(self) -> Place:
        """The account and Region that the resource is judged in."""
        return Place(self.partition, self.account, self.region)


@dataclass(frozen=True, slots=True)
class Evaluation:
    """A verdict with an annotation for people (AWS Config cuts at 256 characters)."""

    verdict: Verdict
    annotation: str


def compliant(annotation: str) -> Evaluation:
    """The resource meets the control."""
    return Evaluation(Verdict.COMPLIANT, annotation)


def non_compliant(annotation: str) -> Evaluation:
    """The resource fails the control."""
    return Evaluation(Verdict.NON_COMPLIANT, annotation)


def not_applicable(annotation: str) -> Evaluation:
    """The control does not judge this resource; the annotation says why."""
    return Evaluation(Verdict.NOT_APPLICABLE, annotation)


@dataclass(frozen=True, slots=True)
class Grant:
    """One IAM action on the ARNs (or patterns) that it needs, with the conditions that narrow it.

    In the grants of a `Control` the ARNs carry the placeholders `{partition}`,
    `{region}` and `{account}`; they and lists in conditions, parameters as `{parameter:NAME}`.
    """

    action: str
    resources: tuple[str | Ref, ...]
    conditions: Mapping[str, Mapping[str, Json]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Probe:
    """A read that says when a slow change has taken, or failed. `interval` and `timeout` are seconds."""

    service: str
    operation: str
    parameters: Mapping[str, Json]
    path: str
    expected: tuple[Json, ...]
    failed: tuple[Json, ...] = ()
    interval: int = 15
    timeout: int = 900


@dataclass(frozen=True, slots=True)
class Change:
    """One call that changes a resource, as data.

    `service` and `operation` are a boto3 client and its method; `parameters` its keyword arguments,
    which may hold a `Ref`. `grants` name every permission that the call needs, forwarded ones
    included. Either `inverse` restores what was read, or `irreversible` says why nothing can.
    `settled` are error codes that mean "already done", for every change may be run twice.
    """

    name: str
    service: str
    operation: str
    parameters: Mapping[str, Json]
    grants: tuple[Grant, ...]
    inverse: Change | None = None
    irreversible: str | None = None
    settled: tuple[str, ...] = ()
    effect: Probe | None = None


@dataclass(frozen=True, slots=True)
class Ceiling:
    """The strongest mode that applies, and why.

    A setting lifts a control's ceiling unless it is firm; a plan's is never lifted.
    """

    mode: Mode
    reason: str
    firm: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """The least change that makes a resource compliant, in order.

    `tell` is who hears of it, `leaves` what is left alone and why, `ceiling` a limit for this
    plan. A plan without changes tells people; one with neither changes nor audience is a defect. One that `removes`
    the resource is proved when that is gone. `creator` is who made the resource, as people filter on it; empty where
    nobody knows. Where people are only told, `remind` are the days after which they are told again if it still fails,
    the last one operations too; `wait` are seconds to wait before they are told at all: something is not known yet.
    `note` is said after the message, and no part of what people approve: it changes while they think.
    """

    changes: tuple[Change, ...] = ()
    tell: tuple[Audience, ...] = ()
    leaves: tuple[str, ...] = ()
    ceiling: Ceiling | None = None
    message: str = ""
    creator: str = ""
    remind: tuple[int, ...] = ()
    wait: int = 0
    note: str = ""
    removes: bool = False
    # What shows that it has worked; NOT_APPLICABLE where it takes the resource out of what is judged.
    proves: Verdict = Verdict.COMPLIANT

    def __post_init__(self) -> None:
        if not self.changes and not self.tell:
            raise ValueError("a plan without changes must tell somebody")
        names = [change.name for change in self.changes]
        if len(names) != len(set(names)):
            raise ValueError(f"the changes of a plan need names of their own: {names}")
        if list(self.remind) != sorted({day for day in self.remind if day > 0}):
            raise ValueError(f"the days of reminders rise from 1: {self.remind}")


@dataclass(frozen=True, slots=True)
class Refusal:
    """This resource must not be changed by us, and why. An outcome, not an error."""

    reason: str


@dataclass(frozen=True, slots=True)
class ManagedRule:
    """Detection by an AWS managed Config rule; `parameters` maps its parameter names to the control's."""

    identifier: str
    parameters: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CustomRule:
    """Detection by our own Config rule: on change of the control's type, on a schedule, or both."""

    on_change: bool = True
    schedule: Frequency | None = None


@dataclass(frozen=True, slots=True)
class ProductFindings:
    """Detection by another product of AWS's; the control's `read` confirms its findings at the service itself.

    `product` is its name in Security Hub, `path` the end of its product ARN; in `types` a `*` stands for any text.
    Of a finding's resources exactly one is of the control's ASFF type: where its ARN is not the control's, `identify`
    picks the id from its details. Resources of the ASFF types `beside` may be named, too.
    """

    product: str
    path: str
    types: tuple[str, ...]
    severities: tuple[Severity, ...]
    beside: tuple[str, ...] = ()
    identify: Callable[[Mapping[str, Json]], str | None] | None = None


@dataclass(frozen=True, slots=True)
class SecurityHubControl:
    """Detection by Security Hub's own control of this id alone, where an enabled standard has it.

    No Config rule and no findings of ours; `evaluate` confirms a finding, before a change and after it.
    """


Detection = ManagedRule | CustomRule | ProductFindings | SecurityHubControl


Read = Callable[["Session", Resource, Mapping[str, Json] | None], Settings | None]
Evaluate = Callable[[Settings, Parameters], Evaluation]
MakePlan = Callable[[Resource, Settings, Parameters, Facts], Plan | Refusal]
Inspect = Callable[["Session", Resource, Settings, Parameters], Facts]
Discover = Callable[["Session", Place], Iterable[Resource]]
Conflict = Callable[[Parameters], str | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Control:
    """One control of the catalog: metadata, parameters, permissions and its functions.

    `id` is the Security Hub control id where there is one, else `Palisade.<Service>.<n>`. `slug`
    is kebab-case and the module is the same in snake_case; the Config rule is `<prefix>-<slug>`.
    `title` states the compliant condition. `arn` is the ARN form of the resource with the
    placeholders {partition}, {region}, {account} and {id}, of an account `ACCOUNT_NAME`; `named_by_arn` says that AWS
    Config's id is the whole ARN. `probe_grants` are what the probes of its plans read: the reader's, where the control
    may act. `impact` says what the remediation can break and what undo cannot bring back. `conflict` says, by name and
    remedy, which of the resolved parameters does not go with the others; each alone has its own bounds.
    """

    id: str
    slug: str
    title: str
    severity: Severity
    resource_type: str
    asff_type: str
    arn: str
    scope: Scope
    detection: Detection
    parameters: Mapping[str, Parameter]
    read_grants: tuple[Grant, ...]
    grants: tuple[Grant, ...]
    requirements: tuple[str, ...]
    impact: str
    remediation: str
    ceiling: Ceiling
    read: Read
    evaluate: Evaluate
    plan: MakePlan
    inspect: Inspect | None = None
    discover: Discover | None = None
    conflict: Conflict | None = None
    probe_grants: tuple[Grant, ...] = ()
    named_by_arn: bool = False

    @property
    def generator(self) -> str:
        """`GeneratorId` of our own findings of this control."""
        return f"{GENERATORS}{self.id}"

    @property
    def by_rule(self) -> bool:
        """Whether a Config rule of ours detects, so that findings are of our own making."""
        return isinstance(self.detection, ManagedRule | CustomRule)

    @property
    def recorded_type(self) -> str | None:
        """The type that AWS Config must record for the control to be detected; None where none is needed."""
        detection = self.detection
        by_schedule = isinstance(detection, CustomRule) and not detection.on_change
        if by_schedule or isinstance(detection, ProductFindings) or self.resource_type == ACCOUNT:
            return None
        return self.resource_type

    def resource(self, place: Place, identifier: str) -> Resource:
        """Build the resource with this id in an account and Region, or with this ARN where Config names it by that.

        The account itself is there once.
        """
        if self.resource_type == ACCOUNT:
            identifier = place.account
        if self.named_by_arn and (parts := self.identify(identifier)) is not None:
            identifier = parts["id"]
        arn = self.arn.format(partition=place.partition, region=place.region, account=place.account, id=identifier)
        return Resource(place.partition, place.account, place.region, self.resource_type, identifier, arn)

    def identify(self, arn: str) -> dict[str, str] | None:
        """Take an ARN of this control's form apart: partition, region, account (where it has them) and id."""
        form = re.escape(self.arn)
        for name in ("partition", "region", "account"):
            form = form.replace(rf"\{{{name}\}}", rf"(?P<{name}>[a-z0-9-]+)")
        match = re.fullmatch(form.replace(r"\{id\}", r"(?P<id>.+)"), arn)
        if match is None:
            return None
        parts = match.groupdict()
        return parts if "id" in parts else {**parts, "id": parts["account"]}

    def resolve(self, given: Mapping[str, Json], region: str) -> dict[str, Json]:
        """Return the parameters in force in one Region: what was given, else the defaults."""
        resolved: dict[str, Json] = {}
        for name, parameter in self.parameters.items():
            value = given.get(name)
            if parameter.per_region and value is not None:
                value = value.get(region)
            resolved[name] = parameter.default if value is None else value
        return resolved
