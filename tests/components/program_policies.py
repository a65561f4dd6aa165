"""Every policy document that the program writes, with where it stands."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from simulator.deployment import Deployment

ROOT = Path(__file__).resolve().parents[2]
# The property that holds the document, and what kind of policy it is.
DOCUMENTS = {
    "iam/role:Role": ("assumeRolePolicy", "trust"),
    "iam/rolePolicy:RolePolicy": ("policy", "inline"),
    "iam/policy:Policy": ("policy", "managed"),
    "sqs/queuePolicy:QueuePolicy": ("policy", "queue"),
    "sns/topicPolicy:TopicPolicy": ("policy", "topic"),
    "s3/bucketPolicy:BucketPolicy": ("policy", "bucket"),
    "kms/key:Key": ("policy", "key"),
}


@dataclass(frozen=True, slots=True)
class Policy:
    """A policy: its kind, whose it is, and its document as text."""

    kind: str
    holder: str
    text: str

    @property
    def statements(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = json.loads(self.text)["Statement"]
        return found


def policies(deployment: Deployment) -> Iterator[Policy]:
    """The policies that the program registers, those inside its CloudFormation template, and the bootstrap's."""
    for one in deployment.resources:
        token = one.token.removeprefix("aws:")
        if token in DOCUMENTS:
            name, kind = DOCUMENTS[token]
            holder = str(one.inputs.get("role") or one.inputs.get("name") or one.name)
            yield Policy(kind, f"{one.account} {one.region} {holder}", one.inputs[name])
        elif token == "cloudformation/stackSet:StackSet":
            yield from _template(one.inputs["name"], json.loads(one.inputs["templateBody"]))
    yield from bootstrap()


def bootstrap() -> Iterator[Policy]:
    """The policies of the role that a person deploys."""
    yield from _template("bootstrap", json.loads((ROOT / "stacks" / "bootstrap.json").read_text(encoding="utf-8")))


def _template(name: str, template: dict[str, Any]) -> Iterator[Policy]:
    for logical, resource in template["Resources"].items():
        properties = resource["Properties"]
        if "PolicyDocument" in properties:
            yield Policy("managed", f"{name} {logical}", _text(properties["PolicyDocument"]))
        else:
            yield Policy("trust", f"{name} {logical}", _text(properties["AssumeRolePolicyDocument"]))
            for one in properties.get("Policies", ()):
                yield Policy("inline", f"{name} {logical}", _text(one["PolicyDocument"]))


def _text(document: Any) -> str:
    """A document of a template as IAM will count it: an account id is shorter than what stands for it."""
    return json.dumps(_filled(document), separators=(",", ":"))


def _filled(value: Any) -> Any:
    if isinstance(value, list):
        return [_filled(one) for one in value]
    if isinstance(value, dict):
        if set(value) == {"Fn::Sub"}:
            return value["Fn::Sub"].replace("${AWS::AccountId}", "111122223333").replace("${AWS::Partition}", "own")
        if len(value) == 1 and next(iter(value)) in ("Ref", "Fn::Join"):
            return "${filled in by CloudFormation}"
        return {key: _filled(one) for key, one in value.items()}
    return value


def listed(value: Any) -> list[str]:
    """One or several of something, as policies hold them."""
    return [value] if isinstance(value, str) else list(value)
