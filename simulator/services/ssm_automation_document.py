"""Automation documents (schema 0.3): what is read of one, and what of it is not simulated.

Source: AWS Systems Manager User Guide, "Automation runbook reference": "Data elements and parameters" and "Systems
Manager Automation actions reference".
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jmespath
import yaml
from jmespath.exceptions import JMESPathError

from simulator.call import ServiceError, not_simulated

ACTIONS = (
    "aws:executeAwsApi",
    "aws:assertAwsResourceProperty",
    "aws:waitForAwsResourceProperty",
    "aws:sleep",
    "aws:branch",
)
# Names that AWS keeps to itself for its own documents.
OF_AWS = re.compile(r"(?i)(aws|amazon|amzn|awsconfigremediation|awssupport|awsdocs)[-_].*")
TEMPLATE = re.compile(r"\{\{\s*([\w.:-]+)\s*\}\}")
DURATION = re.compile(r"P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?")


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a document."""

    name: str
    action: str
    inputs: Mapping[str, Any]
    outputs: Sequence[Mapping[str, Any]]
    next: str | None
    last: bool
    on_failure: str
    critical: bool
    attempts: int
    timeout: float | None


@dataclass(frozen=True, slots=True)
class Document:
    """A document as it is run."""

    name: str
    version: str
    assume_role: str
    parameters: Mapping[str, Mapping[str, Any]]
    steps: Mapping[str, Step]
    outputs: Sequence[str]

    def after(self, step: Step) -> Step | None:
        """The step that follows where nothing else is said: the one named, else the next of the document."""
        if step.next is not None:
            return self.steps[step.next]
        names = list(self.steps)
        following = names[names.index(step.name) + 1 :]
        return None if step.last or not following else self.steps[following[0]]


def parse(name: str, version: str, content: str) -> Document:
    """Read a document; raises ServiceError for what AWS refuses, and by name for what is not simulated."""
    # A document is JSON or YAML, and JSON is YAML.
    found = yaml.safe_load(content)
    if not isinstance(found, Mapping) or found.get("schemaVersion") != "0.3":
        raise ServiceError("InvalidDocumentContent", f"{name} is no Automation document of schemaVersion 0.3")
    steps = {str(one["name"]): _step(one) for one in found.get("mainSteps") or ()}
    if not steps:
        raise ServiceError("InvalidDocumentContent", f"{name} has no mainSteps")
    for step in steps.values():
        targets = [step.next, step.on_failure.removeprefix("step:") if step.on_failure.startswith("step:") else None]
        for target in targets:
            if target is not None and target not in steps:
                raise ServiceError("InvalidDocumentContent", f"step {step.name} of {name} leads to no step {target}")
    return Document(
        name=name,
        version=version,
        assume_role=str(found.get("assumeRole") or ""),
        parameters=found.get("parameters") or {},
        steps=steps,
        outputs=list(found.get("outputs") or ()),
    )


def _step(given: Mapping[str, Any]) -> Step:
    action = str(given["action"])
    if action not in ACTIONS:
        raise not_simulated(f"the action {action} of step {given['name']}")
    return Step(
        name=str(given["name"]),
        action=action,
        inputs=given.get("inputs") or {},
        outputs=given.get("outputs") or (),
        next=given.get("nextStep"),
        last=_true(given.get("isEnd")),
        on_failure=str(given.get("onFailure") or "Abort"),
        critical=_true(given.get("isCritical", True)),
        attempts=int(given.get("maxAttempts") or 1),
        timeout=float(given["timeoutSeconds"]) if given.get("timeoutSeconds") else None,
    )


def resolved(document: Document, given: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """The values of a document's parameters; raises ServiceError for one that is unknown, missing or not allowed."""
    unknown = sorted(set(given) - set(document.parameters))
    if unknown:
        raise _wrong(f"{document.name} has no parameter {', '.join(unknown)}")
    values = {}
    for name, declared in document.parameters.items():
        if name in given:
            values[name] = _typed(name, str(declared.get("type", "String")), list(given[name]))
        elif "default" in declared:
            values[name] = declared["default"]
        else:
            raise _wrong(f"the parameter {name} is missing")
        _check(name, declared, values[name])
    return values


def _typed(name: str, kind: str, given: list[str]) -> Any:
    if kind in ("StringList", "MapList") or kind.startswith("List<"):
        return [json.loads(one) for one in given] if kind == "MapList" else given
    if len(given) != 1:
        raise _wrong(f"the parameter {name} takes one value")
    if kind == "Boolean":
        return given[0].lower() == "true"
    if kind == "Integer":
        return int(given[0])
    return json.loads(given[0]) if kind == "StringMap" else given[0]


def _check(name: str, declared: Mapping[str, Any], value: Any) -> None:
    texts = value if isinstance(value, list) else [value]
    allowed, pattern = declared.get("allowedValues"), declared.get("allowedPattern")
    if allowed and any(one not in allowed for one in texts):
        raise _wrong(f"the parameter {name} takes {', '.join(map(str, allowed))}")
    if pattern and any(not re.search(pattern, str(one)) for one in texts):
        raise _wrong(f"the parameter {name} does not have the form {pattern}")


def _wrong(message: str) -> ServiceError:
    return ServiceError("InvalidAutomationExecutionParametersException", message)


def filled(value: Any, values: Mapping[str, Any]) -> Any:
    """Fill `{{ name }}` in what a step is given; a text that is nothing else becomes the value itself.

    Raises KeyError for a name that has no value.
    """
    if isinstance(value, str):
        alone = TEMPLATE.fullmatch(value.strip())
        return values[alone[1]] if alone else TEMPLATE.sub(lambda found: str(values[found[1]]), value)
    if isinstance(value, Mapping):
        return {name: filled(item, values) for name, item in value.items()}
    return [filled(item, values) for item in value] if isinstance(value, list) else value


def selected(selector: str, answer: Mapping[str, Any]) -> Any:
    """What a selector (`$.Reservations[0].State`) picks from an answer; None where there is nothing."""
    if not selector.startswith("$."):
        raise not_simulated(f"the selector {selector}")
    try:
        return jmespath.search(selector[2:], answer)
    except JMESPathError as error:
        raise not_simulated(f"the selector {selector}") from error


def seconds(inputs: Mapping[str, Any]) -> float:
    """How long a step sleeps; raises ServiceError for anything but a duration."""
    found = DURATION.fullmatch(str(inputs.get("Duration", "")))
    if not found or not any(found.groups()):
        raise not_simulated("aws:sleep without a Duration in ISO 8601")
    days, hours, minutes, rest = (int(one or 0) for one in found.groups())
    return float(((days * 24 + hours) * 60 + minutes) * 60 + rest)


def branch(inputs: Mapping[str, Any], values: Mapping[str, Any]) -> str | None:
    """The step that a branch chooses; None where nothing fits and there is no default."""
    for choice in inputs.get("Choices") or ():
        if _holds(choice, values):
            return str(choice["NextStep"])
    default = inputs.get("Default")
    return None if default is None else str(default)


def _holds(choice: Mapping[str, Any], values: Mapping[str, Any]) -> bool:
    if "And" in choice:
        return all(_holds(one, values) for one in choice["And"])
    if "Or" in choice:
        return any(_holds(one, values) for one in choice["Or"])
    if "Not" in choice:
        return not _holds(choice["Not"], values)
    variable = filled(choice["Variable"], values)
    for name, test in TESTS.items():
        if name in choice:
            return test(variable, filled(choice[name], values))
    raise not_simulated(f"a choice of {', '.join(sorted(set(choice) - {'Variable', 'NextStep'}))}")


TESTS: Mapping[str, Callable[[Any, Any], bool]] = {
    "StringEquals": lambda one, other: str(one) == str(other),
    "EqualsIgnoreCase": lambda one, other: str(one).lower() == str(other).lower(),
    "StartsWith": lambda one, other: str(one).startswith(str(other)),
    "EndsWith": lambda one, other: str(one).endswith(str(other)),
    "Contains": lambda one, other: other in one,
    "NumericEquals": lambda one, other: float(one) == float(other),
    "NumericGreater": lambda one, other: float(one) > float(other),
    "NumericLesser": lambda one, other: float(one) < float(other),
    "NumericGreaterOrEquals": lambda one, other: float(one) >= float(other),
    "NumericLesserOrEquals": lambda one, other: float(one) <= float(other),
    "BooleanEquals": lambda one, other: _true(one) is _true(other),
}


def _true(value: Any) -> bool:
    return value is True or str(value).lower() == "true"
