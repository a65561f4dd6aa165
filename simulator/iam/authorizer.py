"""IAM at the front door: collects what applies to a call, decides, and counts which statements were used."""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import MutableSequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from simulator.call import Call, Caller, ServiceError
from simulator.iam.actions import Authorization, authorizations
from simulator.iam.context import principal_context, request_context, resource_context, via_context
from simulator.iam.decision import Decision, StatementRef, decide
from simulator.iam.denials import denial, key_denial, refuse_token
from simulator.iam.forwarded_keys import KeyUse, in_account, key_uses
from simulator.iam.gathering import RESOURCE_POLICIES, Gathering, Identity, bucket_of
from simulator.iam.patterns import Keys, Value
from simulator.iam.policy import Request

if TYPE_CHECKING:
    from simulator.identity import Identities
    from simulator.world import World

# Own services whose resources carry policies: a service principal needs to be let in there.
OWN_RESOURCE_POLICIES = frozenset({"lambda", "events"})


@dataclass(frozen=True, slots=True)
class Refusal:
    """A call that was refused: by whom asked, what for, and why not."""

    principal: str
    action: str
    resource: str
    reason: str
    explicit: bool


class Authorizer:
    """Decides every call, and counts what each statement of a policy was good for.

    `used` counts the statements that allowed. `sole` counts the statements without which an allowed request
    would have been denied; `denied` the explicit denies without which a denied one would have been allowed.
    `needed` holds the actions that each statement of `sole` alone allowed. `refusals` lists the calls that
    were refused.
    """

    def __init__(self, world: World, identities: Identities) -> None:
        self.world = world
        self.identities = identities
        self.gathering = Gathering(world)
        self.used: Counter[StatementRef] = Counter()
        self.sole: Counter[StatementRef] = Counter()
        self.needed: defaultdict[StatementRef, set[str]] = defaultdict(set)
        self.denied: Counter[StatementRef] = Counter()
        self.refusals: MutableSequence[Refusal] = []

    def keep_last(self, refusals: int) -> None:
        """Keep only the last refusals, for an organisation that lives on and on."""
        self.refusals = deque(self.refusals, maxlen=refusals)

    def authorize(self, call: Call) -> None:
        """Refuse a call that IAM denies; raises ServiceError as its service would answer."""
        caller = call.caller
        refuse_token(call)
        needed = authorizations(call, self.world)
        if not needed:
            return
        if call.service not in self.world.services:
            # Where no service of ours says who owns what a call addresses, its ARN does.
            call.account = self._addressed(call, needed[0])
        identity = self.gathering.identity(caller)
        common = Keys(
            lambda: request_context(call, self.world), lambda: principal_context(caller, self.world, identity.tags)
        )
        for authorization in needed:
            for resource in authorization.resources:
                if caller.kind == "service" and not _guarded(authorization.action, resource):
                    continue
                account = self._owner(call, resource)
                context = Keys(common, partial(resource_context, self.world, account, resource), authorization.context)
                decision = self._decide(caller, identity, authorization.action, resource, account, context)
                if not decision.allowed:
                    raise self._refuse(call, authorization.action, resource, decision)
        resources = tuple(arn for item in needed for arn in item.resources if arn != "*")
        for use in key_uses(call, resources, self.world):
            self._authorize_key(call, identity, common, use)

    def _decide(
        self, caller: Caller, identity: Identity, action: str, resource: str, account: str, context: Keys
    ) -> Decision:
        request = Request(caller, action, resource, account, context)
        decision = decide(request, self.gathering.policies(caller, identity, action, resource, account))
        if decision.allowed:
            self.used.update(decision.statements)
            self.sole.update(decision.sole)
            for ref in decision.sole:
                self.needed[ref].add(action)
        else:
            self.denied.update(decision.sole)
        return decision

    def _addressed(self, call: Call, authorization: Authorization) -> str:
        owners = {self._owner(call, arn) for arn in authorization.resources if arn != "*"}
        return owners.pop() if len(owners) == 1 else call.account

    def _owner(self, call: Call, resource: str) -> str:
        """The account that owns a resource: its ARN names it, except for buckets."""
        parts = resource.split(":", 5)
        if len(parts) < 6:
            return call.account
        if parts[2] == "s3" and not parts[4]:
            bucket = bucket_of(resource, self.world.partition)
            return call.account if bucket is None else str(bucket.account_id)
        if parts[2] == "organizations":
            # Organizations itself lets delegated administrators in; to IAM the call is one of their own account.
            return call.caller.account
        return parts[4] if parts[4].isdigit() else call.account

    def _authorize_key(self, call: Call, identity: Identity, common: Keys, use: KeyUse) -> None:
        """Authorise the use of a key for a call, as the caller's own request by way of the service.

        A service principal that calls has no one to ask for: the key's policy must name it, and
        `kms:ViaService` is absent.
        """
        account = use.key.split(":")[4]
        caller = call.caller
        if use.managed:
            # The policy of an AWS managed key admits the principals of its account, by way of its service.
            if caller.kind == "service" or not in_account(use.key, caller.account):
                decision = Decision(False, "because no resource-based policy allows the action", False, ())
                raise self._refuse(call, use.actions[0], use.key, decision, key=True)
            return
        via: dict[str, Value] = {}
        if caller.kind != "service":
            via = via_context(use.service, use.key.split(":")[3])
            via["kms:CallerAccount"] = caller.account
        context = Keys(common, partial(resource_context, self.world, account, use.key), use.context, via)
        for action in use.actions:
            decision = self._decide(caller, identity, action, use.key, account, context)
            if not decision.allowed:
                raise self._refuse(call, action, use.key, decision, key=True)

    def _refuse(self, call: Call, action: str, resource: str, decision: Decision, *, key: bool = False) -> ServiceError:
        self.refusals.append(Refusal(call.caller.arn, action, resource, decision.reason, decision.explicit_deny))
        answer = key_denial if key else denial
        return answer(call.service, call.caller, action, resource, decision.reason)


def _guarded(action: str, resource: str) -> bool:
    """Whether a service principal needs a resource policy: services read what describes a resource of their own right.

    AWS Config, for one, does so by its service-linked role, which no account can take away.
    """
    prefix, name = action.split(":", 1)
    if prefix in OWN_RESOURCE_POLICIES and name.startswith(("List", "Describe")):
        return False
    return resource != "*" and (prefix in RESOURCE_POLICIES or prefix in OWN_RESOURCE_POLICIES)
