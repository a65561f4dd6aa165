"""Command documents (schema 2.2): what is read of one, and what of it is not simulated.

Source: AWS Systems Manager User Guide, "Data elements and parameters", "Command document plugin reference"
(aws:runShellScript, precondition on platformType).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import yaml
from moto.backends import get_backend
from moto.ssm.exceptions import InvalidDocument

from simulator.call import Call, ServiceError, not_simulated
from simulator.services.ssm_automation_document import OF_AWS, TEMPLATE

KNOWN = frozenset({"schemaVersion", "description", "parameters", "mainSteps"})
STEP = frozenset({"name", "action", "inputs", "precondition"})
INPUTS = frozenset({"runCommand", "timeoutSeconds"})


@dataclass(frozen=True, slots=True)
class Command:
    """A document with the parameters of one command put in."""

    name: str
    version: str
    script: str
    platform: str | None

    def runs_on(self, platform: str) -> bool:
        """Whether the precondition holds on a platform."""
        return self.platform in (None, platform)


def command_of(call: Call) -> Command:
    """The document that SendCommand names; raises ServiceError as AWS does, and by name for what is not simulated."""
    name, version = str(call.parameters["DocumentName"]), call.parameters.get("DocumentVersion")
    if name.startswith("arn:"):
        raise not_simulated("a document by its ARN")
    if OF_AWS.fullmatch(name):
        raise ServiceError(
            "InvalidDocument", f"{name} is owned by AWS; such documents are not available in the local organisation"
        )
    try:
        found = get_backend("ssm")[call.account][call.region].get_document(
            name, "" if version in (None, "$DEFAULT") else version, "", ""
        )
    except InvalidDocument as error:
        # The same for a version that is not there: moto knows no difference.
        raise ServiceError("InvalidDocument", f"Document with name {name} does not exist.") from error
    if found["DocumentType"] != "Command":
        raise ServiceError("InvalidDocument", f"{name} is no Command document.")
    content: Any = yaml.safe_load(str(found["Content"]))
    steps = content.get("mainSteps", ())
    if content.get("schemaVersion") != "2.2" or set(content) - KNOWN or len(steps) != 1:
        raise not_simulated(f"{name}: a document but of schemaVersion 2.2 with one step")
    (step,) = steps
    inputs = step["inputs"]
    if step["action"] != "aws:runShellScript" or set(step) - STEP or set(inputs) - INPUTS:
        raise not_simulated(f"{name}: a step but aws:runShellScript of {', '.join(sorted(INPUTS))}")
    values = _values(content.get("parameters") or {}, call.parameters.get("Parameters") or {})
    script = TEMPLATE.sub(lambda one: values.get(one[1], one[0]), "\n".join(inputs["runCommand"]))
    return Command(name, str(found["DocumentVersion"]), script + "\n", _platform(step.get("precondition")))


def _values(declared: Mapping[str, Mapping[str, Any]], given: Mapping[str, list[str]]) -> dict[str, str]:
    if unknown := set(given) - set(declared):
        raise ServiceError("InvalidParameters", f"The document has no parameter {', '.join(sorted(unknown))}.")
    values = {}
    for name, one in declared.items():
        if one["type"] != "String":
            raise not_simulated(f"a parameter of type {one['type']}")
        if name not in given and "default" not in one:
            raise ServiceError("InvalidParameters", f"Parameter {name} is required.")
        value = given[name][0] if name in given else str(one["default"])
        if "allowedPattern" in one and re.search(one["allowedPattern"], value) is None:
            raise ServiceError("InvalidParameters", f"Parameter {name} does not match {one['allowedPattern']}.")
        values[name] = value
    return values


def _platform(precondition: Mapping[str, Any] | None) -> str | None:
    if precondition is None:
        return None
    if set(precondition) != {"StringEquals"} or precondition["StringEquals"][0] != "platformType":
        raise not_simulated("a precondition but StringEquals on platformType")
    return str(precondition["StringEquals"][1])
