"""Who launched an EC2 instance: what AWS's own tags on it say, else what CloudTrail's event history does.

`LaunchTime` is the last start, so that the launch is looked for around the time when the primary network interface
was attached, which never is detached. A person behind a role is known by the session's name, which IAM Identity Center
sets itself, and by its source identity.
Source: CloudTrail User Guide, "CloudTrail userIdentity element", "Working with CloudTrail event history";
LookupEvents; EC2 Auto Scaling and CloudFormation user guides on the tags that they set; IAM Identity Center User Guide,
"Referencing permission sets in resource policies".
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from lambdas.services import ownership

if TYPE_CHECKING:
    from boto3 import Session

HISTORY = timedelta(days=90)
LATE = timedelta(minutes=15)
# The interface is attached seconds after the call.
BEFORE, AFTER = timedelta(minutes=10), timedelta(minutes=5)
# When to ask again, in seconds: a sweep comes every five minutes.
WAIT = int(LATE.total_seconds())
BY_TAG = {
    ownership.AUTO_SCALING: "Auto Scaling group",
    ownership.STACK: "CloudFormation stack",
    "aws:ec2:fleet-id": "EC2 Fleet",
}
IDENTITY_CENTER, SERVICE_ROLE = "AWSReservedSSO_", "AWSServiceRoleFor"
# What services and SDKs call sessions for which nobody has chosen a name.
UNNAMED = re.compile(
    r"i-[0-9a-f]{8,17}|(botocore-session|aws-go-sdk|aws-sdk|AWSCLI-Session|session)[-\w]*|[\d-]+|AWS\w+"
)


def find(session: Session, instance: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """Find who launched an instance (`Id`, `Tags` and `Attached`, the ISO time of its primary interface).

    Returns `creator` with `name`, as people filter on it, `said`, for people, and whether it is a `person`; or None
    with the reason (`why`) and the seconds after which it may be known (`wait`, 0: never).
    """
    known = by_tags(instance["Tags"])
    if known is not None:
        return {"creator": known, "why": "", "wait": 0}
    if instance["Attached"] is None:
        return _unknown("it shows no network interface")
    attached = datetime.fromisoformat(instance["Attached"])
    if now - attached > HISTORY:
        return _unknown(f"it was launched on {attached:%Y-%m-%d}, and CloudTrail's event history ends after 90 days")
    try:
        identity = _launched_by(session, instance["Id"], attached)
    except ClientError as error:
        code = error.response["Error"]["Code"]
        # Without a creator others are told; nothing is judged by who it is.
        if code == "ThrottlingException":
            return _unknown("CloudTrail was asked too often for now", WAIT)
        if code == "AccessDeniedException":
            return _unknown("CloudTrail may not be asked in this account")
        raise
    if identity is not None:
        return {"creator": by_identity(identity), "why": "", "wait": 0}
    if now - attached < LATE + AFTER:
        return _unknown("CloudTrail shows a launch up to 15 minutes later; people are told then", WAIT)
    return _unknown("CloudTrail's event history has no launch of it")


def by_tags(tags: Mapping[str, str]) -> dict[str, Any] | None:
    """Say which service launched an instance, by the tags that nobody but AWS can set."""
    named = [f"{kind} {tags[key]}" for key, kind in BY_TAG.items() if key in tags]
    return _creator(named[0], " of ".join(named), person=False) if named else None


def by_identity(identity: Mapping[str, Any]) -> dict[str, Any]:
    """Say who is behind the `userIdentity` of an event."""
    kind, context = identity["type"], identity.get("sessionContext", {})
    role = context.get("sessionIssuer", {}).get("userName", "")
    service = identity.get("invokedBy")
    if kind == "AssumedRole" and not role.startswith(SERVICE_ROLE):
        return _of_session(role, identity["arn"].rpartition("/")[2], context.get("sourceIdentity"))
    if kind == "Root":
        return _creator("root", f"the root user of account {identity['accountId']}", person=False)
    if service and kind in ("AssumedRole", "AWSService"):
        return _creator(service, f"the service {service}", person=False)
    name = identity.get("userName") or identity.get("principalId", "").rpartition(":")[2] or "unknown"
    return _creator(name, f"{name} ({kind})", person=kind in ("IAMUser", "FederatedUser", "SAMLUser"))


def _of_session(role: str, name: str, source: str | None) -> dict[str, Any]:
    if role.startswith(IDENTITY_CENTER):
        permission_set = role.removeprefix(IDENTITY_CENTER).rpartition("_")[0]
        return _creator(name, f"{name} (IAM Identity Center, permission set {permission_set})", person=True)
    if source:
        return _creator(source, f"{source} (role {role}, session {name})", person=True)
    if UNNAMED.fullmatch(name):
        return _creator(f"role {role}", f"role {role} (session {name})", person=False)
    return _creator(name, f"{name} (role {role})", person="@" in name)


def _launched_by(session: Session, instance: str, attached: datetime) -> dict[str, Any] | None:
    """The identity in the event of the launch. One attribute narrows a lookup: the instance, for few events name it."""
    pages = session.client("cloudtrail").get_paginator("lookup_events").paginate(
        LookupAttributes=[{"AttributeKey": "ResourceName", "AttributeValue": instance}],
        StartTime=attached - BEFORE,
        EndTime=attached + AFTER,
    )  # fmt: skip
    for page in pages:
        for event in page["Events"]:
            if event["EventName"] == "RunInstances":
                found: dict[str, Any] = json.loads(event["CloudTrailEvent"])["userIdentity"]
                return found
    return None


def _creator(name: str, said: str, *, person: bool) -> dict[str, Any]:
    return {"name": name, "said": said, "person": person}


def _unknown(why: str, wait: int = 0) -> dict[str, Any]:
    return {"creator": None, "why": why, "wait": wait}
