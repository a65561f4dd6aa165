"""The detect function: its three roads, and that one resource or control never hinders another."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from lambdas import findings
from lambdas.controls.model import Verdict
from lambdas.detect import UnfinishedError, UnknownEventError
from lambdas.detection.config_rule import EvaluationRefusedError, UnknownMessageError
from lambdas.detection.detector import UnknownRuleError
from lambdas.detection.reconciliation import RUNS
from tests.lambdas.detection_world import CONTROL, Member, compliance_change, invocation, item, member
from tests.lambdas.remediation_requests import PLACE

GOOD, BAD, OUT = Verdict.COMPLIANT, Verdict.NON_COMPLIANT, Verdict.NOT_APPLICABLE
CHANGE = "ConfigurationItemChangeNotification"
RECONCILE = {"palisade": "reconcile"}
UNREADABLE = PermissionError("denied")


# The first road: AWS Config asks, and gets evaluations and nothing else.
@pytest.mark.parametrize(
    ("judged", "status", "left", "verdict"),
    [
        pytest.param(BAD, "OK", False, "NON_COMPLIANT", id="failing"),
        pytest.param(GOOD, "ResourceDiscovered", False, "COMPLIANT", id="discovered"),
        pytest.param(OUT, "OK", False, "NOT_APPLICABLE", id="not judged"),
        pytest.param(None, "OK", False, "NOT_APPLICABLE", id="gone since"),
        pytest.param(BAD, "ResourceDeleted", False, "NOT_APPLICABLE", id="deleted"),
        pytest.param(BAD, "OK", True, "NOT_APPLICABLE", id="left the scope"),
    ],
)
def test_a_changed_resource_is_read_live_and_evaluated(
    monkeypatch: pytest.MonkeyPatch, judged: Any, status: str, left: bool, verdict: str
) -> None:
    account = member(monkeypatch, a=judged)
    event = invocation(messageType=CHANGE, configurationItem=item("a", status), eventLeftScope=left)
    assert account.handle(event) == {"evaluations": 1}
    ((evaluation,),) = account.puts
    assert (evaluation["ComplianceType"], evaluation["ComplianceResourceType"]) == (verdict, CONTROL.resource_type)
    assert evaluation["OrderingTimestamp"] == datetime(2026, 1, 5, 9, tzinfo=UTC)
    assert 0 < len(evaluation["Annotation"]) <= 256
    assert account.kept == {}


def test_an_item_that_is_too_large_comes_as_a_summary(monkeypatch: pytest.MonkeyPatch) -> None:
    account = member(monkeypatch, a=BAD)
    account.handle(invocation(messageType=f"Oversized{CHANGE}", configurationItemSummary=item("a")))
    assert account.verdicts() == {"a": "NON_COMPLIANT"}


def scheduled() -> dict[str, Any]:
    return invocation(messageType="ScheduledNotification", notificationCreationTime="2026-01-05T09:00:00Z")


def test_a_schedule_evaluates_every_resource_by_hundreds_and_says_what_has_vanished(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    account = member(monkeypatch, **{str(number): BAD for number in range(150)})
    account.evaluated = ["3", "vanished"]
    assert account.handle(scheduled()) == {"evaluations": 151}
    assert [len(put) for put in account.puts] == [100, 51]
    assert account.verdicts()["vanished"] == "NOT_APPLICABLE"
    assert account.verdicts()["3"] == "NON_COMPLIANT"


def test_what_config_names_by_its_arn_is_read_by_its_id_and_evaluated_under_its_arn(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    arn = CONTROL.resource(PLACE, "a").arn
    gone = arn.replace("/a", "/b")
    by_arn = replace(CONTROL, named_by_arn=True, discover=lambda session, place: [CONTROL.resource(place, "a")])
    account = member(monkeypatch, by_arn, a=BAD)
    account.handle(invocation(messageType=CHANGE, configurationItem=item(arn)))
    assert account.verdicts() == {arn: "NON_COMPLIANT"}
    account.evaluated = [arn, gone]
    account.handle(scheduled())
    assert account.verdicts() == {arn: "NON_COMPLIANT", gone: "NOT_APPLICABLE"}
    account.handle(compliance_change(arn))
    assert account.statuses() == {"a": ("FAILED", "ACTIVE")}


def test_a_resource_that_cannot_be_read_has_no_verdict_and_hinders_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    account = member(monkeypatch, a=BAD, b=UNREADABLE, c=GOOD)
    account.evaluated = ["b"]
    with pytest.raises(ExceptionGroup) as raised:
        account.handle(scheduled())
    assert raised.value.exceptions == (UNREADABLE,)
    assert account.verdicts() == {"a": "NON_COMPLIANT", "c": "COMPLIANT"}


def test_a_change_that_cannot_be_read_is_an_error_and_never_a_verdict(monkeypatch: pytest.MonkeyPatch) -> None:
    account = member(monkeypatch, a=UNREADABLE)
    with pytest.raises(PermissionError):
        account.handle(invocation(messageType=CHANGE, configurationItem=item("a")))
    assert account.puts == []


def test_evaluations_that_config_refuses_are_an_error_after_all_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    account = member(monkeypatch, **{str(number): GOOD for number in range(150)})
    account.refused = ("7",)
    with pytest.raises(EvaluationRefusedError, match="refused the evaluations of 7"):
        account.handle(scheduled())
    assert [len(put) for put in account.puts] == [100, 50]


@pytest.mark.parametrize(
    ("event", "error"),
    [
        pytest.param(invocation(messageType="Other"), UnknownMessageError, id="message"),
        pytest.param({**invocation(messageType=CHANGE), "configRuleName": "x"}, UnknownRuleError, id="rule"),
        pytest.param(compliance_change("a", "palisade-of-others"), UnknownRuleError, id="rule of an event"),
        pytest.param({"detail-type": "Something else"}, UnknownEventError, id="event"),
        pytest.param({}, UnknownEventError, id="nothing"),
    ],
)
def test_what_detection_does_not_know_it_raises(
    monkeypatch: pytest.MonkeyPatch, event: dict[str, Any], error: type[Exception]
) -> None:
    with pytest.raises(error):
        member(monkeypatch, a=BAD).handle(event)


# The second road: compliance changed.
def test_a_compliance_change_imports_what_the_live_resource_says(monkeypatch: pytest.MonkeyPatch) -> None:
    account = member(monkeypatch, a=BAD)
    account.handle(compliance_change("a"))
    assert account.statuses() == {"a": ("FAILED", "ACTIVE")}
    account.resources["a"] = GOOD
    account.handle(compliance_change("a"))
    assert account.statuses() == {"a": ("PASSED", "ACTIVE")}
    assert account.puts == []


@pytest.mark.parametrize("judged", [None, OUT])
def test_what_is_gone_or_not_judged_is_archived_and_needs_no_finding_of_its_own(
    monkeypatch: pytest.MonkeyPatch, judged: Any
) -> None:
    account = member(monkeypatch, a=BAD, b=judged)
    account.handle(compliance_change("a"))
    account.resources["a"] = judged
    account.handle(compliance_change("a"))
    account.handle(compliance_change("b"))
    assert account.statuses() == {"a": ("FAILED", "ARCHIVED")}


def test_the_same_event_twice_imports_once(monkeypatch: pytest.MonkeyPatch) -> None:
    account = member(monkeypatch, a=BAD)
    for _ in range(3):
        account.handle(compliance_change("a"))
    assert account.imports == [1]


def test_of_two_runs_that_overlap_the_one_that_read_last_prevails(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first reads a failing resource, is slow, and imports after the second has seen it mended."""
    account = member(monkeypatch, a=BAD)
    account.handle(compliance_change("a"))

    def slow(settings: Any, parameters: Any) -> Any:
        monkeypatch.undo()
        account.resources["a"] = GOOD
        quick = member_again(account)
        quick.handle(compliance_change("a"))
        return CONTROL.evaluate({"Verdict": OUT}, parameters)

    def member_again(known: Member) -> Member:
        again = member(monkeypatch)
        again.resources, again.kept = known.resources, known.kept
        return again

    monkeypatch.setattr("lambdas.detection.detector.catalog", lambda: {CONTROL.id: replace(CONTROL, evaluate=slow)})
    account.handle(compliance_change("a"))
    assert account.statuses() == {"a": ("PASSED", "ACTIVE")}


# The third road: the schedule.
def test_reconciling_finds_what_events_missed_and_then_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    account = member(monkeypatch, a=BAD, b=GOOD, c=OUT)
    assert account.handle(RECONCILE) == {"findings": 2}
    assert account.statuses() == {"a": ("FAILED", "ACTIVE"), "b": ("PASSED", "ACTIVE")}
    assert account.handle(RECONCILE) == {"findings": 0}
    account.resources |= {"a": GOOD, "b": OUT}
    assert account.handle(RECONCILE) == {"findings": 2}
    assert account.statuses() == {"a": ("PASSED", "ACTIVE"), "b": ("PASSED", "ARCHIVED")}


@pytest.mark.parametrize(("age", "sent"), [(29, 0), (31, 1)])
def test_a_finding_is_sent_again_before_security_hub_forgets_it(
    monkeypatch: pytest.MonkeyPatch, age: int, sent: int
) -> None:
    account = member(monkeypatch, a=BAD)
    account.handle(RECONCILE)
    (finding,) = account.kept.values()
    finding["UpdatedAt"] = findings.moment(datetime.now(UTC) - timedelta(days=age))
    assert account.handle(RECONCILE) == {"findings": sent}


def test_findings_are_sent_by_hundreds(monkeypatch: pytest.MonkeyPatch) -> None:
    account = member(monkeypatch, **{str(number): BAD for number in range(250)})
    assert account.handle(RECONCILE) == {"findings": 250}
    assert account.imports == [100, 100, 50]


def test_the_finding_of_what_has_vanished_is_archived_and_of_what_is_only_not_listed_is_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    account = member(monkeypatch, gone=BAD, unlisted=BAD)
    account.handle(RECONCILE)
    account.hidden = {"unlisted": BAD}
    account.resources.clear()
    assert account.handle(RECONCILE) == {"findings": 1}
    assert account.statuses() == {"gone": ("FAILED", "ARCHIVED"), "unlisted": ("FAILED", "ACTIVE")}
    assert account.handle(RECONCILE) == {"findings": 0}


def test_a_finding_that_somebody_forged_is_archived_and_does_not_take_the_real_one_along(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    account = member(monkeypatch, a=BAD)
    account.handle(RECONCILE)
    (real,) = account.kept.values()
    account.kept["forged"] = {**real, "Id": "forged"}
    assert account.handle(RECONCILE) == {"findings": 1}
    assert account.kept["forged"]["RecordState"] == "ARCHIVED"
    assert account.kept[real["Id"]]["RecordState"] == "ACTIVE"


def test_a_resource_that_cannot_be_read_keeps_its_finding_hinders_no_other_and_is_raised(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    account = member(monkeypatch, a=BAD, b=BAD, c=BAD)
    account.handle(RECONCILE)
    account.resources |= {"a": UNREADABLE, "b": GOOD}
    del account.resources["c"]
    with pytest.raises(ExceptionGroup, match="reconciliation failed for some controls"):
        account.handle(RECONCILE)
    assert account.statuses() == {"a": ("FAILED", "ACTIVE"), "b": ("PASSED", "ACTIVE"), "c": ("FAILED", "ARCHIVED")}


def test_a_control_that_cannot_list_its_resources_hinders_no_other_control(monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(session: Any, place: Any) -> Any:
        raise UNREADABLE

    account = member(monkeypatch, a=BAD)
    broken = replace(CONTROL, id="Broken.1", discover=denied)
    both = {"Broken.1": broken, CONTROL.id: CONTROL}
    monkeypatch.setattr("lambdas.detection.detector.catalog", lambda: both)
    monkeypatch.setattr(
        "lambdas.environment.Environment.settings",
        lambda self, session: {"controls": {name: {"parameters": {}, "rule": name} for name in both}},
    )
    with pytest.raises(ExceptionGroup):
        account.handle(RECONCILE)
    assert account.statuses() == {"a": ("FAILED", "ACTIVE")}


def test_findings_that_security_hub_refuses_are_raised_after_all_others(monkeypatch: pytest.MonkeyPatch) -> None:
    account = member(monkeypatch, a=BAD, b=BAD)
    account.refused = (findings.finding_id(CONTROL, CONTROL.resource(PLACE, "a")),)
    with pytest.raises(ExceptionGroup):
        account.handle(RECONCILE)
    assert account.statuses() == {"b": ("FAILED", "ACTIVE")}


# A reconciliation that one run does not finish.
def test_a_run_whose_time_ends_goes_on_in_another_where_it_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    account = member(monkeypatch, **{str(number): BAD for number in range(250)})
    account.patience = 90
    assert account.reconcile() == [{"findings": 90}, {"findings": 90}, {"findings": 70}]
    assert len(account.kept) == account.judged_count == 250
    assert account.invoked == []


def test_findings_of_what_has_vanished_have_their_place_in_the_order(monkeypatch: pytest.MonkeyPatch) -> None:
    account = member(monkeypatch, **{str(number): BAD for number in range(40)})
    account.reconcile()
    for number in range(20):
        del account.resources[str(number)]
    account.judged_count, account.patience = 0, 7
    answers = account.reconcile()
    assert sum(one["findings"] for one in answers) == 20
    assert len(answers) == 6
    assert account.judged_count == 40
    assert sorted(state for _, state in account.statuses().values()) == ["ACTIVE"] * 20 + ["ARCHIVED"] * 20


def test_a_run_without_time_still_judges_one_resource(monkeypatch: pytest.MonkeyPatch) -> None:
    account = member(monkeypatch, a=BAD, b=BAD, c=BAD)
    account.patience = 0
    assert [one["findings"] for one in account.reconcile()] == [1, 1, 1, 0]


def test_a_chain_of_runs_ends_whatever_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    account = member(monkeypatch, **{str(number): BAD for number in range(50)})
    account.patience = 1
    with pytest.raises(UnfinishedError, match=r"not done after 12 runs; EC2\.13"):
        account.reconcile()
    assert len(account.kept) == RUNS
    assert account.invoked == []


def test_an_error_of_an_early_run_starts_no_second_chain_and_is_raised_by_the_last(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    account = member(monkeypatch, **{str(number): UNREADABLE for number in range(10)})
    account.resources |= {f"b{number}": BAD for number in range(10)}
    account.patience = 15
    account.handle(RECONCILE)
    (follows,) = account.invoked
    assert follows["from"]["failed"] == [CONTROL.id]
    account.resources = dict.fromkeys(account.resources, BAD)
    with pytest.raises(ExceptionGroup, match="reconciliation failed for some controls"):
        account.handle(follows)


def test_a_control_that_is_no_longer_detected_does_not_lose_the_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    account = member(monkeypatch, a=BAD)
    assert account.handle({**RECONCILE, "from": {"control": "Gone.1", "run": 2}}) == {"findings": 1}
