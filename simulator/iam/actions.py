"""What a call needs: IAM actions, the resources they are asked for on, and service-specific context."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING
from urllib.parse import unquote

from moto.core.utils import get_service_model

from simulator.call import Call
from simulator.iam.action_table import OPERATIONS, PREFIXES, S3_VERSIONS
from simulator.iam.context import service_context
from simulator.iam.dynamodb import item_accesses
from simulator.iam.forwarding import code_object, created_types, passed_roles, tagging_action
from simulator.iam.lookups import event_bus_arn, key_arn
from simulator.iam.patterns import Context
from simulator.iam.resource_table import MADE
from simulator.iam.resources import UnmappedOperationError, resources_of
from simulator.iam.service_data import Action, action_of

if TYPE_CHECKING:
    from simulator.world import World

# IAM User Guide: these need no permissions, and a deny does not stop them.
FREE = frozenset({("sts", "GetCallerIdentity"), ("sts", "GetSessionToken")})


@dataclass(frozen=True, slots=True)
class Authorization:
    """One action that a call needs on each of some resources, with context keys beyond the global ones."""

    action: str
    resources: tuple[str, ...]
    context: Context = field(default_factory=dict)


def authorizations(call: Call, world: World) -> list[Authorization]:
    """Return everything that a call needs to be allowed.

    Raises UnmappedOperationError where an action or its resource is not known here.
    """
    if (call.service, call.operation) in FREE:
        return []
    if call.service in ("apigateway", "apigatewayv2"):
        return [_api_gateway(call)]
    own = list(_own(call, world))
    return [*own, *_beside(call, world, own)]


def _own(call: Call, world: World) -> Iterator[Authorization]:
    context = service_context(call)
    accesses = item_accesses(call) if call.service == "dynamodb" else None
    if accesses is not None:
        for access in accesses:
            yield Authorization(access.action, (access.resource,), {**context, **access.context})
        return
    if call.service == "events" and call.operation == "PutEvents":
        yield from _entries(call, context)
        return
    if call.service == "lambda" and call.operation == "InvokeFunctionUrl":
        yield from _by_url(call, context)
        return
    if call.service == "s3" and call.operation in ("CopyObject", "UploadPartCopy"):
        yield Authorization("s3:GetObject", (_copy_source(call),), context)
        target = f"arn:{call.partition}:s3:::{call.parameters['Bucket']}/{call.parameters['Key']}"
        yield Authorization("s3:PutObject", (target,), context)
        return
    if call.service == "kms" and call.operation == "ReEncrypt":
        source, target = call.parameters.get("SourceKeyId"), call.parameters["DestinationKeyId"]
        if isinstance(source, str):
            yield Authorization("kms:ReEncryptFrom", (key_arn(call, source, call.account),), context)
        yield Authorization("kms:ReEncryptTo", (key_arn(call, target, call.account),), context)
        return
    for action in actions_of(call):
        resources = resources_of(call, action, world)
        # What EC2 tags as it makes it, it also asks the operation's own action for.
        made = [kind for kind in created_types(call) if any(kind == known.name for known in action.types)]
        arns = (f"arn:{call.partition}:ec2:{call.region}:{call.account}:{kind}/*" for kind in made)
        yield Authorization(action.name, tuple(dict.fromkeys((*resources, *arns))), context)


def _entries(call: Call, context: Context) -> Iterator[Authorization]:
    """Each entry of PutEvents is authorised on its bus, with its own source and detail type."""
    seen = dict.fromkeys(
        (entry.get("EventBusName") or "default", entry.get("Source"), entry.get("DetailType"))
        for entry in call.parameters.get("Entries", ())
    )
    for bus, source, kind in seen:
        named = {"events:source": source, "events:detail-type": kind}
        keys: Context = {key: (value,) for key, value in named.items() if value}
        yield Authorization("events:PutEvents", (event_bus_arn(call, bus),), {**context, **keys})


def _by_url(call: Call, context: Context) -> Iterator[Authorization]:
    """A function's URL needs two actions, each with a key of its own, as all have that were made since October 2025.

    Source: Lambda Developer Guide, "Control access to Lambda function URLs".
    """
    function = (str(call.parameters["FunctionName"]),)
    yield Authorization("lambda:InvokeFunctionUrl", function, context)
    others = {key: value for key, value in context.items() if key != "lambda:FunctionUrlAuthType"}
    yield Authorization("lambda:InvokeFunction", function, {**others, "lambda:InvokedViaFunctionUrl": "true"})


def actions_of(call: Call) -> tuple[Action, ...]:
    """Return the IAM actions of the operation itself."""
    prefix = PREFIXES.get(call.service) or _signing_name(call.service)
    names = OPERATIONS.get((call.service, call.operation), (call.operation,))
    if call.service == "s3" and call.parameters.get("VersionId") and call.operation in S3_VERSIONS:
        names = (S3_VERSIONS[call.operation],)
    return tuple(_known(call, prefix, name) for name in names)


def _known(call: Call, prefix: str, name: str) -> Action:
    try:
        action = action_of(prefix, name)
    except FileNotFoundError:
        action = None
    if action is None:
        raise UnmappedOperationError(
            f"{call.service}:{call.operation}: IAM has no action {prefix}:{name}; "
            f"add the operation to simulator/iam/action_table.py"
        )
    return action


def _signing_name(service: str) -> str:
    return str(get_service_model(service).signing_name)


def _beside(call: Call, world: World, own: list[Authorization]) -> Iterator[Authorization]:
    """What the call needs beside its own actions."""
    for role, context in passed_roles(call, world):
        yield Authorization("iam:PassRole", (role,), context)
    tagging = tagging_action(call)
    if tagging is not None:
        prefix = PREFIXES.get(call.service) or _signing_name(call.service)
        action = _of_types(call, _known(call, prefix, tagging))
        yield Authorization(action.name, resources_of(call, action, world), service_context(call))
    for kind in created_types(call):
        arn = f"arn:{call.partition}:ec2:{call.region}:{call.account}:{kind}/*"
        yield Authorization("ec2:CreateTags", (arn,), {"ec2:CreateAction": call.operation, "ec2:Region": call.region})
    code = code_object(call)
    if code is not None:
        yield Authorization("s3:GetObject", (code,), {"aws:ViaAWSService": "true"})
    if call.service == "s3":
        yield from _s3_extras(call, own)
    if call.service == "sts" and call.operation in ("AssumeRole", "AssumeRoleWithWebIdentity"):
        roles = (str(call.parameters["RoleArn"]),)
        session = service_context(call)
        if call.parameters.get("SourceIdentity") or call.caller.source_identity:
            yield Authorization("sts:SetSourceIdentity", roles, session)
        # Transitive tags of the caller's own session are set on the new one too.
        if call.parameters.get("Tags") or call.caller.transitive_tags:
            yield Authorization("sts:TagSession", roles, session)
    if call.service == "sts" and call.operation == "GetFederationToken" and call.parameters.get("Tags"):
        yield Authorization("sts:TagSession", own[0].resources, service_context(call))


def _of_types(call: Call, tagging: Action) -> Action:
    """Narrow a tagging action to what the operation makes: other types may be named by the same parameter."""
    known = MADE.get((call.service, call.operation))
    made = {known} if known else {kind.name for action in actions_of(call) for kind in action.types}
    types = tuple(kind for kind in tagging.types if kind.name in made)
    return replace(tagging, types=types) if types else tagging


def _s3_extras(call: Call, own: list[Authorization]) -> Iterator[Authorization]:
    """S3 asks for more where a request sets tags, access control lists or locks as it writes."""
    parameters = call.parameters
    context = own[0].context
    targets = own[-1].resources
    if call.operation in ("PutObject", "CopyObject", "CreateMultipartUpload"):
        if parameters.get("Tagging"):
            yield Authorization("s3:PutObjectTagging", targets, context)
        if parameters.get("ACL"):
            yield Authorization("s3:PutObjectAcl", targets, context)
        if parameters.get("ObjectLockMode"):
            yield Authorization("s3:PutObjectRetention", targets, context)
    if call.operation == "CreateBucket":
        if parameters.get("ACL"):
            yield Authorization("s3:PutBucketAcl", targets, context)
        if parameters.get("ObjectOwnership"):
            yield Authorization("s3:PutBucketOwnershipControls", targets, context)
        if parameters.get("ObjectLockEnabledForBucket"):
            yield Authorization("s3:PutBucketObjectLockConfiguration", targets, context)
            yield Authorization("s3:PutBucketVersioning", targets, context)
    if parameters.get("BypassGovernanceRetention"):
        yield Authorization("s3:BypassGovernanceRetention", targets, context)


def _copy_source(call: Call) -> str:
    source = call.parameters["CopySource"]
    if not isinstance(source, str):
        source = f"{source['Bucket']}/{source['Key']}"
    path = unquote(source.split("?")[0]).removeprefix("/")
    return path if path.startswith("arn:") else f"arn:{call.partition}:s3:::{path}"


def _api_gateway(call: Call) -> Authorization:
    """API Gateway authorises the HTTP method on the path. Source: "Actions, resources, and condition keys"."""
    model = get_service_model(call.service).operation_model(call.operation)
    path = str(model.http["requestUri"]).split("?")[0]
    for name, shape in model.input_shape.members.items() if model.input_shape else ():
        label = shape.serialization.get("name", name)
        if shape.serialization.get("location") == "uri":
            value = str(call.parameters.get(name, "*"))
            path = path.replace(f"{{{label}}}", value).replace(f"{{{label}+}}", value)
    path = path.removeprefix("/v2") if call.service == "apigatewayv2" else path
    resource = f"arn:{call.partition}:apigateway:{call.region}::{path}"
    return Authorization(f"apigateway:{model.http['method']}", (resource,))
