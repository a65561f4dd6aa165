"""What is not simulated says so by name; nothing of it ends in silence or in an exception of ours."""

from __future__ import annotations

from collections.abc import Iterator
from inspect import signature
from typing import Any

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from botocore.model import ListShape, MapShape, OperationModel, Shape, ShapeResolver, StructureShape
from moto.core.utils import get_service_model

from simulator.assembly import build_services
from simulator.call import ServiceError
from simulator.local import LocalOrganization
from simulator.parameters import validate
from simulator.service import Service
from tests.simulator.pipeline_world import MEMBER, organization

UNCHECKED = Config(parameter_validation=False, retries={"total_max_attempts": 1, "mode": "standard"})
# Services that moto answers for us, more or less.
MOTO = (
    "autoscaling", "backup", "cloudfront", "cloudtrail", "ecr", "ecs", "efs", "eks", "elb", "elbv2", "guardduty",
    "inspector2", "logs", "macie2", "rds", "redshift", "route53", "secretsmanager", "ses", "ssm",
    "wafv2",
)  # fmt: skip
# Operations that neither moto nor we answer.
KNOWN = (
    ("cloudtrail", "GetChannel"), ("guardduty", "ListInvitations"), ("ec2", "GetImageBlockPublicAccessState"),
    ("ec2", "EnableSnapshotBlockPublicAccess"), ("securityhub", "GetInsights"), ("securityhub", "GetFindingsV2"),
    ("config", "PutConformancePack"), ("config", "PutOrganizationConfigRule"), ("lambda", "InvokeAsync"),
    ("lambda", "GetAccountSettings"), ("cloudformation", "UpdateStack"), ("events", "ListArchives"),
    ("iam", "SimulatePrincipalPolicy"), ("kms", "ConnectCustomKeyStore"),
    ("stepfunctions", "StartSyncExecution"), ("stepfunctions", "PublishStateMachineVersion"),
)  # fmt: skip


class Asker:
    """Asks with parameters that no client has looked at."""

    def __init__(self, opened: LocalOrganization) -> None:
        self.opened = opened
        self._session: Any = opened.session(MEMBER)
        self._clients: dict[str, Any] = {}

    def ask(self, service: str, operation: str, parameters: dict[str, Any] | None = None) -> tuple[str | None, str]:
        """Return the error's code and message; no code where the call succeeds."""
        if service not in self._clients:
            self._clients[service] = self._session.client(service, config=UNCHECKED)
        model = get_service_model(service).operation_model(operation)
        try:
            self._clients[service]._make_api_call(operation, _least(model) if parameters is None else parameters)
        except ClientError as error:
            return error.response["Error"]["Code"], error.response["Error"]["Message"]
        return None, ""


@pytest.fixture(scope="module")
def asker() -> Iterator[Asker]:
    with organization() as opened:
        opened.rates.suspend()
        yield Asker(opened)


@pytest.mark.parametrize(("service", "operation"), KNOWN)
def test_an_operation_that_is_not_simulated_answers_an_error_that_names_it(
    asker: Asker, service: str, operation: str
) -> None:
    code, text = asker.ask(service, operation)
    assert code == "NotImplemented"
    assert f"{service}:{operation}" in text


@pytest.mark.parametrize(
    ("service", "operation"),
    [("fms", "ListPolicies"), ("detective", "ListGraphs"), ("auditmanager", "ListControls"), ("chime", "ListAccounts")],
)
def test_a_service_that_is_not_simulated_answers_an_error_that_names_it(
    asker: Asker, service: str, operation: str
) -> None:
    code, text = asker.ask(service, operation)
    assert code in ("NotImplemented", "UnknownOperationException")
    assert service in text


def test_what_answers_an_operation_takes_the_call_alone(asker: Asker) -> None:
    services = asker.opened.do(lambda: build_services(asker.opened.world, asker.opened.identities))
    for service in services.values():
        for operation in get_service_model(service.name).operation_names:
            method = service.operation(operation)
            assert method is None or list(signature(method).parameters) == ["call"], f"{service.name}:{operation}"


def test_what_a_service_of_ours_lacks_never_succeeds(asker: Asker) -> None:
    silent = []
    for service in _whole(asker.opened):
        for operation in get_service_model(service.name).operation_names:
            if service.operation(operation) is None and asker.ask(service.name, operation)[0] is None:
                silent.append(f"{service.name}:{operation}")
    assert silent == []


@pytest.mark.parametrize("service", MOTO)
def test_no_operation_ends_in_an_exception_of_ours(asker: Asker, service: str) -> None:
    for operation in list(get_service_model(service).operation_names)[::5]:
        code, text = asker.ask(service, operation)
        assert code != "NotImplemented" or f"{service}:{operation}" in text


@pytest.mark.parametrize(
    ("service", "operation", "parameters", "named"),
    [
        ("sqs", "CreateQueue", {}, "queueName"),
        ("kms", "CreateKey", {"KeyUsage": "LOCK_DOORS"}, "keyUsage"),
        ("securityhub", "GetFindings", {"MaxResults": 0}, "maxResults"),
        ("lambda", "ListFunctions", {"MaxItems": 10_001}, "maxItems"),
        ("cloudtrail", "LookupEvents", {"MaxResults": 51}, "maxResults"),
        ("dynamodb", "ListTables", {"Limit": 101}, "limit"),
    ],
)
def test_parameters_that_the_model_refuses_are_refused_by_name(
    asker: Asker, service: str, operation: str, parameters: dict[str, Any], named: str
) -> None:
    code, text = asker.ask(service, operation, parameters)
    assert code is not None
    assert f"'{named}'" in text


@pytest.mark.parametrize(
    ("pattern", "given", "accepted"),
    [
        (r"^[\u0020-\uD7FF\uE000-\uFFFD\uD800\uDC00-\uDBFF\uDFFF\t]*$", "beyond the plane: \U0001f512", True),
        (r"^[\u0020-\uD7FF\uE000-\uFFFD\uD800\uDC00-\uDBFF\uDFFF\t]*$", "a null: \0", False),
        (r"^[\x{60}a-z]+$", "`quoted`", True),
        (r"^[\x{60}a-z]+$", "'quoted'", False),
        (r"[\p{all}]*", "wrong in the model itself", True),
    ],
)
def test_patterns_are_read_as_java_reads_them(pattern: str, given: str, accepted: bool) -> None:
    shapes: Any = {"Name": {"type": "string", "pattern": pattern}}
    shape = StructureShape(
        "Request", {"type": "structure", "members": {"Name": {"shape": "Name"}}}, ShapeResolver(shapes)
    )
    if accepted:
        validate("dlm", shape, {"Name": given})
        return
    with pytest.raises(ServiceError, match="regular expression"):
        validate("dlm", shape, {"Name": given})


def _whole(opened: LocalOrganization) -> list[Service]:
    services = opened.do(lambda: build_services(opened.world, opened.identities))
    return [one for one in services.values() if one.whole]


def _least(model: OperationModel) -> dict[str, Any]:
    """The least parameters that have the model's form."""
    return {} if model.input_shape is None else _filled(model.input_shape, 0)


def _filled(shape: Shape, depth: int) -> Any:
    if isinstance(shape, StructureShape):
        names = shape.required_members if depth < 6 else ()
        return {name: _filled(shape.members[name], depth + 1) for name in names}
    if isinstance(shape, ListShape):
        return [_filled(shape.member, depth + 1)]
    if isinstance(shape, MapShape):
        return {"key": _filled(shape.value, depth + 1)}
    least = int(shape.metadata.get("min", 1))
    plain: dict[str, Any] = {"boolean": True, "timestamp": "2026-01-05T09:00:00Z", "blob": b"x"}
    if shape.type_name in ("string", "character"):
        allowed = shape.metadata.get("enum")
        return allowed[0] if allowed else "x" * max(1, least)
    return plain.get(shape.type_name, least)
