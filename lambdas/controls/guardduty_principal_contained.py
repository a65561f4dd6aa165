"""Principals that GuardDuty reports with high severity are denied everything.

A finding names a principal by name and unique id: one made anew under the name is not meant. Contained is who has
AWS's policy AWSDenyAll attached; it denies open sessions at their next call, and nothing of the principal is lost.
Findings stay open at GuardDuty: in an organization its administrator alone archives them, after people have looked.
Source: GuardDuty User Guide, "GuardDuty IAM finding types" and "Remediating potentially compromised AWS credentials";
AWS Security Incident Response Guide, "Containment"; AWS Managed Policy Reference, AWSDenyAll.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from lambdas.controls import model
from lambdas.controls.model import Change, Evaluation, Grant, Plan, Refusal, Resource
from lambdas.services import guardduty, principals

if TYPE_CHECKING:
    from boto3 import Session

DENY_ALL = "arn:{partition}:iam::aws:policy/AWSDenyAll"
# The policies of AWS have its own account, whatever the partition.
THIS_POLICY = {"ArnLike": {"iam:PolicyARN": DENY_ALL.format(partition="*")}}
KINDS = {"IAMUser": "user", "AssumedRole": "role"}
NAME = re.compile(r"[\w+=,.@-]{1,64}", re.ASCII)


def identify(named: Mapping[str, Any]) -> str | None:
    """Read kind and name of the principal from the details of an access key."""
    details = (named.get("Details") or {}).get("AwsIamAccessKey") or {}
    kind, name = details.get("PrincipalType"), str(details.get("PrincipalName") or details.get("UserName") or "")
    if kind == "Root":
        return "root"
    return f"{KINDS[kind]}/{name}" if kind in KINDS and NAME.fullmatch(name) else None


def read(session: Session, resource: Resource, finding: Mapping[str, Any] | None = None) -> dict[str, Any] | None:
    """Read the principal, and the types of what GuardDuty finds about it; None where it is gone."""
    principal = principals.read(session, resource.id)
    if principal is None:
        return None
    found = guardduty.findings(session, "resource.accessKeyDetails.userName", _called(principal), "IAMUser")
    return {**principal, "Findings": sorted({one["Type"] for one in found if _is(principal, one)})}


def _called(principal: Mapping[str, Any]) -> str:
    """The name by which GuardDuty knows the principal."""
    return "Root" if principal["Kind"] == "root" else str(principal["Name"])


def _is(principal: Mapping[str, Any], finding: Mapping[str, Any]) -> bool:
    key = finding["Resource"]["AccessKeyDetails"]
    if principal["Kind"] == "root":
        return bool(key["UserType"] == "Root")
    # That of a role's session ends with the session's name.
    kind, identifier = KINDS.get(key["UserType"]), str(key["PrincipalId"]).split(":")[0]
    return (kind, identifier) == (principal["Kind"], principal["Id"])


def evaluate(settings: Mapping[str, Any], parameters: Mapping[str, Any]) -> Evaluation:
    """Judge whether what is reported can still do anything."""
    if not settings["Findings"]:
        return model.compliant("GuardDuty has no open finding of high severity about it.")
    if any(arn.endswith(":aws:policy/AWSDenyAll") for arn in settings["Attached"]):
        return model.compliant("It is contained: AWSDenyAll is attached.")
    return model.non_compliant(f"GuardDuty reports {', '.join(settings['Findings'])}"[:255] + ".")


def plan(
    resource: Resource, settings: Mapping[str, Any], parameters: Mapping[str, Any], facts: Mapping[str, Any]
) -> Plan | Refusal:
    """Attach the policy; undo detaches it."""
    reported = f"GuardDuty reports {', '.join(settings['Findings'])} of {resource.id}"
    if reason := principals.why_untouchable(settings):
        return Refusal(f"{reported}; {reason}")
    detach = _change(resource, settings, "detach")
    return Plan(
        changes=(_change(resource, settings, "attach", detach),),
        tell=(model.Audience.OWNER, model.Audience.OPERATIONS),
        leaves=(
            "Access keys, passwords and other policies stay as they are: they are evidence, and denied everything.",
            "Sessions of other roles that it has taken before go on until they end: look at its AssumeRole calls.",
            "The findings stay open: GuardDuty's administrator archives them when the incident is over.",
        ),
        message=f"{reported}. While AWSDenyAll is attached to {settings['Arn']} every call of it is denied, also in "
        "open sessions, and whatever runs under it fails. Undo detaches the policy.",
    )


def _change(resource: Resource, settings: Mapping[str, Any], verb: str, inverse: Change | None = None) -> Change:
    kind = settings["Kind"]
    return Change(
        name=f"{verb}-deny-all",
        service="iam",
        operation=f"{verb}_{kind}_policy",
        parameters={
            f"{kind.capitalize()}Name": settings["Name"],
            "PolicyArn": DENY_ALL.format(partition=resource.partition),
        },
        grants=(Grant(f"iam:{verb.capitalize()}{kind.capitalize()}Policy", (settings["Arn"],), THIS_POLICY),),
        settled=() if inverse else ("NoSuchEntity",),
        inverse=inverse,
        irreversible=None if inverse else "it is an undo",
    )


CONTROL = model.Control(
    id="Palisade.GuardDuty.1",
    slug="guardduty-principal-contained",
    title="IAM users and roles that GuardDuty reports with high severity are contained",
    severity=model.Severity.HIGH,
    resource_type="AWS::IAM::AccessKey",
    asff_type="AwsIamAccessKey",
    arn="arn:{partition}:iam::{account}:{id}",
    scope=model.Scope.GLOBAL,
    detection=model.ProductFindings(
        product="GuardDuty",
        path="aws/guardduty",
        types=("*IAMUser*",),
        severities=(model.Severity.HIGH, model.Severity.CRITICAL),
        # The instance whose credentials were taken away.
        beside=("AwsEc2Instance",),
        identify=identify,
    ),
    parameters={},
    read_grants=(*guardduty.GRANTS, *principals.GRANTS),
    grants=tuple(
        Grant(f"iam:{verb}{kind}Policy", (arns,), THIS_POLICY)
        for kind, arns in (("User", principals.USERS), ("Role", principals.ROLES))
        for verb in ("Attach", "Detach")
    ),
    requirements=("NIST.800-53.r5 AC-2(13)", "NIST.800-53.r5 IR-4", "PCI DSS v4.0.1/12.10.7"),
    impact="Everything that runs under the user or role stops at once, for whoever uses it rightly as well.",
    remediation="Attach AWS's managed policy AWSDenyAll to the user or role. Refused, with the reason, for the root "
    "user, administrators, service-linked roles and roles of IAM Identity Center; IAM refuses it for Palisade's own.",
    ceiling=model.Ceiling(model.Mode.APPROVE, "what runs under the principal stops"),
    read=read,
    evaluate=evaluate,
    plan=plan,
)
