"""The decision itself: every policy that applies to a request, and what follows from them.

Source: IAM User Guide, "Policy evaluation logic", "How AWS enforcement code logic evaluates
requests to allow or deny access" and "Cross-account policy evaluation logic"; AWS KMS Developer
Guide, "Key policies".
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from simulator.iam.policy import Policy, Request, Statement
from simulator.iam.principals import Grant


@dataclass(frozen=True, slots=True)
class StatementRef:
    """A statement by its policy's label and its Sid, or its place (`#0`) where it has none."""

    policy: str
    statement: str


@dataclass(frozen=True, slots=True)
class Policies:
    """Every policy that applies to a request.

    `levels` of the organisation's policies run from the root to the account; each level must
    allow. None as `session` means a session without session policies. `decisive`: nothing is
    allowed that the resource's policy does not allow or delegate to the account (KMS keys, role
    trust). `unrestricted`: the caller is an account's root, which needs no identity policy.
    """

    identity: tuple[Policy, ...] = ()
    boundary: Policy | None = None
    session: tuple[Policy, ...] | None = None
    resource: tuple[Policy, ...] = ()
    service_control: tuple[tuple[Policy, ...], ...] = ()
    resource_control: tuple[tuple[Policy, ...], ...] = ()
    decisive: bool = False
    unrestricted: bool = False


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether a request is allowed and why.

    `reason` is the end of AWS's access-denied message. `statements` are the allow statements that
    matched, or those that denied where `explicit_deny`; `sole` are those among them that alone
    allowed in their layer.
    """

    allowed: bool
    reason: str
    explicit_deny: bool
    statements: tuple[StatementRef, ...]
    sole: tuple[StatementRef, ...] = ()


@dataclass(frozen=True, slots=True)
class _Layer:
    """One layer of policies: which statements allow, which deny, and how directly the caller is named."""

    kind: str
    allows: tuple[StatementRef, ...]
    denies: tuple[StatementRef, ...]
    grant: Grant = Grant.NONE


def decide(request: Request, policies: Policies) -> Decision:
    """Decide one request by AWS's evaluation logic."""
    identity = _layer("an identity-based policy", policies.identity, request)
    resource = _layer("a resource-based policy", policies.resource, request)
    boundary = None if policies.boundary is None else _layer("a permissions boundary", (policies.boundary,), request)
    session = None if policies.session is None else _layer("a session policy", policies.session, request)
    guardrails = [
        *(_layer("a service control policy", level, request) for level in policies.service_control),
        *(_layer("a resource control policy", level, request) for level in policies.resource_control),
    ]
    layers = [*guardrails, resource, identity, *(layer for layer in (boundary, session) if layer is not None)]
    for layer in layers:
        if layer.denies:
            return Decision(False, f"with an explicit deny in {layer.kind}", True, layer.denies)
    missing = next((layer for layer in guardrails if not layer.allows), None)
    if missing is None:
        missing = _missing(request, policies, identity, resource, boundary, session)
    allows = tuple(ref for layer in layers for ref in layer.allows)
    if missing is not None:
        kind = missing.kind.split(" ", 1)[1]
        return Decision(False, f"because no {kind} allows the {request.action} action", False, allows)
    return Decision(True, "", False, allows, tuple(layer.allows[0] for layer in layers if len(layer.allows) == 1))


def _missing(
    request: Request,
    policies: Policies,
    identity: _Layer,
    resource: _Layer,
    boundary: _Layer | None,
    session: _Layer | None,
) -> _Layer | None:
    """Find the layer whose silence denies the request; None where it is allowed."""
    caller = request.caller
    if caller.kind in ("service", "anonymous", "federated"):
        return resource if resource.grant is Grant.NONE else None
    same_account = caller.account == request.account
    if resource.grant is Grant.NONE and (policies.decisive or not same_account):
        # AWS names the identity side first where neither side allows.
        silent = not identity.allows and not policies.unrestricted and not policies.decisive
        return identity if silent else resource
    if same_account and resource.grant is Grant.DIRECT:
        return None
    if not identity.allows and not policies.unrestricted and not (same_account and resource.grant is Grant.ROLE):
        return identity
    return next((layer for layer in (boundary, session) if layer is not None and not layer.allows), None)


def _layer(kind: str, policies: Iterable[Policy], request: Request) -> _Layer:
    allows: list[StatementRef] = []
    denies: list[StatementRef] = []
    strongest = Grant.NONE
    for policy in policies:
        for statement in policy.statements:
            if not statement.applies(request):
                continue
            grant = _grant(statement, request)
            if grant is Grant.NONE:
                continue
            if statement.allow:
                strongest = max(strongest, grant)
            (allows if statement.allow else denies).append(StatementRef(policy.label, statement.name))
    return _Layer(kind, tuple(allows), tuple(denies), strongest)


def _grant(statement: Statement, request: Request) -> Grant:
    if statement.principals is None:
        return Grant.DIRECT
    return statement.principals.grant(request.caller, allow=statement.allow)
