"""The table of operations: every exception has a source and a need, and every call of the project is known to it."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

import pytest
from botocore import xform_name
from moto.core.utils import get_service_model

from simulator.call import Call
from simulator.iam.action_table import OPERATIONS, PREFIXES, REVIEWED, Reviewed
from simulator.iam.actions import FREE, actions_of
from simulator.iam.dynamodb import item_accesses
from simulator.iam.resources import UnmappedOperationError
from simulator.iam.service_data import action_of
from tests.simulator.iam_world import HUB, REGION, SESSION_CALLER

Nodes = list[ast.Call | ast.keyword]
ROOT = Path(__file__).parents[2]
# What calls AWS: the functions and the catalog, the provisioners of the program, the command, the services of ours.
CALLERS = ("lambdas", "simulator", "operations", "stacks", "components")
# What these need follows from their parameters.
BY_PARAMETERS = {("s3", "CopyObject"), ("s3", "UploadPartCopy")}
# Operations of S3 on Outposts, which have the names of those of S3 that the project calls.
NAMESAKES = {("s3control", "GetBucketReplication")}


@cache
def operations(service: str) -> Mapping[str, str]:
    """The operations of a service by boto3's names of their methods."""
    return {xform_name(name): name for name in get_service_model(service).operation_names}


def call(service: str, operation: str) -> Call:
    return Call(service, operation, {}, REGION, "aws", HUB, SESSION_CALLER)


def calls_and_keywords(source: str) -> Nodes:
    """What of a module matters here."""
    return [node for node in ast.walk(ast.parse(source)) if isinstance(node, (ast.Call, ast.keyword))]


def texts(nodes: Nodes, method: str) -> Iterator[list[str]]:
    """The texts among the positional arguments of every call of a method."""
    for node in nodes:
        if isinstance(node, ast.Call) and getattr(node.func, "attr", getattr(node.func, "id", "")) == method:
            yield [one.value for one in node.args if isinstance(one, ast.Constant) and isinstance(one.value, str)]


def named(nodes: Nodes) -> Iterator[str]:
    """Every method that is called, every paginator or waiter's operation, and every operation of a change or probe."""
    for node in nodes:
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            yield node.func.attr
        if isinstance(node, ast.keyword) and node.arg == "operation" and isinstance(node.value, ast.Constant):
            yield str(node.value.value)
    for found in texts(nodes, "get_paginator"):
        yield from found


def clients(nodes: Nodes) -> set[str]:
    """The services that a module makes clients of, or names in changes and probes."""
    made = {name for found in texts(nodes, "client") for name in found[:1]}
    return made | {
        str(node.value.value)
        for node in nodes
        if isinstance(node, ast.keyword) and node.arg == "service" and isinstance(node.value, ast.Constant)
    }


def calls_of_the_project() -> set[tuple[str, str]]:
    """Every (service, operation) that a module may call: the methods of its clients' services.

    A module that is given its clients may call any service of the project.
    """
    paths = (path for folder in CALLERS for path in (ROOT / folder).rglob("*.py"))
    modules = [calls_and_keywords(path.read_text(encoding="utf-8")) for path in paths]
    everywhere = {service for nodes in modules for service in clients(nodes)}
    found: set[tuple[str, str]] = set()
    for nodes in modules:
        methods = set(named(nodes))
        for service in clients(nodes) or everywhere:
            found |= {
                (service, name) for name in get_service_model(service).operation_names if xform_name(name) in methods
            }
        # Calls that start inside the simulator name the operation as the service does.
        for given in (*texts(nodes, "call"), *texts(nodes, "forward")):
            if len(given) == 2 and given[1][:1].isupper():
                found.add((given[0], given[1]))
    return found


def test_every_operation_that_the_project_calls_resolves_to_actions() -> None:
    called = calls_of_the_project()
    unknown = []
    for service, operation in sorted(called - FREE - BY_PARAMETERS - NAMESAKES):
        if service == "dynamodb" and operation.startswith(("Transact", "Execute", "BatchExecute")):
            continue
        try:
            assert actions_of(call(service, operation))
        except UnmappedOperationError:
            unknown.append((service, operation))
    assert len(called) > 100
    assert unknown == []


@pytest.mark.parametrize(
    ("operation", "parameters", "actions"),
    [
        pytest.param(
            "TransactWriteItems",
            {"TransactItems": [{"Put": {"TableName": "t", "Item": {}}}, {"Update": {"TableName": "t", "Key": {}}}]},
            ["dynamodb:PutItem", "dynamodb:UpdateItem"],
            id="a transaction needs the actions of its items",
        ),
        pytest.param(
            "ExecuteStatement", {"Statement": "INSERT INTO \"t\" VALUE {'a': 'b'}"}, ["dynamodb:PartiQLInsert"],
            id="a statement needs the action of its verb",
        ),
    ],
)  # fmt: skip
def test_item_operations_resolve_by_their_parameters(
    operation: str, parameters: dict[str, object], actions: list[str]
) -> None:
    asked = call("dynamodb", operation)
    asked.parameters = parameters
    assert [access.action for access in item_accesses(asked) or ()] == actions


@pytest.mark.parametrize("group", [pytest.param(group, id=group.service) for group in REVIEWED])
def test_every_exception_names_a_page_and_existing_operations_and_actions(group: Reviewed) -> None:
    assert "Guide" in group.source or "Reference" in group.source
    prefix = PREFIXES.get(group.service) or str(get_service_model(group.service).signing_name)
    for operation, actions in group.actions.items():
        assert operation in get_service_model(group.service).operation_names
        assert all(action_of(prefix, action) is not None for action in actions)


def test_no_exception_is_idle() -> None:
    """An operation whose action has its own name needs no entry."""
    idle = [key for key, actions in OPERATIONS.items() if actions == (key[1],)]
    assert idle == []


def test_every_prefix_differs_from_what_the_service_signs_with() -> None:
    same = [name for name, prefix in PREFIXES.items() if get_service_model(name).signing_name == prefix]
    assert same == []


def test_an_operation_that_iam_does_not_know_is_named() -> None:
    with pytest.raises(UnmappedOperationError, match="ec2:DescribeMetricCategories"):
        actions_of(call("ec2", "DescribeMetricCategories"))
