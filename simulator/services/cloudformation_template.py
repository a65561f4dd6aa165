"""CloudFormation templates, as far as StackSets of the local organisation need them: IAM roles and policies.

Source: CloudFormation User Guide, "Intrinsic function reference", "Conditions", AWS::IAM::Role,
AWS::IAM::ManagedPolicy. Anything else is refused by name.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from simulator.call import ServiceError

SECTIONS = frozenset({"AWSTemplateFormatVersion", "Description", "Parameters", "Conditions", "Resources", "Outputs"})
RESOURCE_KEYS = frozenset({"Type", "Properties", "Condition", "DependsOn"})
PROPERTIES: Mapping[str, frozenset[str]] = {
    "AWS::IAM::Role": frozenset(
        {
            "RoleName", "AssumeRolePolicyDocument", "Policies", "ManagedPolicyArns", "MaxSessionDuration",
            "Description", "Tags", "Path", "PermissionsBoundary",
        }
    ),
    "AWS::IAM::ManagedPolicy": frozenset({"ManagedPolicyName", "PolicyDocument", "Description", "Path", "Roles"}),
}  # fmt: skip
NAMED = {"AWS::IAM::Role": "RoleName", "AWS::IAM::ManagedPolicy": "ManagedPolicyName"}
VARIABLE = re.compile(r"\$\{([^!}][^}]*)\}")


@dataclass(frozen=True, slots=True)
class Template:
    """A template that has been read and checked."""

    parameters: Mapping[str, Any]
    conditions: Mapping[str, Any]
    resources: Mapping[str, Any]

    @property
    def named(self) -> bool:
        """Whether it names IAM resources itself, for which the caller must have said that it knows."""
        return any(NAMED[one["Type"]] in one.get("Properties", {}) for one in self.resources.values())


def read(body: str, properties: Mapping[str, frozenset[str]] = PROPERTIES) -> Template:
    """Read a template of resources of these types; raises ServiceError for what is malformed or not simulated."""
    try:
        document = json.loads(body) if body.lstrip().startswith("{") else yaml.safe_load(body)
    except (json.JSONDecodeError, yaml.YAMLError) as error:
        raise _invalid(f"Template format error: {error}") from error
    if not isinstance(document, Mapping) or not document.get("Resources"):
        raise _invalid("Template format error: At least one Resources member must be defined.")
    if unknown := set(document) - SECTIONS:
        raise _invalid(f"template sections {', '.join(sorted(unknown))} are not simulated")
    for name, resource in document["Resources"].items():
        _check(name, resource, properties)
    return Template(document.get("Parameters") or {}, document.get("Conditions") or {}, document["Resources"])


def _check(name: str, resource: Mapping[str, Any], properties: Mapping[str, frozenset[str]]) -> None:
    kind = resource.get("Type", "")
    if kind not in properties:
        raise _invalid(f"{name}: resource type {kind} is not simulated (docs/local-organisation.md)")
    if unknown := set(resource) - RESOURCE_KEYS:
        raise _invalid(f"{name}: {', '.join(sorted(unknown))} is not simulated")
    if unknown := set(resource.get("Properties") or {}) - properties[kind]:
        raise _invalid(f"{name}: properties {', '.join(sorted(unknown))} are not known to {kind}")


@dataclass(slots=True)
class Stack:
    """One instantiation of a template in an account and Region: resolves its functions."""

    template: Template
    names: dict[str, str]
    made: dict[str, str] = field(default_factory=dict)  # logical id -> what Ref returns
    arns: dict[str, str] = field(default_factory=dict)
    properties: dict[str, Mapping[str, Any]] = field(default_factory=dict)  # as they were resolved when made

    def wanted(self, resource: Mapping[str, Any]) -> bool:
        """Whether a resource's condition holds here."""
        condition = resource.get("Condition")
        return condition is None or self._holds(self.template.conditions[condition])

    def resolve(self, value: Any) -> Any:
        """Fill in what the intrinsic functions of a value stand for."""
        if isinstance(value, list):
            return [self.resolve(one) for one in value]
        if not isinstance(value, Mapping):
            return value
        if len(value) == 1:
            name, argument = next(iter(value.items()))
            functions: dict[str, Callable[[Any], Any]] = {
                "Ref": self._ref,
                "Fn::Sub": self._sub,
                "Fn::GetAtt": self._attribute,
                "Fn::Join": self._join,
                "Fn::Select": lambda given: self.resolve(given[1])[int(given[0])],
                "Fn::Split": lambda given: str(self.resolve(given[1])).split(given[0]),
            }
            function = functions.get(name)
            if function is not None:
                return function(argument)
            if name.startswith("Fn::"):
                raise _invalid(f"{name} is not simulated (docs/local-organisation.md)")
        return {key: self.resolve(one) for key, one in value.items()}

    def _holds(self, condition: Mapping[str, Any]) -> bool:
        name, argument = next(iter(condition.items()))
        if name == "Fn::Equals":
            return bool(self.resolve(argument[0]) == self.resolve(argument[1]))
        if name == "Fn::Not":
            return not self._holds(argument[0])
        raise _invalid(f"condition {name} is not simulated (docs/local-organisation.md)")

    def _ref(self, name: str) -> str:
        known = self.names.get(name) or self.made.get(name)
        if known is None:
            raise _invalid(f"Unresolved resource dependencies [{name}] in the Resources block of the template")
        return known

    def _sub(self, text: str) -> str:
        return VARIABLE.sub(lambda found: self._ref(found[1]), text)

    def _attribute(self, argument: Any) -> str:
        name, attribute = argument if isinstance(argument, list) else argument.split(".", 1)
        if attribute != "Arn" or name not in self.arns:
            raise _invalid(f"Fn::GetAtt {name}.{attribute} is not simulated or not there")
        return self.arns[name]

    def _join(self, argument: Any) -> str:
        return str(argument[0]).join(str(self.resolve(one)) for one in argument[1])


def _invalid(message: str) -> ServiceError:
    return ServiceError("ValidationError", message)
