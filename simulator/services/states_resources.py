"""What a Task's `Resource` names: a function, an optimised integration, or an operation of the AWS SDK.

Source: Step Functions Developer Guide, "Integrating services with Step Functions", "Learning to use AWS service SDK
integrations in Step Functions" and "Discover service integration patterns in Step Functions".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from botocore.exceptions import UnknownServiceError
from botocore.model import OperationModel
from moto.core.utils import get_service_model

from simulator.call import ServiceError

FUNCTION = re.compile(r"arn:(?P<partition>[a-z-]+):lambda:(?P<region>[a-z0-9-]+):\d{12}:function:[\w-]+(?::[\w$-]+)?")
INTEGRATION = re.compile(r"arn:(?P<partition>[a-z-]+):states:(?P<region>[a-z0-9-]*):(?P<account>\d*):(?P<what>.+)")
CALLBACK = "waitForTaskToken"
# Packages of the AWS SDK for Java 2.x, by which integrations are named, that boto3 calls otherwise.
JAVA: Mapping[str, str] = {
    "sfn": "stepfunctions", "cloudwatchlogs": "logs", "eventbridge": "events", "elasticloadbalancing": "elb",
    "elasticloadbalancingv2": "elbv2", "costexplorer": "ce", "databasemigration": "dms", "ecrpublic": "ecr-public",
    "cognitoidentityprovider": "cognito-idp", "cognitoidentity": "cognito-identity", "servicequotas": "service-quotas",
    "resourcegroups": "resource-groups", "ssoadmin": "sso-admin", "acmpca": "acm-pca", "networkfirewall":
    "network-firewall", "applicationautoscaling": "application-autoscaling", "elasticsearch": "es",
}  # fmt: skip
# "Unsupported API actions for supported services"; streams and credentials have no place in a workflow.
UNSUPPORTED = frozenset({("sts", "AssumeRole"), ("sts", "AssumeRoleWithSAML"), ("sts", "AssumeRoleWithWebIdentity")})


@dataclass(frozen=True, slots=True)
class Optimised:
    """A service with an integration of its own: how it is called, and how its errors are named."""

    service: str  # boto3's name
    error: str  # what its errors begin with
    unmodelled: str  # the error of a code that the service's model does not name
    operations: tuple[str, ...]


OPTIMISED: Mapping[str, Optimised] = {
    "lambda": Optimised("lambda", "Lambda", "AWSLambdaException", ("Invoke",)),
    "sns": Optimised("sns", "SNS", "AmazonSNSException", ("Publish",)),
    "sqs": Optimised("sqs", "SQS", "AmazonSQSException", ("SendMessage",)),
    "dynamodb": Optimised(
        "dynamodb", "DynamoDB", "AmazonDynamoDBException", ("GetItem", "PutItem", "UpdateItem", "DeleteItem")
    ),
    "events": Optimised("events", "EventBridge", "AmazonEventBridgeException", ("PutEvents",)),
    "states": Optimised("stepfunctions", "StepFunctions", "AWSStepFunctionsException", ("StartExecution",)),
}


class ResourceError(ValueError):
    """A resource that Step Functions refuses."""


@dataclass(frozen=True, slots=True)
class Resource:
    """What a task calls. `kind` is "function", "optimised" or "sdk"; `type` and `action` as the history shows them."""

    kind: str
    service: str  # boto3's name
    operation: str
    type: str
    action: str
    error: str
    unmodelled: str
    callback: bool = False

    @property
    def model(self) -> OperationModel:
        """The service model's operation."""
        model: OperationModel = get_service_model(self.service).operation_model(self.operation)
        return model

    def error_name(self, code: str) -> str:
        """The name of a service's error: the model's exception, or the one for codes that it does not name."""
        for shape in get_service_model(self.service).error_shapes:
            if code in (shape.name, (shape.metadata.get("error") or {}).get("code")):
                name = shape.name.removesuffix("Fault")
                return f"{self.error}.{name if name.endswith('Exception') else f'{name}Exception'}"
        return f"{self.error}.{self.unmodelled}"


def parse(arn: str, partition: str, region: str) -> Resource:
    """Read a resource; raises ResourceError, and ServiceError for what is not simulated."""
    function = FUNCTION.fullmatch(arn)
    found = function or INTEGRATION.fullmatch(arn)
    if found is None:
        raise ResourceError("Value is not a valid resource ARN")
    if found["partition"] != partition:
        raise ResourceError(f"The resource is of partition {found['partition']}, the state machine of {partition}")
    if function is not None:
        if function["region"] != region:
            raise ResourceError("The function is in another Region")
        return Resource("function", "lambda", "Invoke", "lambda", "invoke", "Lambda", "AWSLambdaException")
    if found["what"].startswith("activity:"):
        raise _gap("activities")
    name, _, pattern = found["what"].partition(".")
    if found["region"] or found["account"]:
        raise ResourceError("Value is not a valid resource ARN")
    if pattern not in ("", CALLBACK):
        raise _gap(f"the pattern {pattern!r} of {name}")
    parts = name.split(":")
    if len(parts) == 3 and parts[0] == "aws-sdk":
        return _sdk(parts[1], parts[2], callback=bool(pattern))
    if len(parts) != 2:
        raise ResourceError("Value is not a valid resource ARN")
    return _optimised(parts[0], parts[1], callback=bool(pattern))


def _optimised(service: str, action: str, *, callback: bool) -> Resource:
    known = OPTIMISED.get(service)
    operation = action[:1].upper() + action[1:]
    if known is None or operation not in known.operations:
        raise _gap(f"the integration {service}:{action}")
    if callback and service == "dynamodb":
        raise ResourceError(f"The integration {service}:{action} does not wait for a task token")
    shown = action + (f".{CALLBACK}" if callback else "")
    return Resource("optimised", known.service, operation, service, shown, known.error, known.unmodelled, callback)


def _sdk(package: str, action: str, *, callback: bool) -> Resource:
    service = JAVA.get(package, package)
    try:
        model = get_service_model(service)
    except UnknownServiceError as error:
        raise ResourceError(f"The resource provided aws-sdk:{package}:{action} is not recognized") from error
    operation = action[:1].upper() + action[1:]
    if operation not in model.operation_names or action[:1].isupper() or (service, operation) in UNSUPPORTED:
        raise ResourceError(f"The resource provided aws-sdk:{package}:{action} is not recognized")
    name = class_name(str(model.service_id))
    shown = action + (f".{CALLBACK}" if callback else "")
    return Resource("sdk", service, operation, f"aws-sdk:{package}", shown, name, f"{name}Exception", callback)


def _gap(what: str) -> ServiceError:
    return ServiceError("NotImplemented", f"{what}: not simulated in states (docs/local-organisation.md)", 501)


@cache
def class_name(service_id: str) -> str:
    """Name a service as the AWS SDK for Java names its classes: `DynamoDb`, `Ec2`, `CloudWatchLogs`."""
    spaced = re.sub(r"[^A-Za-z0-9]+", " ", service_id)
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z][A-Za-z0-9])", " ", spaced)
    spaced = re.sub(r"([A-Z]+)([A-Z][a-z])", r"\1 \2", spaced)
    name = "".join(word[:1].upper() + word[1:].lower() for word in spaced.split())
    return name.removeprefix("Amazon").removeprefix("Aws").removesuffix("Service")


@cache
def member_name(name: str) -> str:
    """Name a member as SDK integrations do: `DbInstanceIdentifier` for DBInstanceIdentifier, `RoleArn` for roleArn."""
    start = re.match(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]+", name)
    if start is None:
        return name[:1].upper() + name[1:]
    return start[0][:1] + start[0][1:].lower() + name[start.end() :]
