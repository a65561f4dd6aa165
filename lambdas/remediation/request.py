"""A finding becomes a request, strictly: what is unknown, foreign or missing is refused, never guessed."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lambdas.controls import catalog
from lambdas.controls.model import GENERATORS, Control, Place, ProductFindings, Resource
from lambdas.findings import finding_id, product_arn

SECURITY_HUB = "aws/securityhub"
# What is not asked for: what passes, is over, or what people have set aside.
NOT_ASKED = (("Compliance", "Status", "PASSED"), ("Workflow", "Status", "SUPPRESSED"))


class InvalidRequestError(Exception):
    """A finding that cannot be acted upon, with the reason for the record."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request to remediate: which control on which resource, because of which finding.

    `id` is the same for every delivery of one state of a finding, and another once the finding is updated, or
    asked for again after it was answered: our answer is its note.
    """

    id: str
    control: Control
    resource: Resource
    finding: Mapping[str, Any]

    @property
    def ours(self) -> bool:
        """Whether the finding is of our own making."""
        return _ours(self.finding)

    @property
    def passes_by_itself(self) -> bool:
        """Whether another product turns it PASSED once it is remediated: a control of Security Hub's."""
        return not self.ours and not isinstance(self.control.detection, ProductFindings)

    @property
    def undoes(self) -> bool:
        """Whether it takes a remediation back: its id says so (`undo.undo_id`)."""
        return self.id.startswith("u-")


def request_of(entry: Mapping[str, Any], identifier: str, partition: str) -> Request:
    """Make the request of an undo from an entry of the remediation that it takes back, or that entry's own."""
    control = catalog()[entry["control"]]
    parts = control.identify(entry["resource"]) or {}
    resource = control.resource(Place(partition, entry["account"], entry["region"]), parts["id"])
    finding = {"GeneratorId": control.generator, **entry["finding"], "AwsAccountId": entry["account"]}
    return Request(identifier, control, resource, finding)


def parse(finding: Mapping[str, Any], partition: str) -> Request:
    """Read one finding; raises InvalidRequestError naming what is wrong with it."""
    control, resource = subject(finding, partition)
    _check_state(finding)
    updated, identifier = _text(finding, "UpdatedAt"), _text(finding, "Id")
    answered = str(_part(finding, "Note").get("UpdatedAt", ""))
    named = (control.id, resource.account, resource.region, resource.arn, identifier, updated)
    text = "\n".join((*named, *([answered] if answered else [])))
    return Request(f"r-{hashlib.sha256(text.encode()).hexdigest()[:24]}", control, resource, finding)


def subject(finding: Mapping[str, Any], partition: str) -> tuple[Control, Resource]:
    """Return what a finding is about, whatever its state; raises InvalidRequestError as `parse` does."""
    account = _text(finding, "AwsAccountId")
    if not re.fullmatch(r"[0-9]{12}", account):
        raise InvalidRequestError(f"AwsAccountId {account[:64]!r} is not an account id")
    control = _control(finding)
    named = _named(control, finding)
    resource = _resource(control, named, Place(partition, account, _region(finding, named)))
    _check_product(finding, control, resource)
    identifier = _text(finding, "Id")
    if _ours(finding) and identifier != finding_id(control, resource):
        raise InvalidRequestError(f"Id {identifier} is not that of a finding of {control.id} on {resource.arn}")
    return control, resource


def _ours(finding: Mapping[str, Any]) -> bool:
    return str(finding["GeneratorId"]).startswith(GENERATORS)


def _control(finding: Mapping[str, Any]) -> Control:
    generator = _text(finding, "GeneratorId")
    product = _text(finding, "ProductArn").partition("::product/")[2]
    of_product = [
        control
        for control in catalog().values()
        if isinstance(control.detection, ProductFindings) and control.detection.path == product
    ]
    if of_product and not generator.startswith(GENERATORS):
        return _taken(of_product, finding)
    identifier = generator.removeprefix(GENERATORS)
    if not generator.startswith(GENERATORS):
        identifier = _text(_part(finding, "Compliance"), "SecurityControlId", "Compliance.SecurityControlId")
    control = catalog().get(identifier)
    if control is None:
        raise InvalidRequestError(f"the catalog has no control {identifier!r}")
    return control


def _taken(controls: Sequence[Control], finding: Mapping[str, Any]) -> Control:
    """The one control of a product that takes its finding."""
    types, label = finding.get("Types"), _part(finding, "Severity").get("Label")
    if not isinstance(types, list) or not all(isinstance(one, str) for one in types):
        raise InvalidRequestError("Types is not a list of texts")
    takes = [
        control
        for control in controls
        if isinstance(control.detection, ProductFindings)
        and label in control.detection.severities
        and any(_like(form, one) for form in control.detection.types for one in types)
    ]
    if len(takes) != 1:
        number = "several controls take" if takes else "no control takes"
        raise InvalidRequestError(f"{number} findings of the types {', '.join(types)[:128]} and severity {label}")
    return takes[0]


def _like(form: str, text: str) -> bool:
    """Whether a text has a form in which `*` stands for any text, as in EventBridge's patterns."""
    return re.fullmatch(re.escape(form).replace(r"\*", ".*"), text) is not None


def _check_state(finding: Mapping[str, Any]) -> None:
    for part, field, value in NOT_ASKED:
        if _part(finding, part).get(field) == value:
            raise InvalidRequestError(f"{part}.{field} is {value}: nothing is asked for")
    if finding.get("RecordState") == "ARCHIVED":
        raise InvalidRequestError("RecordState is ARCHIVED: nothing is asked for")


def _region(finding: Mapping[str, Any], resource: Mapping[str, Any]) -> str:
    region = _text(finding, "Region")
    named = resource.get("Region", region)
    if named != region:
        raise InvalidRequestError(f"the finding is of {region}, but its resource of {named!r}")
    return region


def _named(control: Control, finding: Mapping[str, Any]) -> Mapping[str, Any]:
    """The one resource of a finding that is the control's; other products may name others beside it."""
    resources, detection = finding.get("Resources"), control.detection
    if not isinstance(resources, list) or not all(isinstance(one, Mapping) for one in resources):
        raise InvalidRequestError("Resources does not name exactly one resource")
    named: list[Mapping[str, Any]] = resources
    if isinstance(detection, ProductFindings):
        named = [one for one in resources if one.get("Type") == control.asff_type]
        strange = {str(one.get("Type")) for one in resources} - {control.asff_type, *detection.beside}
        if strange:
            raise InvalidRequestError(f"Resources names {', '.join(sorted(strange))[:128]}, too")
    if len(named) != 1:
        raise InvalidRequestError(f"Resources does not name exactly one resource of type {control.asff_type}")
    return named[0]


def _resource(control: Control, named: Mapping[str, Any], place: Place) -> Resource:
    arn = _text(named, "Id", "Resources[].Id")
    if isinstance(control.detection, ProductFindings) and control.detection.identify is not None:
        identifier = control.detection.identify(named)
        if identifier is None:
            raise InvalidRequestError(f"{arn[:128]!r} does not tell which {control.resource_type} it is")
        return control.resource(place, identifier)
    parts = control.identify(arn)
    if parts is None:
        raise InvalidRequestError(f"{arn!r} is no ARN of {control.resource_type}")
    wanted = {"partition": place.partition, "account": place.account, "region": place.region}
    for name, value in wanted.items():
        if parts.get(name, value) != value:
            raise InvalidRequestError(f"{arn} is of {name} {parts[name]}, but the finding of {value}")
    return control.resource(place, parts["id"])


def _check_product(finding: Mapping[str, Any], control: Control, resource: Resource) -> None:
    """A finding counts only from the product that makes it: our own, Security Hub's controls, or the control's."""
    product, detection = _text(finding, "ProductArn"), control.detection
    path = detection.path if isinstance(detection, ProductFindings) else SECURITY_HUB
    expected = f"arn:{resource.partition}:securityhub:{resource.region}::product/{path}"
    if _ours(finding) and not isinstance(detection, ProductFindings):
        expected = product_arn(resource)
    if product != expected:
        raise InvalidRequestError(f"ProductArn {product} does not make findings of {finding['GeneratorId']}")


def _part(finding: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    part = finding.get(name) or {}
    if not isinstance(part, Mapping):
        raise InvalidRequestError(f"{name} is not an object")
    return part


def _text(source: Mapping[str, Any], field: str, name: str | None = None) -> str:
    value = source.get(field)
    if not isinstance(value, str) or not value:
        raise InvalidRequestError(f"{name or field} is missing")
    return value
