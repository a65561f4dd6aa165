"""The policies that apply to a caller and a resource, from IAM, Organizations and the services."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from simulator.call import Caller
from simulator.iam.backends import backends
from simulator.iam.decision import Policies
from simulator.iam.policy import Policy, parse
from simulator.iam.service_data import resource_control_services

if TYPE_CHECKING:
    from simulator.world import World

SERVICE_CONTROL, RESOURCE_CONTROL = "SERVICE_CONTROL_POLICY", "RESOURCE_CONTROL_POLICY"
SERVICE_LINKED = ":role/aws-service-role/"
# Names that no inline policy can have, for the documents that hang on a resource without one.
TRUST_POLICY, RESOURCE_POLICY, KEY_GRANTS = "trust policy", "resource policy", "key grants"
# KMS Developer Guide, "Resource control policies in AWS KMS": not valid there, whatever the wildcard.
UNCONTROLLED = frozenset({"kms:RetireGrant"})
# Operations of grants that have no encryption context.
UNCONSTRAINED = frozenset({"CreateGrant", "DescribeKey", "GetPublicKey", "RetireGrant", "Sign", "Verify"})


@dataclass(frozen=True, slots=True)
class Identity:
    """What IAM knows of a caller: its policies, its boundary and its own tags."""

    policies: tuple[Policy, ...]
    boundary: Policy | None
    tags: Mapping[str, str]


NOBODY = Identity((), None, {})


class Gathering:
    """Finds policies; reads the backends at every call, since any call may have changed them."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.partition = world.partition
        self._roles: dict[str, Any] = {}
        self._nodes: dict[str, Any] = {}
        self._stamp: tuple[int, ...] = ()
        self._arns: dict[tuple[str, str], str] = {}

    def identity(self, caller: Caller) -> Identity:
        """Return the identity policies of a role's session or a user; a role that is gone has none."""
        if caller.kind not in ("session", "user", "federated-user"):
            return NOBODY
        iam = backends("iam")[caller.account][self.partition]
        holders: tuple[Any, ...] = ()
        if caller.kind == "session":
            role = self.role(caller)
            holders = () if role is None else (role,)
        else:
            user = iam.users.get((caller.role or caller.arn).rsplit("/", 1)[-1])
            # A user's permissions are its own and its groups'.
            holders = () if user is None else (user, *iam.get_groups_for_user(user.name))
        if not holders:
            return NOBODY
        first = holders[0]
        boundary_arn = getattr(first, "permissions_boundary_arn", None)
        policies = tuple(policy for holder in holders for policy in _attached(holder))
        boundary = None if not boundary_arn else self._managed(boundary_arn)
        return Identity(policies, boundary, _tags(getattr(first, "tags", None)))

    def role(self, caller: Caller) -> Any | None:
        """Return moto's role of a session; one that was deleted and made anew is another role."""
        roles = backends("iam")[caller.account][self.partition].roles
        identifier = caller.unique_id.partition(":")[0]
        if identifier:
            return roles.get(identifier)
        return next((role for role in roles.values() if role.arn == caller.role), None)

    def role_by_arn(self, arn: str) -> Any | None:
        """Return moto's role of an ARN; None where there is none."""
        parts = arn.split(":", 5)
        if len(parts) != 6 or parts[2] != "iam":
            return None
        roles = backends("iam")[parts[4]][self.partition].roles
        known = self._roles.get(arn)
        if known is not None and roles.get(known.id) is known:
            return known
        found = next((role for role in roles.values() if role.arn == arn), None)
        if found is not None:
            self._roles[arn] = found
        return found

    def policies(self, caller: Caller, identity: Identity, action: str, resource: str, account: str) -> Policies:
        """Return every policy that applies to a caller's request on a resource of an account."""
        service = action.split(":", 1)[0]
        linked = caller.role is not None and SERVICE_LINKED in caller.role
        principal_levels: tuple[tuple[Policy, ...], ...] = ()
        resource_levels: tuple[tuple[Policy, ...], ...] = ()
        if caller.kind in ("session", "user", "root", "federated-user") and not linked:
            principal_levels = self._levels(caller.account, SERVICE_CONTROL)
        if not linked and service in resource_control_services() and action not in UNCONTROLLED:
            resource_levels = self._levels(account, RESOURCE_CONTROL)
        return Policies(
            identity=identity.policies,
            boundary=identity.boundary,
            session=self._session(caller),
            resource=self.resource_policies(service, resource),
            service_control=principal_levels,
            resource_control=resource_levels,
            decisive=_is_decisive(service, resource),
            unrestricted=caller.kind == "root" or (caller.kind == "federated-user" and caller.role is None),
        )

    def resource_policies(self, service: str, resource: str) -> tuple[Policy, ...]:
        """Return the policies of a resource; none where it has or can have none, as actions without resources."""
        if resource == "*":
            return ()
        document = self.resource_document(service, resource)
        name = TRUST_POLICY if service == "sts" else RESOURCE_POLICY
        policies = () if not document else (parse(document, holder_of(service, resource), name),)
        grants = _key_grants(resource) if service == "kms" else []
        return policies if not grants else (*policies, parse({"Statement": grants}, resource, KEY_GRANTS))

    def resource_document(self, service: str, resource: str) -> Mapping[str, Any] | str | None:
        """Return the policy of a resource as it is written; None where it has or can have none."""
        own = self.world.services.get(service)
        document: Mapping[str, Any] | str | None = None if own is None else own.resource_policy(resource)
        if document is None:
            find = RESOURCE_POLICIES.get(service)
            document = None if find is None else find(self, resource)
        return document

    def _session(self, caller: Caller) -> tuple[Policy, ...] | None:
        if not caller.session_policies:
            # A federated user has no permissions but those that its session policies name.
            return () if caller.kind == "federated-user" else None
        return tuple(
            parse(document, caller.role or caller.arn, f"session policy {number}")
            for number, document in enumerate(caller.session_policies)
        )

    def _managed(self, arn: str) -> Policy:
        document = managed_document(arn, self.world)
        name = managed_name(arn)
        # A boundary that is gone allows nothing.
        return Policy(arn, name, ()) if document is None else parse(document, arn, name)

    def _levels(self, account: str, kind: str) -> tuple[tuple[Policy, ...], ...]:
        """Return the organisation's policies on an account, from the root down; the management account has none."""
        member = self.world.accounts.get(account)
        if member is None or account == self.world.management:
            return ()
        nodes = self._indexed()
        path = [nodes[name] for name in (*member.path, account) if name in nodes]
        # A type that is not enabled in the root has no effect, whatever is attached.
        if not path or all(known["Type"] != kind for known in getattr(path[0], "policy_types", ())):
            return ()
        return tuple(
            tuple(
                parse(policy.content, self._policy_arn(policy), policy.name)
                for policy in node.attached_policies
                if policy.type == kind
            )
            for node in path
        )

    def _policy_arn(self, policy: Any) -> str:
        key = (policy.organization_id, policy.id)
        if key not in self._arns:
            self._arns[key] = str(policy.arn)
        return self._arns[key]

    def _indexed(self) -> dict[str, Any]:
        """Roots, organizational units and accounts of moto by id; made anew where one came or went."""
        backend = backends("organizations")[self.world.management][self.partition]
        stamp = (id(backend.ou), len(backend.ou), id(backend.accounts), len(backend.accounts))
        if stamp != self._stamp:
            self._stamp = stamp
            self._nodes = {node.id: node for node in (*backend.ou, *backend.accounts)}
        return self._nodes


def _is_decisive(service: str, resource: str) -> bool:
    """Whether the resource's policy must allow: identity policies count only where it delegates to the account.

    So it is with keys and roles. An alias has no policy of its own, and a key that is being created none yet.
    """
    if service == "kms":
        return resource != "*" and ":alias/" not in resource and not resource.endswith(":key/*")
    return service == "sts" and ":role/" in resource


def _attached(holder: Any) -> Iterator[Policy]:
    for name, document in holder.policies.items():
        yield parse(document, holder.arn, name)
    for arn, policy in holder.managed_policies.items():
        version = next(item for item in policy.versions if item.version_id == policy.default_version_id)
        yield parse(version.document, arn, managed_name(arn))


def managed_name(arn: str) -> str:
    """Return the name in a managed policy's ARN."""
    return arn.rsplit("/", 1)[-1]


def holder_of(service: str, resource: str) -> str:
    """Return the ARN of what the policy of a resource hangs on: an object's bucket, an index's table, a function."""
    if service == "s3":
        return resource.split("/", 1)[0]
    if service == "dynamodb":
        return resource.split("/index/", 1)[0]
    if service == "lambda":
        # A qualifier, the eighth part, names a version or an alias.
        return ":".join(resource.split(":")[:7])
    return resource


def managed_document(arn: str, world: World) -> str | None:
    """Return the default version of a managed policy, the account's or AWS's own; None where there is none."""
    account = arn.split(":")[4]
    if account == "aws":
        found = aws_managed_policies().get(managed_name(arn))
        return None if found is None else json.dumps(found["Document"])
    policy = backends("iam")[account][world.partition].managed_policies.get(arn)
    if policy is None:
        return None
    return next(str(item.document) for item in policy.versions if item.version_id == policy.default_version_id)


@cache
def aws_managed_policies() -> Mapping[str, Any]:
    """AWS's managed policies by name. moto ships them as one text of several megabytes, so they are read late."""
    from moto.iam.aws_managed_policies import aws_managed_policies_data

    policies: Mapping[str, Any] = json.loads(aws_managed_policies_data)
    return policies


def _tags(tags: Any) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in tags or ()}


def _queue_policy(gathering: Gathering, arn: str) -> Any:
    _, _, _, region, account, name = arn.split(":", 5)
    queue = backends("sqs")[account][region].queues.get(name)
    return None if queue is None else queue.policy


def _topic_policy(gathering: Gathering, arn: str) -> Any:
    _, _, _, region, account, _ = arn.split(":", 5)
    topic = backends("sns")[account][region].topics.get(arn)
    return None if topic is None else topic.policy


def bucket_of(arn: str, partition: str) -> Any | None:
    """Return moto's bucket of a bucket's or object's ARN, whoever owns it."""
    name = arn.split(":", 5)[5].split("/", 1)[0]
    buckets = backends("s3")
    owner = buckets.bucket_accounts.get(name)
    return None if owner is None else buckets[owner[1]][partition].buckets.get(name)


def _bucket_policy(gathering: Gathering, arn: str) -> Any:
    if not arn.startswith(f"arn:{gathering.partition}:s3:::"):
        return None
    bucket = bucket_of(arn, gathering.partition)
    return None if bucket is None or bucket.policy is None else bucket.policy.decode()


def _key_policy(gathering: Gathering, arn: str) -> Any:
    _, _, _, region, account, name = arn.split(":", 5)
    key = backends("kms")[account][region].keys.get(name.removeprefix("key/"))
    return None if key is None else key.policy


def _key_grants(arn: str) -> list[dict[str, Any]]:
    """Return a key's grants as statements: each allows its grantee directly, within its constraints.

    Source: KMS Developer Guide, "Grants in AWS KMS", "Using grant constraints" and "Retiring and revoking grants".
    """
    _, _, _, region, account, name = arn.split(":", 5)
    key = backends("kms")[account][region].keys.get(name.removeprefix("key/"))
    return [] if key is None else [item for grant in key.grants.values() for item in _grant_statements(grant)]


def _grant_statements(grant: Any) -> Iterator[dict[str, Any]]:
    constraints = grant.constraints or {}
    subset = constraints.get("EncryptionContextSubset") or {}
    exact = constraints.get("EncryptionContextEquals") or {}
    condition: dict[str, dict[str, Any]] = {}
    if subset or exact:
        pairs = {**subset, **exact}
        condition["StringEquals"] = {f"kms:EncryptionContext:{key}": value for key, value in pairs.items()}
    if exact:
        condition["ForAllValues:StringEquals"] = {"kms:EncryptionContextKeys": list(exact)}
    # Operations that take no encryption context are not constrained.
    free = [operation for operation in grant.operations if operation in UNCONSTRAINED]
    bound = [operation for operation in grant.operations if operation not in UNCONSTRAINED]
    if bound:
        yield _grant_statement(grant.id, grant.grantee_principal, bound, condition)
    if free:
        yield _grant_statement(grant.id, grant.grantee_principal, free, {})
    if grant.retiring_principal:
        yield _grant_statement(grant.id, grant.retiring_principal, ["RetireGrant"], {})


def _grant_statement(
    name: str, principal: str, operations: list[str], condition: dict[str, dict[str, Any]]
) -> dict[str, Any]:
    kind = "Service" if principal.endswith(".amazonaws.com") else "AWS"
    return {
        "Sid": name,
        "Effect": "Allow",
        "Principal": {kind: principal},
        "Action": [f"kms:{operation}" for operation in operations],
        "Resource": "*",
        **({"Condition": condition} if condition else {}),
    }


def _table_policy(gathering: Gathering, arn: str) -> Any:
    _, _, _, region, account, _ = arn.split(":", 5)
    found = backends("dynamodb")[account][region].resource_policies.get(holder_of("dynamodb", arn))
    return None if found is None else found.policy_doc


def _secret_policy(gathering: Gathering, arn: str) -> Any:
    _, _, _, region, account, _ = arn.split(":", 5)
    secrets = backends("secretsmanager")[account][region].secrets
    return next((secret.policy for secret in secrets.values() if secret.arn == arn), None)


def _trust_policy(gathering: Gathering, arn: str) -> Any:
    role = gathering.role_by_arn(arn)
    return None if role is None else role.assume_role_policy_document


RESOURCE_POLICIES: Mapping[str, Callable[[Gathering, str], Any]] = {
    "dynamodb": _table_policy,
    "kms": _key_policy,
    "s3": _bucket_policy,
    "secretsmanager": _secret_policy,
    "sns": _topic_policy,
    "sqs": _queue_policy,
    "sts": _trust_policy,
}
