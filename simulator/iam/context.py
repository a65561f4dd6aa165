"""The request context: the keys that conditions of policies ask for.

Source: IAM User Guide, "AWS global condition context keys"; the condition keys of each service in
the Service Authorization Reference.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from simulator.call import Call, Caller
from simulator.iam.patterns import Context, Value
from simulator.iam.resource_tags import tag_context
from simulator.iam.web_identity import OPERATION, claim_context
from simulator.world import dns_suffix_of

if TYPE_CHECKING:
    from simulator.world import World

ENDPOINT_IN_THE_CLEAR = re.compile(r"http://[^/]*\.amazonaws\.com(?:\.cn)?(?::80)?/")
# Services with one endpoint in each partition (AWS General Reference, "Service endpoints and quotas").
GLOBAL_SERVICES = frozenset(
    {"account", "budgets", "ce", "cloudfront", "health", "iam", "organizations", "route53", "shield", "support"}
)
GLOBAL_REGIONS = {"aws": "us-east-1"}
LOOPBACK = "127.0.0.1"
# Source: Amazon S3 User Guide, "Enforce conditional writes on Amazon S3 buckets".
CONDITIONAL_WRITES = frozenset({"CompleteMultipartUpload", "CopyObject", "PutObject"})
PRINCIPAL_TYPES = {
    "root": "Account", "user": "User", "session": "AssumedRole", "federated-user": "FederatedUser",
    "federated": "FederatedUser", "anonymous": "Anonymous",
}  # fmt: skip


def _organization(world: World, account: str, start: str) -> dict[str, Value]:
    """The organisation of an account, under keys that start with `aws:Principal`, `aws:Resource` or `aws:Source`."""
    member = world.accounts.get(account)
    if member is None or not world.organization_id:
        return {}
    path = "/".join((world.organization_id, *member.path))
    # A principal has one path, and yet the key is one of many values; a resource's too.
    return {f"{start}OrgID": world.organization_id, f"{start}OrgPaths": (f"{path}/",)}


def principal_context(caller: Caller, world: World, tags: Mapping[str, str]) -> dict[str, Value]:
    """The keys that describe who calls; `tags` are those of the role or user under the session's."""
    context: dict[str, Value] = {"aws:PrincipalIsAWSService": "true" if caller.kind == "service" else "false"}
    if caller.kind == "service":
        context["aws:PrincipalServiceName"] = caller.service or caller.arn
        context["aws:PrincipalServiceNamesList"] = (caller.service or caller.arn,)
        if caller.source_account:
            # SNS topics know the same as AWS:SourceOwner.
            context |= {"aws:SourceAccount": caller.source_account, "aws:SourceOwner": caller.source_account}
            context |= _organization(world, caller.source_account, "aws:Source")
        if caller.source_arn:
            context["aws:SourceArn"] = caller.source_arn
        return context
    context["aws:PrincipalType"] = PRINCIPAL_TYPES[caller.kind]
    if caller.kind in ("anonymous", "federated"):
        return context  # of no account
    context |= _organization(world, caller.account, "aws:Principal")
    context["aws:PrincipalArn"] = caller.role if caller.kind == "session" and caller.role else caller.arn
    context["aws:PrincipalAccount"] = caller.account
    context["aws:userid"] = caller.unique_id or caller.account
    if caller.kind == "user":
        context["aws:username"] = caller.arn.rsplit("/", 1)[-1]
    if caller.source_identity:
        context["aws:SourceIdentity"] = caller.source_identity
    if caller.kind == "session" or caller.issued is not None:
        context["aws:MultiFactorAuthPresent"] = "false"
    if caller.issued is not None:
        context["aws:TokenIssueTime"] = caller.issued.strftime("%Y-%m-%dT%H:%M:%SZ")
    for key, value in {**tags, **caller.session_tags}.items():
        context[f"aws:PrincipalTag/{key}"] = value
    return context


def request_context(call: Call, world: World) -> dict[str, Value]:
    """The keys that describe the request itself."""
    now = world.agenda.now()
    context: dict[str, Value] = {
        "aws:CurrentTime": now.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "aws:EpochTime": str(int(now.timestamp())),
        **_origin(call),
        "aws:SecureTransport": "false" if _in_the_clear(call) else "true",
        "aws:RequestedRegion": requested_region(call),
        "aws:ViaAWSService": "true" if call.caller.via else "false",
    }
    if call.caller.via:
        context |= via_context(call.caller.via, call.region)
    tags = request_tags(call)
    context |= {f"aws:RequestTag/{key}": value for key, value in tags.items()}
    keys = tuple(tags) or tuple(call.parameters.get("TagKeys") or call.parameters.get("tagKeys") or ())
    if keys:
        context["aws:TagKeys"] = keys
    return context


def requested_region(call: Call) -> str:
    """The Region whose endpoint is called: that of a global service, where it has one."""
    return GLOBAL_REGIONS.get(call.partition, call.region) if call.service in GLOBAL_SERVICES else call.region


def _origin(call: Call) -> dict[str, Value]:
    """Where a request comes from and what the client says of itself; a service in between hides both."""
    if call.request is None or call.caller.kind == "service" or call.caller.via:
        return {}
    headers = {name.lower(): value for name, value in call.request.headers.items()}
    told = {"aws:UserAgent": headers.get("user-agent"), "aws:Referer": headers.get("referer")}
    # Every client of the front door is on this machine.
    return {"aws:SourceIp": LOOPBACK, **{key: value for key, value in told.items() if value}}


def _in_the_clear(call: Call) -> bool:
    """Whether a request came to an endpoint of AWS by plain HTTP; a loopback port stands for an encrypted one."""
    return call.request is not None and ENDPOINT_IN_THE_CLEAR.match(call.request.url) is not None


def via_context(service: str, region: str) -> dict[str, Value]:
    """The keys of a request that a service makes with its caller's permissions."""
    principal = service if service.endswith(".amazonaws.com") else f"{service}.amazonaws.com"
    name = principal.removesuffix(".amazonaws.com")
    return {
        "aws:ViaAWSService": "true",
        "aws:CalledVia": (principal,),
        "aws:CalledViaFirst": principal,
        "aws:CalledViaLast": principal,
        "kms:ViaService": f"{name}.{region}.{dns_suffix_of(region)}",
    }


def resource_context(world: World, account: str, resource: str) -> dict[str, Value]:
    """The keys that describe the resource and who owns it."""
    return {
        "aws:ResourceAccount": account,
        **_organization(world, account, "aws:Resource"),
        **tag_context(resource, world),
    }


def request_tags(call: Call) -> dict[str, str]:
    """The tags that a request would set, in whichever shape the service takes them."""
    parameters = call.parameters
    if call.service == "s3" and parameters.get("Key"):
        return {}  # tags of objects have keys of their own
    found: Any = parameters.get("Tags") or parameters.get("tags") or parameters.get("TagSet")
    if found is None and isinstance(parameters.get("Tagging"), Mapping):
        found = parameters["Tagging"].get("TagSet")
    if found is None and parameters.get("TagSpecifications"):
        found = [tag for item in parameters["TagSpecifications"] for tag in item.get("Tags", ())]
    if isinstance(found, Mapping):
        found = found.get("Items", found)
    if isinstance(found, Mapping):
        return {str(key): str(value) for key, value in found.items()}
    tags = {}
    for tag in found or ():
        if isinstance(tag, Mapping):
            name = next((tag[key] for key in ("Key", "key", "TagKey") if key in tag), None)
            value = next((tag[key] for key in ("Value", "value", "TagValue") if key in tag), "")
            if name is not None:
                tags[str(name)] = str(value)
    return tags


def service_context(call: Call) -> Context:
    """The keys of single services that policies about this call may ask for."""
    parameters = call.parameters
    context: dict[str, Value] = {}
    for key, name in SERVICE_KEYS.get(call.service, {}).items():
        value = parameters.get(name)
        if isinstance(value, (str, int, bool)):
            context[key] = str(value).lower() if isinstance(value, bool) else str(value)
    if call.service == "kms":
        context["kms:CallerAccount"] = call.caller.account
        encryption = parameters.get("EncryptionContext") or {}
        context |= {f"kms:EncryptionContext:{key}": value for key, value in encryption.items()}
        if encryption:
            context["kms:EncryptionContextKeys"] = tuple(encryption)
        if parameters.get("Operations"):
            context["kms:GrantOperations"] = tuple(parameters["Operations"])
        named = parameters.get("KeyId")
        if isinstance(named, str) and "alias/" in named:
            context["kms:RequestAlias"] = named[named.index("alias/") :]
        if call.operation in ("CreateGrant", "ListGrants", "RevokeGrant"):
            # A service in between makes grants for its own resources.
            context["kms:GrantIsForAWSResource"] = "true" if call.caller.via else "false"
    if call.service == "events":
        context |= _event_context(parameters)
    if call.service == "lambda" and isinstance(parameters.get("FunctionName"), str):
        name = parameters["FunctionName"].split(":function:")[-1]
        context["lambda:FunctionArn"] = f"arn:{call.partition}:lambda:{call.region}:{call.account}:function:{name}"
        if parameters.get("AuthType"):  # of a function URL that is made or changed
            context["lambda:FunctionUrlAuthType"] = str(parameters["AuthType"])
    if call.service == "ec2":
        context["ec2:Region"] = call.region
    if call.service == "s3":
        context |= {"s3:authType": "REST-HEADER", "s3:signatureversion": "AWS4-HMAC-SHA256", "s3:TlsVersion": "1.3"}
        context["s3:ResourceAccount"] = call.account
        if call.operation in CONDITIONAL_WRITES:
            given = {"s3:if-match": parameters.get("IfMatch"), "s3:if-none-match": parameters.get("IfNoneMatch")}
            context |= {key: str(value) for key, value in given.items() if value}
        context |= _object_tags(parameters)
    if call.service == "securityhub":
        targets = tuple(sorted({str(one.get("AwsAccountId")) for one in parameters.get("Findings") or ()}))
        if call.operation == "BatchImportFindings" and targets:
            context["securityhub:TargetAccount"] = targets[0] if len(targets) == 1 else targets
        if call.operation == "BatchUpdateFindings":
            context |= _finding_fields(parameters)
    if call.service == "sts":
        context |= session_context(call)
    if call.service == "organizations":
        kind = next((parameters[name] for name in ("PolicyType", "Type", "Filter") if parameters.get(name)), None)
        if kind is not None:
            context["organizations:PolicyType"] = str(kind)
    return context


def _finding_fields(parameters: Mapping[str, Any], path: str = "securityhub:ASFFSyntaxPath/") -> Context:
    """The fields of findings that an update sets, by their paths, with what it sets them to.

    Source: AWS Security Hub User Guide, "Configuring access to BatchUpdateFindings".
    """
    fields: dict[str, Value] = {}
    for name, value in parameters.items():
        if isinstance(value, Mapping):
            fields |= _finding_fields(value, f"{path}{name}.")
        elif isinstance(value, (str, int, bool)):
            fields[f"{path}{name}"] = str(value).lower() if isinstance(value, bool) else str(value)
    return fields


def _object_tags(parameters: Mapping[str, Any]) -> Context:
    """The tags that a request sets on an object: in a header as in a query, or in the body."""
    given = parameters.get("Tagging")
    if not given or not parameters.get("Key"):
        return {}
    if isinstance(given, str):
        tags = dict(parse_qsl(given, keep_blank_values=True))
    else:
        tags = {tag["Key"]: tag["Value"] for tag in given.get("TagSet") or ()}
    return {
        **{f"s3:RequestObjectTag/{key}": value for key, value in tags.items()},
        "s3:RequestObjectTagKeys": tuple(tags),
    }


def _event_context(parameters: Mapping[str, Any]) -> Context:
    """The keys of rules and targets; those of PutEvents depend on the entry."""
    context: dict[str, Value] = {}
    targets = tuple(str(target["Arn"]) for target in parameters.get("Targets") or () if target.get("Arn"))
    if targets:
        context["events:TargetArn"] = targets
    try:
        pattern = json.loads(parameters.get("EventPattern") or "{}")
    except ValueError:
        return context
    for key in ("source", "detail-type"):
        listed = pattern.get(key) if isinstance(pattern, dict) else None
        literals = tuple(value for value in listed or () if isinstance(value, str))
        if literals:
            context[f"events:{key}"] = literals
    return context


def session_context(call: Call) -> Context:
    """The keys of AssumeRole; a source identity that was set before goes on through chained sessions."""
    context: dict[str, Value] = {}
    identity = call.parameters.get("SourceIdentity") or call.caller.source_identity
    if identity:
        context["sts:SourceIdentity"] = identity
    if call.operation == OPERATION:
        context |= claim_context(call)
    if call.parameters.get("TransitiveTagKeys"):
        context["sts:TransitiveTagKeys"] = tuple(call.parameters["TransitiveTagKeys"])
    return context


# Condition keys that repeat a parameter as it is.
SERVICE_KEYS: Mapping[str, Mapping[str, str]] = {
    "sts": {"sts:RoleSessionName": "RoleSessionName", "sts:ExternalId": "ExternalId"},
    "iam": {
        "iam:PermissionsBoundary": "PermissionsBoundary",
        "iam:PolicyARN": "PolicyArn",
        "iam:AWSServiceName": "AWSServiceName",
    },
    "s3": {
        "s3:prefix": "Prefix",
        "s3:delimiter": "Delimiter",
        "s3:max-keys": "MaxKeys",
        "s3:VersionId": "VersionId",
        "s3:x-amz-acl": "ACL",
        "s3:x-amz-server-side-encryption": "ServerSideEncryption",
        "s3:x-amz-server-side-encryption-aws-kms-key-id": "SSEKMSKeyId",
        "s3:x-amz-storage-class": "StorageClass",
        "s3:object-lock-mode": "ObjectLockMode",
    },
    "kms": {
        "kms:GranteePrincipal": "GranteePrincipal",
        "kms:RetiringPrincipal": "RetiringPrincipal",
        "kms:KeySpec": "KeySpec",
        "kms:KeyUsage": "KeyUsage",
        "kms:KeyOrigin": "Origin",
        "kms:ScheduleKeyDeletionPendingWindowInDays": "PendingWindowInDays",
        "kms:BypassPolicyLockoutSafetyCheck": "BypassPolicyLockoutSafetyCheck",
    },
    "lambda": {"lambda:Principal": "Principal", "lambda:FunctionUrlAuthType": "FunctionUrlAuthType"},
    "sns": {"sns:Protocol": "Protocol", "sns:Endpoint": "Endpoint"},
    "organizations": {"organizations:ServicePrincipal": "ServicePrincipal"},
    "secretsmanager": {"secretsmanager:SecretId": "SecretId", "secretsmanager:Name": "Name"},
    "cloudformation": {
        "cloudformation:TemplateUrl": "TemplateURL",
        "cloudformation:RoleArn": "RoleARN",
        "cloudformation:StackPolicyUrl": "StackPolicyURL",
    },
    "cloudwatch": {"cloudwatch:namespace": "Namespace"},
}
