"""Service control policies in the way of deployment, detection or remediation, for each account."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from components.deployment_policies import hub_statements, member_statements
from components.documents import Statement
from components.member_policies import Member, detect_statements, outgrows, reader_statements, writer_statements
from operations.account_access import FAILURES, said
from operations.doctor_model import Notes
from operations.doctor_scp import Caller, Denial, Need, Policy, denials, not_allowed, statements_of
from operations.stack_settings import Subject, management
from stacks.estate import estate_of
from stacks.targets import Target

TOPIC = "service control policies"
KIND = "SERVICE_CONTROL_POLICY"
NAMED = 4
REMEDY = "except the role in that statement (aws:PrincipalArn), or change the policy"


@dataclass
class ControlPolicies:
    """The policies of every root, unit and account that is asked for; each is read once."""

    organizations: Any
    _of: dict[str, tuple[Policy, ...]] = field(default_factory=dict)
    _contents: dict[str, tuple[Mapping[str, Any], ...]] = field(default_factory=dict)

    def of(self, target: str) -> tuple[Policy, ...]:
        """The policies that are attached to one; raises what the client raises."""
        if target not in self._of:
            pages = self.organizations.get_paginator("list_policies_for_target").paginate(TargetId=target, Filter=KIND)
            found = [one for page in pages for one in page["Policies"]]
            self._of[target] = tuple(Policy(one["Name"], target, self._content(one["Id"])) for one in found)
        return self._of[target]

    def _content(self, policy: str) -> tuple[Mapping[str, Any], ...]:
        if policy not in self._contents:
            content = self.organizations.describe_policy(PolicyId=policy)["Policy"]["Content"]
            self._contents[policy] = statements_of(content)
        return self._contents[policy]


def look(subject: Subject, places: Sequence[Target]) -> list[Notes]:
    """Judge the policies above each account. They bind every role of members, the management account's never."""
    session = management(subject.access, subject.settings)
    policies = ControlPolicies(session.client("organizations"))
    return [_account(subject, policies, target) for target in places]


def _account(subject: Subject, policies: ControlPolicies, target: Target) -> Notes:
    notes = Notes(target.account)
    try:
        levels = [(one, policies.of(one)) for one in (*target.path, target.account)]
    except FAILURES as error:
        notes.unread(TOPIC, said(error))
        return notes
    settings = subject.settings
    roles, needs = needs_of(subject, target)
    regions = subject.regions_of(target.account)
    caller = Caller(target.account, settings.organization_id, settings.partition, regions, roles)
    for level, missing in not_allowed(levels, needs):
        told = f"no policy of {level} allows {_listed(missing)}"
        notes.blocks(TOPIC, told, "attach one that does, FullAWSAccess for example")
    attached = [policy for _, of_level in levels for policy in of_level]
    for denial in denials(attached, needs, caller):
        _tell(notes, denial, caller)
    if not notes.checks:
        notes.ok(TOPIC, "none denies what Palisade's roles need")
    return notes


def needs_of(subject: Subject, target: Target) -> tuple[dict[str, str], list[Need]]:
    """Every action that Palisade's roles need in an account, and the ARNs of the roles."""
    settings, account = subject.settings, target.account
    estate, names = estate_of(settings), settings.names
    own = {
        "deployment": settings.deployment_role,
        "detection": names.detect_role,
        "reader": names.reader_role,
        "writer": names.writer_role,
        "hub": names.remediation_role,
    }
    recorder, attaching = settings.recorder == "create", outgrows(estate, settings.catalog.values())
    deployment = member_statements(estate, account, settings.deployment_role, recorder=recorder, attaching=attaching)
    statements: dict[str, list[Statement]] = {"deployment": deployment}
    if account == settings.hub_account:
        statements["deployment"] = [*deployment, *hub_statements(estate)]
    if account in {one.account for one in subject.targets} and "members" in settings.layers:
        modes = [(settings.catalog[name], mode) for name, mode in settings.modes(account, target.path).items()]
        member = Member(account, modes, settings.parameters(account, target.path))
        statements["detection"] = detect_statements(estate, member)
        statements["reader"] = reader_statements(estate, member)
        statements["writer"] = writer_statements(estate, member)
    roles = {role: estate.role(account, name) for role, name in own.items()}
    return roles, [need for role, found in statements.items() for need in _needs(role, found)]


def _needs(role: str, statements: Iterable[Statement]) -> Iterable[Need]:
    for statement in statements:
        if statement["Effect"] == "Allow":
            for action in statement["Action"]:
                yield Need(role, action, tuple(statement["Resource"]))


def _tell(notes: Notes, denial: Denial, caller: Caller) -> None:
    """Without its deployment or detection nothing works; a writer that is denied leaves the telling."""
    where = "" if set(denial.regions) >= set(caller.regions) else f" in {', '.join(denial.regions)}"
    told = (
        f"{denial.policy} ({denial.statement}) at {denial.target} denies the {denial.role} role "
        f"{_listed(denial.actions)}{where}"
    )
    if denial.under:
        notes.warns(
            TOPIC, f"{told}, depending on {', '.join(denial.under)}", "see whether its condition meets the role"
        )
    elif denial.role == "writer":
        notes.warns(TOPIC, f"{told}: its remediations will fail", REMEDY)
    else:
        notes.blocks(TOPIC, told, REMEDY)


def _listed(actions: Sequence[str]) -> str:
    more = f" and {len(actions) - NAMED} more" if len(actions) > NAMED else ""
    return ", ".join(actions[:NAMED]) + more
