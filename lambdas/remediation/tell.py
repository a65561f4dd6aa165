"""Tell people: the note on the finding, and one message per outcome."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lambdas.controls.model import Severity
from lambdas.remediation.outcome import TOLD, WORKFLOW, Outcome, Result
from lambdas.remediation.request import Request

NOTE = 512
SUBJECT = 100
MESSAGE = 256 * 1024
AUTHOR = "palisade"


class FindingRefusedError(Exception):
    """Security Hub took the call but did not update the finding."""


@dataclass
class Voice:
    """Writes notes and messages from the hub's home Region."""

    security_hub: Any
    sns: Any
    topic: str

    def note(self, request: Request, result: Result) -> None:
        """Write the outcome on the finding; raises FindingRefusedError where Security Hub does not take it."""
        status = WORKFLOW.get(result.outcome)
        if status is None:
            return
        if status == "RESOLVED" and not request.ours:
            # A control finding of Security Hub turns PASSED, and so RESOLVED, by itself.
            status = "NOTIFIED"
        update: dict[str, Any] = {
            "FindingIdentifiers": [{"Id": request.finding["Id"], "ProductArn": request.finding["ProductArn"]}],
            "Workflow": {"Status": status},
            "Note": {"Text": f"{result.outcome.value}: {result.reason}"[:NOTE], "UpdatedBy": AUTHOR},
        }
        if result.outcome is Outcome.FAILED:
            update["Severity"] = {"Label": _raised(request.control.severity)}
        refused = self.security_hub.batch_update_findings(**update)["UnprocessedFindings"]
        if refused:
            raise FindingRefusedError(
                f"{request.finding['Id']}: {refused[0]['ErrorCode']} {refused[0]['ErrorMessage']}"
            )

    def publish(self, request: Request, result: Result, environment: str, owner_tag: str) -> None:
        """Send the message of an outcome that people should hear of."""
        if result.outcome not in TOLD:
            return
        self.sns.publish(
            TopicArn=self.topic,
            Subject=subject(request, result),
            Message=message(request, result, environment)[:MESSAGE],
            MessageAttributes={
                name: {"DataType": "String", "StringValue": value}
                for name, value in _attributes(request, result, environment, owner_tag).items()
                if value
            },
        )


def subject(request: Request, result: Result) -> str:
    """At most 100 printable ASCII characters, as Amazon SNS wants it."""
    resource = request.resource
    text = f"[{result.outcome.value}] {request.control.id} {resource.id} in {resource.account} {resource.region}"
    return re.sub(r"[^ -~]", "?", text)[:SUBJECT]


def message(request: Request, result: Result, environment: str) -> str:
    """What happened to which resource of whom, why, what changed, how to undo it."""
    resource, control = request.resource, request.control
    parts = [
        f"{control.id}: {control.title}",
        "",
        f"Outcome      {result.outcome.value}",
        f"Why          {result.reason}",
        f"Resource     {resource.arn}",
        f"Account      {resource.account} ({environment})",
        f"Region       {resource.region}",
        f"Severity     {control.severity.value}",
        f"Remediation  {request.id}",
        "",
        *result.lines,
        *([""] if result.lines else []),
        f"Impact: {control.impact}",
    ]
    return "\n".join(parts)


def _attributes(request: Request, result: Result, environment: str, owner_tag: str) -> Mapping[str, str]:
    tags = result.details.get("tags", {})
    return {
        "outcome": result.outcome.value,
        "control": request.control.id,
        "severity": request.control.severity.value,
        "account": request.resource.account,
        "region": request.resource.region,
        "environment": environment,
        "owner": str(tags.get(owner_tag, "")),
        "audience": ",".join(result.details.get("audience", ())),
        "remediation": request.id,
    }


def _raised(severity: Severity) -> str:
    order = list(Severity)
    return order[min(order.index(severity) + 1, len(order) - 1)].value
