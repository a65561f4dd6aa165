"""Every statement that Palisade deploys, reviewed: a statement that is taken away, or added, shows here.

What follows from the catalog is not listed: `test_policy_statements.py` asks for each action that a control grants.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from lambdas.controls import catalog
from operations.local_estate import PIPELINE
from simulator.iam.decision import StatementRef
from tests.organization.policy_world import TAKES_PART


def writes(controls: Iterable[str]) -> set[str]:
    """The actions that controls change something by."""
    return {grant.action for identifier in controls for grant in catalog()[identifier].grants}


# Kind of holder -> name of the policy -> Sids. Written as they stand in the deployed documents.
INVENTORY: dict[str, dict[str, tuple[str, ...]]] = {
    "role palisade-organization": {
        "trust policy": ("Pipeline",),
        "organization": (
            "CreateStackSet", "Delegate", "DelegateAccount", "Read", "ReadTree", "ServiceRoles", "StackSet",
        ),
    },
    "role palisade-deployment": {"trust policy": ("Pipeline",)},
    "policy palisade-deployment-member": {
        "managed": (
            "AttachOwnPolicies", "ConfigRules", "DecryptCode", "EndDetection", "EventRules", "Find", "Functions",
            "LogGroups", "NotItself", "PassToFunctions", "Policies", "Queues", "ReadCode", "Recorder", "RecorderPolicy",
            "Roles",
        ),
    },
    "policy palisade-deployment-hub": {
        "managed": (
            "Actions", "Alarms", "Buckets", "CreateEventSource", "CreateKey", "Dashboard", "Endpoint", "EventSources",
            "Key", "Objects", "Organization", "OrganizationTree", "PassToSteps", "SecurityHub", "SecurityHubObjects",
            "Steps", "Subscriptions", "Tables", "Topic",
        ),
    },
    "role palisade-policies": {
        "trust policy": ("Pipeline",),
        "policies": ("FindCode", "FindTable", "UseKey", "WriteOwnPolicies", "WriteSettings"),
        "organization": ("Organization", "OrganizationTree"),
    },
    "role palisade-remediation": {
        "trust policy": ("Service",),
        "remediation": (
            "AppendLargeEntries", "AppendLedger", "BeginSteps", "DecryptSettings", "EncryptLargeEntries",
            "EnterMembers", "FindUnits", "HeedStop", "KeepState", "LeaveToDigest", "ReadLargeEntries", "ReadPolicies",
            "ReadSettings", "SeeSteps", "TakeFindings", "Tell", "UpdateFindings", "UseKey", "WriteLogs",
            "WriteLogsOfSteps",
        ),
    },
    "role palisade-approve": {
        "trust policy": ("Service",),
        "palisade": (
            "AppendLedger", "DecryptSettings", "ReadCases", "ReadLargeEntries", "ReadSettings", "SetGoing", "UseKey",
            "WriteAnswers", "WriteLogs",
        ),
    },
    "role palisade-sweep": {
        "trust policy": ("Service",),
        "palisade": (
            "AskAgain", "DecryptSettings", "FindDue", "ForgetTold", "MoveCases", "ReadCases", "ReadFindings",
            "ReadLargeEntries", "ReadLedger", "ReadPolicies", "ReadSettings", "SetGoing", "SetNothingAside", "Tell",
            "UseKey", "WriteLogs",
        ),
    },
    "role palisade-advance-machine": {"trust policy": ("Service",), "palisade": ("MakeSteps",)},
    "role palisade-detect": {
        "trust policy": ("Service",),
        "detect": (
            "DecryptSettings", "GoOn", "ImportFindings", "PutEvaluations", "ReadEvaluations", "ReadFindings",
            "ReadSettings", "ReportFailures", "WriteLogs",
        ),
    },
    "role palisade-reader": {"trust policy": ("Hub",)},
    "role palisade-writer": {"trust policy": ("Hub",)},
    "policy palisade-boundary": {
        "managed": ("Catalog", "Organization", "OtherPolicies", "OwnResources", "OwnRoles", "Records"),
    },
    "role palisade-recorder": {"trust policy": ("Service",), "delivery": ("Deliver", "Encrypt")},
    "bucket palisade-code": {"resource policy": ("MembersRead", "OnlyTls")},
    "bucket palisade-ledger": {"resource policy": ("NothingIsDeleted", "OnlyNewEntries", "OnlyTls")},
    "bucket palisade-config": {"resource policy": ("OnlyTls", "RecordersDeliver", "RecordersFind")},
    "key": {"resource policy": ("AlarmsPublish", "HubAdministration", "Members")},
    "queue palisade-findings": {"resource policy": ("Rules",)},
    "queue palisade-findings-dlq": {"resource policy": ("Rules",)},
    "queue palisade-detect-dlq": {"resource policy": ("Rules",)},
    "topic palisade-notifications": {"resource policy": ("Alarms",)},
    "function palisade-detect": {"resource policy": ("compliance", "config", "reconcile")},
    "function palisade-sweep": {"resource policy": ("schedule",)},
}  # fmt: skip


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """Where a statement stands, in whichever account, Region and environment."""

    holder: str
    policy: str
    statement: str

    def __str__(self) -> str:
        return f"{self.holder}: {self.policy}: {self.statement}"


# What the local organisation cannot ask for, each with the reason.
UNPROVEN = {
    Place("role palisade-organization", "organization", "ServiceRoles"): (
        "Organizations and Security Hub make their service-linked roles by themselves here"
    ),
    Place("policy palisade-deployment-member", "managed", "AttachOwnPolicies"): (
        "what the controls that take part may do fits into one policy of a role; tests/components/test_limits.py asks "
        "for the statement where a catalog needs more"
    ),
}
# Actions that a statement lists and the loop does not use: whole holders that the engine uses to update, refresh
# and destroy, which the local deployment does not do, and single actions.
LIFECYCLE = frozenset(
    {
        "key", "policy palisade-deployment-hub", "policy palisade-deployment-member", "role palisade-organization",
        "role palisade-policies",
    }
)  # fmt: skip
UNUSED: dict[Place, dict[str, str]] = {
    Place("role palisade-recorder", "delivery", "Encrypt"): {
        "kms:Decrypt": "S3 asks for it where AWS Config delivers in several parts; the local one writes its check file",
    },
    # The boundary is one for the whole catalog.
    Place("policy palisade-boundary", "managed", "Catalog"): dict.fromkeys(
        writes(catalog()) - writes(TAKES_PART), "the control that needs it takes no part here"
    ),
}


def inventory() -> list[Place]:
    """Every listed statement."""
    return [
        Place(holder, policy, statement)
        for holder, policies in INVENTORY.items()
        for policy, statements in policies.items()
        for statement in statements
    ]


def generated(place: Place) -> bool:
    """Whether a statement follows from the catalog: the read and write grants of detection, reader and writer."""
    return re.fullmatch(r"(Read|Write)\d+[ab]*", place.statement) is not None


def place_of(ref: StatementRef) -> Place | None:
    """The place of a deployed statement; None where it is not Palisade's, such as a team's own key."""
    _, _, service, _, _, resource = ref.holder.split(":", 5)
    if service == "kms":
        return Place("key", ref.policy, ref.statement)
    kind = {"s3": "bucket", "sqs": "queue", "sns": "topic", "lambda": "function"}.get(service, "")
    name = resource.replace("function:", "").replace("/", " ")
    found = f"{kind} {name}".strip()
    if "palisade-" not in found or found == f"role {PIPELINE}":
        return None
    if service == "s3":
        found = re.sub(r"-\d{12}-[a-z0-9-]+$", "", found)
    if found.startswith("role palisade-policies-"):
        found = "role palisade-policies"
    found = re.sub(r"^(policy palisade-deployment-\w+)-\d+$", r"\1", found)
    # What outgrows the inline policy of one of these roles is attached to it.
    attached = re.fullmatch(r"policy palisade-(detect|reader|writer)-\d+", found)
    if attached:
        return Place(f"role palisade-{attached[1]}", attached[1], ref.statement)
    return Place(found, "managed" if found.startswith("policy ") else ref.policy, ref.statement)
