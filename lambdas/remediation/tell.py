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
# Bytes, of the 256 KB that Amazon SNS takes with attributes.
MESSAGE = 250_000
AUTHOR = "palisade"
# Error codes of BatchUpdateFindings after which asking again is of no use.
FOR_GOOD = frozenset({"FindingNotFound", "FindingSizeExceeded"})


class FindingRefusedError(Exception):
    """Security Hub took the call but did not update the finding."""


@dataclass
class Voice:
    """Writes notes and messages from the hub's home Region."""

    security_hub: Any
    sns: Any
    topic: str

    def note(self, request: Request, result: Result) -> str | None:
        """Write the outcome on the finding.

        Returns why there is no note where the finding can never have one: it has expired, or was never there.
        Raises FindingRefusedError where Security Hub may take it another time.
        """
        status = WORKFLOW.get(result.outcome)
        if status is None:
            return None
        if status == "RESOLVED" and not request.ours:
            # A control finding of Security Hub turns PASSED, and so RESOLVED, by itself.
            status = "NOTIFIED"
        update: dict[str, Any] = {
            "FindingIdentifiers": [{"Id": request.finding["Id"], "ProductArn": request.finding["ProductArn"]}],
            "Workflow": {"Status": status},
            "Note": {"Text": f"{result.outcome.value}: {result.reason}"[:NOTE], "UpdatedBy": AUTHOR},
        }
        severity = _severity(request, result, status)
        if severity is not None:
            update["Severity"] = {"Label": severity}
        refused = self.security_hub.batch_update_findings(**update)["UnprocessedFindings"]
        if not refused:
            return None
        reason = f"{refused[0]['ErrorCode']} {refused[0]['ErrorMessage']}"
        if refused[0]["ErrorCode"] not in FOR_GOOD:
            raise FindingRefusedError(f"{request.finding['Id']}: {reason}")
        return reason

    def publish(self, request: Request, result: Result, environment: str, owner_tag: str) -> None:
        """Send the message of an outcome that people should hear of."""
        if result.outcome not in TOLD:
            return
        text = message(request, result, environment)
        self.say(subject(request, result), text, _attributes(request, result, environment, owner_tag))

    def say(self, subject: str, text: str, attributes: Mapping[str, str]) -> None:
        """Send one message; a subject is at most 100 printable ASCII characters, as Amazon SNS wants it."""
        self.sns.publish(
            TopicArn=self.topic,
            Subject=re.sub(r"[^ -~]", "?", subject)[:SUBJECT],
            Message=_fitting(text),
            MessageAttributes={
                name: {"DataType": "String", "StringValue": value} for name, value in attributes.items() if value
            },
        )


def subject(request: Request, result: Result) -> str:
    """What happened to which resource, and where."""
    resource = request.resource
    return f"[{result.outcome.value}] {request.control.id} {resource.id} in {resource.account} {resource.region}"


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


def _fitting(text: str) -> str:
    encoded = text.encode()
    if len(encoded) <= MESSAGE:
        return text
    return encoded[:MESSAGE].decode(errors="ignore") + "\n(shortened; the ledger has the whole)"


def _severity(request: Request, result: Result, status: str) -> str | None:
    """Raise the severity of what failed; take it back when the finding is resolved, for an import no longer can."""
    raised = _raised(request.control.severity)
    if result.outcome is Outcome.FAILED:
        return raised
    shown = request.finding.get("Severity")
    was_raised = isinstance(shown, Mapping) and shown.get("Label") == raised
    return request.control.severity.value if status == "RESOLVED" and was_raised else None


def _raised(severity: Severity) -> str:
    order = list(Severity)
    return order[min(order.index(severity) + 1, len(order) - 1)].value
