"""What IAM does beyond moto: it refuses principals that are not there and documents that are too long.

It also keeps what AWS does with the unique ids of principals: where a role or user is deleted,
policies that named it hold its id from then on, and one made anew under the name is a stranger to
them. Source: IAM User Guide, "AWS JSON policy elements: Principal".
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from botocore import xform_name
from moto.iam.models import AWSManagedPolicy
from moto.iam.policy_validation import SERVICE_TYPE_REGION_INFORMATION_ERROR_ASSOCIATIONS

from simulator.call import Call, ServiceError
from simulator.iam.backends import backends
from simulator.iam.documents import (
    INLINE_POLICY_CHARACTERS,
    MANAGED_POLICY_CHARACTERS,
    TRUST_POLICY_CHARACTERS,
    check_syntax,
    refuse_unknown_principals,
    size,
)
from simulator.iam.gathering import aws_managed_policies, managed_document
from simulator.service import Service

if TYPE_CHECKING:
    from simulator.world import World

POLICIES_PER_ENTITY = 10
# The ARNs of Amazon S3 that name a Region; moto knows access points alone. Source: Service Authorization Reference,
# "Resource types defined by Amazon S3".
SERVICE_TYPE_REGION_INFORMATION_ERROR_ASSOCIATIONS["s3"]["valid_starting_values"] = [
    "accesspoint/", "access-grants/", "job/", "storage-lens/", "storage-lens-group/",
]  # fmt: skip
# Services whose resources hold policies, where moto keeps the resources, and their policies.
HOLDERS = (
    ("iam", "roles", "assume_role_policy_document"),
    ("s3", "buckets", "policy"),
    ("kms", "keys", "policy"),
    ("sqs", "queues", "policy"),
    ("sns", "topics", "policy"),
)
LINKED_PATH = "/aws-service-role/"
ROLE_CHANGES = frozenset(
    {
        "AttachRolePolicy", "DeleteRole", "DeleteRolePermissionsBoundary", "DeleteRolePolicy", "DetachRolePolicy",
        "PutRolePermissionsBoundary", "PutRolePolicy", "UpdateAssumeRolePolicy", "UpdateRole",
    }
)  # fmt: skip


class Iam(Service):
    """Checks before moto answers; moto keeps the state."""

    name: ClassVar[str] = "iam"

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self._leaving: dict[tuple[str, str], tuple[str, str]] = {}

    def before(self, call: Call) -> None:
        """Refuse what AWS refuses; raises ServiceError."""
        self._protect(call)
        check = _CHECKS.get(xform_name(call.operation))
        if check is not None:
            check(self, call)

    def after(self, call: Call, response: Mapping[str, Any]) -> None:
        """Replace a deleted principal by its unique id wherever a policy names it."""
        if call.operation not in ("DeleteRole", "DeleteUser"):
            return
        named = self._leaving.pop((call.account, _entity_name(call)), None)
        if named is not None:
            for holder, attribute in self._policy_holders():
                _replace_principal(holder, attribute, *named)

    def _backend(self, call: Call) -> Any:
        return backends("iam")[call.account][call.partition]

    def _protect(self, call: Call) -> None:
        """Keep service-linked roles AWS's own: service control policies do not bind them.

        Source: IAM API Reference, "CreateRole" and, for UnmodifiableEntity, the operations that change a role.
        """
        if call.operation == "CreateRole" and str(call.parameters.get("Path")).startswith(LINKED_PATH):
            raise ServiceError("InvalidInput", f"The path {LINKED_PATH} is reserved for service-linked roles.")
        if call.operation not in ROLE_CHANGES:
            return
        name = call.parameters["RoleName"]
        role = next((role for role in self._backend(call).roles.values() if role.name == name), None)
        if role is not None and role.path.startswith(LINKED_PATH):
            raise ServiceError(
                "UnmodifiableEntity",
                f"Cannot perform the operation on the protected role '{name}' - this role is only modifiable by AWS",
            )

    def _check_trust(self, call: Call) -> None:
        document = call.parameters.get("AssumeRolePolicyDocument") or call.parameters["PolicyDocument"]
        check_syntax(document)
        if size(document) > TRUST_POLICY_CHARACTERS:
            raise ServiceError(
                "LimitExceeded", f"Cannot exceed quota for ACLSizePerRole: {TRUST_POLICY_CHARACTERS}", 409
            )
        refuse_unknown_principals(document, self.world)
        self._check_boundary(call)

    def _check_boundary(self, call: Call) -> None:
        arn = call.parameters.get("PermissionsBoundary")
        if arn and managed_document(arn, self.world) is None:
            raise ServiceError("NoSuchEntity", f"Scope ARN: {arn} does not exist or is not attachable.", 404)

    def _check_managed(self, call: Call) -> None:
        check_syntax(call.parameters["PolicyDocument"])
        if size(call.parameters["PolicyDocument"]) > MANAGED_POLICY_CHARACTERS:
            raise ServiceError("LimitExceeded", f"Cannot exceed quota for PolicySize: {MANAGED_POLICY_CHARACTERS}", 409)

    def _check_inline(self, call: Call) -> None:
        check_syntax(call.parameters["PolicyDocument"])
        kind = call.operation.removeprefix("Put").removesuffix("Policy").lower()
        name = _entity_name(call)
        entities = getattr(self._backend(call), f"{kind}s").values()
        entity = next((item for item in entities if item.name == name), None)
        if entity is None:
            return
        others = {key: text for key, text in entity.policies.items() if key != call.parameters["PolicyName"]}
        total = size(call.parameters["PolicyDocument"]) + sum(size(text) for text in others.values())
        if total > INLINE_POLICY_CHARACTERS[kind]:
            raise ServiceError(
                "LimitExceeded",
                f"Maximum policy size of {INLINE_POLICY_CHARACTERS[kind]} bytes exceeded for {kind} {name}",
                409,
            )

    def _check_attached(self, call: Call) -> None:
        """Bring AWS's own policy into the account's list, which moto keeps without them."""
        arn = call.parameters["PolicyArn"]
        backend = self._backend(call)
        if arn not in backend.managed_policies and arn.split(":")[4] == "aws":
            name = arn.rsplit("/", 1)[-1]
            found = aws_managed_policies().get(name)
            if found is not None:
                policy = AWSManagedPolicy.from_data(name, call.account, call.region, found)
                if policy.arn == arn:
                    backend.managed_policies[arn] = policy
        kind = call.operation.removeprefix("Attach").removesuffix("Policy").lower()
        entities = getattr(backend, f"{kind}s").values()
        entity = next((item for item in entities if item.name == _entity_name(call)), None)
        if entity is None or arn in entity.managed_policies:
            return
        if len(entity.managed_policies) >= POLICIES_PER_ENTITY:
            raise ServiceError(
                "LimitExceeded",
                f"Cannot exceed quota for PoliciesPer{kind.capitalize()}: {POLICIES_PER_ENTITY}",
                409,
            )

    def _note_leaving(self, call: Call) -> None:
        name = _entity_name(call)
        kind = "roles" if call.operation == "DeleteRole" else "users"
        for entity in getattr(self._backend(call), kind).values():
            if entity.name == name:
                self._leaving[call.account, name] = (entity.arn, entity.id)

    def _policy_holders(self) -> Iterator[tuple[Any, str]]:
        """Yield everything that holds a resource policy, with the attribute that it stands in."""
        for service, kept, attribute in HOLDERS:
            for places in backends(service).values():
                for state in places.values():
                    for holder in getattr(state, kept).values():
                        yield holder, attribute


def _entity_name(call: Call) -> str:
    return next(str(call.parameters[key]) for key in ("RoleName", "UserName", "GroupName") if key in call.parameters)


def _replace_principal(holder: Any, attribute: str, arn: str, identifier: str) -> None:
    text = getattr(holder, attribute)
    written = text.decode() if isinstance(text, bytes) else text
    if not isinstance(written, str) or arn not in written:
        return
    document = json.loads(written)
    for statement in document["Statement"] if isinstance(document["Statement"], list) else [document["Statement"]]:
        for element in ("Principal", "NotPrincipal"):
            named = statement.get(element)
            if isinstance(named, dict) and "AWS" in named:
                values = named["AWS"] if isinstance(named["AWS"], list) else [named["AWS"]]
                replaced = [identifier if value == arn else value for value in values]
                named["AWS"] = replaced if isinstance(named["AWS"], list) else replaced[0]
    changed = json.dumps(document)
    setattr(holder, attribute, changed.encode() if isinstance(text, bytes) else changed)


_CHECKS: Mapping[str, Callable[[Iam, Call], None]] = {
    "create_role": Iam._check_trust,
    "update_assume_role_policy": Iam._check_trust,
    "create_user": Iam._check_boundary,
    "put_role_permissions_boundary": Iam._check_boundary,
    "put_user_permissions_boundary": Iam._check_boundary,
    "create_policy": Iam._check_managed,
    "create_policy_version": Iam._check_managed,
    "put_role_policy": Iam._check_inline,
    "put_user_policy": Iam._check_inline,
    "put_group_policy": Iam._check_inline,
    "attach_role_policy": Iam._check_attached,
    "attach_user_policy": Iam._check_attached,
    "attach_group_policy": Iam._check_attached,
    "delete_role": Iam._note_leaving,
    "delete_user": Iam._note_leaving,
}
