"""The policy of a function lets nobody call it from just anywhere.

Fails on statements for everybody that no condition narrows, and on those for S3 that name no account: a deleted
bucket's name is anybody's. What S3 calls by is written anew with the account first, and only then removed, so that the
trigger works all the time; where a later change fails, what was made before is taken back. A person decides where no
single bucket is named. Policies of versions and aliases are others, which Security Hub does not judge here.
Source: Security Hub Lambda.1; Lambda Developer Guide, "Using resource-based policies". The managed rule
LAMBDA_FUNCTION_PUBLIC_ACCESS_PROHIBITED does not say which conditions narrow, so the rule is our own.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from lambdas.answers import absent
from lambdas.controls import model
from lambdas.controls.model import Evaluation, Grant, Place, Plan, Refusal, Resource
from lambdas.services import buckets, function_permissions, resource_policies

if TYPE_CHECKING:
    from boto3 import Session

FUNCTIONS = ("arn:{partition}:lambda:{region}:{account}:function:*",)
GONE = "ResourceNotFoundException"


def read(session: Session, resource: Resource, finding: Mapping[str, Any] | None = None) -> dict[str, Any] | None:
    """Read the statements of the function's policy, by their ids; None where the function is gone."""
    client = session.client("lambda")
    with absent(GONE):
        found: dict[str, Any] = {"Tags": client.list_tags(Resource=resource.arn)["Tags"], "Statements": []}
        with absent(GONE):
            policy = json.loads(client.get_policy(FunctionName=resource.id)["Policy"])
            found["Statements"] = sorted(policy["Statement"], key=lambda one: str(one["Sid"]))
        return found
    return None


def evaluate(settings: Mapping[str, Any], parameters: Mapping[str, Any]) -> Evaluation:
    """Judge each statement."""
    public, s3 = _offending(settings)
    if not public and not s3:
        return model.compliant("The policy lets nobody call the function from just anywhere.")
    named = ", ".join(str(one["Sid"]) for one in (*public, *s3))
    return model.non_compliant(f"The policy lets everybody, or buckets of any account, call by {named}"[:255] + ".")


def _offending(settings: Mapping[str, Any]) -> tuple[list[Any], list[Any]]:
    """The statements for everybody, and those for S3 without an account."""
    every = settings["Statements"]
    public = [one for one in every if resource_policies.is_public(one)]
    return public, [one for one in every if function_permissions.by_any_bucket(one)]


def inspect(
    session: Session, resource: Resource, settings: Mapping[str, Any], parameters: Mapping[str, Any]
) -> dict[str, Any]:
    """Find the buckets that call the function and are not this account's."""
    named = {function_permissions.bucket_of(one) for one in _offending(settings)[1]} - {None}
    own = set(buckets.every(session)) if named else set()
    return {"Foreign": sorted(str(one) for one in named - own)}


def discover(session: Session, place: Place) -> Iterator[Resource]:
    """List the functions of the Region."""
    for page in session.client("lambda").get_paginator("list_functions").paginate():
        for function in page["Functions"]:
            yield CONTROL.resource(place, function["FunctionName"])


def plan(
    resource: Resource, settings: Mapping[str, Any], parameters: Mapping[str, Any], facts: Mapping[str, Any]
) -> Plan | Refusal:
    """Write what S3 calls by anew with its account, then remove what is too open."""
    public, s3 = _offending(settings)
    if facts["Foreign"]:
        return Refusal(
            f"{', '.join(facts['Foreign'])} calls the function and is no bucket of this account: add a permission that "
            "names its account, then remove the old one"
        )
    taken = {one["Sid"] for one in settings["Statements"]}
    narrowed = [(one, function_permissions.narrowed(one, resource.account)) for one in s3]
    if not all(again for _, again in narrowed):
        return Refusal("a statement for S3 has conditions that Lambda's API cannot write again with an account")
    additions = [
        function_permissions.added(resource, again) for _, again in narrowed if again["StatementId"] not in taken
    ]
    return Plan(
        changes=(*additions, *(function_permissions.removed(resource, one["Sid"], one) for one in (*s3, *public))),
        tell=(model.Audience.OWNER, model.Audience.OPERATIONS),
        leaves=("All other statements stay; so do the policies of versions and aliases.", *_unasked(s3)),
        ceiling=_ceiling(public, s3),
        message=f"Function {resource.id} can be called by everybody, or by buckets of any account.",
    )


def _unasked(s3: list[Any]) -> list[str]:
    """Say of each statement that names no single bucket that nobody knows whose bucket calls by it."""
    unnamed = [one["Sid"] for one in s3 if function_permissions.bucket_of(one) is None]
    return [f"Nobody has looked whose buckets call by {one}; those of other accounts are cut off." for one in unnamed]


def _ceiling(public: list[Any], s3: list[Any]) -> model.Ceiling | None:
    """A person decides where somebody may be cut off whom nobody has looked for."""
    by_url = any(function_permissions.by_url(one) for one in public)
    reasons = ["callers of the function URL without credentials are cut off"] if by_url else []
    reasons += ["buckets of other accounts may call by a statement that names no single one"] if _unasked(s3) else []
    return model.Ceiling(model.Mode.APPROVE, "; ".join(reasons)) if reasons else None


CONTROL = model.Control(
    id="Lambda.1",
    slug="lambda-function-not-public",
    title="Lambda functions cannot be called by everybody",
    severity=model.Severity.CRITICAL,
    resource_type="AWS::Lambda::Function",
    asff_type="AwsLambdaFunction",
    arn="arn:{partition}:lambda:{region}:{account}:function:{id}",
    scope=model.Scope.REGIONAL,
    detection=model.CustomRule(on_change=True, schedule=model.Frequency.SIX_HOURS),
    parameters={},
    read_grants=(
        Grant("lambda:GetPolicy", FUNCTIONS),
        Grant("lambda:ListTags", FUNCTIONS),
        Grant("lambda:ListFunctions", ("*",)),
        Grant("s3:ListAllMyBuckets", ("*",)),
    ),
    grants=(
        Grant("lambda:AddPermission", FUNCTIONS, function_permissions.BY_PRINCIPAL),
        Grant("lambda:RemovePermission", FUNCTIONS),
    ),
    requirements=(
        "FSBP Lambda.1",
        "PCI DSS v4.0.1/7.2.1",
        "NIST.800-53.r5 AC-3",
        "NIST.800-53.r5 AC-6",
        "NIST.800-53.r5 SC-7",
    ),
    impact="Whoever calls the function as nobody in particular is cut off, callers of a function URL without "
    "authorisation too. An undo writes the statements again, where Lambda's API can write their conditions.",
    remediation="Name the account in what S3 calls by, and remove statements that let everybody call.",
    ceiling=model.Ceiling(model.Mode.APPROVE, "callers without a permission of their own are cut off"),
    read=read,
    evaluate=evaluate,
    plan=plan,
    inspect=inspect,
    discover=discover,
)
