"""Tell people: the note on the finding, and one message per outcome."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lambdas.controls.model import Severity
from lambdas.remediation import messages
from lambdas.remediation.messages import Message
from lambdas.remediation.outcome import TOLD, WORKFLOW, Outcome, Result
from lambdas.remediation.request import Request

NOTE = 512
# Values of the setting `messageFormat`.
TEXT, CHAT = "text", "chat"
SUBJECT = 100
AUTHOR = "palisade"
# Error codes of BatchUpdateFindings after which asking again is of no use.
FOR_GOOD = frozenset({"FindingNotFound", "FindingSizeExceeded"})


class FindingRefusedError(Exception):
    """Security Hub took the call but did not update the finding."""


@dataclass
class Voice:
    """Writes notes and messages from the hub's home Region, as text or (`form`) for a chat."""

    security_hub: Any
    sns: Any
    topic: str
    form: str = TEXT

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
        if result.outcome in TOLD:
            home_region = self.topic.split(":")[3]
            self._send(messages.of_result(request, result, environment, owner_tag, home_region))

    def say(self, subject: str, lines: Sequence[str], attributes: Mapping[str, str]) -> None:
        """Send a message that is no outcome."""
        self._send(messages.of_lines(subject, lines, attributes))

    def _send(self, message: Message) -> None:
        """Send one message; a subject is at most 100 printable ASCII characters, as Amazon SNS wants it."""
        self.sns.publish(
            TopicArn=self.topic,
            Subject=re.sub(r"[^ -~]", "?", message.subject)[:SUBJECT],
            Message=message.chat() if self.form == CHAT else message.text(),
            MessageAttributes={
                name: {"DataType": "String", "StringValue": value} for name, value in message.attributes.items()
            },
        )


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
