"""Service control and resource control policies: what Organizations refuses about them and moto lets pass.

Source: Organizations API Reference, "AttachPolicy", "DetachPolicy", "CreatePolicy", "UpdatePolicy",
"EnablePolicyType", "DisablePolicyType"; Organizations User Guide, "SCP syntax", "RCP syntax" and "Quotas and
service limits". What they mean for a call is decided in `simulator.iam`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from simulator.call import Call, ServiceError
from simulator.iam.conditions import PolicyError
from simulator.iam.gathering import RESOURCE_CONTROL, SERVICE_CONTROL
from simulator.iam.policy import parse
from simulator.iam.service_data import resource_control_services

CHARACTERS = 5120
ATTACHMENTS = 5
# What Organizations attaches to everything when a type is enabled.
DEFAULTS = {SERVICE_CONTROL: "p-FullAWSAccess", RESOURCE_CONTROL: "p-RCPFullAWSAccess"}
RESOURCE_CONTROL_ELEMENTS = frozenset({"Sid", "Effect", "Principal", "Action", "Resource", "NotResource", "Condition"})


def refuse(call: Call, backend: Any) -> None:
    """Refuse what Organizations refuses about authorization policies; raises ServiceError."""
    parameters = call.parameters
    if call.operation == "CreatePolicy":
        _check_content(parameters["Type"], parameters["Content"])
    elif call.operation in ("UpdatePolicy", "DeletePolicy"):
        policy = _policy(backend, parameters["PolicyId"])
        if policy is not None and policy.aws_managed:
            raise ServiceError("InvalidInputException", "You can't modify a policy that AWS manages. IMMUTABLE_POLICY")
        if policy is not None and parameters.get("Content") is not None:
            _check_content(policy.type, parameters["Content"])
    elif call.operation == "AttachPolicy":
        _check_attachment(parameters, backend)
    elif call.operation == "DetachPolicy":
        _check_detachment(parameters, backend)


def follow(call: Call, backend: Any) -> None:
    """Attach or take away a type's policies when it is enabled or disabled in the root."""
    kind = call.parameters.get("PolicyType", "")
    if call.operation == "EnablePolicyType" and kind in DEFAULTS:
        for node in _nodes(backend):
            backend.attach_policy(PolicyId=DEFAULTS[kind], TargetId=node.id)
    elif call.operation == "DisablePolicyType" and kind in DEFAULTS:
        for node in _nodes(backend):
            for policy in _attached(node, kind):
                backend.detach_policy(PolicyId=policy.id, TargetId=node.id)


def _nodes(backend: Any) -> Iterator[Any]:
    yield from (*backend.ou, *backend.accounts)


def _policy(backend: Any, identifier: str) -> Any | None:
    return next((policy for policy in backend.policies if policy.id == identifier), None)


def _attached(node: Any, kind: str) -> list[Any]:
    return [policy for policy in node.attached_policies if policy.type == kind]


def _check_attachment(parameters: Mapping[str, Any], backend: Any) -> None:
    policy = _policy(backend, parameters["PolicyId"])
    node = next((node for node in _nodes(backend) if node.id == parameters["TargetId"]), None)
    if policy is None or node is None:
        return
    if all(known["Type"] != policy.type for known in backend.ou[0].policy_types):
        raise ServiceError(
            "PolicyTypeNotEnabledException",
            "This operation can be performed only for enabled policy types.",
        )
    if policy in node.attached_policies:
        raise ServiceError(
            "DuplicatePolicyAttachmentException",
            "A policy with the specified name and type already exists on the target.",
        )
    if policy.type in DEFAULTS and len(_attached(node, policy.type)) >= ATTACHMENTS:
        raise ServiceError(
            "ConstraintViolationException",
            "You have attached the maximum number of policies of this type to the target. "
            "MAX_POLICY_TYPE_ATTACHMENT_LIMIT_EXCEEDED",
        )


def _check_detachment(parameters: Mapping[str, Any], backend: Any) -> None:
    policy = _policy(backend, parameters["PolicyId"])
    node = next((node for node in _nodes(backend) if node.id == parameters["TargetId"]), None)
    if policy is None or node is None:
        return
    if policy not in node.attached_policies:
        raise ServiceError(
            "PolicyNotAttachedException", "The policy isn't attached to the specified target in the specified root."
        )
    last = policy.type == SERVICE_CONTROL and len(_attached(node, SERVICE_CONTROL)) == 1
    if last or policy.id == DEFAULTS[RESOURCE_CONTROL]:
        raise ServiceError(
            "ConstraintViolationException",
            "You can't remove the last policy of this type from the target. MIN_POLICY_TYPE_ATTACHMENT_LIMIT_EXCEEDED",
        )


def _check_content(kind: str, content: str) -> None:
    if kind not in DEFAULTS:
        return
    if len(content) > CHARACTERS:
        raise ServiceError(
            "ConstraintViolationException",
            f"You have exceeded the maximum policy size of {CHARACTERS} characters. POLICY_CONTENT_LIMIT_EXCEEDED",
        )
    try:
        parse(content)
    except PolicyError as error:
        raise _malformed(str(error)) from error
    written = json.loads(content).get("Statement", [])
    for statement in written if isinstance(written, list) else [written]:
        if kind == SERVICE_CONTROL:
            _check_service_control(statement)
        else:
            _check_resource_control(statement)


def _check_service_control(statement: Mapping[str, Any]) -> None:
    if "Principal" in statement or "NotPrincipal" in statement:
        raise _malformed("A service control policy names no principal.")
    if ("Resource" in statement) == ("NotResource" in statement):
        raise _malformed("Every statement needs one of Resource and NotResource.")


def _check_resource_control(statement: Mapping[str, Any]) -> None:
    if statement["Effect"] != "Deny":
        raise _malformed("A resource control policy of a customer denies only.")
    if not set(statement) <= RESOURCE_CONTROL_ELEMENTS or statement.get("Principal") not in ("*", {"AWS": "*"}):
        raise _malformed('A resource control policy says whom it is for by conditions: its Principal is "*".')
    if ("Resource" in statement) == ("NotResource" in statement):
        raise _malformed("Every statement needs one of Resource and NotResource.")
    actions = statement["Action"]
    for action in actions if isinstance(actions, list) else [actions]:
        service = action.split(":")[0].lower()
        if service not in resource_control_services():
            raise _malformed(f"{action} is of no service that resource control policies apply to.")


def _malformed(message: str) -> ServiceError:
    return ServiceError("MalformedPolicyDocumentException", f"The provided policy document is malformed. {message}")
