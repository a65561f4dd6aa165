"""What people are told: the note and state of the finding, and the message with its limits."""

from __future__ import annotations

from typing import Any

import pytest

from lambdas.remediation import messages
from lambdas.remediation.outcome import TOLD, WORKFLOW, Outcome, Result
from lambdas.remediation.tell import FindingRefusedError, Voice
from tests.lambdas.remediation_requests import ACCOUNT, REGION, S3, SSH, finding, request

TOPIC = f"arn:aws:sns:{REGION}:200000000002:palisade-notifications"
# DESIGN, section 4: the outcome, the state of our own finding, whether people get a message.
TABLE = [
    (Outcome.OFF, None, False),
    (Outcome.INVALID, None, False),
    (Outcome.GONE, None, False),
    (Outcome.NOT_APPLICABLE, None, False),
    (Outcome.NOTIFIED, "NOTIFIED", True),
    (Outcome.DRY_RUN, "NOTIFIED", True),
    (Outcome.AWAITING_APPROVAL, "NOTIFIED", True),
    (Outcome.REFUSED, "NOTIFIED", True),
    (Outcome.LIMITED, "NOTIFIED", True),
    (Outcome.FAILED, "NOTIFIED", True),
    (Outcome.EXEMPTED, "SUPPRESSED", False),
    (Outcome.ALREADY_COMPLIANT, "RESOLVED", False),
    (Outcome.REMEDIATED, "RESOLVED", True),
    (Outcome.REJECTED, "NOTIFIED", True),
    (Outcome.APPROVAL_EXPIRED, "NOTIFIED", True),
    (Outcome.IN_PROGRESS, "NOTIFIED", True),
    (Outcome.UNDONE, "NOTIFIED", True),
    (Outcome.EXEMPTION_REQUESTED, None, True),
]


class Hub:
    """Security Hub and SNS as far as they are spoken to; `error` is how updates fail."""

    def __init__(self, error: str | None = None) -> None:
        self.error = error
        self.updates: list[dict[str, Any]] = []
        self.messages: list[dict[str, Any]] = []

    def batch_update_findings(self, **update: Any) -> dict[str, Any]:
        self.updates.append(update)
        failed = [{"ErrorCode": self.error, "ErrorMessage": "m"}] if self.error else []
        return {"UnprocessedFindings": failed}

    def publish(self, **sent: Any) -> None:
        self.messages.append(sent)


def told(outcome: Outcome, asked: Any = None, reason: str = "why", **result: Any) -> Hub:
    hub = Hub()
    voice = Voice(hub, hub, TOPIC)
    asked = asked or request()
    voice.note(asked, Result(outcome, reason, **result))
    voice.publish(asked, Result(outcome, reason, **result), "production", "Owner")
    return hub


def test_the_table_speaks_of_every_outcome() -> None:
    assert {outcome for outcome, _, _ in TABLE} == set(Outcome)
    assert set(WORKFLOW) | TOLD <= set(Outcome)


@pytest.mark.parametrize(("outcome", "status", "heard"), TABLE)
def test_each_outcome_gives_the_finding_its_state_and_people_at_most_one_message(
    outcome: Outcome, status: str | None, heard: bool
) -> None:
    hub = told(outcome)
    assert [one["Workflow"]["Status"] for one in hub.updates] == ([] if status is None else [status])
    assert len(hub.messages) == heard


THEIRS = {
    "GeneratorId": "security-control/EC2.13",
    "ProductArn": f"arn:aws:securityhub:{REGION}::product/aws/securityhub",
    "Compliance": {"Status": "FAILED", "SecurityControlId": "EC2.13"},
}


@pytest.mark.parametrize("outcome", [Outcome.REMEDIATED, Outcome.ALREADY_COMPLIANT])
def test_a_finding_of_security_hub_is_never_resolved_by_us(outcome: Outcome) -> None:
    (update,) = told(outcome, request(**THEIRS)).updates
    assert update["Workflow"]["Status"] == "NOTIFIED"


def test_the_severity_is_raised_on_failure_alone() -> None:
    assert "Severity" not in told(Outcome.REFUSED).updates[0]
    assert told(Outcome.FAILED).updates[0]["Severity"] == {"Label": "CRITICAL"}
    assert told(Outcome.FAILED, request("bucket", control=S3)).updates[0]["Severity"] == {"Label": "HIGH"}


def test_a_raised_severity_is_taken_back_when_the_finding_is_resolved() -> None:
    """What BatchUpdateFindings has set, no import sets any more."""
    raised = request(Severity={"Label": "CRITICAL"})
    assert told(Outcome.REMEDIATED, raised).updates[0]["Severity"] == {"Label": "HIGH"}
    assert "Severity" not in told(Outcome.REMEDIATED, request(Severity={"Label": "HIGH"})).updates[0]
    assert "Severity" not in told(Outcome.NOTIFIED, raised).updates[0]


def test_a_note_fits_into_512_characters() -> None:
    (update,) = told(Outcome.FAILED, reason="x" * 2000).updates
    assert len(update["Note"]["Text"]) == 512
    assert update["Note"]["Text"].startswith("failed: xxx")


@pytest.mark.parametrize("code", ["FindingNotFound", "FindingSizeExceeded"])
def test_a_finding_that_can_have_no_note_does_not_hold_up_its_outcome(code: str) -> None:
    hub = Hub(code)
    assert Voice(hub, hub, TOPIC).note(request(), Result(Outcome.REMEDIATED, "r")) == f"{code} m"


@pytest.mark.parametrize("code", ["ConcurrentUpdateError", "InternalFailure", "Something"])
def test_an_update_that_may_succeed_another_time_is_an_error(code: str) -> None:
    hub = Hub(code)
    voice = Voice(hub, hub, TOPIC)
    with pytest.raises(FindingRefusedError, match=code):
        voice.note(request(), Result(Outcome.REMEDIATED, "r"))


@pytest.mark.parametrize(
    "name", [pytest.param("b" * 63, id="long"), pytest.param("bücket\nname", id="neither ASCII nor one line")]
)
def test_a_subject_is_what_sns_takes(name: str) -> None:
    """At most 100 ASCII characters without line breaks, beginning with a letter, a digit or punctuation."""
    asked = request("bucket", control=S3)
    odd = type(asked)(asked.id, asked.control, S3.resource(asked.resource.place, name), asked.finding)
    hub = Hub()
    Voice(hub, hub, TOPIC).publish(odd, Result(Outcome.AWAITING_APPROVAL, "r"), "production", "Owner")
    said = hub.messages[0]["Subject"]
    assert len(said) <= 100
    assert said.isascii()
    assert said.isprintable()
    assert said.startswith("[awaiting-approval] Palisade.S3.1 ")


def test_a_message_says_what_happened_to_what_of_whom_and_why() -> None:
    result = Result(Outcome.REMEDIATED, "because", lines=("1. the call", "   undo: the other"))
    said = messages.of_result(request(), result, "production", "Owner", REGION).text()
    resource = request().resource
    parts = (SSH.title, "remediated", "because", resource.arn, ACCOUNT, "production", REGION, SSH.impact, request().id)
    assert [part for part in (*parts, "1. the call", "undo: the other") if part not in said] == []


def test_a_message_fits_into_what_sns_takes_in_bytes() -> None:
    (sent,) = told(Outcome.NOTIFIED, lines=("ü" * 300_000,)).messages
    assert len(sent["Message"].encode()) < 256 * 1024 - 4096
    assert sent["Message"].endswith("(shortened; the ledger has the whole)")


def test_attributes_let_a_subscriber_filter_and_none_is_empty() -> None:
    details = {"tags": {"Owner": "team-a"}, "audience": ("owner", "operations")}
    (sent,) = told(Outcome.FAILED, details=details).messages
    assert {name: value["StringValue"] for name, value in sent["MessageAttributes"].items()} == {
        "outcome": "failed",
        "control": "EC2.13",
        "severity": "HIGH",
        "account": ACCOUNT,
        "region": REGION,
        "environment": "production",
        "owner": "team-a",
        "audience": "owner,operations",
        "remediation": request().id,
    }
    (bare,) = told(Outcome.FAILED).messages
    assert "owner" not in bare["MessageAttributes"]
    assert all(value["StringValue"] for value in bare["MessageAttributes"].values())


def test_a_note_goes_to_the_finding_that_asked() -> None:
    (update,) = told(Outcome.REMEDIATED).updates
    assert update["FindingIdentifiers"] == [{name: finding()[name] for name in ("Id", "ProductArn")}]
