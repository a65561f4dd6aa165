"""The statements that an account's own policies hold, under the names by which decisions refer to them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from moto.backends import get_backend

from simulator.iam.decision import StatementRef
from simulator.iam.gathering import RESOURCE_POLICY, SERVICE_LINKED, TRUST_POLICY, Gathering, managed_name
from simulator.iam.policy import statements_in
from simulator.services.lambda_functions import LambdaFunctions

if TYPE_CHECKING:
    from simulator.world import World

Statements = Iterator[tuple[StatementRef, dict[str, Any]]]


def statements_of(world: World, account: str) -> Statements:
    """Yield every statement of an account's roles, managed policies and resource policies, as written.

    Left out is what is AWS's own: service-linked roles, AWS managed policies, AWS managed keys. The
    policies that services give a new key or topic by default are there, as they are in AWS.
    """
    backend = get_backend("iam")[account][world.partition]
    for role in backend.roles.values():
        if SERVICE_LINKED in role.arn:
            continue
        yield from _statements(role.arn, TRUST_POLICY, role.assume_role_policy_document)
        for name, document in role.policies.items():
            yield from _statements(role.arn, name, document)
    for arn, policy in backend.managed_policies.items():
        if arn.split(":")[4] == account:
            version = next(item for item in policy.versions if item.version_id == policy.default_version_id)
            yield from _statements(arn, managed_name(arn), version.document)
    gathering = Gathering(world)
    for service, arn in _resources(world, account):
        document = gathering.resource_document(service, arn)
        if document:
            yield from _statements(arn, RESOURCE_POLICY, document)


def _resources(world: World, account: str) -> Iterator[tuple[str, str]]:
    """Yield service and ARN of everything of an account that can have a policy."""
    for bucket in get_backend("s3")[account][world.partition].buckets.values():
        yield "s3", bucket.arn
    for region in world.regions:
        for queue in get_backend("sqs")[account][region].queues.values():
            yield "sqs", queue.queue_arn
        for topic in get_backend("sns")[account][region].topics.values():
            yield "sns", topic.arn
        for key in get_backend("kms")[account][region].keys.values():
            if key.key_manager == "CUSTOMER":
                yield "kms", key.arn
    functions = world.services.get("lambda")
    if isinstance(functions, LambdaFunctions):
        for function in functions.functions.values():
            if function.account == account:
                yield "lambda", function.arn


def _statements(holder: str, policy: str, document: Mapping[str, Any] | str | bytes) -> Statements:
    read = document if isinstance(document, Mapping) else json.loads(document)
    for name, item in statements_in(read):
        yield StatementRef(holder, policy, name), item
