"""The contract of the catalog: what one control consists of, as data and pure functions.

A control file defines `CONTROL`, a frozen `Control`. Pulumi, the documentation and the remediation
pipeline read it without calling anything. Only `read`, `inspect` and `discover` ask AWS; `evaluate`
and `plan` are pure and never alter their arguments.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from boto3 import Session

Json = Any
Settings = Mapping[str, Json]
Parameters = Mapping[str, Json]
Facts = Mapping[str, Json]
# What the `GeneratorId` of our own findings begins with.
GENERATORS = "palisade/"


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
    """One resource: where it is, its AWS Config type, its id as Config names it, and its ARN."""

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
class Ref:
    """The result of an earlier change of the plan, picked from its response by a JMESPath."""

    change: str
    path: str


@dataclass(frozen=True, slots=True)
class Ago:
    """A time in the parameters of a `Probe`: so many seconds before it asks."""

    seconds: int


@dataclass(frozen=True, slots=True)
class Grant:
    """One IAM action on the ARNs (or patterns) that it needs, with the conditions that narrow it.

    In the grants of a `Control` the ARNs carry the placeholders `{partition}`,
    `{region}` and `{account}`, and parameters as `{parameter:NAME}`.
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
    """The strongest mode that applies, and why. A firm ceiling is never lifted by a setting."""

    mode: Mode
    reason: str
    firm: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """The least change that makes a resource compliant, in order.

    `tell` is who hears of it, `leaves` what is left alone and why, `ceiling` a limit for this
    plan. A plan without changes tells people; one with neither changes nor audience is a defect.
    """

    changes: tuple[Change, ...] = ()
    tell: tuple[Audience, ...] = ()
    leaves: tuple[str, ...] = ()
    ceiling: Ceiling | None = None
    message: str = ""
    # What shows that it has worked; NOT_APPLICABLE where it takes the resource out of what is judged.
    proves: Verdict = Verdict.COMPLIANT

    def __post_init__(self) -> None:
        if not self.changes and not self.tell:
            raise ValueError("a plan without changes must tell somebody")
        names = [change.name for change in self.changes]
        if len(names) != len(set(names)):
            raise ValueError(f"the changes of a plan need names of their own: {names}")


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
    """Detection by another product; the control's `read` confirms the finding at its service."""

    product: str
    type_prefix: str
    severities: tuple[Severity, ...]


Detection = ManagedRule | CustomRule | ProductFindings


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter: its type, default and bounds.

    With `per_region` a setting maps Region names to values, and a Region that is not named
    has the default. `pattern` is a full match on a string (on each string of a list).
    """

    type: Literal["string", "integer", "boolean", "strings"]
    description: str
    default: Json = None
    minimum: int | None = None
    maximum: int | None = None
    allowed: tuple[str, ...] = ()
    pattern: str | None = None
    per_region: bool = False

    def fault(self, value: Json) -> str | None:
        """Say what is wrong with one value (of one Region), or None where nothing is."""
        accepted: dict[str, tuple[type, ...]] = {
            "string": (str,),
            "integer": (int,),
            "boolean": (bool,),
            "strings": (list, tuple),
        }
        wrong_type = not isinstance(value, accepted[self.type]) or (self.type == "integer" and isinstance(value, bool))
        if wrong_type:
            return f"{value!r} is not of type {self.type}"
        if self.type == "integer":
            if self.minimum is not None and value < self.minimum:
                return f"{value} is below the minimum {self.minimum}"
            if self.maximum is not None and value > self.maximum:
                return f"{value} is above the maximum {self.maximum}"
        texts = [value] if self.type == "string" else value if self.type == "strings" else []
        for text in texts:
            if not isinstance(text, str):
                return f"{text!r} is not a string"
            if self.allowed and text not in self.allowed:
                return f"{text!r} is not one of {', '.join(self.allowed)}"
            if self.pattern is not None and not re.fullmatch(self.pattern, text):
                return f"{text!r} does not have the form {self.pattern}"
        return None


Read = Callable[["Session", Resource, Mapping[str, Json] | None], Settings | None]
Evaluate = Callable[[Settings, Parameters], Evaluation]
MakePlan = Callable[[Resource, Settings, Parameters, Facts], Plan | Refusal]
Inspect = Callable[["Session", Resource, Settings, Parameters], Facts]
Discover = Callable[["Session", Place], Iterable[Resource]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Control:
    """One control of the catalog: metadata, parameters, permissions and its functions.

    `id` is the Security Hub control id where there is one, else `Palisade.<Service>.<n>`. `slug`
    is kebab-case and the module is the same in snake_case; the Config rule is `<prefix>-<slug>`.
    `title` states the compliant condition. `arn` is the ARN form of the resource with the
    placeholders {partition}, {region}, {account} and {id}. `probe_grants` are what the probes of its plans
    read: the reader's, where the control may act. `impact` says what the remediation
    can break and what undo cannot bring back.
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
    probe_grants: tuple[Grant, ...] = ()

    @property
    def generator(self) -> str:
        """`GeneratorId` of our own findings of this control."""
        return f"{GENERATORS}{self.id}"

    def resource(self, place: Place, identifier: str) -> Resource:
        """Build the resource with this id in an account and Region."""
        arn = self.arn.format(partition=place.partition, region=place.region, account=place.account, id=identifier)
        return Resource(place.partition, place.account, place.region, self.resource_type, identifier, arn)

    def identify(self, arn: str) -> dict[str, str] | None:
        """Take an ARN of this control's form apart: partition, region, account (where it has them) and id."""
        form = re.escape(self.arn)
        for name in ("partition", "region", "account"):
            form = form.replace(rf"\{{{name}\}}", rf"(?P<{name}>[a-z0-9-]+)")
        match = re.fullmatch(form.replace(r"\{id\}", r"(?P<id>.+)"), arn)
        return match.groupdict() if match else None

    def resolve(self, given: Mapping[str, Json], region: str) -> dict[str, Json]:
        """Return the parameters in force in one Region: what was given, else the defaults."""
        resolved: dict[str, Json] = {}
        for name, parameter in self.parameters.items():
            value = given.get(name)
            if parameter.per_region and value is not None:
                value = value.get(region)
            resolved[name] = parameter.default if value is None else value
        return resolved


def fill(grants: Sequence[Grant], place: Place, parameters: Mapping[str, Sequence[str]] | None = None) -> list[Grant]:
    """Fill the placeholders of a control's grants; a grant on a parameter without values falls away."""
    filled = []
    for grant in grants:
        arns: list[str | Ref] = []
        for resource in grant.resources:
            if isinstance(resource, Ref):
                raise TypeError(f"{grant.action}: the grants of a control cannot refer to a change")
            named = re.fullmatch(r"\{parameter:(\w+)\}", resource)
            if named:
                arns.extend((parameters or {}).get(named[1], ()))
            else:
                arns.append(resource.format(partition=place.partition, region=place.region, account=place.account))
        if arns:
            filled.append(Grant(grant.action, tuple(arns), grant.conditions))
    return filled
