"""IAM users and roles: who they are, what is attached to them, and whether they administer the account.

Source: IAM User Guide, "IAM identifiers" (a principal made anew under a name has another unique id), "Service-linked
roles", and "Job functions: administrator"; IAM API Reference, GetUser, GetRole.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from lambdas.answers import absent
from lambdas.controls.model import Grant
from lambdas.services.resource_policies import listed

if TYPE_CHECKING:
    from boto3 import Session

# What changes here would lock people or AWS out, by the path of the principal.
LINKED, SINGLE_SIGN_ON = "/aws-service-role/", "/aws-reserved/"
USERS, ROLES, GROUPS = (f"arn:{{partition}}:iam::{{account}}:{kind}/*" for kind in ("user", "role", "group"))
POLICIES = ("arn:{partition}:iam::{account}:policy/*", "arn:{partition}:iam::aws:policy/*")
GRANTS = (
    *(Grant(f"iam:{action}", (USERS,)) for action in ("GetUser", "ListGroupsForUser")),
    Grant("iam:GetRole", (ROLES,)),
    *(
        Grant(action.format(kind), (arns,))
        for kind, arns in (("User", USERS), ("Role", ROLES), ("Group", GROUPS))
        for action in ("iam:ListAttached{}Policies", "iam:List{}Policies", "iam:Get{}Policy")
    ),
    Grant("iam:GetPolicy", POLICIES),
    Grant("iam:GetPolicyVersion", POLICIES),
)
Document = Mapping[str, Any]


def read(session: Session, identifier: str) -> dict[str, Any] | None:
    """Read a principal by its kind and name (`user/alice`, `role/web`, `root`); None where it is gone."""
    kind, _, name = identifier.partition("/")
    if kind == "root":
        return {"Kind": kind, "Name": kind, "Id": None, "Arn": None, "Path": "/", "Tags": [], "Attached": []}
    iam: Any = session.client("iam")
    title, asked = kind.capitalize(), {f"{kind.capitalize()}Name": name}
    with absent("NoSuchEntity"):
        found = getattr(iam, f"get_{kind}")(**asked)[title]
        attached = _attached(iam, kind, name)
        return {
            "Kind": kind,
            "Name": name,
            "Id": found[f"{title}Id"],
            "Arn": found["Arn"],
            "Path": found["Path"],
            "Tags": found.get("Tags", []),
            "Attached": attached,
            "Administers": administers(_documents(iam, kind, name, attached)),
        }
    return None


def _attached(iam: Any, kind: str, name: str) -> list[str]:
    pages = iam.get_paginator(f"list_attached_{kind}_policies").paginate(**{f"{kind.capitalize()}Name": name})
    return sorted(one["PolicyArn"] for page in pages for one in page["AttachedPolicies"])


def _documents(iam: Any, kind: str, name: str, attached: Iterable[str]) -> Iterator[Document]:
    """Every policy of a principal, a user's groups' too."""
    for arn in attached:
        version = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
        yield iam.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]["Document"]
    asked = {f"{kind.capitalize()}Name": name}
    for page in iam.get_paginator(f"list_{kind}_policies").paginate(**asked):
        for one in page["PolicyNames"]:
            yield getattr(iam, f"get_{kind}_policy")(**asked, PolicyName=one)["PolicyDocument"]
    if kind == "user":
        for page in iam.get_paginator("list_groups_for_user").paginate(UserName=name):
            for group in page["Groups"]:
                yield from _documents(iam, "group", group["GroupName"], _attached(iam, "group", group["GroupName"]))


def administers(documents: Iterable[Document]) -> bool:
    """Whether policies allow everything, or everything of IAM, on everything: who holds them can take the rest."""
    return any(_administers(one) for document in documents for one in listed(document.get("Statement")))


def _administers(statement: Document) -> bool:
    # All resources but some are as good as all: no list of exceptions is weighed.
    everywhere = "NotResource" in statement or "*" in listed(statement.get("Resource"))
    if statement.get("Effect") != "Allow" or not everywhere:
        return False
    if "NotAction" in statement:
        return not any(_is_iam(one) for one in listed(statement["NotAction"]))
    return any(one in ("*", "*:*") or one.lower() == "iam:*" for one in listed(statement.get("Action")))


def _is_iam(action: str) -> bool:
    return re.fullmatch(r"(iam|\*):\*|\*", action.lower()) is not None


def why_untouchable(principal: Mapping[str, Any]) -> str | None:
    """Why a principal must not lose its permissions by us; None where it may.

    No tag exempts, for whoever is reported may have set it. The roles of the deployment itself are out of reach of the
    writer: its boundary denies IAM on them.
    """
    if principal["Kind"] == "root":
        return "the root user has no policies: only a service control policy or its owner's e-mail address contains it"
    if principal["Path"].startswith(LINKED):
        return "it is a service-linked role, which AWS alone changes: contain what makes the service act"
    if principal["Path"].startswith(SINGLE_SIGN_ON):
        return "it is a role of IAM Identity Center: end the sessions and the assignment there"
    if principal["Administers"]:
        return "it administers the account, and may be the last one who can: a person decides"
    return None
