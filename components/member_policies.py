"""The policies of a member account's roles, as documents: what detection, reader and writer may do.

The writer holds only the actions of controls that may act in that account, so IAM enforces the
modes; the boundary holds what no control ever needs away from it, whatever its policy says.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from components.documents import (
    INLINE_LIMIT,
    MANAGED_LIMIT,
    Statement,
    allow,
    catalog_grants,
    deny,
    document,
    grant_statements,
)
from components.estate import Estate
from lambdas.controls.model import Control, Grant, Mode
from lambdas.services.resource_policies import listed

# AWS's own names of roles that administer an account. A control that needs one of them is refused.
ADMINISTRATORS = (
    "role/OrganizationAccountAccessRole",
    "role/AWSControlTowerExecution",
    "role/aws-controltower-*",
    "role/stacksets-exec-*",
    "role/aws-reserved/sso.amazonaws.com/*",
    "role/aws-service-role/*",
)
# What gives a principal the permissions of a managed policy.
ATTACHING = ("iam:AttachGroupPolicy", "iam:AttachRolePolicy", "iam:AttachUserPolicy")


@dataclass(frozen=True, slots=True)
class Member:
    """One member account as its roles see it: which controls may do what there."""

    account: str
    modes: Sequence[tuple[Control, Mode]]
    parameters: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @property
    def detected(self) -> tuple[Control, ...]:
        """The controls that are not off."""
        return tuple(control for control, mode in self.modes if mode is not Mode.OFF)

    @property
    def judged(self) -> tuple[Control, ...]:
        """The controls that the detect function judges; findings that others make go to the hub without it."""
        return tuple(one for one in self.detected if one.by_rule)

    @property
    def acting(self) -> tuple[Control, ...]:
        """The controls whose remediation may change a resource here."""
        return tuple(control for control, mode in self.modes if mode.acts)


def _read_grants(estate: Estate, member: Member, controls: Iterable[Control]) -> list[Grant]:
    return catalog_grants(
        controls, estate.partition, member.account, estate.regions, member.parameters, kind="read_grants"
    )


def log_statement(estate: Estate, account: str, regions: Sequence[str], function: str) -> Statement:
    """Allow a function to write into its own log group, which exists: it may not make another."""
    group = estate.names.log_group(function)
    streams = [
        estate.arn("logs", f"log-group:{group}:log-stream:*", region=region, account=account) for region in regions
    ]
    return allow("WriteLogs", ["logs:CreateLogStream", "logs:PutLogEvents"], streams)


def settings_statements(estate: Estate, regions: Sequence[str]) -> list[Statement]:
    """Allow a function to read its settings object in the hub's code bucket, and the key that encrypts it."""
    objects = [estate.arn("s3", f"{estate.code_bucket(region)}/settings/*") for region in regions]
    keys = [estate.arn("kms", "key/*", region=region, account=estate.hub) for region in regions]
    via = {"StringEquals": {"kms:ViaService": [estate.endpoint("s3", region) for region in regions]}}
    return [
        allow("ReadSettings", ["s3:GetObject"], objects),
        allow("DecryptSettings", ["kms:Decrypt"], keys, via),
    ]


def detect_statements(estate: Estate, member: Member) -> list[Statement]:
    """What the detect function's role may do: read for its controls, evaluate, import its own findings."""

    def everywhere(service: str, resource: str) -> list[str]:
        return [estate.arn(service, resource, region=region, account=member.account) for region in estate.regions]

    # Findings in every Region: one that the settings name no more archives its own after this policy has changed.
    own = {"StringEquals": {"securityhub:TargetAccount": member.account}}
    return [
        *grant_statements("Read", _read_grants(estate, member, member.judged)),
        # PutEvaluations knows no resource types (Service Authorization Reference, AWS Config).
        allow("PutEvaluations", ["config:PutEvaluations"], "*"),
        allow(
            "ReadEvaluations",
            ["config:GetComplianceDetailsByConfigRule"],
            everywhere("config", "config-rule/*"),
        ),
        allow(
            "ImportFindings",
            ["securityhub:BatchImportFindings"],
            estate.arn("securityhub", f"product/{member.account}/default", region="*", account=member.account),
            own,
        ),
        allow(
            "ReadFindings",
            ["securityhub:GetFindings"],
            estate.arn("securityhub", "hub/default", region="*", account=member.account),
        ),
        *settings_statements(estate, estate.regions),
        log_statement(estate, member.account, estate.regions, estate.names.detect_function),
        # A reconciliation goes on in another run of the same function.
        allow(
            "GoOn",
            ["lambda:InvokeFunction"],
            everywhere("lambda", f"function:{estate.names.detect_function}"),
        ),
        allow(
            "ReportFailures",
            ["sqs:SendMessage"],
            everywhere("sqs", estate.names.detect_dead_letters),
        ),
    ]


def reader_statements(estate: Estate, member: Member) -> list[Statement]:
    """What the hub may read in the member for its controls."""
    probes = catalog_grants(
        member.acting, estate.partition, member.account, estate.regions, member.parameters, kind="probe_grants"
    )
    return grant_statements("Read", [*_read_grants(estate, member, member.detected), *probes])


def writer_statements(estate: Estate, member: Member) -> list[Statement]:
    """What the hub may change in the member: the actions of controls that may act there, and no others."""
    grants = catalog_grants(
        member.acting, estate.partition, member.account, estate.regions, member.parameters, kind="grants"
    )
    return grant_statements("Write", grants)


def outgrows(estate: Estate, catalog: Iterable[Control]) -> bool:
    """Whether the policies of some member may be longer than a role's inline policy, so that more are attached.

    Asked of the strongest modes everywhere, with room for parameters that lengthen the resources.
    """
    member = Member("0" * 12, [(control, Mode.AUTOMATIC) for control in catalog])
    longest = max(
        len(document(*statements(estate, member)))
        for statements in (detect_statements, reader_statements, writer_statements)
    )
    return longest > INLINE_LIMIT - 2048


def member_trust(estate: Estate, roles: Iterable[str], *, identified: bool) -> str:
    """Admit roles of the hub. The principal is the hub account, so that a role made anew is admitted too.

    With `identified` they may set a source identity: the writer's sessions carry the remediation's id.
    Source: IAM User Guide, "AWS JSON policy elements: Principal": a role that is named as principal
    is stored by its unique id.
    """
    admitted = [estate.role(estate.hub, role) for role in roles]
    return document(
        allow(
            "Hub",
            ["sts:AssumeRole", *(["sts:SetSourceIdentity"] if identified else [])],
            None,
            {
                "ArnEquals": {"aws:PrincipalArn": admitted},
                "StringEquals": {"aws:PrincipalOrgID": estate.organization},
            },
            {"AWS": estate.arn("iam", "root", account=estate.hub)},
        )
    )


def boundary_policy(estate: Estate, account: str, catalog: Collection[Control], deployment_role: str) -> str:
    """The most that the writer can ever do: the actions of the whole catalog, and never what guards it.

    Raises ValueError for a control that could attach a policy which it does not name.
    """
    own = estate.names.prefix
    guarded = [
        estate.arn("iam", resource, account=account)
        for resource in (f"role/{own}-*", f"policy/{own}-*", f"role/{deployment_role}", *ADMINISTRATORS)
    ]
    services = [
        *(
            estate.arn(service, resource, region="*", account=account)
            for service, resource in (
                ("lambda", f"function:{own}-*"),
                ("events", f"rule/{own}-*"),
                ("sqs", f"{own}-*"),
                ("sns", f"{own}-*"),
                ("dynamodb", f"table/{own}-*"),
                ("logs", f"log-group:/aws/lambda/{own}-*"),
                ("cloudwatch", f"alarm:{own}-*"),
            )
        ),
        *(estate.arn("s3", f"{own}-{kind}-*") for kind in ("code", "ledger")),
    ]
    attached = sorted({policy for control in catalog for policy in _attached(control, estate.partition)})
    never = [
        deny("OwnRoles", ["iam:*"], guarded),
        deny("OwnResources", ["*"], services),
        # Containment attaches a policy of AWS's own; any other would give a principal permissions.
        deny("OtherPolicies", ATTACHING, "*", {"ArnNotEquals": {"iam:PolicyARN": attached}} if attached else None),
        deny("Organization", ["organizations:*", "account:*", "sso:*", "controltower:*"], "*"),
        deny(
            "Records",
            [
                "cloudtrail:DeleteTrail",
                "cloudtrail:StopLogging",
                "config:DeleteConfigurationRecorder",
                "config:DeleteDeliveryChannel",
                "config:StopConfigurationRecorder",
                "guardduty:DeleteDetector",
                "guardduty:DisassociateFromAdministratorAccount",
                "logs:DeleteLogGroup",
                "securityhub:DisableSecurityHub",
                "securityhub:DisassociateFromAdministratorAccount",
            ],
            "*",
        ),
    ]
    actions = {grant.action for control in catalog for grant in control.grants}
    room = MANAGED_LIMIT - len(document(allow("Catalog", [], "*"), *never))
    return document(allow("Catalog", _shortened(actions, room), "*"), *never)


def _attached(control: Control, partition: str) -> Iterator[str]:
    """The policies that a control may attach: its grants name each, one or a list, by its ARN but for the partition."""
    for grant in control.grants:
        if grant.action not in ATTACHING:
            continue
        arns = [
            str(one).replace("arn:*:", f"arn:{partition}:", 1)
            for operator in ("ArnLike", "ArnEquals")
            for one in listed(grant.conditions.get(operator, {}).get("iam:PolicyARN"))
        ]
        if not arns or any({"*", "?"}.intersection(arn) for arn in arns):
            raise ValueError(f"{control.id}: its grant of {grant.action} names no single policy by iam:PolicyARN")
        yield from arns


def _shortened(actions: set[str], room: int) -> list[str]:
    """Name whole services, the longest lists first, until the actions fit.

    A boundary is one policy that nothing can be added to. It grants nothing: the writer's own policy
    names each action, whatever the length of the catalog. IAM is never named as a whole.
    """
    short = set(actions)
    while len(json.dumps(sorted(short), separators=(",", ":"))) > room:
        listed = Counter[str]()
        for action in short:
            if not action.endswith(":*") and not action.startswith("iam:"):
                listed[action.split(":")[0]] += len(action)
        if not listed:
            raise ValueError(f"the actions of the catalog do not fit into {room} characters of a boundary")
        service = listed.most_common(1)[0][0]
        short = {action for action in short if not action.startswith(f"{service}:")} | {f"{service}:*"}
    return sorted(short)
