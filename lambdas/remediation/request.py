"""A finding becomes a request, strictly: what is unknown, foreign or missing is refused, never guessed."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lambdas.controls import catalog
from lambdas.controls.model import Control, Place, Resource
from lambdas.findings import finding_id, product_arn

OURS = "palisade/"
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
        return str(self.finding["GeneratorId"]).startswith(OURS)

    @property
    def undoes(self) -> bool:
        """Whether it takes a remediation back: its id says so (`undo.undo_id`)."""
        return self.id.startswith("u-")


def parse(finding: Mapping[str, Any], partition: str) -> Request:
    """Read one finding; raises InvalidRequestError naming what is wrong with it."""
    account = _text(finding, "AwsAccountId")
    if not re.fullmatch(r"[0-9]{12}", account):
        raise InvalidRequestError(f"AwsAccountId {account[:64]!r} is not an account id")
    control = _control(finding)
    _check_state(finding)
    resources = finding.get("Resources")
    if not isinstance(resources, list) or len(resources) != 1 or not isinstance(resources[0], Mapping):
        raise InvalidRequestError("Resources does not name exactly one resource")
    arn = _text(resources[0], "Id", "Resources[0].Id")
    region = _region(finding, resources[0])
    resource = _resource(control, arn, Place(partition, account, region))
    _check_product(finding, resource)
    updated, identifier = _text(finding, "UpdatedAt"), _text(finding, "Id")
    if str(finding["GeneratorId"]).startswith(OURS) and identifier != finding_id(control, resource):
        raise InvalidRequestError(f"Id {identifier} is not that of a finding of {control.id} on {resource.arn}")
    answered = str(_part(finding, "Note").get("UpdatedAt", ""))
    text = "\n".join((control.id, account, region, arn, identifier, updated, *([answered] if answered else [])))
    return Request(f"r-{hashlib.sha256(text.encode()).hexdigest()[:24]}", control, resource, finding)


def _control(finding: Mapping[str, Any]) -> Control:
    generator = _text(finding, "GeneratorId")
    identifier = generator.removeprefix(OURS)
    if not generator.startswith(OURS):
        identifier = _text(_part(finding, "Compliance"), "SecurityControlId", "Compliance.SecurityControlId")
    control = catalog().get(identifier)
    if control is None:
        raise InvalidRequestError(f"the catalog has no control {identifier!r}")
    return control


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


def _resource(control: Control, arn: str, place: Place) -> Resource:
    parts = control.identify(arn)
    if parts is None:
        raise InvalidRequestError(f"{arn!r} is no ARN of {control.resource_type}")
    wanted = {"partition": place.partition, "account": place.account, "region": place.region}
    for name, value in wanted.items():
        if parts.get(name, value) != value:
            raise InvalidRequestError(f"{arn} is of {name} {parts[name]}, but the finding of {value}")
    return control.resource(place, parts["id"])


def _check_product(finding: Mapping[str, Any], resource: Resource) -> None:
    """A finding counts only from the product that makes it: our own, or Security Hub's controls."""
    product = _text(finding, "ProductArn")
    if str(finding["GeneratorId"]).startswith(OURS):
        expected = product_arn(resource)
    else:
        expected = f"arn:{resource.partition}:securityhub:{resource.region}::product/{SECURITY_HUB}"
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
