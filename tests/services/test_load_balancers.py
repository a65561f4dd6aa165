"""Verdicts and plans of both controls for unused load balancers, on settings alone."""

from __future__ import annotations

from typing import Any

import pytest

from lambdas.controls.classic_load_balancer_used import CONTROL as CLASSIC
from lambdas.controls.load_balancer_used import CONTROL as OTHERS
from lambdas.controls.model import READ_AT, Control, Place, Plan, Refusal, Verdict

PLACE = Place("aws-cn", "111122223333", "cn-north-1")
NAME = {"classic": "old", "application": "app/web/0123456789abcdef", "gateway": "gwy/web/0123456789abcdef"}
METRICS = {
    "classic": ("RequestCount", ""),
    "application": ("RequestCount", "ActiveConnectionCount"),
    "gateway": ("NewFlowCount", "ActiveFlowCount"),
}


def settings(kind: str = "application", *, served: str | None = None, open_: str | None = None, **more: Any) -> Any:
    """A load balancer of a year, read on the 5th of March at noon."""
    return {
        "Name": "web",
        "Type": kind,
        "DNSName": None if kind == "gateway" else "web.example",
        "CreatedTime": "2025-03-05T12:00:00+00:00",
        "Zones": 3,
        "DeletionProtection": False,
        "Targets": 2,
        "AnswersItself": False,
        "LastTraffic": dict(zip(METRICS[kind], (served, open_), strict=True)),
        "Tags": [],
        READ_AT: "2026-03-05T12:00:00+00:00",
        **more,
    }


def control_of(kind: str) -> Control:
    return CLASSIC if kind == "classic" else OTHERS


def planned(kind: str, given: dict[str, Any], delete: bool = True) -> Plan | Refusal:
    control = control_of(kind)
    return control.plan(control.resource(PLACE, NAME[kind]), given, {"days": 30, "delete": delete}, {})


@pytest.mark.parametrize("kind", NAME)
@pytest.mark.parametrize(
    ("last", "verdict"),
    [
        (None, Verdict.NON_COMPLIANT),
        ("2025-12-01", Verdict.NON_COMPLIANT),
        ("2026-02-02", Verdict.NON_COMPLIANT),
        # Its traffic may have come at the end of the day.
        ("2026-02-03", Verdict.COMPLIANT),
        ("2026-03-05", Verdict.COMPLIANT),
    ],
)
def test_traffic_counts_to_the_end_of_its_day(kind: str, last: str | None, verdict: Verdict) -> None:
    given = settings(kind, served=last)
    assert control_of(kind).evaluate(given, {"days": 30}).verdict is verdict


@pytest.mark.parametrize(
    ("created", "verdict"),
    [
        ("2026-02-03T12:00:00+00:00", Verdict.NON_COMPLIANT),
        ("2026-02-03T12:00:01+00:00", Verdict.COMPLIANT),
    ],
)
def test_a_load_balancer_younger_than_the_window_is_not_unused(created: str, verdict: Verdict) -> None:
    for kind in NAME:
        assert control_of(kind).evaluate(settings(kind, CreatedTime=created), {"days": 30}).verdict is verdict


@pytest.mark.parametrize(
    ("kind", "targets", "answers", "verdict"),
    [
        ("application", 1, False, Verdict.COMPLIANT),
        ("application", 0, False, Verdict.NON_COMPLIANT),
        ("application", 0, True, Verdict.COMPLIANT),
        ("gateway", 0, False, Verdict.COMPLIANT),
    ],
)
def test_what_is_only_open_is_use_where_somebody_answers(
    kind: str, targets: int, answers: bool, verdict: Verdict
) -> None:
    given = settings(kind, open_="2026-03-05", Targets=targets, AnswersItself=answers)
    assert control_of(kind).evaluate(given, {"days": 30}).verdict is verdict


def test_a_classic_load_balancer_without_targets_is_judged_by_its_requests() -> None:
    given = settings("classic", served="2026-03-05", Targets=0)
    assert CLASSIC.evaluate(given, {"days": 30}).verdict is Verdict.COMPLIANT


@pytest.mark.parametrize("kind", NAME)
def test_a_plan_tells_only_unless_the_parameter_says_more_and_says_what_it_costs(kind: str) -> None:
    told, deletes = planned(kind, settings(kind, served="2025-12-01"), delete=False), planned(kind, settings(kind))
    assert isinstance(told, Plan)
    assert isinstance(deletes, Plan)
    assert (told.changes, told.removes, deletes.removes) == ((), False, True)
    cost = {"classic": "$18.25", "application": "$16.43", "gateway": "$27.38"}[kind]
    for plan in (told, deletes):
        assert f"{cost} a month, an estimate" in plan.message
    assert "since 2025-12-01" in told.message
    assert told.message.startswith({"gateway": "Gateway Load Balancer web has"}.get(kind, f"{kind.title()} Load"))
    (change,) = deletes.changes
    assert change.grants[0].resources == (control_of(kind).resource(PLACE, NAME[kind]).arn,)
    assert change.irreversible
    assert "no target is registered" in planned_message(kind, Targets=0)


def planned_message(kind: str, **more: Any) -> str:
    plan = planned(kind, settings(kind, **more))
    assert isinstance(plan, Plan)
    return plan.message


@pytest.mark.parametrize("kind", NAME)
@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"DeletionProtection": True}, "deletion protection is on"),
        ({"Tags": [{"Key": "elbv2.k8s.aws/cluster", "Value": "blue"}]}, "Kubernetes (cluster blue) owns it"),
        ({"Tags": [{"Key": "kubernetes.io/cluster/red", "Value": "owned"}]}, "Kubernetes (cluster red) owns it"),
        ({"Tags": [{"Key": "eks:cluster-name", "Value": "green"}]}, "Kubernetes (EKS cluster green) owns it"),
        (
            {"Tags": [{"Key": "elasticbeanstalk:environment-name", "Value": "shop"}]},
            "Elastic Beanstalk (environment shop) owns it",
        ),
    ],
)
def test_what_is_protected_or_kept_by_others_is_told_and_not_deleted(kind: str, more: Any, reason: str) -> None:
    refusal = planned(kind, settings(kind, **more))
    assert isinstance(refusal, Refusal)
    assert refusal.reason.startswith(reason)
    assert isinstance(planned(kind, settings(kind, **more), delete=False), Plan)


@pytest.mark.parametrize(
    "tag",
    [
        {"Key": "kubernetes.io/cluster/red", "Value": "shared"},
        {"Key": "aws:cloudformation:stack-name", "Value": "web"},
    ],
)
def test_tags_of_others_keep_nothing(tag: Any) -> None:
    for kind in NAME:
        assert isinstance(planned(kind, settings(kind, Tags=[tag])), Plan)
