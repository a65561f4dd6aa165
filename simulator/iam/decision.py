"""The decision itself: every policy that applies to a request, and what follows from them.

Source: IAM User Guide, "Policy evaluation logic", "How AWS enforcement code logic evaluates
requests to allow or deny access" and "Cross-account policy evaluation logic"; AWS KMS Developer
Guide, "Key policies".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache

from simulator.iam.policy import Policy, Request, Statement
from simulator.iam.principals import Grant


@dataclass(frozen=True, slots=True, order=True)
class StatementRef:
    """A statement of a policy that stands somewhere.

    `holder` is the ARN of what the policy hangs on: a role, user or group, a queue, topic, key, bucket or
    function; for managed policies and those of the organisation the policy's own. `policy` is its name
    there ("trust policy", "resource policy", "key grants" and "session policy 0" have no other).
    `statement` is the Sid, or the place (`#0`) where it has none.
    """

    holder: str
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
    matched, or those that denied where `explicit_deny`. `sole` are those among them that alone made the
    decision: without one of them it would have been the other.
    """

    allowed: bool
    reason: str
    explicit_deny: bool
    statements: tuple[StatementRef, ...]
    sole: tuple[StatementRef, ...] = ()


@dataclass(frozen=True, slots=True)
class _Match:
    """A statement that applies to the request, and how directly it names the caller."""

    ref: StatementRef
    allow: bool
    grant: Grant


Matches = tuple[_Match, ...]


@dataclass(frozen=True, slots=True)
class _Situation:
    """What a conclusion depends on, beside the statements that apply."""

    kind: str  # the caller's
    same_account: bool
    decisive: bool
    unrestricted: bool
    action: str


@dataclass(frozen=True, slots=True)
class _Layer:
    """The statements of one layer of policies that apply."""

    kind: str
    matches: Matches

    def refs(self, *, allow: bool) -> tuple[StatementRef, ...]:
        return tuple(match.ref for match in self.matches if match.allow is allow)

    @property
    def allows(self) -> bool:
        return any(match.allow for match in self.matches)

    @property
    def denies(self) -> bool:
        return any(not match.allow for match in self.matches)

    @property
    def grant(self) -> Grant:
        return max((match.grant for match in self.matches if match.allow), default=Grant.NONE)

    def without(self, ref: StatementRef) -> _Layer:
        return _Layer(self.kind, tuple(match for match in self.matches if match.ref != ref))


@dataclass(frozen=True, slots=True)
class _Layers:
    """Every layer that a request has to pass."""

    guardrails: tuple[_Layer, ...]
    identity: _Layer
    resource: _Layer
    boundary: _Layer | None
    session: _Layer | None

    def __iter__(self) -> Iterator[_Layer]:
        yield from (*self.guardrails, self.resource, self.identity)
        yield from (layer for layer in (self.boundary, self.session) if layer is not None)

    def without(self, ref: StatementRef) -> _Layers:
        return _Layers(
            tuple(layer.without(ref) for layer in self.guardrails),
            self.identity.without(ref),
            self.resource.without(ref),
            None if self.boundary is None else self.boundary.without(ref),
            None if self.session is None else self.session.without(ref),
        )


def decide(request: Request, policies: Policies) -> Decision:
    """Decide one request by AWS's evaluation logic."""
    boundary, session = policies.boundary, policies.session
    return _conclude(
        tuple(_matches(level, request) for level in policies.service_control),
        tuple(_matches(level, request) for level in policies.resource_control),
        _matches(policies.identity, request),
        _matches(policies.resource, request),
        None if boundary is None else _matches((boundary,), request),
        None if session is None else _matches(session, request),
        _Situation(
            request.caller.kind,
            request.caller.account == request.account,
            policies.decisive,
            policies.unrestricted,
            request.action,
        ),
    )


@lru_cache(maxsize=8192)
def _conclude(
    service_control: tuple[Matches, ...],
    resource_control: tuple[Matches, ...],
    identity: Matches,
    resource: Matches,
    boundary: Matches | None,
    session: Matches | None,
    situation: _Situation,
) -> Decision:
    """Conclude from the statements that apply; the same ones always come to the same."""
    layers = _Layers(
        guardrails=(
            *(_Layer("a service control policy", level) for level in service_control),
            *(_Layer("a resource control policy", level) for level in resource_control),
        ),
        identity=_Layer("an identity-based policy", identity),
        resource=_Layer(_resource_kind(situation.action), resource),
        boundary=None if boundary is None else _Layer("a permissions boundary", boundary),
        session=None if session is None else _Layer("a session policy", session),
    )
    decision = _decided(situation, layers)
    if not decision.allowed and not decision.explicit_deny:
        return decision
    sole = tuple(
        ref
        for ref in dict.fromkeys(decision.statements)
        if _decided(situation, layers.without(ref)).allowed != decision.allowed
    )
    return replace(decision, sole=sole)


def _decided(situation: _Situation, layers: _Layers) -> Decision:
    for layer in layers:
        if layer.denies:
            return Decision(False, f"with an explicit deny in {layer.kind}", True, layer.refs(allow=False))
    allows = tuple(ref for layer in layers for ref in layer.refs(allow=True))
    missing = next((layer for layer in layers.guardrails if not layer.allows), None) or _missing(situation, layers)
    if missing is None:
        return Decision(True, "", False, allows)
    kind = missing.kind.split(" ", 1)[1]
    return Decision(False, f"because no {kind} allows the {situation.action} action", False, allows)


def _missing(situation: _Situation, layers: _Layers) -> _Layer | None:
    """Find the layer whose silence denies the request; None where it is allowed."""
    identity, resource, same_account = layers.identity, layers.resource, situation.same_account
    if situation.kind in ("service", "anonymous", "federated"):
        return resource if resource.grant is Grant.NONE else None
    if resource.grant is Grant.NONE and (situation.decisive or not same_account):
        # AWS names the identity side first where neither side allows.
        silent = not identity.allows and not situation.unrestricted and not situation.decisive
        return identity if silent else resource
    if same_account and resource.grant is Grant.DIRECT:
        return None
    if not identity.allows and not situation.unrestricted and not (same_account and resource.grant is Grant.ROLE):
        return identity
    return next((layer for layer in (layers.boundary, layers.session) if layer is not None and not layer.allows), None)


def _resource_kind(action: str) -> str:
    """Name the layer of the resource's policies as access-denied messages do."""
    return "the role trust policy" if action.startswith("sts:") else "a resource-based policy"


def _matches(policies: Iterable[Policy], request: Request) -> Matches:
    found = []
    for policy in policies:
        for statement in policy.statements:
            if not statement.applies(request):
                continue
            grant = _grant(statement, request)
            if grant is not Grant.NONE:
                found.append(_match(policy.holder, policy.name, statement.name, statement.allow, grant))
    return tuple(found)


@lru_cache(maxsize=65536)
def _match(holder: str, policy: str, statement: str, allow: bool, grant: Grant) -> _Match:
    return _Match(StatementRef(holder, policy, statement), allow, grant)


def _grant(statement: Statement, request: Request) -> Grant:
    if statement.principals is None:
        return Grant.DIRECT
    return statement.principals.grant(request.caller, allow=statement.allow)
